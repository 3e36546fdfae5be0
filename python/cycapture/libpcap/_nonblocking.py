"""The sniffer for event loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ._sniffer import BaseSniffer, callback_for, storing
from ._source import FileSource, InterfaceSource
from ._writer import NonBlockingPacketWriter
from .exceptions import PcapException

_TORNADO_READ = 1


class NonBlockingSniffer(BaseSniffer):
    """Captures in an event loop of asyncio or tornado: the sniff methods return at once, and packets arrive while the loop runs.

    It stops after max_p packets (below 1: no limit), at the end of the file, or by stop(). An exception of a script's function
    is logged (logger "cycapture"). Use it only from the thread of the loop.
    """

    active_sniffers: ClassVar[dict[int, NonBlockingSniffer]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.loop: Any = None
        self._descriptor: int | None = None
        self._take: Callable[[int, int, int, bytes], Any] | None = None
        self._writer: NonBlockingPacketWriter | None = None
        self._reading = False
        super().__init__(*args, **kwargs)

    @classmethod
    def _active(cls) -> dict[int, Any]:
        return NonBlockingSniffer.active_sniffers

    def set_loop(self, loop: Any, loop_type: Any = "tornado") -> NonBlockingSniffer:
        """Use an event loop of asyncio or tornado, which is recognised without loop_type. Returns the sniffer."""
        if not hasattr(loop, "add_reader") and not hasattr(loop, "add_handler"):
            raise TypeError(f"an event loop of asyncio or tornado is wanted, not {type(loop).__name__}")
        self.loop = loop
        return self

    def sniff_callback(self, callback: Callable[..., Any], max_p: int = -1) -> int | None:
        """Call callback(seconds, microseconds, length, packet) for each packet: see BlockingSniffer. Returns the descriptor in use."""
        return self._listen(callback_for(callback), max_p)

    def sniff_and_store(self, container: Any, f: Callable[[memoryview], Any] | None = None, max_p: int = -1) -> int | None:
        """Put (seconds, microseconds, length, packet) into a container: see BlockingSniffer. Returns the descriptor in use."""
        return self._listen(storing(container, f), max_p)

    def sniff_and_export(self, fname_or_file_object: Any, max_p: int = -1) -> None:
        """Write the packets to a pcap file, given by its path or as a file object open for binary writing. stop() completes it."""
        self._check()
        writer = self._writer = NonBlockingPacketWriter(self.datalink[0], fname_or_file_object)
        try:
            self._listen(lambda sec, usec, length, data: writer.write_captured(data, length, sec, usec), max_p)
        except BaseException:
            self._finish()
            raise

    def stop(self) -> None:
        """Stop at once, or after the current batch of packets, and complete the file of sniff_and_export."""
        self._stop()
        if not self._reading:
            self._finish()

    def close(self) -> None:
        self.stop()

    @classmethod
    def stop_all(cls) -> None:
        """Stop all listening sniffers. Callable from the loop's thread and from a signal handler."""
        for sniffer in list(NonBlockingSniffer.active_sniffers.values()):
            sniffer.stop()

    def _check(self) -> None:
        if self.loop is None:
            raise RuntimeError("set_loop first: a NonBlockingSniffer needs an event loop")
        if self._source is not None:
            raise RuntimeError("this sniffer is already actively listening")

    def _listen(self, take: Callable[[int, int, int, bytes], Any], max_p: int) -> int | None:
        self._check()
        source = self._begin(max_p)
        self._take = take
        descriptor = source.descriptor()
        if descriptor is None:
            self._schedule(source)
        elif descriptor < 0:
            self._end()
            raise PcapException(f"{source.name} cannot be waited for in an event loop: use a BlockingSniffer")
        elif hasattr(self.loop, "add_reader"):
            self.loop.add_reader(descriptor, self._ready, source)
        else:
            self.loop.add_handler(descriptor, lambda fd, events: self._ready(source), _TORNADO_READ)
        self._descriptor = descriptor
        return descriptor

    def _schedule(self, source: InterfaceSource | FileSource) -> None:
        later = getattr(self.loop, "call_soon", None) or self.loop.add_callback
        later(self._ready, source)

    def _ready(self, source: InterfaceSource | FileSource) -> None:
        """Deliver a batch of packets. The loop calls again while there are more."""
        take = self._take
        if self._source is not source or take is None or self._stopping:
            return
        self._reading = True
        over = True
        try:
            is_file = self._descriptor is None
            packets = source.read(self._left()) if is_file else source.take(self._left())
            for packet in packets or ():
                if self._stopping:
                    break
                self.total += 1
                take(*packet)
            over = packets is None or not self._left()
        finally:
            self._reading = False
            if over or self._stopping:
                self._finish()
        if self._source is source and is_file:
            self._schedule(source)

    def _finish(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            if hasattr(self.loop, "add_reader"):
                self.loop.remove_reader(descriptor)
            else:
                self.loop.remove_handler(descriptor)
        writer, self._writer = self._writer, None
        try:
            self._end()
        finally:
            if writer is not None:
                writer.close()
