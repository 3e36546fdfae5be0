"""Turns engine events into callbacks that are due: which stream, which callback, in which order."""

from collections import deque
from collections.abc import Iterator

from ._engine import Engine, RawEvent
from ._events import CLOSED, DATA, GAP, GAP_REASONS, OPENED, SIDES, Connection, read_closed_connection, read_connection
from .stream import Direction, Gap, TCPStream


class _Followed:
    __slots__ = ("closed_at_ns", "connection", "new", "sides")

    def __init__(self, connection: Connection, keep: int) -> None:
        self.connection = connection
        self.sides = (Direction(keep), Direction(keep))
        self.new: dict[int, list[tuple[int, bytes]]] = {}  # by direction: data of the packet that is being taken
        self.closed_at_ns: int | None = None


class Tracker:
    """A sink. due holds the callbacks to run, as (whether it is the end callback, stream), oldest first."""

    def __init__(self, keep: int, want_data: bool, want_end: bool) -> None:
        self.due: deque[tuple[bool, TCPStream]] = deque()
        self.engine: Engine | None = None
        self._keep = keep
        self._want_data = want_data
        self._want_end = want_end
        self._followed: dict[int, _Followed] = {}
        self._packet = -1
        self._touched: dict[int, _Followed] = {}  # by the packet that is being taken, in order

    def __call__(self, raw_events: Iterator[RawEvent]) -> None:
        engine = self.engine
        assert engine is not None
        copy = self._want_data or self._keep > 0
        for kind, direction, reason, _, _, number, facts, time, packet, offset, length, address, _ in raw_events:
            # Expiries share the number 0: those of one connection that follow each other belong together.
            if packet != self._packet or (not packet and number not in self._touched):
                self.settle()
                self._packet = packet
            if kind == DATA:
                followed = self._followed[number]
                self._touched[number] = followed
                if copy:
                    data = engine.payload(address, length)
                    if self._want_data:
                        followed.new.setdefault(direction, []).append((offset, data))
                    followed.sides[direction].add_data(offset, data)
                else:
                    followed.sides[direction].truncated = True
            elif kind == GAP:
                self._followed[number].sides[direction].gaps.append(Gap(offset, length, GAP_REASONS[reason]))
            elif kind == OPENED:
                self._followed[number] = _Followed(read_connection(engine.connection(facts)), self._keep)
            elif kind == CLOSED:
                followed = self._followed.pop(number)
                followed.connection = read_closed_connection(engine, facts)
                followed.closed_at_ns = time
                self._touched[number] = followed

    def settle(self) -> None:
        """Say that all events of the packet that is being taken have come."""
        while self._touched:  # an interrupt must not make a callback due twice
            followed = self._touched.pop(next(iter(self._touched)))
            closed = followed.closed_at_ns is not None
            facts = (followed.connection, *followed.sides, closed)
            while followed.new:
                direction = next(iter(followed.new))
                new = followed.new.pop(direction)
                self.due.append((False, TCPStream._snapshot(*facts, SIDES[direction], tuple(new), followed.closed_at_ns)))
            if closed and self._want_end:
                self.due.append((True, TCPStream._snapshot(*facts, None, (), followed.closed_at_ns)))
        self._packet = -1
