"""Collects packets in a queue, keeps those that a filter takes, and writes them: collect.py FILE FILTER OUTPUT."""

import queue
import sys

from cycapture.libpcap import BlockingSniffer, PcapException
from cycapture.libpcap._pcap import OfflineFilter, PacketWriter
from cycapture.libtins import EthernetII
from cycapture.libtins._tins import TCP

q = queue.Queue()
sniffer = BlockingSniffer(filename=sys.argv[1], snapshot_length=65000)
sniffer.sniff_and_store(q, lambda mview: EthernetII.from_buffer(mview))
try:
    taken = OfflineFilter(sys.argv[2], EthernetII)
except PcapException as ex:
    sys.exit("bad filter: %s" % ex)  # noqa: UP031
writer = PacketWriter(EthernetII, sys.argv[3])
kept = 0
while not q.empty():
    sec, usec, length, pdu = q.get()
    if taken.match_pdu(pdu):
        kept += 1
        assert pdu.find_pdu(TCP) is not None
        writer.write(pdu, sec, usec)
writer.close()
print(kept)
