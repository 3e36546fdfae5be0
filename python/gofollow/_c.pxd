"""What the compiled modules use of C: the library's structs and functions, and what of _plain.py is C then."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "Python.h":
    int check_signals "PyErr_CheckSignals"() except -1
    unsigned long get_ident "PyThread_get_thread_ident"()
    object PyObject_CallFunctionObjArgs(object, ...)

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
