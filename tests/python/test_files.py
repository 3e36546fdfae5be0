"""Capture files, good and bad, and the command line."""

import bz2
import gzip
import io
import lzma
import os
import signal
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from frames import conversation, pcap

from gofollow import CaptureError, CaptureFileError, TCPStream, TCPStreamFollower, TruncatedCaptureWarning, events, follow

FRAMES = conversation([b"GET / HTTP/1.0\r\n\r\n"], [b"HTTP/1.0 200 OK\r\n\r\nhi\x00"])
GOOD = pcap(FRAMES)
WHOLE = [24 + sum(16 + len(frame) for frame in FRAMES[:count]) for count in range(len(FRAMES))]  # lengths at which nothing is cut


def test_feed_file_does_not_flush(tmp_path: Path) -> None:
    frames = conversation([b"a", b"b"], [b"A", b"B"])
    ended: list[Any] = []
    steps: list[Any] = []
    follower = TCPStreamFollower(None, ended.append)
    (tmp_path / "first").write_bytes(pcap(frames[:5]))
    follower.feed_file(tmp_path / "first", lambda *step: steps.append(step))
    assert ended == []
    follower.feed_file(io.BytesIO(pcap(frames[5:])), lambda *step: steps.append(step))
    assert len(ended) == 1
    assert ended[0].client_payload == b"ab"
    size = (tmp_path / "first").stat().st_size
    assert (5, size, size) in steps
    assert steps[-1][2] is None
    assert follower.packets == 10


def test_callback_error_within_a_file_leaves_a_usable_follower(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(GOOD)
    raising = [KeyError("once")]

    def data(stream: TCPStream) -> None:
        if raising:
            raise raising.pop()

    follower = TCPStreamFollower(data)
    for source in (tmp_path / "x", io.BytesIO(GOOD)):
        raising[:] = [KeyError("once")]
        with pytest.raises(KeyError):
            follower.feed_file(source)
        follower.feed_file(source if isinstance(source, Path) else io.BytesIO(GOOD))


@pytest.mark.parametrize("name", ["path", "object"])
@pytest.mark.parametrize(
    "data",
    [b"", b"plain text, as long as a header\n" * 3, GOOD + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0) + bytes(64)],
    ids=["empty", "text", "record of 4 GiB"],
)
def test_bad_capture(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / "x").write_bytes(data)
    source = tmp_path / "x" if name == "path" else io.BytesIO(data)
    ended = []
    with pytest.raises(CaptureError) as caught:
        for stream in follow(source):
            ended.append(stream)
    assert isinstance(caught.value, ValueError)
    assert len(ended) == (1 if data.startswith(GOOD[:100]) else 0)


@pytest.mark.parametrize("name", ["path", "object"])
def test_cut_capture(tmp_path: Path, name: str) -> None:
    for size in range(4, len(GOOD)):
        (tmp_path / "x").write_bytes(GOOD[:size])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ended = list(follow(tmp_path / "x" if name == "path" else io.BytesIO(GOOD[:size])))
        whole = size in WHOLE
        assert [warning.category for warning in caught] == ([] if whole else [TruncatedCaptureWarning])
        assert len(ended) == (size >= WHOLE[1])


PACKED = {
    "gzip": gzip.compress(GOOD),
    "gzip, two members": gzip.compress(GOOD[:300]) + gzip.compress(GOOD[300:]),
    "xz": lzma.compress(GOOD),
    "xz, two streams and padding": lzma.compress(GOOD[:300]) + bytes(8) + lzma.compress(GOOD[300:]),
    "bzip2": bz2.compress(GOOD),
    "bzip2, two streams": bz2.compress(GOOD[:300]) + bz2.compress(GOOD[300:]),
}
PACKED |= {path.suffix: path.read_bytes() for path in (Path(__file__).parents[1] / "data").glob("compressed.pcap.*")}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_compressed_captures(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "no ending says it"
    path.write_bytes(data)
    ((client, server),) = {(stream.client_payload, stream.server_payload) for stream in follow(path)}
    assert client.startswith(b"GET /")
    with path.open("rb") as buffered, path.open("rb", buffering=0) as raw:
        source: Any
        for source in (buffered, raw, io.BytesIO(data), Reads(*(data[i : i + 1] for i in range(len(data))), b"")):
            (stream,) = follow(source)
            assert (stream.client_payload, stream.server_payload) == (client, server)
    steps = []
    with TCPStreamFollower() as follower:
        follower.feed_file(path, lambda *step: steps.append(step))
    assert steps[-1] == (follower.packets, len(data), len(data))
    assert run("list", path)[:2] == run("list", "-", data=data)[:2]
    for part in (data[: len(data) // 2], data[:-1]):
        for source in (io.BytesIO(part), path):
            path.write_bytes(part)
            with pytest.warns(TruncatedCaptureWarning, match="cut short"):
                list(follow(source))
    with pytest.raises(CaptureError, match=r"not a capture format|text"):
        list(follow(io.BytesIO(data[:1])))


def test_compressed_capture_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; open(sys.argv[1], 'wb').write(bytes.fromhex(sys.argv[2]))", path, PACKED["xz"].hex()]
    ):
        (stream,) = follow(path)
    assert stream.close_reason == "fin"


def test_streams_of_a_pipe_come_before_its_end() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as other_end:
        other_end.write(GOOD)
        streams = []
        thread = threading.Thread(target=lambda: streams.append(next(follow(pipe))), daemon=True)
        thread.start()
        thread.join(20)
        assert [stream.close_reason for stream in streams] == ["fin"]


def test_non_blocking_pipe_without_data() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as other_end:
        other_end.write(GOOD[:-1])
        with pytest.raises(BlockingIOError):
            list(follow(pipe))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"snoop\0\0\0" + bytes(16), "snoop"),
        (b"\x34\xcd\xb2\xa1" + bytes(20), "Kuznetzov"),
        (b"<!DOCTYPE html><html><head><title>Sign in", "HTML"),
        (b"PK\x03\x04" + bytes(26), "zip"),
        (gzip.compress(gzip.compress(GOOD)), "gzip within"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_error_names_the_format(data: bytes, name: str) -> None:
    with pytest.raises(CaptureError, match=name):
        next(follow(io.BytesIO(data)))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        next(follow(tmp_path / "none"))
    assert isinstance(caught.value, CaptureFileError)
    assert caught.value.filename == str(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        next(events(tmp_path))
    if os.getuid():
        (tmp_path / "x").write_bytes(GOOD)
        (tmp_path / "x").chmod(0)
        with pytest.raises(PermissionError):
            next(follow(tmp_path / "x"))
    with pytest.raises(OSError):
        next(follow("a\0b"))
    with pytest.raises(TypeError):
        next(follow(5))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="binary"):
        next(follow(io.StringIO("text")))


def run(*arguments: object, data: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-m", "gofollow", *map(str, arguments)], input=data, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Reads:
    """A file object that gives these pieces; an exception among them is raised."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)

    def read(self, size: int) -> Any:
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece


def test_fault_of_a_file_object_comes_after_the_streams() -> None:
    for fault, error in ((OSError(5, "mine"), OSError), (EOFError("mine"), EOFError), (None, BlockingIOError)):
        ended = []
        with pytest.raises(error):
            for stream in follow(Reads(GOOD[:-200], fault)):  # type: ignore[arg-type]
                ended.append(stream)
        assert len(ended) == 1
        with TCPStreamFollower() as follower, pytest.raises(error):
            follower.feed_file(Reads(GOOD[:-200], fault))  # type: ignore[arg-type]


def test_pipe_and_device_given_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; open(sys.argv[1], 'wb').write(bytes.fromhex(sys.argv[2]))", path, GOOD.hex()]
    ):
        (stream,) = follow(path)
    assert stream.close_reason == "fin"
    with pytest.raises(CaptureError):
        next(follow("/dev/null"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_interrupt_while_waiting_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    script = "import signal, sys, gofollow\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nprint(flush=True)\n"
    script += "list(gofollow.follow(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()  # type: ignore[union-attr]
        with path.open("wb"):  # it was opened, and waits for data
            for _ in range(100):  # a signal that comes just before the read begins is not seen until another one does
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=0.3)
                    break
                except subprocess.TimeoutExpired:
                    pass
            else:
                process.kill()
                process.wait()
        assert process.returncode not in (0, -signal.SIGKILL)


def test_total_is_that_of_real_files_only(tmp_path: Path) -> None:
    path, packed = tmp_path / "x", tmp_path / "x.gz"
    path.write_bytes(b"12345" + GOOD)
    packed.write_bytes(gzip.compress(GOOD))
    steps = []
    unpacked: Any
    with TCPStreamFollower() as follower, path.open("rb") as plain, gzip.open(packed) as unpacked:
        plain.seek(5)
        follower.feed_file(plain, lambda *step: steps.append(step))
        follower.feed_file(unpacked, lambda *step: steps.append(step))
    assert [(done, total) for _, done, total in steps] == [(len(GOOD), len(GOOD)), (len(GOOD), None)]


def test_capture_error_of_a_callback_is_no_fault_of_the_capture() -> None:
    calls = []

    def data(stream: TCPStream) -> None:
        calls.append(stream)
        if len(calls) == 1:
            raise CaptureError("mine")

    follower = TCPStreamFollower(data)
    with pytest.raises(CaptureError, match="mine"):
        follower.feed_file(io.BytesIO(GOOD))
    assert len(calls) == 1
    follower.close()
    assert len(calls) == 2
