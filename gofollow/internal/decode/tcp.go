package decode

import "encoding/binary"

const (
	tcpLen = 20 // without options

	// maxWindowScale is what a larger shift count stands for (RFC 7323, section 2.3).
	maxWindowScale = 14
)

// tcp reads a TCP header (RFC 9293, section 3.1). What is left of p is the segment.
func tcp(p *packet, seg *Segment, verify bool) Outcome {
	b := p.b
	if len(b) < tcpLen {
		return Malformed
	}
	header := int(b[12]>>4) * 4
	if header < tcpLen || header > p.wire {
		return Malformed
	}
	seg.readTCP(b)
	seg.Wire = p.wire - header
	seg.Payload, seg.Owned = nil, false
	if header <= len(b) {
		seg.Payload = b[header:len(b):len(b)]
		if seg.Flags&SYN != 0 {
			seg.WindowScale = windowScale(b[tcpLen:header])
		}
	}
	if verify && len(b) == p.wire && !p.unverifiable && checksum(b, seg) != 0xffff {
		return BadChecksum
	}
	return TCP
}

// readTCP reads the fixed header, which b has.
func (seg *Segment) readTCP(b []byte) {
	ports, numbers, rest := binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint64(b[12:])
	seg.SrcPort, seg.DstPort = uint16(ports>>16), uint16(ports)
	seg.Seq, seg.Ack = uint32(numbers>>32), uint32(numbers)
	seg.Flags, seg.Window, seg.Urgent = Flags(rest>>48), uint16(rest>>32), uint16(rest)
	seg.WindowScale = -1
}

// windowScale returns the shift count of the window scale option (RFC 7323, section 2.2), -1 if
// there is none.
func windowScale(options []byte) int8 {
	for len(options) >= 2 && options[0] != 0 {
		if options[0] == 1 {
			options = options[1:]
			continue
		}
		n := int(options[1])
		if n < 2 || n > len(options) {
			break
		}
		if options[0] == 3 && n == 3 {
			return int8(min(options[2], maxWindowScale))
		}
		options = options[n:]
	}
	return -1
}

// checksum sums the segment b and its pseudo header (RFC 9293, section 3.1; RFC
// 8200, section 8.1). A right sum is 0xffff.
func checksum(b []byte, seg *Segment) uint16 {
	// The sums of 32-bit words fold to that of 16-bit words, and an IPv4
	// address adds nothing above its low word, so one form serves both.
	sum := uint64(protoTCP-ipProtocol) + uint64(len(b))
	for _, w := range [...]uint64{seg.Src.Hi, seg.Src.Lo, seg.Dst.Hi, seg.Dst.Lo} {
		sum += w>>32 + w&0xffffffff
	}
	for len(b) >= 4 {
		sum += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	sum += uint64(binary.BigEndian.Uint32(last[:]))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
