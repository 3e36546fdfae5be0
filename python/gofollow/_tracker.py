"""Turns engine events into callbacks: which stream, which callback, in which order."""

import os
import struct
import sys
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from itertools import count
from threading import get_ident
from typing import Any

from ._engine import CONNECTION, EVENT, REASON_AT, STREAMS, Engine
from ._events import CLOSED, DATA, GAP, GAP_REASONS, OPENED, copy_facts
from ._native import MEMORY, constant
from ._said import KEEP_ALL, Facts, Gap, OneSide, Whole, make_said
from .errors import UsageError
from .stream import TCPStream

Callback = Callable[[TCPStream], object]

# Of a gofollow_event only what is needed here, which is less to make: kind, direction, reason, place, connection id, address of the
# connection's facts, offset, length, address of the bytes.
_EVENT = struct.Struct("@BBBxxB2xQP16xqQP32x")
assert _EVENT.size == EVENT.size
_Event = tuple[int, int, int, int, int, int, int, int, int]
_PAYLOADS = struct.Struct("@PQ24xPQ24x")  # of two gofollow_stream, which stand behind the facts, the addresses and lengths
assert _PAYLOADS.size == STREAMS.size
_ID = struct.Struct("@Q")  # of a gofollow_connection

_FIN = constant("CLOSE_FIN")
_LAST = constant("LAST_OF_PACKET")
_ALONE = constant("FIRST_OF_PACKET") | _LAST
# So much of each side the library joins. Of longer streams it would move what is there again and again.
_JOINED = 128 * 1024


def _copy(stream: Any, direction: int, new: bytes | list[tuple[int, bytes]]) -> Any:
    kind: Any = type(stream)
    copy = kind.__new__(kind)
    copy._facts, copy._client_end, copy._server_end, copy._limit = stream._facts, stream._client_end, stream._server_end, stream._limit
    copy._direction, copy._new = direction, new
    return copy


# Where references are not counted (PyPy), they change all the time: every stream counts as kept.
_never_the_same = count()
_getrefcount: Callable[[object], int] = getattr(sys, "getrefcount", lambda value: next(_never_the_same))


class _Pending:
    """What a packet that is not wholly taken yet brought for a connection."""

    __slots__ = ("closed", "new")

    def __init__(self) -> None:
        self.new: dict[int, list[tuple[int, bytes]]] = {}  # by direction, in the order of their first data
        self.closed: Any = None  # its stream, if it was closed


class Tracker:
    """A sink that knows what connections said and calls back.

    The callbacks run while the events are taken: one after each packet for every direction that got data, and then one for every
    connection that was closed. What both sides say the library joins, so that it need not be looked at here, as long as nobody keeps
    a stream of the connection or reads a payload before its end, and it does not get long.
    """

    engine: Engine
    run: Callable[[], None]

    def __init__(
        self,
        keep: int,
        data_callback: Callback | None,
        end_callback: Callback | None,
        stream_class: Any = TCPStream,
        separated: bool = False,
    ) -> None:
        self._data_callback = data_callback
        self._end_callback = end_callback
        self._keep = keep
        self._stream_class = stream_class
        self._separated = separated  # facts may have a separation
        self._followed: dict[int, Any] = {}  # streams by connection
        self._events: Iterator[_Event] = iter(())
        self._gaps: dict[int, tuple[list[Gap], list[Gap]]] = {}  # by connection, of what the library joins
        self._pending: dict[int, _Pending] = {}
        self._due: deque[tuple[Callback, TCPStream]] = deque()
        # The stream that a data callback is given, and its new bytes in the library's memory.
        self._current: Any = None
        self._address = self._length = 0
        # So much of each side the engine is to join.
        self.joined = _JOINED if keep == KEEP_ALL and (data_callback is not None or end_callback is not None) else 0
        self._begin()
        _trackers[id(self)] = self

    def _begin(self) -> None:
        # A generator, since where packets come one by one its local variables would be made for each.
        follow = self._follow()
        next(follow)  # up to where it waits, in which an interrupt does no harm
        self.run = follow.__next__

    def _references(self) -> int:
        """Return what getrefcount says of the stream that run has, and nobody else."""
        followed: dict[int, Any] = {}
        # In one line, since what traces lines may look at the local variables between two, and with that keeps what they have. What
        # setdefault returned stands for what the tracker has itself.
        return (stream := followed.setdefault(0, Facts()), _getrefcount(stream))[1]

    def take(self, polled: memoryview) -> None:
        if self._data_callback is not None or self._end_callback is not None:  # otherwise nobody will ever see anything of it
            self._events = _EVENT.iter_unpack(polled)

    def discard(self) -> None:
        """Forget what is due."""
        self._events = iter(())
        self._due.clear()

    def _follow(self) -> Generator[None, None, None]:
        """Apply the events that were taken and call back, each time that it is asked to go on.

        One loop, in which every line is paid for each captured packet: what happens most, a packet with one data event, is written out
        in it, with everything at hand as a local variable. The stream that is given to callbacks is the one that the next event changes,
        unless somebody keeps it: then he has it, and the follower goes on with a copy.
        """
        data_callback, end_callback, followed, pending = self._data_callback, self._end_callback, self._followed, self._pending
        gaps, memory, keep, limit = self._gaps, MEMORY, self._keep, self.joined or -1
        copied = data_callback is not None or keep > 0
        stream_class, make_facts, facts_size, not_kept = self._stream_class, Facts.__new__, CONNECTION.size, self._references()
        make_stream, separated, bare = stream_class.__new__, self._separated, -1 if self._separated else _FIN
        stream: Any
        facts: Any
        said: Any
        number = -1
        calling = True  # an interrupt then leaves no event half applied
        try:
            while True:
                try:
                    yield
                except GeneratorExit:
                    return
                if self._due:
                    self._call_due()
                calling = False
                for kind, direction, reason, place, number, at, offset, length, address in self._events:
                    if kind == DATA:
                        stream = followed[number]
                        end = offset + length
                        if end <= stream._limit:
                            if direction:
                                stream._server_end = end
                            else:
                                stream._client_end = end
                            if place == _ALONE:
                                if data_callback is not None:
                                    stream._direction = direction
                                    self._current = stream
                                    self._address = address
                                    self._length = length
                                    calling = True
                                    data_callback(stream)
                                    if _getrefcount(stream) != not_kept:
                                        self._part(number, stream)
                                    calling = False
                                continue
                            if data_callback is not None:
                                self._add_pending(number, direction, offset, memory[address : address + length])
                        else:
                            facts = stream._facts
                            if facts.client_said is None:
                                self._take_over(stream)
                            if direction:
                                said = facts.server_said
                                stream._server_end = end
                            else:
                                said = facts.client_said
                                stream._client_end = end
                            if copied:
                                data = memory[address : address + length]
                                if end <= said.limit:
                                    said.append(data)
                                else:
                                    said.add(data)
                                if data_callback is not None:
                                    if place == _ALONE:
                                        stream._direction = direction
                                        stream._new = data
                                        self._current = stream
                                        calling = True
                                        data_callback(stream)
                                        if _getrefcount(stream) != not_kept:
                                            followed[number] = _copy(stream, direction, data)
                                        calling = False
                                        continue
                                    self._add_pending(number, direction, offset, data)
                    elif kind == OPENED:
                        facts = make_facts(Facts)
                        facts.raw = copy_facts(at) if separated else memory[at : at + facts_size]
                        if limit > 0:
                            facts.client_said = facts.server_said = None
                            facts.source = self
                        else:
                            facts.client_said, facts.server_said = make_said(keep), make_said(keep)
                        followed[number] = stream = make_stream(stream_class)
                        stream._facts = facts
                        stream._limit = limit
                        stream._client_end = stream._server_end = 0
                        stream._new = None
                    elif kind == CLOSED:
                        stream = followed.pop(number)
                        said = stream._facts
                        stream._facts = facts = make_facts(Facts)
                        facts.raw = raw = memory[at : at + facts_size]
                        if raw[REASON_AT] != bare:
                            facts.raw = copy_facts(at)  # a reset may have a text
                        if said.client_said is None:
                            address, length, server_address, server_length = _PAYLOADS.unpack_from(memory, at + facts_size)
                            facts.client_said = memory[address : address + length]
                            facts.server_said = memory[server_address : server_address + server_length]
                            if number in gaps:
                                client_gaps, server_gaps = gaps.pop(number)
                                facts.client_said = Whole(facts.client_said, client_gaps)
                                facts.server_said = Whole(facts.server_said, server_gaps)
                        else:
                            facts.client_said, facts.server_said = said.client_said, said.server_said
                        if pending:
                            if number not in pending:
                                pending[number] = _Pending()
                            pending[number].closed = stream
                        elif end_callback is not None:
                            stream._direction = -1
                            stream._new = b""
                            calling = True
                            end_callback(stream)
                            calling = False
                    elif kind == GAP:
                        stream = followed[number]
                        facts = stream._facts
                        if facts.client_said is None:
                            known = gaps.setdefault(number, ([], []))[direction]
                        else:
                            known = (facts.server_said if direction else facts.client_said).gaps
                        known.append(Gap(offset, length, GAP_REASONS[reason]))
                        if direction:
                            stream._server_end = offset + length
                        else:
                            stream._client_end = offset + length
                    if pending and place & _LAST:
                        self._settle()
                        calling = True
                        self._call_due()
                        calling = False
                number = -1
                calling = True
                self._current = stream = facts = said = data = None  # what is closed is not kept any longer
        except BaseException:
            whole = calling and not self.engine.torn
            self.engine.torn = True  # an interrupt here would lose the events
            if number in followed:  # who catches the exception may keep the stream
                self._part(number, followed[number])
            # Not left half unpacked: the garbage collector cannot clear a memoryview that is still exported.
            self._events = iter([*self._events])
            self._begin()
            if whole:
                self.engine.torn = False
            raise

    def _add_pending(self, number: int, direction: int, offset: int, data: bytes) -> None:
        if number not in self._pending:
            self._pending[number] = _Pending()
        self._pending[number].new.setdefault(direction, []).append((offset, data))

    def _part(self, number: int, stream: Any) -> None:
        """Leave a stream to those who keep it, and go on with another one."""
        if stream._facts.client_said is None:
            self._take_over(stream)
        if stream._new is None:
            stream._new = MEMORY[self._address : self._address + self._length] if stream is self._current else b""
        stream._facts.source = None  # who keeps a stream does not keep its follower
        self._followed[number] = _copy(stream, -1, b"")

    def _take_over(self, stream: Any) -> None:
        """Keep from now on here what the sides of a stream's connection say."""
        facts = stream._facts
        (number,) = _ID.unpack_from(facts.raw)
        sides = make_said(self._keep), make_said(self._keep)
        for direction, said in enumerate(sides):
            joined = self._joined(stream, direction)
            said.gaps = list(joined.gaps)
            if joined.data:
                said.append(joined.data)
        if facts.client_said is None:  # otherwise what reads in a signal's handler was faster
            # In this order an interrupt between two of them leaves it to be done again, or nothing to do.
            self._followed[number]._limit = -1
            facts.server_said, facts.client_said = sides[1], sides[0]
            self._gaps.pop(number, None)

    def _joined(self, stream: Any, direction: int) -> Whole:
        """Return what the library joined of a side up to the stream's end."""
        (number,) = _ID.unpack_from(stream._facts.raw)
        end = stream._server_end if direction else stream._client_end
        gaps = [gap for gap in self._gaps.get(number, ((), ()))[direction] if gap.offset < end]
        length = end - sum(gap.length for gap in gaps)
        return Whole(self.engine.said(number, direction, length) if length else b"", gaps)

    def said(self, stream: Any, direction: int) -> OneSide:
        facts = stream._facts
        if get_ident() == self.engine.thread:
            self._take_over(stream)
        else:  # the engine's thread may go on meanwhile
            try:
                joined = self._joined(stream, direction)
                if facts.client_said is None:
                    return joined
            except UsageError:
                if facts.client_said is None:
                    raise
            # It has gone on, but has taken over before what was said.
        side: OneSide = facts.server_said if direction else facts.client_said
        return side

    def new_data(self, stream: Any) -> bytes:
        length = self._length
        if stream is self._current and get_ident() == self.engine.thread:
            return bytes(MEMORY[self._address : self._address + length])
        payload = self.said(stream, stream._direction).payload(stream._server_end if stream._direction else stream._client_end, False)
        # Where somebody else goes on with the connection now, he has said what is new before.
        new: bytes | None = stream._new
        return payload[len(payload) - length :] if new is None else new

    def part_for_child(self) -> None:
        """Take over what the stream of the callback that runs now says: a forked child has no library."""
        for stream in (self._current, *(stream for _, stream in self._due)):
            if stream is not None and stream._facts.client_said is None and self.engine.thread == get_ident():
                self._take_over(stream)

    def _settle(self) -> None:
        """Make the callbacks of a packet due, all of whose events are applied."""
        for number, one in self._pending.items():
            stream = one.closed or self._followed[number]
            if self._data_callback is not None:
                for direction, new in one.new.items():
                    self._due.append((self._data_callback, _copy(stream, direction, new)))
            if one.closed and self._end_callback is not None:
                self._due.append((self._end_callback, _copy(stream, -1, b"")))
        self._pending.clear()

    def _call_due(self) -> None:
        due = self._due
        while due:
            callback, stream = due[0]
            references = _getrefcount(stream)
            kept = True  # who catches an exception may keep the stream
            try:
                callback(stream)
                kept = _getrefcount(stream) != references
            finally:
                self.engine.torn = True  # an interrupt here would give it again, or let it change
                if kept and stream._facts.client_said is None:
                    self._take_over(stream)
                due.popleft()
                self.engine.torn = False


_trackers: "weakref.WeakValueDictionary[int, Tracker]" = weakref.WeakValueDictionary()


def _before_fork() -> None:
    for reference in _trackers.valuerefs():
        tracker = reference()
        if tracker is not None:
            tracker.part_for_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
