"""What can go wrong. Every error is a GofollowError and also the built-in exception that fits."""

__all__ = [
    "CaptureError",
    "CaptureFileError",
    "CaptureFileNotFoundError",
    "CaptureIsADirectoryError",
    "CapturePermissionError",
    "ForkedError",
    "GofollowError",
    "GofollowWarning",
    "InternalError",
    "LostEventsError",
    "MissingPackageError",
    "OptionError",
    "PacketTooLargeError",
    "TruncatedCaptureWarning",
    "UsageError",
]


class GofollowError(Exception):
    """The base of all errors of this package."""


class GofollowWarning(UserWarning):
    """Something of what was fed cannot be followed, for a reason that the caller may be able to mend."""


class TruncatedCaptureWarning(GofollowWarning):
    """A capture ends within a record: it is still being written, or was cut. What stands before that is followed."""


class CaptureError(GofollowError, ValueError):
    """A file is no capture, is damaged, or has a format that is not read.

    What stands before the fault was followed, and its callbacks ran, before this is raised.
    """


class CaptureCutError(CaptureError):
    """A capture ends within a record. The package makes a TruncatedCaptureWarning of it."""


class CaptureFileError(GofollowError, OSError):
    """A capture file cannot be opened or read; errno and filename are set as for any OSError, where they are known."""


class CaptureFileNotFoundError(CaptureFileError, FileNotFoundError):
    """There is no such capture file."""


class CapturePermissionError(CaptureFileError, PermissionError):
    """The capture file may not be read."""


class CaptureIsADirectoryError(CaptureFileError, IsADirectoryError):
    """A folder was given where a capture file is wanted."""


class UsageError(GofollowError, RuntimeError):
    """A call that is not possible now: feeding from inside a callback, from a second thread at the same time, or after close."""


class LostEventsError(UsageError):
    """The follower was interrupted inside its own code, or had no memory there, and may have lost events: it can only be closed.

    An interrupt does that to the uncompiled core alone (gofollow.core says which it is); the compiled one is interrupted between packets.
    """


class OptionError(GofollowError, ValueError):
    """An option is unknown or has a value that is not allowed."""


class ForkedError(GofollowError, RuntimeError):
    """The library was loaded before this process was forked off, and Go's run time does not survive fork.

    Use gofollow first in the child (it loads the library at first use), or start processes with the "spawn" method.
    """


class InternalError(GofollowError, RuntimeError):
    """A fault inside the engine. The follower can only be closed; please report it."""


class PacketTooLargeError(GofollowError, ValueError):
    """A packet of more than 16 MiB; it was not taken."""


class MissingPackageError(GofollowError, ImportError):
    """A part of this package needs another one that is not installed; the message tells how to install it."""


class OutOfMemoryError(GofollowError, MemoryError):
    """The library has no memory for the next packet's bytes, which was not taken. What was followed is still there."""


_BY_OS_ERROR: tuple[tuple[type[OSError], type[CaptureFileError]], ...] = (
    (FileNotFoundError, CaptureFileNotFoundError),
    (PermissionError, CapturePermissionError),
    (IsADirectoryError, CaptureIsADirectoryError),
)


def file_error(error: OSError, path: str) -> CaptureFileError:
    """Return the CaptureFileError that says what an OSError about the file at path says."""
    for builtin, ours in _BY_OS_ERROR:
        if isinstance(error, builtin):
            return ours(error.errno, error.strerror, path)
    return CaptureFileError(error.errno, error.strerror, path)
