"""The facts of a closed connection, read from the engine's struct at once."""

import struct
from functools import lru_cache
from typing import Any, NamedTuple

from ._events import BY, CLOSE_REASONS, ROLES, STARTS
from ._native import constant, ffi

NO_TIME = constant("NO_TIME")
_SIZE = ffi.sizeof("gofollow_connection")
_FLUSH, _RST = constant("CLOSE_FLUSH"), constant("CLOSE_RST")
_MIDSTREAM, _SYN = constant("START_MIDSTREAM"), constant("START_SYN")


class Facts(NamedTuple):
    """Fields of gofollow_connection; of an open connection those from close_reason on are 0."""

    number: int
    client: bytes
    client_port: int
    client_family: int
    server: bytes
    server_port: int
    server_family: int
    opened_ns: int
    opened_packet: int
    roles_from: int
    start: int
    close_reason: int
    closed_by: int
    clean: int
    reset_text_length: int
    client_packets: int
    client_bytes: int
    client_missing: int
    client_gaps: int
    client_retransmitted: int
    client_reordered: int
    client_late: int
    server_packets: int
    server_bytes: int
    server_missing: int
    server_gaps: int
    server_retransmitted: int
    server_reordered: int
    server_late: int
    closed_ns: int
    last_ns: int
    syn_ns: int
    synack_ns: int
    ack_ns: int

    @property
    def client_end(self) -> str:
        """Address and port of the client, as text."""
        return endpoint(self.client, self.client_family, self.client_port)

    @property
    def server_end(self) -> str:
        """Address and port of the server, as text."""
        return endpoint(self.server, self.server_family, self.server_port)

    @property
    def missing(self) -> int:
        """Bytes of both directions that the capture lost."""
        return self.client_missing + self.server_missing

    @property
    def retransmitted(self) -> int:
        """Bytes of both directions that were captured again."""
        return self.client_retransmitted + self.server_retransmitted

    def end(self) -> str:
        """Return how the connection ended, in a few words."""
        words = "open" if self.close_reason == _FLUSH else CLOSE_REASONS.get(self.close_reason, "open")
        if self.close_reason == _RST and self.start == _SYN and self.synack_ns == NO_TIME and not self.server_bytes:
            words += ", refused"
        elif self.synack_ns == NO_TIME and self.start == _SYN and not self.server_packets:
            words += ", no answer"
        if self.start == _MIDSTREAM:
            words += ", no start"
        return words

    def as_dict(self) -> dict[str, Any]:
        """Return what --json says."""
        sides = {}
        for name in ("client", "server"):
            sides[name] = {
                "address": host(getattr(self, name), getattr(self, name + "_family")),
                "port": getattr(self, name + "_port"),
                **{
                    counter: getattr(self, f"{name}_{counter}")
                    for counter in ("packets", "bytes", "missing", "gaps", "retransmitted", "reordered")
                },
            }
        last = self.last_ns
        return {
            "id": self.number,
            **sides,
            "opened_ns": None if self.opened_ns == NO_TIME else self.opened_ns,
            "last_packet_ns": None if last == NO_TIME else last,
            "close_reason": CLOSE_REASONS.get(self.close_reason),
            "closed_by": BY[self.closed_by],
            "clean": bool(self.clean),
            "start": STARTS.get(self.start),
            "roles_from": ROLES.get(self.roles_from),
        }


def _layout(*fields: tuple[tuple[Any, ...], str]) -> struct.Struct:
    """Return the struct that has these fields of gofollow_connection, which are in its order, and skips the others."""
    parts, end = ["="], 0
    for path, code in fields:
        offset = ffi.offsetof("gofollow_connection", *path)
        parts.append(f"{offset - end}x{code}")
        end = offset + struct.calcsize("=" + code)
    return struct.Struct("".join(parts))


_COUNTERS = ("packets", "bytes", "gap_bytes", "gaps", "duplicate_bytes", "reordered_bytes", "late_bytes")
_ENDPOINT = (("address", "16s"), ("port", "H"), ("family", "B"))
_ENDPOINTS = [((side, field), code) for side in ("client", "server") for field, code in _ENDPOINT]
_LAYOUT = _layout(
    (("id",), "Q"),
    *_ENDPOINTS,
    (("opened_ns",), "q"),
    (("opened_packet",), "Q"),
    *(((name,), "B") for name in ("roles_from", "start", "close_reason", "closed_by", "clean")),
    (("reset_text_length",), "H"),
    *((("counters", direction, name), "Q") for direction in (0, 1) for name in _COUNTERS),
    *(((name,), "q") for name in ("closed_ns", "last_ns", "syn_ns", "synack_ns", "ack_ns")),
)
_ENDS = _layout(*_ENDPOINTS)
_OPENING = _layout(
    *(_ENDPOINTS[at] for at in (0, 1, 3, 4)),
    *((("opened_ns",), "q"), (("reset_text_length",), "H"), (("opened_seq",), "I")),
)


def ends_of(facts: bytes) -> tuple[Any, ...]:
    """Return address, port and family of client and server."""
    return _ENDS.unpack_from(facts)


def read(facts: bytes) -> Facts:
    """Return the facts of a closed connection."""
    return Facts._make(_LAYOUT.unpack_from(facts))


def read_open(facts: bytes) -> Facts:
    """Return the facts of a connection that is open."""
    return Facts._make(_LAYOUT.unpack_from(facts))._replace(closed_ns=NO_TIME, last_ns=NO_TIME)


def opening(facts: bytes) -> tuple[Any, ...]:
    """Return address and port of client and server, opened_ns, opened_seq, and what separation told the connection apart by."""
    *ends, opened_ns, text, opened_seq = _OPENING.unpack_from(facts)
    return *ends, opened_ns, opened_seq, facts[_SIZE + text :]


def separation(facts: bytes, reset_text_length: int = 0) -> str:
    """Return what the option separate told a closed connection apart by."""
    return facts[_SIZE + reset_text_length :].decode("ascii", "replace")


def endpoint(address: bytes, family: int, port: int) -> str:
    """Return 192.0.2.1:80 or [2001:db8::1]:80 of an address of the engine."""
    return f"{host(address, family)}:{port}" if family == 4 else f"[{host(address, family)}]:{port}"


@lru_cache(1 << 12)
def host(address: bytes, family: int) -> str:
    """Return the text of an address."""
    if family == 4:
        return f"{address[0]}.{address[1]}.{address[2]}.{address[3]}"
    from ipaddress import IPv6Address

    parsed = IPv6Address(address)
    return f"::ffff:{parsed.ipv4_mapped}" if parsed.ipv4_mapped else str(parsed)
