# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""Gathers the engine's events into runs of payload, for the command: no object for each packet.

As _core.py, it runs as it stands and is compiled with the types of _gather.pxd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._native import constant, error_from_code, ffi, library

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _gather.pxd has the same
    from ._plain import call_one, check_signals, copy, copy_facts, events_at, poll_at

BATCH = 1024
OPENED, DATA, GAP, CLOSED = constant("OPENED"), constant("DATA"), constant("GAP"), constant("CLOSED")
BUSY = constant("ERR_BUSY")
FACTS_SIZE = ffi.sizeof("gofollow_connection")


class Run:
    """Payload of one direction, without a gap: pieces from a stream offset on, and when each was delivered.

    final says that it is the end of its direction, or that a gap follows. state is for whom the run is handed to; nothing here looks at it.
    """

    __slots__ = ("direction", "final", "offset", "pieces", "size", "state", "stream", "times")

    def __init__(self, stream: Stream, direction: int) -> None:
        self.stream, self.direction = stream, direction
        self.pieces: list[bytes] = []
        self.times: list[int] = []  # nanoseconds since 1970, one for each piece
        self.offset = self.size = 0
        self.final = False
        self.state: Any = None


class Stream:
    """An open connection: its number, its facts at that time, and the last time of payload in it.

    state is for whom it is handed to.
    """

    __slots__ = ("client", "facts", "last", "last_ns", "number", "server", "state")

    def __init__(self, number: int, facts: bytes) -> None:
        self.number, self.facts = number, facts
        self.client, self.server = Run(self, 0), Run(self, 1)
        self.last: Run | None = None
        self.last_ns = 0
        self.state: Any = None


class Gather:
    """Polls one engine and calls back with runs, gaps and closed connections.

    on_closed(facts, stream): the connection is over. stream is None if payload is not asked for, or of
    a connection that was not chosen.
    on_run(run): its pieces, as many as came together until one of the limits was reached, a gap came
    or the connection closed. They are gone when it returns. With None no payload is looked at.
    on_gap(run, offset, length, reason, time): bytes that never come, after the run before them.
    choose(number, facts): whether payload of the connection that opens is asked for; None: of all.
    run_limit is how many bytes a run has at most before it is handed on, all_limit how many all runs
    have that wait; turns: whether a run ends where the other side's data begins; times: whether the
    times of pieces are of interest.
    """

    def __init__(
        self,
        handle: int,
        on_closed: Callable[[bytes, Stream | None], object],
        on_run: Callable[[Run], object] | None = None,
        on_gap: Callable[[Run, int, int, int, int], object] | None = None,
        choose: Callable[[int, bytes], bool] | None = None,
        run_limit: int = 1 << 16,
        all_limit: int = 1 << 25,
        turns: bool = False,
        times: bool = True,
    ) -> None:
        self.handle = handle
        self.on_closed, self.on_run, self.on_gap, self.choose = on_closed, on_run, on_gap, choose
        self.run_limit, self.all_limit, self.turns, self.times = run_limit, all_limit, turns, times
        self.waiting = 0
        self.gaps = [0] * 8  # bytes that never come, by reason
        self.open: dict[int, Stream] = {}
        self.event_array: Any = ffi.new("gofollow_event[]", BATCH)
        self.polled = events_at(self.event_array)
        self.poll = poll_at(library().gofollow_poll)

    def drain(self) -> None:
        """Poll until nothing waits, and call back."""
        while self.pull() == BATCH:
            pass

    def pull(self) -> int:
        """Poll once, call back, and return how many events there were."""
        count = BUSY
        while count == BUSY:
            count = self.poll(self.handle, self.polled, BATCH)
        if count < 0:
            raise error_from_code(count, self.handle)
        self.take(count)
        check_signals()
        return count

    def take(self, count: int) -> None:
        at = 0
        while at < count:
            event = self.polled + at
            at += 1
            kind = event.kind
            if kind == CLOSED:
                self.close(event)
            elif self.on_run is None:
                if kind == GAP:
                    self.gaps[event.reason] += event.length
            elif kind == DATA:
                stream = self.open.get(event.connection_id)
                if stream is not None:
                    self.add(stream, event)
            elif kind == OPENED:
                self.begin(event)
            elif kind == GAP:
                self.gaps[event.reason] += event.length
                stream = self.open.get(event.connection_id)
                if stream is not None:
                    run = stream.server if event.direction else stream.client
                    if self.turns and stream.last is not None and stream.last is not run and stream.last.size:
                        self.hand_on(stream.last)
                    if run.size:
                        run.final = True
                        self.hand_on(run)
                        run.final = False
                    run.offset = event.offset + event.length
                    if self.on_gap is not None:
                        self.on_gap(run, event.offset, event.length, event.reason, event.ts_ns)

    def begin(self, event: Any) -> None:
        facts = copy_facts(event.connection, FACTS_SIZE)
        number: int = event.connection_id
        if self.choose is None or self.choose(number, facts):
            self.open[number] = Stream(number, facts)

    def add(self, stream: Stream, event: Any) -> None:
        """Add the data of an event to its direction's run."""
        run = stream.server if event.direction else stream.client
        last = stream.last
        if last is not run:
            if self.turns and last is not None and last.size:
                self.hand_on(last)
            stream.last = run
        size = event.length
        if run.size == 0:
            run.offset = event.offset
        run.pieces.append(copy(event.bytes, size))
        if self.times:
            run.times.append(event.ts_ns)
        run.size += size
        stream.last_ns = event.ts_ns
        self.waiting += size
        if run.size >= self.run_limit:
            self.hand_on(run)
        elif self.waiting >= self.all_limit:
            self.hand_all_on()

    def hand_on(self, run: Run) -> None:
        size = run.size
        self.waiting -= size
        call_one(self.on_run, run)  # type: ignore[arg-type]  # only where it is none is nothing gathered
        run.offset += size
        run.size = 0
        run.pieces.clear()
        run.times.clear()

    def hand_all_on(self) -> None:
        for stream in list(self.open.values()):
            self.hand_both_on(stream)

    def hand_both_on(self, stream: Stream) -> None:
        """Hand on what both sides have, that of the side that spoke last at the end."""
        client, server = stream.client, stream.server
        if stream.last is client:
            client, server = server, client
        if client.size:
            self.hand_on(client)
        if server.size:
            self.hand_on(server)

    def close(self, event: Any) -> None:
        stream = None
        if self.on_run is not None:
            stream = self.open.pop(event.connection_id, None)
            if stream is not None:
                stream.client.final = stream.server.final = True
                self.hand_both_on(stream)
        self.on_closed(copy_facts(event.connection, FACTS_SIZE), stream)
        if stream is not None:
            stream.client = stream.server = stream.last = None  # type: ignore[assignment]  # no cycle is left
