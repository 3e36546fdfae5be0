"""Rows in an order, in memory of a fixed size."""

import heapq
import marshal
from collections.abc import Iterator
from typing import Any, BinaryIO

Row = tuple[Any, int, str]  # key, number of the connection, line
_MOST, _BLOCK = 50_000, 1000


class Rows:
    """Sorts rows by key and then by number; beyond some ten thousand they wait in a temporary file.

    top: how many are wanted, the first ones; None: all.
    """

    def __init__(self, top: int | None = None) -> None:
        self.top = top
        self.rows: list[Row] = []
        self._files: list[BinaryIO] = []

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        if len(self.rows) >= _MOST and (self.top is None or len(self.rows) >= 2 * self.top):
            self._shrink()

    def _shrink(self) -> None:
        self.rows.sort()
        if self.top is not None:
            del self.rows[self.top :]
            return
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115
        for at in range(0, len(self.rows), _BLOCK):
            marshal.dump(self.rows[at : at + _BLOCK], file)
        self._files.append(file)
        self.rows.clear()

    def __iter__(self) -> Iterator[str]:
        self.rows.sort()
        rows = iter(self.rows[: self.top]) if not self._files else heapq.merge(*map(_read, self._files), self.rows)
        return (line for _, _, line in rows)


def _read(file: BinaryIO) -> Iterator[Row]:
    file.seek(0)
    while True:
        try:
            block = marshal.load(file)
        except EOFError:
            return
        yield from block
