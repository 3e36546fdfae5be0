package gofollow

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
)

// Connection tells the facts of one connection. Everything but the closing facts
// is known from its Opened event on.
type Connection struct {
	key          flowKey
	id           uint64
	openedAt     int64
	openedPacket uint64
	last         int64 // elapsed time of its last packet
	lastAt       int64 // the stamp of that packet
	synACKAt     int64 // stamp of the first SYN+ACK, NoTime if none was captured
	ackAt        int64 // stamp of the client's first ACK after it, likewise
	dirs         [2]direction
	rare         *rareState
	index        uint32 // its place in connections
	before       uint32 // neighbours in the list of its class, index plus 1
	after        uint32
	openedSeq    seqNum // number of the segment that opened it
	class        class
	flags        connFlags
	client       side // which end is the client
	rolesFrom    RolesFrom
	start        Start
	closeReason  CloseReason
	closedBy     By
}

// class is what a connection is worth when there are too many, in the order in
// which they are evicted; each has a list, ordered by last activity.
type class uint8

const (
	free        class = iota // not in use
	handshake                // nothing but handshake or bare acknowledgements
	lingering                // reset, unless the sender goes on
	midstream                // followed from its middle
	halfClosed               // one side finished
	established              // the rest
	classes                  // how many there are
)

type connFlags uint16

const (
	opened      connFlags            = 1 << iota // the Opened event was made
	closed                                       // the Closed event was made
	queued                                       // the Closed event was not taken yet
	synACKSeen                                   // a SYN+ACK was seen
	handshaken                                   // SYN, SYN+ACK and ACK were seen
	doubtfulISN                                  // SYN+ACKs with different numbers were seen
	reset                                        // a RST was accepted and may still be contradicted
	inTable                                      // the flow table finds it
	ignored                                      // Ignore was called
	filtered                                     // Config.Filter leaves it out
	silent      = ignored | filtered             // it makes no events, but for an ignored one's Closed
)

// rareState is what few connections need.
type rareState struct {
	separation string // layers of its network
	resetText  []byte
	resetAt    int64
	resetBy    side
	resetSeq   seqNum
	heapDue    int64      // the earliest entry in the follower's heap
	candidate  *candidate // a SYN that may be a new connection's
}

// waits says that there is a candidate.
func (r *rareState) waits() bool { return r != nil && r.candidate != nil }

func (c *Connection) has(f connFlags) bool { return c.flags&f != 0 }

// rarely returns c.rare, made on first use.
func (s *connections) rarely(c *Connection) *rareState {
	if c.rare == nil {
		c.rare = s.rares.Get()
		c.rare.heapDue = never
	}
	return c.rare
}

// slowly returns d.slow, made on first use.
func (s *connections) slowly(d *direction) *reassembly {
	if d.slow == nil {
		d.slow = s.slows.Get()
		d.slow.holder, d.slow.right = -1, d.next
	}
	return d.slow
}

// carriedData reports whether data was accepted, in either direction.
func (c *Connection) carriedData() bool { return c.dirs[0].carriedData() || c.dirs[1].carriedData() }

// direction returns which of the two streams a side sends.
func (c *Connection) direction(s side) Direction { return Direction(s ^ c.client) }

// by returns a side's name for Closed events.
func (c *Connection) by(s side) By { return ByClient + By(c.direction(s)) }

// ID returns the connection's number: from 0, in order of opening, never reused.
func (c *Connection) ID() uint64 { return c.id }

// Client returns the endpoint that opened the connection, as far as is known.
func (c *Connection) Client() netip.AddrPort { return c.endpoint(c.client) }

// Server returns the other endpoint.
func (c *Connection) Server() netip.AddrPort { return c.endpoint(c.client ^ 1) }

func (c *Connection) endpoint(s side) netip.AddrPort {
	addr, port := c.key.low, uint16(c.key.ports>>16)
	if s == 1 {
		addr, port = c.key.high, uint16(c.key.ports)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], addr.Hi)
	binary.BigEndian.PutUint64(b[8:], addr.Lo)
	if c.key.ports&keyIPv6 == 0 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), port)
}

// RolesFrom says how it is known which side is the client.
func (c *Connection) RolesFrom() RolesFrom { return c.rolesFrom }

// Separation returns what told the connection from others with the same addresses and ports
// under Config.Separate, outermost layer first, as "vlan:5/vxlan:7" or
// "outer:192.0.2.1-192.0.2.2"; "" for nothing. docs/rules.md names the layers.
func (c *Connection) Separation() string {
	if c.rare == nil {
		return ""
	}
	return decode.SeparationText(c.rare.separation)
}

// Start says with what the connection was first seen.
func (c *Connection) Start() Start { return c.start }

// OpenedAt returns the Time of its Opened event.
func (c *Connection) OpenedAt() int64 { return c.openedAt }

// OpenedTimestamp returns the Timestamp of its Opened event.
func (c *Connection) OpenedTimestamp() (t time.Time, ok bool) { return timestamp(c.openedAt) }

// OpenedPacket returns the packet number of its Opened event.
func (c *Connection) OpenedPacket() uint64 { return c.openedPacket }

// OpenedSeq returns the sequence number of the segment that caused its Opened event: of a SYN or
// SYN+ACK the initial sequence number. Flow key, OpenedAt and OpenedSeq name a connection in the
// same way however its capture was cut.
func (c *Connection) OpenedSeq() uint32 { return uint32(c.openedSeq) }

// Ignored says that Ignore was called for the connection.
func (c *Connection) Ignored() bool { return c.has(ignored) }

// Clean says that the handshake was seen, nothing is missing or in conflict, and
// both sides ended by FIN. Known with the Closed event, as what follows.
func (c *Connection) Clean() bool {
	if !c.has(handshaken) || c.closeReason != CloseFIN {
		return false
	}
	for i := range c.dirs {
		d := &c.dirs[i]
		if !d.has(finished) || d.slow != nil && (d.slow.Gaps > 0 || d.slow.ConflictBytes > 0) {
			return false
		}
	}
	return true
}

// Handshake returns the stamps of SYN, SYN+ACK and the client's ACK, NoTime for one that
// was not captured or has no time. What lies between the first two and between the last
// two are the round-trip times to server and client from where it was captured.
func (c *Connection) Handshake() (syn, synACK, ack int64) {
	if syn = NoTime; c.start == StartSYN {
		syn = c.openedAt
	}
	return syn, c.synACKAt, c.ackAt
}

// ISN returns the initial sequence number of a direction, and whether it is known: whether
// its SYN was captured.
func (c *Connection) ISN(dir Direction) (isn uint32, known bool) {
	d := &c.dirs[side(dir)^c.client]
	if !d.has(synSeen) {
		return 0, false
	}
	return uint32(d.base - 1), true
}

// Counters tells what one direction went through.
func (c *Connection) Counters(dir Direction) Counters {
	d := &c.dirs[side(dir)^c.client]
	var n Counters
	if d.slow != nil {
		n = d.slow.Counters
	}
	n.Packets, n.DataPackets = d.packets, d.dataPackets
	n.Bytes = uint64(d.next) - n.GapBytes
	return n
}

// ResetText returns the payload of the reset that ended the connection, at most
// 1024 bytes of it.
func (c *Connection) ResetText() []byte {
	if c.rare == nil || c.closeReason != CloseRST {
		return nil
	}
	return c.rare.resetText
}

// clone returns a copy of the facts that the exported methods return, which shares no memory with c.
func (c *Connection) clone() *Connection {
	own := *c
	if c.rare != nil {
		own.rare = &rareState{separation: c.rare.separation, resetText: bytes.Clone(c.rare.resetText)}
	}
	for i := range own.dirs {
		if d := &own.dirs[i]; d.slow != nil {
			d.slow = &reassembly{Counters: d.slow.Counters}
		}
	}
	return &own
}

// connections stores the connections in chunks, so that they never move.
type connections struct {
	chunks []*[chunkConnections]Connection
	made   uint32          // how many were ever in use
	unused uint32          // a free one, the head of a list linked by after; index plus 1
	heads  [classes]uint32 // oldest of each class, index plus 1
	tails  [classes]uint32
	counts [classes]int

	slows memory.Pool[reassembly]
	rares memory.Pool[rareState]

	separations *decode.Separations // nil without Config.Separate; a connection holds its number

	byID map[uint64]uint32 // index by ID of those that were opened; nil until it is needed
}

const chunkConnections = 512

func (s *connections) at(i uint32) *Connection {
	return &s.chunks[i/chunkConnections][i%chunkConnections]
}

// take returns a connection that is not in use, cleared.
func (s *connections) take() *Connection {
	i := s.made
	if s.unused != 0 {
		i = s.unused - 1
		s.unused = s.at(i).after
	} else {
		if i%chunkConnections == 0 {
			s.chunks = append(s.chunks, new([chunkConnections]Connection))
		}
		s.made++
	}
	c := s.at(i)
	*c = Connection{index: i, synACKAt: NoTime, ackAt: NoTime}
	c.dirs[0].fin, c.dirs[1].fin = noFIN, noFIN
	return c
}

// discard gives a connection back that is in no list and no table, unless its
// Closed event still waits.
func (s *connections) discard(c *Connection) {
	if c.has(queued | inTable) {
		return
	}
	for i := range c.dirs {
		s.slows.Put(c.dirs[i].slow)
		c.dirs[i].slow = nil
	}
	s.rares.Put(c.rare)
	c.rare = nil
	if s.byID != nil && c.has(opened) {
		delete(s.byID, c.id)
	}
	s.separations.Release(c.key.separation())
	c.after, s.unused = s.unused, c.index+1
}

// reported says that a connection's Closed event was taken.
func (s *connections) reported(c *Connection) {
	c.flags &^= queued
	s.discard(c)
}

// enlist moves a connection to the end of a class's list.
func (s *connections) enlist(c *Connection, to class) {
	if c.class == to && s.tails[to] == c.index+1 {
		return
	}
	s.delist(c)
	c.class = to
	c.before, c.after = s.tails[to], 0
	if c.before != 0 {
		s.at(c.before - 1).after = c.index + 1
	} else {
		s.heads[to] = c.index + 1
	}
	s.tails[to] = c.index + 1
	s.counts[to]++
}

// delist takes a connection out of its class's list.
func (s *connections) delist(c *Connection) {
	if c.class == free {
		return
	}
	if c.before != 0 {
		s.at(c.before - 1).after = c.after
	} else {
		s.heads[c.class] = c.after
	}
	if c.after != 0 {
		s.at(c.after - 1).before = c.before
	} else {
		s.tails[c.class] = c.before
	}
	s.counts[c.class]--
	c.class = free
}

// oldest returns the first of a class's list, nil if it is empty.
func (s *connections) oldest(k class) *Connection {
	if s.heads[k] == 0 {
		return nil
	}
	return s.at(s.heads[k] - 1)
}

// open makes the Opened event and settles which side is the client.
func (f *Follower) open(c *Connection, from side, s *decode.Segment) {
	c.flags |= opened
	c.id = f.nextID
	f.nextID++
	c.openedAt, c.openedPacket, c.openedSeq = f.cause.time, f.cause.packet, seqNum(s.Seq)
	switch {
	case s.Flags&(decode.SYN|decode.ACK) == decode.SYN:
		c.client, c.rolesFrom, c.start = from, RolesFromSYN, StartSYN
	case s.Flags&decode.SYN != 0:
		c.client, c.rolesFrom, c.start = from^1, RolesFromSYNACK, StartSYNACK
	default:
		c.start = StartMidstream
		if client, ok := clientByPort(c.key.ports); ok {
			c.client, c.rolesFrom = client, RolesFromPort
		} else { // c.client is the sender of the first packet
			c.rolesFrom = RolesFromFirst
		}
	}
	f.stats.Opened++
	if f.conns.byID != nil {
		f.conns.byID[c.id] = c.index
	}
	f.queue.push(Opened, c, f.cause)
}

// clientByPort guesses from the ports of a flow key which side is the client: the one
// that does not have a server's port, or else the one that has a client's.
func clientByPort(ports uint64) (client side, ok bool) {
	low, high := uint16(ports>>16), uint16(ports)
	for _, servers := range [...]func(port uint16) bool{
		func(port uint16) bool { return port == 2049 }, // NFS, whose clients use ports below 1024
		func(port uint16) bool { return port < 1024 },
		func(port uint16) bool { return port < 32768 }, // not RFC 6335's dynamic ports, nor Linux' ephemeral ones
	} {
		if servers(low) != servers(high) {
			if servers(low) {
				return 1, true
			}
			return 0, true
		}
	}
	return 0, false
}
