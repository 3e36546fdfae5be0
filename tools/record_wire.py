"""The hosts of tools/record.py and the wire between them, on which it records."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from record_files import Frame

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
PACKET_OUTGOING = 4

libc = ctypes.CDLL(None, use_errno=True)


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
