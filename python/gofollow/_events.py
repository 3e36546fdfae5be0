"""Engine events as Python values, and their text form (docs/event-log.md)."""

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

from ._native import constant, error_from_code, ffi, library

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_Item = TypeVar("_Item")
BATCH = 256  # so many events are polled at most
Side = Literal["client", "server"]
SIDES: tuple[Side, Side] = ("client", "server")  # by gofollow_event.direction: the sender
OPENED, DATA, GAP, HALF_CLOSED, CLOSED, ANOMALY, SEGMENT = (
    constant(name) for name in ("OPENED", "DATA", "GAP", "HALF_CLOSED", "CLOSED", "ANOMALY", "SEGMENT")
)
KINDS = {OPENED: "opened", DATA: "data", GAP: "gap", HALF_CLOSED: "half-closed", CLOSED: "closed", ANOMALY: "anomaly", SEGMENT: "segment"}
BY: dict[int, Side | None] = {constant("BY_NONE"): None, constant("BY_CLIENT"): "client", constant("BY_SERVER"): "server"}


def _names(prefix: str, *names: str) -> dict[int, str]:
    return {constant(prefix + name.upper()): name for name in names}


CLOSE_REASONS = _names("CLOSE_", "fin", "rst", "timeout", "reused", "evicted", "flush")
GAP_REASONS = _names("GAP_", "ack", "limit", "timeout", "snaplen", "urgent", "close")
ROLES = _names("ROLES_", "syn", "synack", "port", "first")
STARTS = _names("START_", "syn", "synack", "midstream")
ARRIVALS = _names("ARRIVED_", "empty", "new", "repeated", "out_of_order")
ANOMALIES = _names(
    "ANOMALY_",
    *("overlap_conflict", "rst_out_of_window", "rst_cancelled", "fin_below_data", "ack_unseen", "after_fin"),
    *("before_start", "far_segment", "checksum", "no_ack_flag", "syn_fin"),
)


class Gap(NamedTuple):
    """Missing bytes of a stream: length bytes from the stream offset, and the reason (ack, limit, timeout, snaplen, urgent, close)."""

    offset: int
    length: int
    reason: str


class Chunk(NamedTuple):
    """A run without gaps: length bytes from the stream offset are in the payload from position start.

    time and packet belong to the packet in which its first byte was captured: seconds since 1970 UTC,
    or None without a time stamp, and its number from 1.
    """

    offset: int
    start: int
    length: int
    time: float | None = None
    packet: int = 0


class Listed(Sequence[_Item]):
    """The first count items of a list that only grows, and perhaps one more: a sequence that never changes."""

    __slots__ = ("_count", "_items", "_more")

    def __init__(self, items: list[_Item], count: int, more: tuple[_Item, ...] = ()) -> None:
        self._items, self._count, self._more = items, count, more

    def __len__(self) -> int:
        return self._count + len(self._more)

    @overload
    def __getitem__(self, at: int) -> _Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[_Item]: ...
    def __getitem__(self, at: int | slice) -> _Item | list[_Item]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        return self._items[number] if number < self._count else self._more[0]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Listed, list, tuple)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Listed, (list(self), len(self))

    def __repr__(self) -> str:
        return repr(list(self))


class Stop(Enum):
    """The type of STOP, which a data callback returns to get no further data of its stream."""

    STOP = "stop"

    def __repr__(self) -> str:
        return "gofollow.STOP"


STOP = Stop.STOP


class Segment(NamedTuple):
    """A piece of data that was delivered: length bytes from the stream offset of a side, and the packet that completed it.

    time is that packet's capture time in seconds since 1970 UTC, or None without a time stamp; packet its number from 1.
    """

    side: Side
    time: float | None
    packet: int
    offset: int
    length: int


class Turn:
    """The data of one side until data of the other was delivered.

    Attributes:
        side: the sender, "client" or "server".
        time, end_time: capture times of the packets that completed its first and its last byte, in
            seconds since 1970 UTC; None without a time stamp. time_ns and end_time_ns are the same in
            nanoseconds. A turn without data has the time of its first gap.
        first_packet, last_packet: the numbers of these packets, from 1; 0 if a time-out completed it.
        offset: its position in its side's stream; length: the number of its bytes.
        data: these bytes, as far as keep_payload keeps them, joined when they are read.
        gaps: the gaps before, between or, in a side's last turn, after its bytes.
    """

    __slots__ = ("_data", "end_time_ns", "first_packet", "gaps", "last_packet", "length", "offset", "side", "time_ns")

    def __init__(
        self,
        side: Side,
        time_ns: int | None,
        end_time_ns: int | None,
        data: bytes | Callable[[], bytes],
        length: int,
        gaps: tuple[Gap, ...],
        offset: int,
        first_packet: int,
        last_packet: int,
    ) -> None:
        self.side, self.time_ns, self.end_time_ns, self._data, self.length = side, time_ns, end_time_ns, data, length
        self.gaps, self.offset, self.first_packet, self.last_packet = gaps, offset, first_packet, last_packet

    @property
    def time(self) -> float | None:
        return seconds(self.time_ns)

    @property
    def end_time(self) -> float | None:
        return seconds(self.end_time_ns)

    @property
    def data(self) -> bytes:
        return self._data if isinstance(self._data, bytes) else self._data()

    @property
    def missing(self) -> int:
        """The number of bytes in its gaps."""
        return sum(gap.length for gap in self.gaps)

    def _all(self) -> tuple[Any, ...]:
        times = self.time_ns, self.end_time_ns
        return self.side, *times, self.data, self.length, self.gaps, self.offset, self.first_packet, self.last_packet

    def __eq__(self, other: object) -> bool:
        return self._all() == other._all() if isinstance(other, Turn) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.side, self.time_ns, self.offset, self.length))

    def __reduce__(self) -> tuple[Any, ...]:
        return Turn, self._all()

    def __repr__(self) -> str:
        missing = f", {self.missing} missing" if self.gaps else ""
        return f"<Turn {self.side} {self.length} bytes at {self.offset}{missing}, packets {self.first_packet} to {self.last_packet}>"


class Endpoint(NamedTuple):
    """An endpoint of a connection; its text is 192.0.2.1:80 or [2001:db8::1]:80. The address is None if it did not parse."""

    address: "IPv4Address | IPv6Address | None"
    port: int

    def __str__(self) -> str:
        if self.address is None:
            return f"None:{self.port}"
        if self.address.version == 4:
            return f"{self.address}:{self.port}"
        mapped = self.address.ipv4_mapped
        return f"[::ffff:{mapped}]:{self.port}" if mapped else f"[{self.address}]:{self.port}"


class Counters(NamedTuple):
    """The counters of one direction. The first two and gaps are counts, the others bytes."""

    packets: int
    data_packets: int
    bytes: int
    gap_bytes: int
    gaps: int
    duplicate_bytes: int
    conflict_bytes: int
    reordered_bytes: int
    late_bytes: int
    before_start: int
    after_fin: int
    after_rst: int
    far_segments: int
    far_bytes: int
    max_held: int

    @property
    def missing(self) -> int:
        """Bytes that were given up: gap_bytes."""
        return self.gap_bytes

    @property
    def retransmitted(self) -> int:
        """Bytes that were captured again: duplicate_bytes."""
        return self.duplicate_bytes

    @property
    def reordered(self) -> int:
        """Bytes that were captured before those in front of them: reordered_bytes."""
        return self.reordered_bytes


class Connection(NamedTuple):
    """The facts of a connection. From close_reason on they are set when it is closed. Times are nanoseconds since 1970 UTC."""

    id: int
    client: Endpoint
    server: Endpoint
    opened_ns: int
    opened_packet: int
    roles_from: str | None
    """How client and server were determined: syn, synack, port or first."""
    start: str | None
    """What was captured first: syn, synack or midstream."""
    separation: str
    """The VLANs and tunnels by which the option separate distinguishes it, outermost first: "vlan:5/vxlan:7"; else empty."""
    close_reason: str | None
    closed_by: Side | None
    clean: bool
    reset_text: bytes
    client_counters: Counters | None
    server_counters: Counters | None
    closed_ns: int | None
    syn_ns: int | None = None
    """Capture times of SYN, SYN+ACK and the client's ACK; None if it was not captured, and before the close."""
    synack_ns: int | None = None
    ack_ns: int | None = None
    client_isn: int | None = None
    """Initial sequence numbers; None if the SYN was not captured, and before the close."""
    server_isn: int | None = None
    ignored: bool = False
    """The interest in it was ended (gofollow_ignore). Known when it is closed, as what stands above."""
    last_ns: int | None = None
    """Capture time of its last packet; None before it is closed."""


class Event(NamedTuple):
    """One event of the engine."""

    kind: str
    """opened, data, gap, half-closed, closed, anomaly or segment."""
    connection: Connection
    time_ns: int
    """Capture time of the packet that caused the event, or the deadline that passed."""
    packet: int
    """The number of that packet, from 1; 0 if no packet caused the event."""
    direction: Side | None = None
    """The sender of the bytes; None for opened and closed."""
    offset: int = 0
    """Position in the direction's stream; 0 is the first byte after the SYN."""
    length: int = 0
    data: bytes = b""
    """For an overlap_conflict anomaly the old copy and then the new one."""
    reason: str | None = None
    """The reason of a gap or close, or the kind of an anomaly."""
    by: Side | None = None
    captured_ns: int = 0
    """Capture time of the packet that carried the bytes."""
    reordered: bool = False
    captured_packet: int = 0
    """That packet's number."""
    flags: int = 0
    """Of a segment the TCP header's flags, the offset in the other direction's stream that it acknowledges (-1: none)
    and its receive window in bytes. Its reason is how its payload relates to what was captured before: empty, new, repeated
    or out_of_order.
    """
    acked: int = -1
    window: int = 0

    def __str__(self) -> str:
        return format_event(self)


_NO_TIME = constant("NO_TIME")
_FACTS_SIZE = ffi.sizeof("gofollow_connection")
OPEN_SIZE = ffi.offsetof("gofollow_connection", "closed") + 1  # of the facts that an open connection has


def read_connection(facts: bytes) -> Connection:
    """Read a copy of a gofollow_connection, of an open one up to `closed`, behind which its reset text and its separation stand."""
    size = _FACTS_SIZE if facts[OPEN_SIZE - 1] else OPEN_SIZE
    raw = ffi.from_buffer("gofollow_connection *", facts[:size].ljust(_FACTS_SIZE, b"\0"))
    text, length = facts[size:], raw.reset_text_length
    closed = bool(raw.close_reason)
    return Connection(
        raw.id,
        Endpoint(_address(raw.client), raw.client.port),
        Endpoint(_address(raw.server), raw.server.port),
        raw.opened_ns,
        raw.opened_packet,
        ROLES.get(raw.roles_from),
        STARTS.get(raw.start),
        text[length:].decode(),
        CLOSE_REASONS[raw.close_reason] if closed else None,
        BY[raw.closed_by],
        bool(raw.clean),
        text[:length],
        _counters(raw.counters[0]) if closed else None,
        _counters(raw.counters[1]) if closed else None,
        raw.closed_ns if closed else None,
        known_time(raw.syn_ns) if closed else None,
        known_time(raw.synack_ns) if closed else None,
        known_time(raw.ack_ns) if closed else None,
        raw.isn[0] if raw.isn_known[0] else None,
        raw.isn[1] if raw.isn_known[1] else None,
        bool(raw.ignored),
        last_ns=known_time(raw.last_ns) if closed else None,
    )


def _counters(raw: Any) -> Counters:
    return Counters(*ffi.unpack(ffi.cast("uint64_t *", ffi.addressof(raw)), len(Counters._fields)))


def _address(raw: Any) -> "IPv4Address | IPv6Address | None":
    from ipaddress import IPv4Address, IPv6Address

    if raw.family == 4:
        return IPv4Address(bytes(ffi.buffer(raw.address, 4)))
    return IPv6Address(bytes(ffi.buffer(raw.address))) if raw.family else None


def facts_by_hand(client: tuple[Any, Any], server: tuple[Any, Any], number: Any, finished: object) -> bytes:
    """Return what read_connection reads: of a connection made by hand, whose addresses need not parse."""
    raw = ffi.new("gofollow_connection *")
    raw.id = number
    raw.closed = bool(finished)
    raw.opened_ns = raw.closed_ns = raw.last_ns = raw.syn_ns = raw.synack_ns = raw.ack_ns = _NO_TIME
    for endpoint, (value, port) in ((raw.client, client), (raw.server, server)):
        endpoint.port = int(port)
        address = parse_address(value)
        if address is not None:
            endpoint.family = address.version
            ffi.memmove(endpoint.address, address.packed, len(address.packed))
    return bytes(ffi.buffer(raw, _FACTS_SIZE if finished else OPEN_SIZE))


def known_time(time_ns: int) -> int | None:
    return None if time_ns == _NO_TIME else time_ns


def direction_of(side: str) -> int:
    """Return the direction of which a side is the sender. Raises ValueError for what is none."""
    if side not in SIDES:
        raise ValueError(f"side is {side!r}: it must be 'client' or 'server'")
    return SIDES.index(side)


def between(start_ns: int | None, end_ns: int | None) -> float | None:
    """Return how many seconds are between two times; None if one is not known."""
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 10**9


def seconds(time_ns: int | None) -> float | None:
    """Return a time in seconds, rounded once; None for none."""
    return None if time_ns is None or time_ns == _NO_TIME else time_ns / 10**9


_TURN, _SEGMENT = Struct("=7q"), Struct("=5q")
unpack_turn = _TURN.unpack


def read_segments(pieces: bytes, ends: tuple[int, int]) -> list[Segment]:
    """Return what was delivered up to a stream offset of each direction."""
    return [
        Segment(SIDES[direction], seconds(time_ns), packet, offset, length)
        for time_ns, packet, offset, length, direction in _SEGMENT.iter_unpack(pieces)
        if offset < ends[direction]
    ]


def read_turns(
    marks: bytes, direction: int, gaps: Sequence[Sequence[Gap]], read: Callable[[int, int, int], bytes]
) -> tuple[list[Turn], list[tuple[Gap, ...]]]:
    """Return the turns of marks, the first one of the direction, and by direction the gaps after its last turn.

    gaps: by direction. read: returns a part of a direction's payload.
    """
    turns: list[Turn] = []
    at, missing = [0, 0], [0, 0]  # by direction: the next gap, the bytes of those before it
    for start, end, offset, first_ns, last_ns, first_packet, last_packet in _TURN.iter_unpack(marks):
        its_gaps, first = gaps[direction], at[direction]
        # A gap belongs to the turn that has the byte behind it.
        while at[direction] < len(its_gaps) and its_gaps[at[direction]].offset - missing[direction] < end:
            missing[direction] += its_gaps[at[direction]].length
            at[direction] += 1
        turns.append(
            Turn(
                *(SIDES[direction], known_time(first_ns), known_time(last_ns), partial(read, direction, start, end), end - start),
                *(tuple(its_gaps[first : at[direction]]), offset, first_packet, last_packet),
            )
        )
        direction = 1 - direction
    return turns, [tuple(gaps[side][at[side] :]) for side in (0, 1)]


def parse_address(value: Any) -> "IPv4Address | IPv6Address | None":
    """Return an address given as one, as text, or as 4 or 16 bytes in network order; None for what is none."""
    from ipaddress import IPv4Address, IPv6Address, ip_address

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


class EventCollector:
    """Makes Events of what is polled, copied, in order."""

    def __init__(self, handle: int) -> None:
        self.events: deque[Event] = deque()
        self._handle = handle
        self._polled: Any = ffi.new("gofollow_event[]", BATCH)
        self._connections: dict[int, Connection] = {}

    def pull(self, most: int) -> int:
        """Poll up to so many events (at most BATCH), and return how many they were."""
        count: int = library().gofollow_poll(self._handle, self._polled, most)
        if count < 0:
            raise error_from_code(count, self._handle)
        for event in self._polled[0:count]:
            self._take(event)
        return count

    def _take(self, event: Any) -> None:
        kind, number = event.kind, event.connection_id
        connection = self._connections.get(number)
        if connection is None or kind == CLOSED:
            connection = read_connection(copy_facts(event.connection, _FACTS_SIZE if kind == CLOSED else OPEN_SIZE))
        if kind == OPENED:
            self._connections[number] = connection
            self.events.append(Event("opened", connection, event.ts_ns, event.packet))
            return
        if kind == CLOSED:
            self._connections.pop(number, None)
            reason, by = CLOSE_REASONS[event.reason], BY[event.by]
            self.events.append(Event("closed", connection, event.ts_ns, event.packet, reason=reason, by=by))
            return
        reason, copies = "", 1
        if kind == GAP:
            reason = GAP_REASONS[event.reason]
        elif kind == ANOMALY:
            reason = ANOMALIES[event.reason]
            copies = 2 if reason == "overlap_conflict" else 1
        elif kind == SEGMENT:
            reason = ARRIVALS[event.arrival]
        length = event.length
        data = bytes(ffi.buffer(event.bytes, length * copies)) if event.bytes else b""
        self.events.append(
            Event(
                *(KINDS[kind], connection, event.ts_ns, event.packet, SIDES[event.direction], event.offset, length, data),
                *(reason or None, None, event.captured_ns, bool(event.reordered), event.captured_packet),
                *((event.flags, event.acked, event.window) if kind == SEGMENT else ()),
            )
        )


def copy_facts(raw: Any, size: int = _FACTS_SIZE) -> bytes:
    """Copy a gofollow_connection, or the first bytes of an open one, for read_connection."""
    facts = bytes(ffi.buffer(raw, size))
    if raw.reset_text_length:
        facts += bytes(ffi.buffer(raw.reset_text, raw.reset_text_length))
    return facts + ffi.string(raw.separation) if raw.separation else facts


def _time(ns: int) -> str:
    return "none" if ns == _NO_TIME else str(ns)


def _crc32(data: bytes) -> int:
    from zlib import crc32

    return crc32(data)


def format_event(event: Event) -> str:
    """Return the event's line of the event log, without a newline: docs/event-log.md."""
    connection = event.connection
    tail = f"time={_time(event.time_ns)} packet={event.packet}" + (" reordered" if event.reordered else "")
    head = f"{event.kind} {connection.id}"
    if event.kind == "opened":
        separation = f"separation={connection.separation} " if connection.separation else ""
        return f"{head} {connection.client} {connection.server} roles={connection.roles_from} start={connection.start} {separation}{tail}"
    if event.kind == "closed":
        counters = [",".join(map(str, counters or ())) for counters in (connection.client_counters, connection.server_counters)]
        return (
            f"{head} reason={event.reason} by={event.by or 'none'} clean={int(connection.clean)} client={counters[0]} server={counters[1]}"
            f" reset_text={connection.reset_text.hex()} {tail}"
        )
    head += f" {event.direction}"
    if event.kind == "data":
        crc = _crc32(event.data)
        return f"{head} offset={event.offset} length={event.length} crc32={crc:08x} captured={_time(event.captured_ns)} {tail}"
    if event.kind == "gap":
        return f"{head} offset={event.offset} length={event.length} reason={event.reason} {tail}"
    if event.kind == "half-closed":
        return f"{head} offset={event.offset} {tail}"
    if event.kind == "segment":
        numbers = f"flags={event.flags:02x} ack={event.acked} window={event.window} arrival={event.reason}"
        return f"{head} offset={event.offset} length={event.length} {numbers} {tail}"
    return f"{head} kind={event.reason} offset={event.offset} length={event.length} crc32={_crc32(event.data):08x} {tail}"
