"""Hand-made frames: Ethernet, IPv4, TCP, no dependency. Checksums are 0; the engine does not verify them by default."""

import struct
from collections.abc import Iterable
from socket import inet_aton

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def tcp(source: tuple[str, int], target: tuple[str, int], flags: int, seq: int, ack: int = 0, data: bytes = b"") -> bytes:
    """Return an Ethernet frame with a TCP segment."""
    segment = struct.pack("!HHIIBBHHH", source[1], target[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0) + data
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0)
    header += inet_aton(source[0]) + inet_aton(target[0])
    return bytes(12) + b"\x08\x00" + header + segment


CLIENT, SERVER = ("10.0.0.1", 4000), ("10.0.0.2", 80)


def conversation(requests: list[bytes], answers: list[bytes], client: tuple[str, int] = CLIENT, close: bool = True) -> list[bytes]:
    """Return a whole connection: handshake, requests and answers in turn, FIN of both sides."""
    c, s = 1001, 5001
    frames = [tcp(client, SERVER, SYN, 1000), tcp(SERVER, client, SYN | ACK, 5000, c), tcp(client, SERVER, ACK, c, s)]
    for request, answer in zip(requests, answers, strict=True):
        frames.append(tcp(client, SERVER, ACK | PSH, c, s, request))
        c += len(request)
        frames.append(tcp(SERVER, client, ACK | PSH, s, c, answer))
        s += len(answer)
    if close:
        frames += [tcp(client, SERVER, FIN | ACK, c, s), tcp(SERVER, client, FIN | ACK, s, c + 1), tcp(client, SERVER, ACK, c + 1, s + 1)]
    return frames


def pcap(frames: list[bytes], link_type: int = 1) -> bytes:
    """Return a pcap file of the frames, a millisecond apart."""
    return pcap_of([(1_700_000_000 * 10**9 + number * 10**6, frame) for number, frame in enumerate(frames)], link_type, unit=1000)


def pcap_of(packets: Iterable[tuple[int, bytes]], link_type: int = 1, order: str = "<", unit: int = 1) -> bytes:
    """Return a pcap file of packets with their times in nanoseconds, which it has in units of 1 or 1000."""
    parts = [struct.pack(order + "IHHiIII", {1: 0xA1B23C4D, 1000: 0xA1B2C3D4}[unit], 2, 4, 0, 0, 262144, link_type)]
    for time, frame in packets:
        parts.append(struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit, len(frame), len(frame)) + frame)
    return b"".join(parts)


def pcapng_of(packets: Iterable[tuple[int | None, bytes]], order: str = "<") -> bytes:
    """Return a pcapng file of packets with their times in nanoseconds; one without a time is a simple packet block."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    nanoseconds = struct.pack(order + "HHBxxxI", 9, 1, 9, 0)
    parts = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts.append(block(1, struct.pack(order + "HHI", 1, 0, 0) + nanoseconds))
    for time, frame in packets:
        if time is None:
            parts.append(block(3, struct.pack(order + "I", len(frame)) + frame))
        else:
            parts.append(block(6, struct.pack(order + "IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame))
    return b"".join(parts)


def read_pcap(data: bytes) -> tuple[int, list[tuple[int, bytes, int]]]:
    """Return link type and (time in ns, bytes, wire length) of the records of a classic pcap file."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    link_type = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    records, position = [], 24
    while position < len(data):
        seconds, fraction, captured, original = struct.unpack_from(order + "IIII", data, position)
        position += 16
        records.append((seconds * 10**9 + fraction * unit, data[position : position + captured], original))
        position += captured
    return link_type, records
