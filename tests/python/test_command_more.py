"""The subcommands that write tables and that follow what is still going on: export and live."""

import csv
import json
import os
import signal
import socket
import subprocess
import threading
from base64 import b64decode
from pathlib import Path

import pytest
from command import COMMAND, DATA, plain, run, screen
from frames import conversation, pcap

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
    assert pq.read_table(tmp_path / "parquet" / "turns.parquet").num_rows == 12
    assert pq.read_table(tmp_path / "parquet" / "connections.parquet").num_rows == 6


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
