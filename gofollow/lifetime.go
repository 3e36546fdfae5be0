package gofollow

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// neverBefore is an elapsed time before all others.
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
	c.flags = c.flags&^reset | closed
	f.stats.ClosedBy[why]++
	if !c.has(filtered) {
		c.flags |= queued
		e := f.queue.push(Closed, c, f.cause)
		e.CloseReason, e.By = why, by
		f.queue.pins = append(f.queue.pins, pin{first: f.queue.made, conn: c})
	}
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
		f.schedule(after(c.last, f.timeouts[k]))
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
		f.stats.ClosedConnectionsDropped++
		return
	}
	for k := handshake; k < classes; k++ {
		c := f.conns.oldest(k)
		if c == nil {
			continue
		}
		if c.has(opened) {
			f.end(c, CloseEvicted, ByNone, false)
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

// expire does what is due for a connection, each thing at its own deadline, so that
// it does not matter when it is called. It returns nil if the connection is forgotten.
func (f *Follower) expire(c *Connection) *Connection {
	now := f.cause
	defer func() { f.cause = now }()
	for {
		due, from, byACK := f.idleDeadline(c), side(2), false
		for i := range side(2) {
			if deadline, ack := f.holeDeadline(c, i); deadline < due {
				due, from, byACK = deadline, i, ack
			}
		}
		if due > f.clock.now || due == never {
			return c
		}
		f.cause = cause{f.clock.stamp(due), 0, due}
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
			f.end(c, CloseTimeout, ByNone, false)
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
	f.schedule(due)
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
	// sweepEvery is the longest time between two sweeps.
	sweepEvery = int64(time.Second)
	// jumpGrace is how long nothing expires after a jump that is elapsed time.
	// Where two sources whose clocks lie hours apart were merged, the
	// connections of both have packets again by then.
	jumpGrace = int64(10 * time.Second)
)

// schedule makes sure that there is a sweep at an elapsed time.
func (f *Follower) schedule(at int64) {
	if at = max(at, f.graceUntil); at < f.sweepAt {
		f.sweepAt = at
		f.calm()
	}
}

// calm notes up to which stamp packets need no look at the time.
func (f *Follower) calm() {
	if f.calmUntil = f.clock.stamp(f.sweepAt); f.clock.jumped {
		f.calmUntil = neverBefore
	}
}

// leaper is what was seen in a packet whose stamp jumped: a connection, or the tombstone of
// a flow key. It counts as seen with the next packet, which tells what the stamp was worth.
type leaper struct {
	c   *Connection // nil for a tombstone
	key flowKey
}

// tick takes a stamp that is not an ordinary one: one behind the reference, a jump,
// or one at which something is due.
func (f *Follower) tick(t int64) {
	pause := f.clock.tick(t)
	f.landLeapers()
	if pause > 0 {
		f.graceUntil = saturatedSum(f.clock.now, jumpGrace)
		f.sweepAt = f.graceUntil
	}
	f.calm()
	if f.clock.now >= f.sweepAt {
		f.sweep()
	}
}

// landLeapers counts what was seen in a packet whose stamp jumped as seen now.
func (f *Follower) landLeapers() {
	for i := range f.leapers {
		l := &f.leapers[i]
		if l.c == nil {
			if number, ok := f.graves.find(&l.key); ok {
				f.graves.at(number).swallowedAt(f.clock.now)
			}
		} else {
			f.postpone(l.c)
		}
	}
	f.leapers = f.leapers[:0]
}

// postpone counts what the connection's last packet did as done now.
func (f *Follower) postpone(c *Connection) {
	then := c.last
	c.last = f.clock.now
	if c.rare != nil && c.rare.resetAt == then {
		c.rare.resetAt = c.last
	}
	for i := range c.dirs {
		r := c.dirs[i].slow
		if r == nil {
			continue
		}
		for h := r.youngest; h != nil && h.arrived == then; h = h.older {
			h.arrived = c.last
		}
		for j := len(r.acks) - 1; j >= 0 && r.acks[j].time == then; j-- {
			r.acks[j].time = c.last
		}
	}
}

// sweep does what is due, in order of deadline, then id; within a class in that of the
// last packets. It stops when the event queue is full and returns false then.
func (f *Follower) sweep() bool {
	f.sweepAt = never
	f.schedule(saturatedSum(f.clock.now, sweepEvery))
	f.decoder.Fragments.Expire(f.clock.now)
	f.expireTombstones()
	for !f.full() {
		var first *Connection
		due := int64(never)
		for k := handshake; k < classes; k++ {
			if c := f.conns.oldest(k); c != nil {
				if t := f.idleDeadline(c); t != never && (t < due || t == due && c.id < first.id) {
					first, due = c, t
				}
			}
		}
		var hole *Connection
		if len(f.reminders) > 0 {
			if r := f.reminders[0]; r.due < due || r.due == due && r.id < first.id {
				hole, due = r.c, r.due
			}
		}
		if due > f.clock.now || due == never {
			f.overdue = false
			f.schedule(due)
			return true
		}
		if hole != nil {
			f.takeReminder()
		} else {
			f.expire(first)
		}
	}
	f.overdue = true
	f.schedule(f.clock.now)
	return false
}

// takeReminder does what the earliest reminder is about, unless that has changed.
func (f *Follower) takeReminder() {
	r := f.reminders[0]
	heap.Pop(&f.reminders)
	if r.valid() {
		r.c.rare.heapDue = never
		if f.expire(r.c) != nil {
			f.remindOfHoles(r.c)
		}
	}
}

// remindOfHoles notes the next deadline of a connection's holes.
func (f *Follower) remindOfHoles(c *Connection) {
	for i := range side(2) {
		if due, _ := f.holeDeadline(c, i); due != never {
			f.remind(c, due)
		}
	}
}
