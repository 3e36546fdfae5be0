"""Reads captures for one command: errors and warnings as sentences, progress, and what was not followed."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from .._engine import Engine, Statistics
from .._facts import read
from .._gather import Gather
from .._sources import Links, Reading
from ..errors import CaptureError, CaptureFileError, GofollowError, GofollowWarning, OptionError
from ._choice import Choice
from ._progress import Progress
from ._text import grouped, harmless, name_of, plural

_PACKET = re.compile(r"\(after packet (\d+)")


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


def option_words(error: GofollowError, options: dict[str, Any]) -> str:
    """Return what an error says of an option, in the words of the command line."""
    text = one_line(error).replace(", or None for the default", "")
    name = text.partition(" ")[0].partition("=")[0]
    return f"--{name.replace('_', '-')}{text[len(name) :]}" if name in options else text


class Session:
    """Follows captures as one conversation.

    failed says whether a capture could not be read, or only in part; a sentence was written then.
    """

    def __init__(self, options: dict[str, Any], choice: Choice | None = None, source: Any = None) -> None:
        """source: what feeds the engine, in its method steps, in place of the files."""
        self.options = options
        self.choice = choice or Choice()
        self.progress = Progress()
        self.failed = False
        self.statistics: Statistics | None = None
        self.gather: Gather | None = None
        self.quiet = False
        self.order = "time"
        self.half_closed = False  # whether events of that kind are of interest
        self._given = source
        self._engine: Engine | None = None
        self._reading = self._interrupted = False
        self._spool: Any = None  # a copy of standard input, where it is read twice

    def follow(self, files: Sequence[str], on_closed: Callable[..., object], **settings: Any) -> None:
        """Follow the files to their end, calling back as Gather does."""
        for _ in self.steps(files, on_closed, **settings):
            pass

    def steps(self, files: Sequence[str], on_closed: Callable[..., object], **settings: Any) -> Iterator[None]:
        """Follow the files, calling back as Gather does; yield whenever a piece was read."""

        def gather(handle: int) -> Gather:
            self.gather = Gather(handle, on_closed, **settings)
            return self.gather

        return self.drained(files, gather)

    def drained(self, files: Sequence[str], make: Callable[[int], Any]) -> Iterator[None]:
        """Follow the files; what make makes of the engine's handle polls it in its method drain. Yield whenever a piece was read."""
        try:
            engine = Engine(self.options, half_closed=self.half_closed)
        except GofollowError as error:
            raise Trouble(option_words(error, self.options)) from None
        self._engine = engine
        try:
            poller = make(engine.number)
            yield from self._read(engine, files, poller.drain)
            done = False
            while not done:
                done = engine.flush()
                poller.drain()
                yield
            self.statistics = engine.statistics()
        finally:
            self.progress.stop()
            engine.close()

    def look_ahead(self, files: Sequence[str], always: bool = False) -> None:
        """Find out which connections overlap the interval, if there is one: that is known when they are closed."""
        choice = self.choice
        if (choice.since is None and not always) or choice.known is not None:
            return
        self.spool(files)
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

    def spool(self, files: Sequence[str]) -> None:
        """Copy standard input, if it is among the files: they are read twice."""
        if "-" in files and self._spool is None:
            self._spool = spooled()

    def again(self, options: dict[str, Any]) -> Session:
        """Return a session that reads the same once more, with other options, and does not repeat what was said."""
        other = Session(options)
        other._spool, other.quiet, other.order = self._spool, True, self.order
        return other

    def _read(self, engine: Engine, files: Sequence[str], drain: Callable[[], object]) -> Iterator[None]:
        """Feed the captures; a fault of one is said, and what stands before it counts."""
        given = self._given
        reading = _Reading(self, engine, files) if given is None else given
        name = files[0] if len(files) == 1 else f"{len(files)} captures"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GofollowWarning)  # not_followed has the same
            with closing(reading.steps() if given is None else given.steps(engine)) as steps:
                while self._next(steps):
                    drain()
                    if self.progress.due():
                        amount = reading.amount()
                        self.progress(name, amount.bytes_read, amount.total)
                    yield
        for cut in reading.truncated:
            if not self.quiet:
                say(cut)

    def fault(self, name: str, error: GofollowError) -> None:
        """Say what is wrong with a capture."""
        if not self.quiet:
            say(f"{name_of(name)}: {one_line(error).removesuffix(' (after packet 0, at byte 0)')}")
        self.failed = True

    def _next(self, steps: Iterator[None]) -> bool:
        """Read on, and report whether that was not the end."""
        try:
            self._reading = True
            return not self._interrupted and next(steps, steps) is None
        except KeyboardInterrupt:
            if self._interrupted:
                return False
            raise
        finally:
            self._reading = False

    def interrupt(self) -> None:
        """End the reading, as if the capture were over: at once where it waits. For a signal handler."""
        self._interrupted = True
        if self._reading:
            self._reading = False
            raise KeyboardInterrupt

    def packets(self) -> int:
        """Return how many packets were read."""
        return 0 if self._engine is None else self._engine.statistics().packets

    def source(self, name: str) -> Any:
        """Return what is read for a name on the command line."""
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


class _Reading(Reading):
    """Reads captures as one conversation, and goes on with the others where one cannot be read."""

    def __init__(self, session: Session, engine: Engine, files: Sequence[str]) -> None:
        super().__init__(engine, None, Links(engine, later=True), [session.source(name) for name in files], session.order)
        self._session, self._files = session, files

    def _read(self, number: int, until_ns: int) -> Generator[None, None, int | None]:
        name = self._files[number]
        known = len(self.truncated)
        try:
            time = yield from super()._read(number, until_ns)
            if len(self.truncated) > known:
                packet = _PACKET.search(self.truncated[-1])
                where = f"behind packet {grouped(int(packet[1]))}" if packet else "within its head"
                self.truncated[-1] = f"{name_of(name)}: cut {where}, perhaps still being written; what stands before that counts"
            return time
        except (CaptureError, CaptureFileError, OptionError) as error:
            self._session.fault(name, error)
        if number in self._begun:
            self._begun.discard(number)
            self._engine.abandon_capture()
        self._sources[number].close()
        yield
        return None


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
