"""What the followers in Python have in common: reading captures, and reporting what was said."""

import os
import resource
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder that does not exist yet, in memory where the system has such folders, and remove it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as parent:
        yield Path(parent) / "out"


def peak_memory() -> int:
    """Return the most KiB that this process had, or a program that it ran, 0 where the system does not say."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return max(children, next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0))
    except OSError:
        return 0


def processor_time() -> float:
    """Return the CPU seconds of this process and of the programs that it ran and that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
