"""The names of cycapture.libtins that scripts import: addresses, protocol data units and the TCP stream follower.

The classes that decode an Ethernet frame are imported at once, the others at first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._addresses import HWAddress, IPv4Address, IPv6Address
from ._arp import ARP
from ._eapol import RC4EAPOL, RSNEAPOL, RSNInformation
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
from ._icmp import ICMP
from ._ipsec import IPSecAH, IPSecESP
from ._link import SLL, Dot1Q, Dot3, EthernetII, Loopback
from ._llc import LLC, SNAP, STP
from ._network import IP
from ._pdu import PDU, RAW
from ._pppoe import PPPoE
from ._transport import TCP, UDP

if TYPE_CHECKING:
    from ._constants import Constants
    from ._dhcp import DHCP, BootP
    from ._dns import DNS
    from ._dot11 import (
        Dot11,
        Dot11Ack,
        Dot11BlockAck,
        Dot11BlockAckRequest,
        Dot11CFEnd,
        Dot11Control,
        Dot11Data,
        Dot11EndCFAck,
        Dot11PSPoll,
        Dot11QoSData,
        Dot11RTS,
    )
    from ._dot11_management import (
        Dot11AssocRequest,
        Dot11AssocResponse,
        Dot11Authentication,
        Dot11Beacon,
        Dot11Deauthentication,
        Dot11Disassoc,
        Dot11ProbeRequest,
        Dot11ProbeResponse,
        Dot11ReAssocRequest,
        Dot11ReAssocResponse,
        bss_load_t,
        cf_params,
        channel_switch_t,
        country_params,
        dfs_params,
        fh_params,
        fh_pattern,
        quiet_t,
        tim_t,
        vendor_specific_t,
    )
    from ._follower import TCPStream, TCPStreamFollower
    from ._radiotap import PKTAP, PPI, RadioTap, Radiotap
    from ._ranges import HWRange, IPv4Range, IPv6Range
    from ._reassembler import IPReassembler
    from ._sender import PacketSender
    from ._system import NetworkInterface, RouteEntry, Utils

DOT1Q = Dot1Q
DOT3 = Dot3
Ethernet = EthernetII
IPV4 = IP
IPv4 = IP
Raw = RAW
PPPOE = PPPoE
RC4_EAPOL = RC4EAPOL
RSN_EAPOL = RSNEAPOL
IPSEC_AH = IPSecAH
IPSECAH = IPSecAH
IPSEC_ESP = IPSecESP
IPSECESP = IPSecESP

__all__ = [
    "ARP",
    "DHCP",
    "DNS",
    "DOT1Q",
    "DOT3",
    "ICMP",
    "IP",
    "IPSECAH",
    "IPSECESP",
    "IPSEC_AH",
    "IPSEC_ESP",
    "IPV4",
    "LLC",
    "PDU",
    "PKTAP",
    "PPI",
    "PPPOE",
    "RAW",
    "RC4EAPOL",
    "RC4_EAPOL",
    "RSNEAPOL",
    "RSN_EAPOL",
    "SLL",
    "SNAP",
    "STP",
    "TCP",
    "UDP",
    "BadTinsCast",
    "BootP",
    "Constants",
    "Dot1Q",
    "Dot3",
    "Dot11",
    "Dot11Ack",
    "Dot11AssocRequest",
    "Dot11AssocResponse",
    "Dot11Authentication",
    "Dot11Beacon",
    "Dot11BlockAck",
    "Dot11BlockAckRequest",
    "Dot11CFEnd",
    "Dot11Control",
    "Dot11Data",
    "Dot11Deauthentication",
    "Dot11Disassoc",
    "Dot11EndCFAck",
    "Dot11PSPoll",
    "Dot11ProbeRequest",
    "Dot11ProbeResponse",
    "Dot11QoSData",
    "Dot11RTS",
    "Dot11ReAssocRequest",
    "Dot11ReAssocResponse",
    "Ethernet",
    "EthernetII",
    "FieldNotPresent",
    "HWAddress",
    "HWRange",
    "IPReassembler",
    "IPSecAH",
    "IPSecESP",
    "IPv4",
    "IPv4Address",
    "IPv4Range",
    "IPv6Address",
    "IPv6Range",
    "InvalidInterface",
    "InvalidSocketType",
    "LibtinsException",
    "Loopback",
    "MalformedAddress",
    "MalformedOption",
    "MalformedPacket",
    "MemoryViewFormat",
    "NetworkInterface",
    "OptionNotFound",
    "OptionPayloadTooLarge",
    "PDUNotFound",
    "PPPoE",
    "PacketSender",
    "ProtocolDisabled",
    "RSNInformation",
    "RadioTap",
    "Radiotap",
    "Raw",
    "RouteEntry",
    "SocketCloseError",
    "SocketOpenError",
    "SocketWriteError",
    "TCPStream",
    "TCPStreamFollower",
    "UnknownLinkType",
    "Utils",
    "bss_load_t",
    "cf_params",
    "channel_switch_t",
    "country_params",
    "dfs_params",
    "fh_params",
    "fh_pattern",
    "quiet_t",
    "tim_t",
    "vendor_specific_t",
]

_LATER = {
    "_constants": "Constants",
    "_dhcp": "DHCP BootP",
    "_dns": "DNS",
    "_dot11": "Dot11 Dot11Ack Dot11BlockAck Dot11BlockAckRequest Dot11CFEnd Dot11Control Dot11Data Dot11EndCFAck "
    "Dot11PSPoll Dot11QoSData Dot11RTS",
    "_dot11_management": "Dot11AssocRequest Dot11AssocResponse Dot11Authentication Dot11Beacon Dot11Deauthentication Dot11Disassoc "
    "Dot11ProbeRequest Dot11ProbeResponse Dot11ReAssocRequest Dot11ReAssocResponse "
    "bss_load_t cf_params channel_switch_t country_params dfs_params fh_params fh_pattern quiet_t tim_t vendor_specific_t",
    "_follower": "TCPStream TCPStreamFollower",
    "_radiotap": "PKTAP PPI RadioTap Radiotap",
    "_ranges": "HWRange IPv4Range IPv6Range",
    "_reassembler": "IPReassembler",
    "_sender": "PacketSender",
    "_system": "NetworkInterface RouteEntry Utils",
}
_MODULES = {name: module for module, names in _LATER.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "_tins":  # the original has its private module as an attribute
        return import_module("._tins", __name__)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module("." + _MODULES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, "_tins"})
