package decode

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Separations numbers the networks that segments were captured in, so that equal addresses in two
// VLANs or tunnels can be told apart. It is not safe for concurrent use.
//
// A network is what the layers around a segment name, outermost first: the ids of its VLANs, and of
// each tunnel the id that both directions share or, where there is none, the unordered pair of
// outer addresses. Ids that belong to one direction (the TEID of GTP, 3GPP TS 29.281; the session
// of L2TP, RFC 3931; the call of PPTP, RFC 2637; MPLS labels, RFC 3031) do not count.
type Separations struct {
	vlans, tunnels bool

	numbers map[string]uint32
	entries []separation // entry i has the number i+1
	unused  []uint32     // numbers of entries that are not in use
	last    uint32       // the number given last; it stays valid although nothing holds it

	layers [maxSeparation]byte // of the frame under way
}

// separation is a network in use.
type separation struct {
	layers string
	held   int
}

// maxSeparation bounds the memory that a network takes: 51 ids or 7 pairs of IPv6 addresses. A
// frame with more is TooDeep.
const maxSeparation = 255

// NewSeparations returns an empty table, for which VLANs, tunnels or both make a network.
func NewSeparations(vlans, tunnels bool) *Separations {
	return &Separations{vlans: vlans, tunnels: tunnels, numbers: make(map[string]uint32)}
}

// Kinds of layers, as they begin a layer in a network's bytes. An id of 32 bits follows, or two
// addresses, the lower one first.
const (
	separateVLAN byte = iota
	separateVXLAN
	separateGeneve
	separateGRE
	separateNVGRE
	separateERSPAN
	separatePPPoE
	separateService // I-SID of IEEE 802.1ah
	separateLISP    // instance id
	separateEoIP
	separateIPv4
	separateIPv6
)

var separationKinds = [...]string{"vlan", "vxlan", "geneve", "gre", "nvgre", "erspan", "pppoe", "isid", "lisp", "eoip", "outer", "outer"}

// Hold keeps a number valid until Release was called as often as Hold. 0 needs no Hold.
func (s *Separations) Hold(number uint32) {
	if number != 0 {
		s.entries[number-1].held++
	}
}

// Release undoes one Hold. The last Release frees the number for another network.
func (s *Separations) Release(number uint32) {
	if number != 0 {
		s.entries[number-1].held--
		s.free(number)
	}
}

// free forgets a network that nothing holds, unless a segment under way has its number.
func (s *Separations) free(number uint32) {
	if e := &s.entries[number-1]; e.held == 0 && number != s.last {
		delete(s.numbers, e.layers)
		*e = separation{}
		s.unused = append(s.unused, number)
	}
}

// Layers returns the bytes of a network that is in use, which SeparationText describes.
func (s *Separations) Layers(number uint32) string {
	if number == 0 {
		return ""
	}
	return s.entries[number-1].layers
}

// Len returns how many networks are in use.
func (s *Separations) Len() int { return len(s.numbers) }

// number returns the number of the network that p was found in, 0 for none.
func (s *Separations) number(p *packet) uint32 {
	layers := s.layers[:p.separation]
	if len(layers) == 0 {
		return 0
	}
	if s.last != 0 && s.entries[s.last-1].layers == string(layers) { // packets come in trains
		return s.last
	}
	number, ok := s.numbers[string(layers)]
	if !ok {
		if n := len(s.unused); n > 0 {
			number, s.unused = s.unused[n-1], s.unused[:n-1]
		} else {
			s.entries = append(s.entries, separation{})
			number = uint32(len(s.entries))
		}
		text := string(layers)
		s.entries[number-1].layers, s.numbers[text] = text, number
	}
	if last := s.last; last != 0 {
		s.last = number
		s.free(last)
	}
	s.last = number
	return number
}

// enterVLAN adds a VLAN. The id 0 is that of a priority tag, which does not name another network.
func (p *packet) enterVLAN(id uint16) {
	p.enter(uint64(id))
	if int(p.tags) < len(p.vlans) {
		p.vlans[p.tags] = id
		p.tags++
	}
	if p.separate != nil && p.separate.vlans && id != 0 {
		p.addID(separateVLAN, uint32(id))
	}
}

// enterService adds the id of a service without outer addresses, which both directions share.
func (p *packet) enterService(kind byte, id uint32) {
	p.enter(uint64(kind)<<32 | uint64(id))
	if p.separate != nil && p.separate.tunnels {
		p.addID(kind, id)
	}
}

// enterNetwork adds the id of a tunnel that both directions share. It replaces the tunnel's
// outer addresses, which may differ by direction (distributed gateways, several paths).
func (p *packet) enterNetwork(kind byte, id uint32) {
	if p.outer > 0 {
		p.separation, p.outer = p.outer-1, 0
	}
	p.enterService(kind, id)
}

// enterPair adds the outer addresses of a tunnel.
func (p *packet) enterPair(seg *Segment) {
	if p.separate == nil || !p.separate.tunnels {
		return
	}
	low, high := seg.Src, seg.Dst
	if high.Less(low) {
		low, high = high, low
	}
	var b [33]byte
	layer := binary.BigEndian.AppendUint32(append(b[:0], separateIPv4), uint32(low.Lo))
	layer = binary.BigEndian.AppendUint32(layer, uint32(high.Lo))
	if seg.IPv6 {
		layer = append(b[:0], separateIPv6)
		for _, word := range [...]uint64{low.Hi, low.Lo, high.Hi, high.Lo} {
			layer = binary.BigEndian.AppendUint64(layer, word)
		}
	}
	p.outer = p.separation + 1
	p.addLayer(layer)
}

func (p *packet) addID(kind byte, id uint32) {
	var b [5]byte
	p.addLayer(binary.BigEndian.AppendUint32(append(b[:0], kind), id))
}

func (p *packet) addLayer(layer []byte) {
	if int(p.separation)+len(layer) > maxSeparation {
		p.crowded = true
		return
	}
	p.separation += uint8(copy(p.separate.layers[p.separation:], layer))
}

// greNetwork notes the key of a GRE header. Where the key is that of NVGRE, its low byte is the
// flow's (RFC 7637, section 3.2): bridged frames without checksum and sequence number, and a VSID
// that is not reserved. Keys below those are GRE's own.
func (p *packet) greNetwork(key uint32, next protocol, bare bool) {
	const firstVSID = 0x1000
	if vsid := key >> 8; next == etherBridged && bare && vsid >= firstVSID {
		p.enterNetwork(separateNVGRE, vsid)
		return
	}
	p.enterNetwork(separateGRE, key)
}

// SeparationText describes the layers of a network, outermost first, as "vlan:5/vxlan:7" or
// "outer:192.0.2.1-192.0.2.2".
func SeparationText(layers string) string {
	var text []byte
	for b := []byte(layers); len(b) > 0; {
		kind := b[0]
		text = fmt.Appendf(text, "/%s:", separationKinds[kind])
		switch b = b[1:]; kind {
		case separateIPv4:
			text = fmt.Appendf(text, "%v-%v", netip.AddrFrom4([4]byte(b)), netip.AddrFrom4([4]byte(b[4:])))
			b = b[8:]
		case separateIPv6:
			text = fmt.Appendf(text, "%v-%v", netip.AddrFrom16([16]byte(b)), netip.AddrFrom16([16]byte(b[16:])))
			b = b[32:]
		default:
			text = fmt.Append(text, binary.BigEndian.Uint32(b))
			b = b[4:]
		}
	}
	if len(text) == 0 {
		return ""
	}
	return string(text[1:])
}
