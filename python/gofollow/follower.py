"""TCPStreamFollower, follow and events."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ._core import Callback, Core, TCPStream
from ._engine import Engine, Progress, Statistics
from ._events import BATCH, Event, EventCollector
from ._frames import LinkType, frame_of, is_scapy
from ._options import Seconds, make_kept
from .errors import (
    CaptureError,
    ForkedError,
    GofollowError,
    GofollowWarning,
    InternalError,
    LostEventsError,
    OptionError,
    file_error,
)

if TYPE_CHECKING:
    from ._frames import Timestamp

ProgressCallback = Callable[[int, int, int | None], object]
CaptureSource = str | bytes | os.PathLike[str] | os.PathLike[bytes] | BinaryIO
_Self = TypeVar("_Self", bound="TCPStreamFollower")

# So much in one native call, so that Ctrl-C is answered within a tenth of a second.
_PACKETS_PER_CALL = 20000
_BYTES_PER_CALL = 256 * 1024


def _read_capture(engine: Engine, core: Core | None, source: Any) -> Generator[Progress, None, None]:
    """Feed a capture to the engine, a piece per step, after each of which the events are to be polled. Raises at a fault."""
    if hasattr(source, "read"):
        yield from _read_stream(engine, core, source)
        return
    if not isinstance(source, (str, bytes, os.PathLike)):
        raise TypeError(f"a capture is a path or a binary file object, not {type(source).__name__}")
    if _is_pipe(source):
        yield from _read_pipe(engine, core, source)
        return
    engine.open_file(source)
    ended = False
    try:
        while not ended:
            progress = engine.read_file(_PACKETS_PER_CALL)
            ended = progress.end
            yield progress
    finally:
        if not ended:
            _abandon(engine, core)


def _abandon(engine: Engine, core: Core | None) -> None:
    """End a capture whose reading stopped: at once, or after the events that the next call would overwrite."""
    if core is not None and core.unfinished():
        core.abandoned = engine.abandon_capture
    elif not engine.closed:
        engine.abandon_capture()


def _is_pipe(path: Any) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False  # open_file says it
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _read_pipe(engine: Engine, core: Core | None, path: Any) -> Generator[Progress, None, None]:
    """Read what may make us wait through Python, so that Ctrl-C is answered."""
    try:
        pipe = io.FileIO(path)
    except OSError as error:
        raise file_error(error, os.fsdecode(path)) from None
    with pipe:
        try:
            yield from _read_stream(engine, core, pipe)
        except OSError as error:
            if isinstance(error, GofollowError):
                raise
            raise file_error(error, os.fsdecode(path)) from None


def _size_of_rest(stream: Any) -> int | None:
    if not isinstance(stream, (io.BufferedReader, io.BufferedRandom, io.FileIO)):
        return None  # what decompresses, say, has the file number of the file that it decompresses
    try:
        facts = os.fstat(stream.fileno())
        return max(0, facts.st_size - stream.tell()) or None if stat.S_ISREG(facts.st_mode) else None
    except (AttributeError, OSError, ValueError):
        return None


def _reader_of(stream: Any) -> Callable[[int], Any]:
    """Return what reads from a pipe as much as there is, where BufferedReader.read would wait for a whole piece."""
    try:
        # Of a non-blocking file read1 cannot tell nothing yet from the end.
        if isinstance(stream, io.BufferedReader) and os.get_blocking(stream.fileno()):
            return stream.read1
    except (OSError, ValueError):
        pass
    read: Callable[[int], Any] = stream.read
    return read


def _read_stream(engine: Engine, core: Core | None, stream: Any) -> Generator[Progress, None, None]:
    total = _size_of_rest(stream)
    before = engine.statistics().packets
    done, ended = 0, False
    try:
        read = _reader_of(stream)
        while piece := read(_BYTES_PER_CALL):
            if isinstance(piece, str):
                raise TypeError("the file object gives text: open the capture in binary mode, open(path, 'rb')")
            if type(piece) is not bytes:
                piece = bytes(memoryview(piece))
            taken = 0
            while taken < len(piece):
                taken += engine.feed_capture(piece, taken)
                yield Progress(engine.statistics().packets - before, done + taken, total, False)
            done += taken
        if piece is None:
            raise BlockingIOError(errno.EAGAIN, "the file object is non-blocking and has no data now: open it in blocking mode")
        while not engine.end_capture():
            yield Progress(engine.statistics().packets - before, done, total, False)
        ended = True
    finally:
        if not ended:
            _abandon(engine, core)


class _Links:
    """Warns, once for a follower, of packets of link types that are not followed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._warned = False

    def warn(self) -> None:
        """Warn if packets that were fed are of a link type that is not followed."""
        if self._warned or not (unknown := self._engine.unknown_links()):
            return
        self._warned = True
        names = ", ".join(f"{name} ({count} packets so far)" for name, count in unknown.items())
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            level, frame = level + 1, frame.f_back
        warnings.warn(
            f"{names}: gofollow does not look into it, so nothing of it is followed. If you gave the link type with the packets, check it; "
            "otherwise convert the capture, or record it with another link type: docs/encapsulations.md lists those that are followed",
            GofollowWarning,
            level,
        )


_PACKAGE = os.path.dirname(__file__)


class TCPStreamFollower:
    """Follows TCP connections through packets and calls back with what each side said.

    data_callback(stream) runs once for every packet and direction that brought new data, after all of that packet's data and gaps;
    end_callback(stream) once, when the connection is closed, after the data callbacks of that packet. Both take a TCPStream, and both may
    be None. An exception in one comes out of the call that fed (StopIteration as the cause of a RuntimeError); the packets are taken and
    what callbacks are still due run at the next feed, flush or close.

    Options (times in seconds of capture time, sizes in bytes; None is the engine's default, math.inf or "never" no timeout):
        midstream: also follow connections whose SYN was not captured.
        close_on: "both" directions' FIN, or "first-fin" of either as libtins' follower.
        rst: which resets are believed: "lenient" (in the window), "strict" (RFC 5961), "ignore".
        overlap: whose bytes win among held segments: "first", "last" or a system's habit, such as "linux".
        gap_patience: how long a missing range is waited for after it was acknowledged; 0: not.
        checksum: "off", or "verify" to drop segments with a wrong one.
        urgent: "inline", or "oob" to take the urgent byte out of the stream.
        separate: what tells equal addresses and ports apart: "none", the "vlan" ids, the "tunnel" ids that both directions share (VNI,
            VSID, GRE key) or else the outer addresses, or "both". TCPStream.separation says it of a connection.
        keep_payload: how much payload streams keep per direction: "all", "none" or a number of bytes.
        keep_payload_total: how many bytes all open streams keep together (no limit); what comes then is not kept.
        keep_gaps: how many gaps, and chunks between them, streams list per direction (65536); counters count all.
        record: what streams keep of the conversation's order: "turns" (the default, unless keep_payload is "none"), "segments" (turns, and
            each piece of data as it was delivered) or "none".
        keep_turns, keep_segments: how many of these a stream lists (65536).
        handshake_timeout (60), idle_timeout (7440), half_closed_timeout (600), rst_linger (1), close_linger (130), stray_linger (5),
        reuse_idle (5), hole_age (30), one_sided_age (3): timeouts.
        max_held_bytes (16 MiB), max_held_segments (16384): held out of order in one direction.
        max_total_held_bytes (256 MiB), max_connections (1000000), max_closed_connections (1000000), max_candidates (65536), max_far_bytes
        (64 MiB): limits.

    Raises TypeError for a callback that cannot be called, OptionError for a value that is not allowed, ForkedError in a child of a
    process that used gofollow.
    """

    _stream_class: type[TCPStream] = TCPStream  # of what callbacks are given

    def __init__(
        self,
        data_callback: Callback | None = None,
        end_callback: Callback | None = None,
        *,
        midstream: bool = True,
        close_on: str = "both",
        rst: str = "lenient",
        overlap: str = "first",
        gap_patience: Seconds = 0.5,
        checksum: str = "off",
        urgent: str = "inline",
        separate: str = "none",
        keep_payload: int | str = "all",
        keep_payload_total: int | None = None,
        keep_gaps: int | None = None,
        record: str | None = None,
        keep_turns: int | None = None,
        keep_segments: int | None = None,
        handshake_timeout: Seconds = None,
        idle_timeout: Seconds = None,
        half_closed_timeout: Seconds = None,
        rst_linger: Seconds = None,
        close_linger: Seconds = None,
        stray_linger: Seconds = None,
        reuse_idle: Seconds = None,
        hole_age: Seconds = None,
        one_sided_age: Seconds = None,
        max_held_bytes: int | None = None,
        max_held_segments: int | None = None,
        max_total_held_bytes: int | None = None,
        max_connections: int | None = None,
        max_closed_connections: int | None = None,
        max_candidates: int | None = None,
        max_far_bytes: int | None = None,
    ) -> None:
        options = {name: value for name, value in locals().items() if name not in _NO_ENGINE_OPTIONS}
        for callback in (data_callback, end_callback):
            if callback is not None and not callable(callback):
                raise TypeError("data_callback and end_callback must be callables")
        kept = make_kept(keep_payload, keep_payload_total, keep_gaps, record, keep_turns, keep_segments)
        self._engine = Engine(options, half_closed=False)
        self._links = _Links(self._engine)
        self._core = Core(
            self._engine.number, data_callback, end_callback, self._stream_class, kept, self._links.warn, self._engine.close
        )

    def feed(self, pdu_iterator: Any) -> None:
        """Follow packets: a PDU, a list, or any iterator of them; what is no PDU is ignored.

        A PDU is a packet of scapy or dpkt, or any object, as cycapture's, whose class has the method
        __gofollow_frame__(). That returns (data, link_type, timestamp_ns): the frame's bytes, the
        number of its link type and its capture time in nanoseconds since 1970 UTC or None; or the
        same with its length on the wire as a fourth item; or None if it stands for no frame. For
        bytes there are feed_packet and feed_packets. The callbacks of a packet run before an
        iterator is asked for the next; a list or tuple is taken in batches, with the same callbacks.

        Raises TypeError for what is neither a PDU nor iterable, UsageError if this follower is feeding
        already or closed, LostEventsError after an interrupt inside the uncompiled core.
        """
        if frame_of(pdu_iterator) is not None:
            self._core.feed_items((pdu_iterator,), False)
        elif pdu_iterator is None or isinstance(pdu_iterator, (str, bytes, bytearray)) or is_scapy(pdu_iterator):
            self._core.feed_items((), False)
        else:
            self._core.feed_items(pdu_iterator, isinstance(pdu_iterator, (list, tuple)))

    def feed_packet(
        self,
        data: bytes | bytearray | memoryview,
        timestamp: Timestamp = None,
        link_type: int = LinkType.ETHERNET,
        wire_length: int | None = None,
    ) -> None:
        """Follow one packet, given as its bytes from the link layer on.

        timestamp is its capture time in seconds since 1970 UTC (int, float, or Decimal for full precision) or a datetime; None takes
        that of the packet before. wire_length is its length in bytes before the capture cut it. A frame that cannot be decoded is
        counted in statistics, and no error.

        Raises PacketTooLargeError above 16 MiB, UsageError as feed does.
        """
        self._core.feed_packet(data, timestamp, link_type, wire_length)

    def feed_packets(self, items: Iterable[Any], link_type: int | None = None, unit: str = "s") -> None:
        """Follow packets given as (timestamp, data), (timestamp, data, wire_length) or (timestamp, data, wire_length, link_type).

        timestamp, data and wire_length are as in feed_packet; with unit "ns" timestamps are integers, nanoseconds since 1970 UTC.
        link_type is that of items that name none; by default what items.datalink() says, as readers of captures have it, or Ethernet.
        Packets are taken in batches where no callback has to run before the next item is asked for: of a list or tuple, or without
        callbacks.

        Raises ValueError or TypeError for an item that is none of these, after those before it were followed; UsageError as feed does.
        """
        if unit not in ("s", "ns"):
            raise OptionError(f"unit={unit!r} is not possible: it must be 's' or 'ns'")
        if link_type is None:
            datalink = getattr(items, "datalink", None)
            link_type = int(datalink()) if callable(datalink) else LinkType.ETHERNET
        batched = self._core.calls_nobody() or isinstance(items, (list, tuple))
        self._core.feed_rows(items, link_type, unit == "ns", batched)

    def feed_file(self, path_or_file: CaptureSource, progress: ProgressCallback | None = None) -> None:
        """Follow a capture: a path, or a file object that gives bytes.

        It is pcap or pcapng, plain or compressed by gzip, zstd, xz, bzip2 or lz4; its first bytes say which, not its name.

        progress(packets, bytes_read, total) is called now and then with how far this capture was read; total is None where unknown.
        Nothing is flushed, so that captures that continue each other can be fed one after another.

        Raises CaptureFileError if it cannot be read; CaptureError if it is no capture or damaged, after what stands before the fault
        was followed and its callbacks ran; UsageError as feed does.
        """
        core = self._core
        core.enter()
        try:
            with closing(_read_capture(self._engine, core, path_or_file)) as steps:
                while True:
                    try:
                        step = next(steps, None)
                    except Exception:
                        core.drain()  # what stands before the fault
                        raise
                    core.drain()
                    self._links.warn()
                    if step is None:
                        return
                    if progress is not None:
                        progress(step.packets, step.bytes_read, step.total)
        finally:
            core.entered = False
            core.leave()

    def flush(self) -> None:
        """End every connection, as if the capture were over. The follower can be fed again."""
        core = self._core
        core.enter()
        try:
            while not self._engine.flush():
                core.drain()
            core.drain()
        finally:
            core.entered = False
            core.leave()

    def close(self) -> None:
        """Flush, run the callbacks that are due and free everything. Closing twice does nothing.

        Raises LostEventsError, after everything is freed, if events may be missing (see feed).
        """
        if self._core.stopped:
            return
        try:
            self.flush()
            self._links.warn()
        except (InternalError, ForkedError, GofollowWarning, LostEventsError):
            self._core.stop()
            raise
        self._core.stop()

    @property
    def packets(self) -> int:
        """How many packets were taken."""
        return self._engine.statistics().packets

    @property
    def truncated_payloads(self) -> int:
        """How many directions lack payload because of keep_payload_total."""
        return int(self._core.kept.truncated)

    @property
    def statistics(self) -> Statistics:
        """What the follower was given and what became of it; after close, until then."""
        return self._engine.statistics()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._core.stop()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a TCPStreamFollower cannot be copied or pickled: make a new one, and feed it from the start")


_NO_ENGINE_OPTIONS = {
    *("self", "data_callback", "end_callback"),
    *("keep_payload", "keep_payload_total", "keep_gaps", "record", "keep_turns", "keep_segments"),
}


def follow(
    path_or_file: CaptureSource,
    *,
    keep_payload: int | str = "all",
    keep_payload_total: int | None = None,
    keep_gaps: int | None = None,
    record: str | None = None,
    keep_turns: int | None = None,
    keep_segments: int | None = None,
    **options: Any,
) -> Generator[TCPStream, None, None]:
    """Yield the streams of a capture, a path or a file object as for feed_file, as they close, those still open at its end included.

    The options are TCPStreamFollower's. Of a damaged capture everything that could be followed is yielded before CaptureError
    is raised; CaptureFileError if it cannot be read.
    """
    kept = make_kept(keep_payload, keep_payload_total, keep_gaps, record, keep_turns, keep_segments)
    engine = Engine(options, half_closed=False)
    streams: deque[TCPStream] = deque()
    core = Core(engine.number, None, streams.append, TCPStream, kept, _nothing, engine.close)
    return _generate(engine, core, path_or_file, streams, lambda: core.pull(BATCH))


def _nothing() -> None:
    pass


def events(path_or_file: CaptureSource, *, anomalies: bool = False, segments: bool = False, **options: Any) -> Generator[Event, None, None]:
    """Yield the engine's events of a capture one by one, the final flush's included; options and errors as follow.

    anomalies asks for the events of that kind too, segments for one of each TCP segment before those that it causes.
    """
    engine = Engine({"anomalies": anomalies, "segments": segments, **options})
    collector = EventCollector(engine.number)
    return _generate(engine, None, path_or_file, collector.events, lambda: collector.pull(BATCH))


_Item = TypeVar("_Item")


def _generate(
    engine: Engine, core: Core | None, source: CaptureSource, ready: deque[_Item], pull: Callable[[], int]
) -> Generator[_Item, None, None]:
    """Yield what pull makes ready of up to BATCH events: so few at a time are still in the processor's cache."""
    try:
        with closing(_read_and_flush(engine, core, source)) as steps:
            for _ in steps:
                count = BATCH
                while count == BATCH:
                    count = pull()
                    while ready:
                        yield ready.popleft()
    finally:
        engine.close()


def _read_and_flush(engine: Engine, core: Core | None, source: CaptureSource) -> Generator[None, None, None]:
    """Feed a capture and end it, as _read_capture does. A fault of it is raised after all."""
    fault: Exception | None = None
    links = _Links(engine)
    try:
        for _ in _read_capture(engine, core, source):
            links.warn()
            yield
    except (CaptureError, OSError, EOFError) as error:
        fault = error
        yield
    while not engine.flush():
        yield
    yield
    if fault is not None:
        raise fault
