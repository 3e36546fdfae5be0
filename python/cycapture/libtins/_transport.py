"""TCP and UDP."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ._exceptions import MalformedPacket
from ._fields import Flag, UInt
from ._options import Content, Option, OptionsPDU, listed, number, record
from ._pdu import PDU, RAW, ones_sum, pseudo_header


def _load_edges(data: bytes) -> list[int] | None:
    return None if len(data) % 4 else [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]


_EDGES = Content(_load_edges, lambda edges: b"".join(number(4).store(edge) for edge in edges))
# None means the default segment size (RFC 9293, 3.7.1)
_MSS = Content(number(2).load, lambda value: number(2).store(536 if value is None else value))


class TCP(OptionsPDU):
    """A TCP segment (RFC 9293). TCP(dest, src): the destination port comes first."""

    __slots__ = ()
    pdu_type = 30
    _ip_protocol = 6
    _head_size = 20

    class Flags(IntEnum):
        FIN = 1
        SYN = 2
        RST = 4
        PSH = 8
        ACK = 16
        URG = 32
        ECE = 64
        CWR = 128

    class OptionTypes(IntEnum):
        EOL = 0
        NOP = 1
        MSS = 2
        WSCALE = 3
        SACK_OK = 4
        SACK = 5
        TSOPT = 8
        ALTCHK = 14

    class AltChecksums(IntEnum):
        CHK_TCP = 0
        CHK_8FLETCHER = 1
        CHK_16FLETCHER = 2

    sport = UInt(0, 2, none=0)
    dport = UInt(2, 2, none=0)
    seq = UInt(4, 4, none=0)
    ack_seq = UInt(8, 4, none=0)
    data_offset = UInt(12, 1, low=4)
    flags = UInt(12, 2, bits=12)
    cwr_flag = Flag(13, 128)
    ece_flag = Flag(13, 64)
    urg_flag = Flag(13, 32)
    ack_flag = Flag(13, 16)
    psh_flag = Flag(13, 8)
    rst_flag = Flag(13, 4)
    syn_flag = Flag(13, 2)
    fin_flag = Flag(13, 1)
    window = UInt(14, 2, none=32678)
    checksum = UInt(16, 2, readonly=True)
    urg_ptr = UInt(18, 2, none=0)

    mss = Option(2, _MSS)
    winscale = Option(3, number(1))
    sack = Option(5, _EDGES)
    timestamp = Option(8, record("!II"))
    altchecksum = Option(14, number(1, of=AltChecksums))

    def __init__(self, dest: Any = 0, src: Any = 0, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.dport, self.sport, self.window, self.data_offset = dest, src, 32678, 5

    def _decode(self, data: bytes) -> None:
        end = (data[12] >> 4) * 4
        if not 20 <= end <= len(data):
            raise MalformedPacket(f"a TCP header of {end} bytes in {len(data)} bytes")
        at = 20
        while at < end:
            kind = data[at]
            if kind <= 1:
                self._options.append((kind, b""))
                at += 1
                continue
            if at + 1 == end or data[at + 1] < 2 or at + data[at + 1] > end:
                raise MalformedPacket(f"TCP option {kind} goes beyond the header")
            self._options.append((kind, data[at + 2 : at + data[at + 1]]))
            at += data[at + 1]
        if len(data) > end:
            self._inner = RAW.from_buffer(data[end:])

    def _middle(self) -> bytes:
        if not self._options:
            return b""
        out = b"".join(bytes([kind]) if kind <= 1 else bytes([kind, len(value) + 2]) + value for kind, value in self._options)
        return out + b"\x01" * (-len(out) % 4)

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        head, middle = self._decoded(), self._middle()
        head[12] = head[12] & 15 | self._header_words() << 4
        head[16:18] = b"\0\0"
        pseudo = pseudo_header(parent, 6, 20 + len(middle) + len(body))
        if pseudo is not None:
            head[16:18] = ones_sum(pseudo + head + middle + body).to_bytes(2, "big")

    def get_flag(self, flag: Any) -> bool:
        """Report whether a flag, given by its name or number, is set."""
        return bool(self.flags & self._flag(flag))

    def set_flag(self, flag: Any, value: Any) -> None:
        """Set or clear a flag, given by its name or number."""
        bit = self._flag(flag)
        self.flags = self.flags | bit if value else self.flags & ~bit

    def _flag(self, flag: Any) -> int:
        if isinstance(flag, bytes):
            flag = flag.decode("latin-1")
        try:
            return int(self.Flags[flag.upper()] if isinstance(flag, str) else self.Flags(int(flag)))
        except (KeyError, ValueError):
            raise ValueError(f"unknown flag: {flag!r}") from None

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        if len(data) < 20 or data[:2] != head[2:4] or data[2:4] != head[:2]:
            return False
        return self._inner_answered_by(data[(data[12] >> 4) * 4 :])

    def _begins(self, data: bytes) -> bool:
        return data[:8] == self._decoded()[:8]

    def options(self) -> list[dict[str, Any]]:
        """Return the options in the header's order, each with type, length, data_size and data."""
        self._decoded()
        return listed(self._options)

    def search_option(self, identifier: Any) -> bytes | None:
        """Return the content of the first option of a type, None if there is none."""
        return self._find(int(identifier))

    def add_option(self, identifier: Any, data: Any = None) -> None:
        """Append an option."""
        self._add(identifier, data)

    @property
    def sack_permitted(self) -> bool:
        """Whether the segment permits selective acknowledgements."""
        return self._find(4) is not None

    def set_sack_permitted(self) -> None:
        """Permit selective acknowledgements."""
        self._put(4, b"")


class UDP(PDU):
    """A UDP datagram (RFC 768). UDP(dport, sport): the destination port comes first."""

    __slots__ = ()
    pdu_type = 31
    _ip_protocol = 17
    _head_size = 8

    sport = UInt(0, 2, none=0)
    dport = UInt(2, 2, none=0)
    length = UInt(4, 2)
    checksum = UInt(6, 2, readonly=True)

    def __init__(self, dport: Any = 0, sport: Any = 0, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.dport, self.sport = dport, sport

    def _decode(self, data: bytes) -> None:
        if len(data) > 8:
            self._inner = RAW.from_buffer(data[8:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        head = self._decoded()
        head[4:8] = (8 + len(body)).to_bytes(2, "big") + b"\0\0"
        pseudo = pseudo_header(parent, 17, 8 + len(body))
        if pseudo is not None:
            head[6:8] = (ones_sum(pseudo + head + body) or 0xFFFF).to_bytes(2, "big")

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        return len(data) >= 8 and data[:2] == head[2:4] and data[2:4] == head[:2] and self._inner_answered_by(data[8:])

    def _begins(self, data: bytes) -> bool:
        return data[:4] == self._decoded()[:4]
