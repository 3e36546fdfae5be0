"""cycapture's PDUs by themselves."""

import copy
import pickle

import pytest
from cycapture.libtins import IP, RAW, TCP, UDP, EthernetII, HWAddress, IPv4Address, MalformedPacket, PDUNotFound


def packet():
    return EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hello")


def test_round_trip_and_equality():
    frame = packet().serialize()
    pdu = EthernetII.from_buffer(frame)
    assert pdu.serialize() == frame
    assert pdu == packet() == EthernetII(buf=frame) == copy.deepcopy(pdu) == pickle.loads(pickle.dumps(pdu))
    assert pdu._gofollow_frame() == (1, frame, None)
    assert EthernetII.from_buffer(bytearray(frame)) == EthernetII.from_buffer(memoryview(frame)) == pdu


def test_serializing_changes_nothing_that_is_followed():
    frame = bytearray(packet().serialize())
    frame[50:52] = b"\0\0"  # the TCP checksum, as offloading leaves it
    pdu = EthernetII.from_buffer(frame)
    assert pdu.rfind_pdu(TCP).checksum == 0
    assert pdu.serialize() == packet().serialize()
    assert pdu._gofollow_frame() == (1, bytes(frame), None)
    pdu.rfind_pdu(TCP).window = 9
    assert EthernetII.from_buffer(pdu._gofollow_frame()[1]).rfind_pdu(TCP).window == 9


def test_find_copies_and_rfind_references():
    pdu = packet()
    pdu.find_pdu(TCP).sport = 1
    assert pdu.rfind_pdu(TCP).sport == 4000
    pdu.rfind_pdu(TCP).sport = 1
    assert EthernetII.from_buffer(pdu._gofollow_frame()[1]).rfind_pdu("tcp").sport == 1
    with pytest.raises(PDUNotFound):
        pdu.find_pdu(UDP)


def test_bad_headers_and_missing_protocols():
    with pytest.raises(MalformedPacket):
        EthernetII.from_buffer(b"short")
    for operation in (hash, iter, bytes, len):
        with pytest.raises(TypeError):
            operation(packet())


def test_addresses():
    address = IPv4Address("10.0.0.1")
    assert address == "10.0.0.1" == address == b"10.0.0.1" == address
    assert address == 0x0100000A == int(address)
    assert IPv4Address(None) == "0.0.0.0"
    with pytest.raises(ValueError):
        assert address == "nonsense"
    assert (address / 24).size() == 254
    assert HWAddress(HWAddress("02:00:00:00:00:01").to_bytes()) == "02:00:00:00:00:01"
