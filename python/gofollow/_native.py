"""The one module that imports the declarations and opens the shared library.

The library is opened at first use, not at import. The Go runtime starts when it is loaded and does not survive a
fork, so a child that was forked before can still use it.
"""

import os
import sysconfig
import threading
from typing import Any

from .errors import (
    CaptureCutError,
    CaptureError,
    CaptureFileError,
    ForkedError,
    GofollowError,
    InternalError,
    OptionError,
    OutOfMemoryError,
    PacketTooLargeError,
    UsageError,
)

try:
    from ._ffi import ffi as _generated
except ModuleNotFoundError as error:  # pragma: no cover - a source tree that was not built
    if error.name != f"{__package__}._ffi":
        raise
    raise ImportError(
        f"{__file__} is a source tree in which gofollow is not built: run from another folder if it is installed, "
        "or build here with 'python setup.py develop_native' (setuptools, wheel and cffi must be there)"
    ) from error

ffi: Any = _generated
LARGEST = 0x7FFF_FFFF_FFFF_FFFF  # of an int64_t
LIBRARY = os.path.join(os.path.dirname(__file__), "libgofollow.so")

_lock = threading.Lock()
_library: Any = None


def constant(name: str) -> int:
    """Return the value of GOFOLLOW_name in gofollow.h."""
    return int(ffi.integer_const("GOFOLLOW_" + name))


def address_of(data: Any) -> int:
    """Return the address of a function of the library, or of what ffi.new made."""
    return int(ffi.cast("uintptr_t", data))


def library() -> Any:
    """Return the shared library, opened at the first call.

    Raises GofollowError (an ImportError's case, but at first use) if it is missing, cannot be loaded, or was built from another gofollow.h.
    """
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = _open()
    return _library


def _open() -> Any:
    try:
        lib = ffi.dlopen(LIBRARY, ffi.RTLD_NOW)
    except OSError as error:
        if "musl" in f"{sysconfig.get_config_var('SOABI')} {sysconfig.get_config_var('HOST_GNU_TYPE')}":
            raise GofollowError("gofollow does not run on musl, where Go libraries cannot be loaded: use a system with glibc") from None
        raise GofollowError(f"cannot load {LIBRARY}: {error}; install gofollow again, or run 'python setup.py develop_native'") from None
    found, wanted = lib.gofollow_abi_version(), constant("ABI_VERSION")
    if found != wanted:
        raise GofollowError(f"{LIBRARY} has ABI version {found}, this package needs {wanted}: install gofollow again")
    return lib


_ERRORS: dict[int, type[GofollowError]] = {
    constant("ERR_ARGUMENT"): OptionError,
    constant("ERR_HANDLE"): UsageError,
    constant("ERR_BUSY"): UsageError,
    constant("ERR_FORKED"): ForkedError,
    constant("ERR_TOO_BIG"): PacketTooLargeError,
    constant("ERR_STATE"): UsageError,
    constant("ERR_IO"): CaptureFileError,
    constant("ERR_FORMAT"): CaptureError,
    constant("ERR_TRUNCATED"): CaptureCutError,
    constant("ERR_DAMAGED"): CaptureError,
    constant("ERR_UNSUPPORTED"): CaptureError,
    constant("ERR_INTERNAL"): InternalError,
    constant("ERR_MEMORY"): OutOfMemoryError,
}

_ADVICE = {
    constant("ERR_FORKED"): "use gofollow first in the child, or start processes with the 'spawn' method",
    constant("ERR_BUSY"): "another thread uses this follower",
    constant("ERR_TRUNCATED"): "what stands before that was followed",
    constant("ERR_DAMAGED"): "what stands before that was followed",
}


def error_from_code(code: int, handle: int = 0) -> GofollowError:
    """Return the exception that a negative result code of the library means, with what the library says about it.

    Without a handle, the code is that of gofollow_create.
    """
    lib = library()
    message = ffi.string(lib.gofollow_strerror(code)).decode("utf-8", "replace")
    buffer = ffi.new("char[]", 1024)
    if lib.gofollow_error_message(handle, buffer, 1024) > 0:
        detail = ffi.string(buffer).decode("utf-8", "replace").removeprefix("config->")  # Python's options have the names of C's fields
        message = detail if not handle or message in detail else f"{message}: {detail}"
    if code in _ADVICE:
        message = f"{message} ({_ADVICE[code]})"
    return _ERRORS.get(code, InternalError)(message)


def build_info() -> str:
    """Return what the shared library was built from and by: version, commit, Go compiler, target.

    Such as "gofollow 0.1.0 (commit 1f0c8b5a92de, go1.26.0, linux/amd64)".
    """
    return str(ffi.string(library().gofollow_build_info()).decode("ascii"))


def library_version() -> str:
    """Return the version that the shared library says it has, such as "0.1.0"."""
    return str(ffi.string(library().gofollow_version()).decode("ascii"))
