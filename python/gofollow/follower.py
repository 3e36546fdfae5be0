"""TCPStreamFollower, follow and events."""

import errno
import io
import os
import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

from ._engine import POLL, Engine, Frame, Progress, Statistics
from ._events import Event, EventCollector
from ._frames import LinkType, Timestamp, frame_of, is_scapy, kept_link_type, make_frame
from ._links import LinkCheck
from ._options import Seconds, check_keep_payload
from ._tracker import Callback, Tracker
from ._whole import WholeStreams
from .errors import CaptureError, ForkedError, GofollowError, InternalError, UsageError, file_error
from .stream import TCPStream

ProgressCallback = Callable[[int, int, int | None], object]
CaptureSource = str | bytes | os.PathLike[str] | os.PathLike[bytes] | BinaryIO
_Self = TypeVar("_Self", bound="TCPStreamFollower")

# So much in one native call, so that Ctrl-C is answered within a tenth of a second.
_PACKETS_PER_CALL = 20000
_BYTES_PER_CALL = 256 * 1024
_BATCH = 512


def _read_capture(engine: Engine, source: Any) -> Generator[Progress, None, None]:
    """Feed a capture to the engine, a piece per step. Raises at a fault, after the step before it was yielded."""
    if hasattr(source, "read"):
        yield from _read_stream(engine, source)
        return
    if not isinstance(source, (str, bytes, os.PathLike)):
        raise TypeError(f"a capture is a path or a binary file object, not {type(source).__name__}")
    if _is_pipe(source):
        yield from _read_pipe(engine, source)
        return
    engine.open_file(source)
    ended = False
    try:
        while not ended:
            progress = engine.read_file(_PACKETS_PER_CALL)
            ended = progress.end
            yield progress
    finally:
        if not ended and not engine.closed:
            engine.abandon_capture()


def _is_pipe(path: Any) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False  # open_file says it
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _read_pipe(engine: Engine, path: Any) -> Generator[Progress, None, None]:
    """Read what may make us wait through Python, so that Ctrl-C is answered."""
    try:
        pipe = io.FileIO(path)
    except OSError as error:
        raise file_error(error, os.fsdecode(path)) from None
    with pipe:
        try:
            yield from _read_stream(engine, pipe)
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


def _read_stream(engine: Engine, stream: Any) -> Generator[Progress, None, None]:
    total = _size_of_rest(stream)
    before = engine.statistics().packets
    done, ended = 0, False
    try:
        read = _reader_of(stream)
        while piece := read(_BYTES_PER_CALL):
            if isinstance(piece, str):
                raise TypeError("the file object gives text: open the capture in binary mode, open(path, 'rb')")
            engine.feed_capture(piece)
            done += len(piece)
            yield Progress(engine.statistics().packets - before, done, total, False)
        if piece is None:
            raise BlockingIOError(errno.EAGAIN, "the file object is non-blocking and has no data now: open it in blocking mode")
        engine.end_capture()
        ended = True
    finally:
        if not ended and not engine.closed:
            engine.abandon_capture()


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
        handshake_timeout (60), idle_timeout (7440), half_closed_timeout (600), rst_linger (1), close_linger (130), stray_linger (5),
        reuse_idle (5), hole_age (30), one_sided_age (3): timeouts.
        max_held_bytes (16 MiB), max_held_segments (16384): held out of order in one direction.
        max_total_held_bytes (256 MiB), max_connections (1000000), max_tombstones (1000000), max_candidates (65536), max_far_bytes
        (64 MiB): limits.

    Raises TypeError for a callback that cannot be called, OptionError for a value that is not allowed, ForkedError in a child of a
    process that used gofollow.
    """

    _stream_class: Any = TCPStream  # of what callbacks are given; it has TCPStream's slots

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
        max_tombstones: int | None = None,
        max_candidates: int | None = None,
        max_far_bytes: int | None = None,
    ) -> None:
        options = {name: value for name, value in locals().items() if name not in _NO_ENGINE_OPTIONS}
        for callback in (data_callback, end_callback):
            if callback is not None and not callable(callback):
                raise TypeError("data_callback and end_callback must be callables")
        keep = check_keep_payload(keep_payload)
        self._sink: Tracker | WholeStreams
        if data_callback is None and end_callback is not None and self._stream_class is TCPStream:
            self._sink = WholeStreams(keep, end_callback, separate != "none")
            self._engine = Engine(options, self._sink, keep)
        else:
            self._sink = Tracker(keep, data_callback, end_callback, self._stream_class, separate != "none")
            self._engine = self._sink.engine = Engine(options, self._sink, joined=self._sink.joined, half_closed=False)
        self._links = LinkCheck(self._engine)
        self._users: dict[object, None] = {}  # calls that want to feed, oldest first: only the first may

    def feed(self, pdu_iterator: Any) -> None:
        """Follow packets: a PDU, a list, or any iterator of them; what is no PDU is ignored.

        A PDU is a packet object of cycapture, scapy or dpkt; for bytes there is feed_packet. The callbacks of a packet run before an
        iterator is asked for the next; a list or tuple is taken in batches, with the same callbacks.

        Raises TypeError for what is neither a PDU nor iterable, UsageError if this follower is feeding already or closed.
        """
        with self._exclusively():
            frame = frame_of(pdu_iterator)
            if frame is not None:
                self._engine.feed_packet(frame)
                self._links.check(frame.link_type)
            elif pdu_iterator is None or isinstance(pdu_iterator, (str, bytes, bytearray)) or is_scapy(pdu_iterator):
                pass
            elif isinstance(pdu_iterator, (list, tuple)):
                for start in range(0, len(pdu_iterator), _BATCH):
                    for link_type in self._take_batch(pdu_iterator[start : start + _BATCH]):
                        self._links.check(link_type)
            else:
                self._take_each(pdu_iterator)

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
        frame = make_frame(data, timestamp, link_type, wire_length)
        with self._exclusively():
            self._engine.feed_packet(frame)
            self._links.check(frame.link_type)

    def feed_file(self, path_or_file: CaptureSource, progress: ProgressCallback | None = None) -> None:
        """Follow a capture: a path, or a file object that gives bytes.

        It is pcap or pcapng, plain or compressed by gzip, zstd, xz, bzip2 or lz4; its first bytes say which, not its name.

        progress(packets, bytes_read, total) is called now and then with how far this capture was read; total is None where unknown.
        Nothing is flushed, so that captures that continue each other can be fed one after another.

        Raises CaptureFileError if it cannot be read; CaptureError if it is no capture or damaged, after what stands before the fault
        was followed and its callbacks ran; UsageError as feed does.
        """
        with self._exclusively(), closing(_read_capture(self._engine, path_or_file)) as steps:
            for step in steps:
                self._links.warn()
                if progress is not None:
                    progress(step.packets, step.bytes_read, step.total)

    def flush(self) -> None:
        """End every connection, as if the capture were over. The follower can be fed again."""
        with self._exclusively():
            self._engine.flush()

    def close(self) -> None:
        """Flush, run the callbacks that are due and free everything. Closing twice does nothing."""
        if self._engine.closed:
            return
        with self._exclusively():
            try:
                if not self._engine.torn:
                    self._engine.flush()
            except (InternalError, ForkedError):
                self._engine.close()
                raise
            try:
                self._links.warn()
            finally:  # warnings may be errors
                self._engine.close()

    @property
    def packets(self) -> int:
        """How many packets were taken."""
        return self._engine.statistics().packets

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
            self._engine.stop()
            self._free_if_left()

    def _free_if_left(self) -> None:
        """Free everything if it was left by an exception, and no call feeds any more, in another thread or around this one."""
        if self._engine.stopped and not self._users:
            self._sink.discard()
            self._engine.close()

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        # No lock: an interrupt between taking it and try would leave it taken.
        token = object()
        try:
            self._users[token] = None
            if [*self._users].index(token):  # unlike an iterator, made at one go
                raise UsageError(
                    "this follower is feeding already: use it from one thread at a time, and not from inside its own callbacks"
                )
            if self._engine.closed:
                raise UsageError("this follower is closed: make a new one")
            self._engine.resume()
            yield
        finally:
            self._users.pop(token, None)
            self._free_if_left()

    def _take_each(self, items: Iterable[Any]) -> None:
        engine = self._engine
        feed_poll, feeding, hand_over = engine.feed_poll, engine.feeding, engine.hand_over
        engine.handle()  # says if it cannot be fed
        kind, link_type = type(None), None  # of the item before
        try:
            for item in items:
                if type(item) is not kind:
                    kind = type(item)
                    link_type = kept_link_type(kind)
                    if link_type is not None:
                        feeding.link_type = link_type
                if link_type is not None and item._head is None and type(item._raw) is bytes:
                    data = item._raw
                    count = feed_poll(feeding, data, len(data))
                    if not count:
                        continue
                    if count > 0:
                        hand_over(count)
                        continue
                frame = frame_of(item)
                if frame is not None:
                    engine.feed_packet(frame)
                    self._links.check(frame.link_type)
        except BaseException:
            engine.rescue()
            raise

    def _take_batch(self, items: Sequence[Any]) -> set[int]:
        """Take the packets among items and return their link types."""
        kinds = set(map(type, items))
        if len(kinds) == 1 and (link_type := kept_link_type(kinds.pop())) is not None:
            kept = [item._raw for item in items if item._head is None and type(item._raw) is bytes]
            if len(kept) == len(items):
                self._engine.feed_joined(link_type, kept)
                return {link_type}
        frames: list[Frame] = []
        try:
            for item in items:
                frame = frame_of(item)
                if frame is not None:
                    frames.append(frame)
        except Exception:
            self._engine.feed_batch(frames)  # as if they had come one by one
            raise
        self._engine.feed_batch(frames)
        return {frame.link_type for frame in frames}


_NO_ENGINE_OPTIONS = {"self", "data_callback", "end_callback", "keep_payload"}


def follow(path_or_file: CaptureSource, *, keep_payload: int | str = "all", **options: Any) -> Generator[TCPStream, None, None]:
    """Yield the streams of a capture, a path or a file object as for feed_file, as they close, those still open at its end included.

    The options are TCPStreamFollower's. Of a damaged capture everything that could be followed is yielded before CaptureError
    is raised; CaptureFileError if it cannot be read.
    """
    keep = check_keep_payload(keep_payload)
    streams: deque[TCPStream] = deque()
    # So few at a time that what they said is still in the processor's cache when the caller looks at it.
    sink = WholeStreams(keep, streams.append, options.get("separate", "none") != "none")
    return _generate(Engine(options, sink, keep, pulled=True), path_or_file, streams, 16)


def events(path_or_file: CaptureSource, *, anomalies: bool = False, **options: Any) -> Generator[Event, None, None]:
    """Yield the engine's events of a capture one by one, the final flush's included; options and errors as follow.

    anomalies asks for the events of that kind too.
    """
    collector = EventCollector()
    return _generate(Engine({"anomalies": anomalies, **options}, collector, pulled=True), path_or_file, collector.events, POLL)


_Item = TypeVar("_Item")


def _generate(engine: Engine, source: CaptureSource, ready: deque[_Item], at_once: int) -> Generator[_Item, None, None]:
    fault: Exception | None = None
    steps = _read_capture(engine, source)
    links = LinkCheck(engine)
    try:
        while fault is None:
            try:
                if next(steps, None) is None:
                    break
            except (CaptureError, OSError, EOFError) as error:
                fault = error
            else:
                links.warn()
                for _ in engine.pull(at_once):
                    while ready:
                        yield ready.popleft()
        engine.flush()
        for _ in engine.pull(at_once):
            while ready:
                yield ready.popleft()
    finally:
        steps.close()
        engine.close()
    if fault is not None:
        raise fault
