"""Connections and turns as Arrow tables, for pandas, polars, DuckDB, Parquet and Spark.

    from gofollow import tables

    frame = tables.to_pandas(tables.connections("capture.pcapng"))
    tables.write_parquet("folder", "capture.pcapng")

docs/tables.md describes every column. Needs pyarrow: pip install 'gofollow[tables]'.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from hashlib import blake2b
from ipaddress import IPv6Address
from pathlib import Path
from socket import AF_INET, inet_ntop
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from ._engine import Engine
from ._events import BY, CLOSE_REASONS, ROLES, SIDES, STARTS
from ._gather import Gather, Run, Stream
from ._native import constant, ffi
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

PART = 16 << 20
"""The most bytes of payload in one row of turns."""

_BATCH_ROWS, _BATCH_BYTES = 16384, 8 << 20  # a batch is complete as soon as it reaches one of them
_WAITING_BYTES = 256 << 20  # the most payload of turns that are not over, of all connections together


def _schema(*columns: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable) for name, kind, nullable in columns])


_TIME = pa.timestamp("us", "UTC")

CONNECTIONS: pa.Schema = _schema(
    ("connection_id", pa.int64(), False),
    ("id", pa.int64(), True),
    ("client_address", pa.string(), False),
    ("client_port", pa.int32(), False),
    ("server_address", pa.string(), False),
    ("server_port", pa.int32(), False),
    ("separation", pa.string(), True),
    ("roles_from", pa.string(), False),
    ("start", pa.string(), False),
    ("opened_at", _TIME, True),
    ("opened_at_ns", pa.int64(), True),
    ("closed_at", _TIME, True),
    ("closed_at_ns", pa.int64(), True),
    ("close_reason", pa.string(), False),
    ("closed_by", pa.string(), True),
    ("clean", pa.bool_(), False),
    ("handshake_ns", pa.int64(), True),
    *(
        (f"{side}_{name}", pa.int64(), False)
        for side in SIDES
        for name in ("packets", "bytes", "missing", "retransmitted", "reordered")
    ),
)
"""The columns of connections."""

TURNS: pa.Schema = _schema(
    ("connection_id", pa.int64(), False),
    ("turn", pa.int64(), False),
    ("part", pa.int64(), False),
    ("side", pa.string(), False),
    ("time", _TIME, True),
    ("time_ns", pa.int64(), True),
    ("end_time", _TIME, True),
    ("end_time_ns", pa.int64(), True),
    ("offset", pa.int64(), False),
    ("payload", pa.binary(), False),
    ("missing", pa.int64(), False),
)
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
    return _batches(engine, reading_of(engine, None, sources), Rows(engine.number, connections, turns))


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


class Rows:
    """Makes rows of both tables of the events that are polled from a follower."""

    def __init__(
        self, handle: int, connections: bool, turns: bool, numbered: bool = True, choose: Callable[[int, bytes], bool] | None = None
    ) -> None:
        """connections, turns: which tables are asked for. numbered: whether connections have their number as id.

        choose: whether the connection of a number has rows; None: all have.
        """
        self._want_connections, self._numbered, self._choose = connections, numbered, choose
        self._gather = Gather(
            handle,
            self._closed,
            self._run if turns else None,
            self._gap if turns else None,
            choose,
            run_limit=1 << 16,
            all_limit=_WAITING_BYTES // 64,
            turns=True,
        )
        self._connections: list[tuple[Any, ...]] = []
        self._turns: list[tuple[Any, ...]] = []
        self._size = 0  # of the payload in _turns
        self._open: dict[int, _Conversation] = {}
        self._waiting = 0  # bytes in turns of _open

    def pull(self) -> bool:
        """Poll once, and return whether more events may wait."""
        return self._gather.pull() > 0

    def full(self) -> bool:
        """Whether there is a batch's worth of rows."""
        return len(self._turns) >= _BATCH_ROWS or self._size >= _BATCH_BYTES or len(self._connections) >= _BATCH_ROWS

    def take(self) -> tuple[pa.RecordBatch | None, pa.RecordBatch | None]:
        """Return the rows so far as a batch of each table, None for one without rows."""
        connections, turns = self.take_rows()
        return _batch(CONNECTIONS, connections), _batch(TURNS, turns)

    def take_rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows so far of each table, as tuples of its columns."""
        taken = self._connections, self._turns
        self._connections, self._turns, self._size = [], [], 0
        return taken

    def _conversation(self, stream: Stream) -> _Conversation:
        conversation: _Conversation | None = stream.state
        if conversation is None:
            conversation = stream.state = self._open[stream.number] = _Conversation(_connection_id(stream.facts))
        return conversation

    def _run(self, run: Run) -> None:
        conversation = self._conversation(run.stream)
        length, side = run.size, run.direction
        turn = conversation.turns[side]
        if turn is None or conversation.side != side:
            if turn is not None:
                self._end_part(conversation, turn)
            turn = conversation.begin(side)
        elif turn.size + length > PART:
            self._split(conversation, turn)
        if not turn.pieces:
            turn.first_ns, turn.offset = run.times[0], run.offset
        if conversation.missing[side]:
            turn.missing += conversation.missing[side]
            conversation.missing[side] = 0
        turn.pieces += run.pieces
        turn.size += length
        turn.end, turn.last_ns = run.offset + length, run.times[-1]
        self._waiting += length
        if self._waiting > _WAITING_BYTES:
            self._split_all()

    def _gap(self, run: Run, offset: int, length: int, reason: int, time_ns: int) -> None:
        self._conversation(run.stream).lose(run.direction, length, offset, time_ns)

    def _closed(self, facts: bytes, stream: Stream | None) -> None:
        if stream is not None and stream.state is not None:
            del self._open[stream.number]
            for turn in stream.state.end():
                self._end_part(stream.state, turn)
        if self._want_connections and (self._choose is None or self._choose(_raw(facts).id, facts)):
            self._close(facts, None if stream is None or stream.state is None else stream.state.connection_id)

    def _split(self, conversation: _Conversation, turn: _Turn) -> None:
        """End a part of a turn that is not over."""
        conversation.settle(turn)
        self._end_part(conversation, turn)
        turn.part += 1
        turn.pieces, turn.size, turn.missing, turn.offset, turn.first_ns = [], 0, 0, turn.end, turn.last_ns

    def _split_all(self) -> None:
        for conversation in self._open.values():
            for turn in conversation.turns:
                if turn is not None and turn.pieces:
                    self._split(conversation, turn)

    def _end_part(self, conversation: _Conversation, turn: _Turn) -> None:
        """Make a row of what a turn has, unless it is the rest of one, and empty."""
        if turn.part and not turn.size and not turn.missing:
            return
        self._waiting -= turn.size
        self._size += turn.size
        self._turns.append(
            (
                *(conversation.connection_id, turn.number, turn.part, SIDES[turn.side], *_time(turn.first_ns), *_time(turn.last_ns)),
                *(turn.offset, b"".join(turn.pieces), turn.missing),
            )
        )

    def _close(self, facts: bytes, connection_id: int | None) -> None:
        raw = _raw(facts)
        self._connections.append(
            (
                *(_connection_id(facts) if connection_id is None else connection_id, raw.id if self._numbered else None),
                *(_address(raw.client), raw.client.port, _address(raw.server), raw.server.port),
                _separation(facts).decode() or None,
                *(ROLES[raw.roles_from], STARTS[raw.start], *_time(raw.opened_ns), *_time(raw.closed_ns)),
                *(CLOSE_REASONS[raw.close_reason], BY[raw.closed_by], bool(raw.clean)),
                None if _NO_TIME in (raw.syn_ns, raw.ack_ns) else raw.ack_ns - raw.syn_ns,
                *(_counters(raw.counters[0]) + _counters(raw.counters[1])),
            )
        )


class _Turn:
    """A turn, or the part of it that is not a row yet."""

    __slots__ = ("end", "first_ns", "last_ns", "missing", "number", "offset", "part", "pieces", "side", "size")

    def __init__(self, number: int, side: int) -> None:
        self.number, self.side = number, side
        self.part = self.offset = self.end = self.size = self.missing = self.first_ns = self.last_ns = 0
        self.pieces: list[bytes] = []


class _Conversation:
    """Whose turn it is in a connection, and the last turn of each side, to which a gap may still belong."""

    __slots__ = ("connection_id", "count", "first_gaps", "missing", "side", "turns")

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        self.turns: list[_Turn | None] = [None, None]  # by side
        self.side, self.count = -1, 0  # of the turn that goes on; how many began
        self.missing = [0, 0]  # by side: bytes behind its last data, which belong to its next turn, if there is one
        self.first_gaps: list[tuple[int, int, int]] = [(0, 0, 0), (0, 0, 0)]  # of missing: how many turns had begun, offset, time

    def begin(self, side: int) -> _Turn:
        turn = self.turns[side] = _Turn(self.count, side)
        self.side = side
        self.count += 1
        return turn

    def lose(self, side: int, length: int, offset: int, time_ns: int) -> None:
        if not self.missing[side]:
            self.first_gaps[side] = self.count, offset, time_ns
        self.missing[side] += length

    def empty(self, side: int) -> _Turn:
        """Return the turn of a side that has gaps alone."""
        turn = self.turns[side] = _Turn(0, side)
        _, turn.offset, turn.first_ns = self.first_gaps[side]
        turn.last_ns = turn.first_ns
        turn.missing, self.missing[side] = self.missing[side], 0
        return turn

    def settle(self, turn: _Turn) -> None:
        """Fix the number of a turn that is about to become a row before it is over: what the other side lost before it is a turn, too."""
        other = 1 - turn.side
        if turn.part == turn.number == 0 and self.missing[other] and self.turns[other] is None and not self.first_gaps[other][0]:
            self.empty(other)
            turn.number, self.count = 1, 2

    def end(self) -> list[_Turn]:
        """Return the turns that are not rows yet, in order."""
        turns = sorted((turn for turn in self.turns if turn is not None), key=lambda turn: turn.number)
        for side in (0, 1):
            turn = self.turns[side]
            if turn is not None:
                turn.missing += self.missing[side]
            elif self.missing[side]:
                turns.insert(self.first_gaps[side][0], self.empty(side))  # the other side has one turn at most
                for number, turn in enumerate(turns):
                    turn.number = number
        return turns


def _batch(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.RecordBatch | None:
    if not rows:
        return None
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema
    )


_FACTS_SIZE = ffi.sizeof("gofollow_connection")
_NO_TIME = constant("NO_TIME")
_KEY = Struct("=16sH16sHqI")


def _raw(facts: bytes) -> Any:
    """Return the struct that was copied; its pointers are void."""
    return ffi.from_buffer("gofollow_connection *", facts)


def _separation(facts: bytes) -> bytes:
    """Return what the option separate told a connection apart by."""
    return facts[_FACTS_SIZE + _raw(facts).reset_text_length :]


def _connection_id(facts: bytes) -> int:
    """Return the name of a connection: a hash of what its packets say, whichever of the endpoints is the client."""
    raw = _raw(facts)
    low, high = sorted((bytes(ffi.buffer(end.address)), end.port) for end in (raw.client, raw.server))
    key = _KEY.pack(*low, *high, raw.opened_ns, raw.opened_seq) + _separation(facts)
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little", signed=True)


def _address(raw: Any) -> str:
    data = bytes(ffi.buffer(raw.address))
    if raw.family == 4:
        return inet_ntop(AF_INET, data[:4])
    address = IPv6Address(data)
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)


def _counters(raw: Any) -> tuple[int, ...]:
    return raw.packets, raw.bytes, raw.gap_bytes, raw.duplicate_bytes, raw.reordered_bytes


def _time(time_ns: int) -> tuple[int | None, int | None]:
    """Return a time in microseconds and in nanoseconds."""
    return (None, None) if time_ns == _NO_TIME else (time_ns // 1000, time_ns)
