"""cycapture's follower: what it takes, what its callbacks get, and the original's recorded callbacks."""

import os
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cycapture.libtins import IP, PDU, RAW, TCP, EthernetII, IPv4Address, TCPStream, TCPStreamFollower, _follower
from frames import conversation, read_pcap

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


@pytest.fixture
def natives(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    made = []

    class Native:
        def __init__(self, data: Any, end: Any, **options: Any) -> None:
            self.data, self.options = data, options
            self.fed: list[Any] = []
            made.append(self)

        def feed(self, pdus: Any) -> None:
            self.fed.append(pdus)
            if self.data and isinstance(pdus, (list, PDU)):
                self.data(TCPStream("10.0.0.2", "10.0.0.1", 4000, 80, 0, False, b"hi", b""))

    monkeypatch.setattr(_follower, "_native", Native)
    return made


def get_some_pdus() -> list[PDU]:
    return [EthernetII() / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hi")]


def test_documented_example(natives: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    pdus = get_some_pdus()
    assert(all([isinstance(pdu, PDU) for pdu in pdus]))  # noqa: C419
    def updated(stream: TCPStream) -> None:
        assert(isinstance(stream, TCPStream))
        print("Updated stream from {}:{} to {}:{}".format(stream.client_addr, stream.client_port, stream.server_addr, stream.server_port))  # noqa: UP032
    follower = TCPStreamFollower(updated, None)
    follower.feed(pdus)
    assert capsys.readouterr().out == "Updated stream from 10.0.0.2:4000 to 10.0.0.1:80\n"
    assert natives[0].options == {
        "midstream": False, "close_on": "first-fin", "idle_timeout": "never", "handshake_timeout": "never"
    }


def test_what_feed_takes(natives: list[Any]) -> None:
    follower = TCPStreamFollower()
    pdus = get_some_pdus()
    follower.feed(None)
    follower.feed(pdu_iterator=pdus)
    assert natives[0].fed == [None, pdus]
    with pytest.raises(TypeError, match="data_callback and end_callback must be callables"):
        TCPStreamFollower(5)  # type: ignore[arg-type]


def test_stream_made_by_hand() -> None:
    stream = TCPStream("10.0.0.1", "nonsense", 1, 2, 3, 1, b"a", b"b")
    assert stream.client_addr == "10.0.0.1"
    assert stream.server_addr is None
    assert stream.client_payload.tobytes() == b"a"
    with pytest.raises(AttributeError):
        stream.client_port = 5  # type: ignore[misc]


def whole(follower: Any = TCPStreamFollower) -> Any:
    try:
        follower()
    except (ImportError, OSError) as error:
        pytest.skip(f"gofollow's library is not built: {error}")
    return follower


def test_what_is_no_pdu_is_skipped() -> None:
    seen: list[Any] = []
    follower = whole()(None, seen.append)
    for nothing in (None, "abc", b"abc", [], [None, 5, "abc", TCP(), object()], TCP(), RAW(b"abc")):
        follower.feed(nothing)
    assert follower.packets == 0
    with pytest.raises(TypeError):
        follower.feed(5)
    pdus = [EthernetII.from_buffer(frame) for frame in conversation([b"ping"], [b"pong"])]
    follower.feed(pdus[0])
    follower.feed(iter([None, *pdus[1:]]))
    assert [(stream.client_payload, stream.server_payload, stream.finished) for stream in seen] == [(b"ping", b"pong", True)]


def test_what_is_fed_stays_as_it_is() -> None:
    pdus = [EthernetII.from_buffer(frame) for frame in conversation([b"ping"], [b"pong"])]
    made = [EthernetII() / IP("10.0.0.2", "10.0.0.1") / TCP(80, 4000) / RAW(b"made")]
    before = [pdu.serialize() for pdu in pdus + made]
    whole()(print).feed(pdus + made)
    assert [pdu.serialize() for pdu in pdus + made] == before
    assert pdus[3].rfind_pdu(RAW).payload == b"ping"


def test_a_packet_s_callbacks_run_before_the_next_is_asked_for() -> None:
    log: list[Any] = []

    def packets() -> Iterator[PDU]:
        for number, frame in enumerate(conversation([b"ping"], [b"pong"])):
            log.append(number)
            yield EthernetII.from_buffer(frame)

    whole()(lambda stream: log.append(bytes(stream.server_payload)), lambda stream: log.append("end")).feed(packets())
    assert log == [0, 1, 2, 3, b"", 4, b"pong", 5, "end", 6, 7]


def test_an_address_is_the_original_s() -> None:
    seen: list[Any] = []
    whole()(None, seen.append).feed(EthernetII.from_buffer(frame) for frame in conversation([b"a"], [b"b"]))
    stream = pickle.loads(pickle.dumps(seen[0]))
    for one in (seen[0], stream):
        assert (one.client_addr, one.server_addr, one.client_port, one.server_port) == ("10.0.0.1", IPv4Address("10.0.0.2"), 4000, 80)
        assert (one.identifier, one.finished, one.client_payload.tobytes()) == (0, True, b"a")
        with pytest.raises(AttributeError):
            one.finished = False


# The callbacks of the follower of libtins 4.0, around which the original was written, for two captures of tests/data (to be made
# anew with them): packet, client's bytes, server's; then the end's. One callback of each brought nothing (packets 30 and 16): a
# retransmission ended where the next byte was expected, which that follower took for new data of no bytes. Ours leaves it out.
RECORDED = {
    "lossy": ([(4, 9, 0), (6, 9, 1448), (28, 9, 7240), (30, 9, 7240), (32, 9, 20000), (36, 16, 20000)], (37, 16, 20000)),
    "reordered": (
        [(4, 9, 0), (6, 9, 1448), (13, 9, 7240), (15, 9, 8688), (16, 9, 8688), (18, 9, 10136), (20, 9, 11584), (29, 9, 17376),
         (31, 9, 18824), (33, 9, 20000), (42, 16, 20000)],
        (52, 16, 20000),
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_callbacks_of_lost_and_late_segments_are_the_original_s(name: str) -> None:
    fed, seen = 0, []

    def note(kind: str) -> Callable[[Any], None]:
        return lambda stream: seen.append(
            (kind, fed, stream.identifier, stream.finished, len(stream.client_payload), len(stream.server_payload))
        )

    follower = whole()(note("data"), note("end"))
    for _, frame, _ in read_pcap((DATA / f"{name}.pcap").read_bytes())[1]:
        fed += 1
        follower.feed(EthernetII.from_buffer(frame))
    data, (packet, *lengths) = RECORDED[name]
    new = [now for before, now in zip([(0, 0, 0), *data], data, strict=False) if before[1:] != now[1:]]
    assert len(new) == len(data) - 1
    assert seen == [*(("data", at, 0, False, client, server) for at, client, server in new), ("end", packet, 0, True, *lengths)]


def test_parity_with_the_recorded_original() -> None:
    shared = pathlib.Path(__file__).resolve().parents[3] / "shared"
    if not (shared / "parity" / "check.py").exists():
        print("../shared/parity is absent: nothing to compare with")
        return
    whole()
    folders = [str(shared / "parity"), str(shared / "captures"), str(shared / "parity")]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, str(shared / "parity" / "check.py"), *folders],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr
