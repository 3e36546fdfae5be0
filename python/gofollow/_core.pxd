"""The types with which Cython compiles _core.py, and what of _plain.py is C then."""

cimport cython
from libc.math cimport rint
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "Python.h":
    int check_signals "PyErr_CheckSignals"() except -1
    unsigned long get_ident "PyThread_get_thread_ident"()
    object PyObject_CallFunctionObjArgs(object, ...)
    ctypedef struct PyObject
    void Py_INCREF(object)
    void Py_DECREF(PyObject *)
    void PyBytes_Concat(PyObject **, object) except *

cdef extern from "gofollow.h":
    ctypedef struct gofollow_connection:
        const char *separation
        uint16_t reset_text_length
        const uint8_t *reset_text
    ctypedef struct gofollow_event:
        uint8_t kind, direction, reason, place
        uint64_t connection_id
        const gofollow_connection *connection
        int64_t ts_ns
        uint64_t packet
        int64_t offset
        uint64_t length
        const uint8_t *bytes
        int64_t captured_ns
        uint64_t captured_packet
    ctypedef struct gofollow_packet:
        int64_t ts_ns
        const void *bytes
        size_t captured, original
        uint32_t link_type

ctypedef const gofollow_event *event_pointer
ctypedef gofollow_packet *packets_pointer
ctypedef int (*feed_function)(uint64_t, uint32_t, int64_t, const char *, size_t, size_t) noexcept
ctypedef int (*feed_batch_function)(uint64_t, const gofollow_packet *, size_t, size_t *) noexcept
ctypedef int (*poll_function)(uint64_t, gofollow_event *, size_t) noexcept

cdef int BATCH, DATA, GAP, CLOSED, FIRST, LAST, ALONE, FULL, BUSY, RECENT
cdef int64_t NO_TIME, NEVER
cdef Py_ssize_t FACTS_SIZE, OPEN_SIZE, SHORT, MERGED, LONG, MARK

cdef inline const char *address_in(bytes frame):
    return frame

cdef inline bytes copy(const void *start, size_t size):
    return (<const char *> start)[:size]

cdef inline bytes copy_facts(const gofollow_connection *raw, size_t size):
    cdef bytes facts = copy(raw, size)
    if raw.reset_text_length:
        facts += copy(raw.reset_text, raw.reset_text_length)
    if raw.separation != NULL:
        facts += <bytes> raw.separation
    return facts

cdef inline bytes pack_turn(
    int64_t start, int64_t end, int64_t offset, int64_t first_ns, int64_t last_ns, int64_t first_packet, int64_t last_packet
):
    cdef int64_t *numbers = [start, end, offset, first_ns, last_ns, first_packet, last_packet]
    return copy(numbers, 56)

cdef inline bytes pack_segment(int64_t time_ns, int64_t packet, int64_t offset, int64_t length, int64_t direction):
    cdef int64_t *numbers = [time_ns, packet, offset, length, direction]
    return copy(numbers, 40)

cdef inline object call_one(object function, object argument):
    return PyObject_CallFunctionObjArgs(function, <void *> argument, NULL)  # needs no tuple

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

# What the addresses of cffi's arrays and functions stand for.
cdef inline size_t _address(object data) except 0:
    from gofollow._native import address_of
    return address_of(data)

cdef inline gofollow_event *events_at(object data) except NULL:
    return <gofollow_event *> _address(data)

cdef inline gofollow_packet *packets_at(object data) except NULL:
    return <gofollow_packet *> _address(data)

cdef inline size_t *sizes_at(object data) except NULL:
    return <size_t *> _address(data)

cdef inline feed_function feed_at(object data) except NULL:
    return <feed_function> _address(data)

cdef inline feed_batch_function batch_at(object data) except NULL:
    return <feed_batch_function> _address(data)

cdef inline poll_function poll_at(object data) except NULL:
    return <poll_function> _address(data)

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
