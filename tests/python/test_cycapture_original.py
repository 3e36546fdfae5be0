"""What scripts that build, send and ask packets met in the original: its values, of each kind of thing all of it."""

import copy
import importlib
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cycapture import libpcap
from cycapture.libpcap import BlockingSniffer, NonBlockingPacketWriter, PacketWriter, PcapException, _pcap
from cycapture.libtins import (
    ARP,
    DHCP,
    DNS,
    ICMP,
    IP,
    LLC,
    PDU,
    RAW,
    RC4EAPOL,
    RSNEAPOL,
    SLL,
    SNAP,
    TCP,
    UDP,
    BootP,
    Dot1Q,
    Dot11Beacon,
    Dot11Data,
    EthernetII,
    HWAddress,
    IPv4Address,
    IPv4Range,
    IPv6Address,
    MalformedAddress,
    NetworkInterface,
    PacketSender,
    PPPoE,
    RadioTap,
    RSNInformation,
    TCPStream,
    _tins,
)
from cycapture.libtins._icmp import ICMPv6
from cycapture.libtins._network import IPv6
from cycapture.libtins._pdu import TYPES, ones_sum
from cycapture.libtins._radiotap import _Radio
from loopback import LOOPBACK, needs_loopback, needs_root

# The source of a packet that has none


@pytest.mark.parametrize(("inner", "at"), [(TCP(1, 2), 16), (UDP(1, 2), 6)])
def test_a_made_packet_gets_the_source_of_its_route(inner: Any, at: Any) -> None:
    packet = IP("127.0.0.1") / inner
    data = packet.serialize()
    assert packet.src_addr == "127.0.0.1"
    assert data[12:16] == bytes([127, 0, 0, 1])
    assert int.from_bytes(data[20 + at : 22 + at], "big")
    pseudo = data[12:20] + bytes([0, inner._ip_protocol]) + (len(data) - 20).to_bytes(2, "big")
    assert ones_sum(pseudo + data[20:]) == 0


def discover() -> Any:
    """The first message of a DHCP client, as it is captured."""
    message = DHCP()
    message.xid, message.type = 7, DHCP.Flags.DISCOVER
    message.end()
    return EthernetII("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01") / IP("255.255.255.255", "0.0.0.0") / UDP(67, 68) / message


def test_a_captured_packet_keeps_the_source_0_0_0_0() -> None:
    frame = discover().serialize()
    assert frame[26:30] == bytes(4)
    assert EthernetII.from_buffer(frame).serialize() == frame
    packet = IP.from_buffer(frame[14:])
    for twin in (packet, packet.copy(), pickle.loads(pickle.dumps(packet))):
        assert twin.serialize()[12:16] == bytes(4)
        twin.ttl = 3
        assert twin.serialize()[12:16] == bytes(4)
    packet.src_addr = "10.0.0.1"
    assert packet.serialize()[12:16] == bytes([10, 0, 0, 1])


def test_without_a_route_the_source_stays_0_0_0_0(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable(socket.socket):
        def connect(self, address: Any) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unreachable)
    assert IP("192.0.2.1").serialize()[12:16] == bytes(4)


@needs_root
@needs_loopback
def test_a_ping_of_a_packet_without_a_source_is_answered() -> None:
    answer: Any = PacketSender("lo", recv_timeout=10).send_recv(IP("127.0.0.1") / ICMP())
    assert (answer.src_addr, answer.rfind_pdu(ICMP).type) == ("127.0.0.1", ICMP.Flags.ECHO_REPLY)


# The EtherType of PPPoE

CARRIERS = [EthernetII, lambda: EthernetII() / Dot1Q(5), SLL, SNAP]


def messages() -> Iterator[tuple[str, PDU, int]]:
    yield "nothing set", PPPoE(), 0x8863
    for code in (0x09, 0x07, 0x19, 0x65, 0xA7):
        message = PPPoE()
        message.code, message.service_name = code, b""
        yield f"discovery {code:#x}", message, 0x8863
        message.session_id = 7  # PADS and PADT name the session
        yield f"discovery {code:#x} of a session", message, 0x8863
    session = PPPoE()
    session.session_id = 7
    yield "a session", session, 0x8864
    yield "a session's frame", session / RAW(b"\0\x21" + bytes(40)), 0x8864
    yield "a frame of session 0", PPPoE() / RAW(b"\0\x21" + bytes(40)), 0x8864


@pytest.mark.parametrize("carrier", CARRIERS, ids=["EthernetII", "Dot1Q", "SLL", "SNAP"])
@pytest.mark.parametrize(("message", "kind"), [pytest.param(m, k, id=name) for name, m, k in messages()])
def test_the_ethertype_of_pppoe(carrier: Any, message: Any, kind: Any) -> None:
    whole = carrier() / message
    data = whole.serialize()
    at = {EthernetII: 12, SLL: 14, SNAP: 6}[type(whole)] + (4 if isinstance(whole.ref_inner_pdu(), Dot1Q) else 0)
    assert data[at : at + 2] == kind.to_bytes(2, "big")
    again = type(whole).from_buffer(data).rfind_pdu(PPPoE)
    assert (again.code, again.session_id) == (message.code, message.session_id)


def test_the_ethertype_of_pppoe_follows_what_changes_and_keeps_what_was_read() -> None:
    frame = EthernetII() / PPPoE()
    assert frame.serialize()[12:14] == b"\x88\x63"
    frame.rfind_pdu(PPPoE).session_id = 7
    assert frame.serialize()[12:14] == b"\x88\x64"
    odd = bytearray(frame.serialize())
    odd[12:14] = b"\x88\x63"
    assert EthernetII.from_buffer(odd).serialize() == odd
    assert (EthernetII() / EthernetII.from_buffer(odd).find_pdu(PPPoE)).serialize()[12:14] == b"\x88\x64"


# Interfaces


@needs_loopback
def test_the_addresses_of_an_interface_by_their_documented_names() -> None:
    addresses = NetworkInterface(LOOPBACK).addresses
    assert addresses._fields == NetworkInterface.NI_addresses_tuple._fields == ("address", "netmask", "broadcast", "hardware")
    assert (addresses.address, addresses.netmask, addresses.hardware) == ("127.0.0.1", "255.0.0.0", "00:00:00:00:00:00")
    assert (addresses.ip_addr, addresses.bcast_addr, addresses.hw_addr) == (addresses.address, addresses.broadcast, addresses.hardware)


@needs_loopback
def test_an_interface_equals_its_name() -> None:
    interface = NetworkInterface(LOOPBACK)
    for same in (LOOPBACK, LOOPBACK.encode(), NetworkInterface(LOOPBACK)):
        assert interface == same
        assert (interface != same) is False
        assert interface.equals(same)
        assert hash(interface) == hash(same)
    for other in ("nonsense0", b"", None, 5, NetworkInterface(), object()):
        assert interface != other
        assert not interface.equals(other)


# Options that are not there

SEARCHED = [cls for cls in TYPES.values() if hasattr(cls, "search_option") and cls is not _tins.Dot11ManagementFrame]


@pytest.mark.parametrize("cls", SEARCHED, ids=lambda cls: cls.__name__)
def test_an_option_that_is_not_there_is_none(cls: Any) -> None:
    assert {IP, TCP, DHCP, Dot11Beacon, Dot11Data} <= set(SEARCHED)
    pdu = cls()
    assert pdu.search_option(7) is None
    pdu.add_option(7, b"ab")
    pdu.add_option(9)
    assert (pdu.search_option(7), pdu.search_option(9), pdu.search_option(8)) == (b"ab", b"", None)
    for wrong in (-1, 256):
        with pytest.raises(OverflowError):
            pdu.add_option(wrong, b"")


def test_options_that_are_not_there_by_other_names() -> None:
    assert IP().search_option(IP.OptionIdentifier(IP.OptionNumber.RR, IP.OptionClass.CONTROL, 0)) is None
    assert PPPoE().search_tag(PPPoE.TagTypes.AC_NAME) is None
    assert (IP().get_security(), IP().get_record_route(), IP().get_lsrr(), IP().get_ssrr(), IP().stream_identifier) == (None,) * 5
    assert (TCP().mss, TCP().winscale, TCP().sack, TCP().timestamp, TCP().altchecksum) == (None,) * 5
    with pytest.raises(ValueError):
        IP().add_option((99, 0, 1))


# What answers

ERRORS = {3: range(16), 4: [0], 5: range(4), 11: [0, 1], 12: [0, 1, 2]}
ASKED = [TCP(80, 4000) / RAW(b"?"), UDP(53, 4000) / RAW(b"?"), ICMP() / RAW(b"?"), RAW(b"?")]


def error_of(packet: PDU, kind: Any, code: int, length: int = 28) -> Any:
    """A router's ICMP error that quotes the beginning of a packet, whose TTL and checksum changed on the way."""
    quoted = bytearray(packet.serialize()[:length])
    quoted[8], quoted[10:12] = 1, b"\x12\x34"
    error = ICMP(kind)
    error.code = code
    return IP("10.0.0.1", "192.0.2.254") / error / RAW(bytes(quoted))


@pytest.mark.parametrize("inner", ASKED, ids=["TCP", "UDP", "ICMP", "RAW"])
@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in ERRORS.items() for code in codes])
def test_an_icmp_error_answers_what_it_quotes(inner: Any, kind: Any, code: int) -> None:
    asked = IP("10.0.0.2", "10.0.0.1") / inner
    for length in (28, 100):
        error = error_of(asked, kind, code, length)
        assert asked.matches_response(error.serialize())
        there, back = (EthernetII("02:00:00:00:00:0" + a, "02:00:00:00:00:0" + b) for a, b in ("21", "12"))
        assert (there / asked).matches_response((back / error).serialize())
    other = IP("10.0.0.2", "10.0.0.1") / (UDP(53, 4001) if isinstance(inner, TCP) else TCP(81, 4000))
    for unlike in (IP("10.0.0.3", "10.0.0.1") / inner, IP("10.0.0.2", "10.0.0.9") / inner, other):
        assert not asked.matches_response(error_of(unlike, kind, code).serialize())
    assert not asked.matches_response(error_of(asked, kind, code, 10).serialize())
    elsewhere = error_of(asked, kind, code)
    elsewhere.dst_addr = "10.0.0.77"
    assert not asked.matches_response(elsewhere.serialize())


@pytest.mark.parametrize(("inner", "other"), [(TCP(80, 4000), TCP(80, 4001)), (UDP(53, 4000), UDP(54, 4000))])
def test_an_icmp_error_about_another_port_answers_nothing(inner: Any, other: PDU) -> None:
    asked = IP("10.0.0.2", "10.0.0.1") / inner
    assert not asked.matches_response(error_of(IP("10.0.0.2", "10.0.0.1") / other, 3, 3).serialize())
    # no error: an echo reply that carries the same bytes
    assert not asked.matches_response(error_of(asked, ICMP.Flags.ECHO_REPLY, 0).serialize())


@pytest.mark.parametrize("kind", range(6))
@pytest.mark.parametrize("inner", [TCP(80, 4000), UDP(53, 4000), ICMPv6()], ids=["TCP", "UDP", "ICMPv6"])
def test_an_icmpv6_error_answers_what_it_quotes(kind: Any, inner: Any) -> None:
    asked, error = IPv6("2001:db8::2", "2001:db8::1") / inner, ICMPv6()
    error.type = kind
    answer = (IPv6("2001:db8::1", "2001:db8::ff") / error).serialize() + asked.serialize()
    assert asked.matches_response(answer) is (1 <= kind <= 4)
    assert not (IPv6("2001:db8::3", "2001:db8::1") / inner).matches_response(answer)
    assert not asked.matches_response(answer[:90])


def icmp(kind: Any, ident: Any = 7, seq: int = 1) -> Any:
    message = ICMP(kind)
    message.id, message.sequence = ident, seq
    return message


def dhcp(kind: Any, xid: int = 7) -> Any:
    message = DHCP()
    message.xid, message.type = xid, kind
    message.end()
    return message


def dns(ident: Any) -> Any:
    message = DNS()
    message.id = ident
    return message


def echo6(kind: Any, ident: Any = b"\0\7") -> Any:
    return ICMPv6.from_buffer(bytes([kind, 0, 0, 0]) + ident + b"\0\1data")


def ends(a: str, b: str, cls: Any = IP) -> tuple[Any, Any]:
    return cls(a, b), cls(b, a)


FOUR, SIX = ends("10.0.0.2", "10.0.0.1"), ends("2001:db8::2", "2001:db8::1", IPv6)
HOSTS = ends("02:00:00:00:00:02", "02:00:00:00:00:01", EthernetII)
PAIRS = {
    "TCP": (FOUR[0] / TCP(80, 4000), FOUR[1] / TCP(4000, 80), FOUR[1] / TCP(4000, 81)),
    "UDP": (FOUR[0] / UDP(53, 4000), FOUR[1] / UDP(4000, 53), FOUR[1] / UDP(4001, 53)),
    "UDP in a frame": (HOSTS[0] / FOUR[0] / UDP(53, 4000), HOSTS[1] / FOUR[1] / UDP(4000, 53), HOSTS[0] / FOUR[1] / UDP(4000, 53)),
    "UDP in a tag": (HOSTS[0] / Dot1Q(5) / FOUR[0], HOSTS[1] / Dot1Q(5) / FOUR[1], HOSTS[1] / Dot1Q(6) / FOUR[1]),
    "echo": (FOUR[0] / icmp(8), FOUR[1] / icmp(0), FOUR[1] / icmp(0, seq=2)),
    "timestamp": (FOUR[0] / icmp(13), FOUR[1] / icmp(14), FOUR[1] / icmp(14, ident=8)),
    "address mask": (FOUR[0] / icmp(17), FOUR[1] / icmp(18), FOUR[1] / icmp(0)),
    "ICMPv6 echo": (SIX[0] / echo6(128), SIX[1] / echo6(129), SIX[1] / echo6(129, b"\0\x08")),
    "DNS": (FOUR[0] / UDP(53, 9) / dns(7), FOUR[1] / UDP(9, 53) / dns(7), FOUR[1] / UDP(9, 53) / dns(8)),
    "DHCP": (
        IP("255.255.255.255", "0.0.0.0") / UDP(67, 68) / dhcp(1),
        IP("10.0.0.9", "10.0.0.1") / UDP(68, 67) / dhcp(2),
        IP("10.0.0.9", "10.0.0.1") / UDP(68, 67) / dhcp(2, xid=8),
    ),
    "ARP": (
        ARP.make_arp_request("10.0.0.2", "10.0.0.1", "02:00:00:00:00:01"),
        ARP.make_arp_reply("10.0.0.1", "10.0.0.2", "02:00:00:00:00:01", "02:00:00:00:00:02"),
        ARP.make_arp_reply("10.0.0.1", "10.0.0.3", "02:00:00:00:00:01", "02:00:00:00:00:02"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_documented_pair_of_question_and_answer(name: Any) -> None:
    question, answer, other = (EthernetII() / pdu if isinstance(pdu, (IP, IPv6)) else pdu for pdu in PAIRS[name])
    assert question.matches_response(answer.serialize())
    assert not question.matches_response(other.serialize())
    assert not question.matches_response(question.serialize())
    for size in range(len(answer.serialize())):
        question.matches_response(answer.serialize()[:size])  # a cut answer is not a fault


@needs_root
@needs_loopback
def test_a_closed_port_answers_by_an_icmp_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    answer = PacketSender(recv_timeout=10).send_recv(IP("127.0.0.1") / UDP(port, 40000) / RAW(b"anyone?"))
    assert (answer.rfind_pdu(ICMP).type, answer.rfind_pdu(ICMP).code) == (3, 3)


# Addresses and ranges


@pytest.mark.parametrize(("text", "whole"), [
    ("33:34:35", "33:34:35:00:00:00"), ("1", "01:00:00:00:00:00"), ("", "00:00:00:00:00:00"), ("0:1:2:3:4:5", "00:01:02:03:04:05"),
    (b"1:2:34", "01:02:34:00:00:00"),
])
def test_a_short_hardware_address_is_filled_up(text: str, whole: str) -> None:
    assert HWAddress(text) == HWAddress(whole) == whole
    assert EthernetII(text).dst_addr == whole


def test_a_hardware_address_compares_with_anything_and_has_bytes() -> None:
    address = HWAddress("00:01:02:03:04:05")
    assert [address[i] for i in range(6)] == list(address) == list(range(6))  # type: ignore[call-overload]
    for other in ("nonsense", b"\xff\xff", "0:1:2:3:4:5:6", None, 5, object(), IPv4Address("10.0.0.1"), [], "\N{SNOWMAN}"):
        assert (address != other, address == other) == (True, False)
        assert address.different(other)
        assert not address.equals(other)
    with pytest.raises(IndexError):
        address[6]


@pytest.mark.parametrize("cls", [IPv4Address, IPv6Address])
def test_text_that_is_no_ip_address(cls: Any) -> None:
    # as in the original: == raises, equals and different do not
    assert (cls().equals("nonsense"), cls().different("nonsense")) == (False, True)
    with pytest.raises(ValueError):
        assert cls() == "nonsense"


@pytest.mark.parametrize("number", [-1, 1 << 32, 1 << 33])
def test_a_number_that_is_no_ipv4_address(number: Any) -> None:
    for error in (OverflowError, ValueError, MalformedAddress):
        with pytest.raises(error):
            IPv4Address(number)


def test_a_network_as_text() -> None:
    assert str(IPv4Address("192.168.0.0") / 30) == "192.168.0.1 -> 192.168.0.3"
    assert repr(IPv4Address("192.168.0.0") / 30) == "IPv4Range(first='192.168.0.1', last='192.168.0.3')"
    assert list(IPv4Address("192.168.0.0") / 30) == ["192.168.0.1", "192.168.0.2"]
    assert "192.168.0.0" in IPv4Address("192.168.0.0") / 30
    assert str(IPv4Range("10.0.0.1", "10.0.0.9")) == "10.0.0.1 -> 10.0.0.9"
    assert str(HWAddress("02:00:00:00:00:00") / 46) == "02:00:00:00:00:01 -> 02:00:00:00:00:03"
    assert str(IPv4Address("10.0.0.1") / 32) == "10.0.0.1 -> 10.0.0.1"


# Radiotap's presence words


def radiotap(words: Any, fields: bytes) -> RadioTap:
    data = b"".join(word.to_bytes(4, "little") for word in words) + fields
    return RadioTap.from_buffer(bytes(2) + (4 + len(data)).to_bytes(2, "little") + data)


RADIOTAP_NEXT, VENDOR_NEXT, MORE = 1 << 29, 1 << 30, 1 << 31
SIGNAL, ANTENNA = 1 << 5, 1 << 11


def test_every_presence_word_is_read() -> None:
    header = radiotap([SIGNAL | RADIOTAP_NEXT | MORE, SIGNAL | ANTENNA], bytes([200, 190, 3]))
    assert (header.antenna, header.dbm_signal, header.present) == (3, 190 - 256, SIGNAL | ANTENNA | RADIOTAP_NEXT | MORE)
    three = radiotap([RADIOTAP_NEXT | MORE, ANTENNA | RADIOTAP_NEXT | MORE, ANTENNA | SIGNAL], bytes([1, 190, 2]))
    assert three.antenna == 2  # of several the last, as in the original
    three.antenna = 9
    assert RadioTap.from_buffer(three.serialize()).antenna == 9
    assert RadioTap.from_buffer(three.serialize()).dbm_signal == 190 - 256
    with pytest.raises(NotImplementedError):
        three.rate = 2


def test_what_a_vendor_puts_between_is_skipped() -> None:
    vendor = b"\0\x11\x22\x01" + (3).to_bytes(2, "little") + b"abc"
    header = radiotap([SIGNAL | VENDOR_NEXT | MORE, 0x7 | RADIOTAP_NEXT | MORE, ANTENNA], bytes([200, 0]) + vendor + bytes([4]))
    assert (header.dbm_signal, header.antenna) == (200 - 256, 4)


@pytest.mark.parametrize("words", [[SIGNAL | MORE, ANTENNA], [SIGNAL | 1 << 28 | RADIOTAP_NEXT | MORE, ANTENNA]])
def test_behind_a_field_of_unknown_size_nothing_is_read(words: Any) -> None:
    header = radiotap(words, bytes([200, 3]))
    assert (header.dbm_signal, header.antenna) == (200 - 256, None)


def test_a_presence_word_that_promises_too_much_is_malformed() -> None:
    with pytest.raises(_tins.MalformedPacket, match="radiotap field 11"):
        radiotap([SIGNAL | RADIOTAP_NEXT | MORE, ANTENNA], bytes([200]))


# EAPOL key messages


@pytest.mark.parametrize(("cls", "size"), [(RSNEAPOL, 99), (RC4EAPOL, 49)])
@pytest.mark.parametrize("key", [b"", b"the key"])
@pytest.mark.parametrize("trailer", [b"", b"\xde\xad\xbe\xef", bytes(60)])
def test_a_key_message_ends_where_its_length_says(cls: Any, size: int, key: bytes, trailer: bytes) -> None:
    message = cls()
    message.key = key
    data = message.serialize()
    assert int.from_bytes(data[2:4], "big") == size + len(key) - 4
    frame = (EthernetII() / message).serialize()
    more = data + trailer
    for read in (cls.from_buffer(more), cls(buf=more), _tins.EAPOL.from_bytes(more), RAW(more).to(cls),
                 EthernetII.from_buffer(frame + trailer).rfind_pdu(cls)):
        assert (type(read), read.key, read.length, read.serialize()) == (cls, key, size + len(key) - 4, data)  # type: ignore[union-attr]


# A TCP stream made by hand


def test_a_stream_made_by_hand() -> None:
    stream = TCPStream("1.2.3.4", "5.6.7.8", "x", 2, None, 1, None, b"abc")
    assert (stream.client_addr, stream.server_addr, stream.client_port, stream.server_port) == ("1.2.3.4", "5.6.7.8", -1, 2)
    assert (stream.identifier, stream.finished, stream.client_payload, stream.server_payload) == (-1, True, None, b"abc")
    for twin in (copy.copy(stream), pickle.loads(pickle.dumps(stream))):
        assert (twin.client_port, twin.client_payload, twin.server_payload) == (-1, None, b"abc")


@pytest.mark.parametrize(("given", "number"), [("x", -1), (None, -1), ([], -1), ("7", 7), (7, 7), (float("inf"), -1), (2.5, 2)])
def test_a_number_of_a_stream_made_by_hand(given: Any, number: Any) -> None:
    stream = TCPStream(None, 0x0100000A, given, given, given, 0, "abc", bytearray(b"abc"))
    assert (stream.client_port, stream.server_port, stream.identifier, stream.finished) == (number, number, number, False)
    # None is the address that IPv4Address(None) is, a number one as IPv4Address takes it
    assert (stream.client_addr, stream.server_addr) == ("0.0.0.0", "10.0.0.1")
    assert stream.client_payload == stream.server_payload == b"abc"


@pytest.mark.parametrize(("given", "read"), [
    ("nonsense", None), (b"\xff", None), (1 << 40, None), (object(), None), ("::1", IPv6Address("::1")),
])
def test_an_address_of_a_stream_made_by_hand(given: Any, read: Any) -> None:
    assert TCPStream(given, given, 1, 2, 0, False, b"", b"").client_addr == read


def test_the_documented_types() -> None:
    stream = TCPStream("1.2.3.4", "5.6.7.8", "1", 2.0, "3", 1, b"abc", memoryview(b"abc"))
    assert [type(value) for value in (stream.client_addr, stream.client_port, stream.server_port, stream.identifier, stream.finished)] == [
        IPv4Address, int, int, int, bool
    ]
    for payload in (stream.client_payload, stream.server_payload):
        assert isinstance(payload, bytes)
        assert payload.tolist() == memoryview(b"abc").tolist() == [97, 98, 99]
        assert payload.tobytes() == b"abc"


# Exceptions


@pytest.mark.parametrize("wrong", ["abc", b"abc", None, 5, object(), IP])
def test_what_is_no_pdu_is_not_put_inside(wrong: Any) -> None:
    packet = IP()
    with pytest.raises(TypeError):
        packet / wrong
    with pytest.raises(TypeError):
        wrong / packet
    with pytest.raises(TypeError):
        packet /= wrong
    if wrong is not None:
        with pytest.raises(ValueError):
            packet.set_inner_pdu(wrong)


def test_none_inside_is_nothing() -> None:
    packet = IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000)
    packet.set_inner_pdu(None)
    assert packet.ref_inner_pdu() is None
    assert len(packet.serialize()) == 20


def test_what_is_of_the_wrong_type() -> None:
    for wrong in ("x", b"x", 5, object()):
        for operation in (PacketSender().send, PacketSender().send_recv, lambda x: EthernetII().send(x, LOOPBACK), RAW(b"abc").to):
            with pytest.raises(TypeError):
                operation(wrong)  # type: ignore[arg-type]
        for add in ("add_query", "add_answer", "add_authority", "add_additional"):
            with pytest.raises(TypeError):
                getattr(DNS(), add)(wrong)
    for add, record in (("add_query", DNS.Resource()), ("add_answer", DNS.Query())):
        with pytest.raises(TypeError):
            getattr(DNS(), add)(record)
    for cls in (EthernetII, _tins.Dot3, Dot11Beacon, RadioTap):
        for arguments in ((None, LOOPBACK), (PacketSender(), None)):
            with pytest.raises(ValueError, match="can't be None"):
                cls().send(*arguments)
    with pytest.raises(ValueError, match="can't send a None pdu"):
        PacketSender().send(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        RAW(b"abc").to(int)


def test_none_is_no_record() -> None:
    message = DNS()
    for add in (message.add_query, message.add_answer, message.add_authority, message.add_additional):
        add(None)  # type: ignore[arg-type]
    assert message.serialize() == bytes(12)


RANGES = [
    (TCP, "mss", 1 << 16), (TCP, "winscale", 256), (TCP, "timestamp", (1 << 32, 0)), (TCP, "sack", [1 << 32]),
    (IP, "stream_identifier", 1 << 16),
    (DHCP, "type", 256), (DHCP, "lease_time", 1 << 32), (DHCP, "renewal_time", 1 << 32), (DHCP, "rebind_time", 1 << 32),
    (LLC, "send_seq_number", 128), (LLC, "receive_seq_number", 128), (LLC, "supervisory_function", 4),
    *((_tins.STP, name, 256) for name in ("msg_age", "max_age", "hello_time", "fwd_delay")),
    (RSNInformation, "version", 1 << 16), (RSNInformation, "capabilities", 1 << 16), (RSNInformation, "group_suite", 1 << 32),
    *((Dot11Beacon, name, 256) for name in ("ds_parameter_set", "power_constraint", "erp_information", "qos_capability")),
    (Dot11Beacon, "ibss_parameter_set", 1 << 16), (Dot11Beacon, "power_capability", (256, 0)), (Dot11Beacon, "tpc_report", (0, 256)),
    (Dot11Beacon, "fh_parameter_set", (1 << 16, 0, 0, 0)), (Dot11Beacon, "cf_parameter_set", (0, 0, 0, 1 << 16)),
    (Dot11Beacon, "tim", (0, 256, 0, [])), (Dot11Beacon, "tim", (0, 0, 0, [256])), (Dot11Beacon, "channel_switch", (0, 0, 256)),
    (Dot11Beacon, "quiet", (0, 0, 0, 1 << 16)), (Dot11Beacon, "bss_load", (0, 256, 0)), (Dot11Beacon, "supported_channels", [(0, 256)]),
    (Dot11Beacon, "country", (b"DE ", [256], [1], [1])), (Dot11Beacon, "vendor_specific", ("0:0:1", [256])),
    (Dot11Beacon, "supported_rates", [200]), (Dot11Beacon, "request_information", [256]), (Dot11Beacon, "ibss_dfs", ("0", 256, [])),
    (Dot11Beacon, "fh_pattern_table", (0, 0, 0, 256, [])), (Dot11Beacon, "fh_parameters", (256, 0)),
    (DNS.Query, "query_type", 1 << 16), (DNS.Query, "query_class", 1 << 16), (DNS.Resource, "ttl", 1 << 32),
]


@pytest.mark.parametrize(("cls", "name", "value"), [pytest.param(*row, id=f"{row[0].__name__}.{row[1]}") for row in RANGES])
@pytest.mark.parametrize("error", [OverflowError, ValueError])
def test_a_number_that_does_not_fit(cls: Any, name: Any, value: Any, error: type[Exception]) -> None:
    made = cls()
    if cls is LLC:
        made.type = LLC.Format.SUPERVISORY if name == "supervisory_function" else LLC.Format.INFORMATION
    with pytest.raises(error):
        setattr(made, name, value)


@pytest.mark.parametrize("error", [OverflowError, ValueError])
def test_numbers_of_functions_that_do_not_fit(error: type[Exception]) -> None:
    for operation in (
        lambda: IP().set_security_ex(1 << 16), lambda: IP().set_security_ex(0, 0, 0, 1 << 24), lambda: IP().set_lsrr(256, []),
        lambda: PPPoE().set_vendor_specific(1 << 32, b""), lambda: PPPoE().add_tag(1 << 16, b""), lambda: RadioTap().channel(1 << 16, 0),
        lambda: RSNInformation().add_akm_cypher(1 << 32), lambda: RSNInformation().add_pairwise_cypher(-1), lambda: TCP(1 << 16),
        lambda: UDP(0, -1), lambda: Dot1Q(4096), lambda: _tins.bpdu_id(16), lambda: _tins.bpdu_id(0, 4096),
        lambda: IP.SecurityType(1 << 16), lambda: IP.SecurityType(0, 0, 0, 1 << 24),
    ):
        with pytest.raises(error):
            operation()


def test_values_that_are_hashable() -> None:
    for make in (lambda: _tins.bpdu_id(1, 2, "0:1"), lambda: DNS.Query("a", 1, 1), lambda: DNS.Resource("a", "10.0.0.1", 1, 1, 9),
                 lambda: IP.SecurityType(1, 2, 3, 4), lambda: IP.OptionIdentifier(7, 0, 0)):
        assert {make()} == {make(), copy.copy(make()), pickle.loads(pickle.dumps(make()))}
    assert _tins.bpdu_id(1, 2, "0:1").equals(_tins.bpdu_id(1, 2, "0:1"))
    with pytest.raises(AttributeError):
        _tins.bpdu_id().priority = 3  # type: ignore[misc]


def test_a_class_that_is_no_pdu_s() -> None:
    for cls in (int, PDU):
        with pytest.raises(TypeError, match="not a concrete class"):
            _tins.pdu_from_buffer(b"", cls)
    for wrong in ((99, 0, 0), (7, 1, 0)):
        with pytest.raises(ValueError):
            IP.OptionIdentifier(*wrong)


@pytest.mark.parametrize("name", [name for name, field in vars(RadioTap).items() if isinstance(field, _Radio) and not field._readonly])
@pytest.mark.parametrize("number", [1 << 64, -1000])
def test_a_radiotap_number_that_does_not_fit(name: Any, number: Any) -> None:
    with pytest.raises(OverflowError, match=name):
        setattr(RadioTap(), name, (0, 0, number) if name == "mcs" else number)


@pytest.mark.parametrize("junk", ["junk", b"junk", b"", None, 5, object()])
def test_what_is_no_rsn_element(junk: bytes) -> None:
    with pytest.raises(ValueError):
        Dot11Beacon().rsn_information = junk


def test_an_abstract_pdu() -> None:
    for cls in (PDU, _tins.EAPOL, _tins.Dot11ManagementFrame):
        with pytest.raises(NotImplementedError):
            cls()


def test_a_capture_file_that_is_not_there(tmp_path: Path) -> None:
    for error in (ValueError, PcapException):
        for path in (tmp_path / "nonexistent", "/nonexistent/x"):
            with pytest.raises(error):
                BlockingSniffer(filename=path)


@pytest.mark.parametrize("writer", [PacketWriter, NonBlockingPacketWriter])
def test_a_writer_that_is_not_open(writer: Any, tmp_path: Path) -> None:
    closed = writer(EthernetII, tmp_path / "x.pcap")
    closed.close()
    for error in (RuntimeError, ValueError):
        with pytest.raises(error, match="open"):
            closed.write(b"abc")


# Names


def test_the_modules_of_the_original() -> None:
    assert importlib.import_module("cycapture.libtins._py_exceptions").MalformedPacket is _tins.MalformedPacket
    script = "import cycapture.libtins, cycapture.libpcap; print(cycapture.libtins._tins.IP, cycapture.libpcap._pcap.BaseSniffer)"
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert "IP" in done.stdout


def test_members_and_names_that_introspection_finds() -> None:
    assert (_pcap.BaseSniffer.total, _pcap.BaseSniffer.max_p) == (0, -1)
    assert (BlockingSniffer(interface="lo").total, BlockingSniffer(interface="lo").max_p) == (0, -1)
    for module in (libpcap, _pcap):
        assert "libpcap_version" in dir(module)
        assert "BlockingSniffer" in dir(module)


@pytest.mark.parametrize("cls", [BootP, DHCP])
@pytest.mark.parametrize(("name", "size"), [("sname", 64), ("file", 128)])
def test_the_names_of_a_boot_message_are_filled_with_zeros(cls: Any, name: Any, size: int) -> None:
    message = cls()
    assert getattr(message, name) == bytes(size)
    for text in (b"", b"boot", "boot", b"x" * size, b"x" * (size + 9)):
        setattr(message, name, text)
        whole = (text.encode() if isinstance(text, str) else text)[:size].ljust(size, b"\0")
        assert getattr(message, name) == getattr(cls.from_buffer(message.serialize()), name) == whole
