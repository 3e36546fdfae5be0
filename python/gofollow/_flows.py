"""Keys by which frames are distributed among many followers, and datagrams put together from fragments (gofollow_flow_key)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from . import _native
from ._engine import Engine
from ._native import constant, error_from_code, ffi
from ._options import make_config

_FRAGMENT, _NO_TIME = constant("FLOW_FRAGMENT"), constant("NO_TIME")
BATCH = 1024  # so many frames are passed to the library at once
LINK_DATAGRAM = constant("LINK_DATAGRAM")


class FlowKeys(NamedTuple):
    """The keys of frames, one for each, in two lists."""

    keys: list[int | None]
    """A signed number of 64 bits: equal for frames of one connection, in either direction, and for fragments of one datagram; None for
    a frame without TCP that is followed."""
    depths: list[int | None]
    """How many IP headers are around a fragment's: fragments of lower depth are to be put together before others. None for other
    frames."""


class Datagram(NamedTuple):
    """A datagram that Defragmenter.feed gives: a packet in place of its fragments, as feed_packets takes it."""

    completed_by: int
    """Which of the frames that were fed completed it."""
    time_ns: int | None
    """That packet's time."""
    data: bytes
    wire_length: int
    link_type: int


def flow_keys(
    frames: Sequence[Any], link_types: int | Iterable[int], wire_lengths: Iterable[int] | None = None, separate: str = "none"
) -> FlowKeys:
    """Return the keys of frames, which are bytes or other buffers.

    link_types is one number for all, or one for each frame; wire_lengths their lengths before the capture cut them; separate as in
    TCPStreamFollower. A key does not depend on the process or the machine.

    Raises OptionError for an unknown separate, PacketTooLargeError above 16 MiB.
    """
    number, lib = make_config({"separate": separate}).separate, _native.library()
    found = FlowKeys([], [])
    for packets, count in _batches(frames, link_types, None, wire_lengths):
        keys = ffi.new("gofollow_key[]", count)
        code = lib.gofollow_flow_key(number, packets, count, keys)
        if code < 0:
            raise error_from_code(code)
        for key in keys:
            found.keys.append(signed(key.hash))
            found.depths.append(key.depth if key.kind == _FRAGMENT else None)
    return found


def signed(key: int) -> int | None:
    """Return a key as tables have it, which have no unsigned numbers; None for 0."""
    return (key - (1 << 64) if key >> 63 else key) or None


class Defragmenter:
    """Puts IP datagrams together from the frames that flow_keys calls fragments.

    Those of one datagram have to meet in one Defragmenter, in the order of their times; those of lower depth are to be put together
    first. options are those of TCPStreamFollower: separate above all, which has to be that of the followers.

    Raises OptionError as TCPStreamFollower does.
    """

    def __init__(self, **options: Any) -> None:
        self._engine = Engine(options)
        self._out: Any = ffi.new("gofollow_datagram **")

    def feed(
        self,
        frames: Sequence[Any],
        link_types: int | Iterable[int],
        times_ns: Iterable[int | None],
        wire_lengths: Iterable[int] | None = None,
    ) -> list[Datagram]:
        """Take frames with their times, nanoseconds since 1970 UTC, and return the datagrams that are whole by them.

        A frame that is not a fragment comes back as it is.

        Raises PacketTooLargeError above 16 MiB, OutOfMemoryError, UsageError after close.
        """
        whole: list[Datagram] = []
        first = 0
        for packets, count in _batches(frames, link_types, times_ns, wire_lengths):
            for found in self._engine.defragment(packets, count, self._out):
                packet = found.packet
                time_ns = None if packet.ts_ns == _NO_TIME else packet.ts_ns
                data = bytes(ffi.buffer(packet.bytes, packet.captured)) if packet.captured else b""
                whole.append(Datagram(first + found.index, time_ns, data, packet.original, packet.link_type))
            first += count
        return whole

    def statistics(self) -> Any:
        """Return the counts of a follower: datagrams, fragments_expired and fragments_dropped tell what became of fragments."""
        return self._engine.statistics()

    def flush(self) -> None:
        """Forget fragments whose datagram is not whole: they count as expired."""
        self._engine.flush()

    def close(self) -> None:
        """Free everything. Idempotent."""
        self._engine.close()

    def __enter__(self) -> Defragmenter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _batches(
    frames: Sequence[Any], link_types: int | Iterable[int], times_ns: Iterable[int | None] | None, wire_lengths: Iterable[int] | None
) -> Iterable[tuple[Any, int]]:
    """Yield arrays of gofollow_packet that hold the frames, and how many each holds."""
    links = None if isinstance(link_types, int) else iter(link_types)
    times = None if times_ns is None else iter(times_ns)
    lengths = None if wire_lengths is None else iter(wire_lengths)
    packets = ffi.new("gofollow_packet[]", min(BATCH, max(len(frames), 1)))
    for start in range(0, len(frames), BATCH):
        kept = []  # what the addresses refer to
        part = frames[start : start + BATCH]
        for i, frame in enumerate(part):
            packet, data = packets[i], ffi.from_buffer(frame)
            kept.append(data)
            packet.bytes, packet.captured = data, len(data)
            packet.original = len(data) if lengths is None else next(lengths)
            packet.link_type = link_types if links is None else next(links)
            time_ns = None if times is None else next(times)
            packet.ts_ns = _NO_TIME if time_ns is None else time_ns
        yield packets, len(part)
        del kept
