"""PPP over Ethernet."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from ._exceptions import MalformedOption, MalformedPacket, OptionNotFound
from ._fields import UInt
from ._options import TEXT, Option, OptionsPDU
from ._pdu import ETHER_TYPES, PDU, RAW
from ._text import as_bytes, within


class _Tag(Option):
    """A tag of bytes. Reading an absent one raises OptionNotFound, as in the original."""

    def __get__(self, pdu: OptionsPDU | None, owner: type) -> Any:
        found = super().__get__(pdu, owner)
        if found is None:
            raise OptionNotFound(f"no PPPoE tag {self._kind:#06x}")
        return found


class PPPoE(OptionsPDU):
    """A PPPoE header (RFC 2516): a discovery message with tags or, with code 0, the header of a PPP frame."""

    __slots__ = ()
    pdu_type = 45
    _ether_type: ClassVar[int] = 0x8863
    _head_size = 6
    _option_limit = _option_types = 0xFFFF

    class TagTypes(IntEnum):
        # The original's numbers: those of the wire with swapped bytes. It repeats two of them; only members find these tags.
        END_OF_LIST = 0
        SERVICE_NAME = 257
        AC_NAME = 513
        HOST_UNIQ = 769
        AC_COOKIE = 1025
        VENDOR_SPECIFIC = 1281
        RELAY_SESSION_ID = 257
        SERVICE_NAME_ERROR = 513
        AC_SYSTEM_ERROR = 514
        GENERIC_ERROR = 770

    version = UInt(0, 1, low=4)
    type = UInt(0, 1, bits=4)
    code = UInt(1, 1)
    session_id = UInt(2, 2)
    payload_length = UInt(4, 2)

    service_name = Option(0x0101, TEXT)
    ac_name = Option(0x0201, TEXT)
    host_uniq = _Tag(0x0301, TEXT)
    ac_cookie = _Tag(0x0401, TEXT)
    relay_session_id = _Tag(0x1001, TEXT)
    service_name_error = Option(0x0102, TEXT)
    ac_system_error = Option(0x0202, TEXT)
    generic_error = Option(0x0302, TEXT)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.version = self.type = 1

    def _decode(self, data: bytes) -> None:
        body = data[6 : 6 + int.from_bytes(data[4:6], "big")]
        if not data[1]:
            if body:
                self._inner = RAW.from_buffer(body)
            return
        at = 0
        while at < len(body):
            end = at + 4 + int.from_bytes(body[at + 2 : at + 4], "big")
            if not at + 4 <= end <= len(body):
                raise MalformedPacket("a PPPoE tag goes beyond the payload")
            self._options.append((int.from_bytes(body[at : at + 2], "little"), body[at + 4 : end]))
            at = end

    def _middle(self) -> bytes:
        return b"".join(kind.to_bytes(2, "little") + len(value).to_bytes(2, "big") + value for kind, value in self._options)

    def _complete(self, parent: PDU | None, body: bytes) -> None:
        if self._options:
            self._fill(4, 2, len(self._middle()))
        elif body:
            self._fill(4, 2, len(body))

    @property
    def tags(self) -> list[tuple[int, bytes]]:
        """The tags in the header's order, as (type, content)."""
        self._decoded()
        return list(self._options)

    def search_tag(self, tag_type: Any) -> bytes | None:
        """Return the content of the first tag of a type, None if there is none."""
        return self._find(int(tag_type))

    def add_tag(self, tag_type: Any, data: Any = None) -> None:
        """Append a tag."""
        self._add(tag_type, data)

    def get_vendor_specific(self) -> tuple[int, bytes]:
        """Return vendor number and content of the vendor's tag. Raises OptionNotFound if there is none."""
        data = self._find(self.TagTypes.VENDOR_SPECIFIC)
        if data is None:
            raise OptionNotFound("no PPPoE tag of a vendor")
        if len(data) < 4:
            raise MalformedOption(f"a PPPoE tag of a vendor has four bytes at least, not {len(data)}")
        return int.from_bytes(data[:4], "big"), data[4:]

    def set_vendor_specific(self, vendor_id: Any, data: Any) -> None:
        """Set the vendor's tag."""
        self._put(self.TagTypes.VENDOR_SPECIFIC, within(vendor_id, 0xFFFFFFFF, "a vendor's number").to_bytes(4, "big") + as_bytes(data))


# the EtherType of session frames
_SESSION = 0x8864
ETHER_TYPES[_SESSION] = PPPoE


def ether_type_of(inner: PDU, before: int) -> int:
    """Return the EtherType that a link layer writes for its inner layer, 0 for RAW; before is the present one.

    PPPoE has one for discovery and one for sessions (RFC 2516, 5 and 6). The one that was read stays while nothing changes.
    """
    if not isinstance(inner, PPPoE):
        return inner._ether_type or 0
    if not inner._changed and ETHER_TYPES.get(before) is PPPoE:
        return before
    session = inner.code == 0 and (inner.session_id or inner._inner is not None)
    return _SESSION if session else PPPoE._ether_type
