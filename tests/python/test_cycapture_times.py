"""Times of capture: sniffers hand them over with the packets, PDUs keep them, followers use them."""

import asyncio
import copy
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cycapture.libtins import IP, RAW, TCP, Dot1Q, EthernetII, MemoryViewFormat, TCPStreamFollower
from cycapture.libtins._captured import captured
from frames import ACK, CLIENT, PSH, SERVER, SYN, conversation, pcap_of, tcp

pytest.importorskip("pcapy", reason="pcapy-ng is not installed")

from cycapture.libpcap import BlockingSniffer, NonBlockingSniffer, OfflineFilter, PacketWriter

START = 1_700_000_000
FRAMES = conversation([b"ping"], [b"pong"])


def pcap(path: Path, frames: list[bytes], seconds: Iterable[float]) -> Path:
    """A capture of frames, each at so many seconds (to a microsecond) after START."""
    times = [START * 10**9 + round(second * 1_000_000) * 1000 for second in seconds]
    path.write_bytes(pcap_of(zip(times, frames, strict=True), unit=1000))
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return pcap(tmp_path / "x.pcap", FRAMES, [number / 8 for number in range(len(FRAMES))])


TIMES = [(START * 8 + number) * 125_000_000 for number in range(len(FRAMES))]


def time_of(pdu: Any) -> Any:
    return pdu.__gofollow_frame__()[2]


def by_callback(path: Path) -> list[Any]:
    found = []
    BlockingSniffer(filename=path).sniff_callback(lambda sec, usec, length, packet: found.append(EthernetII.from_buffer(packet)))
    return found


def by_callback_of_five(path: Path) -> list[Any]:
    found = []
    BlockingSniffer(filename=path).sniff_callback(lambda sec, usec, captured, length, packet: found.append(EthernetII(buf=packet)))
    return found


def by_store(path: Path) -> list[Any]:
    found: list[Any] = []
    BlockingSniffer(filename=path).sniff_and_store(found, EthernetII.from_buffer)
    return [item for *_, item in found]


def by_store_of_bytes(path: Path) -> list[Any]:
    found: list[Any] = []
    BlockingSniffer(filename=path).sniff_and_store(found)
    return [EthernetII.from_buffer(item) for *_, item in found]


def by_iterator(path: Path) -> list[Any]:
    with BlockingSniffer(filename=path).iterator(lambda buf: EthernetII.from_buffer(buf), -1) as packets:
        return [item for *_, item in packets]


def by_iterator_of_bytes(path: Path) -> list[Any]:
    with BlockingSniffer(filename=path).iterator() as packets:
        return [EthernetII.from_buffer(item) for *_, item in packets]


def by_event_loop(path: Path) -> list[Any]:
    found = []

    async def main() -> None:
        done = asyncio.Event()
        sniffer = NonBlockingSniffer(filename=path)

        def callback(sec: int, usec: int, length: int, packet: bytes) -> None:
            found.append(EthernetII.from_buffer(packet))
            if len(found) == len(FRAMES):
                done.set()

        sniffer.set_loop(asyncio.get_running_loop()).sniff_callback(callback)
        await asyncio.wait_for(done.wait(), 60)

    asyncio.run(main())
    return found


WAYS = [by_callback, by_callback_of_five, by_store, by_store_of_bytes, by_iterator, by_iterator_of_bytes, by_event_loop]


@pytest.mark.parametrize("way", WAYS)
def test_pdus_from_a_sniffer_remember_their_time(capture: Path, way: Any) -> None:
    pdus = way(capture)
    assert [pdu.__gofollow_frame__() for pdu in pdus] == [(frame, 1, time) for frame, time in zip(FRAMES, TIMES, strict=True)]


def test_what_is_made_of_a_pdu_remembers_its_time() -> None:
    packet = captured(FRAMES[3], (7, 8))
    view, time = memoryview(packet), 7_000_008_000
    pdu = EthernetII.from_buffer(view)
    changed = pdu.copy()
    changed.dst_addr = "02:00:00:00:00:01"
    assert pdu.rfind_pdu(TCP).dport == 80
    for twin in (
        pdu,
        changed,
        pdu.copy(),
        copy.copy(pdu),
        copy.deepcopy(pdu),
        pickle.loads(pickle.dumps(pdu)),
        pickle.loads(pickle.dumps(pdu)).find_pdu(IP),
        pdu.rfind_pdu(IP),
        pdu.find_pdu(IP),
        pdu.copy_inner_pdu(),
        IP.from_buffer(view[14:]),
        IP(buf=view[14:]),
        EthernetII.from_buffer(packet),
        EthernetII(buf=packet),
    ):
        assert time_of(twin) == time
    assert time_of(EthernetII.from_buffer(packet[:])) is None
    assert time_of(EthernetII.from_buffer(FRAMES[3])) is None
    assert time_of(EthernetII() / pdu.rfind_pdu(IP)) is None
    tagged = captured(FRAMES[3][:12] + b"\x81\0\0\1" + FRAMES[3][12:], (7, 8))
    assert time_of(EthernetII.from_buffer(tagged).rfind_pdu(Dot1Q)) == time
    assert TCP(1, 2).__gofollow_frame__() is None
    assert RAW(b"x").__gofollow_frame__() is None


def test_a_slice_or_another_view_of_a_packet_is_read_as_before() -> None:
    data = bytes(range(100))
    view, plain = memoryview(captured(data, (7, 8))), memoryview(data)
    for at in (slice(14, None), slice(None, 50), slice(None, None, -1), slice(None, None, 2), slice(0, 0), slice(None)):
        assert RAW.from_buffer(view[at]).payload == RAW.from_buffer(plain[at]).payload == data[at]
        assert type(RAW.from_buffer(view[at]).payload) is bytes
    with pytest.raises(MemoryViewFormat):
        RAW.from_buffer(view.cast("I"))
    with pytest.raises(MemoryViewFormat):
        RAW.from_buffer(view.cast("B", [10, 10]))
    view.release()
    with pytest.raises(ValueError, match="released"):
        RAW.from_buffer(view)


def test_scripts_get_the_buffers_that_they_got_before(capture: Path) -> None:
    views: list[Any] = []
    items: list[Any] = []
    BlockingSniffer(filename=capture).sniff_callback(lambda sec, usec, length, packet: views.append(packet))
    BlockingSniffer(filename=capture).sniff_and_store(items)
    for frame, view, (*_, packet) in zip(FRAMES, views, items, strict=True):
        assert type(view) is memoryview
        assert (view.readonly, view.format, view.ndim, view.nbytes, view.contiguous) == (True, "B", 1, len(frame), True)
        assert view == frame == view.tobytes()
        assert hash(view) == hash(frame)
        assert isinstance(packet, bytes)
        assert packet.__class__ is bytes
        assert (packet, hash(packet), repr(packet), len(packet)) == (frame, hash(frame), repr(frame), len(frame))
        copies = copy.copy(packet), copy.deepcopy(packet), pickle.loads(pickle.dumps(packet))
        assert {type(made) for made in (packet[1:], packet + b"", packet.upper(), *copies)} == {bytes}
        assert copies == (frame,) * 3
        assert b"".join([packet]) == frame
        assert {frame: 1}[packet] == 1


def test_writers_and_filters_take_them(capture: Path, tmp_path: Path) -> None:
    items: list[Any] = []
    BlockingSniffer(filename=capture).sniff_and_store(items)
    tcp_only = OfflineFilter("tcp and dst port 80", EthernetII)
    with PacketWriter(EthernetII, tmp_path / "y.pcap") as writer:
        for sec, usec, _, packet in items:
            assert tcp_only.match_buffer(packet) == tcp_only.match_pdu(EthernetII.from_buffer(packet)) == (packet[36:38] == b"\0P")
            writer.write(packet, sec, usec)
    assert (tmp_path / "y.pcap").read_bytes() == capture.read_bytes()


# Followers


@pytest.fixture
def follower() -> Any:
    seen: list[Any] = []
    try:
        made: Any = TCPStreamFollower(
            lambda stream: seen.append(("data", stream.identifier, len(stream.client_payload), len(stream.server_payload))),
            lambda stream: seen.append(("end", stream.identifier)),
        )
    except (ImportError, OSError) as error:
        pytest.skip(f"gofollow's library is not built: {error}")
    made.seen = seen
    return made


HANDSHAKE = [tcp(CLIENT, SERVER, SYN, 1000), tcp(SERVER, CLIENT, SYN | ACK, 5000, 1001), tcp(CLIENT, SERVER, ACK, 1001, 5001)]


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_a_connection_that_is_silent_for_hours_goes_on(tmp_path: Path, follower: Any, after: int) -> None:
    """The original had no time-outs: silence ends neither a connection nor a handshake."""
    others = [tcp(("10.0.0.9", 9), SERVER, ACK, 1, 1)] * 200  # which move the capture's clock on
    seconds = [*range(after), *range(100, 20_100, 100), *range(20_100, 20_100 + len(FRAMES) - after)]
    frames = [*FRAMES[:after], *others, *FRAMES[after:]]
    follower.feed(by_iterator(pcap(tmp_path / "x.pcap", frames, seconds)))
    assert follower.seen == [("data", 0, 4, 0), ("data", 0, 4, 4), ("end", 0)]


@pytest.mark.parametrize("way", WAYS)
def test_a_follower_gets_the_times(tmp_path: Path, follower: Any, way: Any) -> None:
    """A lost segment is waited for half a second of capture time (gap_patience) from when it is
    acknowledged, and not longer.
    """
    lost = [
        *HANDSHAKE,
        tcp(CLIENT, SERVER, ACK | PSH, 1011, 5001, b"after a hole"),
        tcp(SERVER, CLIENT, ACK, 5001, 1023),
        tcp(SERVER, CLIENT, ACK | PSH, 5001, 1023, b"x"),
        tcp(SERVER, CLIENT, ACK | PSH, 5002, 1023, b"y"),
        tcp(CLIENT, SERVER, ACK, 1023, 5003),
    ]
    seconds = [0, 0.1, 0.2, 0.3, 0.35, 0.4, 2, 2.1]
    follower.feed(way(pcap(tmp_path / "x.pcap", lost, seconds)))
    assert follower.seen == [("data", 0, 0, 1), ("data", 0, 12, 1), ("data", 0, 12, 2)]
