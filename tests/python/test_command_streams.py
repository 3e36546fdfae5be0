"""The subcommands that look at payload: show, find, extract; and stats."""

import json
import re
from pathlib import Path

import pytest
from command import DATA, plain, run, screen
from frames import ACK, CLIENT, FIN, PSH, SERVER, SYN, conversation, pcap, tcp

SEVERAL, LOSS = DATA / "several.pcap", DATA / "capture_loss.pcap"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.pcap"
    path.write_bytes(
        pcap(conversation([b"GET / HTTP/1.0\r\n\r\n", b"\x1b]0;title\x07\x9b31m"], [b"hi\xe2\x80\xae there\n", bytes(range(256)) * 4]))
    )
    return path


def long_stream(data: bytes, piece: int, lose: range = range(0)) -> list[bytes]:
    frames = [tcp(CLIENT, SERVER, SYN, 1000), tcp(SERVER, CLIENT, SYN | ACK, 5000, 1001), tcp(CLIENT, SERVER, ACK, 1001, 5001)]
    for number, at in enumerate(range(0, len(data), piece)):
        if number not in lose:
            frames.append(tcp(CLIENT, SERVER, ACK | PSH, 1001 + at, 5001, data[at : at + piece]))
    end = 1001 + len(data)
    return [
        *frames,
        tcp(SERVER, CLIENT, FIN | ACK, 5001, end),
        tcp(CLIENT, SERVER, FIN | ACK, end, 5002),
        tcp(SERVER, CLIENT, ACK, 5002, end + 1),
    ]


# show


def test_a_conversation_in_its_order(talk: Path) -> None:
    result = run("show", talk, 0)
    assert result.code == 0
    assert result.out.startswith(
        "connection 0  10.0.0.1:4000 -> 10.0.0.2:80  14 Nov 2023 22:13:20 UTC\n\n22:13:20.003  client  18 bytes\n  GET / HTTP/1.0\n"
    )
    order = re.findall(r"(client|server)  ([0-9,]+) bytes", result.out)
    assert order == [("client", "18"), ("server", "12"), ("client", "14"), ("server", "1,024")]
    assert "  hi\\u202e there\n" in result.out
    assert "\x1b" not in result.out
    assert "\x9b" not in result.out
    assert "... 768 bytes more (--hex shows them)" in result.out
    assert result.out.endswith("-- ended by fin, 22:13:20.008 --\n")


def test_sides_hex_and_times(talk: Path) -> None:
    assert "server" not in run("show", "--client", talk, 0).out
    dump = run("show", "--hex", "--server", talk, 0).out
    assert "  0000000c  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................\n" in dump
    assert dump.count("\n  0000") == 1 + 64
    assert len(re.findall("  server  ", run("show", "--times", DATA / "http_download.pcap", 0).out)) > 2


def test_raw_bytes_and_nothing_else(talk: Path) -> None:
    assert run("show", "--raw", "--server", talk, 0).raw == b"hi\xe2\x80\xae there\n" + bytes(range(256)) * 4
    refused = screen("show", "--raw", talk, 0)
    assert refused.code == 2
    assert "--force" in refused.out
    assert screen("show", "--raw", "--force", "--client", talk, 0).raw.startswith(b"GET / HTTP/1.0")


def test_turns_as_json(talk: Path) -> None:
    turns = [json.loads(line) for line in run("show", "--json", talk, 0).out.splitlines()]
    assert [(turn["side"], turn["offset"], turn["length"]) for turn in turns] == [
        *(("client", 0, 18), ("server", 0, 12), ("client", 18, 14), ("server", 12, 1024)),
    ]
    assert turns[0]["text"] == "GET / HTTP/1.0\r\n\r\n"
    assert turns[0]["time"] == "2023-11-14T22:13:20.003000Z"
    assert "base64" in turns[3]


def test_gaps_are_marked_in_their_place() -> None:
    text = run("show", LOSS, 0).out
    assert "-- 1,448 bytes missing at 2,896: lost before the capture" in text
    assert "-- 2,896 bytes missing at 8,688: lost before the capture" in text
    assert "15,656 bytes, 4,344 missing" in text
    gaps = [gap for line in run("show", "--json", LOSS, 0).out.splitlines() for gap in json.loads(line)["gaps"]]
    assert [gap["length"] for gap in gaps] == [1448, 2896]


def test_several_conversations_one_after_the_other() -> None:
    result = run("show", SEVERAL, "0,2-3", 5)
    assert re.findall(r"^connection (\d+)", result.out, re.MULTILINE) == ["0", "2", "3", "5"]
    for number in (0, 2, 3, 5):
        assert run("show", SEVERAL, number).out.strip() in result.out
    none = run("show", SEVERAL, 99)
    assert (none.code, none.out) == (1, "")
    assert "no such connection" in none.err
    assert run("show", SEVERAL, "x").code == 2


def test_a_long_turn_is_shown_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(long_stream(b"line of text\n" * 200_000, 1300)))
    result = run("show", path, 0)
    assert result.out.count("line of text\n") == 200_000
    assert " bytes more\n" in result.out
    assert run("show", "--raw", path, 0).raw == b"line of text\n" * 200_000


# find


def test_matches_with_connection_side_offset_and_time() -> None:
    result = run("find", SEVERAL, "GET|times")
    assert result.code == 0
    assert result.rows[0] == [
        *("0", "client", "0", "2026-11-23T11:16:32.424803Z", "192.0.2.1:38850", "192.0.2.2:80", "GET /text/6000 HTTP/1.1"),
    ]
    assert result.err.startswith("gofollow: ")
    assert " in 6 of 6 connections" in result.err
    assert run("find", "--count", SEVERAL, "GET").rows == [[str(number), "1"] for number in range(6)]


def test_exit_codes_of_find() -> None:
    assert run("find", SEVERAL, "nowhere to be found").code == 1
    assert run("find", SEVERAL, "(").code == 2
    assert run("find", SEVERAL, "").code == 2
    assert run("find", "--hex", SEVERAL, "0g").code == 2
    missing = run("find", "/none", SEVERAL, "GET")
    assert (missing.code, len(missing.rows)) == (2, 6)


def test_kinds_of_patterns() -> None:
    assert run("find", "-c", SEVERAL, "get /").code == 1
    assert len(run("find", "-ci", SEVERAL, "get /").rows) == 6
    assert len(run("find", "-c", "--hex", SEVERAL, "47 45:54").rows) == 6
    assert run("find", "-c", "--fixed", SEVERAL, "G.T").code == 1
    assert len(run("find", "-c", SEVERAL, "G.T").rows) == 6
    assert run("find", "-c", SEVERAL, "x*").out != ""  # what matches nothing is not counted, but where there is an x


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_matches_across_segments(tmp_path: Path, piece: int) -> None:
    path = tmp_path / "x.pcap"
    data = b"".join(b"<%d>" % number for number in range(300)) if piece < 1000 else b"".join(b"<%d>" % number for number in range(90_000))
    path.write_bytes(pcap(long_stream(data, piece)))
    for pattern in ("<[0-9]+>", "(?<=<)[0-9]+"):
        found = [(int(row[2]), row[6]) for row in run("find", "-C", 0, path, pattern).rows]
        assert found == [(match.start(), match[0].decode()) for match in re.finditer(pattern.encode(), data)]
    fixed = [int(row[2]) for row in run("find", "-C", 0, path, "9><").rows]
    assert fixed == [match.start() for match in re.finditer(b"9><", data)]


def test_a_match_of_64_kilobytes_wherever_it_lies(tmp_path: Path) -> None:
    for before in (0, 200_000, 262_000, 262_144 - 65_536):
        path = tmp_path / "x.pcap"
        path.write_bytes(pcap(long_stream(b"." * before + b"<" + b"x" * 65_534 + b">" + b"." * 300_000, 1400)))
        (row,) = run("find", path, "<x+>").rows
        assert row[2] == str(before)


def test_nothing_is_found_across_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(long_stream(b"abcdefghij" * 3, 5, lose=range(2, 3))))
    assert [row[2] for row in run("find", path, "ij").rows] == ["8", "18", "28"]
    assert run("find", path, "hijabcdef").code == 0
    path.write_bytes(pcap(long_stream(b"abXcd" + b"-" * 5 + b"abcd", 5, lose=range(1, 2))))
    assert run("find", path, "cdab").code == 1


def test_time_of_a_match_is_that_of_its_packet(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(long_stream(b"." * 100_000 + b"needle" + b"." * 300_000, 1000)))
    (row,) = run("find", path, "needle").rows
    assert row[3] == "2023-11-14T22:13:20.103000Z"


def test_matches_on_a_terminal() -> None:
    shown = screen("find", SEVERAL, "text/[0-9]+")
    assert "\x1b[1;7mtext/6000\x1b[0m" in shown.out
    assert plain(shown.out).splitlines()[0].split()[:4] == ["0", "client", "5", "11:16:32.424"]


def test_hostile_payload_is_harmless(talk: Path) -> None:
    for words in (["find", talk, "title"], ["find", talk, "hi"], [talk], ["find", "--json", talk, "title"]):
        result = run(*words)
        assert not set(result.out + result.err) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "\\x1b]0;title\\x07\\x9b31m" in run("find", talk, "title").out


# extract


def test_streams_become_files_with_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = run("extract", SEVERAL, "-o", folder)
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("gofollow: 12 files, ")
    index = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert sorted(entry["id"] for entry in index) == list(range(6))
    for entry in index:
        for side in ("client", "server"):
            data = (folder / entry[side]["file"]).read_bytes()
            assert len(data) == entry[side]["bytes"]
            assert data == run("show", "--raw", f"--{side}", SEVERAL, entry["id"]).raw
    assert (folder / "000000-192.0.2.1.38850-192.0.2.2.80-client").exists()
    assert len(list(folder.iterdir())) == 13


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    result = run("extract", SEVERAL, "-o", tmp_path)
    assert result.code == 2
    assert "is not empty, and nothing is overwritten" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    unread = run("extract", "--since", "2026-01-01", tmp_path / "missing.pcap", "-o", tmp_path)
    assert unread.err.splitlines() == result.err.splitlines()  # before the captures are looked at
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.jsonl").symlink_to(outside)
    assert run("extract", "--force", SEVERAL, "-o", tmp_path / "out").code == 0
    assert outside.read_text() == "mine"


@pytest.mark.parametrize(
    ("gaps", "expected"), [("keep", b"abcde\0\0\0\0\0klmno"), ("zero", b"abcde\0\0\0\0\0klmno"), ("skip", b"abcdeklmno")]
)
def test_gaps_in_files(tmp_path: Path, gaps: str, expected: bytes) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(long_stream(b"abcdefghijklmnopqrst", 5, lose=range(1, 2))[:-3]))
    assert run("extract", "--gaps", gaps, "--template", "{side}{id}", path, "-o", tmp_path / gaps).code == 0
    assert (tmp_path / gaps / "client0").read_bytes()[: len(expected)] == expected
    (entry,) = [json.loads(line) for line in (tmp_path / gaps / "index.jsonl").read_text().splitlines()]
    assert entry["client"]["gap_list"] == [{"offset": 5, "length": 5, "reason": entry["client"]["gap_list"][0]["reason"]}]


@pytest.mark.parametrize(("lines", "segment"), [(100_000, 1400), (5_000, 3)])
def test_long_streams_are_written_piece_by_piece(tmp_path: Path, lines: int, segment: int) -> None:
    data = b"".join(b"%07d\n" % number for number in range(lines))
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(long_stream(data, segment)))
    for force in ([], ["--force"]):
        assert run("extract", *force, path, "--template", "{server}/{server_port}/{id}-{side}", "-o", tmp_path / "out").code == 0
        assert (tmp_path / "out/10.0.0.2/80/0-client").read_bytes() == data
        (tmp_path / "out/10.0.0.2/80/0-client").write_bytes(data + b"longer")


@pytest.mark.parametrize("template", ["../{id}", "/tmp/{id}", "{nosuch}", "{id", "{id}\n", "{id.real}", "index.jsonl", "{side:>1000}", ""])
def test_templates_that_are_refused(tmp_path: Path, template: str) -> None:
    result = run("extract", "--template", template, SEVERAL, "-o", tmp_path / "out")
    assert result.code == 2 if template else result.code == 0
    assert "--template" in result.err or not template


def test_two_streams_of_one_name_are_an_error(tmp_path: Path) -> None:
    result = run("extract", "--template", "{side}", SEVERAL, "-o", tmp_path / "out")
    assert result.code == 2
    assert "two streams have this name" in result.err


def test_chosen_connections(tmp_path: Path) -> None:
    assert run("extract", "--id", "1,3-4", SEVERAL, "-o", tmp_path / "out").code == 0
    assert {path.name[:6] for path in (tmp_path / "out").iterdir()} == {"000001", "000003", "000004", "index."}


def test_a_folder_that_cannot_be_made() -> None:
    result = run("extract", SEVERAL, "-o", "/proc/none/out")
    assert result.code == 2
    assert result.err.startswith("gofollow: /proc/none/out: ")


# Intervals


def test_connections_that_overlap_an_interval(tmp_path: Path) -> None:
    since, until = "2026-11-23T11:16:32.430", "2026-11-23T11:16:32.4229"
    rows = run(SEVERAL).rows
    late = [row[0] for row in rows if row[0] != "0"]
    assert [row[0] for row in run("list", "--since", since, SEVERAL).rows] == late
    assert [row[0] for row in run("list", "--until", until, SEVERAL).rows] == ["0", "1"]
    assert [row[0] for row in run("list", "--since", since, "--until", "1795432592.4302", SEVERAL).rows] == late
    assert "--since is later than --until" in run("list", "--since", since, "--until", until, SEVERAL).err
    assert {row[0] for row in run("find", "--since", since, SEVERAL, "GET").rows} == set(late)
    assert {row[0] for row in run("find", "--since", since, "-", "GET", stdin=SEVERAL.read_bytes()).rows} == set(late)
    assert run("show", "--since", since, SEVERAL, 0).code == 1
    assert run("list", "--since", "1795432592.430", SEVERAL).rows == run("list", "--since", since, SEVERAL).rows
    for wrong in ("yesterday", "2026-13-01", ""):
        assert run("list", "--since", wrong, SEVERAL).code == 2


# stats


def test_totals() -> None:
    result = run("stats", LOSS)
    assert result.code == 0
    assert re.search(r"^packets +36 +34 TCP segments, ARP 2$", result.out, re.MULTILINE)
    assert re.search(r"^missing +4,344 +in 1 connection: 4,344 lost before the capture$", result.out, re.MULTILINE)
    told = json.loads(run("stats", "--json", SEVERAL).out)
    assert (told["connections"], told["up"], told["down"]) == (6, 755, 20730)
    assert told["busiest"]["ports"] == [{"name": "80", "bytes": 755 + 20730, "connections": 6}]
    assert json.loads(run("stats", "--json", DATA / "refused.pcap").out)["refused"] == 1
