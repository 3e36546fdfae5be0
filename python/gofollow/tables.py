"""Connections and turns as Arrow tables, for pandas, polars, DuckDB, Parquet and Spark.

    from gofollow import tables

    frame = tables.to_pandas(tables.connections("capture.pcapng"))
    tables.write_parquet("folder", "capture.pcapng")

docs/tables.md describes every column. Needs pyarrow: pip install 'gofollow[tables]'.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _rows
from ._engine import Engine
from ._rows import PART as PART
from ._sources import Reading
from .errors import CaptureError, MissingPackageError
from .follower import CaptureSource, read_and_flush, reading_of

try:
    import pyarrow as pa
except ImportError:
    raise MissingPackageError("gofollow.tables needs pyarrow, which is not installed: pip install 'gofollow[tables]'") from None

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["CONNECTIONS", "TURNS", "Written", "connections", "to_pandas", "to_polars", "turns", "write_parquet"]

_WAITING_BYTES = 256 << 20  # the most payload of turns that are not over, of all connections together
_KINDS = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "binary": pa.binary(),
    "time": pa.timestamp("us", "UTC"),
}


def _schema(columns: Sequence[tuple[str, str, bool]]) -> pa.Schema:
    return pa.schema([pa.field(name, _KINDS[kind], nullable) for name, kind, nullable in columns])


CONNECTIONS: pa.Schema = _schema(_rows.CONNECTIONS)
"""The columns of connections."""

TURNS: pa.Schema = _schema(_rows.TURNS)
"""The columns of turns."""


def connections(*sources: CaptureSource, **options: Any) -> pa.RecordBatchReader:
    """Return the connections of captures as record batches, a row each, in the order in which they close.

    sources and options are those of follow; the options that say what streams keep have no meaning here. Memory is bounded, however
    long the captures are. What follow raises comes out of reading the batches, after those that stand before a fault.

    Raises OptionError at once.
    """
    return pa.RecordBatchReader.from_batches(CONNECTIONS, (batch for batch, _ in _read(sources, options, True, False) if batch is not None))


def turns(*sources: CaptureSource, **options: Any) -> pa.RecordBatchReader:
    """Return the turns of captures as record batches: what one side sent until data of the other was delivered, as TCPStream.turns().

    A turn is a row, written when its side begins the next one or the connection closes, so that batches hold turns of different
    connections in the order in which they became known. One of more than 16 MiB has several parts, as have all turns that are not
    over whenever together they hold more than 256 MiB. Otherwise as connections.
    """
    return pa.RecordBatchReader.from_batches(TURNS, (batch for _, batch in _read(sources, options, False, True) if batch is not None))


def to_pandas(table: pa.RecordBatchReader) -> pandas.DataFrame:
    """Return a table, such as connections("capture.pcap"), as a data frame of pandas, in which integers stay integers."""
    try:
        import pandas
    except ImportError:
        raise MissingPackageError("to_pandas needs pandas, which is not installed: pip install pandas") from None
    kinds = {pa.int64(): pandas.Int64Dtype(), pa.int32(): pandas.Int32Dtype()}
    return table.read_pandas(types_mapper=kinds.get)


def to_polars(table: pa.RecordBatchReader) -> polars.DataFrame:
    """Return a table, such as connections("capture.pcap"), as a data frame of polars."""
    try:
        import polars
    except ImportError:
        raise MissingPackageError("to_polars needs polars, which is not installed: pip install polars") from None
    frame = polars.from_arrow(table.read_all())
    assert isinstance(frame, polars.DataFrame)
    return frame


class Written(NamedTuple):
    """How many rows were written."""

    connections: int
    turns: int


def write_parquet(
    folder: str | os.PathLike[str], *sources: CaptureSource, name: str = "part-0", processes: int = 1, **options: Any
) -> Written:
    """Write both tables of captures, in one pass, to folder/connections/NAME.parquet and folder/turns/NAME.parquet.

    Folders that are missing are made. Files of that name are replaced once they are complete, so that another process, with another
    name, may write to the same folder meanwhile. sources and options are those of connections.

    processes: with more than one, sources are files, folders and globs. So many processes read them, distribute the packets by their
    flows over temporary files in folder, which take about as much room as the captures, and follow them. The files are NAME-0.parquet
    and so on, and id is null. docs/spark.md says when the tables are those of one process.

    Raises OSError if nothing can be written; what follow raises, after what stands before a fault was written. With several processes
    nothing is written then.
    """
    if processes > 1:
        from .tables_parallel import write

        return write(Path(folder), [os.fspath(source) for source in sources], name, processes, options)  # type: ignore[arg-type]
    return write_tables(Path(folder), name, _read(sources, options, True, True))


def write_tables(folder: Path, name: str, batches: Batches) -> Written:
    """Write batches of both tables, as write_parquet, what stands before an exception of theirs included."""
    import pyarrow.parquet as pq

    writers: list[Any] = []
    paths: list[tuple[Path, Path]] = []
    rows = [0, 0]
    fault: Exception | None = None
    try:
        for table, schema in (("connections", CONNECTIONS), ("turns", TURNS)):
            path = Path(folder, table, f"{name}.parquet")
            path.parent.mkdir(parents=True, exist_ok=True)
            paths.append((path.with_name(f".{name}.{os.getpid()}.tmp"), path))
            columns = [column for column in schema.names if column != "payload"]  # which is long, and never the same
            writers.append(pq.ParquetWriter(paths[-1][0], schema, compression="zstd", use_dictionary=columns, write_statistics=columns))
        while fault is None:
            try:
                pair = next(batches, None)
            except Exception as error:
                fault = error
                continue
            if pair is None:
                break
            for number, batch in enumerate(pair):
                if batch is not None:
                    writers[number].write_batch(batch)
                    rows[number] += batch.num_rows
        for writer in writers:
            writer.close()
        if fault is None or any(rows):
            for unfinished, path in paths:
                os.replace(unfinished, path)
    finally:
        batches.close()
        for writer in writers:
            with suppress(Exception):
                writer.close()
        for unfinished, _ in paths:
            unfinished.unlink(missing_ok=True)
    if fault is not None:
        raise fault
    return Written(*rows)


Batches = Generator[tuple[pa.RecordBatch | None, pa.RecordBatch | None], None, None]
"""Batches of connections and of turns; None for none."""


def _read(sources: Sequence[CaptureSource], options: dict[str, Any], connections: bool, turns: bool) -> Batches:
    """Return a generator of batches of both tables, of those that are asked for; a fault of a capture is raised after all."""
    engine = Engine(options, half_closed=False)
    return _batches(engine, reading_of(engine, None, sources), Rows(engine.number, connections, turns, waiting_limit=_WAITING_BYTES))


def _batches(engine: Engine, reading: Reading, rows: Rows) -> Batches:
    try:
        fault: Exception | None = None
        try:
            with closing(read_and_flush(reading, engine)) as steps:
                for _ in steps:
                    more = True
                    while more:
                        more = rows.pull()
                        if rows.full():
                            yield rows.take()
        except (CaptureError, OSError, EOFError) as error:
            fault = error
        yield rows.take()
        if fault is not None:
            raise fault
    finally:
        engine.close()


class Rows(_rows.Rows):
    """Makes batches of both tables of the events that are polled from a follower."""

    def take(self) -> tuple[pa.RecordBatch | None, pa.RecordBatch | None]:
        """Return the rows so far as a batch of each table, None for one without rows."""
        connections, turns = self.take_rows()
        return batch_of(CONNECTIONS, connections), batch_of(TURNS, turns)


def batch_of(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.RecordBatch | None:
    """Return rows, tuples of the columns, as a batch, None for none."""
    if not rows:
        return None
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema
    )
