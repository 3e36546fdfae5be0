"""One handle of the engine: options, captures, statistics. Events and callbacks are in _core.py."""

import errno
import os
import stat
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import _native
from ._events import CLOSE_REASONS
from ._native import LARGEST, constant, error_from_code, ffi
from ._options import make_config
from .errors import CaptureFileError, GofollowError, UsageError, file_error

_KINDS = 257  # gofollow_not_followed has no more
_FULL, _BUSY = constant("ERR_FULL"), constant("ERR_BUSY")
_CLOSED = "this follower is closed: make a new one"
_CHAR_POINTER = ffi.typeof("const char *")


class Statistics(NamedTuple):
    """The counts of a follower. Fields whose names end in bytes are in bytes."""

    packets: int
    """Packets taken."""
    bytes: int
    """Their captured bytes."""
    segments: int
    """TCP segments among them."""
    not_tcp: int
    fragments: int
    malformed: int
    bad_checksum: int
    unknown_link: int
    too_deep: int
    """Packets with more headers than are decoded."""
    no_connection: int
    """Segments that belong to no connection and open none."""
    after_close: int
    """Late segments of closed connections."""
    no_ack_flag: int
    """Segments without ACK outside SYN and RST; they are followed."""
    opened: int
    closed: dict[str, int]
    """Connections closed, by reason: fin, rst, timeout, reused, evicted, flush."""
    connections: int
    """Connections open now."""
    closed_connections: int
    """Closed connections remembered now."""
    held_bytes: int
    """Out-of-order bytes held now."""
    max_held_bytes: int
    """The maximum of bytes held at once."""
    events: int
    waiting: int
    datagrams: int
    """IP datagrams reassembled from fragments."""
    fragments_expired: int
    """Fragments whose datagram was incomplete after 30 s, or at a flush."""
    fragments_dropped: int
    """Fragments that contradict others or exceed a limit."""
    candidates_dropped: int
    """SYN candidates that max_candidates dropped."""
    closed_connections_dropped: int
    """Closed connections that a limit dropped before their time."""
    filtered: int
    """Of opened, those that the option filter leaves out."""
    not_followed: dict[str, int]
    """The packets of not_tcp and unknown_link by name, the most frequent first."""


class Progress(NamedTuple):
    """How far a file was read."""

    packets: int
    bytes_read: int
    total: int | None
    end: bool


class Engine:
    """Wraps one handle: everything but feeding packets and polling, which Core does.

    Calls leave events waiting; the methods that say so stop where the library's queue is full: poll,
    call again. One thread at a time may feed; statistics can be read from any.
    """

    def __init__(self, options: Mapping[str, object], half_closed: bool = True) -> None:
        config = make_config(options)
        config.no_half_closed = not half_closed
        self._lib: Any = _native.library()
        handle = ffi.new("gofollow_t *")
        code = self._lib.gofollow_create(handle, config)
        if code < 0:
            raise error_from_code(code)
        self.number: int = handle[0]
        self._alone = threading.RLock()  # the library refuses calls that overlap
        self._process = os.getpid()
        self._consumed: Any = ffi.new("size_t *")
        self._next_time: Any = ffi.new("int64_t *")
        self._packets: Any = ffi.new("gofollow_packet[]", 1)
        self._final_statistics: Statistics | None = None
        self._finalizer = weakref.finalize(self, _destroy, self._lib, self.number, self._process)
        self._finalizer.atexit = False

    def feed_capture(self, data: bytes, start: int) -> int:
        """Feed bytes of a capture file from a position on, cut anywhere; return how many were taken.

        They are fewer where the queue is full. After an error end_capture must be called before the next capture.
        """
        rest = ffi.cast(_CHAR_POINTER, ffi.from_buffer(data)) + start
        self._after(self._call(self._lib.gofollow_feed_capture, self.number, rest, len(data) - start, self._consumed))
        return int(self._consumed[0])

    def end_capture(self) -> bool:
        """Say that the capture is complete, or close the opened file. Return whether the queue had room for it."""
        return self._after(self._call(self._lib.gofollow_end_capture, self.number)) != _FULL

    def abandon_capture(self) -> None:
        """End a capture whose reading stopped: nothing more of it is followed."""
        self._after(self._call(self._lib.gofollow_abandon_capture, self.number))

    def open_file(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None:
        """Open a capture file for read_file.

        Raises CaptureFileError with errno and filename, CaptureError if it is not a capture.
        """
        encoded, name = os.fsencode(path), os.fsdecode(path)
        if b"\0" in encoded:
            raise CaptureFileError(errno.EINVAL, "a path must not contain NUL characters", name)
        try:
            mode = os.stat(encoded).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if stat.S_ISREG(mode):  # opening a pipe has effects
                os.close(os.open(encoded, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise file_error(error, name) from None
        self._after(self._call(self._lib.gofollow_open_file, self.number, encoded))

    def read_file(self, max_packets: int) -> Progress:
        """Follow up to so many packets of the opened file, perhaps fewer."""
        progress = ffi.new("gofollow_progress *")
        progress.size = ffi.sizeof("gofollow_progress")
        self._after(self._call(self._lib.gofollow_read_file, self.number, max_packets, progress))
        return Progress(progress.packets, progress.bytes_read, progress.file_size or None, bool(progress.end))

    def ignore(self, connection_id: int) -> None:
        """End the interest in a connection: of its events only closed follows. Those that were polled stay valid.

        Raises OptionError for an id that no connection has had yet.
        """
        self._after(self._call(self._lib.gofollow_ignore, self.number, connection_id))

    def select_capture(self, number: int, until_ns: int = LARGEST) -> None:
        """Choose which of several captures the calls about captures mean, and the time whose packets wait (see next_time)."""
        self._after(self._call(self._lib.gofollow_select_capture, self.number, number, until_ns))

    def next_time(self) -> int | None:
        """Return the time of the packet of the selected capture that waits for its turn, None if none waits."""
        return int(self._next_time[0]) if self._after(self._call(self._lib.gofollow_next_time, self.number, self._next_time)) else None

    def feed_packets(self, packets: Sequence[tuple[int, int, bytes, int]], start: int) -> int:
        """Feed packets (link type, time in ns, bytes, length on the wire) from a position on; return how many were taken.

        They are fewer where the queue is full.
        """
        count = len(packets) - start
        if len(self._packets) < count:
            self._packets = ffi.new("gofollow_packet[]", count)
        frames = []  # alive until the call is over
        for packet, (link_type, time_ns, data, length) in zip(self._packets, packets[start:], strict=False):
            frame = ffi.from_buffer(data)
            frames.append(frame)
            packet.link_type, packet.ts_ns, packet.bytes, packet.captured, packet.original = link_type, time_ns, frame, len(data), length
        self._after(self._call(self._lib.gofollow_feed_batch, self.number, self._packets, count, self._consumed))
        return int(self._consumed[0])

    def advance_time(self, time_ns: int) -> bool:
        """Say what time it is. Return whether all that is overdue ended: the queue may fill up before."""
        return self._after(self._call(self._lib.gofollow_advance_time, self.number, time_ns)) != _FULL

    def defragment(self, packets: Any, count: int, out: Any) -> Any:
        """Put datagrams together from an array of gofollow_packet; return those that are whole, valid until the next call."""
        found = self._after(self._call(self._lib.gofollow_defragment, self.number, packets, count, out))
        return out[0][0:found] if found > 0 else ()

    def flush(self) -> bool:
        """End every connection. Return whether that is done: the queue may fill up before."""
        return self._after(self._call(self._lib.gofollow_flush, self.number)) != _FULL

    def statistics(self) -> Statistics:
        """Return the counts so far; after close those at its time."""
        if self._final_statistics is not None:
            return self._final_statistics
        raw = ffi.new("gofollow_statistics *")
        raw.size = ffi.sizeof("gofollow_statistics")
        if not self._finalizer.alive:
            raise UsageError(_CLOSED)
        kinds: list[tuple[str, int, bool]] = []
        code = self._call(self._ask, raw, kinds)
        if code < 0:
            raise self._error(code)
        values: dict[str, Any] = {name: getattr(raw, name, None) for name in Statistics._fields}
        values["not_followed"] = {name: packets for name, packets, _ in kinds}
        values["closed"] = {name: raw.closed[number] for number, name in CLOSE_REASONS.items()}
        return Statistics(**values)

    def unknown_links(self) -> dict[str, int]:
        """Return how many packets are of link types that are not followed, by name."""
        if not self._finalizer.alive:
            return {}
        kinds: list[tuple[str, int, bool]] = []
        self._call(self._name_kinds, kinds)
        return {name: packets for name, packets, is_link_type in kinds if is_link_type}

    def _ask(self, raw: Any, kinds: list[tuple[str, int, bool]]) -> int:
        code: int = self._lib.gofollow_stats(self.number, raw)
        return self._name_kinds(kinds) if code >= 0 and raw.not_tcp + raw.unknown_link else code

    def _name_kinds(self, kinds: list[tuple[str, int, bool]]) -> int:
        found = ffi.new("gofollow_not_followed_kind[]", _KINDS)
        count: int = self._lib.gofollow_not_followed(self.number, found, _KINDS)
        for kind in found[0 : max(0, min(count, _KINDS))]:
            kinds.append((ffi.string(kind.name).decode("utf-8", "replace"), kind.packets, bool(kind.link_type)))
        return count

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def close(self) -> None:
        """Free the handle and every event that waits. Idempotent, and harmless in a forked child."""
        if self._finalizer.alive:
            try:
                self._final_statistics = self.statistics()
            except GofollowError:
                pass  # forked, or a fault that a call that feeds has said or will say
            finally:
                self._finalizer()

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        if os.getpid() != self._process:  # a thread that is not in this process may hold the lock; the library says what is wrong
            return function(*arguments)
        with self._alone:
            while (code := function(*arguments)) == _BUSY:
                pass  # another thread feeds a packet or polls without the lock: microseconds
            return code

    def _error(self, code: int) -> GofollowError:
        if os.getpid() != self._process:
            return error_from_code(code, self.number)
        with self._alone:
            return error_from_code(code, self.number)

    def _after(self, code: int) -> int:
        """Raise if a code is an error other than a full queue."""
        if code < 0 and code != _FULL:
            raise self._error(code)
        return code


def _destroy(lib: Any, handle: int, process: int) -> None:
    if os.getpid() == process:
        lib.gofollow_destroy(handle)
