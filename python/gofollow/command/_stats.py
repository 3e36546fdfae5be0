"""gofollow stats: what a capture holds, all together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from .._events import CLOSE_REASONS, GAP_REASONS
from .._facts import Facts, host, read
from ._choice import Choice
from ._list import Sums
from ._screen import Screen
from ._session import Session
from ._text import date, grouped, harmless, plural, seconds_of, short

_MOST = 200_000  # endpoints that are counted at the same time


class Busiest:
    """Bytes by name; beyond some hundred thousand names the smallest are forgotten."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()

    def add(self, name: str, count: int) -> None:
        """Add the bytes of a connection."""
        self.bytes[name] += count
        self.connections[name] += 1
        if len(self.bytes) > _MOST:
            self.bytes = Counter(dict(self.bytes.most_common(_MOST // 2)))
            self.connections = Counter({name: self.connections[name] for name in self.bytes})

    def top(self, count: int) -> list[tuple[str, int, int]]:
        """Return name, bytes and connections of the first ones."""
        order = sorted(self.bytes, key=lambda name: (-self.bytes[name], -self.connections[name], name))
        return [(name, self.bytes[name], self.connections[name]) for name in order[:count]]


def stats(files: Sequence[str], options: dict[str, Any], choice: Choice, screen: Screen, *, top: int, as_json: bool) -> int:
    """Print the totals. Return the exit code: 0, 2 if a capture could not be read."""
    sums = Sums()
    servers, ports, hosts = Busiest(), Busiest(), Busiest()
    ends: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    def closed(raw: bytes, _: object) -> None:
        facts = read(raw)
        if not choice.closed(facts):
            return
        sums.add(facts)
        count = facts.client_bytes + facts.server_bytes
        servers.add(facts.server_end, count)
        ports.add(str(facts.server_port), count)
        for address, family in ((facts.client, facts.client_family), (facts.server, facts.server_family)):
            hosts.add(host(address, family), count)
        ends[CLOSE_REASONS.get(facts.close_reason, "open")] += 1
        _count(counts, facts)

    session = Session(options, choice)
    session.follow(files, closed)
    facts = session.statistics
    assert facts is not None
    assert session.gather is not None
    told: dict[str, Any] = {
        "packets": facts.packets,
        "bytes": facts.bytes,
        "segments": facts.segments,
        "not_followed": session.others(),
        "segments_without_connection": facts.no_connection + facts.after_close,
        "connections": sums.connections,
        "ended": dict(ends),
        **{name: counts[name] for name in ("clean", "refused", "no_answer", "no_start", "reordered", "late")},
        "up": sums.up,
        "down": sums.down,
        "missing": sums.missing,
        "connections_with_missing": sums.with_missing,
        "missing_by_reason": {GAP_REASONS[at]: count for at, count in enumerate(session.gather.gaps) if count},
        "retransmitted": sums.retransmitted,
        "busiest": {
            name: [{"name": key, "bytes": count, "connections": connections} for key, count, connections in found.top(top)]
            for name, found in (("servers", servers), ("ports", ports), ("hosts", hosts))
        },
    }
    screen.show([json.dumps(told) + "\n"] if as_json else _lines(told, sums, screen))
    return 2 if session.failed else 0


def _count(counts: Counter[str], facts: Facts) -> None:
    words = facts.end()
    counts["clean"] += facts.clean
    counts["refused"] += "refused" in words
    counts["no_answer"] += "no answer" in words
    counts["no_start"] += "no start" in words
    counts["reordered"] += facts.client_reordered + facts.server_reordered
    counts["late"] += facts.client_late + facts.server_late


def _lines(told: dict[str, Any], sums: Sums, screen: Screen) -> Iterable[str]:
    def line(head: str, first: str, rest: str = "") -> str:
        text = wrap(rest, screen.width - 27, break_long_words=False, break_on_hyphens=False) if screen.width > 40 else [rest]
        rest = ("\n" + " " * 27).join(text)
        return f"{screen.paint('head', f'{head:<14}')} {first:>9}" + (f"   {rest}" if rest else "") + "\n"

    packets = [f"{grouped(told['segments'])} TCP segments"]
    packets += [f"{harmless(name)} {grouped(count)}" for name, count in told["not_followed"].items()]
    yield line("packets", grouped(told["packets"]), ", ".join(packets))
    if told["segments_without_connection"]:
        yield line("", grouped(told["segments_without_connection"]), "segments of no connection, or after its end")
    ends = [f"{grouped(count)} {'open at the end' if name == 'flush' else name}" for name, count in told["ended"].items()]
    extra = [f"{grouped(told[name])} {name.replace('_', ' ')}" for name in ("clean", "refused", "no_answer", "no_start") if told[name]]
    yield line("connections", grouped(told["connections"]), ", ".join(ends))
    if extra:
        yield line("", "", ", ".join(extra))
    if sums.connections and sums.first > 0:
        yield line("time", seconds_of(sums.last - sums.first), f"from {date(sums.first)}")
    payload = told["up"] + told["down"]
    yield line("payload", short(payload), f"{short(told['up'])} up, {short(told['down'])} down")
    if told["missing"]:
        why = ", ".join(f"{short(count)} {_WHY[name]}" for name, count in told["missing_by_reason"].items())
        yield line("missing", short(told["missing"]), f"in {plural(told['connections_with_missing'], 'connection')}: {why}")
    else:
        yield line("missing", "0")
    share = f"{100 * told['retransmitted'] / payload:.1f} % of the payload" if payload and told["retransmitted"] else ""
    yield line("retransmitted", short(told["retransmitted"]), share)
    yield line("out of order", short(told["reordered"]))
    if told["late"]:
        yield line("late", short(told["late"]), "captured after they were given up")
    for head, name in (("servers", "servers"), ("server ports", "ports"), ("hosts", "hosts")):
        for at, entry in enumerate(told["busiest"][name]):
            yield line(head if at == 0 else "", short(entry["bytes"]), f"{entry['name']}, {plural(entry['connections'], 'connection')}")


_WHY = {
    "ack": "lost before the capture",
    "limit": "beyond a limit",
    "timeout": "waited for too long",
    "snaplen": "cut by the snap length",
    "urgent": "urgent",
    "close": "not there at the end of the connection",
}
