"""The command line: gofollow [streams] FILE... and gofollow events FILE."""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from . import __version__
from ._core import TCPStream
from ._events import Chunk, Gap, format_event
from .errors import GofollowError, GofollowWarning
from .follower import events, follow


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 1 after a one-line error on stderr."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and arguments[0] not in ("streams", "events", "-h", "--help", "--version"):
        arguments.insert(0, "streams")
    options = _parser().parse_args(arguments)
    code = 0
    try:
        for name in options.files:
            try:
                with _warnings_about(name):
                    options.run(sys.stdin.buffer if name == "-" else name, options)
            except GofollowError as error:
                sys.stdout.flush()
                _complain(name, _one_line(error))
                code = 1
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"gofollow: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _complain(name: str, text: str) -> None:
    print(f"gofollow: {'standard input' if name == '-' else name}: {text}", file=sys.stderr)


@contextmanager
def _warnings_about(name: str) -> Iterator[None]:
    """Show the package's warnings as lines about a file, without the place in the program."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any) -> None:
            if issubclass(category, GofollowWarning):
                _complain(name, str(message))
            else:
                others(message, category, *place)

        warnings.simplefilter("always", GofollowWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gofollow", usage="gofollow [streams|events] [OPTION ...] FILE ...", description="Follow the TCP connections of captures."
    )
    parser.add_argument("--version", action="version", version=f"gofollow {__version__}")
    commands = parser.add_subparsers(prog="gofollow", required=True, metavar="streams|events")
    streams = commands.add_parser("streams", help="print every connection (the default)")
    streams.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng, also compressed; - is standard input")
    streams.add_argument("--full", action="store_true", help="print all that was said")
    streams.add_argument("--excerpt", type=_count, default=3, metavar="N", help="lines of each side to print (3)")
    streams.add_argument("--json", action="store_true", help="print one JSON object per connection and line")
    _add_options(streams)
    streams.set_defaults(run=_print_streams)
    log = commands.add_parser("events", help="print the event log")
    log.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng, also compressed; - is standard input")
    log.add_argument("--anomalies", action="store_true", help="print anomalies too")
    _add_options(log)
    log.set_defaults(run=_print_events)
    return parser


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--separate",
        choices=("none", "vlan", "tunnel", "both"),
        default="none",
        help="what tells connections with equal addresses and ports apart (none)",
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def _one_line(error: GofollowError) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())


def _print_events(source: Any, options: argparse.Namespace) -> None:
    for event in events(source, anomalies=options.anomalies, separate=options.separate):
        print(format_event(event))


def _print_streams(source: Any, options: argparse.Namespace) -> None:
    for stream in follow(source, separate=options.separate):
        if options.json:
            print(json.dumps(_as_json(stream)))
        else:
            _print_stream(stream, None if options.full else options.excerpt)


def _end(address: object, port: int) -> str:
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def _print_stream(stream: TCPStream, lines: int | None) -> None:
    up, down = len(stream.client_payload), len(stream.server_payload)
    facts = [f"{up} B up, {down} B down", "still open" if stream.close_reason == "flush" else f"closed by {stream.close_reason}"]
    if stream.opened_at is not None and stream.closed_at is not None and stream.close_reason != "flush":
        facts.append(f"{max(0.0, stream.closed_at - stream.opened_at):.3f} s")
    if stream.start == "midstream":
        facts.append("start not captured")
    if stream.separation:
        facts.append(stream.separation)
    ends = f"{_end(stream.client_addr, stream.client_port)} -> {_end(stream.server_addr, stream.server_port)}"
    print(f"{ends}  {', '.join(facts)}")
    _print_side(">", stream.client_payload, stream.client_chunks, stream.client_gaps, lines)
    _print_side("<", stream.server_payload, stream.server_chunks, stream.server_gaps, lines)


def _print_side(arrow: str, payload: bytes, chunks: list[Chunk], gaps: list[Gap], lines: int | None) -> None:
    """Print what one side said, each gap in its place; after so many lines only what is left and which gaps are in it."""
    width = 100
    shown = 0
    rest = 0
    parts: list[Chunk | Gap] = sorted([*chunks, *gaps], key=lambda part: part.offset)
    for part in parts:
        if isinstance(part, Gap):
            print(f"  {arrow} [{part.length} B missing at {part.offset}: {part.reason}]")
            continue
        position, end = part.start, min(part.start + part.length, len(payload))
        while position < end:
            if lines is not None and shown == lines:
                rest += end - position
                break
            newline = payload.find(b"\n", position, min(position + width, end))
            stop = newline + 1 if newline >= 0 else min(position + width, end)
            print(f"  {arrow} {_printable(payload[position:stop])}")
            position = stop
            shown += 1
    if rest and lines:
        print(f"  {arrow} ... {rest} B more")


def _printable(line: bytes) -> str:
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte != 92 else {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}.get(byte, f"\\x{byte:02x}")
        for byte in line
    )


def _as_json(stream: TCPStream) -> dict[str, Any]:
    def side(address: object, port: int, payload: bytes, gaps: list[Gap]) -> dict[str, Any]:
        return {
            "address": str(address),
            "port": port,
            "bytes": len(payload),
            "payload": payload.decode("latin-1"),
            "gaps": [gap._asdict() for gap in gaps],
        }

    return {
        "id": stream.identifier,
        "client": side(stream.client_addr, stream.client_port, stream.client_payload, stream.client_gaps),
        "server": side(stream.server_addr, stream.server_port, stream.server_payload, stream.server_gaps),
        "opened_at": stream.opened_at,
        "closed_at": stream.closed_at,
        "close_reason": stream.close_reason,
        "closed_by": stream.closed_by,
        "clean": stream.clean,
        "start": stream.start,
        "separation": stream.separation,
    }


if __name__ == "__main__":
    sys.exit(main())
