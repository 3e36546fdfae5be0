"""The command gofollow: docs/command.md.

main runs it. Exit codes: 0 done, 1 nothing found (find and show), 2 an error, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from ._session import Trouble, one_line, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments, by default the process', and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # no cycle is made for each connection, and looking for some takes a tenth of the time
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 0  # the reader has seen enough
    except OSError as error:
        _drop_output()
        say(f"standard output: {one_line(error)}" if error.filename is None else f"{error.filename}: {one_line(error)}")
        return 2
    except KeyboardInterrupt:
        _drop_output()
        return 130
    return code


def _run(words: list[str]) -> int:
    import click

    from ._cli import cli

    try:
        code = cli.main(words, prog_name="gofollow", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        context = error.ctx.command_path if error.ctx is not None else "gofollow"
        say(f"{_sentence(error.format_message())} ({context} --help)")
        return 2
    except click.ClickException as error:
        say(_sentence(error.format_message()))
        return 2
    except (click.Abort, KeyboardInterrupt):
        _drop_output()
        return 130
    except Trouble as error:
        say(str(error))
        return error.code
    return code if isinstance(code, int) else 0


def _sentence(message: str) -> str:
    from ._text import harmless

    text = " ".join(message.split()).rstrip(".")
    return harmless(text[:1].lower() + text[1:])


def _drop_output() -> None:
    """Let nothing of what waits to be written be written: Python would complain at exit."""
    if sys.stdout is not None:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError):
            pass
