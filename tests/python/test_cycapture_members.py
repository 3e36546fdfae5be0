"""Constructors, defaults and members of the classes that following streams takes, as the original's documentation has them."""

from typing import Any

import pytest
from cycapture.libtins import (
    ARP,
    IP,
    PDU,
    RAW,
    SLL,
    TCP,
    UDP,
    Dot1Q,
    EthernetII,
    HWAddress,
    IPv4Address,
    IPv6Address,
    LibtinsException,
    Loopback,
    MalformedAddress,
    MalformedPacket,
    OptionNotFound,
    OptionPayloadTooLarge,
    PDUNotFound,
    _tins,
)


def test_the_destination_comes_first() -> None:
    eth, ip, tcp, udp = EthernetII("02:00:00:00:00:01", b"02:00:00:00:00:02"), IP("10.0.0.1", b"10.0.0.2"), TCP(80, 4000), UDP(53, 4000)
    assert (eth.dst_addr, eth.src_addr) == ("02:00:00:00:00:01", "02:00:00:00:00:02")
    assert (ip.dst_addr, ip.src_addr) == ("10.0.0.1", "10.0.0.2")
    assert (tcp.dport, tcp.sport, udp.dport, udp.sport) == (80, 4000, 53, 4000)
    assert ARP("10.0.0.1", "10.0.0.2", "02:00:00:00:00:01").target_hw_addr == "02:00:00:00:00:01"


def test_what_a_new_one_holds() -> None:
    ip, tcp, eth = IP(), TCP(), EthernetII()
    assert (ip.version, ip.ttl, ip.id, ip.dst_addr, ip.src_addr, ip.options()) == (4, 128, 1, "0.0.0.0", "0.0.0.0", [])
    assert (tcp.window, tcp.data_offset, tcp.flags, tcp.mss, tcp.sack_permitted) == (32678, 5, 0, None, False)
    assert (eth.payload_type, eth.header_size, eth.trailer_size, eth.size, len(eth.serialize())) == (0, 14, 46, 60, 60)
    assert (RAW().payload, RAW("abc").payload, RAW(b"abc").payload_size, Dot1Q(5).append_padding) == (b"", b"abc", 3, True)
    assert (TCP(None, "80").sport, SLL().protocol, Loopback().family) == (80, 0, 0)


@pytest.mark.parametrize("name", TCP.Flags.__members__)
def test_flags(name: str) -> None:
    for key in (name, name.lower(), name.encode(), TCP.Flags[name], int(TCP.Flags[name])):
        tcp = TCP()
        tcp.set_flag(key, True)
        assert tcp.flags == TCP.Flags[name]
        assert tcp.get_flag(key)
        assert getattr(tcp, name.lower() + "_flag")
        tcp.set_flag(key, 0)
        assert tcp.flags == 0
    for wrong in ("NONE", 3):
        with pytest.raises(ValueError, match="unknown flag"):
            tcp.set_flag(wrong, True)


def test_options_of_tcp() -> None:
    tcp = TCP()
    tcp.mss, tcp.winscale, tcp.timestamp, tcp.sack, tcp.altchecksum = 1460, 7, (1, 2), [10, 20], TCP.AltChecksums.CHK_8FLETCHER
    tcp.set_sack_permitted()
    assert [option["type"] for option in tcp.options()] == [2, 3, 8, 5, 14, 4]
    assert tcp.options()[0] == {"type": 2, "length": 2, "data_size": 2, "data": b"\x05\xb4"}
    again = TCP.from_buffer(tcp.serialize())
    assert (again.mss, again.winscale, again.timestamp, again.sack, again.altchecksum) == (1460, 7, (1, 2), [10, 20], 1)
    assert again.sack_permitted
    tcp.mss = 9000
    assert (tcp.mss, len(tcp.options())) == (9000, 6)
    assert tcp.search_option(TCP.OptionTypes.MSS) == (9000).to_bytes(2, "big")
    tcp.mss = None
    assert tcp.mss == 536
    assert TCP().search_option(2) is None
    with pytest.raises(ValueError):
        tcp.altchecksum = 9
    with pytest.raises(AttributeError):
        tcp.checksum = 1


def test_options_of_ip() -> None:
    ip = IP("10.0.0.1", "10.0.0.2")
    ip.noop()
    ip.set_security_ex(1, 2, 3, 4)
    ip.stream_identifier = 9
    ip.eol()
    again = IP.from_buffer(ip.serialize())
    assert again.get_security() == IP.SecurityType(1, 2, 3, 4)
    assert (again.stream_identifier, again.get_lsrr(), again.head_len) == (9, None, 10)
    router_alert = IP.OptionIdentifier(IP.OptionNumber.RTRALT, IP.OptionClass.CONTROL, 1)
    ip.add_option(router_alert, b"\0\0")
    assert ip.search_option(router_alert) == ip.search_option(148) == b"\0\0"
    assert ip.options()[-1]["type"] == router_alert
    assert ip.search_option(7) is None


@pytest.mark.parametrize("cls", [IP, TCP])
def test_options_that_do_not_fit(cls: Any) -> None:
    pdu = cls()
    pdu.add_option(0x44, bytes(38))
    assert cls.from_buffer(pdu.serialize()).search_option(0x44) == bytes(38)
    pdu.add_option(0x44, b"")
    with pytest.raises(OptionPayloadTooLarge, match="room for 40"):
        pdu.serialize()
    with pytest.raises(OptionPayloadTooLarge, match="up to 253 bytes, not 254"):
        pdu.add_option(0x44, bytes(254))


def test_a_stack_of_layers() -> None:
    whole: Any = EthernetII() / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000)
    assert whole.ref_inner_pdu().ref_inner_pdu().dport == 80
    whole /= RAW(b"abc")
    assert (whole.rfind_pdu(RAW).payload, whole.size) == (b"abc", 60)
    inner = whole.copy_inner_pdu()
    inner.ttl = 1
    assert whole.rfind_pdu(IP).ttl == 128
    whole.set_inner_pdu(inner)
    assert whole.rfind_pdu(IP).ttl == 1
    assert whole.reference() is whole
    assert whole.rfind_pdu_by_datalink_type(1) is whole
    assert whole.find_pdu_by_type(PDU.TCP) == whole.rfind_pdu_by_type(PDU.TCP)
    assert whole.get_pdu_type() == PDU.ETHERNET_II
    for missing in (lambda: whole.find_pdu(UDP), lambda: whole.rfind_pdu("udp"), lambda: whole.rfind_pdu_by_datalink_type(127)):
        with pytest.raises(PDUNotFound):
            missing()  # type: ignore[no-untyped-call]
    for wrong in (lambda: whole.find_pdu("nonsense"), lambda: whole.find_pdu(PDU), lambda: whole.find_pdu_by_type(999),
                  lambda: whole.set_inner_pdu(b"")):
        with pytest.raises(ValueError):
            wrong()  # type: ignore[no-untyped-call]
    for operation in (hash, iter, bytes, len, lambda pdu: pdu[0]):
        with pytest.raises(TypeError):
            operation(whole)


def test_a_tag_pads() -> None:
    frame = EthernetII() / Dot1Q(5) / IP("10.0.0.1", "10.0.0.2")
    assert len(frame.serialize()) == 64
    tag = frame.rfind_pdu(Dot1Q)
    tag.append_padding, tag.priority, tag.cfi = False, 7, 1
    assert (len(frame.serialize()), tag.payload_type, tag.trailer_size) == (60, 0x800, 0)
    assert EthernetII.from_buffer(frame.serialize()).rfind_pdu(Dot1Q).priority == 7


def test_cooked_and_loopback_frames() -> None:
    sll = SLL() / IP("10.0.0.1", "10.0.0.2")
    sll.address, sll.lladdr_len = "02:00:00:00:00:01", 6
    assert (sll.address, SLL.from_buffer(sll.serialize()).protocol) == (b"02:00:00:00:00:01:00:00", 0x800)
    assert Loopback.from_buffer((Loopback() / IP("10.0.0.1")).serialize()).family == 2
    with pytest.raises(ValueError, match="up to 8 bytes"):
        sll.address = ":".join(["00"] * 9)


@pytest.mark.parametrize(("cls", "data"), [
    (EthernetII, b""), (EthernetII, bytes(13)), (IP, bytes(19)), (IP, b"\x44" + bytes(40)), (IP, b"\x4f" + bytes(30)), (TCP, bytes(19)),
    (TCP, bytes(12) + b"\x40" + bytes(7)), (UDP, bytes(7)), (SLL, bytes(15)), (Dot1Q, bytes(3)), (Loopback, b""),
    (TCP, bytes(12) + b"\x60" + bytes(7) + b"\x02\x05\0\0"), (IP, b"\x46" + bytes(19) + b"\x07\x09\0\0"),
])
def test_bad_headers(cls: Any, data: bytes) -> None:
    with pytest.raises(MalformedPacket) as caught:
        cls.from_buffer(data)
    assert isinstance(caught.value, LibtinsException)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(MalformedPacket):
        cls(buf=data)


def test_addresses_of_ipv4() -> None:
    address = IPv4Address("10.0.0.1")
    for same in (IPv4Address(b"10.0.0.1"), IPv4Address(0x0100000A), IPv4Address(address), "10.0.0.1", b"10.0.0.1", 0x0100000A):
        assert address == same
        assert same == address
    assert (str(address), repr(address), int(address)) == ("10.0.0.1", "IPv4Address('10.0.0.1')", 0x0100000A)
    assert address < "10.0.0.2" <= IPv4Address("10.0.0.2") < IPv4Address("10.0.1.0") > address
    assert {address: 1}["10.0.0.1"] == 1  # type: ignore[index]
    kinds = {"127.0.0.1": "loopback unicast", "10.1.1.1": "private unicast", "172.16.0.1": "private unicast", "172.32.0.1": "unicast",
             "192.168.0.1": "private unicast", "224.0.0.1": "multicast", "255.255.255.255": "broadcast"}
    for text, kind in kinds.items():
        made = IPv4Address(text)
        names = [name for name in ("broadcast", "loopback", "multicast", "private", "unicast") if getattr(made, "is_" + name)()]
        assert names == kind.split()
    for wrong in ("10.0.0", "10.0.0.256", b"\xff\xff\xff\xff", "10.0.0.1/8", -1, 1 << 32):
        with pytest.raises(MalformedAddress):
            IPv4Address(wrong)
    with pytest.raises(ValueError):
        assert address == "nonsense"
    with pytest.raises(ValueError):
        assert address < None


def test_addresses_of_hardware_and_ipv6() -> None:
    address = HWAddress("02:00:00:00:00:FF")
    assert address == b"02:0:0:0:0:ff"
    assert (str(address), address.to_bytes(), address.full_repr()) == ("02:00:00:00:00:ff", b"\2\0\0\0\0\xff", [2, 0, 0, 0, 0, 255])
    assert (address.is_unicast(), HWAddress.broadcast.is_broadcast(), HWAddress("01:00:5e:00:00:01").is_multicast()) == (True, True, True)
    assert IPv6Address("2001:DB8::1") == "2001:db8::1"
    assert (IPv6Address("::1").is_loopback(), IPv6Address("ff02::1").is_multicast(), IPv6Address(None)) == (True, True, "::")
    assert (IPv6Address("::1").to_buffer(), len(IPv6Address("::1").full_repr())) == (bytes(15) + b"\1", 16)
    for cls, wrong in ((HWAddress, "0:0:0:0:0:0:0"), (HWAddress, "02:00:00:00:00:gg"), (IPv6Address, "10.0.0.1"), (IPv6Address, ":::")):
        with pytest.raises(MalformedAddress):
            cls(wrong)


def test_tags_of_pppoe() -> None:
    message = _tins.PPPoE()
    message.code, message.service_name, message.host_uniq = 9, "", b"\1\2"
    message.set_vendor_specific(7, b"x")
    again = _tins.PPPoE.from_buffer(message.serialize())
    assert (again.service_name, again.host_uniq, again.get_vendor_specific(), again.payload_length) == (b"", b"\1\2", (7, b"x"), 19)
    assert (again.ac_name, again.search_tag(_tins.PPPoE.TagTypes.AC_NAME)) == (None, None)
    for missing in ("ac_cookie", "relay_session_id"):
        with pytest.raises(OptionNotFound):
            getattr(again, missing)


def test_an_rsn_element() -> None:
    suites = _tins.RSNInformation
    made = suites()
    made.group_suite = suites.CypherSuites.CCMP
    made.add_pairwise_cypher(suites.CypherSuites.CCMP)
    made.add_akm_cypher(suites.AKMSuites.PSK)
    assert made.serialize().hex() == "0100000fac040100000fac040100000fac020000"
    beacon = _tins.Dot11Beacon("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01")
    beacon.rsn_information = made
    beacon.country = b"DE ", [1], [13], [20]
    beacon.tim = 0, 1, 0, [0]
    beacon.supported_rates = [1, 5.5, 54]
    again = _tins.Dot11.from_bytes(beacon.serialize())
    assert type(again) is _tins.Dot11Beacon
    assert again.rsn_information == made
    assert again.country == (b"DE ", [1], [13], [20])
    assert (again.tim, again.supported_rates, again.quiet) == ((0, 1, 0, [0]), [1.0, 5.5, 54.0], None)
