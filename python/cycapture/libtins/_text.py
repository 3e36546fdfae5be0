"""What stands for bytes: Python 2's str was text and bytes, so that scripts pass either."""

from __future__ import annotations

from typing import Any

from ._exceptions import MemoryViewFormat


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
