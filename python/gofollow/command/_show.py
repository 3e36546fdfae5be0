"""gofollow show: a conversation in its order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any

from .._events import GAP_REASONS
from .._facts import NO_TIME, Facts, read, read_open
from .._gather import Run, Stream
from ._choice import Choice
from ._screen import Screen
from ._session import Session, Trouble, say
from ._text import clock, date, grouped, harmless, iso

SIDES = ("client", "server")
_TURN = 1 << 20  # a longer turn is shown in parts
_PREVIEW = 256
_LINES = re.compile("\r?\n")
_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(32, 127)) | set(range(128, 256)))
Piece = tuple[int, bytes, int]  # stream offset, payload, time
Hole = tuple[int, int, str]  # stream offset, length, reason


class Turn:
    """What one side sent until the other did, or a part of it: pieces and holes, in order."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.parts: list[Piece | Hole] = []
        self.size = self.missing = 0

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of payload."""
        for part in self.parts:
            if isinstance(part[1], bytes):
                yield part

    @property
    def time(self) -> int:
        """When its first byte was delivered."""
        return next((piece[2] for piece in self.pieces()), NO_TIME)


class Turns:
    """Makes turns of the runs and gaps of one connection.

    A gap belongs to its side's next turn if data follows it, else to its last.
    """

    def __init__(self, hand_on: Callable[[Turn, bool], object]) -> None:
        self.hand_on = hand_on  # called with a turn, and whether it continues the one before
        self.turn: Turn | None = None
        self.continued = False
        self.holes: tuple[list[Hole], list[Hole]] = ([], [])

    def run(self, run: Run) -> None:
        """Take payload."""
        side = run.direction
        turn = self.turn
        if turn is None or turn.side != side:
            self.flush()
            turn = self.turn = Turn(side)
        for hole in self.holes[side]:
            self._add_hole(turn, hole)
        self.holes[side].clear()
        offset = run.offset
        for data, time in zip(run.pieces, run.times, strict=True):
            turn.parts.append((offset, data, time))
            offset += len(data)
        turn.size += run.size
        if turn.size >= _TURN:
            self.hand_on(turn, self.continued)
            self.turn, self.continued = Turn(side), True

    def gap(self, run: Run, offset: int, length: int, reason: int, time: int) -> None:
        """Take a gap."""
        hole = (offset, length, GAP_REASONS[reason])
        if self.turn is not None and self.turn.side == run.direction:
            self._add_hole(self.turn, hole)
        elif len(self.holes[run.direction]) < 1000:
            self.holes[run.direction].append(hole)

    def flush(self) -> None:
        """Hand on the turn that is under way."""
        if self.turn is not None and self.turn.parts:
            self.hand_on(self.turn, self.continued)
        self.turn, self.continued = None, False

    def end(self) -> None:
        """Hand on what is left."""
        self.flush()
        for side, holes in enumerate(self.holes):
            if holes:
                self.turn = Turn(side)
                for hole in holes:
                    self._add_hole(self.turn, hole)
                self.flush()

    @staticmethod
    def _add_hole(turn: Turn, hole: Hole) -> None:
        turn.parts.append(hole)
        turn.missing += hole[1]


class Writer:
    """Makes the lines of one conversation."""

    def __init__(self, screen: Screen, sides: set[int], style: str, times: bool) -> None:
        self.screen, self.sides, self.style, self.times = screen, sides, style, times

    def head(self, facts: Facts) -> str:
        """Return the line above a conversation."""
        paint = self.screen.paint
        when = f"  {date(facts.opened_ns)}" if facts.opened_ns != NO_TIME else ""
        ends = f"{paint('client', facts.client_end)} -> {paint('server', facts.server_end)}"
        return f"{paint('head', f'connection {facts.number}')}  {ends}{paint('dim', when)}\n"

    def turn(self, turn: Turn, continued: bool) -> Iterator[str]:
        """Yield the lines of a turn."""
        if turn.side not in self.sides:
            return
        if not self.times:
            yield from self._part(turn, turn.parts, continued)
            return
        for part in turn.parts:
            yield from self._part(turn, [part], False)

    def _part(self, turn: Turn, parts: Sequence[Piece | Hole], continued: bool) -> Iterator[str]:
        screen, side = self.screen, SIDES[turn.side]
        data = [part for part in parts if isinstance(part[1], bytes)]
        size = sum(len(part[1]) for part in data)
        missing = sum(part[1] for part in parts if not isinstance(part[1], bytes))
        when = data[0][2] if data else NO_TIME
        said = f"{grouped(size)} bytes" + (" more" if continued else "") + (f", {grouped(missing)} missing" if missing else "")
        time = "-" if when == NO_TIME else clock(when)
        yield f"\n{screen.paint('dim', time)}  {screen.paint(side, f'{side}  {said}')}\n"
        run: list[bytes] = []
        begin = 0
        for part in parts:
            if isinstance(part[1], bytes):
                if not run:
                    begin = part[0]
                run.append(part[1])
                continue
            yield from self._body(side, begin, b"".join(run))
            run.clear()
            offset, length, reason = part
            yield "  " + screen.paint("warn", f"-- {grouped(length)} bytes missing at {grouped(offset)}: {_WHY[str(reason)]} --") + "\n"
        yield from self._body(side, begin, b"".join(run))

    def _body(self, side: str, offset: int, data: bytes) -> Iterator[str]:
        if not data:
            return
        if self.style == "hex":
            yield from (self.screen.paint(side, line) + "\n" for line in dumped(data, offset))
        elif is_text(data):
            text = data.decode("utf-8", "surrogateescape")
            for line in _LINES.split(text.removesuffix("\n").removesuffix("\r")):
                yield "  " + self.screen.paint(side, harmless(line).replace("\\t", "\t")) + "\n"
        else:
            yield from (self.screen.paint(side, line) + "\n" for line in dumped(data[:_PREVIEW], offset))
            if len(data) > _PREVIEW:
                yield "  " + self.screen.paint("dim", f"... {grouped(len(data) - _PREVIEW)} bytes more (--hex shows them)") + "\n"


_WHY = {
    "ack": "lost before the capture, the other side acknowledged them",
    "limit": "not waited for, more was held than a limit allows",
    "timeout": "not waited for any longer",
    "snaplen": "cut by the capture's snap length",
    "urgent": "urgent data",
    "close": "not there when the connection ended",
}


def is_text(data: bytes) -> bool:
    """Report whether payload can be shown as text: UTF-8, or nearly, with few control characters."""
    sample = data[:4096]
    if len(sample.translate(None, _TEXT)) * 20 > len(sample) or b"\0" in sample:
        return False
    strange = sum(0xDC80 <= ord(character) <= 0xDCFF for character in sample.decode("utf-8", "surrogateescape"))
    return strange * 20 <= len(sample)


def dumped(data: bytes, offset: int) -> Iterator[str]:
    """Yield the lines of a hex dump."""
    for at in range(0, len(data), 16):
        line = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        yield f"  {offset + at:08x}  {line[:8].hex(' '):<23}  {line[8:].hex(' '):<23}  {text}"


def show(
    files: Sequence[str],
    choice: Choice,
    options: dict[str, Any],
    screen: Screen,
    *,
    style: str,
    sides: set[int],
    times: bool,
    force: bool,
) -> int:
    """Print conversations. Return the exit code: 0, 1 if there is no such connection, 2 if a file could not be read."""
    if style == "raw" and screen.terminal and not force:
        raise Trouble(
            "--raw writes the payload's bytes as they are, which can change how a terminal behaves: redirect them, or add --force"
        )
    session = Session(options, choice)
    session.look_ahead(files)
    writer = Writer(screen, sides, style, times)
    current: list[int] = []  # the connection that is printed while it goes on; others wait
    waiting: dict[int, Any] = {}
    lines: list[str] = []
    shown = 0

    def emit(number: int, text: str) -> None:
        if not current:
            current.append(number)
        if current[0] == number:
            lines.append(text)
        else:
            if number not in waiting:
                waiting[number] = SpooledTemporaryFile(1 << 22, "w+", encoding="utf-8", errors="surrogatepass", newline="")  # noqa: SIM115
            waiting[number].write(text)

    def begin(stream: Stream) -> Turns:
        number = stream.number
        if style == "raw":
            return Turns(lambda turn, _: raw(turn))
        if style == "json":
            return Turns(lambda turn, continued: emit(number, as_json(turn, number)) if turn.side in sides else None)
        facts = read_open(stream.facts)
        emit(number, ("\n" if shown or (current and current[0] != number) else "") + writer.head(facts))

        def turn(turn: Turn, continued: bool) -> None:
            for line in writer.turn(turn, continued):
                emit(number, line)

        return Turns(turn)

    def raw(turn: Turn) -> None:
        if turn.side in sides:
            for _, data, _ in turn.pieces():
                screen.write_bytes(data)

    def turns_of(stream: Stream) -> Turns:
        if stream.state is None:
            stream.state = begin(stream)
        state: Turns = stream.state
        return state

    def closed(facts: bytes, stream: Stream | None) -> None:
        nonlocal shown
        if stream is None:
            return
        turns_of(stream).end()
        if style not in ("raw", "json"):
            told = read(facts)
            emit(stream.number, "\n" + screen.paint("dim", f"-- {ended(told)} --") + "\n")
        shown += 1
        if current and current[0] == stream.number:
            current.clear()
            if waiting:
                number = min(waiting)
                current.append(number)
                with waiting.pop(number) as file:
                    file.seek(0)
                    lines.extend(file)

    def conversation() -> Iterator[str]:
        nonlocal shown
        steps = session.steps(
            files,
            closed,
            on_run=lambda run: turns_of(run.stream).run(run),
            on_gap=lambda run, *hole: turns_of(run.stream).gap(run, *hole),
            choose=choice.opening,
            turns=True,
        )
        for _ in steps:
            if lines:
                session.progress.stop()
                yield from lines
                yield ""
                lines.clear()
        for number in sorted(waiting):
            with waiting[number] as file:
                file.seek(0)
                yield from file

    screen.show(conversation())
    if not shown:
        say("there is no such connection: gofollow list shows their numbers")
    return 2 if session.failed else 0 if shown else 1


def ended(facts: Facts) -> str:
    """Return how a connection ended, as a sentence."""
    words = "open at the end of the capture" if facts.end().startswith("open") else f"ended by {facts.end()}"
    last = facts.last_ns
    return words + (f", {clock(last)}" if last != NO_TIME else "")


def as_json(turn: Turn, number: int) -> str:
    """Return a turn as a line of JSON: payload as text where it is UTF-8, else in base64."""
    from base64 import b64encode

    pieces = list(turn.pieces())
    data = b"".join(piece[1] for piece in pieces)
    told: dict[str, Any] = {
        "id": number,
        "side": SIDES[turn.side],
        "time": iso(pieces[0][2]) if pieces and pieces[0][2] != NO_TIME else None,
        "end_time": iso(pieces[-1][2]) if pieces and pieces[-1][2] != NO_TIME else None,
        "offset": turn.parts[0][0],
        "length": len(data),
        "gaps": [{"offset": part[0], "length": part[1], "reason": part[2]} for part in turn.parts if not isinstance(part[1], bytes)],
    }
    try:
        told["text"] = data.decode("utf-8")
    except UnicodeDecodeError:
        told["base64"] = b64encode(data).decode()
    return json.dumps(told) + "\n"
