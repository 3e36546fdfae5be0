"""cycapture's PDUs by themselves."""

import copy
import io
import pickle
import runpy
from pathlib import Path
from typing import Any

import pytest
from cycapture.libpcap import PacketWriter
from cycapture.libtins import IP, PDU, RAW, TCP, UDP, Dot1Q, EthernetII, HWAddress, IPv4Address, MalformedPacket, PDUNotFound, _sound
from cycapture.libtins._network import IPv6
from hypothesis import given, settings
from hypothesis import strategies as st


def packet() -> Any:
    return EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hello")


def test_round_trip_and_equality() -> None:
    frame = packet().serialize()
    pdu = EthernetII.from_buffer(frame)
    assert pdu.serialize() == frame
    assert pdu == packet() == EthernetII(buf=frame) == copy.deepcopy(pdu) == pickle.loads(pickle.dumps(pdu))
    assert pdu.__gofollow_frame__() == (frame, 1, None)
    assert EthernetII.from_buffer(bytearray(frame)) == EthernetII.from_buffer(memoryview(frame)) == pdu


def test_serializing_changes_nothing_that_is_followed() -> None:
    frame = bytearray(packet().serialize())
    frame[50:52] = b"\0\0"  # the TCP checksum, as offloading leaves it
    pdu = EthernetII.from_buffer(frame)
    assert pdu.rfind_pdu(TCP).checksum == 0
    assert pdu.serialize() == packet().serialize()
    assert pdu.__gofollow_frame__() == (bytes(frame), 1, None)
    pdu.rfind_pdu(TCP).window = 9
    assert EthernetII.from_buffer(pdu.__gofollow_frame__()[0]).rfind_pdu(TCP).window == 9  # type: ignore[index]


def written(pdu: PDU, linktype: Any) -> bytes:
    out = io.BytesIO()
    with PacketWriter(linktype=linktype, output=out) as writer:
        writer.write(pdu, 1, 2)
    return out.getvalue()[40:]


def test_what_is_written_to_a_file_is_what_was_captured() -> None:
    unknown = bytes(12) + b"\x88\xcc" + b"lldp".ljust(46, b"\7")
    cut = packet().serialize()[:-8] + b"\0" * 10  # a wrong checksum, and padding that is none of ours
    for frame in (unknown, cut):
        pdu = EthernetII.from_buffer(frame)
        pdu.serialize()
        assert written(pdu, EthernetII) == frame
    ip = packet().serialize()[14:59]
    assert written(packet(), "RAW") == ip
    assert written(IP.from_buffer(ip[:10] + b"\0\0" + ip[12:]) / RAW(b"!"), "RAW")[10:12] != b"\0\0"


def test_find_copies_and_rfind_references() -> None:
    pdu = packet()
    pdu.find_pdu(TCP).sport = 1
    assert pdu.rfind_pdu(TCP).sport == 4000
    pdu.rfind_pdu(TCP).sport = 1
    assert EthernetII.from_buffer(pdu.__gofollow_frame__()[0]).rfind_pdu("tcp").sport == 1
    with pytest.raises(PDUNotFound):
        pdu.find_pdu(UDP)


def test_bad_headers_and_missing_protocols() -> None:
    with pytest.raises(MalformedPacket):
        EthernetII.from_buffer(b"short")
    for operation in (hash, iter, bytes, len):
        with pytest.raises(TypeError):
            operation(packet())


def test_addresses() -> None:
    address = IPv4Address("10.0.0.1")
    assert address == "10.0.0.1" == address == b"10.0.0.1" == address
    assert address == 0x0100000A == int(address)
    assert IPv4Address(None) == "0.0.0.0"
    with pytest.raises(ValueError):
        assert address == "nonsense"
    assert (address / 24).size() == 254
    assert HWAddress(HWAddress("02:00:00:00:00:01").to_bytes()) == "02:00:00:00:00:01"


def common_frames(data: bytes = b"x" * 20) -> list[bytes]:
    stamped = TCP(80, 4000)
    stamped.add_option(TCP.OptionTypes.NOP)
    stamped.add_option(TCP.OptionTypes.NOP)
    stamped.timestamp = 1, 2
    links = [EthernetII(), EthernetII() / Dot1Q(5, False)]
    outside = [link / ip for link in links for ip in (IP("10.0.0.1", "10.0.0.2"), IPv6("::1", "::2"))]
    return [(ip / inside / RAW(data)).serialize() for ip in outside for inside in (TCP(80, 4000), stamped, UDP(53, 4000))]


def sound(data: bytes) -> bool:
    """Whether a frame is accepted; one that is must not turn out to be malformed later."""
    try:
        layer: PDU | None = EthernetII.from_buffer(data)
    except MalformedPacket:
        return False
    while layer is not None:
        layer = layer.ref_inner_pdu()
    return True


@pytest.mark.parametrize("frame", common_frames(), ids=range(12))
def test_a_frame_that_is_taken_apart_later_is_sound(frame: bytes) -> None:
    assert sound(frame)
    refused = 0
    for at in range(12, len(frame) - 20):
        for value in range(256):
            refused += not sound(frame[:at] + bytes([value]) + frame[at + 1 :])
    assert refused


def test_a_frame_that_is_cut_is_sound_or_refused() -> None:
    for frame in common_frames(b"") + common_frames():
        assert not sound(frame[:33])
        for size in range(33, len(frame)):
            sound(frame[:size])


@given(st.sampled_from(common_frames()), st.lists(st.tuples(st.integers(12, 100), st.integers(0, 255)), max_size=3), st.integers(0, 40))
@settings(deadline=None)
def test_a_frame_of_several_faults_is_sound_or_refused(frame: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(frame)
    for at, value in changes:
        if at < len(changed):
            changed[at] = value
    data = bytes(changed[: len(changed) - cut])
    if sound(data):
        assert EthernetII.from_buffer(data) == EthernetII(buf=data)


def test_compiled_and_plain_check_agree() -> None:
    plain = runpy.run_path(str(Path(_sound.__file__).with_name("_sound.py")))["is_sound"]
    for frame in common_frames(b"") + common_frames():
        assert _sound.is_sound(frame)
        assert plain(frame)
        changed = [frame[:size] for size in range(len(frame))]
        changed += [frame[:at] + bytes([value]) + frame[at + 1 :] for at in range(12, len(frame)) for value in (0, 1, 6, 8, 20, 69, 255)]
        for data in changed:
            assert _sound.is_sound(data) == plain(data)
