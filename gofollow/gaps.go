package gofollow

import (
	"container/heap"
	"math"
	"time"
)

// patienceSegments ends the wait for acknowledged bytes that are missing, as
// Config.GapPatience does in time.
const patienceSegments = 64

// patience returns how long acknowledged bytes are waited for, in nanoseconds.
func (f *Follower) patience() time.Duration { return max(0, f.config.GapPatience) }

// markACK starts the patience for everything below off. Each mark is another
// segment's, and so there is never more than one beyond patienceSegments.
func (r *reassembly) markACK(off streamOffset, now int64) {
	r.acks = append(r.acks, ackMark{off, now, r.ticks})
}

// tick counts a segment of the connection. One that equals the segment before it
// is a copy made by the capture and does not count.
func (r *reassembly) tick(current *segmentID) {
	if r != nil && r.last != *current {
		r.ticks++
	}
}

// holesByACK is rule G1: it gives up a hole below held data or a FIN once patience
// is over since the first acknowledgement of all of it. Marks made at or before
// until have waited long enough.
func (f *Follower) holesByACK(c *Connection, from side, until int64) {
	d := &c.dirs[from]
	r := d.slow
	done := 0
	for ; done < len(r.acks); done++ {
		m := r.acks[done]
		if m.off > d.next && m.time > until && r.ticks-m.ticks < patienceSegments && f.config.GapPatience >= 0 {
			break
		}
		r.settled = max(r.settled, m.off)
	}
	r.acks = r.acks[done:]
	if len(r.acks) == 0 {
		r.acks = nil
	}
	for len(r.held) > 0 || d.fin != noFIN {
		start, end := d.next, d.fin
		if len(r.held) > 0 {
			end = r.held[0].start
		}
		if end > r.settled {
			break
		}
		if end > start {
			f.emitGap(c, from, end, GapACK)
		}
		f.deliverHeld(c, from, false)
		if d.next == start {
			break // at the end, or at a mark that nothing lies beyond
		}
	}
	f.halfClose(c, from)
}

// lowestHole gives up the lowest missing range below held data and delivers
// what stood above it. It returns false if nothing is held.
func (f *Follower) lowestHole(c *Connection, from side, why GapReason) bool {
	d := &c.dirs[from]
	f.anchorLowest(c, from)
	if len(d.slow.held) == 0 {
		return false
	}
	if start := d.slow.held[0].start; start > d.next {
		f.emitGap(c, from, start, why)
	}
	f.deliverHeld(c, from, true)
	return true
}

// heldRangeBytes is about what a held range takes beside its bytes. There may be as
// many as would take Limits.TotalHeldBytes, or the shortest ones would take any amount.
const heldRangeBytes = 256

// enforceLimits is rule G3: it gives up holes until no limit is exceeded.
func (f *Follower) enforceLimits(c *Connection, from side) {
	r := c.dirs[from].slow
	l := &f.config.Limits
	for (r.bytes > l.HeldBytes || len(r.held) > l.HeldSegments) && f.lowestHole(c, from, GapLimit) {
	}
	for len(f.holders.heap) > 0 && f.holders.total+f.aside > l.TotalHeldBytes || f.holders.ranges > max(l.HeldSegments, int(l.TotalHeldBytes/heldRangeBytes)) {
		top := f.holders.heap[0]
		f.lowestHole(top.conn, top.from, GapLimit)
		if top.conn != c {
			f.halfClose(top.conn, top.from)
			f.settleClass(top.conn)
		}
	}
	r.MaxHeld = max(r.MaxHeld, uint64(r.bytes))
}

// holesByAge is rule G2: it gives up holes below data that arrived at or before
// until.
func (f *Follower) holesByAge(c *Connection, from side, until int64) {
	d := &c.dirs[from]
	f.anchorLowest(c, from)
	var end streamOffset // of the last range that is too old
	for h := d.slow.eldest; h != nil && h.arrived <= until; h = h.newer {
		end = max(end, h.end)
	}
	for d.next < end && f.lowestHole(c, from, GapTimeout) {
	}
	f.halfClose(c, from)
}

// giveUpAll is rule G4: the connection ends, so every hole is final. Held data is
// delivered, and the tail that a FIN or an acknowledgement shows becomes a gap.
func (f *Follower) giveUpAll(c *Connection, from side) {
	d := &c.dirs[from]
	f.anchorLowest(c, from^1) // what it kept may acknowledge bytes of this direction
	if r := d.slow; r != nil {
		for f.lowestHole(c, from, GapClose) {
		}
		for _, s := range r.suspects {
			f.dropSuspect(c, from, s)
		}
		r.suspects, r.acks = nil, nil
	}
	end := d.ack
	if d.fin != noFIN {
		end = d.fin
	}
	if d.has(based) && end > d.next {
		f.emitGap(c, from, end, GapClose)
	}
	f.halfClose(c, from)
}

// holeDeadline returns the earliest time at which a hole of the direction is
// given up, if nothing more comes.
func (f *Follower) holeDeadline(c *Connection, from side) (deadline int64, byACK bool) {
	r := c.dirs[from].slow
	if r == nil {
		return never, false
	}
	deadline = never
	if r.eldest != nil {
		deadline = after(r.eldest.arrived, f.holeAge(c, from))
	}
	if len(r.acks) > 0 {
		if t := after(r.acks[0].time, f.patience()); t <= deadline {
			return t, true
		}
	}
	return deadline, false
}

// holeAge returns how old held data gets before the hole below it is given up.
func (f *Follower) holeAge(c *Connection, from side) time.Duration {
	age, t := f.config.Timeouts.HoleAge, f.config.Timeouts.OneSidedAge
	if c.dirs[from^1].packets == 0 && (age < 0 || t >= 0 && t < age) {
		return t
	}
	return age
}

// never is a deadline that does not come.
const never int64 = math.MaxInt64

// after returns t + d, saturated; never if d is Never.
func after(t int64, d time.Duration) int64 {
	if d < 0 || t > never-int64(d) {
		return never
	}
	return t + int64(d)
}

// holders is a heap of the directions that hold ranges, the one that takes the most
// memory on top.
type holders struct {
	heap   []*reassembly
	total  int64 // captured bytes
	ranges int
}

// changed accounts for so many bytes and ranges more in r, before they are there.
func (h *holders) changed(r *reassembly, bytes int64, ranges int) {
	r.bytes += bytes
	r.ranges += ranges
	h.total += bytes
	h.ranges += ranges
	switch {
	case r.holder < 0:
		heap.Push(h, r)
	case r.ranges == 0:
		heap.Remove(h, r.holder)
	default:
		heap.Fix(h, r.holder)
	}
}

// memory is about what r's ranges take.
func (r *reassembly) memory() int64 { return r.bytes + int64(r.ranges)*heldRangeBytes }

func (h *holders) Len() int { return len(h.heap) }

func (h *holders) Less(i, j int) bool {
	a, b := h.heap[i], h.heap[j]
	if a.memory() != b.memory() {
		return a.memory() > b.memory()
	}
	return a.conn.id < b.conn.id || a.conn.id == b.conn.id && a.from < b.from
}

func (h *holders) Swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].holder, h.heap[j].holder = i, j
}

func (h *holders) Push(x any) {
	r := x.(*reassembly)
	r.holder = len(h.heap)
	h.heap = append(h.heap, r)
}

func (h *holders) Pop() any {
	last := len(h.heap) - 1
	r := h.heap[last]
	h.heap[last] = nil
	h.heap = h.heap[:last]
	r.holder = -1
	return r
}
