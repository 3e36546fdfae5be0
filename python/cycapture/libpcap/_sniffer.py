"""The common part of the sniffers: settings, filter, link types, statistics, and the listening state."""

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

# packets in a batch; between batches a sniffer checks whether to stop
BATCH = 256
_MAX_INT = 0x7FFFFFFF
logger = logging.getLogger("cycapture")


class DIRECTION(IntEnum):
    """The direction of captured packets: both, received, sent."""

    PCAP_D_INOUT = 0
    PCAP_D_IN = 1
    PCAP_D_OUT = 2


class BaseSniffer:
    """Reads packets from an interface or from a capture file (pcap, pcapng). Exactly one of the two is given.

    interface is a name or an object with a name, filename a path or a file object with a name. read_timeout is the time in
    milliseconds for which the kernel may collect packets before it delivers them. buffer_size is the size of the kernel's
    buffer in bytes, 0 for its default. snapshot_length bytes of each packet are captured. promisc_mode also captures packets
    for other machines, monitor_mode those of a whole radio channel.

    Settings can be changed while the sniffer does not capture, the filter at any time. PcapException and its subclasses have
    libpcap's message.
    """

    DIRECTION = DIRECTION
    DLT = DLT
    # packets since listening began, and the number to capture; below 1 means no limit
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
        """Open the source. Raises RuntimeError if this sniffer is listening."""
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
        """Return the listening sniffers of this class."""
        raise NotImplementedError

    def _left(self) -> int:
        """Return the number of packets to take at most; 0 if max_p is reached."""
        return min(BATCH, max(0, self.max_p - self.total)) if self.max_p > 0 else BATCH

    @property
    def activated(self) -> bool:
        """Whether the sniffer is listening."""
        return self._source is not None

    def _stop(self) -> None:
        """End listening. The listening thread closes the source."""
        if self._source is not None:
            self._stopping = True

    def close(self) -> None:
        """Stop listening, if it does. The sniffer can be used again."""
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
        """Time in milliseconds for which the kernel may collect packets before it delivers them. A negative value is 0."""
        return self._settings.read_timeout

    @read_timeout.setter
    def read_timeout(self, value: int) -> None:
        self._set("read_timeout", _number("read_timeout", max(0, int(value)), _MAX_INT))

    @property
    def buffer_size(self) -> int:
        """Size of the kernel's buffer in bytes. 0 and negative values mean its default."""
        return self._settings.buffer_size

    @buffer_size.setter
    def buffer_size(self, value: int) -> None:
        self._set("buffer_size", _number("buffer_size", max(0, int(value)), _MAX_INT))

    @property
    def snapshot_length(self) -> int:
        """Bytes captured of each packet. 0 means libpcap's maximum."""
        return self._settings.snapshot_length

    @snapshot_length.setter
    def snapshot_length(self, value: int) -> None:
        self._set("snapshot_length", _number("snapshot_length", int(value), MAX_SNAPSHOT_LENGTH))

    @property
    def promisc_mode(self) -> bool:
        """Whether packets for other machines are captured, too."""
        return self._settings.promisc_mode

    @promisc_mode.setter
    def promisc_mode(self, value: Any) -> None:
        self._set("promisc_mode", bool(value))

    @property
    def monitor_mode(self) -> bool:
        """Whether all frames of a radio channel are captured, with their 802.11 headers."""
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
        """Report whether the interface supports monitor mode and, if that is unknown, libpcap's reason."""
        if self._interface is None:
            return False, b"a file has no monitor mode"
        return monitor_mode_is_possible(self._interface)

    @property
    def direction(self) -> IntEnum:
        """The direction of the captured packets."""
        return DIRECTION(self._settings.direction)

    @direction.setter
    def direction(self, value: Any) -> None:
        self._set("direction", int(DIRECTION(value)))

    @property
    def filter(self) -> bytes | None:
        """The filter expression (pcap-filter(7)) as bytes, or None. It is compiled when listening begins."""
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
        """Number, name and description of the packets' link type."""
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
        """Return number, name and description of each link type of the interface or file."""
        numbers = datalinks(self._interface) if self._interface is not None else [self.datalink[0]]
        return [(number, *datalink_to_description(number)) for number in numbers]

    # Statistics of the current capture, else of the last one

    def _counts(self) -> tuple[int, int, int]:
        source = self._source
        return source.statistics() if source is not None else self._statistics

    @property
    def ps_recv(self) -> int:
        """Packets that passed the filter."""
        return self._counts()[0]

    @property
    def ps_drop(self) -> int:
        """Packets that passed the filter and were lost because the kernel's buffer was full."""
        return self._counts()[1]

    @property
    def ps_ifdrop(self) -> int:
        """Packets that the interface or its driver lost, if it reports them."""
        return self._counts()[2]


def _number(name: str, value: int, highest: int) -> int:
    if not 0 <= value <= highest:
        raise ValueError(f"{name}={value!r} is not possible: 0 <= {name} <= {highest}")
    return value


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a script's function, None if it raises. Unreadable packets are logged at level debug, other errors at error."""
    try:
        return function(*arguments)
    except LibtinsException:
        logger.debug("a packet was dropped", exc_info=True)
    except Exception:
        logger.exception("a function for captured packets failed, and its packet was dropped")
    return None


def callback_for(function: Any) -> Callable[[int, int, int, bytes], Any]:
    """Return a script's callback of four or five arguments as one of second, microsecond, length and bytes.

    Raises TypeError for an object that is not callable or takes another number of arguments.
    """
    if not callable(function):
        raise TypeError("the callback must be a callable")
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function in C without a signature
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
    """Return a packet for a script: its bytes with their time, or f(memoryview)."""
    return captured(data, (sec, usec)) if f is None else guarded(f, _view(sec, usec, data))


def storing(container: Any, f: Callable[[memoryview], Any] | None) -> Callable[[int, int, int, bytes], Any]:
    """Return a function that stores packets, transformed by f, by the container's append or put_nowait. Raises TypeError without them."""
    put = getattr(container, "append", None) or getattr(container, "put_nowait", None)
    if put is None:
        raise TypeError(f"a container has a method append or put_nowait, which {type(container).__name__} has not")

    def store(sec: int, usec: int, length: int, data: bytes) -> None:
        item = item_of(f, sec, usec, data)
        if item is not None:
            guarded(put, (sec, usec, length, item))

    return store
