"""What the library is to a Python process: multiprocessing, threads, faulthandler, subinterpreters."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path

import pytest

CAPTURE = Path(__file__).resolve().parents[1] / "data" / "several.pcap"


def count(path: str) -> int:
    import gofollow

    return len(list(gofollow.follow(path)))


def run(program: str, *arguments: str, timeout: float = 120) -> str:
    """Run a program in a Python of its own, return what it printed; a crash or a hang fails."""
    command = [sys.executable, "-c", program, str(CAPTURE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(method: str) -> None:
    streams = count(str(CAPTURE))  # the parent uses the library
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(count, [str(CAPTURE)] * 4) == [streams] * 4


FORKED = """
import os, sys
import gofollow
path, used = sys.argv[1:]
if used == "used":
    assert list(gofollow.follow(path))
child = os.fork()
if child == 0:
    import signal
    signal.alarm(60)
    try:
        n = len(list(gofollow.follow(path)))
        os.write(1, b"%d streams" % n)
    except gofollow.ForkedError as error:
        os.write(1, b"ForkedError: " + str(error).encode())
    os._exit(0)
os._exit(os.waitpid(child, 0)[1])
"""


def test_fork_before_the_library_is_used() -> None:
    assert run(FORKED, "unused") == f"{count(str(CAPTURE))} streams"


def test_fork_after_the_library_was_used_is_an_error_at_once() -> None:
    printed = run(FORKED, "used")
    assert printed.startswith("ForkedError: ")
    assert "spawn" in printed


def test_the_parent_goes_on_after_a_fork() -> None:
    program = FORKED.replace("os._exit(os.waitpid(child, 0)[1])", "os.waitpid(child, 0); print(len(list(gofollow.follow(path))))")
    assert run(program, "used").endswith(str(count(str(CAPTURE))))


@pytest.mark.parametrize("first", ["faulthandler", "gofollow"])
def test_faulthandler(first: str) -> None:
    """In both orders: following works, and a crash of the process still prints Python's stack."""
    program = f"""
import sys, faulthandler, ctypes
steps = [faulthandler.enable, lambda: list(__import__("gofollow").follow(sys.argv[1]))]
for step in steps if {first == "faulthandler"} else reversed(steps):
    step()
import gofollow
assert list(gofollow.follow(sys.argv[1]))
sys.stdout.write("followed"); sys.stdout.flush()
def crash_here():
    ctypes.string_at(8)
crash_here()
"""
    done = subprocess.run([sys.executable, "-c", program, str(CAPTURE)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "followed"
    assert done.returncode != 0
    assert "Segmentation fault" in done.stderr
    assert "crash_here" in done.stderr


def test_threads_have_followers_of_their_own() -> None:
    streams = count(str(CAPTURE))
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.extend(count(str(CAPTURE)) for _ in range(5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [streams] * 40


PARALLEL = """
import sys, threading, time
import gofollow
path = sys.argv[1]
together, inside, peak = threading.Barrier(2, timeout=60), [0], [0]
def follow():
    # Waits inside the callback until the other thread is inside its own: a lock around calls would never get there.
    def data(stream):
        if not waited:
            waited.append(1)
            together.wait()
    waited = []
    with gofollow.TCPStreamFollower(data_callback=data) as follower:
        follower.feed_file(path)
threads = [threading.Thread(target=follow) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(together.broken)
"""


def test_threads_follow_at_the_same_time() -> None:
    assert run(PARALLEL) == "False"


SUBINTERPRETER = """
import sys
import gofollow
n = len(list(gofollow.follow(sys.argv[1])))
code = f'''
import sys
sys.path[:] = {sys.path!r}
try:
    import gofollow
    assert len(list(gofollow.follow({sys.argv[1]!r}))) == {n}
    print("followed", end="", flush=True)
except ImportError as error:
    print("ImportError:", error, end="", flush=True)
'''
try:
    from concurrent import interpreters
    interpreters.create().exec(code)
except ImportError:
    try:
        import _interpreters as old  # 3.13
        failure = old.exec(old.create(), code)
        assert failure is None, failure
    except ImportError:
        import _xxsubinterpreters as old
        old.run_string(old.create(), code)
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="subinterpreters are CPython's")
def test_a_subinterpreter_follows_or_cannot_import() -> None:
    printed = run(SUBINTERPRETER)
    assert printed == "followed" or "interpreter" in printed
