"""Builds the wheels for Linux and the source distribution into dist/, and beside each wheel a list of what it contains (CycloneDX).

    python tools/wheels.py [--arch x86_64] [--arch aarch64] [--out dist]

For each processor two wheels: cp310-abi3 with the compiled core, and py3-none without, for PyPy and free-threaded Python.
zig (PyPI: ziglang) compiles for glibc 2.17, whatever the machine has. auditwheel reads from what was built which
manylinux tag it is true to. The same commit gives the same bytes: times are the commit's (SOURCE_DATE_EPOCH).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GLIBC = "2.17"
GOARCH = {"x86_64": "amd64", "aarch64": "arm64"}


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=env, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}{done.stderr}\nwheels.py: '{' '.join(str(part) for part in command)}' failed")
    return done.stdout


def commit_time() -> str:
    """Return when the commit was made, in seconds since 1970."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return os.environ["SOURCE_DATE_EPOCH"]
    return run("git", "log", "-1", "--format=%ct").strip()


def build(arch: str, core: str, folder: Path) -> Path:
    """Build one wheel, of a processor, with the core "compiled" or as plain "python"; return its path."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GOFOLLOW_", "CGO_", "PYTHON"))}
    env |= {
        "CC": f"{sys.executable} -m ziglang cc -target {arch}-linux-gnu.{GLIBC}",
        "CGO_CFLAGS": "-O2 -g0",  # what serves a debugger names the folders of the build
        "GOARCH": GOARCH[arch],
        "GOFLAGS": env.get("GOFLAGS", ""),
        "GOAMD64": "v1",
        "GOARM64": "v8.0",
        "GOFOLLOW_CORE": core,
        "SOURCE_DATE_EPOCH": commit_time(),
        "_PYTHON_HOST_PLATFORM": f"linux-{arch}",
    }
    raw = folder / f"{arch}-{core}"
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", raw, ".", env=env)
    (wheel,) = raw.glob("*.whl")
    if ("abi3" in wheel.name) != (core == "compiled"):
        raise SystemExit(f"wheels.py: {wheel.name} was built where the core was to be '{core}': see the messages of the build")
    return wheel


def repair(wheel: Path, arch: str, folder: Path, out: Path) -> Path:
    """Give a wheel the manylinux tag that is true of it; fail if that needs a library put into it, or is not glibc 2.17."""
    env = os.environ | {"SOURCE_DATE_EPOCH": commit_time(), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    repaired = folder / "repaired"
    run(sys.executable, "-m", "auditwheel", "repair", "--plat", "auto", "--wheel-dir", repaired, wheel, env=env)
    (made,) = repaired.glob("*.whl")
    if f"manylinux_{GLIBC.replace('.', '_')}_{arch}" not in made.name:
        raise SystemExit(f"wheels.py: {made.name} does not run with glibc {GLIBC}, for which it was compiled")
    with zipfile.ZipFile(made) as archive:
        for name in archive.namelist():
            if any(os.fsencode(folder) in archive.read(name) for folder in (str(ROOT), sys.prefix)):
                raise SystemExit(f"wheels.py: {name} in {made.name} names a folder of this machine: other folders would give other bytes")
    before, after = ({name for name in zipfile.ZipFile(path).namelist() if not name.endswith("/")} for path in (wheel, made))
    if added := after - before:
        raise SystemExit(f"wheels.py: auditwheel put {sorted(added)} into {made.name}: the wheel needs more than glibc")
    return made.replace(out / made.name)


def contents(wheel: Path) -> dict[str, object]:
    """Return what a wheel contains, as a CycloneDX document: the modules that Go's linker names in the library."""
    with zipfile.ZipFile(wheel) as archive, tempfile.NamedTemporaryFile() as library:
        library.write(archive.read("gofollow/libgofollow.so"))
        library.flush()
        linked = run(os.environ.get("GO", "go"), "version", "-m", library.name)
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        fields = archive.read(metadata).decode("utf-8").splitlines()
    version = next(line.partition(": ")[2] for line in fields if line.startswith("Version: "))
    components: list[dict[str, object]] = []
    for line in linked.splitlines():
        kind, *words = line.split()
        if kind == "dep":
            name, module_version = words[:2]
            components.append({"type": "library", "name": name, "version": module_version, "purl": f"pkg:golang/{name}@{module_version}"})
    compiler = linked.split()[1].removeprefix("go")
    components.append({"type": "library", "name": "stdlib", "version": compiler, "purl": f"pkg:golang/stdlib@{compiler}"})
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "bom-ref": "gofollow",
                "type": "library",
                "name": "gofollow",
                "version": version,
                "purl": f"pkg:pypi/gofollow@{version}?file_name={wheel.name}",
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the wheels for Linux.")
    parser.add_argument("--arch", action="append", choices=sorted(GOARCH), help="a processor; both if none is named")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    (ROOT / "build").mkdir(exist_ok=True)
    for arch in arguments.arch or GOARCH:
        for old in out.glob(f"gofollow-*{arch}.whl*"):
            old.unlink()
        for core in ("compiled", "python"):
            with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
                wheel = repair(build(arch, core, Path(folder)), arch, Path(folder), out)
            if core == "compiled":
                run(sys.executable, "-m", "abi3audit", "--strict", wheel)
            wheel.with_name(wheel.name + ".cdx.json").write_text(json.dumps(contents(wheel), indent=2) + "\n", encoding="utf-8")
            print(wheel.name)
    for old in out.glob("gofollow-*.tar.gz"):
        old.unlink()
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, ".")
    print(*(made.name for made in out.glob("gofollow-*.tar.gz")))


if __name__ == "__main__":
    main()
