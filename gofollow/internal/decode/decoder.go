package decode

import (
	"math/bits"

	"gofollow/gofollow/internal/fragment"
)

// Decoder turns frames into segments. It is not safe for concurrent use.
type Decoder struct {
	// VerifyChecksum makes segments with a wrong TCP checksum BadChecksum.
	VerifyChecksum bool

	// Now is the time of the frame to be decoded, in nanoseconds. Only fragments need it.
	Now int64

	// Separate numbers the networks of segments. Nil: it distinguishes none.
	Separate *Separations

	// Fragments holds the fragments of datagrams that are not whole yet.
	Fragments fragment.Table

	// Fragmented counts the fragments that frames were or contained since the caller set it to 0,
	// FirstFragment and LastFragment are the datagrams that the first and the last of them are part
	// of.
	Fragmented                  int
	FirstFragment, LastFragment fragment.Key
	Depth                       uint8 // how many IP headers are around that of the last one

	// KeysOnly makes a fragment set these fields and nothing else: it is not kept.
	KeysOnly bool

	// Defragment makes a fragment that completes its datagram Whole, and of the datagram a frame of
	// link type LinkDatagram, valid until the next Decode.
	Defragment bool
	Whole      []byte
	WholeWire  int // its length on the wire

	// Stopped identifies the layer at which decoding stopped, for the last frame that was NotTCP or
	// UnknownLink. Name returns its name.
	Stopped uint32

	// VLANs begins with the ids of the tags around the last segment, outermost first.
	VLANs [MaxLayers]uint16

	rest    []packet // what is left of frames that have several inside, the innermost last
	scratch gopacketLayers
}

// MaxLayers is how many headers a frame may have, TCP's included. Real frames have up to twenty
// (tags, labels and tags again within a tunnel). The limit bounds the cost of a frame that consists
// of tags or tunnels only.
const MaxLayers = 32

// layers decodes a frame layer by layer.
func (d *Decoder) layers(link uint32, frame []byte, wireLen int, seg *Segment) Outcome {
	p := packet{b: frame, wire: max(wireLen, len(frame))}
	p.frame = p.wire
	p.separate, p.vlans = d.Separate, &d.VLANs
	next, outcome := d.linkLayer(link, &p)
	if outcome != more {
		d.Stopped = uint32(next)
		return outcome
	}
	for range MaxLayers {
		switch next {
		case etherBridged:
			next, outcome = ethernet(&p)
		case etherVLAN, etherProviderVLAN, etherOldVLAN, etherOldVLAN2, etherOldVLAN3, etherOldVLAN4:
			next, outcome = vlan(&p)
		case protoIPv4:
			p.tunnel(seg)
			fallthrough
		case etherIPv4:
			p.depth++
			next, outcome = ipv4(&p, seg, d.VerifyChecksum)
		case protoIPv6:
			p.tunnel(seg)
			fallthrough
		case etherIPv6:
			p.depth++
			next, outcome = ipv6(&p, seg)
		case protoTCP:
			if p.crowded {
				return TooDeep
			}
			outcome = tcp(&p, seg, d.VerifyChecksum)
			seg.Owned, seg.VLANs = p.owned, p.tags
			if d.Separate != nil {
				seg.Separation = d.Separate.number(&p)
			}
			return outcome
		case protoHopByHop:
			next, outcome = hopByHop(&p)
		case protoRouting:
			next, outcome = routing(&p)
		case protoDestination:
			next, outcome = extension(&p)
		case protoFragment:
			next, outcome = d.fragmentIPv6(&p, seg)
		case protoAuthentication:
			next, outcome = authentication(&p)
		default:
			next, outcome = d.encapsulated(next, &p, seg)
		}
		if outcome != more {
			d.Stopped = uint32(next)
			return outcome
		}
	}
	return TooDeep
}

// More reports whether the frame that was decoded last has another one inside, which
// Next decodes. The next frame can be decoded only when there is no more.
func (d *Decoder) More() bool { return len(d.rest) > 0 }

// Next decodes the next frame within a frame, as Decode does.
func (d *Decoder) Next(seg *Segment) Outcome { return d.layers(linkRest, nil, 0, seg) }

// more is the outcome of a layer that has another one inside.
const more = Outcomes

// packet is what is left of a frame when the headers so far are taken off.
type packet struct {
	b     []byte // the captured part
	wire  int    // the length on the wire, at least len(b)
	frame int    // the whole frame's length on the wire

	// lengthless is set within an IPv6 packet whose payload length is 0.
	lengthless bool
	// unverifiable is set where a checksum proves nothing: a part of the segment was not on the
	// wire, or the address in the header is not the one that was summed.
	unverifiable bool

	// path distinguishes the networks in which the same addresses may be used: it
	// is made of the VLAN and tunnel ids so far.
	path uint64

	depth uint8              // how many IP headers were read
	vlans *[MaxLayers]uint16 // of the decoder
	tags  uint8              // how many of them are p's

	separate   *Separations
	separation uint8 // how many bytes of separate.layers say where p was found
	outer      uint8 // 1 + where the addresses of the tunnel under way begin there; 0: it has an id
	crowded    bool  // they did not fit

	// owned is set within a datagram put together: its bytes are not the frame's.
	owned bool
}

// take removes n bytes from the front, n <= len(p.b).
func (p *packet) take(n int) {
	p.b = p.b[n:]
	p.wire -= n
}

// bound drops the bytes behind the length n that a header gives. A length beyond the enclosing
// layer has no effect.
func (p *packet) bound(n int) {
	if n > p.wire {
		p.unverifiable = true
		return
	}
	p.wire = n
	if len(p.b) > n {
		p.b = p.b[:n]
	}
}

// enter adds a VLAN or tunnel id to path, which stays 0 without ids or with ids of 0 only: a
// priority tag does not name another network.
func (p *packet) enter(id uint64) {
	p.path = (bits.RotateLeft64(p.path, 29) ^ id) * 0x9e3779b97f4a7c15
}

// be16 reads a number in network byte order.
func be16(b []byte) uint16 {
	_ = b[1]
	return uint16(b[0])<<8 | uint16(b[1])
}
