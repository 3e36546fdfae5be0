"""Turns connections whose streams the library joined into TCPStreams, where nobody wants to see data as it comes."""

import struct
from collections.abc import Callable, Iterator
from itertools import chain

from ._engine import CONNECTION, EVENT, GAP, STREAMS
from ._events import GAP_REASONS, copy_facts
from ._native import MEMORY, constant
from ._said import KEEP_ALL, Facts, Gap, Whole
from .stream import TCPStream

# Of a gofollow_event: reason, address of the connection's facts, address of its two streams.
_EVENT = struct.Struct("@2xB13xP48xP16x")
assert _EVENT.size == EVENT.size
_Event = tuple[int, int, int]

_FIN = constant("CLOSE_FIN")


class WholeStreams:
    """A sink of a follower with the option whole_streams: calls back with every closed connection."""

    def __init__(self, keep: int, end_callback: Callable[[TCPStream], object], separated: bool = False) -> None:
        self._keep, self._separated = keep, separated
        self._end_callback = end_callback
        self._events: Iterator[_Event] = iter(())

    def take(self, polled: memoryview) -> None:
        self._events = _EVENT.iter_unpack(bytes(polled))

    def discard(self) -> None:
        """Forget what is due."""
        self._events = iter(())

    def run(self) -> None:
        """Call back. Every line is paid for each connection."""
        callback, memory, facts_size, keep = self._end_callback, MEMORY, CONNECTION.size, self._keep
        make_stream, make_facts, bare = TCPStream.__new__, Facts.__new__, -1 if self._separated else _FIN
        calling = False
        try:
            for event in self._events:
                calling = False
                reason, at, streams = event
                facts, stream = make_facts(Facts), make_stream(TCPStream)
                payload, length, client_end, gaps, gap_count, payload_2, length_2, server_end, gaps_2, gap_count_2 = STREAMS.unpack_from(
                    memory, streams
                )
                client, server = memory[payload : payload + length], memory[payload_2 : payload_2 + length_2]
                if gap_count or gap_count_2 or keep < KEEP_ALL:
                    client, server = Whole(client, _gaps(gaps, gap_count), keep), Whole(server, _gaps(gaps_2, gap_count_2), keep)
                facts.client_said, facts.server_said = client, server
                facts.raw = memory[at : at + facts_size] if reason == bare else copy_facts(at)  # a reset may have a text
                stream._facts = facts
                stream._client_end, stream._server_end = client_end, server_end
                stream._direction, stream._new = -1, b""
                calling = True
                callback(stream)
        except BaseException:
            if not calling:  # an interrupt: nobody was given the stream
                self._events = chain([event], self._events)
            raise


def _gaps(address: int, count: int) -> tuple[Gap, ...]:
    raw = MEMORY[address : address + count * GAP.size]
    return tuple(Gap(offset, length, GAP_REASONS[reason]) for offset, length, reason in GAP.iter_unpack(raw))
