"""Tests the wheels in dist/ as a user installs them: in an empty environment, without Go and a compiler.

    python tools/test_wheels.py [--dist dist] [--tests whole|following] [PYTHON ...]

Each Python gets a virtual environment into which pip installs gofollow from dist/, so pip chooses the wheel; a CPython
gets the other wheel in a second one. The Python tests run from a copy outside of the source tree, all of them with the
first Python, the ones that follow captures with the others (--tests: the same with each). Without PYTHON every interpreter
that is found is tried: python3.10 to python3.15, pypy3, those of pyenv, of uv and of tools/pythons.py. The wheels for
aarch64 run with the Python for aarch64 of tools/pythons.py under qemu-user. The source distribution is built without a
network, with Go and a C compiler. What is not there is named.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = ["~/.pyenv/versions/*/bin/python3", "~/.local/share/uv/python/*/bin/python3", f"{ROOT}/build/pythons/x86_64/usr/bin/py*3.1[0-9]"]
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15"]
FOREIGN = ROOT / "build/pythons/aarch64"
FOLLOWING = ["test_golden.py", "test_distribution.py", "test_whole_streams.py", "test_processes.py"]
# What the tests import, where PyPI has a wheel of it for this Python.
IMPORTED = ["dpkt", "duckdb", "h11", "hypothesis", "matplotlib", "mypy", "pandas", "polars", "pyarrow", "scapy", "tornado"]
# What of the source tree the tests look at. There is no package and no library that could be found by accident.
NEEDED = ["tests", "docs", "examples", "mkdocs.yml", "pyproject.toml", "README.md"]
NEEDED += ["capi/gofollow.h", "gofollow/config.go", "tools/manpage.py"]
COMPILERS = re.compile(r"(.*-)?(go|gofmt|cc|c\d\d|gcc|[cg]\+\+|clang|clang\+\+|tcc|zig)(-?[\d.]+)?")
KIND = (
    "import sys, sysconfig, platform as p; free = bool(sysconfig.get_config_var('Py_GIL_DISABLED'));"
    "print(p.python_implementation(), '%d.%d' % sys.version_info[:2] + 't' * free) if sys.version_info >= (3, 10) else sys.exit(1)"
)
FOLLOW = (
    "import gofollow, sys; print(gofollow.build_info()); n = len(list(gofollow.follow(sys.argv[1])));"
    "assert n == int(sys.argv[2]), n; print(n, 'streams, core', gofollow.core)"
)


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command, return what it printed; RuntimeError if it fails."""
    words = [str(part) for part in command]
    done = subprocess.run(words, env=env, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"'{' '.join(words)}':\n{done.stdout[-3000:]}")
    return done.stdout


def pythons(paths: Iterable[str]) -> dict[str, str]:
    """Return the interpreters from 3.10 on among some paths, by their kind, such as "CPython 3.14t" or "PyPy 3.11"."""
    kinds: dict[str, str] = {}
    for path in paths:
        with contextlib.suppress(RuntimeError, OSError):  # an older one; a shim without its version
            kinds.setdefault(run(path, "-c", KIND).strip(), path)
    return kinds


def found() -> Iterator[str]:
    """Yield where an interpreter may be."""
    yield from filter(None, map(shutil.which, [*(f"python{version}" for version in VERSIONS), "pypy3"]))
    for place in PLACES:
        yield from sorted(glob.glob(os.path.expanduser(place)))


def pip(environment: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run the pip of this Python on an environment, which has none."""
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment, "install", "--quiet", *arguments, env=env)


def following(capture: Path) -> str:
    """Return how many streams a capture has, by its event log."""
    return str(sum(line.startswith("closed ") for line in capture.with_suffix(".events").read_text("utf-8").splitlines()))


def without(missing: list[str], folder: Path) -> list[str]:
    """Return pytest's arguments that pass over the test files that import something that is missing."""
    if not missing:
        return []
    imports = re.compile(rf"^(import|from) ({'|'.join(missing)})\b", re.MULTILINE)
    helpers = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("test_") and imports.search(path.read_text("utf-8"))]
    imports = re.compile(rf"^(import|from) ({'|'.join(missing + helpers)})\b", re.MULTILINE)
    return [f"--ignore={path}" for path in folder.glob("test_*.py") if imports.search(path.read_text("utf-8"))]


def test(python: str, kind: str, dist: Path, work: Path, whole: bool, plain: bool) -> str:
    """Test one Python with the wheel that pip chooses, or with the plain one; return what was done."""
    folder = work / f"{kind}{' plain' * plain}".replace(" ", "-")
    run(python, "-m", "venv", "--without-pip", folder)
    venv = folder / "bin" / "python"
    env = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")}
    env |= {"PATH": f"{venv.parent}:{work / 'bin'}", "PYTHONDONTWRITEBYTECODE": "1"}
    wheels = [str(path) for path in dist.glob("gofollow-*-py3-none-*x86_64.whl")] if plain else ["--find-links", str(dist), "gofollow"]
    pip(venv, "--only-binary", "gofollow", *wheels)
    wheel = run(venv, "-c", "from importlib.metadata import distribution as d; print(d('gofollow').read_text('WHEEL'))", env=env)
    tag = next(line for line in wheel.splitlines() if line.startswith("Tag: ")).removeprefix("Tag: ")
    compiles = kind.startswith("CPython") and not kind.endswith("t") and not plain
    if tag.startswith("cp310-abi3") != compiles:
        raise RuntimeError(f"{kind} got the wheel {tag}")
    capture = work / "tests" / "data" / "several.pcap"
    followed = run(venv, "-c", FOLLOW, capture, following(capture), env=env, cwd=work).splitlines()[-1]
    if not followed.endswith("compiled" if compiles else "python"):
        raise RuntimeError(f"{kind}, {tag}: {followed}")
    pip(venv, "--only-binary", ":all:", "pytest")
    missing = []
    for name in IMPORTED if whole else []:
        try:
            pip(venv, "--only-binary", ":all:", name)
        except RuntimeError:
            missing.append(name)
    tests = ["tests/python", *without(missing, work / "tests" / "python")] if whole else [f"tests/python/{name}" for name in FOLLOWING]
    printed = run(venv, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", work, *tests, env=env, cwd=work)
    left_out = f", without those that import {', '.join(missing)}, which has no wheel for it" if missing else ""
    return f"{kind}: {tag}: {followed}; tests: {printed.splitlines()[-1].strip('= ')}{left_out}"


def build(source: Path, work: Path) -> str:
    """Build and install the source distribution, with no network and no modules of Go; return what following a capture printed."""
    folder = work / "from-source"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    venv = folder / "bin" / "python"
    pip(venv, "setuptools", "wheel", "cffi", "cython", "click", "rich")
    offline = {"GOPROXY": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOMODCACHE": str(work / "no-modules"), "PIP_NO_INDEX": "1"}
    pip(venv, "--no-build-isolation", "--no-deps", str(source), env=os.environ | offline)
    capture = work / "tests" / "data" / "several.pcap"
    return f"{source.name}, built without a network: {' '.join(run(venv, '-c', FOLLOW, capture, following(capture), cwd=work).split())}"


def emulate(wheel: Path, work: Path) -> str:
    """Install a wheel for aarch64 beside a Python for it, follow a capture with both under qemu-user; return what that printed."""
    python = next((FOREIGN / "usr" / "bin").glob("python3.1[0-9]"))
    packages = work / wheel.stem
    version = python.name.removeprefix("python")
    abis = [f"cp{version.replace('.', '')}", "abi3", "none"]
    options = {"--platform": ["manylinux_2_28_aarch64", "manylinux_2_17_aarch64"], "--abi": abis}
    wanted = [f"{name}={value}" for name, values in options.items() for value in values]
    wanted += ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}", f"--target={packages}"]
    run(sys.executable, "-m", "pip", "install", "--quiet", *wanted, wheel)
    capture = work / "tests" / "data" / "several.pcap"
    env = {"PYTHONPATH": str(packages), "PATH": ""}
    qemu = shutil.which("qemu-aarch64") or "qemu-aarch64"
    printed = run(qemu, "-L", FOREIGN, python, "-c", FOLLOW, capture, following(capture), env=env, cwd=work)
    if not printed.strip().endswith("compiled" if "abi3" in wheel.name else "python"):
        raise RuntimeError(printed)
    return f"{python.name} for aarch64: {' '.join(printed.split())}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Tests the wheels in dist/.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--tests", choices=["whole", "following"], help="with each Python")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    arguments = parser.parse_args()
    dist = arguments.dist.resolve()
    wheels = sorted(dist.glob("gofollow-*.whl"))
    sources = sorted(dist.glob("gofollow-*.tar.gz"))
    if not any("x86_64" in wheel.name for wheel in wheels):
        raise SystemExit(f"test_wheels.py: there is no wheel for x86_64 in {dist}: run 'make wheels' first")
    tested = pythons(arguments.pythons or found())
    outcomes = {True: 0, False: 0}

    def attempt(name: str, job: Callable[[], str]) -> None:
        try:
            print(job(), flush=True)
            outcomes[True] += 1
        except RuntimeError as error:
            print(f"failed: {name}: {error}", flush=True)
            outcomes[False] += 1

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "bin").mkdir()
        for program in [path for place in ("/usr/bin", "/bin") for path in Path(place).iterdir()]:
            if not COMPILERS.fullmatch(program.name) and not (work / "bin" / program.name).is_symlink():
                (work / "bin" / program.name).symlink_to(program)
        for name in NEEDED:
            source = ROOT / name
            (work / name).parent.mkdir(exist_ok=True)
            shutil.copytree(source, work / name) if source.is_dir() else shutil.copy(source, work / name)
        for kind, python in tested.items():
            whole = arguments.tests == "whole" or (arguments.tests is None and python == next(iter(tested.values())))
            attempt(python, partial(test, python, kind, dist, work, whole, plain=False))
            if kind.startswith("CPython"):
                attempt(f"{python}, the plain wheel", partial(test, python, kind, dist, work, arguments.tests == "whole", plain=True))
        for wheel in (wheel for wheel in wheels if "aarch64" in wheel.name):
            if shutil.which("qemu-aarch64") is None or not FOREIGN.is_dir():
                print(f"not run, there is no qemu-aarch64 or no Python for aarch64 (make pythons): {wheel.name}")
            else:
                attempt(wheel.name, partial(emulate, wheel, work))
        for source in sources:
            attempt(source.name, partial(build, source, work))
    for kind in [f"CPython {version}" for version in VERSIONS] + ["PyPy"]:
        if not arguments.pythons and not any(name == kind or name.startswith(f"{kind} ") for name in tested):
            print(f"not run, it is not there: {kind}")
    print(f"{outcomes[True]} passed, {outcomes[False]} failed")
    sys.exit(outcomes[False] > 0)


if __name__ == "__main__":
    main()
