"""Both forms of the core: what they promise after interrupts, exceptions and a lack of memory, and that they agree."""

import bz2
import copy
import gc
import gzip
import io
import itertools
import lzma
import os
import pickle
import random
import resource
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, SERVER, conversation, pcap, tcp

import gofollow
from gofollow import LostEventsError, OptionError, TCPStream, TCPStreamFollower, UsageError, follow

COMPILED = gofollow.core == "compiled"
OTHER = "python" if COMPILED else "compiled"


def run(form: str, script: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GOFOLLOW_CORE": form}
    done = subprocess.run([sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def has(form: str) -> bool:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GOFOLLOW_CORE": form}
    return subprocess.run([sys.executable, "-c", "import gofollow"], env=environment, capture_output=True).returncode == 0


def test_the_environment_chooses_the_form() -> None:
    assert run("python", "import gofollow; print(gofollow.core)") == "python\n"
    if has("compiled"):
        assert run("compiled", "import gofollow; print(gofollow.core)") == "compiled\n"
    with pytest.raises(AssertionError, match="GOFOLLOW_CORE"):
        run("fast", "import gofollow")


STATES = """
import hashlib, inspect, sys
from pathlib import Path
import gofollow
names = sorted(name for name, value in vars(gofollow.TCPStream).items() if name[0] != "_" and inspect.isdatadescriptor(value))
def data(stream):
    values = [getattr(stream, name) for name in names]
    turns = [(turn, turn.data, turn.gaps, turn.time_ns, turn.end_time_ns) for turn in stream.turns()]
    digest.update(repr([values, turns, repr(stream)]).encode())
for path in sorted(Path(sys.argv[1]).glob("*.pcap*")):
    digest = hashlib.sha256()
    follower = gofollow.TCPStreamFollower(data, data, keep_gaps=2)
    try:
        follower.feed_file(path)
    except gofollow.CaptureError as error:
        print(error)
    follower.close()
    print(path.name, digest.hexdigest())
"""


def test_both_forms_say_the_same_in_every_callback() -> None:
    folder = os.path.join(os.path.dirname(__file__), "..", "data")
    if not has("compiled"):
        warnings.warn("the core is not compiled here: nothing was compared", stacklevel=1)
        return
    printed = run("python", STATES, folder)
    assert printed.count("\n") > 10
    assert run("compiled", STATES, folder) == printed


def test_a_pickle_of_one_form_opens_in_the_other() -> None:
    streams: list[TCPStream] = []
    frames = conversation([b"a" * 100, b"b", b"c"], [b"A", b"B", b"C"])
    del frames[5]
    with TCPStreamFollower(streams.append, streams.append) as follower:
        follower.feed_packets([(number, frame) for number, frame in enumerate(frames)])
    script = """
import pickle, sys
streams = pickle.load(open(sys.argv[1], "rb"))
state = lambda s: (s, s.turns(), s.new_data, s.client_payload, s.client_gaps, s.server_chunks, s.time, s.packet, s.closed_at)
print([state(s) for s in streams])
"""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"streams{os.getpid()}.pickle")
    try:
        with open(path, "wb") as file:
            pickle.dump(streams, file)
        told = {run(form, script, path) for form in ("python", "compiled") if has(form)}
    finally:
        os.remove(path)
    state = [(s, s.turns(), s.new_data, s.client_payload, s.client_gaps, s.server_chunks, s.time, s.packet, s.closed_at) for s in streams]
    assert told == {f"{state}\n"}


def many(count: int = 400) -> list[bytes]:
    """Return packets of connections, without handshakes: two of each, so many packets apart."""
    ports = range(1024, 1024 + count)
    first = [tcp(("10.0.0.1", port), SERVER, ACK, 1, 1, b"a") for port in ports]
    return first + [tcp(("10.0.0.1", port), SERVER, ACK, 2, 1, b"b") for port in ports]


@pytest.mark.parametrize("way", ["packets", "items", "rows", "file", "end callback alone"])
def test_interrupts_at_random_lose_nothing_or_are_told(way: str) -> None:
    packets = many()
    capture = pcap(packets)
    rng = random.Random(way)
    seen: Counter[str] = Counter()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.disable()  # an interrupt of a finalizer is Python's to lose
    try:
        for _ in range(30):
            told: list[Any] = []
            data = None if way == "end callback alone" else lambda stream, told=told: told.append((stream.identifier, stream.new_data))
            follower = TCPStreamFollower(data, lambda stream, told=told: told.append((stream.identifier, stream.client_payload)))  # type: ignore[misc]
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00005, 0.004))
                try:
                    if way in ("packets", "end callback alone"):
                        for packet in packets:
                            follower.feed_packet(packet)
                    elif way == "items":
                        follower.feed(Frame(packet) for packet in packets)
                    elif way == "rows":
                        follower.feed_packets([(1, packet) for packet in packets])
                    else:
                        follower.feed_file(io.BytesIO(capture))
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                seen["not interrupted"] += 1
            except KeyboardInterrupt as error:
                at, names = error.__traceback__, []
                while at:
                    names.append(at.tb_frame.f_code.co_name)
                    at = at.tb_next
                if "<lambda>" in names:
                    continue  # the test's own code was interrupted: it may not have noted its call
            try:
                follower.close()
            except LostEventsError:
                assert not COMPILED
                seen["refused"] += 1
                continue
            assert sorted(told) == wanted(follower.statistics.packets, data is not None)
            seen["whole"] += 1
    finally:
        gc.enable()
        signal.signal(signal.SIGALRM, before)
    assert seen["whole"] > 0


class Frame:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __gofollow_frame__(self) -> tuple[bytes, int, None]:
        return self.data, 1, None


def wanted(packets: int, data: bool) -> list[tuple[int, bytes]]:
    """Return what callbacks see of so many of the packets of many."""
    ends = [(number, b"ab" if number + 400 < packets else b"a") for number in range(min(packets, 400))]
    pieces = [(number % 400, b"a" if number < 400 else b"b") for number in range(packets)]
    return sorted(ends + pieces * data)


@pytest.mark.skipif(COMPILED, reason="the compiled core is interrupted between packets alone")
def test_an_interrupt_inside_the_uncompiled_core_is_refused_in_one_sentence() -> None:
    follower = TCPStreamFollower(lambda stream: None)
    poll = follower._core.poll

    def interrupted(*arguments: Any) -> int:
        poll(*arguments)
        raise KeyboardInterrupt

    follower._core.poll = interrupted
    with pytest.raises(KeyboardInterrupt):
        follower.feed_packet(many()[0])
    for call in (lambda: follower.feed_packet(b""), lambda: follower.feed([]), follower.flush, follower.close):
        with pytest.raises(LostEventsError, match="make a new one"):
            call()  # type: ignore[no-untyped-call]
    with pytest.raises(UsageError, match="closed"):
        follower.feed([])
    follower.close()


def test_an_interrupt_ends_a_long_list() -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    packets = [(None, many()[0])] * 1_500_000
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        began = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            TCPStreamFollower().feed_packets(packets)
        assert time.perf_counter() - began < 2  # of a call that takes longer; a tenth of a second where the machine is free
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_an_interrupt_ends_a_compressed_capture(kind: str, tmp_path: Path) -> None:
    """A gigabyte of packets that make no event: what one call reads is bounded by decompressed bytes."""
    packet = tcp(CLIENT, SERVER, ACK, 1, 1, bytes(1400))
    record = struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
    piece = record * 2000
    packers: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    pack = packers[kind]
    path = tmp_path / ("capture.pcap." + kind)
    path.write_bytes(pack(pcap([])) + pack(piece) * 350)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        follower = TCPStreamFollower()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        began = time.process_time()
        with pytest.raises(KeyboardInterrupt):
            follower.feed_file(path)
        assert time.process_time() - began < 1  # of a call that takes ten; a fifth where the machine is free
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("seconds", [0, 1, -1, 1_700_000_000, 8_999_999_999, -8_999_999_999, 9_000_000_000, 9_223_372_036])
def test_whole_seconds_are_the_same_in_every_form(seconds: int) -> None:
    seen: list[TCPStream] = []
    for time_of in (int, float, Decimal):
        with TCPStreamFollower(seen.append) as follower:
            follower.feed_packet(many()[0], time_of(seconds))
    assert [stream.time for stream in seen] == [seconds] * 3


def test_lives_of_followers_leave_nothing() -> None:
    frames = conversation([b"a" * 50, b"b"], [b"A", b"B"])
    del frames[4]
    counted = getattr(sys, "gettotalrefcount", lambda: 0)

    def live(count: int) -> None:
        for _ in range(count):
            follower = TCPStreamFollower(lambda stream: stream.client_payload, lambda stream: stream.server_gaps)
            for frame in frames:
                follower.feed_packet(frame, 1)
            follower.close()

    live(500)
    gc.collect()
    memory, references = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, counted()
    live(int(os.environ.get("LIVES", "1500")))
    gc.collect()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 8192  # KiB; Go's own heap swings by 6 MiB
    assert counted() - references < 1000


@pytest.mark.parametrize("call", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_follower_is_not_copied(call: Any) -> None:
    with TCPStreamFollower() as follower, pytest.raises(TypeError, match="cannot be copied or pickled"):
        call(follower)


def holes(count: int) -> list[tuple[float, bytes]]:
    """Return packets of one direction, ten bytes each, of which every second ten are missing."""
    return [(number * 1e-3, tcp(CLIENT, SERVER, ACK, 1 + 20 * number, 1, b"0123456789")) for number in range(count)]


def test_gaps_and_chunks_are_bounded_and_counted() -> None:
    streams: list[TCPStream] = []
    with TCPStreamFollower(streams.append, streams.append, max_held_segments=1, keep_gaps=5) as follower:
        follower.feed_packets(holes(100))
    last = streams[-1]
    assert last.client_counters.gaps == 99  # type: ignore[union-attr]
    assert [gap.offset for gap in last.client_gaps] == [10 + 20 * number for number in range(5)]
    assert [chunk.offset for chunk in last.client_chunks] == [20 * number for number in range(5)]
    assert last.gaps_truncated
    assert len(last.client_payload) == 1000
    assert not streams[0].gaps_truncated
    assert [len(stream.client_gaps) for stream in streams[:8]] == [0, 1, 2, 3, 4, 5, 5, 5]


def test_reading_gaps_costs_what_is_new() -> None:
    def seconds(read: Any) -> float:
        with TCPStreamFollower(read, max_held_segments=1) as follower:
            began = time.process_time()
            follower.feed_packets(holes(6000))
            return time.process_time() - began

    nothing = min(seconds(lambda stream: None) for _ in range(3))
    for read in (lambda s: s.client_payload, lambda s: s.client_gaps, lambda s: s.client_chunks, lambda s: s.payload_truncated):
        assert min(seconds(read) for _ in range(3)) < 12 * nothing + 0.05


def test_short_segments_are_merged() -> None:
    kept: list[TCPStream] = []
    frames = [(None, tcp(CLIENT, SERVER, ACK, 1 + 2 * number, 1, b"%02d" % (number % 97))) for number in range(300_000)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TCPStreamFollower(None, kept.append) as follower:
        follower.feed_packets(frames)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 12 * 1024
    assert kept[0].client_payload == b"".join(b"%02d" % (number % 97) for number in range(300_000))


@pytest.mark.parametrize("seed", range(6))
def test_payload_that_is_read_while_it_grows(seed: int) -> None:
    chance = random.Random(seed)
    sent = chance.randbytes(1_500_000 if seed % 2 else 30_000)
    kept: list[tuple[TCPStream, bytes, int]] = []
    end, often = 0, chance.choice([0.02, 0.5, 1])

    def read(stream: TCPStream) -> None:
        nonlocal end
        end += len(stream.new_data)
        if chance.random() < often:
            if chance.random() < 0.1:
                kept.append((stream, stream.client_payload, end))
            with ThreadPoolExecutor(1) if chance.random() < 0.02 else nullcontext() as other:
                found = other.submit(lambda: stream.client_payload).result() if other else stream.client_payload
            assert len(found) == end
            assert found[-2000:] == sent[max(0, end - 2000) : end]

    with TCPStreamFollower(read) as follower:
        while end < len(sent):
            size = chance.choice([1, 100, 1460, 20000])
            follower.feed_packet(tcp(CLIENT, SERVER, ACK, 1 + end, 1, sent[end : end + size]))
    for stream, payload, length in kept:
        assert payload == stream.client_payload == sent[:length]


@pytest.mark.skipif(not (COMPILED and sys.platform.startswith("linux")), reason="how memory grows is a matter of the system")
def test_payload_that_is_read_while_it_grows_is_moved_rarely() -> None:
    places, data, end = [0], bytes(14600), 0
    with TCPStreamFollower(lambda stream: places.append(id(stream.client_payload))) as follower:
        while end < 64 << 20:
            follower.feed_packet(tcp(CLIENT, SERVER, ACK, 1 + end, 1, data))
            end += len(data)
    moves = sum(place != before for before, place in itertools.pairwise(places))
    assert moves < len(places) / 10


WITHOUT_MEMORY = """
import mmap, resource, sys
from frames import ACK, CLIENT, SERVER, tcp
from gofollow import TCPStreamFollower

failed, lost, lengths, fed, most = False, False, [], 0, resource.getrlimit(resource.RLIMIT_AS)[1]

def read(stream):
    global failed, last, lost
    last = stream
    if fed > 40_000_000:
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * mmap.PAGESIZE, most))
    try:
        lengths.append(len(stream.client_payload))
    except MemoryError as error:
        failed, lost = True, "is lost" in str(error)
        lengths.append(fed)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

with TCPStreamFollower(read) as follower:
    while fed < 60_000_000 and not lost:
        data = bytes(60_000)
        fed += len(data)
        follower.feed_packet(tcp(CLIENT, SERVER, ACK, 1 + fed - len(data), 1, data))
        assert lengths[-1] == fed
    try:
        right = len(last.client_payload) == fed
    except MemoryError as error:
        right = "is lost" in str(error)
print(failed and right)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_payload_for_whose_growth_there_is_no_memory() -> None:
    assert run(gofollow.core, WITHOUT_MEMORY) == "True\n"


def test_payload_of_all_streams_is_bounded() -> None:
    streams: list[TCPStream] = []
    frames = [tcp(("10.0.0.1", port), SERVER, ACK, 1, 1, b"x" * 100) for port in (1, 2, 3)]
    with TCPStreamFollower(None, streams.append, keep_payload_total=250) as follower:
        for frame in frames:
            follower.feed_packet(frame)
        assert follower.truncated_payloads == 1
    assert [(len(stream.client_payload), stream.payload_truncated) for stream in streams] == [(100, False), (100, False), (50, True)]
    bad: Any
    for bad in (-1, 1.5, True, "all"):
        with pytest.raises(OptionError, match="keep_payload_total"):
            TCPStreamFollower(keep_payload_total=bad)
        with pytest.raises(OptionError, match="keep_gaps"):
            TCPStreamFollower(keep_gaps=bad)


def test_a_last_flush_is_yielded_in_parts() -> None:
    capture = pcap([tcp(("10.0.0.1", 1024 + number % 60000), ("10.0.0.3", 80 + number // 60000), 2, 1) for number in range(150_000)])
    streams = follow(io.BytesIO(capture), handshake_timeout="never")
    first = next(streams)
    assert first.close_reason == "flush"
    assert sum(1 for _ in streams) == 149_999


def test_rows_that_are_none() -> None:
    follower = TCPStreamFollower()
    frame = many()[0]
    for bad, error in (
        ((1,), ValueError),
        ((1, frame, 60, 1, 2), ValueError),
        ((1, "text"), TypeError),
        (("now", frame), TypeError),
        ((1e30, frame), ValueError),
        ((1, frame, -1), ValueError),
        ((1, frame, 60, 1.5), TypeError),
        ((1, frame, 60, -1), ValueError),
    ):
        before = follower.packets
        with pytest.raises(error):
            follower.feed_packets([(1, frame), bad, (1, frame)])
        assert follower.packets == before + 1
    with pytest.raises(TypeError):
        follower.feed_packets([(1.5, frame)], unit="ns")
    with pytest.raises(OptionError, match="unit"):
        follower.feed_packets([], unit="ms")
    link_type: Any
    for link_type, error in ((1.5, TypeError), (-1, ValueError), (1 << 32, ValueError)):
        with pytest.raises(error):
            follower.feed_packet(frame, link_type=link_type)


def test_the_link_type_of_a_reader() -> None:
    class Reader(list[Any]):
        def datalink(self) -> int:
            return 101

    ended: list[TCPStream] = []
    with TCPStreamFollower(None, ended.append) as follower:
        follower.feed_packets(Reader([(1, frame[14:]) for frame in conversation([b"a"], [b"A"])]))
    assert [stream.client_payload for stream in ended] == [b"a"]


def test_a_callback_of_a_generator_runs_before_its_next_item() -> None:
    log: list[Any] = []

    def rows() -> Any:
        for number, frame in enumerate(conversation([b"a"], [b"A"])):
            log.append(number)
            yield number, frame

    with TCPStreamFollower(lambda stream: log.append(stream.new_data)) as follower:
        follower.feed_packets(rows())
    assert log == [0, 1, 2, 3, b"a", 4, b"A", 5, 6, 7]
