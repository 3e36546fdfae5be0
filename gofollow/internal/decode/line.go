package decode

import "encoding/binary"

// frameRelay reads the address field and the field that identifies what follows: an NLPID (RFC
// 2427), or in Cisco's frames an EtherType.
func frameRelay(p *packet) (protocol, Outcome) {
	const (
		unnumbered                     = 0x03 // information, the control field
		nlpidSNAP, nlpidIPv6           = 0x80, 0x8e
		nlpidIPv4, nlpidPPP            = 0xcc, 0xcf
		bridged, bridgedCheck, snapLen = 0x0080c20007, 0x0080c20001, 5
	)
	b := p.b
	n := 2
	for n < 4 && n <= len(b) && b[n-1]&1 == 0 { // the last byte of an address is odd
		n++
	}
	if len(b) < n+2 || b[n-1]&1 == 0 {
		return 0, Malformed
	}
	address := uint64(b[0] & 0xfc)
	for _, part := range b[1:n] { // the low bits are flags of the frame
		address = address<<8 | uint64(part&0xf0)
	}
	p.enter(uint64(otherFrameRelay)<<32 | address)
	if b[n] != unnumbered {
		return etherType(p, n+2, n)
	}
	if n++; b[n] == 0 { // a pad
		n++
	}
	if len(b) <= n {
		return 0, Malformed
	}
	nlpid := b[n]
	p.take(n + 1)
	switch nlpid {
	case nlpidIPv4:
		return etherIPv4, more
	case nlpidIPv6:
		return etherIPv6, more
	case nlpidPPP:
		return etherPPP, more
	case nlpidSNAP:
		if len(p.b) < snapLen {
			return 0, Malformed
		}
		organization, kind := uint64(be16(p.b))<<8|uint64(p.b[2]), be16(p.b[3:])
		p.take(snapLen)
		switch organization<<16 | uint64(kind) {
		case bridged, bridgedCheck:
			return etherBridged, more
		}
		if organization == 0 {
			return protocol(kind), more
		}
	}
	return otherFrameRelay, NotTCP
}

// juniper reads the header of Juniper's routers: "MGC", flags, maybe extensions, and the link
// layer's header or, where that was taken off, four bytes (tcpdump, print-juniper.c).
func juniper(link uint32, p *packet) (protocol, Outcome) {
	const noLink, extended = 0x02, 0x80
	b := p.b
	if len(b) < 6 || string(b[:3]) != "MGC" {
		return 0, Malformed
	}
	n := 4
	if b[3]&extended != 0 {
		n += 2 + int(be16(b[4:]))
	}
	if b[3]&noLink != 0 {
		n += 4
	}
	if len(b) < n {
		return 0, Malformed
	}
	p.take(n)
	if b[3]&noLink != 0 {
		return rawIP(p)
	}
	switch link {
	case linkJuniperPPP:
		return ppp(p)
	case linkJuniperRelay:
		return frameRelay(p)
	case linkJuniperHDLC:
		return ciscoHDLC(p)
	case linkJuniperPPPoEATM:
		return etherType(p, 2, 0)
	}
	return etherBridged, more
}

// ipNet reads the header of Solaris' IP observability device, in which only the version must be
// known.
func ipNet(p *packet) (protocol, Outcome) {
	const header = 24
	if len(p.b) < header || p.b[0] != 1 {
		return 0, Malformed
	}
	p.take(header)
	return rawIP(p)
}

// exportedPDU reads what Wireshark writes before a packet that it exports: tags, each with a
// length, of which one is the name of the dissector that reads the packet.
func exportedPDU(p *packet) (protocol, Outcome) {
	const header, end, name = 4, 0, 12
	next, known := otherExported, NotTCP
	for len(p.b) >= header {
		tag, n := be16(p.b), int(be16(p.b[2:]))
		p.take(header)
		if tag == end {
			if known == more && next == linkType|linkRaw {
				return rawIP(p)
			}
			return next, known
		}
		if n > len(p.b) {
			break
		}
		if tag == name {
			next, known = dissected(p.b[:n])
		}
		p.take(n)
	}
	return 0, Malformed
}

// dissected returns what a dissector of Wireshark's reads, by its name, behind which are zero
// bytes.
func dissected(name []byte) (protocol, Outcome) {
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	switch string(name) {
	case "ip", "ipv6", "raw_ip":
		return linkType | linkRaw, more
	case "eth", "eth_withfcs", "eth_withoutfcs", "eth_maybefcs":
		return etherBridged, more
	}
	return otherExported, NotTCP
}

// packetTap reads the header of Darwin's PKTAP, which has its own length and the link type of what
// follows, in the byte order of the capturing host. Lengths are small, so the order shows.
func packetTap(p *packet) (protocol, Outcome) {
	const header, isPacket = 12, 1
	if len(p.b) < header {
		return 0, Malformed
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if order.Uint32(p.b) > 0xffff {
		order = binary.BigEndian
	}
	n, kind, link := order.Uint32(p.b), order.Uint32(p.b[4:]), order.Uint32(p.b[8:])
	if n < header || uint64(n) > uint64(len(p.b)) || link > 0xffff {
		return 0, Malformed
	}
	if kind != isPacket {
		return otherPacketTap, NotTCP
	}
	p.take(int(n))
	return linkType | protocol(link), more
}
