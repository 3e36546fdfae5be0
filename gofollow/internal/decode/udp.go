package decode

import (
	"encoding/binary"

	"github.com/google/gopacket/layers"
)

// Ports that tunnels are known by. Of some only the destination is: the source port is made of the inner flow.
const (
	portL2TP     = 1701
	portGTP      = 2152
	portTeredo   = 3544
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // Linux' before the port was assigned
)

// udp looks for a tunnel in a UDP datagram (RFC 768).
func (d *Decoder) udp(p *packet, seg *Segment) (protocol, Outcome) {
	const header = 8
	b := p.b
	if len(b) < header {
		return 0, Malformed
	}
	port := tunnelPort(be16(b), be16(b[2:]))
	if port == 0 {
		return protoUDP, NotTCP
	}
	inner := *p
	if n := int(be16(b[4:])); n > 0 { // 0 in a jumbogram (RFC 2675, section 4)
		inner.bound(max(n, header))
	}
	inner.take(header)
	inner.tunnel(seg)
	next := noTunnel
	switch port {
	case portVXLAN, portVXLANOld, portVXLANGPE:
		next = d.vxlan(&inner)
	case portGeneve:
		next = geneve(&inner)
	case portMPLS:
		next = etherMPLS
	case portGTP:
		next = gtp(&inner)
	case portTeredo:
		next = teredo(&inner)
	case portL2TP:
		next = l2tp(&inner)
	}
	if next == noTunnel {
		return protoUDP, NotTCP
	}
	*p = inner
	return next, more
}

// tunnelPort returns which tunnel the ports stand for, 0 for none.
func tunnelPort(from, to uint16) uint16 {
	switch to {
	case portL2TP, portGTP, portTeredo, portVXLAN, portVXLANGPE, portGeneve, portMPLS, portVXLANOld:
		return to
	}
	switch from {
	case portL2TP, portGTP, portTeredo:
		return from
	}
	return 0
}

// noTunnel says that a datagram is none of a tunnel, whatever its port stands for.
const noTunnel protocol = 0

// vxlan reads a VXLAN header (RFC 7348, section 5), or that of its extension which says what follows (VXLAN-GPE).
func (d *Decoder) vxlan(p *packet) protocol {
	const nextProtocol, version = 0x04, 0x30
	v := &d.scratch.vxlan
	defer func() { *v = layers.VXLAN{} }()
	b := p.b
	if !decodes(v, p) || !v.ValidIDFlag {
		return noTunnel
	}
	p.enter(uint64(portVXLAN)<<32 | uint64(v.VNI))
	if b[0]&nextProtocol == 0 {
		if b[7] != 0 {
			return noTunnel
		}
		return believed(etherBridged, p)
	}
	if b[0]&version != 0 {
		return noTunnel
	}
	switch b[3] {
	case 1:
		return believed(etherIPv4, p)
	case 2:
		return believed(etherIPv6, p)
	case 3:
		return believed(etherBridged, p)
	case 5:
		return etherMPLS
	}
	return noTunnel
}

// believed returns next if p can be it.
func believed(next protocol, p *packet) protocol {
	if next == etherMPLS || carries(next, p) { // what is below labels is looked at anyway
		return next
	}
	return noTunnel
}

// geneve reads a Geneve header (RFC 8926, section 3.4). gopacket's counts the options in 8 bits, which 252 bytes of
// them overflow, and keeps those of earlier packets.
func geneve(p *packet) protocol {
	const control = 0x80
	b := p.b
	if len(b) < 8 || b[0]>>6 != 0 || b[1]&control != 0 || b[7] != 0 {
		return noTunnel
	}
	n := 8 + int(b[0]&0x3f)*4
	if n > len(b) {
		return noTunnel
	}
	p.enter(uint64(portGeneve)<<32 | uint64(binary.BigEndian.Uint32(b[4:])>>8))
	p.take(n)
	return believed(protocol(be16(b[2:])), p)
}

// gtp reads the header of GTP-U, version 1 (3GPP TS 29.281, section 5). gopacket's prints, counts in
// 16 bits, and keeps the extension headers of earlier packets.
func gtp(p *packet) protocol {
	const (
		versionOne, reserved = 0x30, 0x08
		optional, extension  = 0x07, 0x04
		userData             = 0xff
	)
	b := p.b
	if len(b) < 8 || b[0]&0xf0 != versionOne || b[0]&reserved != 0 || b[1] != userData {
		return noTunnel
	}
	size := 8 + int(be16(b[2:]))
	if size > p.wire {
		return noTunnel
	}
	p.bound(size)
	b = p.b
	n := 8
	if b[0]&optional != 0 {
		n += 4
	}
	if b[0]&extension != 0 {
		for { // each names the next one in its last byte
			if n > len(b) {
				return noTunnel
			}
			if b[n-1] == 0 {
				break
			}
			if n >= len(b) || b[n] == 0 {
				return noTunnel
			}
			n += 4 * int(b[n])
		}
	}
	if n >= len(b) {
		return noTunnel
	}
	p.enter(uint64(portGTP)<<32 | uint64(binary.BigEndian.Uint32(b[4:])))
	p.take(n)
	switch {
	case p.b[0]>>4 == 4:
		return believed(etherIPv4, p)
	case p.b[0]>>4 == 6:
		return believed(etherIPv6, p)
	case bridges(p):
		return etherBridged
	}
	return noTunnel
}

// teredo reads what may stand before the IPv6 packet: an authentication and an origin
// indication (RFC 4380, section 5.1.1), once each.
func teredo(p *packet) protocol {
	if b := p.b; len(b) >= 4 && b[0] == 0 && b[1] == 1 {
		n := 4 + int(b[2]) + int(b[3]) + 8 + 1 // identifier, value, nonce, confirmation
		if n > len(b) {
			return noTunnel
		}
		p.take(n)
	}
	if b := p.b; len(b) >= 8 && b[0] == 0 && b[1] == 0 {
		p.take(8)
	}
	const prefix = 0x20010000 // of every client's address; each packet is one's (section 2.6)
	if b := p.b; len(b) < ipv6Len || binary.BigEndian.Uint32(b[8:]) != prefix && binary.BigEndian.Uint32(b[24:]) != prefix {
		return noTunnel
	}
	return believed(etherIPv6, p)
}

// l2tp reads a data message of L2TP, version 2 with PPP inside (RFC 2661, section 3.1) or 3 (RFC 3931, section 4.1.2.1).
func l2tp(p *packet) protocol {
	const (
		control, hasLength, hasSequence, hasOffset = 0x8000, 0x4000, 0x0800, 0x0200
		reserved                                   = 0x34f0
	)
	b := p.b
	if len(b) < 6 {
		return noTunnel
	}
	flags := be16(b)
	if flags == 3 {
		p.take(4)
		if next, outcome := l2tpSession(p); outcome == more {
			return next
		}
		return noTunnel
	}
	if flags&0xf != 2 || flags&(control|reserved) != 0 {
		return noTunnel
	}
	n := 2
	if flags&hasLength != 0 {
		size := int(be16(b[n:]))
		if n += 2; size > p.wire {
			return noTunnel
		}
		p.bound(size)
		b = p.b
	}
	ids := n
	if n += 4; flags&hasSequence != 0 {
		n += 4
	}
	if flags&hasOffset != 0 {
		if n+2 > len(b) {
			return noTunnel
		}
		n += 2 + int(be16(b[n:]))
	}
	if n > len(b) {
		return noTunnel
	}
	p.enter(uint64(portL2TP)<<32 | uint64(binary.BigEndian.Uint32(b[ids:])))
	p.take(n)
	next, outcome := ppp(p)
	if outcome != more {
		return noTunnel
	}
	return believed(next, p)
}
