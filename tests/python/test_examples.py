"""The scripts of examples/ and the blocks of docs/tasks.md, run as they stand."""

import io
import re
import runpy
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from frames import ACK, CLIENT, FIN, PSH, SERVER, SYN, conversation, pcap, tcp
from test_live import WHY_NOT, ask, server

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGE = (ROOT / "docs" / "tasks.md").read_text()
TASKS = re.findall(r"^## (.*?)$.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NEEDED = {"tables": "pyarrow", "pandas": "pandas", "dpkt": "dpkt", "h11": "h11", "scapy": "scapy", "pcapy": "pcapy", "sniff(": "pcapy"}

REQUESTS = [
    b"GET /needle HTTP/1.1\r\nHost: example.org\r\n\r\n",
    b"POST /two HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\nabc",
]
ANSWERS = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]


def hello(name: str) -> bytes:
    """Return the ClientHello of this Python's own TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def lossy() -> list[bytes]:
    """Return a connection with a segment twice, two out of order and one missing."""
    return [
        tcp(CLIENT, SERVER, SYN, 1000),
        tcp(SERVER, CLIENT, SYN | ACK, 5000, 1001),
        tcp(CLIENT, SERVER, ACK | PSH, 1001, 5001, b"question"),
        tcp(SERVER, CLIENT, ACK, 5001, 1009, b"aaaa"),
        tcp(SERVER, CLIENT, ACK, 5001, 1009, b"aaaa"),
        tcp(SERVER, CLIENT, ACK, 5009, 1009, b"cccc"),
        tcp(SERVER, CLIENT, ACK, 5005, 1009, b"bbbb"),
        tcp(SERVER, CLIENT, ACK, 5018, 1009, b"e"),
        tcp(SERVER, CLIENT, FIN | ACK, 5019, 1009),
        tcp(CLIENT, SERVER, FIN | ACK, 1009, 5020),
        tcp(SERVER, CLIENT, ACK, 5020, 1010),
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with captures, which is the current one."""
    monkeypatch.chdir(tmp_path)
    talk = conversation(REQUESTS, ANSWERS)
    (tmp_path / "capture.pcap").write_bytes(pcap(talk))
    (tmp_path / "http.pcap").write_bytes(pcap(talk))
    (tmp_path / "tls.pcap").write_bytes(pcap(conversation([hello("www.example.org")], [b"\x16"])))
    (tmp_path / "loss.pcap").write_bytes(pcap(lossy()))
    (tmp_path / "lines.pcap").write_bytes(pcap(conversation([b"EHLO me\r\nMAIL", b" FROM:<a>\r\n"], [b"250 Hello\r\n", b"250 OK"])))
    header = pcap([])
    records = [struct.pack("<IIII", 1_700_000_000 + at, 0, len(frame), len(frame)) + frame for at, frame in enumerate(talk)]
    for number, part in enumerate((records[:4], records[4:7], records[7:])):
        (tmp_path / f"rotated.{number}").write_bytes(header + b"".join(part))
    return tmp_path


def lacking(text: str) -> str | None:
    """Return which package a script needs that is not installed."""
    for word, package in NEEDED.items():
        if re.search(rf"\b{re.escape(word)}", text):
            try:
                __import__(package)
            except ImportError:
                return package
    return None


EXPECTED = {
    "dpkt_reader": ("capture.pcap", r"10.0.0.1 -> 10.0.0.2: 106 \+ 85 bytes\n"),
    "find_text": ("capture.pcap", r"0 client at byte 5, packet 4: b'needle HTTP/1.1\\r\\nHost: example.org\\r\\n\\r\\n'\n"),
    "http_callbacks": ("capture.pcap", r"1700000000.003000 GET /needle\n1700000000.005000 POST /two\n"),
    "http_turns": ("capture.pcap", "GET /needle\n200 OK\nPOST /two\n404 Not Found\n"),
    "line_protocol": (
        "lines.pcap",
        r"0 > 'EHLO me'\n0 < '250 Hello'\n0 > 'MAIL FROM:<a>'\n0 server ends within a line: b'250 OK'\n",
    ),
    "loss": (
        "loss.pcap",
        "0 client port 4000: 8 bytes in 1 packets, 0 missing in 0 gaps, 0 twice, 0 reordered\n"
        "0 server port 80: 13 bytes in 5 packets, 5 missing in 1 gaps, 4 twice, 5 reordered\n",
    ),
    "pcapy_reader": ("capture.pcap", r"10.0.0.1 -> 10.0.0.2: 106 \+ 85 bytes\n"),
    "scapy_sniff": ("capture.pcap", r"10.0.0.1 -> 10.0.0.2: 106 \+ 85 bytes\n"),
    "tls_sni": ("tls.pcap", "10.0.0.1:4000 -> 10.0.0.2:80 www.example.org\n"),
}


def test_every_example_is_expected_and_listed() -> None:
    assert {path.stem for path in EXAMPLES} == set(EXPECTED)
    listed = re.findall(r"^\| \[(\w+)\.py\]", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(EXPECTED)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(folder: Path, path: Path) -> None:
    if package := lacking(path.read_text()):
        print(f"{path.name} is not run: {package} is not installed")
        return
    capture, expected = EXPECTED[path.stem]
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", path, capture, "needle"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(expected, done.stdout)


@contextmanager
def traffic() -> Iterator[int]:
    """Give a port at which a server is asked again and again."""
    done = threading.Event()

    def asking() -> None:
        while not done.wait(0.02):
            ask(port, b"to meet you")

    with server(b"pleased") as port:
        thread = threading.Thread(target=asking)
        thread.start()
        try:
            yield port
        finally:
            done.set()
            thread.join()


SAID = {
    "List the connections": "10.0.0.1 4000 10.0.0.2 80 fin",
    "Print a conversation in order": "client b'GET /needle",
    "Extract streams to files": "",
    "Find a text": "<TCPStream 0 10.0.0.1:4000 -> 10.0.0.2:80",
    "Parse HTTP incrementally": "target=b'/needle'",
    "Follow one port cheaply": "b'GET /needle",
    "Stop after 100 bytes": "b'GET /needle",
    "Make a DataFrame": "80    85",
    "Capture from an interface": "b'pleased' 0",
    "Follow a pipe in asyncio": "<TCPStream 0 10.0.0.1:4000",
    "Follow packets of scapy, dpkt or pcapy-ng": "<TCPStream 0 10.0.0.1:4000",
    "Follow rotated files": "<TCPStream 0 10.0.0.1:4000",
    "Measure loss": "85 0 0 0",
    "Read the server names of TLS": "b'www.example.org'",
    "Show a progress bar": "<TCPStream 0 10.0.0.1:4000",
}


def test_there_are_fifteen_tasks_of_ten_lines() -> None:
    assert [title for title, _ in TASKS] == list(SAID)
    assert len(TASKS) == PAGE.count("\n## ") == PAGE.count("```python") == 15
    for title, block in TASKS:
        lines = [line for line in block.splitlines() if line.strip()]
        assert len(lines) <= 10, title


@pytest.mark.parametrize(("title", "block"), TASKS, ids=[title for title, _ in TASKS])
def test_task(folder: Path, capsys: pytest.CaptureFixture[str], title: str, block: str) -> None:
    if package := lacking(block):
        print(f"{title!r} is not run: {package} is not installed")
        return
    script = folder / "task.py"
    if "sniff(" in block:
        if WHY_NOT is not None:
            print(f"{title!r} is not run: {WHY_NOT}")
            return
        with traffic() as port:
            script.write_text(block.replace("8080", str(port)))
            runpy.run_path(str(script))
    else:
        script.write_text(block)
        runpy.run_path(str(script))
    assert SAID[title] in capsys.readouterr().out
    if title == "Extract streams to files":
        assert (folder / "0.client").read_bytes() == b"".join(REQUESTS)
        assert (folder / "0.server").read_bytes() == b"".join(ANSWERS)
    if title == "Follow a pipe in asyncio":
        assert isinstance(sys.stdout, io.TextIOBase) or sys.stdout is not None
