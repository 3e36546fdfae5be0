"""Print how each connection of a capture fared: what is missing, what came twice, what came out of order."""

import sys

from gofollow import follow

for stream in follow(sys.argv[1], keep_payload="none"):
    for side, port, counters in (
        ("client", stream.client_port, stream.client_counters),
        ("server", stream.server_port, stream.server_counters),
    ):
        assert counters is not None  # they are there when a stream is closed
        print(
            f"{stream.identifier} {side} port {port}: {counters.bytes} bytes in {counters.data_packets} packets, "
            f"{counters.gap_bytes} missing in {counters.gaps} gaps, {counters.duplicate_bytes} twice, {counters.reordered_bytes} reordered"
        )
