"""One handle of the engine: feeds, polls, decodes. Knows no TCP and no callbacks."""

import errno
import os
import stat
import struct
import threading
import weakref
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from . import _native
from ._native import constant, error_from_code, ffi
from ._options import make_config
from .errors import CaptureFileError, GofollowError, UsageError, file_error

# gofollow_event: kind, direction, reason, by, reordered, connection id, address of the connection's facts, time, packet, offset,
# length, address of the bytes, capture time. The addresses are valid until the next call that feeds or polls.
EVENT = struct.Struct("@BBBBB3xQPqQqQPq24x")
CONNECTION = struct.Struct("@Q16sHB5x16sHB5xqQPBBBBBBHP15Q15Qq")
CLOSED_AT, REASON_AT = (ffi.offsetof("gofollow_connection", name) for name in ("closed", "close_reason"))
RESET_TEXT = struct.Struct("@72xP6xHP")  # of a gofollow_connection the address of its separation, the text's length and address
STREAMS = struct.Struct("@PQqPQPQqPQ")  # two gofollow_stream: address, length, end, address of the gaps, how many
GAP = struct.Struct("@qQB7x")
_NAMES = {"event": EVENT, "connection": CONNECTION, "stream[2]": STREAMS, "gap": GAP}
if any(ffi.sizeof("gofollow_" + name) != described.size for name, described in _NAMES.items()):  # pragma: no cover
    raise ImportError("gofollow/_engine.py does not describe the structs of capi/gofollow.h")

POLL = 1024
_FEW = 8
_OTHERS = 257  # gofollow_others has no more
_FULL = constant("ERR_FULL")
NO_TIME = constant("NO_TIME")
_BUSY = constant("ERR_BUSY")
_NOTHING = constant("NOTHING")
_STREAMS_ALONE, _STREAMS_TOO = constant("STREAMS_ALONE"), constant("STREAMS_TOO")
_MOST = (1 << 63) - 1
_CLOSED = "this follower is closed: make a new one"
_CHAR_POINTER = ffi.typeof("const char *")


class Statistics(NamedTuple):
    """What a follower was given and what became of it. Counts, but for the fields whose names end in bytes."""

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
    """Encapsulated more deeply than is followed."""
    unknown: int
    """Segments of no connection that is followed."""
    after_close: int
    """Late segments of closed connections."""
    no_ack_flag: int
    """Segments without ACK outside SYN and RST; they are followed."""
    opened: int
    closed: dict[str, int]
    """Connections closed, by reason: fin, rst, timeout, reused, evicted, flush."""
    connections: int
    """Connections open now."""
    tombstones: int
    """Closed connections remembered now."""
    held_bytes: int
    """Held out of order now."""
    max_held_bytes: int
    """The most held at once so far."""
    events: int
    waiting: int
    datagrams: int
    """IP datagrams put together from fragments."""
    fragments_expired: int
    """Fragments whose datagram was not whole within 30 s, or when the follower was flushed."""
    fragments_dropped: int
    """Fragments that contradict others, or of which there were too many."""
    not_followed: dict[str, int]
    """What the packets of not_tcp and unknown_link were, by name, the most frequent first."""


CLOSE_REASONS = {constant("CLOSE_" + name.upper()): name for name in ("fin", "rst", "timeout", "reused", "evicted", "flush")}


class Progress(NamedTuple):
    """How far a file was read."""

    packets: int
    bytes_read: int
    total: int | None
    end: bool


class Frame(NamedTuple):
    """One packet on its way to the engine."""

    link_type: int
    data: bytes
    time_ns: int
    wire_length: int


class Sink(Protocol):
    """What becomes of the events."""

    def take(self, polled: memoryview) -> None:
        """Take polled events over, as gofollow_event structs. What they point to stays until run has returned."""

    def run(self) -> None:
        """Do what there is to do for events that were taken. After an exception it is called again, and goes on behind it."""


class Engine:
    """Wraps one handle. Every method that feeds hands all events to the sink before it returns or raises, unless they are to be pulled.

    An exception of the sink comes out; what the call had to feed and did not yet feed is not taken then, and resume goes on with the
    events. If an interrupt hits between a poll and the sink having taken everything, the engine is torn: it can only be closed, and
    tells its statistics.

    One thread at a time may feed; statistics can be read from any.
    """

    def __init__(
        self,
        options: Mapping[str, object],
        sink: Sink,
        whole: int | None = None,
        joined: int = 0,
        half_closed: bool = True,
        pulled: bool = False,
    ) -> None:
        """Make a follower.

        If whole is given, only closed connections come out, with so many bytes of payload per direction at most; if joined is, other
        events come out too. With pulled, events stay in the library until pull is called, but when the queue is full.
        """
        config = make_config(options)
        if whole is not None:
            config.whole_streams = _STREAMS_ALONE
            config.max_payload = min(whole, _MOST) or _NOTHING
        elif joined:
            config.whole_streams = _STREAMS_TOO
            config.max_payload = joined
        config.no_half_closed = not half_closed
        self._lib: Any = _native.library()
        handle = ffi.new("gofollow_t *")
        code = self._lib.gofollow_create(handle, config)
        if code < 0:
            raise error_from_code(code)
        self._handle: int = handle[0]
        self.feed_poll, self._poll = self._lib.gofollow_feed_poll, self._lib.gofollow_poll
        self._sink = sink
        self._pulled = pulled
        self._alone = threading.RLock()  # the library refuses calls that overlap
        self._process = os.getpid()
        self.thread = 0  # the one that feeds, or did so last
        self.torn = False
        self.stopped = False
        self._left = False  # whether the sink was stopped by an exception
        self._abandoned = False  # whether the capture is to be ended once the sink has taken what is left
        self.events: Any = ffi.new("gofollow_event[]", POLL)
        self.feeding: Any = ffi.new("gofollow_feeding *", {"f": self._handle, "events": self.events, "max": POLL})
        self._event_bytes = memoryview(ffi.buffer(self.events))
        self._few = [self._event_bytes[: count * EVENT.size] for count in range(_FEW)]  # what one packet makes, ready
        self._consumed: Any = ffi.new("size_t *")
        self._final_statistics: Statistics | None = None
        self._finalizer = weakref.finalize(self, _destroy, self._lib, self._handle, self._process)
        self._finalizer.atexit = False

    def feed_packet(self, frame: Frame) -> None:
        """Feed one packet."""
        data = ffi.from_buffer(frame.data)
        while True:
            code = self._call(self._lib.gofollow_feed, self.handle(), frame.link_type, frame.time_ns, data, len(data), frame.wire_length)
            if code:
                self._after(code)
            if code != _FULL:
                return

    def feed_batch(self, frames: Sequence[Frame]) -> None:
        """Feed packets. At an error those before the faulty one were taken."""
        count = len(frames)
        packets = ffi.new("gofollow_packet[]", count)
        kept = [ffi.from_buffer(frame.data) for frame in frames]
        for packet, frame, data in zip(packets, frames, kept, strict=True):
            packet.ts_ns = frame.time_ns
            packet.bytes = data
            packet.captured = len(data)
            packet.original = frame.wire_length
            packet.link_type = frame.link_type
        done = 0
        while done < count:
            code = self._call(self._lib.gofollow_feed_batch, self.handle(), packets + done, count - done, self._consumed)
            done += self._consumed[0]
            self._after(code)

    def feed_joined(self, link_type: int, packets: Sequence[bytes]) -> None:
        """Feed whole packets without times, of one link type: a fifth of what feed_batch costs."""
        lengths = array("I", map(len, packets))
        joined, sizes = ffi.from_buffer(b"".join(packets)), ffi.from_buffer("uint32_t[]", lengths)
        start = done = 0
        while done < len(lengths):
            count = len(lengths) - done
            code = self._call(
                self._lib.gofollow_feed_joined, self.handle(), link_type, joined + start, sizes + done, count, self._consumed
            )
            start += sum(lengths[done : done + self._consumed[0]])
            done += self._consumed[0]
            self._after(code)

    def feed_capture(self, data: bytes) -> None:
        """Feed bytes of a capture file, cut anywhere. After an error end_capture must be called before the next capture."""
        buffer = ffi.from_buffer(data)
        start, size = ffi.cast(_CHAR_POINTER, buffer), len(buffer)
        done = 0
        while True:
            code = self._call(self._lib.gofollow_feed_capture, self.handle(), start + done, size - done, self._consumed)
            done += self._consumed[0]
            self._after(code)
            if code != _FULL:
                return

    def end_capture(self) -> None:
        """Say that the capture is complete, or close the opened file."""
        self._repeat(self._lib.gofollow_end_capture)

    def abandon_capture(self) -> None:
        """End a capture whose reading stopped: now, or in resume if events are left, which the next poll would overwrite."""
        self._abandoned = True
        if self._left:
            return
        try:
            self.end_capture()
        except GofollowError:
            pass  # what stopped the reading says more
        self._abandoned = False

    def open_file(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None:
        """Open a capture file for read_file.

        Raises CaptureFileError with errno and filename, CaptureError if it is no capture.
        """
        encoded, name = os.fsencode(path), os.fsdecode(path)
        if b"\0" in encoded:
            raise CaptureFileError(errno.EINVAL, "a path has no NUL characters", name)
        try:
            mode = os.stat(encoded).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if stat.S_ISREG(mode):  # opening a pipe has effects
                os.close(os.open(encoded, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise file_error(error, name) from None
        self._after(self._call(self._lib.gofollow_open_file, self.handle(), encoded))

    def read_file(self, max_packets: int) -> Progress:
        """Follow up to so many packets of the opened file, perhaps fewer."""
        progress = ffi.new("gofollow_progress *")
        progress.size = ffi.sizeof("gofollow_progress")
        code = self._call(self._lib.gofollow_read_file, self.handle(), max_packets, progress)
        self._after(code)
        return Progress(progress.packets, progress.bytes_read, progress.file_size or None, bool(progress.end))

    def flush(self) -> None:
        """End every connection."""
        self._repeat(self._lib.gofollow_flush)

    def advance_time(self, time_ns: int) -> None:
        """Say what time it is, in nanoseconds since 1970: what is overdue expires."""
        self._repeat(self._lib.gofollow_advance_time, time_ns)

    def statistics(self) -> Statistics:
        """Return the counts so far; after close those at its time."""
        if self._final_statistics is not None:
            return self._final_statistics
        raw = ffi.new("gofollow_statistics *")
        raw.size = ffi.sizeof("gofollow_statistics")
        if not self._finalizer.alive:
            raise UsageError(_CLOSED)
        others: list[tuple[str, int, bool]] = []
        code = self._call(self._ask, raw, others)
        if code < 0:
            raise self._error(code)
        values: dict[str, Any] = {name: getattr(raw, name, None) for name in Statistics._fields}
        values["not_followed"] = {name: packets for name, packets, _ in others}
        values["closed"] = {name: raw.closed[number] for number, name in CLOSE_REASONS.items()}
        return Statistics(**values)

    def unknown_links(self) -> dict[str, int]:
        """Return how many packets are of link types that are not followed, by name."""
        if not self._finalizer.alive:
            return {}
        others: list[tuple[str, int, bool]] = []
        self._call(self._name_others, others)
        return {name: packets for name, packets, is_link_type in others if is_link_type}

    def _ask(self, raw: Any, others: list[tuple[str, int, bool]]) -> int:
        code: int = self._lib.gofollow_stats(self._handle, raw)
        return self._name_others(others) if code >= 0 and raw.not_tcp + raw.unknown_link else code

    def _name_others(self, others: list[tuple[str, int, bool]]) -> int:
        found = ffi.new("gofollow_other[]", _OTHERS)
        count: int = self._lib.gofollow_others(self._handle, found, _OTHERS)
        for other in found[0 : max(0, min(count, _OTHERS))]:
            others.append((ffi.string(other.name).decode("utf-8", "replace"), other.packets, bool(other.link_type)))
        return count

    def said(self, connection: int, direction: int, size: int) -> bytes:
        """Return the first bytes that a side of an open connection said, where the engine joins streams beside giving their events.

        From any thread. Raises UsageError if the connection is not open.
        """
        if not self._finalizer.alive:
            raise UsageError(_CLOSED)
        buffer = ffi.new("char[]", size)
        count = self._call(self._lib.gofollow_said, self._handle, connection, direction, buffer, size)
        if count < 0:
            raise self._error(count)
        return bytes(ffi.buffer(buffer, count))

    def stop(self) -> None:
        """Let nothing be fed any more. A call that feeds, in another thread or around this one, stops when it comes to the next packet.

        It may still look at what the library has, so that only who knows of no such call may call close.
        """
        self.stopped = True
        self.feeding.f = 0

    @property
    def closed(self) -> bool:
        return self.stopped or not self._finalizer.alive

    def close(self) -> None:
        """Free the handle and every event that waits. Idempotent, and harmless in a forked child."""
        if self._finalizer.alive:
            try:
                self._final_statistics = self.statistics()
            except GofollowError:
                pass  # forked, or a fault that a call that feeds has said or will say
            finally:
                self._finalizer()

    def handle(self) -> int:
        """Return the handle, where it can be fed.

        A loop that does without this object for each packet asks once, and calls feed_poll, which is gofollow_feed_poll, with feeding.
        It gives what that moved to hand_over; what it does not take, feed_packet takes. Whatever exception leaves the loop, it calls
        rescue.
        """
        if self.closed:
            raise UsageError(_CLOSED)
        if self.torn:
            raise UsageError("this follower was interrupted while it took events over, and lost some: make a new one")
        return self._handle

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        if os.getpid() != self._process:  # a thread that is not in this process may hold the lock; the library says what is wrong
            return function(*arguments)
        with self._alone:
            while (code := function(*arguments)) == _BUSY:
                pass  # another thread feeds a packet or polls without the lock: microseconds
            return code

    def _error(self, code: int) -> GofollowError:
        if os.getpid() != self._process:
            return error_from_code(code, self._handle)
        with self._alone:
            return error_from_code(code, self._handle)

    def _repeat(self, function: Callable[..., int], *arguments: int) -> None:
        while True:
            code = self._call(function, self.handle(), *arguments)
            self._after(code)
            if code != _FULL:
                return

    def resume(self) -> None:
        """Begin to feed from this thread. Go on with events that an exception of the sink stopped."""
        self.thread = threading.get_ident()
        if self.torn:
            return
        if self._left:
            self._sink.run()
            self.drain()
        if self._abandoned:
            self.abandon_capture()

    def _after(self, code: int) -> None:
        """Hand all waiting events to the sink, then raise if code is an error other than a full queue."""
        if code == _FULL or (code > 0 and not self._pulled):
            self.drain()
        elif code < 0:
            error = self._error(code)
            try:
                if not self._pulled:
                    self.drain()
            except GofollowError:
                pass  # says no more than the first
            raise error

    def hand_over(self, count: int) -> None:
        """Hand the events that feed_poll moved, and those behind them, to the sink."""
        sink = self._sink
        sink.take(self._few[count] if count < _FEW else self._event_bytes[: count * EVENT.size])
        self._left = True  # an interrupt before is a matter for rescue
        sink.run()
        if count == POLL:
            self.drain()
        self._event_bytes[0] = 0
        self._left = False

    def rescue(self) -> None:
        """Keep for resume what feed_poll moved and nobody handed over, an interrupt having come between."""
        # Between calls the first event has no kind, so what is there was not taken.
        if self._event_bytes[0] and not self._left:
            kinds = self._event_bytes[:: EVENT.size].tolist()
            self.torn = True
            self._left = True
            self._sink.take(self._event_bytes[: [*kinds, 0].index(0) * EVENT.size])
            self.torn = False

    def pull(self, at_once: int) -> Iterator[None]:
        """Hand waiting events to the sink, so many at a time."""
        count = at_once
        while count == at_once:
            count = self._call(self._poll, self.handle(), self.events, at_once)
            if count < 0:
                raise self._error(count)
            self._sink.take(self._event_bytes[: count * EVENT.size])
            self._sink.run()
            yield

    def drain(self) -> None:
        """Hand all waiting events to the sink."""
        sink = self._sink
        self._left = True
        while True:
            if self.stopped:
                raise UsageError(_CLOSED)
            self.torn = True
            count = self._poll(self._handle, self.events, POLL)
            if count == _BUSY:
                count = self._call(self._poll, self._handle, self.events, POLL)
            if count > 0:
                sink.take(self._few[count] if count < _FEW else self._event_bytes[: count * EVENT.size])
            self.torn = False
            if count < 0:
                raise self._error(count)
            sink.run()
            if count < POLL:
                break
        self._event_bytes[0] = 0
        self._left = False


def _destroy(lib: Any, handle: int, process: int) -> None:
    if os.getpid() == process:
        lib.gofollow_destroy(handle)
