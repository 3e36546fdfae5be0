"""The follower of cycapture: gofollow's follower with the original's rules of opening and closing, and its stream object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from gofollow import TCPStream as _Native

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
    """Return a port or identifier, -1 for an object that is not a number."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return -1


class TCPStream(_Native):
    """The payload of both directions of one connection so far. Attributes cannot be set.

    Callbacks get one. A script can also create one: an address that does not parse is None, a port or an identifier that is
    not a number is -1, and a payload given as None stays None.

    Reading client_payload or server_payload in every callback costs only the new bytes if the script released the previous
    value; otherwise it copies the whole payload.
    """

    __slots__ = ("_given",)
    _given: tuple[Any, ...]  # the arguments of one that a script created; else not set

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
        payloads = [None if payload is None else as_bytes(payload) for payload in (client_payload, server_payload)]
        super().__init__(None, None, 0, 0, 0, bool(finished), payloads[0] or b"", payloads[1] or b"")
        self._given = client_addr, server_addr, _number(client_port), _number(server_port), _number(ident), bool(finished), *payloads

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, "_given"):
            raise AttributeError(f"attribute {name!r} of a TCPStream cannot be set")
        super().__setattr__(name, value)

    @property
    def client_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._given[0] if hasattr(self, "_given") else super().client_addr)

    @property
    def server_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._given[1] if hasattr(self, "_given") else super().server_addr)

    @property
    def client_port(self) -> int:
        return int(self._given[2]) if hasattr(self, "_given") else super().client_port

    @property
    def server_port(self) -> int:
        return int(self._given[3]) if hasattr(self, "_given") else super().server_port

    @property
    def identifier(self) -> int:
        return int(self._given[4]) if hasattr(self, "_given") else super().identifier

    @property
    def client_payload(self) -> Payload:  # type: ignore[override]
        """The bytes from the client so far, without the gaps."""
        return _read(self, 0)

    @property
    def server_payload(self) -> Payload:  # type: ignore[override]
        """The bytes from the server so far, without the gaps."""
        return _read(self, 1)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TCPStream, self._given) if hasattr(self, "_given") else super().__reduce__()


def _read(stream: TCPStream, direction: int) -> Payload:
    """Return a direction's payload; while the connection is open, it continues the previous value."""
    if hasattr(stream, "_given"):
        given = stream._given[6 + direction]
        return None if given is None else made(given)  # type: ignore[return-value]
    side, share = stream._extra(direction)
    if side is None:
        return made(b"")
    kept: Any = side.extra
    if kept is None and not stream.finished:
        kept = side.extra = Kept()
    if not kept:
        return made(share())
    payload: Payload = kept.read(share)
    if stream.finished:
        payload._share = None  # a script may keep it: it must not keep the follower's copy, too
    return payload


def _ending(callback: Callable[[TCPStream], Any] | None) -> Callable[[TCPStream], Any]:
    """Return the function that gofollow's follower calls as end callback."""

    def call(stream: TCPStream) -> None:
        try:
            if callback is not None:
                callback(stream)
        finally:
            for direction in (0, 1):
                side, _ = stream._extra(direction)
                if side is not None:
                    kept, side.extra = side.extra, False  # a script may keep the stream: it must not keep the copies, too
                    if kept:
                        kept.part()

    return call


@cache
def _native_class() -> Any:
    # loaded when the first follower is made: PDUs alone need no library
    from gofollow import TCPStreamFollower as Native

    return type("TCPStreamFollower", (Native,), {"_stream_class": TCPStream, "_lenient": True})


def _native(*args: Any, **options: Any) -> Any:
    return _native_class()(*args, **options)


class TCPStreamFollower:
    """Follows TCP connections: calls data_callback(stream) for new data, end_callback(stream) at the end.

    Connections open and end as in the original (midstream=False, close_on="first-fin"), and silence
    does not end them (idle_timeout and handshake_timeout "never"). Every option of gofollow's follower
    can be given by keyword. Copying or pickling raises TypeError.
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
        """Follow a PDU or the PDUs of an iterable. Other objects are skipped, and None does nothing.

        The callbacks of a packet run before the next item of an iterator is requested. PDUs are not changed. Raises TypeError for
        an object that is not iterable.
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
