"""Tests the wheels in dist/ as a user installs them: in an empty environment, without Go and a compiler.

    python tools/test_wheels.py [--dist dist] [--quick] [PYTHON ...]

Each Python gets a virtual environment into which pip installs gofollow from dist/, so pip chooses the wheel; a CPython
gets the other wheel in a second one. The Python tests run from a copy outside of the source tree, all of them with the
first Python, the ones that follow captures with the others (--quick: with all). Without PYTHON every interpreter
that is found is tried: python3.10 to python3.14, python3.14t, pypy3, those of pyenv and of uv. The wheels for aarch64 are
loaded and run under qemu-user, where that and libc6-arm64-cross are installed.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.14t", "python3.15", "pypy3"]
PLACES = ["~/.pyenv/versions/*/bin/python3", "~/.local/share/uv/python/*/bin/python3"]
FOLLOWING = ["test_golden.py", "test_distribution.py", "test_whole_streams.py", "test_processes.py"]
KIND = (
    "import sys, sysconfig, platform as p; free = bool(sysconfig.get_config_var('Py_GIL_DISABLED'));"
    "print(p.python_implementation(), p.python_version() + 't' * free, int(sys.version_info >= (3, 10)))"
)
FOLLOW = (
    "import gofollow, sys; print(gofollow.build_info()); n = len(list(gofollow.follow(sys.argv[1])));"
    "assert n == int(sys.argv[2]), n; print(n, 'streams, core', gofollow.core)"
)
QEMU = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
int main (int argc, char **argv)
{
    void *library = dlopen (argv[1], RTLD_NOW);
    if (library == NULL || argc != 3) { puts (dlerror ()); return 1; }
    int (*create) (uint64_t *, void *) = (int (*) (uint64_t *, void *)) dlsym (library, "gofollow_create");
    int (*open) (uint64_t, const char *) = (int (*) (uint64_t, const char *)) dlsym (library, "gofollow_open_file");
    int (*read) (uint64_t, size_t, void *) = (int (*) (uint64_t, size_t, void *)) dlsym (library, "gofollow_read_file");
    int (*flush) (uint64_t) = (int (*) (uint64_t)) dlsym (library, "gofollow_flush");
    const char *(*info) (void) = (const char *(*) (void)) dlsym (library, "gofollow_build_info");
    uint64_t f;
    int events;
    if (create (&f, NULL) != 0 || open (f, argv[2]) != 0 || read (f, 0, NULL) <= 0 || (events = flush (f)) <= 0)
        return 1;
    printf ("%s: %d events\n", info (), events);
    return 0;
}
"""


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command, return what it printed; RuntimeError if it fails."""
    words = [str(part) for part in command]
    done = subprocess.run(words, env=env, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"'{' '.join(words)}':\n{done.stdout[-3000:]}")
    return done.stdout


def pythons() -> list[str]:
    """Return the interpreters that are found, one for each version and kind, from 3.10 on."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    found += [path for place in PLACES for path in sorted(glob.glob(os.path.expanduser(place)))]
    kinds: dict[str, str] = {}
    for path in found:
        try:
            implementation, version, recent = run(path, "-c", KIND).split()
        except (RuntimeError, OSError):
            continue  # a shim without its version
        if recent == "1":
            kinds.setdefault(f"{implementation} {version}", path)
    return list(kinds.values())


def environment(python: str, folder: Path) -> tuple[Path, dict[str, str]]:
    """Make an empty virtual environment; return its interpreter, and variables with a PATH that has nothing else."""
    run(python, "-m", "venv", folder)
    bin = folder / "bin"
    wanted = ("HOME", "LANG", "TMPDIR", "PIP_", "SSL_", "HTTP", "http", "no_")
    kept = {name: value for name, value in os.environ.items() if name.startswith(wanted)}
    return bin / "python", kept | {"PATH": str(bin), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def test(python: str, dist: Path, work: Path, whole: bool, plain: bool) -> str:
    """Test one Python with the wheel that pip chooses, or with the plain one; return what was done."""
    kind = " ".join(run(python, "-c", KIND).split()[:2])
    venv, env = environment(python, work / f"{kind}{plain}".replace(" ", "-"))
    what = [str(path) for path in dist.glob("gofollow-*-py3-none-*x86_64.whl")] if plain else ["--find-links", str(dist), "gofollow"]
    run(venv, "-m", "pip", "install", "--quiet", "--only-binary", "gofollow", *what, env=env)
    wheel = run(venv, "-c", "from importlib.metadata import distribution as d; print(d('gofollow').read_text('WHEEL'))", env=env)
    tag = next(line for line in wheel.splitlines() if line.startswith("Tag: ")).removeprefix("Tag: ")
    compiles = kind.startswith("CPython") and not kind.endswith("t") and not plain
    if tag.startswith("cp310-abi3") != compiles:
        raise RuntimeError(f"{kind} got the wheel {tag}")
    capture = work / "data" / "several.pcap"
    streams = sum(line.startswith("closed ") for line in capture.with_suffix(".events").read_text("utf-8").splitlines())
    followed = run(venv, "-c", FOLLOW, capture, str(streams), env=env, cwd=work).splitlines()[-1]
    if not followed.endswith("compiled" if compiles else "python"):
        raise RuntimeError(f"{kind}, {tag}: {followed}")
    wanted = ["pytest", "hypothesis"] + (["scapy", "dpkt", "tornado"] if whole else [])
    run(venv, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *wanted, env=env)
    tests = ["tests/python"] if whole else [f"tests/python/{name}" for name in FOLLOWING]
    printed = run(venv, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", work, *tests, env=env, cwd=work)
    return f"{kind}: {tag}: {followed}; tests: {printed.splitlines()[-1].strip('= ')}"


def emulate(wheel: Path, work: Path) -> str:
    """Load the library of a wheel for aarch64 under qemu-user and follow a capture with it; return what it printed."""
    with zipfile.ZipFile(wheel) as archive:
        library = Path(archive.extract("gofollow/libgofollow.so", work / wheel.stem))
    (work / "qemu.c").write_text(QEMU, encoding="ascii")
    run(sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu.2.17", "-o", work / "qemu", work / "qemu.c", "-ldl")
    return run("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", work / "qemu", library, work / "data" / "several.pcap").strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Tests the wheels in dist/.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--quick", action="store_true", help="the tests that follow captures alone")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    arguments = parser.parse_args()
    dist = arguments.dist.resolve()
    wheels = sorted(dist.glob("gofollow-*.whl"))
    if not any("x86_64" in wheel.name for wheel in wheels):
        raise SystemExit(f"test_wheels.py: there is no wheel for x86_64 in {dist}: run 'make wheels' first")
    failed = 0
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # As in a checkout, but with no package and no library that could be found by accident.
        for name in ("tests", "docs", "examples", "capi/gofollow.h", "README.md", "pyproject.toml"):
            source = ROOT / name
            (work / name).parent.mkdir(exist_ok=True)
            shutil.copytree(source, work / name) if source.is_dir() else shutil.copy(source, work / name)
        (work / "data").symlink_to(work / "tests" / "data")
        jobs = [(python, plain) for python in arguments.pythons or pythons() for plain in (False, True)]
        for i, (python, plain) in enumerate(jobs):
            if plain and not run(python, "-c", KIND).startswith("CPython"):
                continue
            try:
                print(test(python, dist, work, i == 0 and not arguments.quick, plain), flush=True)
                passed += 1
            except RuntimeError as error:
                print(f"failed: {python}{', the plain wheel' * plain}: {error}", flush=True)
                failed += 1
        for wheel in (wheel for wheel in wheels if "aarch64" in wheel.name):
            if shutil.which("qemu-aarch64") is None or not Path("/usr/aarch64-linux-gnu/lib").is_dir():
                print(f"not run, there is no qemu-aarch64 or no libc6-arm64-cross: {wheel.name}")
                continue
            try:
                print(f"{wheel.name}, emulated: {emulate(wheel, work)}", flush=True)
                passed += 1
            except RuntimeError as error:
                print(f"failed: {wheel.name}, emulated: {error}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
