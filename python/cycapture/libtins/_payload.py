"""A side's payload as scripts read it in their callbacks: bytes that also answer tobytes(), without a copy of all at each reading.

A subclass of bytes copies what it is made of: a script that looks at the payload in every callback would pay for the square of its
length. A bytearray can grow in place, and does so as long as nobody but this module holds it, which its reference count says.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_getrefcount: Callable[[object], int] = getattr(sys, "getrefcount", lambda value: 0)


class Payload(bytearray):
    """Bytes, for all that a script can tell: isinstance says so, none of its methods changes it, and what it gives are bytes.

    It is a bytearray underneath, which is taken nearly wherever bytes are (files, sockets, re, struct, hashlib); a memoryview of it
    is writable.
    """

    __slots__ = ("_share",)
    # gives the same as a bytes object that is there already, if any is
    _share: Callable[[], bytes] | None

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return bytes

    def tobytes(self) -> bytes:
        """The payload as a bytes object; the original gave a memoryview, of which scripts asked this."""
        share = self._share  # another thread's reading may take it away
        if share is not None:
            return share()
        with memoryview(self) as whole:
            return whole.tobytes()

    def tolist(self) -> list[int]:
        """The payload's bytes as numbers, as a memoryview gives them."""
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


# What bytes do not have is not there; of what both have, what gives a bytearray, alone or in a list, gives bytes.
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
    """A payload that continues no other."""
    payload = Payload(data)
    payload._share = share
    return payload


class Kept:
    """What was read last of one side of a connection, to be continued when the script has let go of it."""

    __slots__ = ("_lock", "_payload")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payload = made(b"")

    def _references(self) -> int:
        return _getrefcount(self._payload)

    def read(self, share: Callable[[], bytes]) -> Payload:
        """The payload that share gives now and whenever it is called."""
        data = share()
        # Who reads while another does copies: it may be a signal's handler in the same thread, for which waiting would never end.
        if not self._lock.acquire(blocking=False):
            return made(data)
        try:
            # what is returned counts as a reference before the lock is released
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
        """Let what was read last, which scripts may keep, no longer keep what the side said."""
        self._payload._share = None


# where references are not counted (PyPy), every reading copies
_ALONE = Kept()._references() if hasattr(sys, "getrefcount") else -1
