"""IPsec's two headers (RFC 4302, RFC 4303)."""

from __future__ import annotations

from typing import Any

from ._exceptions import MalformedPacket
from ._fields import UInt
from ._pdu import IP_PROTOCOLS, PDU, RAW
from ._text import as_bytes


class IPSecAH(PDU):
    """An authentication header. The length is the header's in words of four bytes, minus two."""

    __slots__ = ()
    pdu_type = 48
    _ip_protocol = 51
    _head_size = 12

    next_header = UInt(0, 1)
    length = UInt(1, 1)
    spi = UInt(4, 4)
    seq_number = UInt(8, 4)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.length, self._tail = 2, bytes(4)

    def _decode(self, data: bytes) -> None:
        end = (data[1] + 2) * 4
        if not 12 <= end <= len(data):
            raise MalformedPacket(f"an authentication header of {end} bytes in {len(data)} bytes")
        self._tail = data[12:end]
        if len(data) > end:
            self._inner = IP_PROTOCOLS.get(data[0], RAW)._undecoded(data[end:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if self._inner is not None and self._inner._ip_protocol is not None:
            self._fill(0, 1, self._inner._ip_protocol)
        self._fill(1, 1, self.header_size // 4 - 2)

    @property
    def icv(self) -> bytes:
        """The integrity check value, a multiple of four bytes."""
        self._decoded()
        return self._tail

    @icv.setter
    def icv(self, value: Any) -> None:
        data = as_bytes(value)
        if len(data) % 4:
            raise ValueError(f"an integrity check value is a multiple of four bytes, not {len(data)}")
        self._decoded()
        self._tail, self._changed = data, True


class IPSecESP(PDU):
    """The head of an encapsulated security payload; the rest is encrypted."""

    __slots__ = ()
    pdu_type = 49
    _ip_protocol = 50
    _head_size = 8

    spi = UInt(0, 4)
    seq_number = UInt(4, 4)

    def _decode(self, data: bytes) -> None:
        if len(data) > 8:
            self._inner = RAW.from_buffer(data[8:])
