"""Hand-made frames: Ethernet, IPv4, TCP, no dependency. Checksums are 0; the engine does not verify them by default."""

import struct
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
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)]
    for number, frame in enumerate(frames):
        parts.append(struct.pack("<IIII", 1_700_000_000, number * 1000, len(frame), len(frame)) + frame)
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
