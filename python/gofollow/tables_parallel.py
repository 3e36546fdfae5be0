"""Makes the tables of a folder of captures in several processes, by the shuffle that gofollow.spark makes on many machines."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ._engine import Engine
from .spark_source import ORDER, ROWS, Options, Part, divide, files_of, rows_of
from .spark_worker import defragment, tables_of, ticks, ticks_of_all
from .tables import Written, write_tables

_PART_BYTES = 64 << 20  # of a capture that one call reads
_SHARD_BYTES = 128 << 20  # of captures, about, whose packets are sorted in memory at once
_SHARD = pa.schema([field for field in ROWS if field.name != "error"])


def write(folder: Path, paths: list[str], name: str, processes: int, options: dict[str, Any]) -> Written:
    """Write both tables of the captures that paths mean, with so many processes, as tables.write_parquet says."""
    Engine(options).close()  # a wrong option is an error here
    files = files_of(paths)
    size = sum(length for _, length in files)
    shards = 1 << (max(processes, size // _SHARD_BYTES) - 1).bit_length()
    folder.mkdir(parents=True, exist_ok=True)
    shuffle = Path(tempfile.mkdtemp(prefix=".shuffle-", dir=folder))
    try:
        with _pool(processes) as pool:
            parts = [part for path, length in files for part in divide(path, length, _PART_BYTES)]
            with _without_interrupts():
                read = [pool.submit(_scatter, shuffle, number, part, shards) for number, part in enumerate(parts)]
            clock = ticks_of_all(pair for done in read for pair in done.result())
            while fragments := sorted(shuffle.glob("depth*")):
                _defragment(shuffle, fragments[0], shards, clock, options.get("separate", "none"))
            with _without_interrupts():
                followed = [pool.submit(_follow, folder, shuffle, name, shard, clock, options) for shard in range(shards)]
            return Written(*map(sum, zip(*(done.result() for done in followed), strict=True)))
    finally:
        shutil.rmtree(shuffle, ignore_errors=True)


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that end in silence at Ctrl-C, which a terminal sends to all of them. After an error no further call begins."""
    with ProcessPoolExecutor(processes, get_context("spawn"), _end_in_silence) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold interrupts back, in processes that are started meanwhile as well: until _end_in_silence, there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_in_silence() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _scatter(shuffle: Path, number: int, part: Part, shards: int) -> list[tuple[int, int]]:
    """Distribute the packets of a part over files of shards, fragments to a file of their own; return its ticks."""
    found: list[tuple[int, int]] = []
    with _Files(shuffle, str(number), shards) as files:

        def noted() -> Iterator[pa.RecordBatch]:
            for batch in rows_of(part, Options()):
                files.write(batch.filter(pc.is_valid(batch.column("key"))).select(_SHARD.names))
                yield batch

        for batch in ticks(noted()):
            found += zip(batch.column("bucket").to_pylist(), batch.column("tick").to_pylist(), strict=True)
    return found


class _Files:
    """Files of rows, one for each shard and one for fragments of each depth, made when they are needed."""

    def __init__(self, shuffle: Path, name: str, shards: int) -> None:
        self._shuffle, self._name, self._shards = shuffle, name, shards
        self._open: dict[str, Any] = {}

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *exception: object) -> None:
        for writer in self._open.values():
            writer.close()

    def write(self, packets: pa.RecordBatch) -> None:
        """Write packets to their shards, and fragments to those of their depth."""
        depths = packets.column("fragment_depth")
        for depth in pc.unique(depths.drop_null()).to_pylist():
            self._append(f"depth{depth:02}", packets.filter(pc.equal(depths, depth)))
        packets = packets.filter(pc.is_null(depths))
        shards = pc.bit_wise_and(packets.column("key"), self._shards - 1)
        for number in pc.unique(shards).to_pylist():
            self._append(f"shard{number}", packets.filter(pc.equal(shards, number)))

    def _append(self, kind: str, packets: pa.RecordBatch) -> None:
        if packets.num_rows:
            if kind not in self._open:
                folder = self._shuffle / kind
                folder.mkdir(exist_ok=True)
                self._open[kind] = pa.ipc.new_stream(
                    str(folder / self._name), _SHARD, options=pa.ipc.IpcWriteOptions(compression="lz4")
                )
            self._open[kind].write_batch(packets)


def _in_order(folder: Path) -> Iterator[pa.RecordBatch]:
    """Return the rows of the files of a folder in order, and delete the folder."""
    tables = [pa.ipc.open_stream(path.read_bytes()).read_all() for path in folder.glob("*")]
    shutil.rmtree(folder, ignore_errors=True)
    rows = pa.concat_tables(tables) if tables else _SHARD.empty_table()
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in ORDER])
    for start in range(0, len(order), 4096):
        yield from rows.take(order.slice(start, 4096)).combine_chunks().to_batches()


def _defragment(shuffle: Path, folder: Path, shards: int, clock: list[int], separate: str) -> None:
    """Distribute the datagrams that are made of the fragments in a folder, and delete it."""
    with _Files(shuffle, folder.name, shards) as files:
        for batch in defragment(_in_order(folder), int(folder.name.removeprefix("depth")), clock, separate):
            files.write(batch)


def _follow(folder: Path, shuffle: Path, name: str, shard: int, clock: list[int], options: dict[str, Any]) -> Written:
    batches = _in_order(shuffle / f"shard{shard}")
    return write_tables(folder, f"{name}-{shard}", tables_of(batches, True, True, clock, options))
