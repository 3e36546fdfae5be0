"""Reassembles IPv4 fragments (RFC 791)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from ._network import IP
from ._pdu import IP_PROTOCOLS, PDU, RAW

# Bounds the memory for packets that are never completed: the oldest is dropped first.
_MOST_PACKETS = 1024
# RFC 791, 3.1: the total length, header included, has 16 bits; an offset counts blocks of eight
# bytes
_LONGEST = 0xFFFF
_BLOCK = 8


class IPReassembler:
    """Reassembles IPv4 fragments: process() takes PDUs one by one.

    The PDU that completes a packet gets the whole packet as inner layer. The callback, if any, gets
    every PDU except incomplete fragments. The first copy of a byte counts. Up to 1024 packets of up to
    65,535 bytes are kept; then the oldest is dropped. A fragment beyond that length is ignored, and so
    are the bytes beyond a multiple of eight in a fragment that is not the last. Thread-safe.
    """

    class Status(IntEnum):
        NOT_FRAGMENTED = 0
        FRAGMENTED = 1
        REASSEMBLED = 2

    def __init__(self, callback: Callable[[PDU], Any] | None = None) -> None:
        self._callback = callback
        self._packets: dict[tuple[Any, ...], _Fragments] = {}
        self._lock = threading.RLock()

    def process(self, pdu: PDU) -> int:
        """Return a member of Status. The IP layer of a PDU that completes a packet changes: it is no longer a fragment."""
        if not isinstance(pdu, PDU):
            raise TypeError(f"process takes a PDU, not {type(pdu).__name__}")
        ip = next((layer for layer in pdu._layers() if isinstance(layer, IP)), None)
        status = self.Status.NOT_FRAGMENTED
        if ip is not None and ip.fragmented and ip.ref_inner_pdu() is not None:
            status = self._add(ip)
        if status != self.Status.FRAGMENTED and self._callback is not None:
            self._callback(pdu)
        return status

    def _add(self, ip: IP) -> IPReassembler.Status:
        inner = ip.ref_inner_pdu()
        assert inner is not None
        data, offset, last = inner.serialize(), (ip.frag_off & 0x1FFF) * _BLOCK, not ip.frag_off & 0x2000
        room = _LONGEST - ip.header_size
        if offset + len(data) > room:
            return self.Status.FRAGMENTED
        key = ip._pseudo_addresses(), ip.protocol, ip.id
        with self._lock:
            packet = self._packets.get(key)
            if packet is None:
                while len(self._packets) >= _MOST_PACKETS:
                    del self._packets[next(iter(self._packets))]
                packet = self._packets[key] = _Fragments()
            packet.add(offset, data, last)
            if not packet.complete():
                return self.Status.FRAGMENTED
            del self._packets[key]
        whole = packet.whole()
        if len(whole) > room:  # the options of this fragment's header, which the packet gets
            return self.Status.FRAGMENTED
        inner = IP_PROTOCOLS.get(ip.protocol, RAW).from_buffer(whole)
        ip.frag_off = 0
        ip.set_inner_pdu(inner)
        return self.Status.REASSEMBLED


class _Fragments:
    """The received part of a packet: its bytes, and (RFC 791, 3.2) a table with a bit for each block."""

    __slots__ = ("_data", "_length", "_table")

    def __init__(self) -> None:
        self._data = bytearray()
        self._table = 0
        self._length = -1  # of the packet; the last fragment states it

    def add(self, offset: int, data: bytes, last: bool) -> None:
        """Store the bytes of a fragment for blocks that are missing."""
        if last and self._length < 0:
            self._length = offset + len(data)
        first, blocks = offset // _BLOCK, (len(data) + (_BLOCK - 1 if last else 0)) // _BLOCK
        self._data.extend(bytes(max(0, offset + len(data) - len(self._data))))
        missing = ((1 << blocks) - 1) & ~(self._table >> first)
        self._table |= missing << first
        at = 0  # the runs of missing blocks
        while missing:
            skip = (missing & -missing).bit_length() - 1
            missing >>= skip
            run = (~missing & missing + 1).bit_length() - 1
            missing >>= run
            start, end = (at + skip) * _BLOCK, min((at + skip + run) * _BLOCK, len(data))
            self._data[offset + start : offset + end] = data[start:end]
            at += skip + run

    def complete(self) -> bool:
        """Report whether all blocks of the packet are present."""
        if self._length < 0:
            return False
        whole = (1 << -(-self._length // _BLOCK)) - 1
        return self._table & whole == whole

    def whole(self) -> bytes:
        """Return the bytes of a complete packet."""
        return bytes(self._data[: self._length])
