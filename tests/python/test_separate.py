"""The option separate: equal addresses and ports in two VLANs or tunnels."""

import copy
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain

import pytest
from frames import conversation, pcap

from gofollow import OptionError, TCPStream, TCPStreamFollower, events, follow

NETWORKS = [[], [5], [6], [5, 6], [6, 5]]
TEXTS = ["", "vlan:5", "vlan:6", "vlan:5/vlan:6", "vlan:6/vlan:5"]


def in_vlans(frame: bytes, vlans: list[int]) -> bytes:
    tags = b"".join(b"\x81\x00" + vlan.to_bytes(2, "big") for vlan in [0, *vlans])
    return frame[:12] + tags + frame[12:]


def mixed() -> bytes:
    """Return a capture of five conversations with the same addresses and ports, a packet of each in turn."""
    talks = [[in_vlans(f, vlans) for f in conversation([b"ask %d" % i], [b"answer %d" % i])] for i, vlans in enumerate(NETWORKS)]
    return pcap(list(chain.from_iterable(zip(*talks, strict=True))))


def followed_by_callbacks(data: bool) -> Iterator[TCPStream]:
    streams: list[TCPStream] = []
    seen: set[str] = set()
    with TCPStreamFollower((lambda s: seen.add(s.separation)) if data else None, streams.append, separate="vlan") as follower:
        follower.feed_file(io.BytesIO(mixed()))
    assert not data or seen == set(TEXTS)
    yield from streams


@pytest.mark.parametrize("how", ["follow", "end callback", "data callback"])
def test_streams(how: str) -> None:
    source = follow(io.BytesIO(mixed()), separate="vlan") if how == "follow" else followed_by_callbacks(how == "data callback")
    streams = list(source)
    assert [s.separation for s in streams] == TEXTS
    assert [(s.client_payload, s.server_payload) for s in streams] == [(b"ask %d" % i, b"answer %d" % i) for i in range(5)]
    assert all(s.clean for s in streams)
    assert [pickle.loads(pickle.dumps(s)).separation for s in streams] == [copy.copy(s).separation for s in streams] == TEXTS


@pytest.mark.parametrize("separate", ["none", "tunnel"])
def test_not_separated(separate: str) -> None:
    (stream,) = follow(io.BytesIO(mixed()), separate=separate)
    assert stream.separation == ""
    (stream,) = follow(io.BytesIO(mixed()))
    assert stream.separation == ""


def test_events() -> None:
    log = list(events(io.BytesIO(mixed()), separate="both"))
    assert [e.connection.separation for e in log if e.kind == "opened"] == TEXTS
    assert all(e.connection.separation == TEXTS[e.connection.id] for e in log)
    assert " start=syn separation=vlan:5/vlan:6 time=" in str(next(e for e in log if e.kind == "opened" and e.connection.id == 3))


def test_reset_text_beside_it() -> None:
    frames = [in_vlans(f, [9]) for f in conversation([b"ask"], [b"answer"], close=False)]
    reset = bytearray(frames[-1][:-6] + b"no more")
    reset[12 + 8 + 2 + 20 + 13] = 0x14
    reset[12 + 8 + 2 + 2 : 12 + 8 + 2 + 4] = (40 + 7).to_bytes(2, "big")
    sequence = slice(12 + 8 + 2 + 20 + 4, 12 + 8 + 2 + 20 + 8)
    reset[sequence] = (int.from_bytes(reset[sequence], "big") + 6).to_bytes(4, "big")
    closed = [e for e in events(io.BytesIO(pcap([*frames, bytes(reset)])), separate="vlan") if e.kind == "closed"]
    assert [(e.connection.reset_text, e.connection.separation) for e in closed] == [(b"no more", "vlan:9")]
    (stream,) = follow(io.BytesIO(pcap([*frames, bytes(reset)])), separate="vlan")
    assert (stream.close_reason, stream.separation) == ("rst", "vlan:9")


def test_option() -> None:
    with pytest.raises(OptionError, match="separate='mpls' is not possible: it must be one of 'none', 'vlan', 'tunnel', 'both'"):
        TCPStreamFollower(separate="mpls")
    assert TCPStream("10.0.0.1", "10.0.0.2", 1, 2, 0, True, b"", b"").separation == ""


def test_command() -> None:
    run = [sys.executable, "-m", "gofollow"]
    log = subprocess.run([*run, "events", "--separate", "vlan", "-"], input=mixed(), capture_output=True, check=True).stdout.decode()
    assert [line.split(" separation=")[1].split()[0] for line in log.splitlines() if " separation=" in line] == TEXTS[1:]
    rows = subprocess.run([*run, "list", "--json", "--separate", "vlan", "-"], input=mixed(), capture_output=True, check=True).stdout
    assert [json.loads(row)["separation"] for row in rows.splitlines()] == TEXTS
    text = subprocess.run([*run, "list", "--separate", "vlan", "-"], input=mixed(), capture_output=True, check=True).stdout.decode()
    assert ", vlan:5/vlan:6\n" in text
