"""The layers after an 802.3 header: LLC, SNAP and spanning tree."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from ._addresses import HWAddress
from ._exceptions import MalformedPacket
from ._fields import Field, Flag, UInt
from ._pdu import PDU, RAW, ethernet_inside
from ._pppoe import ether_type_of
from ._text import within


class _Control:
    """Bits of LLC's control field, from one or several places, highest first: (formats, byte, lowest bit, number of bits).

    In a frame of another format the value is 0, and assignment has no effect, as in the original.
    """

    def __init__(self, *places: tuple[tuple[int, ...], int, int, int], of: Any = int) -> None:
        self._places, self._of = places, of

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def _of_format(self, pdu: LLC) -> list[tuple[int, int, int]]:
        return [(at, low, bits) for formats, at, low, bits in self._places if pdu.type in formats]

    def __get__(self, pdu: LLC | None, owner: type) -> Any:
        if pdu is None:
            return self
        number, head = 0, pdu._decoded()
        for at, low, bits in self._of_format(pdu):
            number = number << bits | head[at] >> low & (1 << bits) - 1
        return bool(number) if self._of is bool else number

    def __set__(self, pdu: LLC, value: Any) -> None:
        places = self._of_format(pdu)
        number = int(self._of(value if self._of is bool else int(value)))
        within(number, (1 << sum(bits for *_, bits in places or [place[1:] for place in self._places])) - 1, self._name)
        for at, low, bits in reversed(places):
            head, mask = pdu._decoded(), (1 << bits) - 1
            head[at] = head[at] & ~(mask << low) | (number & mask) << low
            number >>= bits
            pdu._changed = True


class LLC(PDU):
    """An IEEE 802.2 header. Its control field has two bytes, or one in unnumbered frames."""

    __slots__ = ()
    pdu_type = 26
    _head_size = 3

    class Format(IntEnum):
        INFORMATION = 0
        SUPERVISORY = 1
        UNNUMBERED = 3

    class ModifierFunctions(IntEnum):
        UI = 0
        XID = 29
        TEST = 7
        SABME = 30
        DISC = 2
        UA = 6
        DM = 24
        FRMR = 17

    class SupervisoryFunctions(IntEnum):
        RECEIVE_READY = 0
        REJECT = 2
        RECEIVE_NOT_READY = 1

    dsap = UInt(0, 1)
    group = Flag(0, 1)
    ssap = UInt(1, 1)
    response = Flag(1, 1)

    def __init__(self, dsap: Any = 0, ssap: Any = 0, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._decoded().append(0)
            self.dsap, self.ssap = dsap, ssap

    def _decode(self, data: bytes) -> None:
        end = 3 if data[2] & 3 == 3 else 4
        if len(data) < end:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of LLC")
        self._head = bytearray(data[:end])
        if len(data) > end:
            cls = STP if self.dsap == self.ssap == 0x42 else RAW
            self._inner = cls.from_buffer(data[end:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if isinstance(self._inner, STP):
            self._fill(0, 2, 0x4242)

    @property
    def type(self) -> int:
        """One of Format."""
        control = self._decoded()[2]
        return 3 if control & 3 == 3 else control & 1

    @type.setter
    def type(self, value: Any) -> None:
        kind = self.Format(int(value))
        head = self._decoded()
        keep = 3 if kind == self.Format.UNNUMBERED else 1 if kind == self.Format.SUPERVISORY else 0
        head[2:] = bytes([keep]) if keep == 3 else bytes([head[2] & 0xFC | keep, head[3] if len(head) > 3 else 0])
        self._changed = True

    send_seq_number = _Control(((0,), 2, 1, 7))
    receive_seq_number = _Control(((0, 1), 3, 1, 7))
    poll_final = _Control(((3,), 2, 4, 1), ((0, 1), 3, 0, 1), of=bool)
    supervisory_function = _Control(((1,), 2, 2, 2))
    # the poll bit lies between the two parts
    modifier_function = _Control(((3,), 2, 2, 2), ((3,), 2, 5, 3), of=ModifierFunctions)

    def clear_information_fields(self) -> None:
        """Remove the information fields, in a frame that was read the bytes after the control field."""
        if isinstance(self.ref_inner_pdu(), RAW):
            self._inner = None
            self._changed = True


class SNAP(PDU):
    """The LLC header of SNAP together with SNAP's own (RFC 1042)."""

    __slots__ = ()
    pdu_type = 27
    _head_size = 8

    dsap = UInt(0, 1, readonly=True)
    ssap = UInt(1, 1, readonly=True)
    control = UInt(2, 1)
    org_code = UInt(3, 3)
    eth_type = UInt(6, 2)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._decoded()[:3] = b"\xaa\xaa\x03"

    def _decode(self, data: bytes) -> None:
        self._inner = ethernet_inside(int.from_bytes(data[6:8], "big"), data[8:])

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if self._inner is not None and not self.eth_type:
            self._fill(6, 2, ether_type_of(self._inner, 0))


class _BridgeParts(NamedTuple):
    priority: int
    ext_id: int
    id: HWAddress


class bpdu_id(_BridgeParts):
    """A bridge's identifier: priority (4 bits), extension (12 bits), hardware address. Immutable and hashable."""

    __slots__ = ()

    def __new__(cls, priority: Any = 0, ext_id: Any = 0, ident: Any = None) -> bpdu_id:
        return super().__new__(cls, within(priority, 15, "priority"), within(ext_id, 4095, "ext_id"), HWAddress(ident))

    def equals(self, other: object) -> bool:
        """Whether other is a bpdu_id of the same three parts."""
        return isinstance(other, bpdu_id) and self == other

    def __copy__(self) -> bpdu_id:
        return self


class _BridgeId(Field[bpdu_id]):
    """A bridge's identifier; assignment accepts an iterable of its three parts."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 8)

    def _load(self, data: bytes) -> bpdu_id:
        word = int.from_bytes(data[:2], "big")
        return bpdu_id(word >> 12, word & 0xFFF, HWAddress._from_packed(data[2:]))

    def _store(self, value: Any, before: bytes) -> bytes:
        ident = value if isinstance(value, bpdu_id) else bpdu_id(*value)
        return (ident.priority << 12 | ident.ext_id).to_bytes(2, "big") + ident.id.to_bytes()


class _Seconds(UInt):
    """A time in whole seconds, on the wire in 256ths of a second."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 2, low=8)

    def _store(self, value: Any, before: bytes) -> bytes:
        return super()._store(value, bytes(2))


class STP(PDU):
    """A configuration message of the spanning tree protocol (IEEE 802.1D)."""

    __slots__ = ()
    pdu_type = 46
    _head_size = 35
    bpdu_id_t = bpdu_id

    proto_id = UInt(0, 2)
    proto_version = UInt(2, 1)
    bpdu_type = UInt(3, 1)
    bpdu_flags = UInt(4, 1)
    root_id = _BridgeId(5)
    root_path_cost = UInt(13, 4)
    bridge_id = _BridgeId(17)
    port_id = UInt(25, 2)

    msg_age = _Seconds(27)
    max_age = _Seconds(29)
    hello_time = _Seconds(31)
    fwd_delay = _Seconds(33)

    def _decode(self, data: bytes) -> None:
        if len(data) > 35:
            self._inner = RAW.from_buffer(data[35:])
