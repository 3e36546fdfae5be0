"""The original's private module, which its documentation and old scripts import as well."""

from typing import Any

from ._blocking import BlockingSniffer, SniffingIterator
from ._library import datalink_to_description, findalldevs, get_pcap_version, lookupdev, lookupnet, version
from ._nonblocking import NonBlockingSniffer
from ._offline_filter import OfflineFilter
from ._sniffer import DIRECTION, BaseSniffer
from ._writer import DLT, NonBlockingPacketWriter, PacketWriter
from .exceptions import (
    ActivationError,
    AlreadyActivated,
    NotActivatedError,
    PcapException,
    PermissionDenied,
    PromiscPermissionDenied,
    SetBufferSizeError,
    SetDirectionError,
    SetMonitorModeError,
    SetNonblockingModeError,
    SetPromiscModeError,
    SetSnapshotLengthError,
    SetTimeoutError,
    SniffingError,
)

__all__ = [
    "DIRECTION",
    "DLT",
    "ActivationError",
    "AlreadyActivated",
    "BaseSniffer",
    "BlockingSniffer",
    "NonBlockingPacketWriter",
    "NonBlockingSniffer",
    "NotActivatedError",
    "OfflineFilter",
    "PacketWriter",
    "PcapException",
    "PermissionDenied",
    "PromiscPermissionDenied",
    "SetBufferSizeError",
    "SetDirectionError",
    "SetMonitorModeError",
    "SetNonblockingModeError",
    "SetPromiscModeError",
    "SetSnapshotLengthError",
    "SetTimeoutError",
    "SniffingError",
    "SniffingIterator",
    "datalink_to_description",
    "findalldevs",
    "get_pcap_version",
    "lookupdev",
    "lookupnet",
]


def __getattr__(name: str) -> Any:
    # queried from libpcap at first use, so that importing this package needs no libpcap
    if name == "libpcap_version":
        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "libpcap_version"]
