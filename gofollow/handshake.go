package gofollow

import (
	"slices"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/ranges"
)

// beginWithoutSYN determines where the stream of a direction begins whose SYN was not captured, as
// far as a segment shows it.
func (st *streams) beginWithoutSYN(c *Connection, from side, seq seqNum, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	c.beginAtACK(from)
	switch {
	case !d.has(based) && p.has(synSeen):
		if s.Wire > 0 || s.Flags&decode.FIN != 0 {
			st.unanchor(d, seq)
		}
	case !d.has(based):
		st.move(c, from, seq)
		if s.Wire == 0 {
			d.flags |= hinted
		}
	case d.has(hinted) && s.Wire > 0:
		if d.flags &^= hinted; seq == d.base+1 && !d.begun() {
			st.move(c, from, seq) // the hint was a keep-alive, one below the next number
		}
	}
	if s.Flags&decode.ACK == 0 {
		return
	}
	if c.has(doubtfulISN) && from == c.client {
		c.flags &^= doubtfulISN
		if !p.begun() {
			if start := p.anchorBelow(p.offsetOf(seqNum(s.Ack))); start < 0 || start > maxAnchorHole {
				st.move(c, from^1, p.seqAt(start))
			}
		}
	}
	if c.has(synACKSeen) && d.has(synSeen) && p.has(synSeen) {
		c.flags |= handshakeSeen
	}
}

// takeSYN takes the numbers of a SYN or SYN+ACK.
func (st *streams) takeSYN(c *Connection, from side, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	base := seqNum(s.Seq) + 1
	if s.Flags&decode.ACK != 0 {
		if d.has(synSeen) && d.base != base {
			c.flags |= doubtfulISN
			d.forgetACKs() // they were about the other number
		}
		c.flags |= synACKSeen
		if !p.has(based) {
			st.move(c, from^1, seqNum(s.Ack))
		}
		if s.WindowScale < 0 {
			d.scale = 0 // scaling takes both (RFC 7323, section 2.2)
		}
	}
	if !d.anchored() || d.base != base {
		st.move(c, from, base)
	}
	d.flags = d.flags&^hinted | synSeen
	p.scale = uint8(max(0, s.WindowScale))
	if s.Flags&decode.FIN != 0 {
		st.anomaly(c, from, AnomalySYNFIN, 0, 0)
	}
}

// unanchor makes a direction unanchored: its segments are held until it is known where the stream
// begins (anchor). seq is the number of the first one.
func (st *streams) unanchor(d *direction, seq seqNum) {
	d.base = seq - seqNum(unanchoredAt)
	d.flags |= based | unanchored
	st.ensureReassembly(d).right = unanchoredAt
}

// move sets the number of offset 0 of a direction that has not begun. Every offset in its state
// moves with it: afterwards the direction is as if it had begun there.
func (st *streams) move(c *Connection, from side, base seqNum) {
	d := &c.dirs[from]
	by, leftovers := d.offsetOf(base), d.has(unanchored)
	if d.has(ackNoted) || d.ack > 0 {
		if d.ack = max(0, d.ack-by); d.has(ackNoted) && d.ack > maxACKLead {
			d.ack = 0
		}
	}
	d.base = base
	d.flags = d.flags&^(ackNoted|unanchored) | based
	fin := d.fin
	d.fin = noFIN
	if d.reassembly != nil {
		st.moveHeld(c, from, by, leftovers)
	}
	if fin != noFIN && fin >= by {
		st.finish(c, from, fin-by)
	}
}

// anchorLowest anchors an unanchored direction at the lowest data that is held, or at the lowest
// FIN if there is no data, because nothing better is known.
func (st *streams) anchorLowest(c *Connection, from side) {
	d := &c.dirs[from]
	if !d.has(unanchored) {
		return
	}
	d.flags &^= unanchored
	kept := d.reassembly.held.Sorted()
	if len(kept) == 0 {
		kept = d.reassembly.suspects
	}
	if len(kept) == 0 { // a limit dropped it all
		d.flags, d.reassembly.right = d.flags&^based, 0
		return
	}
	lowest := kept[max(0, slices.IndexFunc(kept, func(h *ranges.Range) bool { return h.Start < h.End }))]
	st.move(c, from, d.seqAt(lowest.Start))
}

// acknowledge takes the acknowledgement number of a segment. It acknowledges bytes that the side of
// sent.
func (st *streams) acknowledge(c *Connection, of side, s *decode.Segment) {
	d, p := &c.dirs[of], &c.dirs[of^1]
	if d.has(synSeen) && !p.anchored() {
		return // in SYN-SENT, what does not come from the peer's beginning is of an earlier connection
	}
	d.window = s.Window
	if !d.anchored() && !st.anchor(c, of, s) {
		return
	}
	st.acknowledged(c, of, s.Ack)
}

// anchor takes an acknowledgement as evidence of where an unanchored direction begins, and reports
// whether that is known now. If nothing was captured of the direction, it only notes the number.
func (st *streams) anchor(c *Connection, of side, s *decode.Segment) bool {
	d, p := &c.dirs[of], &c.dirs[of^1]
	if p.has(synSeen) {
		if off := p.offsetOf(seqNum(s.Seq)); off < 0 || st.far(c, of^1, off) {
			return false // of an earlier connection, too
		}
	}
	switch {
	case d.has(unanchored):
		st.move(c, of, d.seqAt(d.anchorBelow(d.offsetOf(seqNum(s.Ack)))))
		return true
	case d.has(ackNoted):
		d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))
	default:
		d.base, d.ack, d.flags = seqNum(s.Ack), 0, d.flags|ackNoted
	}
	return false
}
