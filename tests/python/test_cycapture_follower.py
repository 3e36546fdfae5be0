"""cycapture's follower around a stand-in for gofollow's, which knows no TCP: what is converted and what is refused."""

import os
import pathlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
from cycapture.libtins import IP, PDU, RAW, TCP, EthernetII, TCPStream, TCPStreamFollower, _follower


@pytest.fixture
def natives(monkeypatch):
    made = []

    class Native:
        def __init__(self, data, end, **options):
            self.data, self.options, self.frames = data, options, []
            made.append(self)

        def feed_packet(self, frame, timestamp=None, link_type=1):
            self.frames.append((link_type, frame))
            if self.data:
                self.data(SimpleNamespace(client_addr="10.0.0.2", server_addr="10.0.0.1", client_port=4000, server_port=80,
                                          identifier=0, finished=False, client_payload=b"hi", server_payload=b""))

    monkeypatch.setattr(_follower, "_native", Native)
    return made


def get_some_pdus():
    return [EthernetII() / IP("10.0.0.1", "10.0.0.2") / TCP(80, 4000) / RAW(b"hi")]


def test_documented_example(natives, capsys):
    pdus = get_some_pdus()
    assert(all([isinstance(pdu, PDU) for pdu in pdus]))  # noqa: C419
    def updated(stream):
        assert(isinstance(stream, TCPStream))
        print("Updated stream from {}:{} to {}:{}".format(stream.client_addr, stream.client_port, stream.server_addr, stream.server_port))  # noqa: UP032
    follower = TCPStreamFollower(updated, None)
    follower.feed(pdus)
    assert capsys.readouterr().out == "Updated stream from 10.0.0.2:4000 to 10.0.0.1:80\n"
    assert natives[0].options == {"midstream": False, "close_on": "first-fin"}


def test_what_feed_takes(natives):
    follower = TCPStreamFollower()
    follower.feed(None)
    follower.feed("abc")
    assert natives[0].frames == []
    follower.feed(pdu_iterator=get_some_pdus()[0])
    assert len(natives[0].frames) == 1
    with pytest.raises(TypeError):
        follower.feed(5)
    with pytest.raises(TypeError, match="data_callback and end_callback must be callables"):
        TCPStreamFollower(5)


def test_stream_made_by_hand():
    stream = TCPStream("10.0.0.1", "nonsense", 1, 2, 3, 1, b"a", b"b")
    assert stream.client_addr == "10.0.0.1"
    assert stream.server_addr is None
    assert stream.client_payload.tobytes() == b"a"
    with pytest.raises(AttributeError):
        stream.client_port = 5


def test_parity_with_the_recorded_original():
    shared = pathlib.Path(__file__).resolve().parents[3] / "shared"
    if not (shared / "parity" / "check.py").exists():
        print("../shared/parity is absent: nothing to compare with")
        return
    try:
        TCPStreamFollower()
    except (ImportError, OSError) as error:
        pytest.skip(f"gofollow's library is not built: {error}")
    folders = [str(shared / "parity"), str(shared / "captures"), str(shared / "parity")]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, str(shared / "parity" / "check.py"), *folders],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr
