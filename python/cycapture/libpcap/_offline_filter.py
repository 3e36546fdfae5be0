"""Filters for packets that are already captured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..libtins import PDU
from ..libtins._text import as_bytes
from ._library import Filter, as_text
from ._writer import link_type_of


class OfflineFilter:
    """A filter expression (pcap-filter(7)) for packets of one link type.

    linktype is a number, a member or name of DLT, or a PDU class such as EthernetII. Raises PcapException with libpcap's message
    if the expression does not compile.
    """

    def __init__(self, filter_string: Any, linktype: Any, snaplen: int = 65535) -> None:
        if filter_string is None:
            raise ValueError("filter_string can't be None")
        if not 0 < snaplen <= 65535:
            raise ValueError(f"snaplen={snaplen!r} is not possible: 0 < snaplen <= 65535")
        self._filter = Filter(as_text(filter_string, "filter_string"), link_type_of(linktype), snaplen)

    def match_pdu(self, pdu: Any) -> bool:
        """Report whether the filter matches a PDU, as captured if it is unchanged, else serialized."""
        if pdu is None:
            raise ValueError("pdu can't be None")
        # not __gofollow_frame__, which may put a header before what was captured
        return self.match_buffer(pdu._as_captured() if isinstance(pdu, PDU) else pdu.serialize())

    def match_buffer(self, buf: Any) -> bool:
        """Report whether the filter matches a packet: bytes, bytearray, memoryview or PDU. False for None."""
        if buf is None:
            return False
        if isinstance(buf, PDU):
            return self.match_pdu(buf)
        if not isinstance(buf, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"a packet is bytes, bytearray, memoryview or PDU, not {type(buf).__name__}")
        data = as_bytes(buf)
        return self._filter.matches(data, len(data))

    def ifilter(self, list_of_bufs_or_pdus: Iterable[Any]) -> Iterator[Any]:
        """Yield the packets that match; objects that are not packets are left out."""
        for packet in list_of_bufs_or_pdus:
            try:
                taken = self.match_buffer(packet)
            except (TypeError, ValueError):
                continue
            if taken:
                yield packet
