"""The same captures give the same event log, however they come in."""

import gzip
import hashlib
import io
import json
import warnings
from decimal import Decimal
from pathlib import Path

import pytest
from frames import read_pcap
from gofollow._engine import Engine, Frame
from gofollow._events import EventCollector

from gofollow import TCPStreamFollower, events, follow, format_event

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


def collector(capture: Path) -> tuple[Engine, EventCollector]:
    sink = EventCollector()
    sink.engine = Engine({"anomalies": asks_for_anomalies(capture)}, sink)
    return sink.engine, sink


def lines(sink: EventCollector) -> list[str]:
    return [format_event(event) for event in sink.events]


@captures
def test_path_and_file_object(capture: Path) -> None:
    anomalies = asks_for_anomalies(capture)
    assert [str(event) for event in events(capture, anomalies=anomalies)] == wanted(capture)
    with capture.open("rb") as file:
        assert [format_event(event) for event in events(file, anomalies=anomalies)] == wanted(capture)


@captures
@pytest.mark.parametrize("size", [1, 7, 256])
def test_packets(capture: Path, size: int) -> None:
    link_type, records = packets_of(capture)
    if not records:
        return
    engine, sink = collector(capture)
    frames = [Frame(link_type, packet, time, original) for time, packet, original in records]
    for start in range(0, len(frames), size):
        if size == 1:
            engine.feed_packet(frames[start])
        else:
            engine.feed_batch(frames[start : start + size])
    engine.flush()
    assert lines(sink) == wanted(capture)


@captures
@pytest.mark.parametrize("size", [1, 13, 4099])
def test_capture_cut_anywhere(capture: Path, size: int) -> None:
    data = capture.read_bytes()
    if size == 1:
        data, rest = data[:3000], data[3000:]
    else:
        rest = b""
    engine, sink = collector(capture)
    for start in range(0, len(data), size):
        engine.feed_capture(data[start : start + size])
    engine.feed_capture(rest)
    engine.end_capture()
    engine.flush()
    assert lines(sink) == wanted(capture)


@captures
def test_feed_packet_of_the_follower_says_what_follow_says(capture: Path) -> None:
    link_type, records = packets_of(capture)
    if not records:
        return
    ended = []
    with TCPStreamFollower(None, ended.append) as follower:
        for time, packet, original in records:
            follower.feed_packet(packet, Decimal(time) / 10**9, link_type, original)
    facts, expected = (
        [(s.identifier, s.client_payload, s.server_payload, s.client_gaps, s.closed_at) for s in streams]
        for streams in (ended, follow(str(capture)))
    )
    assert facts == expected


def test_shared_captures() -> None:
    expectations = sorted(SHARED.glob("*.json"))
    if not expectations:
        warnings.warn(f"{SHARED} is not there: real captures were not compared", stacklevel=1)
    for expectation in expectations:
        streams = {}
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


def compare(name: str, connection: dict, stream) -> None:
    for side in directions(connection):
        expected, payload, gaps = side[0], *(
            (stream.client_payload, stream.client_gaps) if side[1] == 0 else (stream.server_payload, stream.server_gaps)
        )
        if expected.get("comparable") != "exact":
            continue
        assert len(payload) == expected["bytes"], name
        assert hashlib.sha256(payload).hexdigest() == expected["sha256"], name
        assert [[gap.offset, gap.length] for gap in gaps] == expected["gaps"], name


def directions(connection: dict) -> list[tuple[dict, int]]:
    return [(connection["client_to_server"], 0), (connection["server_to_client"], 1)]


def test_empty_file_object() -> None:
    with pytest.raises(ValueError):
        list(events(io.BytesIO(b"not a capture, not at all")))
