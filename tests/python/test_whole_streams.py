"""Followers with an end callback only, and follow: streams say the same as with a data callback."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from frames import conversation, pcap

from gofollow import CaptureError, TCPStream, TCPStreamFollower, follow

CAPTURES = sorted((Path(__file__).parents[1] / "data").glob("*.pcap*"))
FACTS = [name for name, value in vars(TCPStream).items() if inspect.isdatadescriptor(value) and name[0] != "_"]


def facts(stream: TCPStream) -> dict[str, Any]:
    return {name: getattr(stream, name) for name in FACTS} | {"turns": stream.turns()}


def ended(capture: Path, data_callback: Any, **options: Any) -> list[TCPStream]:
    streams: list[TCPStream] = []
    with TCPStreamFollower(data_callback, streams.append, **options) as follower:
        try:
            follower.feed_file(capture)
        except CaptureError:
            pass
    return streams


@pytest.mark.parametrize("keep", ["all", "none", 1, 1000])
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_streams_tell_the_same_as_with_a_data_callback(capture: Path, keep: Any) -> None:
    record: Any = {"record": "segments"}
    seen = [facts(stream) for stream in ended(capture, lambda stream: None, keep_payload=keep, **record)]
    assert [facts(stream) for stream in ended(capture, None, keep_payload=keep, **record)] == seen
    followed = []
    try:
        for stream in follow(capture, keep_payload=keep, **record):
            followed.append(facts(stream))
    except CaptureError:
        pass
    assert followed == seen


def test_the_captures_have_what_is_compared() -> None:
    streams = [stream for capture in CAPTURES for stream in ended(capture, None)]
    assert len(FACTS) > 20
    assert any(len(stream.server_gaps) > 1 for stream in streams)
    assert {stream.close_reason for stream in streams} == {"fin", "rst"}


def test_long_streams_at_the_same_time(tmp_path: Path) -> None:
    sent = [[bytes([number, turn % 256]) * 700 for turn in range(1000)] for number in range(3)]
    frames = [conversation(parts, parts[::-1], ("10.0.0.9", 2000 + number), close=False) for number, parts in enumerate(sent)]
    capture = tmp_path / "long.pcap"
    capture.write_bytes(pcap([frame for together in zip(*frames, strict=True) for frame in together]))
    streams = list(follow(capture))
    assert [stream.client_payload for stream in streams] == [b"".join(parts) for parts in sent]
    assert [stream.server_payload for stream in streams] == [b"".join(parts[::-1]) for parts in sent]
    assert {stream.close_reason for stream in streams} == {"flush"}


def conversations(count: int) -> list[bytes]:
    return [frame for number in range(count) for frame in conversation([b"q%d" % number], [b"a%d" % number], ("10.0.0.9", 2000 + number))]


@pytest.mark.parametrize("way", ["packets", "file"])
def test_an_exception_in_the_callback_loses_no_stream(way: str, tmp_path: Path) -> None:
    seen: list[bytes] = []

    def stumble(stream: TCPStream) -> None:
        seen.append(stream.client_payload)
        if len(seen) % 2:
            raise ValueError("odd")

    frames = conversations(6)
    capture = tmp_path / "six.pcap"
    capture.write_bytes(pcap(frames))
    follower = TCPStreamFollower(None, stumble)
    calls = (
        [lambda: follower.feed_file(capture)] if way == "file" else [lambda frame=frame: follower.feed_packet(frame) for frame in frames]
    )
    errors = 0
    for call in [*calls, follower.flush, follower.flush, follower.close]:
        try:
            call()
        except ValueError:
            errors += 1
    assert seen == [b"q%d" % number for number in range(6)]
    assert errors == 3


def test_leaving_by_an_exception_runs_no_callback() -> None:
    seen: list[TCPStream] = []
    with pytest.raises(ValueError, match="leave"), TCPStreamFollower(None, seen.append) as follower:
        follower.feed(iter(()))
        for frame in conversations(2)[:-2]:
            follower.feed_packet(frame)
        raise ValueError("leave")
    assert [stream.client_payload for stream in seen] == [b"q0"]


def test_thousands_of_streams_at_the_same_time(tmp_path: Path) -> None:
    sent = [[b"%d:%d " % (number, turn) for turn in range(3)] for number in range(2500)]
    frames = [conversation(parts, parts[::-1], ("10.0.0.9", 2000 + number)) for number, parts in enumerate(sent)]
    capture = tmp_path / "many.pcap"
    capture.write_bytes(pcap([frame for together in zip(*frames, strict=True) for frame in together]))
    wanted = [(b"".join(parts), b"".join(parts[::-1])) for parts in sent]
    assert [(stream.client_payload, stream.server_payload) for stream in follow(capture)] == wanted
    streams = ended(capture, lambda stream: None)
    assert [(stream.client_payload, stream.server_payload) for stream in streams] == wanted
