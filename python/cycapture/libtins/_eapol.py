"""EAPOL key messages (IEEE 802.1X) and the RSN information of a key exchange."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from ._exceptions import MalformedPacket
from ._fields import Flag, Octets, UInt
from ._pdu import PDU
from ._text import as_bytes, within


class EAPOL(PDU):
    """The header of an EAPOL message (abstract). from_bytes returns the subclass of a message."""

    __slots__ = ()
    pdu_type = 35
    _ether_type = 0x888E
    _head_size = 5

    class Types(IntEnum):
        RC4 = 1
        RSN = 2
        EAPOL_WPA = 254

    version = UInt(0, 1)
    packet_type = UInt(1, 1)
    length = UInt(2, 2)
    type = UInt(4, 1)

    def __init__(self, buf: Any = None) -> None:
        if type(self) is EAPOL:
            raise NotImplementedError("EAPOL is abstract: make an RC4EAPOL or an RSNEAPOL, or read one with EAPOL.from_bytes")
        super().__init__(buf)
        if buf is None:
            self.version, self.packet_type = 1, 3

    @staticmethod
    def from_bytes(buf: Any) -> EAPOL:
        """Return the message in a buffer. Raises MalformedPacket if it is not a key message."""
        made = _message(as_bytes(buf))
        if type(made) is EAPOL:
            raise MalformedPacket("no RC4 or RSN key message")
        return made

    @classmethod
    def from_buffer(cls, buf: Any) -> Any:
        """Return a message, as PDU.from_buffer does. EAPOL.from_buffer returns the subclass, or EAPOL for another message."""
        return super().from_buffer(buf) if cls is not EAPOL or buf is None else _message(as_bytes(buf))

    @classmethod
    def _undecoded(cls, data: bytes) -> PDU:
        return super()._undecoded(data) if cls is not EAPOL else _message(data)

    def _decode(self, data: bytes) -> None:
        self._tail = data[self._head_size :]


def _message(data: bytes) -> EAPOL:
    cls: type[EAPOL] = {1: RC4EAPOL, 2: RSNEAPOL, 254: RSNEAPOL}.get(data[4] if len(data) > 4 else 0, EAPOL)
    if cls is not EAPOL:
        made: EAPOL = cls.from_buffer(data)
        return made
    made = EAPOL.__new__(EAPOL)
    made._take(data)
    return made


class _KeyMessage(EAPOL):
    """A message that ends in key data. Its length excludes what follows, such as a frame check sequence."""

    __slots__ = ()
    _key_length_at: ClassVar[int]

    def _decode(self, data: bytes) -> None:
        self._tail = data[self._head_size : 4 + self.length]

    @property
    def key(self) -> bytes:
        self._decoded()
        return self._tail

    @key.setter
    def key(self, value: Any) -> None:
        self._decoded()
        self._tail, self._changed = as_bytes(value), True

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        # the length counts what follows it
        self._fill(2, 2, self.header_size - 4)
        if self._tail:
            self._fill(self._key_length_at, 2, len(self._tail))


class RC4EAPOL(_KeyMessage):
    """A key message with an RC4 key."""

    __slots__ = ()
    pdu_type = 36
    _head_size = 49
    _key_length_at = 5
    key_iv_size = 16
    key_sign_size = 16

    key_length = UInt(5, 2)
    replay_counter = UInt(7, 8)
    key_iv = Octets(15, 16)
    key_flag = Flag(31, 128)
    key_index = UInt(31, 1, bits=7)
    key_sign = Octets(32, 16)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.type = self.Types.RC4


class RSNEAPOL(_KeyMessage):
    """A key message of WPA or RSN."""

    __slots__ = ()
    pdu_type = 37
    _head_size = 99
    _key_length_at = 97
    key_iv_size = 16
    nonce_size = 32
    mic_size = 16
    rsc_size = 8
    id_size = 8

    encrypted = Flag(5, 16)
    request = Flag(5, 8)
    error = Flag(5, 4)
    secure = Flag(5, 2)
    key_mic = Flag(5, 1)
    key_ack = Flag(6, 128)
    install = Flag(6, 64)
    key_index = UInt(6, 1, low=4, bits=2)
    key_t = Flag(6, 8)
    key_descriptor = UInt(6, 1, bits=3)
    key_length = UInt(7, 2)
    replay_counter = UInt(9, 8)
    nonce = Octets(17, 32)
    key_iv = Octets(49, 16)
    rsc = Octets(65, 8)
    id = Octets(73, 8)
    mic = Octets(81, 16)
    wpa_length = UInt(97, 2)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.type = self.Types.RSN


class RSNInformation:
    """The RSN element of a beacon or a key message: version, cipher suites, key management suites, capabilities."""

    __slots__ = ("_akm", "_pairwise", "capabilities", "group_suite", "version")
    version: int
    group_suite: int
    capabilities: int

    class CypherSuites(IntEnum):
        WEP_40 = 0x01AC0F00
        TKIP = 0x02AC0F00
        CCMP = 0x04AC0F00
        WEP_104 = 0x05AC0F00

    class AKMSuites(IntEnum):
        PMKSA = 0x01AC0F00
        PSK = 0x02AC0F00

    def __init__(self) -> None:
        self.version, self.group_suite, self.capabilities = 1, 0, 0
        self._pairwise: list[int] = []
        self._akm: list[int] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_":
            value = within(value, 0xFFFFFFFF if name == "group_suite" else 0xFFFF, name)
        super().__setattr__(name, value)

    @staticmethod
    def from_buffer(buf: Any) -> RSNInformation:
        """Return the element's content read from a buffer. Raises MalformedPacket if it is truncated."""
        data = as_bytes(buf)
        made = RSNInformation()
        taken = 0

        def read(size: int) -> int:
            nonlocal taken
            taken += size
            if taken > len(data):
                raise MalformedPacket("an RSN element is cut")
            return int.from_bytes(data[taken - size : taken], "little")

        made.version, made.group_suite = read(2), read(4)
        made._pairwise = [read(4) for _ in range(read(2))]
        made._akm = [read(4) for _ in range(read(2))]
        # the capabilities are optional
        made.capabilities = read(2) if taken + 2 <= len(data) else 0
        return made

    def serialize(self) -> bytes:
        """The element's content."""
        parts = [self.version.to_bytes(2, "little"), self.group_suite.to_bytes(4, "little")]
        for suites in (self._pairwise, self._akm):
            parts.append(len(suites).to_bytes(2, "little"))
            parts += [suite.to_bytes(4, "little") for suite in suites]
        return b"".join([*parts, self.capabilities.to_bytes(2, "little")])

    def add_pairwise_cypher(self, cypher: Any) -> None:
        self._pairwise.append(within(cypher, 0xFFFFFFFF, "a cipher suite"))

    def add_akm_cypher(self, akm: Any) -> None:
        self._akm.append(within(akm, 0xFFFFFFFF, "a key management suite"))

    def get_pairwise_cyphers(self) -> list[int]:
        return list(self._pairwise)

    def get_akm_cyphers(self) -> list[int]:
        return list(self._akm)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RSNInformation) and self.serialize() == other.serialize()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return RSNInformation.from_buffer, (self.serialize(),)
