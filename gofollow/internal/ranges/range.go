// Package ranges keeps the byte ranges of one stream that are held until the bytes below them come.
// It does not know connections: its user sets the Origin of a range.
package ranges

import "gofollow/gofollow/internal/memory"

// Span is the half-open range [Start, End) of stream offsets.
type Span struct{ Start, End int64 }

// Len returns how many offsets there are in s.
func (s Span) Len() int64 { return s.End - s.Start }

// Shared returns what two spans share. It is empty (Start >= End) if they share nothing.
func (s Span) Shared(o Span) Span { return Span{max(s.Start, o.Start), min(s.End, o.End)} }

// Range is a range of stream bytes: captured bytes, or a mark that the capture does not have them.
type Range struct {
	Span
	Data  []byte        // the bytes of Span; nil for a mark
	Owner *memory.Block // keeps Data alive: one reference is the range's. nil for a mark
	Origin

	older, newer *Range // neighbours in the order of arrival
}

// Origin is where a range came from. A Set keeps it and does not look at it. Of a range that is
// split, each part keeps all of it.
type Origin struct {
	Time    int64  // capture time of the packet
	Arrived int64  // elapsed time at which the range arrived
	Packet  uint64 // number of the packet
	Reason  uint8  // of a mark: why the bytes are missing
	FIN     bool   // the segment carried a FIN
	HasACK  bool   // ACK is the number that the segment acknowledged
	ACK     uint32
}

// Older returns the range that arrived before r, nil if there is none.
func (r *Range) Older() *Range { return r.older }

// Newer returns the range that arrived after r, nil if there is none.
func (r *Range) Newer() *Range { return r.newer }

// Bytes returns the captured bytes of a part of r. For a mark it returns nil.
func (r *Range) Bytes(part Span) []byte {
	if r.Data == nil {
		return nil
	}
	return r.Data[part.Start-r.Start : part.End-r.Start]
}

// from returns the part of r that begins at off.
func (r Range) from(off int64) Range {
	if r.Data != nil {
		r.Data = r.Data[off-r.Start:]
	}
	r.Start = off
	return r
}

// adjoins reports whether the bytes of n stand behind those of r in the memory of both. Different
// segments may share a block, where there was no memory for others.
func (r *Range) adjoins(n *Range) bool {
	k := len(r.Data)
	return r.Owner == n.Owner && k < cap(r.Data) && &r.Data[:k+1][k] == &n.Data[0]
}

// Size is what ranges take.
type Size struct {
	Bytes  int64 // captured bytes
	Ranges int
}

// Memory is where ranges come from and go back to.
type Memory struct {
	Blocks *memory.Blocks
	spare  memory.Pool[Range]
}

// New returns a copy of n, which takes over n's reference to its owner.
func (m *Memory) New(n *Range) *Range {
	r := m.spare.Get()
	*r = *n
	return r
}

// Free gives a range and its reference to its owner back.
func (m *Memory) Free(r *Range) {
	m.Blocks.Release(r.Owner)
	m.spare.Put(r)
}

// LetGo gives the memory of a range back. Its length stays.
func (m *Memory) LetGo(r *Range) {
	if r.Data != nil {
		m.Blocks.Release(r.Owner)
		r.Owner = m.Blocks.Void(len(r.Data))
		r.Data = r.Owner.Mem
	}
}

// slim gives a range memory of its own, as long as there is some, if it keeps less than half of its
// packet's alive. Otherwise ranges of one byte could hold whole packets, and no limit would see it.
func (m *Memory) slim(r *Range) {
	if r.Owner == nil || r.Owner.IsVoid() || 2*len(r.Data) >= len(r.Owner.Mem) {
		return
	}
	if own := m.Blocks.Copy(r.Data); own != nil {
		m.Blocks.Release(r.Owner)
		r.Data, r.Owner = own.Mem, own
	}
}
