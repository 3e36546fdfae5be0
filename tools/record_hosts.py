"""The conversations between the hosts of tools/record.py."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator

from record_wire import SERVER, Host, Wire, run_thread


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
