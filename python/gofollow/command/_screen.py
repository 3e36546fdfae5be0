"""Standard output: colours, width and pager on a terminal, plain blocks in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from ._session import Trouble
from ._text import name_of

# By meaning. Blue and orange are told apart by every kind of colour blindness, and both have enough
# contrast on white and on black.
STYLES = {
    "client": "color(32)",
    "server": "color(130)",
    "dim": "dim",
    "head": "bold",
    "warn": "bold color(160)",
    "match": "bold reverse",
    "number": "bold",
}
BLOCK = 1 << 16


class Screen:
    """Where a command prints. terminal: whether that is one; colors: whether it gets colours."""

    def __init__(self, no_color: bool = False, pager: bool = True) -> None:
        if sys.stdout is None:
            raise Trouble("standard output is closed: nothing can be printed")
        self.terminal = sys.stdout.isatty()
        self.pager = pager and self.terminal
        self.width = shutil.get_terminal_size().columns if self.terminal else 0
        self.colors = False
        self._codes: dict[str, tuple[str, str]] = {}
        if self.terminal and not no_color:
            from rich.console import Console
            from rich.style import Style

            console = Console()
            system: Any = console._color_system
            self.colors = system is not None and not console.no_color
            if self.colors:
                for name, style in STYLES.items():
                    before, _, after = Style.parse(style).render("\0", color_system=system).partition("\0")
                    self._codes[name] = (before, after)

    def paint(self, style: str, text: str) -> str:
        """Return the text in a style of STYLES."""
        codes = self._codes.get(style)
        return f"{codes[0]}{text}{codes[1]}" if codes and text else text

    def write(self, text: str) -> None:
        """Write text to standard output as UTF-8, whatever the locale is."""
        self.write_bytes(text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, data: bytes) -> None:
        """Write bytes to standard output."""
        sys.stdout.buffer.write(data)

    def flush(self) -> None:
        """Hand on what was written, so that a pipe has it at once."""
        sys.stdout.buffer.flush()

    def show(self, lines: Iterable[str]) -> None:
        """Write lines, each with its newline: through a pager where they do not fit on the terminal."""
        lines = iter(lines)
        if self.pager:
            first = list(islice(lines, max(1, shutil.get_terminal_size().lines - 2)))
            rest = next(lines, None)
            if rest is not None:
                import click

                os.environ.setdefault("LESS", "-FRX")
                click.echo_via_pager(chain(first, (rest,), lines), color=self.colors)
                return
            lines = iter(first)
        for block in blocks(lines):
            self.write(block)
        self.flush()


def blocks(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines joined, some thousand at a time."""
    while block := "".join(islice(lines, 2000)):
        yield block


class Progress:
    """A progress bar on standard error, where that is a terminal and reading takes longer than a second."""

    def __init__(self) -> None:
        self._possible = sys.stderr is not None and sys.stderr.isatty()
        self._began = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __call__(self, name: str, done: int, total: int | None) -> None:
        if not self._possible:
            return
        if self._bar is None:
            if time.monotonic() - self._began < 1:
                return
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name_of(name), total=total)
        self._bar.update(self._tasks[name], completed=done)

    def stop(self) -> None:
        """Take the bar away, for good: something else is printed now."""
        self._possible = False
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
