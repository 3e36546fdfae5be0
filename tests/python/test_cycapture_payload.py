"""The payload of cycapture's streams: bytes for all that a script can tell, and no copy of everything at each reading."""

import copy
import hashlib
import io
import json
import pickle
import re
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cycapture.libtins import EthernetII, TCPStream, TCPStreamFollower, _payload
from frames import conversation
from hypothesis import given
from hypothesis import strategies as st

DATA = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"


def payload(data: bytes = DATA) -> Any:
    return TCPStream("10.0.0.1", "10.0.0.2", 4000, 80, 0, True, data, b"").client_payload


def test_it_is_bytes() -> None:
    made = payload()
    assert isinstance(made, bytes)
    assert made == DATA
    assert made != b"other"
    assert made.tobytes() == DATA  # type: ignore[attr-defined]
    assert type(made.tobytes()) is type(bytes(made)) is bytes  # type: ignore[attr-defined]
    assert (len(made), made[0], made[-2:], made[::2], list(made)) == (len(DATA), DATA[0], DATA[-2:], DATA[::2], list(DATA))
    assert b"Host" in made
    assert 71 in made
    assert made.startswith((b"GET", b"POST"))
    assert made.find(b"Host") == DATA.find(b"Host")
    assert made.decode() == DATA.decode()
    assert (hash(made), repr(made), str(made), f"{made}") == (hash(DATA), repr(DATA), str(DATA), f"{DATA}")  # type: ignore[str-bytes-safe]
    assert {made: 1}[DATA] == 1
    assert made < b"H" < made + b"x" + b"H" or made < b"H"
    assert bool(made)
    assert not payload(b"")


@pytest.mark.parametrize("expression", [
    "p + b'x'", "b'x' + p", "p * 2", "2 * p", "p[3:9]", "p.split(b'\\r\\n')", "p.partition(b' ')", "p.rpartition(b' ')", "p.splitlines()",
    "p.strip()", "p.replace(b'GET', b'PUT')", "p.upper()", "p.lower()", "p.removeprefix(b'GET')", "p.center(90)", "p.join([b'a', b'b'])",
    "b''.join([p, p])", "p.translate(None, b'e')", "b'%s' % p", "b'<%b>' % (p,)", "p.title()", "p.rsplit(None, 1)", "p.hex(' ')",
    "p.zfill(99)", "p.expandtabs()", "p.ljust(99)", "p.count(b'e')", "p.index(b'H')", "p.isascii()", "b'G'.join([p, p])", "p.swapcase()",
    "p.capitalize()", "sorted(p)", "max(p)", "b'GET' in p", "p in b'_' + p", "p.endswith(b'n')", "p == p[:]", "p.removesuffix(b'n')",
])
def test_an_expression_gives_what_bytes_give(expression: str) -> None:
    ours, theirs = (eval(expression, {"p": p}) for p in (payload(), DATA))
    assert ours == theirs
    assert type(ours) is type(theirs)
    if isinstance(ours, (list, tuple)):
        assert [type(part) for part in ours] == [type(part) for part in theirs]


def test_it_goes_wherever_bytes_go(tmp_path: Path) -> None:
    made = payload()
    (tmp_path / "x").write_bytes(made)
    assert (tmp_path / "x").read_bytes() == DATA
    assert re.search(rb"Host: (\S+)", made).group(1) == b"example.com"  # type: ignore[union-attr]
    assert hashlib.sha256(made).digest() == hashlib.sha256(DATA).digest()
    assert struct.unpack_from("!I", made) == struct.unpack_from("!I", DATA)
    assert io.BytesIO(made).readline() == b"GET / HTTP/1.1\r\n"
    assert str(made, "ascii") == DATA.decode()
    assert json.loads(payload(b'{"a": 1}')) == {"a": 1}
    assert int(payload(b"42")) == int.from_bytes(payload(b"*"), "big") == 42
    assert memoryview(made) == DATA
    assert bytearray(made) == DATA
    for twin in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert twin == DATA
        assert type(twin) is bytes


def test_nothing_of_it_can_be_changed() -> None:
    made = payload()
    for name in ("append", "extend", "clear", "insert", "pop", "remove", "reverse", "copy"):
        assert not hasattr(made, name), name
    with pytest.raises(TypeError):
        made[0] = 1
    with pytest.raises(TypeError):
        del made[0]
    other = made
    other += b"more"
    other *= 2
    assert (made, type(other)) == (DATA, bytes)
    assert set(dir(bytes)) <= set(dir(made))


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.sampled_from(["let go", "held", "viewed", "not read"])), max_size=20))
def test_what_was_read_never_changes(steps: list[Any]) -> None:
    kept, sent, held = _payload.Kept(), b"", []
    for data, use in steps:
        sent += data
        now = sent
        if use == "not read":
            continue
        read = kept.read(lambda now=now: now)  # type: ignore[misc]
        assert read == read.tobytes() == now
        if use != "let go":
            held.append((read if use == "held" else memoryview(read), now))
        del read
        assert all(value == then for value, then in held)
    if sent:
        older = kept.read(lambda: sent[:1])
        assert older == sent[:1]
        assert kept.read(lambda: sent) == sent


def follow(callback: Callable[[TCPStream], None]) -> None:
    requests = [b"%d" % number for number in range(200)]
    follower = TCPStreamFollower(callback)
    follower.feed([EthernetII.from_buffer(frame) for frame in conversation(requests, [b"x" * 100] * len(requests))])


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the payloads that were made by copying everything."""
    lengths = []
    made = _payload.made

    def counting(data: bytes, share: Any = None) -> Any:
        lengths.append(len(data))
        return made(data, share)

    monkeypatch.setattr(_payload, "made", counting)
    return lengths


def test_reading_in_every_callback_copies_what_is_new(copies: list[int]) -> None:
    seen = []
    follow(lambda stream: seen.append((len(stream.client_payload), len(stream.server_payload.tobytes()), b"z" in stream.server_payload)))
    assert seen[-1] == (490, 20000, False)
    assert len(seen) == 400
    assert sum(copies) == 0


def test_what_a_script_keeps_is_copied_and_stays(copies: list[int]) -> None:
    held = []
    follow(lambda stream: held.append((stream.server_payload, len(stream.server_payload))))
    assert all(len(payload) == length for payload, length in held)
    assert held[-1][1] == 20000
    assert copies.count(20000) == 1


def test_a_kept_stream_stays_readable() -> None:
    held: list[Any] = []
    follow(held.append)
    assert [len(stream.server_payload) for stream in held] == [100 * ((number + 1) // 2) for number in range(400)]
    assert held[0]._extra(1)[0].extra is False


def test_another_thread_reading_meanwhile_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, others = _payload.Kept(), []
    count = _payload._getrefcount

    def interrupted(payload: bytes) -> int:
        monkeypatch.setattr(_payload, "_getrefcount", count)
        other = threading.Thread(target=lambda: others.append(kept.read(lambda: DATA)), daemon=True)
        other.start()
        other.join(10)
        return _payload._ALONE

    monkeypatch.setattr(_payload, "_getrefcount", interrupted)
    assert kept.read(lambda: DATA[:4]) == DATA[:4]
    assert others == [DATA]
    assert kept.read(lambda: DATA) == DATA


def test_a_payload_that_a_script_keeps_does_not_keep_the_side() -> None:
    kept = _payload.Kept()
    first = kept.read(lambda: DATA[:4])
    last = kept.read(lambda: DATA)
    older = kept.read(lambda: DATA[:2])
    assert (first.tobytes(), last.tobytes(), older.tobytes()) == (DATA[:4], DATA, DATA[:2])
    assert first._share is None
    assert last._share is not None
    assert older._share is None

    held = []
    follow(lambda stream: held.append(stream.server_payload))
    assert len(held[-1].tobytes()) == 20000
    assert [payload for payload in held if payload._share is not None] == []
