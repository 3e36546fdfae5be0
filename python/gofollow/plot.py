"""Draws connections with matplotlib (the extra plot): the time-sequence graph, as tcptrace draws it, and throughput.

    from gofollow.plot import plot
    plot("capture.pcap", connection=3).savefig("connection3.svg")

A Plot is a matplotlib figure that a notebook shows as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

try:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, MaxNLocator
except ImportError as error:
    raise ImportError("gofollow.plot needs matplotlib: pip install 'gofollow[plot]'") from error

from ._events import SIDES, Side
from ._stream import TCPStream
from .errors import OptionError
from .follower import events

__all__ = ["Plot", "plot", "plot_stream"]

_COLORS = {"client": "#0072b2", "server": "#d55e00", "repeated": "#a3148f", "out_of_order": "#b8860b"}
_ACKED, _WINDOW = "#1d7a46", "#9a7b00"
_BINS = 200


class Plot(Figure):
    """A figure that notebooks show."""

    def _repr_png_(self) -> bytes:
        target = BytesIO()
        self.savefig(target, format="png", dpi=110)
        return target.getvalue()


class _Piece(NamedTuple):
    """A segment, or a piece that was delivered: when, from which stream offset on, how many bytes, and how it arrived."""

    time: float
    offset: int
    length: int
    arrival: str


class _Side(NamedTuple):
    pieces: list[_Piece]
    acked: list[tuple[float, int, int]]  # time, stream offset that the other side acknowledged, its window
    gaps: list[tuple[int, int]]
    delivered: list[tuple[float, int]]


def _empty() -> dict[Side, _Side]:
    return {side: _Side([], [], [], []) for side in SIDES}


def plot(*sources: Any, connection: int, **options: Any) -> Plot:
    """Return the time-sequence graph and the throughput of one connection of captures.

    sources and options are as those of gofollow.follow; connection is the number of the
    connection, as `gofollow list` shows it. The graph has each segment of a side as a bar from its
    first to its last byte (retransmitted ones purple, those out of order yellow), what the other side acknowledged, its
    receive window, and missing bytes as grey bands. Times are seconds since the connection's first
    packet.

    Raises OptionError if there is no such connection or its packets have no times, and what
    gofollow.follow raises.
    """
    sides, title, start = _empty(), None, None
    for event in events(*sources, segments=True, **options):
        if event.connection.id != connection:
            continue
        if title is None:
            facts = event.connection
            title = f"connection {connection}: {facts.client} to {facts.server}"
            start = event.time_ns
        time = (event.time_ns - (start or 0)) / 1e9
        if event.direction is None:
            continue
        other: Side = "server" if event.direction == "client" else "client"
        side = sides[event.direction]
        if event.kind == "segment":
            if event.length:
                side.pieces.append(_Piece(time, event.offset, event.length, event.reason or "new"))
            if event.acked >= 0:
                sides[other].acked.append((time, event.acked, event.window))
        elif event.kind == "data":
            side.delivered.append((time, event.length))
        elif event.kind == "gap":
            side.gaps.append((event.offset, event.length))
    if title is None:
        raise OptionError(f"connection={connection} is not in this capture: `gofollow list` shows the numbers")
    if start is None or start < 0:
        raise OptionError("the packets of this capture have no times: there is nothing to draw over time")
    return _draw(title, sides)


def plot_stream(stream: TCPStream) -> Plot:
    """Return the same of a stream that was followed with record="segments": what was delivered, without retransmissions and ACKs.

    Raises OptionError if it has no segments or these have no times.
    """
    segments = stream.segments
    if not segments:
        raise OptionError('this stream has no segments: follow with record="segments", or use gofollow.plot.plot(capture, connection=...)')
    sides = _empty()
    start = segments[0].time
    for segment in segments:
        if segment.time is None or start is None:
            raise OptionError("the packets of this stream have no times: there is nothing to draw over time")
        time = segment.time - start
        sides[segment.side].pieces.append(_Piece(time, segment.offset, segment.length, "new"))
        sides[segment.side].delivered.append((time, segment.length))
    for side, gaps in (("client", stream.client_gaps), ("server", stream.server_gaps)):
        sides[side].gaps.extend((gap.offset, gap.length) for gap in gaps)  # type: ignore[index]
    ends = f"{stream.client_addr}:{stream.client_port} to {stream.server_addr}:{stream.server_port}"
    return _draw(f"connection {stream.identifier}: {ends}", sides)


def _draw(title: str, sides: dict[Side, _Side]) -> Plot:
    figure = Plot(figsize=(11, 7), layout="constrained")
    figure.suptitle(title)
    client, server, rate = figure.subplot_mosaic([["client", "server"], ["rate", "rate"]], height_ratios=[2, 1]).values()
    server.sharex(client)
    rate.sharex(client)
    for name, axes in (("client", client), ("server", server)):
        _draw_sequence(axes, name, sides[name])  # type: ignore[index]
    _draw_rate(rate, sides)
    return figure


def _label_times(axes: Any) -> None:
    axes.set_xlabel("time since the first packet")
    axes.xaxis.set_major_formatter(EngFormatter("s"))
    axes.xaxis.set_major_locator(MaxNLocator(6))


def _draw_sequence(axes: Any, name: str, side: _Side) -> None:
    axes.set_title(f"{name}'s data")
    _label_times(axes)
    axes.set_ylabel("stream offset, bytes")
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.grid(alpha=0.25)
    for offset, length in side.gaps:
        axes.axhspan(offset, offset + length, color="#999999", alpha=0.3, lw=0)
    end = max((piece.offset + piece.length for piece in side.pieces), default=0)
    labels = {"new": "segment", "repeated": "retransmitted", "out_of_order": "out of order"}
    for arrival, label in labels.items():
        lines = [((p.time, p.offset), (p.time, p.offset + p.length)) for p in side.pieces if p.arrival == arrival]
        if lines:
            axes.add_collection(LineCollection(lines, colors=_COLORS.get(arrival, _COLORS[name]), linewidths=1.6, label=label))
    if side.acked:
        times = [time for time, _, _ in side.acked]
        axes.step(times, [acked for _, acked, _ in side.acked], where="post", color=_ACKED, lw=1, label="acknowledged")
        tops = [acked + window for _, acked, window in side.acked]
        if any(window for _, _, window in side.acked) and min(tops) < 1.05 * end:  # else it is far above the data
            axes.step(times, tops, where="post", color=_WINDOW, lw=0.8, ls="--", label="receive window")
    axes.autoscale_view()
    if side.pieces:
        axes.set_ylim(-0.03 * end, 1.05 * end)
        axes.legend(loc="lower right", fontsize="small")
    else:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", color="grey")


def _draw_rate(axes: Any, sides: dict[Side, _Side]) -> None:
    axes.set_title("throughput")
    _label_times(axes)
    axes.set_ylabel("bytes per second")
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.grid(alpha=0.25)
    last = max((time for side in sides.values() for time, _ in side.delivered), default=0.0)
    width = max(last / _BINS, 1e-6)
    for name, side in sides.items():
        if side.delivered:
            axes.stairs(*_binned(side.delivered, width, last), color=_COLORS[name], label=name, fill=True, alpha=0.5)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper right", fontsize="small")


def _binned(delivered: Sequence[tuple[float, int]], width: float, last: float) -> tuple[list[float], list[float]]:
    """Return bytes a second of each bin, and the bins' edges."""
    count = int(last / width) + 1
    bins = [0.0] * count
    for time, length in delivered:
        bins[min(count - 1, max(0, int(time / width)))] += length / width
    return bins, [number * width for number in range(count + 1)]
