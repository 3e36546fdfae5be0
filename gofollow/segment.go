package gofollow

import (
	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
)

// segment follows one TCP segment. src is the block that the payload lies in, nil if the payload
// must be copied.
func (t *table) segment(s *decode.Segment, src *memory.Block) {
	t.stats.Segments++
	if s.Flags&decode.RST != 0 {
		s.Flags &^= decode.SYN | decode.FIN
	}
	from := t.key.Set(s)
	c := t.flows.recent(&t.key)
	if c == nil {
		c = t.flows.find(&t.key, &t.conns)
	}
	if c != nil && t.calm() && t.inOrder(c, from, s, src) {
		return
	}
	t.dispatch(c, from, s, src)
	t.stats.MaxHeldBytes = max(t.stats.MaxHeldBytes, t.holders.total.Bytes)
}

// calm reports whether the short cut of inOrder may be taken: nothing is due, the packet's stamp is
// no jump, and segments make no events of their own.
func (t *table) calm() bool { return !t.overdue && !t.clock.Jumped && !t.config.Segments }

// dispatch finds out which connection a segment belongs to, and follows it there. c is the
// connection with its flow key, nil if there is none.
func (t *table) dispatch(c *Connection, from side, s *decode.Segment, src *memory.Block) {
	if c != nil && t.overdue {
		c = t.expire(c)
	}
	if c != nil && (s.Flags&decode.SYN != 0 || c.extra.waits()) {
		switch t.classify(c, from, s, src) {
		case begins:
			c = nil
		case supersedes:
			c = t.supersede(c)
		case consumed:
			return
		}
	}
	if c == nil {
		if t.late(&t.key, from, s) {
			t.stats.AfterClose++
			return
		}
		if !t.mayOpen(s) {
			t.stats.NoConnection++
			return
		}
		c = t.admit(&t.key, from)
	}
	t.follow(c, from, s, src)
}

// mayOpen reports whether a segment that belongs to no connection may open one.
func (t *table) mayOpen(s *decode.Segment) bool {
	if t.config.NoMidstream && s.Flags&(decode.SYN|decode.ACK) != decode.SYN {
		return false
	}
	return s.Flags&decode.RST == 0
}

// inOrder is the short cut for most segments: the next bytes, or an acknowledgement without
// payload, of an undisturbed connection. It does what follow would do. For every other segment it
// does nothing and returns false.
func (t *table) inOrder(c *Connection, from side, s *decode.Segment, src *memory.Block) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	if !c.undisturbed(from) || !d.isNext(s) {
		return false
	}
	ack := p.next + streamOffset(int32(s.Ack-uint32(p.seqAt(p.next))))
	if ack > p.next {
		return false
	}
	c.last, c.lastAt = t.clock.Now, t.cause.time
	t.countPacket(d)
	if s.Wire > 0 {
		d.dataPackets++
		t.deliver(c, from, d.next, s.Payload, src, t.cause.time, t.cause.packet, false)
		if d.reassembly != nil {
			d.reassembly.right = max(d.reassembly.right, d.next)
		}
	}
	p.window, p.ack = s.Window, max(p.ack, ack)
	if t.conns.tails[established] != c.index+1 {
		t.conns.enlist(c, established)
	}
	return true
}

// undisturbed reports whether a connection is established, nothing casts doubt on it, and no
// acknowledgement runs ahead of the data.
func (c *Connection) undisturbed(from side) bool {
	if c.class != established || c.has(doubtfulISN) || c.extra.waits() {
		return false
	}
	d, p := &c.dirs[from], &c.dirs[from^1]
	return d.fin == noFIN && d.ack <= d.next && p.ack <= p.next
}

// isNext reports whether a segment has only an acknowledgement and the next bytes of the direction,
// if any: none of them was cut off, and nothing that is held waits for them.
func (d *direction) isNext(s *decode.Segment) bool {
	if s.Flags&^(decode.PSH|decode.ECE|decode.CWR) != decode.ACK || len(s.Payload) != s.Wire {
		return false
	}
	return seqNum(s.Seq) == d.seqAt(d.next) && (s.Wire == 0 || !d.reassembly.waits())
}

// follow processes a segment of a connection.
func (t *table) follow(c *Connection, from side, s *decode.Segment, src *memory.Block) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	c.last, c.lastAt = t.clock.Now, t.cause.time
	if t.clock.Jumped {
		t.toPostpone = append(t.toPostpone, sighting{c: c})
	}
	t.countPacket(d)
	t.current = identify(s, from)
	d.reassembly.countSegment(&t.current)
	p.reassembly.countSegment(&t.current)
	if s.Flags&decode.RST != 0 {
		t.followRST(c, from, s, src)
		return
	}
	seq := seqNum(s.Seq)
	if s.Flags&decode.SYN != 0 {
		t.takeSYN(c, from, s)
		seq++
	} else {
		if c.precedes(from, s) {
			t.ensureReassembly(d).BeforeStart += uint64(s.Wire)
			t.touch(c)
			return
		}
		t.beginWithoutSYN(c, from, seq, s)
	}
	if !c.has(opened) {
		if s.Wire == 0 && s.Flags&decode.SYN == 0 {
			t.touch(c) // it only hints at the numbers of the stream
			return
		}
		t.open(c, from, s)
	}
	c.noteHandshake(from, s, t.cause.time)
	t.segmentSeen(c, from, s)
	off := d.offsetOf(seq)
	if s.Flags&(decode.SYN|decode.ACK) == 0 {
		t.stats.NoACKFlag++
		t.anomaly(c, from, AnomalyNoACKFlag, off, int64(s.Wire))
	}
	if s.Wire > 0 {
		if c.has(reset) && c.extra.resetBy == from && d.brings(off, s, d.offsetOf(c.extra.resetSeq)) {
			t.cancelReset(c)
		}
		t.payload(c, from, seq, s, src)
	}
	end := seq + seqNum(s.Wire)
	fin := s.Flags&decode.FIN != 0 && (t.config.CloseOn == CloseOnBoth || c.has(synACKSeen))
	if fin && t.config.CloseOn == CloseOnFirstFIN {
		t.closeNow(c, from, CloseFIN, end)
		return
	}
	if fin && t.finish(c, from, d.offsetOf(end)) {
		t.enforceLimits(c, from)
	}
	if s.Flags&decode.ACK != 0 && !c.key.Loops() {
		t.acknowledge(c, from^1, s)
	}
	t.conclude(c)
}

// payload takes the payload of a segment, without its urgent byte under UrgentOOB. seq is the
// number of its first byte, whose offset changes if a limit anchors the direction.
func (t *table) payload(c *Connection, from side, seq seqNum, s *decode.Segment, src *memory.Block) {
	d := &c.dirs[from]
	d.dataPackets++
	wire, payload := s.Wire, s.Payload
	if t.config.Urgent == UrgentOOB && urgent(s) && !t.far(c, from, d.offsetOf(seq)) {
		at := int(s.Urgent) - 1
		before, behind := payload[:min(at, len(payload))], payload[min(at+1, len(payload)):]
		if t.receive(c, from, d.offsetOf(seq), at, before, src) {
			t.enforceLimits(c, from)
		}
		if t.takeUrgent(c, from, d.offsetOf(seq+seqNum(at))) {
			t.enforceLimits(c, from)
		}
		seq, wire, payload = seq+seqNum(at)+1, wire-at-1, behind
	}
	if t.receive(c, from, d.offsetOf(seq), wire, payload, src) {
		t.enforceLimits(c, from)
	}
}

// urgent reports whether a segment has a byte that is marked as urgent.
func urgent(s *decode.Segment) bool {
	return s.Flags&decode.URG != 0 && s.Urgent > 0 && int(s.Urgent) <= s.Wire
}

// followRST processes a RST of a connection.
func (t *table) followRST(c *Connection, from side, s *decode.Segment, src *memory.Block) {
	t.segmentSeen(c, from, s)
	switch {
	case !c.has(opened):
		t.forget(c, false)
	case t.config.CloseOn == CloseOnFirstFIN && c.has(synACKSeen):
		if s.Wire > 0 {
			t.payload(c, from, seqNum(s.Seq), s, src)
		}
		t.closeNow(c, from, CloseRST, seqNum(s.Seq))
	default:
		t.takeRST(c, from, s)
		t.conclude(c)
	}
}

// conclude ends the processing of a segment whose payload, FIN and acknowledgement were taken: it
// confirms suspects, delivers what has become contiguous, gives up holes, and closes directions and
// connection.
func (t *table) conclude(c *Connection) {
	for i := range side(2) {
		if d := &c.dirs[i]; d.reassembly != nil {
			if t.confirmSuspects(c, i) {
				t.enforceLimits(c, i)
			}
			t.deliverHeld(c, i, false)
			t.holesByACK(c, i, clock.Before)
			d.reassembly.last = t.current
		} else if d.fin == d.next {
			t.halfClose(c, i)
		}
	}
	if !t.closeIfDone(c) {
		t.touch(c)
	}
}

// closeNow closes a connection at its first FIN or RST (CloseOnFirstFIN). end is the number behind
// the last byte of that segment.
func (t *table) closeNow(c *Connection, from side, why CloseReason, end seqNum) {
	for _, i := range [2]side{c.client, c.client ^ 1} {
		t.giveUpAll(c, i)
		if d := &c.dirs[i]; i == from && why == CloseFIN && d.next == d.offsetOf(end) {
			d.fin = d.next
			t.halfClose(c, i)
		}
	}
	t.end(c, why, c.by(from), true)
}

// supersede closes a connection and opens the one that its candidate begins. It returns that one.
func (t *table) supersede(c *Connection) *Connection {
	n := c.extra.candidate
	if n.memory != nil {
		n.memory.Keep()
		defer t.blocks.Release(n.memory)
	}
	key := c.key // c may be used again at once
	t.end(c, CloseReused, ByNone, false)
	now, vlans := t.cause, t.choice.vlans
	t.cause, t.choice.vlans = n.cause, &n.vlans
	fresh := t.admit(&key, n.from)
	t.follow(fresh, n.from, &n.segment, n.memory)
	t.cause, t.choice.vlans = now, vlans
	return fresh
}
