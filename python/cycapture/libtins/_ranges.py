"""Ranges of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

from ._addresses import Address, HWAddress, IPv4Address, IPv6Address

A = TypeVar("A", bound=Address)
R = TypeVar("R", bound="_Range[Any]")


class _Range(Generic[A]):
    """The addresses from first to last. With only_hosts, iteration omits the first (network) and the last (broadcast).

    With a mask, an address or a prefix length, it is the network of first, with only its hosts.
    """

    __slots__ = ("_first", "_last", "_only_hosts")
    _address: ClassVar[type[Address]]
    _first: A
    _last: A

    def __init__(self, first: object = None, last: object = None, only_hosts: bool = False, mask: object = None) -> None:
        cls: Any = self._address
        self._first = cls(first)
        self._last = self._first if last is None else cls(last)
        self._only_hosts = bool(only_hosts) or mask is not None
        if mask is not None:
            size = cls._size
            word = int.from_bytes(_mask(mask, cls), "big")
            start = int.from_bytes(self._first._packed, "big") & word
            self._first = cls._from_packed(start.to_bytes(size, "big"))
            self._last = cls._from_packed((start | word ^ (1 << size * 8) - 1).to_bytes(size, "big"))
        if self._last < self._first:
            raise ValueError(f"the range's last address {self._last} comes before its first {self._first}")

    @classmethod
    def from_mask(cls: type[R], address: object, mask: object) -> R:
        """Return the hosts of the network of an address; the mask is an address or a prefix length."""
        return cls(address, mask=mask)

    @property
    def first(self) -> A:
        """The first address; for the hosts of a network, the first host if there is one."""
        return next(iter(self)) if self.is_iterable() else self._first

    @property
    def last(self) -> A:
        """The last address."""
        return self._last

    def _numbers(self) -> range:
        start, end = (int.from_bytes(address._packed, "big") for address in (self._first, self._last))
        numbers = range(start + 1, end) if self._only_hosts else range(start, end + 1)
        if not numbers:
            raise TypeError(f"not iterable: {self._first} -> {self._last} has no hosts")
        return numbers

    def is_iterable(self) -> bool:
        """Report whether iteration yields an address."""
        try:
            return bool(self._numbers())
        except TypeError:
            return False

    def size(self) -> int:
        """Return the number of addresses that iteration yields. Raises TypeError if there is none."""
        numbers = self._numbers()
        return numbers.stop - numbers.start

    def __iter__(self) -> Iterator[A]:
        make: Any = self._address._from_packed
        size = self._address._size
        return (make(number.to_bytes(size, "big")) for number in self._numbers())

    def __contains__(self, address: object) -> bool:
        return bool(self._first <= self._address(address) <= self._last)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _Range) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[Any, ...]:
        return self._first, self._last, self._only_hosts

    def __str__(self) -> str:
        return f"{self.first} -> {self.last}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(first='{self.first}', last='{self.last}')"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts()


class IPv4Range(_Range[IPv4Address]):
    """A range of IPv4 addresses, such as address / 24."""

    __slots__ = ()
    _address = IPv4Address


class IPv6Range(_Range[IPv6Address]):
    """A range of IPv6 addresses, such as address / 64."""

    __slots__ = ()
    _address = IPv6Address


class HWRange(_Range[HWAddress]):
    """A range of hardware addresses, such as address / 24."""

    __slots__ = ()
    _address = HWAddress


def _mask(mask: object, cls: type[Address]) -> bytes:
    bits = cls._size * 8
    if isinstance(mask, (str, bytes)) and mask.isdigit():
        mask = int(mask)
    if not isinstance(mask, int):
        return cls(mask)._packed
    if not 0 <= mask <= bits:
        raise ValueError(f"a prefix length is from 0 to {bits}, not {mask}")
    return ((1 << bits) - (1 << bits - mask)).to_bytes(cls._size, "big")


IPv4Address._range, IPv6Address._range, HWAddress._range = IPv4Range, IPv6Range, HWRange
