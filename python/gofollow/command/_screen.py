"""Standard output: colours, width and pager on a terminal, plain blocks in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from ._session import Trouble

# By meaning. Blue and orange are told apart by every kind of colour blindness, and both have enough
# contrast on white and on black.
STYLES = {
    "client": "color(32)",
    "server": "color(166)",
    "dim": "dim",
    "head": "bold",
    "warn": "bold color(196)",
    "match": "bold reverse",
    "number": "bold",
}


class Screen:
    """Where a command prints. terminal: whether that is one; colors: whether it gets colours."""

    def __init__(self, no_color: bool = False, pager: bool = True) -> None:
        if sys.stdout is None:
            raise Trouble("standard output is closed: nothing can be printed")
        self.terminal = sys.stdout.isatty()
        self.pager = pager and self.terminal
        self.width = _size().columns if self.terminal else 0
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
        """Write lines, each with its newline: through a pager where they do not fit on the terminal.

        An empty one means that no other may come for a while.
        """
        lines = iter(lines)
        if self.pager:
            lines = filter(None, lines)
            first = list(islice(lines, max(1, _size().lines - 2)))
            rest = next(lines, None)
            if rest is not None:
                import click

                os.environ.setdefault("LESS", "-FRX")
                click.echo_via_pager(chain(first, (rest,), lines), color=self.colors)
                return
            lines = iter(first)
        waiting: list[str] = []
        for line in lines:
            waiting.append(line)
            if not line or len(waiting) == 2000:
                self.write("".join(waiting))
                waiting.clear()
                if not line:
                    self.flush()
        self.write("".join(waiting))
        self.flush()


def _size() -> os.terminal_size:
    import shutil

    return shutil.get_terminal_size()
