#!/usr/bin/env python3
"""Keeps what `make fuzz` found: copies few inputs of Go's cache to testdata/fuzz, which reach what its seeds do not.

    tools/fuzz_corpus.py [TARGET ...]      all fuzz targets, or those

Inputs are taken from the shortest to the longest; one stays if it reaches a statement of the engine that none before
it did, nor those that testdata/fuzz has. `go test` runs what stays as seeds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
SECONDS = 120


def main() -> None:
    cache = Path(output("go", "env", "GOCACHE")) / "fuzz"
    module = output("go", "list", "-m")
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in ("gofollow", "tests/data"):
            shutil.copytree(ROOT / name, tree / name)
        for package in sorted({path.parent.relative_to(ROOT) for path in (ROOT / "gofollow").rglob("*_test.go")}):
            source = "".join(path.read_text() for path in (ROOT / package).glob("*_test.go"))
            targets = re.findall(r"^func (Fuzz\w+)\(", source, re.MULTILINE)
            targets = [target for target in targets if not wanted or target in wanted]
            if targets:
                program = tree / f"{package.name}.test"
                run(ROOT, "go", "test", "-c", "-cover", "-covermode=set", "-coverpkg=./gofollow/...", "-o", str(program), f"./{package}")
                for target in targets:
                    keep(program, tree / package, ROOT / package / "testdata" / "fuzz" / target, target, cache / module / package / target)


def keep(program: Path, work: Path, kept: Path, target: str, found: Path) -> None:
    """Choose the inputs of a target that stay."""
    inputs = sorted(found.glob("*"), key=lambda path: (path.stat().st_size, path.name))
    reached = covered(program, work, target, kept.glob("*"), f"^{target}$")
    stay = []

    def alone(path: Path) -> set[str]:
        return covered(program, work, target, [path], f"^{target}$/^{path.name}$")

    with ThreadPoolExecutor(WORKERS) as pool:
        for path, statements in zip(inputs, pool.map(alone, inputs), strict=True):
            if statements - reached:
                reached |= statements
                stay.append(path)
    for path in stay:
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept)
    print(f"{target}: {len(stay)} of {len(inputs)} inputs, {sum(path.stat().st_size for path in stay):,} bytes", flush=True)


def covered(program: Path, work: Path, target: str, inputs: Iterable[Path], which: str) -> set[str]:
    """Return the statements that the tests of that name reach, with inputs beside the seeds in the code."""
    with tempfile.TemporaryDirectory(dir=work.parent) as folder:
        own = Path(folder)
        for name in work.iterdir():
            if name.name != "testdata":
                (own / name.name).symlink_to(name)
        corpus = own / "testdata" / "fuzz" / target
        corpus.mkdir(parents=True)
        for path in inputs:
            shutil.copy(path, corpus)
        profile = own / "profile"
        given = [str(program), f"-test.run={which}", f"-test.coverprofile={profile}", f"-test.timeout={SECONDS}s"]
        done = subprocess.run(given, cwd=own, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{which} fails:\n{done.stdout}")
        return {line.rpartition(" ")[0] for line in profile.read_text().splitlines()[1:] if line.endswith(" 1")}


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def run(folder: Path, *command: str) -> None:
    if subprocess.run(command, cwd=folder, check=False).returncode:
        sys.exit(2)


if __name__ == "__main__":
    main()
