"""The follower as cycapture had it: gofollow's own, opened and closed by the original's two rules, with cycapture's stream object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ._addresses import IPv4Address, IPv6Address
from ._payload import Kept, Payload, made
from ._pdu import PDU
from ._text import as_bytes


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

    Reading client_payload or server_payload in every callback costs what is new, as long as what was read before was let go;
    otherwise it costs a copy of all that the side said so far.
    """

    __slots__ = ("_reader", "_seen")

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
        self._reader = _Reader()

    @classmethod
    def _of(cls, seen: Any, reader: _Reader) -> TCPStream:
        made = cls.__new__(cls)
        made._seen = seen
        made._reader = reader
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
        """What the client sent so far, without what is missing."""
        return self._reader.read(self._seen, "client_payload")

    @property
    def server_payload(self) -> Payload:
        """What the server sent so far, without what is missing."""
        return self._reader.read(self._seen, "server_payload")

    def __reduce__(self) -> tuple[Any, ...]:
        return TCPStream, (
            self.client_addr,
            self.server_addr,
            self.client_port,
            self.server_port,
            self.identifier,
            self.finished,
            self.client_payload.tobytes(),
            self.server_payload.tobytes(),
        )


class _Values:
    """The arguments of a TCPStream made by hand, under the names that gofollow's stream has."""

    def __init__(self, *values: Any) -> None:
        (self.client_addr, self.server_addr, self.client_port, self.server_port) = values[:4]
        (self.identifier, self.finished) = values[4:6]
        self.client_payload, self.server_payload = map(as_bytes, values[6:])


class _Reader:
    """Reads payloads: in a callback as continuations of what the callbacks before read of the connection."""

    __slots__ = ("_current", "_kept")

    def __init__(self) -> None:
        self._current: Any = None
        self._kept: dict[tuple[int, str], Kept] = {}

    def read(self, seen: Any, name: str) -> Payload:
        key = seen.identifier, name
        kept = self._kept.get(key)
        # another stream than the latest, kept by a script, may be of a connection that is over, which nothing would forget any more
        if kept is None and (seen.finished or seen is not self._current):
            return made(getattr(seen, name))
        if kept is None:
            kept = self._kept[key] = Kept()
        payload = kept.read(partial(getattr, seen, name))
        if seen.finished:
            payload._share = None  # scripts keep it: the follower's own copy must not stay with it
        return payload

    def calling(self, callback: Callable[[TCPStream], Any]) -> Callable[[Any], Any]:
        """What gofollow's follower calls in place of a data callback."""

        make = TCPStream.__new__

        def call(seen: Any) -> None:
            self._current = seen
            stream = make(TCPStream)
            stream._seen = seen
            stream._reader = self
            callback(stream)

        return call

    def ending(self, callback: Callable[[TCPStream], Any] | None) -> Callable[[Any], Any]:
        """What gofollow's follower calls in place of an end callback."""

        def call(seen: Any) -> None:
            self._current = None
            try:
                if callback is not None:
                    callback(TCPStream._of(seen, self))
            finally:
                if self._kept:
                    self._kept.pop((seen.identifier, "client_payload"), None)
                    self._kept.pop((seen.identifier, "server_payload"), None)

        return call


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
        reader = _Reader()
        data = None if data_callback is None else reader.calling(data_callback)
        end = None if data_callback is None and end_callback is None else reader.ending(end_callback)
        self._native = _native(data, end, **settings)

    def feed(self, pdu_iterator: PDU | Iterable[Any] | None) -> None:
        """Follow a PDU or all PDUs of an iterable; what is no PDU is skipped, None does nothing. TypeError for what is no iterable.

        A packet's callbacks run before an iterator is asked for the next one. The PDUs are not changed.
        """
        if isinstance(pdu_iterator, PDU) and pdu_iterator._gofollow_frame is None:
            return  # a layer without addresses
        self._native.feed(pdu_iterator)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._native, name)
