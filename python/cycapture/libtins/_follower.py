"""The follower as cycapture had it: gofollow's own, opened and closed by the original's two rules, with cycapture's stream object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, NamedTuple

from ._addresses import IPv4Address, IPv6Address
from ._payload import Kept, Payload, made
from ._pdu import PDU
from ._text import as_bytes


def _address(value: Any) -> IPv4Address | IPv6Address | None:
    if isinstance(value, IPv6Address):
        return value
    try:
        return IPv4Address(value)
    except ValueError:
        pass
    try:
        return IPv6Address(value)
    except ValueError:
        return None


def _number(value: Any) -> int:
    """A port or identifier; -1 for what is no number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return -1


class TCPStream:
    """What both sides of one connection said so far. Attributes cannot be set.

    Scripts get them in callbacks. In one made by hand, as tests do it, an address that does not parse is None, a port or an
    identifier that is no number -1, and a payload given as None stays None.

    Reading client_payload or server_payload in every callback costs what is new, as long as what was read before was let go;
    otherwise it costs a copy of all that the side said so far.
    """

    # gofollow's follower makes one in place of its own stream, with that one's fields.
    __slots__ = ("_client_end", "_direction", "_facts", "_limit", "_new", "_server_end")
    _limit: int
    _client_end: int
    _server_end: int
    _facts: Any  # of one made by hand _ByHand, the other fields not being there
    _direction: int
    _new: Any

    def __init__(
        self,
        client_addr: Any,
        server_addr: Any,
        client_port: Any,
        server_port: Any,
        ident: Any,
        finished: Any,
        client_payload: Any,
        server_payload: Any,
    ) -> None:
        payloads = (None if payload is None else as_bytes(payload) for payload in (client_payload, server_payload))
        client, server = (client_addr, _number(client_port)), (server_addr, _number(server_port))
        self._facts = _ByHand(client, server, _number(ident), finished, *payloads)

    @property
    def client_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._facts.connection.client[0])

    @property
    def server_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._facts.connection.server[0])

    @property
    def client_port(self) -> int:
        return int(self._facts.connection.client[1])

    @property
    def server_port(self) -> int:
        return int(self._facts.connection.server[1])

    @property
    def identifier(self) -> int:
        return int(self._facts.connection.id)

    @property
    def finished(self) -> bool:
        return bool(self._facts.finished)

    @property
    def client_payload(self) -> Payload:
        """What the client sent so far, without what is missing."""
        if isinstance(self._facts, _ByHand):
            return _given(self._facts.client_payload)
        return _read(self._facts.side(self, 0), self._client_end, self._facts.finished)

    @property
    def server_payload(self) -> Payload:
        """What the server sent so far, without what is missing."""
        if isinstance(self._facts, _ByHand):
            return _given(self._facts.server_payload)
        return _read(self._facts.side(self, 1), self._server_end, self._facts.finished)

    def __reduce__(self) -> tuple[Any, ...]:
        return TCPStream, (
            self.client_addr,
            self.server_addr,
            self.client_port,
            self.server_port,
            self.identifier,
            self.finished,
            self.client_payload and self.client_payload.tobytes(),
            self.server_payload and self.server_payload.tobytes(),
        )


class _ByHand(NamedTuple):
    """What a TCPStream made by hand was made of, under the names of gofollow's facts."""

    client: tuple[Any, Any]
    server: tuple[Any, Any]
    id: Any
    finished: Any
    client_payload: bytes | None
    server_payload: bytes | None

    @property
    def connection(self) -> _ByHand:
        return self


def _given(payload: bytes | None) -> Payload:
    # None is what the constructor was given
    return made(payload) if payload is not None else None  # type: ignore[return-value]


def _read(said: Any, end: int, finished: bool) -> Payload:
    """What a side said up to an end: a continuation of what was read of it before, as long as the connection is open."""
    share = partial(said.payload, end, finished)
    kept: Any = getattr(said, "kept", False)
    if kept is None and not finished:
        kept = said.kept = Kept()
    if not kept:
        return made(share())
    payload: Payload = kept.read(share)
    if finished:
        payload._share = None  # scripts keep it: the follower's own copy must not stay with it
    return payload


def _ending(callback: Callable[[TCPStream], Any] | None) -> Callable[[TCPStream], Any]:
    """What gofollow's follower calls in place of an end callback."""

    def call(stream: TCPStream) -> None:
        try:
            if callback is not None:
                callback(stream)
        finally:
            said: Any
            for said in (stream._facts.client_said, stream._facts.server_said):
                if hasattr(said, "kept"):
                    kept, said.kept = said.kept, False  # scripts keep streams: copies must not stay with them
                    if kept:
                        kept.part()

    return call


@cache
def _native_class() -> Any:
    # loaded when the first follower is made: PDUs alone need no library
    from gofollow import TCPStreamFollower as Native

    return type("TCPStreamFollower", (Native,), {"_stream_class": TCPStream})


def _native(*args: Any, **options: Any) -> Any:
    return _native_class()(*args, **options)


class TCPStreamFollower:
    """Follows TCP connections: data_callback(stream) when there is new data, end_callback at the end.

    Connections open and end as in the original (midstream=False, close_on="first-fin"), and none
    ends because it is silent (idle_timeout and handshake_timeout "never"); every option of
    gofollow's follower can be given by keyword instead. It cannot be copied or pickled: TypeError.
    """

    def __init__(
        self,
        data_callback: Callable[[TCPStream], Any] | None = None,
        end_callback: Callable[[TCPStream], Any] | None = None,
        **options: Any,
    ) -> None:
        if any(callback is not None and not callable(callback) for callback in (data_callback, end_callback)):
            raise TypeError("data_callback and end_callback must be callables")
        settings = {"midstream": False, "close_on": "first-fin", "idle_timeout": "never", "handshake_timeout": "never", **options}
        end = None if data_callback is None and end_callback is None else _ending(end_callback)
        self._native = _native(data_callback, end, **settings)

    def feed(self, pdu_iterator: PDU | Iterable[Any] | None) -> None:
        """Follow a PDU or all PDUs of an iterable; what is no PDU is skipped, None does nothing. TypeError for what is no iterable.

        A packet's callbacks run before an iterator is asked for the next one. The PDUs are not changed.
        """
        if isinstance(pdu_iterator, PDU) and pdu_iterator._link_type < 0:
            return  # a layer without addresses
        self._native.feed(pdu_iterator)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a TCPStreamFollower cannot be copied or pickled, since its connections are the engine's: make a new one")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._native, name)
