package gofollow

import "gofollow/gofollow/internal/decode"

// candidate is a SYN, set aside, that may begin a new connection between the
// endpoints of one that is still followed.
type candidate struct {
	segment decode.Segment // its payload is a copy
	from    side
	cause   cause
}

// weigh decides whether a segment belongs to the connection that its key finds.
// It returns the connection that does take it, nil if a new one is to be made;
// done says that the segment has been dealt with.
func (f *Follower) weigh(c *Connection, from side, s *decode.Segment) (_ *Connection, done bool) {
	syn := s.Flags&(decode.SYN|decode.ACK) == decode.SYN
	switch {
	case c.class == tombstone:
		if !f.revives(c, from, s) {
			f.stats.AfterClose++
			return c, true
		}
		f.bury(c)
		return nil, false
	case !c.has(opened):
		if syn {
			f.bury(c)
			return nil, false
		}
		return c, false
	}
	if c.rare != nil && c.rare.candidate != nil {
		if f.confirms(c, from, s) {
			return f.supersede(c), false
		}
	}
	d := &c.dirs[from]
	base := seqNum(s.Seq) + 1
	refused := c.has(reset) && !c.carriedData()
	if !syn || !d.has(based) || d.base == base && !refused || !d.has(synSeen) && d.untouched() && int32(base-d.base) < 0 {
		return c, false
	}
	switch {
	case c.has(reset):
		f.end(c, CloseRST, c.by(c.rare.resetBy))
		f.bury(c)
		return nil, false
	case f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle):
		f.end(c, CloseReused, ByNobody)
		return nil, false
	}
	n := &candidate{*s, from, f.cause}
	n.segment.Payload = append([]byte(nil), s.Payload...)
	n.segment.Owned = true
	c.rarely().candidate = n
	return c, true
}

// revives says whether a segment for a closed connection begins a new one.
func (f *Follower) revives(c *Connection, from side, s *decode.Segment) bool {
	d := &c.dirs[from]
	switch s.Flags & (decode.SYN | decode.ACK) {
	case decode.SYN:
		return !d.has(based) || d.base != seqNum(s.Seq)+1 || c.carriedData() || c.closeReason == CloseRST
	case decode.SYN | decode.ACK:
		return !f.config.NoMidstream && d.has(based) && d.base != seqNum(s.Seq)+1
	}
	return false
}

// confirms says whether a segment shows that the candidate is a new connection.
// Data that carries the old one on shows the opposite: the candidate is dropped.
func (f *Follower) confirms(c *Connection, from side, s *decode.Segment) bool {
	n := c.rare.candidate
	base := seqNum(n.segment.Seq) + 1
	syn := s.Flags&decode.SYN != 0
	if from != n.from && syn && s.Flags&decode.ACK != 0 && seqNum(s.Ack) == base ||
		from == n.from && !syn && s.Wire > 0 && seqNum(s.Seq) == base {
		return true
	}
	d := &c.dirs[from]
	if !syn && s.Wire > 0 && d.has(based) {
		off := d.offsetOf(seqNum(s.Seq))
		if off+int64(s.Wire) > d.next && off <= d.right+int64(d.window)<<14 {
			c.rare.candidate = nil
		}
	}
	return false
}

// supersede ends a connection and opens the one that its candidate began.
func (f *Follower) supersede(c *Connection) *Connection {
	n := c.rare.candidate
	key := c.key
	f.end(c, CloseReused, ByNobody)
	now := f.cause
	f.cause = n.cause
	fresh := f.admit(key, n.from, &n.segment)
	f.follow(fresh, n.from, &n.segment, nil)
	f.cause = now
	return fresh
}
