"""One list of options: Go, the C header, Python's types and checks, and the documents have the same."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from gofollow._native import constant, ffi, library
from gofollow._options import EngineOptions, FollowerOptions, make_config

import gofollow
from gofollow import OptionError, TCPStreamFollower, afollow, events, follow, sniff

ROOT = Path(__file__).parents[2]

# Python's name: the field of Go's Config, and that of gofollow_config.
OPTIONS = {
    "midstream": ("NoMidstream", "no_midstream"),
    "close_on": ("CloseOn", "close_on"),
    "rst": ("RST", "rst"),
    "overlap": ("Overlap", "overlap"),
    "gap_patience": ("GapPatience", "gap_patience_ns"),
    "checksum": ("VerifyChecksum", "verify_checksum"),
    "urgent": ("Urgent", "urgent"),
    "separate": ("Separate", "separate"),
    "handshake_timeout": ("Handshake", "handshake_timeout_ns"),
    "idle_timeout": ("Idle", "idle_timeout_ns"),
    "half_closed_timeout": ("HalfClosed", "half_closed_timeout_ns"),
    "rst_linger": ("RSTLinger", "rst_linger_ns"),
    "close_linger": ("CloseLinger", "close_linger_ns"),
    "stray_linger": ("StrayLinger", "stray_linger_ns"),
    "reuse_idle": ("ReuseIdle", "reuse_idle_ns"),
    "hole_age": ("HoleAge", "hole_age_ns"),
    "one_sided_age": ("OneSidedAge", "one_sided_age_ns"),
    "max_held_bytes": ("HeldBytes", "max_held_bytes"),
    "max_held_segments": ("HeldSegments", "max_held_segments"),
    "max_total_held_bytes": ("TotalHeldBytes", "max_total_held_bytes"),
    "max_connections": ("Connections", "max_connections"),
    "max_closed_connections": ("ClosedConnections", "max_closed_connections"),
    "max_candidates": ("Candidates", "max_candidates"),
    "max_far_bytes": ("FarBytes", "max_far_bytes"),
    "filter": ("Filter", "filter"),
}
# Python's own, and those that functions have as arguments or that its front end sets.
KEPT = {"keep_payload", "keep_payload_total", "keep_gaps", "record", "keep_turns", "keep_segments"}
OTHER_GO = {"Anomalies", "Segments", "PacketsOnly", "NoHalfClosed", "Limits", "Timeouts", "Allocator", "QueuedEvents", "QueuedBytes"}
OTHER_C = {"size", "anomalies", "segments", "packets", "no_half_closed", "max_queued_events", "max_queued_bytes", "reserved"}


def go_fields() -> set[str]:
    source = (ROOT / "gofollow" / "config.go").read_text()
    fields: set[str] = set()
    for name in ("Config", "Limits", "Timeouts"):
        found = re.search(rf"^type {name} struct {{\n(.*?)^}}", source, re.MULTILINE | re.DOTALL)
        assert found is not None
        for line in found[1].splitlines():
            words = line.split("//")[0].strip()
            if words:
                *names, _ = words.replace(",", " ").split()
                fields.update(names)
    return fields


def test_go_c_and_python_have_the_same_options() -> None:
    assert set(get_type_hints(EngineOptions)) == set(OPTIONS)
    assert set(get_type_hints(FollowerOptions)) == set(OPTIONS) | KEPT
    assert {name for name, _ in ffi.typeof("gofollow_config").fields} - OTHER_C == {c for _, c in OPTIONS.values()}
    assert go_fields() - OTHER_GO == {go for go, _ in OPTIONS.values()}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing has no Unpack")
def test_the_types_of_options_are_there_at_run_time() -> None:
    for function in (follow, events, afollow, sniff, TCPStreamFollower.__init__):
        options = get_type_hints(function)["options"]
        assert get_args(options) == (EngineOptions if function is events else FollowerOptions,)


def test_every_option_is_checked_and_documented() -> None:
    limits = (ROOT / "docs" / "limits.md").read_text()
    described = TCPStreamFollower.__doc__ or ""
    for name in get_type_hints(FollowerOptions):
        assert re.search(rf"\b{name}\b", described), f"the docstring of TCPStreamFollower does not describe {name}"
        with pytest.raises(OptionError, match=name):
            wrong: Any = {name: object()}
            TCPStreamFollower(**wrong)
    for name, (go, _) in OPTIONS.items():
        if name.startswith("max_") or name.endswith(("timeout", "linger", "idle", "age", "patience")):
            assert f"`{go}`" in limits, f"docs/limits.md has no row of {go}"
    for name in ("keep_payload", "keep_payload_total", "keep_gaps"):
        assert f"`{name}`" in limits


UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "MiB": 1 << 20, "": 1}
GO_UNITS = {"time.Millisecond": 10**6, "time.Second": 10**9, "time.Minute": 60 * 10**9}


def amounts(text: str) -> set[int]:
    """The numbers that a text names: times in nanoseconds, sizes in bytes."""
    return {int(number.replace(",", "")) * UNITS[unit] for number, unit in re.findall(r"(\d[\d,]*)(?: (ms|s|min|MiB)\b)?", text)}


def go_defaults() -> dict[str, int]:
    source = (ROOT / "gofollow" / "config.go").read_text()
    defaults = {}
    for name, value in re.findall(r"\borElse\(&\w+\.(\w+), (.+)\)\n", source):
        for unit, size in GO_UNITS.items():
            value = value.replace(unit, str(size))
        defaults[name] = math.prod(eval(factor) for factor in value.split("*"))  # such as 60*time.Second, 16<<20
    return defaults


def test_defaults_are_the_same_everywhere() -> None:
    limits = (ROOT / "docs" / "limits.md").read_text()
    header = (ROOT / "capi" / "gofollow.h").read_text()
    described = TCPStreamFollower.__doc__ or ""
    defaults = go_defaults()
    assert len(defaults) == 19
    for name, (go, c) in OPTIONS.items():
        if (default := defaults.get(go)) is None:
            continue
        row = re.search(rf"^\| `{go}` \| ([^|]*)\|", limits, re.MULTILINE)
        assert row is not None
        assert default in amounts(row[1]), f"docs/limits.md: {go}"
        comment = re.search(rf"\b{c}; +/\*(.*?)\*/", header, re.DOTALL)
        assert comment is not None
        assert default in amounts(comment[1]), f"gofollow.h: {c}"
        if value := re.search(rf"\b{name}\s+\(([^)]+)\)", described):
            unit = " s" if c.endswith("_ns") else ""
            assert amounts(value[1] + unit) == {default}, f"the docstring of TCPStreamFollower: {name}"


def wrong_values(name: str, kind: str) -> list[object]:
    if name == "filter":
        return [ffi.new("char[]", b"portt")]
    if kind == "uint32_t":
        return [255, 1 << 31]
    return [-2 if name.endswith("_ns") else 1 << 63]


def test_a_message_names_the_field_of_c() -> None:
    for name, field in ffi.typeof("gofollow_config").fields:
        for value in wrong_values(name, field.type.cname) if name != "size" else []:
            config = make_config({})
            setattr(config, name, value)
            assert library().gofollow_create(ffi.new("gofollow_t *"), config) == constant("ERR_ARGUMENT"), name
            message = ffi.new("char[]", 300)
            assert library().gofollow_error_message(0, message, 300) > 0
            begin = 'filter "portt": ' if name == "filter" else f"config->{name} is "
            assert ffi.string(message).decode().startswith(begin)


def test_a_message_names_the_option_of_python() -> None:
    for name in ("max_connections", "max_far_bytes"):  # the engine's own limits
        with pytest.raises(OptionError, match=f"^{name} is {1 << 40}, must be 0 to {1 << 30}$"):
            TCPStreamFollower(**{name: 1 << 40})  # type: ignore[arg-type]


def test_every_option_is_passed_on() -> None:
    values: dict[str, object] = {
        "midstream": False, "close_on": "first-fin", "rst": "strict", "overlap": "linux", "checksum": "verify", "urgent": "oob",
        "separate": "both", "filter": "port 80",
    }
    plain = bytes(ffi.buffer(make_config({})))
    for name in OPTIONS:
        assert bytes(ffi.buffer(make_config({name: values.get(name, 7)}))) != plain, name


SCRIPT = '''
import asyncio
from collections.abc import Iterator

from gofollow import (
    STOP, CaptureError, Sniffer, Statistics, TCPStream, TCPStreamFollower, TruncatedCaptureWarning, Turn, afollow, events, follow, sniff,
)


def data(stream: TCPStream) -> object:
    new: bytes = stream.new_data
    return STOP if len(new) > 5 else None


def texts(path: str) -> Iterator[tuple[str, bytes]]:
    for stream in follow(path, "b.pcap", "tcp://192.0.2.1:5", order="given", progress=True, keep_payload="all", idle_timeout="never"):
        turns: list[Turn] = stream.turns()
        for turn in turns:
            yield turn.side, turn.data


def feed() -> Statistics:
    with TCPStreamFollower(data, None, keep_payload=100, separate="vlan", record="segments") as follower:
        follower.feed_files("a", "b")
        follower.feed_capture(b"")
        follower.end_capture()
        follower.feed_packets([(1.5, b"")])
        follower.advance_time(5)
        cut: tuple[str, ...] = follower.truncated
        ignored: int = follower.ignored
        print(cut, ignored)
        return follower.statistics


async def later() -> None:
    async for stream in afollow("a.pcap", max_connections=5):
        print(stream.close_reason)


def live() -> int:
    sniffer: Sniffer
    with sniff("lo", data, bpf="tcp", promiscuous=False, rst="strict") as sniffer:
        for stream in sniffer:
            print(stream.client_payload)
        return sniffer.statistics.dropped


asyncio.run(later())
for event in events("a.pcap", anomalies=True, midstream=False):
    print(event.kind)
for error in (CaptureError, TruncatedCaptureWarning):
    print(error)
'''


def test_a_users_script_is_typed(tmp_path: Path) -> None:
    """mypy --strict passes for what uses everything, and finds what is wrong with the options."""

    def checked(text: str) -> str:
        (tmp_path / "script.py").write_text(text)
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), "script.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout

    assert checked(SCRIPT).startswith("Success"), checked(SCRIPT)
    wrong = checked(
        "from gofollow import TCPStreamFollower, afollow, follow, sniff\n"
        "follow('a', idle_time=5)\nTCPStreamFollower(keep_payload='some')\nfollow('a', order='name')\n"
        "sniff('lo', midstream=1)\nafollow(5)\n"
    )
    assert re.findall(r"script\.py:(\d+): error", wrong) == ["2", "3", "4", "5", "6"], wrong


def test_help_shows_the_options() -> None:
    assert "idle_timeout" in (gofollow.TCPStreamFollower.__doc__ or "")
    assert "TCPStreamFollower" in (follow.__doc__ or "")
