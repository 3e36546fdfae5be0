"""libpcap through pcapy-ng, and through ctypes the functions of the same library that pcapy-ng lacks.

pcapy-ng opens, filters and reads. It lacks libpcap's version, the names of link types, the reason why a network number is
unknown, whether monitor mode is possible, and the link types of an interface. Its compiled filters take the captured length
for the length of the packet.
"""

from __future__ import annotations

import ctypes
import functools
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from .exceptions import (
    ActivationError,
    AlreadyActivated,
    NotActivatedError,
    PcapException,
    PermissionDenied,
    PromiscPermissionDenied,
    SetMonitorModeError,
)

_ERROR_SIZE = 256
_MAX_INT = 0x7FFFFFFF
# of a filter; the stack of libpcap overflows at about 150,000 characters, or 10,000 terms
_LONGEST_EXPRESSION = 16384
_UNKNOWN_NETMASK = 0xFFFFFFFF
# PCAP_ERROR_...: errors with an exception of their own, in every function
_BY_CODE: dict[int, type[PcapException]] = {
    -3: NotActivatedError,
    -4: AlreadyActivated,
    -6: SetMonitorModeError,
    -7: SetMonitorModeError,
    -8: PermissionDenied,
    -11: PromiscPermissionDenied,
}


class _Program(ctypes.Structure):
    """struct bpf_program."""

    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


class _Header(ctypes.Structure):
    """struct pcap_pkthdr."""

    _fields_ = [
        ("seconds", ctypes.c_long),
        ("microseconds", ctypes.c_int32 if sys.platform == "darwin" else ctypes.c_long),
        ("captured", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
    ]


@functools.cache
def binding() -> Any:
    """Return the module pcapy, loaded at first use. Raises ImportError that names what to install."""
    try:
        import pcapy
    except ImportError as error:
        raise ImportError(
            f"cycapture.libpcap captures, filters and reads files with pcapy-ng, which cannot be imported ({error}): pip install pcapy-ng; "
            "where there is no wheel of it for this Python, that needs a C++ compiler and libpcap's headers (Debian: g++ libpcap-dev)"
        ) from error
    return pcapy


@functools.cache
def _functions() -> ctypes.CDLL:
    # a symbol search in the binding includes the libraries that it is linked with, so this is the libpcap that it uses
    library = ctypes.CDLL(binding().__file__)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "pcap_lib_version": (text, []),
        "pcap_statustostr": (text, [number]),
        "pcap_datalink_val_to_name": (text, [number]),
        "pcap_datalink_val_to_description": (text, [number]),
        "pcap_lookupnet": (number, [text, ctypes.POINTER(ctypes.c_uint32), ctypes.POINTER(ctypes.c_uint32), text]),
        "pcap_create": (handle, [text, text]),
        "pcap_activate": (number, [handle]),
        "pcap_can_set_rfmon": (number, [handle]),
        "pcap_list_datalinks": (number, [handle, ctypes.POINTER(ctypes.POINTER(number))]),
        "pcap_free_datalinks": (None, [ctypes.POINTER(number)]),
        "pcap_geterr": (text, [handle]),
        "pcap_close": (None, [handle]),
        "pcap_open_dead": (handle, [number, number]),
        "pcap_compile": (number, [handle, ctypes.POINTER(_Program), text, number, ctypes.c_uint32]),
        "pcap_freecode": (None, [ctypes.POINTER(_Program)]),
        "pcap_offline_filter": (number, [ctypes.POINTER(_Program), ctypes.POINTER(_Header), text]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def error_of(code: int, words: str, default: type[PcapException]) -> PcapException:
    """Return the exception for an error code of libpcap."""
    return _BY_CODE.get(code, default)(words)


def status_words(code: int) -> str:
    """Return libpcap's message for an error code."""
    return _words(_functions().pcap_statustostr(code))


def _words(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def version() -> bytes:
    """Return libpcap's name and version."""
    return bytes(_functions().pcap_lib_version())


def get_pcap_version() -> bytes:
    """Return libpcap's name and version: the older name of libpcap_version."""
    return version()


def datalink_to_description(dlt: int) -> tuple[bytes, bytes]:
    """Return name and description of a link type number; both are empty if libpcap does not know it."""
    number = int(dlt)
    if not 0 <= number <= _MAX_INT:
        return b"", b""
    return _functions().pcap_datalink_val_to_name(number) or b"", _functions().pcap_datalink_val_to_description(number) or b""


def findalldevs() -> list[bytes]:
    """Return the names of all interfaces that can be captured from."""
    return [name.encode() for name in _asked(binding().findalldevs)]


def lookupdev() -> bytes:
    """Return the default interface. Raises PcapException if there is none."""
    name: str = _asked(binding().lookupdev)
    return name.encode()


def _asked(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except binding().PcapError as error:
        raise PcapException(str(error)) from None


def lookupnet(device: Any) -> tuple[int, int, bytes, bytes]:
    """Return IPv4 network and netmask of an interface, as numbers (the network's bytes in the machine's byte order) and as text."""
    words = ctypes.create_string_buffer(_ERROR_SIZE)
    network, mask = ctypes.c_uint32(), ctypes.c_uint32()
    code = _functions().pcap_lookupnet(as_text(device, "an interface").encode(), ctypes.byref(network), ctypes.byref(mask), words)
    if code:
        raise error_of(code, _words(words.value), PcapException)
    texts = [socket.inet_ntoa(bytes(number)).encode() for number in (network, mask)]
    return network.value, mask.value, texts[0], texts[1]


class _Device:
    """Yield a handle of an interface that is opened only for a query."""

    def __init__(self, interface: str) -> None:
        words = ctypes.create_string_buffer(_ERROR_SIZE)
        self.interface = interface
        self.handle = _functions().pcap_create(interface.encode(), words)
        if not self.handle:
            raise PcapException(_words(words.value))

    def __enter__(self) -> _Device:
        return self

    def __exit__(self, *_: object) -> None:
        _functions().pcap_close(self.handle)

    def words(self, code: int) -> str:
        return _words(_functions().pcap_geterr(self.handle)) or status_words(code)


def monitor_mode_is_possible(interface: str) -> tuple[bool, bytes]:
    """Report whether an interface supports monitor mode and, if that is unknown, why."""
    with _Device(interface) as device:
        code = _functions().pcap_can_set_rfmon(device.handle)
        return code == 1, b"" if code >= 0 else f"{interface}: {device.words(code)}".encode()


def datalinks(interface: str) -> list[int]:
    """Return the link types that an interface supports."""
    with _Device(interface) as device:
        code = _functions().pcap_activate(device.handle)
        if code < 0:
            raise error_of(code, f"{interface}: {status_words(code)} ({device.words(code)})", ActivationError)
        found = ctypes.POINTER(ctypes.c_int)()
        count = _functions().pcap_list_datalinks(device.handle, ctypes.byref(found))
        if count < 0:
            raise error_of(count, f"{interface}: {device.words(count)}", PcapException)
        numbers = list(found[:count])
        _functions().pcap_free_datalinks(found)
        return numbers


class Filter:
    """A compiled filter expression for packets of one link type. Raises PcapException with libpcap's message."""

    def __init__(self, expression: str, link_type: int, snapshot_length: int) -> None:
        self._program = _Program()
        check_expression(expression)
        if not 0 <= link_type <= _MAX_INT:
            raise ValueError(f"{link_type} is not a data link type: they are from 0 to {_MAX_INT}")
        handle = _functions().pcap_open_dead(link_type, snapshot_length)
        try:
            if _functions().pcap_compile(handle, ctypes.byref(self._program), expression.encode(), 1, _UNKNOWN_NETMASK):
                raise PcapException(_words(_functions().pcap_geterr(handle)))
        finally:
            _functions().pcap_close(handle)

    def matches(self, data: bytes, length: int) -> bool:
        """Report whether the filter matches a packet of that length on the wire, of which data was captured."""
        header = _Header(0, 0, len(data), length)
        return bool(_functions().pcap_offline_filter(self._program, header, data))

    def __del__(self) -> None:
        if self._program.instructions:
            _functions().pcap_freecode(self._program)


def check_expression(expression: str) -> None:
    """Raise PcapException for a filter so long that libpcap, which compiles recursively, could crash."""
    if len(expression) > _LONGEST_EXPRESSION:
        raise PcapException(
            f"a filter expression has up to {_LONGEST_EXPRESSION} characters, this one has {len(expression)}: "
            "name networks (net 10.0.0.0/8) or portranges instead of many hosts and ports"
        )


def as_text(value: Any, what: str) -> str:
    """Return the text of a name that is given as str, bytes, a path, or an object with a name.

    Raises ValueError if it is empty or contains a NUL, at which libpcap would truncate it.
    """
    if not isinstance(value, (str, bytes, os.PathLike)):
        value = getattr(value, "name", value)
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{what} is named by text, not by {type(value).__name__}") from None
    if not text:
        raise ValueError(f"{what} can't be empty")
    if "\0" in text:
        raise ValueError(f"{what} holds a NUL at character {text.index(chr(0))}: {text[:80]!r}")
    return text
