"""gofollow from Python, each way of using it a function named as its row."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cycapture import libtins
from report import Report, folder, packets

from gofollow import STOP, TCPStream, TCPStreamFollower, follow

Run = Callable[[Report | None], int]


class Callbacks:
    """Data and end callbacks of a script that reads the payloads at the end."""

    def __init__(self, report: Report | None) -> None:
        self.delivered = self.updates = 0
        self._report = report

    def updated(self, stream: TCPStream) -> None:
        self.updates += 1

    def ended(self, stream: TCPStream) -> None:
        self.delivered += len(stream.client_payload) + len(stream.server_payload)
        if self._report is not None:
            for sender, payload in (("client", stream.client_payload), ("server", stream.server_payload)):
                side = self._report.side(stream.client_addr, stream.client_port, sender)
                side.add(payload)
                gaps = getattr(stream, sender + "_gaps", None)  # the stream of the cycapture face has none
                side.gaps = None if gaps is None else sum(gap.length for gap in gaps)


def py_file(path: str) -> Run:
    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        with TCPStreamFollower(callbacks.updated, callbacks.ended) as follower:
            follower.feed_file(path)
        return callbacks.delivered

    return run


py_file_plain = py_file  # run.py has chosen the core's form by the name
py_memory_both = py_file


def py_file_end(path: str) -> Run:
    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        with TCPStreamFollower(None, callbacks.ended) as follower:
            follower.feed_file(path)
        return callbacks.delivered

    return run


def py_file_filtered(path: str) -> Run:
    def run(_: Report | None) -> int:
        callbacks = Callbacks(None)
        with TCPStreamFollower(callbacks.updated, callbacks.ended, filter="not tcp") as follower:
            follower.feed_file(path)
        return callbacks.delivered

    return run


def py_file_stopped(path: str) -> Run:
    def run(_: Report | None) -> int:
        with TCPStreamFollower(lambda stream: STOP, lambda stream: None) as follower:
            follower.feed_file(path)
        return 0

    return run


def py_file_new(path: str) -> Run:
    def run(report: Report | None) -> int:
        delivered = 0
        sides: dict[tuple[int, str | None], Any] = {}

        def updated(stream: TCPStream) -> None:
            nonlocal delivered
            data = stream.new_data
            delivered += len(data)
            if report is not None:
                key = stream.identifier, stream.direction
                if key not in sides:
                    sides[key] = report.side(stream.client_addr, stream.client_port, str(stream.direction))
                sides[key].add(data)

        with TCPStreamFollower(updated, keep_payload="none") as follower:
            follower.feed_file(path)
        return delivered

    return run


def py_file_bare(path: str) -> Run:
    def run(_: Report | None) -> int:
        with TCPStreamFollower(keep_payload="none") as follower:
            follower.feed_file(path)
        return 0

    return run


def py_follow(path: str) -> Run:
    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        for stream in follow(path):
            callbacks.ended(stream)
        return callbacks.delivered

    return run


py_memory = py_follow


def extract(path: str) -> Run:
    """Run the command: a file for each side, missing bytes left out."""

    def run(report: Report | None) -> int:
        with folder() as out:
            command = [sys.executable, "-m", "gofollow", "extract", "--gaps", "skip", path, "-o", str(out)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            if report is not None:
                for line in (out / "index.jsonl").read_text(encoding="utf-8").splitlines():
                    facts = json.loads(line)
                    for sender in ("client", "server"):
                        side = report.side(facts["client"]["address"], facts["client"]["port"], sender)
                        side.gaps = facts[sender]["missing"]
                        if facts[sender].get("file"):
                            side.add((out / facts[sender]["file"]).read_bytes())
            return sum(file.stat().st_size for file in out.iterdir() if file.name != "index.jsonl")

    return run


def _each(path: str, read: bool) -> Run:
    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)

        def updated(stream: TCPStream) -> None:
            callbacks.updates += 1
            if read:
                len(stream.server_payload)

        with TCPStreamFollower(updated, callbacks.ended) as follower:
            follower.feed_file(path)
        return callbacks.delivered

    return run


def py_unread(path: str) -> Run:
    return _each(path, False)


def py_read(path: str) -> Run:
    return _each(path, True)


# What is fed packet by packet. The packets are in memory before the clock runs.


def _fed(make: Callable[[list[tuple[int, int, bytes]]], Any], path: str, follower: Callable[..., Any], on_clock: bool = True) -> Run:
    """Return what feeds the PDUs that make makes of the packets."""
    read = list(packets(path))
    made = None if on_clock else make(read)

    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        native = follower(callbacks.updated, callbacks.ended)
        native.feed(make(read) if made is None else made)
        native.close()
        return callbacks.delivered

    return run


def _sniffed(read: Iterable[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, int, Any]]:
    """Do what a cycapture sniffer's iterator does that was given EthernetII.from_buffer."""
    for seconds, microseconds, data in read:
        yield seconds, microseconds, len(data), libtins.EthernetII.from_buffer(data)


def _generated(read: Iterable[tuple[int, int, bytes]]) -> Iterator[Any]:
    return (pdu for _, _, _, pdu in _sniffed(read))


def _listed(read: Iterable[tuple[int, int, bytes]]) -> list[Any]:
    return [libtins.EthernetII.from_buffer(data) for _, _, data in read]


def pdu_generator(path: str) -> Run:
    return _fed(_generated, path, libtins.TCPStreamFollower)


def pdu_generator_native(path: str) -> Run:
    return _fed(_generated, path, TCPStreamFollower)


def pdu_list(path: str) -> Run:
    return _fed(_listed, path, TCPStreamFollower, on_clock=False)


def pdu_list_made(path: str) -> Run:
    return _fed(_listed, path, TCPStreamFollower)


def pdu_list_cycapture(path: str) -> Run:
    return _fed(_listed, path, libtins.TCPStreamFollower, on_clock=False)


def dpkt_generator(path: str) -> Run:
    from dpkt.ethernet import Ethernet

    return _fed(lambda read: (Ethernet(data) for _, _, data in read), path, TCPStreamFollower)


def packet_loop(path: str) -> Run:
    read = list(packets(path))

    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        with TCPStreamFollower(callbacks.updated, callbacks.ended) as follower:
            for seconds, microseconds, data in read:
                follower.feed_packet(data, seconds + microseconds / 1e6)
        return callbacks.delivered

    return run


def packet_rows(path: str) -> Run:
    read = [(seconds + microseconds / 1e6, data) for seconds, microseconds, data in packets(path)]

    def run(report: Report | None) -> int:
        callbacks = Callbacks(report)
        with TCPStreamFollower(callbacks.updated, callbacks.ended) as follower:
            follower.feed_packets(read)
        return callbacks.delivered

    return run
