"""TCPStreamFollower: callbacks, exceptions, what a snapshot shows."""

import copy
import inspect
import io
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, RST, SERVER, SYN, conversation, pcap, tcp

import gofollow
from gofollow import Chunk, Gap, GofollowWarning, LinkType, TCPStream, TCPStreamFollower, UsageError, follow


class Frames:
    """An object as cycapture's PDU shows itself."""

    def __init__(self, data: bytes, time_ns: int | None = None) -> None:
        self.frame = (data, LinkType.ETHERNET, time_ns)

    def __gofollow_frame__(self) -> tuple[bytes, int, int | None]:
        return self.frame


def pdus(*arguments: Any, **keywords: Any) -> list[Frames]:
    return [Frames(frame, number) for number, frame in enumerate(conversation(*arguments, **keywords))]


def recorder() -> tuple[TCPStreamFollower, list[Any]]:
    calls = []
    follower = TCPStreamFollower(lambda s: calls.append(("data", s)), lambda s: calls.append(("end", s)))
    return follower, calls


def test_callbacks_in_order() -> None:
    follower, calls = recorder()
    follower.feed(pdus([b"hello", b"again"], [b"HELLO", b"AGAIN!"]))
    assert [(kind, s.direction, s.new_data, s.finished) for kind, s in calls] == [
        ("data", "client", b"hello", False),
        ("data", "server", b"HELLO", False),
        ("data", "client", b"again", False),
        ("data", "server", b"AGAIN!", False),
        ("end", None, b"", True),
    ]
    end = calls[-1][1]
    assert (end.client_payload, end.server_payload) == (b"helloagain", b"HELLOAGAIN!")
    assert (end.close_reason, end.clean, end.start, end.roles_from) == ("fin", True, "syn", "syn")
    assert (str(end.client_addr), end.client_port, str(end.server_addr), end.server_port) == ("10.0.0.1", 4000, "10.0.0.2", 80)
    assert end.client_counters.bytes == 10
    # Snapshots that were kept and are read only now.
    assert [s.client_payload for _, s in calls] == [b"hello", b"hello", b"helloagain", b"helloagain", b"helloagain"]
    assert follower.packets == 10
    assert follower.statistics.closed["fin"] == 1


def test_generator_is_followed_packet_by_packet() -> None:
    follower, calls = recorder()
    seen = []

    def packets() -> Iterator[Frames]:
        for pdu in pdus([b"a", b"b"], [b"A", b"B"]):
            seen.append(len(calls))
            yield pdu

    follower.feed(packets())
    assert seen == [0, 0, 0, 0, 1, 2, 3, 4, 4, 5]


def test_what_is_no_pdu_is_ignored() -> None:
    follower, calls = recorder()
    with pytest.warns(GofollowWarning, match="all 1 items"):
        follower.feed(None)
    for nothing in (None, [1, "x", None], iter([b"x"]), []):
        follower.feed(nothing)
    assert follower.ignored == 6
    for pdu in pdus([b"a"], [b"A"]):
        follower.feed(pdu)
    assert len(calls) == 3
    with pytest.raises(TypeError):
        follower.feed(5)
    with pytest.raises(TypeError, match="data_callback and end_callback must be callables"):
        TCPStreamFollower(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data_callback and end_callback must be callables"):
        TCPStreamFollower(None, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [list, iter])
def test_exception_in_a_callback(kind: Any) -> None:
    calls: list[Any] = []

    def data(stream: TCPStream) -> None:
        calls.append(stream.new_data)
        if len(calls) == 1:
            raise KeyError("mine")

    follower = TCPStreamFollower(data, lambda stream: calls.append("end"))
    packets = pdus([b"a", b"b"], [b"A", b"B"])
    with pytest.raises(KeyError):
        follower.feed(kind(packets))
    taken = follower.packets
    assert taken == (10 if kind is list else 4)
    follower.feed(packets[taken:])
    follower.close()
    assert calls == [b"a", b"A", b"b", b"B", "end"]


COLLECTED = """
import gc, random
from cycapture.libtins import EthernetII
from frames import conversation
from gofollow import TCPStreamFollower

ports = range(1000, 1020)
frames = [frame for port in ports for frame in conversation([b"a"] * 40, [b"b"] * 40, ("10.0.0.1", port), close=False)]
packets = [EthernetII.from_buffer(frame) for frame in frames]

def raised(at, every):
    kept = []
    def call(stream):
        kept.append(stream)
        if len(kept) % every == 0:
            gc.collect(random.randrange(3))
        if len(kept) == at:
            raise KeyError(at)
    call.follower = follower = TCPStreamFollower(call)
    try:
        follower.feed(packets)
    except KeyError as error:
        error.follower = follower
        return error

# In which order the collector clears a cycle depends on what it collected before.
for seed in range(2, 4):
    random.seed(seed)
    for _ in range(30):
        error = raised(random.randrange(1, 1600), random.choice((50, 300, 10**9)))
        assert error is not None
        if random.random() < 0.5:
            gc.collect(random.randrange(3))
        del error
"""


def test_followers_whose_callback_raised_are_collected() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", COLLECTED], timeout=60, stderr=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("at", [(5,), (1000,), (1030,), (2500,), (5, 6, 1030, 2500)])
@pytest.mark.parametrize("kind", ["path", "file object"])
def test_callback_that_raises_within_a_capture_loses_nothing(kind: Any, at: tuple[int, ...], tmp_path: Path) -> None:
    sent = [b"%d" % number for number in range(4000)]
    capture = pcap(conversation(sent[::2], sent[1::2], close=False))
    path = tmp_path / "long.pcap"
    path.write_bytes(capture)
    got: list[bytes] = []

    def call(stream: TCPStream) -> None:
        got.append(stream.new_data)
        if len(got) in at:
            raise ZeroDivisionError(len(got))

    follower = TCPStreamFollower(call)
    for number in at:
        with pytest.raises(ZeroDivisionError) as raised:
            if number == at[0]:
                follower.feed_file(path if kind == "path" else io.BytesIO(capture))
            else:
                follower.close()
        assert raised.value.args == (number,)
        assert raised.value.__context__ is None
    follower.close()
    taken = follower.packets - 3
    assert taken >= at[-1]
    assert got == sent[:taken]


def mixed_packets() -> list[Any]:
    """Conversations one after another, some with a piece lost or out of order, so that packets bring several events."""
    packets = []
    for number in range(40):
        port = ("10.0.0.1", 1000 + number)
        frames = conversation([b"%d" % i * 3 for i in range(4)], [b"x", b"yy", b"zzz", b"w" * number or b"v"], port)
        if number % 3 == 1:
            frames[3], frames[5] = frames[5], frames[3]
        elif number % 3 == 2:
            del frames[4]
        packets += frames
    return [Frames(frame, number * 10**6) for number, frame in enumerate(packets)]


def described(stream: TCPStream) -> tuple[Any, ...]:
    both = [getattr(stream, f"{side}_{what}") for side in ("client", "server") for what in ("payload", "gaps", "chunks")]
    return stream.identifier, stream.finished, stream.direction, stream.new_data, stream.new_chunks, stream.close_reason, both


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("kept", [False, True])
def test_callbacks_that_raise_lose_nothing(kind: Any, kept: bool) -> None:
    """Raising in every third callback changes neither the callbacks nor their order, and a kept stream tells the same later."""
    packets = mixed_packets()
    wanted, seen, streams = [], [], []
    with TCPStreamFollower(lambda s: wanted.append(described(s)), lambda s: wanted.append(described(s))) as follower:
        for packet in packets:
            follower.feed(packet)

    def callback(stream: TCPStream) -> None:
        streams.append(stream)
        seen.append(None if kept else described(stream))
        if len(seen) % 3 == 0:
            raise KeyError("mine")

    follower = TCPStreamFollower(callback, callback)
    raised = 0
    for call in (lambda: follower.feed(kind(packets[follower.packets :])), follower.close):
        for _ in range(len(wanted)):
            try:
                call()  # type: ignore[no-untyped-call]
                break
            except KeyError:
                raised += 1
    assert raised == len(wanted) // 3
    assert ([described(stream) for stream in streams] if kept else seen) == wanted


@pytest.mark.parametrize("kind", [list, iter, tuple])
def test_packet_objects_are_followed_as_their_frames(kind: Any) -> None:
    frames = [packet.frame[0] for packet in mixed_packets()] * 2
    packets = [Frames(frame) for frame in frames]
    found, wanted = [], []
    with TCPStreamFollower(lambda s: found.append(described(s)), lambda s: found.append(described(s))) as follower:
        follower.feed(kind([*packets[:7], None, "x", *packets[7:]]))
        assert follower.packets == len(frames)
    with TCPStreamFollower(lambda s: wanted.append(described(s)), lambda s: wanted.append(described(s))) as follower:
        for frame in frames:
            follower.feed_packet(frame)
    assert found == wanted


@pytest.mark.parametrize("kind", [list, iter])
def test_too_large_frame_as_captured(kind: Any) -> None:
    frames = conversation([b"a"], [b"A"])
    packets = [Frames(frame) for frame in [*frames[:5], bytes(17 << 20), *frames[5:]]]
    follower, calls = recorder()
    with pytest.raises(gofollow.PacketTooLargeError):
        follower.feed(kind(packets))
    assert (follower.packets, len(calls)) == (5, 2)
    follower.feed(packets[6:])
    assert len(calls) == 3


def test_callables_that_are_false_are_called() -> None:
    class Calls(list[Any]):
        def __call__(self, stream: TCPStream) -> None:
            self.append(stream) if stream.finished else None

    ended = Calls()
    with TCPStreamFollower(Calls(), ended) as follower:
        follower.feed(pdus([b"a"], [b"A"]))
    assert len(ended) == 1


def test_what_is_due_is_forgotten_with_the_block_that_raises() -> None:
    calls = []

    def callback(stream: TCPStream) -> None:
        calls.append(stream)
        raise KeyError("mine")

    with pytest.raises(KeyError), TCPStreamFollower(callback, callback) as follower:
        follower.feed(mixed_packets())
    assert len(calls) == 1
    follower.close()
    with pytest.raises(UsageError):
        follower.feed([])
    assert len(calls) == 1


def test_reentrancy_and_second_thread() -> None:
    errors: list[Any] = []

    def data(stream: TCPStream) -> None:
        for call in (lambda: follower.feed(None), follower.flush, follower.close):
            with pytest.raises(RuntimeError) as caught:
                call()  # type: ignore[no-untyped-call]
            errors.append(caught.type)

        def other() -> None:
            try:
                follower.feed([])
            except UsageError as error:
                errors.append(type(error))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    follower = TCPStreamFollower(data)
    follower.feed(pdus([b"a"], [b"A"]))
    assert errors == [UsageError] * 8


def test_with_block_and_close() -> None:
    ended: list[Any] = []
    with TCPStreamFollower(None, ended.append) as follower:
        follower.feed(pdus([b"a"], [b"A"], close=False))
    assert [s.close_reason for s in ended] == ["flush"]
    follower.close()
    assert follower.packets == 5
    with pytest.raises(UsageError):
        follower.feed([])
    with pytest.raises(KeyError), TCPStreamFollower(None, ended.append) as follower:
        follower.feed(pdus([b"a"], [b"A"], close=False))
        raise KeyError
    assert len(ended) == 1


def test_gap_calls_nobody_and_maps_the_payload() -> None:
    follower, calls = recorder()
    packets = conversation([], [], close=False)
    packets += [tcp(CLIENT, SERVER, ACK, 1001, 5001, b"one"), tcp(CLIENT, SERVER, ACK, 1009, 5001, b"two")]
    for packet in packets:
        follower.feed_packet(packet, 5)
    assert len(calls) == 1
    follower.flush()
    kinds = [kind for kind, _ in calls]
    assert kinds == ["data", "data", "end"]
    stream = calls[1][1]
    assert stream.finished
    assert (stream.client_payload, stream.new_data) == (b"onetwo", b"two")
    assert stream.client_gaps == [Gap(3, 5, "close")]
    assert [chunk[:3] for chunk in stream.client_chunks] == [(0, 0, 3), (8, 3, 3)]
    assert [chunk[:3] for chunk in stream.new_chunks] == [(8, 0, 3)]
    assert calls[0][1].client_gaps == []
    assert [chunk[:3] for chunk in calls[0][1].client_chunks] == [(0, 0, 3)]


def test_long_payload_is_joined_once() -> None:
    follower, calls = recorder()
    piece = bytes(range(250)) * 4
    for packet in conversation([piece] * 400, [b"."] * 400):
        follower.feed_packet(packet, 1)
    last = calls[-1][1]
    payload = last.client_payload
    assert payload == piece * 400
    assert payload is last.client_payload
    assert calls[100][1].client_payload == piece * 51  # read late: only what was there then


def state_of(stream: TCPStream) -> tuple[Any, ...]:
    return stream.direction, stream.new_data, stream.client_payload, stream.server_payload, stream.new_chunks, stream.finished


@pytest.mark.parametrize(
    ("keep", "kept_in"),
    [
        (lambda stream: stream, lambda kept: kept),
        (lambda stream: [stream] if stream.new_data in b"bB" else [], lambda kept: kept[0] if kept else None),
        (lambda stream: stream.__repr__, lambda kept: kept.__self__),
        (lambda stream: iter([stream]), next),
        (lambda stream: (lambda: stream), lambda kept: kept()),
    ],
)
def test_a_kept_stream_does_not_change(keep: Any, kept_in: Any) -> None:
    """However it is kept: the follower then goes on with another one, otherwise with the same."""
    seen = []
    follower = TCPStreamFollower(lambda stream: seen.append((keep(stream), state_of(stream))))
    follower.feed(pdus([b"a", b"b", b"c", b"d"], [b"A", b"B", b"C", b"D"]))
    follower.close()
    assert [new for _, (_, new, *_) in seen] == [b"a", b"A", b"b", b"B", b"c", b"C", b"d", b"D"]
    for kept, then in seen:
        stream = kept_in(kept)
        assert stream is None or state_of(stream) == then


def test_a_stream_kept_by_an_exception_does_not_change() -> None:
    seen = []

    def data(stream: TCPStream) -> None:
        seen.append(state_of(stream))
        raise KeyError(stream)

    follower = TCPStreamFollower(data)
    for packet in pdus([b"a", b"b"], [b"A", b"B"]):
        try:
            follower.feed([packet])
        except KeyError as error:
            seen[-1] = (error.args[0], seen[-1])
    follower.close()
    assert len(seen) == 4
    assert [state_of(stream) for stream, _ in seen] == [then for _, then in seen]


@pytest.mark.parametrize("packets", ["all", "lossy"])
def test_streams_are_pickled_and_copied_at_any_time(packets: str) -> None:
    frames = conversation([b"a" * 100, b"b", b"c"], [b"A", b"B", b"C"])
    if packets == "lossy":
        del frames[5]
    seen: list[Any] = []

    def data(stream: TCPStream) -> None:
        seen.append((stream, pickle.loads(pickle.dumps(stream)), copy.copy(stream), copy.deepcopy(stream)))

    with TCPStreamFollower(data, data) as follower:
        for frame in frames:
            follower.feed_packet(frame, 1)
    seen.append([TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 7, True, b"abc", b"")] * 2)
    names = [name for name, value in vars(TCPStream).items() if inspect.isdatadescriptor(value) and name[0] != "_"]
    for stream, *others in seen:
        told = {name: getattr(stream, name) for name in names}
        for other in (*others, pickle.loads(pickle.dumps(stream))):
            assert {name: getattr(other, name) for name in names} == told
    assert len(seen) > 6


def long_and_short() -> tuple[list[bytes], dict[tuple[int, str], bytes]]:
    """Frames of many connections, some long, each side's payload with their number in it, and the payloads by port and direction."""
    frames, payloads = [], {}
    for number in range(60):
        size, turns = (1400, 150) if number % 20 == 0 else (50, 3)
        parts = [[bytes([number, turn % 256, side]) * size for turn in range(turns)] for side in (1, 2)]
        frames.append(conversation(parts[0], parts[1], ("10.0.0.1", 3000 + number), close=number % 2 == 0))
        payloads[3000 + number, "client"], payloads[3000 + number, "server"] = (b"".join(side) for side in parts)
    length = max(map(len, frames))
    return [series[at] for at in range(length) for series in frames if at < len(series)], payloads


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("close_on", ["both", "first-fin"])
def test_another_thread_reads_what_callbacks_were_given(wait: Any, close_on: Any) -> None:
    """While they wait for it, and while the follower goes on."""
    frames, payloads = long_and_short()
    read, faults = [], []
    given: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def reader() -> None:
        while (job := given.get()) is not None:
            stream, done = job
            try:
                read.append((stream.client_port, stream.direction, stream.new_data, stream.client_payload, stream.server_payload))
            except Exception as fault:
                faults.append(fault)
            done.set()

    def data(stream: TCPStream) -> None:
        if stream.new_data[:1] in b"\0\1\2\3\4\5":
            done = threading.Event()
            given.put((stream, done))
            if wait:
                del stream
                assert done.wait(60)

    thread = threading.Thread(target=reader)
    thread.start()
    with TCPStreamFollower(data, data, close_on=close_on) as follower:
        follower.feed_file(io.BytesIO(pcap(frames)))
    given.put(None)
    thread.join()
    assert not faults
    sent: dict[Any, Any] = {}
    for port, direction, new, client, server in read:
        if direction is not None:
            payload = client if direction == "client" else server
            sent[port, direction] = sent.get((port, direction), b"") + new
            assert sent[port, direction] == payload[: len(sent[port, direction])] == payload
        assert payloads[port, "client"].startswith(client)
        assert payloads[port, "server"].startswith(server)
    assert sent == {key: payload for key, payload in payloads.items() if key[0] < 3006}


def test_payloads_read_now_and_then() -> None:
    """Of long and short connections, in data callbacks or only at the end: always what was sent so far."""
    frames, payloads = long_and_short()
    sent: dict[Any, Any] = {}
    ended: dict[Any, Any] = {}

    def data(stream: TCPStream) -> None:
        key = stream.client_port, stream.direction
        sent[key] = sent.get(key, b"") + stream.new_data
        if stream.client_port % 7 == len(sent[key]) % 3:
            assert stream.client_payload == sent.get((stream.client_port, "client"), b"")
            assert stream.server_payload == sent.get((stream.client_port, "server"), b"")

    def end(stream: TCPStream) -> None:
        ended[stream.client_port, "client"], ended[stream.client_port, "server"] = stream.client_payload, stream.server_payload

    with TCPStreamFollower(data, end) as follower:
        follower.feed_file(io.BytesIO(pcap(frames)))
    assert sent == ended == payloads


def test_keep_payload() -> None:
    for keep, kept, truncated in (("all", b"hello", False), ("none", b"", True), (2, b"he", True), (5, b"hello", False)):
        seen: list[Any] = []
        follower = TCPStreamFollower(seen.append, seen.append, keep_payload=keep)  # type: ignore[arg-type]
        follower.feed(pdus([b"hello"], [b""[:0] or b"x"]))
        assert seen[-1].client_payload == kept
        assert seen[-1].payload_truncated is (truncated or keep == "none")
        assert seen[0].new_data == b"hello"


def test_made_by_hand() -> None:
    stream = TCPStream("10.0.0.1", b"\x0a\x00\x00\x02", 1, 2, 7, True, b"abc", b"")
    assert (str(stream.client_addr), str(stream.server_addr)) == ("10.0.0.1", "10.0.0.2")
    assert (stream.client_port, stream.server_port, stream.identifier, stream.finished) == (1, 2, 7, True)
    assert (stream.client_payload, stream.server_payload, stream.close_reason) == (b"abc", b"", None)
    assert TCPStream("nonsense", None, 1, 2, 7, False, b"", b"").client_addr is None
    with pytest.raises(AttributeError):
        stream.finished = False  # type: ignore[misc]


def test_options() -> None:
    for name, value in {
        "midstream": 1,
        "close_on": "never",
        "rst": None,
        "overlap": "vms",
        "gap_patience": -1,
        "checksum": True,
        "idle_timeout": "1",
        "max_connections": 0,
        "keep_payload": -1,
    }.items():
        with pytest.raises(gofollow.OptionError, match=name):
            TCPStreamFollower(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no option 'nonsense'"):
        follow("x", nonsense=1)  # type: ignore[call-arg]
    TCPStreamFollower(gap_patience=0, idle_timeout=float("inf"), rst_linger="never", close_linger=0, overlap="old-linux").close()


def test_midstream_and_first_fin_reach_the_engine() -> None:
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append, midstream=False, close_on="first-fin")
    packets = pdus([b"a"], [b"A"])
    follower.feed(packets[3:5])
    assert follower.statistics.opened == 0
    follower.feed(packets[:6])
    assert len(ended) == 1


def test_timestamps() -> None:
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append)
    first, *rest = conversation([], [])
    follower.feed_packet(first, datetime(2023, 1, 1, tzinfo=timezone.utc))
    for packet in rest:
        follower.feed_packet(memoryview(packet))
    assert (ended[0].opened_at, ended[0].closed_at) == (1672531200, None)
    for bad, error in ((float("nan"), ValueError), (1e30, ValueError), ("1", TypeError)):
        with pytest.raises(error):
            follower.feed_packet(b"", bad)  # type: ignore[arg-type]


def test_odd_packets() -> None:
    with TCPStreamFollower() as follower:
        follower.feed_packet(b"")
        with pytest.raises(gofollow.PacketTooLargeError):
            follower.feed_packet(bytes(17 << 20))
        assert follower.packets == 1


def test_foreign_packet_objects() -> None:
    frames = conversation([b"a"], [b"A"])
    for module, name in (("scapy.layers.l2", "Ether"), ("dpkt.ethernet", "Ethernet")):
        body = {"__bytes__": lambda self: self.data, "time": 5, "payload": None, "__module__": module}
        kind = type(name, (), body)
        packets = []
        for frame in frames:
            packets.append(kind())
            packets[-1].data = frame
        other = type("Other", (), body)()
        follower, calls = recorder()
        follower.feed([*packets, other])
        follower.feed(iter([]))
        assert [kind for kind, _ in calls] == ["data", "data", "end"]


def test_real_foreign_packets() -> None:
    frames = conversation([b"a"], [b"A"])
    try:
        from scapy.layers.l2 import Ether
    except ImportError:
        pass
    else:
        follower, calls = recorder()
        follower.feed([Ether(frame) for frame in frames])
        follower.feed(Ether(frames[0]).payload.payload)  # a TCP alone is nothing to follow
        assert [kind for kind, _ in calls] == ["data", "data", "end"]
    try:
        from dpkt.ethernet import Ethernet
    except ImportError:
        pass
    else:
        follower, calls = recorder()
        follower.feed(Ethernet(frame) for frame in frames)
        assert [kind for kind, _ in calls] == ["data", "data", "end"]


def test_reset(tmp_path: Path) -> None:
    frames = [*conversation([b"a"], [b"A"], close=False), tcp(CLIENT, SERVER, RST, 1002)]
    (tmp_path / "x").write_bytes(pcap(frames))
    (stream,) = follow(tmp_path / "x")
    assert (stream.close_reason, stream.closed_by) == ("rst", "client")


IN_CHILD = """
import os, signal, sys
import gofollow
before = sys.argv[1] == "before"
if not before:
    follower = gofollow.TCPStreamFollower()
child = os.fork()
if child == 0:
    signal.alarm(20)
    code = 9
    try:
        if before:
            with gofollow.TCPStreamFollower() as f:
                f.feed_packet(b"")
                code = 0 if f.packets == 1 else 8
        else:
            code = 0
            for call in (gofollow.TCPStreamFollower, lambda: follower.feed_packet(b""), follower.flush):
                try:
                    call()
                    code = 7
                except gofollow.ForkedError:
                    pass
            del follower
    finally:
        os._exit(code)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_fork(when: str) -> None:
    assert subprocess.run([sys.executable, "-c", IN_CHILD, when], timeout=60).returncode == 0


def test_syn_only_is_no_data() -> None:
    follower, calls = recorder()
    follower.feed_packet(tcp(CLIENT, SERVER, SYN, 1))
    follower.close()
    assert [kind for kind, _ in calls] == ["end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert os.getpid()


def test_chunks_of_sides_that_said_or_kept_nothing() -> None:
    ended: list[Any] = []
    with TCPStreamFollower(None, ended.append) as follower:
        follower.feed_packet(tcp(CLIENT, SERVER, SYN, 1))
    with TCPStreamFollower(None, ended.append, keep_payload="none") as follower:
        follower.feed(pdus([b"a"], [b"A"]))
    ended.append(TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 7, True, b"", b""))
    assert [(s.client_chunks, s.server_chunks) for s in ended] == [([], [])] * 3
    assert TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 7, True, b"abc", b"").client_chunks == [Chunk(0, 0, 3)]


def test_statistics_from_another_thread() -> None:
    follower, calls = recorder()
    done = threading.Event()
    seen = []

    def watch() -> None:
        while not done.is_set():
            seen.append(follower.packets)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for number in range(300):
            for frame in conversation([b"a"], [b"A"], ("10.0.0.1", 1000 + number)):
                follower.feed_packet(frame, 1)
    finally:
        done.set()
        thread.join()
    assert len(calls) == 900
    assert seen == sorted(seen)


def test_fault_within_a_list() -> None:
    class Faulty:
        def __gofollow_frame__(self) -> None:
            raise KeyError("mine")

    packets = pdus([b"a"], [b"A"])
    for fault, error in ((Faulty(), KeyError), (Frames(bytes(17 << 20)), gofollow.PacketTooLargeError)):
        for kind in (list, iter):
            follower, calls = recorder()
            with pytest.raises(error):
                follower.feed(kind([*packets[:5], fault, *packets[5:]]))
            assert [s.new_data for _, s in calls] == [b"a", b"A"]
            assert follower.packets == 5
            follower.feed(packets[5:])
            assert len(calls) == 3


def test_close_frees_after_an_error_of_the_engine() -> None:
    for error in (gofollow.InternalError, gofollow.ForkedError):
        follower, _ = recorder()

        def fail(error: Any = error) -> None:
            raise error("mine")

        follower._engine.flush = fail  # type: ignore[assignment, method-assign]
        follower._engine.statistics = fail  # type: ignore[assignment, method-assign]
        with pytest.raises(error):
            follower.close()
        assert follower._engine.closed
        follower.close()


EXIT_IN_CHILD = """
import os, sys
import gofollow
with gofollow.TCPStreamFollower() as follower:
    child = os.fork()
    if child == 0:
        sys.exit(5)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_exit_in_a_forked_child_within_a_with_block() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", EXIT_IN_CHILD]  # Python itself warns of fork
    done = subprocess.run(command, timeout=60, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (5, b"")


def test_times_are_rounded_once() -> None:
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append)
    follower.feed([Frames(frame, 1_700_000_000_123_456_789) for frame in conversation([], [])])
    assert ended[0].opened_at == ended[0].closed_at == 1700000000.123456789
