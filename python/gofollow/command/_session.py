"""Reads captures for one command: errors and warnings as sentences, progress, and what was not followed."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from .._engine import Engine, Statistics
from .._gather import Gather
from .._sources import Links, Reading
from ..errors import GofollowError, GofollowWarning
from ._choice import Choice
from ._facts import read
from ._progress import Progress
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

    def __init__(self, options: dict[str, Any], choice: Choice | None = None) -> None:
        self.options = options
        self.choice = choice or Choice()
        self.progress = Progress()
        self.failed = False
        self.statistics: Statistics | None = None
        self.gaps: list[int] = []
        self.quiet = False
        self._spool: Any = None  # a copy of standard input, where it is read twice

    def follow(self, files: Sequence[str], on_closed: Callable[..., object], **settings: Any) -> None:
        """Follow the files to their end, calling back as Gather does."""
        for _ in self.steps(files, on_closed, **settings):
            pass

    def steps(self, files: Sequence[str], on_closed: Callable[..., object], **settings: Any) -> Iterator[None]:
        """Follow the files, calling back as Gather does; yield whenever a piece was read."""
        try:
            engine = Engine(self.options, half_closed=False)
        except GofollowError as error:
            raise Trouble(one_line(error)) from None
        try:
            gather = Gather(engine.number, on_closed, **settings)
            for name in files:
                yield from self._read(engine, name, gather.drain)
            done = False
            while not done:
                done = engine.flush()
                gather.drain()
                yield
            self.statistics, self.gaps = engine.statistics(), gather.gaps
        finally:
            self.progress.stop()
            engine.close()

    def look_ahead(self, files: Sequence[str]) -> None:
        """Find out which connections overlap the interval, if there is one: that is known when they are closed."""
        choice = self.choice
        if choice.since is None or choice.known is not None:
            return
        if "-" in files and self._spool is None:
            self._spool = spooled()
        choice.known = bytearray()

        def closed(raw: bytes, _: object) -> None:
            facts = read(raw)
            if choice.closed(facts):
                choice.know(facts.number)

        first = Session(self.options)
        first._spool = self._spool
        first.follow(files, closed)
        if first.failed:
            self.quiet = True  # the same would be said again

    def _read(self, engine: Engine, name: str, drain: Callable[[], object]) -> Iterator[None]:
        """Feed one capture; a fault of it is said, and what stands before it counts."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GofollowWarning)  # not_followed has the same
                reading = Reading(engine, None, Links(engine), [self._source(name)])
                with closing(reading.steps()) as steps:
                    for _ in steps:
                        drain()
                        amount = reading.amount()
                        self.progress(name, amount.bytes_read, amount.total)
                        yield
                for cut in reading.truncated:
                    say(f"{name_of(name)}: {harmless(cut.partition(': ')[2])}")
        except GofollowError as error:
            drain()
            if not self.quiet:
                say(f"{name_of(name)}: {one_line(error)}")
            self.failed = True

    def _source(self, name: str) -> Any:
        if name == "-" and self._spool is not None:
            self._spool.seek(0)
            return self._spool
        return source_of(name)

    def others(self) -> dict[str, int]:
        """Return what was not followed of the packets, by name, and how many they were."""
        facts = self.statistics
        if facts is None:
            return {}
        names = dict(facts.not_followed)
        for count, name in (
            (facts.malformed, "malformed"),
            (facts.bad_checksum, "wrong checksum"),
            (facts.too_deep, "encapsulated too deeply"),
            (facts.fragments_expired + facts.fragments_dropped, "fragments of incomplete datagrams"),
        ):
            if count:
                names[name] = names.get(name, 0) + count
        return names

    def not_followed(self) -> str | None:
        """Return that as a sentence; None if there was nothing of the kind."""
        names = self.others()
        if not names or self.statistics is None:
            return None
        packets = f"{grouped(sum(names.values()))} of {plural(self.statistics.packets, 'packet')}"
        return f"not followed: {packets}: " + ", ".join(f"{harmless(name)} {grouped(count)}" for name, count in names.items())


def spooled() -> Any:
    """Return a copy of standard input, in memory or in a temporary file."""
    import shutil
    import tempfile

    copy = tempfile.SpooledTemporaryFile(1 << 24)  # noqa: SIM115
    shutil.copyfileobj(source_of("-"), copy)
    return copy


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
