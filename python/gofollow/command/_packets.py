"""gofollow extract --pcap: the packets of connections as captures."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from .._events import BATCH
from .._facts import NO_TIME, ends_of, read
from .._native import constant, error_from_code, ffi, library
from ._choice import Choice
from ._extract import INDEX, check, name_of
from ._files import Folder, Lines, trouble, write_all
from ._session import Session, say
from ._text import harmless, plural

TEMPLATE = "{id:06}-{client}.{client_port}-{server}.{server_port}.pcapng"
_FRAGMENT = constant("PACKET_FRAGMENT")
_WAITING = 1 << 25  # bytes that wait to be written
_FRAGMENTS = 10_000  # packets that wait until it is known what they are a part of
_HEAD = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


class Capture:
    """A pcapng file that is written in parts; each link type is an interface of it."""

    __slots__ = ("blocks", "links", "name", "new")

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocks: list[bytes] = [_HEAD]
        self.links: dict[int, int] = {}
        self.new = True

    def add(self, link_type: int, time_ns: int, data: bytes, wire_length: int) -> int:
        """Add a packet, and return how many bytes wait more."""
        interface = self.links.get(link_type)
        if interface is None:
            interface = self.links[link_type] = len(self.links)
            # Option 9, if_tsresol: nanoseconds.
            self.blocks.append(struct.pack("<IIHHIHHB3xHHI", 1, 32, link_type, 0, 0, 9, 1, 9, 0, 0, 32))
        padding = -len(data) % 4
        size = 32 + len(data) + padding
        high, low = divmod(max(0, time_ns), 1 << 32)
        self.blocks += (
            struct.pack("<IIIIIII", 6, size, interface, high, low, len(data), wire_length),
            data,
            bytes(padding) + struct.pack("<I", size),
        )
        return size


class _Packets:
    """Polls an engine that reads packets, and adds those of chosen connections to captures."""

    def __init__(self, handle: int, opened: dict[int, Capture | None], folder: Folder) -> None:
        self._handle, self._opened, self._folder = handle, opened, folder
        self._polled: Any = ffi.new("gofollow_event[]", BATCH)
        self._flows: dict[int, Capture | None] = {}  # the capture of a flow's connection
        self._fragments: dict[int, list[tuple[int, int, bytes, int]]] = {}  # of datagrams that are not whole yet
        self._held = 0
        self._waiting: dict[str, Capture] = {}
        self._size = 0
        self.packets = self.files = 0

    def drain(self) -> None:
        """Poll until nothing waits."""
        count = BATCH
        while count == BATCH:
            count = library().gofollow_poll(self._handle, self._polled, BATCH)
            if count < 0:
                raise error_from_code(count, self._handle)
            for event in self._polled[0:count]:
                self._take(event)

    def _take(self, event: Any) -> None:
        flow = event.connection_id
        if event.reason == _FRAGMENT:
            if self._held < _FRAGMENTS:
                self._fragments.setdefault(flow, []).append(self._packet(event))
                self._held += 1
            return
        parts = self._fragments.pop(event.captured_packet, None) if event.captured_packet and self._fragments else None
        if parts is not None:
            self._held -= len(parts)
        number = event.packet
        if number in self._opened:
            self._flows[flow] = self._opened[number]
        capture = self._flows.get(flow)
        if capture is not None:
            for packet in (*(parts or ()), self._packet(event)):
                self._size += capture.add(*packet)
                self.packets += 1
            self._waiting[capture.name] = capture
            if self._size >= _WAITING:
                self.write()

    @staticmethod
    def _packet(event: Any) -> tuple[int, int, bytes, int]:
        return event.window, event.ts_ns, ffi.buffer(event.bytes, event.length)[:] if event.length else b"", event.offset

    def write(self) -> None:
        """Write what waits."""
        for capture in self._waiting.values():
            try:
                file = self._folder.open(capture.name, capture.new)
                try:
                    end = os.lseek(file, 0, os.SEEK_END)
                    try:
                        write_all(file, b"".join(capture.blocks))
                    except OSError:
                        os.ftruncate(file, end)  # so that it is a capture, of the packets before
                        raise
                finally:
                    os.close(file)
            except OSError as error:
                raise trouble(self._folder.file(capture.name), error) from None
            self.files += capture.new
            capture.new = False
            capture.blocks.clear()
        self._waiting.clear()
        self._size = 0


def extract_packets(files: Sequence[str], folder: str, options: dict[str, Any], choice: Choice, *, template: str, force: bool) -> int:
    """Write the packets of each connection to a capture. Return the exit code: 0, 2 if a capture could not be read.

    Connections to which the template gives the same name share a capture. The files are read twice: which
    packet begins which connection is known before the packets are copied. A packet belongs to the
    connection of its flow that began last before it.
    """
    check(template)
    target = Folder(folder, force)
    session = Session(options, choice)
    opened: dict[int, Capture | None] = {}
    captures: dict[str, Capture] = {}
    lines: list[str] = []

    def closed(raw: bytes, _: object) -> None:
        facts = read(raw)
        capture = None
        if choice.closed(facts):
            seconds = 0 if facts.opened_ns == NO_TIME else facts.opened_ns // 10**9
            name = name_of(template, facts.number, ends_of(raw), "both", seconds)
            capture = captures.get(name)
            if capture is None:
                capture = captures[name] = Capture(name)
            lines.append(json.dumps({**facts.as_dict(), "file": name}) + "\n")
        opened[facts.opened_packet] = capture

    session.spool(files)
    session.follow(files, closed)
    if session.failed and not session.packets():
        return 2  # nothing could be read, and a sentence has said so
    made: list[_Packets] = []

    def make(handle: int) -> _Packets:
        made.append(_Packets(handle, opened, target))
        return made[0]

    with closing(target), closing(Lines(target, INDEX)) as index:
        second = session.again({"packets": True})
        for _ in second.drained(files, make):
            pass
        made[0].write()
        index.write("".join(lines).encode())  # at the end: what is in the index is complete
    packets, count = plural(made[0].packets, "packet"), plural(len(lines), "connection")
    say(f"{packets} of {count} in {plural(made[0].files, 'capture')} in {harmless(folder)}")
    if other := session.not_followed():
        say(other)
    return 2 if session.failed else 0
