"""gofollow events: the event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import errors
from .._events import format_event
from ..follower import events
from ._screen import Screen
from ._session import one_line, say, source_of
from ._text import name_of


def print_events(files: Sequence[str], options: dict[str, Any], screen: Screen) -> int:
    """Print the events of each file. Return the exit code."""
    code = 0

    def lines() -> Iterator[str]:
        nonlocal code
        for name in files:
            try:
                for event in events(source_of(name), **options):
                    yield format_event(event) + "\n"
            except errors.GofollowError as error:
                say(f"{name_of(name)}: {one_line(error)}")
                code = 2

    screen.show(lines())
    return code
