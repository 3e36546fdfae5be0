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

// flowTable finds what is known of a key: open addressing with linear probing.
// The hash is keyed with random numbers, so that nobody can aim addresses at
// one slot; nothing that is reported depends on it.
type flowTable struct {
	secret [3]uint64
	slots  []slot
	used   int

	last *Connection // the one found last: packets come in trains
}

type slot struct {
	hash  uint32
	owner owner
}

// owner is what a slot of the table stands for: the index of a connection plus
// 1, or the number of a tombstone and isTombstone. 0 is an empty slot.
type owner uint32

const isTombstone owner = 1 << 31

func (c *Connection) owner() owner { return owner(c.index + 1) }

const minSlots = 1 << 10

func newFlowTable() flowTable {
	t := flowTable{slots: make([]slot, minSlots)}
	seed := maphash.MakeSeed()
	for i := range t.secret {
		t.secret[i] = maphash.Comparable(seed, i)
	}
	return t
}

// hashEnd mixes one end's address and port with the secret numbers. The hash of
// a key is the sum of its ends', so that the direction does not matter.
func (t *flowTable) hashEnd(a *decode.Addr, port uint16) uint64 {
	hi, lo := bits.Mul64(a.Lo^t.secret[0], uint64(port)^t.secret[1])
	if a.Hi != 0 {
		hi, lo = bits.Mul64(hi^lo^a.Hi, t.secret[2])
	}
	return hi ^ lo
}

func (t *flowTable) hash(k *flowKey) uint32 {
	return uint32(t.hashEnd(&k.low, uint16(k.ports>>16)) + t.hashEnd(&k.high, uint16(k.ports)))
}

// find returns what the key of a segment belongs to, a connection or the
// tombstone of one, and which end sent the segment.
func (t *flowTable) find(s *decode.Segment, conns *connections, graves *graveyard) (*Connection, *tombstone, side) {
	if t.last != nil {
		if from := t.last.key.sender(s); from != nobody {
			return t.last, nil, from
		}
	}
	h := uint32(t.hashEnd(&s.Src, s.SrcPort) + t.hashEnd(&s.Dst, s.DstPort))
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch at := &t.slots[i]; {
		case at.owner == 0:
			return nil, nil, nobody
		case at.hash != h:
		case at.owner&isTombstone != 0:
			g := graves.at(at.owner)
			if from := g.key.sender(s); from != nobody {
				return nil, g, from
			}
		default:
			c := conns.at(uint32(at.owner - 1))
			if from := c.key.sender(s); from != nobody {
				t.last = c
				return c, nil, from
			}
		}
	}
}

// insert adds a connection whose key is not in the table.
func (t *flowTable) insert(c *Connection) {
	if t.used*4 >= len(t.slots)*3 {
		t.grow()
	}
	t.place(slot{t.hash(&c.key), c.owner()})
	t.used++
	t.last = c
}

func (t *flowTable) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].owner != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *flowTable) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.owner != 0 {
			t.place(s)
		}
	}
}

// slotOf returns where an owner of the key stands that is in the table.
func (t *flowTable) slotOf(k *flowKey, o owner) uint32 {
	mask := uint32(len(t.slots) - 1)
	i := t.hash(k) & mask
	for t.slots[i].owner != o {
		i = (i + 1) & mask
	}
	return i
}

// forget sees to it that last is in the table.
func (t *flowTable) forget(o owner) {
	if t.last != nil && t.last.owner() == o {
		t.last = nil
	}
}

// replace makes a key another owner's.
func (t *flowTable) replace(k *flowKey, from, to owner) {
	t.forget(from)
	t.slots[t.slotOf(k, from)].owner = to
}

// remove takes a key out and moves those behind it up, so that no probe has to
// pass a hole.
func (t *flowTable) remove(k *flowKey, o owner) {
	t.forget(o)
	mask := uint32(len(t.slots) - 1)
	i := t.slotOf(k, o)
	for j := (i + 1) & mask; t.slots[j].owner != 0; j = (j + 1) & mask {
		if (j-t.slots[j].hash)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
	t.used--
}
