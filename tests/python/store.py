"""A capture store made of random conversations with known content, and the ways to cut it into files."""

import bz2
import gzip
import lzma
import random
import struct
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from frames import ACK, FIN, RST, SYN, pcap_of, pcapng_of, tcp

START = 1_700_000_000 * 10**9
HOUR = 3600 * 10**9


class Conversation(NamedTuple):
    """The frames of a connection, in order, and what its sides sent."""

    client: tuple[str, int]
    server: tuple[str, int]
    frames: list[bytes]
    streams: tuple[bytes, bytes]


def fragments(frame: bytes, number: int, size: int) -> list[bytes]:
    """Return the IPv4 packet of an Ethernet frame as fragments of so many bytes, in frames."""
    header, payload = bytearray(frame[14:34]), frame[34:]
    made = []
    for at in range(0, len(payload), size):
        piece = payload[at : at + size]
        more = at + size < len(payload)
        struct.pack_into("!HHH", header, 2, 20 + len(piece), number, (at >> 3) | (0x2000 if more else 0))
        made.append(frame[:14] + bytes(header) + piece)
    return made


def in_gre(frame: bytes, number: int) -> bytes:
    """Return the IPv4 packet of an Ethernet frame in a GRE tunnel between the same two gateways, in a frame."""
    inner = b"\0\0\x08\0" + frame[14:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(inner), number & 0xFFFF, 0, 64, 47, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    return frame[:14] + header + inner


def conversation(rng: random.Random, seed: int, port: int) -> Conversation:
    """Return a random connection, of which frames are lost, repeated, changed places, fragmented or in a tunnel."""
    client, server = (f"10.{seed >> 8}.{seed & 255}.1", port), (f"10.{seed >> 8}.{seed & 255}.2", 80)
    ends, seqs = (client, server), [rng.choice((1000, 2**32 - 700, 2**31 - 5)), rng.choice((5000, 2**32 - 1500))]
    streams = [bytearray(), bytearray()]
    frames: list[bytes] = []
    if rng.random() < 0.8:
        frames = [tcp(*ends, SYN, seqs[0] - 1), tcp(*ends[::-1], SYN | ACK, seqs[1] - 1, seqs[0]), tcp(*ends, ACK, seqs[0], seqs[1])]
    damage = rng.choice((0, 0, 0.05, 0.2))
    for _ in range(rng.randrange(1, 14)):
        side = rng.randrange(2)
        data = rng.randbytes(rng.choice((1, 9, 300, 1200)))
        streams[side] += data
        frame = tcp(ends[side], ends[1 - side], ACK, seqs[side], seqs[1 - side], data)
        seqs[side] += len(data)
        if rng.random() >= damage:
            frames.append(frame)
        if rng.random() < damage:
            frames.insert(rng.randrange(max(0, len(frames) - 3), len(frames) + 1), frame)
    ending = rng.random()
    if ending < 0.6:
        frames += [tcp(*ends, FIN | ACK, seqs[0], seqs[1]), tcp(*ends[::-1], FIN | ACK, seqs[1], seqs[0] + 1)]
        frames.append(tcp(*ends, ACK, seqs[0] + 1, seqs[1] + 1))
    elif ending < 0.8:
        frames.append(tcp(*ends, RST | ACK, seqs[0], seqs[1]))
    wrapping, wrapped = rng.choice(("none", "none", "fragments", "tunnel", "around", "both")), []
    for number, frame in enumerate(frames):
        identification = seed * 97 + (port << 6) + number
        parts = fragments(frame, identification & 0xFFFF, rng.choice((104, 600))) if wrapping in ("fragments", "both") else [frame]
        if wrapping in ("tunnel", "around", "both"):
            parts = [in_gre(part, identification * 16 + at) for at, part in enumerate(parts)]
        if wrapping in ("around", "both"):  # the last ones of a datagram often fit into a packet of the tunnel, and the others do not
            size, whole = rng.choice((104, 600)), parts
            parts = []
            for at, part in enumerate(whole):
                parts += fragments(part, (identification * 16 + at) & 0xFFFF, size) if len(part) > 200 else [part]
        rng.shuffle(parts)
        wrapped += parts
    return Conversation(client, server, wrapped, (bytes(streams[0]), bytes(streams[1])))


def store(seeds: range) -> tuple[list[Conversation], list[tuple[int, bytes]]]:
    """Return conversations with disjoint addresses, and the packets of all of them: times, which are unique and rise, and frames."""
    rng = random.Random(seeds.start)
    made = [
        conversation(random.Random(seed * 1000 + number), seed, 4000 + number)
        for seed in seeds
        for number in range(rng.randrange(1, 4))
    ]
    waiting, packets, now = [[*one.frames] for one in made], [], START
    active: list[list[bytes]] = []
    while waiting or active:
        while waiting and (len(active) < 5 or rng.random() < 0.2):
            active.append(waiting.pop(0))
        frames = rng.choice(active)
        for _ in range(rng.randrange(1, 5)):
            if frames:
                pause = rng.random()
                now += rng.randrange(1, 50 * 10**6 if pause < 0.97 else HOUR if pause < 0.98 else 5 * HOUR)
                packets.append((now, frames.pop(0)))
        active = [frames for frames in active if frames]
    return made, packets


def write(folder: Path, parts: list[list[tuple[int, bytes]]], rng: random.Random) -> None:
    """Write each part to a file of any format and any name."""
    folder.mkdir()
    names = rng.sample(range(1000), len(parts))
    for name, part in zip(names, parts, strict=True):
        kind = rng.choice(("pcap", "pcap", "pcapng", "pcap.gz", "pcapng.xz", "pcap.bz2"))
        data = pcapng_of(part) if "ng" in kind else pcap_of(part)
        if kind.endswith("gz"):
            data = gzip.compress(data)
        elif kind.endswith("xz"):
            data = lzma.compress(data)
        elif kind.endswith("bz2"):
            data = bz2.compress(data)
        (folder / f"{name}.{kind}").write_bytes(data)


def contiguous(packets: list[tuple[int, bytes]], count: int, rng: random.Random) -> list[list[tuple[int, bytes]]]:
    """Cut a capture into so many parts, anywhere."""
    cuts = [0, *sorted(rng.sample(range(1, len(packets)), count - 1)), len(packets)]
    return [packets[start:end] for start, end in pairwise(cuts)]


def scattered(packets: list[tuple[int, bytes]], count: int, rng: random.Random) -> list[list[tuple[int, bytes]]]:
    """Distribute packets over so many files at random; each file keeps their order."""
    parts: list[list[tuple[int, bytes]]] = [[] for _ in range(count)]
    for packet in packets:
        rng.choice(parts).append(packet)
    return [part for part in parts if part]
