"""The addresses of cycapture: equal to their text, comparable, divisible by a prefix length."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from ._exceptions import AddressOutOfRange, MalformedAddress
from ._text import from_hex

_A = TypeVar("_A", bound="Address")


class Address:
    """An address, stored as packed bytes in network order. A subclass converts text to bytes and back."""

    __slots__ = ("_packed",)
    _size: ClassVar[int]
    _range: ClassVar[Any]
    _packed: bytes

    def __init__(self, addr: object = None) -> None:
        self._packed = self._pack(addr)

    @classmethod
    def _pack(cls, addr: object) -> bytes:
        if addr is None:
            return bytes(cls._size)
        if isinstance(addr, cls):
            return addr._packed
        if isinstance(addr, (bytes, bytearray)):
            try:
                return cls._parse(addr.decode("ascii"))
            except UnicodeDecodeError:
                raise MalformedAddress(f"not a valid {cls.__name__}: {bytes(addr)!r}") from None
        return cls._parse(str(addr))

    @classmethod
    def _parse(cls, text: str) -> bytes:
        raise NotImplementedError

    @classmethod
    def _from_packed(cls: type[_A], packed: bytes) -> _A:
        made = cls.__new__(cls)
        made._packed = packed
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __truediv__(self, mask: object) -> Any:
        """Return the hosts of the network of this address; mask is a prefix length or an address."""
        return self._range.from_mask(self, mask)

    def _comparable(self, other: object) -> bytes | None:
        if isinstance(other, type(self)):
            return other._packed
        if isinstance(other, (str, bytes)):
            return self._pack(other)
        return None

    def equals(self, other: object) -> bool:
        """Report whether other is the same address, given as an address or as text. False for other objects."""
        try:
            return self._comparable(other) == self._packed
        except MalformedAddress:
            return False

    def different(self, other: object) -> bool:
        """Report the opposite of equals."""
        return not self.equals(other)

    def less(self, other: object) -> bool:
        """Report whether this address is lower than other. Raises ValueError if other is not an address."""
        packed = self._comparable(other)
        if packed is None:
            raise ValueError(f"don't know how to compare {type(self).__name__} with {type(other).__name__}")
        return self._packed < packed

    # as in the original, text that is not an address raises MalformedAddress here and is unequal in equals
    def __eq__(self, other: object) -> bool:
        return self._comparable(other) == self._packed

    def __lt__(self, other: object) -> bool:
        return self.less(other)

    def __le__(self, other: object) -> bool:
        return self.less(other) or self.equals(other)

    def __gt__(self, other: object) -> bool:
        return not self <= other

    def __ge__(self, other: object) -> bool:
        return not self < other

    def __hash__(self) -> int:
        # an address equals its text, so both must have the same hash
        return hash(str(self))

    def __copy__(self: _A) -> _A:
        return self

    def __deepcopy__(self: _A, memo: Any) -> _A:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)


class IPv4Address(Address):
    """An IPv4 address from text, from another address, or from the little-endian word that int() returns."""

    __slots__ = ()
    _size = 4
    broadcast: ClassVar[IPv4Address]

    @classmethod
    def _pack(cls, addr: object) -> bytes:
        if isinstance(addr, int):
            try:
                return addr.to_bytes(4, "little")
            except OverflowError:
                raise AddressOutOfRange(f"not a 32-bit IPv4 address: {addr}") from None
        return super()._pack(addr)

    @classmethod
    def _parse(cls, text: str) -> bytes:
        import socket

        try:
            return socket.inet_pton(socket.AF_INET, text)
        except (OSError, ValueError):
            raise MalformedAddress(f"not a valid IPv4 address: {text!r}") from None

    def _comparable(self, other: object) -> bytes | None:
        if isinstance(other, int):
            return other.to_bytes(4, "little") if 0 <= other < 1 << 32 else None
        return super()._comparable(other)

    def __str__(self) -> str:
        return ".".join(map(str, self._packed))

    def __int__(self) -> int:
        return int.from_bytes(self._packed, "little")

    def is_loopback(self) -> bool:
        """Report whether the address is in 127.0.0.0/8."""
        return self._packed[0] == 127

    def is_private(self) -> bool:
        """Report whether the address is in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)."""
        first, second = self._packed[:2]
        return first == 10 or (first == 172 and 16 <= second < 32) or (first == 192 and second == 168)

    def is_broadcast(self) -> bool:
        """Report whether the address is 255.255.255.255."""
        return self._packed == b"\xff\xff\xff\xff"

    def is_multicast(self) -> bool:
        """Report whether the address is in 224.0.0.0/4."""
        return self._packed[0] >> 4 == 14

    def is_unicast(self) -> bool:
        """Report whether the address is neither multicast nor broadcast."""
        return not self.is_multicast() and not self.is_broadcast()


IPv4Address.broadcast = IPv4Address._from_packed(b"\xff" * 4)


class IPv6Address(Address):
    """An IPv6 address from text or from another address."""

    __slots__ = ()
    _size = 16

    @classmethod
    def _parse(cls, text: str) -> bytes:
        import socket

        try:
            return socket.inet_pton(socket.AF_INET6, text)
        except (OSError, ValueError):
            raise MalformedAddress(f"not a valid IPv6 address: {text!r}") from None

    def __str__(self) -> str:
        import socket

        return socket.inet_ntop(socket.AF_INET6, self._packed)

    def to_buffer(self) -> bytes:
        """Return the 16 bytes of the address."""
        return self._packed

    def full_repr(self) -> list[int]:
        """Return the 16 bytes of the address as numbers."""
        return list(self._packed)

    def is_loopback(self) -> bool:
        """Report whether the address is ::1."""
        return self._packed == bytes(15) + b"\x01"

    def is_multicast(self) -> bool:
        """Report whether the address is in ff00::/8."""
        return self._packed[0] == 0xFF


class HWAddress(Address):
    """A hardware address of six bytes, from text (aa:bb:cc:dd:ee:ff), its six bytes, or another address.

    Text of fewer bytes is padded with zeros. == never raises: other objects are unequal.
    """

    __slots__ = ()
    _size = 6
    broadcast: ClassVar[HWAddress]

    @classmethod
    def _pack(cls, addr: object) -> bytes:
        try:
            return super()._pack(addr)
        except MalformedAddress:
            if isinstance(addr, (bytes, bytearray)) and len(addr) == 6:
                return bytes(addr)
            raise

    @classmethod
    def _parse(cls, text: str) -> bytes:
        try:
            return from_hex(text, cls._size)
        except ValueError:
            raise MalformedAddress(f"not a valid hardware address: {text!r}") from None

    def __getitem__(self, index: Any) -> int:
        return self._packed[int(index)]

    def _comparable(self, other: object) -> bytes | None:
        try:
            return super()._comparable(other)
        except MalformedAddress:
            return None

    def __str__(self) -> str:
        return self._packed.hex(":")

    def to_bytes(self) -> bytes:
        """Return the six bytes of the address."""
        return self._packed

    def full_repr(self) -> list[int]:
        """Return the six bytes of the address as numbers."""
        return list(self._packed)

    def is_broadcast(self) -> bool:
        """Report whether the address is ff:ff:ff:ff:ff:ff."""
        return self._packed == b"\xff" * 6

    def is_multicast(self) -> bool:
        """Report whether the group bit is set."""
        return bool(self._packed[0] & 1)

    def is_unicast(self) -> bool:
        """Report whether the address is neither multicast nor broadcast."""
        return not self.is_multicast()


HWAddress.broadcast = HWAddress._from_packed(b"\xff" * 6)
