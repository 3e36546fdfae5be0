"""Bytes of packets with their capture time: sniffers return them, and PDUs are read from them."""

from __future__ import annotations

from typing import Any

from ._text import as_bytes


class Captured(bytes):
    """A packet's bytes and its capture time: seconds since 1970 UTC and microseconds.

    To a script they are bytes. Slices, copies and pickles are plain bytes.
    """

    captured_at: tuple[int, int]

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return bytes

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return bytes, (self[:],)


def captured(data: bytes, at: tuple[int, int]) -> Captured:
    """Return the bytes of a packet that was captured at that second and microsecond."""
    made = Captured(data)
    made.captured_at = at
    return made


def captured_at(data: bytes | None) -> tuple[int, int] | None:
    """Return the capture time of a packet, None if it is unknown."""
    return data.captured_at if type(data) is Captured else None


def time_ns(data: bytes | None) -> int | None:
    """Return the capture time of a packet in ns since 1970 UTC, None if it is unknown."""
    if type(data) is not Captured:
        return None
    seconds, microseconds = data.captured_at
    return (seconds * 1_000_000 + microseconds) * 1000


def taken(buf: Any) -> bytes:
    """Return the bytes of an argument of from_buffer, with the capture time if buf is, or views, Captured.

    A view of the whole is not copied.
    """
    if type(buf) is memoryview:
        source = buf.obj
        if type(source) is Captured:
            whole = len(buf) == len(source) and buf.c_contiguous
            return source if whole else captured(as_bytes(buf), source.captured_at)
    elif type(buf) is Captured:
        return buf
    return as_bytes(buf)
