"""Bytes that grow."""

import ctypes
import io
import sys
import weakref
from typing import Any


class InPlace:
    """Bytes that grow in place as long as nobody else holds them: PyBytes_Concat of Python's own C interface does that.

    io.BytesIO does it too, but makes room for an eighth more at a write and gives it back when the value is read. From 32 MiB on, where
    the C library's allocator changes to pages of the kernel's, that is two system calls each time, which take tens of microseconds.
    """

    __slots__ = ("__weakref__", "_cell", "_value")

    def __init__(self) -> None:
        # Where the one reference that nobody else knows of stands, and the same place seen as an object.
        self._cell = ctypes.c_void_p(_new(b"", 0))
        self._value = ctypes.py_object.from_address(ctypes.addressof(self._cell))
        weakref.finalize(self, _release, self._cell).atexit = False

    def write(self, data: bytes) -> None:
        _concat(ctypes.addressof(self._cell), data)

    def getvalue(self) -> bytes:
        value: Any = self._value.value
        return bytes(value)

    def tell(self) -> int:
        return len(self.getvalue())


def _release(cell: ctypes.c_void_p) -> None:
    _forget(cell)


Growing: Any = io.BytesIO
# Other interpreters have no such interface. Without the lock of all threads one could take hold of the value while it moves.
if hasattr(ctypes, "pythonapi") and getattr(sys, "_is_gil_enabled", lambda: True)():
    _new, _concat, _forget = ctypes.pythonapi.PyBytes_FromStringAndSize, ctypes.pythonapi.PyBytes_Concat, ctypes.pythonapi.Py_DecRef
    _new.argtypes, _new.restype = (ctypes.c_char_p, ctypes.c_ssize_t), ctypes.c_void_p
    _concat.argtypes, _concat.restype = (ctypes.c_void_p, ctypes.py_object), None
    _forget.argtypes, _forget.restype = (ctypes.c_void_p,), None
    Growing = InPlace
