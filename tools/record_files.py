"""Writes the capture files of tools/record.py."""

from __future__ import annotations

import pathlib
import struct
from typing import NamedTuple

LINK_ETHERNET, LINK_RAW, LINK_SLL, LINK_SLL2 = 1, 101, 113, 276


class Frame(NamedTuple):
    """One captured frame."""

    time: int  # nanoseconds since 1970 UTC
    data: bytes


def write_pcap(
    path: pathlib.Path, frames: list[Frame], link: int = LINK_ETHERNET, order: str = "<", nano: bool = False, snaplen: int = 262144
) -> None:
    """Writes a classic pcap file."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link)]
    for frame in frames:
        seconds, rest = divmod(frame.time, 1_000_000_000)
        captured = frame.data[:snaplen]
        out.append(struct.pack(order + "IIII", seconds, rest if nano else rest // 1000, len(captured), len(frame.data)))
        out.append(captured)
    path.write_bytes(b"".join(out))


def write_pcapng(path: pathlib.Path, interfaces: list[tuple[str, int]], frames: list[tuple[int, Frame]]) -> None:
    """Writes a pcapng file of (name, link type) interfaces and (interface number, frame) packets in nanoseconds."""

    def block(kind: int, body: bytes) -> bytes:
        length = 12 + len(body)
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    def pad(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def option(code: int, value: bytes) -> bytes:
        return struct.pack("<HH", code, len(value)) + pad(value)

    end = option(0, b"")
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, b"gofollow tools/record.py") + end)]
    for name, link in interfaces:
        out.append(block(1, struct.pack("<HHI", link, 0, 0) + option(2, name.encode()) + option(9, b"\x09") + end))
    for interface, frame in frames:
        head = struct.pack("<IIIII", interface, frame.time >> 32, frame.time & 0xFFFFFFFF, len(frame.data), len(frame.data))
        out.append(block(6, head + pad(frame.data)))
    path.write_bytes(b"".join(out))
