"""Writes what a filter takes of a file with both writers, and reads it again.

there_and_back.py FILE FILTER OUTPUT OUTPUT
"""

import collections
import sys

from cycapture.libpcap import BlockingSniffer, NonBlockingPacketWriter, OfflineFilter, PacketWriter
from cycapture.libtins import IP, TCP, EthernetII
from cycapture.libtins._tins import pdu_from_buffer

stored = collections.deque()
BlockingSniffer(filename=sys.argv[1]).sniff_and_store(stored)
print("stored", len(stored))

wanted = OfflineFilter(sys.argv[2], "EN10MB")
kept = [(sec, usec, length, buf) for sec, usec, length, buf in stored if wanted.match_buffer(buf)]
pdus = list(wanted.ifilter(EthernetII.from_buffer(buf) for _, _, _, buf in stored))
assert [pdu.serialize() for pdu in pdus] == [pdu_from_buffer(buf, "EthernetII").serialize() for _, _, _, buf in kept]
print("kept", len(kept), [pdu.rfind_pdu(TCP).seq for pdu in pdus])

with PacketWriter(EthernetII, sys.argv[3]) as w:
    for sec, usec, _, buf in kept:
        w.write(buf, sec, usec)
with open(sys.argv[4], "wb") as f:
    w = NonBlockingPacketWriter(linktype=EthernetII, output=f)
    for (sec, usec, _, _), pdu in zip(kept, pdus):  # noqa: B905
        pdu.rfind_pdu(IP).ttl = 1
        w.write(pdu, sec, usec)
    w.close()

for path in sys.argv[3:]:
    back = []
    sniffer = BlockingSniffer(filename=path)
    sniffer.sniff_and_store(back, EthernetII.from_buffer)
    assert [(sec, usec) for sec, usec, _, _ in back] == [(sec, usec) for sec, usec, _, _ in kept]
    print("back", sniffer.total, sniffer.datalink[1].decode(), set(pdu.rfind_pdu(IP).ttl for _, _, _, pdu in back))  # noqa: C401
