"""STOP: what a data callback returns to hear no more of its stream."""

import copy
import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, SERVER, conversation, pcap, tcp
from test_snapshots import Packet, capture_of, random_packets

import gofollow
from gofollow import STOP, TCPStream, TCPStreamFollower

WAYS = ["packets", "list", "rows", "file"]


def feed(follower: TCPStreamFollower, packets: list[Packet], way: str, folder: Path) -> None:
    if way == "packets":
        for packet in packets:
            follower.feed([packet])
    elif way == "list":
        follower.feed(packets)
    elif way == "rows":
        follower.feed_packets([(packet.time_ns, packet.frame) for packet in packets], unit="ns")
    else:
        (folder / "capture.pcap").write_bytes(capture_of(packets))
        follower.feed_file(folder / "capture.pcap")


def packets_of(frames: list[bytes]) -> list[Packet]:
    return [Packet(10**18 + number, frame) for number, frame in enumerate(frames)]


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_of_which_no_more_is_wanted(way: str, tmp_path: Path) -> None:
    told: list[Any] = []
    ended: list[TCPStream] = []

    def data(stream: TCPStream) -> Any:
        told.append((stream.identifier, stream.direction, stream.new_data, stream.stopped))
        return STOP if stream.identifier == 0 and len(stream.client_payload) > 1 else None

    first = conversation([b"a", b"b", b"c"], [b"A", b"B", b"C"])
    second = conversation([b"x", b"y"], [b"X", b"Y"], ("10.0.0.1", 4001))
    with TCPStreamFollower(data, ended.append, record="segments") as follower:
        feed(follower, packets_of(first[:6] + second + first[6:]), way, tmp_path)
    assert [(number, new) for number, _, new, _ in told if number == 0] == [(0, b"a"), (0, b"A"), (0, b"b")]
    assert [new for number, _, new, _ in told if number == 1] == [b"x", b"X", b"y", b"Y"]
    assert not any(stopped for *_, stopped in told)
    zero, one = sorted(ended, key=lambda stream: stream.identifier)
    assert (zero.client_payload, zero.server_payload, zero.stopped, zero.close_reason) == (b"ab", b"A", True, "fin")
    assert [turn.data for turn in zero.turns()] == [b"a", b"A", b"b"]
    assert zero.client_counters is not None
    assert zero.client_counters.bytes == 3  # counters go on
    assert (one.client_payload, one.stopped, one.connection.ignored) == (b"xy", False, False)
    assert pickle.loads(pickle.dumps(zero)).stopped
    assert pickle.loads(pickle.dumps(zero)) == zero


@pytest.mark.parametrize("answer", [True, "STOP", NotImplemented, object(), StopIteration, 0])
def test_other_answers_mean_nothing(answer: Any) -> None:
    told: list[bytes] = []

    def data(stream: TCPStream) -> Any:
        told.append(stream.new_data)
        return answer

    with TCPStreamFollower(data, lambda stream: STOP) as follower:
        follower.feed_packets([(1, frame) for frame in conversation([b"a", b"b"], [b"A", b"B"])])
    assert told == [b"a", b"A", b"b", b"B"]


def test_the_object() -> None:
    assert repr(STOP) == "gofollow.STOP"
    assert copy.deepcopy(STOP) is STOP
    assert pickle.loads(pickle.dumps(STOP)) is STOP


def test_both_directions_of_one_packet() -> None:
    """An acknowledgement with data, which settles a hole of the other side: the callback of the second direction does not run."""
    frames = [
        tcp(CLIENT, SERVER, ACK, 1, 1, b"ab"),
        tcp(CLIENT, SERVER, ACK, 5, 1, b"ef"),
        tcp(SERVER, CLIENT, ACK, 1, 7, b"XY"),
        tcp(CLIENT, SERVER, ACK, 7, 3, b"gh"),
    ]
    for answers in ([None] * 9, [None, STOP]):
        told: list[Any] = []

        def data(stream: TCPStream, told: list[Any] = told, answers: list[Any] = answers) -> Any:
            told.append((stream.direction, stream.new_data, stream.packet))
            return answers[len(told) - 1]

        follower = TCPStreamFollower(data, gap_patience=0)
        follower.feed_packets([(1, frame) for frame in frames])
        follower.close()
        both = [("client", b"ab", 1), ("client", b"ef", 3), ("server", b"XY", 3), ("client", b"gh", 4)]
        assert sorted(told) == sorted(both) if answers[1] is None else told == told[:2] and {told[1]} <= set(both[1:3])
        assert len(told) == (4 if answers[1] is None else 2)


@pytest.mark.parametrize("seed", range(6))
def test_the_others_are_followed_as_without(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for _ in range(6):
        packets = random_packets(rng, True)
        way, wanted = rng.choice(WAYS), rng.randrange(1, 4)

        def callbacks_of(stops: bool, way: str = way, wanted: int = wanted, packets: list[Packet] = packets) -> tuple[list[Any], list[Any]]:
            data: list[Any] = []
            ends: list[Any] = []
            seen: dict[int, int] = {}

            def note(stream: TCPStream) -> Any:
                number = stream.identifier
                seen[number] = seen.get(number, 0) + 1
                data.append((number, stream.direction, stream.new_data, stream.client_payload, stream.packet))
                if stops and number % 2 and seen[number] == wanted:
                    return STOP
                return None

            def end(stream: TCPStream) -> None:
                kept = () if stream.identifier % 2 else (stream.client_payload, stream.server_payload, stream.turns())
                counts = [(side.packets, side.bytes) for side in (stream.client_counters, stream.server_counters) if side]
                ends.append((stream.identifier, stream.close_reason, stream.closed_at, counts, kept))
                assert stream.stopped is (stops and stream.identifier % 2 == 1 and seen.get(stream.identifier, 0) == wanted)

            with TCPStreamFollower(note, end) as follower:
                feed(follower, packets, way, tmp_path)
            return data, ends

        data, ends = callbacks_of(False)
        fewer, same = callbacks_of(True)
        assert same == ends
        assert [call for call in fewer if call[0] % 2 == 0] == [call for call in data if call[0] % 2 == 0]
        for number in {call[0] for call in data if call[0] % 2}:
            assert [call for call in fewer if call[0] == number] == [call for call in data if call[0] == number][:wanted]


def test_an_exception_and_stop() -> None:
    """What is due after an exception runs, but for the data of a stream that another callback stopped."""
    frames = conversation([b"a", b"b", b"c"], [b"A", b"B", b"C"])
    told: list[bytes] = []

    def data(stream: TCPStream) -> Any:
        told.append(stream.new_data)
        if len(told) == 1:
            raise KeyError
        return STOP

    follower = TCPStreamFollower(data, lambda stream: told.append(b"end"))
    with pytest.raises(KeyError):
        follower.feed_packets([(1, frame) for frame in frames])
    follower.feed_packets([(1, frame) for frame in frames[follower.packets :]])
    follower.close()
    assert told == [b"a", b"A", b"end"]


def test_a_follower_that_is_closed_in_the_callback() -> None:
    def data(stream: TCPStream) -> Any:
        follower._core.stop()
        return STOP

    follower = TCPStreamFollower(data)
    with pytest.raises(gofollow.UsageError, match="closed"):
        follower.feed_packets([(1, frame) for frame in conversation([b"a"], [b"A"])])


def test_a_stopped_stream_costs_next_to_nothing(tmp_path: Path) -> None:
    size, count = 1400, 30_000
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap([tcp(CLIENT, SERVER, ACK, 1 + number * size, 1, bytes(size)) for number in range(count)]))

    def cost(answer: Any) -> float:
        with TCPStreamFollower(lambda stream: answer) as follower:
            began = time.process_time()
            follower.feed_file(path)
            return time.process_time() - began

    assert min(cost(STOP) for _ in range(3)) < 0.7 * min(cost(None) for _ in range(3))
