"""The link layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._addresses import HWAddress
from ._captured import taken, time_ns
from ._fields import HexText, HWField, UInt
from ._llc import LLC
from ._network import IP
from ._pdu import PDU, RAW, P, Sendable, _new, ethernet_inside
from ._pppoe import ether_type_of
from ._sound import from_buffer, is_sound


class _EtherTyped(PDU):
    """A link layer with the EtherType of the next layer at _type_at."""

    __slots__ = ()
    _type_at: ClassVar[int]

    def _decode(self, data: bytes) -> None:
        at = self._type_at
        self._inner = ethernet_inside(int.from_bytes(data[at : at + 2], "big"), data[self._head_size :])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if self._inner is not None:
            head, at = self._decoded(), self._type_at
            head[at : at + 2] = ether_type_of(self._inner, int.from_bytes(head[at : at + 2], "big")).to_bytes(2, "big")


class _Addressed(Sendable):
    """A frame with two hardware addresses. The constructor takes the destination first."""

    __slots__ = ()
    datalink_type = 1
    _head_size = 14
    _link_type = 1
    broadcast = HWAddress.broadcast

    dst_addr = HWField(0)
    src_addr = HWField(6)

    def __init__(self, dst_addr: Any = None, src_addr: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.dst_addr, self.src_addr = dst_addr, src_addr

    def _answered_by(self, data: bytes) -> bool:
        return len(data) >= 14 and data[:6] == self._decoded()[6:12] and self._inner_answered_by(data[14:])


class EthernetII(_EtherTyped, _Addressed):
    """An Ethernet II frame. EthernetII(dst_addr, src_addr): the destination comes first."""

    __slots__ = ()
    pdu_type = 1
    _type_at = 12

    payload_type = UInt(12, 2)

    if not TYPE_CHECKING:
        # Called for each captured packet: a frame that cannot be malformed is decoded at first use.
        from_buffer = classmethod(from_buffer)

    @classmethod
    def _read(cls: type[P], buf: Any) -> P:
        if buf is None:
            return cls()
        buf = taken(buf)
        pdu = _new(cls)
        if is_sound(buf):
            pdu._raw, pdu._head = buf, None
        else:
            pdu._take(buf)
        return pdu

    def _padding(self, inner: int) -> int:
        """Return the padding up to the 60 bytes of the shortest frame."""
        return max(0, 46 - inner)


class Dot3(_Addressed):
    """An IEEE 802.3 frame: a length where Ethernet II has a type, and LLC inside."""

    __slots__ = ()
    pdu_type = 2

    length = UInt(12, 2)

    def _decode(self, data: bytes) -> None:
        if len(data) > 14:
            self._inner = LLC.from_buffer(data[14:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        self._decoded()[12:14] = len(body).to_bytes(2, "big")


class Dot1Q(_EtherTyped):
    """An IEEE 802.1Q tag."""

    __slots__ = ()
    pdu_type = 44
    _ether_type = 0x8100
    _head_size = 4
    _link_type = 1
    _type_at = 2

    priority = UInt(0, 1, low=5)
    cfi = UInt(0, 1, low=4, bits=1)
    id = UInt(0, 2, bits=12)
    payload_type = UInt(2, 2)

    def __init__(self, tag_id: Any = 0, append_pad: Any = True, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.id, self.append_padding = tag_id, bool(append_pad)

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        same = len(data) >= 4 and int.from_bytes(data[:2], "big") & 0xFFF == int.from_bytes(head[:2], "big") & 0xFFF
        return same and self._inner_answered_by(data[4:])

    @property
    def append_padding(self) -> bool:
        """Whether serializing pads to 50 bytes, which make a tagged frame of 64."""
        self._decoded()
        return bool(self._options)

    @append_padding.setter
    def append_padding(self, value: Any) -> None:
        self._decoded()
        self._options = ["padding"] if value else []
        self._changed = True

    def _padding(self, inner: int) -> int:
        return max(0, 46 - inner) if self.append_padding else 0

    def __gofollow_frame__(self) -> tuple[bytes, int, int | None]:
        return bytes(12) + b"\x81\0" + self._as_captured(), self._link_type, time_ns(self._raw)


class SLL(_EtherTyped):
    """A frame of Linux's cooked capture (LINKTYPE_LINUX_SLL)."""

    __slots__ = ()
    pdu_type = 42
    datalink_type = 113
    _head_size = 16
    _link_type = 113
    _type_at = 14

    packet_type = UInt(0, 2)
    lladdr_type = UInt(2, 2)
    lladdr_len = UInt(4, 2)
    address = HexText(6, 8)
    protocol = UInt(14, 2)


class Loopback(PDU):
    """A frame of BSD's loopback interface (LINKTYPE_NULL), the family read as little-endian."""

    __slots__ = ()
    pdu_type = 39
    datalink_type = 108
    _head_size = 4
    _link_type = 0

    family = UInt(0, 4, little=True)

    def _decode(self, data: bytes) -> None:
        cls: type[PDU] = {2: IP, 26: LLC}.get(int.from_bytes(data[:4], "little"), RAW)
        self._inner = cls.from_buffer(data[4:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if isinstance(self._inner, (IP, LLC)):
            self._decoded()[:4] = (2 if isinstance(self._inner, IP) else 26).to_bytes(4, "little")

    def _answered_by(self, data: bytes) -> bool:
        if len(data) < 4:
            return False
        return data[:4] == self._decoded() if self._inner is None else self._inner._answered_by(data[4:])

    def send(self, sender: Any, iface: Any) -> None:
        """Raise NotImplementedError: only BSD has interfaces for such frames."""
        raise NotImplementedError("a frame of BSD's loopback cannot be sent here: send the IP packet inside of it")
