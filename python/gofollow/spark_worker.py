"""What Spark's workers run: batches of packets in, batches of tables out. Imports no pyspark."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ._engine import Engine
from ._flows import LINK_DATAGRAM, Defragmenter, flow_keys
from ._native import constant, error_from_code, ffi, library
from .spark_source import HOUR
from .tables import Batches, Rows

_FULL, _NO_TIME = constant("ERR_FULL"), constant("NO_TIME")
_FED = 1024  # so many packets are fed at once

TICKS = pa.schema([("bucket", pa.int64()), ("tick", pa.int64()), ("levels", pa.int32())])
BUCKET = HOUR // 4


def ticks(batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    """Yield the clocks of two or three packets in each quarter of an hour, the two earliest and the latest, and how many levels of
    fragments there are.

    For the engine these times are the clock of all packets: steps of less than an hour that are left out change nothing, and those
    of more than an hour are among them, with the packet that confirms each.
    """
    kept: dict[int, list[int]] = {}
    levels = 0
    for batch in batches:
        deepest = pc.max(batch.column("fragment_depth")).as_py()
        if deepest is not None:
            levels = max(levels, deepest + 2)  # a tunnel of fragments may carry fragments
        for found in pc.value_counts(batch.column("clock_ns").drop_null()).to_pylist():
            clock = found["values"]
            kept[clock // BUCKET] = _ends([*kept.get(clock // BUCKET, ()), *[clock] * min(3, found["counts"])])
    pairs = [(bucket, clock) for bucket, times in kept.items() for clock in times]
    if pairs:
        columns = [*zip(*pairs, strict=True), [levels] * len(pairs)]
        yield pa.RecordBatch.from_arrays([pa.array(column, kind) for column, kind in zip(columns, TICKS.types, strict=True)], schema=TICKS)


def ticks_of_all(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the ticks of a store, in order, of those of its parts with their buckets."""
    kept: dict[int, list[int]] = {}
    for bucket, tick in pairs:
        kept.setdefault(bucket, []).append(tick)
    return sorted(tick for times in kept.values() for tick in _ends(times))


def _ends(times: list[int]) -> list[int]:
    """Return the two earliest times and the latest."""
    times.sort()
    return [*times[:2], *times[2:][-1:]]


def follow(
    batches: Iterable[pa.RecordBatch], turns: bool, clock: list[int], options: dict[str, Any]
) -> Generator[pa.RecordBatch, None, None]:
    """Follow the packets of a shard, which are in order, and yield the batches of one table. clock: as for tables_of."""
    for pair in tables_of(batches, not turns, turns, clock, options):
        batch = pair[turns]
        if batch is not None:
            yield batch


def tables_of(batches: Iterable[pa.RecordBatch], connections: bool, turns: bool, clock: list[int], options: dict[str, Any]) -> Batches:
    """Follow the packets of a shard, which are in order, and yield batches of the tables that are asked for.

    clock: the ticks of all shards, in order. A tick is fed as an empty packet, which moves the clock by the engine's own rules.
    """
    engine = Engine(options, half_closed=False)
    rows = Rows(engine.number, connections, turns, numbered=False)
    try:
        for code in _feed(engine, _packets(batches, clock)):
            more = code != 0
            while more:
                more = rows.pull()
                if rows.full():
                    yield rows.take()
        done = False
        while not done:
            done, more = engine.flush(), True
            while more:
                more = rows.pull()
                if rows.full():
                    yield rows.take()
        yield rows.take()
    finally:
        engine.close()


def defragment(
    batches: Iterable[pa.RecordBatch], depth: int, clock: list[int], separate: str = "none"
) -> Generator[pa.RecordBatch, None, None]:
    """Put datagrams together from fragments of one depth, and yield each as a row in place of the one that completed it.

    The rows of a datagram are in order. A datagram is a packet of its flow, or a deeper fragment. What is never whole is dropped, as a
    follower does. Other rows are yielded as they are. clock: as for follow; separate: the follower's.
    """
    ticks = _Ticks(clock)
    with Defragmenter(separate=separate) as defragmenter:
        for batch in batches:
            here = pc.equal(batch.column("fragment_depth"), depth)
            yield batch.filter(pc.invert(pc.fill_null(here, False)))
            rows: list[dict[str, Any]] = []
            for row in batch.filter(here).to_pylist():
                for tick in ticks.until(row["clock_ns"], row["time_ns"]):
                    rows.append({"frame": b"", "link_type": 1, "time_ns": tick, "wire_length": 0})
                rows.append(row)
            frames, links, times, lengths = ([row[name] for row in rows] for name in ("frame", "link_type", "time_ns", "wire_length"))
            whole = [made for made in defragmenter.feed(frames, links, times, lengths) if made.link_type == LINK_DATAGRAM]
            keys = flow_keys([made.data for made in whole], LINK_DATAGRAM, [made.wire_length for made in whole], separate)
            yield pa.RecordBatch.from_pylist(
                [
                    {**rows[made.completed_by], "link_type": made.link_type, "frame": made.data, "wire_length": made.wire_length}
                    | {"key": key, "fragment_depth": deeper}
                    for made, key, deeper in zip(whole, *keys, strict=True)
                    if key is not None
                ],
                schema=batch.schema,
            )


class _Ticks:
    """The ticks of all shards, each of which is taken once."""

    def __init__(self, clock: list[int]) -> None:
        self._clock, self._next = clock, 0

    def until(self, now: int | None, time_ns: int | None = None) -> Iterator[int]:
        """Yield the ticks that come before a packet, of which the clock and the time are given."""
        clock = self._clock
        while self._next < len(clock) and now is not None and clock[self._next] <= now:
            tick = clock[self._next]
            self._next += 1
            if tick == time_ns:
                time_ns = None  # the packet that a tick is made of does not confirm itself
            else:
                yield tick

    def rest(self) -> list[int]:
        return self._clock[self._next :]


def _packets(batches: Iterable[pa.RecordBatch], clock: list[int]) -> Iterator[tuple[int, int, int, int, int] | None]:
    """Yield link type, time, address, captured length and length on the wire of packets and ticks; None before addresses get invalid."""
    ticks = _Ticks(clock)
    for batch in batches:
        column = {name: batch.column(name) for name in batch.schema.names}
        frames = column["frame"].cast(pa.binary())
        _, offsets, data = frames.buffers()
        starts = memoryview(offsets).cast("i")[frames.offset : frames.offset + len(frames) + 1]
        base = data.address if data is not None else 0
        names = ("clock_ns", "time_ns", "link_type", "wire_length")
        for number, (now, time_ns, link_type, length) in enumerate(zip(*(column[name].to_pylist() for name in names), strict=True)):
            for tick in ticks.until(now, time_ns):
                yield 1, tick, 0, 0, 0
            start = starts[number]
            yield link_type, _NO_TIME if time_ns is None else time_ns, base + start, starts[number + 1] - start, length
        yield None
    for tick in ticks.rest():
        yield 1, tick, 0, 0, 0


def _feed(engine: Engine, packets: Iterator[tuple[int, int, int, int, int] | None]) -> Generator[int, None, None]:
    """Feed packets, and yield after each call how many events wait. They must be taken then."""
    feed, consumed = library().gofollow_feed_batch, ffi.new("size_t *")
    array = ffi.new("gofollow_packet[]", _FED)
    pointer = ffi.typeof("void *")
    ended = False
    while not ended:
        count = 0
        for columns in packets:
            if columns is None:
                break
            packet = array[count]
            packet.link_type, packet.ts_ns, address, packet.captured, packet.original = columns
            packet.bytes = ffi.cast(pointer, address)
            count += 1
            if count == _FED:
                break
        else:
            ended = True
        done = 0
        while done < count:
            code = feed(engine.number, array + done, count - done, consumed)
            done += consumed[0]
            if code < 0 and code != _FULL:
                raise error_from_code(code, engine.number)
            yield code
