package gofollow

import (
	"hash/maphash"
	"math/bits"

	"gofollow/gofollow/internal/decode"
)

// flowKey identifies the two ends of a connection without regard to direction:
// the lower endpoint comes first.
type flowKey struct {
	low, high decode.Addr

	// ports holds the lower endpoint's port in bits 16 to 31, the higher one's in 0 to 15, and
	// above them whether the addresses are IPv6 (keyIPv6) and the number of the separation.
	ports uint64
}

const (
	keyIPv6       = 1 << 32
	keySeparation = 33 // the lowest bit of the separation
)

// separation returns the number of the network of both ends, 0 for none (Config.Separate).
func (k *flowKey) separation() uint32 { return uint32(k.ports >> keySeparation) }

// loops says that both ends are the same: such segments make one direction.
func (k *flowKey) loops() bool {
	return k.low == k.high && uint16(k.ports>>16) == uint16(k.ports)
}

// side is one end of a flowKey: 0 the lower, 1 the higher.
type side uint8

// setIPv6 makes k the flow key of an IPv6 segment and returns which end of it is the sender.
func (k *flowKey) setIPv6(s *decode.Segment) side {
	above := keyIPv6 | uint64(s.Separation)<<keySeparation
	if s.Src.Hi < s.Dst.Hi || s.Src.Hi == s.Dst.Hi && (s.Src.Lo < s.Dst.Lo || s.Src.Lo == s.Dst.Lo && s.SrcPort <= s.DstPort) {
		*k = flowKey{s.Src, s.Dst, above | uint64(s.SrcPort)<<16 | uint64(s.DstPort)}
		return 0
	}
	*k = flowKey{s.Dst, s.Src, above | uint64(s.DstPort)<<16 | uint64(s.SrcPort)}
	return 1
}

// is says that two keys are the same.
func (k *flowKey) is(o *flowKey) bool {
	return (k.low.Lo^o.low.Lo)|(k.high.Lo^o.high.Lo)|(k.ports^o.ports)|(k.low.Hi^o.low.Hi)|(k.high.Hi^o.high.Hi) == 0
}

// hashTable finds numbers by the hash of their flow key: open addressing with
// linear probing. Whether a number found is the one sought, its user has to see.
type hashTable struct {
	slots []slot
	used  int
}

// slot holds a number plus 1, 0 if empty.
type slot struct{ hash, entry uint32 }

const minSlots = 1 << 10

func newHashTable() hashTable { return hashTable{slots: make([]slot, minSlots)} }

// insert adds a number.
func (t *hashTable) insert(hash, number uint32) {
	if t.used*4 >= len(t.slots)*3 {
		old := t.slots
		t.slots = make([]slot, 2*len(old))
		for _, s := range old {
			if s.entry != 0 {
				t.place(s)
			}
		}
	}
	t.place(slot{hash, number + 1})
	t.used++
}

func (t *hashTable) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].entry != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// remove takes a number out that is there, and moves those behind it up, so that
// no probe has to pass a hole.
func (t *hashTable) remove(hash, number uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].entry != number+1 {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.slots[j].entry != 0; j = (j + 1) & mask {
		if (j-t.slots[j].hash)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
	t.used--
}

// flowHash hashes flow keys. It is keyed with random numbers, so that nobody can
// aim addresses at one slot; nothing that is reported depends on it.
type flowHash struct{ secret [4]uint64 }

func newFlowHash() *flowHash {
	h := new(flowHash)
	seed := maphash.MakeSeed()
	for i := range h.secret {
		h.secret[i] = maphash.Comparable(seed, i)
	}
	return h
}

// of returns the hash of a key.
func (h *flowHash) of(k *flowKey) uint32 {
	x := mix(k.low.Lo^h.secret[0], k.high.Lo^h.secret[1])
	if k.low.Hi|k.high.Hi != 0 {
		x = mix(x^k.low.Hi, k.high.Hi^h.secret[2])
	}
	x = mix(x^k.ports, h.secret[3])
	x = mix(x, 0x9e3779b97f4a7c15) // under some secrets, ports in a row still lie in a row
	return uint32(x ^ x>>32)
}

// mix makes all bits of both factors bear on the result: those of neighbouring
// addresses, as a scan has them, differ in few, and always in the same way.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// flowTable finds the connection of a segment.
type flowTable struct {
	*flowHash
	hashTable
	last *Connection // the one found last: packets come in trains
}

// find makes k the flow key of a segment and returns its connection, nil if it has
// none, and which end of it is the sender.
func (t *flowTable) find(s *decode.Segment, k *flowKey, conns *connections) (c *Connection, from side) {
	if s.IPv6 {
		from = k.setIPv6(s)
	} else { // which end is lower is as good as random: no branch may depend on it
		src, dst := s.Src.Lo<<16|uint64(s.SrcPort), s.Dst.Lo<<16|uint64(s.DstPort)
		low, high := min(src, dst), max(src, dst)
		k.low.Hi, k.low.Lo = 0, low>>16
		k.high.Hi, k.high.Lo = 0, high>>16
		k.ports = low&0xffff<<16 | high&0xffff | uint64(s.Separation)<<keySeparation
		if src > dst {
			from = 1
		}
	}
	if t.last != nil && t.last.key.is(k) {
		return t.last, from
	}
	h := t.of(k)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].entry != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h {
			if c := conns.at(t.slots[i].entry - 1); c.key.is(k) {
				t.last = c
				return c, from
			}
		}
	}
	return nil, from
}

func newFlowTable(h *flowHash) flowTable {
	return flowTable{flowHash: h, hashTable: newHashTable()}
}

// add adds a connection whose key is not in the table.
func (t *flowTable) add(c *Connection) {
	t.insert(t.of(&c.key), c.index)
	t.last = c
}

// drop takes a connection out.
func (t *flowTable) drop(c *Connection) {
	t.remove(t.of(&c.key), c.index)
	if t.last == c {
		t.last = nil
	}
}
