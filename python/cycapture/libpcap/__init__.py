"""The names of cycapture.libpcap that scripts import: sniffers, packet writers, filters for captured packets, and the exceptions.

libpcap itself comes with pcapy-ng, which is loaded when a sniffer, filter or function first needs it.
"""

from typing import Any

from . import _pcap
from ._pcap import (
    ActivationError,
    AlreadyActivated,
    BlockingSniffer,
    NonBlockingPacketWriter,
    NonBlockingSniffer,
    NotActivatedError,
    OfflineFilter,
    PacketWriter,
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
    findalldevs,
    get_pcap_version,
    lookupdev,
    lookupnet,
)

__all__ = [
    "ActivationError",
    "AlreadyActivated",
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
    "findalldevs",
    "get_pcap_version",
    "lookupdev",
    "lookupnet",
]


def __getattr__(name: str) -> Any:
    if name == "libpcap_version":
        return _pcap.libpcap_version
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "libpcap_version"]
