"""Bytes that grow."""

import ctypes
import io
import sys
import weakref
from typing import Any


class InPlace:
    """Bytes that grow in place as long as nobody else holds them: PyBytes_Concat of Python's own C interface does that.

    io.BytesIO does it too, but makes room for an eighth more at a write and gives it back when the value is read, which for long values
    are two system calls each time. Long values are here moved, whenever their size has doubled, to the lower end of addresses that are
    free: otherwise the kernel would have to move their pages at every growth, wherever other memory is next to them.
    """

    __slots__ = ("__weakref__", "_cell", "_room", "_size", "_value")

    def __init__(self) -> None:
        # Where the one reference that nobody else knows of stands, and the same place seen as an object.
        self._cell = ctypes.c_void_p(_new(None, 0))
        self._value = ctypes.py_object.from_address(ctypes.addressof(self._cell))
        self._size, self._room = 0, _LONG
        weakref.finalize(self, _release, self._cell).atexit = False

    def write(self, data: bytes) -> None:
        size = self._size + len(data)
        if size > self._room:
            self._room = 2 * size
            moved = ctypes.c_void_p(_new(None, self._room))
            _resize(ctypes.addressof(moved), self._size)  # memory that was never touched costs nothing, and its addresses stay free
            old = self._cell.value
            ctypes.memmove((moved.value or 0) + _HEAD, (old or 0) + _HEAD, self._size)
            self._cell.value = moved.value
            _forget(old)
        _concat(ctypes.addressof(self._cell), data)
        self._size = size

    def getvalue(self) -> bytes:
        value: Any = self._value.value
        return bytes(value)

    def tell(self) -> int:
        return self._size


def _release(cell: ctypes.c_void_p) -> None:
    _forget(cell)


_LONG = 1 << 20
_HEAD = bytes.__basicsize__ - 1  # where in the object its bytes begin
Growing: Any = io.BytesIO
# Other interpreters have no such interface. Without the lock of all threads one could take hold of the value while it moves.
if hasattr(ctypes, "pythonapi") and getattr(sys, "_is_gil_enabled", lambda: True)():
    _new, _concat, _forget = ctypes.pythonapi.PyBytes_FromStringAndSize, ctypes.pythonapi.PyBytes_Concat, ctypes.pythonapi.Py_DecRef
    _resize = ctypes.pythonapi._PyBytes_Resize
    _new.argtypes, _new.restype = (ctypes.c_char_p, ctypes.c_ssize_t), ctypes.c_void_p
    _concat.argtypes, _concat.restype = (ctypes.c_void_p, ctypes.py_object), None
    _forget.argtypes, _forget.restype = (ctypes.c_void_p,), None
    _resize.argtypes, _resize.restype = (ctypes.c_void_p, ctypes.c_ssize_t), ctypes.c_int
    Growing = InPlace
