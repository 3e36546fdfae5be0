package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// gopacketLayers are the layers that gopacket decodes into.
type gopacketLayers struct {
	llc     layers.LLC
	snap    layers.SNAP
	gre     layers.GRE
	erspan  layers.ERSPANII
	vxlan   layers.VXLAN
	etherIP layers.EtherIP
}

// decodes lets gopacket decode a header, and removes it. gopacket may index without checking the
// length, so its panic means that the header is cut. The caller clears the layer, because the frame
// must not be kept.
func decodes(l gopacket.DecodingLayer, p *packet) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	// The capacity is cut, since slicing up to it would not panic.
	if l.DecodeFromBytes(p.b[:len(p.b):len(p.b)], gopacket.NilDecodeFeedback) != nil {
		return false
	}
	p.take(len(p.b) - len(l.LayerPayload()))
	return true
}

// encapsulated reads the headers that most frames do not have.
func (d *Decoder) encapsulated(next protocol, p *packet, seg *Segment) (protocol, Outcome) {
	switch next {
	case protoUDP:
		return d.udp(p, seg)
	case fragmentIPv4:
		return d.fragmentIPv4(p, seg)
	case protoGRE:
		p.tunnel(seg)
		return d.gre(p)
	case protoEtherIP:
		p.tunnel(seg)
		defer func() { d.scratch.etherIP = layers.EtherIP{} }()
		if !decodes(&d.scratch.etherIP, p) {
			return 0, Malformed
		}
		return etherBridged, more
	case protoL2TP:
		p.tunnel(seg)
		return l2tpSession(p)
	case protoMPLS:
		p.tunnel(seg)
		return mpls(p)
	case protoEthernet:
		p.tunnel(seg)
		return etherBridged, more
	case etherMPLS, etherMPLSMulticast:
		return mpls(p)
	case etherPPPoE:
		return pppoe(p)
	case etherPPP:
		return ppp(p)
	case etherBackbone:
		return backbone(p)
	}
	switch {
	case next < firstEtherType: // a length
		p.bound(int(next))
		return d.llc(p)
	case next&linkType != 0:
		return d.linkLayer(uint32(next&^linkType), p)
	}
	return untag(next, p)
}

// tunnel adds the outer addresses to the path: the packets inside may use addresses that other
// tunnels use, too.
func (p *packet) tunnel(seg *Segment) {
	for _, w := range [...]uint64{seg.Src.Hi, seg.Src.Lo, seg.Dst.Hi, seg.Dst.Lo} {
		p.enter(w)
	}
	p.enterPair(seg)
}

// llc reads the header of IEEE 802.2 and the one of SNAP, which has an EtherType.
func (d *Decoder) llc(p *packet) (protocol, Outcome) {
	l, s := &d.scratch.llc, &d.scratch.snap
	defer func() { *l, *s = layers.LLC{}, layers.SNAP{} }()
	if !decodes(l, p) {
		return 0, Malformed
	}
	saps := llcProtocol | protocol(l.DSAP)<<8 | protocol(l.SSAP)
	switch {
	case l.DSAP == 6 && l.SSAP == 6:
		return etherIPv4, more
	case l.DSAP != 0xaa || l.SSAP != 0xaa:
		return saps, NotTCP
	case !decodes(s, p):
		return 0, Malformed
	}
	// 0 is for EtherTypes (RFC 1042), 0xf8 for those that a bridge translated (IEEE 802.1H).
	if o := s.OrganizationalCode; o[0] != 0 || o[1] != 0 || (o[2] != 0 && o[2] != 0xf8) {
		return saps, NotTCP
	}
	return protocol(s.Type), more
}

// backbone reads the service tag of IEEE 802.1ah, behind which the customer's frame begins.
func backbone(p *packet) (protocol, Outcome) {
	if len(p.b) < 4 {
		return 0, Malformed
	}
	p.enterService(separateService, binary.BigEndian.Uint32(p.b)&0xffffff)
	p.take(4)
	return etherBridged, more
}

// gre reads a GRE header: version 0 (RFC 2784, RFC 2890, the routing of RFC 1701), or
// version 1 of PPTP (RFC 2637) and MikroTik's EoIP.
func (d *Decoder) gre(p *packet) (protocol, Outcome) {
	g := &d.scratch.gre
	defer func() { *g = layers.GRE{} }()
	if !decodes(g, p) {
		return 0, Malformed
	}
	next := protocol(g.Protocol)
	switch {
	case g.Version == 1 && next == etherEoIP: // both ends have the same id, little-endian
		p.enterNetwork(separateEoIP, uint32(bits.ReverseBytes16(uint16(g.Key))))
	case g.Version == 1:
		p.enter(uint64(protoGRE)<<32 | uint64(g.Key&0xffff)) // the receiver's call; above it is the length
	case g.KeyPresent:
		p.greNetwork(g.Key, next, !g.ChecksumPresent && !g.SeqPresent)
	}
	switch {
	case g.Version == 1 && next == etherPPP:
		if p.bound(int(g.Key >> 16)); p.wire == 0 {
			return protoGRE, NotTCP // an acknowledgement alone
		}
	case g.Version == 1 && next == etherEoIP:
		if p.bound(int(g.Key >> 16)); p.wire == 0 {
			return protoGRE, NotTCP // a keep-alive
		}
		return etherBridged, more
	case g.Version != 0:
		return otherGRE, NotTCP
	case next < firstEtherType: // a keep-alive, or routing
		return next, NotTCP
	case next == etherERSPAN && !g.SeqPresent:
		return etherBridged, more // type I has no header of its own
	case next == etherERSPAN, next == etherERSPAN3:
		return d.erspan(p)
	case next >= arubaFirst && next <= arubaLast && next&0xf == 0:
		return d.wireless(linkWiFi, p)
	case next == etherFrameRelay:
		return frameRelay(p)
	case next == etherWCCP:
		if len(p.b) > 4 && p.b[0]>>4 != 4 {
			p.take(4) // version 2's redirect header
		}
		return etherIPv4, more
	}
	return next, more
}

// erspan reads the header of ERSPAN, type II or III (draft-foschiano-erspan-03). gopacket knows
// only type II.
func (d *Decoder) erspan(p *packet) (protocol, Outcome) {
	const three = 12
	if len(p.b) == 0 {
		return 0, Malformed
	}
	switch p.b[0] >> 4 {
	case 0, 1:
		e := &d.scratch.erspan
		defer func() { *e = layers.ERSPANII{} }()
		if !decodes(e, p) {
			return 0, Malformed
		}
		p.enterNetwork(separateERSPAN, uint32(e.SessionID))
		return etherBridged, more
	case 2:
		if len(p.b) < three {
			return 0, Malformed
		}
		p.enterNetwork(separateERSPAN, uint32(be16(p.b[2:])&0x3ff))
		n, kind := three, p.b[10]>>2&0x1f
		if p.b[11]&1 != 0 {
			n += 8 // a part that depends on the platform
		}
		if len(p.b) < n {
			return 0, Malformed
		}
		p.take(n)
		switch kind {
		case 0:
			return etherBridged, more
		case 2:
			return rawIP(p)
		}
	}
	return otherERSPAN, NotTCP
}

// mpls reads one label (RFC 3032). The protocol below the last label is not identified, so mpls
// infers it from the bytes.
func mpls(p *packet) (protocol, Outcome) {
	if len(p.b) < 4 {
		return 0, Malformed
	}
	label := binary.BigEndian.Uint32(p.b)
	p.take(4)
	if label&0x100 == 0 {
		return etherMPLS, more
	}
	p.enter(uint64(etherMPLS)<<32 | uint64(label>>12))
	b := p.b
	if len(b) == 0 {
		return 0, Malformed
	}
	if len(b) >= 4 && b[0]>>4 == 0 { // as a control word begins (RFC 4385, section 3)
		frame := *p
		if frame.take(4); bridges(&frame) {
			*p = frame
			return etherBridged, more
		}
	}
	switch {
	case bridges(p): // an Ethernet address may begin as IP does
		return etherBridged, more
	case b[0]>>4 == 4 && carries(etherIPv4, p):
		return etherIPv4, more
	case b[0]>>4 == 6 && carries(etherIPv6, p):
		return etherIPv6, more
	}
	return otherMPLS, NotTCP
}

// l2tpSession reads the session header of L2TP version 3 (RFC 3931, section 4.1). The length of the
// cookie and the sublayer are negotiated elsewhere, so l2tpSession searches for the frame.
func l2tpSession(p *packet) (protocol, Outcome) {
	if len(p.b) < 4 {
		return 0, Malformed
	}
	session := binary.BigEndian.Uint32(p.b)
	if session == 0 {
		return protoL2TP, NotTCP // control
	}
	p.enter(uint64(protoL2TP)<<32 | uint64(session))
	for _, n := range [...]int{0, 4, 8, 12} {
		frame := *p
		if len(p.b) >= 4+n {
			if frame.take(4 + n); bridges(&frame) {
				*p = frame
				return etherBridged, more
			}
		}
	}
	return protoL2TP, NotTCP
}

// carries reports whether p can be a packet of the protocol next. UDP ports and labels do not
// identify their content reliably, and other traffic must not be taken for TCP.
func carries(next protocol, p *packet) bool {
	b := p.b
	cut := len(b) < p.wire
	switch next {
	case etherIPv4:
		if len(b) < ipv4Len {
			return cut
		}
		header, total := int(b[0]&0xf)*4, int(be16(b[2:]))
		if b[0]>>4 != 4 || header < ipv4Len {
			return false
		}
		return total == 0 || (header <= total && total <= p.wire)
	case etherIPv6:
		if len(b) < ipv6Len {
			return cut
		}
		return b[0]>>4 == 6 && ipv6Len+int(be16(b[4:])) <= p.wire
	case etherPPPoE:
		return len(b) >= 6 && b[0] == 0x11 && b[1] == 0 && 6+int(be16(b[4:])) <= p.wire
	case etherPPP:
		rest := *p
		inner, outcome := ppp(&rest)
		return outcome == more && inner != etherMPLS && carries(inner, &rest)
	case etherBridged:
		inner, rest := innermost(etherBridged, p)
		if tellable(inner) {
			return carries(inner, &rest)
		}
		return len(b) >= ethernetLen
	}
	inner, rest := innermost(next, p)
	return tellable(inner) && inner != next && carries(inner, &rest)
}

// tellable reports whether a header of a protocol can be recognized by its own bytes.
func tellable(p protocol) bool { return p == etherIPv4 || p == etherIPv6 || p == etherPPPoE }

// bridges reports whether p is certainly an Ethernet frame: one that contains IP or PPPoE.
func bridges(p *packet) bool {
	inner, rest := innermost(etherBridged, p)
	return tellable(inner) && carries(inner, &rest)
}
