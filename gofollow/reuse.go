package gofollow

import "gofollow/gofollow/internal/decode"

// candidate is a SYN or SYN+ACK, set aside, that may begin a new connection between the
// endpoints of one that is still followed.
type candidate struct {
	segment decode.Segment // its payload is a copy, in memory
	memory  *block         // nil for none
	from    side
	cause   cause
}

// classify decides whether a segment belongs to the connection that its key finds.
// It returns the connection that does take it, nil if a new one is to be made;
// done says that the segment has been dealt with.
func (f *Follower) classify(c *Connection, from side, s *decode.Segment, src *block) (_ *Connection, done bool) {
	if !c.has(opened) {
		if s.Flags&(decode.SYN|decode.ACK) == decode.SYN {
			f.bury(c, false)
			return nil, false
		}
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
	if s.Flags&decode.SYN == 0 || !f.contradicts(c, from, s) {
		return c, false
	}
	switch {
	case s.Flags&decode.ACK != 0 && f.config.NoMidstream:
		return c, true // it opens nothing
	case c.has(reset):
		f.end(c, CloseRST, c.by(c.rare.resetBy), false)
		return nil, false
	case f.proven(c, from, s):
		f.end(c, CloseReused, ByNone, false)
		return nil, false
	}
	f.setAside(c, from, s, src)
	return c, true
}

// contradicts reports whether the number of a SYN or SYN+ACK cannot be its connection's.
func (f *Follower) contradicts(c *Connection, from side, s *decode.Segment) bool {
	d := &c.dirs[from]
	base := seqNum(s.Seq) + 1
	switch {
	case s.Flags&decode.ACK != 0: // the latest counts until data was delivered
		return d.anchored() && d.base != base && d.begun()
	case !d.anchored():
		// What the peer acknowledged lies at or above the beginning, by no more than is believed.
		return d.has(ackNoted) && uint32(d.seqAt(d.ack)-base) > maxACKLead
	case d.base == base:
		return c.has(reset) && !c.carriedData() // a refused connection is tried again
	case d.has(synSeen) || d.begun():
		return true
	case d.has(ackNoted):
		return uint32(d.seqAt(d.ack)-base) > maxACKLead
	}
	return int32(base-d.base) > 0 // the first segments of a stream may be captured before its SYN
}

// proven reports whether a SYN or SYN+ACK with another number begins a new connection at
// once: a SYN+ACK where its side had finished, and a SYN after a silence where no packet
// of the peer was captured. Where it was, a host that is still connected answers a SYN with
// a challenge ACK (RFC 5961, section 4), and silence proves nothing.
func (f *Follower) proven(c *Connection, from side, s *decode.Segment) bool {
	if s.Flags&decode.ACK != 0 {
		return c.dirs[from].has(finished)
	}
	return c.dirs[from^1].packets == 0 && f.clock.now >= after(c.last, f.config.Timeouts.ReuseIdle)
}

// setAside keeps a SYN as the connection's candidate. Of too many candidates the
// oldest is dropped.
func (f *Follower) setAside(c *Connection, from side, s *decode.Segment, src *block) {
	f.dropCandidate(c)
	for len(f.candidates) >= f.config.Limits.Candidates {
		if oldest := f.candidates[0]; oldest.c.id == oldest.id && oldest.c.has(opened) && oldest.c != c {
			f.dropCandidate(oldest.c)
			f.stats.CandidatesDropped++
		}
		f.candidates = f.candidates[1:]
	}
	f.candidates = append(f.candidates, reminder{id: c.id, c: c})
	n := &candidate{*s, nil, from, f.cause}
	n.segment.Payload = nil
	if len(s.Payload) > 0 && f.holders.total+f.aside+int64(len(s.Payload)) <= f.config.Limits.TotalHeldBytes {
		n.segment.Payload, n.memory = f.copyApart(s.Payload, src)
		f.aside += int64(len(s.Payload))
	}
	f.conns.rarely(c).candidate = n
}

// dropCandidate forgets the connection's candidate.
func (f *Follower) dropCandidate(c *Connection) {
	if c.rare.waits() {
		f.aside -= int64(len(c.rare.candidate.segment.Payload))
		f.blocks.Release(c.rare.candidate.memory)
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
	if from == n.from {
		fitsOld := c.inWindow(from, seqNum(s.Seq))
		// Where the new numbers lie within what the old stream holds, the peer alone can tell.
		disjoint := !c.dirs[from].covers(base)
		switch {
		case syn:
		case disjoint && continues(s.Seq), !fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Seq)):
			return candidateConfirmed
		case !fitsOld && f.within(base, seqNum(s.Seq)):
			return candidateMeant
		}
	} else if ack {
		fitsOld := c.inWindow(n.from, seqNum(s.Ack))
		answered := syn || s.Flags&decode.RST != 0 || n.segment.Flags&decode.ACK != 0
		switch {
		case answered && continues(s.Ack), !fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Ack)):
			return candidateConfirmed
		case !fitsOld && f.within(base, seqNum(s.Ack)):
			return candidateMeant
		}
	}
	d := &c.dirs[from]
	if !syn && s.Wire > 0 && d.has(based) && c.inWindow(from, seqNum(s.Seq)) && d.offsetOf(seqNum(s.Seq))+int64(s.Wire) > d.next {
		f.dropCandidate(c)
	}
	return candidateUntouched
}

// within says that a number lies where a young stream with this base may be.
func (f *Follower) within(base, s seqNum) bool {
	return int64(s-base) <= f.config.Limits.FarBytes
}

// covers reports whether a number lies between what was delivered and the end of what is
// held.
func (d *direction) covers(s seqNum) bool {
	if !d.anchored() {
		return false
	}
	off := d.offsetOf(s)
	return off >= d.next && off <= d.right()
}

// inWindow says that a number lies where a side's stream stands now.
func (c *Connection) inWindow(of side, s seqNum) bool {
	d := &c.dirs[of]
	if !d.anchored() {
		return false
	}
	off := d.offsetOf(s)
	return off >= d.next-1<<16 && off <= c.windowEnd(of)
}

// supersede ends a connection and opens the one that its candidate began.
func (f *Follower) supersede(c *Connection) *Connection {
	n := c.rare.candidate
	if n.memory != nil {
		n.memory.Keep()
		defer f.blocks.Release(n.memory)
	}
	key := c.key // c may be used again at once
	f.end(c, CloseReused, ByNone, false)
	now := f.cause
	f.cause = n.cause
	fresh := f.admit(&key, n.from)
	f.follow(fresh, n.from, &n.segment, n.memory)
	f.cause = now
	return fresh
}
