"""IEEE 802.11 management frames and their tagged parameters."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from ._addresses import HWAddress
from ._dot11 import Dot11Addressed
from ._eapol import RSNInformation
from ._exceptions import MalformedPacket
from ._fields import HWField, UInt
from ._options import NUMBERS, TEXT, Content, Option, OptionsPDU, number, record
from ._pdu import PDU
from ._text import as_bytes, from_hex, octets


class fh_params(NamedTuple):
    dwell_time: int
    hop_set: int
    hop_pattern: int
    hop_index: int


class cf_params(NamedTuple):
    cfp_count: int
    cfp_period: int
    cfp_max_duration: int
    cfp_dur_remaining: int


class dfs_params(NamedTuple):
    dfs_owner: HWAddress
    recovery_interval: int
    channel_map: list[tuple[int, int]]


class country_params(NamedTuple):
    country: bytes
    first_channel: list[int]
    number_channels: list[int]
    max_transmit_power: list[int]


class fh_pattern(NamedTuple):
    flag: int
    number_of_sets: int
    modulus: int
    offset: int
    random_table: list[int]


class channel_switch_t(NamedTuple):
    switch_mode: int
    new_channel: int
    # named as in the original, which hides tuple.count
    count: int  # type: ignore[assignment]


class quiet_t(NamedTuple):
    quiet_count: int
    quiet_period: int
    quiet_duration: int
    quiet_offset: int


class bss_load_t(NamedTuple):
    station_count: int
    channel_utilization: int
    available_capacity: int


class tim_t(NamedTuple):
    dtim_count: int
    dtim_period: int
    bitmap_control: int
    partial_virtual_bitmap: list[int]


class vendor_specific_t(NamedTuple):
    oui: bytes
    data: list[int]


class Capabilities:
    """The capability bits of a frame; Capabilities() has bits of its own."""

    __slots__ = ("_at", "_pdu", "_word")

    def __init__(self) -> None:
        self._pdu: PDU | None = None
        self._word = bytearray(2)
        self._at = 0

    @classmethod
    def _of(cls, pdu: PDU, at: int) -> Capabilities:
        made = cls()
        made._pdu, made._word, made._at = pdu, pdu._decoded(), at
        return made

    @staticmethod
    def _bit(at: int) -> property:
        def read(self: Capabilities) -> bool:
            return bool(self._word[self._at + at // 8] >> at % 8 & 1)

        def write(self: Capabilities, value: Any) -> None:
            place, bit = self._at + at // 8, 1 << at % 8
            self._word[place] = self._word[place] | bit if value else self._word[place] & ~bit
            if self._pdu is not None:
                self._pdu._changed = True

        return property(read, write)

    ess, ibss, cf_poll, cf_poll_req = _bit(0), _bit(1), _bit(2), _bit(3)
    privacy, short_preamble, pbcc, channel_agility = _bit(4), _bit(5), _bit(6), _bit(7)
    spectrum_mgmt, qos, sst, apsd = _bit(8), _bit(9), _bit(10), _bit(11)
    reserved, dsss_ofdm, delayed_block_ack, immediate_block_ack = _bit(12), _bit(13), _bit(14), _bit(15)

    def _value(self) -> bytes:
        return bytes(self._word[self._at : self._at + 2])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Capabilities) and self._value() == other._value()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _capabilities, (self._value(),)


def _capabilities(word: bytes) -> Capabilities:
    made = Capabilities()
    made._word = bytearray(word)
    return made


class _CapabilitiesField:
    """The capabilities in the header; reading returns a view of them."""

    def __init__(self, at: int) -> None:
        self._at = at

    def __get__(self, pdu: PDU | None, owner: type) -> Any:
        return self if pdu is None else Capabilities._of(pdu, self._at)

    def __set__(self, pdu: PDU, value: Capabilities) -> None:
        pdu._decoded()[self._at : self._at + 2] = value._value()
        pdu._changed = True


def _load_pairs(data: bytes) -> list[tuple[int, int]] | None:
    return None if len(data) % 2 else list(zip(data[::2], data[1::2], strict=True))


def _store_pairs(pairs: Any) -> bytes:
    return octets((part for first, second in pairs for part in (first, second)), "a part of a pair")


# a rate is in half megabits; the four basic ones are marked
_RATES = Content(
    lambda data: [(byte & 0x7F) / 2 for byte in data] or None,
    lambda rates: octets((half | 0x80 if half in (2, 4, 11, 22) else half for half in (int(float(rate) * 2) for rate in rates)), "a rate"),
)
_CHANNELS = Content(_load_pairs, _store_pairs)


def _load_dfs(data: bytes) -> dfs_params | None:
    pairs = _load_pairs(data[7:])
    return None if len(data) < 7 or pairs is None else dfs_params(HWAddress._from_packed(data[:6]), data[6], pairs)


def _load_country(data: bytes) -> country_params | None:
    if len(data) < 6:
        return None
    groups = data[3 : 3 + (len(data) - 3) // 3 * 3]
    return country_params(data[:3], list(groups[::3]), list(groups[1::3]), list(groups[2::3]))


def _store_country(value: Any) -> bytes:
    country, *columns = value
    name = as_bytes(country)
    if len(name) != 3:
        raise ValueError(f"a country has three characters: {country!r}")
    groups = list(zip(*columns, strict=True))
    data = name + octets((part for group in groups for part in group), "a channel, number or power")
    return data + bytes(len(data) % 2)


def _load_leading(make: Any, leading: int) -> Any:
    """Return a function that reads leading numbers of one byte, and the rest as a list of numbers."""
    return lambda data: None if len(data) < leading else make(*data[:leading], list(data[leading:]))


def _store_leading(value: Any) -> bytes:
    *leading, rest = value
    return octets((*leading, *rest), "a part of the parameter")


def _store_vendor(value: Any) -> bytes:
    oui, data = value
    return from_hex(oui, 3) + octets(data, "a byte of the vendor's data")


def _store_rsn(value: Any) -> bytes:
    if not isinstance(value, RSNInformation):
        raise ValueError(f"an RSN element is set from an RSNInformation, not from a {type(value).__name__}")
    return value.serialize()


class _Ssid(Option):
    def __get__(self, pdu: OptionsPDU | None, owner: type) -> Any:
        found = super().__get__(pdu, owner)
        # as the original names the wildcard of a probe request
        return b"BROADCAST" if found == b"" and isinstance(pdu, Dot11ProbeRequest) else found


class Dot11ManagementFrame(Dot11Addressed):
    """A management frame (abstract). An absent tagged parameter is None; assigning one replaces it."""

    __slots__ = ()
    pdu_type = 18

    class ReasonCodes(IntEnum):
        UNSPECIFIED, PREV_AUTH_NOT_VALID, STA_LEAVING_IBSS_ESS, INACTIVITY, CANT_HANDLE_STA = range(1, 6)
        CLASS2_FROM_NO_AUTH, CLASS3_FROM_NO_AUTH, STA_LEAVING_BSS, STA_NOT_AUTH_WITH_STA, POW_CAP_NOT_VALID = range(6, 11)
        SUPPORTED_CHANN_NOT_VALID, INVALID_CONTENT, MIC_FAIL, HANDSHAKE_TIMEOUT, GROUP_KEY_TIMEOUT = 11, 13, 14, 15, 16
        WRONG_HANDSHAKE, INVALID_GROUP_CIPHER, INVALID_PAIRWISE_CIPHER, INVALID_AKMP = range(17, 21)
        UNSOPPORTED_RSN_VERSION, INVALID_RSN_CAPABILITIES, AUTH_FAILED, CIPHER_SUITE_REJECTED = range(21, 25)
        UNSPECIFIED_QOS_REASON, NOT_ENOUGH_BANDWITH, POOR_CHANNEL, STA_OUT_OF_LIMITS = range(32, 36)
        REQUESTED_BY_STA_LEAVING, REQUESTED_BY_STA_REJECT_MECHANISM, REQUESTED_BY_STA_REJECT_SETUP = range(36, 39)
        REQUESTED_BY_STA_TIMEOUT, PEER_STA_NOT_SUPPORT_CIPHER = 39, 45

    ssid = _Ssid(0, TEXT)
    supported_rates = Option(1, _RATES)
    fh_parameter_set = Option(2, record("<HBBB", fh_params))
    ds_parameter_set = Option(3, number(1))
    cf_parameter_set = Option(4, record("<BBHH", cf_params))
    tim = Option(5, Content(_load_leading(tim_t, 3), _store_leading))
    ibss_parameter_set = Option(6, number(2, little=True))
    country = Option(7, Content(_load_country, _store_country))
    fh_parameters = Option(8, record("BB"))
    fh_pattern_table = Option(9, Content(_load_leading(fh_pattern, 4), _store_leading))
    request_information = Option(10, NUMBERS)
    bss_load = Option(11, record("<HBH", bss_load_t))
    challenge_text = Option(16, TEXT)
    power_constraint = Option(32, number(1))
    power_capability = Option(33, record("BB"))
    tpc_report = Option(35, record("BB"))
    supported_channels = Option(36, _CHANNELS)
    channel_switch = Option(37, record("BBB", channel_switch_t))
    quiet = Option(40, record("<BBHH", quiet_t))
    ibss_dfs = Option(41, Content(_load_dfs, lambda v: HWAddress(v[0]).to_bytes() + number(1).store(v[1]) + _store_pairs(v[2])))
    erp_information = Option(42, number(1))
    qos_capability = Option(46, number(1))
    rsn_information = Option(
        48, Content(lambda data: RSNInformation.from_buffer(data) if len(data) >= 8 else None, _store_rsn)
    )
    extended_supported_rates = Option(50, _RATES)
    vendor_specific = Option(
        221, Content(lambda data: vendor_specific_t(data[:3].hex(":").encode(), list(data[3:])) if len(data) >= 3 else None, _store_vendor)
    )

    def __init__(self, dst_hw_addr: Any = None, src_hw_addr: Any = None, buf: Any = None) -> None:
        if type(self) is Dot11ManagementFrame:
            raise NotImplementedError("Dot11ManagementFrame is abstract: make a frame of a subtype, or read one with Dot11.from_bytes")
        super().__init__(dst_hw_addr, src_hw_addr, buf)

    def _decode(self, data: bytes) -> None:
        at = 0
        # a single byte at the end is not a parameter, and is kept
        while at + 2 <= len(data):
            end = at + 2 + data[at + 1]
            if end > len(data):
                raise MalformedPacket(f"tagged parameter {data[at]} goes beyond the frame")
            self._options.append((data[at], data[at + 2 : end]))
            at = end
        self._tail = data[at:]

    def _middle(self) -> bytes:
        return super()._middle() + self._tail


class _Reasoned(Dot11ManagementFrame):
    __slots__ = ()
    _head_size = 32

    reason_code = UInt(30, 2, little=True)


class Dot11Disassoc(_Reasoned):
    __slots__ = ()
    pdu_type = 16
    _subtype = 10


class Dot11Deauthentication(_Reasoned):
    __slots__ = ()
    pdu_type = 15
    _subtype = 12


class _Request(Dot11ManagementFrame):
    __slots__ = ()
    _head_size = 34

    capabilities = _CapabilitiesField(30)
    listen_interval = UInt(32, 2, little=True)


class Dot11AssocRequest(_Request):
    __slots__ = ()
    pdu_type = 6
    _subtype = 0


class Dot11ReAssocRequest(_Request):
    __slots__ = ()
    pdu_type = 22
    _subtype = 2
    _head_size = 40

    current_ap = HWField(34)


class _Response(Dot11ManagementFrame):
    __slots__ = ()
    _head_size = 36

    capabilities = _CapabilitiesField(30)
    status_code = UInt(32, 2, little=True)
    aid = UInt(34, 2, little=True)


class Dot11AssocResponse(_Response):
    __slots__ = ()
    pdu_type = 7
    _subtype = 1


class Dot11ReAssocResponse(_Response):
    __slots__ = ()
    pdu_type = 23
    _subtype = 3


class Dot11ProbeRequest(Dot11ManagementFrame):
    __slots__ = ()
    pdu_type = 19
    _subtype = 4


class _Announcement(Dot11ManagementFrame):
    __slots__ = ()
    _head_size = 42

    timestamp = UInt(30, 8, little=True)
    interval = UInt(38, 2, little=True)
    capabilities = _CapabilitiesField(40)


class Dot11ProbeResponse(_Announcement):
    __slots__ = ()
    pdu_type = 20
    _subtype = 5


class Dot11Beacon(_Announcement):
    __slots__ = ()
    pdu_type = 9
    _subtype = 8


class Dot11Authentication(Dot11ManagementFrame):
    __slots__ = ()
    pdu_type = 8
    _subtype = 11
    _head_size = 36

    auth_algorithm = UInt(30, 2, little=True)
    auth_seq_number = UInt(32, 2, little=True)
    status_code = UInt(34, 2, little=True)
