"""PDU classes that carry their bytes and do not take them apart yet."""

from __future__ import annotations

from typing import Any

from ._exceptions import MalformedPacket
from ._pdu import PDU


class Opaque(PDU):
    """The bytes of a layer and all inside it, unchanged. Members not implemented raise NotImplementedError, never a wrong value."""

    __slots__ = ()
    _least = 0

    def _decode(self, data: bytes) -> None:
        if len(data) < self._least:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of {type(self).__name__}")
        self._tail = data

    @property
    def header_size(self) -> int:
        raise NotImplementedError(
            f"cycapture.libtins.{type(self).__name__}.header_size is not implemented: the layer is carried, not taken apart"
        )

    @property
    def size(self) -> int:
        self._decoded()
        return len(self._tail)

    def rfind_pdu_by_type(self, t: int) -> Any:
        if t == PDU.RAW:
            raise NotImplementedError(f"what is inside {type(self).__name__} is not implemented: the layer is carried, not taken apart")
        return super().rfind_pdu_by_type(t)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(
            f"cycapture.libtins.{type(self).__name__}.{name} is not implemented: the layer is carried, not taken apart"
        )


class LLC(Opaque):
    __slots__ = ()
    pdu_type = 26
    _least = 3


class PPPoE(Opaque):
    __slots__ = ()
    pdu_type = 45
    _ether_type = 0x8863
    _least = 6


class RC4EAPOL(Opaque):
    __slots__ = ()
    pdu_type = 36
    _ether_type = 0x888E
    _least = 5


class RSNEAPOL(Opaque):
    __slots__ = ()
    pdu_type = 37
    _ether_type = 0x888E
    _least = 5


class IPSecAH(Opaque):
    __slots__ = ()
    pdu_type = 48
    _ip_protocol = 51
    _least = 12


class IPSecESP(Opaque):
    __slots__ = ()
    pdu_type = 49
    _ip_protocol = 50
    _least = 8


class ICMPv6(Opaque):
    __slots__ = ()
    pdu_type = 41
    _ip_protocol = 58

    def _decode(self, data: bytes) -> None:
        least = {130: 24, 131: 24, 132: 24, 134: 16, 135: 24, 136: 24, 137: 40}.get(data[0] if data else 0, 8)
        if len(data) < least:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of ICMPv6")
        super()._decode(data)
