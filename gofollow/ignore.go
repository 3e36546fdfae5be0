package gofollow

import "fmt"

// Ignore ends the interest in a connection: of its events only Closed follows, whose Conn says so
// (Connection.Ignored). Those that wait are dropped, and what the connection holds is let go. The
// events of the last Poll stay valid.
//
// The rules run on, with lengths in place of bytes: what opens and closes, every identifier and
// every counter but ConflictBytes is the same as without the call. Calling it again, or for a
// connection that has closed, does nothing. It fails if there has been no connection of that ID.
func (f *Follower) Ignore(id uint64) error {
	switch {
	case f.closed:
		return ErrClosed
	case id >= f.nextID:
		return fmt.Errorf("%w %d: %d were opened so far", ErrNoConnection, id, f.nextID)
	}
	c := f.conns.find(id)
	if c == nil || c.has(silent) {
		return nil
	}
	c.flags |= ignored
	f.queue.dropTo = f.queue.made
	for i := range c.dirs {
		if r := c.dirs[i].reassembly; r != nil {
			for _, h := range r.held.Sorted() {
				f.ranges.LetGo(h)
			}
			for _, h := range r.suspects {
				f.ranges.LetGo(h)
			}
		}
	}
	return nil
}

// find returns the connection with an ID if it is followed or its Closed event was not taken yet,
// else nil. The first call makes the index that it needs.
func (s *store) find(id uint64) *Connection {
	if s.byID == nil {
		s.byID = make(map[uint64]uint32)
		for i := range s.made {
			if c := s.at(i); c.has(opened) && c.has(inTable|queued) {
				s.byID[c.id] = i
			}
		}
	}
	if i, ok := s.byID[id]; ok {
		return s.at(i)
	}
	return nil
}

// dropped reports whether an event that waits is one of those that Ignore drops.
func (e *Event) dropped() bool { return e.Conn.has(ignored) && e.Kind != Closed }

// drops reports whether events that are dropped may wait.
func (q *queue) drops() bool { return q.taken() < q.dropTo }

// pollKept is poll where events may wait that are dropped. It moves them in front of those that it
// hands out, so that they are given back with them.
func (q *queue) pollKept(most int) []Event {
	end, kept := q.head, 0
	for ; end < len(q.events) && (kept < most || q.events[end].dropped()); end++ {
		if !q.events[end].dropped() {
			kept++
		}
	}
	to := end
	for i := end - 1; i >= q.head; i-- {
		if !q.events[i].dropped() {
			to--
			q.events[to], q.events[i] = q.events[i], q.events[to]
		}
	}
	q.head = end
	q.movedTo = max(q.movedTo, q.taken())
	return q.events[to:end:end]
}
