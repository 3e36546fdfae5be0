package flow

import (
	"hash/maphash"
	"math/bits"
)

// Table finds numbers by the hash of their key: open addressing with linear probing. Its user
// checks whether a number that is found is the one sought.
type Table struct {
	slots []slot
	used  int
}

// slot holds a number plus 1, 0 if empty.
type slot struct{ hash, entry uint32 }

const minSlots = 1 << 10

// NewTable returns an empty table.
func NewTable() Table { return Table{slots: make([]slot, minSlots)} }

// Len returns how many numbers there are.
func (t *Table) Len() int { return t.used }

// Seek returns the next number with a hash, and where to seek on for the one after it. The first
// search begins at the hash.
func (t *Table) Seek(hash, at uint32) (number, next uint32, ok bool) {
	mask := uint32(len(t.slots) - 1)
	for i := at & mask; t.slots[i].entry != 0; i = (i + 1) & mask {
		if t.slots[i].hash == hash {
			return t.slots[i].entry - 1, i + 1, true
		}
	}
	return 0, 0, false
}

// Insert adds a number.
func (t *Table) Insert(hash, number uint32) {
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

func (t *Table) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].entry != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// Remove takes out a number that is in the table. It moves the numbers behind it up, so that no
// search has to pass an empty slot.
func (t *Table) Remove(hash, number uint32) {
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

// Hash hashes keys. It is keyed with random numbers, so that a sender cannot aim addresses at one
// slot. Nothing that is reported depends on it.
type Hash struct{ secret [4]uint64 }

// NewHash returns a hash with secrets of its own.
func NewHash() *Hash {
	h := new(Hash)
	seed := maphash.MakeSeed()
	for i := range h.secret {
		h.secret[i] = maphash.Comparable(seed, i)
	}
	return h
}

// Of returns the hash of a key.
func (h *Hash) Of(k *Key) uint32 {
	x := mix(k.Low.Lo^h.secret[0], k.High.Lo^h.secret[1])
	if k.Low.Hi|k.High.Hi != 0 {
		x = mix(x^k.Low.Hi, k.High.Hi^h.secret[2])
	}
	x = mix(x^k.Ports, h.secret[3])
	x = mix(x, 0x9e3779b97f4a7c15) // under some secrets, ports in a row still lie in a row
	return uint32(x ^ x>>32)
}

// mix makes all bits of both factors bear on the result. The addresses of a scan differ in few
// bits, and always in the same way.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
