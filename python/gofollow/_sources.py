"""Where packets come from: captures in files, pipes and sockets, and iterables of packets, merged by their stamps."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from ._engine import Engine
from ._events import BATCH
from ._frames import NO_TIME, frame_of, frame_of_row, length_of
from ._native import LARGEST
from .errors import (
    CaptureCutError,
    GofollowError,
    GofollowWarning,
    OptionError,
    TruncatedCaptureWarning,
    file_error,
)

if TYPE_CHECKING:
    from ._core import Core

Source = str | bytes | os.PathLike[str] | os.PathLike[bytes] | BinaryIO | Iterable[Any]
Order = Literal["time", "given"]

# So much in one native call, so that Ctrl-C is answered within a tenth of a second.
_PACKETS_PER_CALL = 20000
_BYTES_PER_CALL = 256 * 1024
_LATEST = LARGEST  # as a time: no packet waits
_PACKAGE = os.path.dirname(__file__)


def warn(message: str, category: type[Warning] = GofollowWarning) -> None:
    """Warn of the first caller outside of this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, level)


class Items:
    """Takes packets from objects, and counts those that are none."""

    def __init__(self) -> None:
        self.ignored = 0
        self.kinds: dict[str, int] = {}  # of those, by the name of their type
        self._warned = False

    def frame(self, item: Any) -> Any:
        """Return the frame of a packet object or a row, None of what is ignored."""
        frame = frame_of_row(item)
        if frame is None:
            self.ignored += 1
            kind = type(item).__name__
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return frame

    def add(self, others: Items) -> None:
        """Count what was ignored elsewhere."""
        self.ignored += others.ignored

    def warn(self) -> None:
        """Warn, once, that there was nothing but objects that are no packets."""
        if self._warned or not self.ignored:
            return
        self._warned = True
        kinds = ", ".join(f"{count} of type {name}" for name, count in sorted(self.kinds.items(), key=lambda kind: -kind[1])[:5])
        warn(
            f"nothing was followed: all {self.ignored} items were ignored, because none is a packet ({kinds}). A packet is an object of "
            "scapy or dpkt, or a tuple (timestamp, data); feed_packet follows one that is given as bytes"
        )


class Links:
    """Warns, once for a follower, of packets that are not supported."""

    def __init__(self, engine: Engine, later: bool = False) -> None:
        """later: not before the end, because packets are fed by another thread than the caller's."""
        self._engine = engine
        self._warned = False
        self._later = later

    def warn(self) -> None:
        """Warn if packets that were fed are of a link type that is not followed."""
        if self._warned or self._later or not (unknown := self._engine.unknown_links()):
            return
        self._warned = True
        names = ", ".join(f"{name} ({count} packets so far)" for name, count in unknown.items())
        warn(
            f"{names}: gofollow does not support it, so its packets are not followed. If you gave the link type with the packets, check "
            "it; otherwise convert the capture, or record it with another link type: docs/encapsulations.md lists those that are followed"
        )

    def warn_at_end(self) -> None:
        """Warn if there was no TCP at all, but packets that are not supported."""
        self._later = False
        self.warn()
        if self._warned or self._engine.closed:
            return
        statistics = self._engine.statistics()
        if statistics.segments or not statistics.not_followed:
            return
        self._warned = True
        others = list(statistics.not_followed.items())
        names = ", ".join(f"{name} ({count} packets)" for name, count in others[:5])
        if len(others) > 5:
            names += f" and {len(others) - 5} other kinds"
        warn(f"no TCP segments were found, only {names}: docs/encapsulations.md lists what is supported")


class _Capture:
    """A capture by its path: a file, or what may make a reader wait, or a socket's address."""

    name: str
    begun = False
    rewinds = False  # it can be closed and begun again
    bytes_read = 0
    total: int | None = None  # bytes of it, where that is known

    def begin(self, engine: Engine) -> None: ...

    def step(self, engine: Engine, until_ns: int) -> bool:
        """Read on, and return whether the end is reached."""
        raise NotImplementedError

    def next_time(self, engine: Engine) -> int | None:
        """Return the time of the packet that waits, None if none does."""
        return engine.next_time()

    def has_new_link(self) -> bool:
        """Report whether there may be a link type that was not there before."""
        return True

    def close(self) -> None: ...


class _File(_Capture):
    """A capture file, which the library reads."""

    rewinds = True

    def __init__(self, path: Any) -> None:
        self._path = path
        self.name = os.fsdecode(path)

    def begin(self, engine: Engine) -> None:
        engine.open_file(self._path)
        self.begun = True

    def step(self, engine: Engine, until_ns: int) -> bool:
        progress = engine.read_file(_PACKETS_PER_CALL)
        self.bytes_read, self.total = progress.bytes_read, progress.total
        return progress.end


class _Stream(_Capture):
    """A capture that comes through a file object: the caller's, or one that is opened here.

    Python reads it, and not the library, so that Ctrl-C is answered while it waits.
    """

    def __init__(self, name: str, stream: Any, open_it: Callable[[], Any] | None = None) -> None:
        self.name = name
        self._stream = stream
        self._open = open_it
        self._piece = b""
        self._taken = 0
        self._ended = False

    def begin(self, engine: Engine) -> None:
        if self._open is not None:
            try:
                self._stream = self._open()
            except OSError as error:
                raise error if isinstance(error, GofollowError) else file_error(error, self.name) from None
        self._read = _reader_of(self._stream)
        self.total = _size_of_rest(self._stream)
        self.begun = True

    def step(self, engine: Engine, until_ns: int) -> bool:
        if self._taken == len(self._piece) and not self._ended:
            self._piece, self._taken = self._next_piece(), 0
            self._ended = not self._piece
        if self._ended:
            return engine.end_capture()
        taken = engine.feed_capture(self._piece, self._taken)
        self._taken += taken
        self.bytes_read += taken
        return False

    def _next_piece(self) -> bytes:
        try:
            piece = self._read(_BYTES_PER_CALL)
        except OSError as error:
            if self._open is None or isinstance(error, GofollowError):
                raise
            raise file_error(error, self.name) from None
        if isinstance(piece, str):
            raise TypeError("the file object gives text: open the capture in binary mode, open(path, 'rb')")
        if piece is None:
            raise BlockingIOError(errno.EAGAIN, "the file object is non-blocking and has no data now: open it in blocking mode")
        return piece if type(piece) is bytes else bytes(memoryview(piece))

    def close(self) -> None:
        if self._open is not None and self._stream is not None:
            self._stream.close()


class Pushed(_Stream):
    """A capture whose bytes are handed over in pieces."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None)
        self._given: bytes | None = None

    def begin(self, engine: Engine) -> None:
        self.begun = True

    def hungry(self) -> bool:
        """Report whether the next step needs a piece."""
        return self._given is None and self._taken == len(self._piece) and not self._ended

    def give(self, piece: bytes) -> None:
        """Hand the next piece over; an empty one is the end."""
        self._given = piece

    def _next_piece(self) -> bytes:
        piece, self._given = self._given, None
        assert piece is not None
        return piece


class _Packets(_Capture):
    """Packets that a program has: objects, or tuples as feed_packets takes them."""

    def __init__(self, items: Iterable[Any], known: Items) -> None:
        self.name = f"an iterable of type {type(items).__name__}"
        self._at_once = BATCH if isinstance(items, (list, tuple)) else 1
        self._frames: Iterator[Any] = iter(())
        self._iterable = items
        self._known = known
        self._batch: list[tuple[int, int, bytes, int]] = []
        self._taken = 0  # of the batch
        self._held: tuple[int, int, bytes, int] | None = None  # the packet behind the batch
        self._latest = NO_TIME  # its time
        self._links: set[int] = set()
        self._new_link = False

    def begin(self, engine: Engine) -> None:
        self._frames = map(self._known.frame, with_link(self._iterable))
        self.begun = True

    def step(self, engine: Engine, until_ns: int) -> bool:
        if not self._batch:
            self._fill(until_ns)
        if not self._batch:
            return self._held is None
        self._taken += engine.feed_packets(self._batch, self._taken)
        if self._taken == len(self._batch):
            self._batch, self._taken = [], 0
        return False

    def next_time(self, engine: Engine) -> int | None:
        return None if self._batch or self._held is None else self._latest

    def has_new_link(self) -> bool:
        new, self._new_link = self._new_link, False
        return new

    def _fill(self, until_ns: int) -> None:
        while len(self._batch) < self._at_once:
            if self._held is None:
                self._held = next(self._packets(), None)
            if self._held is None or self._latest >= until_ns != _LATEST:
                return
            self._batch.append(self._held)
            self._held = None

    def _packets(self) -> Iterator[tuple[int, int, bytes, int]]:
        for frame in self._frames:
            if frame is None:
                continue
            data, link_type, time_ns = frame[:3]
            if type(data) is not bytes:
                data = bytes(memoryview(data))
            time_ns = NO_TIME if time_ns is None else time_ns
            self._latest = max(self._latest, time_ns)
            if link_type not in self._links:
                self._links.add(link_type)
                self._new_link = True
            yield int(link_type), time_ns, data, length_of(frame[3]) if len(frame) > 3 else len(data)


def with_link(items: Iterable[Any]) -> Iterable[Any]:
    """Return a reader's packets (timestamp, data) with the link type that its datalink() says, where it has that; else the items."""
    datalink = getattr(items, "datalink", None)
    if not callable(datalink):
        return items
    link_type = int(datalink())
    return ((*item, None, link_type) if type(item) is tuple and len(item) == 2 else item for item in items)


def _source_of(source: Any, known: Items) -> _Capture:
    """Return what reads a source. Raises TypeError for what is none."""
    if isinstance(source, Pushed):
        return source
    if isinstance(source, str) and source.startswith("tcp://"):
        return _Stream(source, None, lambda: connect(source))
    if isinstance(source, (str, bytes, os.PathLike)):
        if _may_wait(source):
            return _Stream(os.fsdecode(source), None, lambda: io.FileIO(source))
        return _File(source)
    if frame_of(source) is not None:
        return _Packets([source], known)
    if hasattr(source, "read"):
        return _Stream(str(getattr(source, "name", None) or f"a {type(source).__name__}"), source)
    if not hasattr(source, "__iter__") or isinstance(source, (bytearray, memoryview)):
        raise TypeError(
            f"a capture is a path, a binary file object, tcp://HOST:PORT or an iterable of packets, not {type(source).__name__}"
        )
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], (str, os.PathLike)):
        raise TypeError(f"a {type(source).__name__} of paths is not a capture: give each as an argument, follow(*paths)")
    return _Packets(source, known)


def _may_wait(path: Any) -> bool:
    """Report whether a path is a pipe or a terminal, say."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False  # opening says it
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def address_of_url(url: str) -> tuple[str, int]:
    """Return host and port of tcp://HOST:PORT. Raises OptionError for what is none."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise OptionError(f"{url!r} is not an address: {error}; it must be tcp://HOST:PORT, as tcp://192.0.2.1:57012") from None
    if parts.scheme != "tcp" or not host or not port or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise OptionError(f"{url!r} is not an address: it must be tcp://HOST:PORT, as tcp://192.0.2.1:57012")
    return host, port


def connect(url: str) -> Any:
    """Return a file object that reads what tcp://HOST:PORT sends: a capture over a socket (PCAP-over-IP)."""
    import socket  # which takes a while to load

    with socket.create_connection(address_of_url(url)) as connection:
        return connection.makefile("rb", buffering=0)  # closing it closes the socket, too


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


class Amount(NamedTuple):
    """How much was read."""

    packets: int
    bytes_read: int
    total: int | None


class Reading:
    """Reads sources into an engine, one after another or merged.

    By "time" the packet with the earliest time of all comes next, where a packet's time is the latest
    stamp that its source had so far; at equal times the source whose first stamp is earlier, then the
    one that was given earlier. So each source keeps its own order, captures that overlap in time are
    merged, and the others follow in the order of their first stamps. A file is open only from its first
    stamp to its last.
    """

    def __init__(self, engine: Engine, core: Core | None, links: Links, sources: Sequence[Any], order: str = "time") -> None:
        if order not in ("time", "given"):
            raise OptionError(f"order={order!r} is not possible: it must be 'time' or 'given'")
        if not sources:
            raise TypeError("there is no capture to follow: give a path, a binary file object, tcp://HOST:PORT or an iterable of packets")
        self.truncated: list[str] = []  # the captures whose end is cut, and where
        self.items = Items()
        self.links = links
        self._engine, self._core = engine, core
        self._sources = [_source_of(source, self.items) for source in sources]
        self._merged = order == "time" and len(sources) > 1
        self._begun: set[int] = set()  # numbers of the captures that are open in the engine
        self._before = 0

    def amount(self) -> Amount:
        """Return how much was read so far."""
        totals = [source.total for source in self._sources]
        total = None if None in totals else sum(total or 0 for total in totals)
        return Amount(self._engine.statistics().packets - self._before, sum(source.bytes_read for source in self._sources), total)

    def steps(self) -> Generator[None, None, None]:
        """Read a piece per step, after each of which the events are to be polled. Raises at a fault."""
        self._before = self._engine.statistics().packets
        try:
            if self._merged:
                yield from self._merge()
            else:
                for number in range(len(self._sources)):
                    yield from self._read(number, _LATEST)
        finally:
            for source in self._sources:
                source.close()
            if self._begun:
                self._abandon()
            elif self._merged and not self._engine.closed:
                self._engine.select_capture(0)

    def warn(self) -> None:
        """Warn of what was left out."""
        for cut in self.truncated:
            warn(cut, TruncatedCaptureWarning)
        if self.items.ignored and self._engine.statistics().packets == self._before:
            self.items.warn()

    def _merge(self) -> Generator[None, None, None]:
        waiting: list[tuple[int, int, int]] = []  # time of the next packet, of the first, number
        for number, source in enumerate(self._sources):
            first = yield from self._read(number, NO_TIME)
            if first is not None:
                waiting.append((first, first, number))
                if source.rewinds:
                    self._rewind(number)
        heapify(waiting)
        while waiting:
            _, first, number = waiting[0]
            until = _LATEST
            if len(waiting) > 1:
                then, others_first, other = min(waiting[1:3])
                until = then + 1 if (first, number) < (others_first, other) and then < _LATEST - 1 else then
            time = yield from self._read(number, until)
            if time is None:
                heappop(waiting)
            else:
                heapreplace(waiting, (time, first, number))

    def _read(self, number: int, until_ns: int) -> Generator[None, None, int | None]:
        """Read a source until a packet of that time or later, and return its time; None at the end."""
        engine, source = self._engine, self._sources[number]
        if self._merged:
            engine.select_capture(number, until_ns)
        try:
            if not source.begun:
                source.begin(engine)
                if not isinstance(source, _Packets):
                    self._begun.add(number)
            while not source.step(engine, until_ns):
                if source.has_new_link():
                    self.links.warn()
                yield
                time = source.next_time(engine)
                if time is not None and time >= until_ns != _LATEST:
                    return time
        except CaptureCutError as error:
            self.truncated.append(f"{source.name}: {error}")
        self._begun.discard(number)
        source.close()
        self.links.warn()
        yield
        return None

    def _rewind(self, number: int) -> None:
        """Close a file of which only the first stamp was wanted."""
        self._engine.abandon_capture()
        self._begun.discard(number)
        self._sources[number].begun = False

    def _abandon(self) -> None:
        """End captures whose reading stopped: at once, or after the events that the next call would overwrite."""
        engine, numbers = self._engine, sorted(self._begun)

        def abandon() -> None:
            for number in numbers:
                engine.select_capture(number)
                engine.abandon_capture()
            engine.select_capture(0)

        if self._core is not None and self._core.unfinished():
            self._core.abandoned = abandon
        elif not engine.closed:
            abandon()
