"""BOOTP and DHCP."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ._exceptions import MalformedPacket
from ._fields import HexText, IPv4Field, Octets, UInt
from ._options import ADDRESS, ADDRESSES, TEXT, Option, OptionsPDU, SearchableOptions, number
from ._text import as_bytes

_COOKIE = b"\x63\x82\x53\x63"


class BootP(OptionsPDU):
    """A BOOTP message (RFC 951). chaddr is the hardware address as text of sixteen bytes, the size of the field."""

    __slots__ = ()
    pdu_type = 33
    _head_size = 236

    class OpCodes(IntEnum):
        BOOTREQUEST = 1
        BOOTREPLY = 2

    opcode = UInt(0, 1)
    htype = UInt(1, 1)
    hlen = UInt(2, 1)
    hops = UInt(3, 1)
    xid = UInt(4, 4)
    secs = UInt(8, 2)
    padding = UInt(10, 2)
    ciaddr = IPv4Field(12)
    yiaddr = IPv4Field(16)
    siaddr = IPv4Field(20)
    giaddr = IPv4Field(24)
    chaddr = HexText(28, 16)
    sname = Octets(44, 64)
    file = Octets(108, 128)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._tail = bytes(64)

    def _decode(self, data: bytes) -> None:
        self._tail = data[236:]

    def _answered_by(self, data: bytes) -> bool:
        return len(data) >= 236 and data[4:8] == self._decoded()[4:8]

    @property
    def vend(self) -> bytes:
        """The bytes after the fixed fields."""
        self._decoded()
        return self._middle()

    @vend.setter
    def vend(self, value: Any) -> None:
        self._decoded()
        self._tail, self._changed = as_bytes(value), True


class DHCP(SearchableOptions, BootP):
    """A DHCP message (RFC 2131, RFC 2132). end() appends the END option, which is not automatic."""

    __slots__ = ()
    pdu_type = 34
    _option_limit = 255

    class Flags(IntEnum):
        DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

    class OptionTypes(IntEnum):
        PAD, SUBNET_MASK, TIME_OFFSET, ROUTERS, TIME_SERVERS, NAME_SERVERS, DOMAIN_NAME_SERVERS, LOG_SERVERS = range(8)
        COOKIE_SERVERS, LPR_SERVERS, IMPRESS_SERVERS, RESOURCE_LOCATION_SERVERS, HOST_NAME, BOOT_SIZE, MERIT_DUMP = range(8, 15)
        DOMAIN_NAME, SWAP_SERVER, ROOT_PATH, EXTENSIONS_PATH, IP_FORWARDING, NON_LOCAL_SOURCE_ROUTING, POLICY_FILTER = range(15, 22)
        MAX_DGRAM_REASSEMBLY, DEFAULT_IP_TTL, PATH_MTU_AGING_TIMEOUT, PATH_MTU_PLATEAU_TABLE, INTERFACE_MTU = range(22, 27)
        ALL_SUBNETS_LOCAL, BROADCAST_ADDRESS, PERFORM_MASK_DISCOVERY, MASK_SUPPLIER, ROUTER_DISCOVERY = range(27, 32)
        ROUTER_SOLICITATION_ADDRESS, STATIC_ROUTES, TRAILER_ENCAPSULATION, ARP_CACHE_TIMEOUT = range(32, 36)
        IEEE802_3_ENCAPSULATION, DEFAULT_TCP_TTL, TCP_KEEPALIVE_INTERVAL, TCP_KEEPALIVE_GARBAGE = range(36, 40)
        NIS_DOMAIN, NIS_SERVERS, NTP_SERVERS, VENDOR_ENCAPSULATED_OPTIONS, NETBIOS_NAME_SERVERS = range(40, 45)
        NETBIOS_DD_SERVER, NETBIOS_NODE_TYPE, NETBIOS_SCOPE, FONT_SERVERS, X_DISPLAY_MANAGER = range(45, 50)
        DHCP_REQUESTED_ADDRESS, DHCP_LEASE_TIME, DHCP_OPTION_OVERLOAD, DHCP_MESSAGE_TYPE, DHCP_SERVER_IDENTIFIER = range(50, 55)
        DHCP_PARAMETER_REQUEST_LIST, DHCP_MESSAGE, DHCP_MAX_MESSAGE_SIZE, DHCP_RENEWAL_TIME, DHCP_REBINDING_TIME = range(55, 60)
        VENDOR_CLASS_IDENTIFIER, DHCP_CLIENT_IDENTIFIER, NWIP_DOMAIN_NAME, NWIP_SUBOPTIONS = range(60, 64)
        USER_CLASS, FQDN, DHCP_AGENT_OPTIONS, SUBNET_SELECTION, AUTHENTICATE, END = 77, 81, 82, 118, 210, 255

    type = Option(53, number(1))
    server_identifier = Option(54, ADDRESS)
    lease_time = Option(51, number(4))
    renewal_time = Option(58, number(4))
    rebind_time = Option(59, number(4))
    subnet_mask = Option(1, ADDRESS)
    routers = Option(3, ADDRESSES)
    domain_name_servers = Option(6, ADDRESSES)
    broadcast = Option(28, ADDRESS)
    requested_ip = Option(50, ADDRESS)
    domain_name = Option(15, TEXT)
    hostname = Option(12, TEXT)

    def __init__(self, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self._tail = b""
            self.opcode, self.htype, self.hlen = 1, 1, 6

    def _decode(self, data: bytes) -> None:
        if data[236:240] != _COOKIE:
            raise MalformedPacket("no DHCP message: its cookie is not there")
        at = 240
        while at < len(data):
            kind = data[at]
            if kind in (0, 255):
                self._options.append((kind, b""))
                at += 1
                continue
            end = at + 2 + (data[at + 1] if at + 1 < len(data) else 0)
            if at + 1 == len(data) or end > len(data):
                raise MalformedPacket(f"DHCP option {kind} goes beyond the message")
            self._options.append((kind, data[at + 2 : end]))
            at = end

    def _middle(self) -> bytes:
        return _COOKIE + b"".join(bytes([kind]) if kind in (0, 255) else bytes([kind, len(v)]) + v for kind, v in self._options)

    @property
    def vend(self) -> bytes:
        """Cookie and options."""
        self._decoded()
        return self._middle()

    @vend.setter
    def vend(self, value: Any) -> None:
        other = DHCP(buf=bytes(self._decoded()) + as_bytes(value))
        self._options, self._changed = other._options, True

    def end(self) -> None:
        """Append the END option."""
        self._add(255, None)
