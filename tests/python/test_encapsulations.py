"""What scapy wraps around a conversation is taken off again, and IP fragments are put together."""

import io
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from frames import conversation, pcap
from scapy.all import GRE, IP, TCP, UDP, CookedLinux, CookedLinuxV2, Dot3, Dot11, Dot11QoS, Ether, IPv6, Packet, RadioTap, Raw
from scapy.contrib.chdlc import CHDLC
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.etherip import EtherIP
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.macsec import MACsec
from scapy.contrib.mpls import MPLS, EoMCW
from scapy.contrib.nsh import NSH
from scapy.contrib.tzsp import TZSP, TZSPTagEnd
from scapy.layers.inet import fragment
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment6
from scapy.layers.ipsec import AH
from scapy.layers.l2 import GRE_PPTP, LLC, SNAP, Dot1AD, Dot1AH, Dot1Q, Loopback
from scapy.layers.l2tp import L2TP
from scapy.layers.pflog import PFLog
from scapy.layers.ppi import PPI
from scapy.layers.ppp import DIR_PPP, HDLC, PPP, PPPoE
from scapy.layers.vxlan import VXLAN

from gofollow import GofollowWarning, LinkType, TCPStreamFollower, events, follow

GET, ANSWER = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n" + bytes(range(200)) * 3
"""Long enough to be cut into fragments."""


def talk(version: int) -> list[Packet]:
    """A conversation as IP packets, checksums right."""
    client, server = (IP(src="10.0.0.1", dst="10.0.0.2"), IP(src="10.0.0.2", dst="10.0.0.1"))
    if version == 6:
        client, server = (IPv6(src="2001::1", dst="2001:db8::2"), IPv6(src="2001:db8::2", dst="2001::1"))

    def up(flags: str, seq: int, ack: int = 0, data: bytes = b"") -> Packet:
        return client / TCP(sport=40000, dport=80, flags=flags, seq=seq, ack=ack) / Raw(data)

    def down(flags: str, seq: int, ack: int = 0, data: bytes = b"") -> Packet:
        return server / TCP(sport=80, dport=40000, flags=flags, seq=seq, ack=ack) / Raw(data)

    c, s = 101 + len(GET), 901 + len(ANSWER)
    return [
        up("S", 100),
        down("SA", 900, 101),
        up("PA", 101, 901, GET),
        down("PA", 901, c, ANSWER),
        up("FA", c, s),
        down("FA", s, c + 1),
        up("A", c + 1, s + 1),
    ]


MAC = "02:00:00:00:00:01"


def ether() -> Packet:
    """An Ethernet header with addresses: scapy would ask the network for missing ones."""
    return Ether(src=MAC, dst=MAC)


def over_ip(protocol: int, inner: Packet, *layers: Packet) -> Packet:
    packet = ether() / IP(src="172.16.0.1", dst="172.16.0.2", proto=protocol)
    for layer in layers:
        packet /= layer
    return packet / inner


def over_udp(port: int, *layers: Packet) -> Packet:
    packet = ether() / IP(src="172.16.0.1", dst="172.16.0.2") / UDP(sport=50000, dport=port, chksum=0)
    for layer in layers:
        packet /= layer
    return packet


def kind(ip: Packet) -> int:
    return 0x86DD if ip.version == 6 else 0x0800


def ppp_kind(ip: Packet) -> int:
    return 0x57 if ip.version == 6 else 0x21


def snap(ip: Packet) -> Packet:
    return LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=kind(ip)) / ip


def pptp(ip: Packet) -> Packet:
    inner = PPP(proto=ppp_kind(ip)) / ip
    header = GRE_PPTP(seqnum_present=1, acknum_present=1, payload_len=len(inner), call_id=7, sequence_number=1, ack_number=2)
    return over_ip(47, inner, header)


Wrap = Callable[[Packet], Packet]
LINKS: dict[str, tuple[int, Wrap]] = {
    "null": (0, lambda ip: Loopback(type=2 if ip.version == 4 else 30) / ip),
    "ethernet": (1, lambda ip: ether() / ip),
    "802.3": (1, lambda ip: Dot3(src=MAC, dst=MAC) / snap(ip)),
    "vlan": (1, lambda ip: ether() / Dot1Q(vlan=5) / ip),
    "802.1ad": (1, lambda ip: ether() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / Dot1Q(vlan=7) / ip),
    "802.1ah": (1, lambda ip: ether() / Dot1AD(vlan=5) / Dot1AH(isid=9) / ether() / ip),
    "ppp": (9, lambda ip: PPP(proto=ppp_kind(ip)) / ip),
    "ppp in hdlc": (50, lambda ip: HDLC() / PPP(proto=ppp_kind(ip)) / ip),
    "pppoe link": (51, lambda ip: PPPoE(sessionid=3) / PPP(proto=ppp_kind(ip)) / ip),
    "raw": (101, lambda ip: ip),
    "hdlc of cisco": (104, lambda ip: CHDLC(proto=kind(ip)) / ip),
    "802.11": (105, lambda ip: Dot11(type=2, FCfield="to_DS") / snap(ip)),
    "802.11 qos": (105, lambda ip: Dot11(type=2, subtype=8, FCfield="from_DS+retry") / Dot11QoS(TID=3) / snap(ip)),
    "802.11 four addresses": (105, lambda ip: Dot11(type=2, FCfield="to_DS+from_DS", addr4="00:00:00:00:00:04") / snap(ip)),
    "cooked": (113, lambda ip: CookedLinux(proto=kind(ip)) / ip),
    "pflog": (117, lambda ip: PFLog(addrfamily=2 if ip.version == 4 else 24) / ip),
    "radiotap": (127, lambda ip: RadioTap(present="TSFT+Flags+Rate", Flags=0) / Dot11(type=2, FCfield="to_DS") / snap(ip)),
    "ppi": (192, lambda ip: PPI(dlt=105) / Dot11(type=2, FCfield="to_DS") / snap(ip)),
    "ppp with direction": (204, lambda ip: DIR_PPP() / PPP(proto=ppp_kind(ip)) / ip),
    "mpls link": (219, lambda ip: MPLS(label=16, s=1) / ip),
    "ipv4": (228, lambda ip: ip),
    "ipv6": (229, lambda ip: ip),
    "cooked 2": (276, lambda ip: CookedLinuxV2(proto=kind(ip)) / ip),
}
TUNNELS: dict[str, Wrap] = {
    "pppoe": lambda ip: ether() / PPPoE(sessionid=3) / PPP(proto=ppp_kind(ip)) / ip,
    "mpls": lambda ip: ether() / MPLS(label=16, s=0) / MPLS(label=17, s=1) / ip,
    "mpls with control word": lambda ip: ether() / MPLS(label=16, s=1) / EoMCW() / ether() / ip,
    "mpls with ethernet": lambda ip: ether() / MPLS(label=16, s=1) / Ether(src=MAC, dst="00:00:5e:00:53:01") / ip,
    "ip in ip": lambda ip: over_ip(41 if ip.version == 6 else 4, ip),
    "ip in ipv6": lambda ip: ether() / IPv6(src="fe80::1", dst="fe80::2") / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / ip,
    "authentication": lambda ip: over_ip(51, ip, AH(nh=41 if ip.version == 6 else 4, payloadlen=4, spi=1, seq=2, icv=bytes(12))),
    "gre": lambda ip: over_ip(47, ip, GRE(proto=kind(ip))),
    "gre with all": lambda ip: over_ip(47, ip, GRE(chksum_present=1, key_present=1, seqnum_present=1, key=7, proto=kind(ip))),
    "gre with ethernet": lambda ip: over_ip(47, ether() / ip, GRE(key_present=1, key=0x1234, proto=0x6558)),
    "pptp": pptp,
    "erspan": lambda ip: over_ip(47, ether() / ip, GRE(proto=0x88BE), ERSPAN_I()),
    "erspan 2": lambda ip: over_ip(47, ether() / ip, GRE(seqnum_present=1, proto=0x88BE), ERSPAN_II(session_id=5)),
    "erspan 3": lambda ip: over_ip(47, ether() / ip, GRE(seqnum_present=1, proto=0x22EB), ERSPAN_III(session_id=5)),
    "erspan 3 for a platform": lambda ip: over_ip(
        47, ether() / ip, GRE(seqnum_present=1, proto=0x22EB), ERSPAN_III(session_id=5, o=1), ERSPAN_PlatformSpecific()
    ),
    "etherip": lambda ip: over_ip(97, ether() / ip, EtherIP()),
    "mpls in ip": lambda ip: over_ip(137, ip, MPLS(label=16, s=1)),
    "vxlan": lambda ip: over_udp(4789, VXLAN(vni=5, flags="Instance"), ether(), ip),
    "vxlan with a policy": lambda ip: over_udp(8472, VXLAN(vni=5, flags="Instance+G", gpid=3), ether(), ip),
    "vxlan-gpe": lambda ip: over_udp(4790, VXLAN(vni=5, flags="Instance+NextProtocol", NextProtocol=3), ether(), ip),
    "geneve": lambda ip: over_udp(6081, GENEVE(vni=5, proto=0x6558, options=[GeneveOptions(data=bytes(8))] * 2), ether(), ip),
    "geneve with ip": lambda ip: over_udp(6081, GENEVE(vni=5, proto=kind(ip)), ip),
    "gtp": lambda ip: over_udp(2152, GTP_U_Header(teid=9), ip),
    "gtp with an extension": lambda ip: over_udp(2152, GTP_U_Header(teid=9, E=1, next_ex=0x85) / GTPPDUSessionContainer(type=1, QFI=9), ip),
    "teredo": lambda ip: over_udp(3544, Raw(bytes([0, 0]) + bytes(6)), ip),
    "l2tp": lambda ip: over_udp(1701, L2TP(hdr="length", tunnel_id=1, session_id=2) / HDLC() / PPP(proto=ppp_kind(ip)), ip),
    "macsec": lambda ip: Ether(src=MAC, dst=MAC, type=0x88E5) / Raw(bytes(MACsec(E=0, C=0, SC=0, PN=1, type=kind(ip)) / ip) + bytes(16)),
    "macsec with a channel": lambda ip: ether() / MACsec(E=0, C=0, SC=1, SCI=bytes(8), PN=1, type=kind(ip)) / ip,
    "nsh": lambda ip: ether() / NSH(mdtype=1, nextproto=2 if ip.version == 6 else 1, context_header=bytes(16)) / ip,
    "nsh with ethernet in gre": lambda ip: over_ip(47, ether() / ip, GRE(proto=0x894F), NSH(mdtype=2, nextproto=3)),
    "tzsp": lambda ip: over_udp(37008, TZSP(), TZSPTagEnd(), ether(), ip),
    "l2tp 3": lambda ip: over_ip(115, ether() / ip, Raw(struct.pack("!II", 77, 1))),
}
ALL = {**LINKS, **{name: (1, wrap) for name, wrap in TUNNELS.items()}}


def check(packets: list[bytes], link_type: int) -> None:
    streams: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with TCPStreamFollower(None, streams.append, checksum="verify") as follower:
            for number, data in enumerate(packets):
                follower.feed_packet(data, number / 1000, link_type)
            facts = follower.statistics
    assert [(s.client_payload, s.server_payload, s.clean) for s in streams] == [(GET, ANSWER, True)], facts
    assert facts.segments + facts.fragments == len(packets)


def versions(name: str) -> list[int]:
    return {"ipv4": [4], "ipv6": [6], "teredo": [6]}.get(name, [4, 6])


@pytest.mark.parametrize(("name", "version"), [(name, version) for name in ALL for version in versions(name)])
def test_scapy_wrapped_it(name: str, version: int) -> None:
    link_type, wrap = ALL[name]
    check([bytes(wrap(ip)) for ip in talk(version)], link_type)


def cut(ip: Packet) -> list[Packet]:
    if ip.version == 4:
        ip.id = ip[TCP].seq & 0xFFFF
        made: list[Packet] = fragment(ip, 64)
        return made
    header = ip.copy()
    inner = header[TCP].copy()
    header.remove_payload()
    del header.plen, header.nh
    return fragment6(header / IPv6ExtHdrFragment(id=ip[TCP].seq) / inner, 128) if len(ip) > 128 else [ip]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", ["ethernet", "vlan", "802.11 qos", "gre with all", "vxlan", "gtp", "pptp", "mpls with control word"])
def test_scapy_cut_it(name: str, version: int) -> None:
    link_type, wrap = ALL[name]
    packets = [[bytes(wrap(part)) for part in cut(IP(bytes(ip)) if version == 4 else IPv6(bytes(ip)))] for ip in talk(version)]
    assert sum(map(len, packets)) > len(packets) + 3
    check([part for parts in packets for part in parts], link_type)
    check([part for parts in packets for part in reversed(parts)], link_type)


@pytest.mark.parametrize("name", ["gre", "vxlan", "l2tp"])
def test_scapy_cut_the_tunnel(name: str) -> None:
    packets = []
    for number, ip in enumerate(talk(4)):
        outer = ALL[name][1](ip)
        outer[IP].id = number + 1
        packets += [bytes(ether() / part) for part in fragment(outer[IP], 64)]
    check(packets, 1)


def test_scapy_objects() -> None:
    for wrap in (LINKS["ppp"][1], LINKS["802.11 qos"][1], LINKS["radiotap"][1], LINKS["ppp in hdlc"][1]):
        streams: list[Any] = []
        with TCPStreamFollower(None, streams.append) as follower:
            follower.feed([wrap(ip) for ip in talk(4)])
        assert [stream.server_payload for stream in streams] == [ANSWER]


class Frame:
    """An object as a PDU shows itself."""

    def __init__(self, link_type: int, data: bytes) -> None:
        self.frame = (data, link_type, None)

    def __gofollow_frame__(self) -> tuple[bytes, int, None]:
        return self.frame


def test_unknown_link_types_are_named_and_warned_of_once(tmp_path: Path) -> None:
    frames = conversation([b"a"], [b"b"])
    path = tmp_path / "user0.pcap"
    path.write_bytes(pcap(frames, link_type=147))
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.warns(GofollowWarning, match=r"^link type 147 \(8 packets so far\): .* docs/encapsulations.md") as caught:
            assert list(follow(source)) == []
        assert len(caught) == 1
        assert caught[0].filename == __file__
    with pytest.warns(GofollowWarning) as caught:
        assert list(events(path)) == []
    with TCPStreamFollower() as follower, warnings.catch_warnings():
        warnings.simplefilter("error")
        for frame in frames:
            follower.feed_packet(frame)
        with pytest.warns(GofollowWarning, match=r"^link type 189, USB_LINUX \(1 packets") as caught:
            follower.feed_packet(frames[0], link_type=189)
        assert [warning.filename for warning in caught] == [__file__]
        follower.feed([Frame(189, frames[0])] * 2)
        follower.feed_file(path)
    assert follower.statistics.not_followed == {"link type 147": 8, "link type 189, USB_LINUX": 3}
    assert follower.statistics.unknown_link == 11


def test_a_warning_that_is_an_error_loses_nothing() -> None:
    streams: list[Any] = []
    follower = TCPStreamFollower(None, streams.append)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(GofollowWarning):
            follower.feed_packet(b"", link_type=147)
        for frame in conversation([b"a"], [b"b"]):
            follower.feed_packet(frame)
        follower.close()
    assert [stream.client_payload for stream in streams] == [b"a"]
    assert follower.packets == 9


def test_what_is_not_followed_is_named() -> None:
    with TCPStreamFollower() as follower:
        for packet in (
            *[ether() / MACsec(E=1, C=1, SC=1, SCI=bytes(8), PN=1, type=kind(ip)) / ip for ip in talk(4)[:3]],
            *[ether() / IP() / UDP()] * 2,
            Ether(src=MAC, dst=MAC, type=0x88B5),
            ether() / IP(proto=50),
            over_udp(51820, Raw(bytes([4, 0, 0, 0]))),
        ):
            follower.feed_packet(bytes(packet))
        assert list(follower.statistics.not_followed.items()) == [
            ("MACsec (encrypted)", 3),
            ("UDP", 2),
            ("ESP (encrypted)", 1),
            ("EtherType 0x88b5", 1),
            ("UDP port 51820, WireGuard (encrypted)", 1),
        ]


def test_command_names_what_it_does_not_follow(tmp_path: Path) -> None:
    path = tmp_path / "user0.pcap"
    path.write_bytes(pcap(conversation([b"a"], [b"b"]), link_type=LinkType.NFLOG + 1))
    done = subprocess.run([sys.executable, "-m", "gofollow", path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert "not followed: 8 of 8 packets: link type 240, NETANALYZER 8\n" in done.stderr
