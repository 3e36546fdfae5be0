"""Domain names on the wire (RFC 1035, 3.1 and 4.1.4)."""

from __future__ import annotations

from typing import Any

from ._exceptions import MalformedPacket
from ._text import as_bytes

# RFC 1035, 2.3.4: a name has up to 255 bytes
_LONGEST = 255
# A name has at most so many labels, and a pointer can lead to each: more pointers only make a message
# slow to read.
_MOST_POINTERS = 127
_HEADER = 12


def encode_domain_name(domain_name: Any) -> bytes:
    """Return the wire format of a name with dots between its labels. Raises ValueError if a label or the name is too long."""
    name = as_bytes(domain_name).rstrip(b".")
    labels = name.split(b".") if name else []
    for label in labels:
        if not 0 < len(label) < 64:
            raise ValueError(f"a label of a domain name has 1 to 63 bytes: {name!r}")
    if len(name) > _LONGEST - 2:
        raise ValueError(f"a domain name has up to {_LONGEST - 2} bytes, not {len(name)}")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def skip_name(records: bytes, at: int) -> int:
    """Return where the name at a position ends."""
    while at < len(records):
        size = records[at]
        if size >= 0xC0:
            return at + 2
        at += size + 1
        if not size:
            break
    return at


def decode_name(records: bytes, at: int) -> tuple[bytes, int]:
    """Return the name at a position, with its pointers followed, and where it ends. records begins after the message's header."""
    labels: list[bytes] = []
    end, total, pointers = -1, 0, 0
    while True:
        size = records[at] if at < len(records) else -1
        if size == 0:
            return b".".join(labels), at + 1 if end < 0 else end
        if size >= 0xC0:
            target = (int.from_bytes(records[at : at + 2], "big") & 0x3FFF) - _HEADER
            end = at + 2 if end < 0 else end
            # a pointer must lead backwards, so that there is no loop
            if at + 2 > len(records) or not 0 <= target < at:
                raise MalformedPacket("a DNS name points outside of what stands before it")
            at = target
            pointers += 1
            if pointers > _MOST_POINTERS:
                raise MalformedPacket(f"a DNS name has more than {_MOST_POINTERS} pointers")
            continue
        total += size + 1
        if size < 0 or size > 63 or at + 1 + size > len(records) or total > _LONGEST:
            raise MalformedPacket("a DNS name is cut or too long")
        labels.append(records[at + 1 : at + 1 + size])
        at += 1 + size
