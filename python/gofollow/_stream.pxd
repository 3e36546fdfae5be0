"""The types with which Cython compiles _stream.py."""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from gofollow._c cimport event_pointer, get_ident, pack_segment, pack_turn
from gofollow._payload cimport Gaps, Kept, Payload

cdef int64_t NO_TIME, NEVER
cdef Py_ssize_t OPEN_SIZE, MARK

@cython.final
@cython.no_gc  # nothing in it leads back to it
cdef class Followed:
    cdef bytes facts
    cdef Payload client, server
    cdef Kept kept
    cdef uint64_t number
    cdef tuple told
    cdef bytearray marks, segments
    cdef int64_t start, offset, first_ns, first_packet, last_ns, last_packet
    cdef uint32_t turns
    cdef signed char turn, ended, stopped  # every 16 bytes count: there may be a million
    @cython.locals(other=Payload)
    cdef void note(self, Payload payload, int direction, event_pointer event) except *
    cdef bytes mark(self, int64_t end, int64_t last_ns, int64_t last_packet)

@cython.no_gc  # nothing in it leads back to it
cdef class TCPStream:
    cdef Followed _followed
    cdef bytes _facts
    cdef object _new
    cdef int64_t _client_end, _client_length, _server_end, _server_length, _time_ns
    cdef uint64_t _packet
    cdef int _direction
    cdef uint32_t _turns
    @cython.locals(followed=Followed)
    cdef object _told(self)
    @cython.locals(followed=Followed, payload=Payload)
    cpdef list turns(self)
    @cython.locals(followed=Followed, count=uint32_t, last_ns=int64_t, last_packet=int64_t)
    cdef bytes _marks(self)
    cpdef object _last_ns(self)
    cpdef object _meaning(self)
    @cython.locals(followed=Followed, payload=Payload)
    cpdef bytes _part(self, int direction, int64_t start, int64_t end)
    cdef bytes _read(self, int direction)
    @cython.locals(payload=Payload, followed=Followed, end=int64_t, length=int64_t, direction=int)
    cdef tuple _state(self)
    @cython.locals(payload=Payload, followed=Followed)
    cdef void _restore(self, tuple state) except *

@cython.locals(stream=TCPStream)
cpdef TCPStream restored(type kind, tuple state)

@cython.locals(stream=TCPStream, payload=Payload)
cdef TCPStream snapshot(type kind, Followed followed, bytes facts, int direction, object new, int64_t time_ns, uint64_t packet)
