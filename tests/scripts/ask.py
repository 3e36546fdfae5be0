"""Asks a name server, an ARP neighbour and a pinged host for answers: ask.py INTERFACE ADDRESS.

Two threads answer: one has a socket, the other sniffs for ARP requests.
"""

import socket
import sys
import threading

from cycapture.libpcap import BlockingSniffer
from cycapture.libtins import ARP, DNS, ICMP, IP, RAW, UDP, EthernetII, PacketSender

interface, address = sys.argv[1:3]
sender = PacketSender(interface, recv_timeout=10)

# DNS
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((address, 0))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.bind((address, 0))


def name_server():
    data, peer = server.recvfrom(2000)
    dns = DNS.from_buffer(data)
    (question,) = dns.get_queries()
    dns.qrtype = DNS.QRType.RESPONSE
    dns.add_answer(DNS.Resource(question.name, "192.0.2.7", question.query_type, question.query_class, 60))
    server.sendto(dns.serialize(), peer)


threading.Thread(target=name_server, daemon=True).start()
dns = DNS()
dns.id, dns.recursion_desired = 4711, 1
dns.add_query(DNS.Query("example.org", DNS.QueryType.A, DNS.QueryClass.IN))
response = sender.send_recv(IP(address) / UDP(server.getsockname()[1], client.getsockname()[1]) / dns)
for answer in response.rfind_pdu(RAW).to(DNS).get_answers():
    print("dns", answer.name.decode(), answer.data.decode(), answer.ttl)

# ARP
sniffer = BlockingSniffer(interface, read_timeout=100)
sniffer.filter = "arp"
listening = threading.Event()


def neighbour():
    with sniffer.iterator(lambda buf: EthernetII.from_buffer(buf)) as packets:
        listening.set()
        for _, _, _, pdu in packets:
            arp = pdu.rfind_pdu(ARP)
            if arp.opcode == ARP.Flags.REQUEST and arp.target_ip_addr == "192.0.2.1":
                sender.send(ARP.make_arp_reply(arp.sender_ip_addr, arp.target_ip_addr, arp.sender_hw_addr, "02:00:00:00:00:01"))
                return


threading.Thread(target=neighbour, daemon=True).start()
listening.wait()
request = ARP.make_arp_request("192.0.2.1", "192.0.2.2", "02:00:00:00:00:02")
print("arp", sender.send_recv(request, interface).rfind_pdu(ARP).sender_hw_addr)

# ping
ping = ICMP()
ping.id, ping.sequence = 4711, 1
echo = sender.send_recv(IP(address) / ping / RAW(b"are you there?"))
print("ping", echo.src_addr, echo.rfind_pdu(ICMP).sequence, echo.rfind_pdu(RAW).payload.decode())
