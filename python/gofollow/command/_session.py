"""Reads captures for one command: errors and warnings as sentences, progress, and what was not followed."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from .._engine import Engine, Statistics
from .._gather import Gather
from ..errors import GofollowError, GofollowWarning
from ..follower import _read_capture
from ._text import grouped, harmless, name_of, plural


class Trouble(Exception):
    """An error of the command: its text is a sentence for the user, its code the exit code."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """Write a line to standard error, if there is one."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"gofollow: {text}\n")
            sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nowhere to say it


def one_line(error: BaseException) -> str:
    """Return what an error says, in one harmless line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return harmless(" ".join(text.split())) or type(error).__name__


class Session:
    """Follows captures, one after the other, as one conversation.

    failed says whether a capture could not be read, or only in part; a sentence was written then.
    """

    def __init__(self, options: dict[str, Any], progress: Callable[[str, int, int | None], object] | None = None) -> None:
        self.options = options
        self.progress = progress
        self.failed = False
        self.statistics: Statistics | None = None

    def follow(
        self, files: Sequence[str], on_closed: Callable[..., object], on_run: Any = None, on_gap: Any = None, **settings: Any
    ) -> None:
        """Follow the files and call back as Gather does."""
        try:
            engine = Engine(self.options, half_closed=False)
        except GofollowError as error:
            raise Trouble(one_line(error)) from None
        try:
            gather = Gather(engine.number, on_closed, on_run, on_gap, **settings)
            for name in files:
                self.read(engine, name, gather.drain)
            done = False
            while not done:
                done = engine.flush()
                gather.drain()
            self.statistics = engine.statistics()
        finally:
            engine.close()

    def read(self, engine: Engine, name: str, drain: Callable[[], object]) -> None:
        """Feed one capture; a fault of it is said, and what stands before it counts."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GofollowWarning)  # not_followed has the same
                with closing(_read_capture(engine, None, source_of(name))) as steps:
                    for step in steps:
                        drain()
                        if self.progress is not None:
                            self.progress(name, step.bytes_read, step.total)
        except GofollowError as error:
            drain()
            say(f"{name_of(name)}: {one_line(error)}")
            self.failed = True

    def not_followed(self) -> str | None:
        """Return what was not followed of the packets, by name; None if there was nothing of the kind."""
        facts = self.statistics
        if facts is None:
            return None
        names = [*facts.not_followed.items()]
        for count, name in (
            (facts.malformed, "malformed"),
            (facts.bad_checksum, "wrong checksum"),
            (facts.too_deep, "encapsulated too deeply"),
            (facts.fragments_expired + facts.fragments_dropped, "fragments of incomplete datagrams"),
        ):
            if count:
                names.append((name, count))
        if not names:
            return None
        count = sum(count for _, count in names)
        return f"not followed: {grouped(count)} of {plural(facts.packets, 'packet')}: " + ", ".join(
            f"{harmless(name)} {grouped(count)}" for name, count in names
        )


def source_of(name: str) -> Any:
    """Return what the follower reads for a name on the command line."""
    if name != "-":
        return name
    if sys.stdin is None:
        raise Trouble("standard input is closed: name a capture, or give one by a pipe")
    if sys.stdin.isatty():
        raise Trouble("standard input is a terminal: name a capture, or give one by a pipe (tcpdump -w - | gofollow -)")
    return sys.stdin.buffer


def exists(name: str) -> bool:
    """Report whether a word of the command line names a capture."""
    try:
        return name == "-" or name.startswith("tcp://") or os.path.lexists(name)
    except ValueError:  # a NUL
        return False
