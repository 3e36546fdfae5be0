"""DNS messages."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

from ._addresses import IPv4Address, IPv6Address
from ._dns_names import decode_name, encode_domain_name, skip_name
from ._exceptions import MalformedPacket
from ._fields import UInt
from ._pdu import PDU
from ._text import as_bytes, within

Q = TypeVar("Q", bound="DNS_Query")
_A, _MX, _AAAA = 1, 15, 28
# types whose data is a domain name, before which that of MX has a preference
_NAMED = {2, 5, 12, _MX, 39}


class DNS_Query:
    """A question: name, type and class."""

    __slots__ = ("name", "query_class", "query_type")
    name: bytes
    query_type: int
    query_class: int

    def __init__(self, name: Any = None, query_type: Any = None, query_class: Any = None) -> None:
        self.name, self.query_type, self.query_class = name or b"", query_type or 0, query_class or 0

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute in ("name", "data"):
            super().__setattr__(attribute, as_bytes(value))
        else:
            super().__setattr__(attribute, within(value, 0xFFFFFFFF if attribute == "ttl" else 0xFFFF, attribute))

    def _parts(self) -> tuple[Any, ...]:
        return self.name, self.query_type, self.query_class

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, DNS_Query) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts()

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._parts()}"


class DNS_Resource(DNS_Query):
    """A resource record. data is text for addresses and names, otherwise the bytes of the record."""

    __slots__ = ("data", "ttl")
    data: bytes
    ttl: int

    def __init__(self, name: Any = None, data: Any = None, query_type: Any = None, query_class: Any = None, ttl: Any = None) -> None:
        super().__init__(name, query_type, query_class)
        self.data, self.ttl = data or b"", ttl or 0

    def _parts(self) -> tuple[Any, ...]:
        return self.name, self.data, self.query_type, self.query_class, self.ttl


class DNS(PDU):
    """A DNS message (RFC 1035)."""

    __slots__ = ()
    pdu_type = 38
    _head_size = 12
    Query = DNS_Query
    Resource = DNS_Resource

    class QRType(IntEnum):
        QUERY = 0
        RESPONSE = 1

    class QueryClass(IntEnum):
        IN = 1
        CH = 3
        HS = 4
        ANY = 255

    class QueryType(IntEnum):
        A, NS, MD, MF, CNAME, SOA, MB, MG, MR, NULL_R, WKS, PTR, HINFO, MINFO, MX, TXT, RP = range(1, 18)
        AFSDB, X25, ISDN, RT, NSAP, NSAP_PTR, SIG, KEY, PX, GPOS, AAAA, LOC, NXT, EID, NIMLOC = range(18, 33)
        SRV, ATMA, NAPTR, KX, CERT, A6, DNAM, SINK, OPT, APL, DS, SSHFP, IPSECKEY, RRSIG = range(33, 47)
        NSEC, DNSKEY, DHCID, NSEC3, NSEC3PARAM = range(47, 52)

    id = UInt(0, 2)
    qrtype = UInt(2, 1, low=7)
    opcode = UInt(2, 1, low=3, bits=4)
    authoritative_answer = UInt(2, 1, low=2, bits=1)
    truncated = UInt(2, 1, low=1, bits=1)
    recursion_desired = UInt(2, 1, bits=1)
    recursion_available = UInt(3, 1, low=7)
    z = UInt(3, 1, low=6, bits=1)
    authenticated_data = UInt(3, 1, low=5, bits=1)
    checking_disabled = UInt(3, 1, low=4, bits=1)
    rcode = UInt(3, 1, bits=4)

    # _options holds where in _tail each section begins: questions, answers, authorities, additionals
    def _blank(self) -> None:
        super()._blank()
        self._options = [0, 0, 0, 0]

    def _decode(self, data: bytes) -> None:
        self._tail = records = data[12:]
        self._options = [0, 0, 0, 0]
        at = 0
        # A truncated message consists of the header alone. Additional records are read on request.
        for section in range(3 if records else 0):
            for _ in range(self._count(section)):
                at = skip_name(records, at) + (4 if section == 0 else 10)
                at += int.from_bytes(records[at - 2 : at], "big") if section else 0
                if at > len(records):
                    raise MalformedPacket("a DNS record goes beyond the message")
            self._options[section + 1] = at

    def _answered_by(self, data: bytes) -> bool:
        return len(data) >= 12 and data[:2] == self._decoded()[:2]

    def _count(self, section: int) -> int:
        head = self._decoded()
        return int.from_bytes(head[4 + section * 2 : 6 + section * 2], "big")

    def queries_count(self) -> int:
        return self._count(0)

    def questions_count(self) -> int:
        return self._count(0)

    def answers_count(self) -> int:
        return self._count(1)

    def authority_count(self) -> int:
        return self._count(2)

    def additional_count(self) -> int:
        return self._count(3)

    def get_queries(self) -> list[DNS_Query]:
        """The questions."""
        self._decoded()
        records, found, at = self._tail, [], 0
        for _ in range(self._count(0) if records else 0):
            name, at = decode_name(records, at)
            found.append(DNS_Query(name, int.from_bytes(records[at : at + 2], "big"), int.from_bytes(records[at + 2 : at + 4], "big")))
            at += 4
        return found

    def get_answers(self) -> list[DNS_Resource]:
        """The answers."""
        return self._resources(1)

    def get_authorities(self) -> list[DNS_Resource]:
        """The authority records."""
        return self._resources(2)

    def get_additionals(self) -> list[DNS_Resource]:
        """The additional records."""
        return self._resources(3)

    def _resources(self, section: int) -> list[DNS_Resource]:
        self._decoded()
        records, at, found = self._tail, self._options[section], []
        for _ in range(self._count(section) if records else 0):
            name, at = decode_name(records, at)
            kind, group = (int.from_bytes(records[at + i : at + i + 2], "big") for i in (0, 2))
            ttl, size = int.from_bytes(records[at + 4 : at + 8], "big"), int.from_bytes(records[at + 8 : at + 10], "big")
            at += 10
            if at + size > len(records):
                raise MalformedPacket("a DNS record goes beyond the message")
            found.append(DNS_Resource(name, _read_data(records, at, size, kind), kind, group, ttl))
            at += size
        return found

    def add_query(self, q: DNS_Query) -> None:
        """Append a question; None adds nothing."""
        self._append(0, q, DNS_Query, _question)

    def add_answer(self, answer: DNS_Resource) -> None:
        """Append an answer. Addresses (A, AAAA) and names are given as text."""
        self._append(1, answer, DNS_Resource, _resource)

    def add_authority(self, authority: DNS_Resource) -> None:
        """Append an authority record, as add_answer does."""
        self._append(2, authority, DNS_Resource, _resource)

    def add_additional(self, additional: DNS_Resource) -> None:
        """Append an additional record, as add_answer does."""
        self._append(3, additional, DNS_Resource, _resource)

    def _append(self, section: int, record: Any, cls: type[Q], packed: Callable[[Q], bytes]) -> None:
        if record is None:
            return
        if type(record) is not cls:
            raise TypeError(f"a {cls.__name__} is added here, not a {type(record).__name__}")
        self._insert(section, packed(record))

    def _insert(self, section: int, record: bytes) -> None:
        head = self._decoded()
        count = self._count(section) + 1
        if count > 0xFFFF:
            raise OverflowError("a DNS message has up to 65535 records of a kind")
        starts, end = self._options, self._options[section + 1] if section < 3 else len(self._tail)
        moved = _moved_pointers(self._tail, end, len(record), [self._count(i) for i in range(4)])
        self._tail = moved[:end] + record + moved[end:]
        self._options = [start + len(record) if i > section else start for i, start in enumerate(starts)]
        head[4 + section * 2 : 6 + section * 2] = count.to_bytes(2, "big")
        self._changed = True


def _read_data(records: bytes, at: int, size: int, kind: int) -> bytes:
    data = records[at : at + size]
    if kind == _A:
        if size != 4:
            raise MalformedPacket(f"an A record of {size} bytes")
        return str(IPv4Address._from_packed(data)).encode()
    if kind == _AAAA:
        if size != 16:
            raise MalformedPacket(f"an AAAA record of {size} bytes")
        return str(IPv6Address._from_packed(data)).encode()
    if kind in _NAMED:
        return decode_name(records, at + 2 if kind == _MX else at)[0]
    return data


def _question(query: DNS_Query) -> bytes:
    return encode_domain_name(query.name) + query.query_type.to_bytes(2, "big") + query.query_class.to_bytes(2, "big")


def _resource(resource: DNS_Resource) -> bytes:
    kind = resource.query_type
    if kind == _A:
        data = IPv4Address(resource.data)._packed
    elif kind == _AAAA:
        data = IPv6Address(resource.data)._packed
    elif kind in _NAMED:
        data = (bytes(2) if kind == _MX else b"") + encode_domain_name(resource.data)
    else:
        data = resource.data
    if len(data) > 0xFFFF:
        raise OverflowError(f"a DNS record has up to 65535 bytes of data, not {len(data)}")
    head = kind.to_bytes(2, "big") + resource.query_class.to_bytes(2, "big") + resource.ttl.to_bytes(4, "big")
    return encode_domain_name(resource.name) + head + len(data).to_bytes(2, "big") + data


def _moved_pointers(records: bytes, end: int, by: int, counts: list[int]) -> bytes:
    """The records with every compression pointer to what lies after end raised: a record is put in there."""
    out, at = bytearray(records), 0

    def move(at: int) -> int:
        while at < len(out) and out[at]:
            if out[at] >= 0xC0:
                to = int.from_bytes(out[at : at + 2], "big") & 0x3FFF
                if to - 12 >= end:
                    out[at : at + 2] = (0xC000 | to + by).to_bytes(2, "big")
                return at + 2
            at += out[at] + 1
        return at + 1

    for section, count in enumerate(counts if records else ()):
        for _ in range(count):
            at = move(at)
            if section == 0:
                at += 4
                continue
            kind, size = int.from_bytes(out[at : at + 2], "big"), int.from_bytes(out[at + 8 : at + 10], "big")
            at += 10
            if kind in _NAMED:
                move(at + 2 if kind == _MX else at)
            at += size
    return bytes(out)
