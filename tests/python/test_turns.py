"""The order of the conversation: turns and segments, against what the engine's events alone say."""

import io
import pickle
import random
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, SERVER, conversation, pcap, tcp
from test_snapshots import capture_of, random_packets

from gofollow import CaptureError, Gap, OptionError, TCPStream, TCPStreamFollower, Turn, UsageError, events, follow

CAPTURES = sorted((Path(__file__).parents[1] / "data").glob("*.pcap*"))
Said = list[dict[str, Any]]


def turns_of(log: list[Any]) -> Said:
    """Return the turns of a connection's data and gap events: the rule as it is written."""
    turns: Said = []
    waiting: dict[str, list[Any]] = {"client": [], "server": []}  # gaps behind which no data came yet
    for event in log:
        if event.kind == "gap":
            waiting[event.direction].append((len(turns), event))
            continue
        if not turns or turns[-1]["side"] != event.direction:
            turns.append({"side": event.direction, "first": event, "data": b"", "gaps": []})
        turns[-1]["gaps"] += [gap for _, gap in waiting[event.direction]]
        waiting[event.direction].clear()
        turns[-1]["data"] += event.data
        turns[-1]["last"] = event
    for side, gaps in waiting.items():
        own = [turn for turn in turns if turn["side"] == side]
        if gaps and own:
            own[-1]["gaps"] += [gap for _, gap in gaps]
        elif gaps:
            begun, gap = gaps[0]
            turns.insert(min(begun, len(turns)), {"side": side, "first": gap, "last": gap, "data": b"", "gaps": [gap for _, gap in gaps]})
    return turns


def fields_of(turns: list[Turn]) -> list[Any]:
    return [
        (
            *(turn.side, turn.time_ns, turn.end_time_ns, turn.first_packet, turn.last_packet),
            *(turn.offset, turn.length, turn.data, turn.gaps),
        )
        for turn in turns
    ]


def wanted(log: list[Any]) -> list[Any]:
    return [
        (
            *(turn["side"], turn["first"].time_ns, turn["last"].time_ns, turn["first"].packet, turn["last"].packet),
            *(turn["first"].offset, len(turn["data"]), turn["data"]),
            tuple(Gap(gap.offset, gap.length, gap.reason) for gap in turn["gaps"]),
        )
        for turn in turns_of(log)
    ]


def segments_of(log: list[Any]) -> list[Any]:
    return [(e.direction, e.time_ns / 10**9, e.packet, e.offset, e.length) for e in log if e.kind == "data"]


def check(capture: bytes) -> int:
    """Compare what every callback's stream says, now and at the end, with the events; return how many turns there are."""
    log: dict[int, list[Any]] = defaultdict(list)
    found: list[tuple[TCPStream, list[Any], list[Any]]] = []
    count = 0

    def seen(stream: TCPStream) -> None:
        found.append((stream, fields_of(stream.turns()), stream.segments))

    follower = TCPStreamFollower(seen, seen, record="segments")
    try:
        follower.feed_file(io.BytesIO(capture))
    except CaptureError:
        pass
    follower.close()
    groups: list[list[Any]] = []
    cause: Any = None
    stream = events(io.BytesIO(capture))
    while True:
        try:
            event = next(stream)
        except (StopIteration, CaptureError):
            break
        if cause != (cause := event.packet or (event.time_ns, event.connection.id)):
            groups.append([])
        groups[-1].append(event)
    at = 0
    for group in groups:
        new: dict[Any, None] = {}
        for event in group:
            if event.kind in ("data", "gap"):
                log[event.connection.id].append(event)
            if event.kind == "data":
                new[event.connection.id, event.direction] = None
        for number in [number for number, _ in new] + [event.connection.id for event in group if event.kind == "closed"]:
            stream_then, turns, segments = found[at]
            assert stream_then.identifier == number
            assert turns == wanted(log[number])
            assert segments == segments_of(log[number])
            found[at] = (stream_then, turns, segments)
            count += len(turns)
            at += 1
    assert at == len(found)
    for stream_then, turns, segments in found:
        assert fields_of(stream_then.turns()) == turns
        assert stream_then.segments == segments
        assert not stream_then.turns_truncated
        assert not stream_then.segments_truncated
        again = pickle.loads(pickle.dumps(stream_then))
        assert fields_of(again.turns()) == turns
        assert again.segments == segments
        assert again.turns() == stream_then.turns()
    return count


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_turns_of_captures(capture: Path) -> None:
    check(capture.read_bytes())


@pytest.mark.parametrize("seed", range(5))
def test_turns_of_random_captures(seed: int) -> None:
    assert sum(check(capture_of(random_packets(random.Random(number), True))) for number in range(seed * 100, seed * 100 + 12)) > 100


def streams_of(frames: list[Any], **options: Any) -> list[TCPStream]:
    streams: list[TCPStream] = []
    with TCPStreamFollower(None, streams.append, **options) as follower:
        follower.feed_packets(list(enumerate(frames)))
    return streams


def test_a_conversation() -> None:
    frames = conversation([b"one", b"two"], [b"1", b"2"])
    frames.insert(5, frames[4])  # a retransmission says nothing new
    (stream,) = streams_of(frames)
    assert [(turn.side, turn.data, turn.time, turn.end_time, turn.first_packet, turn.offset) for turn in stream.turns()] == [
        ("client", b"one", 3.0, 3.0, 4, 0),
        ("server", b"1", 4.0, 4.0, 5, 0),
        ("client", b"two", 6.0, 6.0, 7, 3),
        ("server", b"2", 7.0, 7.0, 8, 1),
    ]
    assert repr(stream.turns()[0]) == "<Turn client 3 bytes at 0, packets 4 to 4>"
    assert pickle.loads(pickle.dumps(stream.turns())) == stream.turns()


def test_both_sides_at_once() -> None:
    frames = [tcp(CLIENT, SERVER, ACK, 1 + number, 1, b"c") for number in range(3)]
    frames += [tcp(SERVER, CLIENT, ACK, 1 + number, 1, b"s") for number in range(3)]
    (stream,) = streams_of([frames[number] for number in (0, 3, 1, 4, 2, 5)])
    assert [(turn.side, turn.data) for turn in stream.turns()] == [("client", b"c"), ("server", b"s")] * 3


def test_a_hole_is_delivered_when_it_is_filled() -> None:
    pieces = [tcp(CLIENT, SERVER, ACK, 1 + 2 * number, 1, b"%02d" % number) for number in range(4)]
    answer = tcp(SERVER, CLIENT, ACK, 1, 3, b"!")
    (stream,) = streams_of([pieces[0], pieces[2], answer, pieces[1], pieces[3]])
    assert [(turn.side, turn.data, turn.first_packet, turn.last_packet) for turn in stream.turns()] == [
        ("client", b"00", 1, 1),
        ("server", b"!", 3, 3),
        ("client", b"010203", 4, 5),
    ]


def test_where_gaps_belong() -> None:
    def ack(source: Any, target: Any, seq: int, acked: int, data: bytes = b"") -> bytes:
        return tcp(source, target, ACK, seq, acked, data)

    frames = [
        ack(CLIENT, SERVER, 1, 1, b"ab"),
        ack(SERVER, CLIENT, 1, 5),  # b"cd" is lost
        ack(SERVER, CLIENT, 1, 5, b"xy"),
        ack(CLIENT, SERVER, 5, 3, b"ef"),
        ack(CLIENT, SERVER, 7, 5),  # and what the server sent behind xy
    ]
    (stream,) = streams_of(frames, gap_patience=0)
    assert [(turn.side, turn.data, [gap[:2] for gap in turn.gaps], turn.missing) for turn in stream.turns()] == [
        ("client", b"ab", [], 0),
        ("server", b"xy", [(2, 2)], 2),
        ("client", b"ef", [(2, 2)], 2),
    ]
    # Nothing of the server was captured: a turn without data.
    frames = [frames[0], ack(SERVER, CLIENT, 1, 3), ack(CLIENT, SERVER, 3, 9, b"cd")]
    (stream,) = streams_of(frames, gap_patience=0)
    empty = [turn for turn in stream.turns() if turn.side == "server"]
    assert [(turn.data, [gap[:2] for gap in turn.gaps], turn.length, turn.first_packet) for turn in empty] == [(b"", [(0, 8)], 0, 0)]
    assert stream.turns()[0].data == b"abcd"


def test_packets_without_times() -> None:
    streams: list[TCPStream] = []
    with TCPStreamFollower(streams.append, record="segments") as follower:
        for frame in conversation([b"a"], [b"A"]):
            follower.feed_packet(frame)
    assert [(turn.time, turn.end_time, turn.time_ns) for turn in streams[-1].turns()] == [(None, None, None)] * 2
    assert [segment.time for segment in streams[-1].segments] == [None, None]


def test_what_is_recorded() -> None:
    frames = conversation([b"a"], [b"A"])
    for options, turns, segments in (
        ({}, True, False),
        ({"record": "turns"}, True, False),
        ({"record": "segments"}, True, True),
        ({"record": "none"}, False, False),
        ({"keep_payload": "none"}, False, False),
        ({"keep_payload": "none", "record": "segments"}, True, True),
    ):
        (stream,) = streams_of(frames, **options)
        if turns:
            assert [(turn.side, turn.length) for turn in stream.turns()] == [("client", 1), ("server", 1)]
        else:
            with pytest.raises(UsageError, match="record='turns'"):
                stream.turns()
        assert len(stream.segments) == 2 * segments
        assert stream.segments_truncated is not segments
    for name, bad in (("record", "all"), ("record", True), ("keep_turns", 0), ("keep_segments", -1), ("keep_turns", 1.5)):
        with pytest.raises(OptionError, match=name):
            TCPStreamFollower(**{name: bad})  # type: ignore[arg-type]
    assert len(next(iter(follow(io.BytesIO(pcap(frames)), record="segments"))).segments) == 2


def test_what_is_recorded_is_bounded() -> None:
    frames = conversation([b"ab"] * 5, [b"AB"] * 5)
    for keep in (1, 3, 9, 10, 11):
        seen: list[TCPStream] = []
        with TCPStreamFollower(seen.append, seen.append, record="segments", keep_turns=keep, keep_segments=keep) as follower:
            follower.feed_packets([(1, frame) for frame in frames])
        for number, stream in enumerate(seen):
            number = min(number + 1, 10)
            for one in (stream, pickle.loads(pickle.dumps(stream))):
                assert [turn.data for turn in one.turns()] == ([b"ab", b"AB"] * 5)[: min(number, keep)]
                assert len(one.segments) == min(number, keep)
                assert one.turns_truncated == one.segments_truncated == (number > keep)


def test_turns_of_payload_that_is_not_kept() -> None:
    frames = conversation([b"abc", b"def"], [b"ABC", b"DEF"])
    (stream,) = streams_of(frames, keep_payload=4)
    assert [(turn.data, turn.length) for turn in stream.turns()] == [(b"abc", 3), (b"ABC", 3), (b"d", 3), (b"D", 3)]


def test_a_stream_made_by_hand() -> None:
    def turns(client: bytes, server: bytes) -> list[Any]:
        stream = TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 3, True, client, server)
        return [(turn.side, turn.data, turn.time) for turn in stream.turns()]

    assert turns(b"a", b"A") == [("client", b"a", None), ("server", b"A", None)]
    assert turns(b"", b"A") == [("server", b"A", None)]
    assert turns(b"a", b"") == [("client", b"a", None)]
    assert turns(b"", b"") == []


def test_a_large_download() -> None:
    """Two gigabytes in one turn: records of a pcap file of which every one has the same 64 KiB."""
    size, count = 65000, 2_000_000_000 // 65000 + 1
    frame = bytearray(tcp(SERVER, CLIENT, ACK, 0, 4, bytes(size)))

    class Capture:
        def __init__(self) -> None:
            self.number = -2

        def read(self, _: int) -> bytes:
            self.number += 1
            if self.number < 0:
                return pcap([tcp(CLIENT, SERVER, ACK, 1, 1, b"get")])
            if self.number >= count:
                return b""
            struct.pack_into("!I", frame, 38, (1 + self.number * size) & 0xFFFFFFFF)
            return struct.pack("<IIII", 1_700_000_001, self.number, len(frame), len(frame)) + frame

    (stream,) = follow(Capture(), keep_payload="none", record="turns")  # type: ignore[arg-type]
    turns = [(turn.side, turn.length, turn.offset, turn.first_packet, turn.last_packet, turn.data) for turn in stream.turns()]
    assert turns == [("client", 3, 0, 1, 1, b""), ("server", size * count, 0, 2, count + 1, b"")]
    assert stream.turns()[1].end_time == 1_700_000_001 + (count - 1) / 1e6


def test_a_turn_reads_its_part_alone() -> None:
    """Reading every turn of a long conversation costs what they have, whoever reads."""
    frames = [
        tcp(*(CLIENT, SERVER) if number % 2 == 0 else (SERVER, CLIENT), ACK, 1 + number // 2 * 1000, 1, b"%04d" % (number // 2) * 250)
        for number in range(6000)
    ]
    kept: list[TCPStream] = []
    with TCPStreamFollower(kept.append) as follower:
        follower.feed_packets([(1, frame) for frame in frames])
    turns = kept[-1].turns()
    assert [turn.data for turn in turns] == [b"%04d" % (number // 2) * 250 for number in range(6000)]
