"""The exceptions. Each is a GofollowError and also the fitting built-in exception."""

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
    "OutOfMemoryError",
    "PacketTooLargeError",
    "TruncatedCaptureWarning",
    "UsageError",
]


class GofollowError(Exception):
    """The base of all errors of this package."""


class GofollowWarning(UserWarning):
    """Some packets cannot be followed, for a reason that the caller may be able to change."""


class TruncatedCaptureWarning(GofollowWarning):
    """A capture ends within a record: it is still being written, or was truncated. The part before is followed."""


class CaptureError(GofollowError, ValueError):
    """A file is not a capture, is damaged, or has an unsupported format.

    It is raised after the part before the fault was followed and its callbacks ran.
    """


class CaptureCutError(CaptureError):
    """A capture ends within a record. The package makes a TruncatedCaptureWarning of it."""


class CaptureFileError(GofollowError, OSError):
    """A capture file cannot be opened or read. errno and filename are set as for any OSError, if they are known."""


class CaptureFileNotFoundError(CaptureFileError, FileNotFoundError):
    """The capture file does not exist."""


class CapturePermissionError(CaptureFileError, PermissionError):
    """Reading the capture file is not permitted."""


class CaptureIsADirectoryError(CaptureFileError, IsADirectoryError):
    """The path of a capture file is a folder."""


class UsageError(GofollowError, RuntimeError):
    """A call is not possible now: feeding inside a callback, from a second thread at the same time, or after close."""


class LostEventsError(UsageError):
    """The follower was interrupted inside its own code, or ran out of memory there, and may have lost events. It can only be closed.

    An interrupt causes this only in the uncompiled core (see gofollow.core); the compiled one is interrupted between packets.
    """


class OptionError(GofollowError, ValueError):
    """An option is unknown or has a value that is not allowed."""


class ForkedError(GofollowError, RuntimeError):
    """The library was loaded before this process was forked, and the Go runtime does not survive a fork.

    Use gofollow first in the child (it loads the library at first use), or start processes with the "spawn" method.
    """


class InternalError(GofollowError, RuntimeError):
    """An internal fault of the engine. The follower can only be closed. Please report it."""


class PacketTooLargeError(GofollowError, ValueError):
    """A packet has more than 16 MiB. It was not taken."""


class MissingPackageError(GofollowError, ImportError):
    """A part of this package needs another package that is not installed. The message states how to install it."""


class OutOfMemoryError(GofollowError, MemoryError):
    """The library cannot allocate the bytes of the next packet, which is not taken. The state of the connections is kept."""


_BY_OS_ERROR: tuple[tuple[type[OSError], type[CaptureFileError]], ...] = (
    (FileNotFoundError, CaptureFileNotFoundError),
    (PermissionError, CapturePermissionError),
    (IsADirectoryError, CaptureIsADirectoryError),
)


def file_error(error: OSError, path: str) -> CaptureFileError:
    """Return the CaptureFileError for an OSError about the file at path."""
    for builtin, ours in _BY_OS_ERROR:
        if isinstance(error, builtin):
            return ours(error.errno, error.strerror, path)
    return CaptureFileError(error.errno, error.strerror, path)
