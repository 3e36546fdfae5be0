"""Live capture through libpcap, which pcapy-ng brings: it is loaded when an interface is opened."""

from __future__ import annotations

import errno
import os
import select
import time
import weakref
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple

from ._core import Callback
from ._engine import Statistics
from ._options import FollowerOptions, Unpack
from ._stream import TCPStream
from .errors import CaptureFileError, CaptureFileNotFoundError, CapturePermissionError, MissingPackageError, OptionError, UsageError
from .follower import TCPStreamFollower

_BATCH = 256  # so many packets are read at most before callbacks run
_WAIT_MS = 50  # how long the kernel gathers packets at most before it hands them over
_LATE_NS = 10**9  # packets of that long ago may still come: time-outs wait for them
_NO_SUCH_DEVICE, _NOT_PERMITTED, _NOT_UP, _NOT_PERMITTED_PROMISCUOUS = -5, -8, -9, -11  # PCAP_ERROR_


Packet = tuple[int, bytes, int]  # time in nanoseconds since 1970, captured bytes, length on the wire


def overdue_ns() -> int:
    """Return the time up to which no further packet comes. Packets carry the kernel's time, which is that of this clock."""
    return time.time_ns() - _LATE_NS


class Interface:
    """An interface that is captured from."""

    def __init__(self, name: str, bpf: str = "", promiscuous: bool = True, snap_length: int = 262144, buffer_size: int = 64 << 20) -> None:
        """Raises what sniff does."""
        self.name = name
        self.closed = False
        self._counts = (0, 0, 0)
        self._handle = _open(name, bpf, promiscuous, snap_length, buffer_size)
        self.link_type = int(self._handle.datalink())
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._finalizer = weakref.finalize(self, _close, self._handle, self._woken, self._wake)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        if (descriptor := self._handle.getfd()) >= 0:
            self._poll.register(descriptor, select.POLLIN)

    def read(self) -> Iterator[Packet]:
        """Yield the packets that there are, some hundred at most, without waiting for others."""
        read = self._handle.next
        for _ in range(_BATCH):
            try:
                header, data = read()
            except Exception as error:  # pcapy's own class, which has no other base
                raise CaptureFileError(None, str(error), self.name) from None
            if header is None:
                return
            seconds, microseconds = header.getts()
            # pcapy-ng gives the seconds as a signed number of 32 bits.
            yield (seconds & 0xFFFFFFFF) * 10**9 + microseconds * 1000, data, header.getlen()

    def wait(self) -> None:
        """Wait for packets, a fraction of a second at most, or until wake is called."""
        self._poll.poll(_WAIT_MS)

    def wake(self) -> None:
        """End a wait, from any thread or a signal's handler."""
        if not self.closed:
            try:
                os.write(self._wake, b"x")
            except BlockingIOError:
                pass  # it was woken often enough

    def counts(self) -> tuple[int, int, int]:
        """Return packets received, dropped by the kernel and dropped by the interface; after close, until then."""
        if not self.closed:
            self._counts = self._handle.stats()
        return self._counts

    def close(self) -> None:
        """Close the interface. Closing twice does nothing."""
        if not self.closed:
            self.counts()
            self.closed = True
            self._finalizer()


class SnifferStatistics(NamedTuple):
    """What an interface gave and what became of it."""

    received: int
    """Packets that the BPF filter let through, those that were dropped included."""
    dropped: int
    """Packets for which the kernel's buffer had no room: they are missing from the streams."""
    dropped_by_interface: int
    followed: Statistics
    """What the follower was given."""


class Sniffer:
    """Follows the connections of an interface: sniff returns it.

    It is an iterator of finished streams, or run follows with callbacks. Both go on until stop is called, from any thread, a callback or
    a signal's handler; the connections that are open then end by "flush". With a with statement the interface is closed at its end.
    """

    def __init__(
        self,
        interface: str,
        data_callback: Callback | None,
        end_callback: Callback | None,
        bpf: str,
        promiscuous: bool,
        snap_length: int,
        buffer_size: int,
        options: FollowerOptions,
    ) -> None:
        self.interface = interface
        self._end_callback = end_callback
        self._streams: deque[TCPStream] | None = None  # of the iterator
        self._packets: deque[Packet] = deque()  # read, but not followed yet
        self._stopping = False
        self._follower = TCPStreamFollower(data_callback, self._ended, **options)
        self._source = Interface(interface, bpf, promiscuous, snap_length, buffer_size)

    def __iter__(self) -> Iterator[TCPStream]:
        """Yield streams as they close, until stop is called; those that are open then come last."""
        streams = self._streams
        if streams is None:
            streams = self._streams = deque()
        while self._step():
            while streams:
                yield streams.popleft()
        self._follower.flush()
        yield from streams
        streams.clear()

    def run(self) -> None:
        """Follow with the callbacks, until stop is called. An exception of a callback comes out of it; run may be called again then."""
        while self._step():
            pass
        self._follower.flush()

    def stop(self) -> None:
        """Stop at once: no further packet is followed."""
        self._stopping = True
        self._source.wake()

    def close(self) -> None:
        """Stop, end the connections that are open, run their callbacks and close the interface. Closing twice does nothing."""
        self.stop()
        try:
            self._follower.close()
        finally:
            self._source.close()

    @property
    def statistics(self) -> SnifferStatistics:
        """What the interface gave and what became of it; after close, until then."""
        return SnifferStatistics(*self._source.counts(), self._follower.statistics)

    def __enter__(self) -> Sniffer:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._follower.__exit__(kind, value, traceback)
            self._source.close()

    def _ended(self, stream: TCPStream) -> object:
        if self._streams is not None:
            self._streams.append(stream)
        return None if self._end_callback is None else self._end_callback(stream)

    def _step(self) -> bool:
        """Follow what there is, or wait a while for it. Return False when stopped."""
        if self._stopping:
            return False
        if self._source.closed:
            raise UsageError("this sniffer is closed: make a new one")
        if not self._packets:
            self._packets.extend(self._source.read())
        if self._packets:
            self._follower.feed_packets(self._rows(), self._source.link_type, "ns")
        else:
            self._follower.advance_time(overdue_ns() / 10**9)
            self._source.wait()
        return not self._stopping

    def _rows(self) -> Iterator[Packet]:
        """Yield what was read, one after another, so that an exception of a callback leaves the rest for the next call."""
        packets = self._packets
        while packets and not self._stopping:
            yield packets.popleft()


def _close(handle: Any, *descriptors: int) -> None:
    handle.close()
    for descriptor in descriptors:
        os.close(descriptor)


def sniff(
    interface: str,
    data_callback: Callback | None = None,
    end_callback: Callback | None = None,
    *,
    bpf: str = "",
    promiscuous: bool = True,
    snap_length: int = 262144,
    buffer_size: int = 64 << 20,
    **options: Unpack[FollowerOptions],
) -> Sniffer:
    """Capture from an interface, and follow its connections.

        with sniff("eth0", bpf="tcp port 80") as sniffer:
            for stream in sniffer:
                print(stream)

    interface is a name as "eth0", or "any" (Linux). The callbacks and options are TCPStreamFollower's; with callbacks, run() follows
    until stop(). bpf is a filter in the words of pcap-filter(7), by which the kernel leaves packets out before they are copied.
    promiscuous also asks for packets for other hosts. snap_length is how many bytes of a packet are captured, by default all.
    buffer_size is how many bytes the kernel keeps until they are read; what does not fit is counted as dropped in statistics.

    Raises CapturePermissionError without the right to capture, CaptureFileNotFoundError if there is no such interface,
    CaptureFileError if it cannot be opened, OptionError for a wrong filter or number, MissingPackageError without pcapy-ng.
    """
    if not isinstance(interface, str):
        raise TypeError(f"an interface is given by its name, as 'eth0', not as {type(interface).__name__}")
    for name, value, most in (("snap_length", snap_length, 262144), ("buffer_size", buffer_size, (1 << 31) - 1)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise OptionError(f"{name}={value!r} is not possible: it must be a number of bytes from 1 to {most}")
    return Sniffer(interface, data_callback, end_callback, bpf, promiscuous, snap_length, buffer_size, options)


def _open(interface: str, bpf: str, promiscuous: bool, snap_length: int, buffer_size: int) -> Any:
    try:
        import pcapy
    except ImportError:
        raise MissingPackageError("sniff captures through pcapy-ng, which is not installed: pip install 'gofollow[capture]'") from None
    try:
        handle = pcapy.create(interface)
        handle.set_snaplen(snap_length)
        handle.set_promisc(promiscuous)
        handle.set_timeout(_WAIT_MS)
        handle.set_buffer_size(buffer_size)
        code = handle.activate()
    except pcapy.PcapError as error:
        raise CaptureFileError(None, str(error), interface) from None
    try:
        if code < 0:
            raise _not_opened(pcapy, code, interface, promiscuous, snap_length)
        handle.setnonblock(1)
        if bpf:
            try:
                handle.setfilter(bpf)
            except pcapy.PcapError as error:
                raise OptionError(f"bpf={bpf!r} is not a valid filter (pcap-filter(7)): {error}") from None
    except BaseException:
        handle.close()
        raise
    return handle


def _not_opened(pcapy: Any, code: int, interface: str, promiscuous: bool, snap_length: int) -> CaptureFileError:
    if code in (_NOT_PERMITTED, _NOT_PERMITTED_PROMISCUOUS):
        import sys

        program = os.path.realpath(sys.executable)
        words = f"capturing needs the right to: run as root, or give it to Python by 'sudo setcap cap_net_raw,cap_net_admin=eip {program}'"
        return CapturePermissionError(errno.EPERM, words, interface)
    if code == _NO_SUCH_DEVICE:
        names = ", ".join(pcapy.findalldevs()) or "none that may be captured from"
        return CaptureFileNotFoundError(errno.ENODEV, f"there is no interface of that name; there are {names}", interface)
    if code == _NOT_UP:
        return CaptureFileError(errno.ENETDOWN, "the interface is not up", interface)
    words = f"libpcap cannot capture from it (error {code})"
    try:
        pcapy.open_live(interface, snap_length, promiscuous, _WAIT_MS).close()  # which has words for it
    except pcapy.PcapError as error:
        words = str(error)
    return CaptureFileError(None, words, interface)
