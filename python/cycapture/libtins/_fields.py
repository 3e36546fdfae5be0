"""Declared header fields: one line in a PDU class states the place and type of a field.

A field reads and writes the header bytes of the PDU. Decoding, serializing, comparing, copying and pickling therefore do not
know single fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ._addresses import HWAddress, IPv4Address, IPv6Address
from ._text import as_bytes, from_hex, within

if TYPE_CHECKING:
    from ._pdu import PDU

T = TypeVar("T")


class Field(Generic[T]):
    """The header bytes [at, at + size). A subclass converts them to a value and back."""

    def __init__(self, at: int, size: int, *, readonly: bool = False) -> None:
        self._at, self._end, self._size, self._readonly = at, at + size, size, readonly

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, pdu: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, pdu: PDU, owner: type) -> T: ...
    def __get__(self, pdu: PDU | None, owner: type) -> Field[T] | T:
        if pdu is None:
            return self
        return self._load(bytes((pdu._head or pdu._decoded())[self._at : self._end]))

    # like the original, assignment converts: text to an address, a number in text to a number
    def __set__(self, pdu: PDU, value: Any) -> None:
        if self._readonly:
            raise AttributeError(f"{type(pdu).__name__}.{self._name} cannot be set: serialize() computes it")
        head = pdu._decoded()
        head[self._at : self._end] = self._store(value, bytes(head[self._at : self._end]))
        pdu._changed = True

    def _load(self, data: bytes) -> T:
        raise NotImplementedError

    def _store(self, value: Any, before: bytes) -> bytes:
        raise NotImplementedError


class UInt(Field[int]):
    """An unsigned number in network order, or its bits [low, low + bits) counted from the least significant bit.

    Assigning None sets the number that the original used for it, if any. Raises NumberOutOfRange if a number does not fit.
    """

    def __init__(
        self,
        at: int,
        size: int,
        *,
        low: int = 0,
        bits: int | None = None,
        little: bool = False,
        readonly: bool = False,
        none: int | None = None,
    ) -> None:
        super().__init__(at, size, readonly=readonly)
        self._low = low
        self._mask = (1 << (size * 8 - low if bits is None else bits)) - 1
        self._little = little
        self._none = none

    def _load(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self._little else "big") >> self._low & self._mask

    def _store(self, value: Any, before: bytes) -> bytes:
        number = within(self._none if value is None and self._none is not None else value, self._mask, self._name)
        order: Any = "little" if self._little else "big"
        word = int.from_bytes(before, order) & ~(self._mask << self._low)
        return (word | number << self._low).to_bytes(self._size, order)


class Flag(Field[bool]):
    """A bit of the byte at a position."""

    def __init__(self, at: int, bit: int) -> None:
        super().__init__(at, 1)
        self._bit = bit

    def _load(self, data: bytes) -> bool:
        return bool(data[0] & self._bit)

    def _store(self, value: Any, before: bytes) -> bytes:
        return bytes([before[0] | self._bit if value else before[0] & ~self._bit])


class Octets(Field[bytes]):
    """A fixed number of bytes; assigned bytes are truncated or padded with zeros."""

    def _load(self, data: bytes) -> bytes:
        return data

    def _store(self, value: Any, before: bytes) -> bytes:
        return as_bytes(value)[: self._size].ljust(self._size, b"\0")


class HexText(Field[bytes]):
    """A fixed number of bytes as hexadecimal text with colons; shorter text is padded with zeros."""

    def _load(self, data: bytes) -> bytes:
        return data.hex(":").encode()

    def _store(self, value: Any, before: bytes) -> bytes:
        return from_hex(value, self._size)


class IPv4Field(Field[IPv4Address]):
    """An IPv4 address; assignment converts text, words and None."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 4)

    def _load(self, data: bytes) -> IPv4Address:
        return IPv4Address._from_packed(data)

    def _store(self, value: Any, before: bytes) -> bytes:
        return IPv4Address(value)._packed


class IPv6Field(Field[IPv6Address]):
    """An IPv6 address; assignment converts text and None."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 16)

    def _load(self, data: bytes) -> IPv6Address:
        return IPv6Address._from_packed(data)

    def _store(self, value: Any, before: bytes) -> bytes:
        return IPv6Address(value)._packed


class HWField(Field[HWAddress]):
    """A hardware address; assignment converts text and None."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 6)

    def _load(self, data: bytes) -> HWAddress:
        return HWAddress._from_packed(data)

    def _store(self, value: Any, before: bytes) -> bytes:
        return HWAddress(value)._packed
