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
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version") and not ctx.resilient_parsing:
            words = [word for word in args if word == "-" or not word.startswith("-")]
            if (args[0].startswith("-") and args[0] != "-") or exists(args[0]):
                args = ["list", *args]
            else:
                raise Trouble(f'no command or file "{harmless(args[0])}"{_suggestion(args[0], [*self.commands, *_neighbours(words[0])])}')
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the first word: a command, or a file."""
        from click.shell_completion import CompletionItem

        return [*super().shell_complete(ctx, incomplete), CompletionItem(incomplete, type="file")]

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
    names = ["filter", "midstream", *_CHOICES, *_TIMES, *_LIMITS]

    @functools.wraps(function)
    def wrapped(**values: Any) -> Any:
        options = {name: values.pop(name) for name in names}
        return function(options={name: value for name, value in options.items() if value is not None}, **values)

    decorated: _Function = wrapped
    for name in reversed(names):
        flag = "--" + name.replace("_", "-")
        if name == "midstream":
            option = click.option("--midstream/--no-midstream", default=None, help="Follow connections whose start was not captured (yes).")
        elif name == "filter":
            option = click.option(flag, name, metavar="EXPRESSION", default=None, help=_HELP[name])
        elif name in _CHOICES:
            option = click.option(flag, name, type=click.Choice(list(_CHOICES[name])), default=None, help=_HELP.get(name))
        elif name in _TIMES:
            option = click.option(flag, name, type=seconds, metavar="SECONDS", default=None, help=_HELP.get(name), hidden=name not in _HELP)
        else:
            option = click.option(flag, name, type=click.IntRange(1), default=None, help=_HELP.get(name), hidden=name not in _HELP)
        decorated = option(decorated)
    return decorated


_HELP = {
    "filter": "Which connections, in the words of pcap-filter: 'net 10 and port 80 or 443' (docs/filter.md).",
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


def numbers(value: str) -> Any:
    """Return the set of numbers that "3,7-9" names."""
    from ._choice import Numbers

    try:
        return Numbers(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of connection numbers, such as 3,7-9.") from None


def moment(value: str) -> int:
    """Return a time in nanoseconds since 1970: of seconds since then, or of an ISO 8601 time, in UTC unless it names a zone."""
    from datetime import datetime, timezone
    from decimal import Decimal, InvalidOperation

    try:
        return int(Decimal(value) * 10**9)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    try:
        whole, dot, rest = value.strip().replace("Z", "+00:00").partition(".")
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
        time = datetime.fromisoformat(whole + rest[len(digits) :])
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time: write 2026-11-30T10:14:02.5 (UTC), or seconds since 1970.") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    seconds_of_it = (time - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()
    return int(seconds_of_it) * 10**9 + int((digits + "0" * 9)[:9])


def choice_options(by_id: bool) -> Callable[[_Function], _Function]:
    """Give a command the options that choose connections; it gets a Choice."""

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def wrapped(*, since: int | None, until: int | None, chosen: Any = None, **values: Any) -> Any:
            from ._choice import Choice

            if since is not None and until is not None and since > until:
                raise Trouble("--since is later than --until: no connection overlaps that")
            return function(choice=Choice(chosen, since, until), **values)

        decorated: _Function = wrapped
        decorated = click.option("--until", type=moment, metavar="TIME", help="Only connections that began by then.")(decorated)
        decorated = click.option("--since", type=moment, metavar="TIME", help="Only connections that were not over by then.")(decorated)
        if by_id:
            decorated = click.option("--id", "chosen", type=numbers, metavar="N,N-N", help="Only the connections of these numbers.")(
                decorated
            )
        return decorated

    return decorate


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
@choice_options(by_id=False)
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
    choice: Any,
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
        good &= list_connections(group, options, choice, screen, sort=sort, reverse=reverse, top=top, as_json=as_json, header=header)
    return 0 if good else 2


@cli.command("show", short_help="Show conversations in their order.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--client", "only_client", is_flag=True, help="Only what the client sent.")
@click.option("--server", "only_server", is_flag=True, help="Only what the server sent.")
@click.option("--times", is_flag=True, help="The time of every packet with payload.")
@click.option("--hex", "style", flag_value="hex", help="Hex dumps.")
@click.option("--raw", "style", flag_value="raw", help="The payload's bytes and nothing else.")
@click.option("--json", "style", flag_value="json", help="One JSON object for each turn.")
@click.option("--force", is_flag=True, help="With --raw: write to a terminal, too.")
@choice_options(by_id=False)
@screen_options
@engine_options
def show_command(
    file: str,
    ids: tuple[str, ...],
    only_client: bool,
    only_server: bool,
    times: bool,
    style: str | None,
    force: bool,
    choice: Any,
    screen: Any,
    options: dict[str, Any],
) -> int:
    """Show conversations in the order in which they were held.

    ID is a connection's number in `gofollow list`, or 3,7-9 for several. Text is shown as text, with
    control characters as \\x1b; what is no text as a hex dump of its beginning.

    \b
    Examples:
        gofollow show trace.pcap 0
        gofollow show --hex trace.pcap 2 4
        gofollow show --raw --server trace.pcap 0 > answer.bin
    """
    from ._show import show

    choice.numbers = numbers(",".join(ids))
    sides = {0} if only_client and not only_server else {1} if only_server and not only_client else {0, 1}
    return show([file], choice, options, screen, style=style or "text", sides=sides, times=times, force=force)


@cli.command("extract", short_help="Write streams to files.")
@FILES
@click.option("-o", "--output", "folder", metavar="DIR", required=True, type=click.Path(path_type=str), help="The folder; it is made.")
@click.option(
    "--template", default=None, help="Names of the files, with {id}, {client}, {client_port}, {server}, {server_port}, {side} and {start}."
)
@click.option(
    "--gaps",
    type=click.Choice(["keep", "zero", "skip"]),
    default="keep",
    help="What missing bytes become: holes of the file, zeros, or nothing (keep).",
)
@click.option("--pcap", "as_pcap", is_flag=True, help="The packets of each connection, as a pcapng capture.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, and over files.")
@choice_options(by_id=True)
@engine_options
def extract_command(
    files: tuple[str, ...], folder: str, template: str | None, gaps: str, as_pcap: bool, force: bool, choice: Any, options: dict[str, Any]
) -> int:
    """Write each side of each connection to a file, and an index of them.

    index.jsonl has a line for each connection: its facts, the names of its files and its gaps. Sides
    that sent nothing have no file.

    \b
    Examples:
        gofollow extract trace.pcap -o streams
        gofollow extract --id 3,7-9 --gaps skip trace.pcap -o streams
        gofollow extract --template '{server}/{id}-{side}' trace.pcap -o streams
        gofollow extract --pcap --id 3 trace.pcap -o packets
        gofollow extract --pcap --template '{server}.pcapng' trace.pcap -o packets
    """
    if as_pcap:
        from . import _packets

        return _packets.extract_packets(files, folder, options, choice, template=template or _packets.TEMPLATE, force=force)
    from ._extract import TEMPLATE, extract

    return extract(files, folder, options, choice, template=template or TEMPLATE, gaps=gaps, force=force)


@cli.command("find", short_help="Find a pattern in payload.")
@FILES
@click.argument("pattern")
@click.option("-i", "--ignore-case", is_flag=True, help="Upper and lower case are the same.")
@click.option("-F", "--fixed", is_flag=True, help="The pattern is text, no regular expression.")
@click.option("--hex", "as_hex", is_flag=True, help="The pattern is bytes in hexadecimal: 0d0a.")
@click.option("-c", "--count", is_flag=True, help="Only how many matches each connection has.")
@click.option("-C", "--context", type=click.IntRange(0, 1 << 16), default=20, help="Bytes to show around a match (20).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@choice_options(by_id=True)
@screen_options
@engine_options
def find_command(
    files: tuple[str, ...],
    pattern: str,
    ignore_case: bool,
    fixed: bool,
    as_hex: bool,
    count: bool,
    context: int,
    as_json: bool,
    choice: Any,
    screen: Any,
    options: dict[str, Any],
) -> int:
    """Find a regular expression in the payload of connections, across the borders of packets.

    PATTERN is an expression of Python's re module over bytes. Matches of up to 65,536 bytes are
    found wherever they lie. A line has the connection's number, the side that sent the match, its
    offset in the stream, its time and the match. The exit code is 0 if there is a match, 1 if there
    is none, 2 after an error.

    \b
    Examples:
        gofollow find trace.pcap 'pass(word)?='
        gofollow find --ignore-case --count trace.pcap 'set-cookie:'
        gofollow find --hex trace.pcap 0d0a0d0a
    """
    from ._find import find

    return find(
        *(files, pattern, options, choice, screen),
        ignore_case=ignore_case,
        as_hex=as_hex,
        fixed=fixed,
        count=count,
        context=context,
        as_json=as_json,
    )


@cli.command("stats", short_help="Count packets, payload and losses.")
@FILES
@click.option("--top", type=click.IntRange(0, 1000), default=5, help="How many servers, ports and hosts to name (5).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@choice_options(by_id=False)
@screen_options
@engine_options
def stats_command(files: tuple[str, ...], top: int, as_json: bool, choice: Any, screen: Any, options: dict[str, Any]) -> int:
    """Count what captures hold: packets, connections, payload, losses, and the busiest servers.

    \b
    Examples:
        gofollow stats trace.pcap
        gofollow stats --json trace.pcap
    """
    from ._stats import stats

    return stats(files, options, choice, screen, top=top, as_json=as_json)


@cli.command("export", short_help="Write tables: JSON lines, CSV or Parquet.")
@FILES
@click.option("-o", "--output", "folder", metavar="DIR", required=True, type=click.Path(path_type=str), help="The folder; it is made.")
@click.option("--jsonl", "form", flag_value="jsonl", default=True, help="JSON, one object a line (the default).")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values.")
@click.option("--parquet", "form", flag_value="parquet", help="Parquet files.")
@click.option("--payload", type=click.Choice(["base64", "text", "none"]), default="base64", help="Payload in JSON and CSV (base64).")
@click.option("--processes", type=click.IntRange(1), metavar="N", help="With --parquet: N processes share files, folders and globs.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, and over files.")
@choice_options(by_id=True)
@engine_options
def export_command(
    files: tuple[str, ...],
    folder: str,
    form: str,
    payload: str,
    processes: int | None,
    force: bool,
    choice: Any,
    options: dict[str, Any],
) -> int:
    """Write two tables, of connections and of turns: docs/tables.md describes their columns.

    --jsonl and --csv write the files connections and turns, --parquet folders of these names. Parquet
    needs pyarrow: pip install 'gofollow[tables]'. --processes reads captures by N processes, folders
    and globs as well; docs/spark.md says when the tables are those of one process.

    \b
    Examples:
        gofollow export trace.pcap -o tables
        gofollow export --parquet trace.pcap -o tables
        gofollow export --csv --payload none --id 0-99 trace.pcap -o tables
        gofollow export --parquet --processes 2 'captures/*.pcap' -o tables
    """
    from ._export import export

    return export(files, folder, options, choice, form=form, payload=payload, processes=processes, force=force)


@cli.command("live", short_help="Follow an interface or a pipe as it goes.")
@click.argument("source", metavar="SOURCE")
@click.option("--show", is_flag=True, help="Print conversations as they happen.")
@click.option("--bpf", default="", metavar="EXPRESSION", help="Which packets the kernel hands over, in the words of pcap-filter.")
@click.option("--header", is_flag=True, help="In a pipe: print the names of the columns first.")
@choice_options(by_id=False)
@screen_options
@engine_options
def live_command(source: str, show: bool, bpf: str, header: bool, choice: Any, screen: Any, options: dict[str, Any]) -> int:
    """List connections as they end, from an interface, tcp://HOST:PORT (a capture over a socket), a file or - .

    Ctrl-C ends it with the sums, and so does the end of the source. Interfaces need the right to capture:
    root, or CAP_NET_RAW. There time-outs follow the clock; elsewhere they follow the packets.

    \b
    Examples:
        gofollow live eth0 --bpf 'tcp port 443'
        gofollow live --show tcp://192.0.2.1:57012
        tcpdump -U -w - port 80 | gofollow live -
    """
    from ._live import live

    return live(source, options, choice, screen, bpf=bpf, show=show, header=header)


@cli.command("report", short_help="Write a page to look at: charts, connections, conversations.")
@FILES
@click.option("-o", "--output", "out", metavar="FILE", required=True, type=click.Path(path_type=str), help="The page, report.html.")
@click.option("--title", default=None, help="What stands at the head of the page (the captures' names).")
@click.option("--open", "connection", type=click.IntRange(0), metavar="ID", help="The connection that the page opens with.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@engine_options
def report_command(
    files: tuple[str, ...], out: str, title: str | None, connection: int | None, force: bool, options: dict[str, Any]
) -> int:
    """Write one HTML page that loads nothing: sums, charts, a table of connections, conversations and graphs.

    \b
    Examples:
        gofollow report trace.pcap -o report.html
        gofollow report --open 3 trace.pcap -o report.html
    """
    from ._report import report

    return report(files, out, options, title=title, connection=connection, force=force)


@cli.command("plot", short_help="Draw the time-sequence graph of a connection.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.argument("connection", metavar="ID", type=click.IntRange(0))
@click.option("-o", "--output", "out", metavar="FILE", required=True, type=click.Path(path_type=str), help="A picture: .png, .svg or .pdf.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@engine_options
def plot_command(file: str, connection: int, out: str, force: bool, options: dict[str, Any]) -> int:
    """Draw segments, retransmissions, ACKs and missing bytes of a connection over time, and its throughput.

    It needs matplotlib: pip install 'gofollow[plot]'.

    \b
    Examples:
        gofollow plot trace.pcap 0 -o connection0.png
    """
    from ._report import plot

    return plot(file, connection, out, options, force=force)


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


@cli.command("completion", short_help="Print what a shell needs to complete words.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> int:
    """Print a script that makes a shell complete commands, options and files.

    \b
    Examples:
        gofollow completion bash > ~/.local/share/bash-completion/completions/gofollow
        gofollow completion zsh > ~/.zfunc/_gofollow
        gofollow completion fish > ~/.config/fish/completions/gofollow.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "gofollow", "_GOFOLLOW_COMPLETE").source())
    return 0
