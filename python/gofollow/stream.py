"""TCPStream: what is known of a connection at one moment."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from ._engine import NO_TIME
from ._events import SIDES, Counters, Side
from ._said import Chunk, Facts, Gap, Whole

Address = IPv4Address | IPv6Address


class _Given(NamedTuple):
    """In place of Facts and Connection: what is known of a TCPStream made by hand."""

    finished: bool
    id: int
    client: tuple[Address | None, int]
    server: tuple[Address | None, int]
    client_said: bytes
    server_said: bytes
    opened_ns: None = None
    closed_ns: None = None
    close_reason: None = None
    closed_by: None = None
    clean: bool = False
    start: None = None
    roles_from: None = None
    separation: str = ""
    client_counters: None = None
    server_counters: None = None

    @property
    def connection(self) -> "_Given":
        return self

    def side(self, stream: "TCPStream", direction: int) -> Whole:
        return Whole(self.server_said if direction else self.client_said)

    def new_data(self, stream: "TCPStream") -> bytes:
        return b""


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
    __slots__ = ("_client_end", "_direction", "_facts", "_limit", "_new", "_server_end")

    _facts: Facts | _Given
    _client_end: int
    _server_end: int
    _limit: int  # the library keeps what ends before this stream offset; -1: nothing
    _direction: int  # index in SIDES, -1 in an end callback
    # Of one data event its bytes, of several their offsets too; None: the source of the facts knows.
    _new: bytes | list[tuple[int, bytes]] | None

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
        self._facts = _Given(bool(finished), int(ident), client, server, bytes(client_payload), bytes(server_payload))
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
        facts = self._facts
        said = facts.client_said
        return said if isinstance(said, bytes) else facts.side(self, 0).payload(self._client_end, facts.finished)

    @property
    def server_payload(self) -> bytes:
        """What the server sent so far, without the gaps."""
        facts = self._facts
        said = facts.server_said
        return said if isinstance(said, bytes) else facts.side(self, 1).payload(self._server_end, facts.finished)

    @property
    def client_gaps(self) -> list[Gap]:
        """The client's bytes that never come, in order."""
        return self._facts.side(self, 0).gaps_to(self._client_end)

    @property
    def server_gaps(self) -> list[Gap]:
        """The server's bytes that never come, in order."""
        return self._facts.side(self, 1).gaps_to(self._server_end)

    @property
    def client_chunks(self) -> list[Chunk]:
        """Where in the client's stream the parts of client_payload belong."""
        return self._facts.side(self, 0).chunks_to(self._client_end)

    @property
    def server_chunks(self) -> list[Chunk]:
        """Where in the server's stream the parts of server_payload belong."""
        return self._facts.side(self, 1).chunks_to(self._server_end)

    @property
    def payload_truncated(self) -> bool:
        """Whether a payload lacks bytes because of the option keep_payload."""
        return self._facts.side(self, 0).truncated(self._client_end) or self._facts.side(self, 1).truncated(self._server_end)

    @property
    def direction(self) -> Side | None:
        """Whose data is new, "client" or "server"; None in an end callback."""
        return SIDES[self._direction] if self._direction >= 0 else None

    @property
    def new_data(self) -> bytes:
        """The bytes that this data callback is about, without gaps between them; whole whatever keep_payload says."""
        new = self._new
        if new is None:
            return self._facts.new_data(self)
        return new if isinstance(new, bytes) else b"".join(data for _, data in new)

    @property
    def new_chunks(self) -> list[Chunk]:
        """Where in the stream the parts of new_data belong; start counts within new_data."""
        new = self._new
        if not isinstance(new, list):
            length = len(self.new_data)
            end = self._server_end if self._direction else self._client_end
            return [Chunk(end - length, 0, length)] if length else []
        chunks, start = [], 0
        for offset, data in new:
            chunks.append(Chunk(offset, start, len(data)))
            start += len(data)
        return chunks

    @property
    def opened_at(self) -> float | None:
        """Capture time of the first packet, in seconds since 1970 UTC."""
        opened_ns = self._facts.connection.opened_ns
        return None if opened_ns in (None, NO_TIME) else opened_ns / 10**9

    @property
    def closed_at(self) -> float | None:
        """When it was closed, in seconds since 1970 UTC; None before."""
        closed_ns = self._facts.connection.closed_ns
        return None if closed_ns in (None, NO_TIME) else closed_ns / 10**9

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
    def separation(self) -> str:
        """What the option separate told it apart by, outermost layer first, as "vlan:5/vxlan:7"; empty for nothing."""
        return self._facts.connection.separation

    @property
    def client_counters(self) -> Counters | None:
        """What the client's direction went through, when closed."""
        return self._facts.connection.client_counters

    @property
    def server_counters(self) -> Counters | None:
        """What the server's direction went through, when closed."""
        return self._facts.connection.server_counters

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """What pickle and copy take."""
        state = {name: getattr(self, name) for name in self.__slots__ if hasattr(self, name)}
        if isinstance(self._facts, Facts):
            state |= {"_facts": self._facts.apart(self), "_limit": -1}
        if self._new is None:
            state["_new"] = self.new_data
        return None, state

    def __repr__(self) -> str:
        connection = self._facts.connection
        (client, client_port), (server, server_port) = connection.client, connection.server
        lengths = f"{self._facts.side(self, 0).length(self._client_end)} + {self._facts.side(self, 1).length(self._server_end)} bytes"
        state = "finished" if self._facts.finished else "open"
        return f"<TCPStream {connection.id} {client}:{client_port} -> {server}:{server_port} {state}, {lengths}>"
