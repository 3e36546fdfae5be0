"""Compares whole processes of the command with others, as ratios: command.py CAPTURE [RUNS [SMALLER]].

The processes of a round take turns; a ratio is one of two of the same round, and the table shows the
median. CPU time is less disturbed by what else runs on the machine. Files are written to /dev/shm where
there is such a folder. With a smaller capture it also compares peak memory, which must not grow with the
capture.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

FOLLOW = "import sys, gofollow\nfor stream in gofollow.follow(sys.argv[1]):\n    pass"
GOFOLLOW = [sys.executable, "-m", "gofollow"]
# What is run, of {capture} and {folder}, against what, and the ratio that is hoped for.
ROWS = {
    "follow": [sys.executable, "-c", FOLLOW, "{capture}"],
    "tcpflow -a": ["tcpflow", "-a", "-r", "{capture}", "-o", "{folder}"],
    "tcpflow": ["tcpflow", "-r", "{capture}", "-o", "{folder}"],
    "list": [*GOFOLLOW, "list", "{capture}"],
    "find": [*GOFOLLOW, "find", "{capture}", "text that is nowhere"],
    "extract": [*GOFOLLOW, "extract", "{capture}", "-o", "{folder}"],
    "export": [*GOFOLLOW, "export", "--jsonl", "{capture}", "-o", "{folder}"],
}
BOUNDS = [
    ("list", "follow", 2.0),
    ("list", "tcpflow -a", 1.0),
    ("find", "follow", 1.5),
    ("extract", "tcpflow", 0.8),
    ("export", "follow", 5.0),
]


class Cost(NamedTuple):
    """What a process took."""

    seconds: float
    cpu: float  # seconds of user and system
    memory: int  # KiB at most


def main() -> None:
    capture, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    there = {name: command for name, command in ROWS.items() if shutil.which(command[0])}
    for name in ROWS.keys() - there.keys():
        print(f"{name} is not installed (apt-get install tcpflow): left out")
    costs: dict[str, list[Cost]] = {name: [] for name in there}
    for _ in range(runs):
        for name, command in there.items():
            costs[name].append(run([word.replace("{capture}", capture) for word in command]))
    for name, taken in costs.items():
        seconds, cpu, memory = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{name:<12} {seconds:6.2f} s  {cpu:6.2f} s CPU  {int(memory) >> 10:5} MiB")
    for name, other, bound in BOUNDS:
        if other in costs:
            pairs = list(zip(costs[name], costs[other], strict=True))
            elapsed = statistics.median(mine.seconds / theirs.seconds for mine, theirs in pairs)
            cpu = statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs)
            print(f"{name} / {other}: {elapsed:.2f}, of CPU {cpu:.2f}, hoped for at most {bound}")
    if len(sys.argv) > 3:
        smaller = sys.argv[3]
        times = os.path.getsize(capture) / os.path.getsize(smaller)
        for name in ("list", "find", "extract", "export"):
            memory = [run([word.replace("{capture}", path) for word in ROWS[name]]).memory for path in (smaller, capture)]
            print(
                f"{name}: {memory[0] >> 10} MiB, of a capture {times:.0f} times as long {memory[1] >> 10} MiB: "
                f"{memory[1] / memory[0]:.2f}, hoped for at most 1.2"
            )


def run(command: list[str]) -> Cost:
    """Run a command and return what it took."""
    parent = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        words = [word.replace("{folder}", os.path.join(parent, "out")) for word in command]
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            sys.exit(f"{' '.join(words)} failed")
        return Cost(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
    finally:
        shutil.rmtree(parent)


if __name__ == "__main__":
    main()
