"""cycapture's PDUs, IPReassembler and DNS given hostile packets, and used by several threads."""

import copy
import os
import pickle
import random
import struct
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from cycapture.libtins import (
    DNS,
    IP,
    PDU,
    RAW,
    TCP,
    UDP,
    Dot1Q,
    EthernetII,
    IPReassembler,
    IPSecAH,
    LibtinsException,
    MalformedPacket,
    PDUNotFound,
    TCPStreamFollower,
    _dns_names,
    _pdu,
    _reassembler,
)
from cycapture.libtins._network import IPv6
from hypothesis import given, settings
from hypothesis import strategies as st

SEGMENT = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x50, 16, 5, 0, 0) + b"hello"


def ip(payload: bytes, protocol: int) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return head + payload


def ipv6(payload: bytes, protocol: int) -> bytes:
    return struct.pack("!IHBB32x", 0x60000000, len(payload), protocol, 64) + payload


def ah(payload: bytes, protocol: int) -> bytes:
    return struct.pack("!BBHII", protocol, 1, 0, 1, 1) + payload


def tagged(count: int) -> bytes:
    return bytes(12) + b"\x81\0\0\1" * count + b"\x08\0" + ip(SEGMENT, 6)


def nested(wrap: Callable[[bytes, int], bytes], number: int) -> Callable[[int], bytes]:
    """Frames of count headers in one another, the outermost one IPv4."""

    def frame(count: int) -> bytes:
        data, protocol = SEGMENT, 6
        for _ in range(count - 1):
            data, protocol = wrap(data, protocol), number
        return bytes(12) + b"\x08\0" + ip(data, protocol)

    return frame


NESTED = {"vlan": tagged, "ipv4": nested(ip, 4), "ipv6": nested(ipv6, 41), "ah": nested(ah, 51)}


def layers(pdu: PDU | None) -> Iterator[Any]:
    while pdu is not None:
        yield pdu
        pdu = pdu.ref_inner_pdu()


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("count", [1, 5, 28, 29, 30, 31, 50, 200, 1000])
def test_layers_beyond_a_depth_are_raw(kind: str, count: int) -> None:
    frame = NESTED[kind](count)
    for pdu in (EthernetII.from_buffer(frame), EthernetII(buf=frame), EthernetII.from_buffer(memoryview(frame))):
        found = list(layers(pdu))
        assert len(found) <= _pdu._MOST_LAYERS
        assert isinstance(found[-1], RAW)
        # Ethernet, the headers, for tags IP, TCP, its data
        if count + 3 + (kind == "vlan") <= _pdu._MOST_LAYERS:
            assert pdu.rfind_pdu(TCP).dport == 2
            assert found[-1].payload == b"hello"
        else:
            assert len(found) == _pdu._MOST_LAYERS
            with pytest.raises(PDUNotFound):
                pdu.rfind_pdu(TCP)
            assert frame.endswith(found[-1].payload)
        assert pdu.__gofollow_frame__()[0] == frame  # type: ignore[index]
        assert pdu.copy() == pickle.loads(pickle.dumps(pdu)) == pdu


def test_a_frame_of_tags_costs_its_length_a_few_times() -> None:
    frame = tagged(16_000)
    tracemalloc.start()
    pdu = EthernetII.from_buffer(frame)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(layers(pdu))) == _pdu._MOST_LAYERS
    assert held < 3 * _pdu._MOST_LAYERS * len(frame)


def deep(count: int, layer: Callable[..., PDU]) -> Any:
    pdu = EthernetII("02:00:00:00:00:01", "02:00:00:00:00:02")
    outer = pdu
    for number in range(count):
        outer.set_inner_pdu(layer(number))
        outer = outer.ref_inner_pdu()  # type: ignore[assignment]
    outer.set_inner_pdu(IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hello"))
    return pdu


LAYERS = {
    "tag": lambda number: Dot1Q(number & 0xFFF, False),
    "padded tag": lambda number: Dot1Q(number & 0xFFF, True),
    "ipv4": lambda number: IP("10.0.0.3", "10.0.0.4"),
    "ipv6": lambda number: IPv6("::1", "::2"),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_thousand_layers_that_a_script_puts_in_one_another(layer: Callable[..., PDU]) -> None:
    pdu = deep(1000, layer)
    data = pdu.serialize()
    assert pdu.size == len(data)
    assert sum(1 for _ in layers(pdu)) == 1004
    assert data == pdu.serialize()
    assert pdu.find_pdu(TCP).dport == pdu.rfind_pdu("tcp").dport == 80
    assert pdu.rfind_pdu(RAW).payload == b"hello"
    for twin in (pdu.copy(), copy.copy(pdu), copy.deepcopy(pdu), pickle.loads(pickle.dumps(pdu))):
        assert twin == pdu
        twin.rfind_pdu(TCP).dport = 81
        assert twin != pdu
    assert pdu.rfind_pdu(TCP).dport == 80
    assert (EthernetII() / pdu.ref_inner_pdu()).rfind_pdu(TCP).dport == 80
    assert pdu.__gofollow_frame__()[0] == data


def test_a_thousand_layers_by_slashes() -> None:
    pdu = EthernetII()
    for number in range(1000):
        pdu = pdu / Dot1Q(number, False) if number % 100 == 0 else pdu.__itruediv__(Dot1Q(number, False))
    assert [layer.id for layer in list(layers(pdu))[1:]] == list(range(1000))
    assert len(pdu.serialize()) == 14 + 4000


def test_padding_is_what_it_was() -> None:
    pdu = EthernetII() / Dot1Q(1, True) / IP("10.0.0.1", "10.0.0.2") / UDP(1, 2) / RAW(b"x")
    assert pdu.ref_inner_pdu().trailer_size == 46 - 29  # type: ignore[union-attr]
    assert pdu.size == len(pdu.serialize()) == 14 + 4 + 46
    assert (EthernetII() / IP()).trailer_size == 46 - 20


# Threads


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads that take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(count: int, work: Callable[[int], None]) -> None:
    """Run work(number) in several threads at once; what they raise comes out."""
    faults = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_threads_that_decode_one_pdu_find_the_same_layers(switching: None) -> None:
    frame = bytes(12) + b"\x08\0" + ip(SEGMENT, 6)
    for _ in range(200):
        pdu: Any = EthernetII.from_buffer(frame)
        found: list[Any] = []

        def work(number: int, pdu: Any = pdu, found: list[Any] = found) -> None:
            assert pdu.copy().rfind_pdu(TCP).dport == 2
            found.append(pdu.rfind_pdu(TCP))
            assert pdu.payload_type == 0x800

        together(4, work)
        assert len(set(map(id, found))) == 1


def test_a_pdu_is_published_when_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread that asks in the midst of decoding gets the whole, and what a script then
    assigns stays.
    """
    pdu = EthernetII.from_buffer(bytes(12) + b"\x08\0" + ip(SEGMENT, 6))
    decode: Any = IP._decode
    others: list[Any] = []
    seen: list[Any] = []

    def slow(self: PDU, data: bytes) -> None:
        monkeypatch.setattr(IP, "_decode", decode)
        seen.append(pdu._head)
        assert pdu.copy().rfind_pdu(TCP).dport == 2
        other = threading.Thread(target=lambda: others.append(pdu.rfind_pdu(TCP)))
        other.start()
        seen.append(other)
        decode(self, data)

    monkeypatch.setattr(IP, "_decode", slow)
    ours = pdu.rfind_pdu(TCP)
    ours.dport = 3
    seen[1].join()
    assert seen[0] is None
    assert others[0] is ours
    assert pdu.rfind_pdu(TCP).dport == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_a_thread_decodes_can_decode() -> None:
    pdu = EthernetII.from_buffer(bytes(12) + b"\x08\0" + ip(SEGMENT, 6))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with _pdu._publishing:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        os._exit(pdu.rfind_pdu(TCP).dport)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


# IPReassembler


def fragment(offset: int, data: bytes, more: bool = True, ident: int = 7, protocol: int = 253, options: bytes = b"") -> IP:
    size, place = 20 + len(options), (0x2000 if more else 0) | offset // 8
    head = struct.pack("!BBHHHBBH", 0x40 + size // 4, 0, size + len(data), ident, place, 64, protocol, 0) + b"\x0a\0\0\1\x0a\0\0\2"
    return IP.from_buffer(head + options + data)


def feed(reassembler: Any, fragments: Iterable[Any]) -> tuple[list[str], PDU]:
    """The statuses, and the last PDU."""
    pdus = [fragment(*f) if isinstance(f, tuple) else f for f in fragments]
    return [reassembler.process(pdu).name for pdu in pdus], pdus[-1]


def test_a_longer_fragment_at_a_known_offset_is_kept() -> None:
    statuses, last = feed(IPReassembler(), [(0, b"A" * 8), (0, b"B" * 16), (16, b"C" * 5, False)])
    assert statuses == ["FRAGMENTED", "FRAGMENTED", "REASSEMBLED"]
    assert last.serialize()[20:] == b"A" * 8 + b"B" * 8 + b"C" * 5


def test_no_packet_is_longer_than_its_length_can_say() -> None:
    reassembler = IPReassembler()
    assert feed(reassembler, [(0, bytes(65512)), (65512, bytes(1000), False)])[0] == ["FRAGMENTED"] * 2
    statuses, last = feed(reassembler, [(65512, bytes(3), False)])
    assert statuses == ["REASSEMBLED"]
    assert len(last.serialize()) == 65535
    with_options = fragment(65512, bytes(3), False, options=b"\1" * 4)
    assert feed(reassembler, [(0, bytes(65512)), with_options])[0] == ["FRAGMENTED"] * 2
    # the header that the whole would get is the one of the fragment that completes it
    assert feed(reassembler, [(65512, bytes(3), False, 8), (8, bytes(65504), True, 8)])[0] == ["FRAGMENTED"] * 2
    with_options = fragment(0, bytes(8), True, 8, options=b"\1" * 4)
    assert feed(reassembler, [with_options])[0] == ["FRAGMENTED"]
    assert with_options.fragmented
    assert len(reassembler._packets) == 1


def test_what_is_kept_is_bounded() -> None:
    reassembler = IPReassembler()
    block = random.Random(1).randbytes(1480)
    tracemalloc.start()
    for ident in range(4):
        for offset in range(0, 65528, 256):
            reassembler.process(fragment(offset, block, True, ident))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4 * 100_000
    for ident in range(3000):
        reassembler.process(fragment(8, b"x" * 8, True, ident))
    assert len(reassembler._packets) == 1024


def test_a_packet_of_many_fragments_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = []
    whole = _reassembler._Fragments.whole
    monkeypatch.setattr(_reassembler._Fragments, "whole", lambda self: joined.append(1) or whole(self))  # type: ignore[func-returns-value]
    reassembler, data = IPReassembler(), random.Random(2).randbytes(64008)
    reassembler.process(fragment(64000, data[64000:], False))
    offsets = list(range(0, 64000, 8))
    random.Random(3).shuffle(offsets)
    pdus = [fragment(offset, data[offset : offset + 8]) for offset in offsets]
    assert {reassembler.process(pdu) for pdu in pdus[:-1]} == {IPReassembler.Status.FRAGMENTED}
    assert reassembler.process(pdus[-1]) == IPReassembler.Status.REASSEMBLED
    assert pdus[-1].serialize()[20:] == data
    assert joined == [1]
    assert not reassembler._packets


@given(st.data())
@settings(deadline=None)
def test_fragments_in_any_order_and_overlap_give_the_first_bytes(data: st.DataObject) -> None:
    """Against an array of single bytes that are set once."""
    length = data.draw(st.integers(9, 200))
    blocks = -(-length // 8)
    expected, known, reassembler = bytearray(length), [False] * blocks, IPReassembler()
    ends = False
    for number in range(200):
        first = data.draw(st.integers(0, blocks - 1)) if number < 20 else number % blocks
        count = data.draw(st.integers(1, blocks)) if number < 20 else 1
        last = first > 0 and first + count >= blocks
        end = length if last else min((first + count) * 8, (blocks - 1) * 8)
        if end <= first * 8:
            continue
        piece = bytes([number + 1]) * (end - first * 8)
        pdu = fragment(first * 8, piece, not last)
        status = reassembler.process(pdu)
        for block in range(first, -(-end // 8)):
            if not known[block]:
                known[block] = True
                expected[block * 8 : min(block * 8 + 8, length)] = bytes([number + 1]) * min(8, length - block * 8)
        ends = ends or last
        assert (status == IPReassembler.Status.REASSEMBLED) == (ends and all(known))
        if status == IPReassembler.Status.REASSEMBLED:
            assert pdu.serialize()[20:] == expected
            return
    raise AssertionError("never complete")


def test_the_first_last_fragment_tells_the_length() -> None:
    statuses, last = feed(IPReassembler(), [(16, b"A" * 3, False), (32, b"B" * 8, False), (0, b"C" * 16)])
    assert statuses == ["FRAGMENTED", "FRAGMENTED", "REASSEMBLED"]
    assert last.serialize()[20:] == b"C" * 16 + b"A" * 3


def test_a_fragment_that_is_no_multiple_of_eight_is_cut() -> None:
    statuses, last = feed(IPReassembler(), [(0, b"A" * 12), (8, b"B" * 8), (16, b"C", False)])
    assert statuses[-1] == "REASSEMBLED"
    assert last.serialize()[20:] == b"A" * 8 + b"B" * 8 + b"C"


def test_a_whole_that_is_malformed_leaves_the_fragment_as_it_is() -> None:
    reassembler, last = IPReassembler(), fragment(8, b"x", False, 7, 6)
    reassembler.process(fragment(0, bytes(8), True, 7, 6))
    with pytest.raises(MalformedPacket):
        reassembler.process(last)
    assert last.fragmented
    assert last.rfind_pdu(RAW).payload == b"x"


def test_reassembling_in_several_threads(switching: None) -> None:
    statuses, reassembler, complete = [], IPReassembler(), threading.Barrier(4)

    def work(number: int) -> None:
        for ident in range(300):
            statuses.append(reassembler.process(fragment(8 * number, bytes(8), number < 3, ident)))
        complete.wait()  # what comes now makes the oldest go
        for ident in range(1500):
            reassembler.process(fragment(8, bytes(8), True, number * 1500 + ident, 254))

    together(4, work)
    assert statuses.count(IPReassembler.Status.REASSEMBLED) == 300


def test_two_threads_that_complete_one_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first finds the packet complete: one of them gets it."""
    complete, statuses, others = _reassembler._Fragments.complete, [], []
    reassembler, again = IPReassembler(), [fragment(0, bytes(8)) for _ in range(2)]
    reassembler.process(fragment(8, b"x", False))

    def slow(self: Any) -> Any:
        monkeypatch.setattr(_reassembler._Fragments, "complete", complete)
        other = threading.Thread(target=lambda: statuses.append(reassembler.process(again[1])))
        others.append(other)
        other.start()
        other.join(0.1)  # ends only where nothing makes it wait
        return complete(self)

    monkeypatch.setattr(_reassembler._Fragments, "complete", slow)
    statuses.append(reassembler.process(again[0]))
    others[0].join()
    assert sorted(statuses) == [IPReassembler.Status.FRAGMENTED, IPReassembler.Status.REASSEMBLED]


# DNS


def chained(pointers: int) -> bytes:
    """A message whose second name is reached by so many pointers."""
    chain = b"\0" + b"".join(struct.pack("!H", 0xC000 | (23 if not i else 22 + 2 * i)) for i in range(pointers))
    first = b"\0" + struct.pack("!HHIH", 10, 1, 0, len(chain)) + chain
    return struct.pack("!HHHHHH", 1, 0x8000, 0, 2, 0, 0) + first + struct.pack("!HHHIH", 0xC000 | 22 + 2 * pointers, 10, 1, 0, 0)


def test_pointers_of_a_name_are_bounded() -> None:
    most = _dns_names._MOST_POINTERS
    assert [answer.name for answer in DNS.from_buffer(chained(most - 1)).get_answers()] == [b"", b""]
    for pointers in (most, 8100):
        with pytest.raises(MalformedPacket, match="more than 127 pointers"):
            DNS.from_buffer(chained(pointers)).get_answers()


def test_a_name_of_as_many_labels_as_can_be_is_read() -> None:
    """Each label alone, and a pointer to the one before."""
    records = b"\x01a\0" + b"".join(b"\x01b" + struct.pack("!H", 0xC000 | (12 if not i else 15 + 4 * (i - 1))) for i in range(126))
    assert _dns_names.decode_name(records, 3 + 4 * 125) == (b"b." * 126 + b"a", len(records))


# Followers


@pytest.mark.parametrize("operation", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_follower_cannot_be_copied(operation: Callable[[Any], Any]) -> None:
    try:
        follower = TCPStreamFollower()
    except (ImportError, OSError) as error:
        pytest.skip(f"gofollow's library is not built: {error}")
    with pytest.raises(TypeError, match="a TCPStreamFollower cannot be copied or pickled, since its connections"):
        operation(follower)


def test_a_hostile_frame_never_raises_but_what_scripts_catch() -> None:
    made = random.Random(4)
    seeds = [make(count) for make in NESTED.values() for count in (1, 3, 40)]
    for _ in range(3000):
        frame = bytearray(made.choice(seeds))
        for _ in range(made.randrange(4)):
            frame[made.randrange(len(frame))] = made.randrange(256)
        try:
            pdu = EthernetII.from_buffer(frame[: made.randrange(len(frame) + 1)])
        except LibtinsException:
            continue
        assert sum(1 for _ in layers(pdu)) <= _pdu._MOST_LAYERS


def test_authentication_headers_are_read() -> None:
    pdu = EthernetII.from_buffer(NESTED["ah"](3))
    assert [type(layer) for layer in layers(pdu)] == [EthernetII, IP, IPSecAH, IPSecAH, TCP, RAW]
