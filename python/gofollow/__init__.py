"""TCP stream reassembly from captured packets: the payload of each direction, with its gaps.

    from gofollow import follow

    for stream in follow("capture.pcapng"):
        print(stream, stream.close_reason)
        print(stream.client_payload[:80])

TCPStreamFollower takes packets one by one and calls back. follow and events read capture files.
core is "compiled" or "python", the form of gofollow._core in use. The environment variable
GOFOLLOW_CORE=python, set before the import, selects the second one.
"""

from typing import TYPE_CHECKING, Any

from ._choice import core
from ._engine import Statistics
from ._events import STOP, Chunk, Connection, Counters, Endpoint, Event, Gap, Segment, Turn, format_event
from ._frames import LinkType
from ._native import build_info
from ._stream import TCPStream
from .errors import (
    CaptureError,
    CaptureFileError,
    CaptureFileNotFoundError,
    CaptureIsADirectoryError,
    CapturePermissionError,
    ForkedError,
    GofollowError,
    GofollowWarning,
    InternalError,
    LostEventsError,
    MissingPackageError,
    OptionError,
    OutOfMemoryError,
    PacketTooLargeError,
    TruncatedCaptureWarning,
    UsageError,
)
from .follower import TCPStreamFollower, events, follow

if TYPE_CHECKING:
    from ._async import afollow
    from ._live import Sniffer, SnifferStatistics, sniff

__all__ = [
    "STOP",
    "CaptureError",
    "CaptureFileError",
    "CaptureFileNotFoundError",
    "CaptureIsADirectoryError",
    "CapturePermissionError",
    "Chunk",
    "Connection",
    "Counters",
    "Endpoint",
    "Event",
    "ForkedError",
    "Gap",
    "GofollowError",
    "GofollowWarning",
    "InternalError",
    "LinkType",
    "LostEventsError",
    "MissingPackageError",
    "OptionError",
    "OutOfMemoryError",
    "PacketTooLargeError",
    "Segment",
    "Sniffer",
    "SnifferStatistics",
    "Statistics",
    "TCPStream",
    "TCPStreamFollower",
    "TruncatedCaptureWarning",
    "Turn",
    "UsageError",
    "afollow",
    "build_info",
    "core",
    "events",
    "follow",
    "format_event",
    "sniff",
]


_LATER = {"Sniffer": "._live", "SnifferStatistics": "._live", "afollow": "._async", "sniff": "._live"}  # loaded when they are used


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        globals()[name] = value = getattr(import_module(_LATER[name], __name__), name)
        return value
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import metadata  # which takes longer to import than all the rest

    try:
        return metadata.version("gofollow")
    except metadata.PackageNotFoundError:  # a source tree on PYTHONPATH
        return "unknown"
