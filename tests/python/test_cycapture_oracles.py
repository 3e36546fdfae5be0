"""scapy and dpkt read what is serialized here, and what they make is read here: fields, options, lengths, checksums."""

import warnings
from typing import Any

import dpkt
import pytest
from cycapture.libtins import ARP, DHCP, DNS, ICMP, IP, LLC, RAW, SNAP, TCP, UDP, Dot1Q, Dot3, EthernetII, RadioTap, _tins
from cycapture.libtins._pdu import ones_sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from scapy import all as scapy
    from scapy.utils import checksum as scapy_checksum

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
address = st.binary(min_size=4, max_size=4).map(lambda packed: ".".join(map(str, packed)))
hardware = st.binary(min_size=6, max_size=6).map(lambda packed: packed.hex(":"))
port = st.integers(0, 0xFFFF)
word = st.integers(0, 0xFFFFFFFF)
payload = st.binary(max_size=200)


@st.composite
def segments(draw: st.DrawFn) -> TCP:
    """A TCP segment made here: header fields and options."""
    tcp = TCP(draw(port), draw(port))
    tcp.seq, tcp.ack_seq, tcp.window, tcp.urg_ptr = draw(word), draw(word), draw(port), draw(port)
    tcp.flags = draw(st.integers(0, 0xFFF))
    if draw(st.booleans()):
        tcp.mss = draw(port)
    if draw(st.booleans()):
        tcp.winscale = draw(st.integers(0, 14))
    if draw(st.booleans()):
        tcp.set_sack_permitted()
    if draw(st.booleans()):
        tcp.timestamp = draw(word), draw(word)
    if draw(st.booleans()):
        tcp.sack = draw(st.lists(word, min_size=2, max_size=2))
    return tcp


@quick
@given(hardware, hardware, address, address, segments(), payload, st.integers(0, 255), port)
def test_tcp_frames(dst: Any, src: Any, ip_dst: str, ip_src: str, tcp: TCP, data: bytes, ttl: int, ident: int) -> None:
    ip = IP(ip_dst, ip_src)
    ip.ttl, ip.id = ttl, ident
    frame = (EthernetII(dst, src) / ip / tcp / RAW(data)).serialize()
    seen = scapy.Ether(frame)
    assert (seen.dst, seen.src, seen[scapy.IP].dst, seen[scapy.IP].src) == (dst, src, ip_dst, ip_src)
    assert (seen[scapy.IP].ttl, seen[scapy.IP].id, seen[scapy.IP].len) == (ttl, ident, 20 + len(tcp.serialize()) + len(data))
    other = seen[scapy.TCP]
    assert (other.dport, other.sport, other.seq, other.ack, other.window) == (tcp.dport, tcp.sport, tcp.seq, tcp.ack_seq, tcp.window)
    assert (int(other.flags) | other.reserved << 9, other.urgptr) == (tcp.flags, tcp.urg_ptr)
    # the rest of a short frame is padding
    assert bytes(other.payload)[: len(data)] == data
    assert_checksums(frame, scapy.TCP)
    eth = dpkt.ethernet.Ethernet(frame)
    assert [(kind, value) for kind, value in dpkt.tcp.parse_opts(eth.data.data.opts) if kind > 1] == [
        (option["type"], option["data"]) for option in tcp.options() if option["type"] > 1
    ]
    again = EthernetII.from_buffer(frame)
    assert again.serialize() == frame
    assert again.rfind_pdu(TCP).timestamp == tcp.timestamp
    assert again.rfind_pdu(TCP).sack == tcp.sack


def assert_checksums(frame: bytes, kind: Any) -> None:
    """scapy computes the same checksums when it is made to."""
    again = scapy.Ether(frame)
    del again[scapy.IP].chksum
    del again[kind].chksum
    computed = scapy.Ether(bytes(again))
    seen = scapy.Ether(frame)
    assert (computed[scapy.IP].chksum, computed[kind].chksum) == (seen[scapy.IP].chksum, seen[kind].chksum)


@quick
@given(address, address, port, port, payload, st.integers(0, 4095), st.integers(0, 7))
def test_udp_in_a_vlan(dst: Any, src: Any, dport: int, sport: int, data: bytes, vlan: int, priority: int) -> None:
    tag = Dot1Q(vlan)
    tag.priority = priority
    frame = (EthernetII() / tag / IP(dst, src) / UDP(dport, sport) / RAW(data)).serialize()
    seen = scapy.Ether(frame)
    assert (seen[scapy.Dot1Q].vlan, seen[scapy.Dot1Q].prio, seen[scapy.Dot1Q].type) == (vlan, priority, 0x800)
    assert (seen[scapy.UDP].dport, seen[scapy.UDP].sport, seen[scapy.UDP].len) == (dport, sport, 8 + len(data))
    assert_checksums(frame, scapy.UDP)
    datagram = dpkt.ethernet.Ethernet(frame).data.data
    assert (datagram.dport, datagram.data) == (dport, data)
    assert EthernetII.from_buffer(frame).rfind_pdu(UDP).dport == dport


options = st.lists(
    st.one_of(
        st.tuples(st.just("MSS"), port),
        st.tuples(st.just("WScale"), st.integers(0, 255)),
        st.just(("SAckOK", b"")),
        st.just(("NOP", None)),
        st.tuples(st.just("Timestamp"), st.tuples(word, word)),
    ),
    max_size=3,
)


@quick
@given(address, address, port, port, word, options, st.integers(0, 511), payload)
def test_segments_that_scapy_makes(dst: Any, src: Any, dport: int, sport: int, seq: int, listed: Any, flags: Any, data: bytes) -> None:
    packet = scapy.IP(dst=dst, src=src) / scapy.TCP(dport=dport, sport=sport, seq=seq, options=listed, flags=flags) / data
    frame = bytes(packet)
    ip = IP.from_buffer(frame)
    tcp = ip.rfind_pdu(TCP)
    assert (ip.dst_addr, ip.src_addr, tcp.dport, tcp.sport, tcp.seq, tcp.flags) == (dst, src, dport, sport, seq, flags)
    assert ip.protocol == 6
    by_name = dict(reversed(listed))
    assert tcp.mss == by_name.get("MSS")
    assert tcp.winscale == by_name.get("WScale")
    assert tcp.timestamp == by_name.get("Timestamp")
    assert tcp.sack_permitted == ("SAckOK" in by_name)
    assert (tcp.ref_inner_pdu().payload if data else b"") == data
    assert (EthernetII() / ip).serialize()[14 : 14 + len(frame)][20:] == frame[20:]
    assert (EthernetII() / ip).serialize()[24:26] == frame[10:12]


@quick
@given(st.lists(st.sampled_from(["record_route", "lsrr", "ssrr"]), unique=True, max_size=2), st.lists(address, min_size=1, max_size=3))
def test_ip_options(kinds: list[str], routes: list[str]) -> None:
    ip = IP("10.0.0.1", "10.0.0.2")
    for kind in kinds:
        getattr(ip, "set_" + kind)(4, routes)
    ip.stream_identifier = 7
    frame = (EthernetII() / ip / UDP(1, 2)).serialize()
    seen = scapy.Ether(frame)[scapy.IP]
    names = {"record_route": 7, "lsrr": 3, "ssrr": 9}
    assert [option.option for option in seen.options if option.option] == [names[kind] for kind in kinds] + [8]
    assert [option.routers for option in seen.options if option.option in (3, 7, 9)] == [routes] * len(kinds)
    again = EthernetII.from_buffer(frame).rfind_pdu(IP)
    assert all(getattr(again, "get_" + kind)() == (4, routes) for kind in kinds)
    assert again.stream_identifier == 7
    again = seen.copy()
    del again.chksum
    assert scapy.IP(bytes(again)).chksum == seen.chksum


@quick
@given(st.sampled_from(list(ICMP.Flags)), port, port, payload)
def test_icmp(flag: Any, ident: int, seq: int, data: bytes) -> None:
    icmp = ICMP(flag)
    icmp.id, icmp.sequence = ident, seq
    frame = (EthernetII() / IP("10.0.0.1", "10.0.0.2") / icmp / RAW(data)).serialize()
    seen = scapy.Ether(frame)
    assert seen[scapy.ICMP].type == flag
    assert_checksums(frame, scapy.ICMP)
    again = EthernetII.from_buffer(frame).rfind_pdu(ICMP)
    assert (again.type, again.id, again.sequence) == (flag, ident, seq)


def test_the_two_zeros_of_a_checksum() -> None:
    assert [ones_sum(data) for data in (b"", b"\0\0", b"\xff\xff", b"\x12\x34\xed\xcb", b"\xff")] == [0xFFFF, 0xFFFF, 0, 0, 0x00FF]
    for number in range(0, 0x10000, 257):
        data = number.to_bytes(2, "big") + bytes([0xFF - number // 256, 0xFF - number % 256])
        assert ones_sum(data) == scapy_checksum(data)


def test_icmp_redirect_and_arp() -> None:
    redirect = ICMP()
    redirect.set_redirect(1, "10.0.0.254")
    assert scapy.ICMP(redirect.serialize()).gw == "10.0.0.254"
    request = ARP.make_arp_request("10.0.0.1", "10.0.0.2", "02:00:00:00:00:02")
    seen = scapy.Ether(request.serialize())
    assert (seen.dst, seen[scapy.ARP].op, seen[scapy.ARP].pdst, seen[scapy.ARP].hwsrc) == (
        "ff:ff:ff:ff:ff:ff", 1, "10.0.0.1", "02:00:00:00:00:02"
    )
    reply = ARP.make_arp_reply("10.0.0.2", "10.0.0.1", "02:00:00:00:00:02", "02:00:00:00:00:01")
    assert request.matches_response(reply.serialize())
    assert scapy.Ether(reply.serialize())[scapy.ARP].op == 2


label = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
domain = st.lists(label, min_size=1, max_size=4).map(".".join)


@quick
@given(port, domain, st.lists(st.tuples(domain, address, st.integers(0, 0x7FFFFFFF)), max_size=3), domain)
def test_dns(ident: int, name: Any, answers: Any, alias: Any) -> None:
    dns = DNS()
    dns.id, dns.qrtype, dns.recursion_desired = ident, DNS.QRType.RESPONSE, 1
    dns.add_additional(_tins.DNS_Resource(b"", b"\1\2", 41, 4096, 0))
    dns.add_answer(_tins.DNS_Resource(name, alias, DNS.QueryType.CNAME, 1, 60))
    for owner, target, ttl in answers:
        dns.add_answer(DNS.Resource(owner, target, DNS.QueryType.A, DNS.QueryClass.IN, ttl))
    dns.add_answer(_tins.DNS_Resource(name, "2001:db8::1", DNS.QueryType.AAAA, 1, 60))
    dns.add_query(DNS.Query(name, DNS.QueryType.A, DNS.QueryClass.IN))
    for read in (dns, DNS.from_buffer(dns.serialize())):
        assert read.get_queries() == [DNS.Query(name, 1, 1)]
        assert [(r.name.decode(), r.data.decode(), r.ttl) for r in read.get_answers()[1:-1]] == answers
        assert (read.get_answers()[0].data.decode(), read.get_answers()[-1].data) == (alias, b"2001:db8::1")
        assert read.get_additionals() == [DNS.Resource(b"", b"\1\2", 41, 4096, 0)]
    seen = dpkt.dns.DNS(dns.serialize())
    assert (seen.id, seen.qd[0].name, len(seen.an)) == (ident, name, len(answers) + 2)
    assert [(rr.name, ".".join(map(str, rr.ip)), rr.ttl) for rr in seen.an[1:-1]] == answers


@quick
@given(domain, st.lists(st.tuples(domain, address), max_size=4))
def test_dns_names_that_are_compressed(name: Any, answers: Any) -> None:
    message = dpkt.dns.DNS(id=1, op=0x8000, qd=[dpkt.dns.DNS.Q(name=name)], an=[
        dpkt.dns.DNS.RR(name=owner + "." + name, ip=bytes(map(int, target.split("."))), ttl=9) for owner, target in answers
    ])
    dns = DNS.from_buffer(bytes(message))
    assert [(r.name.decode(), r.data.decode(), r.ttl) for r in dns.get_answers()] == [(owner + "." + name, t, 9) for owner, t in answers]
    # a question put before them moves the names that the others point to
    dns.add_query(DNS.Query("x.example", 1, 1))
    assert [r.name.decode() for r in dns.get_answers()] == [owner + "." + name for owner, _ in answers]
    assert dns.serialize() == DNS.from_buffer(dns.serialize()).serialize()


def test_raw_is_read_as_dns() -> None:
    packet = scapy.Ether() / scapy.IP() / scapy.UDP(dport=53) / scapy.DNS(qd=scapy.DNSQR(qname="example.com"))
    dns = EthernetII.from_buffer(bytes(packet)).rfind_pdu(RAW).to(DNS)
    assert [query.name for query in dns.get_queries()] == [b"example.com"]


def test_dhcp() -> None:
    offer = DHCP()
    offer.opcode, offer.xid, offer.chaddr, offer.yiaddr = DHCP.OpCodes.BOOTREPLY, 7, "02:00:00:00:00:01", "10.0.0.5"
    offer.type, offer.server_identifier, offer.lease_time, offer.routers = DHCP.Flags.OFFER, "10.0.0.1", 3600, ["10.0.0.1", "10.0.0.2"]
    offer.hostname, offer.domain_name = "host", b"example.com"
    offer.end()
    seen = scapy.BOOTP(offer.serialize())
    assert (seen.op, seen.xid, seen.yiaddr) == (2, 7, "10.0.0.5")
    listed: dict[Any, Any] = dict(option[:2] for option in seen[scapy.DHCP].options if isinstance(option, tuple))
    assert (listed["message-type"], listed["server_id"], listed["lease_time"], listed["hostname"]) == (2, "10.0.0.1", 3600, b"host")
    again = DHCP.from_buffer(offer.serialize())
    assert again.routers == ["10.0.0.1", "10.0.0.2"]
    assert again.options()[-1] == (255, b"")
    assert again.search_option(99) is None
    assert again == offer


def test_802_3_with_llc_snap_and_spanning_tree() -> None:
    bpdu = scapy.Dot3(dst="01:80:c2:00:00:00", src="02:00:00:00:00:01") / scapy.LLC(dsap=0x42, ssap=0x42, ctrl=3) / scapy.STP(
        rootid=32768 + 5, rootmac="02:00:00:00:00:09", pathcost=4, maxage=20, hellotime=2, fwddelay=15, portid=0x8001
    )
    frame = bytes(bpdu)
    dot3 = Dot3.from_buffer(frame)
    stp = dot3.rfind_pdu("stp")
    assert (dot3.rfind_pdu(LLC).type, dot3.rfind_pdu(LLC).modifier_function) == (LLC.Format.UNNUMBERED, LLC.ModifierFunctions.UI)
    assert (stp.root_id.priority, stp.root_id.ext_id, stp.root_id.id) == (8, 5, "02:00:00:00:00:09")
    assert (stp.root_path_cost, stp.max_age, stp.hello_time, stp.fwd_delay, stp.port_id) == (4, 20, 2, 15, 0x8001)
    assert dot3.serialize() == frame
    inside = bytes(scapy.IP(dst="10.0.0.1", src="10.0.0.2") / scapy.UDP(dport=1, sport=2))
    snap = SNAP.from_buffer(bytes(scapy.LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / scapy.SNAP(OUI=0, code=0x800)) + inside)
    assert (snap.eth_type, snap.rfind_pdu(IP).dst_addr) == (0x800, "10.0.0.1")


@pytest.mark.parametrize("kind", LLC.Format)
def test_llc_control_fields(kind: Any) -> None:
    llc = LLC(2, 4)
    llc.type = kind
    llc.poll_final = True
    assert (llc.type, llc.poll_final, llc.header_size) == (kind, True, 3 if kind == 3 else 4)
    if kind == LLC.Format.INFORMATION:
        llc.send_seq_number, llc.receive_seq_number = 5, 6
        assert LLC.from_buffer(llc.serialize()).send_seq_number == 5
        assert LLC.from_buffer(llc.serialize()).receive_seq_number == 6
    if kind == LLC.Format.SUPERVISORY:
        llc.supervisory_function = LLC.SupervisoryFunctions.REJECT
        assert LLC.from_buffer(llc.serialize()).supervisory_function == LLC.SupervisoryFunctions.REJECT
    if kind == LLC.Format.UNNUMBERED:
        for function in LLC.ModifierFunctions:
            llc.modifier_function = function
            assert LLC.from_buffer(llc.serialize()).modifier_function == function
            assert llc.poll_final


def test_wireless_frames() -> None:
    present = "TSFT+Flags+Rate+Channel+dBm_AntSignal+Antenna"
    made = scapy.RadioTap(present=present, mac_timestamp=9, Flags="", Rate=11.0, dBm_AntSignal=-40, Antenna=1)
    made.ChannelFrequency, made.ChannelFlags = 2412, 0xA0
    made /= scapy.Dot11(type=0, subtype=8, addr1="ff:ff:ff:ff:ff:ff", addr2="02:00:00:00:00:01", addr3="02:00:00:00:00:01", SC=0x50)
    made /= scapy.Dot11Beacon(timestamp=77, beacon_interval=100, cap="ESS+privacy")
    made /= scapy.Dot11Elt(ID=0, info=b"net") / scapy.Dot11Elt(ID=1, info=b"\x82\x84\x0b\x16") / scapy.Dot11Elt(ID=3, info=b"\x06")
    frame = bytes(made)
    radio = RadioTap.from_buffer(frame)
    assert (radio.tsft, radio.rate, radio.channel_freq, radio.channel_type, radio.dbm_signal, radio.antenna) == (9, 22, 2412, 0xA0, -40, 1)
    beacon = radio.rfind_pdu("dot11beacon")
    assert (beacon.ssid, beacon.supported_rates, beacon.ds_parameter_set) == (b"net", [1.0, 2.0, 5.5, 11.0], 6)
    assert (beacon.timestamp, beacon.interval, beacon.seq_num, beacon.addr2) == (77, 100, 5, "02:00:00:00:00:01")
    assert (beacon.capabilities.ess, beacon.capabilities.privacy, beacon.capabilities.qos) == (True, True, False)
    assert radio.serialize() == frame
    radio.dbm_signal, radio.rx_flags = -41, 2
    beacon.capabilities.qos = True
    seen = scapy.RadioTap(radio.serialize())
    assert (seen.dBm_AntSignal, seen[scapy.Dot11Beacon].cap.value, seen[scapy.Dot11Elt].info) == (-41, 0x1102, b"net")
