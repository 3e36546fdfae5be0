"""Follows TCP connections through captured packets: what each side said, in order, once, with every loss named.

    from gofollow import follow

    for stream in follow("capture.pcapng"):
        print(stream, stream.close_reason)
        print(stream.client_payload[:80])

TCPStreamFollower takes packets as they come and calls back; follow and events read capture files.
"""

from importlib import metadata

from ._engine import Statistics
from ._events import Connection, Counters, Endpoint, Event, format_event
from ._frames import LinkType
from ._said import Chunk, Gap
from .errors import (
    CaptureError,
    CaptureFileError,
    ForkedError,
    GofollowError,
    GofollowWarning,
    InternalError,
    OptionError,
    PacketTooLargeError,
    UsageError,
)
from .follower import TCPStreamFollower, events, follow
from .stream import TCPStream

__all__ = [
    "CaptureError",
    "CaptureFileError",
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
    "OptionError",
    "PacketTooLargeError",
    "Statistics",
    "TCPStream",
    "TCPStreamFollower",
    "UsageError",
    "events",
    "follow",
    "format_event",
]

try:
    __version__ = metadata.version("gofollow")
except metadata.PackageNotFoundError:  # a source tree on PYTHONPATH
    __version__ = "unknown"
