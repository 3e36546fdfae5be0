"""Writes the manual page of the command, from the help of the command itself: tools/manpage.py > docs/gofollow.1."""

import re
import sys
from collections.abc import Iterator

import click
from gofollow.command._cli import cli

_DESCRIPTION = "follow the TCP connections of packet captures"


def main() -> None:
    sys.stdout.write("\n".join(_page()) + "\n")


def _page() -> Iterator[str]:
    context = click.Context(cli, info_name="gofollow")
    yield '.TH GOFOLLOW 1 "" "gofollow" "User Commands"'
    yield ".SH NAME"
    yield f"gofollow \\- {_DESCRIPTION}"
    yield ".SH SYNOPSIS"
    yield ".B gofollow\n.IR FILE ...\n.br\n.B gofollow\n.I COMMAND\n[\\fIOPTION\\fR ...] \\fIARGUMENT\\fR ..."
    yield ".SH DESCRIPTION"
    yield from _text(cli.help or "")
    yield from _text(cli.epilog or "")
    shown: set[str] = set()
    for name in cli.list_commands(context):
        command = cli.commands[name]
        inner = click.Context(command, info_name=name, parent=context)
        yield f'.SH "gofollow {name}"'
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f".B gofollow {name}\n{_safe(usage)}"
        yield from _text(command.help or "")
        common = []
        for parameter in command.params:
            record = parameter.get_help_record(inner) if isinstance(parameter, click.Option) else None
            if record is None:
                continue
            if record[0] in shown and record[1]:
                common.append(record[0].split(" ")[0].rstrip(","))
                continue
            if "engine" in record[1] or parameter.name in _COMMON:
                shown.add(record[0])
            yield f".TP\n.B {_safe(record[0])}\n{_safe(record[1])}"
        if common:
            yield ".PP\nAlso, as described above: " + ", ".join(f"\\fB{_safe(flag)}\\fR" for flag in common) + "."
    yield ".SH EXIT STATUS"
    yield ".TP\n.B 0\nDone. A reader of the output that has seen enough is no error.\n.TP\n.B 1\nfind: no match. show: no such connection."
    yield ".TP\n.B 2\nAn error: a capture cannot be read or is damaged, an option is wrong, output cannot be written."
    yield ".TP\n.B 130\nInterrupted."
    yield ".SH ENVIRONMENT"
    yield ".TP\n.B NO_COLOR\nNo colours.\n.TP\n.B PAGER\nWhat shows output that does not fit on the terminal (less)."
    yield ".SH SEE ALSO\n.BR tcpdump (8),\n.BR tshark (1),\n.BR tcpflow (1),\n.BR pcap-filter (7)"


_COMMON = {
    *("filter", "midstream", "close_on", "rst", "overlap", "checksum", "urgent", "separate", "gap_patience", "idle_timeout"),
    *("max_connections", "since", "until", "chosen", "no_color", "no_pager"),
}


def _text(help_text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", help_text):
        if paragraph.lstrip().startswith("\b"):
            lines = paragraph.replace("\b", "").strip("\n").splitlines()
            yield ".PP\n.nf\n" + "\n".join(_safe(line) for line in lines if line.strip()) + "\n.fi"
        elif paragraph.strip():
            yield ".PP\n" + _safe(" ".join(paragraph.split()))


def _safe(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
