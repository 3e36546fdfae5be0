"""The types with which Cython compiles _core.py."""

cimport cython
from libc.math cimport rint
from libc.stdint cimport int64_t, uint32_t, uint64_t

from gofollow._c cimport (
    address_in,
    batch_at,
    call_one,
    check_signals,
    copy,
    copy_facts,
    event_pointer,
    events_at,
    feed_at,
    feed_batch_function,
    feed_function,
    get_ident,
    gofollow_event,
    gofollow_packet,
    packets_at,
    packets_pointer,
    poll_at,
    poll_function,
    sizes_at,
)
from gofollow._payload cimport Kept, Payload
from gofollow._stream cimport Followed, TCPStream, snapshot

cdef int BATCH, DATA, GAP, CLOSED, FIRST, LAST, ALONE, FULL, BUSY, RECENT
cdef int64_t NO_TIME
cdef Py_ssize_t FACTS_SIZE, OPEN_SIZE

@cython.final
cdef class Core:
    cdef uint64_t handle
    cdef unsigned long thread
    cdef object data_callback, end_callback, new_link, free, library
    cdef type kind
    cdef public Kept kept
    cdef public object abandoned, frame_of
    cdef object lock
    cdef public bint applying, entered, stopped
    cdef set links
    cdef object link
    cdef uint32_t link_type
    cdef bint link_is_new, ignored
    cdef int64_t new_ns
    cdef uint64_t new_packet
    cdef int since_check, at, count, batched
    cdef dict open
    cdef list recent, new, ended, frames
    cdef object due, event_array, packet_array, consumed_array
    cdef gofollow_event *polled
    cdef gofollow_packet *packets
    cdef size_t *consumed
    cdef feed_function feed_one
    cdef feed_batch_function feed_many
    cdef poll_function poll
    @cython.locals(thread=cython.ulong)
    cpdef void enter(self) except *
    cdef void resume(self) except *
    cpdef void leave(self) except *
    cpdef void feed_packet(self, object data, object timestamp, object link_type, object wire_length) except *
    @cython.locals(kind=type, frame=tuple, time_ns=int64_t)
    cpdef void feed_items(self, object items, bint batched) except *
    @cython.locals(columns=tuple, number=Py_ssize_t, time_ns=int64_t)
    cpdef void feed_rows(self, object rows, object link_type, bint nanoseconds, bint batched) except *
    cdef void finish(self) except *
    @cython.locals(frame=bytes, length=size_t, packet=packets_pointer, code=int)
    cdef void take(self, object data, object link_type, int64_t time_ns, object wire_length, bint batched) except *
    cdef void use_link(self, object link_type) except *
    @cython.locals(count=int, done=int, code=int)
    cdef void feed_batch(self) except *
    cdef void after(self, int code) except *
    @cython.locals(count=int)
    cpdef void drain(self) except *
    @cython.locals(code=int)
    cpdef int pull(self, int most) except -1
    @cython.locals(event=event_pointer, kind=int, followed=Followed, payload=Payload, data=bytes, facts=bytes, stream=TCPStream)
    cdef void run(self) except *
    @cython.locals(number=uint64_t, slot=Py_ssize_t, followed=Followed)
    cdef Followed find(self, event_pointer event)
    cdef bytes facts_of(self, Followed followed, event_pointer event)
    @cython.locals(payload=Payload)
    cdef Payload payload_of(self, Followed followed, int direction)
    @cython.locals(payload=Payload, kept=Kept, size=int64_t, room=int64_t, data=bytes)
    cdef bytes keep(self, Followed followed, event_pointer event)
    @cython.locals(number=uint64_t, followed=Followed, payload=Payload, facts=bytes)
    cdef tuple end(self, event_pointer event)
    @cython.locals(known=Followed, its_direction=int, pieces=list)
    cdef void gather(self, Followed followed, bytes facts, int direction, tuple piece) except *
    @cython.locals(followed=Followed, closed=Followed, facts=bytes, closing=bytes, direction=int, pieces=list)
    cdef void settle(self) except *
    @cython.locals(stream=TCPStream)
    cdef void call_due(self) except *
    cdef void call(self, object callback, TCPStream stream) except *

@cython.locals(number=double, whole=int64_t, part=int64_t)
cdef int64_t time_of(object timestamp) except? -1
