"""How a TCPStream is shown: as what JSON has, and as HTML in a notebook."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any

from ._events import Counters, Endpoint, Gap, Turn, known_time
from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._stream import TCPStream

SHOWN_TURNS, SHOWN_BYTES = 40, 400  # in HTML


def as_dict(stream: TCPStream, payload: str | None) -> dict[str, Any]:
    """Return what TCPStream.as_dict does."""
    if payload not in ("text", "base64", None):
        raise ValueError(f"payload is {payload!r}: it must be 'text', 'base64' or None")
    told = stream.connection
    try:
        turns = [_turn(turn, payload) for turn in stream.turns()]
    except UsageError:
        if payload is not None:
            raise
        turns = []
    return {
        "id": told.id,
        "client": _side(told.client, told.client_counters, stream.client_length, stream.client_gaps),
        "server": _side(told.server, told.server_counters, stream.server_length, stream.server_gaps),
        "opened_ns": known_time(told.opened_ns),
        "last_packet_ns": stream._last_ns(),
        "closed_ns": None if told.closed_ns is None else known_time(told.closed_ns),
        "close_reason": told.close_reason,
        "closed_by": told.closed_by,
        "clean": told.clean,
        "start": told.start,
        "roles_from": told.roles_from,
        "separation": told.separation,
        "turns": turns,
    }


def _side(end: Endpoint, counters: Counters | None, length: int, gaps: Sequence[Gap]) -> dict[str, Any]:
    return {
        "address": None if end.address is None else str(end.address),
        "port": end.port,
        "packets": None if counters is None else counters.packets,
        "bytes": length,
        "missing": sum(gap.length for gap in gaps) if counters is None else counters.missing,
        "retransmitted": None if counters is None else counters.retransmitted,
        "reordered": None if counters is None else counters.reordered,
        "gaps": [gap._asdict() for gap in gaps],
    }


def _turn(turn: Turn, payload: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "side": turn.side,
        "time_ns": turn.time_ns,
        "end_time_ns": turn.end_time_ns,
        "offset": turn.offset,
        "length": turn.length,
        "missing": turn.missing,
    }
    if payload is not None:
        said["data"] = turn.data.decode("utf-8", "backslashreplace") if payload == "text" else b64encode(turn.data).decode()
    return said


def html(stream: TCPStream) -> str:
    """Return a table of the first turns. All of it that was captured is escaped, since anything can stand there."""
    try:
        turns = stream.turns()
    except UsageError:
        turns = []
    rows = []
    for turn in turns[:SHOWN_TURNS]:
        text = turn.data[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
        text = "".join(letter if letter.isprintable() or letter in "\n\t" else f"\\x{ord(letter):02x}" for letter in text)
        more = f"… {turn.length} bytes" if turn.length > SHOWN_BYTES else ""
        lost = f"[{turn.missing} bytes missing] " if turn.missing else ""
        rows.append(f"<tr><td>{turn.side}</td><td style='text-align:left'><pre>{lost}{escape(text)}{more}</pre></td></tr>")
    if len(turns) > SHOWN_TURNS:
        rows.append(f"<tr><td></td><td>… {len(turns)} turns</td></tr>")
    return f"<table><caption>{escape(repr(stream))}</caption>{''.join(rows)}</table>"
