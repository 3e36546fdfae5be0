"""Sends PDUs through raw sockets, which takes the system's permission."""

from __future__ import annotations

import socket
import time
from enum import IntEnum
from typing import Any

from ._exceptions import InvalidInterface, SocketOpenError, SocketWriteError
from ._network import IP, IPv6
from ._pdu import PDU
from ._system import NetworkInterface

_ALL_FRAMES = 3
_OUTGOING = 4
_READ = 65536


class PacketSender:
    """Sends frames through an interface, IP packets by the system's routes, and can wait for an answer.

    iface is the interface where none is named; an answer is awaited for recv_timeout seconds and usec microseconds.
    """

    DEFAULT_TIMEOUT = 2

    class SocketType(IntEnum):
        ETHER_SOCKET, IP_TCP_SOCKET, IP_UDP_SOCKET, IP_RAW_SOCKET, ARP_SOCKET, ICMP_SOCKET, IPV6_SOCKET, SOCKETS_END = range(8)

    def __init__(self, iface: Any = None, recv_timeout: int = DEFAULT_TIMEOUT, usec: int = 0) -> None:
        self._interface = NetworkInterface() if iface is None else NetworkInterface._of(iface)
        self._timeout = int(recv_timeout) + int(usec) / 1e6

    @property
    def default_interface(self) -> NetworkInterface:
        return self._interface

    @default_interface.setter
    def default_interface(self, iface: Any) -> None:
        self._interface = NetworkInterface._of(iface)

    def send(self, pdu: PDU, iface: Any = None) -> None:
        """Send a frame, an IP packet or an IPv6 packet."""
        sock, target, data = self._opened(pdu, iface)
        with sock:
            _write(sock, data, target)

    def send_recv(self, pdu: PDU, iface: Any = None) -> PDU:
        """Send, and return the first packet that answers; RuntimeError where none comes in time."""
        sock, target, data = self._opened(pdu, iface)
        with sock, _listener(sock, pdu) as answers:
            _write(sock, data, target)
            end = time.monotonic() + self._timeout
            while (left := end - time.monotonic()) > 0:
                answers.settimeout(left)
                try:
                    answer, sender = answers.recvfrom(_READ)
                except TimeoutError:
                    break
                # a packet socket sees what the machine sends, the question first of all
                ours = sock.family not in (socket.AF_INET, socket.AF_INET6) and sender[2] == _OUTGOING
                if not ours and pdu.matches_response(answer):
                    return type(pdu).from_buffer(answer)
        raise RuntimeError(f"no answer within {self._timeout} seconds")

    def _opened(self, pdu: PDU, iface: Any) -> tuple[socket.socket, Any, bytes]:
        if not isinstance(pdu, PDU):
            raise ValueError("can't send a None pdu" if pdu is None else "pdu is not a PDU")
        if isinstance(pdu, (IP, IPv6)):
            family = socket.AF_INET if isinstance(pdu, IP) else socket.AF_INET6
            sock = _open(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
            target = (str(pdu.dst_addr), 0) if isinstance(pdu, IP) else (str(pdu.dst_addr), 0, 0, 0)
            return sock, target, pdu.serialize()
        if not hasattr(pdu, "send"):
            raise NotImplementedError(f"{type(pdu).__name__} cannot be sent by itself: put it into a frame or an IP packet")
        interface = self._interface if iface is None else NetworkInterface._of(iface)
        if not interface:
            raise InvalidInterface("a frame is sent through an interface: name one")
        if not hasattr(socket, "AF_PACKET"):
            raise NotImplementedError("frames are sent on Linux only")
        sock = _open(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES))
        return sock, (str(interface), _ALL_FRAMES), pdu.serialize()

    def _send_frame(self, pdu: PDU, iface: Any, address: bytes) -> None:
        self.send(pdu, NetworkInterface._of(iface))


def _open(family: int, kind: int, protocol: int) -> socket.socket:
    try:
        return socket.socket(family, kind, protocol)
    except OSError as error:
        words = "raw sockets need root or CAP_NET_RAW" if isinstance(error, PermissionError) else "cannot open a raw socket"
        raise SocketOpenError(error.errno, f"{words}: {error.strerror}") from None


def _write(sock: socket.socket, data: bytes, target: Any) -> None:
    try:
        sock.sendto(data, target)
    except OSError as error:
        raise SocketWriteError(error.errno, f"cannot send {len(data)} bytes to {target[0]}: {error.strerror}") from None


def _listener(sock: socket.socket, pdu: PDU) -> socket.socket:
    """A socket that gets what may answer, opened before the question is sent."""
    if not isinstance(pdu, (IP, IPv6)):
        return sock.dup()
    inner = pdu.ref_inner_pdu()
    protocol = inner._ip_protocol if inner is not None and inner._ip_protocol is not None else socket.IPPROTO_RAW
    return _open(sock.family, socket.SOCK_RAW, protocol)
