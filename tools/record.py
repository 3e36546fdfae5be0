#!/usr/bin/env python3
"""Records the captures of tests/data from the TCP of the Linux kernel.

This program is the wire between two network namespaces, a client's and a server's. It takes Ethernet frames from one side,
records them and passes them on. It can lose, delay or repeat a frame between the hosts, so that the kernels retransmit, and
it can pass on a frame without recording it, so that the capture has a hole.

    sudo tools/record.py            records all into tests/data
    sudo tools/record.py NAME...    records those

Needs Linux, root and the commands `ip`, `zstd`, `xz`, `bzip2` and `lz4`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from record_files import LINK_ETHERNET, LINK_RAW, LINK_SLL, LINK_SLL2, Frame, write_pcap, write_pcapng
from record_hosts import download, pair, read, serving, talk, text
from record_wire import LATE, LOST, LOST_LATER, PASS, SERVER, SERVER6, TWICE, UNSEEN, Wire, listen_inside, run_thread

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"


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
        talk(wire, 7000, 20000, pause=0.7)  # so that the acknowledgement, not the end, shows the loss
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
    plain = path.read_bytes()
    for ending, command in (
        (".gz", "gzip -n"),
        (".zst", "zstd -19"),
        (".xz", "xz -0"),
        (".bz2", "bzip2 -1"),
        (".lz4", "lz4 -9 -z"),
    ):
        packed = subprocess.run([*command.split(), "-c"], input=plain, capture_output=True, check=True).stdout
        path.with_suffix(ending).write_bytes(packed)


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
