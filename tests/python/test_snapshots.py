"""Whatever callbacks do with the streams that they are given, what these say never changes: random captures, callbacks and ways to feed.

What they have to say is worked out from the engine's events alone.
"""

import functools
import gc
import inspect
import io
import os
import queue
import random
import subprocess
import sys
import threading
import weakref
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cycapture.libtins import EthernetII
from cycapture.libtins import TCPStreamFollower as CycaptureFollower
from frames import ACK, FIN, RST, SERVER, SYN, pcap_of, read_pcap, tcp

from gofollow import Chunk, Gap, TCPStream, TCPStreamFollower, UsageError, events

CAPTURES = sorted((Path(__file__).parents[1] / "data").glob("*.pcap"))
NAMES = [name for name, value in vars(TCPStream).items() if inspect.isdatadescriptor(value) and name[0] != "_" and "segments" not in name]
CYCAPTURE_NAMES = [*(f"{side}_{what}" for side in ("client", "server") for what in ("addr", "port", "payload")), "identifier", "finished"]
START = 1_700_000_000 * 10**9


class Packet(NamedTuple):
    time_ns: int
    frame: bytes
    link_type: int = 1

    def __gofollow_frame__(self) -> tuple[bytes, int, int]:
        return self.frame, self.link_type, self.time_ns


def capture_of(packets: list[Packet]) -> bytes:
    return pcap_of([(packet.time_ns, packet.frame) for packet in packets], packets[0].link_type)


# What is fed.


def random_connection(rng: random.Random, port: int, long: bool) -> list[bytes]:
    """Return a connection's frames, of which some are lost, repeated, overlap or changed places."""
    client = ("10.0.0.1", port)
    ends = [client, SERVER]
    seqs = [rng.choice((1000, 2**32 - 3000)), 5000]
    frames: list[bytes] = []
    if rng.random() < 0.8:
        frames = [tcp(client, SERVER, SYN, seqs[0] - 1), tcp(SERVER, client, SYN | ACK, seqs[1] - 1, seqs[0])]
        frames.append(tcp(client, SERVER, ACK, seqs[0], seqs[1]))
    damage = rng.choice((0, 0.02, 0.2))
    for _ in range(rng.randrange(1, 12) if not long else rng.randrange(100, 200)):
        side = rng.randrange(2)
        data = rng.randbytes(rng.choice((1, 7, 300) if not long else (1400, 3000)))
        start = rng.randrange(len(data)) if rng.random() < damage else 0
        frame = tcp(ends[side], ends[1 - side], ACK, seqs[side] + start, seqs[1 - side], data[start:])
        seqs[side] += len(data)
        if rng.random() >= damage:
            frames.append(frame)
        if rng.random() < damage:
            frames.insert(rng.randrange(max(0, len(frames) - 3), len(frames) + 1), frame)
    closing = rng.random()
    if closing < 0.6:
        frames += [tcp(client, SERVER, FIN | ACK, seqs[0], seqs[1], rng.choice((b"", b"bye")))]
        frames += [tcp(SERVER, client, FIN | ACK, seqs[1], seqs[0] + 4)]
    elif closing < 0.8:
        frames.append(tcp(client, SERVER, RST | ACK, seqs[0], seqs[1]))
    return frames


def random_packets(rng: random.Random, timed: bool) -> list[Packet]:
    long = rng.random() < 0.15
    waiting = [random_connection(rng, rng.choice((4000, 4001, 4002, 4003)), long) for _ in range(rng.randrange(1, 3 if long else 6))]
    packets, time_ns = [], START * timed
    while waiting:
        frames = rng.choice(waiting)
        for _ in range(rng.randrange(1, 6)):
            if frames:
                time_ns += rng.randrange(1, 2 * 10**6) * timed  # two things never expire at once, which nobody could tell from one
                packets.append(Packet(time_ns, frames.pop(0)))
        waiting = [frames for frames in waiting if frames]
    return packets


def recorded_packets(capture: Path) -> list[Packet]:
    link_type, records = read_pcap(capture.read_bytes())
    return [Packet(time_ns, frame, link_type) for time_ns, frame, _ in records]


# What callbacks have to see.


class Side:
    """The payload of one direction so far."""

    def __init__(self) -> None:
        self.payload = bytearray()
        self.runs: list[Any] = []
        self.gaps: list[Any] = []

    def add(self, event: Any) -> None:
        if event.kind == "gap":
            self.gaps.append(Gap(event.offset, event.length, event.reason))
            return
        if self.runs and self.runs[-1].offset + self.runs[-1].length == event.offset:
            self.runs[-1] = self.runs[-1]._replace(length=self.runs[-1].length + event.length)
        else:
            self.runs.append(Chunk(event.offset, len(self.payload), event.length, event.captured_ns / 10**9, event.captured_packet))
        self.payload += event.data

    def now(self, keep: int) -> dict[str, Any]:
        whole, length = self.payload, min(len(self.payload), keep)
        chunks = [run._replace(length=min(run.length, length - run.start)) for run in self.runs if run.start < length]
        values = {"payload": lambda: bytes(whole[:length]), "gaps": [*self.gaps], "chunks": chunks}
        return {**values, "over": len(whole) > keep, "length": len(whole)}


def wanted_calls(capture: bytes, keep: int, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return by callback what its stream says, forever: an attribute's value, or a function that gives it."""
    sides: dict[int, list[Side]] = defaultdict(lambda: [Side(), Side()])
    calls: list[dict[str, Any]] = []
    group: list[Any] = []

    def call(connection: Any, closed_ns: int | None, pieces: list[Any]) -> None:
        client, server = (side.now(keep) for side in sides[connection.id])
        lengths = [len(piece.data) for piece in pieces]
        last_ns = group[-1].time_ns if pieces else connection.last_ns
        times = connection.syn_ns, connection.synack_ns, connection.ack_ns
        calls.append(
            {
                **{"client_" + name: client[name] for name in ("payload", "gaps", "chunks")},
                **{"server_" + name: server[name] for name in ("payload", "gaps", "chunks")},
                "payload_truncated": client["over"] or server["over"],
                "new_data": b"".join(piece.data for piece in pieces),
                "new_chunks": [
                    Chunk(piece.offset, sum(lengths[:at]), piece.length, piece.captured_ns / 10**9, piece.captured_packet)
                    for at, piece in enumerate(pieces)
                ],
                "connection": connection,
                "client_length": client["length"],
                "server_length": server["length"],
                "last_packet_at": last_ns / 10**9,
                "duration": (last_ns - connection.opened_ns) / 10**9,
                "handshake_rtt": None if None in times else (times[2] - times[0]) / 10**9,
                "direction": pieces[0].direction if pieces else None,
                "finished": closed_ns is not None,
                "gaps_truncated": False,
                "turns_truncated": False,
                "stopped": False,
                "time": group[-1].time_ns / 10**9,
                "packet": group[-1].packet,
                "closed_at": None if closed_ns is None else closed_ns / 10**9,
                "opened_at": connection.opened_ns / 10**9,
                "identifier": connection.id,
                **{f"{side}_addr": getattr(connection, side).address for side in ("client", "server")},
                **{f"{side}_port": getattr(connection, side).port for side in ("client", "server")},
                **{name: getattr(connection, name) for name in ["close_reason", "closed_by", "clean", "start", "roles_from", "separation"]},
                **{name: getattr(connection, name) for name in ("client_counters", "server_counters")},
            }
        )

    def settle() -> None:
        closed = {event.connection.id: event for event in group if event.kind == "closed"}
        new: dict[Any, list[Any]] = {}
        for event in group:
            if event.kind in ("data", "gap"):
                sides[event.connection.id][event.direction == "server"].add(event)
            if event.kind == "data":
                new.setdefault((event.connection.id, event.direction), []).append(event)
        for (number, _), pieces in new.items():
            end = closed.get(number)
            call(end.connection if end else pieces[0].connection, end.time_ns if end else None, pieces)
        for end in closed.values():
            call(end.connection, end.time_ns, [])
        group.clear()

    cause: Any = None
    for event in events(io.BytesIO(capture), **options):
        before, cause = cause, event.packet or (event.time_ns, event.connection.id)
        if cause != before:
            settle()
        group.append(event)
    settle()
    return calls


# What callbacks do.


class Stumbled(Exception):
    pass


def in_a_frame(stream: Any) -> Any:
    return sys._getframe()


def in_a_generator(stream: Any) -> Any:
    while True:
        yield stream


def in_an_exception(stream: Any) -> BaseException:
    try:
        raise KeyError
    except KeyError as error:
        return error


def by_default(stream: Any) -> Any:
    def give(stream: Any = stream) -> Any:
        return stream

    return give


KEPT: list[tuple[Any, Any]] = [
    (lambda stream: stream, lambda kept: kept),
    (lambda stream: {stream: 1}, lambda kept: next(iter(kept))),
    (lambda stream: lambda: stream, lambda kept: kept()),
    (lambda stream: functools.partial(id, stream), lambda kept: kept.args[0]),
    (lambda stream: stream.__reduce_ex__, lambda kept: kept.__self__),
    (by_default, lambda kept: kept()),
    (in_a_frame, lambda kept: kept.f_locals["stream"]),
    (in_an_exception, lambda kept: kept.__traceback__.tb_frame.f_locals["stream"]),
    (in_a_generator, next),
]


class Run:
    """One follower and its callbacks, who check what they are given."""

    def __init__(self, rng: random.Random, wanted: list[dict[str, Any]], names: list[str], make: Any, options: dict[str, Any]) -> None:
        self.rng, self.wanted, self.names = rng, wanted, names
        self.called = 0
        self.faults: list[Any] = []
        self.kept: list[tuple[int, Any, Any]] = []  # which callback, what keeps its stream, how to get at it
        self.jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.reads, self.keeps, self.raises, self.collects = (rng.choice((0, 0.05, 0.5)) for _ in range(4))
        self.threads = rng.choice((0, 0, 0.1))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.follower = make(self.data, self.data, **options)

    def read(self) -> None:
        while (job := self.jobs.get()) is not None:
            stream, number, order, done = job
            self.check(stream, number, order)
            del stream, job
            done.set()

    def order(self) -> list[str]:
        return self.rng.sample(self.names, self.rng.choice((1, 2, len(self.names))))

    def check(self, stream: Any, number: int, names: list[str]) -> None:
        """Note what a stream says that it does not have to."""
        for name in names:
            wanted = self.wanted[number][name]
            wanted = wanted() if callable(wanted) else wanted
            try:
                found = getattr(stream, name)
            except Exception as fault:
                found = fault
            found = str(found) if name.endswith("_addr") else found
            if found != (str(wanted) if name.endswith("_addr") else wanted):
                self.faults.append((number, name, repr(found)[:80], repr(wanted)[:80]))

    def check_kept(self, which: int, names: list[str]) -> None:
        number, kept, give = self.kept[which]
        self.check(give(kept), number, names)

    def data(self, stream: Any) -> None:
        rng, number = self.rng, self.called
        self.called += 1
        if rng.random() < self.reads:
            self.check(stream, number, self.order())
        if rng.random() < self.keeps:
            keep, give = rng.choice(KEPT)
            self.kept.append((number, keep(stream), give))
        if self.kept and rng.random() < self.reads:
            self.check_kept(rng.randrange(len(self.kept)), self.order())
        if self.kept and rng.random() < self.keeps / 3:
            self.check_kept(which := rng.randrange(len(self.kept)), self.names)
            del self.kept[which]
        if rng.random() < self.collects / 10:
            gc.collect(rng.choice((0, 0, 0, 1, 2)))
            assert self.follower.statistics.packets == self.follower.packets
        if rng.random() < self.threads:
            self.jobs.put((stream, number, self.order(), done := threading.Event()))
            if rng.random() < 0.7:
                if rng.random() < 0.5:
                    del stream
                    stream = None
                assert done.wait(60)
        if rng.random() < self.raises / 3:
            raise Stumbled(*rng.choice(([], [stream])))

    def repeat(self, call: Any) -> Any:
        """Call until no callback stumbles."""
        while True:
            try:
                return call()
            except Stumbled as error:
                if self.rng.random() < 0.3 and last_stream(error) is not None:
                    self.kept.append((self.called - 1, error, last_stream))

    def feed(self, way: str, packets: list[Packet]) -> None:
        feed: Any = self.follower.feed
        if way == "packets":
            for taken, (time_ns, frame, link_type) in enumerate(packets):
                feed = functools.partial(self.follower.feed_packet, frame, Decimal(time_ns) / 10**9, link_type)
                self.repeat(lambda feed=feed, taken=taken: feed() if self.follower.packets == taken else None)
        elif way == "iterator":
            self.repeat(functools.partial(feed, iter(packets)))
        elif way == "list":
            self.repeat(lambda: feed(packets[self.follower.packets :]))
        elif way == "PDUs":
            self.repeat(functools.partial(feed, iter([EthernetII.from_buffer(packet.frame) for packet in packets])))
        else:
            pieces = Pieces(capture_of(packets), self.rng)
            self.repeat(lambda: self.follower.feed_file(pieces) if not pieces.begun else feed(packets[self.follower.packets :]))

    def end(self) -> None:
        self.repeat(self.follower.close)
        self.jobs.put(None)
        self.reader.join()
        for which in range(len(self.kept)):
            self.check_kept(which, self.names)
        del self.follower
        gc.collect()
        for which in self.rng.sample(range(len(self.kept)), len(self.kept)):
            self.check_kept(which, self.names)


def last_stream(error: BaseException) -> Any:
    """Return the stream of the callback that raised."""
    at: Any = error.__traceback__
    while at.tb_next:
        at = at.tb_next
    return at.tb_frame.f_locals["stream"]


class Pieces:
    """A capture that comes cut anywhere."""

    def __init__(self, data: bytes, rng: random.Random) -> None:
        self.file, self.rng, self.size, self.begun = io.BytesIO(data), rng, rng.choice((50, 5000, 10**6)), False

    def read(self, size: int) -> bytes:
        self.begun = True
        return self.file.read(self.rng.randrange(1, self.size))


WAYS = ["packets", "iterator", "list", "PDUs", "capture"]


def follow_at_random(seed: int) -> Run:
    rng = random.Random(seed)
    way, names = rng.choice(WAYS), NAMES
    make: Any = TCPStreamFollower
    options: dict[str, Any] = {"gap_patience": rng.choice((0, 0.01, 0.5)), "close_on": rng.choice(("both", "first-fin"))}
    recorded = rng.random() < 0.2 and way != "PDUs"
    packets = recorded_packets(rng.choice(CAPTURES)) if recorded else random_packets(rng, way != "PDUs")
    keep: Any = rng.choice(("all", "all", "all", "none", 1, 100, 5000))
    if rng.random() < 0.25:
        make, names = CycaptureFollower, CYCAPTURE_NAMES
        options |= {"midstream": rng.random() < 0.5}
    wanted = wanted_calls(capture_of(packets), {"all": 1 << 62, "none": 0}.get(keep, keep), options)
    if way == "PDUs":  # they have no times
        timed = ("opened_at", "closed_at", "time", "last_packet_at", "duration", "handshake_rtt", "connection")
        wanted = [{name: value for name, value in call.items() if name not in timed and "chunks" not in name} for call in wanted]
        names = [name for name in names if name in wanted[0]] if wanted else names
    run = Run(rng, wanted, names, make, {**options, "keep_payload": keep})
    try:
        run.feed(way, packets)
    finally:
        run.end()  # the thread too
    assert not run.faults, (seed, way, run.faults[:5])
    assert run.called == len(wanted), (seed, way)
    return run


@pytest.mark.parametrize("seed", range(0, 150, 15))
def test_streams_say_forever_what_the_events_said(seed: int) -> None:
    kept = sum(len(follow_at_random(number).kept) for number in range(seed, seed + 15))
    assert kept > 10


def test_a_kept_stream_does_not_keep_its_follower() -> None:
    kept: list[TCPStream] = []
    follower = TCPStreamFollower(kept.append)
    for packet in random_packets(random.Random(3), True):
        follower.feed_packet(packet.frame)
    engine = weakref.ref(follower._engine)
    del follower
    gc.collect()
    assert engine() is None
    assert any(stream.client_payload for stream in kept)


def test_streams_kept_after_a_trace_of_the_first_packet() -> None:
    def trace(frame: Any, event: str, argument: Any) -> Any:
        assert frame.f_locals is not None  # reading it keeps, up to Python 3.12, what the variables had
        return trace

    packets = random_packets(random.Random(3), True)
    wanted = wanted_calls(capture_of(packets), 1 << 62, {})
    kept: list[TCPStream] = []
    follower = TCPStreamFollower(kept.append, kept.append)
    before = sys.gettrace()
    for packet in packets:
        sys.settrace(trace if packet is packets[0] else before)
        follower.feed([packet])
    sys.settrace(before)
    follower.close()
    assert [stream.new_data for stream in kept] == [call["new_data"] for call in wanted]
    assert [stream.client_payload for stream in kept] == [call["client_payload"]() for call in wanted]


@pytest.mark.parametrize("callbacks", ["data", "end"])
@pytest.mark.parametrize("where", ["callback", "packets", "other thread"])
def test_left_by_an_exception_while_it_feeds(callbacks: str, where: str) -> None:
    """Nothing is freed that is still looked at, and the call that feeds says why it stops."""
    packets = [packet for seed in range(30) for packet in random_packets(random.Random(seed), True)]
    begun, left = threading.Event(), threading.Event()
    stopped: list[Any] = []
    streams: list[TCPStream] = []

    def leave() -> None:
        with pytest.raises(Stumbled), follower:
            raise Stumbled

    def call(stream: TCPStream) -> None:
        assert stream.new_data is not None
        streams.append(stream)
        if len(streams) == 5:
            begun.set()
            if where == "callback":
                leave()
            elif where == "other thread":
                assert left.wait(60)

    def packets_and_leave() -> Any:
        for packet in packets:
            if begun.is_set() and not left.is_set():
                leave()
                left.set()
            yield packet

    def feed() -> None:
        try:
            if where == "packets":
                follower.feed(packets_and_leave())
            else:
                follower.feed_file(io.BytesIO(capture_of(packets)))
        except UsageError as error:
            stopped.append(error)

    follower = TCPStreamFollower(call if callbacks == "data" else None, call)
    thread = threading.Thread(target=feed)
    thread.start()
    if where == "other thread":
        assert begun.wait(60)
        leave()
        left.set()
    thread.join()
    assert [str(error) for error in stopped] == ["this follower is closed: make a new one"]
    assert follower.statistics.packets <= len(packets)
    assert sum(len(stream.client_payload) + len(stream.server_payload) for stream in streams) > 0
    with pytest.raises(UsageError, match="closed"):
        follower.feed([])


FORKS = """
import os, sys
from frames import SERVER, conversation, tcp, ACK
from gofollow import TCPStreamFollower

def data(stream):
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert status == 0, status
        return
    try:
        payload = stream.client_payload, stream.server_payload, stream.new_data
        assert payload == wanted[len(seen)], payload
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
    finally:
        os._exit(1)

seen = []
wanted = [(b"a", b"", b"a"), (b"a", b"A", b"A"), (b"ab", b"A", b"b"), (b"ab", b"AB", b"B"), (b"ab", b"ABcd", b"cd")]
follower = TCPStreamFollower(lambda stream: (data(stream), seen.append(1)))
for frame in conversation([b"a", b"b"], [b"A", b"B"], close=False):
    follower.feed_packet(frame)
for at in (1, 0):  # one waits for the other: a packet with two events
    follower.feed_packet(tcp(SERVER, ("10.0.0.1", 4000), ACK, 5003 + at, 1003, b"cd"[at:at + 1]))
assert len(seen) == len(wanted), seen
"""


def test_a_child_forked_in_a_callback_reads_its_stream() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS]  # Python itself warns of fork
    done = subprocess.run(command, timeout=60, stderr=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_callback_that_raises_stop_iteration() -> None:
    packets = random_packets(random.Random(3), True)
    called: list[bytes] = []

    def stop(stream: TCPStream) -> None:
        called.append(stream.new_data)
        if len(called) == 2:
            next(iter(()))

    follower = TCPStreamFollower(stop, stop)
    waiting = iter(packets)
    with pytest.raises(StopIteration):
        follower.feed(waiting)
    follower.feed(waiting)
    follower.close()
    assert called == [call["new_data"] for call in wanted_calls(capture_of(packets), 1 << 62, {})]
