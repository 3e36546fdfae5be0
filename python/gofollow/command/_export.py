"""gofollow export: the tables of gofollow.tables as files."""

from __future__ import annotations

import csv
import io
import json
from binascii import b2a_base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .._rows import CONNECTIONS, TURNS, Rows
from ..errors import GofollowError, MissingPackageError
from ._choice import Choice
from ._files import Folder, Lines, trouble
from ._session import Session, Trouble, one_line, option_words, say
from ._text import harmless, iso, plural

Row = tuple[Any, ...]
Pair = tuple[list[Row], list[Row]]  # of connections, of turns
_NAME = "part-0"  # of the Parquet files
Columns = list[tuple[str, str, bool]]


def _connection_lines(rows: list[Row], payload: str) -> bytes:
    """Return rows of connections as lines of JSON. None of the values needs an escape."""
    return "".join(
        f'{{"connection_id": {name}, "id": {number}, "client_address": "{client}", "client_port": {client_port}, '
        f'"server_address": "{server}", "server_port": {server_port}, "separation": {_quoted(separation)}, '
        f'"roles_from": "{roles}", "start": "{start}", "opened_at": {_time(opened_ns)}, "opened_at_ns": {_number(opened_ns)}, '
        f'"closed_at": {_time(closed_ns)}, "closed_at_ns": {_number(closed_ns)}, "close_reason": "{reason}", '
        f'"closed_by": {_quoted(by)}, "clean": {"true" if clean else "false"}, "handshake_ns": {_number(handshake_ns)}, '
        f'"client_packets": {sent[0]}, "client_bytes": {sent[1]}, "client_missing": {sent[2]}, '
        f'"client_retransmitted": {sent[3]}, "client_reordered": {sent[4]}, '
        f'"server_packets": {sent[5]}, "server_bytes": {sent[6]}, "server_missing": {sent[7]}, '
        f'"server_retransmitted": {sent[8]}, "server_reordered": {sent[9]}}}\n'
        for (name, number, client, client_port, server, server_port, separation, roles, start,
             _, opened_ns, _, closed_ns, reason, by, clean, handshake_ns, *sent) in rows
    ).encode()


def _turn_lines(rows: list[Row], payload: str) -> bytes:
    """Return rows of turns as lines of JSON."""
    lines: list[bytes] = []
    for name, turn, part, side, _, time_ns, _, end_ns, offset, data, missing in rows:
        time = _time(time_ns)
        lines.append(
            f'{{"connection_id": {name}, "turn": {turn}, "part": {part}, "side": "{side}", "time": {time}, "time_ns": {_number(time_ns)}, '
            f'"end_time": {time if end_ns == time_ns else _time(end_ns)}, "end_time_ns": {_number(end_ns)}, '
            f'"offset": {offset}, "length": {len(data)}, "missing": {missing}'.encode()
        )
        if payload == "base64":
            lines += (b', "payload": "', b2a_base64(data, newline=False), b'"}\n')
        elif payload == "text":
            lines += (b', "payload": ', json.dumps(_text(data)).encode(), b"}\n")
        else:
            lines.append(b"}\n")
    return b"".join(lines)


def _quoted(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _time(time_ns: int | None) -> str:
    return "null" if time_ns is None else f'"{iso(time_ns)}"'


def _number(number: int | None) -> int | str:
    return "null" if number is None else number


def _comma_lines(columns: Columns, rows: Iterable[Row], payload: str) -> bytes:
    """Return rows as comma-separated values."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    times = [at for at, (_, kind, _) in enumerate(columns) if kind == "time"]
    data_at = next((at for at, (_, kind, _) in enumerate(columns) if kind == "binary"), None)
    for row in rows:
        values = list(row)
        for at in times:  # a time in nanoseconds follows
            values[at] = None if row[at] is None else iso(row[at + 1])
        if data_at is not None:
            data = values.pop(data_at)
            if payload != "none":
                values.insert(data_at, _text(data) if payload == "text" else b2a_base64(data, newline=False).decode())
        writer.writerow(values)
    return text.getvalue().encode()


def _comma_head(columns: Columns, payload: str) -> bytes:
    return (",".join(name for name, kind, _ in columns if kind != "binary" or payload != "none") + "\r\n").encode()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


class _Poller:
    """Polls an engine, and keeps the rows of both tables, a batch's worth at a time."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.batches: deque[Pair] = deque()

    def drain(self) -> None:
        """Poll until nothing waits."""
        more = True
        while more:
            more = self.rows.pull()
            if self.rows.full():
                self.batches.append(self.rows.take_rows())


def export(
    files: Sequence[str],
    folder: str,
    options: dict[str, Any],
    choice: Choice,
    *,
    form: str,
    payload: str,
    processes: int | None,
    force: bool,
) -> int:
    """Write the tables of connections and turns to a folder. Return the exit code: 0, 2 if a capture could not be read.

    form: "jsonl", "csv" or "parquet"; payload: "base64", "text" or "none", of what is no Parquet.
    processes: how many share the work, None: this one alone.
    """
    target = Folder(folder, force)
    if processes is not None:
        connections, turns = _in_processes(files, folder, options, choice, form, processes)
        failed = False
    else:
        session = Session(options, choice)
        # Lines are made of payload while the cache of the processor has it; Parquet compresses long columns better.
        pairs = _pairs(session, files, choice, *(16384, 8 << 20) if form == "parquet" else (1000, 1 << 18))
        if (first := next(pairs, None)) is None:
            return 2  # nothing could be read, and a sentence has said so
        connections, turns = (_parquet if form == "parquet" else _lines)(target, chain([first], pairs), form, payload)
        failed = session.failed
    say(f"{plural(connections, 'connection')} and {plural(turns, 'turn')} in {harmless(folder)}")
    if processes is None and (other := session.not_followed()):
        say(other)
    return 2 if failed else 0


def _pairs(session: Session, files: Sequence[str], choice: Choice, batch_rows: int, batch_bytes: int) -> Iterator[Pair]:
    """Follow the files and yield rows of both tables: once at least, unless nothing could be read."""
    if not choice.everything:
        session.look_ahead(files, always=True)
    choose = None if choice.everything else choice.opening
    pollers: list[_Poller] = []

    def make(handle: int) -> _Poller:
        pollers.append(_Poller(Rows(handle, True, True, choose=choose, batch_rows=batch_rows, batch_bytes=batch_bytes)))
        return pollers[0]

    for _ in session.drained(files, make):
        while pollers[0].batches:
            yield pollers[0].batches.popleft()
    if not session.failed or session.packets():
        yield pollers[0].rows.take_rows()


def _lines(target: Folder, pairs: Iterable[Pair], form: str, payload: str) -> tuple[int, int]:
    """Write a file of lines for each table, and return how many rows each has."""
    counts = [0, 0]
    with ExitStack() as stack:
        files = [stack.enter_context(closing(Lines(target, f"{name}.{form}"))) for name in ("connections", "turns")]
        formats: list[Callable[[list[Row], str], bytes]] = [_connection_lines, _turn_lines]
        if form == "csv":
            formats = [partial(_comma_lines, columns) for columns in (CONNECTIONS, TURNS)]
            for file, columns in zip(files, (CONNECTIONS, TURNS), strict=True):
                file.write(_comma_head(columns, payload))
        for pair in pairs:
            for at, rows in enumerate(pair):
                files[at].write(formats[at](rows, payload))
                counts[at] += len(rows)
    return counts[0], counts[1]


def _parquet(target: Folder, pairs: Iterable[Pair], form: str, payload: str) -> tuple[int, int]:
    """Write Parquet as write_parquet does, and return how many rows each table has."""
    tables = _tables()
    batches = ((tables.batch_of(tables.CONNECTIONS, first), tables.batch_of(tables.TURNS, second)) for first, second in pairs)
    try:
        written = tables.write_tables(Path(target.path), _NAME, batches)
    except OSError as error:
        raise trouble(target.path, error) from None
    return written.connections, written.turns


def _in_processes(
    files: Sequence[str], folder: str, options: dict[str, Any], choice: Choice, form: str, processes: int
) -> tuple[int, int]:
    """Write Parquet by several processes, and return how many rows each table has."""
    if form != "parquet":
        raise Trouble("--processes needs --parquet: every process writes files of its own")
    if not choice.everything:
        raise Trouble("--processes follows all connections: leave --id, --since and --until out, or --processes")
    if "-" in files:
        raise Trouble("--processes reads files, folders and globs, not standard input")
    _tables()
    from ..tables_parallel import write

    try:
        written = write(Path(folder), list(files), _NAME, processes, options)
    except OSError as error:
        raise trouble(str(error.filename or folder), error) from None
    except GofollowError as error:
        raise Trouble(option_words(error, options)) from None
    return written.connections, written.turns


def _tables() -> Any:
    try:
        from .. import tables
    except MissingPackageError as error:
        raise Trouble(one_line(error)) from None
    return tables
