"""Follows the connections of a TCP port: follow.py INTERFACE PORT [OUTPUT] records them too, follow.py FILE PORT reads a capture."""

import hashlib
import os
import sys

from cycapture.libpcap import BlockingSniffer, PacketWriter
from cycapture.libtins import EthernetII, TCPStreamFollower


def updated(stream):
    assert stream.server_port == int(sys.argv[2])


def ended(stream):
    body = stream.server_payload.tobytes().split(b"\r\n\r\n", 1)[1]
    print("ended", stream.client_payload[:4].decode(), len(body), hashlib.sha256(body).hexdigest())
    sniffer.ask_stop()


def recorded(packets):
    if len(sys.argv) < 4:
        for _, _, _, pdu in packets:
            yield pdu
        return
    with PacketWriter(linktype=EthernetII, output=sys.argv[3]) as w:
        for sec, usec, _, pdu in packets:
            w.write(pdu, sec, usec)
            yield pdu


if os.path.exists(sys.argv[1]):
    sniffer = BlockingSniffer(filename=sys.argv[1])
else:
    sniffer = BlockingSniffer(sys.argv[1], read_timeout=5000, snapshot_length=262144, buffer_size=256 * 1024 * 1024)
sniffer.filter = "tcp and port " + sys.argv[2]
follower = TCPStreamFollower(updated, ended)
with sniffer.iterator(lambda buf: EthernetII.from_buffer(buf), -1) as packets:
    print("listening", flush=True)
    follower.feed(recorded(packets))
print("dropped", sniffer.ps_drop)
