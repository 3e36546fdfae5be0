"""The report: what the page holds, bounded, and harmless whatever was captured."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from frames import ACK, CLIENT, FIN, SERVER, SYN, pcap, tcp
from gofollow.report import _collect, _page, write_report

from gofollow import CaptureError, follow

DATA = Path(__file__).resolve().parent.parent / "data"
HOSTILE = b"</script><script>window.hacked=1</script><img src=x onerror=hacked=1>{script}<!--<svg onload=hacked=1>\xe2\x80\xae"


class Page(HTMLParser):
    """The page's elements, and the text of its scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside][-1] += data

    @property
    def data(self) -> Any:
        return json.loads(self.texts["script"][0])


def conversation(port: int, client: bytes, server: bytes) -> list[bytes]:
    one, two = (CLIENT[0], port), SERVER
    return [
        tcp(one, two, SYN, 100),
        tcp(two, one, SYN | ACK, 500, 101),
        tcp(one, two, ACK, 101, 501, client),
        tcp(two, one, ACK, 501, 101 + len(client), server),
        tcp(one, two, ACK | FIN, 101 + len(client), 501 + len(server)),
        tcp(two, one, ACK | FIN, 501 + len(server), 102 + len(client)),
        tcp(one, two, ACK, 102 + len(client), 502 + len(server)),
    ]


def capture(frames: list[bytes]) -> io.BytesIO:
    return io.BytesIO(pcap(frames))


def many() -> bytes:
    """Return a capture of 50,100 connections, 100 of which send one byte."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1200\r\n\r\n" + 100 * b"twelve bytes"
    frames = [frame for number in range(100) for frame in conversation(1000 + number, b"?", b"")]
    for number in range(50_000):
        frames += conversation(1100 + number, b"GET /%d HTTP/1.1\r\nHost: example.org\r\n\r\n" % number, answer)
    return pcap(frames)


def report(tmp_path: Path, *sources: Any, **options: Any) -> Page:
    out = tmp_path / "report.html"
    write_report(*sources, out=out, **options)
    return Page(out)


@pytest.mark.parametrize("name", ["several.pcap", "capture_loss.pcap", "lossy.pcap", "two_interfaces.pcapng", "midstream.pcap"])
def test_the_page_tells_what_streams_tell(tmp_path: Path, name: str) -> None:
    data = report(tmp_path, DATA / name).data
    streams = sorted(follow(DATA / name), key=lambda stream: stream.identifier)
    assert data["rows"]["id"] == [stream.identifier for stream in streams]
    for row, stream in enumerate(streams):
        assert stream.client_counters is not None
        assert data["rows"]["up"][row] == stream.client_counters.bytes
        talk = data["talks"].get(str(stream.identifier), {"parts": []})
        told = [(part[0], part[2], base64.b64decode(part[4]), sum(gap[1] for gap in part[6])) for part in talk["parts"]]
        turns = stream.turns()
        assert [(side, data) for side, _, data, _ in told] == [(("client", "server").index(turn.side), turn.data) for turn in turns]
        assert [missing for *_, missing in told] == [turn.missing for turn in turns]


def test_hostile_payload_stays_data(tmp_path: Path) -> None:
    page = report(tmp_path, capture(conversation(1000, HOSTILE, HOSTILE)), title="<script>hacked=1</script>")
    assert [tag for tag, _ in page.elements if tag in ("script", "img", "svg", "link", "iframe")] == ["script"] * 3
    assert base64.b64decode(page.data["talks"]["0"]["parts"][0][4]) == HOSTILE
    assert page.data["title"] == "<script>hacked=1</script>"


def test_nothing_is_loaded_and_scripts_are_named_by_hash(tmp_path: Path) -> None:
    page = report(tmp_path, DATA / "several.pcap")
    policy = next(attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for text in page.texts["script"][1:] + page.texts["style"]:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    for _, attrs in page.elements:
        assert not {name for name in attrs if name.startswith("on") or name in ("src", "href", "style")}


def test_the_licence_of_the_charts_is_in_the_page(tmp_path: Path) -> None:
    write_report(DATA / "refused.pcap", out=tmp_path / "r.html")
    assert "MIT License" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_bounds_are_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_collect, "ROWS", 50)
    monkeypatch.setattr(_collect, "PAYLOAD", 50 * 256)
    monkeypatch.setattr(_collect, "POINTS", 300)
    rows = [row for port in range(200) for row in conversation(1000 + port, b"c" * (port + 1), b"s" * 3000)]
    data = report(tmp_path, capture(rows)).data
    assert len(data["rows"]["id"]) == 50
    assert min(data["rows"]["up"]) == 151  # the largest ones stay
    assert data["sums"]["connections"] == 200
    assert data["sums"]["up"] == sum(range(1, 201))
    kept = sum(len(base64.b64decode(part[4])) for talk in data["talks"].values() for part in talk["parts"])
    assert 0 < kept <= 50 * 256
    for number, talk in data["talks"].items():
        row = data["rows"]["id"].index(int(number))
        told = sum(part[3] for part in talk["parts"]) + talk["more"]
        assert told == data["rows"]["up"][row] + data["rows"]["down"][row]
    assert sum(len(graph["points"]) for graph in data["graphs"].values()) <= 300
    for words in ("150 connections", "of a conversation", "of a graph"):
        assert words in data["left_out"]


def test_a_page_of_50000_connections_is_small_and_says_what_it_lacks(tmp_path: Path) -> None:
    data = report(tmp_path, io.BytesIO(many())).data
    assert (tmp_path / "report.html").stat().st_size < 30_000_000
    assert len(data["rows"]["id"]) == 50_000
    assert data["sums"]["connections"] == 50_100
    assert min(data["rows"]["up"]) > 1  # those with the least payload are the ones without a row
    for words in ("100 connections with the least payload have no row", "conversation at least the first", "connections have no graph"):
        assert words in data["left_out"]


def test_a_page_that_would_be_too_large_has_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_page, "LARGEST", 400_000)
    frames = [frame for port in range(1000) for frame in conversation(1000 + port, b"<" * 60, b"s" * (port + 1))]
    data = report(tmp_path, capture(frames)).data
    assert (tmp_path / "report.html").stat().st_size <= 400_000
    assert 0 < len(data["rows"]["id"]) < 1000
    assert min(data["rows"]["down"]) == 1001 - len(data["rows"]["id"])
    assert f"{1000 - len(data['rows']['id'])} connections with the least payload" in data["left_out"]


def test_gaps_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_collect, "PAYLOAD", 10_000)
    frames = []
    for port in range(1000, 1020):
        frames += conversation(port, b"", b"")[:2]
        frames += [tcp((CLIENT[0], port), SERVER, ACK, 101 + 10 * number, 501, b"x") for number in range(100)]
        frames += [tcp(SERVER, (CLIENT[0], port), ACK, 501, 1101)]
    data = report(tmp_path, capture(frames)).data
    kept = sum(len(part[6]) for talk in data["talks"].values() for part in talk["parts"])
    assert 20 < kept <= 10_000 // _collect.GAP
    assert all(missing == 100 * 9 for missing in data["rows"]["missing"])


def test_gaps_and_retransmissions_stand_in_their_turns(tmp_path: Path) -> None:
    rows = conversation(1000, b"", b"")[:2]
    for sequence, data in [(101, b"abcd"), (101, b"abcd"), (115, b"xy")]:
        rows.append(tcp((CLIENT[0], 1000), SERVER, ACK, sequence, 501, data))
    data = report(tmp_path, capture(rows)).data
    (part,) = data["talks"]["0"]["parts"]
    assert part[3] == 6
    assert part[5] == 1
    assert part[6] == [[4, 10, "close"]]


def test_a_damaged_capture_gives_a_page_and_an_error(tmp_path: Path) -> None:
    whole = capture(conversation(1000, b"hello", b"world")).getvalue()
    with pytest.raises(CaptureError):
        report(tmp_path, io.BytesIO(whole + b"\xff" * 64))
    data = Page(tmp_path / "report.html").data
    assert data["sums"]["connections"] == 1
    assert "Only a part" in data["left_out"]


def test_a_capture_without_packets(tmp_path: Path) -> None:
    data = report(tmp_path, capture([])).data
    assert data["rows"]["id"] == []
    assert data["base_us"] is None


def test_template_fields_are_all_filled(tmp_path: Path) -> None:
    write_report(DATA / "several.pcap", out=tmp_path / "r.html")
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", (tmp_path / "r.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.findall(r"\{[a-z_]+\}", text)


def test_the_title_is_the_name_of_the_file_without_its_folder(tmp_path: Path) -> None:
    assert report(tmp_path, DATA / "refused.pcap", DATA / "half_close.pcap").data["title"] == "refused.pcap, half_close.pcap"
