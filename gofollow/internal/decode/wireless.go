package decode

import "encoding/binary"

// IEEE 802.11 is read here, because gopacket's Dot11 allocates for every frame and takes the last
// four bytes for a check sequence, and its RadioTap removes padding by moving bytes of the caller's
// frame.

// wireless reads the radio header of a link type, then the 802.11 header.
func (d *Decoder) wireless(link uint32, p *packet) (protocol, Outcome) {
	switch link {
	case linkPPI:
		return d.ppi(p)
	case linkRadiotap:
		return d.radiotap(p)
	case linkPrism, linkAVS:
		return d.prism(p)
	}
	return d.wiFi(p, false)
}

// ppi reads the header of LINKTYPE_PPI, which names the link type of what follows.
func (d *Decoder) ppi(p *packet) (protocol, Outcome) {
	const n = 8
	if len(p.b) < n {
		return 0, Malformed
	}
	size, link := int(binary.LittleEndian.Uint16(p.b[2:])), binary.LittleEndian.Uint32(p.b[4:])
	if size < n || size > len(p.b) || link == linkPPI {
		return 0, Malformed
	}
	p.take(size)
	return d.linkLayer(link, p)
}

// prism reads the header of wlan-ng, or the one of AVS that replaced it, which
// captures of either link type may have. Both say their length.
func (d *Decoder) prism(p *packet) (protocol, Outcome) {
	const avs = 0x80211
	if len(p.b) < 8 {
		return 0, Malformed
	}
	code, size := binary.LittleEndian.Uint32(p.b), binary.LittleEndian.Uint32(p.b[4:])
	if code > 0xffff { // the capturing host was big-endian, or this is AVS, which always is
		code, size = binary.BigEndian.Uint32(p.b), binary.BigEndian.Uint32(p.b[4:])
	}
	if (code > 0xffff && code>>12 != avs) || size < 8 || uint64(size) > uint64(len(p.b)) {
		return 0, Malformed
	}
	p.take(int(size))
	return d.wiFi(p, false)
}

// radiotap reads a radiotap header, of which only the flags matter.
func (d *Decoder) radiotap(p *packet) (protocol, Outcome) {
	const (
		hasTime, hasFlags  = 1 << 0, 1 << 1
		padded, wrongCheck = 0x20, 0x40
	)
	b := p.b
	if len(b) < 8 || b[0] != 0 {
		return 0, Malformed
	}
	size, present := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	if size < 8 || size > len(b) {
		return 0, Malformed
	}
	at := 8
	for word := present; word>>31 != 0; at += 4 { // further words of the bit map
		if at+4 > size {
			return 0, Malformed
		}
		word = binary.LittleEndian.Uint32(b[at:])
	}
	if present&hasTime != 0 {
		at = (at+7)&^7 + 8
	}
	var flags byte
	if present&hasFlags != 0 {
		if at >= size {
			return 0, Malformed
		}
		flags = b[at]
	}
	p.take(size)
	if flags&wrongCheck != 0 {
		return otherWiFiDamaged, NotTCP // the receiver dropped it, and its sender repeats it
	}
	return d.wiFi(p, flags&padded != 0)
}

// wiFi reads the header of a data frame (IEEE 802.11-2020, section 9.3.2). If it is padded, its
// length is a multiple of 4. A repeated frame is a repeated segment, which the engine recognizes.
func (d *Decoder) wiFi(p *packet, padded bool) (protocol, Outcome) {
	const (
		dataType                                   = 2
		noData, qos                                = 4, 8 // of the subtype
		toDS, fromDS, moreFragments, secret, order = 0x01, 0x02, 0x04, 0x40, 0x80
		amsdu                                      = 0x80
	)
	b := p.b
	if len(b) < 10 {
		return 0, Malformed
	}
	kind, flags := b[0], b[1]
	if kind&(toDS|fromDS) != 0 && flags&0xf == dataType<<2 {
		// As in Cisco's CAPWAP. No frame in the order of the standard has bits in the version's
		// place.
		kind, flags = flags, kind
	}
	if kind&3 != 0 || kind>>2&3 != dataType {
		return otherWiFi, NotTCP
	}
	subtype := kind >> 4
	if subtype&noData != 0 {
		return otherWiFiNoData, NotTCP
	}
	n := 24
	if flags&toDS != 0 && flags&fromDS != 0 {
		n += 6 // the fourth address
	}
	control := n
	if subtype&qos != 0 {
		if n += 2; flags&order != 0 {
			n += 4 // HT control
		}
	}
	if padded {
		n = (n + 3) &^ 3
	}
	if len(b) < n {
		return 0, Malformed
	}
	if flags&moreFragments != 0 || b[22]&0xf != 0 {
		return otherWiFiFragment, NotTCP
	}
	aggregate := subtype&qos != 0 && b[control]&amsdu != 0
	p.take(n)
	if flags&secret != 0 && !decrypted(p) {
		return otherWiFiEncrypted, NotTCP
	}
	if aggregate {
		return d.subframe(p)
	}
	return d.llc(p)
}

// decrypted reports whether a frame with the protected flag is in clear text, as drivers leave it
// if the card decrypts, with or without the cipher's header of 4 or 8 bytes. It removes that
// header.
func decrypted(p *packet) bool {
	for _, n := range [...]int{0, 8, 4} {
		if len(p.b) >= n+6 && [6]byte(p.b[n:]) == [6]byte{0xaa, 0xaa, 3} {
			p.take(n)
			return true
		}
	}
	return false
}

// subframe reads the first frame of an A-MSDU, whose frames are padded to a multiple of 4, and
// leaves the others to Next. A rest that is shorter than a header is the frame check sequence.
func (d *Decoder) subframe(p *packet) (protocol, Outcome) {
	if len(p.b) < ethernetLen {
		return 0, Malformed
	}
	n := ethernetLen + int(be16(p.b[12:]))
	if end := (n + 3) &^ 3; end+ethernetLen <= len(p.b) {
		rest := *p
		rest.take(end)
		d.rest = append(d.rest, rest)
	}
	p.bound(n)
	p.take(ethernetLen)
	return d.llc(p)
}
