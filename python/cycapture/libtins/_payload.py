"""The payload of a direction as scripts read it: bytes that also have tobytes(), without a copy of everything at each reading.

A subclass of bytes copies its content, so a script that reads the payload in every callback would take quadratic time. A bytearray
grows in place, and does so while its reference count shows that only this module holds it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_getrefcount: Callable[[object], int] = getattr(sys, "getrefcount", lambda value: 0)


class Payload(bytearray):
    """Bytes to a script: isinstance reports bytes, no method changes it, and results are bytes.

    Internally it is a bytearray, which most functions accept as bytes (files, sockets, re, struct, hashlib). A memoryview of it is
    writable.
    """

    __slots__ = ("_share",)
    # returns the same as an existing bytes object, if there is one
    _share: Callable[[], bytes] | None

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return bytes

    def tobytes(self) -> bytes:
        """Return the payload as a bytes object; the original's payload was a memoryview, which has this method."""
        share = self._share  # a reading in another thread may remove it
        if share is not None:
            return share()
        with memoryview(self) as whole:
            return whole.tobytes()

    def tolist(self) -> list[int]:
        """Return the payload's bytes as numbers, as memoryview.tolist does."""
        return list(self)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else bytes(found)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.tobytes())

    def __repr__(self) -> str:
        return repr(self.tobytes())

    __str__ = __repr__

    def __copy__(self) -> bytes:
        return self.tobytes()

    def __deepcopy__(self, memo: Any) -> bytes:
        return self.tobytes()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return bytes, (self.tobytes(),)

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return self + other

    def __imul__(self, times: Any) -> Any:  # type: ignore[misc]
        return self * times

    __setitem__ = __delitem__ = None  # type: ignore[assignment]


def _of_bytes(name: str) -> Callable[..., Any]:
    def method(self: Payload, *args: Any, **options: Any) -> Any:
        return getattr(self.tobytes(), name)(*args, **options)

    return method


def _of_none(name: str) -> property:
    def read(self: Payload) -> Any:
        raise AttributeError(f"'bytes' object has no attribute '{name}'")

    return property(read)


# Names that bytes lacks are absent. Methods that return a bytearray, alone or in a list, return bytes.
_GIVE_NO_BYTES = """
find rfind index rindex count startswith endswith decode hex isalnum isalpha isascii isdigit islower isspace istitle isupper
fromhex maketrans
"""
for _name in dir(bytearray):
    if _name in vars(Payload) or (_name.startswith("_") and _name not in ("__add__", "__mul__", "__rmul__", "__mod__")):
        continue
    if not hasattr(bytes, _name):
        setattr(Payload, _name, _of_none(_name))
    elif _name not in _GIVE_NO_BYTES.split():
        setattr(Payload, _name, _of_bytes(_name))


def made(data: bytes, share: Callable[[], bytes] | None = None) -> Payload:
    """Return a payload that does not continue another."""
    payload = Payload(data)
    payload._share = share
    return payload


class Kept:
    """The last value read of a direction, which is continued if the script has released it."""

    __slots__ = ("_lock", "_payload")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payload = made(b"")

    def _references(self) -> int:
        return _getrefcount(self._payload)

    def read(self, share: Callable[[], bytes]) -> Payload:
        """Return the payload that share returns, now and whenever it is called."""
        data = share()
        # A reader that finds another reading copies: in a signal handler of the same thread, waiting would never end.
        if not self._lock.acquire(blocking=False):
            return made(data)
        try:
            # the returned value has its reference before the lock is released
            return self._continued(data, share)
        finally:
            self._lock.release()

    def _continued(self, data: bytes, share: Callable[[], bytes]) -> Payload:
        known = len(self._payload)
        if known == len(data):
            return self._payload
        if known > len(data):
            return made(data)
        if self._references() != _ALONE:
            payload = made(data, share)
            self.part()
            self._payload = payload
            return payload
        with memoryview(data) as whole:
            bytearray.extend(self._payload, whole[known:])
        self._payload._share = share
        return self._payload

    def part(self) -> None:
        """Detach the last value, which a script may keep, from the payload of the follower."""
        self._payload._share = None


# without reference counts (PyPy), every reading copies
_ALONE = Kept()._references() if hasattr(sys, "getrefcount") else -1
