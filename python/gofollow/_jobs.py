# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""Writes many files in one call, for the command: without Python's lock, where it is compiled.

As _core.py, it runs as it stands and is compiled with the types of _jobs.pxd.
"""

from __future__ import annotations

import os

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _jobs.pxd has the same
    from ._plain import carry_out


class Job:
    """What is done with one file: pieces are written at a place of it; with None for pieces that is its length.

    flags are those of os.open.
    """

    __slots__ = ("at", "flags", "name", "path", "pieces")

    def __init__(self, name: str, flags: int, at: int, pieces: list[bytes] | None) -> None:
        self.name, self.path = name, os.fsencode(name)
        self.flags, self.at, self.pieces = flags, at, pieces


def write_jobs(folder: int, jobs: list[Job], done: int) -> tuple[int, int]:
    """Do the jobs from that one on, with names in a folder that is open.

    Return how many are done then, and the error number of what the next one fails with, or 0.
    """
    return carry_out(folder, jobs, done)
