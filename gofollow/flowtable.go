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
	ports     uint64 // the lower endpoint's in bits 16 to 31, the higher one's in 0 to 15, IPv6 in bit 32
}

// loops says that both ends are the same: such segments make one direction.
func (k *flowKey) loops() bool {
	return k.low == k.high && uint16(k.ports>>16) == uint16(k.ports)
}

// side is one end of a flowKey: 0 the lower, 1 the higher.
type side uint8

// nobody stands for an end that is none.
const nobody side = 2

// keyPorts returns the ports of a key whose lower end sent a segment.
func keyPorts(low, high uint16, ipv6 bool) uint64 {
	ports := uint64(low)<<16 | uint64(high)
	if ipv6 {
		ports |= 1 << 32
	}
	return ports
}

// set makes k the flow key of a segment.
func (k *flowKey) set(s *decode.Segment) {
	if s.Src.Hi < s.Dst.Hi || s.Src.Hi == s.Dst.Hi && (s.Src.Lo < s.Dst.Lo || s.Src.Lo == s.Dst.Lo && s.SrcPort <= s.DstPort) {
		*k = flowKey{s.Src, s.Dst, keyPorts(s.SrcPort, s.DstPort, s.IPv6)}
	} else {
		*k = flowKey{s.Dst, s.Src, keyPorts(s.DstPort, s.SrcPort, s.IPv6)}
	}
}

// sender returns which end of k sent a segment, nobody if it has another key.
func (k *flowKey) sender(s *decode.Segment) side {
	switch {
	case k.low.Lo == s.Src.Lo && k.high.Lo == s.Dst.Lo && k.ports == keyPorts(s.SrcPort, s.DstPort, s.IPv6) &&
		k.low.Hi == s.Src.Hi && k.high.Hi == s.Dst.Hi:
		return 0
	case k.low.Lo == s.Dst.Lo && k.high.Lo == s.Src.Lo && k.ports == keyPorts(s.DstPort, s.SrcPort, s.IPv6) &&
		k.low.Hi == s.Dst.Hi && k.high.Hi == s.Src.Hi:
		return 1
	}
	return nobody
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
type flowHash struct{ secret [3]uint64 }

func newFlowHash() *flowHash {
	h := new(flowHash)
	seed := maphash.MakeSeed()
	for i := range h.secret {
		h.secret[i] = maphash.Comparable(seed, i)
	}
	return h
}

// end mixes one end's address and port with the secret numbers. The hash of a key
// is the sum of its ends', so that the direction does not matter.
func (h *flowHash) end(a *decode.Addr, port uint16) uint64 {
	hi, lo := bits.Mul64(a.Lo^h.secret[0], uint64(port)^h.secret[1])
	if a.Hi != 0 {
		hi, lo = bits.Mul64(hi^lo^a.Hi, h.secret[2])
	}
	return hi ^ lo
}

func (h *flowHash) ofKey(k *flowKey) uint32 {
	return scatter(h.end(&k.low, uint16(k.ports>>16)) + h.end(&k.high, uint16(k.ports)))
}

func (h *flowHash) ofSegment(s *decode.Segment) uint32 {
	return scatter(h.end(&s.Src, s.SrcPort) + h.end(&s.Dst, s.DstPort))
}

// scatter makes all bits of a sum bear on those of the hash: those of neighbouring
// addresses, as a scan has them, differ in few, and always in the same way.
func scatter(sum uint64) uint32 {
	sum = (sum ^ sum>>32) * 0x9e3779b97f4a7c15 // 2^64 by the golden ratio
	return uint32(sum ^ sum>>32)
}

// flowTable finds the connection of a segment.
type flowTable struct {
	*flowHash
	hashTable
	last *Connection // the one found last: packets come in trains
}

// find returns the connection of a segment, and which end of it sent the segment;
// nil and nobody if it has none.
func (t *flowTable) find(s *decode.Segment, conns *connections) (*Connection, side) {
	if t.last != nil {
		if from := t.last.key.sender(s); from != nobody {
			return t.last, from
		}
	}
	h := t.ofSegment(s)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].entry != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h {
			c := conns.at(t.slots[i].entry - 1)
			if from := c.key.sender(s); from != nobody {
				t.last = c
				return c, from
			}
		}
	}
	return nil, nobody
}

func newFlowTable(h *flowHash) flowTable {
	return flowTable{flowHash: h, hashTable: newHashTable()}
}

// add adds a connection whose key is not in the table.
func (t *flowTable) add(c *Connection) {
	t.insert(t.ofKey(&c.key), c.index)
	t.last = c
}

// drop takes a connection out.
func (t *flowTable) drop(c *Connection) {
	t.remove(t.ofKey(&c.key), c.index)
	if t.last == c {
		t.last = nil
	}
}
