"""TCPStream: what is known of a connection at one moment."""

import io
import threading
from collections import deque
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from ._events import Connection, Counters, Side

Address = IPv4Address | IPv6Address
_reading = threading.Lock()


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


class _Payload:
    """Bytes that only grow, any prefix of which can be had later, from any thread.

    What was appended waits until a prefix beyond it is asked for. The rest is a BytesIO, whose getvalue shares its buffer until
    the next write: reading the whole in every callback copies nothing as long as the value before was let go, also where a block
    of packets was taken before its callbacks run.
    """

    __slots__ = ("_stream", "_waiting", "_written", "length")

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._stream: io.BytesIO | None = None
        self._written = 0
        self.length = 0

    def append(self, data: bytes) -> None:
        self._waiting.append(data)
        self.length += len(data)

    def prefix(self, length: int) -> bytes:
        """Return the first bytes, up to where some append ended."""
        if not length:
            return b""
        with _reading:
            if self._stream is None:
                if len(self._waiting[0]) == length:
                    return self._waiting[0]
                self._stream = io.BytesIO()
            while self._written < length:
                # What an interrupt leaves in the queue is written again, at the same place.
                self._stream.seek(self._written)
                self._written += self._stream.write(self._waiting[0])
                self._waiting.popleft()
            value = self._stream.getvalue()
        return value if len(value) == length else value[:length]


class Direction:
    """What one side said so far. Everything in it only grows, so a length at a moment is a snapshot of it."""

    __slots__ = ("_end", "chunk_starts", "gaps", "keep", "payload", "truncated")

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.payload = _Payload()
        self.gaps: list[Gap] = []
        self.chunk_starts: list[tuple[int, int]] = []  # stream offset, position in payload
        self.truncated = False
        self._end = -1  # stream offset where the last chunk ends

    def add_data(self, offset: int, data: bytes) -> None:
        room = self.keep - self.payload.length
        if room < len(data):
            self.truncated = True
            data = data[:room]
            if not data:
                return
        if offset != self._end:
            self.chunk_starts.append((offset, self.payload.length))
        self._end = offset + len(data)
        self.payload.append(data)


class _Moment:
    """How much of a Direction a snapshot shows."""

    __slots__ = ("_value", "chunks", "direction", "gaps", "length", "truncated")

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.length = direction.payload.length
        self.gaps = len(direction.gaps)
        self.chunks = len(direction.chunk_starts)
        self.truncated = direction.truncated
        self._value: bytes | None = None

    def payload(self) -> bytes:
        if self._value is None:
            self._value = self.direction.payload.prefix(self.length)
        return self._value

    def gap_list(self) -> list[Gap]:
        return self.direction.gaps[: self.gaps]

    def chunk_list(self) -> list[Chunk]:
        starts = self.direction.chunk_starts[: self.chunks]
        ends = [start for _, start in starts[1:]] + [self.length] * bool(starts)
        return [Chunk(offset, start, end - start) for (offset, start), end in zip(starts, ends, strict=True)]


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

    __slots__ = (
        *("_client", "_client_addr", "_client_port", "_closed_at_ns", "_connection", "_direction", "_finished"),
        *("_identifier", "_new", "_server", "_server_addr", "_server_port"),
    )

    _client: _Moment
    _server: _Moment
    _connection: Connection | None
    _closed_at_ns: int | None
    _direction: Side | None
    _new: tuple[tuple[int, bytes], ...]
    _client_addr: Address | None
    _server_addr: Address | None
    _client_port: int
    _server_port: int
    _identifier: int
    _finished: bool

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
        self._client_addr = _parse_address(client_addr)
        self._server_addr = _parse_address(server_addr)
        self._client_port = int(client_port)
        self._server_port = int(server_port)
        self._identifier = int(ident)
        self._finished = bool(finished)
        self._connection = self._closed_at_ns = self._direction = None
        self._new = ()
        moments = []
        for payload in (client_payload, server_payload):
            direction = Direction(1 << 63)
            if payload:
                direction.add_data(0, bytes(payload))
            moments.append(_Moment(direction))
        self._client, self._server = moments

    @classmethod
    def _snapshot(
        cls,
        connection: Connection,
        client: Direction,
        server: Direction,
        finished: bool,
        direction: Side | None,
        new: tuple[tuple[int, bytes], ...],
        closed_at_ns: int | None,
    ) -> "TCPStream":
        self = cls.__new__(cls)
        self._connection = connection
        self._client_addr, self._client_port = connection.client
        self._server_addr, self._server_port = connection.server
        self._identifier = connection.id
        self._client = _Moment(client)
        self._server = _Moment(server)
        self._finished = finished
        self._direction = direction
        self._new = new
        self._closed_at_ns = closed_at_ns
        return self

    @property
    def client_addr(self) -> Address | None:
        """The client's address. Client is who sent the SYN; without one see roles_from."""
        return self._client_addr

    @property
    def server_addr(self) -> Address | None:
        """The server's address."""
        return self._server_addr

    @property
    def client_port(self) -> int:
        """The client's port."""
        return self._client_port

    @property
    def server_port(self) -> int:
        """The server's port."""
        return self._server_port

    @property
    def identifier(self) -> int:
        """The connection's number in its follower, from 0, never used twice."""
        return self._identifier

    @property
    def finished(self) -> bool:
        """Whether the packet that this snapshot is about closed the connection."""
        return self._finished

    @property
    def client_payload(self) -> bytes:
        """What the client sent so far, without the gaps."""
        return self._client.payload()

    @property
    def server_payload(self) -> bytes:
        """What the server sent so far, without the gaps."""
        return self._server.payload()

    @property
    def client_gaps(self) -> list[Gap]:
        """The client's bytes that never come, in order."""
        return self._client.gap_list()

    @property
    def server_gaps(self) -> list[Gap]:
        """The server's bytes that never come, in order."""
        return self._server.gap_list()

    @property
    def client_chunks(self) -> list[Chunk]:
        """Where in the client's stream the parts of client_payload belong."""
        return self._client.chunk_list()

    @property
    def server_chunks(self) -> list[Chunk]:
        """Where in the server's stream the parts of server_payload belong."""
        return self._server.chunk_list()

    @property
    def payload_truncated(self) -> bool:
        """Whether a payload lacks bytes because of the option keep_payload."""
        return self._client.truncated or self._server.truncated

    @property
    def direction(self) -> Side | None:
        """Whose data is new, "client" or "server"; None in an end callback."""
        return self._direction

    @property
    def new_data(self) -> bytes:
        """The bytes that this data callback is about, without gaps between them; whole whatever keep_payload says."""
        return self._new[0][1] if len(self._new) == 1 else b"".join(data for _, data in self._new)

    @property
    def new_chunks(self) -> list[Chunk]:
        """Where in the stream the parts of new_data belong; start counts within new_data."""
        chunks, start = [], 0
        for offset, data in self._new:
            chunks.append(Chunk(offset, start, len(data)))
            start += len(data)
        return chunks

    @property
    def opened_at(self) -> float | None:
        """Capture time of the first packet, in seconds since 1970 UTC."""
        return None if self._connection is None else self._connection.opened_ns / 10**9

    @property
    def closed_at(self) -> float | None:
        """When it was closed, in seconds since 1970 UTC; None before."""
        return None if self._closed_at_ns is None else self._closed_at_ns / 10**9

    @property
    def close_reason(self) -> str | None:
        """Why it was closed: fin, rst, timeout, reused, evicted or flush (the capture ended); None before."""
        return None if self._connection is None else self._connection.close_reason

    @property
    def closed_by(self) -> Side | None:
        """Which side closed it, where one did."""
        return None if self._connection is None else self._connection.closed_by

    @property
    def clean(self) -> bool:
        """Whether it is closed, its handshake was seen, nothing is missing or in conflict, and both sides sent FIN."""
        return self._connection is not None and self._connection.clean

    @property
    def start(self) -> str | None:
        """What was captured first: syn, synack or midstream."""
        return None if self._connection is None else self._connection.start

    @property
    def roles_from(self) -> str | None:
        """How client and server were told apart: syn, synack, port (below 1024) or first (to send)."""
        return None if self._connection is None else self._connection.roles_from

    @property
    def client_counters(self) -> Counters | None:
        """What the client's direction went through, when closed."""
        return None if self._connection is None else self._connection.client_counters

    @property
    def server_counters(self) -> Counters | None:
        """What the server's direction went through, when closed."""
        return None if self._connection is None else self._connection.server_counters

    def __repr__(self) -> str:
        state = "finished" if self._finished else "open"
        return (
            f"<TCPStream {self._identifier} {self._client_addr}:{self._client_port} -> {self._server_addr}:{self._server_port} {state},"
            f" {self._client.length} + {self._server.length} bytes>"
        )
