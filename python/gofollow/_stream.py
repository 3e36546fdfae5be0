# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""A followed connection, and the snapshots of it that callbacks get.

As _core.py, it runs as it stands and is compiled with the types of _stream.pxd.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

from ._events import (
    OPEN_SIZE,
    SIDES,
    Chunk,
    Connection,
    Counters,
    Gap,
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
from ._native import LARGEST, constant
from ._payload import NONE
from .errors import UsageError

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _stream.pxd has the same
    from ._payload import Gaps, Kept, Payload
    from ._plain import get_ident, pack_segment, pack_turn

NO_TIME = constant("NO_TIME")
NEVER = LARGEST
MARK = 7 * 8  # bytes of a turn that is over, among the marks of a connection

Address = Any  # IPv4Address or IPv6Address


class Followed:
    """A connection: its facts, once a callback had a stream of it, the payload of both directions, and the current turn.

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
