"""What the sniffers have in common: settings, the filter, link types, statistics, and the state of listening."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

from ..libtins import LibtinsException
from ..libtins._captured import captured
from ._library import as_text, check_expression, datalink_to_description, datalinks, monitor_mode_is_possible
from ._source import MAX_SNAPSHOT_LENGTH, FileSource, InterfaceSource, Settings
from ._writer import DLT
from .exceptions import AlreadyActivated, PcapException, SetMonitorModeError

S = TypeVar("S", bound="BaseSniffer")

# packets taken at a time, between which a sniffer sees that it is to stop
BATCH = 256
_MAX_INT = 0x7FFFFFFF
logger = logging.getLogger("cycapture")


class DIRECTION(IntEnum):
    """Which packets of an interface are captured: both ways, those it receives, those it sends."""

    PCAP_D_INOUT = 0
    PCAP_D_IN = 1
    PCAP_D_OUT = 2


class BaseSniffer:
    """Packets from an interface or from a capture file (pcap, pcapng), of which one is given.

    interface is a name, or an object that has one. filename is a path, or a file object that has one.
    read_timeout, in milliseconds, is how long the kernel may collect packets before it hands them over. buffer_size, in bytes,
    is the kernel's buffer, 0 for its default. Of each packet the first snapshot_length bytes are captured.
    promisc_mode takes packets for other machines too, monitor_mode those of a whole radio channel.

    Settings can be changed while nothing is captured, the filter at any time. PcapException and what is derived from it
    carry libpcap's words.
    """

    DIRECTION = DIRECTION
    DLT = DLT
    # packets since listening began, and how many are wanted; below 1 is no limit
    total: int = 0
    max_p: int = -1

    def __init__(
        self,
        interface: Any = None,
        filename: Any = None,
        read_timeout: int = 5000,
        buffer_size: int = 0,
        snapshot_length: int = 2000,
        promisc_mode: Any = False,
        monitor_mode: Any = False,
        direction: Any = DIRECTION.PCAP_D_INOUT,
    ) -> None:
        if (interface is None) == (filename is None):
            raise ValueError("provide interface or filename" if interface is None else "provide interface OR filename")
        self._source: InterfaceSource | FileSource | None = None
        self._settings = Settings(0, 0, 0, False, False, 0)
        self._expression = ""
        self._datalink = -1
        self._statistics = (0, 0, 0)
        # held while the sniffer listens
        self._busy = threading.Lock()
        self._stopping = False
        self._interface = None if interface is None else as_text(interface, "interface")
        self._filename = None if filename is None else as_text(filename, "filename")
        self.read_timeout = read_timeout
        self.buffer_size = buffer_size
        self.snapshot_length = snapshot_length
        self.promisc_mode = promisc_mode
        self.monitor_mode = monitor_mode
        self.direction = direction
        if self._filename is not None:
            self._open().close()

    # Opening and closing

    def _open(self) -> InterfaceSource | FileSource:
        source: InterfaceSource | FileSource
        if self._filename is not None:
            source = FileSource(self._filename, self._expression)
        else:
            assert self._interface is not None
            source = InterfaceSource(self._interface, self._settings, self._expression)
        if self._datalink not in (-1, source.datalink):
            source.close()
            raise PcapException(f"{source.name} has link type {source.datalink}, and link type {self._datalink} cannot be chosen instead")
        return source

    def _begin(self, max_p: int) -> InterfaceSource | FileSource:
        """Open what is listened to. RuntimeError when this sniffer listens already."""
        limit = int(max_p)
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("this sniffer is already actively listening")
        try:
            source = self._open()
        except BaseException:
            self._busy.release()
            raise
        self._stopping = False
        self.total = 0
        self.max_p = limit
        self._statistics = (0, 0, 0)
        self._source = source
        self._active()[id(self)] = self
        return source

    def _end(self) -> None:
        self._active().pop(id(self), None)
        source, self._source = self._source, None
        if source is not None:
            try:
                self._statistics = source.statistics()
            finally:
                try:
                    source.close()
                finally:
                    self._busy.release()

    @classmethod
    def _active(cls) -> dict[int, Any]:
        """The sniffers of this kind that are listening."""
        raise NotImplementedError

    def _left(self) -> int:
        """How many packets to take at most now; 0 when there were enough."""
        return min(BATCH, max(0, self.max_p - self.total)) if self.max_p > 0 else BATCH

    @property
    def activated(self) -> bool:
        """Whether the sniffer listens."""
        return self._source is not None

    def _stop(self) -> None:
        """Make listening end; whoever listens closes the source."""
        if self._source is not None:
            self._stopping = True

    def close(self) -> None:
        """Stop, if the sniffer listens. It may be used again."""
        self._stop()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Settings

    @property
    def interface(self) -> bytes | None:
        """The interface's name."""
        return None if self._interface is None else self._interface.encode()

    @property
    def filename(self) -> bytes | None:
        """The file's path."""
        return None if self._filename is None else self._filename.encode()

    def _set(self, name: str, value: Any) -> None:
        if self._source is not None:
            raise AlreadyActivated(f"{name} cannot be changed while the sniffer listens")
        setattr(self._settings, name, value)

    @property
    def read_timeout(self) -> int:
        """Milliseconds for which the kernel may collect packets before it hands them over; one below 0 is taken as 0."""
        return self._settings.read_timeout

    @read_timeout.setter
    def read_timeout(self, value: int) -> None:
        self._set("read_timeout", _number("read_timeout", max(0, int(value)), _MAX_INT))

    @property
    def buffer_size(self) -> int:
        """Bytes of the kernel's buffer; 0 is its default, and so is what is below."""
        return self._settings.buffer_size

    @buffer_size.setter
    def buffer_size(self, value: int) -> None:
        self._set("buffer_size", _number("buffer_size", max(0, int(value)), _MAX_INT))

    @property
    def snapshot_length(self) -> int:
        """How many bytes of each packet are captured; 0 is as many as libpcap takes."""
        return self._settings.snapshot_length

    @snapshot_length.setter
    def snapshot_length(self, value: int) -> None:
        self._set("snapshot_length", _number("snapshot_length", int(value), MAX_SNAPSHOT_LENGTH))

    @property
    def promisc_mode(self) -> bool:
        """Whether packets that are not for this machine are taken too."""
        return self._settings.promisc_mode

    @promisc_mode.setter
    def promisc_mode(self, value: Any) -> None:
        self._set("promisc_mode", bool(value))

    @property
    def monitor_mode(self) -> bool:
        """Whether all frames of a radio channel are taken, with their 802.11 headers."""
        return self._settings.monitor_mode

    @monitor_mode.setter
    def monitor_mode(self, value: Any) -> None:
        if value:
            possible, reason = self.can_set_monitor_mode
            if not possible:
                raise SetMonitorModeError((reason or b"this interface has no monitor mode").decode())
        self._set("monitor_mode", bool(value))

    @property
    def can_set_monitor_mode(self) -> tuple[bool, bytes]:
        """Whether the interface has a monitor mode and, where that cannot be said, libpcap's reason."""
        if self._interface is None:
            return False, b"a file has no monitor mode"
        return monitor_mode_is_possible(self._interface)

    @property
    def direction(self) -> IntEnum:
        """Which way the packets go that are captured."""
        return DIRECTION(self._settings.direction)

    @direction.setter
    def direction(self, value: Any) -> None:
        self._set("direction", int(DIRECTION(value)))

    @property
    def filter(self) -> bytes | None:
        """The filter expression (pcap-filter(7)), None where there is none. It is compiled when listening begins."""
        return self._expression.encode() or None

    @filter.setter
    def filter(self, value: Any) -> None:
        expression = as_text(value, "filter") if value else ""
        check_expression(expression)
        if self._source is not None:
            self._source.filter(expression)
        self._expression = expression

    # Link types

    @property
    def datalink(self) -> tuple[int, bytes, bytes]:
        """Number, name and description of the link type that packets have."""
        source = self._source or self._open()
        number = source.datalink
        if source is not self._source:
            source.close()
        return (number, *datalink_to_description(number))

    @datalink.setter
    def datalink(self, value: Any) -> None:
        wanted = int(value)
        if self._source is not None and wanted not in (-1, self._source.datalink):
            raise AlreadyActivated("the link type cannot be changed while the sniffer listens")
        self._datalink = wanted

    def list_datalinks(self) -> list[tuple[int, bytes, bytes]]:
        """Number, name and description of each link type that the interface or file offers."""
        numbers = datalinks(self._interface) if self._interface is not None else [self.datalink[0]]
        return [(number, *datalink_to_description(number)) for number in numbers]

    # Statistics: of the capture that is going on, else of the last one

    def _counts(self) -> tuple[int, int, int]:
        source = self._source
        return source.statistics() if source is not None else self._statistics

    @property
    def ps_recv(self) -> int:
        """Packets that passed the filter."""
        return self._counts()[0]

    @property
    def ps_drop(self) -> int:
        """Packets that passed the filter and were lost, because the kernel's buffer was full."""
        return self._counts()[1]

    @property
    def ps_ifdrop(self) -> int:
        """Packets that the interface or its driver lost, where it says so."""
        return self._counts()[2]


def _number(name: str, value: int, highest: int) -> int:
    if not 0 <= value <= highest:
        raise ValueError(f"{name}={value!r} is not possible: 0 <= {name} <= {highest}")
    return value


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a script's function returns; None when it raises. A packet that cannot be read is logged as debug, any other error as one."""
    try:
        return function(*arguments)
    except LibtinsException:
        logger.debug("a packet was dropped", exc_info=True)
    except Exception:
        logger.exception("a function for captured packets failed, and its packet was dropped")
    return None


def callback_for(function: Any) -> Callable[[int, int, int, bytes], Any]:
    """A script's callback as one of second, microsecond, length and bytes. It takes these four, or five with the captured length.

    TypeError for what is no function, or takes another number.
    """
    if not callable(function):
        raise TypeError("the callback must be a callable")
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function in C that does not say
        count = 4
    else:
        count = next((count for count in (4, 5) if _takes(signature, count)), 0)
        if not count:
            raise TypeError(f"the callback must take (seconds, microseconds, length, packet), not {signature}")
    if count == 4:
        return lambda sec, usec, length, data: guarded(function, sec, usec, length, _view(sec, usec, data))
    return lambda sec, usec, length, data: guarded(function, sec, usec, len(data), length, _view(sec, usec, data))


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _view(sec: int, usec: int, data: bytes) -> memoryview:
    return memoryview(captured(data, (sec, usec)))


def item_of(f: Callable[[memoryview], Any] | None, sec: int, usec: int, data: bytes) -> Any:
    """What a script gets of a packet: its bytes with their time, or what f makes of a view of them."""
    return captured(data, (sec, usec)) if f is None else guarded(f, _view(sec, usec, data))


def storing(container: Any, f: Callable[[memoryview], Any] | None) -> Callable[[int, int, int, bytes], Any]:
    """What stores packets, transformed by f, in a container that has append or put_nowait. TypeError for another one."""
    put = getattr(container, "append", None) or getattr(container, "put_nowait", None)
    if put is None:
        raise TypeError(f"a container has a method append or put_nowait, which {type(container).__name__} has not")

    def store(sec: int, usec: int, length: int, data: bytes) -> None:
        item = item_of(f, sec, usec, data)
        if item is not None:
            guarded(put, (sec, usec, length, item))

    return store
