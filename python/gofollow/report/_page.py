"""Writes the page of a report."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

from .._engine import Engine, Statistics
from .._events import BATCH, EventCollector
from ..follower import read_and_flush, reading_of
from ._collect import Collector

UPLOT = "1.6.32"
LARGEST = 30_000_000  # bytes of a page


def write_report(*sources: Any, out: str | os.PathLike[str], title: str | None = None, show: int | None = None, **options: Any) -> None:
    """Follow captures and write a report of them: one HTML page that loads nothing from anywhere.

    sources and options are as those of gofollow.follow. title stands at the head of the page, by
    default the names of the files. show is the number of a connection that the page opens with.

    The page shows sums, charts, a table of connections, and the conversation and the time-sequence
    graph of each. It holds at most 50,000 connections, 7 MiB of payload and 100,000 segments, in 30 MB,
    and says what it left out. Raises what gofollow.follow raises, after a page of what stands before a
    fault was written.
    """
    collector, statistics, fault = Collector(), None, None
    engine = Engine({"segments": True, **options})
    try:
        events = EventCollector(engine.number)
        reading = reading_of(engine, None, sources)
        try:
            for _ in read_and_flush(reading, engine):
                while events.pull(BATCH) == BATCH:
                    collector.take(_taken(events))
                collector.take(_taken(events))
        except (OSError, ValueError) as error:
            fault = error
        statistics = engine.statistics()
    finally:
        engine.close()
    facts: dict[str, Any] = {"title": title or ", ".join(map(_name, sources)), "open": show}
    facts.update(sums=_sums(collector, statistics), not_followed=_not_followed(statistics))
    Path(out).write_bytes(_fitting(collector, facts, fault))
    if fault is not None:
        raise fault


def _fitting(collector: Collector, facts: dict[str, Any], fault: Exception | None) -> bytes:
    """Return a page that is not too large: of as many connections as fit."""
    while True:
        data = {**collector.data(), **facts}
        if fault is not None:
            data["left_out"] = f"Only a part of the captures could be read: {fault}. {data['left_out']}"
        text = page(data).encode()
        if len(text) <= LARGEST or not collector.rows:
            return text
        collector.drop_rows(len(collector.rows) // 2)


def _taken(events: EventCollector) -> list[Any]:
    taken = list(events.events)
    events.events.clear()
    return taken


def _name(source: Any) -> str:
    """Return the name of a source without its folder: a page is sent to others."""
    if not isinstance(source, (str, bytes, os.PathLike)):
        source = getattr(source, "name", None)
    return os.path.basename(os.fsdecode(source)) if isinstance(source, (str, bytes, os.PathLike)) else "a capture"


def _sums(collector: Collector, statistics: Statistics) -> dict[str, Any]:
    closed = {"open at the end" if name == "flush" else name: count for name, count in statistics.closed.items() if count}
    return {**collector.sums, "packets": statistics.packets, "segments": statistics.segments, "closed": closed}


def _not_followed(statistics: Statistics) -> str:
    names = {name: count for name, count in statistics.not_followed.items() if count}
    for name, count in (("malformed", statistics.malformed), ("encapsulated too deeply", statistics.too_deep)):
        if count:
            names[name] = count
    if not names:
        return ""
    return f"Not followed: {sum(names.values()):,} of {statistics.packets:,} packets: " + ", ".join(f"{n} {c:,}" for n, c in names.items())


def page(data: dict[str, Any]) -> str:
    """Return the page that shows data.

    What the captures brought stands in it as JSON alone, whose "<" are escaped, so that nothing in it
    ends the element. The content security policy names the page's own scripts and styles by their hashes.
    """
    script, uplot_script = _part("page.js"), _part("uplot.min.js")
    styles = _part("uplot.min.css") + _part("page.css")
    parts = {
        "title": html.escape(data["title"]),
        "script_hashes": " ".join(map(_hash, (uplot_script, script))),
        "style_hashes": _hash(styles),
        "styles": styles,
        "version": html.escape(_version()),
        "uplot": UPLOT,
        "uplot_licence": html.escape(_part("uplot.LICENSE")),
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        "uplot_script": uplot_script,
        "script": script,
    }
    return re.sub(r"\{([a-z_]+)\}", lambda found: parts[found[1]], _part("page.html"))


def _part(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _version() -> str:
    from .. import __version__

    return str(__version__)
