"""Sniffing capture files, writing them, and filtering packets: what needs no permission."""

import asyncio
import collections
import io
import logging
import queue
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from frames import conversation, pcap, pcapng_of, read_pcap
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pcapy", reason="pcapy-ng is not installed")

from cycapture.libpcap import (
    BlockingSniffer,
    NonBlockingPacketWriter,
    NonBlockingSniffer,
    OfflineFilter,
    PacketWriter,
    PcapException,
    SniffingError,
    _source,
)
from cycapture.libpcap._pcap import DLT, BaseSniffer, SniffingIterator, datalink_to_description
from cycapture.libtins import IP, RAW, TCP, UDP, Dot1Q, EthernetII, Loopback, MalformedPacket

import gofollow

DATA = Path(__file__).parents[1] / "data"
FRAMES = conversation([b"GET / HTTP/1.0\r\n\r\n"], [b"HTTP/1.0 200 OK\r\n\r\nhi"])


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(FRAMES))
    return path


def sniffed(path: Path) -> list[Any]:
    packets: list[Any] = []
    BlockingSniffer(filename=path).sniff_and_store(packets)
    return packets


@pytest.mark.parametrize("name", [str, lambda path: str(path).encode(), lambda path: path, lambda path: path.open("rb")])
def test_file_by_any_name(capture: Path, name: Any) -> None:
    sniffer = BlockingSniffer(filename=name(capture))
    assert (sniffer.filename, sniffer.interface, sniffer.activated) == (str(capture).encode(), None, False)
    assert sniffer.datalink == (1, b"EN10MB", b"Ethernet")
    assert sniffer.list_datalinks() == [sniffer.datalink]
    assert sniffer.can_set_monitor_mode[0] is False
    packets: list[Any] = []
    sniffer.sniff_and_store(packets)
    assert packets == [(1_700_000_000, number * 1000, len(frame), frame) for number, frame in enumerate(FRAMES)]
    assert (sniffer.total, sniffer.ps_recv, sniffer.ps_drop, sniffer.ps_ifdrop) == (len(FRAMES), len(FRAMES), 0, 0)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.pcap")), ids=lambda path: path.name)
def test_recorded_captures(path: Path) -> None:
    link_type, records = read_pcap(path.read_bytes())
    sniffer = BlockingSniffer(filename=path)
    assert sniffer.datalink[0] == {101: DLT.DLT_RAW}.get(link_type, link_type)
    with sniffer.iterator() as packets:
        assert [((sec * 1_000_000 + usec) * 1000, data, length) for sec, usec, length, data in packets] == [
            (time // 1000 * 1000, data, length) for time, data, length in records
        ]


@pytest.mark.parametrize("order", "<>")
def test_pcapng(tmp_path: Path, capture: Path, order: str) -> None:
    (tmp_path / "x.pcapng").write_bytes(pcapng_of([(time, frame) for time, frame, _ in read_pcap(pcap(FRAMES))[1]], order))
    assert sniffed(tmp_path / "x.pcapng") == sniffed(capture)


def test_filter_is_text_or_bytes_and_reads_as_bytes(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    assert sniffer.filter is None
    for expression in ("src port 80", b"src port 80"):
        sniffer.filter = expression
        assert sniffer.filter == b"src port 80"
        packets: list[Any] = []
        sniffer.sniff_and_store(packets, EthernetII.from_buffer)
        assert {packet.rfind_pdu(TCP).sport for _, _, _, packet in packets} == {80}
        assert len(packets) == sniffer.total == sniffer.ps_recv == 3
    sniffer.filter = None
    assert sniffer.filter is None
    with sniffer.iterator() as unfiltered:
        assert len(list(unfiltered)) == len(FRAMES)


def test_filter_sees_the_length_on_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap([])[:24] + struct.pack("<IIII", 1, 2, 60, 1500) + FRAMES[0].ljust(60, b"\0"))
    sniffer = BlockingSniffer(filename=path)
    sniffer.filter = "greater 1000"
    packets: list[Any] = []
    sniffer.sniff_and_store(packets)
    assert [(length, len(data)) for _, _, length, data in packets] == [(1500, 60)]


def test_bad_filter_says_what_libpcap_says(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    sniffer.filter = "tcp and prot 80"
    with pytest.raises(PcapException, match=r"prot 80.*(syntax error|parse)"):
        sniffer.sniff_and_store([])
    assert not sniffer.activated
    sniffer.filter = "tcp"
    with sniffer.iterator(cache_size=1) as packets:  # so that the file is still open
        next(packets)
        with pytest.raises(PcapException):
            sniffer.filter = "nonsense"
        assert sniffer.filter == b"tcp"
        assert len(list(packets)) == len(FRAMES) - 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "truncated"),
        (b"plain text, as long as a header\n" * 3, "unknown file format"),
        (pcap(FRAMES)[:10], "truncated"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PcapException, match=words) as caught:
        BlockingSniffer(filename=path)
    assert str(path) in str(caught.value)


def test_what_cannot_be_sniffed(tmp_path: Path) -> None:
    for arguments in ({}, {"interface": "lo", "filename": "x"}, {"filename": ""}, {"interface": b""}):
        with pytest.raises(ValueError):
            BlockingSniffer(**arguments)
    with pytest.raises(PcapException, match="regular file"):
        BlockingSniffer(filename=tmp_path)
    with pytest.raises(TypeError):
        BlockingSniffer(filename=5)


@pytest.mark.parametrize("frames", [FRAMES, FRAMES[:1], FRAMES[:1] * 257], ids=["several", "one", "behind a batch"])
def test_cut_file_gives_what_stands_before(tmp_path: Path, frames: list[bytes]) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(frames)[:-5])
    packets: list[Any] = []
    with pytest.raises(SniffingError, match="truncated"):
        BlockingSniffer(filename=path).sniff_and_store(packets)
    assert [packet[3] for packet in packets] == frames[:-1]
    packets = []
    with BlockingSniffer(filename=path).iterator() as iterator, pytest.raises(SniffingError, match="truncated"):
        for packet in iterator:
            packets.append(packet)
    assert [packet[3] for packet in packets] == frames[:-1]
    assert list(iterator) == []


def test_containers(capture: Path) -> None:
    container: Any
    for container in ([], collections.deque(), queue.Queue(), queue.SimpleQueue()):
        BlockingSniffer(filename=capture).sniff_and_store(container)
        size = container.qsize() if hasattr(container, "qsize") else len(container)
        assert size == len(FRAMES)
    with pytest.raises(TypeError, match="append or put_nowait"):
        BlockingSniffer(filename=capture).sniff_and_store({})


def test_callbacks_of_four_and_five_arguments(capture: Path) -> None:
    calls: list[Any] = []

    def four(sec: int, usec: int, length: int, packet: Any) -> None:
        calls.append((length, packet.tobytes()))

    def five(sec: int, usec: int, captured: int, length: int, packet: Any) -> None:
        calls.append((captured, length, packet.tobytes()))

    class Script:
        def method(self, sec: int, usec: int, length: int, packet: Any) -> None:
            calls.append(length)

    sniffer = BlockingSniffer(filename=capture)
    sniffer.sniff_callback(four, max_p=1)
    BlockingSniffer(filename=DATA / "snaplen96.pcap").sniff_callback(f=five)
    cut = [call for call in calls if call[0] == 96]
    assert max(length for _, length, _ in cut) == 1514
    assert {len(data) for _, _, data in cut} == {96}
    del calls[1:]
    sniffer.sniff_callback(Script().method, 1)
    sniffer.sniff_callback(lambda *packet: calls.append(len(packet)), 1)
    length = len(FRAMES[0])
    assert calls == [(length, FRAMES[0]), length, 4]
    for nothing in (lambda: None, lambda *, packet: None):
        with pytest.raises(TypeError, match="must take"):
            sniffer.sniff_callback(nothing)
    with pytest.raises(TypeError):
        sniffer.sniff_callback(None)  # type: ignore[arg-type]


def test_raising_callback_is_logged_and_sniffing_goes_on(capture: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def callback(sec: int, usec: int, length: int, packet: Any) -> None:
        calls.append(length)
        raise KeyError("mine")

    BlockingSniffer(filename=capture).sniff_callback(callback)
    assert len(calls) == len(FRAMES)
    assert [record.name for record in caplog.records] == ["cycapture"] * len(FRAMES)
    assert "KeyError: 'mine'" in caplog.text


def test_dropped_packets(capture: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A packet for which f raises or returns None; an exception of libtins is no more than a debug message."""
    caplog.set_level(logging.DEBUG)
    numbers = iter(range(1000))

    def f(packet: Any) -> Any:
        number = next(numbers)
        if number % 3 == 0:
            raise MalformedPacket("mine") if number % 2 else ValueError("mine")
        return number if number % 3 == 1 else None

    packets: list[Any] = []
    BlockingSniffer(filename=capture).sniff_and_store(packets, f)
    assert [item for *_, item in packets] == [1, 4, 7]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.DEBUG, logging.ERROR]
    with BlockingSniffer(filename=capture).iterator(f, max_p=2) as iterator:
        assert [item for *_, item in iterator] == [10, 13]


def test_max_p(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    for wanted in (1, 3, len(FRAMES), len(FRAMES) + 5):
        for cache_size in (1, 2, 10000, 0):
            with sniffer.iterator(max_p=wanted, cache_size=cache_size) as packets:
                assert len(list(packets)) == min(wanted, len(FRAMES))
        stored: list[Any] = []
        sniffer.sniff_and_store(stored, max_p=wanted)
        assert len(stored) == sniffer.total == min(wanted, len(FRAMES))
        assert sniffer.max_p == wanted


def test_cache_holds_back_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap([bytes([number % 256]) * 60 for number in range(5000)]))
    sniffer = BlockingSniffer(filename=path)
    most = 0
    with sniffer.iterator(cache_size=100) as iterator:
        for number, packet in enumerate(iterator):
            assert packet[3][0] == number % 256
            most = max(most, sniffer.total - number)
    assert number == 4999
    assert most <= 100 + 100 + 1  # in the queue, and the batch in hand


def test_iterator_without_with_and_abandoned_ones(capture: Path) -> None:
    iterator = BlockingSniffer(filename=capture).iterator()
    assert isinstance(iterator, SniffingIterator)
    assert iterator.next()[3] == FRAMES[0]
    assert [packet[3] for packet in iterator] == FRAMES[1:]
    sniffer = BlockingSniffer(filename=capture)
    iterator = sniffer.iterator(max_p=1, cache_size=1)
    next(iterator)
    assert not sniffer.activated  # ready for something else
    with sniffer.iterator(cache_size=1) as iterator:
        next(iterator)
    assert list(iterator) == []
    assert not sniffer.activated
    assert not BlockingSniffer.active_sniffers


def test_one_thing_at_a_time(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    with sniffer.iterator(cache_size=1) as iterator:
        next(iterator)
        assert sniffer.activated
        assert list(BlockingSniffer.active_sniffers.values()) == [sniffer]
        with pytest.raises(RuntimeError, match="already"):
            sniffer.sniff_and_store([])
        with pytest.raises(PcapException, match="snapshot_length"):
            sniffer.snapshot_length = 5
    sniffer.snapshot_length = 5


def test_two_threads_want_one_sniffer(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    inside, leave, refused = threading.Event(), threading.Event(), []

    def callback(*packet: Any) -> None:
        inside.set()
        leave.wait(30)

    thread = threading.Thread(target=sniffer.sniff_callback, args=(callback, 1))
    thread.start()
    assert inside.wait(30)
    try:
        sniffer.sniff_and_store([])
    except RuntimeError as error:
        refused.append(error)
    leave.set()
    thread.join()
    assert len(refused) == 1
    sniffer.sniff_and_store(refused, max_p=2)
    assert len(refused) == 3


def test_a_bad_limit_leaves_the_sniffer_usable(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    container: list[Any] = []
    for limit in ("many", None):
        with pytest.raises((TypeError, ValueError)):
            sniffer.sniff_and_store(container, max_p=limit)  # type: ignore[arg-type]
    assert not sniffer.activated
    sniffer.sniff_and_store(container)
    assert len(container) == len(FRAMES)


def test_statistics_that_fail_leave_the_sniffer_usable(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sniffer, closed = BlockingSniffer(filename=capture), []

    def failing(source: Any) -> None:
        raise PcapException("the interface went away")

    with monkeypatch.context() as patch:
        close = _source.FileSource.close
        patch.setattr(_source.FileSource, "statistics", failing)
        patch.setattr(_source.FileSource, "close", lambda source: (closed.append(source), close(source)))  # type: ignore[func-returns-value]
        with pytest.raises(PcapException, match="went away"):
            sniffer.sniff_and_store([])
        iterator = sniffer.iterator()
        iterator.start()
        iterator._thread.join(30)  # type: ignore[union-attr]
        assert iterator._queue.qsize() == 3  # packets, the error, the end
        assert [next(iterator)[3] for _ in FRAMES] == FRAMES
        with pytest.raises(PcapException, match="went away"):
            next(iterator)
        assert len(closed) == 2
        assert list(iterator) == []
    assert not sniffer.activated
    assert [packet[3] for packet in sniffer.iterator()] == FRAMES


def test_statistics_that_fail_leave_an_exported_file_complete(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(source: Any) -> None:
        raise PcapException("the interface went away")

    loop = asyncio.new_event_loop()
    sniffer = NonBlockingSniffer(filename=capture).set_loop(loop)
    sniffer.sniff_and_export(str(tmp_path / "y.pcap"))
    monkeypatch.setattr(_source.FileSource, "statistics", failing)
    sniffer._take(1, 2, len(FRAMES[0]), FRAMES[0])  # type: ignore[misc]
    with pytest.raises(PcapException, match="went away"):
        sniffer.stop()
    loop.close()
    assert not sniffer.activated
    monkeypatch.undo()
    assert [packet[3] for packet in sniffed(tmp_path / "y.pcap")] == FRAMES[:1]


def test_stopping(capture: Path) -> None:
    sniffer = BlockingSniffer(filename=capture)
    seen = []

    def callback(sec: int, usec: int, length: int, packet: Any) -> None:
        seen.append(length)
        sniffer.ask_stop()

    sniffer.sniff_callback(callback)
    assert len(seen) == sniffer.total == 1
    sniffer.sniff_callback(lambda *packet: BlockingSniffer.stop_all())
    assert sniffer.total == 1
    sniffer.ask_stop()  # nobody listens: nothing happens
    with sniffer as entered:
        entered.sniff_and_store(seen, max_p=2)
    assert len(seen) == 3


def test_settings() -> None:
    sniffer = BlockingSniffer("lo", None, 100, 1 << 20, 262144, False, False, 1)
    assert (sniffer.read_timeout, sniffer.buffer_size, sniffer.snapshot_length, sniffer.direction) == (100, 1 << 20, 262144, 1)
    assert sniffer.direction is BaseSniffer.DIRECTION.PCAP_D_IN
    assert (sniffer.promisc_mode, sniffer.monitor_mode, sniffer.interface) == (False, False, b"lo")
    sniffer.read_timeout = sniffer.buffer_size = -1
    assert (sniffer.read_timeout, sniffer.buffer_size) == (0, 0)
    for name, value in (("snapshot_length", 262145), ("snapshot_length", -1), ("direction", 3), ("buffer_size", 1 << 31)):
        with pytest.raises(ValueError):
            setattr(sniffer, name, value)
    assert datalink_to_description(228)[0] == b"IPV4"
    assert datalink_to_description(99999) == (b"", b"")


# In an event loop


@pytest.mark.parametrize("library", ["asyncio", "tornado"])
def test_file_in_an_event_loop(tmp_path: Path, library: str) -> None:
    frames = [number.to_bytes(2, "big") * 30 for number in range(600)]
    (tmp_path / "many.pcap").write_bytes(pcap(frames))
    ioloop = pytest.importorskip("tornado.ioloop", reason="tornado is not installed") if library == "tornado" else None

    async def main() -> None:
        sniffer = NonBlockingSniffer(filename=tmp_path / "many.pcap")
        sniffer.set_loop(ioloop.IOLoop.current() if ioloop else asyncio.get_running_loop())

        async def until_over() -> None:
            while sniffer.activated:
                await asyncio.sleep(0)

        def over() -> Any:
            return asyncio.wait_for(until_over(), 60)

        packets: list[Any] = []
        assert sniffer.sniff_and_store(packets) is None
        assert packets == []
        await over()
        assert [data for *_, data in packets] == frames
        assert not NonBlockingSniffer.active_sniffers

        seen, closed_by_then = [], []

        def callback(sec: int, usec: int, length: int, packet: Any) -> None:
            seen.append(packet.tobytes())
            if len(seen) == 300:
                sniffer.stop()
                closed_by_then.append(not sniffer.activated)

        sniffer.sniff_callback(callback)
        await over()
        assert seen == frames[:300]
        assert closed_by_then == [False]  # not while packets are being delivered

        sniffer.sniff_and_export(tmp_path / "out.pcap", max_p=400)
        await over()
        assert [data for *_, data in sniffed(tmp_path / "out.pcap")] == frames[:400]

    asyncio.run(main())


def test_event_loop_is_needed(capture: Path, tmp_path: Path) -> None:
    sniffer = NonBlockingSniffer(filename=capture)
    with pytest.raises(RuntimeError, match="set_loop first"):
        sniffer.sniff_and_export(tmp_path / "out.pcap")
    assert not (tmp_path / "out.pcap").exists()
    with pytest.raises(TypeError):
        sniffer.set_loop(5)
    sniffer.stop()


# Writing


@pytest.mark.parametrize("cls", [PacketWriter, NonBlockingPacketWriter])
@pytest.mark.parametrize("link_type", [1, EthernetII, EthernetII(), "DLT_EN10MB", b"EN10MB", DLT.DLT_EN10MB])
def test_written_file(tmp_path: Path, cls: Any, link_type: int) -> None:
    path = tmp_path / "my.pcap"
    pdu = EthernetII("00:00:00:00:00:01", "00:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hi")
    with cls(linktype=link_type, output=str(path)) as writer:
        writer.write(pdu, 1_700_000_000, 999_999)
        writer.write(pdu.serialize(), tv_sec=5, tv_usec=6)
        writer.write(memoryview(FRAMES[0]))
    in_file, records = read_pcap(path.read_bytes())
    assert in_file == 1
    assert records[:2] == [(1_700_000_000_999_999_000, pdu.serialize(), 60), (5_000_006_000, pdu.serialize(), 60)]
    assert records[2][1] == FRAMES[0]
    assert records[2][0] > 1_700_000_000 * 10**9
    assert [packet[3] for packet in sniffed(path)] == [record[1] for record in records]
    with pytest.raises(ValueError, match="closed"):
        writer.write(FRAMES[0])
    writer.close()
    writer.open()
    writer.write(FRAMES[1], 7)
    writer.close()
    assert [packet[3] for packet in sniffed(path)] == [*(record[1] for record in records), FRAMES[1]]


def written(link_type: int, packets: list[Any]) -> bytes:
    head = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)
    return head + b"".join(struct.pack("=IIII", sec, usec, len(data), len(data)) + data for sec, usec, data in packets)


def test_an_object_that_can_only_write() -> None:
    class Sink:
        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> None:
            self.data += data

    for cls in (PacketWriter, NonBlockingPacketWriter):
        sink = Sink()
        with cls(1, sink) as writer:
            writer.write(FRAMES[0], 1, 2)
        assert sink.data == written(1, [(1, 2, FRAMES[0])])


def test_file_objects(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with PacketWriter(1, buffer) as writer:
        writer.write(FRAMES[0], 1, 2)
    assert buffer.getvalue() == written(1, [(1, 2, FRAMES[0])])
    with (tmp_path / "x").open("w") as text:  # as a script of Python 2 opens it
        with PacketWriter(1, text) as writer:
            writer.write(FRAMES[0], 1, 2)
        assert not text.closed
    assert (tmp_path / "x").read_bytes() == buffer.getvalue()


def test_link_types_have_their_numbers_in_files(tmp_path: Path) -> None:
    pdu = EthernetII() / IP("10.0.0.1", "10.0.0.2") / UDP(53, 4000)
    expected = pdu.serialize()[14:42]  # with its checksum, which IP alone leaves to the kernel
    for given_type, in_file in (("RAW", 101), (228, 228)):
        with PacketWriter(given_type, tmp_path / "x") as writer:
            writer.write(pdu, 1, 2)
        assert read_pcap((tmp_path / "x").read_bytes()) == (in_file, [(1_000_002_000, expected, len(expected))])
    loopback = Loopback() / IP("127.0.0.1", "127.0.0.1") / UDP(53, 4000)
    with PacketWriter(Loopback, tmp_path / "x") as writer:
        writer.write(loopback, 1, 2)
    link_type, ((_, data, _),) = read_pcap((tmp_path / "x").read_bytes())
    assert (link_type, data[:4]) == (0, b"\2\0\0\0")
    with PacketWriter(DLT.DLT_LOOP, tmp_path / "x") as writer:  # in network byte order
        writer.write(loopback, 1, 2)
    link_type, ((_, data, _),) = read_pcap((tmp_path / "x").read_bytes())
    assert (link_type, data[:4]) == (108, b"\0\0\0\2")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for link_type, error in ((TCP, TypeError), ("nonsense", ValueError), (-1, ValueError), (1 << 16, ValueError)):
        with pytest.raises(error):
            PacketWriter(link_type, tmp_path / "x")
    with pytest.raises(ValueError, match="output"):
        PacketWriter(1, None)
    with pytest.raises(FileNotFoundError):
        PacketWriter(1, tmp_path / "none" / "x")
    with PacketWriter(1, tmp_path / "x") as writer:
        for arguments in ((5,), (TCP(),), (bytes(262145),), (b"", 1 << 32), (b"", 1, 1_000_000), (b"", -2)):
            with pytest.raises(ValueError):
                writer.write(*arguments)
    assert (tmp_path / "x").stat().st_size == 24


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_disk() -> None:
    with pytest.raises(OSError), PacketWriter(1, "/dev/full") as writer:
        writer.write(bytes(60))
    writer = NonBlockingPacketWriter(1, io.FileIO("/dev/null", "w"))
    writer.write(bytes(60))
    writer.close()
    with pytest.raises(OSError), NonBlockingPacketWriter(1, "/dev/full") as writer:
        writer.write(bytes(100_000))


def test_threads_share_a_writer(tmp_path: Path) -> None:
    for cls in (PacketWriter, NonBlockingPacketWriter):
        with cls(1, tmp_path / "x") as writer:
            threads = [threading.Thread(target=lambda: [writer.write(frame, 1) for frame in FRAMES * 50]) for _ in range(4)]  # type: ignore[func-returns-value]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(packet[3] for packet in sniffed(tmp_path / "x")) == sorted(FRAMES * 200)


ENDS_WITHOUT_CLOSE = """
import sys
from cycapture.libpcap import NonBlockingPacketWriter
writer = NonBlockingPacketWriter(1, sys.argv[1])
for number in range(1000):
    writer.write(bytes(1000), number)
"""


def test_what_waits_is_written_at_the_end_of_a_script(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ENDS_WITHOUT_CLOSE, tmp_path / "x"], check=True, timeout=60)
    assert len(sniffed(tmp_path / "x")) == 1000


def test_export(capture: Path, tmp_path: Path) -> None:
    sniffer = BlockingSniffer(filename=DATA / "snaplen96.pcap")
    sniffer.sniff_and_export(tmp_path / "out.pcap")
    assert sniffed(tmp_path / "out.pcap") == sniffed(DATA / "snaplen96.pcap")
    with (tmp_path / "two.pcap").open("wb") as file:
        BlockingSniffer(filename=capture).sniff_and_export(file, max_p=2)
    assert [packet[3] for packet in sniffed(tmp_path / "two.pcap")] == FRAMES[:2]
    BlockingSniffer(filename=capture).sniff_and_export(tmp_path / "follow.pcap")
    (stream,) = gofollow.follow(tmp_path / "follow.pcap")
    assert stream.server_payload == b"HTTP/1.0 200 OK\r\n\r\nhi"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 999_999), st.binary(max_size=300)), max_size=5),
    st.sampled_from([0, 1, 12, 105, 113, 276]),
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, packets: list[Any], link_type: int) -> None:
    path = tmp_path_factory.mktemp("written") / "x.pcap"
    with PacketWriter(link_type, path) as writer:
        for sec, usec, data in packets:
            writer.write(data, sec, usec)
    sniffer = BlockingSniffer(filename=path)
    assert sniffer.datalink[0] == link_type
    assert sniffed(path) == [(sec, usec, len(data), data) for sec, usec, data in packets]


# Filtering packets captured before


def test_offline_filter() -> None:
    pdu = EthernetII() / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hi")
    other = EthernetII() / IP("10.0.0.1", "10.0.0.2") / UDP(80, 4000)
    for expression in ("tcp dst port 80", b"tcp dst port 80"):
        taken = OfflineFilter(expression, EthernetII)
        assert taken.match_pdu(pdu)
        assert not taken.match_pdu(other)
        data = pdu.serialize()
        for buffer in (data, bytearray(data), memoryview(data), pdu):
            assert taken.match_buffer(buffer) is True
        assert taken.match_buffer(other) is False
        assert taken.match_buffer(None) is False
        assert list(taken.ifilter([pdu, other, None, 5, data])) == [pdu, data]
    assert OfflineFilter("dst host 10.0.0.1", DLT.DLT_RAW).match_pdu(pdu.rfind_pdu(IP))
    assert OfflineFilter(filter_string="greater 60", linktype=1, snaplen=100).match_buffer(bytes(60))
    with pytest.raises(TypeError):
        taken.match_buffer(5)


def test_offline_filter_sees_what_was_captured() -> None:
    packet = (IP("10.0.0.1", "10.0.0.2") / RAW(b"\0\0\x08\0" + bytes(20))).serialize()
    packet = packet[:9] + b"\x2f" + packet[10:]  # GRE, which no class takes
    frame = bytes(12) + b"\x08\0" + packet
    taken = OfflineFilter("ip proto 47", EthernetII)
    pdu = EthernetII.from_buffer(frame)
    assert (taken.match_buffer(frame), taken.match_pdu(pdu), taken.match_buffer(pdu)) == (True, True, True)
    assert OfflineFilter("ip proto 47", DLT.DLT_RAW).match_pdu(pdu.rfind_pdu(IP))
    pdu.rfind_pdu(IP).ttl = 7
    assert OfflineFilter("ip[8] = 7", EthernetII).match_pdu(pdu)
    tag = Dot1Q.from_buffer(b"\0\x05\x08\0" + packet)
    assert OfflineFilter("ether[1] = 5", EthernetII).match_pdu(tag)


def test_offline_filter_says_what_is_wrong() -> None:
    with pytest.raises(PcapException, match=r"parse|syntax"):
        OfflineFilter("tcp and prot 80", 1)
    for arguments in (("", 1), (None, 1), ("tcp", 1, 0), ("tcp", 1, 65536), ("tcp", "nonsense")):
        with pytest.raises(ValueError):
            OfflineFilter(*arguments)
    with pytest.raises(TypeError):
        OfflineFilter("tcp", TCP)
