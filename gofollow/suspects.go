package gofollow

import (
	"cmp"
	"slices"

	"gofollow/gofollow/internal/memory"
	"gofollow/gofollow/internal/ranges"
)

const (
	// maxSuspects is how many far segments are kept of a direction. Beyond it the oldest
	// is dropped.
	maxSuspects = 32
	// acceptedRun is how many far segments have to follow each other to be accepted
	// without an acknowledgement, if the peer was captured. With fewer, a forger could
	// end the real stream.
	acceptedRun = 16
	// acceptedOneSided is the same if no packet of the peer was captured.
	acceptedOneSided = 2
)

// suspect keeps a segment that starts far above everything seen, until it is known whether the
// stream continues there. It returns how many of the suspects, from the lowest on, are to be
// accepted now.
func (st *streams) suspect(c *Connection, from side, span ranges.Span, payload []byte, src *memory.Block, fin bool) (accept int) {
	d := &c.dirs[from]
	r := st.ensureReassembly(d)
	for _, s := range r.suspects {
		if s.Start <= span.Start && span.End <= s.End && (s.FIN || !fin) {
			r.DuplicateBytes += uint64(span.Len())
			return 0
		}
	}
	h := st.ranges.New(&ranges.Range{Span: span, Origin: st.origin(c, from)})
	h.FIN = fin
	if len(payload) > 0 {
		h.Data, h.Owner = st.copyFor(c, payload, src)
	}
	at := st.addSuspect(c, from, h)
	if at < 0 || d.has(unanchored) {
		return 0
	}
	first, last := at, at // run of segments that follow each other
	for first > 0 && r.suspects[first-1].End >= r.suspects[first].Start {
		first--
	}
	for last < len(r.suspects)-1 && r.suspects[last].End >= r.suspects[last+1].Start {
		last++
	}
	need := acceptedRun
	if c.dirs[from^1].packets == 0 {
		need = acceptedOneSided
	}
	if last-first+1 < need {
		return 0
	}
	return last + 1
}

// addSuspect adds h to the suspects and returns its place, -1 if there is no room for it.
func (st *streams) addSuspect(c *Connection, from side, h *ranges.Range) int {
	r := c.dirs[from].reassembly
	if len(r.suspects) == maxSuspects {
		oldest := 0
		for i, s := range r.suspects {
			if s.Packet < r.suspects[oldest].Packet {
				oldest = i
			}
		}
		st.dropSuspect(c, from, r.suspects[oldest])
		r.suspects = slices.Delete(r.suspects, oldest, oldest+1)
	}
	st.aside += int64(len(h.Data))
	if st.holders.total.Bytes+st.aside > st.config.Limits.TotalHeldBytes {
		st.dropSuspect(c, from, h)
		return -1
	}
	at, _ := slices.BinarySearchFunc(r.suspects, h, func(a, b *ranges.Range) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	r.suspects = slices.Insert(r.suspects, at, h)
	return at
}

// dropSuspect counts a suspect that was not confirmed, and frees it.
func (st *streams) dropSuspect(c *Connection, from side, h *ranges.Range) {
	r := c.dirs[from].reassembly
	r.FarSegments++
	r.FarBytes += uint64(h.Len())
	st.anomaly(c, from, AnomalyFarSegment, h.Start, h.Len())
	st.aside -= int64(len(h.Data))
	st.ranges.Free(h)
}
