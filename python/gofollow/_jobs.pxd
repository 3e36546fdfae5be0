"""The types with which Cython compiles _jobs.py, and how it writes files without Python's lock."""

cimport cython
from cpython.bytes cimport PyBytes_AsString, PyBytes_Size
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EINTR, errno
from libc.stdint cimport int64_t

cdef extern from "<fcntl.h>" nogil:
    int openat(int folder, const char *name, int flags, ...)

cdef extern from "<unistd.h>" nogil:
    int close(int file)
    int ftruncate(int file, int64_t length)

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len
    Py_ssize_t pwritev(int file, const iovec *pieces, int count, int64_t at)

cdef enum:
    MOST_PIECES = 1024  # of one system call

@cython.final
cdef class Job:
    cdef readonly object name
    cdef bytes path
    cdef int flags
    cdef int64_t at
    cdef list pieces

cdef struct plan:
    const char *path
    int flags
    int64_t at
    iovec *pieces
    Py_ssize_t count  # -1: the file gets its length

cdef inline int carry_out_one(int folder, plan *job) noexcept nogil:
    cdef int file = -1, why = 0
    while file < 0:
        file = openat(folder, job.path, job.flags, 0o666)
        if file < 0 and errno != EINTR:
            return errno
    if job.count < 0:
        while ftruncate(file, job.at) < 0 and why == 0:
            why = 0 if errno == EINTR else errno
    else:
        why = write_pieces(file, job)
    close(file)
    return why

cdef inline int write_pieces(int file, plan *job) noexcept nogil:
    cdef iovec *pieces = job.pieces
    cdef Py_ssize_t left = job.count, written
    cdef int64_t at = job.at
    while left:
        written = pwritev(file, pieces, <int> (left if left < MOST_PIECES else MOST_PIECES), at)
        if written < 0:
            if errno == EINTR:
                continue
            return errno
        at += written
        while left and <size_t> written >= pieces.iov_len:
            written -= pieces.iov_len
            pieces += 1
            left -= 1
        if written:
            pieces.iov_base = <char *> pieces.iov_base + written
            pieces.iov_len -= written
    return 0

cdef inline tuple carry_out(int folder, list jobs, Py_ssize_t done):
    cdef Py_ssize_t at = 0, count = len(jobs) - done, pieces = 0
    cdef int why = 0
    cdef Job job
    cdef bytes piece
    for job in jobs[done:]:
        if job.pieces is not None:
            pieces += len(job.pieces)
    cdef plan *plans = <plan *> PyMem_Malloc(count * sizeof(plan) + pieces * sizeof(iovec))
    if plans == NULL:
        raise MemoryError
    cdef iovec *next = <iovec *> (plans + count)
    for job in jobs[done:]:
        plans[at] = plan(PyBytes_AsString(job.path), job.flags, job.at, next, -1)
        if job.pieces is not None:
            plans[at].count = len(job.pieces)
            for piece in job.pieces:
                next[0] = iovec(PyBytes_AsString(piece), PyBytes_Size(piece))
                next += 1
        at += 1
    with nogil:
        at = 0
        while at < count and why == 0:
            why = carry_out_one(folder, &plans[at])
            at += why == 0
    PyMem_Free(plans)
    return done + at, why
