"""Derives cffi's declarations from the C header, so that they are written once.

Used when the package is built, never when it runs: setup.py loads this file by its path, before anything is importable.
"""

import re
from pathlib import Path

_DEFINE = re.compile(r"#define\s+(\w+)\s+(.+)")
_KNOWN_MACROS = {"INT64_MIN": "-9223372036854775808"}


def cdef_from_header(header: str) -> str:
    """Return the declarations of a header (its text) in the subset of C that cffi's cdef reads.

    Comments, include guards, extern "C" and the initializers of structs (GOFOLLOW_..._INIT) go; a #define of an
    integer stays, as a constant.

    Raises ValueError for any other #define that is not empty: it would silently be missing otherwise.
    """
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    header = re.sub(r"#ifdef __cplusplus.*?#endif", "", header, flags=re.DOTALL)
    lines = []
    for line in header.splitlines():
        line = line.strip()
        if not line.startswith("#"):
            lines.append(line)
        elif (define := _DEFINE.fullmatch(line)) and not define[1].endswith("_INIT"):
            name, value = define.groups()
            value = value.strip().strip("()")
            value = _KNOWN_MACROS.get(value, value)
            if not re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|[0-9]+)", value):
                raise ValueError(f"gofollow.h: #define {name} {value} is not an integer, and only integers are supported")
            lines.append(f"#define {name} {value}")
    return "\n".join(line for line in lines if line) + "\n"


def write_ffi_module(header: Path, target: Path) -> None:
    """Write the module gofollow._ffi, which needs no compiler, made from the header at the path to the file target."""
    import cffi

    builder = cffi.FFI()
    builder.cdef(cdef_from_header(header.read_text(encoding="ascii")))
    builder.set_source("gofollow._ffi", None)
    target.parent.mkdir(parents=True, exist_ok=True)
    builder.emit_python_code(str(target))
