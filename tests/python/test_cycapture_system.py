"""What asks the operating system (interfaces, routes, raw sockets), answers to what was sent, fragments, and ranges of addresses."""

import copy
import os
import pickle
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cycapture.libtins import (
    DNS,
    ICMP,
    IP,
    PDU,
    RAW,
    TCP,
    UDP,
    Dot1Q,
    EthernetII,
    HWAddress,
    HWRange,
    InvalidInterface,
    IPReassembler,
    IPv4Address,
    IPv4Range,
    IPv6Address,
    IPv6Range,
    Loopback,
    NetworkInterface,
    PacketSender,
    RouteEntry,
    SocketOpenError,
    Utils,
)
from loopback import LOOPBACK, needs_loopback, needs_root


@needs_loopback
def test_interfaces() -> None:
    loopback = NetworkInterface(LOOPBACK.encode())
    assert (loopback.name, loopback.id, str(loopback)) == (LOOPBACK.encode(), socket.if_nametoindex(LOOPBACK), LOOPBACK)
    assert loopback.addresses.ip_addr == "127.0.0.1"
    assert loopback.is_loopback()
    assert NetworkInterface(address="127.0.0.1") == loopback
    assert loopback in NetworkInterface.all()
    assert loopback in Utils.list_network_interfaces()
    assert copy.copy(loopback) == pickle.loads(pickle.dumps(loopback)) == loopback
    assert bool(loopback)
    assert not NetworkInterface()
    with pytest.raises(InvalidInterface, match="no network interface 'nonsense0'"):
        NetworkInterface("nonsense0")


def test_routes_are_read_as_the_kernel_writes_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth1\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    )
    monkeypatch.setattr("cycapture.libtins._system.ROUTES", table)
    entries = Utils.list_route_entries()
    assert entries == [RouteEntry("eth0", None, "192.168.1.1", None), RouteEntry(b"eth1", "192.168.1.0", None, "255.255.255.0")]
    assert (Utils.ip_to_gateway("8.8.8.8"), Utils.ip_to_gateway("192.168.1.7")) == ("192.168.1.1", "0.0.0.0")
    assert copy.copy(entries[0]) == pickle.loads(pickle.dumps(entries[0])) == entries[0]
    table.write_text("header\n")
    with pytest.raises(RuntimeError, match="gateway lookup failed"):
        Utils.ip_to_gateway("8.8.8.8")


def test_other_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Utils.channel_to_mhz(6), Utils.mhz_to_channel(2437)) == (2437, 6)
    assert [Utils.pdutype_to_string(number) for number in (0, 1, 28, 40)] == [b"RAW", b"ETHERNET_II", b"IP", b"IPV6"]
    assert Utils.resolve_domain(b"127.0.0.1") == "127.0.0.1"
    assert Utils.resolve_domain6("::1") == "::1"

    def unknown(*args: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RuntimeError, match="cannot resolve 'nonsense'"):
        Utils.resolve_domain("nonsense")


def question_and_answer() -> tuple[PDU, PDU]:
    question = EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / IP("10.0.0.1", "10.0.0.2")
    answer = EthernetII("02:00:00:00:00:02", "02:00:00:00:00:01") / IP("10.0.0.2", "10.0.0.1")
    return question, answer


@pytest.mark.parametrize(("asked", "answered", "matches"), [
    (TCP(80, 4000), TCP(4000, 80), True),
    (TCP(80, 4000), TCP(4000, 81), False),
    (UDP(53, 4000) / RAW(b"?"), UDP(4000, 53) / RAW(b"!"), True),
    (UDP(53, 4000), UDP(53, 4000), False),
    (UDP(53, 4000), TCP(4000, 53), True),
])
def test_answers(asked: PDU, answered: PDU, matches: bool) -> None:
    question, answer = question_and_answer()
    assert (question / asked).matches_response((answer / answered).serialize()) is matches
    assert not (question / asked).matches_response((question / answered).serialize())
    assert not (question / asked).matches_response(b"")


def test_answers_by_identifier() -> None:
    request, reply = ICMP(), ICMP(ICMP.Flags.ECHO_REPLY)
    request.set_echo_request(7, 1)
    reply.set_echo_reply(7, 1)
    assert request.matches_response(reply.serialize())
    reply.sequence = 2
    assert not request.matches_response(reply.serialize())
    dns, other = DNS(), DNS()
    dns.id = other.id = 9
    assert dns.matches_response(other.serialize())
    other.id = 10
    assert not dns.matches_response(bytearray(other.serialize()))
    assert Dot1Q(5, False).matches_response(Dot1Q(5, False).serialize())
    assert not Dot1Q(5, False).matches_response(Dot1Q(6, False).serialize())
    assert (Loopback() / IP("10.0.0.1", "10.0.0.2")).matches_response((Loopback() / IP("10.0.0.2", "10.0.0.1")).serialize())


@needs_root
@needs_loopback
def test_a_packet_is_sent_by_the_routes() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        PacketSender().send(IP("127.0.0.1", "127.0.0.1") / UDP(receiver.getsockname()[1], 9) / RAW(b"hello"))
        assert receiver.recv(100) == b"hello"


@needs_root
@needs_loopback
def test_a_frame_is_sent_through_an_interface() -> None:
    frame = EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02") / RAW(os.urandom(46))
    data = frame.serialize()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as receiver:
        receiver.bind((LOOPBACK, 3))
        receiver.settimeout(10)
        for send in (PacketSender(LOOPBACK).send, lambda pdu: pdu.send(PacketSender(), NetworkInterface(LOOPBACK))):
            send(frame)
            while receiver.recv(2000) != data:
                pass


@needs_root
@needs_loopback
def test_an_answer_comes_back() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer() -> None:
            data, client = server.recvfrom(100)
            server.sendto(data.upper(), client)

        thread = threading.Thread(target=answer)
        thread.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
            held.bind(("127.0.0.1", 0))
            question = IP("127.0.0.1", "127.0.0.1") / UDP(server.getsockname()[1], held.getsockname()[1]) / RAW(b"hello")
            found = PacketSender(recv_timeout=10).send_recv(question)
        thread.join()
    assert found.rfind_pdu(RAW).payload == b"HELLO"


@needs_root
@needs_loopback
def test_a_frame_s_answer_comes_back() -> None:
    question, answer = (pdu / TCP(80, 80) for pdu in question_and_answer())
    question.rfind_pdu(IP).id = int.from_bytes(os.urandom(2), "big")
    asked = question.serialize()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as other:
        other.bind((LOOPBACK, 3))
        other.settimeout(10)

        def reply() -> None:
            while other.recv(2000) != asked:
                pass
            other.send(answer.serialize())

        thread = threading.Thread(target=reply)
        thread.start()
        found = PacketSender(LOOPBACK, recv_timeout=10).send_recv(question)
        thread.join()
    assert found.serialize() == answer.serialize()


@needs_root
@needs_loopback
def test_no_answer_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        question = IP("127.0.0.1", "127.0.0.1") / UDP(silent.getsockname()[1], 9)
        with pytest.raises(RuntimeError, match="no answer within"):
            PacketSender(recv_timeout=0, usec=50000).send_recv(question)


def test_what_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="can't send a None pdu"):
        PacketSender().send(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInterface, match="name one"):
        PacketSender().send(EthernetII())
    with pytest.raises(NotImplementedError, match="put it into a frame"):
        PacketSender().send(TCP())

    def refused(*args: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(SocketOpenError, match="need root or CAP_NET_RAW"):
        PacketSender().send(IP("127.0.0.1"))


def fragments(payload: bytes, size: int) -> Iterator[PDU]:
    whole = IP("10.0.0.1", "10.0.0.2") / UDP(1, 2) / RAW(payload)
    whole.id = 77
    body = (EthernetII() / whole).serialize()[34:]
    for offset in range(0, len(body), size):
        part = IP("10.0.0.1", "10.0.0.2")
        part.id, part.protocol = 77, 17
        part.frag_off = offset // 8 | (0x2000 if offset + size < len(body) else 0)
        part /= RAW(body[offset : offset + size])
        frame = bytearray((EthernetII() / part).serialize())
        frame[23] = 17
        yield EthernetII.from_buffer(frame)


def test_fragments_are_put_together() -> None:
    payload = random.Random(1).randbytes(1000)
    for seed in range(10):
        seen: list[Any] = []
        reassembler = IPReassembler(seen.append)
        pieces = list(fragments(payload, 160))
        random.Random(seed).shuffle(pieces)
        statuses = [reassembler.process(piece) for piece in [pieces[0], *pieces]]
        assert statuses == [IPReassembler.Status.FRAGMENTED] * len(pieces) + [IPReassembler.Status.REASSEMBLED]
        assert [pdu.rfind_pdu(UDP).ref_inner_pdu().payload for pdu in seen] == [payload]
        assert not pieces[-1].rfind_pdu(IP).fragmented
    whole = IP("10.0.0.1", "10.0.0.2") / TCP()
    assert IPReassembler().process(whole) == IPReassembler.Status.NOT_FRAGMENTED
    with pytest.raises(TypeError):
        IPReassembler().process(b"")  # type: ignore[arg-type]


def test_fragments_that_never_come_fill_no_memory() -> None:
    reassembler = IPReassembler()
    for ident in range(3000):
        piece = next(fragments(b"x" * 100, 64))
        piece.rfind_pdu(IP).id = ident
        reassembler.process(piece)
    assert len(reassembler._packets) == 1024


@pytest.mark.parametrize(("made", "first", "last", "size"), [
    (IPv4Address("192.168.1.77") / 24, "192.168.1.1", "192.168.1.255", 254),
    (IPv4Range.from_mask("10.0.0.0", "255.255.255.252"), "10.0.0.1", "10.0.0.3", 2),
    (IPv4Range.from_mask("10.0.0.0", 30), "10.0.0.1", "10.0.0.3", 2),
    (IPv4Range("10.0.0.1", "10.0.0.9"), "10.0.0.1", "10.0.0.9", 9),
    (IPv4Range(b"10.0.0.1"), "10.0.0.1", "10.0.0.1", 1),
    (IPv6Address("2001:db8::1") / 64, "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 2**64 - 2),
    (IPv6Range("::1", "::5"), "::1", "::5", 5),
    (HWAddress("02:00:00:00:00:01") / 40, "02:00:00:00:00:01", "02:00:00:00:00:ff", 254),
    (HWRange("02:00:00:00:00:01", "02:00:00:00:01:00"), "02:00:00:00:00:01", "02:00:00:00:01:00", 256),
])
def test_ranges(made: Any, first: Any, last: Any, size: int) -> None:
    assert (made.first, made.last, made.size(), made.is_iterable()) == (first, last, size, True)
    assert first in made
    assert last in made
    members = iter(made)
    assert next(members) in made
    if size < 1000:
        assert len(list(made)) == size
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(pickle.loads(pickle.dumps(made))) == hash(made)


def test_a_range_without_hosts() -> None:
    network = IPv4Address("10.0.0.1") / 32
    assert not network.is_iterable()
    assert "10.0.0.2" not in network
    for operation in (list, IPv4Range.size):
        with pytest.raises(TypeError, match="not iterable"):
            operation(network)
    with pytest.raises(ValueError, match="comes before"):
        IPv4Range("10.0.0.2", "10.0.0.1")
    with pytest.raises(ValueError, match="from 0 to 32"):
        IPv4Address("10.0.0.1") / 33
