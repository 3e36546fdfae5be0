package gofollow

import (
	"gofollow/gofollow/internal/clock"
)

// idleDeadline returns the elapsed time at which a connection expires if no packet of it arrives.
func (t *table) idleDeadline(c *Connection) int64 {
	if c.class == lingering {
		return clock.After(c.extra.resetAt, t.timeouts[lingering])
	}
	return clock.After(c.last, t.timeouts[c.class])
}

// expire does what is due for a connection, each thing at its own deadline. The events are
// therefore the same whenever it is called. It returns nil if the connection expired.
func (t *table) expire(c *Connection) *Connection {
	now := t.cause
	defer func() { t.cause = now }()
	for {
		due, from, byACK := t.idleDeadline(c), side(2), false
		for i := range side(2) {
			if deadline, ack := t.holeDeadline(c, i); deadline < due {
				due, from, byACK = deadline, i, ack
			}
		}
		if due > t.clock.Now || due == clock.Never {
			return c
		}
		t.cause = cause{t.clock.Stamp(due), 0, due}
		switch {
		case from < 2 && byACK:
			t.holesByACK(c, from, c.dirs[from].reassembly.acks[0].time)
			t.reclassify(c)
		case from < 2:
			t.holesByAge(c, from, c.dirs[from].reassembly.held.Eldest().Arrived)
			t.reclassify(c)
		case !c.has(opened):
			t.forget(c, false)
		case c.has(reset):
			t.end(c, CloseRST, c.by(c.extra.resetBy), true)
		default:
			t.end(c, CloseTimeout, ByNone, false)
		}
		if !c.has(inTable) {
			return nil
		}
	}
}

// takeStamp takes a stamp that is not an ordinary one: one behind the reference, a jump,
// or one at which something is due. It reports whether a sweep is due.
func (t *table) takeStamp(at int64) bool {
	pause := t.clock.Tick(at)
	t.postponeSightings()
	if pause > 0 {
		t.graceUntil = clock.Sum(t.clock.Now, jumpGrace)
		t.sweepAt = t.graceUntil
	}
	t.setQuiet()
	return t.clock.Now >= t.sweepAt
}

// postponeSightings counts what was seen in the packet whose stamp jumped as seen now.
func (t *table) postponeSightings() {
	for i := range t.toPostpone {
		l := &t.toPostpone[i]
		if l.c == nil {
			if was := t.timewait.Find(&l.key); was != nil {
				was.Absorb(t.clock.Now)
			}
		} else {
			t.postpone(l.c)
		}
	}
	t.toPostpone = t.toPostpone[:0]
}

// postpone counts what the last packet of a connection brought as captured now.
func (t *table) postpone(c *Connection) {
	then := c.last
	c.last = t.clock.Now
	if c.extra != nil && c.extra.resetAt == then {
		c.extra.resetAt = c.last
	}
	for i := range c.dirs {
		r := c.dirs[i].reassembly
		if r == nil {
			continue
		}
		for h := r.held.Youngest(); h != nil && h.Arrived == then; h = h.Older() {
			h.Arrived = c.last
		}
		for j := len(r.acks) - 1; j >= 0 && r.acks[j].time == then; j-- {
			r.acks[j].time = c.last
		}
	}
}

// sweep does what is due for all connections, in order of deadline, then of id. Within a class the
// order is that of the last packets. If the event queue is full, it stops and returns false.
func (t *table) sweep() bool {
	t.sweepAt = clock.Never
	t.schedule(clock.Sum(t.clock.Now, sweepEvery))
	t.timewait.Expire(t.clock.Now, t.config.Timeouts.CloseLinger)
	for !t.full() {
		var first *Connection
		due := int64(clock.Never)
		for k := handshake; k < classes; k++ {
			if c := t.conns.oldest(k); c != nil {
				if at := t.idleDeadline(c); at != clock.Never && (at < due || (at == due && c.id < first.id)) {
					first, due = c, at
				}
			}
		}
		var hole *Connection
		if t.holes.Len() > 0 {
			if e := t.holes.First(); e.Due < due || (e.Due == due && e.ID < first.id) {
				hole, due = e.Of, e.Due
			}
		}
		if due > t.clock.Now || due == clock.Never {
			t.overdue = false
			t.schedule(due)
			return true
		}
		if hole != nil {
			t.nextHole()
		} else {
			t.expire(first)
		}
	}
	t.overdue = true
	t.schedule(t.clock.Now)
	return false
}

// nextHole takes the earliest deadline of a hole and does what is due, unless the deadline has
// changed.
func (t *table) nextHole() {
	if e := t.holes.Pop(); holds(&e) {
		e.Of.extra.holeDue = clock.Never
		if t.expire(e.Of) != nil {
			t.scheduleHoles(e.Of)
		}
	}
}

// scheduleHoles schedules the next deadline of a connection's holes.
func (t *table) scheduleHoles(c *Connection) {
	for i := range side(2) {
		if due, _ := t.holeDeadline(c, i); due != clock.Never {
			t.scheduleHole(c, due)
		}
	}
}
