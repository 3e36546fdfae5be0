"""Engine events as Python values, and their text form (docs/event-log.md)."""

import zlib
from collections import deque
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, NamedTuple

from ._engine import CLOSE_REASONS, CONNECTION, EVENT, NO_TIME, RESET_TEXT
from ._native import MEMORY, constant, ffi

Side = Literal["client", "server"]
SIDES: tuple[Side, Side] = ("client", "server")  # by gofollow_event.direction: the sender
OPENED, DATA, GAP, HALF_CLOSED, CLOSED, ANOMALY = (
    constant(name) for name in ("OPENED", "DATA", "GAP", "HALF_CLOSED", "CLOSED", "ANOMALY")
)
KINDS = {OPENED: "opened", DATA: "data", GAP: "gap", HALF_CLOSED: "half-closed", CLOSED: "closed", ANOMALY: "anomaly"}
BY: dict[int, Side | None] = {constant("BY_NOBODY"): None, constant("BY_CLIENT"): "client", constant("BY_SERVER"): "server"}


def _names(prefix: str, *names: str) -> dict[int, str]:
    return {constant(prefix + name.upper()): name for name in names}


GAP_REASONS = _names("GAP_", "ack", "limit", "timeout", "snaplen", "urgent", "close")
ROLES = _names("ROLES_", "syn", "synack", "port", "first")
STARTS = _names("START_", "syn", "synack", "midstream")
ANOMALIES = _names(
    "ANOMALY_",
    *("overlap_conflict", "rst_out_of_window", "rst_cancelled", "fin_below_data", "ack_unseen", "after_fin"),
    *("before_start", "far_segment", "checksum", "no_ack_flag", "syn_fin"),
)


class Endpoint(NamedTuple):
    """One end of a connection; its text is 192.0.2.1:80 or [2001:db8::1]:80."""

    address: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        if self.address.version == 4:
            return f"{self.address}:{self.port}"
        mapped = self.address.ipv4_mapped
        return f"[::ffff:{mapped}]:{self.port}" if mapped else f"[{self.address}]:{self.port}"


class Counters(NamedTuple):
    """What one direction of a connection went through: bytes, but for the first two and gaps, which are counts."""

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


class Connection(NamedTuple):
    """The facts of a connection. From close_reason on they are set when it is closed. Times are nanoseconds since 1970 UTC."""

    id: int
    client: Endpoint
    server: Endpoint
    opened_ns: int
    opened_packet: int
    roles_from: str
    """How client and server were told apart: syn, synack, port or first."""
    start: str
    """What was captured first: syn, synack or midstream."""
    separation: str
    """What the option separate told it apart by, outermost layer first, as "vlan:5/vxlan:7"; empty for nothing."""
    close_reason: str | None
    closed_by: Side | None
    clean: bool
    reset_text: bytes
    client_counters: Counters | None
    server_counters: Counters | None
    closed_ns: int | None


class Event(NamedTuple):
    """One event of the engine."""

    kind: str
    """opened, data, gap, half-closed, closed or anomaly."""
    connection: Connection
    time_ns: int
    """Capture time of the packet that caused the event, or the deadline that passed."""
    packet: int
    """That packet's number from 1; 0 if none caused it."""
    direction: Side | None = None
    """Who sent the bytes; None for opened and closed."""
    offset: int = 0
    """Position in the direction's stream; 0 is the first byte after the SYN."""
    length: int = 0
    data: bytes = b""
    """For an overlap_conflict anomaly the old copy and then the new one."""
    reason: str | None = None
    """Why, of a gap or closed; which, of an anomaly."""
    by: Side | None = None
    captured_ns: int = 0
    """Capture time of the packet that carried the bytes."""
    reordered: bool = False

    def __str__(self) -> str:
        return format_event(self)


def copy_facts(address: int) -> bytes:
    """Copy a gofollow_connection, its reset text and its separation, which then stand behind it."""
    facts: bytes = MEMORY[address : address + CONNECTION.size]
    separation, length, text = RESET_TEXT.unpack_from(facts)
    if length:
        facts += MEMORY[text : text + length]
    if separation:
        facts += ffi.string(ffi.cast("const char *", separation))
    return facts


def read_connection(facts: bytes) -> Connection:
    """Read what copy_facts copied."""
    fields = CONNECTION.unpack_from(facts)
    number, client, client_port, client_family, server, server_port, server_family, opened_ns, opened_packet = fields[:9]
    roles, start, closed, reason, by, clean, length = fields[10:17]
    text = facts[CONNECTION.size :]
    return Connection(
        number,
        Endpoint(_address(client, client_family), client_port),
        Endpoint(_address(server, server_family), server_port),
        opened_ns,
        opened_packet,
        ROLES[roles],
        STARTS[start],
        text[length:].decode(),
        CLOSE_REASONS[reason] if closed else None,
        BY[by],
        bool(clean),
        text[:length],
        Counters(*fields[18:33]) if closed else None,
        Counters(*fields[33:48]) if closed else None,
        fields[48] if closed else None,
    )


def _address(raw: bytes, family: int) -> IPv4Address | IPv6Address:
    return IPv4Address(raw[:4]) if family == 4 else IPv6Address(raw)


class EventCollector:
    """A sink that keeps every event, copied, in order."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self._connections: dict[int, Connection] = {}

    def take(self, polled: memoryview) -> None:
        for kind, direction, reason, by, reordered, number, facts, time, packet, offset, length, address, captured in EVENT.iter_unpack(
            polled
        ):
            if kind == OPENED:
                self._connections[number] = connection = read_connection(copy_facts(facts))
                self.events.append(Event("opened", connection, time, packet))
                continue
            if kind == CLOSED:
                self._connections.pop(number, None)
                connection = read_connection(copy_facts(facts))
                self.events.append(Event("closed", connection, time, packet, reason=CLOSE_REASONS[reason], by=BY[by]))
                continue
            known = self._connections.get(number)
            connection = read_connection(copy_facts(facts)) if known is None else known
            text, copies = None, 1
            if kind == GAP:
                text = GAP_REASONS[reason]
            elif kind == ANOMALY:
                text = ANOMALIES[reason]
                copies = 2 if text == "overlap_conflict" else 1
            data = MEMORY[address : address + length * copies] if address else b""
            self.events.append(
                Event(KINDS[kind], connection, time, packet, SIDES[direction], offset, length, data, text, None, captured, bool(reordered))
            )

    def run(self) -> None:
        pass


def _time(ns: int) -> str:
    return "none" if ns == NO_TIME else str(ns)


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
        crc = zlib.crc32(event.data)
        return f"{head} offset={event.offset} length={event.length} crc32={crc:08x} captured={_time(event.captured_ns)} {tail}"
    if event.kind == "gap":
        return f"{head} offset={event.offset} length={event.length} reason={event.reason} {tail}"
    if event.kind == "half-closed":
        return f"{head} offset={event.offset} {tail}"
    return f"{head} kind={event.reason} offset={event.offset} length={event.length} crc32={zlib.crc32(event.data):08x} {tail}"
