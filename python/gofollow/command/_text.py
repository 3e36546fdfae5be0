"""Text for screens and pipes: numbers, times, addresses, and names and payload made harmless."""

import re
import time

_UNITS = " kMGTPE"
# Besides control characters: what changes the direction of text, separates lines, or is half of a pair.
_HARMFUL = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")


def harmless(text: str) -> str:
    """Return the text with every character escaped that a terminal may take for a command."""
    return _HARMFUL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python holds it in a name
        return f"\\x{code - 0xDC00:02x}"
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def name_of(path: str) -> str:
    """Return how messages call a capture."""
    return "standard input" if path == "-" else harmless(path)


def decoded(data: bytes) -> str:
    """Return payload as harmless text: UTF-8 where it is, \\x escapes for the bytes that are not."""
    return harmless(data.decode("utf-8", "surrogateescape"))


def grouped(number: int) -> str:
    """Return 12345 as 12,345."""
    return f"{number:,}"


def short(number: int) -> str:
    """Return a number in at most 7 characters: whole below 10,000, then 48.1 k, 18.2 M."""
    if number < 10_000:
        return f"{number:,}"
    value, unit = float(number), 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.1f} {_UNITS[unit]}"


def seconds_of(ns: int) -> str:
    """Return a duration in at most 7 characters: 7 ms, 12.4 s, 3.1 min, 2.0 h, 4.0 d."""
    if ns < 0:
        return "-" + seconds_of(-ns)
    if ns < 999_500_000:
        return f"{ns / 1e6:.0f} ms"
    seconds = ns / 1e9
    for limit, unit, name in ((99.95, 1, "s"), (5997, 60, "min"), (359_820, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / 86400:.1f} d"


_DATES: dict[int, str] = {}


def iso(ns: int) -> str:
    """Return a time in nanoseconds since 1970 as 2026-11-30T10:14:02.114000Z, with nine digits where six are too few."""
    second, part = divmod(ns, 10**9)
    date = _DATES.get(second)
    if date is None:
        if len(_DATES) > 10_000:
            _DATES.clear()
        year, month, day, hour, minute, whole, *_ = time.gmtime(second)
        date = _DATES[second] = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{whole:02}"
    return f"{date}.{part:09d}Z" if part % 1000 else f"{date}.{part // 1000:06d}Z"


def clock(ns: int) -> str:
    """Return the time of the day, 10:14:02.114."""
    return iso(ns)[11:23]


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def date(ns: int) -> str:
    """Return 30 Nov 2026 10:14:02 UTC."""
    year, month, day, hour, minute, second, *_ = time.gmtime(ns // 10**9)
    return f"{day} {_MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} UTC"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 match" or "2 matches"."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"
