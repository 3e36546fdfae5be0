"""The types with which Cython compiles _payload.py."""

cimport cython
from libc.stdint cimport int64_t

cdef extern from "Python.h":
    ctypedef struct PyObject
    void Py_INCREF(object)
    void Py_DECREF(PyObject *)
    void PyBytes_Concat(PyObject **, object) except *

cdef int64_t NO_TIME, NEVER
cdef Py_ssize_t SHORT, MERGED, LONG

# What grows is the first item of a list: bytes, which grow in place if nobody else has them. BytesIO
# leaves an eighth of free addresses behind long ones: up to the second item they need no other place.
# What malloc maps by itself, 32 MiB or more, moves without a copy, which pays for long pieces.
cdef inline list growing():
    return [b"", 256 * 1024]

cdef inline bytes value_of(list whole):
    return whole[0] if whole[0] is None or isinstance(whole[0], bytes) else whole[0].getvalue()

cdef inline Py_ssize_t grow(list whole, Py_ssize_t length, list blocks) except -1:
    cdef bytes more = blocks[0] if len(blocks) == 1 else b"".join(blocks)
    cdef bytes value = value_of(whole)
    cdef Py_ssize_t room = whole[1]
    cdef PyObject *grown
    if value is None:
        return length
    if len(value) == length and (length + len(more) <= room or (length >= 32 * 1024 * 1024 and len(more) >= 1024 * 1024)):
        grown = <PyObject *> value
        Py_INCREF(value)
        whole[0] = value = None  # no other code runs until it is back
        PyBytes_Concat(&grown, more)
        whole[0] = <bytes> grown
        Py_DECREF(grown)
    else:
        from io import BytesIO
        stream = BytesIO(value)
        whole[0] = stream  # a finalizer or another thread may read meanwhile
        value = None
        try:
            stream.seek(length)
            stream.write(more)
            stream.truncate()
            whole[0] = stream.getvalue()
        except MemoryError:
            whole[0] = None
            raise
        room = length + len(more)
        whole[1] = room + room // 8
    return length + len(more)

@cython.final
@cython.no_gc
cdef class Kept:
    cdef int64_t gaps, payload, segments, total_limit, total, turns
    cdef readonly int64_t truncated
    cdef unsigned long reader

@cython.final
@cython.no_gc
cdef class Gaps:
    cdef list gaps, runs
    cdef tuple first
    cdef int64_t end, dropped_at

@cython.final
cdef class Payload:
    cdef bytes first
    cdef list blocks
    cdef tuple moved
    cdef Gaps holes
    cdef public object extra
    cdef int64_t end, length, limit
    cdef int64_t run_ns, run_packet
    cdef int short, unmoved
    @cython.locals(blocks=list)
    cdef void append(self, bytes data) except *
    @cython.locals(blocks=list, whole=list, length=Py_ssize_t)
    cdef void move(self) except *
    @cython.locals(first=bytes, blocks=list, moved=tuple, whole=list, before=Py_ssize_t, value=bytes)
    cdef bytes read(self, int64_t start, int64_t end, bint ended, bint reader)
    @cython.locals(holes=Gaps, run=int64_t, kept=int64_t)
    cdef void add_gap(self, int64_t offset, int64_t length, str reason, int64_t most, tuple first) except *
    cdef object gaps_to(self, int64_t end)
    @cython.locals(holes=Gaps, runs=list, start=int64_t, run=int64_t, kept=int64_t, at=Py_ssize_t, count=Py_ssize_t)
    cdef object chunks_to(self, int64_t end, int64_t length)
