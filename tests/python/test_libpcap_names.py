"""Every name of cycapture.libpcap stands where scripts import it from, with its members; and importing it needs no libpcap."""

import importlib
import json
import pathlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SETTINGS = [
    *("activated", "buffer_size", "can_set_monitor_mode", "datalink", "direction", "filename", "filter", "interface", "max_p"),
    *("monitor_mode", "promisc_mode", "ps_drop", "ps_ifdrop", "ps_recv", "read_timeout", "snapshot_length", "total"),
    *("close", "list_datalinks"),
]
SNIFFING = ["sniff_and_export", "sniff_and_store", "sniff_callback", "stop_all", "active_sniffers"]
WRITING = ["open", "write", "close", "__enter__", "__exit__"]
CLASSES = {
    "cycapture.libpcap.BlockingSniffer": [*SNIFFING, "ask_stop", "iterator"],
    "cycapture.libpcap.NonBlockingSniffer": [*SNIFFING, "set_loop", "stop"],
    "cycapture.libpcap.OfflineFilter": ["ifilter", "match_buffer", "match_pdu"],
    "cycapture.libpcap.PacketWriter": WRITING,
    "cycapture.libpcap.NonBlockingPacketWriter": [*WRITING, "_flush_thread"],
    "cycapture.libpcap._pcap.BaseSniffer": ["DIRECTION", "DLT"],
    "cycapture.libpcap._pcap.SniffingIterator": ["_background_sniff", "start", "stop", "__enter__", "__exit__", "__iter__", "__next__"],
}
FUNCTIONS = [
    *("cycapture.libpcap.lookupdev", "cycapture.libpcap.lookupnet", "cycapture.libpcap.findalldevs", "cycapture.libpcap.get_pcap_version"),
    *("cycapture.libpcap._pcap.datalink_to_description", "cycapture.libpcap._pcap.BlockingSniffer", "cycapture.libpcap._pcap.PacketWriter"),
]
EXCEPTIONS = {
    "PcapException": "Exception",
    "PermissionDenied": "PcapException OSError",
    "PromiscPermissionDenied": "PermissionDenied PcapException OSError",
    **dict.fromkeys(
        [
            *("ActivationError", "AlreadyActivated", "NotActivatedError", "SetBufferSizeError", "SetDirectionError", "SetMonitorModeError"),
            *("SetNonblockingModeError", "SetPromiscModeError", "SetSnapshotLengthError", "SetTimeoutError", "SniffingError"),
        ],
        "PcapException",
    ),
}
CONSTANTS = {"DIRECTION.PCAP_D_INOUT": 0, "DIRECTION.PCAP_D_IN": 1, "DIRECTION.PCAP_D_OUT": 2, "DLT.DLT_EN10MB": 1, "DLT.DLT_RAW": 12}


def named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", CLASSES)
def test_class_has_its_members(path: str) -> None:
    cls = named(path)
    for member in [*CLASSES[path], *(SETTINGS if path.endswith("Sniffer") else [])]:
        if member not in ("total", "max_p"):  # of the instance
            assert hasattr(cls, member), f"{path}.{member}"


@pytest.mark.parametrize("path", FUNCTIONS)
def test_function_is_there(path: str) -> None:
    assert callable(named(path))


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exception_has_its_bases(name: str) -> None:
    exception = named(f"cycapture.libpcap.{name}")
    assert exception is named(f"cycapture.libpcap.exceptions.{name}")
    assert set(EXCEPTIONS[name].split()) <= {base.__name__ for base in exception.__mro__[1:]}


def test_private_module_has_all_names() -> None:
    public = importlib.import_module("cycapture.libpcap")
    for name in public.__all__:
        assert named(f"cycapture.libpcap._pcap.{name}") is getattr(public, name)


def test_enumerations() -> None:
    base = named("cycapture.libpcap._pcap.BaseSniffer")
    for path, number in CONSTANTS.items():
        enumeration, member = path.split(".")
        assert getattr(base, enumeration)[member] == number


def test_version() -> None:
    pytest.importorskip("pcapy", reason="pcapy-ng is not installed")
    assert named("cycapture.libpcap.libpcap_version").startswith(b"libpcap version ")
    assert named("cycapture.libpcap.get_pcap_version")() == named("cycapture.libpcap.libpcap_version")


def test_names_of_the_original() -> None:
    listing = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cycapture" / "api.json"
    if not listing.exists():
        print("../shared/cycapture/api.json is absent: nothing to compare with")
        return
    pytest.importorskip("pcapy", reason="pcapy-ng is not installed")
    for module, names in json.loads(listing.read_text(encoding="utf-8")).items():
        if not module.startswith("cycapture.libpcap"):
            continue
        for name, facts in names.items():
            thing = named(f"{module}.{name}")
            if "exception" in facts:
                assert {base.__name__ for base in thing.__mro__[1:]} >= set(facts["exception"])
            for member in [key for kind in ("methods", "static", "classmethods", "constants", "nested") for key in facts.get(kind, {})]:
                assert hasattr(thing, member), f"{module}.{name}.{member}"
            for member in [*facts.get("properties", []), *facts.get("dunder", [])]:
                assert hasattr(thing, member) or member in ("total", "max_p"), f"{module}.{name}.{member}"
            for enumeration, members in facts.get("enums", {}).items():
                assert {key: int(value) for key, value in getattr(thing, enumeration).__members__.items()} == members


WITHOUT = """
import sys
sys.modules["pcapy"] = None
from cycapture.libpcap import *
from cycapture.libpcap import _pcap, exceptions
from cycapture.libtins import TCPStreamFollower, EthernetII
TCPStreamFollower(print, print).feed([])
with PacketWriter(EthernetII, sys.argv[1]) as writer:
    writer.write(bytes(60), 1, 2)
for use in (lambda: BlockingSniffer(filename=sys.argv[1]), lambda: BlockingSniffer("lo").datalink, lookupdev,
            lambda: OfflineFilter("tcp", 1), lambda: _pcap.libpcap_version):
    try:
        use()
    except ImportError as error:
        assert "pip install pcapy-ng" in str(error), error
    else:
        raise AssertionError("no ImportError")
"""


def test_without_pcapy_ng(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT, tmp_path / "x.pcap"], check=True, timeout=60)
    assert (tmp_path / "x.pcap").stat().st_size == 24 + 16 + 60
