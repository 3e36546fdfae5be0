"""Measures how far followers in threads of one process run in parallel: threads.py CAPTURE [RUNS].

Each CPU has a thread with a follower of its own, and each follows the capture once. The ratio is the time that the same
work takes in one thread, divided by the time in all: 1 is no gain, the number of threads a full one. The two take turns,
and the shortest time of each counts. The first row shows what the machine has to give: on an idle one, all its CPUs.
"""

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import gofollow

# What the machine itself gains comes first: hashlib is known to need no lock of the interpreter.
WORK: dict[str, Callable[[str], object]] = {
    "sha256 of the capture": lambda path: hashlib.sha256(Path(path).read_bytes()),
    "events in the library alone (no payload kept, no callbacks)": lambda path: follow(path, keep_payload="none"),
    "streams with their payload": lambda path: follow(path),
}


def follow(path: str, **options: str) -> None:
    with gofollow.TCPStreamFollower(**options) as follower:  # type: ignore[arg-type]
        follower.feed_file(path)


def seconds(work: Callable[[str], object], path: str, followers: int, threads: int) -> float:
    """Return how long it takes to follow the capture as often as there are followers, in as many threads as said."""
    all_ = [threading.Thread(target=lambda: [work(path) for _ in range(followers // threads)]) for _ in range(threads)]
    start = time.perf_counter()
    for thread in all_:
        thread.start()
    for thread in all_:
        thread.join()
    return time.perf_counter() - start


def main() -> None:
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cpus = len(os.sched_getaffinity(0))
    print(f"{cpus} threads, {os.path.basename(path)}, core {gofollow.core}")
    for name, work in WORK.items():
        work(path)
        times = [(seconds(work, path, cpus, 1), seconds(work, path, cpus, cpus)) for _ in range(runs)]
        one, each = (min(column) for column in zip(*times, strict=True))
        print(f"  {name}: {one / each:.2f} times as fast ({one * 1000:.0f} ms, {each * 1000:.0f} ms)")


if __name__ == "__main__":
    main()
