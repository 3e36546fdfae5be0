package gofollow

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// neverBefore is a time before all others.
const neverBefore int64 = math.MinInt64

// end closes a connection and forgets it: it gives up what is missing and makes
// the Closed event. remember keeps a tombstone, for where late segments are to be
// expected.
func (f *Follower) end(c *Connection, why CloseReason, by By, remember bool) {
	f.giveUpAll(c, c.client)
	f.giveUpAll(c, c.client^1)
	f.dropCandidate(c)
	if c.dirs[0].has(finished) && c.dirs[1].has(finished) && why != CloseRST {
		why, by = CloseFIN, c.closedBy // only holes had kept it open
	}
	c.closeReason, c.closedBy = why, by
	c.flags = c.flags&^reset | closed | queued
	f.stats.ClosedBy[why]++
	e := f.queue.push(Closed, c, f.cause)
	e.CloseReason, e.By = why, by
	f.queue.pins = append(f.queue.pins, pin{first: f.queue.made, conn: c})
	f.bury(c, remember)
}

// bury forgets a connection that is closed or was never opened.
func (f *Follower) bury(c *Connection, remember bool) {
	if remember {
		f.entomb(c)
	}
	f.table.drop(c)
	f.conns.delist(c)
	c.flags &^= inTable
	f.conns.discard(c)
}

// touch puts a connection at the end of its class's list, after its packet.
func (f *Follower) touch(c *Connection) {
	k := c.worth()
	if k == lingering && c.class == k {
		return // its time counts from the reset
	}
	if k != c.class {
		c.due = min(c.due, after(c.last, f.timeouts[k]))
	}
	f.conns.enlist(c, k)
}

// settleClass closes a connection, or changes its class, if something else than
// its packet has finished one of its directions.
func (f *Follower) settleClass(c *Connection) {
	if !f.closeIfDone(c) && c.worth() != c.class {
		f.touch(c)
	}
}

// worth returns the class that a connection belongs to.
func (c *Connection) worth() class {
	switch {
	case c.has(reset):
		return lingering
	case c.dirs[0].has(finished) || c.dirs[1].has(finished):
		return halfClosed
	case c.has(handshaken):
		return established
	case c.has(opened) && c.carriedData():
		return midstream
	}
	return handshake
}

// makeRoom closes the connection that is worth least if there are too many.
func (f *Follower) makeRoom() {
	if f.table.used+f.graves.used < f.config.Limits.Connections {
		return
	}
	if f.graves.n > 0 {
		f.graves.remove(f.graves.first)
		return
	}
	for k := handshake; k < classes; k++ {
		c := f.conns.oldest(k)
		if c == nil {
			continue
		}
		if c.has(opened) {
			f.end(c, CloseEvicted, ByNobody, false)
		} else {
			f.bury(c, false)
		}
		return
	}
}

// classTimeouts returns how long a connection of each class lasts without a
// packet.
func classTimeouts(t *Timeouts) (out [classes]time.Duration) {
	out[handshake], out[lingering] = t.Handshake, t.RSTLinger
	out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, t.Idle
	return out
}

// idleDeadline returns when a connection ends for want of packets.
func (f *Follower) idleDeadline(c *Connection) int64 {
	if c.class == lingering {
		return after(c.rare.resetAt, f.timeouts[lingering])
	}
	return after(c.last, f.timeouts[c.class])
}

// expire does what is due for a connection at time t, each thing at its own
// deadline, so that it does not matter when it is called. It returns nil if the
// connection is forgotten.
func (f *Follower) expire(c *Connection, t int64) *Connection {
	now := f.cause
	defer func() { f.cause = now }()
	for {
		due, from, byACK := f.idleDeadline(c), side(2), false
		for i := range side(2) {
			if deadline, ack := f.holeDeadline(c, i); deadline < due {
				due, from, byACK = deadline, i, ack
			}
		}
		if due > t || due == never {
			c.due = due
			return c
		}
		f.cause = cause{due, 0}
		switch {
		case from < 2 && byACK:
			f.holesByACK(c, from, c.dirs[from].slow.acks[0].time)
			f.settleClass(c)
		case from < 2:
			f.holesByAge(c, from, c.dirs[from].slow.eldest.arrived)
			f.settleClass(c)
		case !c.has(opened):
			f.bury(c, false)
		case c.has(reset):
			f.end(c, CloseRST, c.by(c.rare.resetBy), true)
		default:
			f.end(c, CloseTimeout, ByNobody, false)
		}
		if !c.has(inTable) {
			return nil
		}
	}
}

// reminder is an entry of the heap that makes sure that a hole is given up
// although its connection gets no more packets.
type reminder struct {
	due int64
	id  uint64 // the connection's, in case it is another's by then
	c   *Connection
}

type reminders []reminder

func (h reminders) Len() int { return len(h) }
func (h reminders) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].id < h[j].id
}
func (h reminders) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *reminders) Push(x any)   { *h = append(*h, x.(reminder)) }
func (h *reminders) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}

// remind notes that something is due for a connection at that time.
func (f *Follower) remind(c *Connection, due int64) {
	c.due = min(c.due, due)
	if r := f.conns.rarely(c); due < r.heapDue {
		if r.heapDue = due; len(f.reminders) > 2*f.table.used+1024 {
			f.reminders = slices.DeleteFunc(f.reminders, func(r reminder) bool { return !r.valid() })
			heap.Init(&f.reminders)
		}
		f.reminders = append(f.reminders, reminder{due, c.id, c})
		heap.Fix(&f.reminders, len(f.reminders)-1) // Push would allocate
	}
}

// valid says that the reminder is still its connection's earliest one.
func (r *reminder) valid() bool {
	return r.c.id == r.id && r.c.has(opened) && !r.c.has(closed) && r.c.rare != nil && r.c.rare.heapDue == r.due
}

const (
	// sweepEvery is how far the clock goes between two sweeps.
	sweepEvery = int64(time.Second)
	// maxClockJump is how far one packet can move the clock alone.
	maxClockJump = int64(time.Hour)
)

// tick moves the clock, the highest time seen. A jump of more than an hour has to
// be confirmed by a second packet.
func (f *Follower) tick(t int64) {
	if f.clock == neverBefore {
		f.clock, f.sweepAt = t, after(t, time.Duration(sweepEvery))
	}
	switch {
	case !leaps(f.clock, t):
		f.clock, f.jumped = max(f.clock, t), false
	case f.jumped && t >= f.jump: // so late it is at least
		f.clock, f.jump, f.jumped = f.jump, t, leaps(f.jump, t)
		if !f.jumped {
			f.clock = t
		}
	case f.jumped && !leaps(t, f.jump):
		f.clock, f.jumped = t, false
	default:
		f.jump, f.jumped = t, true
	}
	if f.clock >= f.sweepAt {
		f.sweep()
	}
}

func leaps(from, to int64) bool { return to > from && uint64(to)-uint64(from) > uint64(maxClockJump) }

// sweep does what is due by the clock, in order of deadline, then id; within a class
// in that of the last packets. It stops when the event queue is full and returns false then.
func (f *Follower) sweep() bool {
	f.sweepAt = after(f.clock, time.Duration(sweepEvery))
	f.decoder.Fragments.Expire(f.clock)
	f.expireTombstones()
	for !f.full() {
		var first *Connection
		var due int64
		for k := handshake; k < classes; k++ {
			if c := f.conns.oldest(k); c != nil {
				if t := f.idleDeadline(c); t <= f.clock && t != never && (first == nil || t < due || t == due && c.id < first.id) {
					first, due = c, t
				}
			}
		}
		if len(f.reminders) > 0 {
			if r := f.reminders[0]; r.due <= f.clock && (first == nil || r.due < due || r.due == due && r.id < first.id) {
				heap.Pop(&f.reminders)
				if c := r.c; r.valid() {
					c.rare.heapDue = never
					if f.expire(c, f.clock) != nil {
						f.remindOfHoles(c)
					}
				}
				continue
			}
		}
		if first == nil {
			return true
		}
		f.expire(first, f.clock)
	}
	f.sweepAt = f.clock
	return false
}

// remindOfHoles notes the next deadline of a connection's holes.
func (f *Follower) remindOfHoles(c *Connection) {
	for i := range side(2) {
		if due, _ := f.holeDeadline(c, i); due != never {
			f.remind(c, due)
		}
	}
}
