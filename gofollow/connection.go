package gofollow

import (
	"bytes"
	"net/netip"
	"time"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/memory"
	"gofollow/gofollow/internal/timewait"
)

// Connection has the facts of one connection. All but the closing facts (Clean, Counters,
// ResetText) are known from its Opened event on. It is valid as long as the event that it came
// with.
type Connection struct {
	key          flow.Key
	id           uint64
	openedAt     int64
	openedPacket uint64
	last         int64 // elapsed time of its last packet
	lastAt       int64 // the stamp of that packet
	synACKAt     int64 // stamp of the first SYN+ACK, NoTime if none was captured
	ackAt        int64 // stamp of the client's first ACK after it, likewise
	dirs         [2]direction
	extra        *extra
	index        uint32 // its place in the store
	before       uint32 // neighbours in the list of its class, index plus 1
	after        uint32
	openedSeq    seqNum // number of the segment that opened it
	flags        connFlags
	class        class
	client       side // which end is the client
	rolesFrom    RolesFrom
	start        Start
	closeReason  CloseReason
	closedBy     By
}

// class orders connections by the state that they have reached. If there are too many, connections
// of the lowest class are evicted first. Each class has a list, ordered by last activity.
type class uint8

const (
	free        class = iota // not in use
	handshake                // nothing but handshake or bare acknowledgements
	lingering                // a RST was accepted; its sender may still contradict it
	midstream                // the handshake was not captured
	halfClosed               // one FIN was reached
	established              // the rest
	classes                  // how many there are
)

type connFlags uint16

const (
	opened        connFlags = 1 << iota // the Opened event was made
	closed                              // the Closed event was made
	queued                              // the Closed event was not taken yet
	synACKSeen                          // a SYN+ACK was seen
	handshakeSeen                       // SYN, SYN+ACK and ACK were seen
	doubtfulISN                         // SYN+ACKs with different numbers were seen
	reset                               // a RST was accepted and may still be contradicted
	inTable                             // it is in the flow table
	ignored                             // Ignore was called
	filtered                            // Config.Filter leaves it out

	silent = ignored | filtered // it makes no events, but for an ignored one's Closed
)

// extra is the state that few connections need.
type extra struct {
	separation string // layers of its network
	resetText  []byte
	resetAt    int64
	resetBy    side
	resetSeq   seqNum
	holeDue    int64      // the earliest deadline of its holes that is scheduled
	candidate  *candidate // a SYN that may begin a new connection; nil for none
}

// waits reports whether there is a candidate.
func (e *extra) waits() bool { return e != nil && e.candidate != nil }

func (c *Connection) has(f connFlags) bool { return c.flags&f != 0 }

// carriedData reports whether data was accepted, in either direction.
func (c *Connection) carriedData() bool { return c.dirs[0].carriedData() || c.dirs[1].carriedData() }

// rank returns the class that a connection belongs to.
func (c *Connection) rank() class {
	switch {
	case c.has(reset):
		return lingering
	case c.dirs[0].has(finished) || c.dirs[1].has(finished):
		return halfClosed
	case c.has(handshakeSeen):
		return established
	case c.has(opened) && c.carriedData():
		return midstream
	}
	return handshake
}

// direction returns which of the two streams a side sends.
func (c *Connection) direction(s side) Direction { return Direction(s ^ c.client) }

// by returns a side's name for Closed events.
func (c *Connection) by(s side) By { return ByClient + By(c.direction(s)) }

// ID returns the connection's number: from 0, in order of opening, never reused.
func (c *Connection) ID() uint64 { return c.id }

// Client returns the endpoint that opened the connection, as far as is known.
func (c *Connection) Client() netip.AddrPort { return c.key.Endpoint(c.client) }

// Server returns the other endpoint.
func (c *Connection) Server() netip.AddrPort { return c.key.Endpoint(c.client ^ 1) }

// RolesFrom returns how it is known which side is the client.
func (c *Connection) RolesFrom() RolesFrom { return c.rolesFrom }

// Separation returns the VLANs and tunnels that distinguish the connection from others with the
// same addresses and ports (Config.Separate), outermost layer first, as "vlan:5/vxlan:7" or
// "outer:192.0.2.1-192.0.2.2"; "" if there are none. docs/rules.md names the layers.
func (c *Connection) Separation() string {
	if c.extra == nil {
		return ""
	}
	return decode.SeparationText(c.extra.separation)
}

// Start returns which part of the connection was captured first.
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

// Ignored reports whether Ignore was called for the connection.
func (c *Connection) Ignored() bool { return c.has(ignored) }

// Clean reports whether the handshake was captured, no byte is missing or in conflict, and both
// sides ended by FIN. It is final with the Closed event.
func (c *Connection) Clean() bool {
	if !c.has(handshakeSeen) || c.closeReason != CloseFIN {
		return false
	}
	for i := range c.dirs {
		d := &c.dirs[i]
		if !d.has(finished) || (d.reassembly != nil && (d.reassembly.Gaps > 0 || d.reassembly.ConflictBytes > 0)) {
			return false
		}
	}
	return true
}

// Handshake returns the capture times of SYN, SYN+ACK and the client's ACK, NoTime for one that was
// not captured or has no time. The differences are the round-trip times from the point of capture:
// to the server between the first two, to the client between the last two.
func (c *Connection) Handshake() (syn, synACK, ack int64) {
	if syn = NoTime; c.start == StartSYN {
		syn = c.openedAt
	}
	return syn, c.synACKAt, c.ackAt
}

// LastAt returns the stamp of the connection's last packet so far, NoTime if that has no time.
func (c *Connection) LastAt() int64 { return c.lastAt }

// ISN returns the initial sequence number of a direction, and whether it is known: whether
// its SYN was captured.
func (c *Connection) ISN(dir Direction) (isn uint32, known bool) {
	d := &c.dirs[side(dir)^c.client]
	if !d.has(synSeen) {
		return 0, false
	}
	return uint32(d.base - 1), true
}

// Counters returns the counters of one direction.
func (c *Connection) Counters(dir Direction) Counters {
	d := &c.dirs[side(dir)^c.client]
	var n Counters
	if d.reassembly != nil {
		n = d.reassembly.Counters
	}
	n.Packets += uint64(d.packets)
	n.DataPackets += uint64(d.dataPackets)
	n.Bytes = uint64(d.next) - n.GapBytes
	return n
}

// ResetText returns the payload of the reset that ended the connection, at most
// 1024 bytes of it.
func (c *Connection) ResetText() []byte {
	if c.extra == nil || c.closeReason != CloseRST {
		return nil
	}
	return c.extra.resetText
}

// clone returns a copy of the facts that the exported methods return, which shares no memory with
// c.
func (c *Connection) clone() *Connection {
	own := *c
	if c.extra != nil {
		own.extra = &extra{separation: c.extra.separation, resetText: bytes.Clone(c.extra.resetText)}
	}
	for i := range own.dirs {
		if d := &own.dirs[i]; d.reassembly != nil {
			d.reassembly = &reassembly{Counters: d.reassembly.Counters}
		}
	}
	return &own
}

// inWindow reports whether a number lies in a side's window, or less than 64 KiB below it.
func (c *Connection) inWindow(of side, s seqNum) bool {
	d := &c.dirs[of]
	if !d.anchored() {
		return false
	}
	off := d.offsetOf(s)
	return off >= d.next-1<<16 && off <= c.windowEnd(of)
}

// windowEnd returns the highest offset that the peer's window allows a side to send.
func (c *Connection) windowEnd(of side) streamOffset {
	d := &c.dirs[of]
	scale := d.scale
	if !d.has(synSeen) || !c.dirs[of^1].has(synSeen) {
		scale = 14 // the largest there is (RFC 7323, section 2.3)
	}
	return d.right() + streamOffset(d.window)<<scale
}

// precedes reports whether a segment belongs to an earlier connection: its receiver is in SYN-SENT
// and drops what does not acknowledge its SYN (RFC 9293, section 3.10.7.3).
func (c *Connection) precedes(from side, s *decode.Segment) bool {
	d, p := &c.dirs[from], &c.dirs[from^1]
	return p.has(synSeen) && !d.anchored() && s.Flags&decode.ACK != 0 && p.offsetOf(seqNum(s.Ack)) < 0
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

// beginAtACK makes the first acknowledgement of a direction the beginning of its stream, if
// the SYN of the acknowledging side was captured.
func (c *Connection) beginAtACK(from side) {
	if d := &c.dirs[from]; !d.has(based) && d.has(ackNoted) && c.dirs[from^1].has(synSeen) {
		d.flags |= based
	}
}

// clientByPort derives from the ports of a flow key which side is the client: the one whose port is
// not a server's, by the first of three rules by which the ports differ. ok is false if none does.
func clientByPort(k *flow.Key) (client side, ok bool) {
	low, high := k.Port(0), k.Port(1)
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

// remains returns what the closed-connection table remembers of a connection that closes at an
// elapsed time.
func (c *Connection) remains(at int64) timewait.Connection {
	w := timewait.Connection{Key: c.key, ClosedAt: at, Server: c.dirs[c.client^1].base}
	if c.client == 0 {
		w.Flags |= timewait.ServerIs1
	}
	if c.closeReason == CloseRST {
		w.Flags |= timewait.ByRST
	}
	for i := range c.dirs {
		d := &c.dirs[i]
		if !d.has(based) {
			continue
		}
		end := d.next
		if end > 0 {
			w.Flags |= timewait.HadData
		}
		w.Flags |= timewait.Known0 << i
		if d.fin != noFIN {
			w.Flags |= timewait.FIN0 << i
			end++
		}
		w.End[i] = d.seqAt(end)
	}
	return w
}

// candidate is a SYN or SYN+ACK, set aside, that may begin a new connection between the
// endpoints of one that is still followed.
type candidate struct {
	segment decode.Segment // its payload is a copy, in memory
	memory  *memory.Block  // nil for none
	from    side
	cause   cause
	vlans   [decode.MaxLayers]uint16
}
