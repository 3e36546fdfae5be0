"""What gofollow.spark costs on this machine, beside the same tables made by one process: on_spark.py CAPTURE.

Every run is a process of its own. CPU is that of all its processes, Java and the workers included, less what a session with a job
that does nothing takes. Memory is the peak of one Python worker.
"""

import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SETTINGS = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "2g"}


def cut(capture: Path, folder: Path, count: int) -> None:
    """Write a pcap file as so many files of contiguous parts."""
    data = memoryview(capture.read_bytes())
    header, position, part, size = bytes(data[:24]), 24, 0, len(data) // count + 1
    folder.mkdir()
    while position < len(data):
        start = position
        while position < len(data) and position - start < size:
            position += 16 + struct.unpack_from("<I", data, position + 8)[0]
        (folder / f"{part:03}.pcap").write_bytes(header + data[start:position])
        part += 1


def worker_memory(found: list[int]) -> None:
    """Note the peaks of Python workers until the process ends."""
    while True:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"pyspark.daemon" in (process / "cmdline").read_bytes():
                    status = (process / "status").read_text()
                    found.append(int(status.split("VmHWM:")[1].split()[0]) >> 10)
            except (OSError, IndexError):
                continue
        time.sleep(0.1)


def run(what: str, path: str, cores: str, partitions: str) -> None:
    """Do one thing and print seconds of wall time and megabytes."""
    from gofollow import TCPStreamFollower, tables

    if what == "feed_file":
        began = time.perf_counter()
        follower = TCPStreamFollower(keep_payload="none")
        follower.feed_file(path)
        follower.close()
        print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
        return
    if what.startswith("tables."):
        began = time.perf_counter()
        for _ in getattr(tables, what[len("tables.") :])(path):
            pass
        print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
        return
    from gofollow import spark as gofollow_spark

    session = gofollow_spark.session(f"local[{cores}]", **SETTINGS)
    session.sparkContext.setLogLevel("OFF")
    session.range(10).mapInArrow(lambda batches: batches, "id bigint").count()
    peaks: list[int] = [0]
    threading.Thread(target=worker_memory, args=(peaks,), daemon=True).start()
    packets = session.read.format("pcap").load(path)
    began = time.perf_counter()
    if what == "clock":
        gofollow_spark.clock(packets)
    elif what != "nothing":
        clock = gofollow_spark.clock(packets)
        frame = getattr(gofollow_spark, what)(packets, clock=clock, partitions=int(partitions))
        frame.write.format("noop").mode("overwrite").save()
    print(time.perf_counter() - began, max(peaks))


def measured(*arguments: str) -> tuple[float, float, int]:
    """Return wall and CPU seconds and megabytes of a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, __file__, "-run", *arguments], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, memory = done.stdout.split()[-2:]
    return float(wall), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(memory)


def main() -> None:
    capture = Path(sys.argv[1])
    megabytes = capture.stat().st_size / 1e6
    print(f"{capture.name}: {megabytes:.0f} MB")
    print(f"{'':34} {'MB/s':>7} {'CPU s':>7} {'of feed_file':>13} {'worker MB':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        cuts = {count: str(Path(temporary, str(count))) for count in (1, 4, 16)}
        for count, folder in cuts.items():
            cut(capture, Path(folder), count)
        _, base, _ = measured("feed_file", str(capture), "1", "1")
        _, nothing, _ = measured("nothing", cuts[1], "1", "1")
        for name, idle, arguments in rows(str(capture), cuts):
            wall, cpu, memory = measured(*arguments)
            cpu -= nothing if idle else 0
            print(f"{name:34} {megabytes / wall:7.0f} {cpu:7.1f} {cpu / base:13.1f} {memory:10}", flush=True)
        shutil.rmtree(temporary, ignore_errors=True)


def rows(capture: str, cuts: dict[int, str]) -> Iterator[tuple[str, bool, tuple[str, str, str, str]]]:
    yield "feed_file, one process", False, ("feed_file", capture, "1", "1")
    yield "tables.connections, one process", False, ("tables.connections", capture, "1", "1")
    yield "tables.turns, one process", False, ("tables.turns", capture, "1", "1")
    yield "reading alone, 1 file, local[1]", True, ("clock", cuts[1], "1", "2")
    for files, cores, partitions in ((1, "1", "2"), (4, "2", "2"), (16, "2", "2"), (16, "2", "16")):
        yield f"turns, {files} files, {partitions} shards, local[{cores}]", True, ("turns", cuts[files], cores, partitions)
    yield "connections, 4 files, 2 shards, local[2]", True, ("connections", cuts[4], "2", "2")


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if sys.argv[1] == "-run":
        run(*sys.argv[2:6])
    else:
        main()
