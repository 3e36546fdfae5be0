"""Follow the packets that pcapy-ng reads from a capture; pcapy.open_live(interface, ...) reads from an interface alike."""

import sys
from collections.abc import Iterator
from typing import Any

import pcapy

from gofollow import follow


def packets(reader: Any) -> Iterator[tuple[float, bytes, int, int]]:
    """Yield packets as feed_packets and follow take them: time, bytes, length on the wire, link type."""
    header, data = reader.next()
    while header is not None:
        seconds, microseconds = header.getts()
        yield seconds + microseconds / 1e6, data, header.getlen(), reader.datalink()
        header, data = reader.next()


for stream in follow(packets(pcapy.open_offline(sys.argv[1]))):
    print(f"{stream.client_addr} -> {stream.server_addr}: {len(stream.client_payload)} + {len(stream.server_payload)} bytes")
