package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"

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
	ack        uint32
	base       uint32 // number of the byte at offset 0
	hint       bool   // base is that of a segment without data
	bytes      []byte
	have       []bool
	right      int64 // end of what was sent, as far as segments show
	fin, end   int64 // -1 and 0 at first
}

// maxReferenceBytes is the longest stream that the reference takes.
const maxReferenceBytes = 1 << 26

func reassemble(packets []gofollow.Packet) []*refConversation {
	r := reference{current: map[[2]netip.AddrPort]*refConversation{}}
	for _, p := range packets {
		if src, dst, tcp, wire := dissect(p); tcp != nil {
			r.segment(src, dst, tcp, wire)
		}
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
	if c == nil || tcp.SYN && !tcp.ACK && (c.ended() || c.renumbered(src, tcp.Seq+1)) {
		c = &refConversation{ends: key}
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
	c.opened = c.opened || tcp.SYN && !tcp.RST || wire > 0 && !tcp.RST
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
		from.place(offset, payload, wire)
	}
	if end := offset + int64(wire); tcp.FIN && from.fin < 0 && end >= from.right {
		from.fin = end
	}
	if tcp.ACK && !to.based && (!to.noted || int32(tcp.Ack-to.ack) > 0) {
		to.noted, to.ack = true, tcp.Ack // its offset is known once the stream's start is
	}
	if tcp.ACK && to.based {
		if ack := to.unwrap(tcp.Ack); ack < to.end+1<<30 {
			to.end = max(to.end, ack)
		}
	}
}

func (c *refConversation) ended() bool {
	return c.reset || c.streams[0].fin >= 0 && c.streams[1].fin >= 0
}

// renumbered says that a SYN of src with this base is another connection's.
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
	end := offset + int64(len(payload))
	if len(payload) == 0 || end > maxReferenceBytes {
		return
	}
	if grow := int(end) - len(s.bytes); grow > 0 {
		s.bytes = append(s.bytes, make([]byte, grow)...)
		s.have = append(s.have, make([]bool, grow)...)
	}
	for i, b := range payload {
		if at := offset + int64(i); !s.have[at] {
			s.bytes[at], s.have[at] = b, true
		}
	}
}

// read returns the stream's bytes without the gaps, and the gaps.
func (s *refStream) read() (data []byte, gaps []span) {
	end := s.end
	if s.fin >= 0 {
		end = s.fin
	}
	var out bytes.Buffer
	for at := range end {
		if at < int64(len(s.have)) && s.have[at] {
			out.WriteByte(s.bytes[at])
		} else {
			gaps = appendSpan(gaps, at, at+1)
		}
	}
	return out.Bytes(), gaps
}
