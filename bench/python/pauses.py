"""How long afollow keeps other tasks of an event loop waiting: pauses.py CAPTURE [RUNS].

A task that sleeps for a millisecond again and again notes how much later than that it wakes up. The longest pause of a run is shown
twice: as a clock has it, of the run that was disturbed least by other work on the machine, and as CPU time of the loop's thread
between two turns of that task, the most of all runs. The first run warms up and does not count.
"""

import asyncio
import os
import sys
import time

from gofollow import afollow

_SLEEP = 0.001


async def longest(capture: str | None) -> tuple[float, float, float, int]:
    """Return the longest pause, the longest of the loop's thread, the seconds of all of it, and how many streams there were."""
    pauses, used = [0.0], [0.0]
    done = False

    async def other() -> None:
        before, spent = time.perf_counter(), time.thread_time()
        while not done:
            await asyncio.sleep(_SLEEP)
            now, then = time.perf_counter(), time.thread_time()
            pauses.append(now - before - _SLEEP)
            used.append(then - spent)
            before, spent = now, then

    began = time.perf_counter()
    task = asyncio.ensure_future(other())
    streams = 0
    if capture is None:
        await asyncio.sleep(1)
    else:
        async for _ in afollow(capture):
            streams += 1
    done = True
    await task
    return max(pauses), max(used), time.perf_counter() - began, streams


def main() -> None:
    capture, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 11
    print(f"{os.path.basename(capture)}: {os.path.getsize(capture) / 1e6:.0f} MB, {runs} runs; longest pause of another task, ms")
    for what, path in (("an idle loop, 1 s", None), ("afollow", capture)):
        found = [asyncio.run(longest(path)) for _ in range(runs + 1)][1:]
        pause, _, seconds, streams = min(found)
        used = max(run[1] for run in found)
        print(f"{what:20} {1000 * pause:6.1f} by the clock {1000 * used:6.1f} of CPU {seconds:6.1f} s {streams:7,} streams")


if __name__ == "__main__":
    main()
