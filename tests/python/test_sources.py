"""Several captures as one conversation, sources of every kind, wrong arguments, cut and damaged captures."""

import bz2
import datetime
import gzip
import io
import itertools
import os
import random
import socket
import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dpkt
import pytest
from frames import ACK, CLIENT, SERVER, SYN, conversation, pcap, pcap_of, pcapng_of, read_pcap, tcp
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from gofollow import (
    CaptureError,
    CaptureFileError,
    GofollowError,
    GofollowWarning,
    OptionError,
    TCPStream,
    TCPStreamFollower,
    TruncatedCaptureWarning,
    UsageError,
    events,
    follow,
)

DATA = Path(__file__).parents[1] / "data"
START = 1_700_000_000 * 10**9
MS = 10**6


def rows_of(count: int = 3, start: int = START, step: int = MS) -> list[Any]:
    """Return connections that go on side by side, as rows a millisecond apart."""
    talks = [conversation([b"question %d" % n] * 5, [b"answer %d" % n] * 5, ("10.0.0.1", 4000 + n)) for n in range(count)]
    return [(start + number * step, frame) for number, frame in enumerate(itertools.chain(*zip(*talks, strict=True)))]


def by_direction(rows: Any) -> Any:
    """Deal rows as two taps would see them, a direction each."""
    return [[row for row in rows if row[1][26:30] == address] for address in (b"\x0a\0\0\x01", b"\x0a\0\0\x02")]


def log(*sources: Any, **options: Any) -> list[str]:
    return [str(event) for event in events(*sources, **options)]


def streams(*sources: Any, **options: Any) -> Any:
    return {(s.client_port, s.client_payload, s.server_payload, s.close_reason) for s in follow(*sources, **options)}


@contextmanager
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def handles() -> list[str]:
    """Return what is open."""
    targets = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the handle of this listing
            targets.append(os.readlink(f"/proc/self/fd/{name}"))
    return sorted(targets)


@contextmanager
def same_handles() -> Iterator[None]:
    """Check that no file, pipe or socket stays open."""
    list(follow(DATA / "several.pcap"))  # Go's run time opens some of its own
    before = handles()
    yield
    assert handles() == before


@contextmanager
def served(data: bytes) -> Iterator[str]:
    """Give the address at which data is sent to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@contextmanager
def pipe(path: Path, data: bytes) -> Iterator[Any]:
    """Write data to a FIFO from a thread."""
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(data,))
    thread.start()
    yield path
    thread.join()


@pytest.mark.parametrize("seed", range(5))
def test_captures_that_overlap_are_merged_by_their_stamps(tmp_path: Path, seed: int) -> None:
    """The packets of one capture are dealt to sources of every kind: the events are those of the one."""
    rows = rows_of()
    want = log(io.BytesIO(pcap_of(rows)))
    choose = random.Random(seed)
    dealt: list[list[Any]] = [[] for _ in range(8)]
    for row in rows:
        choose.choice(dealt).append(row)
    for name, data in (("a", pcap_of(dealt[0])), ("b", pcapng_of(dealt[1])), ("c", gzip.compress(pcap_of(dealt[2], order=">")))):
        (tmp_path / name).write_bytes(data)
    with same_handles(), no_warning(), pipe(tmp_path / "d", bz2.compress(pcapng_of(dealt[3]))), served(pcap_of(dealt[4])) as address:
        sources = [tmp_path / "a", str(tmp_path / "b"), os.fsencode(tmp_path / "c"), tmp_path / "d", address]
        sources += [io.BytesIO(pcap_of(dealt[5])), [Packet(*row) for row in dealt[6]], (Packet(*row) for row in dealt[7])]
        choose.shuffle(sources)
        assert log(*sources) == want


class Packet:
    def __init__(self, time: int, data: bytes) -> None:
        self.frame = (data, 1, time)

    def __gofollow_frame__(self) -> tuple[bytes, int, int]:
        return self.frame


def test_two_taps_a_direction_each(tmp_path: Path) -> None:
    rows = rows_of(20)
    for name, part in zip("ab", by_direction(rows), strict=True):
        (tmp_path / name).write_bytes(pcap_of(part))
    a, b = tmp_path / "a", tmp_path / "b"
    want = streams(io.BytesIO(pcap_of(rows)))
    assert len(want) == 20
    assert streams(a, b) == streams(b, a) == want
    ended: list[Any] = []
    with TCPStreamFollower(None, ended.append) as follower:
        follower.feed_files(b, a)
        assert len(ended) == 20
    # As they stand, the answers come after the ends of what they answer.
    assert [s.clean for s in follow(a, b)] == [True] * 20
    assert log(a, b, order="given") != log(a, b)


def test_rotated_files_follow_by_their_first_stamps(tmp_path: Path) -> None:
    rows = rows_of(4)
    paths = [tmp_path / f"capture.{number}" for number in range(10)]
    size = -(-len(rows) // 10)
    for number, path in enumerate(paths):
        path.write_bytes(pcap_of(rows[number * size : number * size + size]))
    want = log(io.BytesIO(pcap_of(rows)))
    shuffled = paths[:]
    random.Random(1).shuffle(shuffled)
    assert log(*shuffled) == log(*paths, order="given") == want
    assert log(*shuffled, order="given") != want
    ended: list[Any] = []
    with TCPStreamFollower(None, ended.append) as follower:
        for path in paths:
            follower.feed_file(path)
    assert {s.client_payload for s in ended} == {b"question %d" % n * 5 for n in range(4)}


def test_many_files_are_not_open_at_once(tmp_path: Path) -> None:
    paths = []
    for number in range(300):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(pcap_of([(START + number * MS, b"no TCP")]))
    open_files = max(len(os.listdir("/proc/self/fd")) for _ in events(*paths, DATA / "several.pcap"))
    assert open_files < 100


def test_order_of_equal_and_missing_and_wrong_stamps() -> None:
    def packets(*pairs: Any) -> Any:
        return io.BytesIO(pcapng_of([(time, tcp(CLIENT, SERVER, ACK, number, 1, b"x")) for number, time in pairs]))

    def times(*sources: Any) -> list[Any]:
        return [event.time_ns for event in events(*sources, segments=True) if event.kind == "segment"]

    # Equal stamps: the source that began earlier goes first, then the one given first.
    a, b = [(1, 10), (2, 30)], [(3, 20), (4, 30)]
    assert times(packets(*b), packets(*a)) == [10, 20, 30, 30]
    # A packet without a stamp stays behind the one before it, and a stamp that goes back does not make its source wait longer.
    a: list[Any] = [(1, 10), (2, None), (3, 15)]  # type: ignore[no-redef]
    b = [(4, 12), (5, 5), (6, 40)]
    no_time = -(1 << 63)
    assert times(packets(*a), packets(*b)) == [10, no_time, 12, 5, 15, 40]
    # Without any stamp: before all others.
    assert times(packets(*b), packets((7, None))) == [no_time, 12, 5, 40]


def test_an_iterable_is_followed_packet_by_packet() -> None:
    asked = []

    def packets() -> Any:
        for row in rows_of(2):
            asked.append(row)
            yield (row[0] / 10**9, row[1])

    followed = follow(packets())
    next(followed)
    assert len(asked) == len(rows_of(2)) - 3  # the first connection's last packet was its FIN
    followed.close()


def test_packets_of_scapy_and_dpkt_are_sources(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pcap_of(rows_of()))
    want = streams(path)
    packets = [Ether(data) for _, data in rows_of()]
    for packet, (time, _) in zip(packets, rows_of(), strict=True):
        packet.time = time / 10**9
    assert streams(packets) == want
    with path.open("rb") as file:
        assert streams(dpkt.pcap.Reader(file)) == want
    assert len(list(follow(Ether(tcp(CLIENT, SERVER, SYN, 1))))) == 1
    raw = io.BytesIO(pcap([bytes(IP(frame[14:])) for frame in conversation([b"a"], [b"b"])], 101))
    assert streams(dpkt.pcap.Reader(raw)) == {(4000, b"a", b"b", "fin")}
    follower = TCPStreamFollower()
    raw.seek(0)
    follower.feed(dpkt.pcap.Reader(raw))
    assert follower.statistics.opened == 1
    assert follower.ignored == 0


def test_capture_over_a_socket() -> None:
    with same_handles(), served(pcap_of(rows_of())) as address:
        assert streams(address) == streams(io.BytesIO(pcap_of(rows_of())))
    for wrong in ("tcp://", "tcp://host", "tcp://:5", "tcp://host:99999", "tcp://host:5/path", "tcp://host:x"):
        with pytest.raises(OptionError, match="tcp://HOST:PORT"):
            list(follow(wrong))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CaptureFileError, match="Connection refused") as caught:
        list(follow(f"tcp://127.0.0.1:{port}"))
    assert caught.value.filename == f"tcp://127.0.0.1:{port}"


def test_feed_capture_in_pieces() -> None:
    data = gzip.compress(pcap_of(rows_of()))
    for size in (1, 7, 100, len(data)):
        ended: list[Any] = []
        with no_warning(), TCPStreamFollower(None, ended.append) as follower:
            for at in range(0, len(data), size):
                follower.feed_capture(bytearray(data[at : at + size]))
            follower.end_capture()
            follower.end_capture()
            assert len(ended) == 3
            for part in (pcap_of(rows_of(1)[:5]), pcap_of(rows_of(1)[5:])):
                follower.feed_capture(part)
                with pytest.raises(UsageError, match="end_capture"):
                    follower.feed_file(io.BytesIO(data))
                follower.end_capture()
        assert len(ended) == 4


def test_feed_capture_that_is_wrong() -> None:
    follower = TCPStreamFollower()
    with pytest.raises(TypeError, match="feed_file"):
        follower.feed_capture("a.pcap")  # type: ignore[arg-type]
    with pytest.raises(CaptureError, match="text"):
        follower.feed_capture(b"Dear reader, this is not a capture.\n")
    follower.feed_capture(pcap_of(rows_of())[:-5])
    with pytest.warns(TruncatedCaptureWarning, match="the capture that was fed: .*after packet 47"):
        follower.close()
    assert len(follower.truncated) == 1
    assert follower.packets == 47


def test_advance_time() -> None:
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append, idle_timeout=60, handshake_timeout=10)
    follower.feed_packets([(START, frame) for frame in conversation([], [], close=False)], unit="ns")
    follower.advance_time(START / 10**9 + 59)
    assert ended == []
    follower.advance_time(datetime.datetime.fromtimestamp(START / 10**9 + 61, datetime.timezone.utc))
    assert [stream.close_reason for stream in ended] == ["timeout"]
    for wrong, error in ((None, TypeError), ("now", TypeError), (float("nan"), ValueError)):
        with pytest.raises(error):
            follower.advance_time(wrong)  # type: ignore[arg-type]


def test_feed_says_what_was_meant(tmp_path: Path) -> None:
    follower = TCPStreamFollower()
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap_of(rows_of()))
    for given, method in (
        (str(path), "feed_file"),
        (path, "feed_file"),
        (path.open("rb"), "feed_file"),
        (b"frame", "feed_packet"),
        (bytearray(b"frame"), "feed_packet"),
        (memoryview(b"frame"), "feed_packet"),
    ):
        with pytest.raises(TypeError, match=method):
            follower.feed(given)
    assert (follower.packets, follower.ignored) == (0, 0)


def test_rows_are_followed_and_what_is_no_packet_is_counted() -> None:
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append)
    rows = [(time / 10**9, data) for time, data in rows_of(1)]
    with no_warning():
        follower.feed([*rows[:4], None, "x", (1, 2), *rows[4:6], b"frame"])
        follower.feed(rows[6])
        follower.feed((*rows[7], len(rows[7][1]), 1))
        follower.feed(iter(rows[8:]))
    assert len(ended) == 1
    assert follower.ignored == 4
    follower = TCPStreamFollower()
    with pytest.warns(GofollowWarning, match=r"all 3 items were ignored.*2 of type str, 1 of type dict.*feed_packet") as caught:
        follower.feed(["a", "b", {}])
    assert caught[0].filename == __file__
    with no_warning():
        follower.feed(["a"])  # it was warned about
    assert follower.ignored == 4
    with pytest.warns(GofollowWarning, match="all 2 items"):
        assert list(follow([1, 2])) == []
    with pytest.raises(TypeError, match="timestamp"):
        follower.feed([("now", b"frame")])


def test_what_is_no_source() -> None:
    for wrong in (5, None, object(), bytearray(b"x")):
        with pytest.raises(TypeError, match="a capture is a path, a binary file object, tcp://HOST:PORT or an iterable"):
            follow(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"follow\(\*paths\)"):
        follow(["a.pcap", "b.pcap"])
    with pytest.raises(TypeError, match="no capture"):
        follow()
    with pytest.raises(OptionError, match="'time' or 'given'"):
        follow("a.pcap", order="name")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary mode"):
        list(follow(io.StringIO("text")))


def test_unknown_options_name_the_nearest() -> None:
    with pytest.raises(OptionError, match="no option 'idletimeout': did you mean idle_timeout"):
        follow("x", idletimeout=5)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="did you mean keep_payload"):
        TCPStreamFollower(keep_payloads="none")  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="no option 'qqq': there are anomalies, "):
        TCPStreamFollower(qqq=1)  # type: ignore[call-arg]


def test_a_cut_end_is_a_warning(tmp_path: Path) -> None:
    whole = pcap_of(rows_of(1))
    (tmp_path / "cut").write_bytes(whole[:-5])
    (tmp_path / "rest").write_bytes(pcap_of([(START + 10**9, data) for data in conversation([b"a"], [b"b"], ("10.0.0.1", 9))]))
    calls = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for stream in follow(tmp_path / "cut", tmp_path / "rest", io.BytesIO(whole[:-60])):
            calls.append((stream.client_port, len(caught)))
    assert sorted(calls) == [(9, 0), (4000, 0)]
    assert [(w.category, w.filename) for w in caught] == [(TruncatedCaptureWarning, __file__)] * 2
    assert str(caught[0].message).startswith(f"{tmp_path / 'cut'}: the capture ends within a record")
    ended: list[Any] = []
    follower = TCPStreamFollower(None, ended.append)
    with pytest.warns(TruncatedCaptureWarning):
        follower.feed_file(tmp_path / "cut")
    follower.feed_file(tmp_path / "rest")
    assert len(ended) == 2
    assert [text.split(":")[0] for text in follower.truncated] == [str(tmp_path / "cut")]
    with warnings.catch_warnings(), pytest.raises(TruncatedCaptureWarning):
        warnings.simplefilter("error")
        list(follow(tmp_path / "cut"))


def test_damage_is_an_error_after_what_stands_before(tmp_path: Path) -> None:
    good = pcap_of(rows_of(1))
    at = len(pcap_of(rows_of(1)[:-1]))
    too_long = good[:at] + struct.pack("<IIII", 1, 1, 262145, 262145) + b"short"
    wrong = good[:at] + struct.pack("<IIII", 1, 1, 1 << 31, 5) + b"short"
    for damaged in (too_long, wrong):
        (tmp_path / "x").write_bytes(damaged)
        for source in (tmp_path / "x", io.BytesIO(damaged)):
            ended = []
            with pytest.raises(CaptureError, match="damaged"):
                for stream in follow(source):
                    ended.append(stream)
            assert [s.close_reason for s in ended] == ["fin"]
    # In one of several: what stands before it, of all.
    others = pcap_of([(START - 10**9, data) for data in conversation([b"a"], [b"b"], ("10.0.0.1", 9))])
    ended = []
    with same_handles(), pytest.raises(CaptureError, match="damaged"):
        for stream in follow(tmp_path / "x", io.BytesIO(others), DATA / "several.pcap"):
            ended.append(stream)
    assert {9, 4000} <= {s.client_port for s in ended}
    # A missing one raises before anything is followed.
    with same_handles(), pytest.raises(CaptureFileError, match="No such file"):
        next(follow(io.BytesIO(others), tmp_path / "none"))


def test_a_follow_that_found_nothing_names_what_there_was() -> None:
    udp = bytes(12) + b"\x08\x00" + struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + bytes(8) + struct.pack("!HHHH", 53, 53, 8, 0)
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    with pytest.warns(GofollowWarning, match=r"no TCP segments were found, only .*UDP.* \(2 packets\), ARP \(1 packets\)") as caught:
        assert list(follow(io.BytesIO(pcap([udp, udp, arp])))) == []
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(GofollowWarning, match="no TCP"), TCPStreamFollower() as follower:
        follower.feed_packet(udp)
    with no_warning():
        assert len(list(follow(io.BytesIO(pcap([udp, *conversation([b"a"], [b"b"])]))))) == 1
        assert list(follow(io.BytesIO(pcap([])))) == []


def test_progress_of_several_captures(tmp_path: Path) -> None:
    for name, part in zip("ab", by_direction(rows_of(3)), strict=True):
        (tmp_path / name).write_bytes(pcap_of(part))
    size = sum((tmp_path / name).stat().st_size for name in "ab")
    steps = []
    assert len(list(follow(tmp_path / "a", tmp_path / "b", progress=lambda *step: steps.append(step)))) == 3
    assert steps[-1] == (len(rows_of(3)), size, size)
    assert steps == sorted(set(steps), key=steps.index)
    follower = TCPStreamFollower()
    follower.feed_files(tmp_path / "b", io.BytesIO(pcap_of(rows_of(1))), progress=lambda *step: steps.append(step))
    assert steps[-1][2] is None


def test_abandoned_merge_leaves_nothing_open(tmp_path: Path) -> None:
    paths = []
    for name, part in zip("ab", by_direction(rows_of(3)), strict=True):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(pcap_of(part))
    with same_handles():
        followed = follow(*paths, io.BytesIO(pcap_of(rows_of(1))))
        next(followed)
        followed.close()
        calls = []

        def data(stream: TCPStream) -> None:
            calls.append(stream)
            if len(calls) == 2:
                raise KeyError("mine")

        follower = TCPStreamFollower(data)
        with pytest.raises(KeyError):
            follower.feed_files(*paths)
        assert len(calls) == 2
        follower.feed_file(io.BytesIO(pcap_of(rows_of(1, START + 10**9))))
        follower.feed_files(*paths)
        follower.close()


def test_real_captures_split_by_direction() -> None:
    for name in ("several.pcap", "lossy.pcap", "http_download.pcap", "half_close.pcap"):
        data = (DATA / name).read_bytes()
        _, records = read_pcap(data)
        rows = [(time, frame) for time, frame, _ in records]
        if len({time for time, _ in rows}) < len(rows):
            rows = [(START + number, frame) for number, (_, frame) in enumerate(rows)]
        parts = [[row for row in rows if (row[1][26:30] < row[1][30:34]) is lower] for lower in (True, False)]
        assert log(*(io.BytesIO(pcap_of(part)) for part in parts if part)) == log(io.BytesIO(pcap_of(rows))), name



def test_progress_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar of rich on stderr, in threads too; without rich a sentence."""
    path = tmp_path / "a"
    path.write_bytes(pcap_of(rows_of(3)))
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(len(list(follow(path, progress=True))))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [3] * 3
    with TCPStreamFollower() as follower:
        follower.feed_file(path, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "48 packets" in err
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(GofollowError, match="pip install rich"):
        list(follow(path, progress=True))
