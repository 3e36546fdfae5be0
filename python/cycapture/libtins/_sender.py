"""Sends PDUs through raw sockets, which needs root or CAP_NET_RAW."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack
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
    """Sends frames through an interface and IP packets by the system's routes, and can wait for an answer.

    iface is the default interface. send_recv waits recv_timeout seconds and usec microseconds.
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
        """Send, and return the first packet that answers. Raises RuntimeError if none arrives in time."""
        with ExitStack() as opened:
            sock, target, data = self._opened(pdu, iface)
            opened.enter_context(sock)
            listeners = _listeners(sock, pdu, opened)
            _write(sock, data, target)
            end = time.monotonic() + self._timeout
            while (left := end - time.monotonic()) > 0:
                for ready in select.select(listeners, (), (), left)[0]:
                    answer, sender = ready.recvfrom(_READ)
                    # a packet socket also receives what the machine sends, first of all the question
                    ours = sock.family not in (socket.AF_INET, socket.AF_INET6) and sender[2] == _OUTGOING
                    if not ours and pdu.matches_response(answer):
                        return type(pdu).from_buffer(answer)
        raise RuntimeError(f"no answer within {self._timeout} seconds")

    def _opened(self, pdu: PDU, iface: Any) -> tuple[socket.socket, Any, bytes]:
        if not isinstance(pdu, PDU):
            if pdu is None:
                raise ValueError("can't send a None pdu")
            raise TypeError(f"a PDU is sent, not a {type(pdu).__name__}")
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


def _listeners(sock: socket.socket, pdu: PDU, opened: ExitStack) -> list[socket.socket]:
    """Return the sockets for answers, to be opened before the question is sent: of the protocol, and of ICMP errors."""
    if not isinstance(pdu, (IP, IPv6)):
        return [sock]
    inner = pdu.ref_inner_pdu()
    protocols = {socket.IPPROTO_ICMP if isinstance(pdu, IP) else socket.IPPROTO_ICMPV6, inner._ip_protocol if inner is not None else None}
    return [opened.enter_context(_open(sock.family, socket.SOCK_RAW, number)) for number in protocols if number is not None]
