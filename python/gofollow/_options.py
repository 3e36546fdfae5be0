"""The options of a follower. They are checked here, so that a message names the caller's option, and passed to the engine."""

import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict
from weakref import WeakKeyDictionary

from ._native import LARGEST, constant, ffi
from ._payload import Kept
from .errors import OptionError

if TYPE_CHECKING:
    from typing_extensions import Unpack as Unpack
elif sys.version_info >= (3, 11):
    from typing import Unpack
else:
    Unpack = None  # the annotations are not evaluated

Seconds = float | Literal["never"] | None


class EngineOptions(TypedDict, total=False):
    """The keyword options of events. None is the default of a limit or timeout."""

    midstream: bool
    close_on: str
    rst: str
    overlap: str
    gap_patience: Seconds
    checksum: str
    urgent: str
    separate: str
    filter: str | None
    handshake_timeout: Seconds
    idle_timeout: Seconds
    half_closed_timeout: Seconds
    rst_linger: Seconds
    close_linger: Seconds
    stray_linger: Seconds
    reuse_idle: Seconds
    hole_age: Seconds
    one_sided_age: Seconds
    max_held_bytes: int | None
    max_held_segments: int | None
    max_total_held_bytes: int | None
    max_connections: int | None
    max_closed_connections: int | None
    max_candidates: int | None
    max_far_bytes: int | None


class FollowerOptions(EngineOptions, total=False):
    """The keyword options of TCPStreamFollower, follow and all that is built on them."""

    keep_payload: int | Literal["all", "none"]
    keep_payload_total: int | None
    keep_gaps: int | None
    record: Literal["turns", "segments", "none"] | None
    keep_turns: int | None
    keep_segments: int | None


_SWITCHES = {
    "midstream": ("no_midstream", True),
    "anomalies": ("anomalies", False),
    "segments": ("segments", False),
    "packets": ("packets", False),
}
_CHOICES: dict[str, dict[str, int]] = {
    "close_on": {"both": constant("CLOSE_ON_BOTH"), "first-fin": constant("CLOSE_ON_FIRST_FIN")},
    "rst": {name: constant("RST_" + name.upper()) for name in ("lenient", "strict", "ignore")},
    "overlap": {
        name: constant("OVERLAP_" + name.upper().replace("-", "_"))
        for name in (
            *("first", "last", "bsd", "linux", "old-linux", "solaris", "windows", "vista"),
            *("hpux10", "hpux11", "irix", "macos", "win2003"),
        )
    },
    "checksum": {"off": 0, "verify": 1},
    "urgent": {name: constant("URGENT_" + name.upper()) for name in ("inline", "oob")},
    "separate": {name: constant("SEPARATE_" + name.upper()) for name in ("none", "vlan", "tunnel", "both")},
}
_CHOICE_FIELDS = {"checksum": "verify_checksum"}
_TIMES = (
    *("gap_patience", "handshake_timeout", "idle_timeout", "half_closed_timeout", "rst_linger", "close_linger"),
    *("stray_linger", "reuse_idle", "hole_age", "one_sided_age"),
)
_LIMITS = (
    *("max_held_bytes", "max_held_segments", "max_total_held_bytes", "max_connections", "max_closed_connections", "max_candidates"),
    "max_far_bytes",
)
_KEPT: dict[str, Any] = {
    "keep_payload": "all", "keep_payload_total": None, "keep_gaps": None,
    "record": None, "keep_turns": None, "keep_segments": None,
}
_LONGEST_NS = 1 << 62  # 146 years: no deadline of a real capture overflows


def make_config(options: Mapping[str, object]) -> Any:
    """Return a gofollow_config made of keyword options.

    Raises OptionError, naming option, value and what is allowed.
    """
    config = ffi.new("gofollow_config *")
    config.size = ffi.sizeof("gofollow_config")
    for name, value in options.items():
        if name in _SWITCHES:
            field, inverted = _SWITCHES[name]
            if not isinstance(value, bool):
                raise _refused(name, value, "True or False")
            setattr(config, field, value is not inverted)
        elif name in _CHOICES:
            choices = _CHOICES[name]
            if not isinstance(value, str) or value not in choices:
                raise _refused(name, value, "one of " + ", ".join(repr(choice) for choice in choices))
            setattr(config, _CHOICE_FIELDS.get(name, name), choices[value])
        elif name == "filter":
            if value is not None:
                _set_text(config, name, value)
        elif name in _TIMES:
            setattr(config, name + "_ns", _nanoseconds(name, value))
        elif name in _LIMITS:
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1 << 63:
                raise _refused(name, value, "a whole number from 1, or None for the default")
            setattr(config, name, value)
        else:
            raise _unknown(name)
    return config


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, object], Kept]:
    """Return the options that the engine has, and what the others let a follower keep.

    Raises OptionError, naming option, value and what is allowed.
    """
    kept = {name: options[name] for name in _KEPT if name in options}
    return {name: value for name, value in options.items() if name not in kept}, make_kept(**{**_KEPT, **kept})


def _unknown(name: str) -> OptionError:
    from difflib import get_close_matches

    known = sorted({*FollowerOptions.__annotations__, "anomalies", "packets", "segments"})
    near = get_close_matches(name, known, 3, 0.5)
    meant = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    return OptionError(f"there is no option {name!r}: {meant}")


_texts: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # what configurations point to, which do not keep it


def _set_text(config: Any, name: str, value: object) -> None:
    if not isinstance(value, str) or "\0" in value:
        raise _refused(name, value, "a string without NUL characters, or None for no filter")
    _texts[config] = text = ffi.new("char[]", value.encode("utf-8", "replace"))
    setattr(config, name, text)


def make_kept(
    keep_payload: object,
    keep_payload_total: object = None,
    keep_gaps: object = None,
    record: object = None,
    keep_turns: object = None,
    keep_segments: object = None,
) -> Kept:
    """Return what a follower may keep, of the options of these names.

    Raises OptionError, naming option, value and what is allowed.
    """
    if keep_payload in ("all", "none"):
        payload = LARGEST if keep_payload == "all" else 0
    elif isinstance(keep_payload, int) and not isinstance(keep_payload, bool) and keep_payload >= 0:
        payload = keep_payload
    else:
        raise _refused("keep_payload", keep_payload, "'all', 'none' or a number of bytes from 0")
    recorded = (0 if keep_payload == "none" else 1) if record is None else {"none": 0, "turns": 1, "segments": 2}.get(record)  # type: ignore[call-overload]
    if recorded is None:
        raise _refused("record", record, "'turns', 'segments' or 'none', or None for the default")
    numbers = []
    for name, value, least, default in (
        ("keep_payload_total", keep_payload_total, 0, LARGEST),
        ("keep_gaps", keep_gaps, 0, 65536),
        ("keep_turns", keep_turns, 1, 65536),
        ("keep_segments", keep_segments, 1, 65536),
    ):
        number = default if value is None else value
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise _refused(name, value, f"a whole number from {least}, or None for the default")
        numbers.append(min(number, LARGEST))
    total, gaps, turns, segments = numbers
    return Kept(min(payload, LARGEST), total, gaps, turns if recorded else 0, segments if recorded == 2 else 0)


def _nanoseconds(name: str, value: object) -> int:
    if value is None:
        return 0  # the engine's default
    allowed = "a number of seconds from 0, math.inf or 'never', or None for the default"
    if value == "never":
        value = math.inf
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or math.isnan(value):
        raise _refused(name, value, allowed)
    if name == "gap_patience":
        if value == 0:
            return constant("AT_ONCE")
    elif value == math.inf:
        return constant("NEVER")
    if value >= _LONGEST_NS / 1e9:
        return _LONGEST_NS
    # 0 means the default to the engine; the shortest time is one nanosecond.
    return max(1, round(value * 1_000_000_000))


def _refused(name: str, value: object, allowed: str) -> OptionError:
    return OptionError(f"{name}={value!r} is not possible: it must be {allowed}")
