package gofollow

import (
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/fragment"
	"gofollow/gofollow/internal/memory"
)

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
