package decode

import "encoding/binary"

// plainLen is the length of the headers that plain takes: Ethernet, IPv4 and
// TCP without options.
const plainLen = ethernetLen + ipv4Len + tcpLen

// plain decodes what nearly every frame of nearly every capture is: Ethernet,
// IPv4 without options or fragments, TCP that is no SYN, all of it captured. It
// returns false for any other frame, which the layers then take apart. What it
// returns is what they would.
func plain(frame []byte, seg *Segment) bool {
	if len(frame) < plainLen {
		return false
	}
	b := (*[plainLen]byte)(frame)
	if binary.BigEndian.Uint32(b[12:])>>8 != uint32(etherIPv4)<<8|0x45 || be16(b[20:])&0x3fff != 0 || b[23] != byte(protoTCP-ipProtocol) {
		return false
	}
	total, header := int(be16(b[16:])), int(b[46]>>4)*4
	end := ethernetLen + total
	if header < tcpLen || total < ipv4Len+header || end > len(frame) || Flags(b[47])&SYN != 0 {
		return false
	}
	seg.IPv6 = false
	seg.Src = Addr{Lo: uint64(binary.BigEndian.Uint32(b[26:]))}
	seg.Dst = Addr{Lo: uint64(binary.BigEndian.Uint32(b[30:]))}
	seg.readTCP(b[ethernetLen+ipv4Len:])
	seg.Wire = total - ipv4Len - header
	seg.Payload = frame[end-seg.Wire : end : end]
	return true
}
