"""The exceptions of cycapture.libtins, with the built-in base that each had in the original."""


class LibtinsException(Exception):
    """Base of the exceptions of cycapture.libtins."""


class BadTinsCast(LibtinsException):
    """A PDU was requested as a type that it does not have."""


class FieldNotPresent(LibtinsException, ValueError):
    """An optional field was read that the header does not have."""


class InvalidInterface(LibtinsException, OSError):
    """A network interface does not exist."""


class InvalidSocketType(LibtinsException, OSError):
    """A socket type is unknown."""


class MalformedAddress(LibtinsException, ValueError):
    """A text is not an address."""


class AddressOutOfRange(MalformedAddress, OverflowError):
    """A number is not a 32-bit address. The original raised OverflowError; other invalid addresses are MalformedAddress."""


class NumberOutOfRange(OverflowError, ValueError):
    """A number does not fit its field. The original raised OverflowError for fields of whole bytes, ValueError for smaller ones."""


class MalformedOption(LibtinsException, ValueError):
    """An option's content does not fit its type."""


class MalformedPacket(LibtinsException, ValueError):
    """A buffer does not contain a valid header."""


class MemoryViewFormat(LibtinsException, ValueError):
    """A memoryview is not a one-dimensional view of bytes."""


class OptionNotFound(LibtinsException, ValueError):
    """The header does not have the option."""


class OptionPayloadTooLarge(LibtinsException, ValueError):
    """An option's content does not fit its length field."""


class PDUNotFound(LibtinsException):
    """The PDU contains no layer of the type."""


class ProtocolDisabled(LibtinsException):
    """The protocol is disabled."""


class SocketCloseError(LibtinsException, OSError):
    """A socket could not be closed."""


class SocketOpenError(LibtinsException, OSError):
    """A socket could not be opened."""


class SocketWriteError(LibtinsException, OSError):
    """A packet could not be sent."""


class UnknownLinkType(LibtinsException, OSError):
    """A capture's link type has no PDU class."""
