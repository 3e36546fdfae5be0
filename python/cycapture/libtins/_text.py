"""Conversions to bytes and numbers. Python 2's str was both text and bytes, so scripts pass either."""

from __future__ import annotations

from typing import Any

from ._exceptions import MemoryViewFormat, NumberOutOfRange


def as_bytes(buf: Any) -> bytes:
    """Return the bytes of an argument of from_buffer. Text has one byte for each character, as in Python 2."""
    if isinstance(buf, memoryview):
        if buf.itemsize != 1 or buf.ndim != 1:
            raise MemoryViewFormat("the memoryview doesn't have the proper format: it must be one-dimensional, of bytes")
        return buf.tobytes()
    if isinstance(buf, (bytes, bytearray)):
        return bytes(buf)
    if isinstance(buf, str):
        return buf.encode("latin-1")
    raise ValueError(f"don't know what to do with type '{type(buf).__name__}'")


def within(value: Any, most: int, name: str, least: int = 0) -> int:
    """Return int(value). Raises NumberOutOfRange unless it is from least to most."""
    number = int(value)
    if not least <= number <= most:
        raise NumberOutOfRange(f"{name} is from {least} to {most}, not {number}")
    return number


def octets(values: Any, name: str) -> bytes:
    """Return the bytes of numbers from 0 to 255."""
    return bytes(within(value, 0xFF, name) for value in values)


_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def from_hex(value: Any, size: int) -> bytes:
    """Return the bytes of text such as 02:0:0:1, padded with zeros to size. Raises ValueError for other text."""
    text = as_bytes(value).decode("latin-1")
    groups = text.split(":")
    if len(groups) > size or not all(len(group) <= 2 and _HEX_DIGITS.issuperset(group) for group in groups):
        raise ValueError(f"not up to {size} bytes in hexadecimal with colons between them: {text!r}")
    return bytes(int(group or "0", 16) for group in groups).ljust(size, b"\0")
