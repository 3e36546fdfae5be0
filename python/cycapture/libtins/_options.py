"""Declared options: one line in a PDU class states the option that a member reads and the type of its content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING, Any, NamedTuple

from ._addresses import IPv4Address
from ._exceptions import NumberOutOfRange, OptionPayloadTooLarge
from ._pdu import PDU
from ._text import as_bytes, octets, within

if TYPE_CHECKING:
    from enum import IntEnum


class Content(NamedTuple):
    """Converts an option's bytes to a value and back. load returns None for bytes without such a value."""

    load: Callable[[bytes], Any]
    store: Callable[[Any], bytes]


def number(size: int, *, little: bool = False, of: type[IntEnum] | None = None) -> Content:
    """Return the content for an unsigned number of size bytes; with an enumeration, only its values can be assigned."""
    order: Any = "little" if little else "big"

    def load(data: bytes) -> int | None:
        return int.from_bytes(data, order) if len(data) == size else None

    def store(value: Any) -> bytes:
        return within(value if of is None else of(int(value)), (1 << size * 8) - 1, "an option's number").to_bytes(size, order)

    return Content(load, store)


def record(layout: str, make: Callable[..., Any] | None = None) -> Content:
    """Return the content for several numbers in a layout of the struct module: a tuple, or the result of make."""
    packed = Struct(layout)

    def load(data: bytes) -> Any:
        if len(data) != packed.size:
            return None
        return packed.unpack(data) if make is None else make(*packed.unpack(data))

    def store(value: Any) -> bytes:
        try:
            return packed.pack(*(int(part) for part in value))
        except StructError as error:
            raise NumberOutOfRange(f"{value!r} does not fit the layout {layout} ({error})") from None

    return Content(load, store)


def _load_addresses(data: bytes) -> list[IPv4Address] | None:
    if not data or len(data) % 4:
        return None
    return [IPv4Address._from_packed(data[at : at + 4]) for at in range(0, len(data), 4)]


TEXT = Content(bytes, as_bytes)
ADDRESS = Content(lambda data: IPv4Address._from_packed(data) if len(data) == 4 else None, lambda value: IPv4Address(value)._packed)
ADDRESSES = Content(_load_addresses, lambda value: b"".join(IPv4Address(address)._packed for address in value))
NUMBERS = Content(lambda data: list(data) or None, lambda value: octets(value, "a number of the option"))


class OptionsPDU(PDU):
    """A PDU whose header ends in options, a list of (type, content)."""

    __slots__ = ()
    # the longest content that fits the length field, and the highest type
    _option_limit = 253
    _option_types = 0xFF

    def _find(self, kind: int) -> bytes | None:
        self._decoded()
        return next((value for number, value in self._options if number == kind), None)

    def _add(self, identifier: Any, value: Any) -> None:
        kind, data = within(identifier, self._option_types, "an option's type"), b"" if value is None else as_bytes(value)
        self._check_option(data)
        self._decoded()
        self._options.append((kind, data))
        self._changed = True

    def _put(self, kind: int, data: bytes) -> None:
        """Replace the first option of the type, or append it."""
        self._check_option(data)
        self._decoded()
        at = next((i for i, option in enumerate(self._options) if option[0] == kind), len(self._options))
        self._options[at : at + 1] = [(kind, data)]
        self._changed = True

    def _header_words(self) -> int:
        """Return the header's length in words of four bytes. Raises OptionPayloadTooLarge if it does not fit four bits."""
        words = self.header_size // 4
        if words > 15:
            raise OptionPayloadTooLarge(f"{self.header_size - 20} bytes of options: a header of {type(self).__name__} has room for 40")
        return words

    def _check_option(self, data: bytes) -> None:
        if len(data) > self._option_limit:
            raise OptionPayloadTooLarge(f"an option of {type(self).__name__} has up to {self._option_limit} bytes, not {len(data)}")


class SearchableOptions(OptionsPDU):
    """The members for options of DHCP messages and 802.11 frames."""

    __slots__ = ()

    def options(self) -> list[tuple[int, bytes]]:
        """Return the options (802.11: tagged parameters) in their order, as (type, content)."""
        self._decoded()
        return list(self._options)

    def search_option(self, identifier: Any) -> bytes | None:
        """Return the content of the first option of a type, None if there is none."""
        return self._find(int(identifier))

    def add_option(self, identifier: Any, data: Any = None) -> None:
        """Append an option."""
        self._add(identifier, data)


class Option:
    """The content of the first option of a type; None without one, or if it does not have the declared type."""

    def __init__(self, kind: int, content: Content) -> None:
        self._kind, self._content = kind, content

    def __get__(self, pdu: OptionsPDU | None, owner: type) -> Any:
        if pdu is None:
            return self
        data = pdu._find(self._kind)
        return None if data is None else self._content.load(data)

    def __set__(self, pdu: OptionsPDU, value: Any) -> None:
        pdu._put(self._kind, self._content.store(value))


def listed(options: Iterable[tuple[Any, bytes]]) -> list[dict[str, Any]]:
    """Return options in the form of IP.options() and TCP.options()."""
    return [{"type": kind, "length": len(value), "data_size": len(value), "data": value} for kind, value in options]
