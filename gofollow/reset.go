package gofollow

import "gofollow/gofollow/internal/decode"

// maxResetText is how much of a reset's payload is kept.
const maxResetText = 1024

// takeRST takes a RST of an open connection. If it is accepted, the connection lingers for
// Timeouts.RSTLinger, because data of its alleged sender follows a forged one.
func (st *streams) takeRST(c *Connection, from side, s *decode.Segment) {
	switch {
	case st.config.RST == RSTIgnore || st.config.CloseOn == CloseOnFirstFIN:
	case !st.acceptsRST(c, from, s):
		st.anomaly(c, from, AnomalyRSTOutOfWindow, c.dirs[from].offsetOf(seqNum(s.Seq)), 0)
	case !c.has(reset):
		c.flags |= reset
		extra := st.ensureExtra(c)
		extra.resetAt, extra.resetBy, extra.resetSeq = c.last, from, seqNum(s.Seq)
		extra.resetText = append([]byte(nil), s.Payload[:min(len(s.Payload), maxResetText)]...)
	}
}

// acceptsRST reports whether a RST is accepted.
func (st *streams) acceptsRST(c *Connection, from side, s *decode.Segment) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	hasACK := s.Flags&decode.ACK != 0
	c.beginAtACK(from)
	if p.has(synSeen) && !d.anchored() { // p is in SYN-SENT (RFC 9293, section 3.10.7.3)
		ack := p.offsetOf(seqNum(s.Ack))
		return hasACK && ack >= 0 && ack <= p.right()
	}
	if hasACK && p.anchored() && p.offsetOf(seqNum(s.Ack)) > max(p.right(), p.ack)+1 {
		return false // it acknowledges bytes that were never sent
	}
	if !d.has(based) {
		return hasACK
	}
	off := d.offsetOf(seqNum(s.Seq))
	switch {
	case off == d.next, off == d.ack, off == -1 && d.has(synSeen) && !p.anchored():
		return true
	case st.config.RST == RSTStrict:
		return false
	}
	return off == d.right() || (off >= min(d.next, d.ack) && off <= c.windowEnd(from))
}

// cancelReset cancels an accepted RST, because its sender continued the stream.
func (st *streams) cancelReset(c *Connection) {
	c.flags &^= reset
	st.anomaly(c, c.extra.resetBy, AnomalyRSTCancelled, c.dirs[c.extra.resetBy].next, 0)
	c.extra.resetText = nil
}
