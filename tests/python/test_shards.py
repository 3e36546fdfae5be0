"""The work of Spark's tasks without Spark: captures cut into files and shuffled by key give the tables of the whole capture."""

import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import store
from frames import conversation, pcap_of

from gofollow import CaptureError, CaptureFileError, OptionError, spark_source, spark_worker, tables

ROOT = Path(__file__).parents[2]


def batches_of(rows: list[dict[str, Any]], size: int) -> Iterator[pa.RecordBatch]:
    iterator = iter(rows)
    while some := [*islice(iterator, size)]:
        yield pa.RecordBatch.from_pylist(some, schema=spark_source.ROWS)


def shuffled(rows: list[dict[str, Any]], shards: int) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = [[] for _ in range(shards)]
    for row in rows:
        parts[row["key"] % shards].append(row)
    return [sorted(part, key=lambda row: [row[name] for name in spark_source.ORDER]) for part in parts]


def rows(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def on_shards(paths: list[str], shards: int, size: int = 1000, part_bytes: int = 1 << 30, **options: Any) -> list[list[dict[str, Any]]]:
    """Return connections and turns as gofollow.spark makes them."""
    packets: list[dict[str, Any]] = []
    partial: list[dict[str, Any]] = []
    for path, length in spark_source.files_of(paths):
        for part in spark_source.divide(path, length, part_bytes):
            read = rows(spark_source.rows_of(part, spark_source.Options()))
            packets += read
            partial += rows(spark_worker.ticks(batches_of(read, 100)))
    clock = spark_worker.ticks_of_all((row["bucket"], row["tick"]) for row in partial)
    levels = max(row["levels"] for row in partial) if partial else 0
    ready = [row for row in packets if row["key"] is not None]
    for level in range(levels):
        fragments = [row for row in ready if row["fragment_depth"] is not None]
        ready = [row for row in ready if row["fragment_depth"] is None]
        for shard in shuffled(fragments, shards):
            ready += rows(spark_worker.defragment(batches_of(shard, size), level, clock))
    assert all(row["fragment_depth"] is None for row in ready)
    made = []
    for turns in (False, True):
        followed = [rows(spark_worker.follow(batches_of(shard, size), turns, clock, options)) for shard in shuffled(ready, shards)]
        made.append([row for shard in followed for row in shard])
    return made


def whole(path: Path, **options: Any) -> list[list[dict[str, Any]]]:
    """Return the tables of a capture, ids left out."""
    connections = [{**row, "id": None} for row in rows(tables.connections(path, **options))]
    return [connections, rows(tables.turns(path, **options))]


def same(found: list[list[dict[str, Any]]], wanted: list[list[dict[str, Any]]]) -> None:
    for one, other, keys in zip(found, wanted, (("connection_id",), ("connection_id", "turn", "part")), strict=True):
        one, other = (sorted(some, key=lambda row: [row[key] for key in keys]) for some in (one, other))
        for row, wanted_row in zip(one, other, strict=False):
            assert row == wanted_row
        assert len(one) == len(other)


@pytest.mark.parametrize("seed", range(8))
def test_a_store_gives_the_tables_of_the_whole(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    conversations, packets = store.store(range(seed * 20, seed * 20 + 20))
    capture = tmp_path / "whole.pcap"
    capture.write_bytes(pcap_of(packets))
    wanted = whole(capture)
    check_truth(wanted, conversations)
    for name, parts in (("parts", store.contiguous(packets, 7, rng)), ("scattered", store.scattered(packets, 5, rng))):
        store.write(tmp_path / name, parts, rng)
        same(on_shards([str(tmp_path / name)], rng.randrange(1, 6), rng.choice((1, 10, 1000)), rng.choice((1, 5000, 1 << 30))), wanted)


def test_a_tunnel_of_fragments_carries_fragments(tmp_path: Path) -> None:
    """Nothing shows before the outer ones are put together that there are inner ones."""
    frames = conversation([b"x" * 1200], [b"y" * 900])
    inner = [part for number, frame in enumerate(frames) for part in store.fragments(frame, number, 600)]
    cut = [store.in_gre(part, number) for number, part in enumerate(inner)]
    packets = [part for number, frame in enumerate(cut) for part in store.fragments(frame, number, 16)]
    capture = tmp_path / "whole.pcap"
    capture.write_bytes(pcap_of([(store.START + at, frame) for at, frame in enumerate(packets)]))
    found = on_shards([str(capture)], 3)
    same(found, whole(capture))
    assert [row["payload"] for row in found[1]] == [b"x" * 1200, b"y" * 900]


def check_truth(found: list[list[dict[str, Any]]], conversations: list[store.Conversation]) -> None:
    """Compare the tables with what was sent: all of it, where nothing is missing, or a part of it in its order."""
    names = {row["connection_id"]: row for row in found[0]}
    sent: dict[Any, list[tuple[bytes, bytes]]] = {}
    for one in conversations:
        sent.setdefault((one.client, one.server), []).append(one.streams)
    complete = 0
    said: dict[tuple[int, str], bytes] = {}
    for row in sorted(found[1], key=lambda row: (row["connection_id"], row["turn"])):
        key = row["connection_id"], row["side"]
        said[key] = said.get(key, b"") + row["payload"]
    for (number, side), payload in said.items():
        row = names[number]
        client, server = (row["client_address"], row["client_port"]), (row["server_address"], row["server_port"])
        streams = [both[0 if side == "client" else 1] for both in sent[client, server]]
        if not row[f"{side}_missing"] and row["start"] == "syn":
            assert any(stream.startswith(payload) for stream in streams)
            complete += payload in streams
    assert complete > len(conversations) // 4


def records(part: spark_source.Part, **options: Any) -> list[dict[str, Any]]:
    return rows(spark_source.rows_of(part, spark_source.Options(**options)))


@pytest.mark.parametrize("capture", sorted((ROOT / "tests" / "data").glob("*.pcap*")), ids=lambda path: path.name)
def test_captures(capture: Path) -> None:
    same(on_shards([str(capture)], 3, 50, 3000), whole(capture))


def test_a_file_is_divided_between_records(tmp_path: Path) -> None:
    _, packets = store.store(range(900, 920))
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap_of(packets))
    size = path.stat().st_size
    wanted = records(spark_source.Part(str(path)))
    assert [(row["time_ns"], row["frame"]) for row in wanted] == packets
    assert [row["clock_ns"] for row in wanted] == [now for now, _ in packets]
    for part_bytes in (1, 1000, 30000, size):
        parts = spark_source.divide(str(path), size, part_bytes)
        assert (len(parts) > 1) == (part_bytes < size)
        assert [row for part in parts for row in records(part)] == wanted


def test_one_wrong_time_moves_no_clock() -> None:
    hour = spark_source.HOUR
    clock: int | None = None
    clocks = []
    times: list[int | None] = [10, 5, 50 * hour, 20, 3 * hour, 3 * hour + 1, None, 2 * hour, 9 * hour]
    for time_ns, following in zip(times, [*times[1:], None], strict=True):
        clocks.append(clock := spark_source.later(clock, time_ns, following))
    assert clocks == [10, 10, 10, 20, 3 * hour, 3 * hour + 1, 3 * hour + 1, 3 * hour + 1, 9 * hour]
    assert spark_source.later(None, 50 * hour, 10) == 10


def test_files_that_are_no_captures(tmp_path: Path) -> None:
    text, cut, capture = tmp_path / "notes.txt", tmp_path / "cut.pcap", tmp_path / "good.pcap"
    text.write_text("these are notes, and no capture")
    _, packets = store.store(range(2))
    capture.write_bytes(pcap_of(packets))
    cut.write_bytes(pcap_of(packets)[:-5])
    with pytest.raises(CaptureError, match=r"notes\.txt: "):
        records(spark_source.Part(str(text)))
    (row,) = records(spark_source.Part(str(text)), bad_files="skip")
    assert (row["path"], row["key"], row["frame"]) == (str(text), None, None)
    assert "not a capture" in row["error"] or "no capture" in row["error"]
    *before, last = records(spark_source.Part(str(cut)))
    assert len(before) == len(packets) - 1
    assert "cut short" in last["error"]


def test_paths(tmp_path: Path) -> None:
    for name in ("b/2.pcap", "a/1.pcap", "a/_temporary/3.pcap", "a/.hidden", "c.pcap"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))

    def found(*paths: str) -> list[str]:
        return [str(Path(path.removeprefix("file://")).relative_to(tmp_path)) for path, _ in spark_source.files_of(paths)]

    assert found(str(tmp_path)) == ["a/1.pcap", "b/2.pcap", "c.pcap"]
    assert found(f"{tmp_path}/*/*.pcap", f"{tmp_path}/a") == ["a/1.pcap", "b/2.pcap"]
    assert found(f"file://{tmp_path}/c.pcap") == ["c.pcap"]
    assert dict(spark_source.files_of([str(tmp_path)]))[f"{tmp_path}/c.pcap"] == 6
    with pytest.raises(CaptureFileError, match="none"):
        spark_source.files_of([f"{tmp_path}/none*.pcap"])


def test_options_of_the_source() -> None:
    assert spark_source.Options.of({"part_bytes": "7", "frames": "False"}) == spark_source.Options("fail", 7, False)
    for wrong in ({"bad_files": "ignore"}, {"part_bytes": "many"}, {"frames": "1"}):
        with pytest.raises(OptionError, match=f"{next(iter(wrong))}="):
            spark_source.Options.of(wrong)


@pytest.mark.parametrize("seed", range(3))
def test_stamps_that_repeat_and_go_back_lose_nothing(seed: int, tmp_path: Path) -> None:
    """Beyond what is promised: packets of neighbouring files may change places, and the streams are the same."""
    rng = random.Random(seed)
    _, packets = store.store(range(900 + seed * 10, 910 + seed * 10))
    coarse = [(now // 10**7 * 10**7 - rng.choice((0, 0, 0, 10**7)), frame) for now, frame in packets]
    (tmp_path / "whole.pcap").write_bytes(pcap_of(coarse))
    store.write(tmp_path / "parts", store.contiguous(coarse, 4, rng), rng)

    def sizes(connections: list[dict[str, Any]]) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for row in connections:
            ends = row["client_address"], row["client_port"]
            found[ends] = found.get(ends, 0) + row["client_bytes"] + row["server_bytes"]
        return found

    assert sizes(on_shards([str(tmp_path / "parts")], 3)[0]) == sizes(whole(tmp_path / "whole.pcap")[0])


def test_several_processes(tmp_path: Path) -> None:
    rng = random.Random(7)
    _, packets = store.store(range(800, 820))
    (tmp_path / "whole.pcap").write_bytes(pcap_of(packets))
    store.write(tmp_path / "files", store.scattered(packets, 4, rng), rng)
    written = tables.write_parquet(tmp_path / "out", tmp_path / "files", processes=2, name="all")
    wanted = whole(tmp_path / "whole.pcap")
    assert written == (len(wanted[0]), len(wanted[1]))
    found = [pq.read_table(tmp_path / "out" / name).to_pylist() for name in ("connections", "turns")]
    same(found, wanted)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["connections", "turns"]
    assert sorted(path.name for path in (tmp_path / "out" / "turns").iterdir()) == ["all-0.parquet", "all-1.parquet"]


def test_several_processes_and_what_is_no_capture(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, and no capture")
    with pytest.raises(CaptureError, match=r"notes\.txt"):
        tables.write_parquet(tmp_path / "out", tmp_path / "notes.txt", processes=2)
    assert not [*(tmp_path / "out").iterdir()]
    with pytest.raises(OptionError, match="colour"):
        tables.write_parquet(tmp_path / "out", tmp_path / "notes.txt", processes=2, colour=1)


def test_without_pyspark() -> None:
    script = """
import sys
sys.modules["pyspark"] = None
import gofollow
try:
    import gofollow.spark
except gofollow.GofollowError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith("gofollow.spark needs pyspark 4")
    assert said.endswith("pip install 'gofollow[spark]'\n")
