"""The sniffer whose methods return when sniffing ends, and its iterator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, ClassVar

from ._sniffer import BATCH, BaseSniffer, callback_for, item_of, storing
from ._source import WAIT_MS, Packet
from ._writer import PacketWriter


class BlockingSniffer(BaseSniffer):
    """Captures in the thread that calls a sniff method, until max_p packets were captured, the file ends or ask_stop is called.

    An exception of a script's function is logged (logger "cycapture") and does not end sniffing. max_p below 1 means no limit.
    """

    active_sniffers: ClassVar[dict[int, BlockingSniffer]] = {}

    @classmethod
    def _active(cls) -> dict[int, Any]:
        return BlockingSniffer.active_sniffers

    def ask_stop(self) -> None:
        """Stop the sniffer within a tenth of a second. Callable from any thread and from a signal handler."""
        self._stop()

    @classmethod
    def stop_all(cls) -> None:
        """Ask all sniffers that are listening to stop."""
        for sniffer in list(BlockingSniffer.active_sniffers.values()):
            sniffer.ask_stop()

    def _batches(self) -> Iterator[list[Packet]]:
        """Yield packets until the sniffer is asked to stop."""
        source = self._source
        assert source is not None
        while not self._stopping and (limit := self._left()):
            packets = source.read(limit)
            if packets is None:
                return
            if packets:
                yield packets

    def _sniff(self, take: Callable[[int, int, int, bytes], Any], max_p: int, at_once: bool = False) -> None:
        """Call take for each packet. After a stop, return at once or when the packets captured until then are taken."""
        self._begin(max_p)
        try:
            for packets in self._batches():
                for packet in packets:
                    if at_once and self._stopping:
                        break
                    self.total += 1
                    take(*packet)
        finally:
            self._end()

    def sniff_callback(self, f: Callable[..., Any], max_p: int = -1) -> None:
        """Call f(seconds, microseconds, length, packet) for each packet.

        length is the length on the wire, packet a memoryview. A function of five arguments gets the captured length before it.
        """
        self._sniff(callback_for(f), max_p, at_once=True)

    def sniff_and_store(self, container: Any, f: Callable[[memoryview], Any] | None = None, max_p: int = -1) -> None:
        """Put (seconds, microseconds, length, packet) into a container, by append or put_nowait.

        packet is bytes or, with f, the result of f(memoryview); a packet for which f returns None is left out.
        """
        self._sniff(storing(container, f), max_p)

    def sniff_and_export(self, fname_or_file_object: Any, max_p: int = -1) -> None:
        """Write the packets to a pcap file, given by its path or as a file object open for binary writing."""
        with PacketWriter(self.datalink[0], fname_or_file_object) as writer:
            self._sniff(lambda sec, usec, length, data: writer.write_captured(data, length, sec, usec), max_p)

    def iterator(self, f: Callable[[memoryview], Any] | None = None, max_p: int = -1, cache_size: int = 10000) -> SniffingIterator:
        """Return an iterator over (seconds, microseconds, length, packet), for use in a with statement.

        packet is bytes or, with f, the result of f(memoryview); a packet for which f returns None is left out. The iterator yields
        exactly max_p packets. A thread captures ahead of the script and keeps up to cache_size packets (0: any number). Further
        packets wait in the kernel's buffer, and ps_drop counts those that do not fit there.
        """
        return SniffingIterator(self, f, max_p, cache_size)


class SniffingIterator:
    """Packets of a BlockingSniffer, which a thread captures: see BlockingSniffer.iterator."""

    def __init__(self, sniffer: BlockingSniffer, f: Callable[[memoryview], Any] | None, max_p: int, cache_size: int) -> None:
        if f is not None and not callable(f):
            raise TypeError("f must be a callable")
        self._sniffer = sniffer
        self._f = f
        self._max_p = int(max_p)
        self._cache_size = int(cache_size)
        self._thread: threading.Thread | None = None
        # batches of packets, then possibly an error, then None
        self._queue: SimpleQueue[list[Packet] | BaseException | None] = SimpleQueue()
        self._packets: Iterator[Packet] = iter(())
        self._returned = 0
        self._over = False
        # packets put into the queue and packets taken out of it; one thread writes each
        self._put = 0
        self._taken = 0
        self._room = threading.Event()

    def start(self) -> None:
        """Start capturing, unless started. The with statement and the first packet do this."""
        if self._thread is None:
            self._sniffer._begin(-1)
            self._sniffer.max_p = self._max_p
            self._thread = threading.Thread(target=self._background_sniff, name="cycapture sniffer", daemon=True)
            self._thread.start()

    def _background_sniff(self) -> None:
        sniffer, source = self._sniffer, self._sniffer._source
        assert source is not None
        limit = min(BATCH, self._cache_size) if self._cache_size > 0 else BATCH
        try:
            while not sniffer._stopping:
                packets = source.read(limit)
                if packets is None:
                    break
                if packets:
                    self._wait_for_room()
                    sniffer.total += len(packets)
                    self._put += len(packets)
                    self._queue.put(packets)
        except BaseException as error:
            self._queue.put(error)
        finally:
            try:
                sniffer._end()
            except BaseException as error:
                self._queue.put(error)
            finally:
                self._queue.put(None)

    def _wait_for_room(self) -> None:
        while 0 < self._cache_size <= self._put - self._taken and not self._sniffer._stopping:
            self._room.wait(WAIT_MS / 1000)
            self._room.clear()

    def __iter__(self) -> SniffingIterator:
        return self

    def __next__(self) -> tuple[int, int, int, Any]:
        self.start()
        while not self._over:
            for packet in self._packets:
                seconds, microseconds, length, data = packet
                item = item_of(self._f, seconds, microseconds, data)
                if item is None:
                    continue
                self._returned += 1
                if self._returned == self._max_p:
                    self._finish()
                return seconds, microseconds, length, item
            self._next_batch()
        raise StopIteration

    next = __next__

    def _next_batch(self) -> None:
        got = self._queue.get()
        if isinstance(got, list):
            self._packets = iter(got)
            self._taken += len(got)
            self._room.set()
        elif got is None:
            self._finish()
        else:
            raise got

    def _finish(self) -> None:
        """Yield no more packets, and release the sniffer."""
        self._over = True
        self._packets = iter(())
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Stop capturing. Packets captured until then are still yielded."""
        if self._thread is not None and self._thread.is_alive():
            self._sniffer.ask_stop()

    def __enter__(self) -> SniffingIterator:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._finish()
