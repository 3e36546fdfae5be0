"""Writers over files that take a part or fail, and filters that libpcap must not be given."""

import errno
import io
import os
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from cycapture.libpcap import NonBlockingPacketWriter, PacketWriter
from cycapture.libtins import EthernetII
from frames import read_pcap

RECORD = 76


class Taking(io.RawIOBase):
    """A raw file that takes as many bytes at a time as steps say, or raises them; then everything."""

    def __init__(self, *steps: Any) -> None:
        self.data, self.steps = b"", list(steps)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> Any:
        step = self.steps.pop(0) if self.steps else len(data)
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            self.data += bytes(data[:step])
            return min(step, len(data))
        return None


def packets(count: int) -> list[bytes]:
    return [bytes([number]) * 60 for number in range(count)]


def records(data: bytes) -> list[bytes]:
    return [packet for _, packet, _ in read_pcap(data)[1]]


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("part", [1, 7, 15, 16, 23, 24, 25, 75])
def test_a_write_that_takes_a_part_is_completed(part: int) -> None:
    out = Taking(*[part] * 40)
    with PacketWriter("EN10MB", out) as writer:
        for packet in packets(5):
            writer.write(packet, 1, 2)
    assert records(out.data) == packets(5)


@pytest.mark.parametrize("written", range(0, RECORD, 5))
@pytest.mark.parametrize("fault", [FULL, None, ValueError("I/O operation on closed file"), KeyboardInterrupt()])
def test_an_error_in_the_midst_of_a_packet_comes_out_and_the_rest_is_written_first(written: int, fault: BaseException) -> None:
    out = Taking(24, RECORD, *[written] * (written > 0), fault)
    writer = PacketWriter("EN10MB", out)
    first, second, third = packets(3)
    writer.write(first, 1, 2)
    with pytest.raises(BlockingIOError if fault is None else type(fault)):
        writer.write(second, 1, 2)
    assert len(out.data) == 24 + RECORD + written
    writer.write(third, 1, 2)
    writer.close()
    assert records(out.data) == ([first, second, third] if written else [first, third])


def test_close_completes_a_packet_or_says_that_it_cannot() -> None:
    out = Taking(24, 5, FULL, 6, FULL)
    writer = PacketWriter("EN10MB", out)
    with pytest.raises(OSError, match="No space"):
        writer.write(packets(1)[0], 1, 2)
    with pytest.raises(OSError, match="No space"):
        writer.close()
    writer.close()
    writer.open()
    writer.close()
    assert records(out.data) == packets(1)


def test_a_file_object_that_takes_nothing_is_no_endless_loop() -> None:
    with pytest.raises(OSError, match=r"write\(\) took 0 of 24 bytes"):
        PacketWriter("EN10MB", Taking(0))


@pytest.mark.parametrize("answer", [None, True, "yes", 10**9])
def test_a_file_object_that_does_not_say_how_much_it_took(answer: Any) -> None:
    class Out:
        data = b""

        def write(self, data: Any) -> Any:
            assert type(data) is bytes
            self.data += data
            return answer

    out = Out()
    with PacketWriter("EN10MB", out) as writer:
        writer.write(packets(1)[0], 1, 2)
    assert records(out.data) == packets(1)


def test_a_pipe_that_is_full() -> None:
    """An error while nobody reads, and a capture without a fault once the reader comes."""
    reader, end = os.pipe()
    os.set_blocking(end, False)
    got = b""
    with open(end, "wb", buffering=0) as raw:
        writer = PacketWriter("EN10MB", raw)
        written = 0
        with pytest.raises(BlockingIOError):
            while True:
                writer.write(bytes(1000), 1, 2)
                written += 1
        while len(got) < 1016 * (written - 1):
            got += os.read(reader, 1 << 20)
        writer.close()
    while piece := os.read(reader, 1 << 20):
        got += piece
    os.close(reader)
    assert len(records(got)) in (written, written + 1)
    assert (len(got) - 24) % 1016 == 0


def test_several_threads_write_whole_packets_to_a_socket() -> None:
    ours, theirs = socket.socketpair()
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.extend(iter(lambda: theirs.recv(1 << 16), b"")))
    reader.start()
    with ours, ours.makefile("wb", buffering=0) as raw:
        writer = PacketWriter("EN10MB", raw)
        threads = [threading.Thread(target=lambda n=n: [writer.write(bytes([n]) * 5000, 1, 2) for _ in range(50)]) for n in range(4)]  # type: ignore[func-returns-value]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.close()
        ours.shutdown(socket.SHUT_WR)
        reader.join()
    theirs.close()
    assert sorted(records(b"".join(got))) == sorted(bytes([n]) * 5000 for n in range(4) for _ in range(50))


def when_done(writer: Any, out: Any) -> None:
    """Wait until the writer's thread has come upon its fault."""
    while writer._failure is None:
        out.failed.wait(0.01)


FAULTS = [FULL, ValueError("I/O operation on closed file"), TypeError("a str is wanted"), SystemExit(3), MemoryError()]


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_writing_thread_comes_upon_reaches_the_script(fault: BaseException) -> None:
    class Gone(Taking):
        failed = threading.Event()

    out = Gone(24, RECORD, fault)
    writer = NonBlockingPacketWriter("EN10MB", out)
    first, second, third = packets(3)
    writer.write(first, 1, 2)
    writer.write(second, 1, 2)
    when_done(writer, out)
    with pytest.raises(type(fault)) as raised:
        writer.write(third, 1, 2)
    assert raised.value is fault
    writer.write(third, 1, 2)
    writer.close()
    assert records(out.data) == [first, third]


@pytest.mark.parametrize("fault", [ValueError("I/O operation on closed file"), KeyboardInterrupt()])
def test_what_the_writing_thread_comes_upon_last_comes_out_of_close(fault: BaseException) -> None:
    writer = NonBlockingPacketWriter("EN10MB", Taking(24, fault))
    writer.write(packets(1)[0], 1, 2)
    with pytest.raises(type(fault)):
        writer.close()
    writer.close()


def test_a_closed_writer_says_so() -> None:
    for cls in (PacketWriter, NonBlockingPacketWriter):
        writer = cls("EN10MB", io.BytesIO())
        writer.close()
        for kind in (RuntimeError, ValueError):
            with pytest.raises(kind, match=r"the writer is closed: open\(\) it"):
                writer.write(bytes(60))


# Filters


@pytest.fixture(scope="module")
def libpcap() -> Any:
    pytest.importorskip("pcapy", reason="pcapy-ng is not installed")
    import cycapture.libpcap

    return cycapture.libpcap


@pytest.fixture
def sniffer(libpcap: Any, tmp_path: Path) -> Any:
    (tmp_path / "x.pcap").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    return libpcap.BlockingSniffer(filename=tmp_path / "x.pcap")


MANY = " or ".join(f"host 10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(30_000))


TOO_LONG = [MANY, MANY.encode(), "tcp or " * 30_000 + "tcp", "(" * 20_000 + "tcp" + ")" * 20_000, "not " * 30_000 + "tcp"]


@pytest.mark.parametrize("terms", TOO_LONG, ids=range(5))
def test_a_filter_of_too_many_terms(libpcap: Any, sniffer: Any, terms: int) -> None:
    """libpcap compiles by recursion and ends the process."""
    with pytest.raises(libpcap.PcapException, match=r"a filter expression has up to 16384 characters, this one has \d+"):
        libpcap.OfflineFilter(terms, EthernetII)
    sniffer.filter = "tcp"
    with pytest.raises(libpcap.PcapException, match="up to 16384 characters"):
        sniffer.filter = terms
    assert sniffer.filter == b"tcp"


def test_a_filter_of_many_terms_is_compiled(libpcap: Any) -> None:
    filter_ = libpcap.OfflineFilter("not " * 4000 + "tcp", EthernetII)
    assert not filter_.match_buffer(bytes(60))


@pytest.mark.parametrize("text", ["tcp\0 and port 80", b"tcp\0", "\0", "tcp and port 80\0"])
def test_a_filter_with_a_nul(libpcap: Any, sniffer: Any, text: str) -> None:
    """libpcap would take what stands before it."""
    with pytest.raises(ValueError, match=r"filter_string holds a NUL at character \d+"):
        libpcap.OfflineFilter(text, EthernetII)
    with pytest.raises(ValueError, match="filter holds a NUL"):
        sniffer.filter = text
    assert sniffer.filter is None


def test_an_interface_with_a_nul(libpcap: Any) -> None:
    for use in (libpcap.BlockingSniffer, libpcap.lookupnet):
        with pytest.raises(ValueError, match="interface holds a NUL at character 2"):
            use("lo\0x")


@pytest.mark.parametrize("number", [-1, 1 << 31, 1 << 32, (1 << 32) + 1, 1 << 64])
def test_a_link_type_that_is_none(libpcap: Any, number: int) -> None:
    """ctypes would take the lowest 32 bits."""
    with pytest.raises(ValueError, match="is not a data link type"):
        libpcap.OfflineFilter("tcp", number)
    with pytest.raises(ValueError, match="is not a data link type"):
        PacketWriter(number, io.BytesIO())
    from cycapture.libpcap._pcap import datalink_to_description

    assert datalink_to_description(number) == (b"", b"")
