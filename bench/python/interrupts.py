"""Measures how soon Ctrl-C ends a call that reads a capture: interrupts.py [RUNS].

A timer of CPU time sends a signal, handled as SIGINT is, at random moments while captures of zeros are read: plain, and compressed in
each way that Python has. The CPU time from the signal to KeyboardInterrupt counts, so that other
work on the machine does not. Prints the median and the longest for each, in milliseconds.
"""

import bz2
import gzip
import lzma
import random
import signal
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from gofollow import TCPStreamFollower

_SIZE = 256 * 1024 * 1024
_FRAME = bytes(12) + b"\x08\x00" + bytes(1500)


def capture(size: int) -> bytes:
    """Return a capture of packets in which no connection is found."""
    record = struct.pack("<IIII", 0, 0, len(_FRAME), len(_FRAME)) + _FRAME
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1) + record * (size // len(record))


def latency(path: Path, after: float) -> float | None:
    """Return the seconds from a signal to the interrupt, None if the capture ended before."""
    follower = TCPStreamFollower()
    signal.setitimer(signal.ITIMER_PROF, after)
    began = time.process_time()
    try:
        follower.feed_file(path)
        return None
    except KeyboardInterrupt:
        return max(0.0, time.process_time() - began - after)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        follower.close()


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rng = random.Random(1)
    pack: dict[str, Callable[[bytes], bytes]] = {
        "plain": lambda data: data,
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
    }

    def raised(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGPROF, raised)
    data = capture(_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        for name, compress in pack.items():
            path = Path(folder) / name
            path.write_bytes(compress(data))
            found = [1000 * late for _ in range(runs) if (late := latency(path, rng.uniform(0.005, 0.1))) is not None]
            if found:
                print(f"{name:6} {len(found):3} interrupts: median {statistics.median(found):6.1f} ms, longest {max(found):6.1f} ms")
            else:
                print(f"{name:6} was read before the first interrupt")


if __name__ == "__main__":
    main()
