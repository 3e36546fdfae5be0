"""Which connections are followed: those that were ignored, and those that a filter leaves out."""

import io
import itertools
import random
import struct
from ipaddress import ip_address
from pathlib import Path

import pytest
from frames import ACK, CLIENT, SERVER, SYN, conversation, pcap, tcp
from gofollow._engine import Engine
from gofollow._events import BATCH, Event, EventCollector

from gofollow import OptionError, TCPStreamFollower, events, follow

DATA = Path(__file__).parent.parent / "data"


def pull(collector: EventCollector) -> list[Event]:
    while collector.pull(BATCH) == BATCH:
        pass
    events = list(collector.events)
    collector.events.clear()
    return events


def test_of_an_ignored_connection_only_its_end_comes() -> None:
    engine = Engine({})
    collector = EventCollector(engine.number)
    other = ("10.0.0.3", 4001)
    frames = conversation([b"ask"], [b"answer"], close=False) + conversation([b"ask"], [b"answer"], other, close=False)
    frames += [tcp(CLIENT, SERVER, ACK, 1004, 5007, b"more"), tcp(other, SERVER, ACK, 1004, 5007, b"more")]
    data = pcap(frames)
    first = data[: len(pcap(frames[:-2]))]
    assert engine.feed_capture(first, 0) == len(first)
    assert [event.kind for event in pull(collector)] == ["opened", "data", "data"] * 2
    engine.ignore(0)
    assert engine.feed_capture(data, len(first)) == len(data) - len(first)
    assert engine.end_capture()
    assert engine.flush()
    events = pull(collector)
    assert [(event.kind, event.connection.id, event.connection.ignored) for event in events] == [
        ("data", 1, False),
        ("closed", 0, True),
        ("closed", 1, False),
    ]
    assert events[1].connection.client_counters == events[2].connection.client_counters
    engine.ignore(0)
    with pytest.raises(OptionError, match="no connection has that ID: 2"):
        engine.ignore(2)
    engine.close()


def syn(source: tuple[str, int], target: tuple[str, int]) -> bytes:
    """Return a frame with a SYN, of IPv4 or IPv6."""
    if ip_address(source[0]).version == 4:
        return tcp(source, target, SYN, 1)
    segment = struct.pack("!HHIIBBHHH", source[1], target[1], 1, 0, 5 << 4, SYN, 65535, 0, 0)
    header = struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + ip_address(source[0]).packed + ip_address(target[0]).packed
    return bytes(12) + b"\x86\xdd" + header + segment


def chosen(capture: bytes, text: str) -> list[int]:
    """Return the numbers of the connections that a filter chooses."""
    return [event.connection.id for event in events(io.BytesIO(capture), filter=text) if event.kind == "opened"]


ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:1::1"]
PORTS = [21, 22, 80, 443, 8080, 40000]
NETS = ["10", "10.0.0.0/24", "10.0.0.0/31", "0.0.0.0/0", "192.0", "10.0.0.0 mask 255.255.0.0", "2001:db8::/32", "2001:db8:1::/48", "::/0"]
QUALIFIERS = ["host", "ip host", "ip6 host", "net", "ip net", "ip6 net", "port", "tcp port", "portrange", "tcp portrange"]


class Writer:
    """Writes random expressions in what gofollow and libpcap have in common."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def value(self, qualifier: str) -> str:
        kind = qualifier.split()[-1]
        if kind == "host":
            family = [a for a in ADDRESSES if not qualifier.startswith("ip") or (":" in a) == qualifier.startswith("ip6")]
            return self.source.choice(family)
        if kind == "net":
            return self.source.choice([n for n in NETS if not qualifier.startswith("ip") or (":" in n) == qualifier.startswith("ip6")])
        if kind == "port":
            return str(self.source.choice([*PORTS, "http", "ssh"]))
        return f"{self.source.choice(PORTS)}-{self.source.choice(PORTS)}"

    def term(self, qualifier: str | None, depth: int) -> tuple[str, str | None]:
        """Return a term and the qualifier that an elided one after it stands for. qualifier is that of the term before."""
        choice = self.source.random()
        if choice < 0.15:
            text, after = self.term(qualifier, depth)
            return self.source.choice(["not ", "! ", "!"]) + text, after
        if choice < 0.35 and depth:
            return f"({self.expression(depth - 1)})", qualifier
        if choice < 0.42:
            return self.source.choice(["ip", "ip6", "tcp"]), None
        if qualifier is not None and choice < 0.7:
            if choice < 0.47:
                return f"({self.value(qualifier)} or {self.value(qualifier)})", qualifier
            return self.value(qualifier), qualifier
        new = self.source.choice(QUALIFIERS)
        value = self.value(new)
        if self.source.random() < 0.1:
            value = f"({value} and not {self.value(new)})"
        return f"{new} {value}", new

    def expression(self, depth: int) -> str:
        text, qualifier = self.term(None, depth)
        for _ in range(self.source.randrange(4)):
            term, qualifier = self.term(qualifier, depth)
            text += self.source.choice([" and ", " or ", " && ", " || "]) + term
        return text


def test_libpcap_says_the_same_of_plain_frames() -> None:
    pcapy = pytest.importorskip("pcapy", reason="pcapy-ng is not installed")
    source = random.Random(7)
    pairs = [pair for pair in itertools.permutations(ADDRESSES, 2) if (":" in pair[0]) == (":" in pair[1])]
    ends = [((a, source.choice(PORTS)), (b, source.choice(PORTS))) for a, b in pairs for _ in range(4)]
    unique = {frozenset(pair): pair for pair in ends}
    frames = [syn(*pair) for pair in unique.values()]
    capture = pcap(frames)
    writer, verdicts = Writer(source), [0, 0]
    for _ in range(600):
        text = writer.expression(source.randrange(4))
        program = pcapy.compile(pcapy.DLT_EN10MB, 65535, text, 0, 0)
        want = [number for number, frame in enumerate(frames) if program.filter(frame)]
        assert chosen(capture, text) == want, text
        verdicts[0] += len(want)
        verdicts[1] += len(frames) - len(want)
    assert min(verdicts) > 1000


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.1", "80", "tcp host 10.0.0.1", "ip port 80", "ip 10.0.0.1", "(port 80) or 443", "tcp and 80", "ip6 host 10.0.0.1"),
        *("vlan 5 or 6", "host 10.0.0.0/8", "net 10.0.0.1/8", "port 80 443", "port 80 and", "(port 80", "port 80)", "net 10/33"),
        *("port 65536", "and port 80", "prot 80", "port", "not", "()", "port 80 & port 81", "vlan 4096"),
    ],
)
def test_both_refuse(text: str) -> None:
    pcapy = pytest.importorskip("pcapy", reason="pcapy-ng is not installed")
    with pytest.raises(pcapy.PcapError):
        pcapy.compile(pcapy.DLT_EN10MB, 65535, text, 0, 0)
    with pytest.raises(OptionError, match=r"filter .* \(here: "):
        list(events(io.BytesIO(pcap([])), filter=text))


def test_an_error_points_into_the_filter() -> None:
    for make in (lambda text: TCPStreamFollower(filter=text), lambda text: list(follow(io.BytesIO(pcap([])), filter=text))):
        with pytest.raises(OptionError) as caught:
            make("net 10 and prot 80")
        assert isinstance(caught.value, ValueError)
        assert str(caught.value) == (
            'filter "net 10 and prot 80": no such word "prot", and it is not a network, and names of networks are not looked up '
            "(here: net 10 and ^prot 80); words are host, net, port, portrange, client, server, ip, ip6, tcp, vlan, and, or, not"
        )
    for value in (5, b"port 80", "port\x0080"):
        with pytest.raises(OptionError, match="filter="):
            TCPStreamFollower(filter=value)  # type: ignore[arg-type]


def test_numbers_are_the_same_with_any_filter() -> None:
    for path in sorted(DATA.glob("*.pcap"))[:12]:
        everything = [(stream.identifier, stream.client_port, stream.client_payload, stream.close_reason) for stream in follow(path)]
        ports = {port for _, port, _, _ in everything}
        for port in sorted(ports)[:3]:
            got = [(s.identifier, s.client_port, s.client_payload, s.close_reason) for s in follow(path, filter=f"client port {port}")]
            assert got == [one for one in everything if one[1] == port]


def test_what_a_filter_leaves_out_is_counted() -> None:
    said: list[int] = []
    follower = TCPStreamFollower(lambda stream: said.append(stream.identifier), filter="client port 4001", keep_payload="none")
    with follower:
        for port in (4000, 4001, 4002):
            for frame in conversation([b"ask"], [b"answer"], ("10.0.0.1", port)):
                follower.feed_packet(frame)
    assert said == [1, 1]
    assert (follower.statistics.opened, follower.statistics.filtered, follower.statistics.closed["fin"]) == (3, 2, 3)


def test_no_filter_chooses_all() -> None:
    capture = pcap([syn(CLIENT, SERVER), syn(("2001:db8::1", 1), ("2001:db8::2", 2))])
    assert chosen(capture, "") == chosen(capture, " \t") == [0, 1]
    assert [event.kind for event in events(io.BytesIO(capture), filter=None)] == ["opened", "opened", "closed", "closed"]


def test_the_page_is_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "filter.md").read_text()
    names = page.partition("Port names: ")[2].partition(".")[0].split(",")
    assert len(names) > 20
    expressions = [f"port {name.strip()}" for name in names]
    for part in page.partition("## Expressions")[2].partition("## Differences")[0].split("`")[1::2]:
        if " " in part and part != "||":
            expressions.append(part)
    assert len(expressions) > 35
    for text in expressions:
        assert chosen(pcap([]), text) == [], text
    refused = page.partition("## Errors")[2].partition("In Python")[0]
    with pytest.raises(OptionError) as caught:
        chosen(pcap([]), "port 80 and prot 443")
    assert " ".join(refused.partition("filter ")[2].split()) == str(caught.value).partition("filter ")[2]
