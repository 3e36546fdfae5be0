package main

// #include <stdlib.h>
// #include "internal.h"
import "C"

import (
	"net/netip"
	"unsafe"

	"gofollow/gofollow"
)

// cEvent is gofollow_event with integers in place of its pointers. Uninitialized C memory must not
// be treated as Go pointers: the garbage collector would follow them.
type cEvent struct {
	kind, direction, reason, by, reordered uint8
	place                                  uint8
	flags, arrival                         uint8
	connectionID                           uint64
	connection                             uintptr
	time                                   int64
	packet                                 uint64
	offset                                 int64
	length                                 uint64
	bytes                                  uintptr
	capturedAt                             int64
	capturedIn                             uint64
	acked                                  int64
	window                                 uint32
	reserved                               uint32
}

// cConnection is gofollow_connection in the same form.
type cConnection struct {
	id                                                     uint64
	client, server                                         cEndpoint
	openedAt                                               int64
	openedPacket                                           uint64
	separation                                             uintptr
	rolesFrom, start, closed, closeReason, closedBy, clean uint8
	resetTextLength                                        uint16
	resetText                                              uintptr
	counters                                               [2]gofollow.Counters
	closedAt, lastAt, synAt, synACKAt, ackAt               int64
	isn                                                    [2]uint32
	isnKnown                                               [2]uint8
	ignored                                                uint8
	_                                                      uint8
	openedSeq                                              uint32
	user                                                   uintptr
}

type cEndpoint struct {
	address [16]byte
	port    uint16
	family  uint8
	_       [5]uint8
}

// These do not compile if the mirrors differ from the header.
var (
	_ [unsafe.Sizeof(C.gofollow_event{})]byte                   = [unsafe.Sizeof(cEvent{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_event{}.connection)]byte      = [unsafe.Offsetof(cEvent{}.connection)]byte{}
	_ [unsafe.Offsetof(C.gofollow_event{}.captured_ns)]byte     = [unsafe.Offsetof(cEvent{}.capturedAt)]byte{}
	_ [unsafe.Sizeof(C.gofollow_connection{})]byte              = [unsafe.Sizeof(cConnection{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.opened_ns)]byte  = [unsafe.Offsetof(cConnection{}.openedAt)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.separation)]byte = [unsafe.Offsetof(cConnection{}.separation)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.reset_text)]byte = [unsafe.Offsetof(cConnection{}.resetText)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.counters)]byte   = [unsafe.Offsetof(cConnection{}.counters)]byte{}
	_ [unsafe.Offsetof(C.gofollow_event{}.window)]byte          = [unsafe.Offsetof(cEvent{}.window)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.isn_known)]byte  = [unsafe.Offsetof(cConnection{}.isnKnown)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.opened_seq)]byte = [unsafe.Offsetof(cConnection{}.openedSeq)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.user)]byte       = [unsafe.Offsetof(cConnection{}.user)]byte{}
	_ [unsafe.Offsetof(C.gofollow_connection{}.closed_ns)]byte  = [unsafe.Offsetof(cConnection{}.closedAt)]byte{}
	_ [unsafe.Sizeof(C.gofollow_counters{})]byte                = [unsafe.Sizeof(gofollow.Counters{})]byte{}
	_ [unsafe.Offsetof(C.gofollow_counters{}.max_held)]byte     = [unsafe.Offsetof(gofollow.Counters{}.MaxHeld)]byte{}
	_ [C.GOFOLLOW_MAX_PACKET]struct{}                           = [gofollow.MaxPacket]struct{}{}
)

// facts are the gofollow_connections that the events of one poll point to, in C memory, valid until
// the next poll. Those of recent connections are kept, so that a poll need not write them again. A
// Closed event has its own, because only that one has the closing facts.
type facts struct {
	kept   *[keptFacts]cConnection // by the low bits of the connection's id; nil before the first event
	keptBy [keptFacts]uint64       // the last poll that an event points to the entry in, 0 if it is empty
	chunks []*[factsPerChunk]cConnection
	used   int
	texts  []unsafe.Pointer // copies of reset texts

	separations map[string]unsafe.Pointer // texts of recent separations, as C strings

	users map[uint64]uintptr // user pointers by connection

	poll   uint64 // number of the current poll, from 1
	within bool   // the last event of the poll before was not its packet's last
	last   cause  // of that event
}

const (
	keptFacts     = 1024
	factsPerChunk = 64
	keptChunks    = 64 // how many stay allocated between polls: 1.2 MiB
)

// begin discards the facts of the poll before.
func (s *facts) begin() {
	s.poll++
	s.used = 0
	for _, text := range s.texts {
		C.free(text)
	}
	s.texts = s.texts[:0]
	if len(s.separations) > keptFacts {
		s.forgetSeparations()
	}
	for len(s.chunks) > keptChunks {
		last := len(s.chunks) - 1
		C.free(unsafe.Pointer(s.chunks[last]))
		s.chunks[last] = nil
		s.chunks = s.chunks[:last]
	}
}

// forgetSeparations frees the texts and empties the entries that point to them.
func (s *facts) forgetSeparations() {
	for _, text := range s.separations {
		C.free(text)
	}
	clear(s.separations)
	s.keptBy = [keptFacts]uint64{}
}

// separation returns the address of the text of a connection's separation, 0 if it has none, and
// false if there is no memory for it.
func (s *facts) separation(c *gofollow.Connection) (uintptr, bool) {
	text := c.Separation()
	if text == "" {
		return 0, true
	}
	at, ok := s.separations[text]
	if !ok {
		if s.separations == nil {
			s.separations = make(map[string]unsafe.Pointer)
		}
		if at = copied(text); at == nil {
			return 0, false
		}
		s.separations[text] = at
	}
	return uintptr(at), true
}

func (s *facts) free() {
	s.begin()
	s.forgetSeparations()
	for _, chunk := range s.chunks {
		C.free(unsafe.Pointer(chunk))
	}
	s.chunks = nil
	C.free(unsafe.Pointer(s.kept))
	s.kept = nil
}

// room returns uninitialized C memory for n connections, nil if there is none.
func room(n int) unsafe.Pointer {
	return allocate(n * int(unsafe.Sizeof(cConnection{})))
}

// next returns uninitialized memory for one connection, nil if there is none.
func (s *facts) next() *cConnection {
	chunk := s.used / factsPerChunk
	if chunk == len(s.chunks) {
		fresh := room(factsPerChunk)
		if fresh == nil {
			return nil
		}
		s.chunks = append(s.chunks, (*[factsPerChunk]cConnection)(fresh))
	}
	c := &s.chunks[chunk][s.used%factsPerChunk]
	s.used++
	return c
}

// of returns the address of a connection's facts without the closing ones, 0 if there is no memory
// for them.
func (s *facts) of(c *gofollow.Connection) uintptr {
	if s.kept == nil {
		if s.kept = (*[keptFacts]cConnection)(room(keptFacts)); s.kept == nil {
			return 0
		}
	}
	i := c.ID() % keptFacts
	at, by := &s.kept[i], &s.keptBy[i]
	if *by == 0 || at.id != c.ID() {
		separation, ok := s.separation(c)
		if !ok {
			return 0
		}
		if *by == s.poll { // an event points to what is there
			if at = s.next(); at == nil {
				return 0
			}
			by = new(uint64) // the entry stays that of the other
		}
		at.open(c)
		at.separation, at.user = separation, s.users[c.ID()]
	}
	*by = s.poll
	return uintptr(unsafe.Pointer(at))
}

// setUser sets the user pointer of a connection that an event of the current poll belongs to. It
// reports whether there is one.
func (s *facts) setUser(id uint64, user uintptr) bool {
	var found []*cConnection
	closed := false
	if i := id % keptFacts; s.kept != nil && s.keptBy[i] == s.poll && s.kept[i].id == id {
		found = append(found, &s.kept[i])
	}
	for i := range s.used {
		if c := &s.chunks[i/factsPerChunk][i%factsPerChunk]; c.id == id {
			closed = closed || c.closed != 0
			found = append(found, c)
		}
	}
	for _, c := range found {
		c.user = user
	}
	if len(found) == 0 {
		return false
	}
	if closed { // no event of it follows
		return true
	}
	if s.users == nil {
		s.users = make(map[uint64]uintptr)
	}
	s.users[id] = user
	return true
}

// open fills in all but the user pointer, the separation and the closing facts.
func (out *cConnection) open(c *gofollow.Connection) {
	*out = cConnection{id: c.ID(), openedAt: c.OpenedAt(), openedPacket: c.OpenedPacket(), openedSeq: c.OpenedSeq(), rolesFrom: uint8(c.RolesFrom()), start: uint8(c.Start())}
	out.client.set(c.Client())
	out.server.set(c.Server())
}

// closing returns the address of a closed connection's facts, 0 if there is no memory for them.
func (s *facts) closing(e *gofollow.Event) uintptr {
	separation, ok := s.separation(e.Conn)
	if !ok {
		return 0
	}
	out := s.next()
	if out == nil {
		return 0
	}
	out.close(e)
	if text := e.Conn.ResetText(); len(text) > 0 {
		at := copied(string(text))
		if at == nil {
			s.used--
			return 0
		}
		s.texts = append(s.texts, at)
		out.resetText, out.resetTextLength = uintptr(at), uint16(len(text))
	}
	out.separation, out.user = separation, s.users[e.Conn.ID()]
	delete(s.users, e.Conn.ID())
	return uintptr(unsafe.Pointer(out))
}

// close fills in everything but the separation and the reset text.
func (out *cConnection) close(e *gofollow.Event) {
	c := e.Conn
	out.open(c)
	out.closed, out.closeReason, out.closedBy = 1, uint8(e.CloseReason), uint8(e.By)
	if c.Clean() {
		out.clean = 1
	}
	out.counters[0], out.counters[1] = c.Counters(gofollow.ClientToServer), c.Counters(gofollow.ServerToClient)
	if c.Ignored() {
		out.ignored = 1
	}
	out.closedAt, out.lastAt = e.Time, c.LastAt()
	out.synAt, out.synACKAt, out.ackAt = c.Handshake()
	for dir := range out.isn {
		if isn, known := c.ISN(gofollow.Direction(dir)); known {
			out.isn[dir], out.isnKnown[dir] = isn, 1
		}
	}
}

func (p *cEndpoint) set(from netip.AddrPort) {
	p.port = from.Port()
	if a := from.Addr(); a.Is4() {
		p.family = 4
		b := a.As4()
		copy(p.address[:], b[:])
	} else {
		p.family = 6
		p.address = a.As16()
	}
}

// cause is what events in a row may have in common: a packet, or the expiry of a connection.
type cause struct {
	packet, id uint64
	time       int64
}

func causeOf(e *gofollow.Event) cause {
	if e.Packet != 0 {
		return cause{packet: e.Packet}
	}
	return cause{id: e.Conn.ID(), time: e.Time}
}

// sameCause is causeOf(e) == causeOf(after), in less time.
func sameCause(e, after *gofollow.Event) bool {
	return e.Packet == after.Packet && (e.Packet != 0 || (e.Conn == after.Conn && e.Time == after.Time))
}

// dropped accounts for waiting events that were dropped. next is the first one left, nil for none.
func (s *facts) dropped(next *gofollow.Event) {
	s.within = s.within && next != nil && causeOf(next) == s.last
}

// packetEvent converts an event that belongs to no connection.
func packetEvent(e *gofollow.Event) cEvent {
	o := cEvent{
		kind: uint8(e.Kind), place: C.GOFOLLOW_FIRST_OF_PACKET | C.GOFOLLOW_LAST_OF_PACKET, time: e.Time, packet: e.Packet,
		offset: int64(e.WireLen()), length: uint64(len(e.Bytes)), window: uint32(e.LinkType()),
		reason: uint8(e.Content), connectionID: e.Key(), capturedIn: e.FragmentKey(),
	}
	if len(e.Bytes) > 0 {
		o.bytes = uintptr(unsafe.Pointer(unsafe.SliceData(e.Bytes)))
	}
	return o
}

// events converts polled events into the caller's array, field by field, because building an event
// elsewhere and copying it costs more. next is the event after them, nil if none waits. It returns
// how many events were converted: fewer than were polled if there is no memory for facts.
func (s *facts) events(out []cEvent, events []gofollow.Event, next *gofollow.Event) int {
	s.begin()
	var last *gofollow.Connection // whose facts are at
	var at uintptr
	for i := range events {
		e, o := &events[i], &out[i]
		o.kind, o.direction, o.by, o.reordered = uint8(e.Kind), uint8(e.Direction), uint8(e.By), 0
		o.reason = uint8(e.GapReason) | uint8(e.CloseReason) | uint8(e.AnomalyKind) // one at most is set
		if e.Reordered {
			o.reordered = 1
		}
		if e.Kind == gofollow.PacketRead {
			*o = packetEvent(e)
			continue
		}
		if e.Conn != last {
			last, at = e.Conn, s.of(e.Conn)
		}
		o.connectionID, o.connection = e.Conn.ID(), at
		if e.Kind == gofollow.Closed && at != 0 {
			o.connection = s.closing(e)
		}
		if o.connection == 0 {
			return i
		}
		o.place = C.GOFOLLOW_FIRST_OF_PACKET
		if s.within {
			o.place = 0
		}
		after := next
		if i+1 < len(events) {
			after = &events[i+1]
		}
		if s.within = after != nil && sameCause(e, after); s.within && i+1 == len(events) {
			s.last = causeOf(e)
		} else if !s.within {
			o.place |= C.GOFOLLOW_LAST_OF_PACKET
		}
		o.time, o.packet = e.Time, e.Packet
		o.offset, o.length = e.Offset, uint64(e.Length)
		o.bytes = 0
		if len(e.Bytes) > 0 {
			o.bytes = uintptr(unsafe.Pointer(unsafe.SliceData(e.Bytes)))
		}
		o.capturedAt = e.CapturedAt
		o.capturedIn = e.CapturedIn
		o.flags, o.arrival, o.acked, o.window, o.reserved = 0, 0, 0, 0, 0
		if e.Kind == gofollow.SegmentSeen {
			s := e.Segment
			o.flags, o.arrival, o.acked, o.window = s.Flags, uint8(s.Arrival), s.ACK, s.Window
		}
	}
	return len(events)
}
