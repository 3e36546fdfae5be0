"""The base class of protocol data units (PDU), RAW, and the tables that map numbers to the classes of inner layers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ._captured import captured, captured_at, taken, time_ns
from ._exceptions import MalformedPacket, PDUNotFound
from ._text import as_bytes

if TYPE_CHECKING:
    from ._sender import PacketSender

P = TypeVar("P", bound="PDU")

TYPES: dict[int, type[PDU]] = {}
ETHER_TYPES: dict[int, type[PDU]] = {}
IP_PROTOCOLS: dict[int, type[PDU]] = {}

_LINK_TYPE_NONE = -1
# Layers read from one buffer, as in the engine (gofollow/internal/decode). The content of the last is
# RAW. Each layer keeps its bytes, so without the limit a frame of tags alone would cost the square of
# its length.
_MOST_LAYERS = 32

_new = object.__new__
_publishing = threading.RLock()


def _renew_lock() -> None:
    # a forked child does not have the thread that holds it
    global _publishing
    _publishing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def ones_sum(data: bytes) -> int:
    """Return the Internet checksum of data (RFC 1071)."""
    number = int.from_bytes(data + b"\0" * (len(data) & 1), "big")
    # the sum of words that are not all zero is never zero: it is 0xFFFF
    return (number % 0xFFFF or (0xFFFF if number else 0)) ^ 0xFFFF


def pseudo_header(parent: PDU | None, protocol: int, length: int) -> bytes | None:
    """Return the pseudo header that a checksum covers, None if the IP header is unknown."""
    addresses = getattr(parent, "_pseudo_addresses", None)
    return None if addresses is None else addresses() + length.to_bytes(4, "big") + protocol.to_bytes(4, "big")


class PDU:
    """A layer of a packet, and the inner layer that it contains.

    A layer that was read from a buffer may be decoded when it is first used.

    _raw holds the bytes that were read, with their capture time if it is known (Captured). _head
    holds the fixed header, None until _raw is decoded. _tail holds the bytes between it and the inner
    layer, if the class does not decode them. _changed tells whether the layer was changed since.
    """

    __slots__ = ("_changed", "_head", "_inner", "_options", "_raw", "_tail")
    _raw: bytes | None
    _head: bytearray | None
    _tail: bytes
    _options: list[Any]
    _inner: PDU | None
    _changed: bool

    _head_size: ClassVar[int] = 0
    _ether_type: ClassVar[int | None] = None
    _ip_protocol: ClassVar[int | None] = None
    _link_type: ClassVar[int] = _LINK_TYPE_NONE
    pdu_type: ClassVar[int] = -1
    pdu_flag: ClassVar[int]
    datalink_type: ClassVar[int] = -1

    RAW = Raw = 0
    ETHERNETII = ETHERNET_II = Ethernet = 1
    IEEE802_3 = DOT3 = 2
    RADIOTAP, DOT11, DOT11_ACK, DOT11_ASSOC_REQ, DOT11_ASSOC_RESP, DOT11_AUTH, DOT11_BEACON = range(3, 10)
    DOT11_BLOCK_ACK, DOT11_BLOCK_ACK_REQ, DOT11_CF_END, DOT11_DATA, DOT11_CONTROL, DOT11_DEAUTH = range(10, 16)
    DOT11_DIASSOC, DOT11_END_CF_ACK, DOT11_MANAGEMENT, DOT11_PROBE_REQ, DOT11_PROBE_RESP, DOT11_PS_POLL = range(16, 22)
    DOT11_REASSOC_REQ, DOT11_REASSOC_RESP, DOT11_RTS, DOT11_QOS_DATA, LLC, SNAP, IP, ARP, TCP, UDP, ICMP = range(22, 33)
    BOOTP, DHCP, EAPOL, RC4EAPOL, RSNEAPOL, DNS, LOOPBACK = range(33, 40)
    IPV6 = IPv6 = 40
    ICMPV6 = ICMPv6 = 41
    SLL = 42
    DHCPV6 = DHCPv6 = 43
    DOT1Q, PPPOE, STP, PPI, IPSEC_AH, IPSEC_ESP, PKTAP = range(44, 51)
    USER_DEFINED_PDU = 1000

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if own.get("pdu_type", -1) >= 0:
            cls.pdu_flag = cls.pdu_type
            TYPES[cls.pdu_type] = cls
            # a number belongs to the class that declares it, which also decides about its subclasses
            for table, number in ((ETHER_TYPES, own.get("_ether_type")), (IP_PROTOCOLS, own.get("_ip_protocol"))):
                if number is not None:
                    table[number] = cls

    def __init__(self, buf: Any = None) -> None:
        if type(self) is PDU:
            raise NotImplementedError("PDU is abstract: make one of its subclasses")
        if buf is not None:
            self._take(taken(buf))
        else:
            self._blank()

    def _blank(self) -> None:
        self._raw, self._head, self._tail, self._options, self._inner, self._changed = None, bytearray(self._head_size), b"", [], None, True

    def _take(self, data: bytes) -> None:
        """Read this layer and its inner layers. The PDU must not be visible to other threads yet."""
        self._raw, self._head = data, None
        at = captured_at(data)
        layer: PDU = self
        # Without recursion, because the sender chooses the number of layers.
        for depth in range(1, _MOST_LAYERS + 1):
            if layer._head is None:
                assert layer._raw is not None
                layer._parse(layer._raw)
            inner = layer._inner
            if inner is None:
                return
            if depth == _MOST_LAYERS - 1 and inner._head is None and inner._raw is not None:
                inner = layer._inner = RAW._undecoded(inner._raw)
            if at is not None and inner._raw is not None:
                inner._raw = captured(inner._raw, at)
            layer = inner

    @classmethod
    def _undecoded(cls, data: bytes) -> PDU:
        """Return the inner layer of these bytes, undecoded. The caller that decodes the outer layer decodes it."""
        pdu: PDU = _new(cls)
        pdu._raw, pdu._head = data, None
        return pdu

    @classmethod
    def from_buffer(cls: type[P], buf: Any) -> P:
        """Return a PDU read from bytes, bytearray or memoryview; None gives an empty one.

        Bytes from a sniffer keep the time of their capture. At most 32 layers are read; the content of
        the last is RAW. Raises MalformedPacket if a header is incomplete or invalid.
        """
        if buf is None:
            return cls()
        pdu = _new(cls)
        pdu._take(taken(buf))
        return pdu

    def _decoded(self) -> bytearray:
        """Return the fixed header, after decoding the buffer if necessary."""
        head = self._head
        if head is None:
            # Several threads may arrive here: one decodes into a new PDU and publishes the result, _head
            # last.
            with _publishing:
                if self._head is None:
                    assert self._raw is not None
                    made = _new(type(self))
                    made._take(self._raw)
                    self._tail, self._options, self._inner, self._changed = made._tail, made._options, made._inner, made._changed
                    self._head = made._head
                head = self._head
            assert head is not None
        return head

    def _parse(self, data: bytes) -> None:
        """Read the header. An inner layer may stay undecoded.

        Raises MalformedPacket if the header is incomplete.
        """
        if len(data) < self._head_size:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of {type(self).__name__}")
        self._head, self._tail, self._options, self._inner, self._changed = bytearray(data[: self._head_size]), b"", [], None, False
        self._decode(data)

    def _decode(self, data: bytes) -> None:
        """Read what follows the fixed header."""

    def _layers(self) -> Iterator[PDU]:
        """Yield this layer and its inner layers, outermost first."""
        layer: PDU | None = self
        while layer is not None:
            yield layer
            layer = layer.ref_inner_pdu()

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        """Write computed values into the header; body is the serialized inner layer."""

    def _fill(self, at: int, size: int, number: int) -> None:
        """Write a computed number into the header, which does not count as a change."""
        self._decoded()[at : at + size] = (number & (1 << size * 8) - 1).to_bytes(size, "big")

    def _written(self, parent: PDU | None) -> bytes:
        body = b""
        for outer, layer in reversed([*pairwise([parent, *self._layers()])]):
            assert layer is not None
            layer._complete(outer, body)
            body = layer._front() + body + layer._trailer(body)
        return body

    def _front(self) -> bytes:
        """Return the whole header."""
        return bytes(self._decoded()) + self._middle()

    def _middle(self) -> bytes:
        """Return the variable part of the header."""
        return self._tail

    def _trailer(self, body: bytes) -> bytes:
        return bytes(self._padding(len(body)))

    def _padding(self, inner: int) -> int:
        """Return the length of the trailer behind an inner layer of that many bytes."""
        return 0

    def serialize(self) -> bytes:
        """Return the bytes of this layer and its inner layers, with lengths, checksums and padding computed."""
        return self._written(None)

    @property
    def header_size(self) -> int:
        """The number of bytes before the inner layer."""
        return len(self._front())

    @property
    def trailer_size(self) -> int:
        """The number of bytes of padding, or of a check sequence, after the inner layer."""
        return self._padding(self._inner_size())

    @property
    def size(self) -> int:
        """The number of bytes of header, inner layers and trailer."""
        inner = self._inner_size()
        return self.header_size + inner + self._padding(inner)

    def _inner_size(self) -> int:
        size = 0
        for layer in reversed([*self._layers()][1:]):
            size += layer.header_size + layer._padding(size)
        return size

    def get_pdu_type(self) -> int:
        return self.pdu_type

    def copy(self: P) -> P:
        """Return a copy that shares nothing with this PDU."""
        made = self._twin()
        layer: PDU = made
        while layer._head is not None and layer._inner is not None:
            inner = layer._inner = layer._inner._twin()
            layer = inner
        return made

    def _twin(self: P) -> P:
        """Return a copy that shares the inner layer."""
        made = _new(type(self))
        made._raw, made._head = self._raw, None
        if (head := self._head) is not None:
            made._head, made._tail, made._options = bytearray(head), self._tail, list(self._options)
            made._inner, made._changed = self._inner, self._changed
        return made

    def __copy__(self: P) -> P:
        return self.copy()

    def __deepcopy__(self: P, memo: Any) -> P:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        states = [
            (type(layer), layer._raw, captured_at(layer._raw), layer._decoded(), layer._tail, layer._options, layer._changed)
            for layer in self._layers()
        ]
        return _restored, (states,)

    def reference(self: P) -> P:
        return self

    def ref_inner_pdu(self) -> PDU | None:
        """Return the inner layer itself, None if there is none."""
        self._decoded()
        return self._inner

    def copy_inner_pdu(self) -> PDU | None:
        """Return a copy of the inner layer, None if there is none."""
        inner = self.ref_inner_pdu()
        return None if inner is None else inner.copy()

    def set_inner_pdu(self, obj: PDU | None) -> None:
        """Replace the inner layer by a copy of obj; None removes it."""
        if obj is not None and not isinstance(obj, PDU):
            raise ValueError("obj is not a PDU")
        self._decoded()
        self._inner = None if obj is None else obj.copy()
        self._changed = True

    def __itruediv__(self: P, other: PDU) -> P:
        if not isinstance(other, PDU):
            return NotImplemented
        last: PDU = self
        while (inner := last.ref_inner_pdu()) is not None:
            last = inner
        last.set_inner_pdu(other)
        return self

    def __truediv__(self: P, other: PDU) -> P:
        if not isinstance(other, PDU):
            return NotImplemented
        made = self.copy()
        made /= other
        return made

    def rfind_pdu_by_type(self, t: int) -> Any:
        """Return the first layer of a PDU type number, from this one inwards. Raises PDUNotFound."""
        cls = _class_of(t)
        if cls is None:
            raise ValueError(f"Unknown PDU type: {t}")
        for layer in self._layers():
            if isinstance(layer, cls):
                return layer
        raise PDUNotFound(f"no {cls.__name__} in the PDU")

    def find_pdu_by_type(self, t: int) -> Any:
        """Return a copy of the result of rfind_pdu_by_type."""
        return self.rfind_pdu_by_type(t).copy()

    def rfind_pdu(self, obj: Any) -> Any:
        """Return the first layer of a class, a class name or a type number. Raises PDUNotFound."""
        return self.rfind_pdu_by_type(type_number(obj))

    def find_pdu(self, obj: Any) -> Any:
        """Return a copy of the result of rfind_pdu."""
        return self.rfind_pdu(obj).copy()

    def rfind_pdu_by_datalink_type(self, t: int) -> Any:
        """Return the first layer whose class has this data link type. Raises PDUNotFound."""
        for layer in self._layers() if t != -1 else ():
            if layer.datalink_type == t:
                return layer
        raise PDUNotFound(f"no layer of data link type {t} in the PDU")

    def matches_response(self, buf: Any) -> bool:
        """Report whether a buffer of this layer's protocol answers this PDU: swapped ports and addresses, same identifiers."""
        return self._answered_by(as_bytes(buf))

    def _answered_by(self, data: bytes) -> bool:
        """Report what matches_response reports, by the rule of the protocol; without a rule, False."""
        return False

    def _begins(self, data: bytes) -> bool:
        """Report whether the eight bytes that an ICMP error quotes can be the beginning of this layer."""
        return True

    def _inner_answered_by(self, data: bytes) -> bool:
        inner = self.ref_inner_pdu()
        return inner is None or inner._answered_by(data)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, PDU) and self.copy().serialize() == other.copy().serialize()

    __hash__ = None  # type: ignore[assignment]

    def _as_captured(self) -> bytes:
        """Return the bytes as captured or, if the PDU was changed, serialized with all checksums."""
        layer: PDU | None = self
        while layer is not None and layer._head is not None:
            if layer._changed:
                return self.copy()._written(self)
            layer = layer._inner
        return self._raw or b""

    def __gofollow_frame__(self) -> tuple[bytes, int, int | None] | None:
        """Return the frame for a follower: its bytes, its LINKTYPE_ number, its capture time in ns.

        The bytes are those captured or, if the PDU was changed, serialized. The time is None if it is
        unknown. Returns None for a layer without addresses, which cannot be followed.
        """
        link_type = self._link_type
        if link_type < 0:
            return None
        raw = self._raw
        if self._head is None and type(raw) is bytes:
            return raw, link_type, None
        return self._as_captured(), link_type, time_ns(raw)


def _restored(states: list[tuple[Any, ...]]) -> PDU:
    """Return the PDU from the states of its layers, outermost first, as __reduce__ returns them."""
    inner: PDU | None = None
    for cls, raw, at, head, tail, options, changed in reversed(states):
        made: PDU = _new(cls)
        made._raw = raw if at is None else captured(raw, at)
        made._head, made._tail, made._options, made._inner, made._changed = head, tail, options, inner, changed
        inner = made
    assert inner is not None
    return inner


def _all_types() -> dict[int, type[PDU]]:
    """Return TYPES, after importing the modules that are otherwise imported at first use."""
    from . import _tins  # noqa: F401

    return TYPES


def _class_of(number: int) -> type[PDU] | None:
    """Return the class of a PDU type number, None if there is none."""
    return TYPES.get(number) or _all_types().get(number)


def type_number(obj: Any) -> int:
    """Return the PDU type number of a class, a class name or a number."""
    if isinstance(obj, type):
        number = getattr(obj, "pdu_type", -1)
        if number < 0:
            raise ValueError(f"Don't know what to do with: {obj.__name__}")
        return int(number)
    if isinstance(obj, (str, bytes)):
        name = (obj.decode("latin-1") if isinstance(obj, bytes) else obj).lower()
        for number, cls in _all_types().items():
            if cls.__name__.lower() == name:
                return number
        raise ValueError(f"There is no PDU called: {name}")
    return int(obj)


def ethernet_inside(kind: int, data: bytes) -> PDU | None:
    """Return the layer of an EtherType, RAW for an unknown one."""
    return ETHER_TYPES.get(kind, RAW)._undecoded(data) if data else None


def pdu_from_buffer(buf: Any, cls: Any) -> Any:
    """Return a PDU of a class, class name or type number, read from a buffer. Raises TypeError for an abstract or other class."""
    if isinstance(cls, type) and TYPES.get(getattr(cls, "pdu_type", -1)) is not cls:
        raise TypeError(f"{cls.__name__} is not a concrete class of PDUs")
    number = type_number(cls)
    found = _class_of(number)
    if found is None:
        raise ValueError(f"Unknown PDU type: {number}")
    return found.from_buffer(buf)


class RAW(PDU):
    """Bytes without a class of their own."""

    __slots__ = ()
    pdu_type = 0

    def __init__(self, data: Any = b"", buf: Any = None) -> None:
        super().__init__(data if buf is None else buf)
        self._changed = buf is None

    def _blank(self) -> None:
        self._take(b"")

    def _decode(self, data: bytes) -> None:
        self._tail = data[:]  # plain bytes without a capture time

    def _answered_by(self, data: bytes) -> bool:
        return True

    @property
    def payload(self) -> bytes:
        self._decoded()
        return self._tail

    @payload.setter
    def payload(self, value: Any) -> None:
        self._decoded()
        self._tail, self._changed = as_bytes(value), True

    @property
    def payload_size(self) -> int:
        return len(self.payload)

    def to(self, pdu_class: Any) -> Any:
        """Return the payload read as another class. Raises TypeError for an object that is not a class, ValueError for other classes."""
        if not isinstance(pdu_class, type):
            raise TypeError(f"a class of PDUs is needed, not {pdu_class!r}")
        if not issubclass(pdu_class, PDU):
            raise ValueError(f"{pdu_class.__name__} is not a class of PDUs")
        return pdu_from_buffer(self.payload, pdu_class)


class Sendable(PDU):
    """A frame that can be sent through an interface."""

    __slots__ = ()

    def send(self, sender: PacketSender, iface: Any) -> None:
        """Send the frame with a PacketSender through an interface or the interface of that name."""
        from ._sender import PacketSender

        for name, value in (("sender", sender), ("iface", iface)):
            if value is None:
                raise ValueError(f"{name} can't be None")
        if not isinstance(sender, PacketSender):
            raise TypeError(f"sender is a PacketSender, not a {type(sender).__name__}")
        sender.send(self, iface)
