"""The types with which Cython compiles _gather.py."""

cimport cython
from libc.stdint cimport int64_t, uint64_t
from gofollow._c cimport call_one, check_signals, copy, copy_facts, event_pointer, events_at, gofollow_event, poll_at, poll_function

cdef int BATCH, OPENED, DATA, GAP, CLOSED, BUSY
cdef Py_ssize_t FACTS_SIZE

@cython.final
cdef class Run:
    cdef readonly Stream stream
    cdef readonly int direction
    cdef readonly bint final
    cdef readonly list pieces, times
    cdef readonly int64_t offset, size
    cdef public object state

@cython.final
cdef class Stream:
    cdef readonly uint64_t number
    cdef readonly bytes facts
    cdef readonly Run client, server
    cdef Run last
    cdef readonly int64_t last_ns
    cdef public object state

@cython.final
cdef class Gather:
    cdef uint64_t handle
    cdef object on_closed, on_run, on_gap, choose
    cdef int64_t run_limit, all_limit, waiting
    cdef bint turns, times
    cdef readonly list gaps
    cdef dict open
    cdef object event_array
    cdef gofollow_event *polled
    cdef poll_function poll
    cpdef void drain(self) except *
    @cython.locals(count=int)
    cpdef int pull(self) except -1
    @cython.locals(at=int, kind=int, event=event_pointer, stream=Stream, run=Run)
    cdef void take(self, int count) except *
    @cython.locals(facts=bytes, number=uint64_t)
    cdef void begin(self, event_pointer event) except *
    @cython.locals(run=Run, last=Run, size=int64_t)
    cdef void add(self, Stream stream, event_pointer event) except *
    @cython.locals(size=int64_t)
    cdef void hand_on(self, Run run) except *
    @cython.locals(stream=Stream)
    cdef void hand_all_on(self) except *
    @cython.locals(client=Run, server=Run)
    cdef void hand_both_on(self, Stream stream) except *
    @cython.locals(stream=Stream)
    cdef void close(self, event_pointer event) except *
