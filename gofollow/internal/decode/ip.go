package decode

import "encoding/binary"

const (
	ipv4Len = 20 // without options
	ipv6Len = 40

	// longestPadded is the length up to which Ethernet pads frames. A shorter frame can be
	// all header and padding, so its length shows nothing about a payload.
	longestPadded = 60
)

// ipv4 reads an IPv4 header with its options (RFC 791, section 3.1).
func ipv4(p *packet, seg *Segment, verify bool) (protocol, Outcome) {
	b := p.b
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return 0, Malformed
	}
	header := int(b[0]&0xf) * 4
	total := int(be16(b[2:]))
	if total == 0 && p.frame > longestPadded {
		// Segmentation offload: the card had yet to fill in the length.
		total = p.wire
	}
	if header < ipv4Len || total < header || len(b) < header {
		return 0, Malformed
	}
	if be16(b[6:])&0x3fff != 0 {
		return fragmentIPv4, more // more fragments follow, or the offset is not 0
	}
	seg.IPv6 = false
	seg.Src = Addr{Lo: uint64(binary.BigEndian.Uint32(b[12:]))}
	seg.Dst = Addr{Lo: uint64(binary.BigEndian.Uint32(b[16:]))}
	p.lengthless = false
	p.unverifiable = verify && sourceRouted(b[ipv4Len:header])
	next := ipProtocol + protocol(b[9])
	p.bound(total)
	p.take(header)
	return ipv4Payload(next), more
}

// ipv4Payload maps the numbers of IPv6 extension headers, which have no meaning in IPv4, to one
// that is not TCP.
func ipv4Payload(next protocol) protocol {
	switch next {
	case protoHopByHop, protoRouting, protoFragment, protoDestination:
		return otherExtension
	}
	return next
}

// sourceRouted reports whether IPv4 options contain a source route. The destination in the header
// is then a router, and the checksum of TCP covers the address in the option.
func sourceRouted(options []byte) bool {
	for len(options) >= 2 && options[0] != 0 {
		switch options[0] {
		case 1:
			options = options[1:]
			continue
		case 131, 137: // loose, strict
			return true
		}
		n := int(options[1])
		if n < 2 || n > len(options) {
			return false
		}
		options = options[n:]
	}
	return false
}

// ipv6 reads the fixed IPv6 header (RFC 8200, section 3).
func ipv6(p *packet, seg *Segment) (protocol, Outcome) {
	b := p.b
	if len(b) < ipv6Len || b[0]>>4 != 6 {
		return 0, Malformed
	}
	payload := int(be16(b[4:]))
	p.lengthless = payload == 0
	if payload == 0 && p.frame > longestPadded {
		// Segmentation offload, or a jumbogram: hopByHop sees to that.
		payload = p.wire - ipv6Len
	}
	seg.IPv6 = true
	seg.Src = Addr{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
	seg.Dst = Addr{binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])}
	p.unverifiable = false
	next := ipProtocol + protocol(b[6])
	p.take(ipv6Len)
	p.bound(payload)
	return next, more
}

// extension reads an IPv6 extension header of the usual form: next header,
// and length in 8 bytes without the first 8 (RFC 8200, section 4).
func extension(p *packet) (protocol, Outcome) {
	return header(p, 8, 8)
}

// authentication reads an Authentication Header, whose length counts in 4 bytes (RFC 4302, section
// 2.2).
func authentication(p *packet) (protocol, Outcome) {
	return header(p, 8, 4)
}

// header takes off a header that begins with the next protocol and a length, in units beyond the
// first bytes.
func header(p *packet, first, unit int) (protocol, Outcome) {
	if len(p.b) < first {
		return 0, Malformed
	}
	next := ipProtocol + protocol(p.b[0])
	n := first + int(p.b[1])*unit
	if n > len(p.b) {
		return 0, Malformed
	}
	p.take(n)
	return next, more
}

// routing reads a routing header. If it still has addresses to visit, TCP
// summed the last of them, not the destination in the IP header.
func routing(p *packet) (protocol, Outcome) {
	if len(p.b) >= 4 && p.b[3] != 0 {
		p.unverifiable = true
	}
	return extension(p)
}

// hopByHop reads a hop-by-hop header. In a packet without a length it may
// state one above 65535 (RFC 2675, section 2), counted from this header on.
func hopByHop(p *packet) (protocol, Outcome) {
	if !p.lengthless {
		return extension(p)
	}
	inner := *p
	next, outcome := extension(&inner)
	if outcome != more {
		return 0, outcome
	}
	if n, ok := jumboLength(p.b[2 : len(p.b)-len(inner.b)]); ok {
		before := p.wire - inner.wire
		if n < before {
			return 0, Malformed
		}
		inner.bound(n - before)
	}
	inner.lengthless = false
	*p = inner
	return next, more
}

// jumboLength looks for a jumbo payload option.
func jumboLength(options []byte) (n int, ok bool) {
	for len(options) >= 2 {
		if options[0] == 0 {
			options = options[1:]
			continue
		}
		size := 2 + int(options[1])
		if size > len(options) {
			break
		}
		if options[0] == 0xc2 && size == 6 {
			return int(binary.BigEndian.Uint32(options[2:])), true
		}
		options = options[size:]
	}
	return 0, false
}
