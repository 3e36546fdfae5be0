"""gofollow report and gofollow plot: pages and pictures."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

from ..errors import GofollowError, GofollowWarning
from ._session import Trouble, one_line, say, source_of
from ._text import name_of


def report(files: Sequence[str], out: str, options: dict[str, Any], *, title: str | None, connection: int | None, force: bool) -> int:
    """Write the page. Return the exit code."""
    from ..report import write_report

    _refuse_to_overwrite(out, force)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GofollowWarning)  # the page says what was not followed
            write_report(*map(source_of, files), out=out, title=title, show=connection, **options)
    except GofollowError as error:
        say(f"{name_of(files[0]) if len(files) == 1 else 'captures'}: {one_line(error)}")
        return 2
    except OSError as error:
        raise Trouble(f"{name_of(out)}: {one_line(error)}") from None
    return 0


def plot(file: str, connection: int, out: str, options: dict[str, Any], *, force: bool) -> int:
    """Write the picture. Return the exit code."""
    _refuse_to_overwrite(out, force)
    try:
        from ..plot import plot as draw
    except ImportError as error:
        raise Trouble(one_line(error)) from None
    try:
        figure = draw(source_of(file), connection=connection, **options)
    except GofollowError as error:
        raise Trouble(f"{name_of(file)}: {one_line(error)}") from None
    try:
        figure.savefig(out)
    except (OSError, ValueError) as error:
        raise Trouble(f"{name_of(out)}: {one_line(error)}") from None
    return 0


def _refuse_to_overwrite(out: str, force: bool) -> None:
    if not force and os.path.isfile(out):
        raise Trouble(f"{name_of(out)}: the file exists; --force writes over it")
