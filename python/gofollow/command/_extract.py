"""gofollow extract: streams to files."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from .._events import BY, CLOSE_REASONS, GAP_REASONS, STARTS
from .._facts import NO_TIME, Facts, ends_of, host, read, read_open, separation
from .._gather import Run, Stream
from ._choice import Choice
from ._files import Folder
from ._session import Session, Trouble, say
from ._text import harmless, plural, short
from ._writer import Writer

TEMPLATE = "{id:06}-{client}.{client_port}-{server}.{server_port}-{side}"
FIELDS = ("id", "client", "client_port", "server", "server_port", "side", "start")
INDEX = "index.jsonl"
_SIDES = ("client", "server")
_ZEROS = bytes(1 << 20)
_GAPS = 10_000  # of a direction that the index lists
_UNSAFE = str.maketrans(dict.fromkeys(map(chr, (*range(32), 127)), "_"))


class Written:
    """The file of a direction: its name, empty before there is one, how many bytes it has, and the gaps of the stream."""

    __slots__ = ("gaps", "name", "size")

    def __init__(self) -> None:
        self.name, self.size = "", 0
        self.gaps: list[str] = []


class Streams:
    """The files that streams are written to. gaps: what a gap becomes, see extract."""

    def __init__(self, writer: Writer, template: str, gaps: str) -> None:
        self.writer, self.template, self.gaps = writer, template, gaps
        self.files = self.bytes = 0
        self.plain = template == TEMPLATE

    def name(self, stream: Stream, side: int) -> str:
        """Return the name of a direction's file."""
        name: str | None = stream.state
        if name is None:
            opened = read_open(stream.facts).opened_ns if not self.plain else 0
            name = name_of(self.template, stream.number, ends_of(stream.facts), "\0", 0 if opened == NO_TIME else opened // 10**9)
            stream.state = name
        return name.replace("\0", _SIDES[side])

    def run(self, run: Run) -> None:
        """Write payload."""
        written = self.written(run)
        new = not written.name
        if new:
            written.name = self.name(run.stream, run.direction)
            self.files += 1
        at = written.size if self.gaps == "skip" else run.offset
        if self.gaps == "zero" and at > written.size:
            self.writer.write(written.name, new, written.size, _zeros(at - written.size), 0)
            new = False
        self.writer.write(written.name, new, at, run.pieces.copy(), run.size)
        written.size = at + run.size
        self.bytes += run.size

    def gap(self, run: Run, offset: int, length: int, reason: int, time: int) -> None:
        """Note a gap."""
        gaps = self.written(run).gaps
        if len(gaps) < _GAPS:
            gaps.append(f'{{"offset": {offset}, "length": {length}, "reason": "{GAP_REASONS[reason]}"}}')

    @staticmethod
    def written(run: Run) -> Written:
        """Return the file of a direction."""
        written: Written | None = run.state
        if written is None:
            written = run.state = Written()
        return written

    def end(self, run: Run, length: int) -> str:
        """Complete a file whose stream has that length, and return its part of the index."""
        written: Written | None = run.state
        if written is None:
            return '"file": null, "gap_list": []'
        if self.gaps != "skip" and written.name and written.size < length:
            if self.gaps == "zero":
                self.writer.write(written.name, False, written.size, _zeros(length - written.size), 0)
            else:
                self.writer.cut(written.name, length)
        name = f'"{written.name}"' if self.plain else json.dumps(written.name)
        name = name if written.name else "null"
        return f'"file": {name}, "gap_list": [{", ".join(written.gaps)}]'


def _zeros(count: int) -> list[bytes]:
    whole, rest = divmod(count, len(_ZEROS))
    return [*[_ZEROS] * whole, bytes(rest)]


def _host(address: bytes, family: int) -> str:
    return host(address, family).replace(":", "_") if family == 6 else host(address, family)


def name_of(template: str, number: int, ends: tuple[Any, ...], side: str, start: int) -> str:
    """Return a file's name, made of the template."""
    client, client_port, client_family, server, server_port, server_family = ends
    client, server = _host(client, client_family), _host(server, server_family)
    if template == TEMPLATE:
        return f"{number:06}-{client}.{client_port}-{server}.{server_port}-{side}"
    values = (number, client, client_port, server, server_port, side, start)
    return template.format(**dict(zip(FIELDS, values, strict=True)))


def check(template: str) -> None:
    """Raise Trouble for a template that names no file inside a folder."""
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    example = dict(zip(FIELDS, (0, "192.0.2.1", 0, "192.0.2.2", 0, "client", 0), strict=True))
    try:
        if any(name and not name.isidentifier() for _, name, _, _ in string.Formatter().parse(template)):
            raise KeyError
        name = template.format(**example)
    except (KeyError, IndexError, ValueError, AttributeError):
        raise Trouble(f"--template {template!r}: it may have the fields {known}") from None
    parts = name.split("/")
    if name != name.translate(_UNSAFE) or any(part in ("", ".", "..") for part in parts) or name == INDEX or len(name) > 200:
        raise Trouble(f"--template {template!r}: it must name a file inside the folder, without control characters")


def extract(files: Sequence[str], folder: str, options: dict[str, Any], choice: Choice, *, template: str, gaps: str, force: bool) -> int:
    """Write each stream to a file. Return the exit code: 0, 2 if a capture could not be read.

    gaps: "keep" leaves a hole in the file, which is read as zeros and takes no room; "zero" writes
    zeros; "skip" leaves the missing bytes out.
    """
    check(template)
    target = Folder(folder, force)  # refused before anything is read
    session = Session(options, choice)
    session.look_ahead(files)
    connections = 0

    def closed(raw: bytes, stream: Stream | None) -> None:
        nonlocal connections
        if stream is None:
            return
        connections += 1
        facts = read(raw)
        client = streams.end(stream.client, facts.client_bytes + facts.client_missing)
        server = streams.end(stream.server, facts.server_bytes + facts.server_missing)
        writer.line(line_of(facts, separation(raw, facts.reset_text_length), client, server))

    with closing(target), closing(Writer(target, INDEX)) as writer:
        streams = Streams(writer, template, gaps)
        for _ in session.steps(
            files, closed, on_run=streams.run, on_gap=streams.gap, times=False, choose=None if choice.everything else choice.opening
        ):
            writer.send()
        if not session.failed or session.packets():
            writer.line("")  # an index, also where it is empty
        elif not streams.files:
            return 2  # nothing could be read, and a sentence has said so
    say(f"{plural(streams.files, 'file')}, {short(streams.bytes)} bytes, of {plural(connections, 'connection')} in {harmless(folder)}")
    if other := session.not_followed():
        say(other)
    return 2 if session.failed else 0


def line_of(facts: Facts, separated: str, client: str, server: str) -> str:
    """Return a line of the index. Every value is a number or made of harmless characters: no JSON encoder is needed."""
    opened, last, by = facts.opened_ns, facts.last_ns, BY[facts.closed_by]
    return (
        f'{{"id": {facts.number}, '
        f'"client": {{"address": "{host(facts.client, facts.client_family)}", "port": {facts.client_port}, '
        f'"packets": {facts.client_packets}, "bytes": {facts.client_bytes}, "missing": {facts.client_missing}, {client}}}, '
        f'"server": {{"address": "{host(facts.server, facts.server_family)}", "port": {facts.server_port}, '
        f'"packets": {facts.server_packets}, "bytes": {facts.server_bytes}, "missing": {facts.server_missing}, {server}}}, '
        f'"opened_ns": {"null" if opened == NO_TIME else opened}, "last_packet_ns": {"null" if last == NO_TIME else last}, '
        f'"close_reason": "{CLOSE_REASONS.get(facts.close_reason)}", "closed_by": {_BY[by]}, '
        f'"clean": {"true" if facts.clean else "false"}, "start": "{STARTS.get(facts.start)}", "separation": "{separated}"}}\n'
    )


_BY = {"client": '"client"', "server": '"server"', None: "null"}
