"""ARP."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ._addresses import HWAddress
from ._fields import HWField, IPv4Field, UInt
from ._link import EthernetII
from ._pdu import PDU, RAW


class ARP(PDU):
    """An ARP message for IPv4 over Ethernet (RFC 826)."""

    __slots__ = ()
    pdu_type = 29
    _ether_type = 0x806
    _head_size = 28

    class Flags(IntEnum):
        REQUEST = 1
        REPLY = 2

    hw_addr_format = UInt(0, 2)
    prot_addr_format = UInt(2, 2)
    hw_addr_length = UInt(4, 1)
    prot_addr_length = UInt(5, 1)
    opcode = UInt(6, 2)
    sender_hw_addr = HWField(8)
    sender_ip_addr = IPv4Field(14)
    target_hw_addr = HWField(18)
    target_ip_addr = IPv4Field(24)

    def __init__(self, target_ip: Any = None, sender_ip: Any = None, target_hw: Any = None, sender_hw: Any = None, buf: Any = None) -> None:
        super().__init__(buf)
        if buf is None:
            self.hw_addr_format, self.prot_addr_format, self.hw_addr_length, self.prot_addr_length = 1, 0x800, 6, 4
            self.target_ip_addr, self.sender_ip_addr, self.target_hw_addr, self.sender_hw_addr = target_ip, sender_ip, target_hw, sender_hw

    def _decode(self, data: bytes) -> None:
        if len(data) > 28:
            self._inner = RAW.from_buffer(data[28:])

    def _answered_by(self, data: bytes) -> bool:
        head = self._decoded()
        return len(data) >= 28 and data[14:18] == head[24:28] and data[24:28] == head[14:18]

    @staticmethod
    def make_arp_request(target: Any, sender: Any, hw_snd: Any = None) -> EthernetII:
        """Return a broadcast frame that requests the hardware address of target."""
        arp = ARP(target, sender, None, hw_snd)
        arp.opcode = ARP.Flags.REQUEST
        return EthernetII(HWAddress.broadcast, hw_snd) / arp

    @staticmethod
    def make_arp_reply(target: Any, sender: Any, hw_tgt: Any = None, hw_snd: Any = None) -> EthernetII:
        """Return a frame that tells target the hardware address hw_snd of sender."""
        arp = ARP(target, sender, hw_tgt, hw_snd)
        arp.opcode = ARP.Flags.REPLY
        return EthernetII(hw_tgt, hw_snd) / arp
