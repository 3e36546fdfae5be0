package gofollow

import "gofollow/gofollow/internal/decode"

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
	based    dirFlags = 1 << iota // base is known
	hinted                        // base is the number of a segment without payload
	synSeen                       // base comes from a SYN
	finished                      // HalfClosed was made
	ackNoted                      // base is unknown, and stands for the highest acknowledgement
)

func (d *direction) has(f dirFlags) bool { return d.flags&f != 0 }

// untouched says that nothing was accepted yet, so that base may change.
func (d *direction) untouched() bool { return d.next == 0 && d.right() == 0 && d.fin == noFIN }

// rebase sets the number of offset 0 of a direction that nothing was accepted of.
func (d *direction) rebase(base seqNum) {
	if ack := d.ack + streamOffset(int32(d.base-base)); d.has(based) && d.ack > 0 || d.has(ackNoted) && ack <= maxACKLead {
		d.ack = max(0, ack)
	}
	if d.fin != noFIN {
		d.fin += streamOffset(int32(d.base - base))
	}
	d.base = base
	d.flags = d.flags&^(hinted|ackNoted) | based
}

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
	if f.far(c, from, lo) && !f.believe(c, from, lo, hi, payload) {
		return
	}
	inOrder := lo == d.next && int64(len(payload)) == hi-lo
	if inOrder && d.slow == nil {
		f.deliver(c, from, lo, payload, src, f.cause.time, false)
		return
	}
	r := f.conns.slowly(d)
	r.right = max(r.right, hi)
	if inOrder && len(r.held) == 0 {
		f.deliver(c, from, lo, payload, src, f.cause.time, false)
		return
	}
	f.place(c, from, lo, hi, payload)
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
func (f *Follower) deliver(c *Connection, from side, off streamOffset, b []byte, src *block, capturedAt int64, reordered bool) {
	copied := src == nil
	if copied {
		b, src = f.arena.Copy(b)
	}
	e := f.queue.add() // field by field: to build it elsewhere and copy it costs more
	e.Kind, e.Direction, e.GapReason, e.CloseReason, e.By, e.AnomalyKind, e.Reordered = Data, c.direction(from), 0, 0, 0, 0, reordered
	e.Conn, e.Time, e.Packet = c, f.cause.time, f.cause.packet
	e.Offset, e.Length, e.Bytes = off, int64(len(b)), b
	e.CapturedAt = capturedAt
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
	e := f.queue.push(Gap, c, f.cause)
	e.Direction = c.direction(from)
	e.Offset, e.Length, e.GapReason = d.next, end-d.next, why
	r.Gaps++
	r.GapBytes += uint64(e.Length)
	r.gaveUp(d.next, end)
	d.next = end
}

// anomaly makes an Anomaly event if they are asked for.
func (f *Follower) anomaly(c *Connection, from side, kind AnomalyKind, off, length int64) *Event {
	if !f.config.Anomalies || !c.has(opened) {
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
	case d.fin != noFIN || off < d.right() || f.far(c, from, off):
		f.anomaly(c, from, AnomalyFINBelowData, off, 0)
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
	if c.closedBy == ByNobody {
		c.closedBy = c.by(from)
	}
	if f.config.NoHalfClosed {
		return
	}
	e := f.queue.push(HalfClosed, c, f.cause)
	e.Direction, e.Offset = c.direction(from), d.fin
}

// acknowledge takes the acknowledgement number of a segment: it is about the
// bytes that `of` sent.
func (f *Follower) acknowledge(c *Connection, of side, s *decode.Segment) {
	d := &c.dirs[of]
	d.window = s.Window
	if !d.has(based) {
		if !d.has(ackNoted) || int32(s.Ack-uint32(d.base)) > 0 {
			d.base, d.flags = seqNum(s.Ack), d.flags|ackNoted
		}
		return
	}
	ack := d.offsetOf(seqNum(s.Ack))
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
		f.conns.slowly(d).acknowledged(min(ack, d.fin), c.last)
		f.remind(c, after(c.last, f.patience()))
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
