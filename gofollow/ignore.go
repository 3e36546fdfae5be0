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
		return fmt.Errorf("%w: %d (%d were opened so far)", ErrNoConnection, id, f.nextID)
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
