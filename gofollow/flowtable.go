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

// equals compares in line, where == would call a function.
func (k *flowKey) equals(o *flowKey) bool {
	return k.ports == o.ports && k.low.Lo == o.low.Lo && k.high.Lo == o.high.Lo && k.low.Hi == o.low.Hi && k.high.Hi == o.high.Hi
}

// side is one end of a flowKey: 0 the lower, 1 the higher.
type side uint8

// set makes k the flow key of a segment and returns which end sent it. It fills k
// in place: passing a key by value costs more than finding its connection.
func (k *flowKey) set(s *decode.Segment) side {
	src, dst := uint64(s.SrcPort), uint64(s.DstPort)
	var family uint64
	if s.IPv6 {
		family = 1 << 32
	}
	if s.Src.Hi < s.Dst.Hi || s.Src.Hi == s.Dst.Hi && (s.Src.Lo < s.Dst.Lo || s.Src.Lo == s.Dst.Lo && src <= dst) {
		k.low.Hi, k.low.Lo, k.high.Hi, k.high.Lo = s.Src.Hi, s.Src.Lo, s.Dst.Hi, s.Dst.Lo
		k.ports = src<<16 | dst | family
		return 0
	}
	k.low.Hi, k.low.Lo, k.high.Hi, k.high.Lo = s.Dst.Hi, s.Dst.Lo, s.Src.Hi, s.Src.Lo
	k.ports = dst<<16 | src | family
	return 1
}

// flowTable finds a connection by its key: open addressing with linear probing.
// The hash is keyed with a random seed, so that nobody can aim addresses at
// one slot; nothing that is reported depends on it.
type flowTable struct {
	secret [6]uint64
	slots  []slot
	used   int

	last *Connection // the one found last: packets come in trains
}

type slot struct {
	hash uint32
	conn uint32 // index of the connection plus 1, 0 if empty
}

const minSlots = 1 << 10

func newFlowTable() flowTable {
	t := flowTable{slots: make([]slot, minSlots)}
	seed := maphash.MakeSeed()
	for i := range t.secret {
		t.secret[i] = maphash.Comparable(seed, i)
	}
	return t
}

func (t *flowTable) hash(k *flowKey) uint32 {
	a := fold(k.low.Lo^t.secret[0], k.high.Lo^t.secret[1])
	if k.low.Hi|k.high.Hi != 0 {
		a ^= fold(k.low.Hi^t.secret[2], k.high.Hi^t.secret[3])
	}
	return uint32(fold(a^t.secret[4], k.ports^t.secret[5]))
}

// fold mixes two numbers by a product of 128 bits.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// find returns the connection with the key, nil if there is none.
func (t *flowTable) find(k *flowKey, conns *connections) *Connection {
	if t.last != nil && t.last.key.equals(k) {
		return t.last
	}
	h := t.hash(k)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].conn != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h {
			if c := conns.at(t.slots[i].conn - 1); c.key.equals(k) {
				t.last = c
				return c
			}
		}
	}
	return nil
}

// insert adds a connection whose key is not in the table.
func (t *flowTable) insert(c *Connection) {
	if t.used*4 >= len(t.slots)*3 {
		t.grow()
	}
	t.place(slot{t.hash(&c.key), c.index + 1})
	t.used++
	t.last = c
}

func (t *flowTable) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].conn != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *flowTable) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.conn != 0 {
			t.place(s)
		}
	}
}

// remove takes a connection out and moves those behind it up, so that no probe
// has to pass a hole.
func (t *flowTable) remove(c *Connection) {
	if t.last == c {
		t.last = nil
	}
	mask := uint32(len(t.slots) - 1)
	i := t.hash(&c.key) & mask
	for t.slots[i].conn != c.index+1 {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.slots[j].conn != 0; j = (j + 1) & mask {
		if (j-t.slots[j].hash)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
	t.used--
}
