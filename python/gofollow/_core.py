# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""Turns the engine's events into TCPStreams and callbacks.

The file runs as plain Python over cffi's structs, and Cython compiles it with the types of
_core.pxd. `event = self.polled + self.at; event.kind` means the same in both.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from operator import index
from threading import Lock
from typing import Any

from ._events import BATCH, GAP_REASONS, OPEN_SIZE, STOP
from ._frames import frame_of, length_of, nanoseconds, whole_nanoseconds
from ._native import constant, error_from_code, ffi, library
from .errors import LostEventsError, UsageError

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _core.pxd has the same
    from ._payload import Kept, Payload
    from ._plain import (
        address_in,
        batch_at,
        call_one,
        check_signals,
        copy,
        copy_facts,
        events_at,
        feed_at,
        get_ident,
        packets_at,
        poll_at,
        rint,
        sizes_at,
    )
    from ._stream import Followed, TCPStream, snapshot

DATA, GAP, CLOSED = constant("DATA"), constant("GAP"), constant("CLOSED")
FIRST, LAST = constant("FIRST_OF_PACKET"), constant("LAST_OF_PACKET")
ALONE = FIRST | LAST
FULL, BUSY, NO_TIME = constant("ERR_FULL"), constant("ERR_BUSY"), constant("NO_TIME")
FACTS_SIZE = ffi.sizeof("gofollow_connection")
RECENT = 1024

Callback = Callable[["TCPStream"], object]


class Core:
    """Feeds one engine, polls it and calls back, and keeps its place after an exception of a callback.

    One thread at a time is between enter and leave. Where an exception comes up outside of
    callbacks (no memory; an interrupt, if this is not compiled), events may be lost: enter refuses
    from then on.
    """

    def __init__(
        self,
        handle: int,
        data_callback: Callback | None,
        end_callback: Callback | None,
        kind: type[TCPStream],
        kept: Kept,
        new_link: Callable[[], None],
        free: Callable[[], None],
    ) -> None:
        self.library = lib = library()
        self.handle = handle
        self.data_callback, self.end_callback = data_callback, end_callback
        self.kind = kind
        self.kept = kept
        self.new_link = new_link  # called after the first packet of a link type
        self.free = free
        self.frame_of: Any = frame_of  # of objects whose class has no __gofollow_frame__
        self.entered = False  # a call feeds
        self.thread = 0  # which one
        # With a GIL no other thread comes between looking at entered and setting it.
        self.lock = None if getattr(sys, "_is_gil_enabled", lambda: True)() else Lock()
        self.applying = False  # an exception now would lose events
        self.stopped = False  # nothing is to be fed any more
        self.abandoned: Callable[[], None] | None = None  # what ends a capture, once no polled event is left
        self.links: set[int] = set()
        self.link: Any = None  # the link type given last, and its number
        self.link_type = 0
        self.link_is_new = False  # it was not fed before
        self.since_check = 0  # packets since signals were looked for
        self.open: dict[int, Followed] = {}  # those that said something, by number
        self.recent: list[Followed | None] = [None] * RECENT  # in front of open, by the low bits of the number
        # Of the packet whose events are not all applied yet: connection, facts, direction, pieces; connection, facts. Its time and number.
        self.new: list[tuple[Followed, bytes, int, list[tuple[int, bytes, int, int]]]] = []
        self.ended: list[tuple[Followed, bytes]] = []
        self.new_ns = self.new_packet = 0
        self.ignored = False  # a connection was: events are dropped then, that which ends its packet's among them
        self.due: deque[tuple[Any, TCPStream]] = deque()  # its callbacks that did not run yet
        self.at = self.count = 0  # which of the polled events comes next
        self.batched = 0
        self.frames: list[bytes] = []  # of the packets that wait to be fed together
        self.event_array: Any = ffi.new("gofollow_event[]", BATCH)
        self.packet_array: Any = ffi.new("gofollow_packet[]", BATCH)
        self.consumed_array: Any = ffi.new("size_t[1]")
        self.polled, self.packets, self.consumed = events_at(self.event_array), packets_at(self.packet_array), sizes_at(self.consumed_array)
        self.feed_one, self.feed_many, self.poll = feed_at(lib.gofollow_feed), batch_at(lib.gofollow_feed_batch), poll_at(lib.gofollow_poll)

    def enter(self) -> None:
        """Begin a call that feeds, with the callbacks that an exception kept from running."""
        thread = get_ident()
        if self.entered or (self.lock is not None and not self.lock.acquire(False)):
            raise UsageError("this follower is feeding already: use it from one thread at a time, and not from inside its own callbacks")
        self.entered, self.thread = True, thread  # an interrupt comes up in calls alone: not between this and try
        if self.stopped or self.applying or self.due or self.at < self.count or self.abandoned is not None:
            try:
                self.resume()
            except BaseException:
                self.entered = False
                self.leave()
                raise

    def resume(self) -> None:
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        if self.applying:
            raise LostEventsError("this follower was interrupted inside its own code, and may have lost events: make a new one")
        if self.due or self.at < self.count:
            self.call_due()
            self.run()
            self.drain()
        if self.abandoned is not None:
            self.abandoned()
            self.abandoned = None

    def leave(self) -> None:
        """End a call that feeds, after entered was unset."""
        self.kept.reader = 0
        if self.lock is not None:
            self.lock.release()
        if self.stopped:
            self.stop()

    def stop(self) -> None:
        """Let nothing be fed any more, forget what is due, and free everything as soon as no call feeds."""
        self.stopped = True
        if not self.entered:
            self.due.clear()
            self.at = self.count
            self.free()

    def unfinished(self) -> bool:
        """Whether an exception left polled events, which the next call to the library would overwrite."""
        return self.at < self.count

    def calls_nobody(self) -> bool:
        return self.data_callback is None and self.end_callback is None

    def feed_packet(self, data: Any, timestamp: Any, link_type: int, wire_length: int | None) -> None:
        """Feed one packet."""
        self.enter()
        try:
            self.take(data, link_type, time_of(timestamp), wire_length, False)
        finally:
            self.entered = False  # before the call
            self.leave()

    def feed_items(self, items: Iterable[Any], batched: bool) -> None:
        """Feed packet objects; what is none is skipped. If batched, callbacks need not run before the next item is asked for."""
        kind: type = object
        method: Any = None
        self.enter()
        try:
            for item in items:
                if type(item) is not kind or method is None:
                    kind = type(item)
                    method = getattr(kind, "__gofollow_frame__", self.frame_of)
                frame = call_one(method, item)
                if frame is not None:
                    time_ns = NO_TIME if frame[2] is None else frame[2]
                    self.take(frame[0], frame[1], time_ns, frame[3] if len(frame) > 3 else None, batched)
        finally:
            self.entered = False
            self.finish()

    def feed_rows(self, rows: Iterable[Any], link_type: int, nanoseconds: bool, batched: bool) -> None:
        """Feed rows (timestamp, data[, wire_length[, link_type]]), batched or not as feed_items."""
        number = -1
        self.enter()
        try:
            for row in rows:
                number += 1
                columns = row if type(row) is tuple else tuple(row)
                if not 2 <= len(columns) <= 4:
                    raise ValueError(f"item {number} has {len(columns)} fields: it must be (timestamp, data[, wire_length[, link_type]])")
                link = link_type if len(columns) < 4 or columns[3] is None else columns[3]
                time_ns = whole_nanoseconds(columns[0]) if nanoseconds else time_of(columns[0])
                self.take(columns[1], link, time_ns, columns[2] if len(columns) > 2 else None, batched)
        finally:
            self.entered = False
            self.finish()

    def finish(self) -> None:
        """Feed what waits to be fed together, and leave."""
        try:
            self.entered = True
            self.feed_batch()
        finally:
            self.entered = False
            self.leave()

    def take(self, data: Any, link_type: Any, time_ns: int, wire_length: Any, batched: bool) -> None:
        """Feed a packet, or put it to those that are fed together."""
        frame: bytes = data if type(data) is bytes else bytes(memoryview(data))
        if link_type is not self.link:
            self.use_link(link_type)
        length = len(frame) if wire_length is None else length_of(wire_length)
        if batched:
            packet = self.packets + self.batched
            packet.link_type = self.link_type
            packet.ts_ns = time_ns
            packet.bytes = address_in(frame)
            packet.captured = len(frame)
            packet.original = length
            self.frames.append(frame)
            self.batched += 1
            if self.batched == BATCH:
                self.feed_batch()
            return
        self.since_check += 1
        if self.since_check == BATCH:
            self.since_check = 0
            check_signals()
        code = FULL
        while code in (FULL, BUSY):  # busy: another thread asks for statistics
            code = self.feed_one(self.handle, self.link_type, time_ns, frame, len(frame), length)
            if code:
                self.after(code)
        if self.link_is_new:
            self.link_is_new = False
            self.new_link()

    def use_link(self, link_type: Any) -> None:
        number = index(link_type)
        if not 0 <= number < 1 << 32:
            raise ValueError(f"link_type {link_type!r} is out of range: it is a number from 0 to 4294967295")
        if number not in self.links:
            self.links.add(number)
            self.link_is_new = True
        self.link, self.link_type = link_type, number

    def feed_batch(self) -> None:
        """Feed the packets that wait to be fed together."""
        count = self.batched
        done = 0
        self.batched = 0
        try:
            while done < count:
                code = self.feed_many(self.handle, self.packets + done, count - done, self.consumed)
                done += self.consumed[0]
                if code:
                    self.after(code)
                check_signals()
        finally:
            self.frames.clear()
        if self.link_is_new:
            self.link_is_new = False
            self.new_link()

    def after(self, code: int) -> None:
        """Call back for the events that wait, then raise if code is an error that calling again does not mend."""
        if code < 0 and code != FULL:
            if code == BUSY:
                return
            error = error_from_code(code, self.handle)
            self.drain()
            raise error
        self.drain()

    def drain(self) -> None:
        """Poll until nothing waits, and call back."""
        count = BATCH
        while count == BATCH:
            count = self.pull(BATCH)
            check_signals()
        if self.ignored:
            self.settle()
            self.call_due()

    def pull(self, most: int) -> int:
        """Poll up to that many events (at most BATCH), call back, and return their number."""
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        self.applying = True
        self.kept.reader = 0  # an exception of a callback leaves it
        code = BUSY
        while code == BUSY:
            code = self.poll(self.handle, self.polled, most)
        if code < 0:
            self.applying = False
            raise error_from_code(code, self.handle)
        self.at = 0
        self.count = code
        self.run()
        return code

    def run(self) -> None:
        """Apply the events that are left of those polled, and call back."""
        while self.at < self.count:
            event = self.polled + self.at
            if self.ignored and event.place & FIRST and event.packet != self.new_packet:
                self.settle()
                self.call_due()
            self.applying = True
            self.at += 1
            kind = event.kind
            if kind == DATA:
                followed = self.find(event)
                data = b"" if followed.stopped else self.keep(followed, event)
                if event.place == ALONE and event.captured_packet == event.packet:
                    if self.data_callback is not None and data:
                        facts = self.facts_of(followed, event)
                        stream = snapshot(self.kind, followed, facts, event.direction, data, event.ts_ns, event.packet)
                        self.call(self.data_callback, stream)
                    continue
                if self.data_callback is not None and data:
                    self.new_ns, self.new_packet = event.ts_ns, event.packet
                    facts = self.facts_of(followed, event)
                    self.gather(followed, facts, event.direction, (event.offset, data, event.captured_ns, event.captured_packet))
            elif kind == CLOSED:
                followed, facts = self.end(event)
                if event.place == ALONE:
                    if self.end_callback is not None:
                        self.call(self.end_callback, snapshot(self.kind, followed, facts, -1, b"", event.ts_ns, event.packet))
                    continue
                self.new_ns, self.new_packet = event.ts_ns, event.packet
                self.ended.append((followed, facts))
            elif kind == GAP:
                followed = self.find(event)
                if not followed.stopped:
                    payload = self.payload_of(followed, event.direction)
                    first = (followed.turns, event.ts_ns, event.packet) if payload.holes is None else None
                    payload.add_gap(event.offset, event.length, GAP_REASONS[event.reason], self.kept.gaps, first)
            if event.place & LAST and (self.new or self.ended):
                self.settle()
                self.call_due()
        self.applying = False

    def find(self, event: Any) -> Followed:
        """Return the connection of an event."""
        number: int = event.connection_id
        slot = number % RECENT
        followed = self.recent[slot]
        if followed is None or followed.number != number:
            followed = self.open.get(number)
            if followed is None:
                followed = Followed(number, None, self.kept)
                self.open[number] = followed
            self.recent[slot] = followed
        return followed

    def facts_of(self, followed: Followed, event: Any) -> bytes:
        """Return the facts of an open connection, copied when the first callback has its stream."""
        if followed.facts is None:
            followed.facts = copy_facts(event.connection, OPEN_SIZE)
        return followed.facts

    def payload_of(self, followed: Followed, direction: int) -> Payload:
        payload = followed.server if direction else followed.client
        if payload is None:
            payload = Payload(self.kept.payload)
            if direction:
                followed.server = payload
            else:
                followed.client = payload
        return payload

    def keep(self, followed: Followed, event: Any) -> bytes:
        """Add the bytes of an event to its direction's payload, and return them if a callback is to see them."""
        payload, kept = self.payload_of(followed, event.direction), self.kept
        size = event.length
        data = b""
        if payload.end == (0 if payload.holes is None else payload.holes.end):
            payload.run_ns, payload.run_packet = event.captured_ns, event.captured_packet
        if kept.turns:
            followed.note(payload, event.direction, event)
        room = min(payload.limit - payload.length, size)
        if room > kept.total_limit - kept.total:
            room = kept.total_limit - kept.total
            if payload.limit > payload.length + room:
                payload.limit = payload.length + room
                kept.truncated += 1
        if room > 0 or self.data_callback is not None:
            data = copy(event.bytes, size)
        if room > 0:
            payload.append(data if room == size else data[:room])
            kept.total += room
        payload.length += size
        payload.end = event.offset + size
        return data

    def end(self, event: Any) -> tuple[Followed, bytes]:
        """Forget a connection that is closed, and return it with its facts."""
        number = event.connection_id
        followed = self.open.pop(number, None)
        facts = copy_facts(event.connection, FACTS_SIZE)
        if followed is None:
            followed = Followed(number, facts, self.kept)
            followed.ended = True
            return followed, facts
        if self.recent[number % RECENT] is followed:
            self.recent[number % RECENT] = None
        followed.ended = True
        for payload in (followed.client, followed.server):
            if payload is not None:
                self.kept.total -= min(payload.length, payload.limit)
                if payload.moved is not None:
                    payload.move()
        return followed, facts

    def gather(self, followed: Followed, facts: bytes, direction: int, piece: tuple[int, bytes, int, int]) -> None:
        """Note a piece of a packet that has several events: offset, data, time and number of the packet that carried it."""
        for known, _, its_direction, pieces in self.new:
            if known is followed and its_direction == direction:
                pieces.append(piece)
                return
        self.new.append((followed, facts, direction, [piece]))

    def settle(self) -> None:
        """Queue the callbacks of a packet after all of its events were applied."""
        for followed, facts, direction, pieces in self.new:
            for closed, closing in self.ended:
                if closed is followed:
                    facts = closing
            self.due.append((self.data_callback, snapshot(self.kind, followed, facts, direction, pieces, self.new_ns, self.new_packet)))
        if self.end_callback is not None:
            for followed, facts in self.ended:
                self.due.append((self.end_callback, snapshot(self.kind, followed, facts, -1, b"", self.new_ns, self.new_packet)))
        self.new.clear()
        self.ended.clear()

    def call_due(self) -> None:
        while self.due:
            self.applying = True
            callback, stream = self.due.popleft()
            if stream._direction < 0 or not stream._followed.stopped:
                self.call(callback, stream)
        self.applying = False

    def call(self, callback: Callback, stream: TCPStream) -> None:
        self.applying = False
        self.kept.reader = self.thread
        # Uncompiled, nothing is between: an interrupt there would lose it.
        answer = call_one(callback, stream) if cython.compiled else callback(stream)
        self.kept.reader = 0
        if answer is STOP and stream._direction >= 0 and not self.stopped:
            stream._followed.stopped = self.ignored = True
            self.library.gofollow_ignore(self.handle, stream._followed.number)
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        self.applying = True


def time_of(timestamp: Any) -> int:
    """Return a timestamp in nanoseconds, as nanoseconds does."""
    if type(timestamp) is float:
        number = timestamp
        if -9e9 < number < 9e9:
            whole = int(number)
            part = int(rint((number - whole) * 1e9))
            return whole * 1_000_000_000 + part
    elif type(timestamp) is int and -9_000_000_000 < timestamp < 9_000_000_000:
        whole = timestamp
        return whole * 1_000_000_000
    if timestamp is None:
        return NO_TIME
    return nanoseconds(timestamp)
