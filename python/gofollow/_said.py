"""What is known of a connection: its facts, and what both sides said."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ._engine import CLOSED_AT
from ._events import Connection, read_connection
from ._growing import Growing

KEEP_ALL = 1 << 63
_SHORT = 32 * 1024  # so little is copied sooner than something is made that grows
_PIECES = (1 << 30) - 1  # longer payloads are kept in one piece; so much is compared in one step


class Gap(NamedTuple):
    """Bytes of a stream that never come: length bytes from the stream offset, and why (ack, limit, timeout, snaplen, urgent, close)."""

    offset: int
    length: int
    reason: str


class Chunk(NamedTuple):
    """A run without gaps: length bytes from the stream offset stand in the payload from position start."""

    offset: int
    start: int
    length: int


class OneSide:
    """What one side said: its gaps, and a payload of which keep bytes are kept at most. An end is a stream offset."""

    __slots__ = ()

    gaps: Sequence[Gap]
    keep: int

    def length(self, end: int) -> int:
        """How many bytes up to a stream offset came."""
        return end - sum(gap.length for gap in self.gaps_to(end)) if self.gaps else end

    def truncated(self, end: int) -> bool:
        """Whether some of it was not kept."""
        return self.length(end) > self.keep

    def gaps_to(self, end: int) -> list[Gap]:
        return [gap for gap in self.gaps if gap.offset < end]

    def chunks_to(self, end: int) -> list[Chunk]:
        chunks, start, offset = [], 0, 0
        for gap in [*self.gaps_to(end), Gap(end, 0, "")]:
            length = min(gap.offset - offset, self.keep - start)
            if length:
                chunks.append(Chunk(offset, start, length))
            start += length
            offset = gap.offset + gap.length
        return chunks

    def payload(self, end: int, complete: bool) -> bytes:
        """Return what came up to a stream offset and was kept; complete says that nothing will be added."""
        raise NotImplementedError


class Whole(OneSide):
    """What one side said up to some end, of which nobody will ask for less."""

    __slots__ = ("data", "gaps", "keep")

    def __init__(self, data: bytes, gaps: Sequence[Gap] = (), keep: int = KEEP_ALL) -> None:
        self.data, self.gaps, self.keep = data, gaps, keep

    def payload(self, end: int, complete: bool) -> bytes:
        return self.data


class Said(OneSide, list[bytes]):
    """What one side said so far, in the pieces in which it came. It only grows, so that an end, a stream offset, is a snapshot of it.

    Data whose end is at most the limit is appended, as to any list; add takes the rest. Reading it before it is complete sets the
    limit to 0, and the payload then grows in one piece instead, so that reading the whole in every callback copies nothing of a long one
    as long as the value before was let go. Below 0 the limit says that no more is kept. One thread appends; any may read.
    """

    __slots__ = ("gaps", "keep", "kept", "limit", "whole")

    gaps: list[Gap]
    keep: int  # so many bytes at most
    kept: Any  # what cycapture keeps of what was read: None nothing yet, False nothing any more
    limit: int
    whole: Any  # None or Growing

    def add(self, data: bytes) -> None:
        """Append data whose end is beyond the limit."""
        whole = self.whole
        if whole is None:
            if self.limit < 0:
                return  # as much as is kept is there
            value = b"".join(self[:])
            room = self.keep - len(value)
            if self.limit and len(data) >= room:  # nobody reads it yet
                self.append(data[:room])
                self.limit = -1
                return
            if len(value) + len(data) <= _SHORT:
                self[:] = [value + data[:room]]
                return
            whole = Growing()
            whole.write(value)
            self.whole = whole  # before the list is empty, for those who read meanwhile
            self.clear()
            self.limit = 0
        whole.write(data if self.keep == KEEP_ALL else data[: self.keep - whole.tell()])

    def payload(self, end: int, complete: bool) -> bytes:
        length = self.length(end)
        whole = self.whole
        if whole is None:
            value = b"".join(self[:])  # of a single piece that piece; join would iterate over a subclass of list
            whole = self.whole  # the pieces may have gone there meanwhile
            if len(self) > 1:
                if complete:
                    self[:] = [value]
                else:
                    self.limit = min(self.limit, 0)  # who reads it once does so again
        if whole is not None:
            value = whole.getvalue()
        return value if len(value) == length else value[:length]


def make_said(keep: int) -> Said:
    """Return the Said of a side that was silent so far, of which keep bytes are kept at most."""
    said = Said()
    said.gaps = []
    said.keep = keep
    said.kept = None
    said.limit = min(keep, _PIECES) or -1
    said.whole = None
    return said


class Source(Protocol):
    """Who knows what the library keeps."""

    def said(self, stream: Any, direction: int) -> OneSide:
        """Return what a side said up to the stream's end."""

    def new_data(self, stream: Any) -> bytes:
        """Return the bytes that the stream's callback is about."""


class Facts:
    """What the engine says of a connection, taken over as it stands there and read when it is first asked for, and what both sides said.

    The streams of a connection have the same as long as it is open, and another one when it is closed.
    """

    # Tracker and WholeStreams make one field by field.
    __slots__ = ("_connection", "client_said", "raw", "server_said", "source")

    _connection: Connection
    raw: bytes  # copy_facts
    client_said: bytes | OneSide | None  # bytes: all of it, without gaps; None: the source knows
    server_said: bytes | OneSide | None
    source: Source | None  # who knows, where something is None

    @property
    def finished(self) -> bool:
        return bool(self.raw[CLOSED_AT])

    @property
    def connection(self) -> Connection:
        try:
            return self._connection
        except AttributeError:
            self._connection = read_connection(self.raw)
            return self._connection

    def side(self, stream: Any, direction: int) -> Any:
        """Return what a side said up to the stream's end, or more."""
        said = self.server_said if direction else self.client_said
        if said is None:
            source = self.source
            if source is None:  # somebody took over meanwhile
                return self.side(stream, direction)
            said = source.said(stream, direction)
        return Whole(said) if isinstance(said, bytes) else said

    def new_data(self, stream: Any) -> bytes:
        """Return the bytes that the stream's callback is about, where they are not with it."""
        source = self.source
        if source is not None:
            return source.new_data(stream)
        new: bytes = stream._new  # somebody put it there meanwhile
        return new

    def apart(self, stream: Any) -> "Facts":
        """Return the same for a stream that is to stand alone, without what a follower works with."""
        facts = Facts()
        facts.raw = self.raw
        facts.client_said, facts.server_said = (
            Whole(said.payload(end, self.finished), said.gaps_to(end), said.keep)
            for said, end in ((self.side(stream, 0), stream._client_end), (self.side(stream, 1), stream._server_end))
        )
        return facts
