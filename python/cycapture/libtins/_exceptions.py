"""The exceptions of cycapture.libtins, with the built-in base that each had in the original."""


class LibtinsException(Exception):
    """Base of everything that cycapture.libtins raises on its own account."""


class BadTinsCast(LibtinsException):
    """A PDU was asked for as a type that it is not."""


class FieldNotPresent(LibtinsException, ValueError):
    """An optional field was read that the header does not carry."""


class InvalidInterface(LibtinsException, OSError):
    """There is no such network interface."""


class InvalidSocketType(LibtinsException, OSError):
    """A sender was given a socket type that it does not know."""


class MalformedAddress(LibtinsException, ValueError):
    """A text is not an address."""


class AddressOutOfRange(MalformedAddress, OverflowError):
    """A number is no 32-bit address. The original raised OverflowError, and every other bad address is MalformedAddress."""


class NumberOutOfRange(OverflowError, ValueError):
    """A number does not fit its field. The original raised OverflowError for fields of whole bytes, ValueError for smaller ones."""


class MalformedOption(LibtinsException, ValueError):
    """An option's content does not fit its type."""


class MalformedPacket(LibtinsException, ValueError):
    """A buffer does not hold the header that was to be read from it."""


class MemoryViewFormat(LibtinsException, ValueError):
    """A memory view is not a one-dimensional view of bytes."""


class OptionNotFound(LibtinsException, ValueError):
    """An option was searched for that the header does not carry."""


class OptionPayloadTooLarge(LibtinsException, ValueError):
    """An option's content is longer than its length field can say."""


class PDUNotFound(LibtinsException):
    """No layer of the searched type is inside the PDU."""


class ProtocolDisabled(LibtinsException):
    """The protocol was left out when the library was built."""


class SocketCloseError(LibtinsException, OSError):
    """A socket could not be closed."""


class SocketOpenError(LibtinsException, OSError):
    """A socket could not be opened."""


class SocketWriteError(LibtinsException, OSError):
    """A packet could not be sent."""


class UnknownLinkType(LibtinsException, OSError):
    """A capture's link type has no PDU class."""
