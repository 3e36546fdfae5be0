package gofollow

import "gofollow/gofollow/internal/decode"

// segment takes one TCP segment to its connection. src is the block that the
// payload lies in, nil if it must be copied.
func (f *Follower) segment(s *decode.Segment, src *block) {
	f.stats.Segments++
	if s.Flags&decode.RST != 0 {
		s.Flags &^= decode.SYN | decode.FIN
	}
	c, from := f.table.find(s, &f.key, &f.conns)
	if c != nil && !f.overdue && !f.clock.jumped && !f.config.Segments && f.inOrder(c, from, s, src) {
		return
	}
	f.any(c, from, s, src)
	f.stats.MaxHeldBytes = max(f.stats.MaxHeldBytes, f.holders.total)
}

// any takes any segment to its connection, nil if it has none yet.
func (f *Follower) any(c *Connection, from side, s *decode.Segment, src *block) {
	if c != nil && f.overdue {
		c = f.expire(c)
	}
	if c != nil && (s.Flags&decode.SYN != 0 || c.rare.waits()) {
		var done bool
		if c, done = f.classify(c, from, s, src); done {
			return
		}
	}
	if c == nil {
		if f.late(&f.key, from, s) {
			f.stats.AfterClose++
			return
		}
		if f.config.NoMidstream && s.Flags&(decode.SYN|decode.ACK) != decode.SYN || s.Flags&decode.RST != 0 {
			f.stats.NoConnection++
			return
		}
		c = f.admit(&f.key, from)
	}
	f.follow(c, from, s, src)
}

// inOrder is the short cut for what most segments are: the next bytes, or a bare
// acknowledgement, of an established connection, while no acknowledgement runs ahead of
// the data and nothing waits for these bytes.
// What it does is what follow would; anything else it leaves to it.
func (f *Follower) inOrder(c *Connection, from side, s *decode.Segment, src *block) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	if c.class != established || c.has(doubtfulISN) || d.fin != noFIN || d.ack > d.next || p.ack > p.next || c.rare.waits() ||
		s.Flags&^(decode.PSH|decode.ECE|decode.CWR) != decode.ACK || seqNum(s.Seq) != d.seqAt(d.next) || len(s.Payload) != s.Wire ||
		s.Wire > 0 && d.slow.waits() {
		return false
	}
	ack := p.next + streamOffset(int32(s.Ack-uint32(p.seqAt(p.next))))
	if ack > p.next {
		return false
	}
	c.last, c.lastAt = f.clock.now, f.cause.time
	d.packets++
	if s.Wire > 0 {
		d.dataPackets++
		f.deliver(c, from, d.next, s.Payload, src, f.cause.time, f.cause.packet, false)
		if d.slow != nil {
			d.slow.right = max(d.slow.right, d.next)
		}
	}
	p.window, p.ack = s.Window, max(p.ack, ack)
	if f.conns.tails[established] != c.index+1 {
		f.conns.enlist(c, established)
	}
	return true
}

// admit makes a connection, whose first segment comes from that end.
func (f *Follower) admit(k *flowKey, from side) *Connection {
	f.makeRoom()
	c := f.conns.take()
	c.key, c.client = *k, from
	c.flags |= inTable
	f.table.add(c)
	if n := k.separation(); n != 0 {
		f.conns.separations.Hold(n)
		f.conns.rarely(c).separation = f.conns.separations.Layers(n)
	}
	return c
}

// follow is the way of a segment through its connection.
func (f *Follower) follow(c *Connection, from side, s *decode.Segment, src *block) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	c.last, c.lastAt = f.clock.now, f.cause.time
	if f.clock.jumped {
		f.leapers = append(f.leapers, leaper{c: c})
	}
	d.packets++
	f.current = segmentID{uint64(s.Seq)<<32 | uint64(s.Ack), uint64(s.Wire)<<32 | uint64(s.Window)<<16 | uint64(s.Flags)<<8 | uint64(from)}
	d.slow.tick(&f.current)
	p.slow.tick(&f.current)
	if s.Flags&decode.RST != 0 {
		f.seen(c, from, s)
		f.reset(c, from, s, src)
		return
	}
	seq := seqNum(s.Seq)
	if s.Flags&decode.SYN != 0 {
		f.synchronize(c, from, s)
		seq++
	} else {
		if c.precedes(from, s) {
			f.conns.slowly(d).BeforeStart += uint64(s.Wire)
			f.touch(c)
			return
		}
		f.begin(c, from, seq, s)
	}
	if !c.has(opened) {
		if s.Wire == 0 && s.Flags&decode.SYN == 0 {
			f.touch(c) // only a hint where the numbers stand
			return
		}
		f.open(c, from, s)
	}
	c.noteHandshake(from, s, f.cause.time)
	f.seen(c, from, s)
	off := d.offsetOf(seq)
	if s.Flags&(decode.SYN|decode.ACK) == 0 {
		f.stats.NoACKFlag++
		f.anomaly(c, from, AnomalyNoACKFlag, off, int64(s.Wire))
	}
	if s.Wire > 0 {
		if end := off + int64(s.Wire); c.has(reset) && c.rare.resetBy == from && off <= d.next && end > max(d.next, d.offsetOf(c.rare.resetSeq)) {
			f.cancelReset(c)
		}
		f.payload(c, from, seq, s, src)
	}
	end := seq + seqNum(s.Wire)
	fin := s.Flags&decode.FIN != 0 && (f.config.CloseOn == CloseOnBoth || c.has(synACKSeen))
	if fin && f.config.CloseOn == CloseOnFirstFIN {
		f.closeNow(c, from, CloseFIN, end)
		return
	}
	if fin {
		f.finish(c, from, d.offsetOf(end))
	}
	if s.Flags&decode.ACK != 0 && !c.key.loops() {
		f.acknowledge(c, from^1, s)
	}
	f.conclude(c)
}

// noteHandshake keeps when the first SYN+ACK of the server and the first ACK of the client
// after it were captured.
func (c *Connection) noteHandshake(from side, s *decode.Segment, at int64) {
	switch {
	case s.Flags&decode.SYN != 0:
		if s.Flags&decode.ACK != 0 && c.synACKAt == NoTime {
			c.synACKAt = at
		}
	case from == c.client && c.ackAt == NoTime && c.has(synACKSeen) && s.Flags&decode.ACK != 0:
		c.ackAt = at
	}
}

// seen makes the SegmentSeen event of a segment if they are asked for.
func (f *Follower) seen(c *Connection, from side, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	if !f.config.Segments || !c.has(opened) || c.has(silent) {
		return
	}
	var off streamOffset // of a reset in a direction of which nothing else was captured
	if d.has(based) {
		seq := seqNum(s.Seq)
		if s.Flags&decode.SYN != 0 {
			seq++
		}
		off = d.offsetOf(seq)
	}
	seen := &Segment{ACK: -1, Window: uint32(s.Window), Flags: uint8(s.Flags), Arrival: d.arrival(off, off+int64(s.Wire))}
	if s.Flags&decode.SYN == 0 {
		seen.Window <<= p.scale
	}
	if s.Flags&decode.ACK != 0 && p.has(based) {
		seen.ACK = p.offsetOf(seqNum(s.Ack))
	}
	e := f.queue.push(SegmentSeen, c, f.cause)
	e.Direction, e.Offset, e.Length, e.Segment = c.direction(from), off, int64(s.Wire), seen
}

// arrival tells how the payload at [off, end) relates to what is known of the direction.
func (d *direction) arrival(off, end streamOffset) Arrival {
	switch {
	case off == end:
		return ArrivedEmpty
	case end > d.right():
		return ArrivedNew
	case d.slow == nil:
		return ArrivedRepeated
	case d.slow.lateIn(off, end) > 0:
		return ArrivedOutOfOrder
	}
	known := max(off, d.next)
	for _, h := range d.slow.held {
		if h.start <= known && h.end > known && h.data != nil {
			known = h.end
		}
	}
	if known < end {
		return ArrivedOutOfOrder
	}
	return ArrivedRepeated
}

// precedes reports whether a segment is one of an earlier connection: its receiver, in
// SYN-SENT, drops what does not acknowledge its SYN (RFC 9293, section 3.10.7.3).
func (c *Connection) precedes(from side, s *decode.Segment) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	return p.has(synSeen) && !d.anchored() && s.Flags&decode.ACK != 0 && p.offsetOf(seqNum(s.Ack)) < 0
}

// begin settles where the stream of a direction begins whose SYN was not seen.
func (f *Follower) begin(c *Connection, from side, seq seqNum, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	c.beginAtACK(from)
	switch {
	case !d.has(based) && p.has(synSeen):
		if s.Wire > 0 || s.Flags&decode.FIN != 0 {
			f.float(d, seq)
		}
	case !d.has(based):
		f.move(c, from, seq)
		if s.Wire == 0 {
			d.flags |= hinted
		}
	case d.has(hinted) && s.Wire > 0:
		if d.flags &^= hinted; seq == d.base+1 && !d.begun() {
			f.move(c, from, seq) // the hint was a keep-alive, one below the next number
		}
	}
	if s.Flags&decode.ACK == 0 {
		return
	}
	if c.has(doubtfulISN) && from == c.client {
		c.flags &^= doubtfulISN
		if !p.begun() {
			if start := p.anchorBelow(p.offsetOf(seqNum(s.Ack))); start < 0 || start > maxAnchorHole {
				f.move(c, from^1, p.seqAt(start))
			}
		}
	}
	if c.has(synACKSeen) && d.has(synSeen) && p.has(synSeen) {
		c.flags |= handshaken
	}
}

// synchronize takes the numbers of a SYN.
func (f *Follower) synchronize(c *Connection, from side, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	base := seqNum(s.Seq) + 1
	if s.Flags&decode.ACK != 0 {
		if d.has(synSeen) && d.base != base {
			c.flags |= doubtfulISN
			d.forgetACKs() // they were about the other number
		}
		c.flags |= synACKSeen
		if !p.has(based) {
			f.move(c, from^1, seqNum(s.Ack))
		}
		if s.WindowScale < 0 {
			d.scale = 0 // scaling takes both (RFC 7323, section 2.2)
		}
	}
	if !d.anchored() || d.base != base {
		f.move(c, from, base)
	}
	d.flags = d.flags&^hinted | synSeen
	p.scale = uint8(max(0, s.WindowScale))
	if s.Flags&decode.FIN != 0 {
		f.anomaly(c, from, AnomalySYNFIN, 0, 0)
	}
}

// payload takes the payload of a segment, without its urgent byte if that is
// asked for. seq is its number: an offset may change when a limit anchors the direction.
func (f *Follower) payload(c *Connection, from side, seq seqNum, s *decode.Segment, src *block) {
	d := &c.dirs[from]
	d.dataPackets++
	if f.config.Urgent == UrgentOOB && s.Flags&decode.URG != 0 && s.Urgent > 0 && int(s.Urgent) <= s.Wire && !f.far(c, from, d.offsetOf(seq)) {
		at := int(s.Urgent) - 1
		captured := min(at, len(s.Payload))
		f.receive(c, from, d.offsetOf(seq), at, s.Payload[:captured], src)
		f.takeUrgent(c, from, d.offsetOf(seq+seqNum(at)))
		f.receive(c, from, d.offsetOf(seq+seqNum(at)+1), s.Wire-at-1, s.Payload[min(at+1, len(s.Payload)):], src)
		return
	}
	f.receive(c, from, d.offsetOf(seq), s.Wire, s.Payload, src)
}

// conclude draws what follows from a segment once its payload, FIN and
// acknowledgement are taken: holes given up, directions and connection closed.
func (f *Follower) conclude(c *Connection) {
	for i := range side(2) {
		if d := &c.dirs[i]; d.slow != nil {
			f.confirmSuspects(c, i)
			f.deliverHeld(c, i, false)
			f.holesByACK(c, i, neverBefore)
			d.slow.last = f.current
		} else if d.fin == d.next {
			f.halfClose(c, i)
		}
	}
	if !f.closeIfDone(c) {
		f.touch(c)
	}
}

// closeIfDone closes a connection whose both directions have ended.
func (f *Follower) closeIfDone(c *Connection) bool {
	if !c.dirs[0].has(finished) || !c.dirs[1].has(finished) || c.has(reset) {
		return false
	}
	f.end(c, CloseFIN, c.closedBy, true)
	return true
}

// closeNow closes at the first FIN or RST (CloseOnFirstFIN); end is the number behind
// that segment's last byte.
func (f *Follower) closeNow(c *Connection, from side, why CloseReason, end seqNum) {
	for _, i := range [2]side{c.client, c.client ^ 1} {
		f.giveUpAll(c, i)
		if d := &c.dirs[i]; i == from && why == CloseFIN && d.next == d.offsetOf(end) {
			d.fin = d.next
			f.halfClose(c, i)
		}
	}
	f.end(c, why, c.by(from), true)
}
