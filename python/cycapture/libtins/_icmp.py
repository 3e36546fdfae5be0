"""ICMP and ICMPv6."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ._exceptions import MalformedPacket
from ._fields import IPv4Field, UInt
from ._pdu import PDU, RAW, ones_sum, pseudo_header


class ICMP(PDU):
    """An ICMP message (RFC 792, RFC 950), by default an echo request.

    The timestamps belong to a timestamp message, the address mask to an address mask message; in other messages they are zero.
    """

    __slots__ = ()
    pdu_type = 32
    _ip_protocol = 1
    _head_size = 8

    class Flags(IntEnum):
        ECHO_REPLY = 0
        DEST_UNREACHABLE = 3
        SOURCE_QUENCH = 4
        REDIRECT = 5
        ECHO_REQUEST = 8
        TIME_EXCEEDED = 11
        PARAM_PROBLEM = 12
        TIMESTAMP_REQUEST = 13
        TIMESTAMP_REPLY = 14
        INFO_REQUEST = 15
        INFO_REPLY = 16
        ADDRESS_MASK_REQUEST = 17
        ADDRESS_MASK_REPLY = 18

    code = UInt(1, 1)
    checksum = UInt(2, 2, readonly=True)
    id = UInt(4, 2)
    sequence = UInt(6, 2)
    gateway = IPv4Field(4)
    pointer = UInt(4, 1)
    mtu = UInt(6, 2)
    original_timestamp = UInt(8, 4)
    receive_timestamp = UInt(12, 4)
    transmit_timestamp = UInt(16, 4)
    address_mask = IPv4Field(8)

    def __init__(self, flag: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._head = bytearray(20)
            self.type = self.Flags.ECHO_REQUEST if flag is None else flag

    @property
    def type(self) -> int:
        return self._decoded()[0]

    @type.setter
    def type(self, value: Any) -> None:
        self._decoded()[0] = self.Flags(int(value))
        self._changed = True

    @staticmethod
    def _size_of(kind: int) -> int:
        return {13: 20, 14: 20, 17: 12, 18: 12}.get(kind, 8)

    # _head always has room for the longest header
    def _decode(self, data: bytes) -> None:
        end = self._size_of(data[0])
        if len(data) < end:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of ICMP")
        self._head = bytearray(data[:end].ljust(20, b"\0"))
        if len(data) > end:
            self._inner = RAW.from_buffer(data[end:])

    def _front(self) -> bytes:
        head = self._decoded()
        return bytes(head[: self._size_of(head[0])])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        head = self._decoded()
        head[2:4] = b"\0\0"
        head[2:4] = ones_sum(self._front() + body).to_bytes(2, "big")

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        return len(data) >= 8 and (head[0], data[0]) in ((8, 0), (13, 14), (17, 18)) and data[4:8] == head[4:8]

    def _begins(self, data: bytes) -> bool:
        # all but the checksum, which serialize computes
        head = self._decoded()
        return data[:2] == head[:2] and data[4:8] == head[4:8]

    def _set(self, kind: int, ident: Any = None, seq: Any = None) -> None:
        self.type = kind
        if ident is not None:
            self.id, self.sequence = ident, seq

    def set_echo_request(self, ident: Any, seq: Any) -> None:
        self._set(8, ident, seq)

    def set_echo_reply(self, ident: Any, seq: Any) -> None:
        self._set(0, ident, seq)

    def set_info_request(self, ident: Any, seq: Any) -> None:
        self._set(15, ident, seq)
        self.code = 0

    def set_info_reply(self, ident: Any, seq: Any) -> None:
        self._set(16, ident, seq)
        self.code = 0

    def set_dest_unreachable(self) -> None:
        self._set(3)

    def set_source_quench(self) -> None:
        self._set(4)

    def set_time_exceeded(self, flag: Any = True) -> None:
        """Time exceeded in transit, or with flag False in reassembly."""
        self._set(11)
        self.code = 0 if flag else 1

    def set_param_problem(self, set_pointer: Any = False, bad_octet: Any = 0) -> None:
        """A parameter problem, with set_pointer at the octet bad_octet."""
        self._set(12)
        self.code = 0 if set_pointer else 1
        if set_pointer:
            self.pointer = bad_octet

    def set_redirect(self, code: Any, address: Any) -> None:
        """A redirect to the gateway address."""
        self._set(5)
        self.code, self.gateway = code, address


class ICMPv6(PDU):
    """An ICMPv6 message (RFC 4443); only the data of an echo is an inner layer. The original has no public class for it."""

    __slots__ = ()
    pdu_type = 41
    _ip_protocol = 58
    _head_size = 8

    type = UInt(0, 1)
    code = UInt(1, 1)
    checksum = UInt(2, 2, readonly=True)

    def _decode(self, data: bytes) -> None:
        least = {130: 24, 131: 24, 132: 24, 134: 16, 135: 24, 136: 24, 137: 40}.get(data[0], 8)
        if len(data) < least:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of ICMPv6")
        if data[0] not in (128, 129):
            self._tail = data[8:]
        elif len(data) > 8:
            self._inner = RAW.from_buffer(data[8:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        head = self._decoded()
        pseudo = pseudo_header(parent, 58, self.header_size + len(body))
        if pseudo is not None:
            head[2:4] = b"\0\0"
            head[2:4] = ones_sum(pseudo + self._front() + body).to_bytes(2, "big")

    def _begins(self, data: bytes) -> bool:
        head = self._decoded()
        return data[:2] == head[:2] and data[4:8] == head[4:8]

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        return len(data) >= 8 and head[0] == 128 and data[0] == 129 and data[4:8] == head[4:8]
