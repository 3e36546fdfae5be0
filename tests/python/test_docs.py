"""Every code block of the pages and of README runs: Python blocks of a page in order, and the commands of console blocks, whose
output is compared, with or without what they write to standard error. Programs in Go, C and C++ are compiled and run.

A line "..." of a console block stands for any lines, and a line that has one for any text there. What needs a package or a
program that is not installed is left out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples import traffic
from test_live import WHY_NOT

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data"
OTHERS = {"tables.md", "spark.md", "tasks.md", "cycapture.md", "c.md", "wheels.md", "filter.md"}  # run elsewhere
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if page.name not in OTHERS]
BLOCK = re.compile(r"^```(python|console|go|c|cpp)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PACKAGES = ("dpkt", "h11", "matplotlib", "pcapy", "pyshark", "scapy")
NEEDED = {"gofollow.plot": "matplotlib", ".plot(": "matplotlib", "cycapture.libpcap": "pcapy"}
THEIRS = ("tcpflow", "tshark")


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for capture in DATA.glob("*.pcap*"):
        (tmp_path / capture.name).symlink_to(capture)
    (tmp_path / "tests").symlink_to(ROOT / "tests")  # README names captures as they lie in the project
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
@pytest.mark.usefixtures("captures")
def test_blocks_run(page: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for kind, text in blocks(page):
        if kind == "console":
            run_console(text)
        elif kind != "python":
            run_program(kind, text)
        elif "from gofollow import sniff" in text:
            if WHY_NOT is None:
                with traffic() as port:
                    exec(compile(text.replace("8080", str(port)), str(page), "exec"), names)
        elif not lacking(text):
            exec(compile(text, str(page), "exec"), names)


def lacking(text: str) -> str | None:
    """Return a package that a block of Python needs and that is not installed."""
    needed = {package for package in PACKAGES if f"import {package}" in text or f"from {package}" in text}
    needed |= {package for words, package in NEEDED.items() if words in text}
    if "pyshark" in needed and not shutil.which("tshark"):
        return "tshark"
    return next((package for package in sorted(needed) if importlib.util.find_spec(package) is None), None)


def run_program(kind: str, text: str) -> None:
    """Compile and run a whole program, where there is a compiler and the source tree."""
    if "main" not in text or not (ROOT / "go.mod").exists():
        return
    if kind == "go":
        if shutil.which("go"):
            folder = ROOT / "build" / "documented"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "main.go").write_text(text, encoding="utf-8")
            subprocess.run(["go", "build", "-o", str(Path("program").absolute()), "./build/documented"], cwd=ROOT, check=True, timeout=300)
            subprocess.run(["./program"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        return
    library, compiler = ROOT / "build" / "lib", shutil.which("cc" if kind == "c" else "c++")
    theirs = "tins" in text
    if compiler is None or not (Path("/usr/include/tins").exists() if theirs else (library / "libgofollow.so").exists()):
        return
    Path(f"program.{kind}").write_text(text, encoding="utf-8")
    ours = [f"-I{ROOT / 'capi'}", f"-L{library}", f"-Wl,-rpath,{library}", "-lgofollow"]
    subprocess.run([compiler, "-o", "program", f"program.{kind}", *(["-ltins"] if theirs else ours)], check=True, timeout=120)
    subprocess.run(["./program"], check=True, stdout=subprocess.DEVNULL, timeout=60)


def run_console(text: str) -> None:
    commands = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    assert commands, text
    folder = os.path.dirname(sys.executable)
    for command in commands:
        line, _, expected = command.partition("\n")
        if line.split()[0] in THEIRS and not shutil.which(line.split()[0]):
            continue
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
