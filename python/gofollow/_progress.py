"""A progress bar for captures that are read. rich is loaded only here, when a bar is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from time import monotonic
from typing import Any

from .errors import GofollowError

ProgressCallback = Callable[[int, int, int | None], object]

_SECONDS_BETWEEN = 0.1  # of two changes on the screen; captures are followed by their own time alone


@contextmanager
def show(progress: ProgressCallback | bool | None) -> Iterator[ProgressCallback | None]:
    """Give the function that is to be called with packets, bytes read and their total (None where unknown); None for none.

    True shows a bar on stderr, in a terminal or a notebook. It needs neither a thread nor an event loop.
    """
    if not progress:
        yield None
        return
    if progress is not True:
        told = None

        def tell(*amount: Any) -> None:
            nonlocal told
            if amount != told:
                told = amount
                progress(*amount)

        yield tell
        return
    with _bar() as bar:
        task = bar.add_task("", total=None, packets=0)
        drawn = -_SECONDS_BETWEEN

        def update(packets: int, bytes_read: int, total: int | None) -> None:
            nonlocal drawn
            bar.update(task, completed=bytes_read, total=total, packets=packets)
            if (now := monotonic()) >= drawn + _SECONDS_BETWEEN:
                drawn = now
                bar.refresh()

        yield update


def _bar() -> Any:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    except ImportError:
        raise GofollowError("progress=True shows a bar of rich, which is not installed: pip install rich, or give a function") from None
    columns = (
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[packets]:,} packets"),
        TimeRemainingColumn(),
    )

    class InCell(Progress):
        """Draws in the output of a notebook's cell. rich itself does so only with ipywidgets."""

        def start(self) -> None:
            self._shown = import_module("IPython.display").display({"text/plain": ""}, raw=True, display_id=True)

        def refresh(self) -> None:
            lines = Console(file=StringIO(), width=100, force_jupyter=False)
            lines.print(self.get_renderable())
            self._shown.update({"text/plain": lines.file.getvalue().rstrip()}, raw=True)  # type: ignore[attr-defined]

        def stop(self) -> None:
            self.refresh()

    # A console of its own: several threads may show bars, and what a program writes to its own stays as it is.
    console = Console(stderr=True)
    kind = InCell if console.is_jupyter else Progress
    return kind(*columns, console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
