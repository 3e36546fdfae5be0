"""gofollow live: connections as they end, conversations as they happen."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from .._engine import Engine
from .._facts import NO_TIME, read, read_open, separation
from .._gather import Run, Stream
from .._live import Interface, overdue_ns
from ..errors import GofollowError, MissingPackageError, OptionError
from ._choice import Choice
from ._list import Sums, Table, cells, piped, tabular
from ._screen import Screen
from ._session import Session, Trouble, exists, one_line, say
from ._show import Turns, Writer
from ._text import grouped, name_of

_WIDTHS = ["99999", "99999.999", "99.9 min", "255.255.255.255:65535", "255.255.255.255:65535", "999.9 M", "999.9 M", "9,999", "fin", ""]


class Captured:
    """Feeds what an interface gives, and the time where it gives nothing: time-outs do not wait for packets."""

    def __init__(self, name: str, bpf: str) -> None:
        self.truncated: list[str] = []
        try:
            self._interface = Interface(name, bpf)
        except MissingPackageError:
            raise Trouble("capturing needs pcapy-ng, which is not installed: pip install 'gofollow[capture]'") from None
        except OptionError as error:
            raise Trouble("--" + one_line(error)) from None
        except GofollowError as error:
            raise Trouble(f"{name_of(name)}: {one_line(error)}") from None
        say(f"capturing from {name_of(name)}")

    def steps(self, engine: Engine) -> Iterator[None]:
        """Feed for ever; yield whenever events are to be polled."""
        link_type = self._interface.link_type
        while True:
            packets = [(link_type, *packet) for packet in self._interface.read()]
            taken = 0
            while taken < len(packets):
                taken += engine.feed_packets(packets, taken)
                yield
            if not packets:
                while not engine.advance_time(overdue_ns()):
                    yield
                yield
                self._interface.wait()

    def dropped(self) -> int:
        """Return how many packets were dropped since the capture began."""
        _, dropped, by_interface = self._interface.counts()
        return dropped + by_interface


class Status:
    """The line at the bottom of a terminal that says how it goes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown = False
        self._next = self._since = time.monotonic()
        self._packets = 0

    def hide(self) -> None:
        """Make room for other lines."""
        if self._shown:
            self._screen.write("\r\x1b[K")
            self._shown = False

    def show(self, facts: Callable[[], tuple[int, int, int, int | None]], at_once: bool) -> None:
        """Write open and ended connections, packets a second and kernel drops, now and then."""
        now = time.monotonic()
        if not self._screen.terminal or (now < self._next and not at_once):
            return
        opened, ended, packets, dropped = facts()
        if now >= self._next:
            self._rate = (packets - self._packets) / max(now - self._since, 0.1)
            self._since, self._packets, self._next = now, packets, now + 0.5
        drops = "" if dropped is None else f", {grouped(dropped)} dropped by the kernel"
        line = f"{grouped(opened)} open, {grouped(ended)} ended, {grouped(round(self._rate))} packets/s{drops}   Ctrl-C ends"
        self._screen.write("\r\x1b[K" + self._screen.paint("dim", line[: max(10, self._screen.width - 1)]))
        self._screen.flush()
        self._shown = True

    _rate = 0.0


def live(source: str, options: dict[str, Any], choice: Choice, screen: Screen, *, bpf: str, show: bool, header: bool) -> int:
    """Follow a source until it ends, or until Ctrl-C. Return the exit code: 0, 2 after an error."""
    if bpf and exists(source):
        raise Trouble("--bpf is for interfaces: --filter chooses connections of what was captured")
    interface = None if exists(source) else Captured(source, bpf)
    session = Session(options, choice, interface)
    session.progress.stop()
    sums = Sums()
    table = Table(screen, [_WIDTHS])
    lines: list[str] = []
    opened = 0

    def choose(number: int, facts: bytes) -> bool:
        nonlocal opened
        opened += 1
        return choice.opening(number, facts)

    def closed(raw: bytes, stream: Stream | None) -> None:
        if stream is None:
            return
        if show and stream.state is not None:
            stream.state.end()
        facts = read(raw)
        if not sums.connections and screen.terminal and not show:
            lines.append(table.head())
        sums.add(facts)
        if show:
            lines.append(f"\n{screen.paint('head', f'connection {facts.number}')}: {facts.end()}\n")
        elif screen.terminal:
            row = cells(tabular(facts, raw, None), _first(sums, facts.opened_ns))
            row[8] += f", {told}" if (told := separation(raw, facts.reset_text_length)) else ""
            lines.append(table.row(row))
        else:
            lines.append(piped(facts, raw, None))

    writer = Writer(screen, {0, 1}, "text", False)
    last: list[int] = [-1]

    def turns_of(stream: Stream) -> Turns:
        if stream.state is None:
            facts = read_open(stream.facts)

            def turn(turn: Any, continued: bool) -> None:
                if last[0] != stream.number:
                    lines.append(("\n" if last[0] >= 0 else "") + writer.head(facts))
                    last[0] = stream.number
                lines.extend(writer.turn(turn, continued))

            stream.state = Turns(turn)
        state: Turns = stream.state
        return state

    def run(run: Run) -> None:
        if show:
            turns_of(run.stream).run(run)

    def gap(run: Run, *hole: int) -> None:
        if show:
            turns_of(run.stream).gap(run, *hole)

    def facts() -> tuple[int, int, int, int | None]:
        return opened - sums.connections, sums.connections, session.packets(), None if interface is None else interface.dropped()

    status = Status(screen)
    if header and not screen.terminal and not show:
        from ._list import COLUMNS

        lines.append("\t".join(COLUMNS) + "\n")
    with _Interrupts(session):
        steps = session.steps(*([source], closed), on_run=run, on_gap=gap, choose=choose, turns=True, run_limit=1 << 16, times=show)
        for _ in steps:
            written = bool(lines)
            if lines:
                status.hide()
                screen.write("".join(lines))
                screen.flush()
                lines.clear()
            status.show(facts, written)
    status.hide()
    screen.flush()
    for line in sums.lines():
        say(line)
    if interface is not None:
        say(f"{grouped(interface.dropped())} packets dropped by the kernel")
    if other := session.not_followed():
        say(other)
    return 2 if session.failed else 0


def _first(sums: Sums, opened: int) -> int:
    return opened if sums.first == NO_TIME else sums.first


class _Interrupts:
    """Makes Ctrl-C end the reading of a session, and nothing else."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, self._ended)
        self._before_term = signal.signal(signal.SIGTERM, self._ended)

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        signal.signal(signal.SIGTERM, self._before_term)

    def _ended(self, number: int, frame: FrameType | None) -> None:
        self._session.interrupt()
