package gofollow

import (
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/fragment"
	"gofollow/gofollow/internal/memory"
)

// PacketContent says what a packet that was read has for a follower.
type PacketContent uint8

const (
	PacketOther    PacketContent = iota // no TCP
	PacketTCP                           // a segment, or the fragment that makes one whole
	PacketFragment                      // a part of an IP datagram that is not whole yet
)

var packetContents = [...]string{"other", "tcp", "fragment"}

func (c PacketContent) String() string { return name(packetContents[:], int(c)) }

// pass makes the PacketRead event of a packet.
func (f *Follower) pass(link uint32, data []byte, wireLen int, src *memory.Block) {
	d := &f.decoder
	d.Fragmented = 0
	content, key := PacketOther, uint64(0)
	switch d.Decode(link, data, wireLen, &f.seg) {
	case decode.TCP, decode.BadChecksum:
		content, key = PacketTCP, flowDigest(&f.seg)
	case decode.Fragment:
		content, key = PacketFragment, fragmentDigest(&d.LastFragment)
	}
	for d.More() { // of several packets in a frame the first counts
		d.Next(&f.seg)
	}
	first := uint64(0)
	if d.Fragmented > 0 {
		first = fragmentDigest(&d.FirstFragment)
	}
	copied := src == nil
	if copied {
		data, src = f.arena.Copy(data)
	}
	e := f.queue.push(PacketRead, nil, f.cause)
	e.Content, e.Offset, e.Length, e.Bytes = content, int64(link), int64(wireLen), data
	e.CapturedAt, e.CapturedIn = int64(key), first
	f.queue.keep(src)
	f.queue.bytes += int64(len(data))
	if copied {
		f.blocks.Release(src)
	}
}

// LinkType returns the link type of an event of kind PacketRead.
func (e *Event) LinkType() LinkType { return LinkType(e.Offset) }

// WireLen returns the length on the wire of the packet of an event of kind PacketRead.
func (e *Event) WireLen() int { return int(e.Length) }

// Key returns a number of what the packet of an event of kind PacketRead is part of, in which
// packets of one connection agree, both directions and whichever process makes it: of its flow if
// Content is PacketTCP, of its datagram if it is PacketFragment, else 0.
func (e *Event) Key() uint64 { return uint64(e.CapturedAt) }

// FragmentKey returns the number of the datagram that the packet of an event of kind PacketRead is a
// fragment of, also where it makes the datagram whole, of several around each other the outermost;
// 0 for no fragment.
func (e *Event) FragmentKey() uint64 { return e.CapturedIn }

// digest is an FNV-1a hash of words with a final mix. Unlike maphash it is the same everywhere. Keys
// that agree by chance share a shard, which changes nothing.
type digest uint64

func (h *digest) add(words ...uint64) {
	const prime = 1099511628211
	for _, w := range words {
		x := (uint64(*h) ^ w) * prime
		*h = digest(x ^ x>>32)
	}
}

// number returns the hash, which is never 0.
func (h digest) number() uint64 {
	x := uint64(h)
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return max(1, x^x>>33)
}

const digestStart digest = 14695981039346656037

func flowDigest(s *decode.Segment) uint64 {
	var k flow.Key
	s.Separation = 0 // a number of this follower alone
	k.Set(s)
	h := digestStart
	h.add(k.Low.Hi, k.Low.Lo, k.High.Hi, k.High.Lo, k.Ports)
	return h.number()
}

func fragmentDigest(k *fragment.Key) uint64 {
	h := digestStart
	h.add(k.Src[0], k.Src[1], k.Dst[0], k.Dst[1], k.Path, uint64(k.ID)<<8|uint64(k.Protocol))
	if k.IPv6 {
		h.add(1)
	}
	return h.number()
}
