"""Puts together in one thread the fragments that another one captures, until SIGTERM.

until_sigterm.py INTERFACE FILTER
"""

import queue
import signal
import sys
import threading

from cycapture.libpcap import BlockingSniffer
from cycapture.libtins import IP, RAW, UDP, EthernetII, IPReassembler

pdus = queue.Queue()
sniffer = BlockingSniffer(sys.argv[1], read_timeout=100, snapshot_length=65000, buffer_size=1 << 20)
sniffer.filter = sys.argv[2]
counts = {"fragments": 0, "whole": 0}


def capture():
    sniffer.sniff_and_store(pdus, lambda buf: EthernetII.from_buffer(buf))
    pdus.put(None)


def complete(pdu):
    datagram = pdu.rfind_pdu(UDP)
    print("whole", pdu.rfind_pdu(IP).fragmented, datagram.dport, len(datagram.rfind_pdu(RAW).payload), flush=True)


def work():
    reassembler = IPReassembler(complete)
    while True:
        item = pdus.get()
        if item is None:
            return
        status = reassembler.process(item[3])
        counts["fragments" if status == IPReassembler.Status.FRAGMENTED else "whole"] += 1


def handle_term(signum, frame):
    BlockingSniffer.stop_all()


signal.signal(signal.SIGTERM, handle_term)
threads = [threading.Thread(target=capture), threading.Thread(target=work)]
for thread in threads:
    thread.start()
while not sniffer.activated:
    threads[0].join(0.01)
print("listening", flush=True)
for thread in threads:
    while thread.is_alive():
        thread.join(0.1)
assert sniffer.ps_recv >= sniffer.total == counts["fragments"] + counts["whole"]
print("whole", counts["whole"], "dropped", sniffer.ps_drop, "listening", sniffer.activated)
