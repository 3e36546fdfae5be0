package gofollow_test

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"gofollow/gofollow"
)

// reference reassembles whole captures in the simplest way that can be right. It
// shares no code with the engine, and knows nothing of time and limits: decode
// by gopacket, split by endpoints and SYN, place every byte where its number
// says, the first copy of each wins; what is not there at the end is a gap.
type reference struct {
	conversations []*refConversation
	current       map[[2]netip.AddrPort]*refConversation // by sender and receiver, either way
}

type refConversation struct {
	ends    [2]netip.AddrPort // of the first packet: sender, receiver
	streams [2]refStream      // sent by each of them
	opened  bool
	reset   bool
}

type refStream struct {
	based, syn bool
	noted      bool // ack was seen before base
	ack, first uint32
	base       uint32 // number of the byte at offset 0
	hint       bool   // base is that of a segment without data
	bytes      map[int64]byte
	right      int64 // end of what was sent, as far as segments show
	fin, end   int64 // -1 and 0 at first
	kept       []*refKept
}

// refKept is a segment of a side whose SYN was not captured, while the other side's was:
// where its stream begins is not known yet, and the segment may be of an earlier connection.
type refKept struct {
	seq, ack  uint32
	payload   []byte
	wire      int
	fin, acks bool
}

func reassemble(packets []gofollow.Packet) []*refConversation {
	r := reference{current: map[[2]netip.AddrPort]*refConversation{}}
	for _, p := range packets {
		if src, dst, tcp, wire := dissect(p); tcp != nil {
			r.segment(src, dst, tcp, wire)
		}
	}
	for _, c := range r.conversations {
		c.giveUp()
	}
	return r.conversations
}

// dissect returns the innermost TCP header of a packet and the length of its payload
// on the wire, nil without one.
func dissect(p gofollow.Packet) (src, dst netip.AddrPort, tcp *layers.TCP, wire int) {
	var first gopacket.Decoder = layers.LinkType(p.LinkType)
	data := p.Data
	if p.LinkType == gofollow.LinkLinuxSLL2 && len(data) > 20 { // beyond gopacket's 8 bits of link type
		first, data = layers.EthernetType(binary.BigEndian.Uint16(data)), data[20:]
	}
	var from, to netip.Addr
	for _, layer := range gopacket.NewPacket(data, first, gopacket.DecodeOptions{NoCopy: true}).Layers() {
		switch l := layer.(type) {
		case *layers.IPv4:
			from, _ = netip.AddrFromSlice(l.SrcIP)
			to, _ = netip.AddrFromSlice(l.DstIP)
			wire = int(l.Length) - 4*int(l.IHL)
		case *layers.IPv6:
			from, _ = netip.AddrFromSlice(l.SrcIP)
			to, _ = netip.AddrFromSlice(l.DstIP)
			wire = int(l.Length)
		case *layers.TCP:
			tcp = l
			wire -= 4 * int(l.DataOffset)
		}
	}
	if tcp == nil {
		return src, dst, nil, 0
	}
	return netip.AddrPortFrom(from, uint16(tcp.SrcPort)), netip.AddrPortFrom(to, uint16(tcp.DstPort)), tcp, max(wire, len(tcp.Payload))
}

func (r *reference) segment(src, dst netip.AddrPort, tcp *layers.TCP, wire int) {
	key := [2]netip.AddrPort{src, dst}
	c := r.current[key]
	if c == nil || (tcp.SYN && ((!tcp.ACK && (c.ended() || c.renumbered(src, tcp.Seq+1))) || (tcp.ACK && c.sentBy(src).renumbered(tcp.Seq+1)))) {
		c = &refConversation{ends: key}
		c.streams[0].bytes, c.streams[1].bytes = map[int64]byte{}, map[int64]byte{}
		c.streams[0].fin, c.streams[1].fin = -1, -1
		r.conversations = append(r.conversations, c)
		r.current[key], r.current[[2]netip.AddrPort{dst, src}] = c, c
	}
	from, to := &c.streams[0], &c.streams[1]
	if c.ends[0] != src {
		from, to = to, from
	}
	payload := tcp.Payload
	seq := tcp.Seq
	if (tcp.SYN && tcp.ACK) || (tcp.ACK && to.syn && !tcp.RST) {
		defer to.settle(from)
		defer from.settle(to)
	}
	if to.syn && !from.based && !tcp.SYN && !tcp.RST {
		if from.noted {
			from.start(from.first, false, false)
		} else {
			if wire > 0 || tcp.FIN {
				from.kept = append(from.kept, &refKept{seq, tcp.Ack, payload, wire, tcp.FIN, tcp.ACK})
			}
			return
		}
	}
	c.opened = c.opened || (tcp.SYN && !tcp.RST) || (wire > 0 && !tcp.RST)
	if tcp.SYN {
		seq++
		from.start(seq, false, true)
		if tcp.ACK {
			to.start(tcp.Ack, false, true)
		}
	}
	from.start(seq, wire == 0, false)
	if tcp.RST {
		c.reset = true
		return
	}
	if !c.opened {
		return // where the numbers stand is all that is taken of it
	}
	offset := from.unwrap(seq)
	if wire > 0 {
		if from.hint && offset == 1 && from.fin != 0 { // what was taken for the start was a keep-alive
			from.base++
			from.end = max(0, from.end-1)
			from.fin = max(-1, from.fin-1)
			offset--
		}
		from.hint = false
	}
	from.take(offset, payload, wire, tcp.FIN)
	if tcp.ACK && !to.based {
		to.settleAt(tcp.Ack, from)
	}
	if tcp.ACK && !to.based && (!to.noted || int32(tcp.Ack-to.ack) > 0) {
		if !to.noted {
			to.first = tcp.Ack
		}
		to.noted, to.ack = true, tcp.Ack // its offset is known once the stream's start is
	}
	if tcp.ACK && to.based {
		to.acknowledge(tcp.Ack)
	}
}

func (s *refStream) acknowledge(number uint32) {
	if ack := s.unwrap(number); ack < s.end+1<<30 {
		s.end = max(s.end, ack)
	}
}

// settleAt lets the stream begin where what was kept of it begins to run up to an
// acknowledgement of the peer, holes of up to 1 MiB left out.
func (s *refStream) settleAt(ack uint32, peer *refStream) {
	if len(s.kept) == 0 {
		return
	}
	base := ack
	for again := true; again; {
		again = false
		for _, k := range s.kept {
			if below := int64(int32(base - k.seq)); k.wire > 0 && below > 0 && below-int64(k.wire) <= 1<<20 {
				base, again = k.seq, true
			}
		}
	}
	s.start(base, false, false)
	s.acknowledge(ack)
	s.settle(peer)
}

// settle takes what was kept of a stream and turns out to be of it: what continues it, and
// what the peer acknowledged.
func (s *refStream) settle(peer *refStream) {
	for again := s.based; again; {
		again = false
		for i, k := range s.kept {
			if k == nil {
				continue
			}
			offset := int64(int32(k.seq - s.base))
			if end := offset + int64(k.wire); end < 0 || offset > max(s.right, s.end) || (k.acks && peer.based && int32(k.ack-peer.base) < 0) {
				continue
			}
			s.kept[i], again = nil, true
			s.take(offset, k.payload, k.wire, k.fin)
			if k.acks && peer.based {
				peer.acknowledge(k.ack)
			}
		}
	}
}

// take places a segment's payload and notes its FIN.
func (s *refStream) take(offset int64, payload []byte, wire int, fin bool) {
	if wire > 0 {
		s.place(offset, payload, wire)
	}
	if end := offset + int64(wire); fin && s.fin < 0 && end >= s.right {
		s.fin = end
	}
}

// giveUp lets the streams begin at what was kept of them, for want of anything better.
func (c *refConversation) giveUp() {
	for side := range c.streams {
		s := &c.streams[side]
		if s.based || len(s.kept) == 0 {
			continue
		}
		base := s.kept[0].seq
		for _, k := range s.kept {
			if int32(k.seq-base) < 0 {
				base = k.seq
			}
		}
		s.start(base, false, false)
		for _, k := range s.kept {
			s.take(int64(k.seq-base), k.payload, k.wire, k.fin)
			if k.acks && c.streams[1-side].based {
				c.streams[1-side].acknowledge(k.ack)
			}
		}
	}
}

func (c *refConversation) sentBy(end netip.AddrPort) *refStream {
	if c.ends[0] == end {
		return &c.streams[0]
	}
	return &c.streams[1]
}

// renumbered reports whether a SYN+ACK with this base is another connection's.
func (s *refStream) renumbered(base uint32) bool {
	return s.based && s.base != base && (s.right > 0 || s.fin >= 0)
}

func (c *refConversation) ended() bool {
	return c.reset || (c.streams[0].fin >= 0 && c.streams[1].fin >= 0)
}

// renumbered reports whether a SYN of src with this base belongs to another connection.
func (c *refConversation) renumbered(src netip.AddrPort, base uint32) bool {
	s := &c.streams[0]
	if c.ends[0] != src {
		s = &c.streams[1]
	}
	if !s.based { // its bytes were acknowledged and not seen: they do not lie before the SYN, nor a GiB behind it
		return s.noted && s.ack-base > 1<<30
	}
	return s.base != base && (s.right > 0 || s.syn)
}

func (s *refStream) start(base uint32, hint, syn bool) {
	if !s.based {
		s.based, s.base, s.hint, s.syn = true, base, hint, syn
		if s.noted {
			s.end = max(0, int64(int32(s.ack-base)))
		}
	}
}

func (s *refStream) unwrap(seq uint32) int64 {
	return s.end + int64(int32(seq-s.base-uint32(s.end)))
}

func (s *refStream) place(offset int64, payload []byte, wire int) {
	if s.fin < 0 {
		s.right = max(s.right, offset+int64(wire))
		s.end = max(s.end, s.right)
	}
	if offset < 0 {
		payload = payload[min(-offset, int64(len(payload))):]
		offset = 0
	}
	for i, b := range payload {
		if _, there := s.bytes[offset+int64(i)]; !there {
			s.bytes[offset+int64(i)] = b
		}
	}
}

// read returns the stream's bytes without the gaps, and the gaps.
func (s *refStream) read() (data []byte, gaps []span) {
	end := s.end
	if s.fin >= 0 {
		end = s.fin
	}
	next := int64(0)
	for _, at := range slices.Sorted(maps.Keys(s.bytes)) {
		if at >= end {
			break
		}
		if at > next {
			gaps = appendSpan(gaps, next, at)
		}
		data, next = append(data, s.bytes[at]), at+1
	}
	if next < end {
		gaps = appendSpan(gaps, next, end)
	}
	return data, gaps
}
