"""Turns engine events into callbacks: which stream, which callback, in which order."""

import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ._engine import CONNECTION, EVENT, Engine
from ._events import CLOSED, DATA, GAP, GAP_REASONS, OPENED, Facts, copy_facts
from ._native import MEMORY, constant
from .stream import Gap, TCPStream, make_said

Callback = Callable[[TCPStream], object]

# Of a gofollow_event only what is needed here, which is less to make: kind, direction, reason, place, connection id, address of the
# connection's facts, time, offset, length, address of the bytes.
_EVENT = struct.Struct("@BBBxxB2xQPq8xqQP32x")
assert _EVENT.size == EVENT.size
_Event = tuple[int, int, int, int, int, int, int, int, int, int]

_FIN = constant("CLOSE_FIN")
_LAST = constant("LAST_OF_PACKET")
_ALONE = constant("FIRST_OF_PACKET") | _LAST


def _copy(stream: Any, direction: int, new: bytes | list[tuple[int, bytes]]) -> Any:
    kind: Any = type(stream)
    copy = kind.__new__(kind)
    copy._facts, copy._client, copy._server = stream._facts, stream._client, stream._server
    copy._client_end, copy._server_end = stream._client_end, stream._server_end
    copy._direction, copy._new = direction, new
    return copy


# Where references are not counted (PyPy), every stream counts as kept.
_getrefcount: Callable[[object], int] = getattr(sys, "getrefcount", lambda value: 0)


def _references() -> int:
    """Return what getrefcount says of a stream that Tracker.run has, and nobody else."""
    followed = {0: Facts()}
    stream = followed[0]
    return _getrefcount(stream)


_NOT_KEPT = _references() if hasattr(sys, "getrefcount") else -1


class _Pending:
    """What a packet that is not wholly taken yet brought for a connection."""

    __slots__ = ("closed", "new")

    def __init__(self) -> None:
        self.new: dict[int, list[tuple[int, bytes]]] = {}  # by direction, in the order of their first data
        self.closed: Any = None  # its stream, if it was closed


class Tracker:
    """A sink that keeps what connections said and calls back.

    The callbacks run while the events are taken: one after each packet for every direction that got data, and then one for every
    connection that was closed.
    """

    def __init__(
        self, keep: int, data_callback: Callback | None, end_callback: Callback | None, stream_class: Any = TCPStream
    ) -> None:
        self.engine: Engine | None = None
        self._data_callback = data_callback
        self._end_callback = end_callback
        self._keep = keep
        self._stream_class = stream_class
        self._followed: dict[int, Any] = {}  # streams by connection
        self._events: Iterator[_Event] = iter(())
        self._pending: dict[int, _Pending] = {}
        self._due: deque[tuple[Callback, TCPStream]] = deque()
        # What run wants as local variables, in one go: where packets come one by one, it is called for each.
        copied = data_callback is not None or keep > 0
        self._at_hand = (
            *(data_callback, end_callback, self._followed, self._pending, copied, MEMORY),
            *(stream_class, stream_class.__new__, Facts.__new__, CONNECTION.size),
        )

    def take(self, polled: memoryview) -> None:
        if self._data_callback is not None or self._end_callback is not None:  # otherwise nobody will ever see anything of it
            self._events = _EVENT.iter_unpack(polled)

    def discard(self) -> None:
        """Forget what is due."""
        self._events = iter(())
        self._due.clear()

    def run(self) -> None:
        """Apply the events that were taken and call back.

        One loop, in which every line is paid for each captured packet: what happens most, a packet with one data event, is written out
        in it, with everything at hand as a local variable. The stream that is given to callbacks is the one that the next event changes,
        unless somebody keeps it: then he has it, and the follower goes on with a copy.
        """
        data_callback, end_callback, followed, pending, copied, memory, stream_class, make_stream, make_facts, facts_size = self._at_hand
        number = -1
        calling = True  # an interrupt then leaves no event half applied
        try:
            if self._due:
                self._call_due()
            calling = False
            for kind, direction, reason, place, number, at, time, offset, length, address in self._events:
                if kind == DATA:
                    stream = followed[number]
                    if direction:
                        said = stream._server
                        stream._server_end = end = offset + length
                    else:
                        said = stream._client
                        stream._client_end = end = offset + length
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
                                calling = True
                                data_callback(stream)
                                if _getrefcount(stream) != _NOT_KEPT:
                                    followed[number] = _copy(stream, direction, data)
                                calling = False
                                continue
                            if number not in pending:
                                pending[number] = _Pending()
                            pending[number].new.setdefault(direction, []).append((offset, data))
                elif kind == OPENED:
                    facts = make_facts(Facts)
                    facts.raw = memory[at : at + facts_size]
                    facts.closed_ns = None
                    followed[number] = stream = make_stream(stream_class)
                    stream._facts = facts
                    stream._client = make_said(self._keep)
                    stream._server = make_said(self._keep)
                    stream._client_end = stream._server_end = 0
                    stream._direction = -1
                    stream._new = b""
                elif kind == CLOSED:
                    stream = followed.pop(number)
                    stream._facts = facts = make_facts(Facts)
                    facts.raw = memory[at : at + facts_size] if reason == _FIN else copy_facts(at)  # a reset may have a text
                    facts.closed_ns = time
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
                    if direction:
                        said = stream._server
                        stream._server_end = offset + length
                    else:
                        said = stream._client
                        stream._client_end = offset + length
                    said.gaps.append(Gap(offset, length, GAP_REASONS[reason]))
                if pending and place & _LAST:
                    self._settle()
                    calling = True
                    self._call_due()
                    calling = False
        except BaseException:
            if self.engine is not None:
                self.engine.torn = True  # an interrupt here would lose the events
            if number in followed:  # who caught the exception may keep the stream
                followed[number] = _copy(followed[number], -1, b"")
            # Not left half unpacked: the garbage collector cannot clear a memoryview that is still exported.
            self._events = iter([*self._events])
            if calling and self.engine is not None:
                self.engine.torn = False
            raise

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
            try:
                callback(stream)
            finally:
                due.popleft()
