package decode

import (
	"encoding/binary"

	"github.com/google/gopacket/layers"
)

// Ports of tunnels. Some tunnels have only a fixed destination port: the source port is a hash of
// the inner flow.
const (
	portL2TP     = 1701
	portGTP      = 2152
	portTeredo   = 3544
	portLISP     = 4341
	portGRE      = 4754
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portCAPWAP   = 5247 // data
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // Linux' before the port was assigned
	portTZSP     = 37008

	// What follows cannot be read, and is only counted by name.
	portOpenVPN       = 1194
	portLISPControl   = 4342
	portESP           = 4500
	portGREDTLS       = 4755
	portCAPWAPControl = 5246
	portGUE           = 6080
	portMPLSDTLS      = 6636
	portSCTP          = 9899
	portZeroTier      = 9993
	portLWAPPData     = 12222
	portLWAPPControl  = 12223
	portWireGuard     = 51820
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
	next, rest := noTunnel, len(d.rest)
	switch port {
	case portVXLAN, portVXLANOld, portVXLANGPE:
		next = d.vxlan(&inner, port)
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
	case portLISP:
		next = lisp(&inner)
	case portGRE:
		next = d.greInUDP(&inner)
	case portCAPWAP:
		next = d.capwap(&inner)
	case portTZSP:
		next = d.tzsp(&inner)
	}
	if next == noTunnel {
		d.rest = d.rest[:rest]
		return udpPort | protocol(port), NotTCP
	}
	*p = inner
	return next, more
}

// tunnelPort returns the port that identifies a tunnel, 0 for none.
func tunnelPort(from, to uint16) uint16 {
	switch to {
	case portL2TP, portGTP, portTeredo, portLISP, portGRE, portVXLAN, portVXLANGPE, portCAPWAP, portGeneve, portMPLS, portVXLANOld, portTZSP,
		portOpenVPN, portLISPControl, portESP, portGREDTLS, portCAPWAPControl, portGUE, portMPLSDTLS, portSCTP, portZeroTier,
		portLWAPPData, portLWAPPControl, portWireGuard:
		return to
	}
	switch from {
	case portL2TP, portGTP, portTeredo, portCAPWAP, portOpenVPN, portLISPControl, portESP, portCAPWAPControl, portSCTP, portZeroTier,
		portLWAPPData, portLWAPPControl, portWireGuard:
		return from
	}
	return 0
}

// noTunnel means that a datagram does not belong to a tunnel, although its port is that of one.
const noTunnel protocol = 0

// vxlan reads a VXLAN header (RFC 7348, section 5), or that of its extension which says what
// follows (VXLAN-GPE). On VXLAN's own ports the bit of the extension is a reserved one: it counts
// only where no Ethernet frame follows.
func (d *Decoder) vxlan(p *packet, port uint16) protocol {
	const extended, version = 0x04, 0x30
	v := &d.scratch.vxlan
	defer func() { *v = layers.VXLAN{} }()
	b := p.b
	if !decodes(v, p) || !v.ValidIDFlag {
		return noTunnel
	}
	p.enterNetwork(separateVXLAN, v.VNI)
	if b[0]&extended != 0 && b[0]&version == 0 && (port == portVXLANGPE || !bridges(p)) {
		next := checked(nextProtocol(b[3]), p)
		if next != noTunnel || port == portVXLANGPE {
			return next
		}
	}
	return checked(etherBridged, p)
}

// checked returns next if p can be a packet of that protocol.
func checked(next protocol, p *packet) protocol {
	// What is below labels is looked at anyway.
	if next == etherMPLS || (next != noTunnel && carries(next, p)) {
		return next
	}
	return noTunnel
}

// geneve reads a Geneve header (RFC 8926, section 3.4). gopacket counts the options in 8 bits,
// which 252 bytes of options overflow, and keeps those of earlier packets.
func geneve(p *packet) protocol {
	const control = 0x80
	b := p.b
	if len(b) < 8 || b[0]>>6 != 0 || b[1]&control != 0 {
		return noTunnel
	}
	n := 8 + int(b[0]&0x3f)*4
	if n > len(b) {
		return noTunnel
	}
	p.enterNetwork(separateGeneve, binary.BigEndian.Uint32(b[4:])>>8)
	p.take(n)
	return checked(protocol(be16(b[2:])), p)
}

// gtp reads the header of GTP-U, version 1 (3GPP TS 29.281, section 5). gopacket prints, counts
// in 16 bits, and keeps the extension headers of earlier packets.
func gtp(p *packet) protocol {
	const (
		versionOne          = 0x30
		optional, extension = 0x07, 0x04
		userData            = 0xff
	)
	b := p.b
	if len(b) < 8 || b[0]&0xf0 != versionOne || b[1] != userData {
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
		return checked(etherIPv4, p)
	case p.b[0]>>4 == 6:
		return checked(etherIPv6, p)
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
	if b := p.b; len(b) < ipv6Len || (binary.BigEndian.Uint32(b[8:]) != prefix && binary.BigEndian.Uint32(b[24:]) != prefix) {
		return noTunnel
	}
	return checked(etherIPv6, p)
}

// l2tp reads a data message of L2TP, version 2 with PPP inside (RFC 2661, section 3.1) or 3 (RFC
// 3931, section 4.1.2.1).
func l2tp(p *packet) protocol {
	const (
		control, hasLength, hasSequence, hasOffset = 0x8000, 0x4000, 0x0800, 0x0200
		version                                    = 0x000f
	)
	b := p.b
	if len(b) < 6 {
		return noTunnel
	}
	flags := be16(b)
	if flags&(control|version) == 3 {
		p.take(4)
		if next, outcome := l2tpSession(p); outcome == more {
			return next
		}
		return noTunnel
	}
	if flags&(control|version) != 2 {
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
	return checked(next, p)
}

// greInUDP reads GRE in a UDP datagram (RFC 8086).
func (d *Decoder) greInUDP(p *packet) protocol {
	next, outcome := d.gre(p)
	if outcome != more {
		return noTunnel
	}
	return checked(next, p)
}

// frame reads the header of a link type in a datagram, and returns what follows if p can be it.
func (d *Decoder) frame(link uint32, p *packet) protocol {
	next, outcome := d.linkLayer(link, p)
	switch outcome {
	case more:
		return checked(next, p)
	case NotTCP:
		return next
	}
	return noTunnel
}

// lisp reads the header of LISP (RFC 9300, section 5.1), or that of its extension which says what
// follows (RFC 9305). A packet with a key id and no valid content is encrypted (RFC 8061).
func lisp(p *packet) protocol {
	const hasInstance, extended, key = 0x08, 0x04, 0x03
	b := p.b
	if len(b) < 8 {
		return noTunnel
	}
	if b[0]&hasInstance != 0 {
		p.enterNetwork(separateLISP, binary.BigEndian.Uint32(b[4:])>>8)
	}
	p.take(8)
	if next, outcome := rawIP(p); outcome == more && checked(next, p) == next {
		return next
	}
	if b[0]&extended != 0 {
		if next := checked(nextProtocol(b[3]), p); next != noTunnel {
			return next
		}
	}
	if b[0]&key != 0 {
		return otherLISP
	}
	return noTunnel
}

// capwap reads the header of CAPWAP's data (RFC 5415, section 4.3), within which are Ethernet or
// 802.11 frames.
func (d *Decoder) capwap(p *packet) protocol {
	const (
		plain, dtls         = 0, 1    // version and type of header
		native              = 0x01    // in the third byte: the frame is of the binding's kind
		fragment, keepAlive = 0x80, 8 // in the fourth
		bindingWiFi         = 1
	)
	b := p.b
	if len(b) < 8 {
		return noTunnel
	}
	if b[0] == dtls {
		return otherCAPWAP
	}
	n := 4 * int(b[1]>>3)
	if b[0] != plain || n < 8 || n > len(b) || b[3]&keepAlive != 0 {
		return noTunnel
	}
	if b[3]&fragment != 0 {
		return otherCAPWAPFragment
	}
	p.take(n)
	switch {
	case b[2]&native == 0:
		return d.frame(linkEthernet, p)
	case b[2]>>1&0x1f == bindingWiFi:
		return d.frame(linkWiFi, p)
	}
	return noTunnel
}

// tzsp reads the header of TZSP, and tags up to the one that ends them.
func (d *Decoder) tzsp(p *packet) protocol {
	const received, transmit = 0, 1
	const padding, end = 0, 1
	b := p.b
	if len(b) < 5 || b[0] != 1 || (b[1] != received && b[1] != transmit) {
		return noTunnel
	}
	n := 4
	for b[n] != end {
		if b[n] == padding {
			n++
		} else if n+1 < len(b) {
			n += 2 + int(b[n+1])
		} else {
			return noTunnel
		}
		if n >= len(b) {
			return noTunnel
		}
	}
	p.take(n + 1)
	switch be16(b[2:]) {
	case 1:
		return d.frame(linkEthernet, p)
	case 4:
		return d.frame(linkPPP, p)
	case 5:
		return d.frame(linkFDDI, p)
	case 7:
		return d.frame(linkRaw, p)
	case 18:
		return d.frame(linkWiFi, p)
	case 119:
		return d.frame(linkPrism, p)
	case 127:
		return d.frame(linkAVS, p)
	}
	return noTunnel
}
