#!/usr/bin/env python3
"""Records the captures of tests/data: real Linux TCP, seen from a wire of our own.

Two network namespaces, a client's and a server's, are joined by a wire that is this program: it takes Ethernet frames from
one side, records them and passes them on. So it can lose, delay or repeat a frame between the hosts (the kernels then
retransmit), and it can pass a frame on that it does not record (the capture then has a hole).

    sudo tools/record.py            records all into tests/data
    sudo tools/record.py NAME...    records those

Needs Linux, root and the commands `ip`, `zstd`, `xz`, `bzip2` and `lz4`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gzip
import http.client
import http.server
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"

LINK_ETHERNET, LINK_RAW, LINK_SLL, LINK_SLL2 = 1, 101, 113, 276

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
PACKET_OUTGOING = 4

libc = ctypes.CDLL(None, use_errno=True)


# Capture files.


class Frame(NamedTuple):
    """One captured frame."""

    time: int  # nanoseconds since 1970 UTC
    data: bytes


def write_pcap(
    path: pathlib.Path, frames: list[Frame], link: int = LINK_ETHERNET, order: str = "<", nano: bool = False, snaplen: int = 262144
) -> None:
    """Writes a classic pcap file; compressed if the name ends in .gz."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link)]
    for frame in frames:
        seconds, rest = divmod(frame.time, 1_000_000_000)
        captured = frame.data[:snaplen]
        out.append(struct.pack(order + "IIII", seconds, rest if nano else rest // 1000, len(captured), len(frame.data)))
        out.append(captured)
    content = b"".join(out)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def write_pcapng(path: pathlib.Path, interfaces: list[tuple[str, int]], frames: list[tuple[int, Frame]]) -> None:
    """Writes a pcapng file of (name, link type) interfaces and (interface number, frame) packets in nanoseconds."""

    def block(kind: int, body: bytes) -> bytes:
        length = 12 + len(body)
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    def pad(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def option(code: int, value: bytes) -> bytes:
        return struct.pack("<HH", code, len(value)) + pad(value)

    end = option(0, b"")
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, b"gofollow tools/record.py") + end)]
    for name, link in interfaces:
        out.append(block(1, struct.pack("<HHI", link, 0, 0) + option(2, name.encode()) + option(9, b"\x09") + end))
    for interface, frame in frames:
        head = struct.pack("<IIIII", interface, frame.time >> 32, frame.time & 0xFFFFFFFF, len(frame.data), len(frame.data))
        out.append(block(6, head + pad(frame.data)))
    path.write_bytes(b"".join(out))


# Hosts and the wire between them.


class Host:
    """A network namespace."""

    def __init__(self) -> None:
        def make() -> int:
            if libc.unshare(CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "unshare: no new network namespace (root is needed)")
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

        self.fd = run_thread(make)()

    def start(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """Starts work in a thread that lives in this namespace; the result waits for it."""

        def enter() -> Any:
            if libc.setns(self.fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            return work()

        return run_thread(enter)

    def run(self, work: Callable[[], Any]) -> Any:
        """Runs work in this namespace."""
        return self.start(work)()

    def ip(self, command: str) -> None:
        """Runs the ip command in this namespace."""
        self.run(lambda: ip(command))


def run_thread(work: Callable[[], Any]) -> Callable[[], Any]:
    """Starts a thread; the function returned waits for it and gives its result or raises its exception."""
    box: list[Any] = []

    def body() -> None:
        try:
            box.append((work(), None))
        except BaseException as error:
            box.append((None, error))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def wait() -> Any:
        thread.join(60)
        if not box:
            raise TimeoutError("a host did not finish")
        value, error = box[0]
        if error is not None:
            raise error
        return value

    return wait


def ip(command: str, *fds: int) -> None:
    subprocess.run(["ip", *command.split()], check=True, pass_fds=fds)


def no_offload(interface: str) -> None:
    """Makes an interface send what a wire would carry: no segments above the MSS, right checksums."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for command in (0x1F, 0x24, 0x2C, 0x17):  # ETHTOOL_STSO, SGSO, SGRO, STXCSUM
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)) + bytes(16)
            with contextlib.suppress(OSError):
                fcntl.ioctl(s, 0x8946, request)  # SIOCETHTOOL


# What the wire does with a frame, by the direction and the number of the data segment in that direction (from 1; 0: no data).
Fate = Callable[[str, int], str]
PASS = "pass"
LOST = "lost"  # before the recorder
LOST_LATER = "lost later"  # past the recorder
LATE = "late"  # behind the next three frames of its direction
TWICE = "twice"
UNSEEN = "unseen"  # passed, not recorded


class Wire:
    """The wire between client and server, and its recorder."""

    def __init__(self) -> None:
        self.client, self.server = Host(), Host()
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare: no new network namespace (root is needed)")
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as f:
            f.write("1")
        self.ends: dict[str, socket.socket] = {}
        for name, host, mac, v4, v6 in (
            ("client", self.client, "02:00:00:00:00:01", CLIENT, CLIENT6),
            ("server", self.server, "02:00:00:00:00:02", SERVER, SERVER6),
        ):
            near, far = name + "0", name + "1"
            ip(f"link add {near} type veth peer name {far}")
            ip(f"link set {near} netns /proc/self/fd/{host.fd}", host.fd)
            host.ip("link set lo up")
            host.ip(f"link set {near} address {mac} addrgenmode none")
            host.run(lambda n=near: no_offload(n))  # type: ignore[misc]
            host.ip(f"link set {near} up")
            ip(f"link set {far} up")
            host.ip(f"addr add {v4}/24 dev {near}")
            host.ip(f"addr add {v6}/64 dev {near} nodad")
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            end.bind((far, ETH_P_ALL))
            self.ends[name] = end
        self.fate: Fate = lambda direction, number: PASS
        self.frames: list[Frame] = []
        self.recording = False
        self.last = time.monotonic()
        threading.Thread(target=self._carry, daemon=True).start()
        self.settle()

    def _carry(self) -> None:
        sockets = {s: name for name, s in self.ends.items()}
        numbers = {"client": 0, "server": 0}
        held: dict[str, tuple[int, bytes] | None] = {"client": None, "server": None}
        self.numbers = numbers
        while True:
            for ready in select.select(list(sockets), [], [], 0.05)[0]:
                frame, address = ready.recvfrom(70000)
                if address[2] == PACKET_OUTGOING:
                    continue
                side = sockets[ready]
                self.last = time.monotonic()
                number = 0
                if payload_length(frame) > 0:
                    numbers[side] += 1
                    number = numbers[side]
                fate = self.fate(side, number) if number else PASS
                if fate == LATE and held[side] is None:
                    held[side] = (3, frame)
                    continue
                for _ in range(2 if fate == TWICE else 1):
                    if fate not in (LOST, UNSEEN) and self.recording:
                        self.frames.append(Frame(time.time_ns(), frame))
                    if fate not in (LOST, LOST_LATER):
                        self._send(side, frame)
                waiting = held[side]
                if waiting is not None:
                    left, late = waiting
                    held[side] = (left - 1, late) if left > 1 else None
                    if left <= 1:
                        self._send_late(side, late)
            for side, waiting in held.items():
                if waiting is not None and time.monotonic() - self.last > 0.1:
                    held[side] = None
                    self._send_late(side, waiting[1])

    def _send_late(self, side: str, frame: bytes) -> None:
        if self.recording:
            self.frames.append(Frame(time.time_ns(), frame))
        self._send(side, frame)

    def _send(self, side: str, frame: bytes) -> None:
        self.ends["server" if side == "client" else "client"].send(frame)

    def settle(self) -> None:
        """Waits until nothing has moved for a while."""
        self.last = max(self.last, time.monotonic() - 0.2)
        while time.monotonic() - self.last < 0.5:
            time.sleep(0.05)

    @contextlib.contextmanager
    def record(self, fate: Fate | None = None, late: bool = False) -> Iterator[list[Frame]]:
        """Records what moves in the block; with late, from the moment at which the block sets wire.recording."""
        frames: list[Frame] = []
        self.settle()
        self.fate = fate or (lambda direction, number: PASS)
        self.numbers.update(client=0, server=0)
        self.frames, self.recording = frames, not late
        try:
            yield frames
            self.settle()
        finally:
            self.recording = False
            self.fate = lambda direction, number: PASS


def payload_length(frame: bytes) -> int:
    """Length of the TCP payload of an Ethernet frame, 0 for anything else."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        header = 14 + (frame[14] & 15) * 4
        end = 14 + int.from_bytes(frame[16:18], "big")
    elif kind == b"\x86\xdd" and frame[20] == 6:
        header = 54
        end = 54 + int.from_bytes(frame[18:20], "big")
    else:
        return 0
    return end - header - (frame[header + 12] >> 4) * 4


@contextlib.contextmanager
def listen_inside(host: Host, interface: str | None, cooked: bool) -> Iterator[list[tuple[Frame, Any]]]:
    """Records within a host, on one interface or on all, with or without the link header taken off.

    A frame on lo passes twice, out and in; it is recorded once.
    """
    kind = socket.SOCK_DGRAM if cooked else socket.SOCK_RAW

    def make() -> socket.socket:
        s = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_ALL))
        if interface is not None:
            s.bind((interface, ETH_P_ALL))
        return s

    found: list[tuple[Frame, Any]] = []
    done = threading.Event()

    def collect() -> None:
        while not done.is_set():
            if select.select([s], [], [], 0.05)[0]:
                data, address = s.recvfrom(70000)
                if not (address[0] == "lo" and address[2] == PACKET_OUTGOING):
                    found.append((Frame(time.time_ns(), data), address))

    s = host.run(make)
    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield found
        time.sleep(0.5)
    finally:
        done.set()
        thread.join()
        s.close()


# What the hosts do.


def text(length: int, what: str = "line") -> bytes:
    """Text of that many bytes in which every line says where it stands."""
    lines, size, number = [], 0, 0
    while size < length:
        number += 1
        line = f"{what} {number}: at byte {size} of {length}, to be followed in order, once and complete\n"
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()[:length]


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves /N as N bytes of text and answers a POST with its length."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = text(int(self.path.rsplit("/", 1)[-1]))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = f"{len(self.rfile.read(int(self.headers['Content-Length'])))} bytes came\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(0)

    def version_string(self) -> str:
        return "recorder"

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def serving(host: Host, address: str, port: int) -> Iterator[None]:
    kind = Server6 if ":" in address else http.server.ThreadingHTTPServer
    server = host.run(lambda: kind((address, port), Handler))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def download(address: str, port: int, length: int) -> None:
    host = f"[{address}]" if ":" in address else address
    with urllib.request.urlopen(f"http://{host}:{port}/text/{length}", timeout=30) as answer:
        if answer.read() != text(length):
            raise AssertionError("the download differs")


@contextlib.contextmanager
def pair(wire: Wire, port: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connected (client, server) pair of sockets."""
    listener = wire.server.run(lambda: socket.create_server((SERVER, port)))
    client = wire.client.run(lambda: socket.create_connection((SERVER, port), timeout=30))
    server, _ = listener.accept()
    server.settimeout(30)
    listener.close()
    for s in (client, server):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield client, server
    finally:
        client.close()
        server.close()


def read(s: socket.socket, length: int) -> bytes:
    parts, left = [], length
    while left > 0 and (part := s.recv(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def talk(wire: Wire, port: int, length: int, pause: float = 0) -> None:
    """A question, an answer of that length, and an orderly end."""
    with pair(wire, port) as (client, server):
        client.sendall(b"question\n")
        read(server, 9)
        sending = run_thread(lambda: server.sendall(text(length)))
        if read(client, length) != text(length):
            raise AssertionError("the answer differs")
        sending()
        time.sleep(pause)
        client.sendall(b"thanks\n")
        read(server, 7)
        client.shutdown(socket.SHUT_WR)
        server.recv(1)
        server.shutdown(socket.SHUT_WR)
        client.recv(1)


# The recordings, by the name of their file.


def http_download(wire: Wire, path: pathlib.Path, **options: Any) -> None:
    with wire.record() as frames, serving(wire.server, SERVER, 80):
        wire.client.run(lambda: download(SERVER, 80, 24000))
    write_pcap(path, frames, **options)


def http_upload(wire: Wire, path: pathlib.Path) -> None:
    def upload() -> None:
        connection = http.client.HTTPConnection(SERVER, 80, timeout=30)
        for length in (20000, 300):
            connection.request("POST", "/upload", text(length))
            connection.getresponse().read()
        connection.close()

    with wire.record() as frames, serving(wire.server, SERVER, 80):
        wire.client.run(upload)
    write_pcap(path, frames)


def half_close(wire: Wire, path: pathlib.Path) -> None:
    with wire.record() as frames, pair(wire, 7000) as (client, server):
        client.sendall(b"sort these: pear apple fig\n")
        client.shutdown(socket.SHUT_WR)
        while server.recv(100):
            pass
        for word in (b"apple\n", b"fig\n", b"pear\n"):
            server.sendall(word)
            time.sleep(0.02)
        server.shutdown(socket.SHUT_WR)
        while client.recv(100):
            pass
    write_pcap(path, frames)


def reset(wire: Wire, path: pathlib.Path) -> None:
    with wire.record() as frames, pair(wire, 7000) as (client, server):
        client.sendall(b"what do you think of this?\n")
        read(server, 27)
        server.sendall(b"nothing\n")
        read(client, 8)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with contextlib.suppress(ConnectionResetError):
            client.recv(1)
    write_pcap(path, frames)


def refused(wire: Wire, path: pathlib.Path) -> None:
    def call() -> None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((SERVER, 7001), timeout=30)

    with wire.record() as frames:
        wire.client.run(call)
    write_pcap(path, frames)


def ipv6(wire: Wire, path: pathlib.Path) -> None:
    with wire.record() as frames, serving(wire.server, SERVER6, 80):
        wire.client.run(lambda: download(SERVER6, 80, 12000))
    write_pcap(path, frames)


def several(wire: Wire, path: pathlib.Path) -> None:
    with wire.record() as frames, serving(wire.server, SERVER, 80), serving(wire.server, SERVER6, 80):
        sizes = ((SERVER, 6000), (SERVER6, 5000), (SERVER, 4000), (SERVER6, 3000), (SERVER, 2000), (SERVER, 1))
        for wait in [wire.client.start(lambda a=a, n=n: download(a, 80, n)) for a, n in sizes]:  # type: ignore[misc]
            wait()
    write_pcap(path, frames)


def lossy(wire: Wire, path: pathlib.Path) -> None:
    fates = {2: LOST, 5: LOST_LATER, 6: LOST, 11: LOST_LATER}
    with wire.record(lambda side, number: fates.get(number, PASS) if side == "server" else PASS) as frames:
        talk(wire, 7000, 20000)
    write_pcap(path, frames)


def reordered(wire: Wire, path: pathlib.Path) -> None:
    fates = {2: LATE, 6: TWICE, 9: LATE, 12: TWICE}
    with wire.record(lambda side, number: fates.get(number, PASS) if side == "server" else PASS) as frames:
        talk(wire, 7000, 20000)
    write_pcap(path, frames)


def capture_loss(wire: Wire, path: pathlib.Path) -> None:
    with wire.record(lambda side, number: UNSEEN if side == "server" and number in (3, 7, 8) else PASS) as frames:
        talk(wire, 7000, 20000, pause=0.7)  # so that the acknowledgement, not the end, tells of the loss
    write_pcap(path, frames)


def midstream(wire: Wire, path: pathlib.Path) -> None:
    with wire.record(late=True) as frames, pair(wire, 7000) as (client, server):
        client.sendall(b"before the recording\n")
        read(server, 21)
        wire.settle()
        wire.recording = True
        for number in range(1, 4):
            client.sendall(f"question {number}\n".encode())
            read(server, 11)
            server.sendall(f"answer {number}\n".encode())
            read(client, 9)
        client.shutdown(socket.SHUT_WR)
        server.recv(1)
        server.shutdown(socket.SHUT_WR)
        client.recv(1)
    write_pcap(path, frames)


def sequence_wrap(wire: Wire, path: pathlib.Path) -> None:
    """The client's sequence numbers pass 2^32 within its data."""
    repair, repair_queue, queue_seq, send_queue, off = 19, 20, 21, 2, 0

    def connect() -> socket.socket:
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, repair, 1)
        s.setsockopt(socket.IPPROTO_TCP, repair_queue, send_queue)
        s.setsockopt(socket.IPPROTO_TCP, queue_seq, struct.pack("I", 0xFFFFFFFF - 4000))
        s.setsockopt(socket.IPPROTO_TCP, repair, off)
        s.settimeout(30)
        s.connect((SERVER, 7000))
        return s

    with wire.record() as frames:
        listener = wire.server.run(lambda: socket.create_server((SERVER, 7000)))
        client = wire.client.run(connect)
        server, _ = listener.accept()
        sending = run_thread(lambda: client.sendall(text(9000)))
        if read(server, 9000) != text(9000):
            raise AssertionError("the text differs")
        sending()
        client.close()
        server.recv(1)
        server.close()
        listener.close()
    write_pcap(path, frames)


def urgent(wire: Wire, path: pathlib.Path) -> None:
    with wire.record() as frames, pair(wire, 7000) as (client, server):
        client.sendall(b"before")
        read(server, 6)
        client.send(b"!", socket.MSG_OOB)
        time.sleep(0.05)
        client.sendall(b"after")
        client.shutdown(socket.SHUT_WR)
        while server.recv(100):
            pass
        server.shutdown(socket.SHUT_WR)
        client.recv(1)
    write_pcap(path, frames)


def nanosecond(wire: Wire, path: pathlib.Path) -> None:
    http_download_short(wire, path, nano=True, order=">")


def http_download_short(wire: Wire, path: pathlib.Path, **options: Any) -> None:
    with wire.record() as frames, serving(wire.server, SERVER, 80):
        wire.client.run(lambda: download(SERVER, 80, 4000))
    write_pcap(path, frames, **options)


def snaplen96(wire: Wire, path: pathlib.Path) -> None:
    http_download_short(wire, path, snaplen=96)


def compressed(wire: Wire, path: pathlib.Path) -> None:
    http_download(wire, path)
    plain = gzip.decompress(path.read_bytes())
    for command in ("zstd -19", "xz -0", "bzip2 -1", "lz4 -9 -z"):
        ending = {"zstd": ".zst", "xz": ".xz", "bzip2": ".bz2", "lz4": ".lz4"}[command.split()[0]]
        path.with_suffix(ending).write_bytes(subprocess.run([*command.split(), "-c"], input=plain, capture_output=True, check=True).stdout)


def loopback(wire: Wire, path: pathlib.Path) -> None:
    with listen_inside(wire.client, "lo", cooked=False) as found, serving(wire.client, "127.0.0.1", 8080):
        wire.client.run(lambda: download("127.0.0.1", 8080, 20000))
    write_pcap(path, [frame for frame, _ in found])


def cooked(wire: Wire, path: pathlib.Path) -> None:
    with listen_inside(wire.client, None, cooked=True) as found, serving(wire.server, SERVER, 80):
        wire.client.run(lambda: download(SERVER, 80, 4000))
    frames = []
    for frame, (_, protocol, packet_type, hardware_type, address) in found:
        head = struct.pack(">HHH8sH", packet_type, hardware_type, len(address), address[:8], protocol)
        frames.append(Frame(frame.time, head + frame.data))
    write_pcap(path, frames, LINK_SLL)


def cooked2(wire: Wire, path: pathlib.Path) -> None:
    def index(name: str) -> int:
        return int(wire.client.run(lambda: socket.if_nametoindex(name)))

    with listen_inside(wire.client, None, cooked=True) as found, serving(wire.server, SERVER, 80):
        wire.client.run(lambda: download(SERVER, 80, 4000))
    frames = []
    for frame, (name, protocol, packet_type, hardware_type, address) in found:
        head = struct.pack(">HHIHBB8s", protocol, 0, index(name), hardware_type, packet_type, len(address), address[:8])
        frames.append(Frame(frame.time, head + frame.data))
    write_pcap(path, frames, LINK_SLL2)


def two_interfaces(wire: Wire, path: pathlib.Path) -> None:
    with (
        listen_inside(wire.client, "lo", cooked=True) as found,
        wire.record() as frames,
        serving(wire.server, SERVER, 80),
        serving(wire.client, "127.0.0.1", 8080),
    ):
        wire.client.run(lambda: download(SERVER, 80, 4000))
        wire.client.run(lambda: download("127.0.0.1", 8080, 5000))
    both = [(0, frame) for frame in frames] + [(1, frame) for frame, _ in found]
    write_pcapng(path, [("wire", LINK_ETHERNET), ("lo", LINK_RAW)], sorted(both, key=lambda item: item[1].time))


RECORDINGS: dict[str, Callable[[Wire, pathlib.Path], None]] = {
    "http_download.pcap": http_download,
    "http_upload.pcap": http_upload,
    "half_close.pcap": half_close,
    "reset.pcap": reset,
    "refused.pcap": refused,
    "ipv6.pcap": ipv6,
    "several.pcap": several,
    "lossy.pcap": lossy,
    "reordered.pcap": reordered,
    "capture_loss.pcap": capture_loss,
    "midstream.pcap": midstream,
    "sequence_wrap.pcap": sequence_wrap,
    "urgent.pcap": urgent,
    "nanosecond.pcap": nanosecond,
    "snaplen96.pcap": snaplen96,
    "compressed.pcap.gz": compressed,
    "loopback.pcap": loopback,
    "cooked.pcap": cooked,
    "cooked2.pcap": cooked2,
    "two_interfaces.pcapng": two_interfaces,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in RECORDINGS]
    if unknown:
        print(f"no such recording: {', '.join(unknown)}; there are {', '.join(RECORDINGS)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("recording needs root: it makes network namespaces of its own", file=sys.stderr)
        return 2
    DATA.mkdir(parents=True, exist_ok=True)
    wire = Wire()
    for name in names or RECORDINGS:
        path = DATA / name
        RECORDINGS[name](wire, path)
        print(f"{name}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
