"""Puts IPv4 fragments together (RFC 791)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from ._network import IP
from ._pdu import IP_PROTOCOLS, PDU, RAW

# A sender that never completes its packets must not fill the memory: the oldest go first.
_MOST_PACKETS = 1024


class IPReassembler:
    """Takes PDUs one by one; the one that completes a packet gets the whole packet inside.

    The callback, if any, gets every PDU that is no mere fragment.
    """

    class Status(IntEnum):
        NOT_FRAGMENTED = 0
        FRAGMENTED = 1
        REASSEMBLED = 2

    def __init__(self, callback: Callable[[PDU], Any] | None = None) -> None:
        self._callback = callback
        # by addresses, protocol and id: payloads by offset, and the whole's length when the last fragment told it
        self._packets: dict[tuple[Any, ...], tuple[dict[int, bytes], list[int]]] = {}

    def process(self, pdu: PDU) -> int:
        """One of Status. Of a PDU that completes a packet the IP layer changes: it is no fragment any more."""
        if not isinstance(pdu, PDU):
            raise TypeError(f"process takes a PDU, not {type(pdu).__name__}")
        ip = next((layer for layer in _layers(pdu) if isinstance(layer, IP)), None)
        status = self.Status.NOT_FRAGMENTED
        if ip is not None and ip.fragmented and ip.ref_inner_pdu() is not None:
            status = self._add(ip)
        if status != self.Status.FRAGMENTED and self._callback is not None:
            self._callback(pdu)
        return status

    def _add(self, ip: IP) -> Status:
        key = (str(ip.src_addr), str(ip.dst_addr), ip.protocol, ip.id)
        if key not in self._packets:
            while len(self._packets) >= _MOST_PACKETS:
                del self._packets[next(iter(self._packets))]
            self._packets[key] = ({}, [])
        parts, length = self._packets[key]
        inner = ip.ref_inner_pdu()
        assert inner is not None
        data, offset = inner.serialize(), (ip.frag_off & 0x1FFF) * 8
        parts.setdefault(offset, data)
        if not ip.frag_off & 0x2000:
            length[:] = [offset + len(data)]
        whole = _joined(parts, length[0]) if length else None
        if whole is None:
            return self.Status.FRAGMENTED
        del self._packets[key]
        ip.frag_off = 0
        ip.set_inner_pdu(IP_PROTOCOLS.get(ip.protocol, RAW).from_buffer(whole))
        return self.Status.REASSEMBLED


def _layers(pdu: PDU | None) -> Any:
    while pdu is not None:
        yield pdu
        pdu = pdu.ref_inner_pdu()


def _joined(parts: dict[int, bytes], length: int) -> bytes | None:
    """The packet of the fragments, of overlapping ones the first bytes; None as long as something is missing."""
    whole = b""
    for offset, data in sorted(parts.items()):
        if offset > len(whole):
            return None
        whole += data[len(whole) - offset :]
    return whole[:length] if len(whole) >= length else None
