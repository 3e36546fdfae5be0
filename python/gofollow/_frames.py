"""Converts the packets of Python programs for the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum
from operator import index
from typing import TYPE_CHECKING, Any

from ._native import constant

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    Timestamp = float | Decimal | datetime | None

NO_TIME = constant("NO_TIME")


class LinkType(IntEnum):
    """Common link types, with their numbers of the LINKTYPE_ registry (draft-ietf-opsawg-pcaplinktype)."""

    NULL = constant("LINK_NULL")
    ETHERNET = constant("LINK_ETHERNET")
    PPP = constant("LINK_PPP")
    RAW = constant("LINK_RAW")
    IEEE802_11 = constant("LINK_IEEE802_11")
    LOOP = constant("LINK_LOOP")
    LINUX_SLL = constant("LINK_LINUX_SLL")
    RADIOTAP = constant("LINK_RADIOTAP")
    IPV4 = constant("LINK_IPV4")
    IPV6 = constant("LINK_IPV6")
    NFLOG = constant("LINK_NFLOG")
    LINUX_SLL2 = constant("LINK_LINUX_SLL2")


_SCAPY: Mapping[str, int] = {
    "Ether": LinkType.ETHERNET,
    "Dot3": LinkType.ETHERNET,
    "IP": LinkType.RAW,
    "IPv6": LinkType.RAW,
    "CookedLinux": LinkType.LINUX_SLL,
    "CookedLinuxV2": LinkType.LINUX_SLL2,
    "Loopback": LinkType.NULL,
    "PPP": LinkType.PPP,
    "HDLC": LinkType.PPP,
    "Dot11": LinkType.IEEE802_11,
    "RadioTap": LinkType.RADIOTAP,
}
_DPKT: Mapping[str, int] = {
    "Ethernet": LinkType.ETHERNET,
    "IP": LinkType.RAW,
    "IP6": LinkType.RAW,
    "SLL": LinkType.LINUX_SLL,
    "SLL2": LinkType.LINUX_SLL2,
    "Loopback": LinkType.NULL,
    "PPP": LinkType.PPP,
    "Radiotap": LinkType.RADIOTAP,
}
_MAX_LENGTH = (1 << 62) - 1

Frame = tuple[Any, int, int | None] | tuple[Any, int, int | None, int]
"""What __gofollow_frame__ returns: data, link type, time in nanoseconds since 1970 UTC or None, and,
where the capture cut the packet, its length on the wire."""


def nanoseconds(timestamp: Timestamp) -> int:
    """Return a time in seconds since 1970 UTC, or a datetime (a naive one is local time), as nanoseconds; None is the engine's "no time".

    Raises TypeError for an object that is not a time, ValueError for a time that does not fit 64 bits of nanoseconds.
    """
    if timestamp is None:
        return NO_TIME
    if type(timestamp) is not float and type(timestamp) is not int:
        from datetime import datetime, timedelta, timezone
        from decimal import Decimal
        from numbers import Real

        if isinstance(timestamp, datetime):
            since = timestamp.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
            return since // timedelta(microseconds=1) * 1000
        if isinstance(timestamp, bool) or not isinstance(timestamp, (Real, Decimal)):
            raise TypeError(f"a timestamp is a number of seconds or a datetime, not {type(timestamp).__name__}")
    if not math.isfinite(timestamp):
        raise ValueError(f"{timestamp!r} is not a timestamp")
    whole = int(timestamp)
    result = whole * 1_000_000_000 + round((timestamp - whole) * 1_000_000_000)
    if not -(1 << 63) < result < 1 << 63:
        raise ValueError(f"timestamp {timestamp!r} is out of range: nanoseconds since 1970 must fit in 64 bits")
    return result


def whole_nanoseconds(timestamp: Any) -> int:
    """Return a time given in nanoseconds since 1970 UTC, or None.

    Raises TypeError for an object that is not an integer, ValueError for one that does not fit 64 bits.
    """
    if timestamp is None:
        return NO_TIME
    result = index(timestamp)
    if not -(1 << 63) < result < 1 << 63:
        raise ValueError(f"timestamp {timestamp!r} is out of range: nanoseconds since 1970 must fit in 64 bits")
    return result


def length_of(wire_length: Any) -> int:
    """Return a packet's length on the wire, checked."""
    result = index(wire_length)
    if not 0 <= result <= _MAX_LENGTH:
        raise ValueError(f"wire_length {wire_length!r} is out of range: it is a number of bytes from 0")
    return result


def frame_of(item: Any) -> Frame | None:
    """Return the frame of a packet object, None for any other object.

    The protocol: an object whose class has __gofollow_frame__(), which returns (data, link_type,
    timestamp_ns or None), or None if it has no frame. Packets of scapy and dpkt are recognised.
    """
    kind = type(item)
    ours = getattr(kind, "__gofollow_frame__", None)
    if ours is not None:
        frame: Frame | None = ours(item)
        return frame
    if is_scapy(item):
        known = _link_type(kind, "scapy.", _SCAPY)
        if known is None:
            return None
        # As captured: bytes(item) would write some protocols again with other lengths.
        data = getattr(item, "original", None) or bytes(item)
        try:
            time_ns = nanoseconds(item.time)
        except (TypeError, ValueError):
            time_ns = NO_TIME
        return data, known, time_ns, max(len(data), getattr(item, "wirelen", None) or 0)
    if kind.__module__.startswith("dpkt."):
        known = _link_type(kind, "dpkt.", _DPKT)
        return None if known is None else (bytes(item), known, None)
    return None


def is_row(item: Any) -> bool:
    """Report whether an object is a tuple (timestamp, data[, wire_length[, link_type]])."""
    return isinstance(item, tuple) and 2 <= len(item) <= 4 and isinstance(item[1], (bytes, bytearray, memoryview))


def frame_of_row(item: Any) -> Frame | None:
    """Return the frame of a packet object as frame_of, or of a tuple (timestamp, data[, wire_length[, link_type]]) as feed_packets has it.

    Raises TypeError or ValueError for an invalid tuple.
    """
    if not is_row(item):
        return frame_of(item)
    timestamp, data, wire_length, link_type = item + (None,) * (4 - len(item))
    time_ns = nanoseconds(timestamp)
    link = LinkType.ETHERNET if link_type is None else link_type
    return (data, link, time_ns) if wire_length is None else (data, link, time_ns, wire_length)


def is_scapy(item: Any) -> bool:
    """Report whether an object is a scapy packet, which is iterable but not a series of packets."""
    return type(item).__module__.startswith("scapy.") and hasattr(item, "time") and hasattr(item, "payload")


def _link_type(kind: type, package: str, names: Mapping[str, int]) -> int | None:
    for base in kind.__mro__:
        if base.__name__ in names and base.__module__.startswith(package):
            return names[base.__name__]
    return None
