"""The follower as cycapture had it: gofollow's own, opened and closed by the original's two rules, with cycapture's stream object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._addresses import IPv4Address, IPv6Address
from ._pdu import PDU


class Payload(bytes):
    """Bytes that answer tobytes() too: the original gave a memoryview where its documentation said bytes."""

    def tobytes(self) -> bytes:
        return bytes(self)


def _address(value: Any) -> IPv4Address | IPv6Address | None:
    for cls in (IPv4Address, IPv6Address):
        if isinstance(value, cls):
            return value
    text = value if isinstance(value, (str, bytes)) else str(value)
    for cls in (IPv4Address, IPv6Address):
        try:
            return cls(text)
        except ValueError:
            pass
    return None


class TCPStream:
    """What both sides of one connection said so far. Attributes cannot be set; an address that does not parse is None.

    client_payload and server_payload copy all that the side said so far, when they are first read: reading them in every
    callback of a long connection costs time in the square of its length.
    """

    __slots__ = ("_client_payload", "_seen", "_server_payload")

    _client_payload: Payload | None
    _server_payload: Payload | None

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
        self._seen: Any = _Values(client_addr, server_addr, client_port, server_port, ident, finished, client_payload, server_payload)
        self._client_payload = self._server_payload = None

    @classmethod
    def _of(cls, seen: Any) -> TCPStream:
        made = cls.__new__(cls)
        made._seen = seen
        made._client_payload = made._server_payload = None
        return made

    @property
    def client_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._seen.client_addr)

    @property
    def server_addr(self) -> IPv4Address | IPv6Address | None:
        return _address(self._seen.server_addr)

    @property
    def client_port(self) -> int:
        return int(self._seen.client_port)

    @property
    def server_port(self) -> int:
        return int(self._seen.server_port)

    @property
    def identifier(self) -> int:
        return int(self._seen.identifier)

    @property
    def finished(self) -> bool:
        return bool(self._seen.finished)

    @property
    def client_payload(self) -> Payload:
        if self._client_payload is None:
            self._client_payload = Payload(self._seen.client_payload)
        return self._client_payload

    @property
    def server_payload(self) -> Payload:
        if self._server_payload is None:
            self._server_payload = Payload(self._seen.server_payload)
        return self._server_payload

    def __reduce__(self) -> tuple[Any, ...]:
        return TCPStream, (
            self.client_addr,
            self.server_addr,
            self.client_port,
            self.server_port,
            self.identifier,
            self.finished,
            bytes(self.client_payload),
            bytes(self.server_payload),
        )


class _Values:
    """The arguments of a TCPStream made by hand, under the names that gofollow's stream has."""

    def __init__(self, *values: Any) -> None:
        (self.client_addr, self.server_addr, self.client_port, self.server_port) = values[:4]
        (self.identifier, self.finished, self.client_payload, self.server_payload) = values[4:]


def _native(*args: Any, **options: Any) -> Any:
    # loaded when the first follower is made: PDUs alone need no library
    from gofollow import TCPStreamFollower as Native

    return Native(*args, **options)


class TCPStreamFollower:
    """Calls data_callback when a connection said something new and end_callback when it ended, each with a TCPStream.

    Connections open and end as in the original (midstream=False, close_on="first-fin"); every option of gofollow's
    follower can be given by keyword instead.
    """

    def __init__(
        self,
        data_callback: Callable[[TCPStream], Any] | None = None,
        end_callback: Callable[[TCPStream], Any] | None = None,
        **options: Any,
    ) -> None:
        if any(callback is not None and not callable(callback) for callback in (data_callback, end_callback)):
            raise TypeError("data_callback and end_callback must be callables")
        settings = {"midstream": False, "close_on": "first-fin", **options}
        self._native = _native(_converting(data_callback), _converting(end_callback), **settings)

    def feed(self, pdu_iterator: PDU | Iterable[Any] | None) -> None:
        """Follow a PDU or all PDUs of an iterable; what is no PDU is skipped, None does nothing. TypeError for what is no iterable."""
        if pdu_iterator is None:
            return
        for pdu in (pdu_iterator,) if isinstance(pdu_iterator, PDU) else pdu_iterator:
            if isinstance(pdu, PDU):
                link_type, frame, timestamp = pdu._gofollow_frame()
                if pdu._link_type != PDU._link_type:
                    self._native.feed_packet(frame, timestamp, link_type=link_type)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._native, name)


def _converting(callback: Callable[[TCPStream], Any] | None) -> Callable[[Any], Any] | None:
    return None if callback is None else lambda stream: callback(TCPStream._of(stream))
