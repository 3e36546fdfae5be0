package gofollow

import (
	"bytes"
	"cmp"
	"slices"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/memory"
	"gofollow/gofollow/internal/ranges"
)

// receive takes the payload of a segment that begins at off: it trims, then delivers or holds. wire
// is its length on the wire, of which payload was captured. receive reports whether it held
// something, so that a limit may be exceeded.
func (st *streams) receive(c *Connection, from side, off streamOffset, wire int, payload []byte, src *memory.Block) (held bool) {
	d := &c.dirs[from]
	lo, hi := st.trim(c, from, off, off+streamOffset(wire))
	if lo >= hi {
		return false
	}
	payload = payload[min(lo-off, int64(len(payload))):min(hi-off, int64(len(payload)))] // what was captured of [lo, hi)
	if st.far(c, from, lo) {
		return st.acceptSuspects(c, from, st.suspect(c, from, ranges.Span{Start: lo, End: hi}, payload, src, false))
	}
	inOrder := lo == d.next && int64(len(payload)) == hi-lo && !d.has(unanchored)
	if inOrder && d.reassembly == nil {
		st.deliver(c, from, lo, payload, src, st.cause.time, st.cause.packet, false)
		return false
	}
	r := st.ensureReassembly(d)
	r.right = max(r.right, hi)
	if inOrder && r.held.Len() == 0 {
		st.deliver(c, from, lo, payload, src, st.cause.time, st.cause.packet, false)
		return false
	}
	st.place(c, from, lo, hi, payload, src)
	st.deliverHeld(c, from, false)
	return true
}

// place holds [lo, hi), of which payload was captured. The rest was cut off by the snap length.
func (st *streams) place(c *Connection, from side, lo, hi streamOffset, payload []byte, src *memory.Block) {
	cut := lo + streamOffset(len(payload))
	if len(payload) > 0 {
		data, owner := st.copyFor(c, payload, src)
		st.hold(c, from, ranges.Range{Span: ranges.Span{Start: lo, End: cut}, Data: data, Owner: owner})
		st.blocks.Release(owner)
	}
	if cut < hi {
		st.hold(c, from, mark(cut, hi, GapSnaplen))
	}
}

// mark returns a range of bytes that the capture does not have.
func mark(start, end streamOffset, why GapReason) ranges.Range {
	return ranges.Range{Span: ranges.Span{Start: start, End: end}, Origin: ranges.Origin{Reason: uint8(why)}}
}

// hold holds a range of the current packet and schedules when the hole below it is given up.
func (st *streams) hold(c *Connection, from side, n ranges.Range) {
	why := n.Reason
	n.Origin = st.origin(c, from)
	n.Reason = why
	st.insert(c, from, n)
	st.scheduleHole(c, clock.After(c.last, st.holeAge(c, from)))
}

// insert puts n, which has no reference of its own, between the held ranges, by the overlap policy.
func (st *streams) insert(c *Connection, from side, n ranges.Range) {
	r := st.ensureReassembly(&c.dirs[from])
	if n.Data != nil {
		for _, h := range r.held.Overlapping(n.Span) {
			if h.Data != nil {
				st.compare(c, from, h, &n)
			}
		}
	}
	st.holders.account(c, from, r.held.Insert(n, ranges.Policy(st.config.Overlap), &st.ranges))
}

// compare counts what the held range h and the new one n have in common, and reports where their
// bytes differ.
func (st *streams) compare(c *Connection, from side, h, n *ranges.Range) {
	r, shared := c.dirs[from].reassembly, h.Shared(n.Span)
	old, fresh := h.Bytes(shared), n.Bytes(shared)
	r.DuplicateBytes += uint64(shared.Len())
	if c.has(silent) || bytes.Equal(old, fresh) { // of a silent connection only lengths are held
		return
	}
	for i := range old {
		if old[i] != fresh[i] {
			r.ConflictBytes++
		}
	}
	if e := st.anomaly(c, from, AnomalyOverlapConflict, shared.Start, shared.Len()); e != nil {
		own := st.blocks.Get(2 * len(old))
		if own == nil {
			return
		}
		copy(own.Mem[copy(own.Mem, old):], fresh)
		e.Bytes = own.Mem
		st.queue.keep(own)
		st.blocks.Release(own)
		st.queue.bytes += int64(len(own.Mem))
	}
}

// deliverHeld delivers the held ranges that begin at next. A mark is given up as soon as something
// shows that the stream goes on behind it, or at once with force.
func (st *streams) deliverHeld(c *Connection, from side, force bool) {
	d := &c.dirs[from]
	r := d.reassembly
	if d.has(unanchored) {
		return
	}
	var taken ranges.Size
	for h := r.held.Lowest(); h != nil && h.Start == d.next; h = r.held.Lowest() {
		if h.Data == nil && !force && GapReason(h.Reason) == GapSnaplen && !d.seenBeyond(h.End) {
			break
		}
		r.held.Pop()
		taken.Bytes += int64(len(h.Data))
		taken.Ranges++
		if h.Data == nil {
			st.emitGap(c, from, h.End, GapReason(h.Reason))
		} else {
			reordered := h.Packet != st.cause.packet
			if reordered {
				r.ReorderedBytes += uint64(len(h.Data))
			}
			st.deliver(c, from, h.Start, h.Data, h.Owner, h.Time, h.Packet, reordered)
		}
		st.ranges.Free(h)
	}
	if taken.Ranges > 0 {
		st.holders.account(c, from, ranges.Size{Bytes: -taken.Bytes, Ranges: -taken.Ranges})
	}
}

// finish records the offset of a FIN. It reports whether it held something, as receive does.
func (st *streams) finish(c *Connection, from side, off streamOffset) (held bool) {
	d := &c.dirs[from]
	switch {
	case d.fin == off:
	case d.fin != noFIN || (off < d.right() && !d.has(unanchored)):
		st.anomaly(c, from, AnomalyFINBelowData, off, 0)
	case st.far(c, from, off) || d.has(unanchored):
		return st.acceptSuspects(c, from, st.suspect(c, from, ranges.Span{Start: off, End: off}, nil, nil, true))
	default:
		d.fin = off
	}
	return false
}

// takeUrgent takes the byte at off, which the sender marked as urgent, out of the
// stream. It reports whether it held something, as receive does.
func (st *streams) takeUrgent(c *Connection, from side, off streamOffset) (held bool) {
	lo, hi := st.trim(c, from, off, off+1)
	if lo < hi {
		r := st.ensureReassembly(&c.dirs[from])
		r.right = max(r.right, hi)
		st.hold(c, from, mark(lo, hi, GapUrgent))
		st.deliverHeld(c, from, false)
	}
	return lo < hi
}

// acknowledged takes the number up to which the peer has acknowledged the stream.
func (st *streams) acknowledged(c *Connection, of side, number uint32) {
	d := &c.dirs[of]
	ack := d.offsetOf(seqNum(number))
	if ack <= d.ack {
		return
	}
	var gaps streamOffset
	if d.reassembly != nil {
		gaps = streamOffset(d.reassembly.GapBytes)
	}
	if ack > d.right()+maxACKLead+gaps && !st.ensureReassembly(d).confirms(ack, st.current) {
		st.anomaly(c, of, AnomalyACKUnseen, ack, 0)
		return
	}
	d.ack = ack
	if min(ack, d.fin) > d.next {
		st.ensureReassembly(d).markACK(min(ack, d.fin), c.last)
		st.scheduleHole(c, clock.After(c.last, st.patience()))
	}
}

// confirmSuspects accepts the suspects that data or an acknowledgement has reached, and
// those below them. It reports whether it held something, as receive does.
func (st *streams) confirmSuspects(c *Connection, from side) (held bool) {
	d := &c.dirs[from]
	if d.has(unanchored) {
		return false
	}
	n := len(d.reassembly.suspects)
	for n > 0 && max(d.ack, d.reassembly.right) < d.reassembly.suspects[n-1].Start {
		n--
	}
	return st.acceptSuspects(c, from, n)
}

// acceptSuspects holds the first n suspects as if they arrived now. It reports whether n is not 0.
func (st *streams) acceptSuspects(c *Connection, from side, n int) (held bool) {
	if n == 0 {
		return false
	}
	r := c.dirs[from].reassembly
	accepted := slices.Clone(r.suspects[:n])
	r.suspects = slices.Delete(r.suspects, 0, n)
	for _, h := range accepted {
		st.aside -= int64(len(h.Data))
		h.Arrived = c.last
		st.keep(c, from, h)
	}
	st.scheduleHole(c, clock.After(c.last, st.holeAge(c, from)))
	st.deliverHeld(c, from, false)
	return true
}

// moveHeld subtracts a number of bytes from every offset in the reassembly of a direction that has
// not begun, and places what was held or suspected again. If the direction was unanchored,
// leftovers of an earlier connection may be held: what lies above a hole is then a suspect.
func (st *streams) moveHeld(c *Connection, from side, by streamOffset, leftovers bool) {
	r := c.dirs[from].reassembly
	r.right = 0
	for _, off := range []*streamOffset{&r.giveUpBelow, &r.doubtfulACK} {
		if *off > 0 { // 0 stands for none
			*off -= by
		}
	}
	for i := range r.acks {
		r.acks[i].off -= by
	}
	size, moved := r.held.Size(), r.held.PopAll()
	if size.Ranges > 0 {
		st.holders.account(c, from, ranges.Size{Bytes: -size.Bytes, Ranges: -size.Ranges})
	}
	for _, h := range r.suspects {
		st.aside -= int64(len(h.Data))
		moved = append(moved, h)
	}
	r.suspects = nil
	if leftovers {
		slices.SortStableFunc(moved, func(a, b *ranges.Range) int { return cmp.Compare(a.Start, b.Start) })
	}
	for _, h := range moved {
		h.Start, h.End = h.Start-by, h.End-by
		if st.far(c, from, h.Start) || (leftovers && h.Start > r.right) {
			st.addSuspect(c, from, h)
		} else {
			st.keep(c, from, h)
		}
	}
}

// keep holds a range that was held or suspected before, and takes its FIN and acknowledgement.
func (st *streams) keep(c *Connection, from side, h *ranges.Range) {
	d := &c.dirs[from]
	if lo, hi := st.trim(c, from, h.Start, h.End); lo < hi {
		part := *h
		if youngest := d.reassembly.held.Youngest(); youngest != nil {
			part.Arrived = max(part.Arrived, youngest.Arrived)
		}
		d.reassembly.right = max(d.reassembly.right, hi)
		part.Data = h.Data[min(lo-h.Start, int64(len(h.Data))):min(hi-h.Start, int64(len(h.Data)))]
		cut := lo + int64(len(part.Data))
		if cut > lo {
			part.Span = ranges.Span{Start: lo, End: cut}
			st.insert(c, from, part)
		}
		if cut < hi {
			part.Span, part.Data, part.Owner = ranges.Span{Start: cut, End: hi}, nil, nil
			part.Reason = cmp.Or(h.Reason, uint8(GapSnaplen))
			st.insert(c, from, part)
		}
	}
	if h.FIN {
		st.finish(c, from, h.End)
	}
	if h.HasACK && h.End >= 0 {
		st.acknowledged(c, from^1, h.ACK)
	}
	st.ranges.Free(h)
}
