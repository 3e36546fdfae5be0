package decode

import (
	"encoding/binary"

	"gofollow/gofollow/internal/fragment"
)

// fragmentIPv4 reads the IPv4 header of a fragment, which ipv4 found to be sound.
func (d *Decoder) fragmentIPv4(p *packet, seg *Segment) (protocol, Outcome) {
	b := p.b
	header, total, flags := int(b[0]&0xf)*4, int(be16(b[2:])), be16(b[6:])
	seg.IPv6 = false
	seg.Src = Addr{Lo: uint64(binary.BigEndian.Uint32(b[12:]))}
	seg.Dst = Addr{Lo: uint64(binary.BigEndian.Uint32(b[16:]))}
	p.unverifiable = sourceRouted(b[ipv4Len:header])
	if total > 0 {
		p.bound(total)
	}
	p.take(header)
	next, outcome := d.reassemble(p, seg, &fragment.Key{ID: uint32(be16(b[4:])), Protocol: b[9]},
		&fragment.Fragment{Offset: int(flags&0x1fff) * 8, Last: flags&0x2000 == 0, Next: b[9], Header: header})
	return ipv4Payload(next), outcome
}

// fragmentIPv6 reads a fragment header. A first fragment without more fragments is a whole packet
// (RFC 6946).
func (d *Decoder) fragmentIPv6(p *packet, seg *Segment) (protocol, Outcome) {
	const header = 8
	b := p.b
	if len(b) < header {
		return 0, Malformed
	}
	flags := be16(b[2:])
	p.take(header)
	if flags&0xfff9 == 0 {
		return ipProtocol + protocol(b[0]), more
	}
	return d.reassemble(p, seg, &fragment.Key{ID: binary.BigEndian.Uint32(b[4:]), IPv6: true},
		&fragment.Fragment{Offset: int(flags &^ 7), Last: flags&1 == 0, Next: b[0]})
}

// reassemble adds the rest of a packet to its datagram. If that completes the datagram, p becomes
// the datagram, as if it had been sent in one packet.
func (d *Decoder) reassemble(p *packet, seg *Segment, key *fragment.Key, f *fragment.Fragment) (protocol, Outcome) {
	key.Src, key.Dst, key.Path = [2]uint64{seg.Src.Hi, seg.Src.Lo}, [2]uint64{seg.Dst.Hi, seg.Dst.Lo}, p.path
	if d.Fragmented == 0 {
		d.FirstFragment = *key
	}
	d.LastFragment = *key
	d.Fragmented++
	d.Depth = p.depth - 1
	if d.KeysOnly {
		return 0, Fragment
	}
	f.Wire, f.Data = p.wire, p.b
	whole, ok := d.Fragments.Add(key, f, d.Now)
	if !ok {
		return 0, Fragment
	}
	if d.Defragment {
		d.makeWhole(p, seg, &whole)
		return 0, Whole
	}
	p.b, p.wire, p.frame = whole.Data, whole.Wire, whole.Wire
	p.lengthless = false
	p.owned = true
	return ipProtocol + protocol(whole.Next), more
}
