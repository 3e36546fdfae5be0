"""Rows in an order, in memory of a fixed size."""

import heapq
import marshal
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

Row = tuple[Any, int, str]  # key, number of the connection, line
_MOST, _BLOCK = 5000, 200  # rows in memory; rows that are read of a file at once
_FILES = 32  # of one size


class Rows:
    """Sorts rows by key and then by number; beyond some thousand they wait in temporary files.

    top: how many are wanted, the first ones; None: all.
    """

    def __init__(self, top: int | None = None) -> None:
        self.top = top
        self.rows: list[Row] = []
        self._levels: list[list[BinaryIO]] = []  # files of sorted rows, _FILES times as long on each level

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        if len(self.rows) >= _MOST and (self.top is None or len(self.rows) >= 2 * self.top):
            self.rows.sort()
            if self.top is None:
                self._put(0, self.rows)
                self.rows.clear()
            else:
                del self.rows[self.top :]

    def _put(self, level: int, rows: Iterable[Row]) -> None:
        """Write sorted rows to a file, and make one of those that are many."""
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115
        rows = iter(rows)
        while block := list(islice(rows, _BLOCK)):
            marshal.dump(block, file)
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(file)
        if len(self._levels[level]) == _FILES:
            files, self._levels[level] = self._levels[level], []
            self._put(level + 1, heapq.merge(*map(_read, files)))

    def __iter__(self) -> Iterator[str]:
        self.rows.sort()
        files = [file for level in self._levels for file in level]
        rows = heapq.merge(*map(_read, files), self.rows) if files else iter(self.rows[: self.top])
        return (line for _, _, line in rows)


def _read(file: BinaryIO) -> Iterator[Row]:
    file.seek(0)
    while True:
        try:
            block = marshal.load(file)
        except EOFError:
            file.close()
            return
        yield from block
