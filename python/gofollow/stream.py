"""TCPStream: what is known of a connection at one moment."""

import io
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from ._events import SIDES, Counters, Facts, Side

Address = IPv4Address | IPv6Address
KEEP_ALL = 1 << 63


class Gap(NamedTuple):
    """Bytes of a stream that never come: length bytes from the stream offset, and why (ack, limit, timeout, snaplen, urgent, close)."""

    offset: int
    length: int
    reason: str


class Chunk(NamedTuple):
    """A run without gaps: length bytes from the stream offset stand in the payload from position start."""

    offset: int
    start: int
    length: int


class _Side:
    """What one side said: its gaps, and a payload of which keep bytes are kept at most. An end is a stream offset."""

    __slots__ = ()

    gaps: Sequence[Gap]
    keep: int

    def length(self, end: int) -> int:
        """How many bytes up to a stream offset came."""
        return end - sum(gap.length for gap in self.gaps_to(end)) if self.gaps else end

    def truncated(self, end: int) -> bool:
        """Whether some of it was not kept."""
        return self.length(end) > self.keep

    def gaps_to(self, end: int) -> list[Gap]:
        return [gap for gap in self.gaps if gap.offset < end]

    def chunks_to(self, end: int) -> list[Chunk]:
        chunks, start, offset = [], 0, 0
        for gap in [*self.gaps_to(end), Gap(end, 0, "")]:
            length = min(gap.offset - offset, self.keep - start)
            if length:
                chunks.append(Chunk(offset, start, length))
            start += length
            offset = gap.offset + gap.length
        return chunks


class Whole(_Side):
    """What one side of a closed connection said."""

    __slots__ = ("data", "gaps", "keep")

    data: bytes

    def payload(self, end: int, complete: bool) -> bytes:
        return self.data


class Said(_Side, list[bytes]):
    """What one side said so far, in the pieces in which it came. It only grows, so that an end, a stream offset, is a snapshot of it.

    Data whose end is at most the limit is appended, as to any list; add takes the rest. Reading it before it is complete sets the
    limit to 0, and a BytesIO then holds the payload instead of the list: its getvalue shares the buffer until the next write, so
    that reading the whole in every callback copies nothing as long as the value before was let go. One thread appends; any may read.
    """

    __slots__ = ("gaps", "keep", "kept", "limit", "whole")

    gaps: list[Gap]
    keep: int  # so many bytes at most
    kept: Any  # what cycapture keeps of what was read: None nothing yet, False nothing any more
    limit: int
    whole: io.BytesIO | None

    def add(self, data: bytes) -> None:
        """Append data whose end is beyond the limit."""
        whole = self.whole
        if whole is None:
            whole = io.BytesIO()
            whole.write(b"".join(self[:]))
            self.whole = whole  # before the list is empty, for those who read meanwhile
            self.clear()
            self.limit = 0
        whole.write(data if self.keep == KEEP_ALL else data[: self.keep - whole.tell()])

    def payload(self, end: int, complete: bool) -> bytes:
        """Return what came up to a stream offset and was kept; complete says that nothing will be added."""
        length = self.length(end)
        whole = self.whole
        if whole is None:
            value = b"".join(self[:])  # of a single piece that piece; join would iterate over a subclass of list
            whole = self.whole  # the pieces may have gone there meanwhile
            if len(self) > 1:
                if complete:
                    self[:] = [value]
                else:
                    self.limit = 0  # who reads it once does so again
        if whole is not None:
            value = whole.getvalue()
        return value if len(value) == length else value[:length]


def make_said(keep: int) -> Said:
    """Return the Said of a side that was silent so far, of which keep bytes are kept at most."""
    said = Said()
    said.gaps = []
    said.keep = keep
    said.kept = None
    said.limit = keep
    said.whole = None
    return said


class _Given(NamedTuple):
    """In place of Facts and Connection: what is known of a TCPStream made by hand."""

    finished: bool
    id: int
    client: tuple[Address | None, int]
    server: tuple[Address | None, int]
    opened_ns: None = None
    closed_ns: None = None
    close_reason: None = None
    closed_by: None = None
    clean: bool = False
    start: None = None
    roles_from: None = None
    client_counters: None = None
    server_counters: None = None

    @property
    def connection(self) -> "_Given":
        return self


def _given_said(payload: bytes) -> Said:
    said = make_said(KEEP_ALL)
    if payload:
        said.append(bytes(payload))
    return said


def _parse_address(value: Any) -> Address | None:
    if isinstance(value, (IPv4Address, IPv6Address)):
        return value
    if isinstance(value, (bytes, bytearray)) and len(value) not in (4, 16):
        value = bytes(value).decode("latin-1")
    if not isinstance(value, (str, bytes, bytearray)):
        return None
    try:
        return ip_address(bytes(value) if isinstance(value, bytearray) else value)
    except ValueError:
        return None


class TCPStream:
    """A connection at one moment: a snapshot, which never changes, however the connection goes on.

    One made by hand, say in a test, takes addresses as ipaddress objects, text, or 4 or 16 bytes in network order;
    one that does not parse is None. In one from a follower, payloads are put together when they are first read.

    client_payload and server_payload are everything so far. Reading one in every callback copies nothing as long as
    the one before was let go. For a long connection, or to keep what was read, use new_data: it costs what is new.
    """

    # Tracker makes one field by field, for a third of what calling __init__ costs, and changes it as long as nobody else has it.
    __slots__ = ("_client", "_client_end", "_direction", "_facts", "_new", "_server", "_server_end")

    _facts: Facts | _Given
    _client: Said | Whole
    _server: Said | Whole
    _client_end: int
    _server_end: int
    _direction: int  # index in SIDES, -1 in an end callback
    _new: bytes | list[tuple[int, bytes]]  # of one data event its bytes, of several their offsets too

    def __init__(
        self,
        client_addr: Any,
        server_addr: Any,
        client_port: int,
        server_port: int,
        ident: int,
        finished: bool,
        client_payload: bytes,
        server_payload: bytes,
    ) -> None:
        client, server = (_parse_address(client_addr), int(client_port)), (_parse_address(server_addr), int(server_port))
        self._facts = _Given(bool(finished), int(ident), client, server)
        self._client, self._server = _given_said(client_payload), _given_said(server_payload)
        self._client_end, self._server_end = len(client_payload), len(server_payload)
        self._direction, self._new = -1, b""

    @property
    def client_addr(self) -> Address | None:
        """The client's address. Client is who sent the SYN; without one see roles_from."""
        return self._facts.connection.client[0]

    @property
    def server_addr(self) -> Address | None:
        """The server's address."""
        return self._facts.connection.server[0]

    @property
    def client_port(self) -> int:
        """The client's port."""
        return self._facts.connection.client[1]

    @property
    def server_port(self) -> int:
        """The server's port."""
        return self._facts.connection.server[1]

    @property
    def identifier(self) -> int:
        """The connection's number in its follower, from 0, never used twice."""
        return self._facts.connection.id

    @property
    def finished(self) -> bool:
        """Whether the packet that this snapshot is about closed the connection."""
        return self._facts.finished

    @property
    def client_payload(self) -> bytes:
        """What the client sent so far, without the gaps."""
        return self._client.payload(self._client_end, self._facts.finished)

    @property
    def server_payload(self) -> bytes:
        """What the server sent so far, without the gaps."""
        return self._server.payload(self._server_end, self._facts.finished)

    @property
    def client_gaps(self) -> list[Gap]:
        """The client's bytes that never come, in order."""
        return self._client.gaps_to(self._client_end)

    @property
    def server_gaps(self) -> list[Gap]:
        """The server's bytes that never come, in order."""
        return self._server.gaps_to(self._server_end)

    @property
    def client_chunks(self) -> list[Chunk]:
        """Where in the client's stream the parts of client_payload belong."""
        return self._client.chunks_to(self._client_end)

    @property
    def server_chunks(self) -> list[Chunk]:
        """Where in the server's stream the parts of server_payload belong."""
        return self._server.chunks_to(self._server_end)

    @property
    def payload_truncated(self) -> bool:
        """Whether a payload lacks bytes because of the option keep_payload."""
        return self._client.truncated(self._client_end) or self._server.truncated(self._server_end)

    @property
    def direction(self) -> Side | None:
        """Whose data is new, "client" or "server"; None in an end callback."""
        return SIDES[self._direction] if self._direction >= 0 else None

    @property
    def new_data(self) -> bytes:
        """The bytes that this data callback is about, without gaps between them; whole whatever keep_payload says."""
        return self._new if isinstance(self._new, bytes) else b"".join(data for _, data in self._new)

    @property
    def new_chunks(self) -> list[Chunk]:
        """Where in the stream the parts of new_data belong; start counts within new_data."""
        new = self._new
        if isinstance(new, bytes):
            end = self._server_end if self._direction else self._client_end
            return [Chunk(end - len(new), 0, len(new))] if new else []
        chunks, start = [], 0
        for offset, data in new:
            chunks.append(Chunk(offset, start, len(data)))
            start += len(data)
        return chunks

    @property
    def opened_at(self) -> float | None:
        """Capture time of the first packet, in seconds since 1970 UTC."""
        opened_ns = self._facts.connection.opened_ns
        return None if opened_ns is None else opened_ns / 10**9

    @property
    def closed_at(self) -> float | None:
        """When it was closed, in seconds since 1970 UTC; None before."""
        closed_ns = self._facts.closed_ns
        return None if closed_ns is None else closed_ns / 10**9

    @property
    def close_reason(self) -> str | None:
        """Why it was closed: fin, rst, timeout, reused, evicted or flush (the capture ended); None before."""
        return self._facts.connection.close_reason

    @property
    def closed_by(self) -> Side | None:
        """Which side closed it, where one did."""
        return self._facts.connection.closed_by

    @property
    def clean(self) -> bool:
        """Whether it is closed, its handshake was seen, nothing is missing or in conflict, and both sides sent FIN."""
        return self._facts.connection.clean

    @property
    def start(self) -> str | None:
        """What was captured first: syn, synack or midstream."""
        return self._facts.connection.start

    @property
    def roles_from(self) -> str | None:
        """How client and server were told apart: syn, synack, port (below 1024) or first (to send)."""
        return self._facts.connection.roles_from

    @property
    def client_counters(self) -> Counters | None:
        """What the client's direction went through, when closed."""
        return self._facts.connection.client_counters

    @property
    def server_counters(self) -> Counters | None:
        """What the server's direction went through, when closed."""
        return self._facts.connection.server_counters

    def __repr__(self) -> str:
        connection = self._facts.connection
        (client, client_port), (server, server_port) = connection.client, connection.server
        lengths = f"{self._client.length(self._client_end)} + {self._server.length(self._server_end)} bytes"
        state = "finished" if self._facts.finished else "open"
        return f"<TCPStream {connection.id} {client}:{client_port} -> {server}:{server_port} {state}, {lengths}>"
