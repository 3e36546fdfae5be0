"""The headers that capture programs add to frames: radiotap, PPI and PKTAP."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Any

from ._addresses import HWAddress
from ._dot11 import Dot11
from ._exceptions import MalformedPacket, NumberOutOfRange
from ._fields import UInt
from ._link import SLL, EthernetII, Loopback
from ._network import IP
from ._options import number
from ._pdu import PDU, RAW, Sendable

# Alignment and size of the fields by their bit in the presence word (radiotap.org).
_LAYOUT = (
    *((8, 8), (1, 1), (1, 1), (2, 4), (1, 2), (1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (1, 1), (1, 1)),
    *((1, 1), (1, 1), (2, 2), (2, 2), (1, 1), (1, 1), (4, 8), (1, 3), (4, 8), (2, 12), (8, 12)),
    *((2, 12), (2, 12), (2, 6), (1, 1), (2, 4)),
)
# A presence word's last three bits name no field, but what the next word is; _UNKNOWN are the fields that _LAYOUT does not have.
_RADIOTAP_NEXT, _VENDOR_NEXT, _MORE = 1 << 29, 1 << 30, 1 << 31
_FIELDS = _RADIOTAP_NEXT - 1
_UNKNOWN = _FIELDS >> len(_LAYOUT) << len(_LAYOUT)
_FCS = 0x10


class _Radio:
    """A radiotap field, or a part of one; None if the header does not have it."""

    def __init__(self, bit: int, layout: str, part: int | None = 0, *, readonly: bool = False) -> None:
        self._bit, self._struct, self._part, self._readonly = bit, Struct("<" + layout), part, readonly

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, pdu: RadioTap | None, owner: type) -> Any:
        if pdu is None:
            return self
        data = pdu._field(self._bit)
        if data is None:
            return None
        values = self._struct.unpack(data)
        return values if self._part is None else values[self._part]

    def __set__(self, pdu: RadioTap, value: Any) -> None:
        if self._readonly:
            raise AttributeError(f"RadioTap.{self._name} cannot be set: call channel()")
        values = [int(part) for part in (value if self._part is None else (value,))]
        if self._struct.format == "<b" and 128 <= values[0] < 256:
            values[0] -= 256
        try:
            pdu._set_field(self._bit, self._struct.pack(*values))
        except StructError as error:
            raise NumberOutOfRange(f"{self._name} cannot be {value!r}: {error}") from None


class RadioTap(Sendable):
    """A radiotap header. A new one has the defaults of libtins: channel 1, FCS at the end, signal, antenna."""

    __slots__ = ()
    pdu_type = 3
    datalink_type = 127
    _head_size = 8
    broadcast = HWAddress.broadcast

    class ChannelType(IntEnum):
        TURBO, CCK, OFDM, TWO_GZ, FIVE_GZ, PASSIVE, DYN_CCK_OFDM, GFSK = (1 << bit for bit in range(4, 12))

    class PresentFlags(IntEnum):
        TSTF, FLAGS, RATE, CHANNEL, FHSS, DBM_SIGNAL, DBM_NOISE, LOCK_QUALITY = (1 << bit for bit in range(8))
        TX_ATTENUATION, DB_TX_ATTENUATION, DBM_TX_ATTENUATION, ANTENNA = (1 << bit for bit in range(8, 12))
        DB_SIGNAL, DB_NOISE, RX_FLAGS, TX_FLAGS = (1 << bit for bit in range(12, 16))
        DATA_RETRIES, CHANNEL_PLUS, MCS = (1 << bit for bit in range(17, 20))

    class FrameFlags(IntEnum):
        CFP, PREAMBLE, WEP, FRAGMENTATION, FCS, PADDING, FAILED_FCS, SHORT_GI = (1 << bit for bit in range(8))

    version = UInt(0, 1)
    padding = UInt(1, 1)
    length = UInt(2, 2, little=True)

    tsft = _Radio(0, "Q")
    flags = _Radio(1, "B")
    rate = _Radio(2, "B")
    channel_freq = _Radio(3, "HH", readonly=True)
    channel_type = _Radio(3, "HH", 1, readonly=True)
    dbm_signal = _Radio(5, "b")
    dbm_noise = _Radio(6, "b")
    signal_quality = _Radio(7, "H")
    antenna = _Radio(11, "B")
    db_signal = _Radio(12, "B")
    rx_flags = _Radio(14, "H")
    tx_flags = _Radio(15, "H")
    data_retries = _Radio(17, "B")
    channel_plus = _Radio(18, "IHBB", readonly=True)
    mcs = _Radio(19, "BBB", None)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.tsft, self.flags, self.dbm_signal, self.antenna, self.rx_flags = 0, _FCS, -50, 0, 0
            self.channel(2412, 0xA0)

    @property
    def present(self) -> int:
        """The first presence word, with the bits of fields that only further presence words have: see PresentFlags."""
        word = int.from_bytes(self._decoded()[4:8], "little")
        for bit in self._places():
            word |= 1 << bit
        return word

    def channel(self, new_freq: Any, new_type: Any) -> None:
        """Set frequency in MHz and type of the channel."""
        self._set_field(3, number(2, little=True).store(new_freq) + number(2, little=True).store(new_type))

    def _decode(self, data: bytes) -> None:
        end = int.from_bytes(data[2:4], "little")
        if not 8 <= end <= len(data):
            raise MalformedPacket(f"a radiotap header of {end} bytes in {len(data)} bytes")
        self._tail = data[8:end]
        for bit, at in self._walk():
            if at + _LAYOUT[bit][1] > end:
                raise MalformedPacket(f"radiotap field {bit} goes beyond the header")
        stop = len(data) - 4 if (self.flags or 0) & _FCS else len(data)
        if stop < end:
            raise MalformedPacket("no room for the frame check sequence that the radiotap header names")
        if stop > end:
            self._inner = Dot11.from_bytes(data[end:stop])

    def _places(self) -> dict[int, int]:
        """Return the place in _tail of each field by its bit; of several (one for each antenna) the last, as in the original."""
        return {bit: at - 8 for bit, at in self._walk()}

    def _walk(self) -> Iterator[tuple[int, int]]:
        """Bit and place in the header of the fields, word by word, up to one whose size is not known."""
        words = [int.from_bytes(self._decoded()[4:8], "little")]
        while words[-1] & _MORE:
            begin = 4 * (len(words) - 1)
            words.append(int.from_bytes(self._tail[begin : begin + 4], "little"))
        at = 4 + 4 * len(words)
        # the name space of a word's bits; those of a word that follows without a change go on from 32
        space = "radiotap"
        for word in words:
            bits = word & _FIELDS & ~_UNKNOWN if space == "radiotap" else 0
            while bits:
                bit = (bits & -bits).bit_length() - 1
                bits &= bits - 1
                align, size = _LAYOUT[bit]
                at += -at % align
                yield bit, at
                at += size
            if word & (_UNKNOWN if space == "radiotap" else _FIELDS if space == "further" else 0):
                return
            if word & _VENDOR_NEXT:
                # the vendor's number and a selector, and how many bytes of the vendor's own follow
                at += at % 2 + 6
                at += int.from_bytes(self._tail[at - 10 : at - 8], "little")
                space = "vendor"
            elif word & _RADIOTAP_NEXT:
                space = "radiotap"
            elif space == "radiotap":
                space = "further"

    def _field(self, wanted: int) -> bytes | None:
        at = self._places().get(wanted)
        return None if at is None else self._tail[at : at + _LAYOUT[wanted][1]]

    def _set_field(self, wanted: int, data: bytes) -> None:
        head = self._decoded()
        word = int.from_bytes(head[4:8], "little")
        places = self._places()
        if wanted in places:
            at = places[wanted]
            self._tail = self._tail[:at] + data + self._tail[at + len(data) :]
        elif word & (_MORE | _UNKNOWN):
            raise NotImplementedError("a field cannot be added to a radiotap header of several presence words or of unknown fields")
        else:
            fields = {bit: self._tail[at : at + _LAYOUT[bit][1]] for bit, at in places.items()}
            out = b""
            for bit, value in sorted({**fields, wanted: data}.items()):
                out += bytes(-len(out) % _LAYOUT[bit][0]) + value
            self._tail = out
            head[4:8] = (word | 1 << wanted).to_bytes(4, "little")
        head[2:4] = (8 + len(self._tail)).to_bytes(2, "little")
        self._changed = True

    def _padding(self, inner: int) -> int:
        return 4 if (self.flags or 0) & _FCS else 0

    def _trailer(self, body: bytes) -> bytes:
        if not self._padding(len(body)):
            return b""
        raw = self._raw or b""
        # a captured frame keeps its check sequence, right or wrong, as long as it is the same frame
        if raw[-4 - len(body) : -4] == body and len(raw) == self.header_size + len(body) + 4:
            return raw[-4:]
        return zlib.crc32(body).to_bytes(4, "little") if body else bytes(4)

    def _answered_by(self, data: bytes) -> bool:
        size = int.from_bytes(data[2:4], "little")
        return 8 <= size <= len(data) and self._inner_answered_by(data[size:])


def _framed(link: int, data: bytes) -> PDU:
    if link == Dot11.datalink_type:
        return Dot11.from_bytes(data)
    classes: dict[int, type[PDU]] = {0: Loopback, 1: EthernetII, 101: IP, 113: SLL, 127: RadioTap}
    return classes.get(link, RAW).from_buffer(data)


class PPI(PDU):
    """A per-packet information header. It is read from captures and cannot be made."""

    __slots__ = ()
    pdu_type = 47
    _head_size = 8

    version = UInt(0, 1, readonly=True)
    flags = UInt(1, 1, readonly=True)
    length = UInt(2, 2, little=True, readonly=True)
    dlt = UInt(4, 4, little=True, readonly=True)

    def __init__(self, buf: Any = None) -> None:
        if buf is None:
            raise ValueError("can't instantiate a PPI PDU")
        super().__init__(buf)

    def _decode(self, data: bytes) -> None:
        end = int.from_bytes(data[2:4], "little")
        if not 8 <= end <= len(data):
            raise MalformedPacket(f"a PPI header of {end} bytes in {len(data)} bytes")
        self._tail = data[8:end]
        stop = len(data) - self._padding(0)
        if stop < end:
            raise MalformedPacket("no room for the frame check sequence that the PPI header names")
        if stop > end:
            self._inner = _framed(int.from_bytes(data[4:8], "little"), data[end:stop])

    def _padding(self, inner: int) -> int:
        """The frame check sequence, when the field of 802.11 says that there is one."""
        self._decoded()
        common = self._tail[:2] == b"\2\0" and self.dlt == Dot11.datalink_type
        return 4 if common and len(self._tail) > 12 and self._tail[12] & 1 else 0

    def _trailer(self, body: bytes) -> bytes:
        return (self._raw or b"")[-4:] if self._padding(len(body)) else b""


class PKTAP(PDU):
    """Apple's packet tap header. Its first word is its length, the third the link type of what follows."""

    __slots__ = ()
    pdu_type = 50
    _head_size = 12

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._decoded()[0] = 12

    def _decode(self, data: bytes) -> None:
        end = int.from_bytes(data[:4], "little")
        if not 12 <= end <= len(data):
            raise MalformedPacket(f"a PKTAP header of {end} bytes in {len(data)} bytes")
        self._tail = data[12:end]
        if len(data) > end:
            self._inner = _framed(int.from_bytes(data[8:12], "little"), data[end:])


Radiotap = RadioTap
