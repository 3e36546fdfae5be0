"""Build the documentation site: python tools/docs.py [FOLDER], which is build by default.

It copies docs/ to FOLDER/docs, adds the pages that are made of the sources (command, Python, C, Go,
benchmark, drawn rules), and runs mkdocs, which fails for a broken link.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def main() -> int:
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    pages = build / "docs"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages)
    (pages / "reference").mkdir()
    (pages / "drawn").mkdir()
    shutil.copy(ROOT / "bench" / "README.md", pages / "speed.md")
    (pages / "reference" / "command.md").write_text(command_page(), encoding="utf-8")
    (pages / "reference" / "python.md").write_text(python_page(), encoding="utf-8")
    (pages / "reference" / "c.md").write_text(c_page(), encoding="utf-8")
    (pages / "reference" / "go.md").write_text(go_page(), encoding="utf-8")
    for name in ("refused", "half_close", "lossy", "capture_loss"):
        (pages / "drawn" / f"{name}.svg").write_text(ladder(ROOT / "tests" / "data" / f"{name}.pcap"), encoding="utf-8")
    for page in pages.rglob("*.md"):
        page.write_text(without_outside_links(page, pages), encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(ROOT / "mkdocs.yml")]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False)
    if done.returncode == 0:
        print(f"the site is in {build / 'site'}")
    return done.returncode


def without_outside_links(page: Path, pages: Path) -> str:
    """Return a page in which links to files that the site does not have are plain text."""

    def mended(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target or (page.parent / target).exists():
            return found[0]
        inside = ROOT / "docs" / page.relative_to(pages).parent / target
        try:
            moved = inside.resolve().relative_to(ROOT / "docs")
        except ValueError:
            return text
        return f"[{text}]({os.path.relpath(pages / moved, page.parent)}{anchor})" if (pages / moved).exists() else text

    return LINK.sub(mended, page.read_text(encoding="utf-8"))


def command_page() -> str:
    """Return the help of every subcommand."""
    from click import Context
    from gofollow.command._cli import cli

    parts = ["# The command gofollow\n", f"```text\n{cli.get_help(Context(cli, info_name='gofollow'))}\n```\n"]
    for name, command in cli.commands.items():
        text = command.get_help(Context(command, info_name=f"gofollow {name}", max_content_width=100))
        parts.append(f"## gofollow {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def python_page() -> str:
    """Return the directives for the package's public names."""
    import gofollow

    names = ["follow", "TCPStreamFollower", "TCPStream"]
    names += [name for name in gofollow.__all__ if name not in names and name not in ("core",)]
    names += ["report.write_report", "plot.plot", "plot.plot_stream"]
    names += ["tables.connections", "tables.turns", "tables.to_pandas", "tables.to_polars", "tables.write_parquet"]
    return "# The Python package gofollow\n\n" + "".join(f"::: gofollow.{name}\n\n" for name in names)


def c_page() -> str:
    """Return the header, whose comments are its documentation."""
    header = (ROOT / "capi" / "gofollow.h").read_text(encoding="utf-8")
    return f"# The C library's header\n\n`gofollow.h` documents every function, struct and constant.\n\n```c\n{header}```\n"


def go_page() -> str:
    """Return the documentation of the Go package."""
    text = subprocess.run(["go", "doc", "-all", "./gofollow"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return f"# The Go package\n\n```go\n{text}```\n"


# The drawings.

WIDTH, LEFT, RIGHT, EVENTS, TOP, STEP = 760, 110, 430, 490, 50, 34
STYLE = """
text{font:13px sans-serif;fill:#24292f}.d{fill:#57606a;font-size:12px}.e{font-size:13px}.b{fill:none;stroke:#8b949e}
.c{stroke:#0072b2}.s{stroke:#d55e00}.x{fill:#a3148f}.g{fill:#b3261e;font-weight:bold}rect{fill:#ffffff}
"""


def ladder(capture: Path) -> str:
    """Return a drawing of the segments of a capture, and of the events that each caused."""
    from gofollow import events

    rows: dict[int, tuple[list[Any], list[str]]] = {}  # by packet: its segment, the events that it caused
    last = 0
    for event in events(capture, segments=True):
        last = event.packet or last  # a time-out has no packet
        segment, texts = rows.setdefault(last, ([], []))
        if event.kind == "segment":
            segment.append(event)
        else:
            texts.append(words(event))
    out: list[str] = []
    y = TOP
    for segment, texts in rows.values():
        out.extend(arrow(one, y) for one in segment)
        for number, text in enumerate(texts or [""]):
            kind = "g" if text.startswith("gap") else "e"
            out.append(f'<text class="{kind}" x="{EVENTS}" y="{y + 4 + number * 15}">{html.escape(text)}</text>')
        y += max(STEP, 15 * len(texts) + 10)
    height = y + 10
    lines = "".join(f'<line class="b" x1="{x}" y1="{TOP - 20}" x2="{x}" y2="{height}"/>' for x in (LEFT, RIGHT))
    heads = "".join(
        f'<text x="{x}" y="20">{text}</text>' for x, text in ((LEFT - 20, "client"), (RIGHT - 20, "server"), (EVENTS, "events"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}"/>{lines}{heads}{"".join(out)}</svg>\n'
    )


def arrow(segment: Any, y: int) -> str:
    """Return the arrow of a segment and what is written on it."""
    from_client = segment.direction == "client"
    start, end, back, side = (LEFT, RIGHT, -8, "c") if from_client else (RIGHT, LEFT, 8, "s")
    parts = [name for bit, name in ((2, "SYN"), (1, "FIN"), (4, "RST")) if segment.flags & bit]
    if segment.length:
        parts.append(f"{segment.offset} to {segment.offset + segment.length}")
    elif segment.flags & 16:
        parts.append(f"ACK {segment.acked}" if segment.acked >= 0 else "ACK")
    again = {"repeated": " (retransmission)", "out_of_order": " (out of order)"}.get(segment.reason, "") if segment.length else ""
    label = html.escape(" ".join(parts) + again)
    return (
        f'<line class="{side}" x1="{start}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path class="{side}" d="M{end + back} {y - 4}L{end} {y}L{end + back} {y + 4}" fill="none"/>'
        f'<text class="{"x" if again else "d"}" x="{(LEFT + RIGHT) // 2}" y="{y - 5}" text-anchor="middle">{label}</text>'
        f'<text class="d" x="10" y="{y + 4}">packet {segment.packet}</text>'
    )


def words(event: Any) -> str:
    if event.kind in ("data", "gap"):
        extra = f", {event.reason}" if event.kind == "gap" else ""
        return f"{event.kind} {event.direction} {event.offset} to {event.offset + event.length}{extra}"
    if event.kind == "half-closed":
        return f"half-closed {event.direction} at {event.offset}"
    return f"{event.kind} ({event.reason})" if event.reason else str(event.kind)


if __name__ == "__main__":
    sys.exit(main())
