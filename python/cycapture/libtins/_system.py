"""Queries of the operating system: interfaces, routes, names."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple

from ._addresses import HWAddress, IPv4Address, IPv6Address
from ._exceptions import InvalidInterface
from ._pdu import PDU


class InterfaceAddresses(NamedTuple):
    """The addresses of an interface; a missing one is zero. Older versions called three of them ip_addr, bcast_addr and hw_addr."""

    address: IPv4Address
    netmask: IPv4Address
    broadcast: IPv4Address
    hardware: HWAddress

    @property
    def ip_addr(self) -> IPv4Address:
        return self.address

    @property
    def bcast_addr(self) -> IPv4Address:
        return self.broadcast

    @property
    def hw_addr(self) -> HWAddress:
        return self.hardware


def as_text(value: Any) -> str:
    """Return a name that is given as text or bytes."""
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else str(value)


# Linux, linux/sockios.h: address, broadcast address, mask, hardware address
_GET_ADDRESS, _GET_BROADCAST, _GET_MASK, _GET_HARDWARE = 0x8915, 0x8919, 0x891B, 0x8927
ROUTES = Path("/proc/net/route")


def _asked(name: str, request: int) -> bytes:
    """Return the 16 bytes of a socket address of an interface from the kernel; zeros if it has none."""
    if not sys.platform.startswith("linux"):
        raise NotImplementedError("the addresses of an interface are known on Linux only")
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            return fcntl.ioctl(sock.fileno(), request, pack("256s", name.encode()[:15]))[16:32]
        except OSError:
            return bytes(16)


class NetworkInterface:
    """A network interface, by its name or by an address that it leads to.

    Without name and address it is empty: false, with number 0 and an empty name. Raises InvalidInterface if it does not exist.
    """

    __slots__ = ("_id", "_name")
    NI_addresses_tuple = InterfaceAddresses

    def __init__(self, name: Any = None, address: Any = None) -> None:
        self._name, self._id = "", 0
        if name is not None:
            self._name = as_text(name)
        elif address is not None:
            self._name = _interface_for(IPv4Address(address))
        else:
            return
        try:
            self._id = socket.if_nametoindex(self._name)
        except OSError:
            raise InvalidInterface(f"there is no network interface {self._name!r}") from None

    @classmethod
    def default(cls) -> NetworkInterface:
        """Return the interface of the default route."""
        return cls(address="0.0.0.0")

    @classmethod
    def all(cls) -> list[NetworkInterface]:
        """All interfaces."""
        return [cls(name) for _, name in socket.if_nameindex()]

    @classmethod
    def _of(cls, value: Any) -> NetworkInterface:
        """Return an interface that is given as such, by its name, or by an address that it leads to."""
        if isinstance(value, NetworkInterface):
            return value
        return cls(address=value) if isinstance(value, IPv4Address) else cls(name=value)

    @property
    def name(self) -> bytes:
        return self._name.encode()

    @property
    def id(self) -> int:
        """The kernel's number of the interface."""
        return self._id

    @property
    def addresses(self) -> InterfaceAddresses:
        """IPv4 address, mask, broadcast address and hardware address."""
        address, mask, broadcast = (IPv4Address._from_packed(_asked(self._name, r)[4:8]) for r in (_GET_ADDRESS, _GET_MASK, _GET_BROADCAST))
        return InterfaceAddresses(address, mask, broadcast, HWAddress._from_packed(_asked(self._name, _GET_HARDWARE)[2:8]))

    def is_loopback(self) -> bool:
        """Report whether the interface's address is in 127.0.0.0/8."""
        return self.addresses.address.is_loopback()

    def equals(self, other: object) -> bool:
        """Report whether other is the same interface, or its name."""
        if isinstance(other, (str, bytes)):
            return as_text(other) == self._name
        return isinstance(other, NetworkInterface) and other._id == self._id

    def __eq__(self, other: object) -> bool:
        return self.equals(other)

    def __hash__(self) -> int:
        return hash(self._name)

    def __bool__(self) -> bool:
        return self._id != 0

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"NetworkInterface('{self._name}')"

    def __copy__(self) -> NetworkInterface:
        return NetworkInterface(self._name or None)

    def __reduce__(self) -> tuple[Any, ...]:
        return NetworkInterface, (self._name or None,)


class RouteEntry:
    """An entry of the system's IPv4 routing table."""

    __slots__ = ("destination", "gateway", "interface", "mask")

    def __init__(self, interface: Any, destination: Any, gateway: Any, mask: Any) -> None:
        self.interface = as_text(interface).encode()
        self.destination, self.gateway, self.mask = IPv4Address(destination), IPv4Address(gateway), IPv4Address(mask)

    def _parts(self) -> tuple[bytes, IPv4Address, IPv4Address, IPv4Address]:
        return self.interface, self.destination, self.gateway, self.mask

    def _leads_to(self, address: IPv4Address) -> bool:
        return int(address) & int(self.mask) == int(self.destination)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RouteEntry) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __str__(self) -> str:
        return f"Interface: {as_text(self.interface)}    Destination: {self.destination}    Gateway: {self.gateway}    Mask: {self.mask}"

    def __repr__(self) -> str:
        return f"RouteEntry('{as_text(self.interface)}', '{self.destination}', '{self.gateway}', '{self.mask}')"

    def __copy__(self) -> RouteEntry:
        return RouteEntry(*self._parts())

    def __reduce__(self) -> tuple[Any, ...]:
        return RouteEntry, self._parts()


def _routes() -> Iterator[RouteEntry]:
    if not ROUTES.exists():
        raise NotImplementedError("the routing table is read on Linux only")
    for line in ROUTES.read_text().splitlines()[1:]:
        columns = line.split()
        # addresses are hexadecimal words in the kernel's byte order
        words = (int.from_bytes(bytes.fromhex(columns[i]), sys.byteorder).to_bytes(4, "big") for i in (1, 2, 7))
        destination, gateway, mask = (IPv4Address._from_packed(word) for word in words)
        yield RouteEntry(columns[0], destination, gateway, mask)


def _best_route(address: IPv4Address) -> RouteEntry | None:
    fitting = [route for route in _routes() if route._leads_to(address)]
    return max(fitting, key=lambda route: int.from_bytes(route.mask._packed, "big"), default=None)


def _interface_for(address: IPv4Address) -> str:
    if address.is_loopback():
        for _, name in socket.if_nameindex():
            if NetworkInterface(name).is_loopback():
                return name
    route = _best_route(address)
    if route is None:
        raise InvalidInterface(f"no route leads to {address}")
    return as_text(route.interface)


# the original's names of types, where they differ from those of PDU
_TYPE_NAMES = {1: "ETHERNET_II", 2: "IEEE802_3", 40: "IPV6", 41: "ICMPV6", 43: "DHCPV6"}


class Utils:
    """The functions of libtins."""

    @staticmethod
    def list_route_entries() -> list[RouteEntry]:
        """Return the system's IPv4 routes."""
        return list(_routes())

    @staticmethod
    def list_network_interfaces() -> list[NetworkInterface]:
        """All interfaces."""
        return NetworkInterface.all()

    @staticmethod
    def ip_to_gateway(ip: Any) -> IPv4Address:
        """Return the gateway for an address. Raises RuntimeError if no route leads to it."""
        route = _best_route(IPv4Address(ip))
        if route is None:
            raise RuntimeError(f"gateway lookup failed: no route leads to {IPv4Address(ip)}")
        return route.gateway

    @staticmethod
    def pdutype_to_string(t: Any) -> bytes:
        """Return the name of a PDU type number."""
        number = int(t)
        if number in _TYPE_NAMES:
            return _TYPE_NAMES[number].encode()
        for name, value in vars(PDU).items():
            if name.isupper() and value == number:
                return name.encode()
        raise ValueError(f"Unknown PDU type: {number}")

    @staticmethod
    def resolve_domain(domain: Any) -> IPv4Address:
        """Return the IPv4 address of a name. Raises RuntimeError if it has none."""
        return IPv4Address(_resolved(domain, socket.AF_INET))

    @staticmethod
    def resolve_domain6(domain: Any) -> IPv6Address:
        """Return the IPv6 address of a name. Raises RuntimeError if it has none."""
        return IPv6Address(_resolved(domain, socket.AF_INET6))

    @staticmethod
    def channel_to_mhz(channel: Any) -> int:
        """Return the frequency in MHz of a channel of the 2.4 GHz band."""
        return 2407 + int(channel) * 5

    @staticmethod
    def mhz_to_channel(mhz: Any) -> int:
        """Return the channel of the 2.4 GHz band for a frequency in MHz."""
        return (int(mhz) - 2407) // 5


def _resolved(domain: Any, family: socket.AddressFamily) -> str:
    try:
        return str(socket.getaddrinfo(as_text(domain), None, family)[0][4][0])
    except OSError as error:
        raise RuntimeError(f"cannot resolve {as_text(domain)!r}: {error}") from None
