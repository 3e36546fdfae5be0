"""The subcommands that write tables and that follow what is still going on: export and live."""

import csv
import json
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from command import COMMAND, DATA, plain, run, screen, shell
from frames import conversation, pcap
from test_live import live

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
SEVERAL, LOSS = DATA / "several.pcap", DATA / "capture_loss.pcap"


# export


@pytest.mark.parametrize("path", [SEVERAL, LOSS, DATA / "ipv6.pcap", DATA / "half_close.pcap"], ids=lambda path: path.name)
def test_json_lines_are_the_tables(path: Path, tmp_path: Path) -> None:
    from gofollow import tables

    result = run("export", path, "-o", tmp_path / "out")
    assert (result.code, result.out) == (0, "")
    for name, batches in (("connections", tables.connections(path)), ("turns", tables.turns(path))):
        expected = batches.read_all().to_pylist()
        found = [json.loads(line) for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()]
        assert len(found) == len(expected)
        for row, known in zip(found, expected, strict=True):
            for column, value in known.items():
                if column == "payload":
                    assert b64decode(row[column]) == value
                    assert row["length"] == len(value)
                elif column + "_ns" in known:
                    assert row[column] == (None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
                else:
                    assert row[column] == value


def test_csv_and_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    assert run("export", "--csv", "--payload", "text", SEVERAL, "-o", tmp_path / "csv").code == 0
    with open(tmp_path / "csv" / "turns.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert rows[0]["payload"].startswith("GET /text/")
    assert run("export", "--parquet", SEVERAL, "-o", tmp_path / "parquet").code == 0
    assert pq.read_table(tmp_path / "parquet" / "turns").num_rows == 12
    assert pq.read_table(tmp_path / "parquet" / "connections").num_rows == 6


def test_payload_left_out_and_chosen_connections(tmp_path: Path) -> None:
    assert run("export", "--payload", "none", "--id", "2,5", SEVERAL, "-o", tmp_path / "out").code == 0
    turns = [json.loads(line) for line in (tmp_path / "out" / "turns.jsonl").read_text().splitlines()]
    assert len(turns) == 4
    assert "payload" not in turns[0]
    connections = [json.loads(line)["id"] for line in (tmp_path / "out" / "connections.jsonl").read_text().splitlines()]
    assert connections == [2, 5]
    again = run("export", SEVERAL, "-o", tmp_path / "out")
    assert again.code == 2
    assert "nothing is overwritten" in again.err
    assert run("export", SEVERAL, "-o", "/proc/none").code == 2
    assert run("export", "/none", "-o", tmp_path / "none").code == 2


def test_a_folder_by_several_processes(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    store = tmp_path / "store"
    store.mkdir()
    for path in (SEVERAL, LOSS, DATA / "compressed.pcap.gz"):
        (store / path.name).write_bytes(path.read_bytes())
    shared = run("export", "--parquet", "--processes", 2, store, "-o", tmp_path / "shared")
    assert shared.code == 0
    assert run("export", "--parquet", *sorted(store.iterdir()), "-o", tmp_path / "alone").code == 0
    for table in ("connections", "turns"):
        columns = ["connection_id", *(["client_bytes", "server_bytes"] if table == "connections" else ["turn", "payload"])]
        tables = [pq.read_table(tmp_path / name / table, columns=columns) for name in ("shared", "alone")]
        one, other = (table.sort_by([(column, "ascending") for column in columns[:2]]) for table in tables)
        assert one == other
        assert one.num_rows > 6
    assert len(list((tmp_path / "shared" / "turns").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--jsonl", SEVERAL], "--processes needs --parquet"),
        (["--parquet", "--id", "3", SEVERAL], "leave --id, --since and --until out"),
        (["--parquet", "-"], "not standard input"),
        (["--parquet", "/none"], "/none: there is no capture"),
        (["--parquet", "/dev/null/x\x1b"], "\\x1b: there is no capture"),
        (["--parquet", Path(__file__)], "not a capture"),
    ],
)
def test_what_several_processes_cannot_do(words: list[object], says: str, tmp_path: Path) -> None:
    result = run("export", "--processes", 2, *words, "-o", tmp_path / "out")
    assert result.code == 2
    assert says in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.rglob("*.parquet"))


FORMS = [["export"], ["export", "--csv"], ["export", "--parquet"], ["extract"], ["extract", "--pcap"]]


@pytest.mark.parametrize("words", FORMS, ids=" ".join)
def test_a_disk_that_is_full(words: list[str], tmp_path: Path) -> None:
    clients = [(f"10.0.1.{number}", 4000) for number in range(20)]
    small = [frame for client in clients for frame in conversation([b"question"], [os.urandom(2000)], client)]
    path, out = tmp_path / "x.pcap", tmp_path / "out"
    path.write_bytes(pcap([*small, *conversation([b"more"] * 20, [os.urandom(10_000) for _ in range(20)])]))
    command = shlex.join([*COMMAND, *words])
    # A file that may be no longer is what a full disk is to a process.
    script = f'trap "" XFSZ; ulimit -f 64; exec {command} "$1" -o "$2"'
    done = subprocess.run(["bash", "-c", script, "bash", path, out], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert re.fullmatch(rf"gofollow: {re.escape(str(out))}\S*: (Error .* \[errno 27\] )?File too large\n", done.stderr), done.stderr
    if words[-1] == "--parquet":
        assert not [*out.rglob("*.*")]
    elif words[-1] == "--pcap":
        captures = [name for name in out.iterdir() if name.suffix == ".pcapng"]
        assert captures
        assert sum(len(packets_of(name)) for name in captures) > 0
    elif words[0] == "extract":
        index = [json.loads(line) for line in (out / "index.jsonl").read_text().splitlines()]
        assert len(index) == 20
        for entry in index:
            assert (out / entry["server"]["file"]).stat().st_size == 2000
    else:
        lines = (out / f"turns.{'csv' if '--csv' in words else 'jsonl'}").read_text()
        assert 40 <= lines.count("\n") < 80
        assert lines.endswith("\n")


@pytest.mark.parametrize("words", FORMS, ids=" ".join)
def test_nothing_is_made_where_nothing_could_be_read(words: list[str], tmp_path: Path) -> None:
    for wrong in (["/none"], [Path(__file__)], ["--filter", "prot 80", SEVERAL], ["--max-connections", "99999999999999999999", SEVERAL]):
        result = run(*words, *wrong, "-o", tmp_path / "out")
        assert result.code == 2
        assert result.err.count("\n") == 1
        assert not (tmp_path / "out").exists()


# live


def test_rows_as_connections_end() -> None:
    rows = run("live", SEVERAL).rows
    assert sorted(rows) == sorted(run(SEVERAL).rows)
    assert run("live", "--header", "-", stdin=SEVERAL.read_bytes()).rows[0][0] == "id"


def test_conversations_as_they_happen() -> None:
    text = run("live", "--show", DATA / "http_download.pcap").out
    assert text.startswith("connection 0  ")
    assert text.index("client  ") < text.index("server  ") < text.index("connection 0: fin")


def test_each_line_reaches_a_pipe_at_once_and_an_interrupt_ends_with_the_sums() -> None:
    capture = pcap([*conversation([b"a"], [b"b"]), *conversation([b"c"], [b"d"], ("10.0.0.9", 999), close=False)])
    with subprocess.Popen([*COMMAND, "live", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(capture)
        process.stdin.flush()
        assert process.stdout.readline().split(b"\t")[0] == b"0"  # while the pipe is open
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    assert rest.split(b"\t")[0] == b"1"
    assert b"2 connections" in errors
    assert b"Traceback" not in errors


def test_a_capture_over_a_socket() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(60)
    port = server.getsockname()[1]

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(SEVERAL.read_bytes())

    thread = threading.Thread(target=serve)
    thread.start()
    result = run("live", f"tcp://127.0.0.1:{port}")
    thread.join()
    server.close()
    assert (result.code, len(result.rows)) == (0, 6)
    refused = run("live", f"tcp://127.0.0.1:{port}")
    assert refused.code == 2
    assert refused.err.startswith(f"gofollow: tcp://127.0.0.1:{port}: ")


def test_the_growing_table_and_its_status_line() -> None:
    shown = screen("live", SEVERAL)
    assert "6 ended" in shown.out
    rows = [line for line in plain(shown.out).splitlines() if "192.0.2" in line]
    assert rows
    assert "\r\x1b[K" in shown.out


@live
@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_an_interface(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        words = [*COMMAND, "live", "lo", "--bpf", f"tcp port {port}", "--idle-timeout", "0.1" if kind == "silent" else "100"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline() == b"gofollow: capturing from lo\n"
            with socket.create_connection(("127.0.0.1", port)) as asking, listening.accept()[0] as answering:
                asking.sendall(b"question")
                assert answering.recv(100) == b"question"
                if kind == "closed":
                    answering.close()
                    asking.close()
                row = process.stdout.readline().decode().rstrip().split("\t")  # while the capture goes on, without another packet
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=60)
            assert process.returncode == 0
    assert row[4:7] == [f"127.0.0.1:{port}", "8", "0"]
    assert row[9] == ("timeout" if kind == "silent" else "fin")
    assert rest == b""
    assert errors.startswith(b"gofollow: 1 connection, 8 up, 0 down")
    assert b"gofollow: 0 packets dropped by the kernel\n" in errors


@live
def test_a_filter_of_the_kernel_that_is_wrong() -> None:
    wrong = run("live", "lo", "--bpf", "prot 80")
    assert wrong.code == 2
    assert wrong.err.startswith("gofollow: --bpf='prot 80' is not a valid filter")
    assert run("live", "--bpf", "tcp", SEVERAL).err.startswith("gofollow: --bpf is for interfaces")


def test_an_interface_that_is_not_there() -> None:
    result = run("live", "nosuchinterface0")
    assert result.code == 2
    assert "nosuchinterface0" in result.err
    assert result.err.count("\n") == 1


# What reads for long can be interrupted.


@pytest.mark.parametrize("words", [["list", "-"], ["find", "-", "x"], ["show", "-", "0"], ["stats", "-"], ["events", "-"]])
def test_an_interrupt_is_no_traceback(words: list[str]) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen([*COMMAND, *words], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(reader)
    capture = pcap(conversation([b"a" * 1000] * 400, [b"b" * 1000] * 400))
    os.write(writer, capture[:60000])  # the pipe has room again only when the command reads
    os.write(writer, capture[60000:120000])
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    os.close(writer)
    assert process.returncode == 130
    assert errors.strip() == b""


# The packets of connections.


def packets_of(path: Path) -> list[bytes]:
    """Return the packets of a pcapng file."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            (length,) = struct.unpack_from("<I", data, at + 20)
            found.append(data[at + 28 : at + 28 + length])
        at += size
    return found


@pytest.mark.parametrize("name", ["several.pcap", "compressed.pcap.zst", "cooked2.pcap", "two_interfaces.pcapng", "nanosecond.pcap"])
def test_the_packets_of_connections_are_captures_again(name: str, tmp_path: Path) -> None:
    result = run("extract", "--pcap", DATA / name, "-o", tmp_path / "out")
    assert result.code == 0, result.err
    whole = run("list", "--json", DATA / name).out.splitlines()
    for line in (tmp_path / "out" / "index.jsonl").read_text().splitlines():
        known = json.loads(line)
        (again,) = run("list", "--json", tmp_path / "out" / known["file"]).out.splitlines()
        assert {**json.loads(again), "id": known["id"]} == json.loads(whole[known["id"]])


def test_packets_after_the_end_and_in_fragments_come_along(tmp_path: Path) -> None:
    frames = [*conversation([b"ask"], [b"answer"]), *conversation([b"x"], [b"y"], ("10.0.0.9", 999))]
    (tmp_path / "x.pcap").write_bytes(pcap(frames))
    assert run("extract", "--pcap", tmp_path / "x.pcap", "-o", tmp_path / "out").code == 0
    first, second = sorted(path for path in (tmp_path / "out").iterdir() if path.suffix == ".pcapng")
    assert packets_of(first) + packets_of(second) == frames
    assert run("extract", "--pcap", "--id", 1, "--template", "all.pcapng", "-", "-o", tmp_path / "one", stdin=pcap(frames)).code == 0
    assert packets_of(tmp_path / "one" / "all.pcapng") == frames[8:]
    whole = [frame[:16] + bytes([0, len(frame) - 14]) + frame[18:20] + b"\0\0" + frame[22:] for frame in frames[:8]]
    cut = []
    for number, frame in enumerate(whole):
        payload = frame[34:]
        for start, more in ((0, 0x2000), (16, 0)):
            part = payload[start : start + 16] if more else payload[start:]
            cut.append(frame[:16] + struct.pack("!HHH", 20 + len(part), number, more | start // 8) + frame[22:34] + part)
    (tmp_path / "cut.pcap").write_bytes(pcap(cut))
    assert run("extract", "--pcap", "--template", "all", tmp_path / "cut.pcap", "-o", tmp_path / "cut").code == 0
    assert packets_of(tmp_path / "cut" / "all") == cut


# Several captures, and choosing by words.


def test_several_captures_are_one_conversation(tmp_path: Path) -> None:
    data = (DATA / "several.pcap").read_bytes()
    head, records, at = data[:24], [], 24
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 8)
        records.append(data[at : at + 16 + length])
        at += 16 + length
    for number in (0, 1):
        (tmp_path / f"{number}.pcap").write_bytes(head + b"".join(records[number::2]))
    assert run(tmp_path / "1.pcap", tmp_path / "0.pcap").out == run(DATA / "several.pcap").out
    assert run("events", tmp_path / "1.pcap", tmp_path / "0.pcap").out == run("events", DATA / "several.pcap").out
    each = run("list", "--each", SEVERAL, SEVERAL)
    assert each.out == 2 * run(SEVERAL).out


def test_choosing_by_words_keeps_the_numbers() -> None:
    rows = run(SEVERAL).rows
    assert run("--filter", "client port 38864", SEVERAL).rows == [rows[4]]
    assert run("show", "--filter", "port 38864", SEVERAL, 4).code == 0
    wrong = run("list", "--filter", "prot 80", SEVERAL)
    assert wrong.code == 2
    assert "prot" in wrong.err
    assert wrong.err.count("\n") == 1


# Help.


def test_the_manual_page_is_that_of_the_help() -> None:
    root = Path(__file__).parents[2]
    made = subprocess.run([sys.executable, root / "tools" / "manpage.py"], capture_output=True, text=True, check=True).stdout
    assert made == (root / "docs" / "gofollow.1").read_text(), "make man writes it anew"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    assert "_GOFOLLOW_COMPLETE" in run("completion", shell).out
    words: Any = {"COMP_WORDS": "gofollow li", "COMP_CWORD": "1" if shell != "fish" else "li"}
    assert "list" in run(_GOFOLLOW_COMPLETE=f"{shell}_complete", **words).out


def test_the_examples_of_every_command_run(tmp_path: Path) -> None:
    from gofollow.command._cli import cli

    trace = tmp_path / "trace.pcap"
    trace.write_bytes(SEVERAL.read_bytes())
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "0.pcap").write_bytes(SEVERAL.read_bytes())
    ran = 0
    for name, command in cli.commands.items():
        assert run(name, "--help").code == 0
        for line in (command.help or "").partition("Examples:")[2].splitlines():
            line = line.strip()
            if not line or name in ("live", "completion", "report", "plot"):
                continue
            script = line
            for number, folder in enumerate(("streams", "tables", "packets")):
                script = script.replace(f"-o {folder}", f"-o {folder}{ran}{number}")
            done = shell(script, cwd=tmp_path)
            assert done.returncode in (0, 1), (line, done.stderr)
            assert b"Traceback" not in done.stderr
            ran += 1
    assert ran > 15
