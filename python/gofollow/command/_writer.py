"""Writes the files of a folder in a thread of its own, so that reading goes on meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress
from queue import Queue
from threading import Thread

from .._jobs import Job, write_jobs
from ._files import MORE, NEW, Folder, Lines, trouble
from ._session import Trouble

_BATCH = 1 << 20  # bytes that are handed to the thread together


class Batch:
    """Jobs, and lines of the index, each with the number of jobs that stand before it."""

    __slots__ = ("done", "jobs", "lines", "size")

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.lines: list[tuple[int, str]] = []
        self.done = self.size = 0


class Writer:
    """Writes files, and a line of an index when the files before it are written.

    What goes wrong in the thread is raised by the next call. Nothing is written after it.
    """

    def __init__(self, folder: Folder, index: str) -> None:
        self._folder, self._index = folder, index
        self._batch = Batch()
        self._batches: Queue[Batch | None] = Queue(4)
        self._lines: Lines | None = None
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def write(self, name: str, new: bool, at: int, pieces: list[bytes], size: int) -> None:
        """Write pieces, that have so many bytes of payload, at a place of a file."""
        self._batch.jobs.append(Job(name, NEW if new else MORE, at, pieces))
        self._add(size)

    def cut(self, name: str, length: int) -> None:
        """Give a file its length."""
        self._batch.jobs.append(Job(name, MORE, length, None))

    def line(self, text: str) -> None:
        """Write a line of the index."""
        self._batch.lines.append((len(self._batch.jobs), text))
        self._add(len(text))

    def _add(self, size: int) -> None:
        self._batch.size += size + 100
        if self._batch.size >= _BATCH:
            self.send()

    def send(self) -> None:
        """Hand to the thread what there is."""
        batch, self._batch = self._batch, Batch()
        if batch.jobs or batch.lines:
            self._batches.put(batch)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Wait until all is written."""
        self._batches.put(self._batch)
        self._batches.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            for batch in iter(self._batches.get, None):
                try:
                    self._do(batch)
                except Exception:
                    with suppress(Trouble):
                        self._note(batch)
                    raise
                self._note(batch)
        except Exception as error:  # raised where the batches come from
            self._error = error
            while self._batches.get() is not None:
                pass
        finally:
            if self._lines is not None:
                self._lines.close()

    def _do(self, batch: Batch) -> None:
        mended = -1
        while batch.done < len(batch.jobs):
            batch.done, why = write_jobs(self._folder.descriptor, batch.jobs, batch.done)
            if why:
                name = batch.jobs[batch.done].name
                error = OSError(why, os.strerror(why))
                try:
                    if batch.done == mended:
                        raise error
                    self._folder.mend(name, error)
                except OSError as error:
                    raise trouble(self._folder.file(name), error) from None
                mended = batch.done

    def _note(self, batch: Batch) -> None:
        """Write the lines of the index that stand behind jobs which are done."""
        lines = [line for before, line in batch.lines if before <= batch.done]
        if lines:
            if self._lines is None:
                self._lines = Lines(self._folder, self._index)
            self._lines.write("".join(lines).encode())
