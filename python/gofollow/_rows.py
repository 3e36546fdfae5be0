# cython: language_level=3, binding=False, boundscheck=False, annotation_typing=False, auto_pickle=False
"""Makes the rows of gofollow.tables, and of the command's export, of the engine's events.

As _core.py, it runs as it stands and is compiled with the types of _rows.pxd.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import Any

from ._events import BY, CLOSE_REASONS, ROLES, SIDES, STARTS
from ._facts import host, opening, read, separation
from ._native import constant

try:
    import cython
except ImportError:  # not needed at run time
    from ._plain import cython
if not cython.compiled:  # _rows.pxd has the same
    from ._gather import Gather, Run, Stream

PART = 16 << 20
"""The most bytes of payload in one row of turns."""

NO_TIME = constant("NO_TIME")
_KEY = Struct("=16sH16sHqI")

# Name, type and whether it may be null of each column; "time" is a time in microseconds, in UTC.
CONNECTIONS: list[tuple[str, str, bool]] = [
    ("connection_id", "int64", False),
    ("id", "int64", True),
    ("client_address", "string", False),
    ("client_port", "int32", False),
    ("server_address", "string", False),
    ("server_port", "int32", False),
    ("separation", "string", True),
    ("roles_from", "string", False),
    ("start", "string", False),
    ("opened_at", "time", True),
    ("opened_at_ns", "int64", True),
    ("closed_at", "time", True),
    ("closed_at_ns", "int64", True),
    ("close_reason", "string", False),
    ("closed_by", "string", True),
    ("clean", "bool", False),
    ("handshake_ns", "int64", True),
    *((f"{side}_{name}", "int64", False) for side in SIDES for name in ("packets", "bytes", "missing", "retransmitted", "reordered")),
]
TURNS: list[tuple[str, str, bool]] = [
    ("connection_id", "int64", False),
    ("turn", "int64", False),
    ("part", "int64", False),
    ("side", "string", False),
    ("time", "time", True),
    ("time_ns", "int64", True),
    ("end_time", "time", True),
    ("end_time_ns", "int64", True),
    ("offset", "int64", False),
    ("payload", "binary", False),
    ("missing", "int64", False),
]


class Rows:
    """Makes rows of both tables of the events that are polled from a follower.

    connections, turns: which tables are asked for. numbered: whether connections have their number as id.
    choose: whether the connection of a number has rows; None: all have. waiting_limit: the most bytes of
    payload of turns that are not over, of all connections together. A batch is complete as soon as a table
    has batch_rows, or turns have batch_bytes of payload.
    """

    def __init__(
        self,
        handle: int,
        connections: bool,
        turns: bool,
        numbered: bool = True,
        choose: Callable[[int, bytes], bool] | None = None,
        waiting_limit: int = 256 << 20,
        batch_rows: int = 16384,
        batch_bytes: int = 8 << 20,
    ) -> None:
        self.batch_rows, self.batch_bytes = batch_rows, batch_bytes
        self.want_connections, self.numbered, self.choose, self.waiting_limit = connections, numbered, choose, waiting_limit
        self.gather = Gather(
            handle,
            self.closed,
            self.run if turns else None,
            self.gap if turns else None,
            choose,
            all_limit=waiting_limit // 64,
            turns=True,
        )
        self.connections: list[tuple[Any, ...]] = []
        self.turns: list[tuple[Any, ...]] = []
        self.size = 0  # of the payload in turns
        self.open: dict[int, Conversation] = {}
        self.waiting = 0  # bytes in turns of open

    def pull(self) -> bool:
        """Poll once, and return whether more events may wait."""
        return self.gather.pull() > 0

    def full(self) -> bool:
        """Return whether there is a batch's worth of rows."""
        return len(self.turns) >= self.batch_rows or self.size >= self.batch_bytes or len(self.connections) >= self.batch_rows

    def take_rows(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows so far of each table, as tuples of its columns."""
        taken = self.connections, self.turns
        self.connections, self.turns, self.size = [], [], 0
        return taken

    def conversation(self, stream: Stream) -> Conversation:
        conversation: Conversation | None = stream.state
        if conversation is None:
            conversation = stream.state = self.open[stream.number] = Conversation(connection_id(stream.facts))
        return conversation

    def run(self, run: Run) -> None:
        conversation = self.conversation(run.stream)
        length, side = run.size, run.direction
        turn = conversation.server if side else conversation.client
        if turn is None or conversation.side != side:
            if turn is not None:
                self.end_part(conversation, turn)
            turn = conversation.begin(side)
        elif turn.size + length > PART:
            self.split(conversation, turn)
        if not turn.size:
            turn.first_ns, turn.offset = run.times[0], run.offset
        if conversation.missing[side]:
            turn.missing += conversation.missing[side]
            conversation.missing[side] = 0
        turn.pieces += run.pieces
        turn.size += length
        turn.end, turn.last_ns = run.offset + length, run.times[-1]
        self.waiting += length
        if self.waiting > self.waiting_limit:
            self.split_all()

    def gap(self, run: Run, offset: int, length: int, reason: int, time_ns: int) -> None:
        self.conversation(run.stream).lose(run.direction, length, offset, time_ns)

    def closed(self, facts: bytes, stream: Stream | None) -> None:
        known: int | None = None
        if stream is not None and stream.state is not None:
            conversation = self.open.pop(stream.number)
            known = conversation.connection_id
            for turn in conversation.end():
                self.end_part(conversation, turn)
        if self.want_connections and (self.choose is None or self.choose(read(facts).number, facts)):
            self.connections.append(self.connection(facts, known))

    def split(self, conversation: Conversation, turn: Turn) -> None:
        """End a part of a turn that is not over."""
        conversation.settle(turn)
        self.end_part(conversation, turn)
        turn.part += 1
        turn.pieces, turn.size, turn.missing, turn.offset, turn.first_ns = [], 0, 0, turn.end, turn.last_ns

    def split_all(self) -> None:
        for conversation in self.open.values():
            for turn in (conversation.client, conversation.server):
                if turn is not None and turn.size:
                    self.split(conversation, turn)

    def end_part(self, conversation: Conversation, turn: Turn) -> None:
        """Make a row of what a turn has, unless it is the rest of one, and empty."""
        if turn.part and not turn.size and not turn.missing:
            return
        self.waiting -= turn.size
        self.size += turn.size
        first, first_ns = times_of(turn.first_ns)
        last, last_ns = times_of(turn.last_ns)
        payload = turn.pieces[0] if len(turn.pieces) == 1 else b"".join(turn.pieces)
        side = SIDES[turn.side]
        self.turns.append(
            (conversation.connection_id, turn.number, turn.part, side, first, first_ns, last, last_ns, turn.offset, payload, turn.missing)
        )

    def connection(self, facts: bytes, known: int | None) -> tuple[Any, ...]:
        told = read(facts)
        return (
            connection_id(facts) if known is None else known,
            told.number if self.numbered else None,
            *(host(told.client, told.client_family), told.client_port, host(told.server, told.server_family), told.server_port),
            separation(facts, told.reset_text_length) or None,
            *(ROLES[told.roles_from], STARTS[told.start], *times_of(told.opened_ns), *times_of(told.closed_ns)),
            *(CLOSE_REASONS[told.close_reason], BY[told.closed_by], told.clean != 0),
            None if told.syn_ns == NO_TIME or told.ack_ns == NO_TIME else told.ack_ns - told.syn_ns,
            *(told.client_packets, told.client_bytes, told.client_missing, told.client_retransmitted, told.client_reordered),
            *(told.server_packets, told.server_bytes, told.server_missing, told.server_retransmitted, told.server_reordered),
        )


class Turn:
    """A turn, or the part of it that is not a row yet."""

    __slots__ = ("end", "first_ns", "last_ns", "missing", "number", "offset", "part", "pieces", "side", "size")

    def __init__(self, number: int, side: int) -> None:
        self.number, self.side = number, side
        self.part = self.offset = self.end = self.size = self.missing = self.first_ns = self.last_ns = 0
        self.pieces: list[bytes] = []


class Conversation:
    """Whose turn it is in a connection, and the last turn of each side, to which a gap may still belong."""

    __slots__ = ("client", "connection_id", "count", "first_gaps", "missing", "server", "side")

    def __init__(self, connection_id: int) -> None:
        self.connection_id = connection_id
        self.client: Turn | None = None
        self.server: Turn | None = None
        self.side, self.count = -1, 0  # of the turn that goes on; how many began
        self.missing = [0, 0]  # by side: bytes behind its last data, which belong to its next turn, if there is one
        self.first_gaps: list[tuple[int, int, int]] = [(0, 0, 0), (0, 0, 0)]  # of missing: how many turns had begun, offset, time

    def begin(self, side: int) -> Turn:
        turn = self.put(Turn(self.count, side))
        self.side = side
        self.count += 1
        return turn

    def put(self, turn: Turn) -> Turn:
        if turn.side:
            self.server = turn
        else:
            self.client = turn
        return turn

    def lose(self, side: int, length: int, offset: int, time_ns: int) -> None:
        if not self.missing[side]:
            self.first_gaps[side] = self.count, offset, time_ns
        self.missing[side] += length

    def empty(self, side: int) -> Turn:
        """Return the turn of a side that has gaps alone."""
        turn = self.put(Turn(0, side))
        _, turn.offset, turn.first_ns = self.first_gaps[side]
        turn.last_ns = turn.first_ns
        turn.missing, self.missing[side] = self.missing[side], 0
        return turn

    def settle(self, turn: Turn) -> None:
        """Fix the number of a turn that is about to become a row before it is over: what the other side lost before it is a turn, too."""
        other = 1 - turn.side
        silent = (self.server if other else self.client) is None
        if turn.part == turn.number == 0 and self.missing[other] and silent and not self.first_gaps[other][0]:
            self.empty(other)
            turn.number, self.count = 1, 2

    def end(self) -> list[Turn]:
        """Return the turns that are not rows yet, in order."""
        turns: list[Turn] = []
        for side in (0, 1):
            turn = self.server if side else self.client
            if turn is not None:
                turn.missing += self.missing[side]
                first = turns[0] if turns else turn
                turns.insert(0 if turn.number < first.number else 1, turn)
        for side in (0, 1):
            if self.missing[side] and (self.server if side else self.client) is None:
                turns.insert(self.first_gaps[side][0], self.empty(side))  # the other side has one turn at most
                for number, turn in enumerate(turns):
                    turn.number = number
        return turns


def connection_id(facts: bytes) -> int:
    """Return the name of a connection: a hash of what its packets say, whichever of the endpoints is the client."""
    client, client_port, server, server_port, opened_ns, opened_seq, separated = opening(facts)
    if (server, server_port) < (client, client_port):
        client, client_port, server, server_port = server, server_port, client, client_port
    key = _KEY.pack(client, client_port, server, server_port, opened_ns, opened_seq) + separated
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little", signed=True)


def times_of(time_ns: int) -> tuple[int | None, int | None]:
    """Return a time in microseconds and in nanoseconds."""
    return (None, None) if time_ns == NO_TIME else (time_ns // 1000, time_ns)
