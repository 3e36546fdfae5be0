"""Other Python programs' ways, each a function named as its row."""

from collections.abc import Callable
from typing import Any

from report import Report, packets

Run = Callable[[Report | None], int]


def dpkt(path: str) -> Run:
    """Decode, and nothing else."""
    from dpkt.ethernet import Ethernet

    read = [data for _, _, data in packets(path)]

    def run(_: Report | None) -> int:
        for _ in (Ethernet(data) for data in read):
            pass
        return 0

    return run


def scapy(path: str) -> Run:
    """Let TCPSession put the streams together, as far as it does: it hands out what it takes for whole, packet by packet."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether  # noqa: F401  (registers the link type)
    from scapy.sendrecv import sniff
    from scapy.sessions import TCPSession

    def run(report: Report | None) -> int:
        delivered = 0
        sides: dict[Any, Any] = {}

        def take(packet: Any) -> None:
            nonlocal delivered
            if TCP not in packet:
                return
            tcp = packet[TCP]
            data = bytes(tcp.payload)
            delivered += len(data)
            if report is not None and data:
                client = (packet[IP].src, tcp.sport, "client") if tcp.dport == 80 else (packet[IP].dst, tcp.dport, "server")
                if client not in sides:
                    sides[client] = report.side(*client)
                sides[client].add(data)

        sniff(offline=path, session=TCPSession, prn=take, store=False)
        return delivered

    return run
