"""Collects what the page of a report shows, in bounded memory, in one pass over the engine's events.

Where a bound is reached, all connections keep less of their payload and of their segments, and the
smallest connections lose their rows: the sums still count all of them. page.js reads the result.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from .._events import Connection, Event

ROWS = 50_000
PAYLOAD = 7 * 1024 * 1024  # bytes of all conversations; the longest ones are cut first
POINTS = 100_000  # segments of all graphs, in the same way
LONGEST, SHORTEST = 64 * 1024, 128  # bytes that one conversation keeps at most, and before none is kept of the next one
MOST, FEWEST = 4096, 16  # segments of one graph, likewise
BUCKETS = 160  # of the chart of payload over time
NAMES = 15  # ports and hosts that are named
HOSTS = 100_000  # addresses that are counted before the least busy ones are forgotten
TURN, GAP = 64, 24  # what a turn and a gap of it cost beside the payload
GAPS = 256  # of one conversation
TEXT = 60  # bytes of what a conversation begins with, and of a reset's text
COLUMNS = (
    *("id", "start", "duration", "client", "client_port", "server", "server_port"),
    *("up", "down", "missing", "repeated", "end", "text", "facts"),
)
ARRIVALS = {"new": 0, "repeated": 1, "out_of_order": 2, "empty": 3}
REASONS = {
    "ack": "acknowledged, but never captured",
    "limit": "a limit was reached",
    "timeout": "not captured in time",
    "snaplen": "cut off by the snap length",
    "urgent": "urgent data",
    "close": "not captured before the end",
}


class Turn:
    """What one side sent until data of the other was delivered, as far as it is kept."""

    __slots__ = ("again", "gaps", "kept", "length", "offset", "side", "us")

    def __init__(self, side: int, us: int | None, offset: int) -> None:
        self.side, self.us, self.offset = side, us, offset
        self.kept = bytearray()
        self.length = self.again = 0
        self.gaps: list[tuple[int, int, str]] = []  # where in its bytes, how many are missing, why

    def cut(self, room: int) -> int:
        """Keep what fits into so many bytes, and return what it costs."""
        del self.gaps[max(0, room - TURN) // GAP :]
        room -= TURN + GAP * len(self.gaps)
        del self.kept[max(0, room) :]
        return TURN + GAP * len(self.gaps) + len(self.kept)


class Talk:
    """A connection's conversation and its segments, as far as they are kept."""

    __slots__ = ("gap_ranges", "gaps", "kept", "last", "more", "pending", "points", "points_more", "text", "turns", "windows")

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.last: list[Turn | None] = [None, None]  # of each side
        self.pending: tuple[list[tuple[int, str]], list[tuple[int, str]]] = ([], [])  # gaps that wait for data of their side
        self.kept = self.more = self.gaps = self.points_more = 0
        self.points: list[tuple[int, int, int, int, int, int, int]] = []
        self.gap_ranges: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self.windows = False
        self.text = b""

    def cut(self, limit: int) -> None:
        """Keep the first so many bytes of payload, what turns and gaps cost included, and count the rest."""
        if self.kept <= limit:
            return
        self.kept = 0
        for number, turn in enumerate(self.turns):
            if self.kept >= limit:
                self.more += sum(turn.length for turn in self.turns[number:])
                del self.turns[number:]
                self.last = [turn if turn in self.turns else None for turn in self.last]
                break
            self.kept += turn.cut(limit - self.kept)


class Collector:
    """Takes events in their order; data() returns what the page holds."""

    def __init__(self) -> None:
        self.talks: dict[int, Talk] = {}
        self.rows: list[dict[str, Any]] = []
        self.dropped_rows = 0
        self.longest, self.kept = LONGEST, 0
        self.most, self.points = MOST, 0
        self.base_us: int | None = None
        self.last_us = 0
        self.untimed = False
        self.rate: dict[int, list[int]] = {}
        self.width_us = 10
        self.ports: dict[Any, list[int]] = {}
        self.hosts: dict[Any, list[int]] = {}
        self.sums = {"connections": 0, "up": 0, "down": 0, "missing": 0, "repeated": 0, "with_missing": 0, "with_repeated": 0}

    def take(self, events: Iterable[Event]) -> None:
        """Take events."""
        for event in events:
            kind = event.kind
            if kind == "segment":
                self._segment(event)
            elif kind == "data":
                self._data(event)
            elif kind == "gap":
                self._gap(event)
            elif kind == "opened":
                self.talks[event.connection.id] = Talk()
                self._time(event.time_ns)
            elif kind == "closed":
                self._closed(event.connection)

    def _time(self, time_ns: int | None) -> int | None:
        """Return microseconds since the first packet; None if there is no time."""
        if time_ns is None or time_ns < 0:
            self.untimed = True
            return None
        us = time_ns // 1000
        if self.base_us is None:
            self.base_us = us
        us -= self.base_us
        if us > self.last_us:
            self.last_us = us
        return us

    def _segment(self, event: Event) -> None:
        talk = self.talks[event.connection.id]
        side = int(event.direction == "server")
        us = self._time(event.time_ns)
        turn = talk.last[side]
        if event.reason == "repeated" and turn is not None:
            turn.again += 1
        if us is None or len(talk.points) >= self.most:
            talk.points_more += 1
            return
        talk.points.append((us, side, event.offset, event.length, ARRIVALS.get(event.reason or "new", 0), event.acked, event.window))
        talk.windows = talk.windows or event.window > 0
        self.points += 1
        if self.points > POINTS:
            self._thin()

    def _thin(self) -> None:
        self.most = max(self.most // 2, FEWEST) if self.most > FEWEST else 0
        most, self.points = max(self.most, FEWEST), 0
        for talk in self._all_talks():
            talk.points_more += max(0, len(talk.points) - most)
            del talk.points[most:]
            self.points += len(talk.points)
            for gaps in talk.gap_ranges:
                del gaps[most:]

    def _all_talks(self) -> list[Talk]:
        return [*self.talks.values(), *(row["talk"] for row in self.rows)]

    def _data(self, event: Event) -> None:
        talk = self.talks[event.connection.id]
        side = int(event.direction == "server")
        us = self._time(event.time_ns)
        if us is not None:
            self._count(us, side, event.length)
        if not talk.text:
            talk.text = event.data[:80]
        turn = talk.turns[-1] if talk.turns else None
        room = self.longest - talk.kept
        if talk.more or (room <= TURN and (turn is None or turn.side != side)):
            talk.more += event.length
            talk.pending[side].clear()
            return
        if turn is None or turn.side != side:
            turn = Turn(side, us, event.offset)
            talk.turns.append(turn)
            talk.last[side] = turn
            talk.kept += TURN
            self.kept += TURN
            room -= TURN
        self._mark(talk, turn, side)
        turn.length += event.length
        if room > 0 and len(turn.kept) == turn.length - event.length:
            piece = event.data[:room]
            turn.kept += piece
            talk.kept += len(piece)
            self.kept += len(piece)
        if self.kept > PAYLOAD and self.longest:
            self._shorten()

    def _mark(self, talk: Talk, turn: Turn, side: int) -> None:
        """Give a turn the gaps that wait for data of its side."""
        gaps = talk.pending[side][: GAPS - talk.gaps] if self.longest else []
        turn.gaps += [(turn.length, missing, reason) for missing, reason in gaps]
        talk.gaps += len(gaps)
        talk.kept += GAP * len(gaps)
        self.kept += GAP * len(gaps)
        talk.pending[side].clear()

    def _shorten(self) -> None:
        self.longest = self.longest // 2 if self.longest > SHORTEST else 0
        everything = self._all_talks()
        for talk in everything:
            talk.cut(max(self.longest, SHORTEST))
        self.kept = sum(talk.kept for talk in everything)

    def _count(self, us: int, side: int, length: int) -> None:
        if us < 0:
            return
        bucket = self.rate.setdefault(us // self.width_us, [0, 0])
        bucket[side] += length
        if us // self.width_us > 16 * BUCKETS:
            self._widen()

    def _widen(self) -> None:
        """Make the buckets so wide that they are few."""
        while max(self.rate, default=0) > BUCKETS:
            self.width_us *= 2
            rate: dict[int, list[int]] = {}
            for number, (up, down) in self.rate.items():
                half = rate.setdefault(number // 2, [0, 0])
                half[0] += up
                half[1] += down
            self.rate = rate

    def _gap(self, event: Event) -> None:
        talk = self.talks[event.connection.id]
        side = int(event.direction == "server")
        talk.pending[side].append((event.length, event.reason or ""))
        if len(talk.pending[side]) > GAPS:
            del talk.pending[side][GAPS:]
        if len(talk.gap_ranges[side]) < GAPS:
            talk.gap_ranges[side].append((event.offset, event.length))

    def _closed(self, facts: Connection) -> None:
        talk = self.talks.pop(facts.id)
        for side, gaps in enumerate(talk.pending):
            if gaps and not talk.more:
                turn = talk.last[side]
                if turn is None:
                    turn = Turn(side, None, 0)
                    talk.turns.append(turn)
                    talk.kept += TURN
                    self.kept += TURN
                self._mark(talk, turn, side)
            gaps.clear()
        client, server = facts.client_counters, facts.server_counters
        assert client is not None
        assert server is not None
        missing, repeated = client.gap_bytes + server.gap_bytes, client.duplicate_bytes + server.duplicate_bytes
        sums = self.sums
        sums["connections"] += 1
        for name, count in (("up", client.bytes), ("down", server.bytes), ("missing", missing), ("repeated", repeated)):
            sums[name] += count
        sums["with_missing"] += missing > 0
        sums["with_repeated"] += repeated > 0
        names = str(facts.client.address), str(facts.server.address)
        entries = [self.ports.setdefault(facts.server.port, [0, 0, 0])]
        entries += [self.hosts.setdefault(host, [0, 0, 0]) for host in dict.fromkeys(names)]
        for entry in entries:
            entry[0] += 1
            entry[1] += client.bytes
            entry[2] += server.bytes
        if len(self.hosts) > HOSTS:
            self.hosts = dict(_busiest(self.hosts, HOSTS // 2))
        self.rows.append({"facts": facts, "names": names, "talk": talk, "missing": missing, "repeated": repeated})
        if len(self.rows) > ROWS + ROWS // 4:
            self.drop_rows(ROWS)

    def drop_rows(self, most: int) -> None:
        """Keep the rows of so many connections, those with the most payload."""

        def size(row: dict[str, Any]) -> int:
            facts = row["facts"]
            return int(facts.client_counters.bytes + facts.server_counters.bytes + row["missing"])

        self.rows.sort(key=size, reverse=True)
        for row in self.rows[most:]:
            self.kept -= row["talk"].kept
            self.points -= len(row["talk"].points)
        self.dropped_rows += len(self.rows[most:])
        del self.rows[most:]

    def data(self) -> dict[str, Any]:
        """Return what the page holds of the connections, as JSON has it."""
        if len(self.rows) > ROWS:
            self.drop_rows(ROWS)
        self.rows.sort(key=lambda row: row["facts"].id)
        addresses: dict[str, int] = {}
        ends: dict[str, int] = {}
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        talks: dict[int, Any] = {}
        graphs: dict[int, Any] = {}
        without = no_graph = 0
        for row in self.rows:
            facts, talk = row["facts"], row["talk"]
            start = self._time(facts.opened_ns)
            over = start if facts.last_ns is None else self._time(facts.last_ns)
            entry = {
                "id": facts.id,
                "start": start,
                "duration": None if start is None or over is None else max(0, over - start),
                "client": addresses.setdefault(row["names"][0], len(addresses)),
                "client_port": facts.client.port,
                "server": addresses.setdefault(row["names"][1], len(addresses)),
                "server_port": facts.server.port,
                "up": facts.client_counters.bytes,
                "down": facts.server_counters.bytes,
                "missing": row["missing"],
                "repeated": row["repeated"],
                "end": ends.setdefault(facts.close_reason, len(ends)),
                "text": _beginning(talk.text),
                "facts": _facts(facts),
            }
            for name, value in entry.items():
                columns[name].append(value)
            if talk.turns:
                talks[facts.id] = {"parts": [_part(turn) for turn in talk.turns], "more": talk.more}
            without += not talk.turns and talk.more > 0
            no_graph += not talk.points and talk.points_more > 0
            if talk.points and (facts.client_counters.bytes or facts.server_counters.bytes or row["missing"]):
                graphs[facts.id] = {"points": talk.points, "gaps": talk.gap_ranges, "windows": talk.windows, "more": talk.points_more}
        timed = self.base_us is not None
        self._widen()
        last = max(self.rate, default=-1)
        rate = [self.rate.get(number, (0, 0)) for number in range(last + 1)]
        return {
            "base_us": self.base_us,
            "span_us": self.last_us if timed else 0,
            "rows": columns,
            "addresses": list(addresses),
            "ends": list(ends),
            "reasons": REASONS,
            "talks": talks,
            "graphs": graphs,
            "ports": [[str(name), *entry] for name, entry in _busiest(self.ports, NAMES)],
            "hosts": [[str(name), *entry] for name, entry in _busiest(self.hosts, NAMES)],
            "rate": {"width_us": self.width_us, "up": [up for up, _ in rate], "down": [down for _, down in rate]},
            "left_out": self._left_out(without, no_graph),
        }

    def _left_out(self, without: int, no_graph: int) -> str:
        parts = []
        if self.dropped_rows:
            parts.append(f"{self.dropped_rows:,} connections with the least payload have no row: the sums and charts count them")
        if self.longest < LONGEST:
            parts.append(f"of a conversation at least the first {max(self.longest, SHORTEST):,} bytes are kept")
        if without:
            parts.append(f"of {without:,} conversations nothing is kept")
        if self.most < MOST:
            parts.append(f"of a graph at least the first {max(self.most, FEWEST):,} segments are kept")
        if no_graph and self.base_us is not None:
            parts.append(f"{no_graph:,} connections have no graph")
        return "Left out of this page: " + "; ".join(parts) + "." if parts else ""


def _busiest(table: dict[Any, list[int]], count: int) -> list[tuple[Any, list[int]]]:
    return sorted(table.items(), key=lambda item: (-item[1][1] - item[1][2], -item[1][0], str(item[0])))[:count]


def _part(turn: Turn) -> list[Any]:
    return [turn.side, turn.us, turn.offset, turn.length, b64encode(turn.kept).decode(), turn.again, turn.gaps]


def _beginning(data: bytes) -> str:
    """Return the first line of payload if it is text."""
    line = data.split(b"\r", 1)[0].split(b"\n", 1)[0][:TEXT]
    text = line.decode("utf-8", "ignore")
    return text if text.isprintable() and len(text) > len(line) // 2 else ""


def _facts(facts: Connection) -> Any:
    """Return what is worth telling of a connection besides its row; 0 for nothing."""
    found: dict[str, str] = {}
    if facts.syn_ns is not None and facts.synack_ns is not None and facts.ack_ns is not None:
        found["round trip of the handshake"] = f"{(facts.ack_ns - facts.syn_ns) / 1e6:.3f} ms"
    if facts.start != "syn":
        found["first seen"] = {"synack": "SYN+ACK", "midstream": "from the middle"}.get(facts.start or "", "")
    if facts.separation:
        found["in"] = facts.separation
    if facts.closed_by:
        found["closed by"] = facts.closed_by
    if facts.reset_text:
        found["text of the reset"] = facts.reset_text[:TEXT].decode("utf-8", "backslashreplace")
    return found or 0
