"""gofollow.spark on a Spark of this machine, with two workers: its tables are those of the whole capture.

Run by tools/test-more.sh where Java and pyspark are; test_shards.py tests what the tasks run without Spark.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import store
from frames import pcap_of

from gofollow import GofollowError, OptionError, tables
from gofollow import spark as gofollow_spark

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.driver.memory": "1g",
}
BY = {"connections": [("connection_id", "ascending")], "turns": [(name, "ascending") for name in ("connection_id", "turn", "part")]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which Spark runs: relative paths begin there."""
    before, made = Path.cwd(), tmp_path_factory.mktemp("spark")
    os.chdir(made)
    yield made
    os.chdir(before)


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[Any]:
    made = gofollow_spark.session("local[2,4]", **SETTINGS)
    made.sparkContext.setLogLevel("OFF")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one capture of a hundred seeds, and the same in files of contiguous parts, and scattered over files."""
    folder = tmp_path_factory.mktemp("captures")
    rng = random.Random(1)
    _, packets = store.store(range(100))
    (folder / "whole.pcap").write_bytes(pcap_of(packets))
    store.write(folder / "parts", store.contiguous(packets, 7, rng), rng)
    store.write(folder / "scattered", store.scattered(packets, 5, rng), rng)
    return folder


def read(session: Any, path: Path, **options: str) -> Any:
    return session.read.format("pcap").options(part_bytes="60000", **options).load(str(path))


def same(frame: Any, name: str, capture: Path) -> None:
    """Compare a table made by Spark with that of the whole capture, column for column."""
    found = frame.toArrow().sort_by(BY[name])
    wanted = getattr(tables, name)(capture).read_all().sort_by(BY[name])
    if name == "connections":
        assert found.column("id").null_count == found.num_rows
        wanted = wanted.set_column(1, wanted.schema.field("id"), pa.nulls(wanted.num_rows, pa.int64()))
    assert found.schema == wanted.schema
    for column in wanted.schema.names:
        assert found.column(column).to_pylist() == wanted.column(column).to_pylist(), column


@pytest.mark.parametrize("way", ["parts", "scattered"])
def test_tables_are_those_of_the_whole(session: Any, captures: Path, way: str) -> None:
    packets = read(session, captures / way)
    clock = gofollow_spark.clock(read(session, captures / way, frames="false"))
    assert clock.levels == 3
    same(gofollow_spark.connections(packets, clock=clock), "connections", captures / "whole.pcap")
    same(gofollow_spark.turns(packets, clock=clock, partitions=5), "turns", captures / "whole.pcap")


def test_a_killed_task_changes_nothing(session: Any, captures: Path, tmp_path: Path) -> None:
    def killed(name: str) -> Any:
        marker = str(tmp_path / name)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import os
            import signal

            for batch in batches:
                yield batch
                try:
                    os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)

        return run

    packets = read(session, captures / "parts")
    broken = packets.mapInArrow(killed("reading"), packets.schema)
    turns = gofollow_spark.turns(broken, clock=gofollow_spark.clock(packets))
    same(turns.mapInArrow(killed("following"), turns.schema), "turns", captures / "whole.pcap")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["following", "reading"]


def test_a_file_that_is_no_capture(session: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, and no capture")
    shutil.copy(ROOT / "tests" / "data" / "several.pcap", tmp_path)
    with pytest.raises(Exception, match=r"notes\.txt.*bad_files='skip'"):
        read(session, tmp_path).count()
    packets = read(session, tmp_path, bad_files="skip")
    assert packets.where("error IS NOT NULL").count() == 1
    same(gofollow_spark.connections(packets), "connections", tmp_path / "several.pcap")
    with pytest.raises(Exception, match="there is no capture"):
        read(session, tmp_path / "none").count()


def test_wrong_options(session: Any, captures: Path) -> None:
    with pytest.raises(OptionError, match="no option 'colour'"):
        gofollow_spark.connections(read(session, captures / "parts"), colour=1)
    with pytest.raises(OptionError, match="partitions=0"):
        gofollow_spark.connections(read(session, captures / "parts"), partitions=0)


def test_the_page(session: Any, folder: Path) -> None:
    shutil.copytree(ROOT / "tests" / "data", folder / "captures", ignore=lambda _, names: [n for n in names if not n.endswith(".pcap")])
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "spark.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        exec(block, names)
    assert sorted(path.name for path in (folder / "store").iterdir()) == ["connections", "turns"]
    assert names["connections"].count() > 20


# What is missing or does not fit.


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(GofollowError, match=f"there is none at {tmp_path}.*openjdk-17"):
        gofollow_spark.session()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GofollowError, match="there is none on PATH"):
        gofollow_spark.session()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(GofollowError, match=r"Spark needs Java 17, and .*java is openjdk version .1\.8"):
        gofollow_spark.session()


def failed_job(prepare: str, **environment: str) -> str:
    """Return what a job says that fails in a process of its own."""
    script = f"""
import os, sys
from gofollow import spark as gofollow_spark
{prepare}
session = gofollow_spark.session("local[1]", **{SETTINGS!r})
session.sparkContext.setLogLevel("OFF")
gofollow_spark.connections(session.read.format("pcap").load({str(ROOT / "tests" / "data" / "several.pcap")!r})).count()
"""
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr


def test_a_worker_without_the_library(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gofollow'] = None\n")
    said = failed_job(f"os.environ['PYTHONPATH'] = {str(tmp_path)!r}")
    assert re.search(r"the Spark worker on \S+ \(\S+\) has no gofollow \(.*\): pip install 'gofollow\[spark\]' there", said), said[-3000:]


def test_a_worker_with_another_python() -> None:
    minors = [minor for minor in range(10, 15) if minor != sys.version_info.minor]
    others = [shutil.which(f"python3.{minor}") for minor in minors]
    others += [str(path) for minor in minors for path in Path(sys.base_prefix).parent.glob(f"*/bin/python3.{minor}")]  # as pyenv has them
    other = next((path for path in others if path and subprocess.run([path, "-V"], capture_output=True, check=False).returncode == 0), None)
    if other is None:
        print("not tested, since there is no second Python: a worker with another Python")
        return
    said = failed_job("", PYSPARK_PYTHON=other)
    assert "PYTHON_VERSION_MISMATCH" in said, said[-3000:]
    assert "PYSPARK_PYTHON" in said
