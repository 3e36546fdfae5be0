"""Packets as Python programs have them, made ready for the engine."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from numbers import Real
from typing import Any

from ._engine import NO_TIME, Frame
from ._native import constant

Timestamp = float | Decimal | datetime | None


class LinkType(IntEnum):
    """Link types that are often wanted, numbered as in the LINKTYPE_ registry (draft-ietf-opsawg-pcaplinktype)."""

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
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_MAX_LENGTH = (1 << 63) - 1


def nanoseconds(timestamp: Timestamp) -> int:
    """Return a time in seconds since 1970 UTC, or a datetime (a naive one is local time), as nanoseconds; None is the engine's "no time".

    Raises TypeError for what is no time, ValueError for one that 64 bits of nanoseconds do not hold.
    """
    if timestamp is None:
        return NO_TIME
    if isinstance(timestamp, datetime):
        return (timestamp.astimezone(timezone.utc) - _EPOCH) // _MICROSECOND * 1000
    if isinstance(timestamp, bool) or not isinstance(timestamp, (Real, Decimal)):
        raise TypeError(f"a timestamp is a number of seconds or a datetime, not {type(timestamp).__name__}")
    if not math.isfinite(timestamp):
        raise ValueError(f"{timestamp!r} is no timestamp")
    whole = int(timestamp)
    result = whole * 1_000_000_000 + round((timestamp - whole) * 1_000_000_000)
    if not -(1 << 63) < result < 1 << 63:
        raise ValueError(f"timestamp {timestamp!r} is out of range: nanoseconds since 1970 must fit in 64 bits")
    return result


def make_frame(data: Any, timestamp: Timestamp, link_type: int, wire_length: int | None) -> Frame:
    """Check and convert the arguments of feed_packet."""
    view = memoryview(data)
    if not view.contiguous:
        raise TypeError("a packet's bytes must be contiguous")
    if not 0 <= link_type < 1 << 32:
        raise ValueError(f"link_type {link_type!r} is out of range")
    if wire_length is None:
        wire_length = view.nbytes
    elif not 0 <= wire_length <= _MAX_LENGTH:
        raise ValueError(f"wire_length {wire_length!r} is out of range")
    return Frame(int(link_type), data, nanoseconds(timestamp), wire_length)


def frame_of(item: Any) -> Frame | None:
    """Return the frame of a PDU (cycapture's, scapy's or dpkt's), None of anything else."""
    kind = type(item)
    with_frame = getattr(kind, "__gofollow_frame__", None)
    if with_frame is not None:
        held = with_frame(item)
        return None if held is None else Frame(held[1], held[0], NO_TIME if held[2] is None else held[2], len(held[0]))
    ours = getattr(kind, "_gofollow_frame", None)
    if ours is not None:
        link_type, data, time_ns = ours(item)
        return Frame(link_type, data, NO_TIME if time_ns is None else time_ns, len(data))
    if is_scapy(item):
        known = _link_type(kind, "scapy.", _SCAPY)
        if known is None:
            return None
        data = bytes(item)
        return Frame(known, data, nanoseconds(item.time), max(len(data), getattr(item, "wirelen", None) or 0))
    if kind.__module__.startswith("dpkt."):
        known = _link_type(kind, "dpkt.", _DPKT)
        if known is None:
            return None
        data = bytes(item)
        return Frame(known, data, NO_TIME, len(data))
    return None


def kept_link_type(kind: type) -> int | None:
    """Return the link type of a class of cycapture whose objects have a frame as captured in _raw as
    long as their _head is None, whole, and without time if it is plain bytes. None of any other.
    """
    link_type: int | None = getattr(kind, "_gofollow_link_type", None)
    return link_type


def is_scapy(item: Any) -> bool:
    """Tell whether an object is a scapy packet, which is iterable without being a series of packets."""
    return type(item).__module__.startswith("scapy.") and hasattr(item, "time") and hasattr(item, "payload")


def _link_type(kind: type, package: str, names: Mapping[str, int]) -> int | None:
    for base in kind.__mro__:
        if base.__name__ in names and base.__module__.startswith(package):
            return names[base.__name__]
    return None
