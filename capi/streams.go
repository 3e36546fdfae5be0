package main

// #include "internal.h"
import "C"

import (
	"cmp"
	"math/bits"
	"unsafe"

	"gofollow/gofollow"
)

// cStream is gofollow_stream, and cGap gofollow_gap, with numbers for pointers
// as in cEvent.
type cStream struct {
	payload  uintptr
	length   uint64
	end      int64
	gaps     uintptr
	gapCount uint64
}

type cGap struct {
	offset int64
	length uint64
	reason uint8
	_      [7]uint8
}

// These do not compile where the mirrors differ from the header.
var (
	_ [unsafe.Sizeof(C.gofollow_stream{})]byte             = [unsafe.Sizeof(cStream{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_stream{}.end)]byte       = [unsafe.Offsetof(cStream{}.end)]byte{}
	_ [unsafe.Offsetof(C.gofollow_stream{}.gap_count)]byte = [unsafe.Offsetof(cStream{}.gapCount)]byte{}
	_ [unsafe.Sizeof(C.gofollow_gap{})]byte                = [unsafe.Sizeof(cGap{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_gap{}.reason)]byte       = [unsafe.Offsetof(cGap{}.reason)]byte{}
)

// streams joins what each side of a connection says, for followers with the
// option whole_streams. Where other events are not wanted it takes the engine's as
// they are made and gives one for each closed connection, so it stands where the
// queue stands otherwise.
type streams struct {
	memory    buffers
	keep      int64 // so many bytes of payload per direction
	maxEvents int
	maxBytes  int64

	open   map[uint64]*conversation
	recent [1024]*conversation // in front of open: by the low bits of the id
	idle   []*conversation

	closed []closedStreams
	out    int   // closed [0, out) are handed out
	bytes  int64 // payload of closed
}

// conversation is what both sides of an open connection said so far.
type conversation struct {
	id   uint64
	said [2]said
}

// said is what one side said.
type said struct {
	payload []byte // in C memory
	end     int64  // stream offset behind the last byte or gap
	gaps    []cGap
}

// closedStreams is a closed connection's event and the memory that it points to.
type closedStreams struct {
	event   cEvent
	facts   []byte
	payload [2][]byte
}

func newStreams(memory *cMemory, keep int64, limits *gofollow.Limits) *streams {
	return &streams{
		memory:    buffers{memory: memory},
		keep:      keep,
		maxEvents: cmp.Or(limits.QueuedEvents, 65536), // the engine's defaults
		maxBytes:  cmp.Or(limits.QueuedBytes, 16<<20),
		open:      make(map[uint64]*conversation),
	}
}

// full says that closed connections are to be polled before more is fed.
func (s *streams) full() bool {
	return s.waiting() >= s.maxEvents || s.bytes >= s.maxBytes
}

func (s *streams) waiting() int { return len(s.closed) - s.out }

// absorb takes all events that wait in the engine's queue.
func (s *streams) absorb(f *gofollow.Follower) {
	for f.Waiting() > 0 {
		events := f.Poll(256)
		for i := range events {
			s.take(&events[i])
		}
	}
}

// join takes events that out has already, and completes those of closed connections.
func (s *streams) join(out []cEvent, events []gofollow.Event) {
	s.settle()
	for i := range events {
		s.take(&events[i])
		if events[i].Kind == gofollow.Closed {
			done := &s.closed[len(s.closed)-1].event
			out[i].connection, out[i].streams = done.connection, done.streams
		}
	}
	s.out = len(s.closed)
}

// copySaid copies what a side of a connection said, as much as fits, if the
// connection was not closed before the last poll.
func (s *streams) copySaid(id uint64, direction gofollow.Direction, buffer []byte) (int, error) {
	if c := s.open[id]; c != nil {
		return copy(buffer, c.said[direction].payload), nil
	}
	for i := range s.closed {
		if s.closed[i].event.connectionID == id {
			return copy(buffer, s.closed[i].payload[direction]), nil
		}
	}
	return 0, errNotOpen
}

func (s *streams) take(e *gofollow.Event) {
	id := e.Conn.ID()
	recent := &s.recent[id%uint64(len(s.recent))]
	c := *recent
	if c == nil || c.id != id {
		if c = s.open[id]; c == nil {
			c = s.begin(id)
		}
		*recent = c
	}
	switch d := &c.said[e.Direction]; e.Kind {
	case gofollow.Data:
		d.end = e.Offset + e.Length
		if n := int(min(int64(len(e.Bytes)), s.keep-int64(len(d.payload)))); n > 0 {
			d.payload = s.memory.add(d.payload, e.Bytes[:n])
		}
	case gofollow.Gap:
		d.end = e.Offset + e.Length
		d.gaps = append(d.gaps, cGap{offset: e.Offset, length: uint64(e.Length), reason: uint8(e.GapReason)})
	case gofollow.Closed:
		s.end(e, c)
	}
}

func (s *streams) begin(id uint64) *conversation {
	var c *conversation
	if k := len(s.idle); k > 0 {
		c, s.idle = s.idle[k-1], s.idle[:k-1]
	} else {
		c = new(conversation)
	}
	c.id = id
	s.open[id] = c
	return c
}

// end makes the event of a closed connection. What it points to stands in one
// piece: the facts, both streams, their gaps, the text of a reset.
func (s *streams) end(e *gofollow.Event, c *conversation) {
	const whole, one = int(unsafe.Sizeof(cConnection{})), int(unsafe.Sizeof(cStream{}))
	text, separation := e.Conn.ResetText(), e.Conn.Separation()
	gaps := [2]int{len(c.said[0].gaps), len(c.said[1].gaps)}
	size := whole + 2*one + (gaps[0]+gaps[1])*int(unsafe.Sizeof(cGap{})) + len(text) + len(separation) + 1
	done := closedStreams{facts: s.memory.get(size)[:size]}
	facts := (*cConnection)(unsafe.Pointer(&done.facts[0]))
	facts.close(e)
	both := (*[2]cStream)(unsafe.Pointer(&done.facts[whole]))
	at := done.facts[whole+2*one:]
	for i := range both {
		d := &c.said[i]
		both[i] = cStream{length: uint64(len(d.payload)), end: d.end, gapCount: uint64(len(d.gaps))}
		if len(d.payload) > 0 {
			both[i].payload = address(d.payload)
		}
		if len(d.gaps) > 0 {
			both[i].gaps = address(at)
			copy(unsafe.Slice((*cGap)(unsafe.Pointer(&at[0])), len(d.gaps)), d.gaps)
			at = at[len(d.gaps)*int(unsafe.Sizeof(cGap{})):]
		}
		done.payload[i] = d.payload
		s.bytes += int64(len(d.payload))
		*d = said{gaps: d.gaps[:0]}
	}
	if len(text) > 0 {
		facts.resetText, facts.resetTextLength = address(at), uint16(len(text))
		at = at[copy(at, text):]
	}
	if separation != "" {
		at[copy(at, separation)] = 0
		facts.separation = address(at)
	}
	done.event = cEvent{
		kind: uint8(gofollow.Closed), reason: facts.closeReason, by: facts.closedBy,
		place:        C.GOFOLLOW_FIRST_OF_PACKET | C.GOFOLLOW_LAST_OF_PACKET,
		connectionID: c.id, connection: address(done.facts), time: e.Time, packet: e.Packet, streams: address(done.facts[whole:]),
	}
	s.closed = append(s.closed, done)
	delete(s.open, c.id)
	s.recent[c.id%uint64(len(s.recent))] = nil
	s.idle = append(s.idle, c)
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// poll hands out closed connections, as many as fit, and returns how many.
func (s *streams) poll(out []cEvent) int {
	s.settle()
	s.out = min(len(out), len(s.closed))
	for i := range s.closed[:s.out] {
		out[i] = s.closed[i].event
	}
	return s.out
}

// settle takes back what the last poll handed out.
func (s *streams) settle() {
	if s.out == 0 {
		return
	}
	for i := range s.closed[:s.out] {
		c := &s.closed[i]
		s.memory.put(c.facts)
		for _, payload := range c.payload {
			s.bytes -= int64(len(payload))
			s.memory.put(payload)
		}
	}
	n := copy(s.closed, s.closed[s.out:])
	clear(s.closed[n:])
	s.closed, s.out = s.closed[:n], 0
}

// buffers are pieces of C memory whose sizes are powers of 2, kept for reuse.
type buffers struct {
	memory *cMemory
	spare  [maxSpareClass + 1][][]byte // by the logarithm of their size
	bytes  int                         // of the spare ones
}

const (
	minBuffer     = 512
	maxSpareClass = 20 // larger ones are not kept
	allSpare      = 8 << 20
)

// get returns an empty piece for at least n bytes.
func (p *buffers) get(n int) []byte {
	class := bits.Len(uint(max(n, minBuffer) - 1))
	if class < len(p.spare) {
		if k := len(p.spare[class]); k > 0 {
			b := p.spare[class][k-1]
			p.spare[class] = p.spare[class][:k-1]
			p.bytes -= cap(b)
			return b
		}
	}
	return p.memory.Alloc(1 << class)[:0]
}

// put takes a piece back, or nil.
func (p *buffers) put(b []byte) {
	b = b[:0]
	switch {
	case cap(b) == 0:
	case cap(b) <= 1<<maxSpareClass && p.bytes+cap(b) <= allSpare:
		class := bits.Len(uint(cap(b) - 1))
		p.spare[class] = append(p.spare[class], b)
		p.bytes += cap(b)
	default:
		p.memory.Free(b[:cap(b)])
	}
}

// add appends data to what a piece, or nil, holds and returns that, maybe in another piece.
func (p *buffers) add(b, data []byte) []byte {
	if len(b)+len(data) > cap(b) {
		larger := append(p.get(max(len(b)+len(data), 2*cap(b))), b...)
		p.put(b)
		b = larger
	}
	return append(b, data...)
}
