package decode

// serial reads what link types of point-to-point lines begin with.
func serial(link uint32, p *packet) (protocol, Outcome) {
	switch link {
	case linkPPPoE:
		return etherPPPoE, more
	case linkPPPDirection, linkHDLCDir, linkPPPD:
		// A byte says which way the packet went. In PPPD's files it replaces the address.
		if len(p.b) < 2 {
			return 0, Malformed
		}
		p.take(1)
		if link == linkPPPD && p.b[0] == 3 {
			p.take(1)
		}
	}
	addressed := len(p.b) > 0 && (p.b[0] == 0x0f || p.b[0] == 0x8f)
	if link == linkCiscoHDLC || link == linkHDLCDir || addressed {
		return ciscoHDLC(p)
	}
	return ppp(p)
}

// ciscoHDLC reads address, control and an EtherType (RFC 1547, section 4.3.1).
func ciscoHDLC(p *packet) (protocol, Outcome) {
	next, outcome := etherType(p, 4, 2)
	if outcome == more && next < firstEtherType {
		return next, NotTCP
	}
	return next, outcome
}

// ppp reads the protocol field, which may be one byte long, after address and
// control where they stand (RFC 1661, section 2; RFC 1662, section 3.1).
func ppp(p *packet) (protocol, Outcome) {
	if len(p.b) >= 2 && p.b[0] == 0xff && p.b[1] == 0x03 {
		p.take(2)
	}
	var number uint16
	switch {
	case len(p.b) >= 1 && p.b[0]&1 == 1:
		number = uint16(p.b[0])
		p.take(1)
	case len(p.b) >= 2 && p.b[1]&1 == 1:
		number = be16(p.b)
		p.take(2)
	default:
		return 0, Malformed
	}
	switch number {
	case 0x0021:
		return etherIPv4, more
	case 0x0057:
		return etherIPv6, more
	case 0x0281, 0x0283: // unicast, multicast
		return etherMPLS, more
	}
	return pppProtocol | protocol(number), NotTCP
}

// pppoe reads the header of a PPPoE session (RFC 2516, section 4).
func pppoe(p *packet) (protocol, Outcome) {
	const n = 6
	b := p.b
	if len(b) < n || b[0] != 0x11 {
		return 0, Malformed
	}
	if b[1] != 0 {
		return otherPPPoE, NotTCP
	}
	p.enterService(separatePPPoE, uint32(be16(b[2:])))
	p.bound(n + int(be16(b[4:])))
	p.take(n)
	return etherPPP, more
}
