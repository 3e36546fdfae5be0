"""Measures how far followers in threads of one process run in parallel: threads.py CAPTURE [RUNS].

Two numbers. Of the CPU time of one follower, the share that the library takes, which works without the lock of the
interpreter: what is left bounds the gain, whatever else the machine does. And the gain: the time in which one thread follows
the capture as often as there are CPUs, divided by that of a thread on each CPU. Both take turns, and the shortest time of
each counts. The first row shows what the machine has to give: hashlib needs no lock, so on an idle one it is all CPUs.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gofollow._native

import gofollow

CPUS = len(os.sched_getaffinity(0))


class Library:
    """The shared library; gofollow_read_file counts its CPU time."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def gofollow_read_file(self, *arguments: Any) -> Any:
        start = time.thread_time()
        code = self._library.gofollow_read_file(*arguments)
        self.seconds += time.thread_time() - start
        return code


def follow(path: str, keep_payload: Any) -> None:
    with gofollow.TCPStreamFollower(keep_payload=keep_payload) as follower:
        follower.feed_file(path)


def share(work: Callable[[], object], runs: int) -> float:
    """Return the share of the CPU time of a follower that gofollow_read_file takes."""
    plain = gofollow._native.library()
    counting = Library(plain)
    gofollow._native._library = counting
    start = time.thread_time()
    for _ in range(runs):
        work()
    gofollow._native._library = plain
    return counting.seconds / (time.thread_time() - start)


def seconds(work: Callable[[], object], times: int, threads: int) -> float:
    """Return how long it takes to do the work some times in each of some threads."""
    all_ = [threading.Thread(target=lambda: [work() for _ in range(times)]) for _ in range(threads)]
    start = time.perf_counter()
    for thread in all_:
        thread.start()
    for thread in all_:
        thread.join()
    return time.perf_counter() - start


def main() -> None:
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"{CPUS} CPUs, {os.path.basename(path)}, core {gofollow.core}")
    rows: dict[str, Callable[[], object]] = {
        "sha256": lambda: hashlib.sha256(Path(path).read_bytes()),
        "follow, no payload kept": lambda: follow(path, "none"),
        "follow": lambda: follow(path, "all"),
    }
    for name, work in rows.items():
        work()
        outside = "" if name == "sha256" else f", {share(work, runs):.0%} without the lock"
        times = [(seconds(work, CPUS, 1), seconds(work, 1, CPUS)) for _ in range(runs)]
        one, each = (min(column) for column in zip(*times, strict=True))
        print(f"  {name}: {one / each:.2f} times as fast ({one * 1000:.0f} ms, {each * 1000:.0f} ms){outside}")


if __name__ == "__main__":
    main()
