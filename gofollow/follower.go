package gofollow

import (
	"cmp"
	"slices"

	"gofollow/gofollow/internal/deadline"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/filter"
	"gofollow/gofollow/internal/memory"
	"gofollow/gofollow/internal/timewait"
)

// Follower follows TCP connections. It is not safe for concurrent use;
// different Followers are independent.
type Follower struct {
	table

	*input          // the capture that is read
	inputs captures // the others

	decoder     decode.Decoder
	seg         decode.Segment // what the decoder decodes into
	notFollowed decode.Counts

	flushing []uint32 // connections that Flush has left to end
	closed   bool
}

// New returns a Follower. It fails with a *ConfigError or a *FilterError.
func New(config Config) (*Follower, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	var chosen *filter.Filter
	if config.Filter != "" {
		if chosen, err = filter.Parse(config.Filter); err != nil {
			return nil, err
		}
	}
	if config.Allocator == nil {
		config.Allocator = memory.GoAllocator{}
	}
	separations := config.Separate.table()
	f := &Follower{
		input:   newInput(),
		inputs:  captures{until: noLimit},
		decoder: decode.Decoder{VerifyChecksum: config.VerifyChecksum, Separate: separations},
	}
	f.table.init(config, separations)
	f.choice = choice{chosen, &f.decoder.VLANs}
	return f, nil
}

// Packet is one captured packet.
type Packet struct {
	LinkType LinkType
	Time     int64  // nanoseconds since 1970 UTC, or NoTime
	Data     []byte // the captured part
	WireLen  int    // length on the wire; below len(Data) or above MaxPacket: taken as len(Data)
}

// Feed follows one packet. It does not keep p.Data. A frame that cannot be decoded is not an error:
// it is counted. If Feed returns ErrQueueFull, ErrNoMemory, ErrPacketTooLarge or ErrClosed, the
// packet was not taken.
func (f *Follower) Feed(p *Packet) error {
	if err := f.ready(); err != nil {
		return err
	}
	return f.feed(p)
}

// FeedBatch follows packets and returns how many were taken. These are all of them unless it
// returns an error, one of those of Feed.
func (f *Follower) FeedBatch(packets []Packet) (int, error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	for i := range packets {
		if err := f.feed(&packets[i]); err != nil {
			return i, err
		}
	}
	return len(packets), nil
}

func (f *Follower) feed(p *Packet) error {
	switch {
	case len(p.Data) > MaxPacket:
		return ErrPacketTooLarge
	case f.full():
		return ErrQueueFull
	case !f.reserve(len(p.Data)):
		return ErrNoMemory
	}
	f.packet(uint32(p.LinkType), p.Time, p.Data, p.WireLen, nil)
	return nil
}

// ready begins a call: it releases what the last Poll handed out.
func (f *Follower) ready() error {
	if f.closed {
		return ErrClosed
	}
	f.releasePolled()
	return nil
}

// packet follows one packet. src is the block that data lies in, nil if its payload must be copied.
func (f *Follower) packet(link uint32, t int64, data []byte, wireLen int, src *memory.Block) {
	f.stats.Packets++
	f.stats.Bytes += uint64(len(data))
	if t >= f.clock.Reference && t < f.quietUntil {
		f.clock.Advance(t)
	} else if t != NoTime && f.takeStamp(t) {
		f.sweep()
	}
	f.cause = cause{t, f.stats.Packets, f.clock.Now}
	f.decoder.Now = f.clock.Now
	if wireLen < len(data) || wireLen > MaxPacket { // no packet is that long: the number is wrong
		wireLen = len(data)
	}
	if f.config.PacketsOnly {
		f.pass(link, data, wireLen, src)
		return
	}
	outcome := f.decoder.Decode(link, data, wireLen, &f.seg)
	for {
		if outcome != decode.TCP {
			f.noSegment(outcome)
		} else {
			in := src
			if f.seg.Owned {
				in = nil
			}
			if in == nil && !f.arena.Reserve(len(f.seg.Payload)) {
				f.seg.Payload = nil // the packet completes several datagrams: as if this was not captured
			}
			f.segment(&f.seg, in)
		}
		if !f.decoder.More() {
			return
		}
		outcome = f.decoder.Next(&f.seg)
	}
}

// noSegment counts a packet that is not a segment, by its kind.
func (f *Follower) noSegment(outcome decode.Outcome) {
	switch outcome {
	case decode.NotTCP:
		f.stats.NotTCP++
		f.notFollowed.Add(f.decoder.Stopped)
	case decode.Fragment:
		f.stats.Fragments++
	case decode.Malformed:
		f.stats.Malformed++
	case decode.UnknownLink:
		f.stats.UnknownLink++
		f.notFollowed.Add(f.decoder.Stopped)
	case decode.TooDeep:
		f.stats.TooDeep++
	case decode.BadChecksum:
		f.stats.BadChecksum++
		from := f.key.Set(&f.seg)
		if c := f.flows.find(&f.key, &f.conns); c != nil {
			f.anomaly(c, from, AnomalyChecksum, c.dirs[from].offsetOf(seqNum(f.seg.Seq)), int64(f.seg.Wire))
		}
	}
}

// Waiting returns how many events wait to be polled. Those that Ignore dropped are counted until
// Poll skips them.
func (f *Follower) Waiting() int { return f.queue.waiting() }

// Poll returns up to n waiting events, which then no longer wait. The slice and what it points to
// are valid until the next call that feeds, polls, flushes or closes.
func (f *Follower) Poll(n int) []Event {
	if f.ready() != nil {
		return nil
	}
	return f.queue.poll(max(0, n))
}

// Unpoll puts back the last n events of the last Poll, so that the next Poll returns them. There
// must be no other call in between.
func (f *Follower) Unpoll(n int) { f.queue.unpoll(n) }

// releasePolled gives back what the last Poll handed out.
func (f *Follower) releasePolled() {
	q := &f.queue
	if q.out == q.head {
		return
	}
	if q.taken() >= q.movedTo {
		f.unpin(q.taken())
	}
	if q.head == len(q.events) {
		q.events, q.out, q.head, q.bytes = q.events[:0], 0, 0, 0
		return
	}
	for i := q.out; i < q.head; i++ {
		q.bytes -= int64(len(q.events[i].Bytes))
	}
	q.out = q.head
	if behind := worthMoving(len(q.events), q.head); behind > 0 {
		q.moved += behind
		q.events, q.out, q.head = q.events[:copy(q.events, q.events[q.head:])], 0, 0
	}
}

// unpin gives back what no event after the first so many needs.
func (f *Follower) unpin(events uint64) {
	q := &f.queue
	for ; q.pinned < len(q.pins); q.pinned++ {
		last := q.made
		if q.pinned+1 < len(q.pins) {
			last = q.pins[q.pinned+1].first - 1
		}
		if last > events {
			break
		}
		p := &q.pins[q.pinned]
		if p.conn != nil {
			f.reported(p.conn)
		} else {
			f.blocks.Release(p.owner)
		}
		*p = pin{}
	}
	if q.pinned == len(q.pins) {
		q.pins, q.pinned = q.pins[:0], 0
	} else if behind := worthMoving(len(q.pins), q.pinned); behind > 0 {
		q.moved += behind
		copy(q.pins, q.pins[q.pinned:])
		clear(q.pins[behind:])
		q.pins, q.pinned = q.pins[:behind], 0
	}
}

// Peek returns the event that the next Poll would return first, nil if none waits. It is valid as
// long as the events of the last Poll.
func (f *Follower) Peek() *Event {
	q := &f.queue
	i := q.head
	for q.drops() && i < len(q.events) && q.events[i].dropped() {
		i++
	}
	if f.closed || i == len(q.events) {
		return nil
	}
	return &q.events[i]
}

// AdvanceTime sets the capture time to t, in nanoseconds since 1970 UTC: what is due by then
// expires. It is for live captures without packets, and for captures that are followed in parts. If
// it returns ErrQueueFull, poll and call it again.
func (f *Follower) AdvanceTime(t int64) error {
	if err := f.ready(); err != nil {
		return err
	}
	if t != NoTime {
		f.clock.Set(t)
		f.postponeSightings()
	}
	if !f.sweep() {
		return ErrQueueFull
	}
	return nil
}

// Flush closes every connection. If it returns ErrQueueFull, poll and call it again. The Follower
// can be fed again afterwards.
func (f *Follower) Flush() error {
	if err := f.ready(); err != nil {
		return err
	}
	if f.clock.Now >= f.graceUntil && !f.sweep() { // what is due already ends as it would without Flush
		return ErrQueueFull
	}
	now := f.cause
	defer func() { f.cause = now }()
	for {
		for i, at := range f.flushing {
			c := f.conns.at(at)
			if f.full() {
				f.flushing = f.flushing[i:]
				return ErrQueueFull
			}
			if c.has(inTable) { // not ended since it was listed
				f.cause = cause{c.lastAt, 0, f.clock.Now}
				f.flush(c)
			}
		}
		if f.flushing = f.conns.live(); len(f.flushing) == 0 {
			break
		}
		f.queue.expect(min(len(f.flushing), f.config.Limits.QueuedEvents/3))
	}
	f.flushing = nil
	f.decoder.Fragments.Flush()
	for f.timewait.RemoveOldest() {
	}
	return nil
}

// sweep does what is due. It stops when the event queue is full and returns false then.
func (f *Follower) sweep() bool {
	f.decoder.Fragments.Expire(f.clock.Now)
	return f.table.sweep()
}

// flush closes one connection.
func (t *table) flush(c *Connection) {
	switch {
	case !c.has(opened):
		t.forget(c, false)
	case c.has(reset):
		t.end(c, CloseRST, c.by(c.extra.resetBy), false)
	default:
		t.end(c, CloseFlush, ByNone, false)
	}
}

// Close frees all memory. Events are no longer valid. A second call does nothing.
func (f *Follower) Close() {
	if f.closed {
		return
	}
	f.releasePolled()
	f.closed = true
	f.closeCaptures()
	f.unpin(f.queue.made)
	for _, holder := range f.holders.heap {
		for _, h := range holder.r.held.Sorted() {
			f.blocks.Release(h.Owner)
		}
	}
	for _, at := range f.conns.live() {
		for _, d := range f.conns.at(at).dirs {
			if d.reassembly != nil {
				for _, s := range d.reassembly.suspects {
					f.blocks.Release(s.Owner)
				}
			}
		}
		f.dropCandidate(f.conns.at(at))
	}
	f.arena.Free()
	f.blocks.Drain()
	f.decoder.Fragments.Flush()
	f.flows, f.conns, f.timewait, f.holders, f.queue, f.flushing = flowTable{}, store{}, timewait.Table{}, holders{}, queue{}, nil
	f.holes = deadline.Heap[*Connection]{}
}

// Stats returns the counters of the Follower.
func (f *Follower) Stats() Stats {
	s := f.stats
	s.ClosedConnections = f.timewait.Len()
	s.Connections = int(s.Opened)
	for _, n := range s.ClosedBy {
		s.Connections -= int(n)
	}
	s.HeldBytes = f.holders.total.Bytes
	fragments := &f.decoder.Fragments
	s.Datagrams, s.FragmentsExpired, s.FragmentsDropped = fragments.Datagrams, fragments.Expired, fragments.Dropped
	s.Events, s.Waiting = f.queue.made, f.queue.waiting()
	return s
}

// NotFollowed tells what the packets of Stats.NotTCP and Stats.UnknownLink were, the
// most frequent first.
func (f *Follower) NotFollowed() []NotFollowed {
	list := make([]NotFollowed, 0, len(f.notFollowed))
	for stopped, packets := range f.notFollowed {
		list = append(list, NotFollowed{decode.Name(stopped), packets, decode.IsLinkType(stopped)})
	}
	slices.SortFunc(list, func(a, b NotFollowed) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Name, b.Name))
	})
	return list
}
