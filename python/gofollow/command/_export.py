"""gofollow export: the tables of gofollow.tables as files."""

from __future__ import annotations

import csv
import io
import json
import os
from binascii import b2a_base64
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from ..errors import MissingPackageError
from ._choice import Choice
from ._session import Session, Trouble, one_line, say
from ._text import harmless, iso, plural


class _Writer(Protocol):
    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, tuples of the columns."""


class _Connections:
    """Writes connections as JSON, one object a line."""

    def __init__(self, file: Any, names: Sequence[str], payload: str) -> None:
        self._file, self._names = file, names
        self._times = [names.index(name) for name in ("opened_at", "closed_at")]

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, tuples of the columns."""
        for row in rows:
            values = list(row)
            for at in self._times:
                values[at] = None if row[at + 1] is None else iso(row[at + 1])
            self._file.write(json.dumps(dict(zip(self._names, values, strict=True))).encode() + b"\n")


class _Turns:
    """Writes turns as JSON, one object a line."""

    def __init__(self, file: Any, names: Sequence[str], payload: str) -> None:
        self._file, self._payload = file, payload

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, tuples of the columns."""
        lines: list[bytes] = []
        for number, turn, part, side, _, time_ns, _, end_time_ns, offset, payload, missing in rows:
            lines.append(
                f'{{"connection_id": {number}, "turn": {turn}, "part": {part}, "side": "{side}", '
                f'"time": {_quoted(time_ns)}, "time_ns": {_number(time_ns)}, '
                f'"end_time": {_quoted(end_time_ns)}, "end_time_ns": {_number(end_time_ns)}, '
                f'"offset": {offset}, "length": {len(payload)}, "missing": {missing}'.encode()
            )
            if self._payload == "base64":
                lines += (b', "payload": "', b2a_base64(payload, newline=False), b'"}\n')
            elif self._payload == "text":
                lines.append(b', "payload": ' + json.dumps(_text(payload)).encode() + b"}\n")
            else:
                lines.append(b"}\n")
        self._file.write(b"".join(lines))


def _quoted(time_ns: int | None) -> str:
    return "null" if time_ns is None else f'"{iso(time_ns)}"'


def _number(time_ns: int | None) -> int | str:
    return "null" if time_ns is None else time_ns


class _Comma:
    """Writes a table as comma-separated values with a header."""

    def __init__(self, file: Any, names: Sequence[str], payload: str) -> None:
        self._file = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._rows = csv.writer(self._file)
        self._payload = names.index("payload") if "payload" in names else None
        self._form = payload
        self._times = [at for at, name in enumerate(names) if name + "_ns" in names]
        self._rows.writerow([name for name in names if payload != "none" or name != "payload"])

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, tuples of the columns."""
        for row in rows:
            values = list(row)
            for at in self._times:
                values[at] = None if row[at + 1] is None else iso(row[at + 1])
            if self._payload is not None:
                data = row[self._payload]
                if self._form == "none":
                    del values[self._payload]
                else:
                    values[self._payload] = _text(data) if self._form == "text" else b2a_base64(data, newline=False).decode()
            self._rows.writerow(values)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


class _Parquet:
    """Writes a table as Parquet."""

    def __init__(self, file: Any, schema: Any, batch: Any) -> None:
        import pyarrow.parquet as pq

        self._schema, self._batch = schema, batch

        columns = [column for column in schema.names if column != "payload"]  # which is long, and never the same
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=columns, write_statistics=columns)

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, tuples of the columns."""
        self._writer.write_batch(self._batch(self._schema, rows))

    def close(self) -> None:
        """Write what stands at the end of a file."""
        self._writer.close()


class _Tables:
    """Makes rows of what an engine has, and writes them."""

    def __init__(self, rows: Any, writers: Sequence[_Writer], counts: list[int]) -> None:
        self._rows, self._writers, self._counts = rows, writers, counts

    def drain(self) -> None:
        """Poll until nothing waits."""
        while self._rows.pull():
            if self._rows.full():
                self.write()
        if self._rows.full():
            self.write()

    def write(self) -> None:
        """Write the rows so far."""
        for at, rows in enumerate(self._rows.take_rows()):
            if rows:
                self._writers[at].write(rows)
                self._counts[at] += len(rows)


def export(files: Sequence[str], folder: str, options: dict[str, Any], choice: Choice, *, form: str, payload: str, force: bool) -> int:
    """Write the tables of connections and turns to a folder. Return the exit code: 0, 2 if a capture could not be read.

    form: "jsonl", "csv" or "parquet"; payload: "base64", "text" or "none", of what is no Parquet.
    """
    try:
        from .. import tables
    except MissingPackageError as error:
        raise Trouble(one_line(error)) from None
    session = Session(options, choice)
    if not choice.everything:
        session.look_ahead(files, always=True)
    counts = [0, 0]
    schemas = {"connections": tables.CONNECTIONS, "turns": tables.TURNS}
    made: list[_Tables] = []

    def make(handle: int) -> _Tables:
        choose = None if choice.everything else choice.opening
        made.append(_Tables(tables.Rows(handle, True, True, choose=choose), writers, counts))
        return made[0]

    try:
        _make(folder, force)
        with ExitStack() as stack:
            writers: list[_Writer] = []
            for name, schema in schemas.items():
                path = os.path.join(folder, f"{name}.{form}")
                file = stack.enter_context(open(path, "wb" if force else "xb", 1 << 20))
                if form == "parquet":
                    writer = _Parquet(file, schema, tables._batch)
                    stack.callback(writer.close)
                    writers.append(writer)
                else:
                    writers.append((_Comma if form == "csv" else _Turns if name == "turns" else _Connections)(file, schema.names, payload))
            for _ in session.drained(files, make):
                pass
            made[0].write()
    except OSError as error:
        raise Trouble(f"{harmless(str(error.filename or folder))}: {error.strerror or error}") from None
    say(f"{plural(counts[0], 'connection')} and {plural(counts[1], 'turn')} in {harmless(folder)}")
    if other := session.not_followed():
        say(other)
    return 2 if session.failed else 0


def _make(folder: str, force: bool) -> None:
    os.makedirs(folder, exist_ok=True)
    with os.scandir(folder) as entries:
        if not force and next(entries, None) is not None:
            raise Trouble(f"{harmless(folder)} is not empty, and nothing is overwritten: name a new folder, or add --force")
