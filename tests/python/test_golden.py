"""The same captures give the same event log, however they come in."""

import gzip
import hashlib
import io
import json
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from frames import read_pcap
from gofollow._core import Core
from gofollow._engine import Engine
from gofollow._events import BATCH, EventCollector
from gofollow._options import make_kept

from gofollow import TCPStream, TCPStreamFollower, events, follow, format_event

ROOT = Path(__file__).parents[2]
CAPTURES = sorted((ROOT / "tests" / "data").glob("*.pcap*"))
SHARED = ROOT.parent / "shared" / "captures"
FAULTS = ROOT.parent / "shared" / "faults"


def wanted(capture: Path) -> list[str]:
    return (capture.parent / capture.name.split(".")[0]).with_suffix(".events").read_text().splitlines()


def asks_for_anomalies(capture: Path) -> bool:
    return any(line.startswith("anomaly") for line in wanted(capture))


def packets_of(capture: Path) -> tuple[int, list[tuple[int, bytes, int]]]:
    """Read a pcap, plain or gzip; others are left to the tests that read files."""
    data = capture.read_bytes()
    data = gzip.decompress(data) if capture.suffix == ".gz" else data
    return read_pcap(data) if capture.suffix in (".pcap", ".gz") else (0, [])


captures = pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)


class Fed:
    """An engine, what feeds it packets, and its events."""

    def __init__(self, capture: Path) -> None:
        self.engine = Engine({"anomalies": asks_for_anomalies(capture)})
        nothing = lambda *_: None  # noqa: E731
        self.core = Core(self.engine.number, None, None, TCPStream, make_kept("all", None, None, "none", None, None), nothing, nothing)
        self.collector = EventCollector(self.engine.number)

    def take(self) -> None:
        while self.collector.pull(BATCH) == BATCH:
            pass

    def feed_capture(self, data: bytes) -> None:
        taken = self.engine.feed_capture(data, 0)
        self.take()
        while taken < len(data):
            taken += self.engine.feed_capture(data, taken)
            self.take()

    def lines(self) -> list[str]:
        while not self.engine.flush():
            self.take()
        self.take()
        return [format_event(event) for event in self.collector.events]


@captures
def test_path_and_file_object(capture: Path) -> None:
    anomalies = asks_for_anomalies(capture)
    assert [str(event) for event in events(capture, anomalies=anomalies)] == wanted(capture)
    with capture.open("rb") as file:
        assert [format_event(event) for event in events(file, anomalies=anomalies)] == wanted(capture)


@captures
def test_events_of_segments_change_no_other(capture: Path) -> None:
    options: Any = {"anomalies": asks_for_anomalies(capture)}
    log = [str(event) for event in events(capture, segments=True, **options)]
    assert [line for line in log if not line.startswith("segment")] == wanted(capture)
    seen = [event for event in events(capture, segments=True, **options) if event.kind == "segment"]
    closed = [event.connection for event in events(capture, **options) if event.kind == "closed"]
    assert len(seen) == sum(counters.packets for c in closed for counters in (c.client_counters, c.server_counters))  # type: ignore[misc, union-attr]
    assert sum(event.reason == "new" for event in seen) <= sum(event.length > 0 for event in seen)
    for connection in closed:
        its = [event for event in seen if event.connection.id == connection.id]
        syns = [event for event in its if event.flags & 0x12 == 2]
        if connection.start == "syn":
            assert connection.syn_ns == syns[0].time_ns == connection.opened_ns
            assert connection.client_isn is not None
        assert (connection.server_isn is None) == (connection.synack_ns is None)


@captures
@pytest.mark.parametrize("size", [1, 13, 4099])
def test_capture_cut_anywhere(capture: Path, size: int) -> None:
    data = capture.read_bytes()
    if size == 1:
        data, rest = data[:3000], data[3000:]
    else:
        rest = b""
    fed = Fed(capture)
    for start in range(0, len(data), size):
        fed.feed_capture(data[start : start + size])
    fed.feed_capture(rest)
    fed.engine.end_capture()
    assert fed.lines() == wanted(capture)


@captures
def test_packets_say_what_follow_says(capture: Path) -> None:
    link_type, records = packets_of(capture)
    if not records:
        return
    rows = [(time, packet, original, link_type) for time, packet, original in records]
    expected = facts_of(follow(str(capture)))
    for feed in (
        lambda follower: [follower.feed_packet(packet, Decimal(time) / 10**9, link_type, wire) for time, packet, wire, _ in rows],
        lambda follower: follower.feed_packets(rows, unit="ns"),
        lambda follower: follower.feed_packets(iter(rows), unit="ns"),
        lambda follower: follower.feed_packets(((Decimal(time) / 10**9, *row) for time, *row in rows)),
    ):
        for data_callback in (None, lambda stream: None):
            ended: list[Any] = []
            with TCPStreamFollower(data_callback, ended.append) as follower:
                feed(follower)
            assert facts_of(ended) == expected


def facts_of(streams: Any) -> list[tuple[Any, ...]]:
    return [(s.identifier, s.client_payload, s.server_payload, s.client_gaps, s.server_chunks, s.closed_at) for s in streams]


def test_shared_captures() -> None:
    expectations = sorted(SHARED.glob("*.json"))
    if not expectations:
        warnings.warn(f"{SHARED} is not there: real captures were not compared", stacklevel=1)
    for expectation in expectations:
        streams: dict[Any, Any] = {}
        for stream in follow(expectation.with_suffix("")):
            client = f"{stream.client_addr}|{stream.client_port}"
            streams.setdefault((client, f"{stream.server_addr}|{stream.server_port}"), []).append(stream)
        for connection in json.loads(expectation.read_text())["connections"]:
            stream = streams[connection["client"], connection["server"]].pop(0)
            compare(expectation.name, connection, stream)


def test_shared_faults() -> None:
    """Small captures that were followed wrongly once, each with every connection that a right follower reports."""
    if not (FAULTS / "expected.json").exists():
        warnings.warn(f"{FAULTS} is not there: its captures were not compared", stacklevel=1)
        return
    for name, expected in json.loads((FAULTS / "expected.json").read_text()).items():
        streams = [
            {
                "client": f"{stream.client_addr}|{stream.client_port}",
                "server": f"{stream.server_addr}|{stream.server_port}",
                "client_payload": stream.client_payload.decode("latin-1"),
                "server_payload": stream.server_payload.decode("latin-1"),
                "client_gaps": [[gap.offset, gap.length] for gap in stream.client_gaps],
                "server_gaps": [[gap.offset, gap.length] for gap in stream.server_gaps],
            }
            for stream in sorted(follow(FAULTS / name), key=lambda stream: stream.identifier)
        ]
        assert streams == expected["connections"], (name, expected["what"])


def compare(name: str, connection: dict[Any, Any], stream: TCPStream) -> None:
    for side in directions(connection):
        expected, payload, gaps = side[0], *(
            (stream.client_payload, stream.client_gaps) if side[1] == 0 else (stream.server_payload, stream.server_gaps)
        )
        if expected.get("comparable") != "exact":
            continue
        assert len(payload) == expected["bytes"], name
        assert hashlib.sha256(payload).hexdigest() == expected["sha256"], name
        assert [[gap.offset, gap.length] for gap in gaps] == expected["gaps"], name


def directions(connection: dict[Any, Any]) -> list[tuple[dict[str, Any], int]]:
    return [(connection["client_to_server"], 0), (connection["server_to_client"], 1)]


def test_empty_file_object() -> None:
    with pytest.raises(ValueError):
        list(events(io.BytesIO(b"not a capture, not at all")))
