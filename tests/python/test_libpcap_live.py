"""Sniffers on the loopback interface with real traffic; and what is said where capturing is not possible."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pcapy", reason="pcapy-ng is not installed")

from cycapture.libpcap import (
    ActivationError,
    BlockingSniffer,
    NonBlockingSniffer,
    PcapException,
    PermissionDenied,
    SetMonitorModeError,
    lookupdev,
    lookupnet,
)
from cycapture.libpcap import findalldevs as interfaces
from cycapture.libtins import IP, RAW, SLL, UDP, EthernetII, NetworkInterface

import gofollow


def why_not() -> str | None:
    if sys.platform != "linux":
        return "the tests of live sniffing are for Linux"
    try:
        assert BlockingSniffer("lo").datalink[0] == 1
    except PermissionDenied:
        return "no permission to capture (root or CAP_NET_RAW)"
    except PcapException as error:
        return f"no loopback interface: {error}"
    return None


REASON = why_not()
live = pytest.mark.skipif(REASON is not None, reason=f"not run: {REASON}")


class Sender:
    """UDP datagrams over loopback, to a port that only this object has; `filter` takes just them."""

    def __init__(self) -> None:
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind(("127.0.0.1", 0))
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect(self.receiver.getsockname())
        self.filter = f"udp and dst port {self.receiver.getsockname()[1]}"

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.sender.close()
        self.receiver.close()

    def send(self, *payloads: bytes) -> None:
        for payload in payloads:
            self.sender.send(payload)


@pytest.fixture
def sender() -> Iterator[Sender]:
    with Sender() as sender:
        yield sender


def sniffer_for(sender: Sender, cls: Any = BlockingSniffer, **settings: Any) -> Any:
    sniffer = cls("lo", read_timeout=20, **{"snapshot_length": 262144, **settings})
    sniffer.filter = sender.filter
    return sniffer


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


class Meanwhile:
    """Does something in another thread as soon as a sniffer listens."""

    def __init__(self, sniffer: Any, action: Any) -> None:
        self.sniffer, self.action = sniffer, action
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        wait_until(lambda: self.sniffer.activated)
        self.action()

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.thread.join()


def payload_of(frame: Any) -> Any:
    return EthernetII.from_buffer(frame).rfind_pdu(RAW).payload


@live
def test_iterator(sender: Sender) -> None:
    before = int(time.time())
    payloads = [b"one", b"two" * 1000, b"three"]
    with sniffer_for(sender).iterator(lambda buf: EthernetII.from_buffer(buf), 3) as packets:
        sender.send(*payloads, b"not asked for")
        got = list(packets)
    assert [pdu.rfind_pdu(RAW).payload for *_, pdu in got] == payloads
    assert [length for _, _, length, _ in got] == [42 + len(payload) for payload in payloads]
    assert all(before <= sec <= before + 60 and 0 <= usec < 1_000_000 for sec, usec, _, _ in got)
    assert got[0][3].rfind_pdu(IP).dst_addr == "127.0.0.1"


@live
def test_callback_and_statistics(sender: Sender) -> None:
    sniffer = sniffer_for(sender, snapshot_length=100)
    seen = []

    def callback(sec: int, usec: int, length: int, packet: bytes) -> None:
        seen.append((length, len(packet), sniffer.activated, sniffer.ps_recv > 0))

    with Meanwhile(sniffer, lambda: sender.send(b"x" * 500, b"y")):
        sniffer.sniff_callback(callback, max_p=2)
    assert seen == [(542, 100, True, True), (43, 43, True, True)]
    assert sniffer.total == 2
    assert sniffer.ps_recv >= 2
    assert (sniffer.ps_drop, sniffer.ps_ifdrop) == (0, 0)
    assert not sniffer.activated


@live
def test_store_and_export(sender: Sender, tmp_path: Path) -> None:
    sniffer = sniffer_for(sender)
    packets: deque[Any] = deque()
    with Meanwhile(sniffer, lambda: sender.send(b"a", b"b")):
        sniffer.sniff_and_store(packets, payload_of, 2)
    assert [item for *_, item in packets] == [b"a", b"b"]
    with Meanwhile(sniffer, lambda: sender.send(b"c", b"d")):
        sniffer.sniff_and_export(tmp_path / "x.pcap", 2)
    stored: list[Any] = []
    BlockingSniffer(filename=tmp_path / "x.pcap").sniff_and_store(stored, payload_of)
    assert [item for *_, item in stored] == [b"c", b"d"]


@live
def test_filter_can_be_changed_while_sniffing(sender: Sender) -> None:
    sniffer = sniffer_for(sender)
    with sniffer.iterator(payload_of) as packets:
        sniffer.filter = "tcp and src port 1"
        sender.send(b"not seen")
        with pytest.raises(PcapException, match=r"syntax|parse"):
            sniffer.filter = "nonsense and"
        assert sniffer.filter == b"tcp and src port 1"
        sniffer.filter = sender.filter
        sender.send(b"seen")
        assert next(packets)[3] == b"seen"
        with pytest.raises(PcapException):
            sniffer.read_timeout = 5


@live
def test_direction(sender: Sender) -> None:
    """What a machine sends itself over loopback is incoming."""
    incoming, outgoing = (sniffer_for(sender, direction=direction) for direction in (1, BlockingSniffer.DIRECTION.PCAP_D_OUT))
    with outgoing.iterator() as none, incoming.iterator(payload_of) as packets:
        for payload in (b"1", b"2", b"3"):
            sender.send(payload)
            assert next(packets)[3] == payload
        wait_until(lambda: outgoing.ps_recv >= 3)
        outgoing.ask_stop()
        assert list(none) == []


@live
def test_slow_script_loses_nothing(sender: Sender) -> None:
    """The thread captures ahead: packets come while the script does something else, more than the kernel's small buffer takes."""
    sniffer = sniffer_for(sender, buffer_size=1 << 20)
    count = 2000
    with sniffer.iterator(cache_size=0) as packets:
        for number in range(count):
            sender.send(number.to_bytes(4, "big") * 300)
            wait_until(lambda: sniffer.total >= number - 200)  # noqa: B023  for the capturing thread, not for the script
        assert sniffer.ps_drop == 0
        got = [next(packets) for _ in range(count)]
    assert [payload_of(data)[:4] for *_, data in got] == [number.to_bytes(4, "big") for number in range(count)]


@live
def test_lost_packets_are_counted(sender: Sender) -> None:
    """A script that does not come to take packets, no cache, and the kernel's buffer as small as can be."""
    sniffer = sniffer_for(sender, buffer_size=1)
    with sniffer.iterator(cache_size=1):
        for _ in range(100_000):
            if sniffer.ps_drop:
                break
            sender.send(bytes(50_000))
        assert sniffer.ps_drop > 0
    assert sniffer.ps_drop > 0


@live
def test_all_interfaces(sender: Sender) -> None:
    sniffer = BlockingSniffer("any", read_timeout=20)
    assert sniffer.datalink[:2] == (113, b"LINUX_SLL")
    sniffer.filter = sender.filter
    with sniffer.iterator(SLL.from_buffer, 1) as packets:
        sender.send(b"x")
        assert next(packets)[3].rfind_pdu(RAW).payload == b"x"


def stopped_by(stop: Any, listen: Any) -> None:
    """Stop a sniffer while it waits: for packets that do not come, and with no timeout after which libpcap itself would return."""
    with Sender() as sender:
        sniffer = BlockingSniffer("lo", read_timeout=0)
        sniffer.filter = sender.filter
        with Meanwhile(sniffer, lambda: stop(sniffer)):
            listen(sniffer)


LISTEN = [
    lambda sniffer: sniffer.sniff_callback(print),
    lambda sniffer: sniffer.sniff_and_store([]),
    lambda sniffer: list(sniffer.iterator()),
]


@live
@pytest.mark.parametrize("stop", [BlockingSniffer.ask_stop, lambda sniffer: BlockingSniffer.stop_all(), BlockingSniffer.close])
@pytest.mark.parametrize("listen", LISTEN)
def test_stop_while_blocked(stop: Any, listen: Any) -> None:
    stopped_by(stop, listen)
    assert not BlockingSniffer.active_sniffers


@live
@pytest.mark.parametrize("listen", LISTEN)
def test_stop_all_in_a_signal_handler(listen: Any) -> None:
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: BlockingSniffer.stop_all())
    try:
        stopped_by(lambda sniffer: os.kill(os.getpid(), signal.SIGUSR1), listen)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert not BlockingSniffer.active_sniffers


@live
@pytest.mark.parametrize("listen", LISTEN)
def test_interrupt_comes_out(listen: Any) -> None:
    previous = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            stopped_by(lambda sniffer: os.kill(os.getpid(), signal.SIGUSR1), listen)
    finally:
        signal.signal(signal.SIGUSR1, previous)
        BlockingSniffer.stop_all()


# In an event loop


@live
@pytest.mark.parametrize("loop_type", ["asyncio", b"asyncio", None])
def test_asyncio(sender: Sender, loop_type: Any, tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        sniffer = sniffer_for(sender, NonBlockingSniffer)
        assert (sniffer.set_loop(loop) if loop_type is None else sniffer.set_loop(loop, loop_type)) is sniffer
        done = asyncio.Event()
        calls = []

        def callback(sec: int, usec: int, length: int, packet: bytes) -> None:
            calls.append(payload_of(packet))
            if len(calls) == 2:
                done.set()

        assert sniffer.sniff_callback(callback) > 0
        with pytest.raises(RuntimeError, match="already"):
            sniffer.sniff_and_store([])
        assert list(NonBlockingSniffer.active_sniffers.values()) == [sniffer]
        sender.send(b"1", b"2")
        await asyncio.wait_for(done.wait(), 30)
        sniffer.stop()
        assert calls == [b"1", b"2"]
        assert not NonBlockingSniffer.active_sniffers
        assert sniffer.ps_recv >= 2

        queue: asyncio.Queue[Any] = asyncio.Queue()
        sniffer.sniff_and_store(queue, payload_of, max_p=2)
        sender.send(b"3", b"4", b"5")
        assert [(await asyncio.wait_for(queue.get(), 30))[3] for _ in range(2)] == [b"3", b"4"]
        await until(lambda: not sniffer.activated)
        assert queue.empty()

        sniffer.sniff_and_export(tmp_path / "x.pcap", max_p=2)
        sender.send(b"6", b"7")
        await until(lambda: not sniffer.activated)
        packets: list[Any] = []
        BlockingSniffer(filename=tmp_path / "x.pcap").sniff_and_store(packets, payload_of)
        assert [item for *_, item in packets] == [b"6", b"7"]

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    async def poll() -> None:
        while not condition():
            await asyncio.sleep(0)

    await asyncio.wait_for(poll(), 30)


@live
def test_tornado(sender: Sender) -> None:
    ioloop = pytest.importorskip("tornado.ioloop", reason="tornado is not installed")
    calls = []

    async def main() -> None:
        loop = ioloop.IOLoop.current()
        sniffer = sniffer_for(sender, NonBlockingSniffer)
        sniffer.set_loop(loop).sniff_callback(lambda sec, usec, length, packet: calls.append(payload_of(packet)), max_p=2)
        sender.send(b"1", b"2", b"3")
        await until(lambda: not sniffer.activated)
        sniffer.sniff_callback(print)
        previous = signal.signal(signal.SIGUSR1, lambda number, frame: NonBlockingSniffer.stop_all())
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: not sniffer.activated)
        signal.signal(signal.SIGUSR1, previous)

    ioloop.IOLoop().run_sync(main)
    assert calls == [b"1", b"2"]


# Functions, and what is not possible


@live
def test_functions() -> None:
    assert b"lo" in interfaces()
    assert lookupdev() in interfaces()
    assert lookupnet("lo") == lookupnet(b"lo") == (127, 255, b"127.0.0.0", b"255.0.0.0")
    sniffer = BlockingSniffer("lo")
    assert sniffer.datalink == (1, b"EN10MB", b"Ethernet")
    assert sniffer.datalink in sniffer.list_datalinks()
    sniffer.datalink = 1
    assert sniffer.datalink[0] == 1
    sniffer.datalink = 105
    with pytest.raises(PcapException, match="link type 105 cannot be chosen"):
        sniffer.sniff_and_store([])
    assert sniffer.can_set_monitor_mode == (False, b"")
    with pytest.raises(SetMonitorModeError):
        sniffer.monitor_mode = True


@live
def test_interface_given_as_an_object(sender: Sender) -> None:
    sniffer = BlockingSniffer(NetworkInterface("lo"), read_timeout=20)
    assert sniffer.interface == b"lo"
    sniffer.filter = sender.filter
    with sniffer.iterator(max_p=1) as packets:
        sender.send(b"x")
        assert len(list(packets)) == 1


@live
def test_no_such_interface() -> None:
    for use in (
        lambda: BlockingSniffer("nosuch0").sniff_callback(print),
        lambda: BlockingSniffer("nosuch0").iterator().start(),
        lambda: BlockingSniffer("nosuch0").list_datalinks(),
    ):
        with pytest.raises(ActivationError, match=r"nosuch0: No such device exists \(.*No such device\)"):
            use()
    with pytest.raises(PcapException, match="nosuch0"):
        lookupnet("nosuch0")
    assert not BlockingSniffer.active_sniffers


@live
def test_bad_filter_on_an_interface() -> None:
    sniffer = BlockingSniffer("lo")
    sniffer.filter = "tcp and prot 80"
    with pytest.raises(PcapException, match=r"lo: filter 'tcp and prot 80': .*(syntax|parse)"):
        sniffer.sniff_and_store([])
    assert not sniffer.activated


WITHOUT_PERMISSION = """
import os
from cycapture.libpcap import BlockingSniffer, PermissionDenied, PcapException, _pcap
_pcap.libpcap_version
if os.getuid() == 0:
    os.setuid(65534)
try:
    BlockingSniffer("lo").sniff_callback(print)
except OSError as error:
    assert isinstance(error, PermissionDenied) and isinstance(error, PcapException)
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="not run: for Linux")
@pytest.mark.skipif(REASON is None and os.getuid() != 0, reason="not run: this user has CAP_NET_RAW without being root")
def test_no_permission() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PERMISSION], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("lo: You don't have permission to capture on that device")


@live
def test_follower_fed_from_the_interface(sender: Sender) -> None:
    """A frame of UDP is a PDU like any other, and no connection."""
    follower = gofollow.TCPStreamFollower()
    with sniffer_for(sender).iterator(EthernetII.from_buffer, 1) as packets:
        sender.send(b"x")
        (packet,) = list(packets)
    follower.feed(packet[3])
    assert packet[3].rfind_pdu(UDP).dport == sender.receiver.getsockname()[1]
