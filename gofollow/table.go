package gofollow

import (
	"time"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/timewait"
)

// table has all connections, open and closed. Its methods decide which connection a segment belongs
// to, when a connection opens, expires and closes, and what happens at the limits that hold for all
// connections together.
type table struct {
	streams

	flows       flowTable
	conns       store
	timewait    timewait.Table // closed connections that are remembered
	choice      choice
	separations *decode.Separations // nil without Config.Separate; a connection holds its number
	nextID      uint64
	stats       Stats

	key        flow.Key  // of the segment that is followed now
	candidates []connRef // connections with a SYN candidate, oldest first; some have none any more

	timeouts   [classes]time.Duration
	overdue    bool       // a sweep stopped because the queue was full
	toPostpone []sighting // what was seen in the last packet, if its stamp jumped
}

// init makes an empty table.
func (t *table) init(config Config, separations *decode.Separations) {
	hash := flow.NewHash()
	t.config, t.separations = config, separations
	t.flows, t.timewait = newFlowTable(hash), timewait.NewTable(hash, separations)
	t.timeouts = classTimeouts(&config.Timeouts)
	t.blocks.Allocator = config.Allocator
	t.arena.Blocks, t.ranges.Blocks = &t.blocks, &t.blocks
	t.schedule(sweepEvery)
}

// connRef refers to a connection. If the connection has another id, its memory is used for another
// one by now.
type connRef struct {
	c  *Connection
	id uint64
}

// sighting is what was seen in a packet whose stamp jumped: an open connection, or a closed one
// that is remembered. It counts as seen at the time of the next packet, which confirms the jump or
// not.
type sighting struct {
	c   *Connection // nil for a closed connection
	key flow.Key
}

// classTimeouts returns how long a connection of each class stays open without a packet.
func classTimeouts(t *Timeouts) (out [classes]time.Duration) {
	out[handshake], out[lingering] = t.Handshake, t.RSTLinger
	out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, t.Idle
	return out
}

// admit adds a connection for a flow key. Its first segment comes from the given side.
func (t *table) admit(k *flow.Key, from side) *Connection {
	t.makeRoom()
	c := t.conns.take()
	c.key, c.client = *k, from
	c.flags |= inTable
	t.flows.add(c)
	if n := k.Separation(); n != 0 {
		t.separations.Hold(n)
		t.ensureExtra(c).separation = t.separations.Layers(n)
	}
	return c
}

// open makes the Opened event and determines which side is the client.
func (t *table) open(c *Connection, from side, s *decode.Segment) {
	c.flags |= opened
	c.id = t.nextID
	t.nextID++
	c.openedAt, c.openedPacket, c.openedSeq = t.cause.time, t.cause.packet, seqNum(s.Seq)
	switch {
	case s.Flags&(decode.SYN|decode.ACK) == decode.SYN:
		c.client, c.rolesFrom, c.start = from, RolesFromSYN, StartSYN
	case s.Flags&decode.SYN != 0:
		c.client, c.rolesFrom, c.start = from^1, RolesFromSYNACK, StartSYNACK
	default:
		c.start = StartMidstream
		if client, ok := clientByPort(&c.key); ok {
			c.client, c.rolesFrom = client, RolesFromPort
		} else { // c.client is the sender of the first packet
			c.rolesFrom = RolesFromFirst
		}
	}
	t.stats.Opened++
	if t.conns.byID != nil {
		t.conns.byID[c.id] = c.index
	}
	if !t.choice.chooses(c, s) {
		c.flags |= filtered
		t.stats.Filtered++
		return
	}
	t.queue.push(Opened, c, t.cause)
}

// closeIfDone closes a connection if both of its directions have reached their FIN.
func (t *table) closeIfDone(c *Connection) bool {
	if !c.dirs[0].has(finished) || !c.dirs[1].has(finished) || c.has(reset) {
		return false
	}
	t.end(c, CloseFIN, c.closedBy, true)
	return true
}

// end closes a connection: it gives up its holes, makes the Closed event and removes it from the
// table. With remember it goes into the closed-connection table, because late segments are
// expected.
func (t *table) end(c *Connection, why CloseReason, by By, remember bool) {
	t.giveUpAll(c, c.client)
	t.giveUpAll(c, c.client^1)
	t.dropCandidate(c)
	if c.dirs[0].has(finished) && c.dirs[1].has(finished) && why != CloseRST {
		why, by = CloseFIN, c.closedBy // only holes kept it open
	}
	c.closeReason, c.closedBy = why, by
	c.flags = c.flags&^reset | closed
	t.stats.ClosedBy[why]++
	if !c.has(filtered) {
		c.flags |= queued
		e := t.queue.push(Closed, c, t.cause)
		e.CloseReason, e.By = why, by
		t.queue.pins = append(t.queue.pins, pin{first: t.queue.made, conn: c})
	}
	t.forget(c, remember)
}

// forget removes a connection that is closed or was never opened. With remember it goes into the
// closed-connection table, from which the oldest are dropped if there are too many.
func (t *table) forget(c *Connection, remember bool) {
	if remember {
		t.stats.ClosedConnectionsDropped += t.timewait.MakeRoom(t.config.Limits.ClosedConnections)
		was := c.remains(t.cause.at)
		t.timewait.Add(&was)
	}
	t.flows.drop(c)
	t.conns.delist(c)
	c.flags &^= inTable
	t.discard(c)
}

// discard frees a connection and its state, unless it is still in the table or its Closed event
// still waits.
func (t *table) discard(c *Connection) {
	if c.has(queued | inTable) {
		return
	}
	for i := range c.dirs {
		t.reassemblies.Put(c.dirs[i].reassembly)
		c.dirs[i].reassembly = nil
	}
	t.extras.Put(c.extra)
	c.extra = nil
	t.separations.Release(c.key.Separation())
	t.conns.put(c)
}

// reported frees a connection whose Closed event was polled.
func (t *table) reported(c *Connection) {
	c.flags &^= queued
	t.discard(c)
}

// touch moves a connection to the end of the list of its class, because it had a packet.
func (t *table) touch(c *Connection) {
	k := c.rank()
	if k == lingering && c.class == k {
		return // its time-out runs from the RST
	}
	if k != c.class {
		t.schedule(clock.After(c.last, t.timeouts[k]))
	}
	t.conns.enlist(c, k)
}

// reclassify closes a connection or changes its class after one of its directions may have reached
// its FIN without a packet of the connection.
func (t *table) reclassify(c *Connection) {
	if !t.closeIfDone(c) && c.rank() != c.class {
		t.touch(c)
	}
}

// makeRoom drops a closed connection, or else evicts the connection of the lowest class that was
// silent longest, if there are as many connections as the limit allows.
func (t *table) makeRoom() {
	if t.flows.index.Len()+t.timewait.Len() < t.config.Limits.Connections {
		return
	}
	if t.timewait.RemoveOldest() {
		t.stats.ClosedConnectionsDropped++
		return
	}
	for k := handshake; k < classes; k++ {
		c := t.conns.oldest(k)
		if c == nil {
			continue
		}
		if c.has(opened) {
			t.end(c, CloseEvicted, ByNone, false)
		} else {
			t.forget(c, false)
		}
		return
	}
}

// enforceLimits is rule G3: it gives up holes until no limit is exceeded. c and from name the
// direction that holds more than before.
func (t *table) enforceLimits(c *Connection, from side) {
	r := c.dirs[from].reassembly
	limits := &t.config.Limits
	for (r.held.Size().Bytes > limits.HeldBytes || r.held.Len() > limits.HeldSegments) && t.lowestHole(c, from, GapLimit) {
	}
	for t.heldTooMuch() {
		top := t.holders.heap[0]
		t.lowestHole(top.conn, top.from, GapLimit)
		if top.conn != c {
			t.halfClose(top.conn, top.from)
			t.reclassify(top.conn)
		}
	}
	r.MaxHeld = max(r.MaxHeld, uint64(r.held.Size().Bytes))
}

// heldTooMuch reports whether all connections together hold more than is allowed, in bytes or in
// ranges, and giving up holes would change that.
func (t *table) heldTooMuch() bool {
	limits, total := &t.config.Limits, t.holders.total
	tooManyBytes := total.Bytes+t.aside > limits.TotalHeldBytes
	tooManyRanges := total.Ranges > max(limits.HeldSegments, int(limits.TotalHeldBytes/heldRangeBytes))
	return len(t.holders.heap) > 0 && (tooManyBytes || tooManyRanges)
}

// dropCandidate drops the candidate of a connection, if there is one.
func (t *table) dropCandidate(c *Connection) {
	if c.extra.waits() {
		t.aside -= int64(len(c.extra.candidate.segment.Payload))
		t.blocks.Release(c.extra.candidate.memory)
		c.extra.candidate = nil
	}
}
