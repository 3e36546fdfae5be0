"""IP, IPv6 and ICMP."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from ._addresses import IPv4Address
from ._exceptions import MalformedPacket, OptionNotFound
from ._fields import IPv4Field, IPv6Field, UInt
from ._opaque import Opaque
from ._pdu import IP_PROTOCOLS, PDU, RAW, ones_sum


class IPOptionIdentifier(NamedTuple):
    """The three parts of an IP option's type byte (RFC 791, 3.1)."""

    number: int
    op_class: int
    copied: int


class IPSecurityType(NamedTuple):
    """The content of an IP security option (RFC 791, 3.1)."""

    security: int = 0
    compartments: int = 0
    handling_restrictions: int = 0
    transmission_control: int = 0


class IP(PDU):
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

    def __init__(self, dst_addr: Any = None, src_addr: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._decoded()[0] = 0x45
            self.ttl, self.id, self.dst_addr, self.src_addr = 128, 1, dst_addr, src_addr

    @property
    def fragmented(self) -> bool:
        """Whether the packet is a fragment: more follow, or it is not the first."""
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
        # a total length of 0 is what segmentation offload leaves; one shorter than the header says nothing either
        total = int.from_bytes(data[2:4], "big")
        body = data[end:total] if total >= end else data[end:]
        if body:
            cls: type[PDU] = RAW if self.fragmented else IP_PROTOCOLS.get(data[9], RAW)
            self._inner = cls.from_buffer(body)

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
        head[0] = head[0] & 0xF0 | (20 + len(middle)) // 4
        head[2:4] = (20 + len(middle) + len(body) & 0xFFFF).to_bytes(2, "big")
        head[10:12] = b"\0\0"
        if parent is not None:
            head[10:12] = ones_sum(bytes(head) + middle).to_bytes(2, "big")

    def _pseudo_addresses(self) -> bytes:
        return bytes(self._decoded()[12:20])

    def options(self) -> list[dict[str, Any]]:
        """The options in the header's order; ValueError, as in the original, for a number that OptionNumber does not have."""
        self._decoded()
        return [{"type": _identifier(kind), "length": len(value), "data_size": len(value), "data": value} for kind, value in self._options]

    def add_option(self, identifier: Any, data: Any = None) -> None:
        """Append an option."""
        self._decoded()
        self._options.append((_kind(identifier), bytes(data or b"")))
        self._changed = True

    def eol(self) -> None:
        self.add_option(0)

    def noop(self) -> None:
        self.add_option(1)

    def search_option(self, identifier: Any) -> bytes:
        """The content of the first option of a type; OptionNotFound where there is none."""
        value = self._option(_kind(identifier))
        if value is None:
            raise OptionNotFound(f"no IP option {_kind(identifier)}")
        return value

    def _option(self, kind: int) -> bytes | None:
        self._decoded()
        return next((value for number, value in self._options if number == kind), None)

    @property
    def stream_identifier(self) -> int | None:
        value = self._option(136)
        return int.from_bytes(value, "big") if value is not None and len(value) == 2 else None

    @stream_identifier.setter
    def stream_identifier(self, value: Any) -> None:
        self.add_option(136, int(value).to_bytes(2, "big"))

    def _routes(self, kind: int) -> tuple[int, list[IPv4Address]] | None:
        value = self._option(kind)
        if value is None or len(value) < 5 or len(value) % 4 != 1:
            return None
        return value[0], [IPv4Address._from_packed(value[at : at + 4]) for at in range(1, len(value), 4)]

    def _set_routes(self, kind: int, pointer: Any, routes: Any) -> None:
        listed = [routes] if isinstance(routes, (IPv4Address, str, bytes)) else routes
        self.add_option(kind, bytes([int(pointer)]) + b"".join(IPv4Address(route)._packed for route in listed))

    def get_record_route(self) -> tuple[int, list[IPv4Address]] | None:
        return self._routes(7)

    def set_record_route(self, pointer: Any, routes: Any) -> None:
        self._set_routes(7, pointer, routes)

    def get_lsrr(self) -> tuple[int, list[IPv4Address]] | None:
        return self._routes(131)

    def set_lsrr(self, pointer: Any, routes: Any) -> None:
        self._set_routes(131, pointer, routes)

    def get_ssrr(self) -> tuple[int, list[IPv4Address]] | None:
        return self._routes(137)

    def set_ssrr(self, pointer: Any, routes: Any) -> None:
        self._set_routes(137, pointer, routes)

    def get_security(self) -> IPSecurityType | None:
        value = self._option(130)
        if value is None or len(value) < 9:
            return None
        return IPSecurityType(*(int.from_bytes(value[at:end], "big") for at, end in ((0, 2), (2, 4), (4, 6), (6, 9))))

    def set_security(self, security_obj: IPSecurityType) -> None:
        self.add_option(130, b"".join(int(n).to_bytes(size, "big") for n, size in zip(security_obj, (2, 2, 2, 3), strict=True)))

    def set_security_ex(
        self, security: int = 0, compartments: int = 0, handling_restrictions: int = 0, transmission_control: int = 0
    ) -> None:
        self.set_security(IPSecurityType(security, compartments, handling_restrictions, transmission_control))


def _identifier(kind: int) -> IPOptionIdentifier:
    return IPOptionIdentifier(int(IP.OptionNumber(kind & 31)), int(IP.OptionClass(kind >> 5 & 3)), kind >> 7)


def _kind(identifier: Any) -> int:
    if isinstance(identifier, tuple):
        number, op_class, copied = identifier
        return int(number) | int(op_class) << 5 | int(copied) << 7
    return int(identifier)


class IPv6(Opaque):
    """An IPv6 packet (RFC 8200), not a public name of the original: the layers inside can be found."""

    __slots__ = ()
    pdu_type = 40
    _ether_type = 0x86DD
    _ip_protocol = 41
    _head_size = 40
    _link_type = 229

    src_addr = IPv6Field(8)
    dst_addr = IPv6Field(24)

    def _decode(self, data: bytes) -> None:
        body = data[40 : 40 + int.from_bytes(data[4:6], "big")] or data[40:]
        kind, at, fragment = data[6], 0, False
        while kind in (0, 43, 44, 60, 135):
            if at + 8 > len(body):
                raise MalformedPacket("an IPv6 extension header goes beyond the packet")
            fragment = fragment or (kind == 44 and int.from_bytes(body[at + 2 : at + 4], "big") & 0xFFF9 != 0)
            kind, at = body[at], at + (8 if kind == 44 else 8 + body[at + 1] * 8)
        if at > len(body):
            raise MalformedPacket("an IPv6 extension header goes beyond the packet")
        self._tail = body[:at]
        if body[at:] and kind != 59:
            self._inner = (RAW if fragment else IP_PROTOCOLS.get(kind, RAW)).from_buffer(body[at:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        self._decoded()[4:6] = (len(self._tail) + len(body) & 0xFFFF).to_bytes(2, "big")

    def _pseudo_addresses(self) -> bytes:
        return bytes(self._decoded()[8:40])

    @property
    def header_size(self) -> int:
        return len(self._decoded()) + len(self._tail)

    @property
    def size(self) -> int:
        return self.header_size + self._inner_size()

    def rfind_pdu_by_type(self, t: int) -> Any:
        return PDU.rfind_pdu_by_type(self, t)


class ICMP(Opaque):
    """An ICMP message (RFC 792), carried: its members are not implemented yet."""

    __slots__ = ()
    pdu_type = 32
    _ip_protocol = 1

    def _decode(self, data: bytes) -> None:
        if len(data) < {13: 20, 14: 20, 17: 12, 18: 12}.get(data[0] if data else 0, 8):
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of ICMP")
        super()._decode(data)
