"""Which connections are followed: those that were ignored, and those that a filter leaves out."""

import pytest
from frames import ACK, CLIENT, SERVER, conversation, pcap, tcp
from gofollow._engine import Engine
from gofollow._events import BATCH, Event, EventCollector

from gofollow import OptionError


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
    with pytest.raises(OptionError, match="no connection 2"):
        engine.ignore(2)
    engine.close()
