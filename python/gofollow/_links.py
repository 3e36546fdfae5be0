"""Warns of link types that are not followed."""

import warnings

from ._engine import Engine
from .errors import GofollowWarning


class LinkCheck:
    """Warns, once for a follower, of packets of link types that are not followed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._checked: set[int] = set()
        self._warned = False

    def check(self, link_type: int) -> None:
        """Warn if packets of a link type, which were fed, are not followed. To be called by what the user calls."""
        if link_type not in self._checked:
            self._checked.add(link_type)
            self.warn(stacklevel=4)

    def warn(self, stacklevel: int = 3) -> None:
        """Warn if packets that were fed are of a link type that is not followed. To be called by what the user calls."""
        if self._warned or not (unknown := self._engine.unknown_links()):
            return
        self._warned = True
        names = ", ".join(f"{name} ({count} packets so far)" for name, count in unknown.items())
        warnings.warn(
            f"{names}: gofollow does not look into it, so nothing of it is followed. If you gave the link type with the packets, check it; "
            "otherwise convert the capture, or record it with another link type: docs/encapsulations.md lists those that are followed",
            GofollowWarning,
            stacklevel,
        )
