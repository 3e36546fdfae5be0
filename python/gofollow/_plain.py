"""What _core.py uses where it is not compiled; _core.pxd has the same for Cython."""

from collections.abc import Callable
from threading import get_ident
from types import SimpleNamespace
from typing import Any

from ._events import copy_facts
from ._native import ffi

__all__ = ["copy_facts", "get_ident"]

cython = SimpleNamespace(compiled=False)
rint = round
address_in = ffi.from_buffer


def check_signals() -> None:
    """Python looks for signals itself."""


def copy(start: Any, size: int) -> bytes:
    """Return a copy of the library's memory."""
    return bytes(ffi.buffer(start, size))


def call_one(function: Callable[[Any], Any], argument: Any) -> Any:
    return function(argument)


def _same(data: Any) -> Any:
    return data


events_at = packets_at = sizes_at = feed_at = batch_at = poll_at = _same
