"""The functions that the modules with types use where they are not compiled; _c.pxd and _jobs.pxd have them for Cython."""

import errno
import os
from collections.abc import Callable
from io import BytesIO
from struct import Struct
from threading import get_ident
from types import SimpleNamespace
from typing import Any

from ._events import copy_facts
from ._native import ffi

__all__ = ["copy_facts", "get_ident"]

cython = SimpleNamespace(compiled=False)
rint = round
growing = BytesIO
address_in = ffi.from_buffer
pack_turn, pack_segment = Struct("=7q").pack, Struct("=5q").pack


def check_signals() -> None:
    """Python looks for signals itself."""


def copy(start: Any, size: int) -> bytes:
    """Return a copy of the library's memory."""
    return bytes(ffi.buffer(start, size))


def grow(whole: BytesIO, length: int, blocks: list[bytes]) -> int:
    """Continue what grows behind its first so many bytes; return how long it is then."""
    if whole.closed:  # since there was no memory to continue it
        return length
    whole.seek(length)
    whole.writelines(blocks)
    return whole.tell()


def value_of(whole: BytesIO) -> bytes | None:
    return None if whole.closed else whole.getvalue()


def call_one(function: Callable[[Any], Any], argument: Any) -> Any:
    return function(argument)


def carry_out(folder: int, jobs: list[Any], done: int) -> tuple[int, int]:
    """Do jobs of writing: see _jobs.py."""
    for job in jobs[done:]:
        try:
            with os.fdopen(os.open(job.path, job.flags, 0o666, dir_fd=folder), "wb") as file:
                if job.pieces is None:
                    file.truncate(job.at)
                else:
                    file.seek(job.at)
                    file.writelines(job.pieces)
        except OSError as error:
            return done, error.errno or errno.EIO
        done += 1
    return done, 0


def _same(data: Any) -> Any:
    return data


events_at = packets_at = sizes_at = feed_at = batch_at = poll_at = _same
