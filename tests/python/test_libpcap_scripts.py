"""Whole scripts as they were written for cycapture (tests/scripts), each in a process of its own."""

import contextlib
import functools
import hashlib
import http.server
import random
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cycapture.libtins import IP, RAW, UDP, PacketSender
from frames import conversation, pcap, read_pcap

pytest.importorskip("pcapy", reason="pcapy-ng is not installed")

from test_libpcap_live import Sender, live

SCRIPTS = Path(__file__).parents[1] / "scripts"
SAFETY = 120  # seconds after which a script that hangs is ended


@contextlib.contextmanager
def script(name: str | Path, *arguments: object) -> Iterator[Any]:
    """Run a script; its output is its stdout, and it must end by itself and without a word of complaint."""
    command = [sys.executable, str(SCRIPTS / name), *map(str, arguments)]
    process: Any
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(SAFETY, process.kill)
        guard.start()
        try:
            yield process
            # not communicate(), which does not see what readline() read ahead
            output, complaints = process.stdout.read(), process.stderr.read()
            process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            guard.cancel()
        process.output = output.splitlines()
        assert complaints == ""
        assert process.returncode == 0


@contextlib.contextmanager
def http_server(folder: Path) -> Iterator[int]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def download(tmp_path: Path, size: int) -> None:
    """A download is followed live while it is recorded, and then from the record: not one byte is missing, nor was one dropped."""
    content = random.Random(1).randbytes(size)
    (tmp_path / "file").write_bytes(content)
    expected = f"ended GET  {size} {hashlib.sha256(content).hexdigest()}"
    with http_server(tmp_path) as port, script("follow.py", "lo", port, tmp_path / "record.pcap") as process:
        assert process.stdout.readline() == "listening\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/file", timeout=SAFETY) as answer:
            assert answer.read() == content
    assert process.output == [expected, "dropped 0"]
    with script("follow.py", tmp_path / "record.pcap", port) as process:
        pass
    assert process.output == ["listening", expected, "dropped 0"]


@live
def test_download(tmp_path: Path) -> None:
    download(tmp_path, 1_000_000)


def test_follow_file(tmp_path: Path) -> None:
    body = random.Random(2).randbytes(5000)
    (tmp_path / "x.pcap").write_bytes(pcap(conversation([b"GET / HTTP/1.0\r\n\r\n"], [b"HTTP/1.0 200 OK\r\n\r\n" + body])))
    with script("follow.py", tmp_path / "x.pcap", 80) as process:
        pass
    assert process.output == ["listening", f"ended GET  5000 {hashlib.sha256(body).hexdigest()}", "dropped 0"]


def heard(sender: Sender, process: Any, payload: bytes, expected: Any) -> None:
    """Send until the script, which begins to listen at a time of its own, says what it heard."""
    lines = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()))
    reader.start()
    while reader.is_alive():
        sender.send(payload)
        reader.join(0.05)
    assert lines == [expected]
    process.send_signal(signal.SIGINT)


@live
def test_threads_and_a_signal_handler() -> None:
    with Sender() as sender, script("signal_and_threads.py", "lo", sender.filter) as process:
        question = bytes.fromhex("123401000001000000000000076578616d706c65036f72670000010001")
        heard(sender, process, question, f"127.0.0.1 {sender.receiver.getsockname()[1]} True 1\n")
    assert process.output[0] == "[(b'example.org', 1, 1)]"
    assert process.output[-1] == "end of main"


@live
def test_tornado_loop() -> None:
    pytest.importorskip("tornado", reason="tornado is not installed")
    with Sender() as sender, script("tornado_loop.py", "lo", sender.filter) as process:
        assert process.stdout.readline() == "listening\n"
        heard(sender, process, b"hello", "47 hello\n")
    assert process.output[-1] == "end of main"


def test_collect(tmp_path: Path) -> None:
    frames = conversation([b"a"], [b"b"])
    (tmp_path / "x.pcap").write_bytes(pcap(frames))
    with script("collect.py", tmp_path / "x.pcap", "tcp and src port 80", tmp_path / "y.pcap") as process:
        pass
    assert process.output == ["3"]
    link_type, records = read_pcap((tmp_path / "y.pcap").read_bytes())
    assert link_type == 1
    assert [time for time, _, _ in records] == [(1_700_000_000 * 1000 + number) * 1_000_000 for number in (1, 4, 6)]


def echo_once(server: Any) -> None:
    with server.accept()[0] as connection:
        connection.sendall(connection.recv(100) * 1000)


@live
def test_asyncio_loop(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sender = stack.enter_context(Sender())
        expression = f"{sender.filter} or tcp port {server.getsockname()[1]}"
        process = stack.enter_context(script("asyncio_loop.py", "lo", expression, 3, tmp_path / "y.pcap"))
        assert process.stdout.readline() == "listening\n"
        echo = threading.Thread(target=echo_once, args=(server,))
        echo.start()
        with socket.create_connection(server.getsockname()) as connection:
            connection.sendall(b"hello")
            while connection.recv(10_000):
                pass
        echo.join()
        assert process.stdout.readline() == "ended b'hello' 5000\n"
        assert process.stdout.readline() == "recording\n"
        sender.send(b"1", b"2", b"3", b"4")
    assert process.output == ["3 recorded"]
    assert [data[42:] for _, data, _ in read_pcap((tmp_path / "y.pcap").read_bytes())[1]] == [b"1", b"2", b"3"]


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(pcap(conversation([b"abc"], [b"d"])))
    outputs = tmp_path / "y.pcap", tmp_path / "z.pcap"
    with script("there_and_back.py", tmp_path / "x.pcap", "tcp and src port 80", *outputs) as process:
        pass
    assert process.output == [
        "stored 8",
        "kept 3 [5000, 5001, 5002]",
        "back 3 EN10MB {64}",
        "back 3 EN10MB {1}",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="not run: names the loopback interface of Linux")
def test_build() -> None:
    with script("build.py", "lo") as process:
        pass
    assert process.output == [
        "syn 66 10.0.0.2 80 True 1460 7 True",
        "sums 0x66c1 0xc77c",
        "pings 6 True True ff:ff:ff:ff:ff:ff",
        "no UDP",
        "lo True 127.0.0.1 127.0.0.0 True",
    ]


@live
def test_ask() -> None:
    with script("ask.py", "lo", "127.0.0.1") as process:
        pass
    assert process.output == ["dns example.org 192.0.2.7 60", "arp 02:00:00:00:00:01", "ping 127.0.0.1 1 are you there?"]


def fragments(port: int, payload: bytes, size: int) -> Iterator[IP]:
    """A UDP datagram to a port of this host, in fragments of so many bytes."""
    whole = IP("127.0.0.1", "127.0.0.1") / UDP(port, 9) / RAW(payload)
    body = whole.serialize()[20:]
    for offset in range(0, len(body), size):
        part = IP("127.0.0.1", "127.0.0.1") / RAW(body[offset : offset + size])
        part.id, part.protocol = 4711, 17
        part.frag_off = (0x2000 if offset + size < len(body) else 0) | offset // 8
        yield part


@live
def test_threads_fragments_and_sigterm() -> None:
    with Sender() as sender:
        port = sender.receiver.getsockname()[1]
        expression = f"{sender.filter} or (ip[6:2] & 0x3fff != 0 and ip[4:2] = 4711)"
        with script("until_sigterm.py", "lo", expression) as process:
            assert process.stdout.readline() == "listening\n"
            for part in reversed(list(fragments(port, b"x" * 3000, 800))):
                PacketSender("lo").send(part)
            sender.send(b"hello")
            assert process.stdout.readline() == f"whole False {port} 3000\n"
            assert process.stdout.readline() == f"whole False {port} 5\n"
            process.send_signal(signal.SIGTERM)
    assert process.output == ["whole 2 dropped 0 listening False"]


PYTHON2 = """
import sys, Queue
from cycapture.libpcap import BlockingSniffer, PacketWriter, PcapException
from cycapture.libtins import EthernetII, IP, TCP, TCPStreamFollower, PDUNotFound

names = {u'source': 0, 'target': 0}
q = Queue.Queue()
s = BlockingSniffer(filename=sys.argv[1], snapshot_length=65000L)
s.filter = 'tcp and ' + 'port 80'
s.sniff_and_store(q, lambda mview: EthernetII(buf=mview))
pdus = []
with PacketWriter(linktype=EthernetII, output=open(sys.argv[2], 'w')) as w:
    for i in xrange(q.qsize()):
        sec, usec, length, pdu = q.get()
        w.write(pdu, sec, usec)
        pdus.append(pdu)
        try:
            names['source' if pdu.rfind_pdu(TCP).sport == 80 else 'target'] += 1
        except PDUNotFound, ex:
            print 'no TCP', ex
print sorted(names.iteritems())
def ended(stream):
    print '%s:%d said' % (stream.client_addr, stream.client_port), len(stream.client_payload.tobytes())
    return True
TCPStreamFollower(ended, None).feed(pdus)
it = s.iterator(lambda buf: EthernetII.from_buffer(buf), 2)
print it.next()[0], len(list(it))
s.filter = 'nonsense ' + str(5)
try:
    s.sniff_and_store([])
except PcapException, ex:
    print 'filter' in str(ex)
"""


def test_script_of_python_2_converted_by_2to3(tmp_path: Path) -> None:
    pytest.importorskip("lib2to3", reason="2to3 ended with Python 3.12")
    (tmp_path / "old.py").write_text(PYTHON2)
    subprocess.run([sys.executable, "-W", "ignore", "-m", "lib2to3", "-w", "-n", "old.py"], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "x.pcap").write_bytes(pcap(conversation([b"abc"], [b"d"])))
    with script(tmp_path / "old.py", tmp_path / "x.pcap", tmp_path / "y.pcap") as process:
        pass
    said = ["10.0.0.1:4000 said 3"] * 2
    assert process.output == ["[('source', 3), ('target', 5)]", *said, "1700000000 1", "True"]
    assert len(read_pcap((tmp_path / "y.pcap").read_bytes())[1]) == 8
