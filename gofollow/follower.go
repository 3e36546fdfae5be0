package gofollow

import (
	"cmp"
	"slices"
	"time"

	"gofollow/gofollow/internal/capture"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
)

// Follower follows TCP connections. It is not safe for concurrent use;
// different Followers are independent.
type Follower struct {
	config   Config
	timeouts [classes]time.Duration
	closed   bool

	// In the order in which a packet meets them.
	file    *openFile
	pushed  capture.Pushed
	pending *capture.Record // of the capture, not followed for want of memory; nil for none
	decoder decode.Decoder
	table   flowTable
	conns   connections
	graves  graveyard
	holders holders
	helds   memory.Pool[held]
	queue   queue

	blocks memory.Blocks
	arena  memory.Arena
	seg    decode.Segment // the segment under way
	key    flowKey        // and its key

	cause      cause // of the events that are made now
	current    segmentID
	clock      clock
	sweepAt    int64    // elapsed time of the next sweep
	calmUntil  int64    // stamps from the reference up to this one call for no sweep and are no jump
	graceUntil int64    // no sweep before that elapsed time
	overdue    bool     // a sweep stopped because the queue was full
	leapers    []leaper // connections of the packet whose stamp jumped
	reminders  reminders
	flushing   []uint32 // connections that Flush has left to end

	aside      int64      // bytes of suspects and candidates
	candidates []reminder // connections with a candidate, oldest first; some no longer

	nextID uint64
	stats  Stats

	notFollowed decode.Counts
}

// cause is what events come from: a packet, or a deadline.
type cause struct {
	time   int64  // the packet's stamp; the stamp that a packet at the deadline would have
	packet uint64 // the packet's number, 0 for a deadline
	at     int64  // elapsed time
}

// New returns a Follower. It fails if a field of config is out of range.
func New(config Config) (*Follower, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if config.Allocator == nil {
		config.Allocator = memory.GoAllocator{}
	}
	hash := newFlowHash()
	separations := config.Separate.table()
	f := &Follower{
		config:   config,
		timeouts: classTimeouts(&config.Timeouts),
		decoder:  decode.Decoder{VerifyChecksum: config.VerifyChecksum, Separate: separations},
		conns:    connections{separations: separations},
		table:    newFlowTable(hash),
		graves:   newGraveyard(hash, separations),
		blocks:   memory.Blocks{Allocator: config.Allocator},
	}
	f.schedule(sweepEvery)
	f.arena.Blocks = &f.blocks
	return f, nil
}

// NoTime, as the Time of a Packet or an Event, says that it has none. Rules that are
// counted in time stand still while packets without a time are fed.
const NoTime = capture.NoTime

// Packet is one captured packet.
type Packet struct {
	LinkType LinkType
	Time     int64  // nanoseconds since 1970 UTC, or NoTime
	Data     []byte // the captured part
	WireLen  int    // length on the wire; below len(Data) or above MaxPacket: taken as len(Data)
}

// LinkType is a number from the LINKTYPE_ registry
// (draft-ietf-opsawg-pcaplinktype). docs/encapsulations.md lists those that are followed; these are often wanted.
type LinkType uint32

const (
	LinkNull      LinkType = 0
	LinkEthernet  LinkType = 1
	LinkPPP       LinkType = 9
	LinkRaw       LinkType = 101
	LinkIEEE80211 LinkType = 105
	LinkLoop      LinkType = 108
	LinkLinuxSLL  LinkType = 113
	LinkRadiotap  LinkType = 127
	LinkIPv4      LinkType = 228
	LinkIPv6      LinkType = 229
	LinkNFLog     LinkType = 239
	LinkLinuxSLL2 LinkType = 276
)

// Feed follows one packet. The bytes are not kept. A frame that cannot be decoded
// is not an error, it is counted. ErrQueueFull, ErrNoMemory, ErrPacketTooLarge and ErrClosed
// mean that the packet was not taken.
func (f *Follower) Feed(p *Packet) error {
	if err := f.ready(); err != nil {
		return err
	}
	return f.feed(p)
}

// FeedBatch follows packets and returns how many were taken, fewer than all
// only with an error.
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

// reserve makes sure that there is memory for what a packet of n bytes may deliver or leave held:
// its own bytes, and those of a datagram that it completes. So a packet is taken whole or not at
// all.
func (f *Follower) reserve(n int) bool { return f.arena.Reserve(n + maxDatagram) }

// maxDatagram is the length of the largest IP datagram.
const maxDatagram = 1<<16 - 1

// ready begins a call that feeds: it gives back what the last Poll handed out.
func (f *Follower) ready() error {
	if f.closed {
		return ErrClosed
	}
	f.settle()
	return nil
}

// packet is the way of every packet through the follower. src is the block that
// data lies in, nil if its payload must be copied.
func (f *Follower) packet(link uint32, t int64, data []byte, wireLen int, src *block) {
	f.stats.Packets++
	f.stats.Bytes += uint64(len(data))
	if t >= f.clock.reference && t < f.calmUntil {
		f.clock.now += t - f.clock.reference
		f.clock.reference = t
	} else if t != NoTime {
		f.tick(t)
	}
	f.cause = cause{t, f.stats.Packets, f.clock.now}
	f.decoder.Now = f.clock.now
	if wireLen < len(data) || wireLen > MaxPacket { // no packet is that long: the number is wrong
		wireLen = len(data)
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
				f.seg.Payload = nil // of a packet that completes several datagrams: as if not captured
			}
			f.segment(&f.seg, in)
		}
		if !f.decoder.More() {
			return
		}
		outcome = f.decoder.Next(&f.seg)
	}
}

// noSegment counts a packet that is no segment, by what it was.
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
		if c, from := f.table.find(&f.seg, &f.key, &f.conns); c != nil {
			f.anomaly(c, from, AnomalyChecksum, c.dirs[from].offsetOf(seqNum(f.seg.Seq)), int64(f.seg.Wire))
		}
	}
}

// Waiting returns how many events wait to be polled, those that Ignore dropped included until Poll
// passes over them.
func (f *Follower) Waiting() int { return f.queue.waiting() }

// Poll takes up to n waiting events. The slice and what it points to are valid
// until the next call that feeds, polls, flushes or closes.
func (f *Follower) Poll(n int) []Event {
	if f.ready() != nil {
		return nil
	}
	return f.queue.poll(max(0, n))
}

// Unpoll puts the last n events of the last Poll back, for the next Poll to take. No other call may
// stand between.
func (f *Follower) Unpoll(n int) { f.queue.unpoll(n) }

// Peek returns the event that Poll would give first, nil if none waits; it is
// valid as long as Poll's.
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

// AdvanceTime says that it is now t: what is overdue by then expires. It is for
// live use without packets, and for captures that are followed in parts.
// After ErrQueueFull poll and call it again.
func (f *Follower) AdvanceTime(t int64) error {
	if err := f.ready(); err != nil {
		return err
	}
	if t != NoTime {
		f.clock.set(t)
		f.landLeapers()
	}
	if !f.sweep() {
		return ErrQueueFull
	}
	return nil
}

// Flush ends every connection. After ErrQueueFull poll and call it again. The
// Follower can be fed again afterwards.
func (f *Follower) Flush() error {
	if err := f.ready(); err != nil {
		return err
	}
	if f.clock.now >= f.graceUntil && !f.sweep() { // what is due already ends as it would without Flush
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
				f.cause = cause{c.lastAt, 0, f.clock.now}
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
	for f.graves.n > 0 {
		f.graves.remove(f.graves.first)
	}
	return nil
}

// flush ends one connection.
func (f *Follower) flush(c *Connection) {
	switch {
	case !c.has(opened):
		f.bury(c, false)
	case c.has(reset):
		f.end(c, CloseRST, c.by(c.rare.resetBy), false)
	default:
		f.end(c, CloseFlush, ByNone, false)
	}
}

// live returns the indexes of the connections that are not closed, in order of
// opening.
func (s *connections) live() []uint32 {
	n := 0
	for _, count := range s.counts {
		n += count
	}
	all := make([]uint32, 0, n) // there may be a million
	for k := handshake; k < classes; k++ {
		for i := s.heads[k]; i != 0; {
			all = append(all, i-1)
			i = s.at(i - 1).after
		}
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Compare(s.at(a).id, s.at(b).id) })
	return all
}

// Close frees everything. Events are no longer valid. Closing twice does nothing.
func (f *Follower) Close() {
	if f.closed {
		return
	}
	f.settle()
	f.closed = true
	f.closeFile()
	f.pushed.Reset()
	f.unpin(f.queue.made)
	for _, r := range f.holders.heap {
		for _, h := range r.held {
			f.blocks.Release(h.owner)
		}
	}
	for _, at := range f.conns.live() {
		for _, d := range f.conns.at(at).dirs {
			if d.slow != nil {
				for _, s := range d.slow.suspects {
					f.blocks.Release(s.owner)
				}
			}
		}
		f.dropCandidate(f.conns.at(at))
	}
	f.arena.Free()
	f.blocks.Drain()
	f.decoder.Fragments.Flush()
	f.table, f.conns, f.graves, f.holders, f.queue, f.reminders, f.flushing = flowTable{}, connections{}, graveyard{}, holders{}, queue{}, nil, nil
}

// Stats returns what the Follower was given and what became of it.
func (f *Follower) Stats() Stats {
	s := f.stats
	s.ClosedConnections = f.graves.used
	s.Connections = int(s.Opened)
	for _, n := range s.ClosedBy {
		s.Connections -= int(n)
	}
	s.HeldBytes = f.holders.total
	fragments := &f.decoder.Fragments
	s.Datagrams, s.FragmentsExpired, s.FragmentsDropped = fragments.Datagrams, fragments.Expired, fragments.Dropped
	s.Events, s.Waiting = f.queue.made, f.queue.waiting()
	return s
}
