"""Other Python programs' ways, each a function named as its row."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from report import Report, Side, folder, packets

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


def dpkt_script(path: str) -> Run:
    """Collect payload by sender and receiver, as scripts over dpkt do."""
    from dpkt.ethernet import Ethernet
    from dpkt.pcap import Reader

    def run(report: Report | None) -> int:
        found: dict[Any, bytearray] = {}
        with open(path, "rb") as file:
            for _, frame in Reader(file):
                ip = Ethernet(frame).data
                found.setdefault((ip.src, ip.data.sport, ip.dst, ip.data.dport), bytearray()).extend(ip.data.data)
        if report is not None:
            for (source, port, target, other), payload in found.items():
                _tell(report, (socket.inet_ntoa(source), port), (socket.inet_ntoa(target), other), payload)
        return sum(map(len, found.values()))

    return run


def pyshark(path: str) -> Run:
    """Collect the payload of each packet by its stream and sender."""
    from pyshark import FileCapture

    def run(report: Report | None) -> int:
        found: dict[Any, bytearray] = {}
        with FileCapture(path, keep_packets=False) as capture:
            for packet in capture:
                ip, tcp = packet.ip, packet.tcp
                key = tcp.stream, (ip.src, int(tcp.srcport)), (ip.dst, int(tcp.dstport))
                payload = tcp.get_field("payload")
                found.setdefault(key, bytearray()).extend(b"" if payload is None else bytes.fromhex(payload.replace(":", "")))
        if report is not None:
            for (_, sender, receiver), payload in found.items():
                _tell(report, sender, receiver, payload)
        return sum(map(len, found.values()))

    return run


def tcpflow(path: str) -> Run:
    """Write a file for each direction. Nothing tells its zeros for missing bytes from payload."""
    name = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)-(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)")

    def run(report: Report | None) -> int:
        with folder() as out:
            subprocess.run(["tcpflow", "-r", path, "-o", str(out)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            delivered = 0
            for file in out.iterdir():
                if parts := name.match(file.name):
                    delivered += file.stat().st_size
                    if report is not None:
                        *source, port, a, b, c, d, other = map(int, parts.groups())
                        sender, receiver = ".".join(map(str, source)), f"{a}.{b}.{c}.{d}"
                        _tell(report, (sender, port), (receiver, other), file.read_bytes())
        return delivered

    return run


def tshark(path: str) -> Run:
    """Follow every stream in one process. What it printed is read only for a report."""
    numbers = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "tcp.stream"], check=True, capture_output=True, text=True).stdout
    last = max(map(int, numbers.split()))
    taps = [word for number in range(last + 1) for word in ("-z", f"follow,tcp,raw,{number}")]

    def run(report: Report | None) -> int:
        printed = subprocess.run(["tshark", "-q", "-r", path, *taps], check=True, capture_output=True, text=True).stdout
        if report is not None:
            for sender, receiver, pieces in _followed(printed):
                missing = re.compile(rb"\[(\d+) bytes missing in capture file\]\0?")
                side = _tell(report, sender, receiver, missing.sub(b"", pieces))
                side.gaps = sum(int(found[1]) for found in missing.finditer(pieces))
        return 0

    return run


def _followed(printed: str) -> Iterator[tuple[tuple[str, int], tuple[str, int], bytes]]:
    """Return sender, receiver and bytes of each direction of what tshark -z follow,tcp,raw printed."""
    for text in printed.split("Follow: tcp,raw\n")[1:]:
        _, one, two, *lines = text.split("\n")
        ends = [(address, int(port)) for address, port in (line.split(": ")[1].rsplit(":", 1) for line in (one, two))]
        payload = bytearray(), bytearray()
        for line in lines:
            if line.startswith("="):
                break
            payload[line.startswith("\t")].extend(bytes.fromhex(line))
        yield ends[0], ends[1], bytes(payload[0])
        yield ends[1], ends[0], bytes(payload[1])


def _tell(report: Report, sender: tuple[str, int], receiver: tuple[str, int], payload: bytes | bytearray) -> Side:
    """Report what an end sent. The server of every workload listens on port 80."""
    client, name = (sender, "client") if receiver[1] == 80 else (receiver, "server")
    side = report.side(*client, name)
    side.add(bytes(payload))
    return side


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
