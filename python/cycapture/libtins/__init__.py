"""The names of cycapture.libtins that scripts import: addresses, protocol data units and the TCP stream follower."""

from ._addresses import HWAddress, IPv4Address, IPv4Range, IPv6Address
from ._exceptions import (
    BadTinsCast,
    FieldNotPresent,
    InvalidInterface,
    InvalidSocketType,
    LibtinsException,
    MalformedAddress,
    MalformedOption,
    MalformedPacket,
    MemoryViewFormat,
    OptionNotFound,
    OptionPayloadTooLarge,
    PDUNotFound,
    ProtocolDisabled,
    SocketCloseError,
    SocketOpenError,
    SocketWriteError,
    UnknownLinkType,
)
from ._follower import Payload, TCPStream, TCPStreamFollower
from ._link import ARP, SLL, Dot1Q, EthernetII, Loopback
from ._network import ICMP, IP
from ._opaque import LLC, RC4EAPOL, RSNEAPOL, IPSecAH, IPSecESP, PPPoE
from ._pdu import PDU, RAW
from ._transport import TCP, UDP

DOT1Q = Dot1Q
Ethernet = EthernetII
IPV4 = IPv4 = IP
Raw = RAW
PPPOE = PPPoE
RC4_EAPOL = RC4EAPOL
RSN_EAPOL = RSNEAPOL
IPSEC_AH = IPSECAH = IPSecAH
IPSEC_ESP = IPSECESP = IPSecESP

__all__ = [
    "ARP",
    "DOT1Q",
    "ICMP",
    "IP",
    "IPSECAH",
    "IPSECESP",
    "IPSEC_AH",
    "IPSEC_ESP",
    "IPV4",
    "LLC",
    "PDU",
    "PPPOE",
    "RAW",
    "RC4EAPOL",
    "RC4_EAPOL",
    "RSNEAPOL",
    "RSN_EAPOL",
    "SLL",
    "TCP",
    "UDP",
    "BadTinsCast",
    "Dot1Q",
    "Ethernet",
    "EthernetII",
    "FieldNotPresent",
    "HWAddress",
    "IPSecAH",
    "IPSecESP",
    "IPv4",
    "IPv4Address",
    "IPv4Range",
    "IPv6Address",
    "InvalidInterface",
    "InvalidSocketType",
    "LibtinsException",
    "Loopback",
    "MalformedAddress",
    "MalformedOption",
    "MalformedPacket",
    "MemoryViewFormat",
    "OptionNotFound",
    "OptionPayloadTooLarge",
    "PDUNotFound",
    "PPPoE",
    "Payload",
    "ProtocolDisabled",
    "Raw",
    "SocketCloseError",
    "SocketOpenError",
    "SocketWriteError",
    "TCPStream",
    "TCPStreamFollower",
    "UnknownLinkType",
]
