"""What can be typed: the subcommands with their options and help."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from .._options import _CHOICES, _LIMITS, _TIMES
from ._session import Trouble, exists
from ._text import harmless

_Function = Callable[..., Any]
_DEFAULTS = {"midstream": True}


class Commands(click.Group):
    """Subcommands, and `gofollow FILE...` for `gofollow list FILE...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put "list" before what begins with a file, or with an option of list."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            words = [word for word in args if word == "-" or not word.startswith("-")]
            if (args[0].startswith("-") and args[0] != "-") or exists(args[0]):
                args = ["list", *args]
            else:
                raise Trouble(f'no command or file "{harmless(args[0])}"{_suggestion(args[0], [*self.commands, *_neighbours(words[0])])}')
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which they were written."""
        return list(self.commands)


def _neighbours(word: str) -> list[str]:
    import os

    folder, _ = os.path.split(word)
    try:
        with os.scandir(folder or ".") as entries:
            return [os.path.join(folder, entry.name) for _, entry in zip(range(1000), entries, strict=False)]
    except (OSError, ValueError):
        return []


def _suggestion(word: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, known, 1, 0.6)
    return f'; did you mean "{harmless(near[0])}"?' if near else "; gofollow --help lists the commands"


def engine_options(function: _Function) -> _Function:
    """Give a command the options of the engine; it gets them as one dictionary, options."""
    names = ["midstream", *_CHOICES, *_TIMES, *_LIMITS]

    @functools.wraps(function)
    def wrapped(**values: Any) -> Any:
        options = {name: values.pop(name) for name in names}
        return function(options={name: value for name, value in options.items() if value is not None}, **values)

    decorated: _Function = wrapped
    for name in reversed(names):
        flag = "--" + name.replace("_", "-")
        if name == "midstream":
            option = click.option("--midstream/--no-midstream", default=None, help="Follow connections whose start was not captured (yes).")
        elif name in _CHOICES:
            option = click.option(flag, name, type=click.Choice(list(_CHOICES[name])), default=None, help=_HELP.get(name))
        elif name in _TIMES:
            option = click.option(flag, name, type=seconds, metavar="SECONDS", default=None, help=_HELP.get(name), hidden=name not in _HELP)
        else:
            option = click.option(flag, name, type=click.IntRange(1), default=None, help=_HELP.get(name), hidden=name not in _HELP)
        decorated = option(decorated)
    return decorated


_HELP = {
    "close_on": "When a connection is closed: by the FINs of both sides, or by the first.",
    "rst": "Which resets are believed.",
    "overlap": "Whose bytes win where segments contradict each other.",
    "checksum": "Whether segments with a wrong checksum are dropped.",
    "urgent": "Whether the urgent byte stays in the stream.",
    "separate": "What tells connections with equal addresses and ports apart.",
    "gap_patience": "How long missing bytes are waited for after they were acknowledged.",
    "idle_timeout": "Silence after which a connection is over.",
    "max_connections": "Open connections at most.",
}


def seconds(value: str | float) -> float | str:
    """Return a number of seconds, or "never", of what was typed."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if value != "never" and not number >= 0:
        raise click.BadParameter(f"{value!r} is neither a number of seconds from 0 nor never.")
    return "never" if value == "never" else number


SORTS = ["id", "start", "duration", "up", "down", "bytes", "packets", "missing", "retransmitted"]
FILES = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=str))


def screen_options(function: _Function) -> _Function:
    """Give a command the options of how it prints; it gets a Screen."""

    @functools.wraps(function)
    def wrapped(*, no_color: bool, no_pager: bool, **values: Any) -> Any:
        from ._screen import Screen

        return function(screen=Screen(no_color, not no_pager), **values)

    decorated: _Function = click.option("--no-pager", is_flag=True, help="Do not page on a terminal.")(wrapped)
    return click.option("--no-color", "--no-colour", "no_color", is_flag=True, help="No colours on a terminal.")(decorated)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from .. import __version__

        click.echo(f"gofollow {__version__}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`gofollow FILE...` is short for `gofollow list FILE...`. `gofollow COMMAND --help` has examples.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version.")
def cli() -> None:
    """Follow the TCP connections of packet captures.

    A FILE is pcap or pcapng, plain or compressed; - is standard input.
    """


@cli.command("list", short_help="List connections, one line each.")
@FILES
@click.option("--sort", type=click.Choice(SORTS), default="id", help="By what to sort; sizes the largest first (id).")
@click.option("--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--top", type=click.IntRange(1), help="Print only so many.")
@click.option("--header", is_flag=True, help="In a pipe: print the names of the columns first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--each", is_flag=True, help="Several files: one after the other, not one conversation.")
@screen_options
@engine_options
def list_command(
    files: tuple[str, ...],
    sort: str,
    reverse: bool,
    top: int | None,
    header: bool,
    as_json: bool,
    each: bool,
    screen: Any,
    options: dict[str, Any],
) -> int:
    """List the connections of captures, one line each.

    In a pipe the columns are separated by tabs, numbers are whole and times are ISO 8601. The sums
    and what was not followed stand on standard error.

    \b
    Examples:
        gofollow trace.pcap
        gofollow list --sort bytes --top 20 trace.pcap
        gofollow list --header trace.pcap | cut -f 1,4,5
    """
    from ._list import list_connections

    good = True
    for group in [[name] for name in files] if each else [list(files)]:
        good &= list_connections(group, options, screen, sort=sort, reverse=reverse, top=top, as_json=as_json, header=header)
    return 0 if good else 2


@cli.command("events", short_help="Print the event log.")
@FILES
@click.option("--anomalies", is_flag=True, help="Print anomalies, too.")
@click.option("--segments", is_flag=True, help="Print an event for each TCP segment, too.")
@screen_options
@engine_options
def events_command(files: tuple[str, ...], anomalies: bool, segments: bool, screen: Any, options: dict[str, Any]) -> int:
    """Print the events of captures as text, one a line (docs/event-log.md).

    \b
    Examples:
        gofollow events trace.pcap
        gofollow events --anomalies trace.pcap
    """
    from ._events import print_events

    return print_events(files, {**options, "anomalies": anomalies, "segments": segments}, screen)
