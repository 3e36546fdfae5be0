package gofollow

import (
	"math"
	"time"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/deadline"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
	"gofollow/gofollow/internal/ranges"
)

// streams is what the directions of all connections share: options and limits, memory, deadlines,
// and the event queue. Its methods are the rules of one direction and of one connection. They do
// not know where connections are stored, nor what limits hold for all of them together.
type streams struct {
	config Config

	queue   queue
	cause   cause     // cause of the events that are made now
	current segmentID // segment that is followed now

	blocks memory.Blocks
	arena  memory.Arena
	ranges ranges.Memory

	holders holders
	aside   int64 // bytes of suspects and SYN candidates

	deadlines

	reassemblies memory.Pool[reassembly]
	extras       memory.Pool[extra]
}

// ensureExtra returns c.extra, which it makes if there is none.
func (st *streams) ensureExtra(c *Connection) *extra {
	if c.extra == nil {
		c.extra = st.extras.Get()
		c.extra.holeDue = clock.Never
	}
	return c.extra
}

// ensureReassembly returns d.reassembly, which it makes if there is none.
func (st *streams) ensureReassembly(d *direction) *reassembly {
	if d.reassembly == nil {
		d.reassembly = st.reassemblies.Get()
		d.reassembly.holder, d.reassembly.right = -1, d.next
	}
	return d.reassembly
}

// countPacket counts a segment of a direction.
func (st *streams) countPacket(d *direction) {
	if d.packets == math.MaxUint32 {
		st.carryCounts(d)
	}
	d.packets++
}

// carryCounts moves the counts of a direction to where there is room for more. There are never more
// segments with payload than segments.
func (st *streams) carryCounts(d *direction) {
	r := st.ensureReassembly(d)
	r.Packets += uint64(d.packets)
	r.DataPackets += uint64(d.dataPackets)
	d.packets, d.dataPackets = 0, 0
}

// copyFor returns what a connection holds of payload, and the block that it lies in: a copy, or
// a length without bytes if the connection makes no events.
func (st *streams) copyFor(c *Connection, payload []byte, src *memory.Block) ([]byte, *memory.Block) {
	if c.has(silent) {
		void := st.blocks.Void(len(payload))
		return void.Mem, void
	}
	return st.copyApart(payload, src)
}

// copyApart returns a copy of payload and the block that it lies in, with a reference for the
// caller. The block has nothing else, so that a held range keeps no other bytes alive. If there is
// no memory for such a block, it is src, in which payload lies, or the memory reserved for the
// packet.
func (st *streams) copyApart(payload []byte, src *memory.Block) ([]byte, *memory.Block) {
	if src == nil {
		return st.arena.CopyApart(payload)
	}
	if own := st.blocks.Copy(payload); own != nil {
		return own.Mem, own
	}
	src.Keep()
	return payload, src
}

// origin returns the origin of a range of the current segment. Of an unanchored direction it has
// the segment's acknowledgement, which is processed when the direction is anchored: before, the
// segment may belong to an earlier connection.
func (st *streams) origin(c *Connection, from side) ranges.Origin {
	o := ranges.Origin{Time: st.cause.time, Arrived: c.last, Packet: st.cause.packet}
	if c.dirs[from].has(unanchored) {
		o.ACK, o.HasACK = st.current.ack()
	}
	return o
}

// far reports whether a segment at an offset would start far above everything seen.
func (st *streams) far(c *Connection, from side, off streamOffset) bool {
	d := &c.dirs[from]
	return off > max(d.right(), d.ack)+st.config.Limits.FarBytes
}

// trim returns the part of [off, end) that lies above what was delivered or given up and below the
// end of the stream. It counts the rest by the reason for which it is dropped.
func (st *streams) trim(c *Connection, from side, off, end streamOffset) (lo, hi streamOffset) {
	d := &c.dirs[from]
	if off < 0 {
		cut := min(end, 0)
		st.ensureReassembly(d).BeforeStart += uint64(cut - off)
		st.anomaly(c, from, AnomalyBeforeStart, off, cut-off)
		off = cut
	}
	if end > d.fin {
		cut := max(off, d.fin)
		st.ensureReassembly(d).AfterFIN += uint64(end - cut)
		st.anomaly(c, from, AnomalyAfterFIN, cut, end-cut)
		end = cut
	}
	if off < d.next && off < end {
		cut := min(end, d.next)
		late := st.ensureReassembly(d).lateIn(off, cut)
		d.reassembly.LateBytes += uint64(late)
		d.reassembly.DuplicateBytes += uint64(cut - off - late)
		off = cut
	}
	return off, end
}

// deliver makes a Data event and moves next behind it. The bytes lie in the block src. If that is
// nil, they are copied into memory that was reserved.
func (st *streams) deliver(c *Connection, from side, off streamOffset, b []byte, src *memory.Block, capturedAt int64, capturedIn uint64, reordered bool) {
	if c.has(silent) {
		c.dirs[from].next = off + int64(len(b))
		return
	}
	copied := src == nil
	if copied {
		b, src = st.arena.Copy(b)
	}
	e := st.queue.add() // field by field: to build it elsewhere and copy it costs more
	e.Kind, e.Direction, e.GapReason, e.CloseReason, e.By, e.AnomalyKind, e.Reordered = Data, c.direction(from), 0, 0, 0, 0, reordered
	e.Conn, e.Time, e.Packet = c, st.cause.time, st.cause.packet
	e.Offset, e.Length, e.Bytes = off, int64(len(b)), b
	e.CapturedAt, e.CapturedIn = capturedAt, capturedIn
	if st.config.Segments {
		e.Segment = nil
	}
	st.queue.keep(src)
	st.queue.bytes += int64(len(b))
	c.dirs[from].next = off + int64(len(b))
	if copied {
		st.blocks.Release(src)
	}
}

// emitGap gives [next, end) up: it makes a Gap event and moves next behind it.
func (st *streams) emitGap(c *Connection, from side, end streamOffset, why GapReason) {
	d := &c.dirs[from]
	r := st.ensureReassembly(d)
	if !c.has(silent) {
		e := st.queue.push(Gap, c, st.cause)
		e.Direction = c.direction(from)
		e.Offset, e.Length, e.GapReason = d.next, end-d.next, why
	}
	r.Gaps++
	r.GapBytes += uint64(end - d.next)
	r.noteGivenUp(d.next, end)
	d.next = end
}

// anomaly makes an Anomaly event if Config.Anomalies asks for them. Otherwise it returns nil.
func (st *streams) anomaly(c *Connection, from side, kind AnomalyKind, off, length int64) *Event {
	if !st.config.Anomalies || !c.has(opened) || c.has(silent) {
		return nil
	}
	e := st.queue.push(Anomaly, c, st.cause)
	e.Direction, e.AnomalyKind, e.Offset, e.Length = c.direction(from), kind, off, length
	return e
}

// halfClose makes the HalfClosed event if next has reached the FIN.
func (st *streams) halfClose(c *Connection, from side) {
	d := &c.dirs[from]
	if d.next != d.fin || d.has(finished) {
		return
	}
	d.flags |= finished
	if c.closedBy == ByNone {
		c.closedBy = c.by(from)
	}
	if st.config.NoHalfClosed || c.has(silent) {
		return
	}
	e := st.queue.push(HalfClosed, c, st.cause)
	e.Direction, e.Offset = c.direction(from), d.fin
}

// seen makes the SegmentSeen event of a segment if they are asked for.
func (st *streams) segmentSeen(c *Connection, from side, s *decode.Segment) {
	d, p := &c.dirs[from], &c.dirs[from^1]
	if !st.config.Segments || !c.has(opened) || c.has(silent) {
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
	e := st.queue.push(SegmentSeen, c, st.cause)
	e.Direction, e.Offset, e.Length, e.Segment = c.direction(from), off, int64(s.Wire), seen
}

// patience returns how long acknowledged bytes are waited for, in nanoseconds.
func (st *streams) patience() time.Duration { return max(0, st.config.GapPatience) }

// holeAge returns how old held data gets before the hole below it is given up.
func (st *streams) holeAge(c *Connection, from side) time.Duration {
	age, t := st.config.Timeouts.HoleAge, st.config.Timeouts.OneSidedAge
	if c.dirs[from^1].packets == 0 && (age < 0 || (t >= 0 && t < age)) {
		return t
	}
	return age
}

// scheduleHole makes sure that a hole is given up at a time although its connection gets no more
// packets.
func (st *streams) scheduleHole(c *Connection, due int64) {
	st.schedule(due)
	if extra := st.ensureExtra(c); due < extra.holeDue {
		extra.holeDue = due
		if st.holes.Crowded() {
			st.holes.Retain(holds)
		}
		st.holes.Push(deadline.Entry[*Connection]{Due: due, ID: c.id, Of: c})
	}
}

// holds reports whether a deadline is still the earliest one of its connection's holes.
func holds(e *deadline.Entry[*Connection]) bool {
	c := e.Of
	followed := c.id == e.ID && c.has(opened) && !c.has(closed)
	return followed && c.extra != nil && c.extra.holeDue == e.Due
}

// reserve makes sure that there is memory for all bytes that a packet of n bytes may deliver or
// leave held: its own, and those of a datagram that it completes. A packet is taken whole or not at
// all.
func (st *streams) reserve(n int) bool { return st.arena.Reserve(n + maxDatagram) }

// maxDatagram is the length of the largest IP datagram.
const maxDatagram = 1<<16 - 1

// full reports whether so many events wait that no packet may be fed.
func (st *streams) full() bool {
	return st.queue.waiting() >= st.config.Limits.QueuedEvents || st.queue.bytes >= st.config.Limits.QueuedBytes
}

// deadlines has the elapsed time, and what is to happen at which time.
type deadlines struct {
	clock      clock.Clock
	sweepAt    int64 // elapsed time of the next sweep
	quietUntil int64 // stamps from the clock's reference up to this one are no jump, and nothing is due
	graceUntil int64 // no sweep before that elapsed time
	holes      deadline.Heap[*Connection]
}

const (
	// sweepEvery is the longest time between two sweeps.
	sweepEvery = int64(time.Second)
	// jumpGrace is how long nothing expires after a jump that added elapsed time.
	// If the captures of two sources whose clocks differ by hours were merged, the
	// connections of both have packets again by then.
	jumpGrace = int64(10 * time.Second)
)

// schedule makes sure that there is a sweep at an elapsed time.
func (dl *deadlines) schedule(at int64) {
	if at = max(at, dl.graceUntil); at < dl.sweepAt {
		dl.sweepAt = at
		dl.setQuiet()
	}
}

// setQuiet updates quietUntil.
func (dl *deadlines) setQuiet() {
	if dl.quietUntil = dl.clock.Stamp(dl.sweepAt); dl.clock.Jumped {
		dl.quietUntil = clock.Before
	}
}
