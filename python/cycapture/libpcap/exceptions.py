"""The exceptions of cycapture.libpcap, with the bases that each had in the original."""


class PcapException(Exception):
    """Base of the exceptions of cycapture.libpcap. The message is libpcap's if libpcap found the fault."""


class ActivationError(PcapException):
    """An interface cannot be opened: it does not exist, or does not support capturing."""


class AlreadyActivated(PcapException):
    """A setting was changed that cannot be changed while the interface is open."""


class NotActivatedError(PcapException):
    """An operation needs an open interface."""


class UnreadableFile(PcapException, ValueError):
    """A capture file cannot be opened: it does not exist, or is not a capture."""


class PermissionDenied(PcapException, OSError):
    """The process may not capture on the interface (on Linux: root or CAP_NET_RAW)."""


class PromiscPermissionDenied(PermissionDenied):
    """The process may capture on the interface, but not in promiscuous mode."""


class SetBufferSizeError(PcapException):
    """The buffer size was refused."""


class SetDirectionError(PcapException):
    """The interface cannot capture a single direction."""


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
    """Reading packets failed: the interface went down, or the file is truncated or damaged. Packets before the fault were delivered."""


class WriterClosed(RuntimeError, ValueError):
    """A packet was given to a writer that is not open.

    The original raised RuntimeError, files of Python ValueError.
    """
