"""Tables of connections and turns, against what the engine's events alone say."""

import io
import itertools
import random
import re
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from frames import ACK, CLIENT, FIN, SERVER, SYN, conversation, pcap, tcp
from test_snapshots import capture_of, random_packets

from gofollow import CaptureError, CaptureFileError, OptionError, events, follow, tables

ROOT = Path(__file__).parents[2]
CAPTURES = sorted((ROOT / "tests" / "data").glob("*.pcap*"))
NO_TIME = -(1 << 63)


def rows(reader: pa.RecordBatchReader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader.read_all().to_pylist()
    return found


def known(time_ns: int | None) -> int | None:
    return None if time_ns == NO_TIME else time_ns


def wanted_turns(log: list[Any]) -> list[tuple[Any, ...]]:
    """Return side, times, offset, payload and missing bytes of the turns of a connection's data and gap events."""
    turns: list[dict[str, Any]] = []
    waiting: dict[str, list[Any]] = {"client": [], "server": []}
    for event in log:
        if event.kind == "gap":
            waiting[event.direction].append((len(turns), event))
            continue
        if not turns or turns[-1]["side"] != event.direction:
            turns.append({"side": event.direction, "first": event, "payload": b"", "missing": 0})
        turns[-1]["missing"] += sum(gap.length for _, gap in waiting[event.direction])
        waiting[event.direction].clear()
        turns[-1]["payload"] += event.data
        turns[-1]["last"] = event
    for side, gaps in waiting.items():
        own = [turn for turn in turns if turn["side"] == side]
        missing = sum(gap.length for _, gap in gaps)
        if own:
            own[-1]["missing"] += missing
        elif gaps:
            begun, gap = gaps[0]
            turns.insert(min(begun, len(turns)), {"side": side, "first": gap, "last": gap, "payload": b"", "missing": missing})
    return [
        (turn["side"], known(turn["first"].time_ns), known(turn["last"].time_ns), turn["first"].offset, turn["payload"], turn["missing"])
        for turn in turns
    ]


def events_until_fault(capture: bytes) -> Iterator[Any]:
    try:
        yield from events(io.BytesIO(capture))
    except CaptureError:
        pass


def rows_until_fault(reader: pa.RecordBatchReader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        for batch in reader:
            found += batch.to_pylist()
    except CaptureError:
        pass
    return found


def check(capture: bytes) -> int:
    """Compare both tables of a capture with its events; return how many turns there are."""
    log: dict[int, list[Any]] = defaultdict(list)
    closed = []
    for event in events_until_fault(capture):
        if event.kind in ("data", "gap"):
            log[event.connection.id].append(event)
        elif event.kind == "closed":
            closed.append(event)
    connections = rows_until_fault(tables.connections(io.BytesIO(capture)))
    assert [row["id"] for row in connections] == [event.connection.id for event in closed]
    for row, event in zip(connections, closed, strict=True):
        told = event.connection
        assert f"[{row['client_address']}]:{row['client_port']}".replace("[", "").replace("]", "") == re.sub(r"[][]", "", str(told.client))
        assert (row["server_address"], row["server_port"]) == (str(told.server.address), told.server.port)
        assert (row["roles_from"], row["start"], row["separation"]) == (told.roles_from, told.start, None)
        assert (row["opened_at_ns"], row["closed_at_ns"]) == (known(told.opened_ns), known(told.closed_ns))
        for name in ("opened_at", "closed_at"):
            time_ns = row[f"{name}_ns"]
            assert (row[name] is None) == (time_ns is None)
            assert time_ns is None or round(row[name].timestamp() * 10**6) == time_ns // 1000
        assert (row["close_reason"], row["closed_by"], row["clean"]) == (event.reason, event.by, told.clean)
        whole = told.syn_ns is not None and told.ack_ns is not None
        assert row["handshake_ns"] == (told.ack_ns - told.syn_ns if whole else None)
        for side, counters in (("client", told.client_counters), ("server", told.server_counters)):
            assert [row[f"{side}_{name}"] for name in ("packets", "bytes", "missing", "retransmitted", "reordered")] == [
                *(counters.packets, counters.bytes, counters.gap_bytes, counters.duplicate_bytes, counters.reordered_bytes)
            ]
    names = {row["id"]: row["connection_id"] for row in connections}
    assert len(set(names.values())) == len(names)
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows_until_fault(tables.turns(io.BytesIO(capture))):
        assert row["turn"] == len(found[row["connection_id"]])
        assert row["part"] == 0
        found[row["connection_id"]].append(
            tuple(row[name] for name in ("side", "time_ns", "end_time_ns", "offset", "payload", "missing"))
        )
        assert row["time"] is None or round(row["time"].timestamp() * 10**6) == row["time_ns"] // 1000
    assert dict(found) == {names[number]: turns for number, events in log.items() if (turns := wanted_turns(events))}
    return sum(map(len, found.values()))


def check_streams(capture: bytes) -> None:
    """Compare the table of turns with what streams say."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows(tables.turns(io.BytesIO(capture))):
        found[row["connection_id"]].append(tuple(row[name] for name in ("side", "time_ns", "end_time_ns", "offset", "payload", "missing")))
    names = {row["id"]: row["connection_id"] for row in rows(tables.connections(io.BytesIO(capture)))}
    for stream in follow(io.BytesIO(capture)):
        assert found.pop(names[stream.identifier], []) == [
            (turn.side, turn.time_ns, turn.end_time_ns, turn.offset, turn.data, turn.missing) for turn in stream.turns()
        ]
    assert not found


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_captures(capture: Path) -> None:
    check(capture.read_bytes())
    check_streams(capture.read_bytes())


@pytest.mark.parametrize("seed", range(5))
def test_random_captures(seed: int) -> None:
    check_streams(capture_of(random_packets(random.Random(seed), True)))
    assert sum(check(capture_of(random_packets(random.Random(number), True))) for number in range(seed * 100, seed * 100 + 12)) > 90


# Long turns.


def stream_of(side: int, size: int, first: int = 0) -> list[bytes]:
    """Return the frames in which a side sends so many bytes, each byte the number of its megabyte."""
    ends, seqs, step = (CLIENT, SERVER), (1001, 5001), 60000
    return [
        tcp(ends[side], ends[1 - side], ACK, seqs[side] + at, seqs[1 - side], bytes([at >> 20 & 255]) * min(step, size - at))
        for at in range(first, size, step)
    ]


def open_frames() -> list[bytes]:
    return conversation([], [], close=False)


def turn_rows(frames: list[bytes], **options: Any) -> list[dict[str, Any]]:
    return rows(tables.turns(io.BytesIO(pcap(frames)), **options))


def test_a_long_turn_has_parts() -> None:
    size = 40 << 20
    frames = [*open_frames(), *stream_of(1, size)]
    del frames[100], frames[-1]
    found = turn_rows([*frames, tcp(CLIENT, SERVER, ACK, 1001, 5001 + size, b"thanks")])
    assert [(row["turn"], row["part"]) for row in found] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [row["side"] for row in found] == ["server", "server", "server", "client"]
    parts = found[:3]
    assert all(len(row["payload"]) <= tables.PART for row in parts)
    assert sum(row["missing"] for row in parts) + sum(len(row["payload"]) for row in parts) == size
    assert [row["missing"] for row in parts] == [60000, 0, (size % 60000) or 60000]  # what no data follows is told with the last part
    for before, after in itertools.pairwise(parts):
        assert after["offset"] == before["offset"] + len(before["payload"]) + before["missing"]
        assert after["time_ns"] >= before["end_time_ns"]
    whole = b"".join(row["payload"] for row in parts)
    assert whole[-1] == (size - (size % 60000 or 60000) - 1) >> 20


def test_a_side_that_has_gaps_alone_has_an_empty_turn() -> None:
    lost = tcp(SERVER, CLIENT, ACK, 5001, 1010, b"answer")
    end = [tcp(CLIENT, SERVER, FIN | ACK, 1010, 5007), tcp(SERVER, CLIENT, FIN | ACK, 5007, 1011), tcp(CLIENT, SERVER, ACK, 1011, 5008)]
    found = turn_rows([*open_frames(), lost, *end])
    assert [(row["turn"], row["side"], row["payload"], row["missing"], row["offset"]) for row in found] == [
        (0, "server", b"answer", 0, 0),
        (1, "client", b"", 9, 0),
    ]
    assert found[1]["time_ns"] == found[1]["end_time_ns"]


def test_a_request_that_was_lost_before_a_long_answer() -> None:
    size = 20 << 20
    frames = [*open_frames(), tcp(SERVER, CLIENT, ACK, 5001, 1010)]
    # The client's next data makes its hole a gap, before the server says anything.
    early = [tcp(CLIENT, SERVER, FIN | ACK, 1010, 5001)] + [tcp(SERVER, CLIENT, ACK, 5001, 1011)] * 2
    found = turn_rows([*frames, *early, *stream_of(1, size)], gap_patience=0)
    assert sorted((row["turn"], row["part"], row["side"], row["missing"]) for row in found) == [
        (0, 0, "client", 9),
        (1, 0, "server", 0),
        (1, 1, "server", 0),
    ]


def test_memory_is_bounded() -> None:
    script = """
import resource, struct, sys
sys.path.insert(0, sys.argv[1])
from test_tables import open_frames, pcap, stream_of
from gofollow import tables

class Endless:  # a download of 400 MB, made while it is read
    def __init__(self):
        self.parts = self.all()
    def all(self):
        yield pcap(open_frames())
        for first in range(0, 400 << 20, 60000 * 16):
            yield pcap(stream_of(1, first + 60000 * 16, first))[24:]
    def read(self, size):
        return next(self.parts, b"")

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = sum(batch.nbytes for batch in tables.turns(Endless()))
assert size > 400 << 20, size
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    grown = subprocess.run([sys.executable, "-c", script, str(Path(__file__).parent)], capture_output=True, text=True, check=True).stdout
    assert int(grown) < 200, f"{grown} MB"


def test_turns_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_WAITING_BYTES", 1000)
    clients = [("10.0.0.9", port) for port in range(4000, 4010)]
    frames = [tcp(client, SERVER, SYN, 1000) for client in clients]
    for at in range(0, 900, 300):
        frames += [tcp(client, SERVER, ACK, 1001 + at, 1, bytes(300)) for client in clients]
    parts: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in turn_rows(frames):
        parts[row["connection_id"]].append(row)
    assert len(parts) == len(clients)
    for found in parts.values():
        assert [(row["turn"], row["part"], row["offset"]) for row in found] == [(0, number, 300 * number) for number in range(len(found))]
        assert sum(len(row["payload"]) for row in found) == 900
    assert any(len(found) > 1 for found in parts.values())


# Names of connections.


def test_a_connection_has_the_same_name_among_others() -> None:
    one = conversation([b"ask"], [b"answer"])
    (alone,) = rows(tables.connections(io.BytesIO(pcap(one))))
    capture = bytearray(pcap([*conversation([b"x"], [b"y"], ("10.0.0.7", 5)), *one]))
    position = 24  # the same times as alone
    for number in range(20):
        struct.pack_into("<I", capture, position + 4, max(0, number - 8) * 1000)
        position += 16 + struct.unpack_from("<I", capture, position + 8)[0]
        if position >= len(capture):
            break
    found = rows(tables.connections(io.BytesIO(capture)))
    assert [row["connection_id"] for row in found if row["client_port"] == CLIENT[1]] == [alone["connection_id"]]
    assert len({row["connection_id"] for row in found}) == 2


def test_a_name_tells_connections_of_one_time_apart() -> None:
    again = [tcp(CLIENT, SERVER, SYN, seq) for seq in (1000, 90000)]
    refused = tcp(SERVER, CLIENT, 4 | ACK, 0, 1001)
    capture = bytearray(pcap([again[0], refused, again[1]]))
    for position in range(24, len(capture), 16 + len(refused)):
        struct.pack_into("<I", capture, position + 4, 0)
    found = rows(tables.connections(io.BytesIO(capture)))
    assert len({row["opened_at_ns"] for row in found}) == 1
    assert len({row["connection_id"] for row in found}) == len(found) == 2


# Frames and files.


def test_several_captures_are_one() -> None:
    frames = conversation([b"one", b"two"], [b"1", b"2"])
    whole = pcap(frames)
    cut = 24 + sum(16 + len(frame) for frame in frames[:5])
    halves = [io.BytesIO(whole[:cut]), io.BytesIO(whole[:24] + whole[cut:])]
    assert rows(tables.turns(*halves)) == rows(tables.turns(io.BytesIO(whole)))


def test_data_frames() -> None:
    capture = ROOT / "tests" / "data" / "several.pcap"
    reader = tables.connections(capture)
    assert reader.schema == tables.CONNECTIONS
    frame = tables.to_pandas(reader)
    assert len(frame) == 6
    assert str(frame["id"].dtype) == "Int64"
    assert str(frame["opened_at"].dtype) == "datetime64[us, UTC]"
    polar = tables.to_polars(tables.turns(capture))
    assert polar.height == 12
    assert polar["payload"][0].startswith(b"GET /text/6000")


def test_an_empty_table_has_its_columns() -> None:
    capture = pcap([])
    assert tables.turns(io.BytesIO(capture)).read_all().schema == tables.TURNS
    assert list(tables.to_pandas(tables.connections(io.BytesIO(capture))).columns) == tables.CONNECTIONS.names


def test_parquet(tmp_path: Path) -> None:
    capture = ROOT / "tests" / "data" / "capture_loss.pcap"
    folder = tmp_path / "new" / "folder"
    written = tables.write_parquet(folder, capture)
    assert written == (1, 3)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == ["connections/part-0.parquet", "turns/part-0.parquet"]
    import pyarrow.parquet as pq

    for name, reader in (("connections", tables.connections(capture)), ("turns", tables.turns(capture))):
        table = pq.read_table(folder / name / "part-0.parquet")
        assert table == reader.read_all()
        assert all(not pa.types.is_unsigned_integer(field.type) for field in table.schema)
    tables.write_parquet(folder, capture, name="other")
    assert duckdb.sql(f"SELECT count(*) FROM '{folder}/turns/*.parquet'").fetchall() == [(6,)]


def test_what_stands_before_a_fault_is_in_the_tables(tmp_path: Path) -> None:
    capture = bytearray(pcap([*conversation([b"one"], [b"two"]), *conversation([b"more"], [b"most"], ("10.0.0.3", 7))]))
    at = len(capture) - 60
    capture[at:] = b"\xff" * 60
    with pytest.raises(CaptureError):
        tables.turns(io.BytesIO(capture)).read_all()
    assert len(rows_until_fault(tables.turns(io.BytesIO(capture)))) == 4
    with pytest.raises(CaptureError):
        tables.write_parquet(tmp_path, io.BytesIO(capture))
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/turns/*.parquet'").fetchall() == [(4,)]


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no option 'colour'"):
        tables.connections("x.pcap", colour=1)
    with pytest.raises(CaptureFileError):
        tables.write_parquet(tmp_path, tmp_path / "missing.pcap")
    assert not [*tmp_path.rglob("*.*")]
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match="taken"):
        tables.write_parquet(tmp_path / "taken", ROOT / "tests" / "data" / "several.pcap")


def test_without_pyarrow() -> None:
    script = """
import sys
sys.modules["pyarrow"] = None
import gofollow
try:
    import gofollow.tables
except gofollow.GofollowError as error:
    print(error)
"""
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed == "gofollow.tables needs pyarrow, which is not installed: pip install 'gofollow[tables]'\n"


# The page.

PAGE = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["connections", "turns"])
def test_the_page_describes_every_column(name: str) -> None:
    schema = {"connections": tables.CONNECTIONS, "turns": tables.TURNS}[name]
    section = PAGE.split(f"\n## The table `{name}`\n")[1].split("\n## ")[0]
    kinds = {"timestamp[us, tz=UTC]": "timestamp[us, UTC]"}
    wanted = [(field.name, kinds.get(str(field.type), str(field.type)), field.nullable) for field in schema]
    found = []
    for names, kind, null in re.findall(r"^\| (`[^|]*) \| ([^|]*?)(, null)? \| ", section, re.MULTILINE):
        found += [(column, kind, bool(null)) for column in re.findall(r"`(\w+)`", names)]
    order = [column for column, _, _ in wanted]
    assert sorted(found, key=lambda column: order.index(column[0])) == wanted


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("several", "capture_loss"):
        (tmp_path / f"{name}.pcap").symlink_to(ROOT / "tests" / "data" / f"{name}.pcap")
    names: dict[str, Any] = {}
    blocks = re.findall(r"```(python|sql)\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > 5
    for language, block in blocks:
        if language == "python":
            exec(block, names)
        else:
            wanted = re.search(r"-- at least (\d+) rows?", block)
            assert wanted is not None, block
            assert len(duckdb.sql(block).fetchall()) >= int(wanted[1]), block
    assert "client_port" in capsys.readouterr().out
