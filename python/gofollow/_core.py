# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""Turns the engine's events into TCPStreams and callbacks.

The file runs as plain Python over cffi's structs, and Cython compiles it with the types of
_core.pxd. `event = self.polled + self.at; event.kind` means the same in both.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from operator import index
from threading import Lock
from typing import Any, Literal

from ._events import (
    BATCH,
    GAP_REASONS,
    OPEN_SIZE,
    SIDES,
    STOP,
    Chunk,
    Connection,
    Counters,
    Gap,
    Listed,
    Segment,
    Side,
    Turn,
    between,
    direction_of,
    facts_by_hand,
    known_time,
    read_connection,
    read_segments,
    read_turns,
    seconds,
    unpack_turn,
)
from ._frames import frame_of, length_of, nanoseconds, whole_nanoseconds
from ._native import LARGEST, constant, error_from_code, ffi, library
from .errors import LostEventsError, UsageError

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _core.pxd has the same
    from ._plain import (
        address_in,
        batch_at,
        call_one,
        check_signals,
        copy,
        copy_facts,
        events_at,
        feed_at,
        get_ident,
        grow,
        growing,
        pack_segment,
        pack_turn,
        packets_at,
        poll_at,
        rint,
        sizes_at,
        value_of,
    )

DATA, GAP, CLOSED = constant("DATA"), constant("GAP"), constant("CLOSED")
FIRST, LAST = constant("FIRST_OF_PACKET"), constant("LAST_OF_PACKET")
ALONE = FIRST | LAST
FULL, BUSY, NO_TIME = constant("ERR_FULL"), constant("ERR_BUSY"), constant("NO_TIME")
FACTS_SIZE = ffi.sizeof("gofollow_connection")
NEVER = LARGEST
SHORT, MERGED = 1024, 128  # so many pieces in a row shorter than that become one
LONG = 64 * 1024 * 1024  # more in blocks grows in place: joining it at the end would need as much again
RECENT = 1024
NONE: Listed[Any] = Listed([], 0)
MARK = 7 * 8  # bytes of a turn that is over, among the marks of a connection

Address = Any  # IPv4Address or IPv6Address
Callback = Callable[["TCPStream"], object]


class Kept:
    """The limits on kept payload, gaps, turns and segments, and the amount of kept payload."""

    __slots__ = ("gaps", "payload", "reader", "segments", "total", "total_limit", "truncated", "turns")

    def __init__(self, payload: int, total: int, gaps: int, turns: int, segments: int) -> None:
        self.payload, self.total_limit, self.gaps = payload, total, gaps  # a direction, all, a direction
        self.turns, self.segments = turns, segments  # a connection; 0: none are recorded
        self.total = self.truncated = 0  # bytes kept of open connections, directions cut by total_limit
        self.reader = 0  # the thread that runs a callback: it alone may move what is there, since nothing is appended then


class Gaps:
    """The gaps of a direction, and the runs of data before each."""

    __slots__ = ("dropped_at", "end", "first", "gaps", "runs")

    def __init__(self, first: tuple[int, int, int] | None) -> None:
        self.first: Any = first  # how many turns had begun before the first gap; its time, its packet
        self.gaps: list[Gap] = []
        self.runs: list[Chunk] = []
        self.end = 0
        self.dropped_at = NEVER  # offset of the first gap that was not kept


class Payload:
    """The payload of one direction so far. It only grows, so an end and a length are a snapshot of it.

    Pieces are collected in blocks. They grow in place if they are very long or are read before they
    are complete. One thread appends; any thread may read at the same time.
    """

    __slots__ = ("blocks", "end", "extra", "first", "holes", "length", "limit", "moved", "run_ns", "run_packet", "short", "unmoved")

    def __init__(self, limit: int) -> None:
        self.first: bytes | None = None  # the only block: many connections have no more
        self.blocks: list[bytes] | None = None  # or all of them
        self.moved: tuple[Any, int, list[bytes]] | None = None  # what grows, its length, and the blocks behind it
        self.holes: Gaps | None = None
        self.extra: object = None  # what cycapture keeps of it
        self.end = 0  # stream offset behind the last byte or gap
        self.length = 0  # bytes of data so far, of which those below limit are kept
        self.limit = limit
        self.run_ns, self.run_packet = NO_TIME, 0  # of the packet with the first byte behind the last gap
        self.short = self.unmoved = 0  # short blocks at the end; bytes in blocks

    def append(self, data: bytes) -> None:
        blocks = self.blocks
        if blocks is not None:
            blocks.append(data)
        elif self.first is None:
            self.first = data
        else:
            self.blocks = blocks = [self.first, data]
            self.first = None
        self.unmoved += len(data)
        if self.unmoved > LONG:
            self.move()
        elif len(data) >= SHORT:
            self.short = 0
        else:
            self.short += 1
            if self.short == MERGED and blocks is not None:
                blocks[-MERGED:] = [b"".join(blocks[-MERGED:])]
                self.short = 0

    def move(self) -> None:
        """Move the blocks to what grows in place. Repeating a part of it after an interrupt is harmless."""
        whole, length = (growing(), 0) if self.moved is None else self.moved[:2]
        blocks: list[bytes] = []
        length = grow(whole, length, [self.first or b""] if self.blocks is None else self.blocks)
        self.moved = (whole, length, blocks)
        self.blocks, self.first = blocks, None
        self.short = self.unmoved = 0

    def read(self, start: int, end: int, ended: bool, reader: bool) -> bytes:
        """Return the bytes of data from start to end, as far as they are kept.

        ended: whether nothing will be appended. reader: whether this is the thread that appends, in a
        callback, which may leave it faster to read again.
        """
        if reader and not ended and self.unmoved:
            self.move()
        first, blocks, moved = self.first, self.blocks, self.moved  # in this order: what moves meanwhile is in two of them
        if moved is not None:
            whole, before, blocks = moved
            value = value_of(whole)
            if value is None:
                raise MemoryError("this payload is lost, since there was no memory to continue it")
            if blocks:
                value = value[:before] + b"".join(blocks)
        elif blocks is None:
            value = first or b""
        else:
            value = b"".join(blocks)
            if ended:
                self.first, self.blocks = value, None
        return value if start == 0 and end >= len(value) else value[start:end]

    def add_gap(self, offset: int, length: int, reason: str, most: int, first: tuple[int, int, int] | None) -> None:
        holes = self.holes
        if holes is None:
            self.holes = holes = Gaps(first)
        if len(holes.gaps) < most:
            run = offset - holes.end
            kept = min(run, self.limit - (self.length - run))
            if kept > 0:
                holes.runs.append(Chunk(holes.end, self.length - run, kept, seconds(self.run_ns), self.run_packet))
            holes.gaps.append(Gap(offset, length, reason))
        elif holes.dropped_at == NEVER:
            holes.dropped_at = offset
        holes.end = self.end = offset + length

    def gaps_to(self, end: int) -> Listed[Gap]:
        return NONE if self.holes is None else Listed(self.holes.gaps, bisect_left(self.holes.gaps, (end,)))

    def chunks_to(self, end: int, length: int) -> Listed[Chunk]:
        """Return the runs of data up to a stream offset; length is the data before it."""
        holes, start, time, packet = self.holes, 0, seconds(self.run_ns), self.run_packet
        runs: list[Chunk] = []
        count = 0
        if holes is not None:
            runs = holes.runs
            count = bisect_left(runs, (end,))
            at = bisect_left(holes.gaps, (end,))
            if at:
                start = holes.gaps[at - 1].offset + holes.gaps[at - 1].length
            if count and runs[count - 1].offset >= start:  # not complete then
                count -= 1
                time, packet = runs[count].time, runs[count].packet
            if holes.dropped_at < end:
                return Listed(runs, count)
        run = end - start
        kept = min(run, self.limit - (length - run))
        return Listed(runs, count, (Chunk(start, length - run, kept, time, packet),) if kept > 0 else ())


class Followed:
    """A connection: the facts of an open one, the payload of both directions, and the current turn.

    A turn is the data of one side until data of the other was delivered.
    """

    __slots__ = (
        *("client", "ended", "facts", "kept", "marks", "number", "segments", "server", "stopped", "told"),
        *("first_ns", "first_packet", "last_ns", "last_packet", "offset", "start", "turn", "turns"),
    )

    def __init__(self, number: int, facts: bytes | None, kept: Kept) -> None:
        self.number, self.facts, self.kept = number, facts, kept
        self.client: Payload | None = None
        self.server: Payload | None = None
        self.told: tuple[bytes, Connection] | None = None  # facts, and what they say
        self.ended = False  # no data will come
        self.stopped = False  # a callback wants none
        self.turn, self.turns = -1, 0  # the direction of the last turn, and how many began
        self.start = self.offset = 0  # where that begins in its direction's payload and stream
        self.first_ns = self.first_packet = self.last_ns = self.last_packet = 0  # what completed its first and its last byte
        self.marks: bytearray | None = None  # the turns before it: start and end in the payload, offset, first and last time, packets
        self.segments: bytearray | None = None  # what was delivered: time, packet, offset, length, direction

    def note(self, payload: Payload, direction: int, event: Any) -> None:
        """Note data that is about to be added to the payload."""
        if self.turn != direction:
            if 0 < self.turns <= self.kept.turns:
                other: Any = self.client if direction else self.server
                if self.marks is None:
                    self.marks = bytearray()
                self.marks += self.mark(other.length, self.last_ns, self.last_packet)
            self.turn = direction
            self.turns += 1
            self.start, self.offset = payload.length, event.offset
            self.first_ns, self.first_packet = event.ts_ns, event.packet
        self.last_ns, self.last_packet = event.ts_ns, event.packet
        if self.kept.segments:
            if self.segments is None:
                self.segments = bytearray()
            if len(self.segments) < self.kept.segments * 5 * 8:
                self.segments += pack_segment(event.ts_ns, event.packet, event.offset, event.length, direction)

    def mark(self, end: int, last_ns: int, last_packet: int) -> bytes:
        """Return the last turn as marks have it."""
        return pack_turn(self.start, end, self.offset, self.first_ns, last_ns, self.first_packet, last_packet)


class TCPStream:
    """A snapshot of a connection. It does not change while the connection continues.

    A TCPStream can also be created, for example in a test. It takes addresses as ipaddress objects,
    text, or 4 or 16 bytes in network order; one that does not parse is None. Payload is joined when
    it is read.
    """

    __slots__ = (
        *("_client_end", "_client_length", "_direction", "_facts", "_followed"),
        *("_new", "_packet", "_server_end", "_server_length", "_time_ns", "_turns"),
    )

    def __init__(
        self,
        client_addr: Any,
        server_addr: Any,
        client_port: int,
        server_port: int,
        ident: int,
        finished: bool,
        client_payload: bytes,
        server_payload: bytes,
    ) -> None:
        facts = facts_by_hand((client_addr, client_port), (server_addr, server_port), ident, bool(finished))
        state: list[Any] = [(bytes(data), len(data), len(data), NEVER, [], [], NEVER, None) for data in (client_payload, server_payload)]
        lengths = [side[1] for side in state]
        marks = [pack_turn(0, length, 0, NO_TIME, NO_TIME, 0, 0) for length in lengths if length]  # the client's turn first
        turns = (b"".join(marks), len(marks), 1 if lengths[1] else 0, NEVER)
        self._restore((facts, state, -1, b"", NO_TIME, 0, turns, (b"", 0), False))

    @property
    def client_addr(self) -> Address:
        """The client's address. The client is the sender of the SYN; without a SYN see roles_from."""
        return self._told().client.address

    @property
    def server_addr(self) -> Address:
        """The server's address."""
        return self._told().server.address

    @property
    def client_port(self) -> int:
        """The client's port."""
        return self._told().client.port

    @property
    def server_port(self) -> int:
        """The server's port."""
        return self._told().server.port

    @property
    def identifier(self) -> int:
        """The connection's number in its follower, from 0, never reused."""
        return self._followed.number

    @property
    def finished(self) -> bool:
        """Whether the packet of this snapshot closed the connection."""
        return bool(self._facts[OPEN_SIZE - 1])

    @property
    def stopped(self) -> bool:
        """Whether a data callback returned STOP, so that later data is missing; known in the end callback."""
        return self._direction < 0 and bool(self._followed.stopped)

    @property
    def client_payload(self) -> bytes:
        """The bytes from the client so far, without the gaps."""
        return self._read(0)

    @property
    def server_payload(self) -> bytes:
        """The bytes from the server so far, without the gaps."""
        return self._read(1)

    @property
    def client_length(self) -> int:
        """The number of bytes from the client so far, without the gaps, independent of keep_payload."""
        length: int = self._client_length
        return length

    @property
    def server_length(self) -> int:
        """The number of bytes from the server so far, without the gaps, independent of keep_payload."""
        length: int = self._server_length
        return length

    @property
    def client_gaps(self) -> Sequence[Gap]:
        """The gaps in the client's stream, in order."""
        payload = self._followed.client
        return NONE if payload is None else payload.gaps_to(self._client_end)

    @property
    def server_gaps(self) -> Sequence[Gap]:
        """The gaps in the server's stream, in order."""
        payload = self._followed.server
        return NONE if payload is None else payload.gaps_to(self._server_end)

    @property
    def client_chunks(self) -> Sequence[Chunk]:
        """The positions of the parts of client_payload in the client's stream."""
        payload = self._followed.client
        return NONE if payload is None else payload.chunks_to(self._client_end, self._client_length)

    @property
    def server_chunks(self) -> Sequence[Chunk]:
        """The positions of the parts of server_payload in the server's stream."""
        payload = self._followed.server
        return NONE if payload is None else payload.chunks_to(self._server_end, self._server_length)

    @property
    def payload_truncated(self) -> bool:
        """Whether a payload lacks bytes because of keep_payload or keep_payload_total."""
        client, server = self._followed.client, self._followed.server
        return (client is not None and self._client_length > client.limit) or (server is not None and self._server_length > server.limit)

    @property
    def gaps_truncated(self) -> bool:
        """Whether a list lacks gaps, and the chunks after them, because of keep_gaps."""
        client, server = self._followed.client, self._followed.server
        return (client is not None and client.holes is not None and client.holes.dropped_at < self._client_end) or (
            server is not None and server.holes is not None and server.holes.dropped_at < self._server_end
        )

    def turns(self) -> list[Turn]:
        """Return the conversation: the data of each side until data of the other was delivered, in the order of delivery.

        A gap belongs to its side's next turn if data follows it, else to its last, else to a turn without data.
        In a stream that a script created, the client's turn comes first.

        Raises UsageError if turns were not recorded: record="none", or keep_payload="none" without record.
        """
        followed = self._followed
        if not followed.kept.turns:
            raise UsageError("turns were not recorded: give the follower record='turns'")
        first = (followed.turn ^ (followed.turns - 1)) & 1
        turns, behind = read_turns(self._marks(), first, (self.client_gaps, self.server_gaps), self._part)
        if self.turns_truncated:
            return turns  # what is behind may belong to turns that are missing
        payloads: tuple[Any, Any] = followed.client, followed.server
        for direction, payload in enumerate(payloads):
            its_turns = [turn for turn in turns[-2:] if turn.side == SIDES[direction]]
            if behind[direction] and its_turns:
                its_turns[0].gaps += behind[direction]
            elif behind[direction]:
                before, time_ns, packet = payload.holes.first
                time = known_time(time_ns)
                turn = Turn(SIDES[direction], time, time, b"", 0, behind[direction], behind[direction][0].offset, packet, packet)
                turns.insert(min(before, len(turns)), turn)
        return turns

    @property
    def turns_truncated(self) -> bool:
        """Whether turns are missing at the end because of keep_turns."""
        missing: bool = self._turns * MARK > len(self._marks())
        return missing

    @property
    def segments(self) -> list[Segment]:
        """The delivered pieces of data, in order; empty unless record is "segments"."""
        return read_segments(bytes(self._followed.segments or b""), (self._client_end, self._server_end))

    @property
    def segments_truncated(self) -> bool:
        """Whether segments are missing at the end because of keep_segments or record."""
        missing: bool = sum([segment.length for segment in self.segments]) < self._client_length + self._server_length
        return missing

    @property
    def direction(self) -> Side | None:
        """The side whose data is new, "client" or "server"; None in an end callback."""
        return SIDES[self._direction] if self._direction >= 0 else None

    @property
    def new_data(self) -> bytes:
        """The new bytes of this data callback, without the gaps between them; complete, independent of keep_payload."""
        new = self._new
        return new if isinstance(new, bytes) else b"".join([piece[1] for piece in new])

    @property
    def new_chunks(self) -> list[Chunk]:
        """The positions of the parts of new_data in the stream; start is relative to new_data."""
        new: Any = self._new
        if isinstance(new, bytes):
            end = self._server_end if self._direction else self._client_end
            new = [(end - len(new), new, self._time_ns, self._packet)] if new else []
        chunks: list[Chunk] = []
        start = 0
        for offset, data, captured_ns, captured_packet in new:
            chunks.append(Chunk(offset, start, len(data), seconds(captured_ns), captured_packet))
            start += len(data)
        return chunks

    @property
    def time(self) -> float | None:
        """Capture time of the packet of this snapshot, or the deadline that closed it, in seconds since 1970 UTC."""
        return seconds(self._time_ns)

    @property
    def packet(self) -> int:
        """The number of that packet, from 1; 0 if none caused it."""
        number: int = self._packet
        return number

    @property
    def opened_at(self) -> float | None:
        """Capture time of the first packet, in seconds since 1970 UTC."""
        return seconds(self._told().opened_ns)

    @property
    def closed_at(self) -> float | None:
        """When it was closed, in seconds since 1970 UTC; None before."""
        return seconds(self._told().closed_ns)

    @property
    def last_packet_at(self) -> float | None:
        """Capture time of the connection's last packet so far, in seconds since 1970 UTC."""
        return seconds(self._last_ns())

    @property
    def duration(self) -> float | None:
        """Seconds from the first packet to the last one so far, without the deadline of a time-out."""
        return between(known_time(self._told().opened_ns), self._last_ns())

    @property
    def handshake_rtt(self) -> float | None:
        """Seconds from the SYN to the ACK that ends the handshake: a round trip.

        None before the close, and if the handshake was not captured completely.
        """
        told = self._told()
        return between(told.syn_ns, told.ack_ns if told.synack_ns is not None else None)

    @property
    def close_reason(self) -> str | None:
        """Why it was closed: fin, rst, timeout, reused, evicted or flush (the capture ended); None before."""
        return self._told().close_reason

    @property
    def closed_by(self) -> Side | None:
        """The side that closed it, if one did."""
        return self._told().closed_by

    @property
    def clean(self) -> bool:
        """Whether it is closed, its handshake was captured, no bytes are missing or in conflict, and both sides sent FIN."""
        return self._told().clean

    @property
    def start(self) -> str | None:
        """What was captured first: syn, synack or midstream."""
        return self._told().start

    @property
    def roles_from(self) -> str | None:
        """How client and server were determined: syn, synack, port (the well-known port) or first (to send)."""
        return self._told().roles_from

    @property
    def separation(self) -> str:
        """The VLANs and tunnels by which the option separate distinguishes it, outermost first: "vlan:5/vxlan:7"; else empty."""
        return self._told().separation

    @property
    def connection(self) -> Connection:
        """All facts of the connection, with times in nanoseconds."""
        return self._told()

    @property
    def client_counters(self) -> Counters | None:
        """The counters of the client's direction, None before the close."""
        return self._told().client_counters

    @property
    def server_counters(self) -> Counters | None:
        """The counters of the server's direction, None before the close."""
        return self._told().server_counters

    def _last_ns(self) -> int | None:
        return known_time(self._time_ns) if self._direction >= 0 else self._told().last_ns

    def _told(self) -> Connection:
        """Return what the facts say."""
        followed = self._followed
        told = followed.told
        if told is None or told[0] is not self._facts:
            told = (self._facts, read_connection(self._facts))
            followed.told = told
        return told[1]

    def _read(self, direction: int) -> bytes:
        return self._part(direction, 0, self._server_length if direction else self._client_length)

    def _part(self, direction: int, start: int, end: int) -> bytes:
        """Return a part of a direction's payload, as far as it is kept."""
        followed = self._followed
        payload = followed.server if direction else followed.client
        return b"" if payload is None else payload.read(start, end, followed.ended, get_ident() == followed.kept.reader)

    def _marks(self) -> bytes:
        """Return the turns that were recorded, as marks have them, the last one up to this snapshot."""
        followed, count = self._followed, self._turns
        over = bytes(followed.marks[: count * MARK]) if followed.marks is not None else b""
        if count == 0 or count > followed.kept.turns:
            return over
        direction = (followed.turn ^ (followed.turns - count)) & 1
        end = self._server_length if direction else self._client_length
        # In a data callback its packet brought the last byte; in an end callback nothing came behind what the connection has.
        last_ns = followed.last_ns if self._direction < 0 else self._time_ns
        last_packet = followed.last_packet if self._direction < 0 else self._packet
        if len(over) < count * MARK:
            return over + followed.mark(end, last_ns, last_packet)
        start, _, offset, first_ns, _, first_packet, _ = unpack_turn(over[-MARK:])
        return over[:-MARK] + pack_turn(start, end, offset, first_ns, last_ns, first_packet, last_packet)

    def _extra(self, direction: int) -> tuple[Any, Any]:
        """Return a direction's payload, and a function that reads it, for the payload of cycapture."""
        payload = self._followed.server if direction else self._followed.client
        length, ended = self._server_length if direction else self._client_length, self._followed.ended
        reader = get_ident() == self._followed.kept.reader
        return payload, (None if payload is None else lambda: payload.read(0, length, ended, reader))

    def _state(self) -> tuple[Any, ...]:
        """Return what a pickle has."""
        state = []
        for direction, payload in enumerate((self._followed.client, self._followed.server)):
            end, length = (self._server_end, self._server_length) if direction else (self._client_end, self._client_length)
            if payload is None:
                payload = Payload(NEVER)
            dropped_at = NEVER if payload.holes is None else payload.holes.dropped_at
            first = None if payload.holes is None else payload.holes.first
            gaps, chunks = list(payload.gaps_to(end)), list(payload.chunks_to(end, length))
            state.append((self._read(direction), end, length, payload.limit, gaps, chunks, dropped_at, first))
        followed = self._followed
        turns = self._marks(), self._turns, (followed.turn ^ (followed.turns - self._turns)) & 1, followed.kept.turns
        segments = bytes(followed.segments or b""), followed.kept.segments
        return self._facts, state, self._direction, self._new, self._time_ns, self._packet, turns, segments, self.stopped

    def _restore(self, state: tuple[Any, ...]) -> None:
        facts, sides, self._direction, self._new, self._time_ns, self._packet, turns, segments, stopped = state
        payloads = []
        for data, end, length, limit, gaps, chunks, dropped_at, first in sides:
            payload = Payload(limit)
            payload.first = data
            if gaps or chunks:
                payload.holes = Gaps(first)
                payload.holes.gaps, payload.holes.runs, payload.holes.dropped_at = gaps, chunks, dropped_at
            payload.end, payload.length = end, length
            payloads.append(payload)
        self._facts = facts
        marks, self._turns, turn, most = turns
        self._followed = followed = Followed(read_connection(facts).id, facts, Kept(NEVER, NEVER, 0, most, segments[1]))
        followed.client, followed.server = payloads
        followed.ended, followed.stopped = True, stopped
        followed.marks, followed.turns, followed.turn = bytearray(marks), self._turns, turn
        followed.segments = bytearray(segments[0])
        if marks and self._direction < 0:
            followed.last_ns, followed.last_packet = unpack_turn(marks[-MARK:])[4::2]
        self._client_end, self._client_length = followed.client.end, followed.client.length
        self._server_end, self._server_length = followed.server.end, followed.server.length

    def __reduce__(self) -> Any:
        return restored, (type(self), self._state())

    def open(self, side: Side) -> BytesIO:
        """Return a side's payload, "client" or "server", as a binary file object, which does not copy it.

        Raises ValueError for another side.
        """
        return BytesIO(self._read(direction_of(side)))

    def as_dict(self, payload: Literal["text", "base64"] | None = None) -> dict[str, Any]:
        """Return the facts and the turns of the stream as what JSON has: times in nanoseconds since 1970 UTC, sizes in bytes.

        payload: how turns give their data: "text" (UTF-8; other bytes as \\xNN), "base64", or None: not.

        Raises ValueError for another payload, UsageError if payload is wanted and turns were not recorded.
        """
        from ._present import as_dict

        return as_dict(self, payload)

    def _repr_html_(self) -> str:
        from ._present import html

        return html(self)

    def plot(self) -> Any:
        """Return the stream's time-sequence graph and throughput: gofollow.plot.plot_stream."""
        from .plot import plot_stream

        return plot_stream(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TCPStream) and (self is other or self._meaning() == other._meaning())

    def __hash__(self) -> int:
        return hash((self.identifier, self._packet, self._client_length, self._server_length))

    def _meaning(self) -> Any:
        _, state, direction, _, *others = self._state()
        return self._told(), self.finished, state, direction, self.new_chunks, self.new_data, others

    def __repr__(self) -> str:
        told = self._told()
        state = f"closed by {told.close_reason}" if told.close_reason else "finished" if self.finished else "open"
        missing = sum([gap.length for gaps in (self.client_gaps, self.server_gaps) for gap in gaps])
        lengths = f"{self._client_length} + {self._server_length} bytes" + (f", {missing} missing" if missing else "")
        return f"<TCPStream {told.id} {told.client} -> {told.server} {state}, {lengths}>"


def restored(kind: Any, state: tuple[Any, ...]) -> TCPStream:
    """Return the TCPStream of a pickle."""
    stream: TCPStream = kind.__new__(kind)
    stream._restore(state)
    return stream


def snapshot(kind: Any, followed: Followed, facts: bytes, direction: int, new: Any, time_ns: int, packet: int) -> TCPStream:
    stream: TCPStream = kind.__new__(kind)
    stream._followed = followed
    stream._facts = facts
    stream._direction = direction
    stream._new = new
    stream._time_ns = time_ns
    stream._packet = packet
    stream._turns = followed.turns
    payload = followed.client
    stream._client_end = 0 if payload is None else payload.end
    stream._client_length = 0 if payload is None else payload.length
    payload = followed.server
    stream._server_end = 0 if payload is None else payload.end
    stream._server_length = 0 if payload is None else payload.length
    return stream


class Core:
    """Feeds one engine, polls it and calls back, and keeps its place after an exception of a callback.

    One thread at a time is between enter and leave. Where an exception comes up outside of
    callbacks (no memory; an interrupt, if this is not compiled), events may be lost: enter refuses
    from then on.
    """

    def __init__(
        self,
        handle: int,
        data_callback: Callback | None,
        end_callback: Callback | None,
        kind: type[TCPStream],
        kept: Kept,
        new_link: Callable[[], None],
        free: Callable[[], None],
    ) -> None:
        self.library = lib = library()
        self.handle = handle
        self.data_callback, self.end_callback = data_callback, end_callback
        self.kind = kind
        self.kept = kept
        self.new_link = new_link  # called after the first packet of a link type
        self.free = free
        self.frame_of: Any = frame_of  # of objects whose class has no __gofollow_frame__
        self.entered = False  # a call feeds
        self.thread = 0  # which one
        # With a GIL no other thread comes between looking at entered and setting it.
        self.lock = None if getattr(sys, "_is_gil_enabled", lambda: True)() else Lock()
        self.applying = False  # an exception now would lose events
        self.stopped = False  # nothing is to be fed any more
        self.abandoned: Callable[[], None] | None = None  # what ends a capture, once no polled event is left
        self.links: set[int] = set()
        self.link: Any = None  # the link type given last, and its number
        self.link_type = 0
        self.link_is_new = False  # it was not fed before
        self.since_check = 0  # packets since signals were looked for
        self.open: dict[int, Followed] = {}  # those that said something, by number
        self.recent: list[Followed | None] = [None] * RECENT  # in front of open, by the low bits of the number
        # Of the packet whose events are not all applied yet: connection, facts, direction, pieces; connection, facts. Its time and number.
        self.new: list[tuple[Followed, bytes, int, list[tuple[int, bytes, int, int]]]] = []
        self.ended: list[tuple[Followed, bytes]] = []
        self.new_ns = self.new_packet = 0
        self.ignored = False  # a connection was: events are dropped then, that which ends its packet's among them
        self.due: deque[tuple[Any, TCPStream]] = deque()  # its callbacks that did not run yet
        self.at = self.count = 0  # which of the polled events comes next
        self.batched = 0
        self.frames: list[bytes] = []  # of the packets that wait to be fed together
        self.event_array: Any = ffi.new("gofollow_event[]", BATCH)
        self.packet_array: Any = ffi.new("gofollow_packet[]", BATCH)
        self.consumed_array: Any = ffi.new("size_t[1]")
        self.polled, self.packets, self.consumed = events_at(self.event_array), packets_at(self.packet_array), sizes_at(self.consumed_array)
        self.feed_one, self.feed_many, self.poll = feed_at(lib.gofollow_feed), batch_at(lib.gofollow_feed_batch), poll_at(lib.gofollow_poll)

    def enter(self) -> None:
        """Begin a call that feeds, with the callbacks that an exception kept from running."""
        thread = get_ident()
        if self.entered or (self.lock is not None and not self.lock.acquire(False)):
            raise UsageError("this follower is feeding already: use it from one thread at a time, and not from inside its own callbacks")
        self.entered, self.thread = True, thread  # an interrupt comes up in calls alone: not between this and try
        if self.stopped or self.applying or self.due or self.at < self.count or self.abandoned is not None:
            try:
                self.resume()
            except BaseException:
                self.entered = False
                self.leave()
                raise

    def resume(self) -> None:
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        if self.applying:
            raise LostEventsError("this follower was interrupted inside its own code, and may have lost events: make a new one")
        if self.due or self.at < self.count:
            self.call_due()
            self.run()
            self.drain()
        if self.abandoned is not None:
            self.abandoned()
            self.abandoned = None

    def leave(self) -> None:
        """End a call that feeds, after entered was unset."""
        self.kept.reader = 0
        if self.lock is not None:
            self.lock.release()
        if self.stopped:
            self.stop()

    def stop(self) -> None:
        """Let nothing be fed any more, forget what is due, and free everything as soon as no call feeds."""
        self.stopped = True
        if not self.entered:
            self.due.clear()
            self.at = self.count
            self.free()

    def unfinished(self) -> bool:
        """Whether an exception left polled events, which the next call to the library would overwrite."""
        return self.at < self.count

    def calls_nobody(self) -> bool:
        return self.data_callback is None and self.end_callback is None

    def feed_packet(self, data: Any, timestamp: Any, link_type: int, wire_length: int | None) -> None:
        """Feed one packet."""
        self.enter()
        try:
            self.take(data, link_type, time_of(timestamp), wire_length, False)
        finally:
            self.entered = False  # before the call
            self.leave()

    def feed_items(self, items: Iterable[Any], batched: bool) -> None:
        """Feed packet objects; what is none is skipped. If batched, callbacks need not run before the next item is asked for."""
        kind: type = object
        method: Any = None
        self.enter()
        try:
            for item in items:
                if type(item) is not kind or method is None:
                    kind = type(item)
                    method = getattr(kind, "__gofollow_frame__", self.frame_of)
                frame = call_one(method, item)
                if frame is not None:
                    time_ns = NO_TIME if frame[2] is None else frame[2]
                    self.take(frame[0], frame[1], time_ns, frame[3] if len(frame) > 3 else None, batched)
        finally:
            self.entered = False
            self.finish()

    def feed_rows(self, rows: Iterable[Any], link_type: int, nanoseconds: bool, batched: bool) -> None:
        """Feed rows (timestamp, data[, wire_length[, link_type]]), batched or not as feed_items."""
        number = -1
        self.enter()
        try:
            for row in rows:
                number += 1
                columns = row if type(row) is tuple else tuple(row)
                if not 2 <= len(columns) <= 4:
                    raise ValueError(f"item {number} has {len(columns)} fields: it must be (timestamp, data[, wire_length[, link_type]])")
                link = link_type if len(columns) < 4 or columns[3] is None else columns[3]
                time_ns = whole_nanoseconds(columns[0]) if nanoseconds else time_of(columns[0])
                self.take(columns[1], link, time_ns, columns[2] if len(columns) > 2 else None, batched)
        finally:
            self.entered = False
            self.finish()

    def finish(self) -> None:
        """Feed what waits to be fed together, and leave."""
        try:
            self.entered = True
            self.feed_batch()
        finally:
            self.entered = False
            self.leave()

    def take(self, data: Any, link_type: Any, time_ns: int, wire_length: Any, batched: bool) -> None:
        """Feed a packet, or put it to those that are fed together."""
        frame: bytes = data if type(data) is bytes else bytes(memoryview(data))
        if link_type is not self.link:
            self.use_link(link_type)
        length = len(frame) if wire_length is None else length_of(wire_length)
        if batched:
            packet = self.packets + self.batched
            packet.link_type = self.link_type
            packet.ts_ns = time_ns
            packet.bytes = address_in(frame)
            packet.captured = len(frame)
            packet.original = length
            self.frames.append(frame)
            self.batched += 1
            if self.batched == BATCH:
                self.feed_batch()
            return
        self.since_check += 1
        if self.since_check == BATCH:
            self.since_check = 0
            check_signals()
        code = FULL
        while code in (FULL, BUSY):  # busy: another thread asks for statistics
            code = self.feed_one(self.handle, self.link_type, time_ns, frame, len(frame), length)
            if code:
                self.after(code)
        if self.link_is_new:
            self.link_is_new = False
            self.new_link()

    def use_link(self, link_type: Any) -> None:
        number = index(link_type)
        if not 0 <= number < 1 << 32:
            raise ValueError(f"link_type {link_type!r} is out of range: it is a number from 0 to 4294967295")
        if number not in self.links:
            self.links.add(number)
            self.link_is_new = True
        self.link, self.link_type = link_type, number

    def feed_batch(self) -> None:
        """Feed the packets that wait to be fed together."""
        count = self.batched
        done = 0
        self.batched = 0
        try:
            while done < count:
                code = self.feed_many(self.handle, self.packets + done, count - done, self.consumed)
                done += self.consumed[0]
                if code:
                    self.after(code)
                check_signals()
        finally:
            self.frames.clear()
        if self.link_is_new:
            self.link_is_new = False
            self.new_link()

    def after(self, code: int) -> None:
        """Call back for the events that wait, then raise if code is an error that calling again does not mend."""
        if code < 0 and code != FULL:
            if code == BUSY:
                return
            error = error_from_code(code, self.handle)
            self.drain()
            raise error
        self.drain()

    def drain(self) -> None:
        """Poll until nothing waits, and call back."""
        count = BATCH
        while count == BATCH:
            count = self.pull(BATCH)
            check_signals()
        if self.ignored:
            self.settle()
            self.call_due()

    def pull(self, most: int) -> int:
        """Poll up to that many events (at most BATCH), call back, and return their number."""
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        self.applying = True
        self.kept.reader = 0  # an exception of a callback leaves it
        code = BUSY
        while code == BUSY:
            code = self.poll(self.handle, self.polled, most)
        if code < 0:
            self.applying = False
            raise error_from_code(code, self.handle)
        self.at = 0
        self.count = code
        self.run()
        return code

    def run(self) -> None:
        """Apply the events that are left of those polled, and call back."""
        while self.at < self.count:
            event = self.polled + self.at
            if self.ignored and event.place & FIRST and event.packet != self.new_packet:
                self.settle()
                self.call_due()
            self.applying = True
            self.at += 1
            kind = event.kind
            if kind == DATA:
                followed = self.find(event)
                data = b"" if followed.stopped else self.keep(followed, event)
                if event.place == ALONE and event.captured_packet == event.packet:
                    if self.data_callback is not None and data:
                        facts = self.facts_of(followed, event)
                        stream = snapshot(self.kind, followed, facts, event.direction, data, event.ts_ns, event.packet)
                        self.call(self.data_callback, stream)
                    continue
                if self.data_callback is not None and data:
                    self.new_ns, self.new_packet = event.ts_ns, event.packet
                    facts = self.facts_of(followed, event)
                    self.gather(followed, facts, event.direction, (event.offset, data, event.captured_ns, event.captured_packet))
            elif kind == CLOSED:
                followed, facts = self.end(event)
                if event.place == ALONE:
                    if self.end_callback is not None:
                        self.call(self.end_callback, snapshot(self.kind, followed, facts, -1, b"", event.ts_ns, event.packet))
                    continue
                self.new_ns, self.new_packet = event.ts_ns, event.packet
                self.ended.append((followed, facts))
            elif kind == GAP:
                followed = self.find(event)
                if not followed.stopped:
                    payload = self.payload_of(followed, event.direction)
                    first = (followed.turns, event.ts_ns, event.packet) if payload.holes is None else None
                    payload.add_gap(event.offset, event.length, GAP_REASONS[event.reason], self.kept.gaps, first)
            if event.place & LAST and (self.new or self.ended):
                self.settle()
                self.call_due()
        self.applying = False

    def find(self, event: Any) -> Followed:
        """Return the connection of an event."""
        number: int = event.connection_id
        slot = number % RECENT
        followed = self.recent[slot]
        if followed is None or followed.number != number:
            followed = self.open.get(number)
            if followed is None:
                followed = Followed(number, None, self.kept)
                self.open[number] = followed
            self.recent[slot] = followed
        return followed

    def facts_of(self, followed: Followed, event: Any) -> bytes:
        """Return the facts of an open connection, copied when the first callback has its stream."""
        if followed.facts is None:
            followed.facts = copy_facts(event.connection, OPEN_SIZE)
        return followed.facts

    def payload_of(self, followed: Followed, direction: int) -> Payload:
        payload = followed.server if direction else followed.client
        if payload is None:
            payload = Payload(self.kept.payload)
            if direction:
                followed.server = payload
            else:
                followed.client = payload
        return payload

    def keep(self, followed: Followed, event: Any) -> bytes:
        """Add the bytes of an event to its direction's payload, and return them if a callback is to see them."""
        payload, kept = self.payload_of(followed, event.direction), self.kept
        size = event.length
        data = b""
        if payload.end == (0 if payload.holes is None else payload.holes.end):
            payload.run_ns, payload.run_packet = event.captured_ns, event.captured_packet
        if kept.turns:
            followed.note(payload, event.direction, event)
        room = min(payload.limit - payload.length, size)
        if room > kept.total_limit - kept.total:
            room = kept.total_limit - kept.total
            if payload.limit > payload.length + room:
                payload.limit = payload.length + room
                kept.truncated += 1
        if room > 0 or self.data_callback is not None:
            data = copy(event.bytes, size)
        if room > 0:
            payload.append(data if room == size else data[:room])
            kept.total += room
        payload.length += size
        payload.end = event.offset + size
        return data

    def end(self, event: Any) -> tuple[Followed, bytes]:
        """Forget a connection that is closed, and return it with its facts."""
        number = event.connection_id
        followed = self.open.pop(number, None)
        facts = copy_facts(event.connection, FACTS_SIZE)
        if followed is None:
            followed = Followed(number, facts, self.kept)
            followed.ended = True
            return followed, facts
        if self.recent[number % RECENT] is followed:
            self.recent[number % RECENT] = None
        followed.ended = True
        for payload in (followed.client, followed.server):
            if payload is not None:
                self.kept.total -= min(payload.length, payload.limit)
                if payload.moved is not None:
                    payload.move()
        return followed, facts

    def gather(self, followed: Followed, facts: bytes, direction: int, piece: tuple[int, bytes, int, int]) -> None:
        """Note a piece of a packet that has several events: offset, data, time and number of the packet that carried it."""
        for known, _, its_direction, pieces in self.new:
            if known is followed and its_direction == direction:
                pieces.append(piece)
                return
        self.new.append((followed, facts, direction, [piece]))

    def settle(self) -> None:
        """Queue the callbacks of a packet after all of its events were applied."""
        for followed, facts, direction, pieces in self.new:
            for closed, closing in self.ended:
                if closed is followed:
                    facts = closing
            self.due.append((self.data_callback, snapshot(self.kind, followed, facts, direction, pieces, self.new_ns, self.new_packet)))
        if self.end_callback is not None:
            for followed, facts in self.ended:
                self.due.append((self.end_callback, snapshot(self.kind, followed, facts, -1, b"", self.new_ns, self.new_packet)))
        self.new.clear()
        self.ended.clear()

    def call_due(self) -> None:
        while self.due:
            self.applying = True
            callback, stream = self.due.popleft()
            if stream._direction < 0 or not stream._followed.stopped:
                self.call(callback, stream)
        self.applying = False

    def call(self, callback: Callback, stream: TCPStream) -> None:
        self.applying = False
        self.kept.reader = self.thread
        # Uncompiled, nothing is between: an interrupt there would lose it.
        answer = call_one(callback, stream) if cython.compiled else callback(stream)
        self.kept.reader = 0
        if answer is STOP and stream._direction >= 0 and not self.stopped:
            stream._followed.stopped = self.ignored = True
            self.library.gofollow_ignore(self.handle, stream._followed.number)
        if self.stopped:
            raise UsageError("this follower is closed: make a new one")
        self.applying = True


def time_of(timestamp: Any) -> int:
    """Return a timestamp in nanoseconds, as nanoseconds does."""
    if type(timestamp) is float:
        number = timestamp
        if -9e9 < number < 9e9:
            whole = int(number)
            part = int(rint((number - whole) * 1e9))
            return whole * 1_000_000_000 + part
    elif type(timestamp) is int and -9_000_000_000 < timestamp < 9_000_000_000:
        whole = timestamp
        return whole * 1_000_000_000
    if timestamp is None:
        return NO_TIME
    return nanoseconds(timestamp)
