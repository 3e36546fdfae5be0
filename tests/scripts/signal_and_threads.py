"""Sniffs questions to name servers in a thread until SIGINT: signal_and_threads.py INTERFACE FILTER."""

import signal
import sys
import threading

from cycapture.libpcap import BlockingSniffer
from cycapture.libtins import DNS, IP, RAW, UDP, EthernetII, PDUNotFound


class Listener(threading.Thread):
    def run(self):
        s = BlockingSniffer(sys.argv[1], read_timeout=100)
        s.filter = sys.argv[2]
        s.sniff_callback(self.callback)

    def callback(self, sec, usec, caplen, length, mview):
        ethernet_pdu = EthernetII(buf=mview)
        try:
            ip = ethernet_pdu.rfind_pdu(IP)
            raw = ip.rfind_pdu(RAW)
        except PDUNotFound:
            return True
        dns = raw.to(DNS)
        print(str(ip.src_addr), ip.rfind_pdu(UDP).dport, caplen == length == len(mview), dns.queries_count(), flush=True)
        print([(query.name, query.query_type, query.query_class) for query in dns.get_queries()], flush=True)
        return True


def handle_int(signum, frame):
    BlockingSniffer.stop_all()


signal.signal(signal.SIGTERM, handle_int)
signal.signal(signal.SIGINT, handle_int)
listener = Listener()
listener.start()
while listener.is_alive():
    listener.join(0.01)
print("end of main")
