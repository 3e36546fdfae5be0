package gofollow

import "gofollow/gofollow/internal/decode"

// maxResetText is how much of a reset's payload is kept.
const maxResetText = 1024

// reset takes a RST: if it is believed, the connection lingers for
// Timeouts.RSTLinger, because a forged one is followed by its alleged sender's
// data.
func (f *Follower) reset(c *Connection, from side, s *decode.Segment, src *block) {
	switch {
	case !c.has(opened):
		f.bury(c, false)
		return
	case f.config.CloseOn == CloseOnFirstFIN:
		if c.has(synACKSeen) {
			if s.Wire > 0 {
				f.payload(c, from, seqNum(s.Seq), s, src)
			}
			f.closeNow(c, from, CloseRST, seqNum(s.Seq))
			return
		}
	case f.config.RST == RSTIgnore:
	case !f.believable(c, from, s):
		f.anomaly(c, from, AnomalyRSTOutOfWindow, c.dirs[from].offsetOf(seqNum(s.Seq)), 0)
	case !c.has(reset):
		c.flags |= reset
		r := f.conns.rarely(c)
		r.resetAt, r.resetBy, r.resetSeq = c.last, from, seqNum(s.Seq)
		r.resetText = append([]byte(nil), s.Payload[:min(len(s.Payload), maxResetText)]...)
	}
	f.conclude(c)
}

// believable reports whether a RST is accepted.
func (f *Follower) believable(c *Connection, from side, s *decode.Segment) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	hasACK := s.Flags&decode.ACK != 0
	c.beginAtACK(from)
	if p.has(synSeen) && !d.anchored() { // p is in SYN-SENT (RFC 9293, section 3.10.7.3)
		ack := p.offsetOf(seqNum(s.Ack))
		return hasACK && ack >= 0 && ack <= p.right()
	}
	if hasACK && p.anchored() && p.offsetOf(seqNum(s.Ack)) > max(p.right(), p.ack)+1 {
		return false // acknowledges what was never sent
	}
	if !d.has(based) {
		return hasACK
	}
	off := d.offsetOf(seqNum(s.Seq))
	switch {
	case off == d.next, off == d.ack, off == -1 && d.has(synSeen) && !p.anchored():
		return true
	case f.config.RST == RSTStrict:
		return false
	}
	return off == d.right() || off >= min(d.next, d.ack) && off <= c.windowEnd(from)
}

// windowEnd returns the highest offset that the peer has given a side leave to send.
func (c *Connection) windowEnd(of side) streamOffset {
	d := &c.dirs[of]
	scale := d.scale
	if !d.has(synSeen) || !c.dirs[of^1].has(synSeen) {
		scale = 14 // the largest there is (RFC 7323, section 2.3)
	}
	return d.right() + streamOffset(d.window)<<scale
}

// cancelReset takes an accepted RST back: its sender went on.
func (f *Follower) cancelReset(c *Connection) {
	c.flags &^= reset
	f.anomaly(c, c.rare.resetBy, AnomalyRSTCancelled, c.dirs[c.rare.resetBy].next, 0)
	c.rare.resetText = nil
}
