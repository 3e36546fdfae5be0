"""Follow the packets that a reader of dpkt reads from a capture."""

import sys

import dpkt

from gofollow import follow

with open(sys.argv[1], "rb") as file:
    for stream in follow(dpkt.pcap.UniversalReader(file)):
        print(f"{stream.client_addr} -> {stream.server_addr}: {len(stream.client_payload)} + {len(stream.server_payload)} bytes")
