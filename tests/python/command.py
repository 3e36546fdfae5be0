"""Runs the command as a user does, in a process of its own."""

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
COMMAND = [sys.executable, "-m", "gofollow"]


class Result:
    """What a run wrote and its exit code."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.raw, self.err = code, out, err.decode("utf-8")

    @property
    def out(self) -> str:
        """The output as text."""
        return self.raw.decode("utf-8")

    @property
    def rows(self) -> list[list[str]]:
        """The lines of tab-separated output."""
        return [line.split("\t") for line in self.out.splitlines()]


def run(*words: object, stdin: bytes | None = None, **environment: str) -> Result:
    """Run the command in pipes."""
    given = [*COMMAND, *(word if isinstance(word, bytes) else str(word) for word in words)]
    done = subprocess.run(given, input=stdin, capture_output=True, env={**os.environ, **environment}, timeout=120, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Result(done.returncode, done.stdout, done.stderr)


def shell(script: str, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a script of the shell, in which gofollow is the command and $1, $2 ... are the words."""
    function = f'gofollow() {{ {shlex.join(COMMAND)} "$@"; }}\n'
    return subprocess.run(["sh", "-c", function + script, "sh", *map(str, words)], capture_output=True, check=False, timeout=60, cwd=cwd)


def screen(*words: object, columns: int = 80, lines: int = 50, **environment: str) -> Result:
    """Run the command with a terminal of that size as its standard output and error."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    facts = {"TERM": "xterm-256color", "PAGER": "cat", "COLORTERM": "truecolor", **environment}
    unset = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**{name: value for name, value in os.environ.items() if name not in unset}, **facts},
    )
    os.close(follower)
    written = bytearray()
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux' end of a terminal
            break
        if not piece:
            break
        written += piece
    os.close(leader)
    return Result(process.wait(timeout=120), bytes(written).replace(b"\r\n", b"\n"), b"")


def plain(text: str) -> str:
    """Return what a terminal shows of the text."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
