package decode

// EtherTypes of headers that stand between an Ethernet header, or another such header, and what a
// frame carries.
const (
	etherTRILL      protocol = 0x22f3 // RFC 6325
	etherFabricPath protocol = 0x8903 // Cisco's
	etherMetadata   protocol = 0x8909 // Cisco's, with a security group tag
	etherMACsec     protocol = 0x88e5 // IEEE 802.1AE
	etherVNTag      protocol = 0x8926 // Cisco's VN-Tag
	etherHSR        protocol = 0x892f // IEC 62439-3
	etherETag       protocol = 0x893f // IEEE 802.1BR
	etherNSH        protocol = 0x894f // RFC 8300
	etherTTag       protocol = 0x8988 // a time stamp of Cisco's
	etherArista     protocol = 0xd28b // a time stamp of Arista's
	etherEDSA       protocol = 0xdada // a tag of Marvell's switches
	etherRTag       protocol = 0xf1c1 // IEEE 802.1CB
)

// untag removes a header of the kinds above. Each case has its length and the position of the next
// EtherType, or the protocol that follows. It returns NotTCP if kind is another one, or if the
// content is not followed.
func untag(kind protocol, p *packet) (protocol, Outcome) {
	switch kind {
	case etherVNTag, etherHSR, etherRTag:
		return etherType(p, 6, 4)
	case etherETag, etherTTag:
		return etherType(p, 8, 6)
	case etherFabricPath:
		return skip(p, 2, etherBridged)
	case etherEDSA:
		return switchTag(p, 2)
	case etherMetadata:
		return metadata(p)
	case etherArista:
		return timeStamp(p)
	case etherMACsec:
		return macSec(p)
	case etherNSH:
		return nsh(p)
	case etherTRILL:
		return trill(p)
	}
	return kind, NotTCP
}

// skip removes a header of n bytes without reading it.
func skip(p *packet, n int, next protocol) (protocol, Outcome) {
	if len(p.b) < n {
		return 0, Malformed
	}
	p.take(n)
	return next, more
}

// switchTag reads a DSA tag of Marvell's switches at byte at: four bytes in the place of a VLAN
// tag, whose id it has (Linux, net/dsa/tag_dsa.c). In front of it an EDSA tag has its EtherType
// and two zero bytes.
func switchTag(p *packet, at int) (protocol, Outcome) {
	if len(p.b) < at+6 {
		return 0, Malformed
	}
	p.enterVLAN(be16(p.b[at+2:]) & 0xfff)
	return etherType(p, at+6, at+4)
}

// metadata reads the header of Cisco MetaData: version 1, length of the options in 4 bytes,
// options. The EtherType follows them; in GRE it precedes the version and is recognized because no
// version is that large.
func metadata(p *packet) (protocol, Outcome) {
	if len(p.b) < 4 {
		return 0, Malformed
	}
	if protocol(be16(p.b)) >= firstEtherType {
		return etherType(p, 4+4*int(p.b[3]), 0)
	}
	n := 2 + 4*int(p.b[1])
	return etherType(p, n+2, n)
}

// timeStamp reads the header with which Arista's switches say when a frame came: subtype, version,
// and 64 or 48 bits of time as the version says (Arista, "Overview of Arista timestamps").
func timeStamp(p *packet) (protocol, Outcome) {
	if len(p.b) < 4 {
		return 0, Malformed
	}
	switch subtype, format := be16(p.b), p.b[3]>>4; {
	case subtype == 1 && format == 1:
		return etherType(p, 14, 12)
	case subtype == 1 && format == 2:
		return etherType(p, 12, 10)
	}
	return etherArista, NotTCP
}

// macSec reads the tag of MACsec (IEEE 802.1AE, section 9.3). A frame whose integrity alone is
// protected is clear; the integrity check value is behind what it carries.
func macSec(p *packet) (protocol, Outcome) {
	const version, hasChannel, encrypted, changed = 0x80, 0x20, 0x08, 0x04
	if len(p.b) < 6 {
		return 0, Malformed
	}
	n := 6
	switch flags := p.b[0]; {
	case flags&version != 0:
		return etherMACsec, NotTCP
	case flags&(encrypted|changed) != 0:
		return otherMACsec, NotTCP
	case flags&hasChannel != 0:
		n += 8
	}
	return etherType(p, n+2, n)
}

// nsh reads a Network Service Header (RFC 8300, section 2.2), whose length counts in 4 bytes.
func nsh(p *packet) (protocol, Outcome) {
	const version, operations = 0xc0, 0x20
	b := p.b
	if len(b) < 8 {
		return 0, Malformed
	}
	n, next := 4*int(b[1]&0x3f), nextProtocol(b[3])
	if n < 8 || n > len(b) {
		return 0, Malformed
	}
	if b[0]&(version|operations) != 0 || next == noTunnel {
		return etherNSH, NotTCP
	}
	p.take(n)
	return next, more
}

// nextProtocol maps what NSH, VXLAN-GPE and LISP-GPE have in common (RFC 8300, section 2.2; RFC
// 9305, section 6.1; draft-ietf-nvo3-vxlan-gpe, section 3.2).
func nextProtocol(n byte) protocol {
	switch n {
	case 1:
		return etherIPv4
	case 2:
		return etherIPv6
	case 3:
		return etherBridged
	case 4:
		return etherNSH
	case 5:
		return etherMPLS
	}
	return noTunnel
}

// trill reads the header of TRILL with its options, counted in 4 bytes (RFC 6325, section 3).
func trill(p *packet) (protocol, Outcome) {
	if len(p.b) < 6 {
		return 0, Malformed
	}
	if p.b[0]>>6 != 0 {
		return etherTRILL, NotTCP
	}
	return skip(p, 6+4*int(be16(p.b)>>6&0x1f), etherBridged)
}

// peel removes one of the headers that may stand around the IP packet in an Ethernet frame, that
// of Ethernet included.
func peel(kind protocol, p *packet) (protocol, Outcome) {
	switch kind {
	case etherBridged:
		return etherType(p, ethernetLen, 12)
	case etherVLAN, etherProviderVLAN, etherOldVLAN, etherOldVLAN2, etherOldVLAN3, etherOldVLAN4:
		return etherType(p, vlanLen, 2)
	case etherBackbone:
		return skip(p, 4, etherBridged)
	}
	return untag(kind, p)
}

// innermost returns the EtherType behind all of them, and what follows; 0 if one is cut.
func innermost(kind protocol, p *packet) (protocol, packet) {
	rest := *p
	for range MaxLayers {
		next, outcome := peel(kind, &rest)
		switch outcome {
		case more:
			kind = next
		case NotTCP:
			return kind, rest
		default:
			return 0, rest
		}
	}
	return 0, rest
}
