"""Every code block of the pages runs: Python blocks of a page in order, and the commands of console blocks, whose output is compared,
with or without what they write to standard error.

A line "..." of a console block stands for any lines, and a line that has one for any text there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data"
OTHERS = {"tables.md", "spark.md", "tasks.md", "cycapture.md", "c.md", "wheels.md", "filter.md"}  # run elsewhere
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in OTHERS]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for capture in DATA.glob("*.pcap*"):
        (tmp_path / capture.name).symlink_to(capture)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
@pytest.mark.usefixtures("captures")
def test_blocks_run(page: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for kind, text in blocks(page):
        if kind == "python":
            exec(compile(text, str(page), "exec"), names)
        else:
            run_console(text)


def run_console(text: str) -> None:
    commands = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    assert commands, text
    folder = os.path.dirname(sys.executable)
    for command in commands:
        line, _, expected = command.partition("\n")
        environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
        shell = ["bash", "-o", "pipefail", "-c", line]
        done = subprocess.run(shell, capture_output=True, text=True, env=environment, timeout=120, check=False)
        output = done.stdout + done.stderr
        assert done.returncode in (0, 141), f"{line}: {output}"
        assert matches(expected, done.stdout) or matches(expected, output), f"{line}: expected\n{expected}\ngot\n{output}"


def matches(expected: str, output: str) -> bool:
    if not expected:
        return True
    pattern = "".join(
        "(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n" for line in expected.rstrip("\n").split("\n")
    )
    return re.fullmatch(pattern, output) is not None


def test_outputs_are_compared() -> None:
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert not matches("a\n...\nd\n", "a\nb\nc\n")
    assert not matches("a\n", "a\nb\n")
    assert matches("a ... c\n", "a b c\n")


def test_the_site_lists_every_page() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        assert str(page.relative_to(ROOT / "docs")) in listed, f"{page.name} is not in the navigation of mkdocs.yml"
