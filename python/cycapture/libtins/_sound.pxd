"""The types with which Cython compiles _sound.py."""

cimport cython

cpdef object from_buffer(type cls, object buf)

@cython.locals(data='const unsigned char *', size=Py_ssize_t, at=Py_ssize_t, room=Py_ssize_t, protocol=int, words=int)
cpdef bint is_sound(object frame) except -1
