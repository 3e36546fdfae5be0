"""What gofollow.spark costs on this machine, beside the same tables made by one process: on_spark.py CAPTURE.

Every run is a process of its own. CPU is that of all its processes, Java and the workers included, once a session runs and did a
job. Memory is the peak of one Python worker. Spark's runs include the pass for the clock.
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


def cpu() -> float:
    """Return the CPU seconds of this process and all below it: Java, Spark's daemon, workers, and those that ended."""
    parents, spent = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(process.name)] = int(fields[1])
        spent[int(process.name)] = sum(map(int, fields[11:15]))
    total = 0
    for number in spent:
        above = number
        while above not in (0, os.getpid()):
            above = parents.get(above, 0)
        total += spent[number] if above else 0
    return total / os.sysconf("SC_CLK_TCK")


def run(what: str, path: str, cores: str, partitions: str) -> None:
    """Do one thing and print seconds of wall time and of CPU, and megabytes."""
    if what == "feed_file" or what.startswith("tables."):
        from gofollow import TCPStreamFollower, tables

        began, before = time.perf_counter(), cpu()
        if what == "feed_file":
            follower = TCPStreamFollower(keep_payload="none")
            follower.feed_file(path)
            follower.close()
        else:
            for _ in getattr(tables, what[len("tables.") :])(path):
                pass
        print(time.perf_counter() - began, cpu() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
        return
    from gofollow import spark as gofollow_spark

    session = gofollow_spark.session(f"local[{cores}]", **SETTINGS)
    session.sparkContext.setLogLevel("OFF")
    session.range(10).mapInArrow(lambda batches: batches, "id bigint").count()
    peaks: list[int] = [0]
    threading.Thread(target=worker_memory, args=(peaks,), daemon=True).start()
    packets = session.read.format("pcap").load(path)
    began, before = time.perf_counter(), cpu()
    if what == "clock":
        gofollow_spark.clock(packets)
    else:
        frame = getattr(gofollow_spark, what)(packets, clock=gofollow_spark.clock(packets), partitions=int(partitions))
        frame.write.format("noop").mode("overwrite").save()
    print(time.perf_counter() - began, cpu() - before, max(peaks))


def measured(*arguments: str) -> tuple[float, float, int]:
    """Return wall and CPU seconds and megabytes of a run."""
    done = subprocess.run([sys.executable, __file__, "-run", *arguments], capture_output=True, text=True, check=True)
    wall, spent, memory = done.stdout.split()[-3:]
    return float(wall), float(spent), int(memory)


def main() -> None:
    capture = Path(sys.argv[1])
    megabytes = capture.stat().st_size / 1e6
    print(f"{capture.name}: {megabytes:.0f} MB")
    print(f"{'':42} {'MB/s':>7} {'CPU s':>7} {'of feed_file':>13} {'worker MB':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        cuts = {count: str(Path(temporary, str(count))) for count in (1, 4, 16)}
        for count, folder in cuts.items():
            cut(capture, Path(folder), count)
        _, base, _ = measured("feed_file", str(capture), "1", "1")
        for name, arguments in rows(str(capture), cuts):
            wall, spent, memory = measured(*arguments)
            print(f"{name:42} {megabytes / wall:7.0f} {spent:7.1f} {spent / base:13.1f} {memory:10}", flush=True)
        shutil.rmtree(temporary, ignore_errors=True)


def rows(capture: str, cuts: dict[int, str]) -> Iterator[tuple[str, tuple[str, str, str, str]]]:
    yield "feed_file, one process", ("feed_file", capture, "1", "1")
    yield "tables.connections, one process", ("tables.connections", capture, "1", "1")
    yield "tables.turns, one process", ("tables.turns", capture, "1", "1")
    yield "reading alone, 1 file, local[1]", ("clock", cuts[1], "1", "2")
    for files, cores, partitions in ((1, "1", "2"), (4, "2", "2"), (16, "2", "2"), (16, "2", "16")):
        yield f"turns, {files} files, {partitions} shards, local[{cores}]", ("turns", cuts[files], cores, partitions)
    yield "connections, 4 files, 2 shards, local[2]", ("connections", cuts[4], "2", "2")


if __name__ == "__main__":
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if sys.argv[1] == "-run":
        run(*sys.argv[2:6])
    else:
        main()
