"""What the followers in Python have in common: reading captures, and reporting what was said."""

import struct
import zlib
from collections.abc import Iterator


class Side:
    """What one side of one connection said."""

    __slots__ = ("crc", "gaps", "length")

    def __init__(self) -> None:
        self.length = self.crc = 0
        self.gaps: int | None = None

    def add(self, data: bytes) -> None:
        self.length += len(data)
        self.crc = zlib.crc32(data, self.crc)


class Report:
    """A line for each side of each connection."""

    def __init__(self) -> None:
        self._sides: list[tuple[str, int, str, Side]] = []

    def side(self, address: object, port: int, sender: str) -> Side:
        side = Side()
        self._sides.append((str(address), port, sender, side))
        return side

    def print(self) -> None:
        for address, port, sender, side in self._sides:
            print(f"{address}:{port} {sender} {side.length} {side.crc:08x} {'-' if side.gaps is None else side.gaps}")


def packets(path: str) -> Iterator[tuple[int, int, bytes]]:
    """Read a pcap file as the generator writes it: seconds, microseconds, bytes."""
    with open(path, "rb") as file:
        file.read(24)
        while head := file.read(16):
            seconds, microseconds, length, _ = struct.unpack("<IIII", head)
            yield seconds, microseconds, file.read(length)


def peak_memory() -> int:
    """Return the most KiB that this process had, 0 where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0
