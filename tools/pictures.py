"""Make the pictures of README and docs from the captures of tests/data: `make pictures`.

It needs matplotlib for the plot, and Chromium and playwright for the pages.

    python tools/pictures.py [CHROMIUM]
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
PICTURES = ROOT / "docs" / "pictures"


def terminal(name: str, columns: int, *commands: str) -> None:
    """Write what commands print on a terminal of so many columns as an SVG."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=columns, file=io.StringIO())
    for command in commands:
        console.print(Text.from_markup(f"[bold]$ {command}[/bold]"))
        console.print(Text.from_ansi(on_terminal(command, columns)))
        console.print()
    (PICTURES / f"{name}.svg").write_text(console.export_svg(title="gofollow"), encoding="utf-8")


def on_terminal(command: str, columns: int) -> str:
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    environment = {**os.environ, "TERM": "xterm-256color", "PAGER": "cat", "PATH": path}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(["bash", "-c", command], cwd=DATA, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    output = bytearray()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal has no writer any more
            break
        if not piece:
            break
        output += piece
    child.wait()
    return output.decode("utf-8", "replace").replace("\r\n", "\n").split("\r")[-1].rstrip("\n")


def draw() -> None:
    """Write the plot of a connection."""
    from gofollow.plot import plot

    plot(DATA / "lossy.pcap", connection=0).savefig(PICTURES / "plot.png", dpi=90, metadata={"Software": None})


def pages(chromium: str) -> None:
    """Write pictures of reports."""
    from gofollow.report import write_report
    from playwright.sync_api import sync_playwright

    shown: tuple[tuple[str, str, tuple[str, ...], Any], ...] = (
        ("report", "several.pcap", ("ArrowDown", "Enter"), "light"),
        ("graph", "lossy.pcap", ("Enter", "g"), "dark"),
    )
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, capture, keys, scheme in shown:
            out = Path(folder) / f"{name}.html"
            write_report(DATA / capture, out=out, title=capture)
            page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
            page.goto(out.as_uri())
            for key in keys:
                page.keyboard.press(key)
            page.evaluate("window.scrollTo(0, 0)")
            if name == "graph":
                page.locator("#detail").screenshot(path=PICTURES / f"{name}.png")
            else:
                page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    found = "gofollow find several.pcap 'Content-Length: [0-9]+'"
    terminal("terminal", 96, "gofollow several.pcap", "gofollow show several.pcap 5", found)
    draw()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = sys.argv[1] if len(sys.argv) > 1 else next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        print("the pictures of the report are not made: Chromium is not there (tools/packages.txt)")
        return 0
    pages(chromium)
    return 0


if __name__ == "__main__":
    sys.exit(main())
