"""IP and IPv6."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from ._addresses import IPv4Address
from ._exceptions import MalformedPacket
from ._fields import IPv4Field, IPv6Field, UInt
from ._options import ADDRESSES, Content, Option, OptionsPDU, listed, number
from ._pdu import IP_PROTOCOLS, PDU, RAW, ones_sum
from ._text import within


class _OptionParts(NamedTuple):
    number: int
    op_class: int
    copied: int


class IPOptionIdentifier(_OptionParts):
    """The three parts of an IP option's type byte (RFC 791, 3.1); ValueError for a number or class that IP's enumerations lack."""

    __slots__ = ()

    def __new__(cls, number: Any, op_class: Any, copied: Any) -> IPOptionIdentifier:
        return super().__new__(cls, int(IP.OptionNumber(int(number))), int(IP.OptionClass(int(op_class))), int(bool(copied)))


class _SecurityParts(NamedTuple):
    security: int
    compartments: int
    handling_restrictions: int
    transmission_control: int


class IPSecurityType(_SecurityParts):
    """The content of an IP security option (RFC 791, 3.1): three numbers of 16 bits and one of 24."""

    __slots__ = ()

    def __new__(
        cls, security: Any = 0, compartments: Any = 0, handling_restrictions: Any = 0, transmission_control: Any = 0
    ) -> IPSecurityType:
        parts = security, compartments, handling_restrictions, transmission_control
        return super().__new__(cls, *(within(part, 0xFFFFFF if i == 3 else 0xFFFF, cls._fields[i]) for i, part in enumerate(parts)))


def _load_security(data: bytes) -> IPSecurityType | None:
    if len(data) < 9:
        return None
    return IPSecurityType(*(int.from_bytes(data[at:end], "big") for at, end in ((0, 2), (2, 4), (4, 6), (6, 9))))


def _store_security(value: Any) -> bytes:
    first, second, third, last = IPSecurityType(*value)
    return b"".join(part.to_bytes(2, "big") for part in (first, second, third)) + last.to_bytes(3, "big")


def _load_routes(data: bytes) -> tuple[int, list[IPv4Address]] | None:
    routes = ADDRESSES.load(data[1:])
    return None if routes is None else (data[0], routes)


def _store_routes(value: Any) -> bytes:
    pointer, routes = value
    return number(1).store(pointer) + ADDRESSES.store([routes] if isinstance(routes, (IPv4Address, str, bytes)) else routes)


# destination unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792)
_ICMP_ERRORS = (3, 4, 5, 11, 12)


def _source_for(destination: IPv4Address) -> IPv4Address:
    """Return the address from which the system sends to a destination, 0.0.0.0 without a route. Connecting UDP sends nothing."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.connect((str(destination), 9))
            return IPv4Address(sock.getsockname()[0])
        except OSError:
            return IPv4Address()


_ROUTES = Content(_load_routes, _store_routes)


class IP(OptionsPDU):
    """An IPv4 packet (RFC 791). IP(dst_addr, src_addr): the destination comes first."""

    __slots__ = ()
    pdu_type = 28
    _ether_type = 0x800
    _ip_protocol = 4
    _head_size = 20
    _link_type = 228
    OptionIdentifier = IPOptionIdentifier
    SecurityType = IPSecurityType

    class OptionClass(IntEnum):
        CONTROL = 0
        MEASUREMENT = 2

    class OptionNumber(IntEnum):
        END = 0
        NOOP = 1
        SEC = 2
        LSSR = 3
        TIMESTAMP = 4
        EXTSEC = 5
        RR = 7
        SID = 8
        SSRR = 9
        MTUPROBE = 11
        MTUREPLY = 12
        EIP = 17
        TR = 18
        ADDEXT = 19
        RTRALT = 20
        SDB = 21
        DPS = 23
        UMP = 24
        QS = 25

    version = UInt(0, 1, low=4)
    head_len = UInt(0, 1, bits=4, readonly=True)
    tos = UInt(1, 1)
    tot_len = UInt(2, 2, readonly=True)
    id = UInt(4, 2)
    frag_off = UInt(6, 2)
    ttl = UInt(8, 1)
    protocol = UInt(9, 1)
    checksum = UInt(10, 2, readonly=True)
    src_addr = IPv4Field(12)
    dst_addr = IPv4Field(16)

    stream_identifier = Option(136, number(2))
    _record_route = Option(7, _ROUTES)
    _security = Option(130, Content(_load_security, _store_security))
    _lsrr = Option(131, _ROUTES)
    _ssrr = Option(137, _ROUTES)

    def __init__(self, dst_addr: Any = None, src_addr: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._decoded()[0] = 0x45
            self.ttl, self.id, self.dst_addr, self.src_addr = 128, 1, dst_addr, src_addr

    @property
    def fragmented(self) -> bool:
        """Whether the packet is a fragment: more fragments follow, or it is not the first."""
        return self.frag_off & 0x3FFF != 0

    def _decode(self, data: bytes) -> None:
        end = (data[0] & 15) * 4
        if not 20 <= end <= len(data):
            raise MalformedPacket(f"an IP header of {end} bytes in {len(data)} bytes")
        at = 20
        while at < end and data[at]:
            kind = data[at]
            if kind & 31 == 1:
                self._options.append((kind, b""))
                at += 1
                continue
            if at + 1 == end or data[at + 1] < 2 or at + data[at + 1] > end:
                raise MalformedPacket(f"IP option {kind} goes beyond the header")
            self._options.append((kind, data[at + 2 : at + data[at + 1]]))
            at += data[at + 1]
        # segmentation offload leaves a total length of 0; a length shorter than the header is ignored, too
        total = int.from_bytes(data[2:4], "big")
        body = data[end:total] if total >= end else data[end:]
        if body:
            cls: type[PDU] = RAW if self.fragmented else IP_PROTOCOLS.get(data[9], RAW)
            self._inner = cls._undecoded(body)

    def _middle(self) -> bytes:
        if not self._options:
            return b""
        out = b"".join(bytes([kind]) if kind & 31 <= 1 else bytes([kind, len(value) + 2]) + value for kind, value in self._options)
        return out + bytes(-len(out) % 4)

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        head, middle = self._decoded(), self._middle()
        if self._inner is not None and not self.fragmented:
            known = self._inner._ip_protocol
            head[9] = 0xFF if known is None else known
        head[0] = head[0] & 0xF0 | self._header_words()
        head[2:4] = (20 + len(middle) + len(body) & 0xFFFF).to_bytes(2, "big")
        head[10:12] = b"\0\0"
        if parent is not None:
            head[10:12] = ones_sum(bytes(head) + middle).to_bytes(2, "big")

    def serialize(self) -> bytes:
        """Return the bytes, as PDU.serialize does. The outermost layer of a packet that a script made gets a source if it has none.

        The source is the address from which the system sends to the destination, or 0.0.0.0 without a route. A packet that was
        read keeps 0.0.0.0, which is the source of a host that requests its address by DHCP.
        """
        if self._raw is None and not any(self._decoded()[12:16]):
            self.src_addr = _source_for(self.dst_addr)
        return super().serialize()

    def _pseudo_addresses(self) -> bytes:
        return bytes(self._decoded()[12:20])

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        if len(data) < 20:
            return False
        if data[9] == 1 and data[16:20] == head[12:16] and self._quoted_by(data[(data[0] & 15) * 4 :]):
            return True
        broadcast = head[16:20] == b"\xff\xff\xff\xff"
        swapped = data[16:20] == head[12:16] and (broadcast or data[12:16] == head[16:20])
        if not swapped and not (broadcast and head[12:16] == bytes(4)):
            return False
        return self._inner_answered_by(data[(data[0] & 15) * 4 :])

    def _quoted_by(self, message: bytes) -> bool:
        """Report whether an ICMP message is an error that quotes this packet: addresses, protocol and first bytes of the inner layer."""
        if len(message) < 28 or message[0] not in _ICMP_ERRORS:
            return False
        head, quoted, inner = self._decoded(), message[8:], self._inner
        protocol = head[9] if inner is None or inner._ip_protocol is None else inner._ip_protocol
        if quoted[9] != protocol or quoted[12:20] != head[12:20]:
            return False
        return inner is None or inner._begins(quoted[(quoted[0] & 15) * 4 :])

    def options(self) -> list[dict[str, Any]]:
        """Return the options in the header's order. Raises ValueError, as the original does, for a number that OptionNumber lacks."""
        self._decoded()
        return listed((_identifier(kind), value) for kind, value in self._options)

    def add_option(self, identifier: Any, data: Any = None) -> None:
        """Append an option."""
        self._add(_kind(identifier), data)

    def eol(self) -> None:
        """Append the option that ends the list."""
        self._add(0, None)

    def noop(self) -> None:
        """Append an option without effect, for alignment."""
        self._add(1, None)

    def search_option(self, identifier: Any) -> bytes | None:
        """Return the content of the first option of a type, None if there is none."""
        return self._find(_kind(identifier))

    def get_record_route(self) -> tuple[int, list[IPv4Address]] | None:
        """Return pointer and addresses of the record route option."""
        return self._record_route  # type: ignore[no-any-return]

    def set_record_route(self, pointer: Any, routes: Any) -> None:
        """Set the record route option; routes is an address or several."""
        self._record_route = pointer, routes

    def get_lsrr(self) -> tuple[int, list[IPv4Address]] | None:
        """Return pointer and addresses of the loose source route option."""
        return self._lsrr  # type: ignore[no-any-return]

    def set_lsrr(self, pointer: Any, routes: Any) -> None:
        """Set the loose source route option; routes is an address or several."""
        self._lsrr = pointer, routes

    def get_ssrr(self) -> tuple[int, list[IPv4Address]] | None:
        """Return pointer and addresses of the strict source route option."""
        return self._ssrr  # type: ignore[no-any-return]

    def set_ssrr(self, pointer: Any, routes: Any) -> None:
        """Set the strict source route option; routes is an address or several."""
        self._ssrr = pointer, routes

    def get_security(self) -> IPSecurityType | None:
        """Return the content of the security option."""
        return self._security  # type: ignore[no-any-return]

    def set_security(self, security_obj: Any) -> None:
        """Set the security option."""
        self._security = security_obj

    def set_security_ex(
        self, security: Any = 0, compartments: Any = 0, handling_restrictions: Any = 0, transmission_control: Any = 0
    ) -> None:
        """Set the security option from its four parts."""
        self._security = security, compartments, handling_restrictions, transmission_control


def _identifier(kind: int) -> IPOptionIdentifier:
    return IPOptionIdentifier(kind & 31, kind >> 5 & 3, kind >> 7)


def _kind(identifier: Any) -> int:
    if isinstance(identifier, tuple):
        number, op_class, copied = identifier
        return within(number, 31, "number") | within(op_class, 3, "op_class") << 5 | within(copied, 1, "copied") << 7
    return int(identifier)


class IPv6(PDU):
    """An IPv6 packet (RFC 8200) with its extension headers. The original decodes it but has no public class for it."""

    __slots__ = ()
    pdu_type = 40
    _ether_type = 0x86DD
    _ip_protocol = 41
    _head_size = 40
    _link_type = 229

    version = UInt(0, 1, low=4)
    traffic_class = UInt(0, 2, low=4, bits=8)
    flow_label = UInt(0, 4, bits=20)
    payload_length = UInt(4, 2, readonly=True)
    next_header = UInt(6, 1)
    hop_limit = UInt(7, 1)
    src_addr = IPv6Field(8)
    dst_addr = IPv6Field(24)

    def __init__(self, dst_addr: Any = None, src_addr: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.version, self.hop_limit, self.next_header, self.dst_addr, self.src_addr = 6, 64, 59, dst_addr, src_addr

    def _decode(self, data: bytes) -> None:
        body = data[40 : 40 + int.from_bytes(data[4:6], "big")] or data[40:]
        at, kind, fragment = _after_extensions(data[6], body)
        self._tail = body[:at]
        if body[at:] and kind != 59:
            self._inner = (RAW if fragment else IP_PROTOCOLS.get(kind, RAW))._undecoded(body[at:])
        elif body[at:]:
            # RFC 8200, 4.7: bytes after "no next header" are ignored but kept
            self._tail = body

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        self._decoded()[4:6] = (len(self._tail) + len(body) & 0xFFFF).to_bytes(2, "big")
        inner = self._inner
        if inner is not None and not self._tail and inner._ip_protocol is not None:
            self._fill(6, 1, inner._ip_protocol)

    def _pseudo_addresses(self) -> bytes:
        return bytes(self._decoded()[8:40])

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        if len(data) < 40 or data[24:40] != head[8:24]:
            return False
        try:
            at, kind, _ = _after_extensions(data[6], data[40:])
            if kind == 58 and self._quoted_by(data[40 + at :]):
                return True
        except MalformedPacket:
            return False
        return (data[8:24] == head[24:40] or head[24:26] == b"\xff\x02") and self._inner_answered_by(data[40 + at :])

    def _quoted_by(self, message: bytes) -> bool:
        """Whether an ICMPv6 message is an error (RFC 4443, 2.1) and quotes this packet, as IP._quoted_by."""
        quoted, inner = message[8:], self._inner
        if len(quoted) < 40 or not 1 <= message[0] <= 4 or quoted[8:40] != self._decoded()[8:40]:
            return False
        at, kind, _ = _after_extensions(quoted[6], quoted[40:])
        return inner is None or (kind == inner._ip_protocol and inner._begins(quoted[40 + at :]))


def _after_extensions(kind: int, body: bytes) -> tuple[int, int, bool]:
    """Return where the extension headers end, the protocol after them, and whether the packet is a fragment."""
    at, fragment = 0, False
    while kind in (0, 43, 44, 60, 135):
        if at + 8 > len(body):
            raise MalformedPacket("an IPv6 extension header goes beyond the packet")
        fragment = fragment or (kind == 44 and int.from_bytes(body[at + 2 : at + 4], "big") & 0xFFF9 != 0)
        kind, at = body[at], at + (8 if kind == 44 else 8 + body[at + 1] * 8)
    if at > len(body):
        raise MalformedPacket("an IPv6 extension header goes beyond the packet")
    return at, kind, fragment
