"""What stands for bytes and numbers: Python 2's str was text and bytes, so that scripts pass either."""

from __future__ import annotations

from typing import Any

from ._exceptions import MemoryViewFormat, NumberOutOfRange


def as_bytes(buf: Any) -> bytes:
    """The bytes of what from_buffer takes; text is taken as Python 2 had it, a byte per character."""
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
    """The number that value is, as int() says; NumberOutOfRange unless it is from least to most."""
    number = int(value)
    if not least <= number <= most:
        raise NumberOutOfRange(f"{name} is from {least} to {most}, not {number}")
    return number


def octets(values: Any, name: str) -> bytes:
    """Numbers of a byte each."""
    return bytes(within(value, 0xFF, name) for value in values)


_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def from_hex(value: Any, size: int) -> bytes:
    """The bytes of text such as 02:0:0:1, filled with zeros up to size; ValueError for other text."""
    text = as_bytes(value).decode("latin-1")
    groups = text.split(":")
    if len(groups) > size or not all(len(group) <= 2 and _HEX_DIGITS.issuperset(group) for group in groups):
        raise ValueError(f"not up to {size} bytes in hexadecimal with colons between them: {text!r}")
    return bytes(int(group or "0", 16) for group in groups).ljust(size, b"\0")
