package decode

import "encoding/binary"

// plainLen is the length of the headers of a plain frame: Ethernet, IPv4 and TCP
// without options.
const plainLen = ethernetLen + ipv4Len + tcpLen

// Decode decodes one frame of the given link type, of which wireLen bytes were on the wire,
// len(frame) <= wireLen. seg is valid only if the outcome is TCP (or BadChecksum).
//
// Decode itself reads only plain frames: Ethernet, IPv4 without options or fragments, TCP, captured
// completely. Nearly every frame is one. Others are decoded layer by layer, which would give the
// same result for a plain frame.
func (d *Decoder) Decode(link uint32, frame []byte, wireLen int, seg *Segment) Outcome {
	if link != linkEthernet || d.VerifyChecksum || len(frame) < plainLen {
		return d.layers(link, frame, wireLen, seg)
	}
	b := (*[plainLen]byte)(frame)
	ip, tcp := b[ethernetLen:], b[ethernetLen+ipv4Len:]
	total, header := int(be16(ip[2:])), int(tcp[12]>>4)*4
	end := ethernetLen + total
	plain := binary.BigEndian.Uint32(b[12:])>>8 == uint32(etherIPv4)<<8|0x45 && be16(ip[6:])&0x3fff == 0 && ip[9] == byte(protoTCP-ipProtocol)
	if !plain || header < tcpLen || total < ipv4Len+header || end > len(frame) {
		return d.layers(link, frame, wireLen, seg)
	}
	seg.IPv6, seg.Owned, seg.VLANs, seg.Separation = false, false, 0, 0
	seg.Src.Hi, seg.Src.Lo = 0, uint64(binary.BigEndian.Uint32(ip[12:]))
	seg.Dst.Hi, seg.Dst.Lo = 0, uint64(binary.BigEndian.Uint32(ip[16:]))
	seg.readTCP(tcp)
	seg.Wire = total - ipv4Len - header
	seg.Payload = frame[end-seg.Wire : end : end]
	if seg.Flags&SYN != 0 {
		seg.WindowScale = windowScale(frame[plainLen : end-seg.Wire])
	}
	return TCP
}
