"""Keys of frames and datagrams made of fragments: what many machines need."""

import random
import struct
from collections import defaultdict

import pytest
from frames import CLIENT, conversation
from gofollow._flows import LINK_DATAGRAM, Defragmenter, flow_keys
from gofollow.errors import PacketTooLargeError, UsageError

from gofollow import OptionError, TCPStreamFollower


def cut(frame: bytes, number: int, piece: int) -> list[bytes]:
    """Return an Ethernet frame with IPv4 in fragments of so many bytes."""
    ether, header, data = frame[:14], frame[14:34], frame[34:]
    fragments = []
    for at in range(0, len(data), piece):
        part = data[at : at + piece]
        flags = at // 8 | (0x2000 if at + piece < len(data) else 0)
        fragments.append(ether + header[:2] + struct.pack("!HHH", 20 + len(part), number, flags) + header[8:] + part)
    return fragments


def test_both_directions_have_one_key() -> None:
    frames = conversation([b"ask"], [b"answer"]) + conversation([b"ask"], [b"answer"], ("10.0.0.1", 4001)) + [b"no frame", b""]
    found = flow_keys([memoryview(frame) for frame in frames], 1)
    half = len(conversation([b""], [b""]))
    assert found.depths == [None] * len(frames)
    assert len(set(found.keys[:half])) == len(set(found.keys[half : 2 * half])) == 1
    assert found.keys[0] != found.keys[half]
    assert all(key is None or -(1 << 63) <= key < 1 << 63 for key in found.keys)
    assert found.keys[-2:] == [None, None]
    assert flow_keys(frames[:3] + [frame[14:] for frame in frames[:3]], [1] * 3 + [101] * 3).keys == [found.keys[0]] * 6
    assert flow_keys([], 1) == ([], [])


def test_more_frames_than_one_batch_holds() -> None:
    frames = conversation([b"x"] * 1500, [b"y"] * 1500)
    assert len(set(flow_keys(frames, 1).keys)) == 1


def test_what_separates_counts() -> None:
    frame = conversation([b""], [b""])[0]
    tagged = [frame[:12] + b"\x81\x00" + struct.pack("!H", vlan) + frame[12:] for vlan in (5, 6)]
    assert len(set(flow_keys(tagged, 1).keys)) == 1
    assert len(set(flow_keys(tagged, 1, separate="vlan").keys)) == 2
    with pytest.raises(OptionError, match="separate='vlans'"):
        flow_keys(tagged, 1, separate="vlans")


def test_a_frame_that_is_too_large() -> None:
    with pytest.raises(PacketTooLargeError, match="16777216"):
        flow_keys([bytes((16 << 20) + 1)], 1)


def test_distributed_fragments_give_what_a_follower_makes_of_them() -> None:
    source = random.Random(1)
    rows: list[tuple[int, bytes]] = []
    for client in range(20):
        talk = conversation([source.randbytes(3000)], [source.randbytes(5000)], (CLIENT[0], 5000 + client))
        for number, frame in enumerate(talk):
            rows += [(0, part) for part in (cut(frame, 1 + client * 100 + number, 1480) if len(frame) > 1500 else [frame])]
    rows = [(1_700_000_000_000_000_000 + at * 1000, frame) for at, (_, frame) in enumerate(rows)]

    def streams(items: list[tuple[int, bytes, int, int]]) -> list[tuple[object, ...]]:
        ended: list[tuple[object, ...]] = []
        follower = TCPStreamFollower(
            end_callback=lambda stream: ended.append((stream.client_port, stream.client_payload, stream.server_payload, stream.closed_at))
        )
        follower.feed_packets(items, unit="ns")
        follower.close()
        return sorted(ended)

    want = streams([(time_ns, frame, len(frame), 1) for time_ns, frame in rows])
    assert len(want) == 20
    found = flow_keys([frame for _, frame in rows], 1)
    assert found.depths.count(0) > 100
    shards: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    items = []
    for row, key, depth in zip(rows, *found, strict=True):
        assert key is not None
        if depth is not None:
            shards[key].append(row)
        else:
            items.append((row[0], row[1], len(row[1]), 1))
    for shard in shards.values():
        with Defragmenter() as defragmenter:
            whole = defragmenter.feed([frame for _, frame in shard], [1] * len(shard), [time_ns for time_ns, _ in shard])
            assert [(one.completed_by, one.time_ns, one.link_type) for one in whole] == [(len(shard) - 1, shard[-1][0], LINK_DATAGRAM)]
            assert defragmenter.statistics().datagrams == 1
            items += [(one.time_ns or 0, one.data, one.wire_length, one.link_type) for one in whole]
    assert len(set(flow_keys([item[1] for item in items], [item[3] for item in items]).keys)) == 20
    assert streams(sorted(items)) == want


def test_what_is_not_whole() -> None:
    first, *rest = cut(conversation([bytes(3000)], [b""])[3], 7, 1480)
    defragmenter = Defragmenter(separate="both")
    assert defragmenter.feed([first], 1, [None]) == []
    defragmenter.flush()
    assert defragmenter.statistics().fragments_expired == 1
    assert defragmenter.feed(rest, 1, [None] * len(rest)) == []
    (plain,) = defragmenter.feed([b"no fragment"], 1, [5])
    assert plain == (0, 5, b"no fragment", 11, 1)
    defragmenter.close()
    defragmenter.close()
    with pytest.raises(UsageError):
        defragmenter.feed([first], 1, [None])
