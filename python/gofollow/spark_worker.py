"""What Spark's workers run: batches of packets in, batches of tables out. Imports no pyspark."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ._engine import Engine
from ._native import constant, error_from_code, ffi, library
from .spark_source import HOUR, signed
from .tables import Batches, Rows

_FULL = constant("ERR_FULL")
_NO_TIME, _OTHER, _FRAGMENT = constant("NO_TIME"), constant("PACKET_OTHER"), constant("PACKET_FRAGMENT")
_DATAGRAMS = 65536  # so many may be unfinished, more than a follower keeps
_FED = 1024  # so many packets are fed at once

TICKS = pa.schema([("bucket", pa.int64()), ("tick", pa.int64()), ("fragments", pa.bool_())])
BUCKET = HOUR // 4


def ticks(batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    """Yield of the clocks of packets the two earliest and the latest in each quarter of an hour, and whether there are fragments.

    For the engine these times are the clock of all packets: steps of less than an hour that are left out change nothing, and those
    of more than an hour are among them, with the packet that confirms each.
    """
    kept: dict[int, list[int]] = {}
    fragments = False
    for batch in batches:
        fragments = fragments or bool(pc.any(batch.column("fragment")).as_py())
        for clock in pc.unique(batch.column("clock_ns").drop_null()).to_pylist():
            times = kept.setdefault(clock // BUCKET, [])
            if clock not in times:
                times.append(clock)
                if len(times) > 3:
                    times.sort()
                    del times[2]
    pairs = [(bucket, clock) for bucket, times in kept.items() for clock in times]
    if pairs:
        columns = [*zip(*pairs, strict=True), [fragments] * len(pairs)]
        yield pa.RecordBatch.from_arrays([pa.array(column, kind) for column, kind in zip(columns, TICKS.types, strict=True)], schema=TICKS)


def ticks_of_all(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the ticks of a store, in order, of those of its parts with their buckets."""
    kept: dict[int, set[int]] = {}
    for bucket, tick in pairs:
        kept.setdefault(bucket, set()).add(tick)
    return sorted({tick for times in kept.values() for tick in (*sorted(times)[:2], max(times))})


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


def label(batches: Iterable[pa.RecordBatch], clock: list[int]) -> Generator[pa.RecordBatch, None, None]:
    """Give fragments the key of the flow that their datagram belongs to, or of the datagram that it is a fragment of itself.

    The rows of a datagram have one key and are in order. They are kept until it is whole; what it then says is the follower's to find
    again, by the same rules. Those of datagrams that are no TCP or never whole are dropped. clock: as for follow.
    """
    engine = Engine({"packets": True})
    polled = ffi.new("gofollow_event[]", _FED)
    waiting: dict[int, list[dict[str, Any]]] = {}  # by key, the longest unfinished first
    rows: deque[dict[str, Any]] = deque()  # fed, or about to be
    schema = pa.schema([])

    def noted() -> Iterator[pa.RecordBatch]:
        nonlocal schema
        for batch in batches:
            schema = batch.schema
            rows.extend(batch.to_pylist())
            yield batch

    for code in _feed(engine, _packets(noted(), clock)):
        ready = []
        count = library().gofollow_poll(engine.number, polled, _FED) if code else 0
        for event in polled[0:count]:
            if not event.length:
                continue  # a tick
            row = rows.popleft()
            key, inner = row["key"], signed(event.connection_id)
            datagram = waiting.setdefault(key, [])
            datagram.append(row)
            if event.reason == _FRAGMENT and inner in (key, signed(event.captured_packet)):
                continue  # not whole yet
            del waiting[key]
            if event.reason != _OTHER:
                ready += [{**row, "key": inner, "fragment": event.reason == _FRAGMENT} for row in datagram]
        if ready:
            yield pa.RecordBatch.from_pylist(ready, schema=schema)
        for key in [*islice(waiting, max(0, len(waiting) - _DATAGRAMS))]:
            del waiting[key]
    engine.close()


def _packets(batches: Iterable[pa.RecordBatch], clock: list[int]) -> Iterator[tuple[int, int, int, int, int] | None]:
    """Yield link type, time, address, captured length and length on the wire of packets and ticks; None before addresses get invalid."""
    tick = 0
    for batch in batches:
        column = {name: batch.column(name) for name in batch.schema.names}
        frames = column["frame"].cast(pa.binary())
        _, offsets, data = frames.buffers()
        starts = memoryview(offsets).cast("i")[frames.offset : frames.offset + len(frames) + 1]
        base = data.address if data is not None else 0
        names = ("clock_ns", "time_ns", "link_type", "wire_length")
        for number, (now, time_ns, link_type, length) in enumerate(zip(*(column[name].to_pylist() for name in names), strict=True)):
            while tick < len(clock) and now is not None and clock[tick] <= now:
                if clock[tick] != time_ns:  # the packet that the tick is made of does not confirm itself
                    yield 1, clock[tick], 0, 0, 0
                tick += 1
            start = starts[number]
            yield link_type, _NO_TIME if time_ns is None else time_ns, base + start, starts[number + 1] - start, length
        yield None
    for time_ns in clock[tick:]:
        yield 1, time_ns, 0, 0, 0


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
