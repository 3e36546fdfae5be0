"""Live capture, over loopback; what needs the right to capture says in words that it did not run."""

import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import gofollow
from gofollow import CaptureFileError, OptionError, Sniffer, TCPStream, UsageError, sniff


def why_not() -> str | None:
    """Return why nothing can be captured here, None if it can."""
    try:
        sniff("lo").close()
    except (gofollow.GofollowError, OSError) as error:
        return str(error)
    return None


WHY_NOT = why_not()
live = pytest.mark.skipif(WHY_NOT is not None, reason=f"not run: {WHY_NOT}")


@contextmanager
def server(answer: bytes, times: int = 1) -> Iterator[int]:
    """Give the port at which every connection gets an answer, so many times, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                with connection:
                    question = connection.recv(100)
                    if question == b"stop":
                        return
                    for _ in range(1 if question == b"once" else times):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield (port := listening.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as last:
            last.sendall(b"stop")
        thread.join()


def ask(port: int, question: bytes) -> None:
    """Read the answer, and forget it."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(question)
        while connection.recv(1 << 20):
            pass


@live
def test_finished_streams_of_an_interface() -> None:
    with server(b"pleased to meet you") as port, sniff("lo", bpf=f"tcp port {port}") as sniffer:
        thread = threading.Thread(target=lambda: [*map(ask, [port] * 3, [b"hello %d" % number for number in range(3)])])
        thread.start()
        streams = iter(sniffer)
        found = [next(streams) for _ in range(3)]
        thread.join()
        assert [stream.client_payload for stream in found] == [b"hello 0", b"hello 1", b"hello 2"]
        assert {(s.server_payload, s.server_port, s.close_reason) for s in found} == {(b"pleased to meet you", port, "fin")}
        assert all(stream.opened_at is not None and stream.opened_at > 1_700_000_000 for stream in found)
        assert sniffer.statistics.followed.opened == 3
        sniffer.stop()
        assert list(streams) == []
        assert sniffer.statistics.received >= 3 * 8
    assert sniffer.statistics.followed.opened == 3
    sniffer.close()
    with pytest.raises(UsageError):
        sniffer._stopping = False
        sniffer.run()


@live
def test_callbacks_and_stop_from_anywhere() -> None:
    calls: list[bytes] = []

    def data(stream: TCPStream) -> None:
        calls.append(stream.new_data)
        if stream.direction == "server":
            sniffer.stop()

    ended: list[str | None] = []
    with server(b"answer") as port, sniff("lo", data, lambda stream: ended.append(stream.close_reason), bpf=f"tcp port {port}") as sniffer:
        thread = threading.Thread(target=ask, args=(port, b"question"))
        thread.start()
        sniffer.run()
        thread.join()
    assert calls == [b"question", b"answer"]
    assert ended == ["flush"]
    with sniff("lo", bpf="tcp port 1") as quiet:
        thread = threading.Thread(target=quiet.run)
        thread.start()
        quiet.stop()
        thread.join(60)
        assert not thread.is_alive()


@live
def test_an_exception_of_a_callback_leaves_the_rest_for_the_next_run() -> None:
    calls: list[bytes] = []

    def data(stream: TCPStream) -> None:
        calls.append(stream.new_data)
        if len(calls) == 1:
            raise KeyError("mine")

    def end(stream: TCPStream) -> None:
        sniffer.stop()

    with server(b"answer") as port, sniff("lo", data, end, bpf=f"tcp port {port}") as sniffer:
        ask(port, b"question")
        with pytest.raises(KeyError):
            sniffer.run()
        sniffer.run()
    assert calls == [b"question", b"answer"]


@live
def test_timeouts_tick_without_packets() -> None:
    ended: list[str | None] = []

    def end(stream: TCPStream) -> None:
        ended.append(stream.close_reason)
        sniffer.stop()

    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        sniff("lo", None, end, bpf=f"tcp port {listening.getsockname()[1]}", idle_timeout=0.1) as sniffer,
        socket.create_connection(listening.getsockname()) as connection,
    ):
        connection.sendall(b"and then nothing")
        sniffer.run()
    assert ended == ["timeout"]


def transfer(megabytes: int) -> gofollow.SnifferStatistics:
    """Follow a transfer over loopback: it arrives whole, or the kernel counts what it dropped. Return the counts."""
    answer = bytes(range(256)) * 4096
    size = megabytes * len(answer)
    wanted = 0
    for _ in range(megabytes):
        wanted = zlib.crc32(answer, wanted)
    checksum, ended = 0, []

    def data(stream: TCPStream) -> None:
        nonlocal checksum
        if stream.direction == "server" and stream.identifier == 0:
            checksum = zlib.crc32(stream.new_data, checksum)

    def end(stream: TCPStream) -> None:
        ended.append(stream)
        if stream.identifier:
            sniffer.stop()

    with server(answer, megabytes) as port, sniff("lo", data, end, bpf=f"tcp port {port}", keep_payload="none") as sniffer:

        def talk() -> None:
            ask(port, b"all of it")
            while not sniffer._stopping:  # the packets that end a connection may be dropped, too
                ask(port, b"once")

        thread = threading.Thread(target=talk)
        thread.start()
        sniffer.run()
        thread.join()
    (stream,) = [stream for stream in ended if stream.identifier == 0]
    counters = stream.server_counters
    assert counters is not None
    if sniffer.statistics.dropped:
        told = counters.bytes + counters.gap_bytes
        # An ACK of a FIN that was dropped has one number more, which cannot be told from a byte.
        assert told in (size, size + 1) or (told < size and stream.close_reason == "flush")
    else:
        assert (counters.bytes, counters.gap_bytes, stream.close_reason) == (size, 0, "fin")
        assert checksum == wanted
    return sniffer.statistics


@live
@pytest.mark.parametrize("megabytes", [5, 50])
def test_a_transfer_arrives_whole_or_its_drops_are_counted(megabytes: int) -> None:
    transfer(megabytes)


@live
def test_what_is_wrong_is_said() -> None:
    with pytest.raises(CaptureFileError, match=r"no interface of that name; there are .*lo"):
        sniff("nothing0")
    with pytest.raises(OptionError, match="not a valid filter"):
        sniff("lo", bpf="tcp prot 80")
    with pytest.raises(OptionError, match="did you mean idle_timeout"):
        sniff("lo", idle_time=3)  # type: ignore[call-arg]
    for wrong in (0, -1, True, 1 << 40, "1"):
        with pytest.raises(OptionError, match="snap_length"):
            sniff("lo", snap_length=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by its name"):
        sniff(5)  # type: ignore[arg-type]


@live
def test_without_the_right_to_capture() -> None:
    program = (
        "import os; os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "try:\n  gofollow.sniff('lo')\n"
        "except gofollow.errors.CapturePermissionError as error: print(type(error).__mro__.index(PermissionError) > 0, error)\n"
    )
    # Everything is loaded before the rights go, for another user may not read it.
    program = f"import gofollow, pcapy; gofollow.sniff; gofollow._native.library()\n{program}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("True "), done.stderr
    assert "run as root" in done.stdout
    assert "setcap" in done.stdout


def test_sniff_needs_no_cycapture() -> None:
    program = "import sys, gofollow\ngofollow.sniff, gofollow.afollow\nprint('cycapture' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"


def test_without_pcapy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pcapy", None)
    with pytest.raises(ImportError, match=r"gofollow\[capture\]"):
        sniff("lo")


def test_a_sniffer_has_a_type() -> None:
    assert gofollow.Sniffer is Sniffer
