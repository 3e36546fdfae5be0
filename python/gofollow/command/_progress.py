"""The progress bar."""

import sys
import time
from typing import Any

from ._text import name_of


class Progress:
    """A progress bar on standard error, where that is a terminal and reading takes longer than a second."""

    def __init__(self) -> None:
        self._possible = sys.stderr is not None and sys.stderr.isatty()
        self._began = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def due(self) -> bool:
        """Report whether there is a bar to move."""
        return self._possible and (self._bar is not None or time.monotonic() - self._began > 1)

    def __call__(self, name: str, done: int, total: int | None) -> None:
        if self._bar is None:
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
