"""The command: what holds for every subcommand, and list."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import DATA, plain, run, screen, shell
from frames import ACK, CLIENT, RST, SERVER, SYN, conversation, pcap, tcp

SEVERAL = DATA / "several.pcap"


def udp_only() -> bytes:
    frame = bytearray(tcp(CLIENT, SERVER, SYN, 1))
    frame[14 + 9] = 17
    return pcap([bytes(frame)] * 3)


def test_a_file_alone_is_listed() -> None:
    short, whole = run(SEVERAL), run("list", SEVERAL)
    assert short.code == 0
    assert short.out == whole.out
    assert short.rows[0] == [
        *("0", "2026-11-23T11:16:32.422555Z", "0.007433", "192.0.2.1:38850", "192.0.2.2:80", "125", "6122", "0", "0", "fin"),
    ]
    assert [row[0] for row in short.rows] == list("012345")
    assert short.err.startswith("gofollow: 6 connections, 755 up, 20.7 k down")


def test_the_header_names_every_column() -> None:
    rows = run("list", "--header", SEVERAL).rows
    assert rows[0][:4] == ["id", "start", "duration", "client"]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_sorting_and_the_first_ones() -> None:
    assert [row[6] for row in run("list", "--sort", "down", "--top", "2", SEVERAL).rows] == ["6122", "5122"]
    assert [row[6] for row in run("list", "--sort", "down", "--reverse", "--top", "1", SEVERAL).rows] == ["120"]
    assert [row[0] for row in run("--top", "1", SEVERAL).rows] == ["0"]


def test_json() -> None:
    rows = [json.loads(line) for line in run("list", "--json", SEVERAL).out.splitlines()]
    assert [row["id"] for row in rows] == list(range(6))
    assert rows[0]["client"]["address"] == "192.0.2.1"
    assert rows[0]["server"]["bytes"] == 6122
    assert rows[0]["close_reason"] == "fin"


def test_missing_bytes_and_what_is_not_followed_are_said() -> None:
    result = run(DATA / "capture_loss.pcap")
    assert result.rows[0][7] == "4344"
    assert "4,344 missing in 1 connection" in result.err
    assert "not followed: 2 of 36 packets: ARP 2" in result.err


def test_traffic_that_cannot_be_followed_alone_is_no_silence(tmp_path: Path) -> None:
    (tmp_path / "udp.pcap").write_bytes(udp_only())
    result = run(tmp_path / "udp.pcap")
    assert (result.code, result.out) == (0, "")
    assert "0 connections" in result.err
    assert "not followed: 3 of 3 packets: UDP 3" in result.err


def test_how_connections_end_and_begin(tmp_path: Path) -> None:
    assert run(DATA / "refused.pcap").rows[0][9] == "rst, refused"
    path = tmp_path / "open.pcap"
    path.write_bytes(pcap([tcp(CLIENT, SERVER, SYN, 1), tcp(("10.0.0.3", 50000), SERVER, ACK, 5, 5, b"data")]))
    assert [row[9] for row in run(path).rows] == ["open, no answer", "open, no start"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lst"], 'no command or file "lst"; did you mean "list"?'),
        (["evnts", "x.pcap"], 'no command or file "evnts"; did you mean "events"?'),
        (["\x1b]0;x\x07"], r'no command or file "\x1b]0;x\x07"'),
        (["list"], "missing argument"),
        (["list", "--top", "0", "x"], "--top"),
        (["list", "--sort", "colour", "x"], "--sort"),
        (["list", "--nosuch", "x"], "no such option '--nosuch'"),
        (["list", "--idle-timeout", "-1", "x"], "--idle-timeout"),
        (["list", "--max-connections", "99999999999999999999", str(SEVERAL)], "gofollow: --max-connections=99999999999999999999 is not"),
        (["list", "--filter", "prot 80", str(SEVERAL)], 'gofollow: --filter "prot 80": no such word "prot" (here: ^prot 80)'),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(words: list[str], says: str) -> None:
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert result.err.count("\n") == 1
    assert result.err.startswith("gofollow: ")


def test_no_arguments_show_the_help() -> None:
    result = run()
    assert result.code == 2
    assert "Commands:" in result.out
    assert run("--help").code == 0
    assert run("--version").out.startswith("gofollow ")


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    text = tmp_path / "a\n\x1b[31m.txt"
    text.write_bytes(b"hello world, this is not a capture\x1b[31m")
    result = run("list", text, SEVERAL, tmp_path)
    assert result.code == 2
    assert len(result.rows) == 6
    lines = result.err.splitlines()
    assert lines[0].startswith(f"gofollow: {tmp_path}/a\\n\\x1b[31m.txt: this is text that begins with")
    assert lines[1].startswith(f"gofollow: {tmp_path}: ")
    assert "\x1b" not in result.err
    (alone,) = run(text).err.splitlines()
    assert alone == lines[0]


def test_names_with_surrogates_spaces_and_newlines(tmp_path: Path) -> None:
    for name in (b"with space", b"new\nline", b"\xff\xfe", b"\xe2\x80\xae.pcap", b"-x"):
        path = os.fsencode(tmp_path) + b"/" + name
        with open(path, "wb") as file:
            file.write(SEVERAL.read_bytes())
        assert len(run("list", path).rows) == 6
        assert len(run(path).rows) == 6
    missing = run("list", os.fsencode(tmp_path) + b"/\xff\xe2\x80\xae")
    assert missing.code == 2
    assert r"\xff\u202e: No such file" in missing.err


def test_standard_input(tmp_path: Path) -> None:
    assert run("-", stdin=SEVERAL.read_bytes()).out == run(SEVERAL).out
    damaged = run("-", stdin=b"no capture")
    assert damaged.code == 2
    assert damaged.err.startswith("gofollow: standard input: this is text that begins")
    empty = run("-", stdin=b"")
    assert (empty.code, empty.out) == (run("list", "/dev/null").code, "")


def test_a_damaged_capture_gives_what_stands_before(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pcap"
    frames = conversation([b"request"], [b"answer"])
    path.write_bytes(pcap(frames)[:-30])
    result = run(path)
    assert result.rows[0][5:7] == ["7", "6"]
    assert result.err.startswith(f"gofollow: {path}: cut behind packet 7, perhaps still being written; what stands before that counts\n")


# Every subcommand that prints, of FILE.
PRINTS = ["list FILE", "show FILE 0-99", "show --raw FILE 0", "find FILE .", "stats FILE", "live FILE", "events FILE"]
# And those that write to OUT.
WRITES = ["extract FILE -o OUT", "extract --pcap FILE -o OUT", "export FILE -o OUT", "export --csv FILE -o OUT"]


def words_of(subcommand: str, file: object, out: object) -> list[object]:
    return [{"FILE": file, "OUT": out}.get(word, word) for word in subcommand.split()]


@pytest.mark.parametrize("subcommand", PRINTS)
def test_full_disks_and_closed_files(subcommand: str, tmp_path: Path) -> None:
    words = subcommand.replace("FILE", '"$1"')
    full = shell(f"gofollow {words} > /dev/full", SEVERAL)
    assert full.returncode == 2
    assert b"gofollow: standard output: No space left on device" in full.stderr.splitlines()
    assert full.stderr.count(b"No space") == 1
    closed = shell(f"gofollow {words} >&-", SEVERAL)
    assert (closed.returncode, closed.stderr) == (2, b"gofollow: standard output is closed: nothing can be printed\n")
    unread = shell(f"gofollow {subcommand.replace('FILE', '-')} <&-")
    assert (unread.returncode, unread.stderr[:34]) == (2, b"gofollow: standard input is closed")
    silent = shell(f"gofollow {words} 2>&-", SEVERAL)
    assert (silent.returncode, silent.stdout != b"", silent.stderr) == (0, True, b"")


@pytest.mark.parametrize("subcommand", WRITES)
def test_closed_files_where_nothing_is_printed(subcommand: str, tmp_path: Path) -> None:
    for number, closed in enumerate((">&-", "2>&-", "<&-", ">&- 2>&- <&-")):
        out = tmp_path / str(number)
        done = shell(f'gofollow "$@" {closed}', *words_of(subcommand, SEVERAL, out))
        assert done.returncode == 0
        assert list(out.iterdir())
    unread = shell('gofollow "$@" <&-', *words_of(subcommand, "-", tmp_path / "none"))
    assert (unread.returncode, unread.stderr[:34]) == (2, b"gofollow: standard input is closed")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("subcommand", [*PRINTS, *WRITES])
def test_captures_of_every_kind(subcommand: str, tmp_path: Path) -> None:
    """Damaged, empty, hostile and missing ones, whose names are hostile, too: sentences, and no escape reaches a terminal."""
    hostile = bytearray(pcap(conversation([b"\x1b]0;title\x07\x9b31m\xe2\x80\xae"] * 3, [bytes(range(256))] * 3)))
    damaged = pcap(conversation([b"request"], [b"answer"])) + b"\xff" * 16 + b"more"
    kinds = {
        b"good \n\x1b[31m \xff": (SEVERAL.read_bytes(), 0),
        b"hostile": (bytes(hostile), 0),
        b"cut": (bytes(hostile[:-10]), 0),
        b"damaged\x1b[31m": (damaged, 2),
        b"empty": (pcap([]), 0),
        b"nothing \xe2\x80\xae": (b"", 2),
        b"text": (b"this is no capture\x1b[31m" * 10, 2),
        b"missing\n": (None, 2),
    }
    for number, (name, (data, code)) in enumerate(kinds.items()):
        path = os.fsencode(tmp_path) + b"/" + name
        if data is not None:
            Path(os.fsdecode(path)).write_bytes(data)
        result = run(*words_of(subcommand, path, tmp_path / f"out{number}"))
        wanted = {code, 1} if code == 0 and subcommand.startswith(("show", "find")) and name == b"empty" else {code}
        assert result.code in wanted, (name, result.err)
        assert not set(result.err) & set("\x1b\x07\x9b\u202e"), name
        if "--raw" not in subcommand:
            assert not set(result.out) & set("\x1b\x07\x9b\u202e"), name
        lines = result.err.splitlines()
        assert all(line.startswith("gofollow: ") for line in lines)
        if code == 2:
            assert lines[0].startswith(f"gofollow: {tmp_path}/")
        if name.startswith(b"damaged") and subcommand in PRINTS:
            assert result.out != ""  # what stands before


@pytest.mark.parametrize("subcommand", [*PRINTS, *WRITES])
def test_options_out_of_range(subcommand: str, tmp_path: Path) -> None:
    wrong = ("--max-connections=0", "--idle-timeout=nan", "--max-held-bytes=99999999999999999999", "--overlap=none", "--filter=prot 80")
    for option in wrong:
        result = run(*words_of(subcommand, SEVERAL, tmp_path / "out"), option)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("gofollow: ")
        assert result.err.count("\n") == 1
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("subcommand", [*PRINTS[3:5], *WRITES])
def test_many_connections(subcommand: str, tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap([tcp((f"10.1.{n >> 8}.{n & 255}", 4000), SERVER, SYN, 1) for n in range(50_000)]))
    result = run(*words_of(subcommand, path, tmp_path / "out"))
    assert result.code == (1 if subcommand.startswith("find") else 0)
    assert "50,000" in result.out + result.err


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap([tcp((f"10.1.{n >> 8}.{n & 255}", 4000), SERVER, SYN, 1) for n in range(50_000)]))
    done = shell('gofollow "$1" | head -n 1; exit "${PIPESTATUS:-0}"', path)
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    rows = run(path).rows
    assert [int(row[0]) for row in rows] == list(range(50_000))
    assert [row[0] for row in run("list", "--sort", "start", "--reverse", "--top", "2", path).rows] == ["49999", "49998"]


def test_rows_beyond_memory_are_sorted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from gofollow.command import _rows

    monkeypatch.setattr(_rows, "_MOST", 10)
    monkeypatch.setattr(_rows, "_BLOCK", 3)
    rows = _rows.Rows()
    keys = [number * 7919 % 10007 for number in range(10007)]
    for number, key in enumerate(keys):
        rows.add((key, number, str(key)))
        assert len(rows.rows) < 10
    assert sum(map(len, rows._levels)) < 3 * _rows._FILES
    assert list(rows) == list(map(str, range(10007)))
    first = _rows.Rows(4)
    for number, key in enumerate(keys):
        first.add((key, number, str(key)))
        assert len(first.rows) < 10
    assert list(first) == ["0", "1", "2", "3"]


def test_memory_does_not_grow_with_the_capture(tmp_path: Path) -> None:
    script = """
import sys, tracemalloc
from gofollow.command import main
first, second, *words = sys.argv[1:]
main([first if word == "FILE" else word for word in words])  # what is loaded once
tracemalloc.start()
main([second if word == "FILE" else word for word in words])
sys.stderr.write(str(tracemalloc.get_traced_memory()[1]) + "\\n")
"""
    for name, count in (("small", 25), ("large", 100)):
        talks = [frame for number in range(count) for frame in conversation([b"ask"] * 10, [bytes(30_000)] * 10, ("10.0.0.9", 1 + number))]
        refused = []
        for number in range(count * 250):
            client = (f"10.1.0.{number % 99}", number)
            refused += [tcp(client, SERVER, SYN, 1), tcp(SERVER, client, RST | ACK, 0, 2)]
        (tmp_path / f"{name}.pcap").write_bytes(pcap([*talks, *refused]))
    for words in (["list", "FILE"], ["find", "FILE", "nowhere"], ["extract", "FILE"], ["export", "--filter=host 10.0.0.9", "FILE"]):
        peaks = []
        for name in ("small", "large"):
            out = ["-o", str(tmp_path / f"{words[0]}-{name}"), "--force"] if words[0] in ("extract", "export") else []
            given = [sys.executable, "-c", script, str(tmp_path / "small.pcap"), str(tmp_path / f"{name}.pcap"), *words, *out]
            done = subprocess.run(given, capture_output=True, text=True, check=False, timeout=120)
            assert "Traceback" not in done.stderr, done.stderr
            peaks.append(int(done.stderr.splitlines()[-1]))
        assert peaks[1] < 1.2 * peaks[0] + 100_000, (words, peaks)


def test_the_table_on_a_terminal() -> None:
    shown = screen(SEVERAL)
    assert shown.code == 0
    assert "\x1b[" in shown.out
    lines = plain(shown.out).splitlines()
    assert lines[0].split() == ["#", "start", "for", "client", "server", "up", "down", "end"]
    assert lines[1].split() == ["0", "0.000", "7", "ms", "192.0.2.1:38850", "192.0.2.2:80", "125", "6,122", "fin"]
    assert max(map(len, lines[:7])) <= 80
    wide = plain(screen(SEVERAL, columns=160).out).splitlines()
    assert "GET /text/6000 HTTP/1.1" in wide[1]
    assert max(map(len, wide[:7])) <= 160


@pytest.mark.parametrize("no", [["--no-color"], ["--no-colour"], "environment"])
def test_no_colours(no: list[str] | str) -> None:
    shown = screen("list", SEVERAL, NO_COLOR="1") if isinstance(no, str) else screen("list", *no, SEVERAL)
    assert "192.0.2.1:38850" in shown.out
    assert "\x1b" not in shown.out


def test_a_pager_where_the_lines_do_not_fit() -> None:
    paged = screen(SEVERAL, lines=5, PAGER="cat -n")
    assert plain(paged.out).splitlines()[1].split()[:2] == ["2", "0"]
    assert "\t" not in screen("list", "--no-pager", SEVERAL, lines=5, PAGER="cat -n").out


def test_the_event_log_is_that_of_the_golden_files() -> None:
    assert run("events", "--anomalies", DATA / "reordered.pcap").out.splitlines()[0].startswith("opened 0 ")
    golden = (DATA / "several.events").read_text().splitlines()
    assert run("events", "--anomalies", SEVERAL).out.splitlines() == [line for line in golden if line and not line.startswith("#")]
