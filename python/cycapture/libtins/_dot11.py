"""IEEE 802.11 frames: the common head, data and control frames."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, TypeVar

from ._addresses import HWAddress
from ._exceptions import MalformedPacket
from ._fields import Flag, HWField, Octets, UInt
from ._llc import SNAP
from ._options import SearchableOptions
from ._pdu import RAW, Sendable
from ._text import as_bytes

D = TypeVar("D", bound="Dot11")


class Dot11(SearchableOptions, Sendable):
    """The header that all 802.11 frames share. Dot11.from_bytes returns the class of a frame; Dot11.from_buffer reads only this header.

    An interface in monitor mode can send it.
    """

    __slots__ = ()
    pdu_type = 4
    datalink_type = 105
    _head_size = 10
    _option_limit = 255
    _type: ClassVar[int] = 0
    _subtype: ClassVar[int] = 0

    class Types(IntEnum):
        MANAGEMENT = 0
        CONTROL = 1
        DATA = 2

    class ManagementSubtypes(IntEnum):
        ASSOC_REQ, ASSOC_RESP, REASSOC_REQ, REASSOC_RESP, PROBE_REQ, PROBE_RESP = range(6)
        BEACON, ATIM, DISASSOC, AUTH, DEAUTH = range(8, 13)

    class ControlSubtypes(IntEnum):
        BLOCK_ACK_REQ, BLOCK_ACK, PS, RTS, CTS, ACK, CF_END, CF_END_ACK = range(8, 16)

    class DataSubtypes(IntEnum):
        DATA_DATA, DATA_CF_ACK, DATA_CF_POLL, DATA_CF_ACK_POLL, DATA_NULL, CF_ACK, CF_POLL, CF_ACK_POLL = range(8)
        QOS_DATA_DATA, QOS_DATA_CF_ACK, QOS_DATA_CF_POLL, QOS_DATA_CF_ACK_POLL, QOS_DATA_NULL = range(8, 13)

    class OptionTypes(IntEnum):
        SSID, SUPPORTED_RATES, FH_SET, DS_SET, CF_SET, TIM, IBSS_SET, COUNTRY, HOPPING_PATTERN_PARAMS = range(9)
        HOPPING_PATTERN_TABLE, REQUEST_INFORMATION, BSS_LOAD, EDCA, TSPEC, TCLAS, SCHEDULE, CHALLENGE_TEXT = range(9, 17)
        POWER_CONSTRAINT, POWER_CAPABILITY, TPC_REQUEST, TPC_REPORT, SUPPORTED_CHANNELS, CHANNEL_SWITCH = range(32, 38)
        MEASUREMENT_REQUEST, MEASUREMENT_REPORT, QUIET, IBSS_DFS, ERP_INFORMATION, TS_DELAY, TCLAS_PROCESSING = range(38, 45)
        QOS_CAPABILITY, RSN, EXT_SUPPORTED_RATES, VENDOR_SPECIFIC = 46, 48, 50, 221

    protocol = UInt(0, 1, bits=2)
    type = UInt(0, 1, low=2, bits=2)
    subtype = UInt(0, 1, low=4)
    to_ds = Flag(1, 1)
    from_ds = Flag(1, 2)
    more_frag = Flag(1, 4)
    retry = Flag(1, 8)
    power_mgmt = Flag(1, 16)
    wep = Flag(1, 64)
    order = Flag(1, 128)
    duration_id = UInt(2, 2, little=True)
    addr1 = HWField(4)

    def __init__(self, dst_hw_addr: Any = None, src_hw_addr: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.type, self.subtype, self.addr1 = self._type, self._subtype, dst_hw_addr
            self._set_source(src_hw_addr)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_subtype" in cls.__dict__:
            FRAMES[cls._type, cls._subtype] = cls

    def _set_source(self, address: Any) -> None:
        """Set the second address of the class, if it has one."""

    @staticmethod
    def from_bytes(buf: Any) -> Dot11:
        """Return the frame in a buffer, of the class for its type and subtype."""
        if buf is None:
            return Dot11()
        data = as_bytes(buf)
        if len(data) < 2:
            raise MalformedPacket(f"{len(data)} bytes are too few for an 802.11 frame")
        from . import _dot11_management  # noqa: F401 - its classes are in FRAMES, too

        kind, subtype = data[0] >> 2 & 3, data[0] >> 4
        if kind == 2:
            return (Dot11Data if subtype <= 4 else Dot11QoSData).from_buffer(data)
        return FRAMES.get((kind, subtype), Dot11).from_buffer(data)

    def _decode(self, data: bytes) -> None:
        if len(data) > self._head_size:
            self._inner = RAW.from_buffer(data[self._head_size :])

    def _middle(self) -> bytes:
        return b"".join(bytes([kind, len(value)]) + value for kind, value in self._options)


# Type and subtype to the class of the frame.
FRAMES: dict[tuple[int, int], type[Dot11]] = {}


class Dot11Addressed(Dot11):
    """A frame with three addresses, or four between two distribution systems, and fixed parameters.

    _head has room for the fourth address, which is written only if it is used. The fixed parameters begin at 30.
    """

    __slots__ = ()
    _head_size = 30

    addr2 = HWField(10)
    addr3 = HWField(16)
    frag_num = UInt(22, 2, bits=4, little=True)
    seq_num = UInt(22, 2, low=4, little=True)
    addr4 = HWField(24)

    def _set_source(self, address: Any) -> None:
        self.addr2 = address

    def _parse(self, data: bytes) -> None:
        # the header gets the layout of the declared fields before anything reads it
        fixed = self._head_size - 30
        end = 24 + (6 if len(data) > 1 and data[1] & 3 == 3 else 0)
        if len(data) < end + fixed:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of {type(self).__name__}")
        self._head = bytearray(data[:end].ljust(30, b"\0") + data[end : end + fixed])
        self._tail, self._options, self._inner, self._changed = b"", [], None, False
        self._decode(data[end + fixed :])

    def _front(self) -> bytes:
        head = self._decoded()
        return bytes(head[: 30 if head[1] & 3 == 3 else 24] + head[30:]) + self._middle()


class Dot11Data(Dot11Addressed):
    """A data frame. to_ds and from_ds determine the meaning of the addresses."""

    __slots__ = ()
    pdu_type = 13
    _type = 2

    def __init__(self, dst_hw_addr: Any = None, src: Any = None, buf: Any = None) -> None:
        super().__init__(dst_hw_addr, src, buf)

    def _decode(self, data: bytes) -> None:
        if data:
            self._inner = (RAW if self.wep else SNAP)._undecoded(data)

    @property
    def dst_addr(self) -> HWAddress:
        return self.addr3 if self.to_ds else self.addr1

    @property
    def src_addr(self) -> HWAddress:
        if not self.from_ds:
            return self.addr2
        return self.addr4 if self.to_ds else self.addr3

    @property
    def bssid_addr(self) -> HWAddress:
        if self.from_ds:
            return self.addr2
        return self.addr1 if self.to_ds else self.addr3


class Dot11QoSData(Dot11Data):
    """A data frame with a quality of service field."""

    __slots__ = ()
    pdu_type = 25
    _head_size = 32
    _subtype = 8

    qos_control = UInt(30, 2, little=True)

    def __init__(self, dst_hw_addr: Any = None, src_hw_addr: Any = None, buf: Any = None) -> None:
        super().__init__(dst_hw_addr, src_hw_addr, buf)


class Dot11Control(Dot11):
    """A control frame."""

    __slots__ = ()
    pdu_type = 14
    _type = 1


class Dot11Ack(Dot11Control):
    __slots__ = ()
    pdu_type = 5
    _subtype = 13


class _Targeted(Dot11Control):
    __slots__ = ()
    _head_size = 16

    target_addr = HWField(10)

    def _set_source(self, address: Any) -> None:
        self.target_addr = address


class Dot11RTS(_Targeted):
    __slots__ = ()
    pdu_type = 24
    _subtype = 11


class Dot11PSPoll(_Targeted):
    __slots__ = ()
    pdu_type = 21
    _subtype = 10


class Dot11CFEnd(_Targeted):
    __slots__ = ()
    pdu_type = 12
    _subtype = 14


class Dot11EndCFAck(_Targeted):
    __slots__ = ()
    pdu_type = 17
    _subtype = 15


class _Acknowledging(_Targeted):
    __slots__ = ()
    _head_size = 20

    bar_control = UInt(16, 2, bits=4, little=True)
    fragment_number = UInt(18, 2, bits=4, little=True)
    start_sequence = UInt(18, 2, low=4, little=True)


class Dot11BlockAckRequest(_Acknowledging):
    __slots__ = ()
    pdu_type = 11
    _subtype = 8


class Dot11BlockAck(_Acknowledging):
    __slots__ = ()
    pdu_type = 10
    _subtype = 9
    _head_size = 28

    bitmap = Octets(20, 8)
