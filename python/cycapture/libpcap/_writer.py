"""Writing pcap files, one packet at a time."""

from __future__ import annotations

import atexit
import errno
import io
import os
import struct
import threading
import time
from enum import IntEnum
from queue import SimpleQueue
from typing import Any, BinaryIO

from ..libtins import IP, PDU, Loopback
from ..libtins._network import IPv6
from ..libtins._text import as_bytes
from .exceptions import WriterClosed

# libpcap's largest packet; readers refuse a file with a larger packet or a larger snap length in its header
_MAX_LENGTH = 262144
# data link types (DLT) whose number in files (LINKTYPE) differs; the rest is the same
_IN_FILES = {11: 100, 12: 101, 14: 101, 15: 102, 16: 103, 19: 106}
_RAW_IP = (12, 14, 101, 228)


class DLT(IntEnum):
    """Data link types."""

    DLT_NULL = 0
    DLT_EN10MB = 1
    DLT_EN3MB = 2
    DLT_AX25 = 3
    DLT_PRONET = 4
    DLT_CHAOS = 5
    DLT_IEEE802 = 6
    DLT_ARCNET = 7
    DLT_SLIP = 8
    DLT_PPP = 9
    DLT_FDDI = 10
    DLT_RAW = 12
    DLT_IEEE802_11 = 105
    DLT_LOOP = 108
    DLT_ENC = 109
    DLT_PRISM_HEADER = 119
    DLT_AIRONET_HEADER = 120
    DLT_IEEE802_11_RADIO = 127
    DLT_IEEE802_11_RADIO_AVS = 163
    DLT_IPV4 = 228
    DLT_IPV6 = 229


def link_type_of(value: Any) -> int:
    """Return the data link type of a number, a member of DLT, its name, a PDU or a PDU class."""
    if isinstance(value, PDU):
        value = type(value)
    if isinstance(value, type):
        if issubclass(value, Loopback):
            # libtins calls it DLT_LOOP, whose family is in network byte order; what Loopback writes is DLT_NULL
            return DLT.DLT_NULL
        number = getattr(value, "datalink_type", -1)
        if number == -1:
            raise TypeError(f"{value.__name__} has no data link type of its own: name a link layer such as EthernetII, or a number")
        return int(number)
    if isinstance(value, (str, bytes)):
        name = value.decode("latin-1") if isinstance(value, bytes) else value
        try:
            return DLT[name if name.startswith("DLT_") else "DLT_" + name]
        except KeyError:
            raise ValueError(f"there is no data link type called {name}") from None
    return int(value)


def frame_of(packet: Any, link_type: int) -> bytes:
    """Return the bytes of a packet, given as a buffer or as a PDU with a layer of this link type, unchanged ones as captured.

    Raises ValueError for other objects.
    """
    if not isinstance(packet, PDU):
        return as_bytes(packet)
    layer: PDU | None = packet
    while layer is not None:
        if link_type == DLT.DLT_NULL:
            fits = isinstance(layer, Loopback)
        elif link_type in _RAW_IP:
            fits = isinstance(layer, (IP, IPv6))
        else:
            fits = layer.datalink_type == link_type
        if fits:
            # a captured packet stays unchanged; an IP packet inside another layer gets its checksum
            data = layer._as_captured() if layer is packet else layer.copy()._written(packet)
            return data[3::-1] + data[4:] if link_type == DLT.DLT_LOOP else data
        layer = layer.ref_inner_pdu()
    raise ValueError(f"the PDU ({type(packet).__name__}) has no layer of data link type {link_type}")


class PacketWriter:
    """Writes a pcap file. Usable in a with statement, and from several threads.

    linktype is a number, a member or name of DLT, or a PDU class such as EthernetII. output is a
    path, or a file object open for binary writing, which close() leaves open. The file header is
    written at once. If an error leaves a packet partly written (a full disk, a pipe), the next
    write() or close() completes it first.
    """

    def __init__(self, linktype: Any, output: Any) -> None:
        self.linktype = link_type_of(linktype)
        if not 0 <= self.linktype <= 0xFFFF:
            raise ValueError(f"{self.linktype} is not a data link type")
        self._output = output
        self._is_path = isinstance(output, (str, bytes, os.PathLike))
        if not self._is_path and not hasattr(output, "write"):
            raise ValueError(f"output is a path or an object with write(), not {type(output).__name__}")
        self._file: BinaryIO | None = None
        self._begun = False
        self._writing = threading.RLock()
        self._torn = b""  # the rest of a record that was written in part
        self.open()

    def open(self) -> None:
        """Open the file again after close() and append to it."""
        if self._file is not None:
            return
        # the buffer: a script of Python 2 opened its file with mode "w"
        self._file = open(self._output, "ab" if self._begun else "wb") if self._is_path else getattr(self._output, "buffer", self._output)  # noqa: SIM115
        if not self._begun:
            self._begun = True
            link_type = _IN_FILES.get(self.linktype, self.linktype)
            self._put(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _MAX_LENGTH, link_type))

    def write(self, buf: Any, tv_sec: int = -1, tv_usec: int = 0) -> None:
        """Write a PDU or the bytes of a packet, captured at that second and microsecond; -1 seconds means now."""
        data = frame_of(buf, self.linktype)
        self._write(_record(data, len(data), tv_sec, tv_usec))

    def write_captured(self, data: bytes, length: int, tv_sec: int, tv_usec: int) -> None:
        """Write a packet that may be truncated; length is its length on the wire."""
        self._write(_record(data, length, tv_sec, tv_usec))

    def _write(self, record: bytes) -> None:
        self._put(record)

    def _put(self, record: bytes) -> None:
        with self._writing:
            if self._file is None:
                raise WriterClosed("the writer is closed: open() it, or use it in a with statement")
            self._complete()
            self._torn = record
            try:
                self._complete()
            except BaseException:
                if len(self._torn) == len(record):
                    self._torn = b""  # nothing of it is written, and the caller gets the error
                raise

    def _complete(self) -> None:
        """Write the rest of a record.

        A file object may write a part and return its length.
        """
        file = self._file
        assert file is not None
        while self._torn:
            taken: Any = file.write(self._torn)
            if taken is None and isinstance(file, io.RawIOBase):
                raise BlockingIOError(errno.EAGAIN, "the file object is non-blocking and takes no more now", 0)
            if not isinstance(taken, int) or isinstance(taken, bool) or taken >= len(self._torn):
                taken = len(self._torn)  # of a file object that returns no length
            elif taken <= 0:
                raise OSError(errno.EIO, f"the file object's write() took {taken} of {len(self._torn)} bytes")
            self._torn = self._torn[taken:]

    def close(self) -> None:
        """Finish the file. Closing twice does nothing."""
        with self._writing:
            file = self._file
            if file is None:
                return
            try:
                self._complete()
            finally:
                self._file = None
                if self._is_path:
                    file.close()
                elif hasattr(file, "flush"):
                    file.flush()

    def __enter__(self) -> PacketWriter:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NonBlockingPacketWriter(PacketWriter):
    """A PacketWriter that writes in a thread, so that write() does not wait for the disk.

    close() waits until everything is written. The next write() or close() raises an error of the
    thread; packets that waited until then are not written.
    """

    def __init__(self, linktype: Any, output: Any) -> None:
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        super().__init__(linktype, output)

    def open(self) -> None:
        if self._thread is None:
            super().open()
            self._thread = threading.Thread(target=self._flush_thread, name="cycapture packet writer", daemon=True)
            self._thread.start()
            # waiting packets are written even if the script ends without close()
            atexit.register(self.close)

    def _write(self, record: bytes) -> None:
        self._raise_failure()
        if self._thread is None:
            raise WriterClosed("the writer is closed: open() it, or use it in a with statement")
        self._waiting.put(record)

    def _flush_thread(self) -> None:
        while (record := self._waiting.get()) is not None:
            if self._failure is None:
                try:
                    self._put(record)
                except BaseException as error:
                    self._failure = error

    def close(self) -> None:
        if self._thread is not None:
            atexit.unregister(self.close)
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
        try:
            super().close()
        finally:
            self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def _record(data: bytes, length: int, seconds: Any, microseconds: Any) -> bytes:
    if len(data) > _MAX_LENGTH:
        raise ValueError(f"a packet in a pcap file has at most {_MAX_LENGTH} bytes, this one has {len(data)}")
    seconds, microseconds = int(seconds), int(microseconds)
    if seconds == -1:
        seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    if not (0 <= seconds <= 0xFFFFFFFF and 0 <= microseconds < 1_000_000):
        raise ValueError(f"{seconds} s and {microseconds} us cannot be a time in a pcap file")
    return struct.pack("=IIII", seconds, microseconds, len(data), length) + data
