"""Follow the packets that scapy captures: scapy_sniff.py CAPTURE, or an interface's name."""

import os
import sys

from scapy.all import sniff  # all, so that scapy knows every protocol

from gofollow import TCPStream, TCPStreamFollower


def end(stream: TCPStream) -> None:
    print(f"{stream.client_addr} -> {stream.server_addr}: {len(stream.client_payload)} + {len(stream.server_payload)} bytes")


source = {"offline": sys.argv[1]} if os.path.exists(sys.argv[1]) else {"iface": sys.argv[1]}
with TCPStreamFollower(None, end) as follower:
    sniff(prn=follower.feed, store=False, **source)
