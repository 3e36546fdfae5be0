# cython: language_level=3, binding=False, annotation_typing=False
"""Ethernet frames that are valid, without decoding them. Cython compiles this file with the types of _sound.pxd."""

from typing import Any


def from_buffer(cls: Any, buf: Any) -> Any:
    """Return a PDU of that class with bytes that cannot be malformed, to be decoded at first use, or what its _read makes of other."""
    if type(buf) is bytes and is_sound(buf):
        pdu = cls.__new__(cls)
        pdu._raw = buf
        pdu._head = None
        return pdu
    return cls._read(buf)


def is_sound(frame: bytes) -> bool:
    """Report whether no layer of a frame can be malformed. False also for frames that need a closer look.

    True for complete headers of TCP without options or with timestamps alone (RFC 7323, appendix A)
    and of UDP, over IPv4 without options or IPv6, behind at most one VLAN tag.
    """
    data, size = frame, len(frame)
    if size < 54:
        return False
    at = 18 if data[12] == 0x81 and data[13] == 0 else 14
    if data[at - 2] == 8 and data[at - 1] == 0 and data[at] == 0x45:
        room, protocol, at = data[at + 2] << 8 | data[at + 3], data[at + 9], at + 20
        room -= 20
    elif data[at - 2] == 0x86 and data[at - 1] == 0xDD:
        room, protocol, at = data[at + 4] << 8 | data[at + 5], data[at + 6], at + 40
    else:
        return False
    if room > size - at:
        room = size - at
    if protocol == 17:
        return room >= 8
    if protocol != 6 or room < 20:
        return False
    words = data[at + 12] >> 4
    if words == 8 and room >= 32:
        return data[at + 20] == 1 and data[at + 21] == 1 and data[at + 22] == 8 and data[at + 23] == 10
    return words == 5
