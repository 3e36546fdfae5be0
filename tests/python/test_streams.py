"""How a stream is read: as a file, as JSON, in a notebook, compared, pickled, and what it says of times and counts."""

import base64
import inspect
import json
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, FIN, SERVER, SYN, conversation, tcp

import gofollow
from gofollow import Chunk, Gap, TCPStream, TCPStreamFollower, UsageError, follow

DATA = Path(__file__).parents[1] / "data"


def streams_of(frames: list[bytes], seconds: float = 1, **options: Any) -> list[TCPStream]:
    streams: list[TCPStream] = []
    with TCPStreamFollower(None, streams.append, **options) as follower:
        follower.feed_packets([(number * seconds, frame) for number, frame in enumerate(frames)])
    return streams


def test_times_of_a_connection() -> None:
    seen: list[TCPStream] = []
    with TCPStreamFollower(seen.append, seen.append, idle_timeout=100) as follower:
        for number, frame in enumerate(conversation([b"a"], [b"A"], close=False)):
            follower.feed_packet(frame, 10 + number)
        follower.feed_packet(tcp(CLIENT, ("10.0.0.9", 1), SYN, 1), 500)
    first, last = seen[0], seen[2]
    assert (first.opened_at, first.last_packet_at, first.duration, first.closed_at, first.handshake_rtt) == (10.0, 13.0, 3.0, None, None)
    assert (last.close_reason, last.closed_at, last.last_packet_at, last.duration, last.handshake_rtt) == ("timeout", 114.0, 14.0, 4.0, 2.0)
    assert seen[3].handshake_rtt is None
    assert last.connection.syn_ns == 10 * 10**9
    assert last.connection.last_ns == 14 * 10**9


def test_packets_without_times_have_none() -> None:
    seen: list[TCPStream] = []
    with TCPStreamFollower(seen.append, seen.append, record="segments") as follower:
        for frame in conversation([b"a"], [b"A"]):
            follower.feed_packet(frame)
    for stream in seen:
        times = (stream.opened_at, stream.last_packet_at, stream.closed_at, stream.duration, stream.handshake_rtt, stream.time)
        assert times == (None,) * 6
        assert [chunk.time for chunk in (*stream.client_chunks, *stream.server_chunks, *stream.new_chunks)] == [None] * (
            len(stream.client_chunks) + len(stream.server_chunks) + len(stream.new_chunks)
        )


def test_times_of_chunks_are_those_of_their_first_bytes() -> None:
    pieces = [tcp(CLIENT, SERVER, ACK, 1 + 2 * number, 1, b"%02d" % number) for number in range(4)]
    seen: list[TCPStream] = []
    with TCPStreamFollower(seen.append) as follower:
        follower.feed_packets([(number, pieces[at]) for number, at in enumerate((0, 2, 3, 1))])
    assert seen[1].new_chunks == [Chunk(2, 0, 2, 3.0, 4), Chunk(4, 2, 2, 1.0, 2), Chunk(6, 4, 2, 2.0, 3)]
    assert seen[1].client_chunks == [Chunk(0, 0, 8, 0.0, 1)]


def test_counters_by_the_words_of_the_field() -> None:
    frames = conversation([b"ab", b"cd"], [b"AB", b"CD"])
    frames.insert(4, frames[3])
    (stream,) = streams_of(frames)
    assert stream.client_counters is not None
    assert (stream.client_counters.packets, stream.client_counters.retransmitted, stream.client_counters.reordered) == (6, 2, 0)
    assert stream.client_counters.missing == 0
    assert (stream.client_length, stream.server_length) == (4, 4)


def test_a_payload_as_a_file() -> None:
    (stream,) = streams_of(conversation([b"a\nb\n", b"c"], [b"A", b"B"]))
    assert list(stream.open("client")) == [b"a\n", b"b\n", b"c"]
    with stream.open("server") as file:
        file.seek(1)
        assert file.read() == b"B"
    with pytest.raises(ValueError, match="it must be 'client' or 'server'"):
        stream.open("both")  # type: ignore[arg-type]


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="shares bytes as CPython does")
def test_opening_a_payload_does_not_copy_it() -> None:
    stream = TCPStream("::1", "::2", 1, 2, 0, True, bytes(1 << 27), b"")
    stream.client_payload  # noqa: B018
    tracemalloc.start()
    try:
        assert stream.open("client").read(1) == b"\0"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_as_a_dictionary() -> None:
    frames = conversation([b"hello \xff", b"x"], ["grüße".encode(), b"y"])
    (stream,) = streams_of(frames)
    plain = stream.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["id"], plain["client"]["address"], plain["server"]["port"], plain["client"]["bytes"]) == (0, "10.0.0.1", 80, 8)
    assert (plain["opened_ns"], plain["last_packet_ns"], plain["close_reason"], plain["clean"]) == (0, 8 * 10**9, "fin", True)
    assert [(turn["side"], turn["length"], turn["time_ns"]) for turn in plain["turns"]] == [
        ("client", 7, 3 * 10**9),
        ("server", 7, 4 * 10**9),
        ("client", 1, 5 * 10**9),
        ("server", 1, 6 * 10**9),
    ]
    assert "data" not in plain["turns"][0]
    assert [turn["data"] for turn in stream.as_dict("text")["turns"]] == ["hello \\xff", "grüße", "x", "y"]
    assert [base64.b64decode(turn["data"]) for turn in stream.as_dict("base64")["turns"]] == [b"hello \xff", "grüße".encode(), b"x", b"y"]
    with pytest.raises(ValueError, match="'text', 'base64' or None"):
        stream.as_dict("hex")  # type: ignore[arg-type]
    (stream,) = streams_of(frames, record="none")
    assert stream.as_dict()["turns"] == []
    with pytest.raises(UsageError, match="record"):
        stream.as_dict("text")
    open_one = follow(DATA / "capture_loss.pcap")
    assert sum(side["missing"] for stream in open_one for side in (stream.as_dict()["client"], stream.as_dict()["server"])) == 4344


def test_hostile_bytes_are_escaped_in_html() -> None:
    hostile = b"<script>alert(1)</script>&'\"\x1b[2J\x00</pre>"
    (stream,) = streams_of(conversation([hostile] * 60, [b"x" * 1000] * 60))
    shown = stream._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "\x1b" not in shown
    assert "\0" not in shown
    assert shown.count("</pre>") == 40
    assert "1000 bytes" in shown
    assert "120 turns" in shown
    (stream,) = streams_of(conversation([hostile], [b"x"]), record="none")
    assert "10.0.0.1:4000" in stream._repr_html_()


def test_equality() -> None:
    frames = conversation([b"a", b"b"], [b"A", b"B"])
    one, other = streams_of(frames), streams_of(frames)
    assert one == other
    assert hash(one[0]) == hash(other[0])
    assert one[0] == pickle.loads(pickle.dumps(one[0]))
    for changed in (
        streams_of(frames, seconds=2),
        streams_of(frames, record="none"),
        streams_of(frames, keep_payload=1),
        streams_of(conversation([b"a", b"c"], [b"A", b"B"])),
        streams_of([*frames[:-3], tcp(CLIENT, SERVER, FIN | ACK, 1003, 5003)]),
    ):
        assert one != changed
    assert one[0] != 1
    made = [TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 3, True, b"a", b"b") for _ in range(2)]
    assert made[0] == made[1] != TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 3, False, b"a", b"b")


def test_what_it_looks_like() -> None:
    (stream,) = streams_of(conversation([b"ab"], [b"A"]))
    assert repr(stream) == "<TCPStream 0 10.0.0.1:4000 -> 10.0.0.2:80 closed by fin, 2 + 1 bytes>"
    (stream,) = follow(DATA / "capture_loss.pcap")
    assert repr(stream).endswith("15656 bytes, 4344 missing>")
    six = TCPStream("::1", "2001:db8::2", 1, 2, 3, False, b"", b"")
    assert repr(six) == "<TCPStream 3 [::1]:1 -> [2001:db8::2]:2 open, 0 + 0 bytes>"


def test_a_list_of_gaps_is_a_sequence() -> None:
    frames = [tcp(CLIENT, SERVER, ACK, 1 + 20 * number, 1, b"0123456789") for number in range(5)]
    seen: list[TCPStream] = []
    with TCPStreamFollower(seen.append, max_held_segments=1) as follower:
        follower.feed_packets([(number * 0.001, frame) for number, frame in enumerate(frames)])
    gaps, early = seen[-1].client_gaps, seen[2].client_gaps
    assert [gap.offset for gap in gaps] == [10, 30, 50, 70][: len(gaps)]
    assert gaps[0] == gaps[-len(gaps)] == Gap(10, 10, gaps[0].reason)
    assert gaps[1:] == list(gaps)[1:]
    assert gaps[::-1] == list(gaps)[::-1]
    assert gaps == tuple(gaps)
    assert list(gaps) == gaps  # type: ignore[comparison-overlap]
    assert gaps != early
    assert early == gaps[: len(early)]
    assert Gap(10, 10, gaps[0].reason) in gaps
    assert pickle.loads(pickle.dumps(gaps)) == gaps
    assert repr(gaps) == repr(list(gaps))
    assert hash(gaps) == hash(tuple(gaps))
    for past in (len(gaps), -len(gaps) - 1):
        with pytest.raises(IndexError):
            gaps[past]
    chunks = seen[-1].client_chunks
    assert chunks[-1] == list(chunks)[-1]
    assert sum(chunk.length for chunk in chunks) == len(seen[-1].client_payload)


def test_reading_gaps_in_a_callback_copies_none_of_those_before() -> None:
    count = 20_000
    frames = [(number * 1e-3, tcp(CLIENT, SERVER, ACK, 1 + 20 * number, 1, b"0123456789")) for number in range(count)]
    reads: list[Callable[[TCPStream], object]] = [
        lambda s: s.client_gaps,
        lambda s: s.client_chunks,
        lambda s: s.client_gaps[-1:],
        lambda s: s.payload_truncated,
    ]
    taken: list[int] = []

    def read(stream: TCPStream) -> None:
        if len(stream.client_gaps) != count - 2:
            return
        for part in reads:
            tracemalloc.start()
            kept = part(stream)
            taken.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            del kept

    with TCPStreamFollower(read, max_held_segments=1) as follower:
        follower.feed_packets(frames)
    assert len(taken) == len(reads)
    assert max(taken) < 4096  # a list of so many has 160,000 bytes


SCRIPT = """
from gofollow import Chunk, Gap, Segment, TCPStream, TCPStreamFollower, Turn, follow

def printed(stream: TCPStream) -> list[str]:
    turns: list[Turn] = stream.turns()
    pieces: list[Segment] = stream.segments
    gaps: list[Gap] = [*stream.client_gaps, *stream.server_gaps]
    starts: list[float | None] = [chunk.time for chunk in stream.client_chunks]
    packets: list[int] = [chunk.packet for chunk in stream.new_chunks]
    line: bytes = stream.open("client").readline()
    rtt: float | None = stream.handshake_rtt
    told = stream.as_dict(payload="text")
    print(len(gaps), starts, packets, line, rtt, told["id"], len(pieces), stream.duration, stream.last_packet_at)
    return [f"{turn.side} {turn.time} {turn.data!r} {turn.missing}" for turn in turns]

for stream in follow("x.pcap", record="segments", keep_turns=100, keep_segments=10):
    print(printed(stream))

with TCPStreamFollower(printed, record="turns") as follower:
    follower.feed_file("x.pcap")
"""


def test_a_script_is_typed(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "No module named mypy" in done.stderr or (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_every_attribute_has_a_docstring() -> None:
    for kind in (TCPStream, gofollow.Turn):
        for name, value in vars(kind).items():
            if name[0] != "_" and isinstance(value, property) and name not in ("time", "end_time", "data"):
                assert inspect.getdoc(value), name
