"""The base of all protocol data units, RAW, and the tables by which a layer finds the class of the next one."""

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
# Layers that are read from one buffer, as in the engine (gofollow/internal/decode): what is inside
# of the last is RAW. Each layer keeps its bytes, so that a frame of nothing but tags would cost the
# square of its length.
_MOST_LAYERS = 32

_new = object.__new__
_publishing = threading.RLock()


def _renew_lock() -> None:
    # the thread that holds it is not there in a forked child
    global _publishing
    _publishing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def ones_sum(data: bytes) -> int:
    """The Internet checksum of data (RFC 1071)."""
    number = int.from_bytes(data + b"\0" * (len(data) & 1), "big")
    # the sum of words that are not all zero is never zero: it is 0xFFFF
    return (number % 0xFFFF or (0xFFFF if number else 0)) ^ 0xFFFF


def pseudo_header(parent: PDU | None, protocol: int, length: int) -> bytes | None:
    """What a checksum covers of the IP header around it; None where it is not known."""
    addresses = getattr(parent, "_pseudo_addresses", None)
    return None if addresses is None else addresses() + length.to_bytes(4, "big") + protocol.to_bytes(4, "big")


class PDU:
    """One layer and, inside it, the next.

    A layer read from a buffer may be decoded when something of it is first asked for.

    _head holds the fixed header, None as long as _raw is not decoded; _tail what follows it up to
    the inner layer where a class does not know better; _changed says that something was assigned
    since _raw was read. _raw is Captured where the time of its capture is known.
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
            # a number is of the class that declares it: of what a subclass is, that class decides
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
        """Read this layer and those inside it. Nobody else may know this PDU yet."""
        self._raw, self._head = data, None
        at = captured_at(data)
        layer: PDU = self
        # Not by recursion: how deep layers lie is the sender's choice.
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
        """The inner layer that data is, to be decoded by what decodes the layer around it."""
        pdu: PDU = _new(cls)
        pdu._raw, pdu._head = data, None
        return pdu

    @classmethod
    def from_buffer(cls: type[P], buf: Any) -> P:
        """A PDU read from bytes, bytearray or memoryview; None gives an empty one.

        MalformedPacket when the header is not there. What a sniffer handed over brings the time of
        its capture along. A buffer has up to 32 layers: what is inside of the last is RAW.
        """
        if buf is None:
            return cls()
        pdu = _new(cls)
        pdu._take(taken(buf))
        return pdu

    def _decoded(self) -> bytearray:
        """The fixed header, the buffer being decoded first where it is not yet."""
        head = self._head
        if head is None:
            # Several threads may ask at once: one decodes a PDU of its own, and publishes what came
            # of it, _head last.
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
        """Read the header; an inner layer may be left undecoded.

        MalformedPacket when the header is not there.
        """
        if len(data) < self._head_size:
            raise MalformedPacket(f"{len(data)} bytes are too few for a header of {type(self).__name__}")
        self._head, self._tail, self._options, self._inner, self._changed = bytearray(data[: self._head_size]), b"", [], None, False
        self._decode(data)

    def _decode(self, data: bytes) -> None:
        """Read what follows the fixed header."""

    def _layers(self) -> Iterator[PDU]:
        """This layer and those inside it, outermost first."""
        layer: PDU | None = self
        while layer is not None:
            yield layer
            layer = layer.ref_inner_pdu()

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        """Write what serializing computes into the header; body is the serialized inner layer."""

    def _fill(self, at: int, size: int, number: int) -> None:
        """Write a computed number into the header, which is no change of the PDU's."""
        self._decoded()[at : at + size] = (number & (1 << size * 8) - 1).to_bytes(size, "big")

    def _written(self, parent: PDU | None) -> bytes:
        body = b""
        for outer, layer in reversed([*pairwise([parent, *self._layers()])]):
            assert layer is not None
            layer._complete(outer, body)
            body = layer._front() + body + layer._trailer(body)
        return body

    def _front(self) -> bytes:
        """The whole header."""
        return bytes(self._decoded()) + self._middle()

    def _middle(self) -> bytes:
        """What of the header follows the fixed part."""
        return self._tail

    def _trailer(self, body: bytes) -> bytes:
        return bytes(self._padding(len(body)))

    def _padding(self, inner: int) -> int:
        """Bytes of trailer behind an inner layer of that many bytes."""
        return 0

    def serialize(self) -> bytes:
        """The bytes of this layer and those inside it, with lengths, checksums and padding computed."""
        return self._written(None)

    @property
    def header_size(self) -> int:
        """Bytes before the inner layer."""
        return len(self._front())

    @property
    def trailer_size(self) -> int:
        """Bytes of padding, or of a check sequence, after the inner layer."""
        return self._padding(self._inner_size())

    @property
    def size(self) -> int:
        """Bytes of header, inner layers and trailer."""
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
        """A copy that shares nothing with this PDU."""
        made = self._twin()
        layer: PDU = made
        while layer._head is not None and layer._inner is not None:
            inner = layer._inner = layer._inner._twin()
            layer = inner
        return made

    def _twin(self: P) -> P:
        """A copy that shares the inner layer."""
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
        """The inner layer itself; None where there is none."""
        self._decoded()
        return self._inner

    def copy_inner_pdu(self) -> PDU | None:
        """A copy of the inner layer; None where there is none."""
        inner = self.ref_inner_pdu()
        return None if inner is None else inner.copy()

    def set_inner_pdu(self, obj: PDU | None) -> None:
        """Put a copy of obj inside this layer, instead of what is there; None leaves nothing inside."""
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
        """The first layer of a PDU type number, from this one inwards, itself; PDUNotFound where there is none."""
        cls = _class_of(t)
        if cls is None:
            raise ValueError(f"Unknown PDU type: {t}")
        for layer in self._layers():
            if isinstance(layer, cls):
                return layer
        raise PDUNotFound(f"no {cls.__name__} in the PDU")

    def find_pdu_by_type(self, t: int) -> Any:
        """A copy of what rfind_pdu_by_type finds."""
        return self.rfind_pdu_by_type(t).copy()

    def rfind_pdu(self, obj: Any) -> Any:
        """The first layer of a class, a class name or a type number, itself; PDUNotFound where there is none."""
        return self.rfind_pdu_by_type(type_number(obj))

    def find_pdu(self, obj: Any) -> Any:
        """A copy of what rfind_pdu finds."""
        return self.rfind_pdu(obj).copy()

    def rfind_pdu_by_datalink_type(self, t: int) -> Any:
        """The first layer whose class has this data link type; PDUNotFound where there is none."""
        for layer in self._layers() if t != -1 else ():
            if layer.datalink_type == t:
                return layer
        raise PDUNotFound(f"no layer of data link type {t} in the PDU")

    def matches_response(self, buf: Any) -> bool:
        """Whether a buffer, which begins with this layer's protocol, answers this PDU: ports and addresses swapped, same identifiers."""
        return self._answered_by(as_bytes(buf))

    def _answered_by(self, data: bytes) -> bool:
        """The rule of one protocol; one without a rule is never answered."""
        return False

    def _begins(self, data: bytes) -> bool:
        """Whether the eight bytes of a packet that an ICMP error quotes may be the beginning of this layer."""
        return True

    def _inner_answered_by(self, data: bytes) -> bool:
        inner = self.ref_inner_pdu()
        return inner is None or inner._answered_by(data)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, PDU) and self.copy().serialize() == other.copy().serialize()

    __hash__ = None  # type: ignore[assignment]

    def _as_captured(self) -> bytes:
        """The bytes as captured; serialized with all checksums if something was assigned since."""
        layer: PDU | None = self
        while layer is not None and layer._head is not None:
            if layer._changed:
                return self.copy()._written(self)
            layer = layer._inner
        return self._raw or b""

    def __gofollow_frame__(self) -> tuple[bytes, int, int | None] | None:
        """What a follower reads: the frame's bytes, its LINKTYPE_ number, its time of capture in ns.

        The bytes are those captured, or serialized if something was assigned since; the time is
        None where it is not known. None of a layer that cannot be followed by itself, as it has no
        addresses.
        """
        link_type = self._link_type
        if link_type < 0:
            return None
        raw = self._raw
        if self._head is None and type(raw) is bytes:
            return raw, link_type, None
        return self._as_captured(), link_type, time_ns(raw)


def _restored(states: list[tuple[Any, ...]]) -> PDU:
    """The PDU of which __reduce__ gave the state of each layer, outermost first."""
    inner: PDU | None = None
    for cls, raw, at, head, tail, options, changed in reversed(states):
        made: PDU = _new(cls)
        made._raw = raw if at is None else captured(raw, at)
        made._head, made._tail, made._options, made._inner, made._changed = head, tail, options, inner, changed
        inner = made
    assert inner is not None
    return inner


def _all_types() -> dict[int, type[PDU]]:
    """TYPES, with the classes of the modules that are imported when they are first needed."""
    from . import _tins  # noqa: F401

    return TYPES


def _class_of(number: int) -> type[PDU] | None:
    """The class of a PDU type number; None where there is none."""
    return TYPES.get(number) or _all_types().get(number)


def type_number(obj: Any) -> int:
    """The PDU type number of a class, a class name or a number."""
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
    """The layer that an EtherType names; RAW for an unknown one."""
    return ETHER_TYPES.get(kind, RAW)._undecoded(data) if data else None


def pdu_from_buffer(buf: Any, cls: Any) -> Any:
    """A PDU of a class, class name or type number, read from a buffer. TypeError for a class that is no PDU's, or abstract."""
    if isinstance(cls, type) and TYPES.get(getattr(cls, "pdu_type", -1)) is not cls:
        raise TypeError(f"{cls.__name__} is no concrete class of PDUs")
    number = type_number(cls)
    found = _class_of(number)
    if found is None:
        raise ValueError(f"Unknown PDU type: {number}")
    return found.from_buffer(buf)


class RAW(PDU):
    """Bytes that no other class takes."""

    __slots__ = ()
    pdu_type = 0

    def __init__(self, data: Any = b"", buf: Any = None) -> None:
        super().__init__(data if buf is None else buf)
        self._changed = buf is None

    def _blank(self) -> None:
        self._take(b"")

    def _decode(self, data: bytes) -> None:
        self._tail = data[:]  # plain bytes of captured ones

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
        """The payload read as another class; TypeError for what is no class, ValueError for one that is no PDU's."""
        if not isinstance(pdu_class, type):
            raise TypeError(f"a class of PDUs is needed, not {pdu_class!r}")
        if not issubclass(pdu_class, PDU):
            raise ValueError(f"{pdu_class.__name__} is no class of PDUs")
        return pdu_from_buffer(self.payload, pdu_class)


class Sendable(PDU):
    """A frame that is sent through an interface."""

    __slots__ = ()

    def send(self, sender: PacketSender, iface: Any) -> None:
        """Send the frame by a PacketSender through an interface, which may be named."""
        from ._sender import PacketSender

        for name, value in (("sender", sender), ("iface", iface)):
            if value is None:
                raise ValueError(f"{name} can't be None")
        if not isinstance(sender, PacketSender):
            raise TypeError(f"sender is a PacketSender, not a {type(sender).__name__}")
        sender.send(self, iface)
