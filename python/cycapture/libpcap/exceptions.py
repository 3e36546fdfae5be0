"""The exceptions of cycapture.libpcap, with the bases that each had in the original."""


class PcapException(Exception):
    """Base of everything that cycapture.libpcap raises on its own account; the text is libpcap's where libpcap found the fault."""


class ActivationError(PcapException):
    """An interface cannot be opened: there is none of that name, or it is no interface to capture from."""


class AlreadyActivated(PcapException):
    """A setting was changed that an open interface no longer takes."""


class NotActivatedError(PcapException):
    """Something was asked of an interface that is not open."""


class UnreadableFile(PcapException, ValueError):
    """A capture file cannot be opened: it is not there, or it is no capture."""


class PermissionDenied(PcapException, OSError):
    """The process may not capture on the interface (on Linux: root or CAP_NET_RAW)."""


class PromiscPermissionDenied(PermissionDenied):
    """The process may capture on the interface, but not in promiscuous mode."""


class SetBufferSizeError(PcapException):
    """The buffer size was refused."""


class SetDirectionError(PcapException):
    """The interface cannot capture one direction alone."""


class SetMonitorModeError(PcapException):
    """The interface cannot be put into monitor mode."""


class SetNonblockingModeError(PcapException):
    """The interface cannot be read without blocking."""


class SetPromiscModeError(PcapException):
    """Promiscuous mode was refused."""


class SetSnapshotLengthError(PcapException):
    """The snapshot length was refused."""


class SetTimeoutError(PcapException):
    """The read timeout was refused."""


class SniffingError(PcapException):
    """Reading packets failed: the interface went down, or the file is cut or damaged. What was read before was given out."""


class WriterClosed(RuntimeError, ValueError):
    """A packet was given to a writer that is not open.

    The original raised RuntimeError, files of Python ValueError.
    """
