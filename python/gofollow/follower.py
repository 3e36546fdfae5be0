"""TCPStreamFollower, follow and events."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ._core import Callback, Core
from ._engine import Engine, Statistics
from ._events import BATCH, Event, EventCollector
from ._frames import LinkType, frame_of, is_row, is_scapy, nanoseconds
from ._options import EngineOptions, FollowerOptions, Unpack, split_options
from ._progress import ProgressCallback, show
from ._sources import Items, Links, Order, Reading, Source, warn, with_link
from ._stream import TCPStream
from .errors import (
    CaptureCutError,
    CaptureError,
    ForkedError,
    GofollowWarning,
    InternalError,
    LostEventsError,
    OptionError,
    TruncatedCaptureWarning,
    UsageError,
)

if TYPE_CHECKING:
    from ._frames import Timestamp

CaptureSource = str | bytes | os.PathLike[str] | os.PathLike[bytes] | BinaryIO
_Self = TypeVar("_Self", bound="TCPStreamFollower")

class TCPStreamFollower:
    """Follows TCP connections and calls back with the reassembled payload of each direction.

    data_callback(stream) runs once for each packet and direction with new data, after all data and
    gaps of that packet. end_callback(stream) runs once, when the connection is closed, after the data
    callbacks of that packet. Both take a TCPStream, and both may be None. The call that feeds raises
    an exception of a callback (StopIteration as the cause of a RuntimeError). Its packets stay taken,
    and callbacks that are still due run at the next feed, flush or close.

    Options (times in seconds of capture time, sizes in bytes; None is the engine's default, math.inf or "never" no timeout):

    - midstream: also follow connections whose SYN was not captured.
    - close_on: "both" directions' FIN, or "first-fin" of either as libtins' follower.
    - rst: which resets are accepted: "lenient" (in the window), "strict" (RFC 5961), "ignore".
    - overlap: which bytes win among held segments: "first", "last" or as in an operating system, such as "linux".
    - gap_patience: how long to wait for a missing range after it was acknowledged; 0: not at all.
    - checksum: "off", or "verify" to drop segments with a wrong checksum.
    - urgent: "inline", or "oob" to take the urgent byte out of the stream.
    - separate: what distinguishes equal addresses and ports: "none", "vlan" (the ids), "tunnel" (the ids that both directions
      share, such as VNI, VSID and GRE key, else the outer addresses), or "both". See TCPStream.separation.
    - filter: which connections to follow, such as "net 10 and port 80 or 443": the words and precedence of pcap-filter, with client
      and server in place of src and dst (docs/filter.md). It is tested when a connection opens, on its innermost addresses.
      Other connections are counted (statistics.filtered) and numbered all the same. None or "": all.
    - keep_payload: how much payload a stream keeps per direction: "all", "none" or a number of bytes.
    - keep_payload_total: how many bytes all open streams keep together (no limit); further bytes are not kept.
    - keep_gaps: how many gaps, and chunks between them, a stream lists per direction (65536); counters count all.
    - record: what a stream records of the conversation's order: "turns" (the default, unless keep_payload is "none"), "segments"
      (turns, and each piece of data as it was delivered) or "none".
    - keep_turns, keep_segments: how many of these a stream lists (65536).
    - handshake_timeout (60), idle_timeout (7440), half_closed_timeout (600), rst_linger (1), close_linger (130), stray_linger (5),
      reuse_idle (5), hole_age (30), one_sided_age (3): timeouts.
    - max_held_bytes (16 MiB), max_held_segments (16384): held out of order in one direction.
    - max_total_held_bytes (256 MiB), max_connections (1000000), max_closed_connections (1000000), max_candidates (65536), max_far_bytes
      (64 MiB): limits.

    Raises TypeError for a callback that is not callable, OptionError for a value that is not allowed, ForkedError in a child of a
    process that used gofollow.
    """

    _stream_class: type[TCPStream] = TCPStream  # of what callbacks are given
    _lenient = False  # whatever feed is given, as cycapture did

    def __init__(
        self,
        data_callback: Callback | None = None,
        end_callback: Callback | None = None,
        **options: Unpack[FollowerOptions],
    ) -> None:
        for callback in (data_callback, end_callback):
            if callback is not None and not callable(callback):
                raise TypeError("data_callback and end_callback must be callables")
        engine_options, kept = split_options(options)
        self._engine = Engine(engine_options, half_closed=False)
        self._links = Links(self._engine)
        self._core = Core(
            self._engine.number, data_callback, end_callback, self._stream_class, kept, self._links.warn, self._engine.close
        )
        self._items = Items()
        if not self._lenient:
            self._core.frame_of = self._items.frame
        self._truncated: list[str] = []
        self._pushing = False  # feed_capture began a capture

    def feed(self, pdu_iterator: Any) -> None:
        """Follow packets: a PDU, a list, or any iterator of PDUs. Other items are skipped and counted (see ignored).

        A PDU is a packet of scapy or dpkt, or any object, such as those of cycapture, whose class has
        the method __gofollow_frame__(). It returns (data, link_type, timestamp_ns): the frame's bytes, the
        number of its link type and its capture time in nanoseconds since 1970 UTC or None; or the
        same with its length on the wire as a fourth item; or None if there is no frame. Items may also be
        tuples as feed_packets takes them, such as those of dpkt's readers. The callbacks of a packet
        run before the next item of an iterator is requested. A list or tuple is taken in batches, with
        the same callbacks.

        Raises TypeError for a path, bytes or an open file, which other methods take, and for an object
        that is neither a PDU nor iterable; UsageError if this follower is feeding already or closed;
        LostEventsError after an interrupt inside the uncompiled core.
        """
        if frame_of(pdu_iterator) is not None:
            self._core.feed_items((pdu_iterator,), False)
        elif self._lenient:
            nothing = pdu_iterator is None or isinstance(pdu_iterator, (str, bytes, bytearray)) or is_scapy(pdu_iterator)
            self._core.feed_items(() if nothing else pdu_iterator, isinstance(pdu_iterator, (list, tuple)))
        else:
            _refuse_other_sources(pdu_iterator)
            one = pdu_iterator is None or is_scapy(pdu_iterator) or is_row(pdu_iterator)
            packets, ignored = self.packets, self.ignored
            items: Any = (pdu_iterator,) if one else with_link(pdu_iterator)
            self._core.feed_items(items, isinstance(pdu_iterator, (list, tuple)))
            if self.ignored > ignored and self.packets == packets:
                self._items.warn()

    def feed_packet(
        self,
        data: bytes | bytearray | memoryview,
        timestamp: Timestamp = None,
        link_type: int = LinkType.ETHERNET,
        wire_length: int | None = None,
    ) -> None:
        """Follow one packet, given as its bytes from the link layer on.

        timestamp is its capture time in seconds since 1970 UTC (int, float, or Decimal for full
        precision) or a datetime; None means that of the previous packet. wire_length is its length on
        the wire in bytes, if the capture truncated it. A frame that cannot be decoded is not an error;
        statistics counts it.

        Raises PacketTooLargeError above 16 MiB, UsageError as feed does.
        """
        self._core.feed_packet(data, timestamp, link_type, wire_length)

    def feed_packets(self, items: Iterable[Any], link_type: int | None = None, unit: str = "s") -> None:
        """Follow packets given as (timestamp, data), (timestamp, data, wire_length) or (timestamp, data, wire_length, link_type).

        timestamp, data and wire_length are as in feed_packet; with unit "ns" timestamps are integers, nanoseconds since 1970 UTC.
        link_type applies to items without one. Its default is items.datalink(), which readers of captures have, or Ethernet. Packets
        of a list or tuple are taken in batches, and so are all packets of a follower without callbacks.

        Raises ValueError or TypeError for an invalid item, after the items before it were followed; UsageError as feed does.
        """
        if unit not in ("s", "ns"):
            raise OptionError(f"unit={unit!r} is not possible: it must be 's' or 'ns'")
        if link_type is None:
            datalink = getattr(items, "datalink", None)
            link_type = int(datalink()) if callable(datalink) else LinkType.ETHERNET
        batched = self._core.calls_nobody() or isinstance(items, (list, tuple))
        self._core.feed_rows(items, link_type, unit == "ns", batched)

    def feed_file(self, path_or_file: Source, progress: ProgressCallback | bool | None = None) -> None:
        """Follow a capture: feed_files with one source."""
        self.feed_files(path_or_file, progress=progress)

    def feed_files(self, *sources: Source, order: Order = "time", progress: ProgressCallback | bool | None = None) -> None:
        """Follow captures as one conversation.

        A source is a path, a binary file object, "tcp://HOST:PORT" (a capture over a socket, PCAP-over-IP) or an iterable of packets
        as feed takes them. A capture is pcap or pcapng, plain or compressed with gzip, zstd, xz, bzip2 or lz4. Its first
        bytes determine the format, not its name.

        order "time": sources that overlap in time (two taps, one file per direction) are merged by time stamp; the others follow in
        the order of their first stamps. A live source is waited for. order "given": one after another, as given.

        progress(packets, bytes_read, total) is called from time to time; total is None if unknown. True shows a bar on stderr, or in a
        notebook. Nothing is flushed, so several calls can feed captures that continue each other. A capture that ends within a record
        is followed up to there, and the call ends with a TruncatedCaptureWarning.

        Raises CaptureFileError if a capture cannot be read; CaptureError if it is damaged or not a capture, after the part before the
        fault was followed and its callbacks ran; TypeError for an invalid source; UsageError as feed does.
        """
        if self._pushing:
            raise UsageError("a capture is being fed by feed_capture: call end_capture before the next one")
        core = self._core
        reading = Reading(self._engine, core, self._links, sources, order)
        core.enter()
        try:
            with show(progress) as shown, closing(reading.steps()) as steps:
                while True:
                    try:
                        next(steps)
                    except StopIteration:
                        core.drain()
                        break
                    except Exception:
                        core.drain()  # what stands before the fault
                        raise
                    core.drain()
                    if shown is not None:
                        shown(*reading.amount())
        finally:
            core.entered = False
            core.leave()
            self._truncated += reading.truncated
            self._items.add(reading.items)
        reading.warn()

    def feed_capture(self, data: bytes | bytearray | memoryview) -> None:
        """Follow the next bytes of a capture that arrives in pieces of any size. Call end_capture after the last one.

        Raises CaptureError if it is damaged or not a capture, after the part before the fault was followed and its callbacks ran; this
        ends the capture. Raises TypeError for an object that is not bytes; UsageError as feed does.
        """
        if isinstance(data, str):
            raise TypeError("feed_capture takes bytes of a capture: feed_file follows one by its path")
        piece = data if type(data) is bytes else bytes(memoryview(data))
        core, engine = self._core, self._engine
        core.enter()
        try:
            taken = 0
            self._pushing = True
            while taken < len(piece):
                try:
                    taken += engine.feed_capture(piece, taken)
                except CaptureError:
                    self._pushing = False
                    core.drain()
                    engine.abandon_capture()
                    raise
                core.drain()
            self._links.warn()
        finally:
            core.entered = False
            core.leave()

    def end_capture(self) -> None:
        """End the capture of feed_capture. Nothing is flushed: the next capture may continue it.

        Issues a TruncatedCaptureWarning if it ends within a record. Does nothing if no capture is being fed.
        """
        if not self._pushing:
            return
        core, engine = self._core, self._engine
        cut = None
        core.enter()
        try:
            ended = False
            while not ended:
                try:
                    ended = engine.end_capture()
                except CaptureCutError as error:
                    ended, cut = True, f"the capture that was fed: {error}"
                except CaptureError:
                    self._pushing = False
                    core.drain()
                    raise
                self._pushing = not ended
                core.drain()
        finally:
            core.entered = False
            core.leave()
        if cut is not None:
            self._truncated.append(cut)
            warn(cut, TruncatedCaptureWarning)

    def advance_time(self, now: Timestamp) -> None:
        """Set the time, for live use without packets: connections whose time-out is over are closed, and their callbacks run.

        now is in seconds since 1970 UTC (int, float or Decimal) or a datetime. Raises TypeError or ValueError for an invalid time.
        """
        if now is None:
            raise TypeError("advance_time takes a number of seconds since 1970 UTC or a datetime, not None")
        time_ns = nanoseconds(now)
        core = self._core
        core.enter()
        try:
            while not self._engine.advance_time(time_ns):
                core.drain()
            core.drain()
        finally:
            core.entered = False
            core.leave()

    def flush(self) -> None:
        """Close every connection, as at the end of a capture. The follower can be fed again."""
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
            self.end_capture()
            self.flush()
            if not self._lenient:
                self._links.warn_at_end()
        except (InternalError, ForkedError, GofollowWarning, LostEventsError):
            self._core.stop()
            raise
        self._core.stop()

    @property
    def packets(self) -> int:
        """The number of packets taken."""
        return self._engine.statistics().packets

    @property
    def ignored(self) -> int:
        """The number of items given to feed and feed_files that were not packets."""
        return self._items.ignored

    @property
    def truncated(self) -> tuple[str, ...]:
        """The captures that ended within a record, and where: the texts of the TruncatedCaptureWarning."""
        return tuple(self._truncated)

    @property
    def truncated_payloads(self) -> int:
        """The number of directions that lack payload because of keep_payload_total."""
        return int(self._core.kept.truncated)

    @property
    def statistics(self) -> Statistics:
        """Counts of packets, segments and connections; after close, those at that time."""
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


def _refuse_other_sources(given: Any) -> None:
    """Raise TypeError for an argument that belongs to another method."""
    if isinstance(given, (str, os.PathLike)):
        raise TypeError(f"feed takes packets, not a path: feed_file follows the capture {os.fspath(given)!r}")
    if isinstance(given, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"feed takes packets as objects, not {type(given).__name__}: feed_packet(data, timestamp) follows one that is given as "
            "its bytes, feed_capture(data) bytes of a capture file"
        )
    if hasattr(given, "read") and not is_scapy(given):
        raise TypeError("feed takes packets, not an open file: feed_file follows the capture that it gives")


def follow(
    *sources: Source,
    order: Order = "time",
    progress: ProgressCallback | bool | None = None,
    **options: Unpack[FollowerOptions],
) -> Generator[TCPStream, None, None]:
    """Yield the streams of captures as they close, including those still open at the end.

    Several captures are one conversation. Sources, order and progress are those of TCPStreamFollower.feed_files, the options
    TCPStreamFollower's. The streams of a damaged capture up to the fault are yielded before CaptureError is raised. So are those of a
    capture that ends within a record, for which a TruncatedCaptureWarning follows the last stream.

    Raises CaptureFileError if a capture cannot be read, TypeError for an invalid source.
    """
    engine_options, kept = split_options(options)
    engine = Engine(engine_options, half_closed=False)
    streams: deque[TCPStream] = deque()
    core = Core(engine.number, None, streams.append, TCPStream, kept, _nothing, engine.close)
    reading = reading_of(engine, core, sources, order)
    return _generate(reading, engine, streams, lambda: core.pull(BATCH), progress)


def _nothing() -> None:
    pass


def events(
    *sources: Source,
    anomalies: bool = False,
    segments: bool = False,
    order: Order = "time",
    progress: ProgressCallback | bool | None = None,
    **options: Unpack[EngineOptions],
) -> Generator[Event, None, None]:
    """Yield the engine's events of captures, including those of the final flush. Sources, options and errors are those of follow.

    anomalies also requests events of that kind. segments requests one for each TCP segment, before the events that it causes.
    """
    engine = Engine({"anomalies": anomalies, "segments": segments, **options})
    collector = EventCollector(engine.number)
    reading = reading_of(engine, None, sources, order)
    return _generate(reading, engine, collector.events, lambda: collector.pull(BATCH), progress)


def reading_of(engine: Engine, core: Core | None, sources: Sequence[Source], order: str = "time") -> Reading:
    """Return the reader of sources into an engine, which is closed if a source is invalid."""
    try:
        return Reading(engine, core, Links(engine), sources, order)
    except BaseException:
        engine.close()
        raise


_Item = TypeVar("_Item")


def _generate(
    reading: Reading, engine: Engine, ready: deque[_Item], pull: Callable[[], int], progress: ProgressCallback | bool | None
) -> Generator[_Item, None, None]:
    """Yield what pull makes ready of up to BATCH events: so few at a time are still in the processor's cache."""
    try:
        with show(progress) as shown, closing(read_and_flush(reading, engine)) as steps:
            for _ in steps:
                count = BATCH
                while count == BATCH:
                    count = pull()
                    while ready:
                        yield ready.popleft()
                if shown is not None:
                    shown(*reading.amount())
    finally:
        engine.close()


def read_and_flush(reading: Reading, engine: Engine) -> Generator[None, None, None]:
    """Read all and end it. A fault is raised after all, and so are warnings."""
    fault: Exception | None = None
    try:
        yield from reading.steps()
    except (CaptureError, OSError, EOFError) as error:
        fault = error
        yield
    while not engine.flush():
        yield
    yield
    reading.warn()
    if fault is not None:
        raise fault
    reading.links.warn_at_end()
