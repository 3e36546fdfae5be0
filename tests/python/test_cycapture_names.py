"""Every name that cycapture.libtins had is there, with its members: what a script imports and reaches for."""

import ast
import enum
import importlib
import inspect
import json
import pathlib
from typing import Any

import cycapture.libtins as libtins
import pytest
from cycapture.libtins import PDU, _tins

API = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cycapture" / "api.json"

# A condensed list of the names, for when the whole one is not there.
CLASSES = """
ARP BootP Constants DHCP DNS Dot11 Dot11Ack Dot11AssocRequest Dot11AssocResponse Dot11Authentication Dot11Beacon
Dot11BlockAck Dot11BlockAckRequest Dot11CFEnd Dot11Control Dot11Data Dot11Deauthentication Dot11Disassoc Dot11EndCFAck
Dot11PSPoll Dot11ProbeRequest Dot11ProbeResponse Dot11QoSData Dot11RTS Dot11ReAssocRequest Dot11ReAssocResponse Dot1Q
Dot3 EthernetII HWAddress HWRange ICMP IP IPReassembler IPSecAH IPSecESP IPv4Address IPv4Range IPv6Address IPv6Range LLC
Loopback NetworkInterface PDU PKTAP PPI PPPoE PacketSender RAW RC4EAPOL RSNEAPOL RSNInformation RadioTap RouteEntry SLL
SNAP STP TCP TCPStream TCPStreamFollower UDP Utils bss_load_t cf_params channel_switch_t country_params dfs_params
fh_params fh_pattern quiet_t tim_t vendor_specific_t
"""
PRIVATE = """
Capabilities DNS_Query DNS_Resource Dot11ManagementFrame EAPOL IPOptionIdentifier IPSecurityType bpdu_id
encode_domain_name pdu_from_buffer
"""
ALIASES = {
    "DOT1Q": "Dot1Q", "DOT3": "Dot3", "Ethernet": "EthernetII", "IPV4": "IP", "IPv4": "IP", "PPPOE": "PPPoE", "Radiotap": "RadioTap",
    "Raw": "RAW", "IPSECAH": "IPSecAH", "IPSEC_AH": "IPSecAH", "IPSECESP": "IPSecESP", "IPSEC_ESP": "IPSecESP",
    "RC4_EAPOL": "RC4EAPOL", "RSN_EAPOL": "RSNEAPOL",
}
ERRORS = {
    "BadTinsCast": (), "FieldNotPresent": (ValueError,), "InvalidInterface": (OSError,), "InvalidSocketType": (OSError,),
    "MalformedAddress": (ValueError,), "MalformedOption": (ValueError,), "MalformedPacket": (ValueError,),
    "MemoryViewFormat": (ValueError,), "OptionNotFound": (ValueError,), "OptionPayloadTooLarge": (ValueError,), "PDUNotFound": (),
    "ProtocolDisabled": (), "SocketCloseError": (OSError,), "SocketOpenError": (OSError,), "SocketWriteError": (OSError,),
    "UnknownLinkType": (OSError,), "LibtinsException": (),
}
MEMBERS = {
    "EthernetII": "dst_addr src_addr payload_type send broadcast datalink_type",
    "Dot1Q": "append_padding cfi id payload_type priority",
    "SLL": "address lladdr_len lladdr_type packet_type protocol",
    "Loopback": "family send datalink_type",
    "IP": "add_option eol get_lsrr get_record_route get_security get_ssrr noop options search_option set_lsrr set_record_route "
          "set_security set_security_ex set_ssrr checksum dst_addr frag_off fragmented head_len id protocol src_addr "
          "stream_identifier tos tot_len ttl version OptionClass OptionNumber OptionIdentifier SecurityType",
    "TCP": "get_flag options set_flag set_sack_permitted ack_flag ack_seq altchecksum checksum cwr_flag data_offset dport ece_flag "
           "fin_flag flags mss psh_flag rst_flag sack sack_permitted seq sport syn_flag timestamp urg_flag urg_ptr window winscale "
           "AltChecksums Flags OptionTypes",
    "UDP": "checksum dport length sport",
    "RAW": "to payload payload_size",
    "PDU": "copy copy_inner_pdu find_pdu find_pdu_by_type get_pdu_type matches_response ref_inner_pdu reference rfind_pdu "
           "rfind_pdu_by_datalink_type rfind_pdu_by_type serialize set_inner_pdu from_buffer header_size size trailer_size",
    "IPv4Address": "different equals is_broadcast is_loopback is_multicast is_private is_unicast less broadcast",
    "HWAddress": "different equals full_repr is_broadcast is_multicast is_unicast less to_bytes broadcast",
    "TCPStream": "client_addr client_payload client_port finished identifier server_addr server_payload server_port",
    "TCPStreamFollower": "feed",
}


@pytest.mark.parametrize("module", ["cycapture.libtins", "cycapture.libtins._tins"])
def test_the_condensed_list(module: str) -> None:
    imported = importlib.import_module(module)
    wanted = [*CLASSES.split(), *ALIASES, *ERRORS, *(PRIVATE.split() if module.endswith("_tins") else [])]
    assert [name for name in wanted if not hasattr(imported, name)] == []
    assert set(wanted) <= set(imported.__all__)
    for alias, name in ALIASES.items():
        assert getattr(imported, alias) is getattr(imported, name)


def test_the_bases_of_the_errors() -> None:
    for name, bases in ERRORS.items():
        error = getattr(libtins, name)
        assert issubclass(error, Exception), name
        assert all(issubclass(error, base) for base in (libtins.LibtinsException, *bases)), name


@pytest.mark.parametrize("name", MEMBERS)
def test_the_members_that_stream_followers_need(name: str) -> None:
    assert [member for member in MEMBERS[name].split() if not hasattr(getattr(libtins, name), member)] == []


def test_a_number_finds_the_class_of_every_pdu() -> None:
    classes = [cls for cls in vars(_tins).values() if isinstance(cls, type) and issubclass(cls, PDU) and cls is not PDU]
    assert len({cls.pdu_type for cls in classes}) == len({id(cls) for cls in classes})
    for cls in classes:
        assert cls.pdu_flag == cls.pdu_type >= 0
        assert issubclass(cls, PDU)


def api() -> list[Any]:
    if not API.exists():
        return []  # the recorded interface is not part of the repository
    modules = {name: entries for name, entries in json.loads(API.read_text()).items() if ".libtins" in name}
    return [pytest.param(module, name, entry, id=f"{module.rpartition('.')[2]}.{name}") for module, entries in modules.items()
            for name, entry in entries.items()]


@pytest.mark.parametrize(("module", "name", "entry"), api() or [(None, None, None)])
def test_the_recorded_interface(module: str, name: str, entry: dict[str, Any]) -> None:
    if module is None:
        print("../shared/cycapture/api.json is absent: nothing to compare with")
        return
    # the public names were importable from the private module too
    for place in {module, "cycapture.libtins._tins"}:
        found = getattr(importlib.import_module(place), name)
    if "alias_of" in entry:
        assert found is getattr(libtins, entry["alias_of"])
    elif "function" in entry:
        assert callable(found)
    elif "exception" in entry:
        names = {base.__name__ for base in found.__mro__}
        assert set(entry["exception"]) <= names
    else:
        check_class(found, entry)


def check_class(cls: Any, entry: dict[str, Any]) -> None:
    names = {base.__name__ for base in cls.__mro__}
    assert set(entry["bases"]) <= names
    for kind in ("methods", "static", "classmethods"):
        for member in entry[kind]:
            assert callable(getattr(cls, member)), member
    for member in entry["static"]:
        assert isinstance(static(cls, member), staticmethod), member
    for member in [m for m in entry["classmethods"] if m != "_make"]:
        assert isinstance(static(cls, member), classmethod), member
    for member in entry["properties"]:
        # a slot, a property or a declared field: each is a descriptor that can be read
        assert hasattr(type(static(cls, member)), "__get__"), member
    for member, text in entry["constants"].items():
        check_constant(getattr(cls, member), text)
    for member, values in entry["enums"].items():
        enumeration = getattr(cls, member)
        assert issubclass(enumeration, enum.IntEnum)
        assert {key: int(value) for key, value in enumeration.__members__.items()} == values
    for member in entry["nested"]:
        assert isinstance(getattr(cls, member), type)
    check_parameters(cls, entry["init"])
    # the operators of Python 3 that fall back on others
    for member in set(entry["dunder"]) - {"__rtruediv__", "__itruediv__"}:
        assert hasattr(cls, member), member


def static(cls: Any, member: str) -> Any:
    return next(vars(base)[member] for base in cls.__mro__ if member in vars(base))


def check_constant(value: Any, text: Any) -> None:
    if not text.startswith("_tuplegetter"):
        assert repr(value) == text if not text.startswith(("'", "(", "{")) else value == ast.literal_eval(text)


def check_parameters(cls: Any, signature: Any) -> None:
    """The documented parameters, in their order, begin ours: cycapture's were positional too."""
    if signature is None:
        return
    inside = signature[signature.index("(") + 1 : signature.rindex(")")]
    wanted = [part.split("=")[0].split()[-1] for part in inside.split(",") if part.strip() and part.strip() != "self"]
    assert list(inspect.signature(cls).parameters)[: len(wanted)] == wanted
