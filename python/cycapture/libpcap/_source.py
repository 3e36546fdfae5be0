"""The sources of a sniffer's packets: interfaces and capture files, through pcapy-ng."""

from __future__ import annotations

import logging
import os
import select
import stat
import threading
from dataclasses import dataclass
from typing import Any

from ._library import Filter, binding, error_of, status_words
from .exceptions import (
    ActivationError,
    PcapException,
    SetBufferSizeError,
    SetDirectionError,
    SetMonitorModeError,
    SetNonblockingModeError,
    SetPromiscModeError,
    SetSnapshotLengthError,
    SetTimeoutError,
    SniffingError,
    UnreadableFile,
)

# seconds, microseconds, length on the wire, captured bytes
Packet = tuple[int, int, int, bytes]

# How long a read waits for packets: a sniffer has to stop within a tenth of a second.
WAIT_MS = 50
MAX_SNAPSHOT_LENGTH = 262144


@dataclass
class Settings:
    """The settings with which an interface is opened."""

    read_timeout: int
    buffer_size: int
    snapshot_length: int
    promisc_mode: bool
    monitor_mode: bool
    direction: int


class _Source:
    """An open interface or file. One thread reads. Other threads may only set the filter and ask for statistics."""

    def __init__(self, name: str, handle: Any) -> None:
        self.name = name
        self._handle = handle
        self._fault: SniffingError | None = None
        # reentrant for a signal handler, which runs between two packets and may change the filter
        self._lock = threading.RLock()
        self._closed = False
        self.datalink: int = handle.datalink()

    def take(self, limit: int) -> list[Packet]:
        """Return available packets, at most limit. Raises SniffingError if reading fails, after the packets before were returned."""
        if self._fault is not None:
            raise self._fault
        packets: list[Packet] = []
        read = self._handle.next
        with self._lock:
            try:
                for _ in range(limit):
                    header, data = read()
                    if header is None:
                        break
                    seconds, microseconds = header.getts()
                    # pcapy-ng returns the seconds as a signed 32-bit number
                    packets.append((seconds & 0xFFFFFFFF, microseconds, header.getlen(), data))
            except binding().PcapError as error:
                self._fault = SniffingError(f"{self.name}: {error}")
        if self._fault is not None and not packets:
            raise self._fault
        return packets

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._handle.close()


class InterfaceSource(_Source):
    _counts = (0, 0, 0)

    def __init__(self, interface: str, settings: Settings, expression: str) -> None:
        pcapy = binding()
        try:
            handle = pcapy.create(interface)
        except pcapy.PcapError as error:
            raise ActivationError(str(error)) from None
        try:
            self._open(handle, interface, settings)
            super().__init__(interface, handle)
            if expression:
                self.filter(expression)
        except BaseException:
            handle.close()
            raise

    @staticmethod
    def _open(handle: Any, interface: str, settings: Settings) -> None:
        steps: list[tuple[Any, int, type[PcapException]]] = [
            (handle.set_timeout, settings.read_timeout, SetTimeoutError),
            (handle.set_snaplen, settings.snapshot_length, SetSnapshotLengthError),
            (handle.set_promisc, settings.promisc_mode, SetPromiscModeError),
        ]
        if settings.buffer_size:
            steps.append((handle.set_buffer_size, settings.buffer_size, SetBufferSizeError))
        if settings.monitor_mode:
            steps.append((handle.set_rfmon, 1, SetMonitorModeError))
        for call, value, error in steps:
            code = call(value)
            if code:
                raise error_of(code, f"{interface}: {status_words(code)}", error)
        code = handle.activate()
        if code < 0:
            raise error_of(code, _why_not_opened(code, interface, settings), ActivationError)
        if code > 0:
            logging.getLogger("cycapture").warning("%s: %s", interface, status_words(code))
        pcapy = binding()
        try:
            handle.setnonblock(1)
        except pcapy.PcapError as fault:
            raise SetNonblockingModeError(f"{interface}: {fault}") from None
        if settings.direction:
            try:
                handle.setdirection(settings.direction)
            except pcapy.PcapError as fault:
                raise SetDirectionError(f"{interface}: {fault}") from None

    def filter(self, expression: str) -> None:
        """Filter packets by the expression; an empty one matches all."""
        try:
            with self._lock:
                if not self._closed:
                    self._handle.setfilter(expression)
        except binding().PcapError as error:
            raise PcapException(f"{self.name}: filter {expression!r}: {error}") from None

    def descriptor(self) -> int:
        """Return the descriptor to wait for in an event loop, -1 if there is none."""
        return int(self._handle.getfd())

    def read(self, limit: int) -> list[Packet] | None:
        """Return packets, none if none arrived for a while."""
        packets = self.take(limit)
        if packets:
            return packets
        descriptor = self.descriptor()
        poll = select.poll()
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
        poll.poll(WAIT_MS)
        return self.take(limit)

    def statistics(self) -> tuple[int, int, int]:
        """Return the packets received, dropped because the buffer was full, dropped by the interface."""
        with self._lock:
            if not self._closed:
                self._counts = self._handle.stats()
            return self._counts


class FileSource(_Source):
    """A pcap or pcapng file. It is filtered here, because libpcap would search a long file for a match without a stop."""

    def __init__(self, path: str, expression: str) -> None:
        pcapy = binding()
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableFile(f"{path} is not a regular file, and libpcap cannot be stopped while it waits for one that is not")
        try:
            handle = pcapy.open_offline(path)
        except pcapy.PcapError as error:
            words = str(error)
            raise UnreadableFile(words if path in words else f"{path}: {words}") from None
        super().__init__(path, handle)
        self._filter: Filter | None = None
        self._received = 0
        try:
            self.filter(expression)
        except BaseException:
            handle.close()
            raise

    def filter(self, expression: str) -> None:
        try:
            self._filter = Filter(expression, self.datalink, MAX_SNAPSHOT_LENGTH) if expression else None
        except PcapException as error:
            raise PcapException(f"{self.name}: filter {expression!r}: {error}") from None

    def descriptor(self) -> None:
        """Return None: a file is always ready to be read."""

    def read(self, limit: int) -> list[Packet] | None:
        """Return packets, none if none of them matched, None at the end of the file."""
        packets = self.take(limit)
        if not packets:
            return None
        matching = self._filter
        if matching is not None:
            packets = [packet for packet in packets if matching.matches(packet[3], packet[2])]
        self._received += len(packets)
        return packets

    def statistics(self) -> tuple[int, int, int]:
        return self._received, 0, 0


def _why_not_opened(code: int, interface: str, settings: Settings) -> str:
    """Return libpcap's message for a failed activation, which pcapy-ng does not report."""
    pcapy = binding()
    if not settings.monitor_mode:
        try:
            pcapy.open_live(interface, settings.snapshot_length, settings.promisc_mode, settings.read_timeout).close()
        except pcapy.PcapError as error:
            return str(error)
    return f"{interface}: {status_words(code)}"
