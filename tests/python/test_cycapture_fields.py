"""Real frames: what the original read from each, against what is read here."""

import collections
import json
import pathlib
from typing import Any

import pytest
from cycapture.libtins import DNS, ICMP, IP, Dot11, HWAddress, IPv4Address, RadioTap, _tins

FIELDS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cycapture" / "fields.jsonl"

# The classes that following streams takes: for them, nothing may differ but what stands below.
NEEDED = {"EthernetII", "Dot1Q", "SLL", "Loopback", "IP", "TCP", "UDP", "RAW"}

# Where the original is wrong, and so how its value was made.
NOT_IN_MESSAGE = "the original shows what stood in its memory where the message has no such field"
SWAPPED = "the original swaps the four bytes of an address in the message (RFC 792)"
CUT_AT_ZERO = "the original ends a record's data at the first zero byte"
LONG_LIFE = "the original refuses a record's time to live above 65535 (RFC 1035: 32 bits)"
SHORT_RADIOTAP = "the original forgets the radiotap fields that it does not know"
SIXTEEN_BITS = "the original keeps 16 of the 32 bits of the extended channel's flags (radiotap.org)"
HEAD_ALONE = "the original drops what follows the head"
DISCOVERY = "the original writes the number of discovery over that of a session (RFC 2516)"
OWN_ADDRESS = "the original puts the address of the machine's interface where a captured packet has 0.0.0.0 (docs/cycapture.md)"


def unlike(layer: Any, name: str, value: Any) -> str | None:
    """Why a member of a layer differs, if it is known to."""
    kind = type(layer)
    if kind is ICMP and name.endswith("_timestamp"):
        return NOT_IN_MESSAGE if layer.type not in (13, 14) else None
    if kind is ICMP and name == "address_mask":
        return NOT_IN_MESSAGE if layer.type not in (17, 18) else SWAPPED
    if kind is ICMP and name == "gateway":
        return SWAPPED if str(layer.gateway) == ".".join(reversed(value["IPv4Address"].split("."))) else None
    if kind is DNS and value == {"raises": "OverflowError"}:
        return LONG_LIFE if max(resource.ttl for resource in read(layer, name)) > 0xFFFF else None
    if kind is DNS and name.startswith("get_"):
        return CUT_AT_ZERO if cut_at_zero(plain(read(layer, name))) == value else None
    if kind is RadioTap and name in ("header_size", "size"):
        return SHORT_RADIOTAP
    if kind is RadioTap and name == "channel_plus":
        return SIXTEEN_BITS if layer.channel_plus & 0xFFFF == value else None
    if kind is Dot11 and name == "size":
        return HEAD_ALONE
    return None


def serialized_unlike(whole: Any, names: set[str]) -> str | None:
    if "PPPoE" in names:
        return DISCOVERY
    if "RadioTap" in names:
        return SHORT_RADIOTAP
    if isinstance(whole, Dot11):
        return HEAD_ALONE
    if isinstance(whole, IP) and int(whole.src_addr) == 0:
        return OWN_ADDRESS
    return None


def cut_at_zero(resources: Any) -> Any:
    """The records as the original gives them: data that it copies as it is ends at the first zero."""
    for resource in resources:
        values = resource["DNS_Resource"]
        if values["query_type"] not in (1, 2, 5, 12, 15, 28, 39):
            values["data"]["bytes"] = bytes.fromhex(values["data"]["bytes"]).partition(b"\0")[0].hex()
    return resources


def read(layer: Any, name: str) -> Any:
    return getattr(layer, name[:-2])() if name.endswith("()") else getattr(layer, name)


def outcome(layer: Any, name: str) -> Any:
    try:
        return plain(read(layer, name))
    except (ValueError, OverflowError) as error:
        return {"raises": type(error).__name__}


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (HWAddress, IPv4Address)):
        return {type(value).__name__: str(value)}
    if isinstance(value, (_tins.DNS_Query, _tins.Capabilities)):
        names = [name for name in dir(value) if not name.startswith("_")]
        return {type(value).__name__: {name: plain(getattr(value, name)) for name in names}}
    if hasattr(value, "_asdict"):
        return {type(value).__name__: value._asdict()}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def rows() -> list[dict[str, Any]]:
    # the recorded frames are not part of the repository
    return list(map(json.loads, FIELDS.read_text().splitlines())) if FIELDS.exists() else []


def compared(row: dict[str, Any]) -> list[str | None]:
    """Compare a row; what differs must have a reason. Returns the reasons."""
    cls, frame = getattr(_tins, row["from"]), bytes.fromhex(row["frame"])
    if "raises" in row:
        with pytest.raises(getattr(_tins, row["raises"])):
            cls.from_buffer(frame)
        return []
    whole = layer = cls.from_buffer(frame)
    reasons = []
    for wanted in row["layers"]:
        assert type(layer).__name__ == wanted["class"]
        for name, value in wanted["members"].items():
            got = outcome(layer, name)
            if got != value:
                reason = unlike(layer, name, value)
                assert (bool(reason), wanted["class"] in NEEDED) == (True, False), (wanted["class"], name, got, value)
                reasons.append(reason)
        layer = layer.ref_inner_pdu()
    # the original had no name for IPv6, and none in a head without what follows it
    assert layer is None or type(layer).__name__ == "IPv6" or isinstance(whole, Dot11)
    if whole.serialize().hex() != row["serialize"]:
        reason = serialized_unlike(whole, {wanted["class"] for wanted in row["layers"]})
        assert reason, (whole.serialize().hex(), row["serialize"])
        reasons.append(reason)
    return reasons


@pytest.mark.parametrize("row", [pytest.param(row, id=str(i)) for i, row in enumerate(rows())] or [None])
def test_reads_what_the_original_read(row: dict[str, Any]) -> None:
    if row is None:
        print("../shared/cycapture/fields.jsonl is absent: nothing to compare with")
        return
    compared(row)


def test_how_much_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    reasons: collections.Counter[str | None] = collections.Counter()
    depths: collections.Counter[str] = collections.Counter()
    for row in rows():
        depths["refused, as by the original" if "raises" in row else f"{len(row['layers'])} layers"] += 1
        found = compared(row)
        reasons.update(set(found))
        if not {layer["class"] for layer in row.get("layers", ())} - NEEDED:
            assert set(found) <= {OWN_ADDRESS}
    with capsys.disabled():
        if not depths:
            print("\n../shared/cycapture/fields.jsonl is absent: no recorded frame is compared")
            return
        print(f"\n{sum(depths.values())} recorded frames compared in every member and serialized:")
        for depth, count in sorted(depths.items()):
            print(f"  {count:4} {depth}")
        for reason, count in reasons.most_common():
            print(f"  {count:4} differ: {reason}")


def test_a_difference_without_a_reason_is_noticed() -> None:
    frame = bytes.fromhex("4500001c00010000401166ce0a0000010a000002000700090008e3b2")
    members = {"ttl": 64, "id": 2}
    row = {"from": "IP", "frame": frame.hex(), "layers": [{"class": "IP", "members": members}], "serialize": frame.hex()}
    with pytest.raises(AssertionError, match="'id', 1, 2"):
        compared(row)
