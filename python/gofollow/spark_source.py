"""Reads captures into rows for Spark: which files, where they can be divided, and the rows of a part. Imports no pyspark."""

from __future__ import annotations

import fnmatch
import glob
import os
import struct
from collections.abc import Generator, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
from pyarrow import fs

from ._engine import Engine
from ._events import BATCH
from ._flows import flow_keys, signed
from ._native import constant, error_from_code, ffi, library
from .errors import CaptureCutError, CaptureError, CaptureFileNotFoundError, OptionError

ROWS: pa.Schema = pa.schema(
    [
        ("key", pa.int64()),
        ("fragment_depth", pa.int32()),
        ("time_ns", pa.int64()),
        ("clock_ns", pa.int64()),
        ("file_ns", pa.int64()),
        ("path", pa.string()),
        ("packet", pa.int64()),
        ("link_type", pa.int32()),
        ("frame", pa.binary()),
        ("wire_length", pa.int32()),
        ("error", pa.string()),
    ]
)
"""The columns of packets."""

ORDER = ("clock_ns", "file_ns", "path", "packet")
"""The columns that order packets as one capture."""

HOUR = 3600 * 10**9
_BATCH_ROWS, _BATCH_BYTES = 8192, 8 << 20
_PIECE = 1 << 20
_NO_TIME = constant("NO_TIME")


def later(clock: int | None, time_ns: int | None, following: int | None) -> int | None:
    """Return the clock of a file after a packet: the latest time so far, None before the first.

    A time more than an hour ahead counts unless the following packet contradicts it, so that one wrong time moves nothing.
    """
    if time_ns is None:
        return clock
    if clock is None:
        return following if following is not None and time_ns - following > HOUR else time_ns
    if time_ns - clock > HOUR and following is not None and time_ns - following > HOUR:
        return clock
    return max(clock, time_ns)


class Part(NamedTuple):
    """A part of a capture: all of it, or the records from start to end of a plain pcap file."""

    path: str
    start: int = 0
    end: int = 0
    header: bytes = b""
    """The file's header, if the part does not begin with it."""
    packet: int = 0
    """How many packets stand before it."""
    clock_ns: int | None = None
    """The clock after them."""
    file_ns: int | None = None
    """The clock after the file's first packet."""
    following_ns: int | None = None
    """The time of the first packet behind it."""


class Options(NamedTuple):
    """The options of the data source."""

    bad_files: str = "fail"
    part_bytes: int = 256 << 20
    frames: bool = True

    @classmethod
    def of(cls, options: Any) -> Options:
        """Read options given as text.

        Raises OptionError, naming option, value and what is allowed.
        """
        bad_files = options.get("bad_files", "fail")
        if bad_files not in ("fail", "skip"):
            raise OptionError(f"bad_files={bad_files!r} is not possible: it must be 'fail' or 'skip'")
        part_bytes, frames = options.get("part_bytes", "268435456"), options.get("frames", "true").lower()
        if not part_bytes.isdecimal() or int(part_bytes) < 1:
            raise OptionError(f"part_bytes={part_bytes!r} is not possible: it must be a whole number of bytes from 1")
        if frames not in ("true", "false"):
            raise OptionError(f"frames={frames!r} is not possible: it must be 'true' or 'false'")
        return cls(bad_files, int(part_bytes), frames == "true")


# Files.


def _filesystem(path: str) -> tuple[Any, str]:
    """Return the file system of a path and the path in it; None for a local one."""
    if "://" not in path:
        return None, path
    if path.startswith("file://"):
        return None, path[len("file://") :]
    found: tuple[Any, str] = fs.FileSystem.from_uri(path)
    return found


def _open(path: str) -> BinaryIO:
    system, name = _filesystem(path)
    return open(name, "rb") if system is None else system.open_input_file(name)


def files_of(paths: Iterable[str]) -> list[tuple[str, int]]:
    """Return the files, with their sizes, that paths, folders (with those in it) and globs mean, in order and each once.

    Names that begin with "." or "_" within a folder are left out, as Spark does.

    Raises CaptureFileNotFoundError for a path without any.
    """
    found: dict[str, int] = {}
    for path in paths:
        files = list(_files(path))
        if not files:
            raise CaptureFileNotFoundError(2, "there is no capture", path if "://" in path else os.path.abspath(path))
        found.update(files)
    return sorted(found.items())


def _files(path: str) -> Iterator[tuple[str, int]]:
    system, name = _filesystem(path)
    magic = glob.has_magic(name)
    if system is None:
        for match in glob.iglob(name, recursive=True) if magic and not os.path.exists(name) else [name]:
            if os.path.isdir(match):
                for folder, folders, names in os.walk(match):
                    folders[:] = [one for one in folders if one[0] not in "._"]
                    for one in names:
                        if one[0] not in "._":
                            full = os.path.join(folder, one)
                            yield full, os.path.getsize(full)
            elif os.path.exists(match):
                yield match, os.path.getsize(match)
        return
    prefix = path[: len(path) - len(name)] if path.endswith(name) else path.split("://")[0] + "://"
    base = name.split("*")[0].split("?")[0].split("[")[0].rsplit("/", 1)[0] if magic else name
    info = system.get_file_info(base)
    if info.type == fs.FileType.File:
        yield prefix + base, info.size
    elif info.type == fs.FileType.Directory:
        for info in system.get_file_info(fs.FileSelector(base, recursive=True)):
            hidden = any(part[0] in "._" for part in info.path[len(base) :].split("/") if part)
            if info.type == fs.FileType.File and not hidden and (not magic or fnmatch.fnmatch(info.path, name + "*")):
                yield prefix + info.path, info.size


# Division.

_MAGICS = {
    struct.pack(order + "I", number): (order, unit)
    for number, unit in ((0xA1B2C3D4, 1000), (0xA1B23C4D, 1))
    for order in ("<", ">")
}
_LARGEST = 16 << 20


def divide(path: str, size: int, part_bytes: int) -> list[Part]:
    """Divide a plain pcap file into parts of about so many bytes by one pass over its record headers; other captures are one part.

    pcap has no mark by which to find a record from the middle of a file.
    """
    if size <= part_bytes + part_bytes // 2:
        return [Part(path)]
    with _open(path) as stream:
        header = stream.read(24)
        if header[:4] not in _MAGICS or len(header) < 24:
            return [Part(path)]
        order, unit = _MAGICS[header[:4]]
        if struct.unpack_from(order + "HH", header, 4) != (2, 4):
            return [Part(path)]
        return _divide(path, size, part_bytes, stream, header, struct.Struct(order + "IIII").unpack_from, unit)


def _divide(path: str, size: int, part_bytes: int, stream: BinaryIO, header: bytes, read: Any, unit: int) -> list[Part]:
    parts: list[Part] = []
    start, packets, clock, file_ns = 24, 0, None, None
    began: tuple[int, int | None] = (0, None)  # packets and clock before the part
    pending: int | None = None  # the time of the last packet, which clock does not know yet
    base, buffer, at = 24, b"", 24  # buffer holds the file from base on; the next record stands at
    while True:
        offset = at - base
        if offset + 16 > len(buffer):
            if offset > len(buffer):
                stream.seek(at)
                buffer, base = stream.read(_PIECE), at
            else:
                buffer, base = buffer[offset:] + stream.read(_PIECE), at
            if len(buffer) < 16:
                break
            offset = 0
        seconds, fraction, captured, _ = read(buffer, offset)
        if not 0 < captured <= _LARGEST:
            break  # damaged, or the header of another file behind it: the engine says which
        time_ns = seconds * 10**9 + fraction * unit
        if packets:
            clock = later(clock, pending, time_ns)
            if file_ns is None:
                file_ns = clock
        if at - start >= part_bytes:
            parts.append(Part(path, start, at, header, *began, file_ns, time_ns))
            start, began = at, (packets, clock)
        pending = time_ns
        packets += 1
        at += 16 + captured
    if not parts:
        return [Part(path)]
    return [*parts, Part(path, start, size, header, *began, file_ns)]


# Rows.


def _pieces(part: Part) -> Iterator[bytes]:
    with _open(part.path) as stream:
        if part.header:
            yield part.header
            stream.seek(part.start)
        left = part.end - part.start if part.end else None
        while piece := stream.read(_PIECE if left is None else min(_PIECE, left)):
            yield bytes(piece)
            if left is not None:
                left -= len(piece)


Packet = tuple[int | None, int | None, int | None, int, bytes, int]
"""Key, depth if it is a fragment's, time in ns, link type, bytes and length on the wire."""


def packets_of(pieces: Iterable[bytes]) -> Generator[Packet, None, None]:
    """Yield the packets of a capture.

    Raises CaptureError at a fault, after the packets before it.
    """
    engine = Engine({"packets": True})
    poll, polled = library().gofollow_poll, ffi.new("gofollow_event[]", BATCH)

    def waiting() -> Iterator[Packet]:
        count = BATCH
        while count == BATCH:
            count = poll(engine.number, polled, BATCH)
            if count < 0:
                raise error_from_code(count, engine.number)
            for event in polled[0:count]:
                key, depth, time_ns, link_type, length = signed(event.connection_id), None, event.ts_ns, event.window, event.offset
                frame = ffi.buffer(event.bytes, event.length)[:] if event.length else b""
                if event.captured_packet:  # a fragment
                    (key,), (depth,) = flow_keys([frame], link_type, [length])
                yield key, depth, None if time_ns == _NO_TIME else time_ns, link_type, frame, length

    try:
        fault: CaptureError | None = None
        try:
            for piece in pieces:
                taken = 0
                while taken < len(piece):
                    taken += engine.feed_capture(piece, taken)
                    yield from waiting()
            while not engine.end_capture():
                yield from waiting()
        except CaptureError as error:
            fault = error
        yield from waiting()
        if fault is not None:
            raise fault
    finally:
        engine.close()


def rows_of(part: Part, options: Options) -> Generator[pa.RecordBatch, None, None]:
    """Yield the packets of a part as batches of ROWS.

    A fault of the capture is a row of its own that has nothing but path, packet and error, if bad_files is "skip" or if the capture
    just ends within a record. Otherwise it raises CaptureError, after the rows before it.
    """
    batch = _Batch(part, options)
    fault = ""
    try:
        for packet in packets_of(_pieces(part)):
            batch.packets.append(packet)
            batch.size += len(packet[4])
            if len(batch.packets) > _BATCH_ROWS or batch.size > _BATCH_BYTES:
                yield batch.take(len(batch.packets) - 1)
    except CaptureError as error:
        if options.bad_files == "fail" and not isinstance(error, CaptureCutError):
            if batch.packets:
                yield batch.take(len(batch.packets))
            raise CaptureError(f"{part.path}: {error}") from None
        fault = str(error)
    if batch.packets:
        yield batch.take(len(batch.packets))
    if fault:
        columns = {"path": [part.path], "packet": [batch.packet + 1], "error": [fault]}
        yield pa.RecordBatch.from_arrays([pa.array(columns.get(field.name, [None]), field.type) for field in ROWS], schema=ROWS)


class _Batch:
    """Packets of a part that are not rows yet."""

    def __init__(self, part: Part, options: Options) -> None:
        self._part, self._options = part, options
        self.packet, self._clock, self._file_ns = part.packet, part.clock_ns, part.file_ns
        self.packets: list[Packet] = []
        self.size = 0  # of their bytes

    def take(self, count: int) -> pa.RecordBatch:
        """Return the first packets as rows. The one behind them tells whether to believe the last time."""
        part, clocks, clock = self._part, [], self._clock
        stamps = [*(packet[2] for packet in self.packets), part.following_ns]
        for number in range(count):
            time_ns = stamps[number]
            if clock is not None and time_ns is not None and 0 <= time_ns - clock <= HOUR:
                clock = time_ns
            else:
                clock = later(clock, time_ns, stamps[number + 1])
            clocks.append(clock)
        self._clock = clock
        if self._file_ns is None:
            self._file_ns = clocks[0]
        keys, depths, times, links, frames, lengths = zip(*self.packets[:count], strict=True)
        none = [None] * count
        if not self._options.frames:
            frames = none  # type: ignore[assignment]
        numbers = range(self.packet + 1, self.packet + count + 1)
        columns = (keys, depths, times, clocks, [self._file_ns] * count, [part.path] * count, numbers, links, frames, lengths, none)
        self.packet += count
        del self.packets[:count]
        self.size = sum(len(packet[4]) for packet in self.packets)
        return pa.RecordBatch.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, ROWS, strict=True)], schema=ROWS
        )
