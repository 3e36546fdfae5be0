"""The types with which Cython compiles _rows.py."""

cimport cython
from libc.stdint cimport int64_t, uint64_t
from gofollow._gather cimport Gather, Run, Stream

cdef int64_t NO_TIME

cdef class Rows:
    cdef bint want_connections, numbered
    cdef object choose
    cdef Gather gather
    cdef list connections, turns
    cdef dict open
    cdef int64_t size, waiting, waiting_limit, batch_rows, batch_bytes
    cpdef bint pull(self) except *
    cpdef bint full(self) except *
    @cython.locals(conversation=Conversation)
    cdef Conversation conversation(self, Stream stream)
    @cython.locals(conversation=Conversation, turn=Turn, length=int64_t, side=int)
    cpdef run(self, Run run)
    cpdef gap(self, Run run, int64_t offset, int64_t length, int reason, int64_t time_ns)
    @cython.locals(conversation=Conversation, turn=Turn)
    cpdef closed(self, bytes facts, Stream stream)
    cdef void split(self, Conversation conversation, Turn turn) except *
    @cython.locals(conversation=Conversation, turn=Turn)
    cdef void split_all(self) except *
    cdef void end_part(self, Conversation conversation, Turn turn) except *
    cdef tuple connection(self, bytes facts, object known)

@cython.final
cdef class Turn:
    cdef int64_t end, first_ns, last_ns, missing, number, offset, part, size
    cdef int side
    cdef list pieces

@cython.final
cdef class Conversation:
    cdef object connection_id
    cdef Turn client, server
    cdef int side
    cdef int64_t count
    cdef list missing, first_gaps
    @cython.locals(turn=Turn)
    cdef Turn begin(self, int side)
    cdef Turn put(self, Turn turn)
    cpdef lose(self, int side, int64_t length, int64_t offset, int64_t time_ns)
    @cython.locals(turn=Turn)
    cdef Turn empty(self, int side)
    @cython.locals(other=int)
    cdef void settle(self, Turn turn) except *
    @cython.locals(turn=Turn, first=Turn)
    cdef list end(self)

cdef tuple times_of(int64_t time_ns)
