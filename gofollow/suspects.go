package gofollow

import (
	"cmp"
	"slices"
)

const (
	// maxSuspects is how many far segments are kept of a direction. Beyond it the oldest
	// goes.
	maxSuspects = 32
	// believedRun is how many far segments have to follow each other to be believed
	// without an acknowledgement where the peer was captured: few would let one
	// who forges them end the real stream.
	believedRun = 16
	// believedOneSided is the same where no packet of the peer was captured.
	believedOneSided = 2
)

// suspect keeps a segment that starts far above everything seen until it is known
// whether the stream goes on there, and with it those below it.
func (f *Follower) suspect(c *Connection, from side, lo, hi streamOffset, payload []byte, src *block, fin bool) {
	d := &c.dirs[from]
	r := f.conns.slowly(d)
	for _, s := range r.suspects {
		if s.start <= lo && hi <= s.end && (s.fin || !fin) {
			r.DuplicateBytes += uint64(hi - lo)
			return
		}
	}
	h := f.helds.Get()
	*h = held{span: span{lo, hi}, time: f.cause.time, arrived: c.last, packet: f.cause.packet, fin: fin}
	f.noteACK(c, from, h)
	if len(payload) > 0 {
		h.data, h.owner = f.copyFor(c, payload, src)
	}
	at := f.addSuspect(c, from, h)
	if at < 0 || d.has(unanchored) {
		return
	}
	first, last := at, at // of the segments that follow each other
	for first > 0 && r.suspects[first-1].end >= r.suspects[first].start {
		first--
	}
	for last < len(r.suspects)-1 && r.suspects[last].end >= r.suspects[last+1].start {
		last++
	}
	need := believedRun
	if c.dirs[from^1].packets == 0 {
		need = believedOneSided
	}
	if last-first+1 >= need {
		f.acceptSuspects(c, from, last+1)
	}
}

// addSuspect puts h among the suspects and returns its place, -1 if there is no room.
func (f *Follower) addSuspect(c *Connection, from side, h *held) int {
	r := c.dirs[from].slow
	if len(r.suspects) == maxSuspects {
		oldest := 0
		for i, s := range r.suspects {
			if s.packet < r.suspects[oldest].packet {
				oldest = i
			}
		}
		f.dropSuspect(c, from, r.suspects[oldest])
		r.suspects = slices.Delete(r.suspects, oldest, oldest+1)
	}
	f.aside += int64(len(h.data))
	if f.holders.total+f.aside > f.config.Limits.TotalHeldBytes {
		f.dropSuspect(c, from, h)
		return -1
	}
	at, _ := slices.BinarySearchFunc(r.suspects, h, func(a, b *held) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	r.suspects = slices.Insert(r.suspects, at, h)
	return at
}

// confirmSuspects accepts the suspects that data or an acknowledgement has reached, and
// those below them.
func (f *Follower) confirmSuspects(c *Connection, from side) {
	d := &c.dirs[from]
	if d.has(unanchored) {
		return
	}
	n := len(d.slow.suspects)
	for n > 0 && max(d.ack, d.slow.right) < d.slow.suspects[n-1].start {
		n--
	}
	f.acceptSuspects(c, from, n)
}

// acceptSuspects holds the first n suspects as if they came now.
func (f *Follower) acceptSuspects(c *Connection, from side, n int) {
	if n == 0 {
		return
	}
	r := c.dirs[from].slow
	accepted := slices.Clone(r.suspects[:n])
	r.suspects = slices.Delete(r.suspects, 0, n)
	for _, h := range accepted {
		f.aside -= int64(len(h.data))
		h.arrived = c.last
		f.keep(c, from, h)
	}
	f.remind(c, after(c.last, f.holeAge(c, from)))
	f.deliverHeld(c, from, false)
	f.enforceLimits(c, from)
}

// dropSuspect counts a suspect that is not believed, and frees it.
func (f *Follower) dropSuspect(c *Connection, from side, h *held) {
	r := c.dirs[from].slow
	r.FarSegments++
	r.FarBytes += uint64(h.end - h.start)
	f.anomaly(c, from, AnomalyFarSegment, h.start, h.end-h.start)
	f.aside -= int64(len(h.data))
	f.blocks.Release(h.owner)
	f.helds.Put(h)
}
