"""gofollow find: which streams contain a pattern."""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._facts import NO_TIME, read_open
from .._gather import Run, Stream
from ._choice import Choice
from ._screen import Screen
from ._session import Session, Trouble, say
from ._text import clock, decoded, grouped, iso, plural

LONGEST = 1 << 16  # bytes of a match that is found for certain, wherever pieces of the capture end
_BEHIND = 256  # bytes before a window that \b and (?<=...) may look at
_RUN = 1 << 18
_SPECIAL = re.compile(rb"[\\.^$*+?{}\[\]|()]")
SIDES = ("client", "server")
Found = Iterator[tuple[int, int]]  # start and end of each match


def compiled(pattern: str, ignore_case: bool, as_hex: bool, fixed: bool) -> tuple[Callable[[bytes, int], Found], bytes, int]:
    """Return what finds a pattern in bytes from a position on, text that has to be there, and how many bytes a match has at most.

    Raises Trouble for what is no pattern.
    """
    text = os.fsencode(pattern)
    if as_hex:
        try:
            text, fixed = bytes.fromhex(pattern.replace(":", " ")), True
        except ValueError:
            raise Trouble(f"--hex {pattern!r}: these are no bytes in hexadecimal, such as 0d0a or 16:03:01") from None
    if not text:
        raise Trouble("the pattern is empty: it would be found everywhere")
    if not ignore_case and (fixed or not _SPECIAL.search(text)):
        return _fixed(text), text, len(text)
    try:
        expression = re.compile(re.escape(text) if fixed else text, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise Trouble(f"{pattern!r} is no regular expression: {error} (--fixed takes it as it stands)") from None
    return lambda data, start: (found.span() for found in expression.finditer(data, start)), b"", len(text) if fixed else LONGEST


def _fixed(text: bytes) -> Callable[[bytes, int], Found]:
    def search(data: bytes, start: int) -> Found:
        at = data.find(text, start)
        while at >= 0:
            yield at, at + len(text)
            at = data.find(text, at + len(text))

    return search


class Window:
    """The end of what was looked at of a direction, where a match may begin that goes on in the next run."""

    __slots__ = ("begin", "data", "marks", "start")

    def __init__(self) -> None:
        self.begin = 0  # stream offset of data
        self.data = b""
        self.start = 0  # where in data the search goes on
        self.marks: list[tuple[int, int]] = []  # stream offset and time of the pieces in data


class Finder:
    """Looks for a pattern in runs."""

    def __init__(
        self, search: Callable[[bytes, int], Found], needed: bytes, longest: int, context: int, report: Callable[..., object]
    ) -> None:
        self.search, self.needed, self.context, self.report = search, needed, context, report
        self.keep = longest - 1 + context

    def run(self, run: Run) -> None:
        """Look through a run, but for its end where more may follow."""
        data = run.pieces[0] if len(run.pieces) == 1 else b"".join(run.pieces)
        window: Window | None = run.state
        marks: list[tuple[int, int]] | None = None
        start, begin = 0, run.offset
        if window is not None:
            data = window.data + data
            start, begin, marks = window.start, window.begin, window.marks
            run.state = None
        elif run.final and data.find(self.needed) < 0:  # faster than "not in"
            return
        safe = len(data) if run.final else len(data) - self.keep
        end = max(start, safe)
        for first, last in self.search(data, start):
            if first >= safe:
                break
            if last > first:
                self._found(run, data, begin, marks, first, last)
                end = max(end, last)
        if run.final:
            return
        window = run.state = Window()
        cut = max(0, end - _BEHIND - self.context)
        window.data, window.begin, window.start = data[cut:], begin + cut, end - cut
        window.marks = self._marks(run, marks, begin + cut)

    def end(self, run: Run) -> None:
        """Look through what waits for a next run, where none came."""
        window: Window | None = run.state
        run.state = None
        if window is not None:
            for first, last in self.search(window.data, window.start):
                if last > first:
                    self._found(run, window.data, window.begin, window.marks, first, last)

    def _found(self, run: Run, data: bytes, begin: int, marks: list[tuple[int, int]] | None, first: int, last: int) -> None:
        before = data[max(0, first - self.context) : first]
        after = data[last : last + self.context]
        offset = begin + first
        known = marks if marks is not None and (not run.size or offset < run.offset) else self._marks(run, None, run.offset)
        at = bisect_right(known, (offset, 1 << 63)) - 1
        self.report(run, offset, known[max(0, at)][1] if known else NO_TIME, before, data[first:last], after)

    @staticmethod
    def _marks(run: Run, marks: list[tuple[int, int]] | None, begin: int) -> list[tuple[int, int]]:
        """Return offset and time of each piece that ends behind a stream offset."""
        known = list(marks or ())
        offset = run.offset
        for piece, time in zip(run.pieces, run.times, strict=True):
            known.append((offset, time))
            offset += len(piece)
        return known[max(0, bisect_right(known, (begin, 1 << 63)) - 1) :]


def find(
    files: Sequence[str],
    pattern: str,
    options: dict[str, Any],
    choice: Choice,
    screen: Screen,
    *,
    ignore_case: bool,
    as_hex: bool,
    fixed: bool,
    count: bool,
    context: int,
    as_json: bool,
) -> int:
    """Print where the pattern is. Return the exit code: 0 found, 1 not found, 2 a file could not be read."""
    search, needed, longest = compiled(pattern, ignore_case, as_hex, fixed)
    lines: list[str] = []
    matches = with_matches = looked_at = 0
    paint = screen.paint

    def report(run: Run, offset: int, time: int, before: bytes, match: bytes, after: bytes) -> None:
        nonlocal matches
        matches += 1
        stream = run.stream
        stream.state = (stream.state or 0) + 1
        if count:
            return
        side = SIDES[run.direction]
        if as_json:
            lines.append(_json(run, side, offset, time, before, match, after))
        elif screen.terminal:
            text = _shortened(match)
            room = max(0, screen.width - 46 - len(text))  # what the other columns and the match leave of a line
            head = decoded(before)
            head = head[max(0, len(head) - room // 2) :]
            shown = f"{head}{paint('match', text)}{decoded(after)[: room - len(head)]}"
            when = "-" if time == NO_TIME else clock(time)
            number = paint("number", f"{stream.number:>5}")
            lines.append(f"{number}  {paint(side, side)}  {grouped(offset):>11}  {paint('dim', when)}  {shown}\n")
        else:
            ends = read_open(stream.facts)
            shown = f"{decoded(before)}{_shortened(match)}{decoded(after)}"
            when = "-" if time == NO_TIME else iso(time)
            lines.append(f"{stream.number}\t{side}\t{offset}\t{when}\t{ends.client_end}\t{ends.server_end}\t{shown}\n")

    finder = Finder(search, needed, longest, context, report)

    def gap(run: Run, offset: int, length: int, reason: int, time: int) -> None:
        finder.end(run)

    def closed(raw: bytes, stream: Stream | None) -> None:
        nonlocal with_matches, looked_at
        if stream is None:
            return
        looked_at += 1
        finder.end(stream.client)
        finder.end(stream.server)
        if stream.state:
            with_matches += 1
            if count:
                lines.append(f"{stream.number}\t{stream.state}\n")

    session = Session(options, choice)
    session.look_ahead(files)

    def found() -> Iterator[str]:
        steps = session.steps(
            *(files, closed), on_run=finder.run, on_gap=gap, choose=None if choice.everything else choice.opening, run_limit=_RUN
        )
        for _ in steps:
            if lines:
                session.progress.stop()
                yield from lines
                yield ""
                lines.clear()

    screen.show(found())
    if not as_json:
        say(f"{plural(matches, 'match', 'matches')} in {grouped(with_matches)} of {plural(looked_at, 'connection')}")
        if other := session.not_followed():
            say(other)
    return 2 if session.failed else 0 if matches else 1


def _shortened(match: bytes, most: int = 200) -> str:
    return decoded(match) if len(match) <= most else f"{decoded(match[:most])}... ({grouped(len(match))} bytes)"


def _json(run: Run, side: str, offset: int, time: int, before: bytes, match: bytes, after: bytes) -> str:
    from base64 import b64encode

    return (
        json.dumps(
            {
                "id": run.stream.number,
                "side": side,
                "offset": offset,
                "length": len(match),
                "time_ns": None if time == NO_TIME else time,
                "match": b64encode(match).decode(),
                "before": b64encode(before).decode(),
                "after": b64encode(after).decode(),
            }
        )
        + "\n"
    )
