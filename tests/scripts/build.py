"""Builds packets, and asks ranges, interfaces and routes: build.py INTERFACE."""

import pickle
import sys

from cycapture.libpcap import findalldevs, lookupnet
from cycapture.libtins import (
    ICMP,
    IP,
    RAW,
    TCP,
    UDP,
    Dot1Q,
    EthernetII,
    HWAddress,
    IPv4Address,
    IPv4Range,
    NetworkInterface,
    PDUNotFound,
    Utils,
)

# a SYN with options, built layer by layer
tcp = TCP(80, 4000)
tcp.set_flag("syn", 1)
tcp.mss, tcp.winscale = 1460, 7
tcp.set_sack_permitted()
pkt = EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2") / tcp
pkt.rfind_pdu(IP).ttl = 64
buf = pkt.serialize()
back = EthernetII.from_buffer(buf)
assert back == pkt == pickle.loads(pickle.dumps(pkt))
seen = back.find_pdu(TCP)
print("syn", len(buf), back.rfind_pdu(IP).src_addr, seen.dport, seen.get_flag("syn"), seen.mss, seen.winscale, seen.sack_permitted)
print("sums", hex(back.rfind_pdu(IP).checksum), hex(seen.checksum))

# every host of a network, through a tag
count = 0
for host in IPv4Address("192.168.5.0") / 29:
    ping = EthernetII(HWAddress.broadcast, "02:00:00:00:00:02") / Dot1Q(7) / IP(host, "192.168.5.1") / ICMP() / RAW(b"ping")
    assert EthernetII.from_buffer(ping.serialize()).rfind_pdu(ICMP).type == ICMP.Flags.ECHO_REQUEST
    count += 1
print("pings", count, "10.0.0.7" in IPv4Range("10.0.0.0", "10.0.0.255"), IPv4Address("10.0.0.1").is_private(), HWAddress.broadcast)
try:
    ping.rfind_pdu(UDP)
except PDUNotFound:
    print("no UDP")

name = sys.argv[1]
lo = NetworkInterface(name)
assert name.encode() in findalldevs()
assert lo in NetworkInterface.all()
assert lo in Utils.list_network_interfaces()
print(lo, lo.is_loopback(), lo.addresses[0], lookupnet(name)[2].decode(), NetworkInterface(address=IPv4Address("127.0.0.1")) == lo)
for route in Utils.list_route_entries():
    assert route.interface.decode() in [str(iface) for iface in NetworkInterface.all()]
