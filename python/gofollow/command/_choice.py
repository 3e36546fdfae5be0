"""Which connections a command is about: by number, and by the time in which they were open."""

from __future__ import annotations

from .._facts import NO_TIME, Facts, read_open


class Choice:
    """Numbers of connections, None for all, and an interval, in nanoseconds since 1970, that they overlap."""

    def __init__(self, numbers: Numbers | None = None, since: int | None = None, until: int | None = None) -> None:
        self.numbers, self.since, self.until = numbers, since, until
        self.known: bytearray | None = None  # a bit for each number, where the whole capture was looked at before

    @property
    def everything(self) -> bool:
        """Whether no connection is left out."""
        return self.numbers is None and self.since is None and self.until is None

    def opening(self, number: int, facts: bytes) -> bool:
        """Report whether a connection that opens may be chosen."""
        if self.known is not None:
            return number >> 3 < len(self.known) and bool(self.known[number >> 3] & 1 << (number & 7))
        if self.numbers is not None and number not in self.numbers:
            return False
        return self.until is None or read_open(facts).opened_ns <= self.until

    def closed(self, facts: Facts) -> bool:
        """Report whether a closed connection is chosen."""
        if self.numbers is not None and facts.number not in self.numbers:
            return False
        if self.until is not None and facts.opened_ns > self.until:
            return False
        last = facts.last_ns
        return self.since is None or last == NO_TIME or last >= self.since

    def know(self, number: int) -> None:
        """Note that the connection of this number is chosen."""
        if self.known is None:
            self.known = bytearray()
        if number >> 3 >= len(self.known):
            self.known.extend(bytes((number >> 3) + 1024 - len(self.known)))
        self.known[number >> 3] |= 1 << (number & 7)


class Numbers:
    """A set of numbers, as "3,7-9" names it."""

    def __init__(self, text: str) -> None:
        self.ranges: list[tuple[int, int]] = []
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                raise ValueError(part)
            self.ranges.append((int(first), int(last or first)))

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.ranges)
