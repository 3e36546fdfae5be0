package decode

import (
	"encoding/binary"

	"gofollow/gofollow/internal/fragment"
)

// LinkDatagram is the link type of the frames that are made of whole datagrams with
// Decoder.Defragment. It is not a number of the registry: capture files have 16 bits.
//
// A frame begins with what the layers around the fragments left behind, so that it is decoded as
// the datagram would have been in their place: the number of VLAN ids, the length of the
// separation's layers, where in them the tunnel under way begins (packet.outer), how many IP
// headers are around, the path in eight bytes, the ids in two bytes each, the layers. An IP header
// and the datagram's data follow.
const LinkDatagram = 1 << 24

const datagramHeaderLen = 12

// makeWhole makes d.Whole of a datagram whose last fragment p was.
func (d *Decoder) makeWhole(p *packet, seg *Segment, whole *fragment.Datagram) {
	b := append(d.Whole[:0], p.tags, p.separation, p.outer, p.depth-1)
	b = binary.BigEndian.AppendUint64(b, p.path)
	for _, id := range p.vlans[:p.tags] {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	if p.separation > 0 {
		b = append(b, p.separate.layers[:p.separation]...)
	}
	if seg.IPv6 {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(whole.Wire))
		b = append(b, whole.Next, 64)
		for _, word := range [...]uint64{seg.Src.Hi, seg.Src.Lo, seg.Dst.Hi, seg.Dst.Lo} {
			b = binary.BigEndian.AppendUint64(b, word)
		}
	} else {
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+whole.Wire))
		b = append(b, 0, 0, 0, 0, 64, whole.Next, 0, 0) // nothing here checks the sum of the header
		b = binary.BigEndian.AppendUint32(b, uint32(seg.Src.Lo))
		b = binary.BigEndian.AppendUint32(b, uint32(seg.Dst.Lo))
	}
	d.WholeWire = len(b) + whole.Wire
	d.Whole = append(b, whole.Data...)
}

// datagram reads the header of LinkDatagram.
func (d *Decoder) datagram(p *packet) (protocol, Outcome) {
	b := p.b
	if len(b) < datagramHeaderLen {
		return 0, Malformed
	}
	tags, separation, outer, depth := b[0], b[1], b[2], b[3]
	n := datagramHeaderLen + 2*int(tags) + int(separation)
	if int(tags) > len(p.vlans) || len(b) < n || outer > separation || depth > MaxLayers {
		return 0, Malformed
	}
	layers := b[n-int(separation) : n]
	if !soundLayers(layers) {
		return 0, Malformed
	}
	p.path = binary.BigEndian.Uint64(b[4:])
	for i := range p.vlans[:tags] {
		p.vlans[i] = be16(b[datagramHeaderLen+2*i:])
	}
	p.tags, p.depth = tags, depth
	if p.separate != nil {
		p.separation, p.outer = uint8(copy(p.separate.layers[:], layers)), outer
	}
	p.take(n)
	p.frame = p.wire
	return rawIP(p)
}

// soundLayers reports whether bytes describe a network, as those of Separations do.
func soundLayers(b []byte) bool {
	for len(b) > 0 {
		n := 5
		switch {
		case b[0] == separateIPv4:
			n = 9
		case b[0] == separateIPv6:
			n = 33
		case b[0] > separateIPv6:
			return false
		}
		if len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}
