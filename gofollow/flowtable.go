package gofollow

import (
	"hash/maphash"
	"unsafe"

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

// keyOf returns a segment's flow key and which end sent it.
func keyOf(s *decode.Segment) (flowKey, side) {
	var family uint64
	if s.IPv6 {
		family = 1 << 32
	}
	src, dst := uint64(s.SrcPort), uint64(s.DstPort)
	if s.Src.Hi < s.Dst.Hi || s.Src.Hi == s.Dst.Hi && (s.Src.Lo < s.Dst.Lo || s.Src.Lo == s.Dst.Lo && src <= dst) {
		return flowKey{s.Src, s.Dst, src<<16 | dst | family}, 0
	}
	return flowKey{s.Dst, s.Src, dst<<16 | src | family}, 1
}

// flowTable finds a connection by its key: open addressing with linear probing.
// The hash is keyed with a random seed, so that nobody can aim addresses at
// one slot; nothing that is reported depends on it.
type flowTable struct {
	seed  maphash.Seed
	slots []slot
	used  int

	lastKey flowKey // the connection found last: packets come in trains
	last    *Connection
}

type slot struct {
	hash uint32
	conn uint32 // index of the connection plus 1, 0 if empty
}

const minSlots = 1 << 10

func newFlowTable() flowTable {
	return flowTable{seed: maphash.MakeSeed(), slots: make([]slot, minSlots)}
}

func (t *flowTable) hash(k *flowKey) uint32 {
	return uint32(maphash.Bytes(t.seed, unsafe.Slice((*byte)(unsafe.Pointer(k)), unsafe.Sizeof(*k))))
}

// find returns the connection with the key, nil if there is none.
func (t *flowTable) find(k *flowKey, conns *connections) *Connection {
	if t.last != nil && t.lastKey == *k {
		return t.last
	}
	h := t.hash(k)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].conn != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h {
			if c := conns.at(t.slots[i].conn - 1); c.key == *k {
				t.last, t.lastKey = c, *k
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
	t.last, t.lastKey = c, c.key
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
