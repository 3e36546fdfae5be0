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
	case c.has(opened):
	case syn:
		f.bury(c, false)
		return nil, false
	default:
		return c, false
	}
	if c.rare.waits() {
		switch f.compareCandidate(c, from, s) {
		case candidateConfirmed:
			return f.supersede(c), false
		case candidateMeant:
			return c, true
		}
	}
	d := &c.dirs[from]
	base := seqNum(s.Seq) + 1
	refused := c.has(reset) && !c.carriedData()
	switch {
	case !syn:
		return c, false
	case !d.has(based): // what the peer acknowledged of this side may contradict
		if !d.has(ackNoted) || uint32(d.base-base) <= maxACKLead {
			return c, false
		}
	case d.base == base && !refused, !d.has(synSeen) && d.untouched() && int32(base-d.base) < 0:
		return c, false
	}
	switch {
	case c.has(reset):
		f.end(c, CloseRST, c.by(c.rare.resetBy), false)
		return nil, false
	case f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle):
		f.end(c, CloseReused, ByNobody, false)
		return nil, false
	}
	f.setAside(c, from, s)
	return c, true
}

// setAside keeps a SYN as the connection's candidate. Of too many candidates the
// oldest is dropped.
func (f *Follower) setAside(c *Connection, from side, s *decode.Segment) {
	f.dropCandidate(c)
	for len(f.candidates) >= f.config.Limits.Tombstones {
		if oldest := f.candidates[0]; oldest.c.id == oldest.id && oldest.c.has(opened) && oldest.c != c {
			f.dropCandidate(oldest.c)
		}
		f.candidates = f.candidates[1:]
	}
	f.candidates = append(f.candidates, reminder{id: c.id, c: c})
	n := &candidate{*s, from, f.cause}
	n.segment.Payload = nil
	if f.holders.total+f.aside+int64(len(s.Payload)) <= f.config.Limits.TotalHeldBytes {
		n.segment.Payload = append([]byte(nil), s.Payload...)
		f.aside += int64(len(s.Payload))
	}
	f.conns.rarely(c).candidate = n
}

// dropCandidate forgets the connection's candidate.
func (f *Follower) dropCandidate(c *Connection) {
	if c.rare.waits() {
		f.aside -= int64(len(c.rare.candidate.segment.Payload))
		c.rare.candidate = nil
	}
}

// What a segment says about the candidate of the connection that its key finds.
const (
	candidateUntouched = iota // nothing: it is the old connection's
	candidateConfirmed        // it shows that the candidate is a new connection
	candidateMeant            // it fits the candidate alone, but shows nothing
)

// compareCandidate says which of the two a segment belongs to. Data that carries
// the old connection on shows that the candidate was none: it is dropped.
func (f *Follower) compareCandidate(c *Connection, from side, s *decode.Segment) int {
	n := c.rare.candidate
	base := seqNum(n.segment.Seq) + 1
	syn, ack := s.Flags&decode.SYN != 0, s.Flags&decode.ACK != 0
	continues := func(number uint32) bool { return number-uint32(base) <= uint32(n.segment.Wire) } // the SYN, or its own data
	fitsNew := from == n.from && !syn && f.within(base, seqNum(s.Seq)) || from != n.from && ack && f.within(base, seqNum(s.Ack))
	fitsOld := from == n.from && c.inWindow(from, seqNum(s.Seq)) || from != n.from && ack && c.inWindow(n.from, seqNum(s.Ack))
	switch {
	case from != n.from && syn && ack && continues(s.Ack),
		from == n.from && !syn && s.Wire > 0 && continues(s.Seq),
		fitsNew && !fitsOld && s.Wire > 0:
		return candidateConfirmed
	case fitsNew && !fitsOld:
		return candidateMeant
	}
	d := &c.dirs[from]
	if !syn && s.Wire > 0 && d.has(based) && c.inWindow(from, seqNum(s.Seq)) && d.offsetOf(seqNum(s.Seq))+int64(s.Wire) > d.next {
		f.dropCandidate(c)
	}
	return candidateUntouched
}

// within says that a number lies where a young stream with this base may be.
func (f *Follower) within(base, s seqNum) bool {
	return int32(s-base) >= 0 && int64(s-base) <= f.config.Limits.FarBytes
}

// inWindow says that a number lies where a side's stream stands now.
func (c *Connection) inWindow(of side, s seqNum) bool {
	d := &c.dirs[of]
	if !d.has(based) {
		return false
	}
	off := d.offsetOf(s)
	return off >= d.next-1<<16 && off <= c.windowEnd(of)
}

// supersede ends a connection and opens the one that its candidate began.
func (f *Follower) supersede(c *Connection) *Connection {
	n := c.rare.candidate
	f.end(c, CloseReused, ByNobody, false)
	now := f.cause
	f.cause = n.cause
	fresh := f.admit(&c.key, n.from)
	f.follow(fresh, n.from, &n.segment, nil)
	f.cause = now
	return fresh
}
