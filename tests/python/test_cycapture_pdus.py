"""cycapture's PDUs against what the original read from real frames, and by themselves."""

import copy
import json
import pathlib
import pickle

import cycapture.libtins as libtins
import pytest
from cycapture.libtins import IP, RAW, TCP, UDP, EthernetII, HWAddress, IPv4Address, MalformedPacket, PDUNotFound

FIELDS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cycapture" / "fields.jsonl"
WHOLE = {"EthernetII", "IP", "TCP", "UDP", "RAW", "Dot1Q", "SLL", "Loopback", "ARP"}


def plain(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (HWAddress, IPv4Address)):
        return {type(value).__name__: str(value)}
    if hasattr(value, "_asdict"):
        return {type(value).__name__: value._asdict()}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def rows():
    if not FIELDS.exists():
        return []  # the recorded frames are not part of the repository
    return [row for row in map(json.loads, FIELDS.read_text().splitlines()) if row["from"] in WHOLE]


@pytest.mark.parametrize("row", [pytest.param(row, id=str(i)) for i, row in enumerate(rows())] or [None])
def test_reads_what_the_original_read(row):
    if row is None:
        print("../shared/cycapture is absent: nothing to compare with")
        return
    cls, frame = getattr(libtins, row["from"]), bytes.fromhex(row["frame"])
    if "raises" in row:
        with pytest.raises(getattr(libtins, row["raises"])):
            cls.from_buffer(frame)
        return
    if any(layer["class"] not in WHOLE for layer in row["layers"]):
        cls.from_buffer(frame)
        return
    whole = pdu = cls.from_buffer(frame)
    for layer in row["layers"]:
        assert type(pdu).__name__ == layer["class"]
        for name, value in layer["members"].items():
            if isinstance(value, dict) and "raises" in value:
                with pytest.raises(ValueError):
                    pdu.options()
            else:
                assert plain(pdu.options() if name == "options()" else getattr(pdu, name)) == value, name
        pdu = pdu.ref_inner_pdu()
    if whole.pdu_type == IP.pdu_type and int(whole.src_addr) == 0:
        return  # the original put the address of the machine's interface there
    if type(pdu).__name__ != "IPv6":
        assert whole.serialize().hex() == row["serialize"]


def packet():
    return EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hello")


def test_round_trip_and_equality():
    frame = packet().serialize()
    pdu = EthernetII.from_buffer(frame)
    assert pdu.serialize() == frame
    assert pdu == packet() == EthernetII(buf=frame) == copy.deepcopy(pdu) == pickle.loads(pickle.dumps(pdu))
    assert pdu._gofollow_frame() == (1, frame, None)
    assert EthernetII.from_buffer(bytearray(frame)) == EthernetII.from_buffer(memoryview(frame)) == pdu


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
