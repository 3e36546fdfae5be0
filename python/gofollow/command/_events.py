"""gofollow events: the event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .._events import BATCH, EventCollector, format_event
from ._screen import Screen
from ._session import Session


class _Log:
    """Collects the events of an engine."""

    def __init__(self, handle: int) -> None:
        self.collector = EventCollector(handle)

    def drain(self) -> None:
        """Poll until nothing waits."""
        while self.collector.pull(BATCH) == BATCH:
            pass


def print_events(files: Sequence[str], options: dict[str, Any], screen: Screen) -> int:
    """Print the events of the files. Return the exit code: 0, 2 if a file could not be read."""
    session = Session(options)
    session.half_closed = True
    logs: list[_Log] = []

    def make(handle: int) -> _Log:
        logs.append(_Log(handle))
        return logs[0]

    def lines() -> Iterator[str]:
        for _ in session.drained(files, make):
            waiting = logs[0].collector.events
            if waiting:
                session.progress.stop()
            while waiting:
                yield format_event(waiting.popleft()) + "\n"
            yield ""

    screen.show(lines())
    return 2 if session.failed else 0
