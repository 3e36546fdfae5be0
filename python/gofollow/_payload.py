# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""The payload of a connection's directions with its gaps, and the limits on what is kept.

As _core.py, it runs as it stands and is compiled with the types of _payload.pxd.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from ._events import Chunk, Gap, Listed, seconds
from ._native import LARGEST, constant

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _payload.pxd has the same
    from ._plain import grow, growing, value_of

NO_TIME = constant("NO_TIME")
NEVER = LARGEST
SHORT, MERGED = 1024, 128  # so many pieces in a row shorter than that become one
LONG = 64 * 1024 * 1024  # more in blocks grows in place: joining it at the end would need as much again
NONE: Listed[Any] = Listed([], 0)


class Kept:
    """The limits on kept payload, gaps, turns and segments, and the amount of kept payload."""

    __slots__ = ("gaps", "payload", "reader", "segments", "total", "total_limit", "truncated", "turns")

    def __init__(self, payload: int, total: int, gaps: int, turns: int, segments: int) -> None:
        self.payload, self.total_limit, self.gaps = payload, total, gaps  # a direction, all, a direction
        self.turns, self.segments = turns, segments  # a connection; 0: none are recorded
        self.total = self.truncated = 0  # bytes kept of open connections, directions cut by total_limit
        self.reader = 0  # the thread that runs a callback: it alone may move what is there, since nothing is appended then


class Gaps:
    """The gaps of a direction, and the runs of data before each."""

    __slots__ = ("dropped_at", "end", "first", "gaps", "runs")

    def __init__(self, first: tuple[int, int, int] | None) -> None:
        self.first: Any = first  # how many turns had begun before the first gap; its time, its packet
        self.gaps: list[Gap] = []
        self.runs: list[Chunk] = []
        self.end = 0
        self.dropped_at = NEVER  # offset of the first gap that was not kept


class Payload:
    """The payload of one direction so far. It only grows, so an end and a length are a snapshot of it.

    Pieces are collected in blocks. They grow in place if they are very long or are read before they
    are complete. One thread appends; any thread may read at the same time.
    """

    __slots__ = ("blocks", "end", "extra", "first", "holes", "length", "limit", "moved", "run_ns", "run_packet", "short", "unmoved")

    def __init__(self, limit: int) -> None:
        self.first: bytes | None = None  # the only block: many connections have no more
        self.blocks: list[bytes] | None = None  # or all of them
        self.moved: tuple[Any, int, list[bytes]] | None = None  # what grows, its length, and the blocks behind it
        self.holes: Gaps | None = None
        self.extra: object = None  # what cycapture keeps of it
        self.end = 0  # stream offset behind the last byte or gap
        self.length = 0  # bytes of data so far, of which those below limit are kept
        self.limit = limit
        self.run_ns, self.run_packet = NO_TIME, 0  # of the packet with the first byte behind the last gap
        self.short = self.unmoved = 0  # short blocks at the end; bytes in blocks

    def append(self, data: bytes) -> None:
        blocks = self.blocks
        if blocks is not None:
            blocks.append(data)
        elif self.first is None:
            self.first = data
        else:
            self.blocks = blocks = [self.first, data]
            self.first = None
        self.unmoved += len(data)
        if self.unmoved > LONG:
            self.move()
        elif len(data) >= SHORT:
            self.short = 0
        else:
            self.short += 1
            if self.short == MERGED and blocks is not None:
                blocks[-MERGED:] = [b"".join(blocks[-MERGED:])]
                self.short = 0

    def move(self) -> None:
        """Move the blocks to what grows in place. Repeating a part of it after an interrupt is harmless."""
        whole, length = (growing(), 0) if self.moved is None else self.moved[:2]
        blocks: list[bytes] = []
        length = grow(whole, length, [self.first or b""] if self.blocks is None else self.blocks)
        self.moved = (whole, length, blocks)
        self.blocks, self.first = blocks, None
        self.short = self.unmoved = 0

    def read(self, start: int, end: int, ended: bool, reader: bool) -> bytes:
        """Return the bytes of data from start to end, as far as they are kept.

        ended: whether nothing will be appended. reader: whether this is the thread that appends, in a
        callback, which may leave it faster to read again.
        """
        if reader and not ended and self.unmoved:
            self.move()
        first, blocks, moved = self.first, self.blocks, self.moved  # in this order: what moves meanwhile is in two of them
        if moved is not None:
            whole, before, blocks = moved
            value = value_of(whole)
            if value is None:
                raise MemoryError("this payload is lost, since there was no memory to continue it")
            if blocks:
                value = value[:before] + b"".join(blocks)
        elif blocks is None:
            value = first or b""
        else:
            value = b"".join(blocks)
            if ended:
                self.first, self.blocks = value, None
        return value if start == 0 and end >= len(value) else value[start:end]

    def add_gap(self, offset: int, length: int, reason: str, most: int, first: tuple[int, int, int] | None) -> None:
        holes = self.holes
        if holes is None:
            self.holes = holes = Gaps(first)
        if len(holes.gaps) < most:
            run = offset - holes.end
            kept = min(run, self.limit - (self.length - run))
            if kept > 0:
                holes.runs.append(Chunk(holes.end, self.length - run, kept, seconds(self.run_ns), self.run_packet))
            holes.gaps.append(Gap(offset, length, reason))
        elif holes.dropped_at == NEVER:
            holes.dropped_at = offset
        holes.end = self.end = offset + length

    def gaps_to(self, end: int) -> Listed[Gap]:
        return NONE if self.holes is None else Listed(self.holes.gaps, bisect_left(self.holes.gaps, (end,)))

    def chunks_to(self, end: int, length: int) -> Listed[Chunk]:
        """Return the runs of data up to a stream offset; length is the data before it."""
        holes, start, time, packet = self.holes, 0, seconds(self.run_ns), self.run_packet
        runs: list[Chunk] = []
        count = 0
        if holes is not None:
            runs = holes.runs
            count = bisect_left(runs, (end,))
            at = bisect_left(holes.gaps, (end,))
            if at:
                start = holes.gaps[at - 1].offset + holes.gaps[at - 1].length
            if count and runs[count - 1].offset >= start:  # not complete then
                count -= 1
                time, packet = runs[count].time, runs[count].packet
            if holes.dropped_at < end:
                return Listed(runs, count)
        run = end - start
        kept = min(run, self.limit - (length - run))
        return Listed(runs, count, (Chunk(start, length - run, kept, time, packet),) if kept > 0 else ())
