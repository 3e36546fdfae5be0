package gofollow

import (
	"slices"

	"gofollow/gofollow/internal/decode"
)

// direction is one byte stream of a connection. What a stream that arrives in
// order needs stands here, the rest in slow.
type direction struct {
	next        streamOffset // bytes below it were delivered or given up
	ack         streamOffset // highest plausible acknowledgement by the peer
	fin         streamOffset // where the stream ends, noFIN if unknown
	packets     uint64
	dataPackets uint64
	slow        *reassembly // nil as long as nothing is unusual
	base        seqNum      // number of offset 0; valid only if has(based)
	window      uint16      // last window that the peer advertised for this direction
	scale       uint8       // shift count of window
	flags       dirFlags
}

type dirFlags uint8

const (
	based      dirFlags = 1 << iota // base is known
	hinted                          // base is the number of a segment without payload
	synSeen                         // base comes from a SYN
	finished                        // HalfClosed was made
	ackNoted                        // the peer acknowledged offsets 0 and ack; base is its first acknowledgement unless based
	unanchored                      // where the stream begins is not known yet: base is a stand-in (see float)
)

func (d *direction) has(f dirFlags) bool { return d.flags&f != 0 }

// anchored reports whether it is known where the stream begins.
func (d *direction) anchored() bool { return d.flags&(based|unanchored) == based }

// begun reports whether events tell where the stream begins, so that base is final.
func (d *direction) begun() bool { return d.next > 0 || d.has(finished) }

// floatAt is the offset of the first segment that is kept of an unanchored direction: low
// enough for the far check, and high enough that what lies below it has an offset, too.
const floatAt streamOffset = 1 << 30

// float makes a direction unanchored: what comes is held until it is known where the
// stream begins (anchor). seq is the number of the first segment that is kept.
func (f *Follower) float(d *direction, seq seqNum) {
	d.base = seq - seqNum(floatAt)
	d.flags |= based | unanchored
	f.conns.slowly(d).right = floatAt
}

// maxAnchorHole is the longest hole in what is kept of an unanchored direction that counts
// as loss, rather than as the end of what an earlier connection left behind.
const maxAnchorHole = 1 << 20

// anchorBelow returns the lowest offset from which kept data runs up to end, holes of up
// to maxAnchorHole counted as loss; end if there is none.
func (d *direction) anchorBelow(end streamOffset) streamOffset {
	if d.slow == nil {
		return end
	}
	held := d.slow.held
	for i := len(held) - 1; i >= 0; i-- {
		if h := held[i]; h.start < end {
			if h.end < end-maxAnchorHole {
				break
			}
			end = h.start
		}
	}
	return end
}

// forgetACKs forgets what the peer acknowledged.
func (d *direction) forgetACKs() {
	d.ack, d.flags = 0, d.flags&^ackNoted
	if r := d.slow; r != nil {
		r.acks, r.settled, r.doubt = nil, 0, 0
	}
}

// anchorLowest anchors an unanchored direction at the lowest data that is kept, for want of
// better knowledge; at the lowest FIN if there is none.
func (f *Follower) anchorLowest(c *Connection, from side) {
	d := &c.dirs[from]
	if !d.has(unanchored) {
		return
	}
	d.flags &^= unanchored // nothing contradicts what was kept
	kept := d.slow.held
	if len(kept) == 0 {
		kept = d.slow.suspects
	}
	if len(kept) == 0 { // a limit left nothing of it
		d.flags, d.slow.right = d.flags&^based, 0
		return
	}
	lowest := kept[max(0, slices.IndexFunc(kept, func(h *held) bool { return h.start < h.end }))]
	f.move(c, from, d.seqAt(lowest.start))
}

// move sets the number of offset 0 of a direction that has not begun. All
// that the direction remembers as an offset moves with it: afterwards the direction is
// as if it had begun there.
func (f *Follower) move(c *Connection, from side, base seqNum) {
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
	if d.slow != nil {
		f.moveHeld(c, from, by, leftovers)
	}
	if fin != noFIN && fin >= by {
		f.finish(c, from, fin-by)
	}
}

// carriedData reports whether data was accepted.
func (d *direction) carriedData() bool { return d.next > 0 || d.anchored() && d.right() > 0 }

// right returns the highest end of accepted data. Where it is not next, the
// direction has a reassembly.
func (d *direction) right() streamOffset {
	if d.slow != nil {
		return d.slow.right
	}
	return d.next
}

// receive takes the payload of a segment that begins at off: trim, place,
// deliver. wire is its length on the wire, of which payload was captured.
func (f *Follower) receive(c *Connection, from side, off streamOffset, wire int, payload []byte, src *block) {
	d := &c.dirs[from]
	lo, hi := f.trim(c, from, off, off+streamOffset(wire))
	if lo >= hi {
		return
	}
	payload = payload[min(lo-off, int64(len(payload))):min(hi-off, int64(len(payload)))] // what was captured of [lo, hi)
	if f.far(c, from, lo) {
		f.suspect(c, from, lo, hi, payload, src, false)
		return
	}
	inOrder := lo == d.next && int64(len(payload)) == hi-lo && !d.has(unanchored)
	if inOrder && d.slow == nil {
		f.deliver(c, from, lo, payload, src, f.cause.time, f.cause.packet, false)
		return
	}
	r := f.conns.slowly(d)
	r.right = max(r.right, hi)
	if inOrder && len(r.held) == 0 {
		f.deliver(c, from, lo, payload, src, f.cause.time, f.cause.packet, false)
		return
	}
	f.place(c, from, lo, hi, payload, src)
	f.deliverHeld(c, from, false)
	f.enforceLimits(c, from)
}

// far says that a segment would start far above everything seen.
func (f *Follower) far(c *Connection, from side, off streamOffset) bool {
	d := &c.dirs[from]
	return off > max(d.right(), d.ack)+f.config.Limits.FarBytes
}

// trim returns the part of [off, end) that lies between what was delivered and the
// end of the stream, and counts the rest.
func (f *Follower) trim(c *Connection, from side, off, end streamOffset) (lo, hi streamOffset) {
	d := &c.dirs[from]
	if off < 0 {
		cut := min(end, 0)
		f.conns.slowly(d).BeforeStart += uint64(cut - off)
		f.anomaly(c, from, AnomalyBeforeStart, off, cut-off)
		off = cut
	}
	if end > d.fin {
		cut := max(off, d.fin)
		f.conns.slowly(d).AfterFIN += uint64(end - cut)
		f.anomaly(c, from, AnomalyAfterFIN, cut, end-cut)
		end = cut
	}
	if off < d.next && off < end {
		cut := min(end, d.next)
		late := f.conns.slowly(d).lateIn(off, cut)
		d.slow.LateBytes += uint64(late)
		d.slow.DuplicateBytes += uint64(cut - off - late)
		off = cut
	}
	return off, end
}

// deliver makes a Data event and moves next behind it. The bytes lie in src; they
// are copied where that is nil.
func (f *Follower) deliver(c *Connection, from side, off streamOffset, b []byte, src *block, capturedAt int64, capturedIn uint64, reordered bool) {
	if c.has(silent) {
		c.dirs[from].next = off + int64(len(b))
		return
	}
	copied := src == nil // room for it is reserved
	if copied {
		b, src = f.arena.Copy(b)
	}
	e := f.queue.add() // field by field: to build it elsewhere and copy it costs more
	e.Kind, e.Direction, e.GapReason, e.CloseReason, e.By, e.AnomalyKind, e.Reordered = Data, c.direction(from), 0, 0, 0, 0, reordered
	e.Conn, e.Time, e.Packet = c, f.cause.time, f.cause.packet
	e.Offset, e.Length, e.Bytes = off, int64(len(b)), b
	e.CapturedAt, e.CapturedIn = capturedAt, capturedIn
	if f.config.Segments {
		e.Segment = nil
	}
	f.queue.keep(src)
	f.queue.bytes += int64(len(b))
	c.dirs[from].next = off + int64(len(b))
	if copied {
		f.blocks.Release(src)
	}
}

// emitGap gives [next, end) up.
func (f *Follower) emitGap(c *Connection, from side, end streamOffset, why GapReason) {
	d := &c.dirs[from]
	r := f.conns.slowly(d)
	if !c.has(silent) {
		e := f.queue.push(Gap, c, f.cause)
		e.Direction = c.direction(from)
		e.Offset, e.Length, e.GapReason = d.next, end-d.next, why
	}
	r.Gaps++
	r.GapBytes += uint64(end - d.next)
	r.gaveUp(d.next, end)
	d.next = end
}

// anomaly makes an Anomaly event if they are asked for.
func (f *Follower) anomaly(c *Connection, from side, kind AnomalyKind, off, length int64) *Event {
	if !f.config.Anomalies || !c.has(opened) || c.has(silent) {
		return nil
	}
	e := f.queue.push(Anomaly, c, f.cause)
	e.Direction, e.AnomalyKind, e.Offset, e.Length = c.direction(from), kind, off, length
	return e
}

// finish records the offset of a FIN.
func (f *Follower) finish(c *Connection, from side, off streamOffset) {
	d := &c.dirs[from]
	switch {
	case d.fin == off:
	case d.fin != noFIN || off < d.right() && !d.has(unanchored):
		f.anomaly(c, from, AnomalyFINBelowData, off, 0)
	case f.far(c, from, off) || d.has(unanchored):
		f.suspect(c, from, off, off, nil, nil, true)
	default:
		d.fin = off
	}
}

// halfClose makes the HalfClosed event once next has reached the FIN.
func (f *Follower) halfClose(c *Connection, from side) {
	d := &c.dirs[from]
	if d.next != d.fin || d.has(finished) {
		return
	}
	d.flags |= finished
	if c.closedBy == ByNone {
		c.closedBy = c.by(from)
	}
	if f.config.NoHalfClosed || c.has(silent) {
		return
	}
	e := f.queue.push(HalfClosed, c, f.cause)
	e.Direction, e.Offset = c.direction(from), d.fin
}

// acknowledge takes the acknowledgement number of a segment: it is about the
// bytes that `of` sent.
func (f *Follower) acknowledge(c *Connection, of side, s *decode.Segment) {
	d, p := &c.dirs[of], &c.dirs[of^1]
	if d.has(synSeen) && !p.anchored() {
		return // in SYN-SENT, what does not come from the peer's beginning is of an earlier connection
	}
	d.window = s.Window
	if !d.anchored() && !f.anchor(c, of, s) {
		return
	}
	f.acknowledged(c, of, s.Ack)
}

// acknowledged takes an acknowledgement number of the peer.
func (f *Follower) acknowledged(c *Connection, of side, number uint32) {
	d := &c.dirs[of]
	ack := d.offsetOf(seqNum(number))
	if ack <= d.ack {
		return
	}
	var gaps streamOffset
	if d.slow != nil {
		gaps = streamOffset(d.slow.GapBytes)
	}
	if ack > d.right()+maxACKLead+gaps && !f.conns.slowly(d).agree(ack, f.current) {
		f.anomaly(c, of, AnomalyACKUnseen, ack, 0)
		return
	}
	d.ack = ack
	if min(ack, d.fin) > d.next {
		f.conns.slowly(d).markACK(min(ack, d.fin), c.last)
		f.remind(c, after(c.last, f.patience()))
	}
}

// anchor takes an acknowledgement as evidence of where an unanchored direction begins, and
// reports whether that is known now. Of a direction of which nothing was captured it is only
// noted.
func (f *Follower) anchor(c *Connection, of side, s *decode.Segment) bool {
	d, p := &c.dirs[of], &c.dirs[of^1]
	if p.has(synSeen) {
		if off := p.offsetOf(seqNum(s.Seq)); off < 0 || f.far(c, of^1, off) {
			return false // of an earlier connection, too
		}
	}
	switch {
	case d.has(unanchored):
		f.move(c, of, d.seqAt(d.anchorBelow(d.offsetOf(seqNum(s.Ack)))))
		return true
	case d.has(ackNoted):
		d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))
	default:
		d.base, d.ack, d.flags = seqNum(s.Ack), 0, d.flags|ackNoted
	}
	return false
}

// beginAtACK makes the first acknowledgement of a direction the beginning of its stream, if
// the SYN of the acknowledging side was captured.
func (c *Connection) beginAtACK(from side) {
	if d := &c.dirs[from]; !d.has(based) && d.has(ackNoted) && c.dirs[from^1].has(synSeen) {
		d.flags |= based
	}
}

// maxACKLead is how far beyond everything seen a single acknowledgement is
// believed: a forged one cannot declare more than this lost.
const maxACKLead = 1 << 30

// takeUrgent takes the byte at off, which the sender marked as urgent, out of the
// stream.
func (f *Follower) takeUrgent(c *Connection, from side, off streamOffset) {
	if lo, hi := f.trim(c, from, off, off+1); lo < hi {
		r := f.conns.slowly(&c.dirs[from])
		r.right = max(r.right, hi)
		f.hold(c, from, held{span: span{lo, hi}, why: GapUrgent})
		f.deliverHeld(c, from, false)
		f.enforceLimits(c, from)
	}
}
