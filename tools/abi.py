"""Compares the binary interface of the C library with what is recorded in capi/abi.txt, or records it.

    python tools/abi.py check | record

Recorded are the functions with their types, the constants, and the offset of every field. What older programs survive may
be added under the same ABI number: a function, a constant, a field at the end of a struct that begins with its size.
Anything else that changes needs a new GOFOLLOW_ABI_VERSION, and record refuses it without one. Where libabigail is
installed, abidiff compares the compiled C sources with capi/abi.xml besides.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cffi

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "capi" / "abi.txt"
COMPILED = ROOT / "capi" / "abi.xml"


def fail(message: str) -> None:
    raise SystemExit(f"abi.py: {message}")


def declarations() -> str:
    """Return what the header declares, as the Python package reads it."""
    spec = importlib.util.spec_from_file_location("_cdef", ROOT / "python" / "gofollow" / "_cdef.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.cdef_from_header((ROOT / "capi" / "gofollow.h").read_text("ascii")))


def interface() -> list[str]:
    """Return the lines of the record, for this header on 64 bits."""
    text = declarations()
    ffi = cffi.FFI()
    ffi.cdef(text)
    constants = dict(re.findall(r"^#define (\w+) (-?\w+)$", text, re.MULTILINE))
    lines = [f"abi {constants.pop('GOFOLLOW_ABI_VERSION')}"]
    for result, name, parameters in re.findall(r"^((?:const )?\w+[ *]+)(gofollow_\w+) \((.*)\);$", text, re.MULTILINE):
        types = ", ".join(re.sub(r"\s*\b\w+$", "", one) if one != "void" else one for one in parameters.split(", "))
        lines.append(f"function {result}{name} ({types})")
    lines += [f"constant {name} {value}" for name, value in constants.items()]
    for name in ffi.list_types()[0]:
        kind = ffi.typeof(name)
        if kind.kind == "enum":
            lines += [f"constant {constant} {value}" for value, constant in sorted(kind.elements.items())]
        elif kind.kind == "struct":
            grows = kind.fields[0][0] == "size"
            lines.append(f"struct {name} " + ("begins with its size" if grows else f"{ffi.sizeof(name)} bytes"))
            lines += [f"field {name}.{field} at {about.offset}: {about.type.cname}" for field, about in kind.fields]
    return lines


def exported() -> list[str]:
    return re.findall(r"^ +(gofollow_\w+);$", (ROOT / "capi" / "exports.map").read_text("ascii"), re.MULTILINE)


def compile_sources(folder: Path) -> Path:
    """Compile the C sources, with debug information, to a library without its Go part."""
    made = folder / "libgofollow.so"
    sources = [str(path) for path in (ROOT / "capi").glob("*.c")]
    flags = ["-g", "-O0", "-shared", "-fPIC", f"-Wl,--version-script={ROOT / 'capi' / 'exports.map'}"]
    subprocess.run([shutil.which("cc") or "gcc", *flags, "-o", str(made), *sources], check=True)
    return made


def describe(library: Path, target: Path) -> None:
    options = ["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--out-file", str(target)]
    subprocess.run(["abidw", *options, str(library)], check=True)
    target.write_text(target.read_text("utf-8").replace(f"{ROOT}/", ""), encoding="utf-8")


def main() -> None:
    if sys.argv[1:] not in (["check"], ["record"]):
        fail("usage: python tools/abi.py check | record")
    now = interface()
    functions = sorted(line.split(" (")[0].split()[-1].lstrip("*") for line in now if line.startswith("function "))
    if functions != sorted(exported()):
        fail(f"capi/exports.map and gofollow.h differ: {sorted(set(functions) ^ set(exported()))}")
    recorded = RECORD.read_text("ascii").splitlines() if RECORD.exists() else []
    gone = [line for line in recorded if line not in now]
    fresh = [line for line in now if line not in recorded]
    same_number = bool(recorded) and recorded[0] == now[0]
    if same_number and gone:
        print(*(f"- {line}" for line in gone), *(f"+ {line}" for line in fresh), sep="\n")
        fail("the binary interface changed: programs compiled before would go wrong. Raise GOFOLLOW_ABI_VERSION, then 'make abi-record'")
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1] == "record":
            RECORD.write_text("\n".join(now) + "\n", encoding="ascii")
            if shutil.which("abidw"):
                describe(compile_sources(Path(folder)), COMPILED)
            else:
                print("abi.py: capi/abi.xml was not written, for there is no abidw (Debian: abigail-tools)")
            return
        if not same_number:
            fail(f"'{now[0]}' is not recorded yet: 'make abi-record'")
        if fresh:
            print(*(f"+ {line}" for line in fresh), sep="\n")
            print("abi.py: this was added, which older programs survive, and is not recorded yet: 'make abi-record'")
        if shutil.which("abidiff") is None or platform.machine() != "x86_64":
            print("abi.py: not compared by abidiff, which is not there (Debian: abigail-tools), or not on x86_64")
        elif subprocess.run(["abidiff", str(COMPILED), str(compile_sources(Path(folder)))], check=False).returncode & 0b1000:
            fail("abidiff found an incompatible change: raise GOFOLLOW_ABI_VERSION, then 'make abi-record'")
    print(f"{now[0]}: {len(now) - 1 - len(fresh)} lines as recorded")


if __name__ == "__main__":
    main()
