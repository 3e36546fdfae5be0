"""gofollow list: one line a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from .._facts import NO_TIME, Facts, read, separation
from .._gather import Run, Stream
from ._choice import Choice
from ._rows import Rows
from ._screen import Screen
from ._session import Session, say
from ._text import date, decoded, iso, plural, seconds_of, short

COLUMNS = ["id", "start", "duration", "client", "server", "client_bytes", "server_bytes", "missing", "retransmitted", "end"]
SORTS: dict[str, Callable[[Facts], int]] = {
    "id": lambda facts: facts.number,
    "start": lambda facts: facts.opened_ns,
    "duration": lambda facts: -duration(facts),
    "up": lambda facts: -facts.client_bytes,
    "down": lambda facts: -facts.server_bytes,
    "bytes": lambda facts: -facts.client_bytes - facts.server_bytes,
    "packets": lambda facts: -facts.client_packets - facts.server_packets,
    "missing": lambda facts: -facts.missing,
    "retransmitted": lambda facts: -facts.retransmitted,
}
_FIRST = 60  # bytes of the first payload in a wide table
_WIDE = 120


def duration(facts: Facts) -> int:
    """Return nanoseconds from the first packet to the last; -1 if one of the times is not known."""
    last = facts.last_ns
    return -1 if last == NO_TIME or facts.opened_ns == NO_TIME else max(0, last - facts.opened_ns)


class Sums:
    """What all connections of a list have together."""

    def __init__(self) -> None:
        self.connections = self.up = self.down = self.missing = self.with_missing = self.retransmitted = 0
        self.first = self.last = NO_TIME

    def add(self, facts: Facts) -> None:
        """Add a connection."""
        self.connections += 1
        self.up += facts.client_bytes
        self.down += facts.server_bytes
        if facts.missing:
            self.missing += facts.missing
            self.with_missing += 1
        self.retransmitted += facts.retransmitted
        opened = facts.opened_ns
        if opened != NO_TIME and (self.first == NO_TIME or opened < self.first):
            self.first = opened
        self.last = max(self.last, opened, facts.last_ns)

    def lines(self) -> list[str]:
        """Return them as a line, or as two where one would be longer than a terminal is wide."""
        parts = [plural(self.connections, "connection")]
        if self.connections:
            parts += [f"{short(self.up)} up", f"{short(self.down)} down"]
        if self.missing:
            parts.append(f"{short(self.missing)} missing in {plural(self.with_missing, 'connection')}")
        if self.retransmitted:
            parts.append(f"{short(self.retransmitted)} retransmitted")
        line = ", ".join(parts)
        if self.first == NO_TIME:
            return [line]
        when = f"from {date(self.first)} for {seconds_of(self.last - self.first)}"
        return [f"{line}, {when}"] if len(line) + len(when) < 68 else [line, when]


def list_connections(
    files: Sequence[str],
    options: dict[str, Any],
    choice: Choice,
    screen: Screen,
    *,
    sort: str,
    reverse: bool,
    top: int | None,
    as_json: bool,
    header: bool,
) -> bool:
    """Print the connections of the files. Return whether all files could be read."""
    rows = Rows(None if reverse else top)
    sums = Sums()
    key = SORTS[sort]
    by_number = sort == "id"
    all_of_them = choice.everything
    make = _json if as_json else tabular if screen.terminal else piped
    wide = screen.width >= _WIDE and not as_json

    def closed(raw: bytes, stream: Stream | None) -> None:
        facts = read(raw)
        if not all_of_them and not choice.closed(facts):
            return
        sums.add(facts)
        number = facts.number
        rows.add((number if by_number else key(facts), number, make(facts, raw, stream)))

    session = Session(options)
    session.follow(files, closed, on_run=_first_text if wide else None)
    lines: Iterable[str] = rows
    if reverse:
        lines = reversed(list(rows))
        lines = lines if top is None else islice(lines, top)
    if screen.terminal and not as_json:
        lines = _table(lines, screen, sums.first)
    elif header and not as_json:
        lines = chain(["\t".join(COLUMNS) + "\n"], lines)
    screen.show(lines)
    statistics = session.statistics
    if not as_json and statistics is not None and (statistics.packets or not session.failed):
        for line in sums.lines():
            say(line)
    if other := session.not_followed():
        say(other)
    return not session.failed


def _first_text(run: Run) -> None:
    stream = run.stream
    if stream.state is None:
        stream.state = decoded(run.pieces[0][:_FIRST].partition(b"\n")[0].rstrip(b"\r"))


def _json(facts: Facts, raw: bytes, stream: Stream | None) -> str:
    import json

    told = facts.as_dict()
    told["separation"] = separation(raw, facts.reset_text_length)
    return json.dumps(told) + "\n"


def piped(facts: Facts, raw: bytes, stream: Stream | None) -> str:
    """Return a row for a pipe: COLUMNS, separated by tabs."""
    lasted = duration(facts)
    told = separation(raw, facts.reset_text_length)
    return (
        f"{facts.number}\t{iso(facts.opened_ns) if facts.opened_ns != NO_TIME else '-'}\t{lasted / 1e9 if lasted >= 0 else '-'}\t"
        f"{facts.client_end}\t{facts.server_end}\t{facts.client_bytes}\t{facts.server_bytes}\t{facts.missing}\t{facts.retransmitted}\t"
        f"{facts.end()}{', ' if told else ''}{told}\n"
    )


def tabular(facts: Facts, raw: bytes, stream: Stream | None) -> str:
    """Return what a row of the table is made of, when it is printed."""
    told = separation(raw, facts.reset_text_length)
    text = stream.state if stream is not None and stream.state is not None else ""
    return "\t".join(
        (
            *(str(facts.number), str(facts.opened_ns), str(duration(facts)), facts.client_end, facts.server_end),
            *(str(facts.client_bytes), str(facts.server_bytes), str(facts.missing), str(facts.retransmitted)),
            *(facts.end() + (f", {told}" if told else ""), text),
        )
    )


def cells(line: str, first_ns: int) -> list[str]:
    """Return the cells of a row of the table: the columns of HEADS."""
    number, opened, lasted, client, server, up, down, missing, repeated, end, text = line.split("\t")
    return [
        number,
        "-" if int(opened) == NO_TIME or first_ns == NO_TIME else f"{(int(opened) - first_ns) / 1e9:.3f}",
        "-" if lasted == "-1" else seconds_of(int(lasted)),
        client,
        server,
        short(int(up)),
        short(int(down)),
        short(int(repeated)) if repeated != "0" else "",
        end + (f", -{short(int(missing))}" if missing != "0" else ""),
        text,
    ]


HEADS = ["#", "start", "for", "client", "server", "up", "down", "again", "end", "first payload"]
_AGAIN, _TEXT = 7, 9
_LEFT = {3, 4, 8, 9}


class Table:
    """Lines up cells: as wide as the widest of the first rows, fewer columns where the terminal is narrow."""

    def __init__(self, screen: Screen, sample: list[list[str]]) -> None:
        self.screen = screen
        widths = [max([len(head), *(len(row[at]) for row in sample)]) for at, head in enumerate(HEADS)]
        columns = [at for at in range(_TEXT) if at != _AGAIN or any(row[at] for row in sample)]
        for dropped in (_AGAIN, 1, 2):  # what a narrow terminal does without, in this order
            if self._width(columns, widths) > screen.width and dropped in columns:
                columns.remove(dropped)
        self.rest = screen.width - self._width(columns, widths) - 2
        if self.rest >= 12 and any(row[_TEXT] for row in sample):
            columns.append(_TEXT)
        self.columns, self.widths = columns, widths

    @staticmethod
    def _width(columns: list[int], widths: list[int]) -> int:
        return sum(widths[at] + 2 for at in columns) - 2

    def head(self) -> str:
        """Return the line above all."""
        return self.screen.paint("dim", self._line(HEADS, False)) + "\n"

    def row(self, cells: list[str]) -> str:
        """Return a line."""
        return self._line(cells, True) + "\n"

    def _line(self, cells: list[str], painted: bool) -> str:
        parts = []
        for at in self.columns:
            cell, width = cells[at], self.widths[at]
            if at == _TEXT:
                cell = cell if len(cell) <= self.rest else cell[: self.rest - 1] + "…"
            padding = " " * (width - len(cell))
            if painted:
                cell = self._paint(at, cell)
            parts.append(cell + padding if at in _LEFT else padding + cell)
        return "  ".join(parts).rstrip()

    def _paint(self, at: int, cell: str) -> str:
        paint = self.screen.paint
        if at in (3, 5):
            return paint("client", cell)
        if at in (4, 6):
            return paint("server", cell)
        if at == 8:
            return cell if cell == "fin" else paint("warn", cell) if "-" in cell else paint("head", cell)
        return paint("dim", cell) if at in (1, 2, 7, 9) else cell


def _table(lines: Iterable[str], screen: Screen, first_ns: int) -> Iterator[str]:
    rows = (cells(line, first_ns) for line in lines)
    sample = list(islice(rows, 1000))
    if not sample:
        return
    table = Table(screen, sample)
    yield table.head()
    for row in chain(sample, rows):
        yield table.row(row)
