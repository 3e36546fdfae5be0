package gofollow

import (
	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/memory"
)

// verdict is what classify decides about a segment.
type verdict uint8

const (
	belongs    verdict = iota // the segment belongs to the connection
	begins                    // it begins a new connection; the old one was closed
	supersedes                // the candidate is a new connection, which the segment belongs to
	consumed                  // nothing remains to be done with the segment
)

// classify decides whether a segment belongs to the connection that its key finds.
func (t *table) classify(c *Connection, from side, s *decode.Segment, src *memory.Block) verdict {
	if !c.has(opened) {
		if s.Flags&(decode.SYN|decode.ACK) == decode.SYN {
			t.forget(c, false)
			return begins
		}
		return belongs
	}
	if c.extra.waits() {
		switch t.compareCandidate(c, from, s) {
		case candidateConfirmed:
			return supersedes
		case candidateOnly:
			return consumed
		}
	}
	if s.Flags&decode.SYN == 0 {
		return belongs
	}
	return t.classifySYN(c, from, s, src)
}

// classifySYN decides what a SYN or SYN+ACK on a live flow key is: a copy of the connection's own,
// the beginning of the next connection, or a candidate that has to be confirmed.
func (t *table) classifySYN(c *Connection, from side, s *decode.Segment, src *memory.Block) verdict {
	switch {
	case !c.contradicts(from, s):
		return belongs
	case s.Flags&decode.ACK != 0 && t.config.NoMidstream:
		return consumed // it opens nothing
	case c.has(reset):
		t.end(c, CloseRST, c.by(c.extra.resetBy), false)
		return begins
	case t.proven(c, from, s):
		t.end(c, CloseReused, ByNone, false)
		return begins
	}
	t.setAside(c, from, s, src)
	return consumed
}

// contradicts reports whether the number of a SYN or SYN+ACK cannot be its connection's.
func (c *Connection) contradicts(from side, s *decode.Segment) bool {
	d := &c.dirs[from]
	base := seqNum(s.Seq) + 1
	switch {
	case s.Flags&decode.ACK != 0: // the latest counts until data was delivered
		return d.anchored() && d.base != base && d.begun()
	case !d.anchored():
		// The peer's acknowledgement lies at or above the beginning, by at most maxACKLead.
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

// proven reports whether a SYN or SYN+ACK with another number begins a new connection at once: a
// SYN+ACK if its side had finished, a SYN after a silence if no packet of the peer was captured. If
// the peer was captured, silence proves nothing: a host that is still connected answers a SYN with
// a challenge ACK (RFC 5961, section 4).
func (t *table) proven(c *Connection, from side, s *decode.Segment) bool {
	if s.Flags&decode.ACK != 0 {
		return c.dirs[from].has(finished)
	}
	return c.dirs[from^1].packets == 0 && t.clock.Now >= clock.After(c.last, t.config.Timeouts.ReuseIdle)
}

// setAside makes a SYN the candidate of a connection. If there are too many candidates, the oldest
// is dropped.
func (t *table) setAside(c *Connection, from side, s *decode.Segment, src *memory.Block) {
	t.dropCandidate(c)
	for len(t.candidates) >= t.config.Limits.Candidates {
		if oldest := t.candidates[0]; oldest.c.id == oldest.id && oldest.c.has(opened) && oldest.c != c {
			t.dropCandidate(oldest.c)
			t.stats.CandidatesDropped++
		}
		t.candidates = t.candidates[1:]
	}
	t.candidates = append(t.candidates, connRef{c, c.id})
	n := &candidate{*s, nil, from, t.cause, *t.choice.vlans}
	n.segment.Payload = nil
	if len(s.Payload) > 0 && t.holders.total.Bytes+t.aside+int64(len(s.Payload)) <= t.config.Limits.TotalHeldBytes {
		n.segment.Payload, n.memory = t.copyApart(s.Payload, src)
		t.aside += int64(len(s.Payload))
	}
	t.ensureExtra(c).candidate = n
}

// What a segment shows about the candidate of its connection.
const (
	candidateUntouched = iota // nothing: the segment belongs to the old connection
	candidateConfirmed        // the candidate is a new connection
	candidateOnly             // the segment fits only the candidate, but does not confirm it
)

// compareCandidate compares a segment with the old connection and the candidate. Data that
// continues the old connection contradicts the candidate, which is then dropped.
func (t *table) compareCandidate(c *Connection, from side, s *decode.Segment) int {
	n := c.extra.candidate
	base := seqNum(n.segment.Seq) + 1
	syn, ack := s.Flags&decode.SYN != 0, s.Flags&decode.ACK != 0
	follows := func(number uint32) bool { return number-uint32(base) <= uint32(n.segment.Wire) } // the SYN or its data
	if from == n.from {
		fitsOld := c.inWindow(from, seqNum(s.Seq))
		// If the new numbers lie within what the old stream holds, only the peer can confirm.
		disjoint := !c.dirs[from].covers(base)
		switch {
		case syn:
		case disjoint && follows(s.Seq), !fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Seq)):
			return candidateConfirmed
		case !fitsOld && t.within(base, seqNum(s.Seq)):
			return candidateOnly
		}
	} else if ack {
		fitsOld := c.inWindow(n.from, seqNum(s.Ack))
		answered := syn || s.Flags&decode.RST != 0 || n.segment.Flags&decode.ACK != 0
		switch {
		case answered && follows(s.Ack), !fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Ack)):
			return candidateConfirmed
		case !fitsOld && t.within(base, seqNum(s.Ack)):
			return candidateOnly
		}
	}
	if !syn && c.continues(from, s) {
		t.dropCandidate(c)
	}
	return candidateUntouched
}

// continues reports whether a segment has bytes that continue the connection's stream.
func (c *Connection) continues(from side, s *decode.Segment) bool {
	d := &c.dirs[from]
	if s.Wire == 0 || !d.has(based) || !c.inWindow(from, seqNum(s.Seq)) {
		return false
	}
	return d.offsetOf(seqNum(s.Seq))+int64(s.Wire) > d.next
}

// within reports whether a number lies where a new stream with this base may be.
func (st *streams) within(base, s seqNum) bool {
	return int64(s-base) <= st.config.Limits.FarBytes
}

// late reports whether a segment of no open connection is a late one of a closed connection, which
// opens nothing. If it begins a new connection, the closed one is forgotten.
func (t *table) late(k *flow.Key, from side, s *decode.Segment) bool {
	was := t.timewait.Find(k)
	if was == nil {
		return false
	}
	now, timeouts := t.clock.Now, &t.config.Timeouts
	switch {
	case was.Forgotten(now, timeouts.CloseLinger) || was.Begins(from, s, t.config.NoMidstream):
	case s.Flags&decode.SYN != 0:
		return true
	case was.Covers(from, s):
		was.Absorb(now)
		if t.clock.Jumped {
			t.toPostpone = append(t.toPostpone, sighting{key: *k})
		}
		return true
	case s.Wire == 0 || now < clock.After(was.ClosedAt, timeouts.StrayLinger):
		return true // without data it would open nothing
	}
	t.timewait.Remove(k)
	return false
}
