package gofollow

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// Event is one thing that happened to one connection. The kinds, and the fields that each of them
// sets:
//
//	Opened      none but those below
//	Data        Direction, Offset, Length, Bytes, CapturedAt, CapturedIn, Reordered
//	Gap         Direction, Offset, Length, GapReason
//	HalfClosed  Direction, Offset
//	Closed      CloseReason, By; the Clean, Counters and ResetText of Conn are then final
//	Anomaly     AnomalyKind, Direction, Offset, Length, Bytes (see Old and New)
//	SegmentSeen Direction, Offset, Length, Segment
//	PacketRead  Content, Bytes, and what LinkType, WireLen, Key and FragmentKey return; Conn is nil
//
// Every event sets Kind, Conn, Time and Packet. Bytes and Conn belong to the Follower and are valid
// until the next call that feeds, polls, flushes or closes; Clone copies them.
type Event struct {
	Kind        EventKind
	Direction   Direction
	GapReason   GapReason
	CloseReason CloseReason
	By          By
	AnomalyKind AnomalyKind
	Content     PacketContent

	// Reordered reports that the bytes did not arrive in order: they were held until the bytes
	// before them arrived or were given up.
	Reordered bool

	// Conn is the connection that the event belongs to.
	Conn *Connection

	// Time is the capture time of the packet that caused the event, in nanoseconds since 1970 UTC,
	// or NoTime; the time of an expiry is its deadline. See Timestamp.
	Time int64

	// Packet is the number of the packet that caused the event, counted from 1 over everything
	// fed; 0 if no packet caused it (expiry, flush).
	Packet uint64

	// Offset is a position in the direction's stream: 0 is the first byte after the SYN, or the
	// first captured byte if the SYN was not captured.
	Offset int64

	// Length is how many bytes of the stream the event covers.
	Length int64

	// Bytes are stream bytes [Offset, Offset+Length), all of one captured packet.
	Bytes []byte

	// CapturedAt is the capture time of the packet that carried Bytes, as Time. See
	// CapturedTimestamp.
	CapturedAt int64

	// CapturedIn is the number of the packet that carried Bytes: Packet, unless the
	// bytes are Reordered.
	CapturedIn uint64

	// Segment tells about the segment of an event of kind SegmentSeen; nil in others.
	Segment *Segment
}

// Segment is what a TCP segment says beside its bytes, as it was captured.
type Segment struct {
	// ACK is the offset in the other direction's stream that the segment acknowledges,
	// -1 if it acknowledges none or that stream's numbers are not known yet.
	ACK int64

	// Window is the receive window in bytes, scaled as far as the scale is known.
	Window uint32

	// Flags are those of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR
	// 128.
	Flags uint8

	// Arrival says how the payload relates to what came before.
	Arrival Arrival
}

// Clone returns a copy of the event, its bytes and the facts of its connection as they are now,
// which stays valid.
func (e *Event) Clone() *Event {
	own := *e
	own.Bytes = bytes.Clone(e.Bytes)
	if e.Conn != nil {
		own.Conn = e.Conn.clone()
	}
	return &own
}

// Timestamp returns Time in UTC. If that is NoTime, it returns the zero time and false.
func (e *Event) Timestamp() (t time.Time, ok bool) { return timestamp(e.Time) }

// CapturedTimestamp returns CapturedAt in UTC. If that is NoTime, it returns the zero time and
// false.
func (e *Event) CapturedTimestamp() (t time.Time, ok bool) { return timestamp(e.CapturedAt) }

// LinkType returns the link type of an event of kind PacketRead.
func (e *Event) LinkType() LinkType { return LinkType(e.Offset) }

// WireLen returns the length on the wire of the packet of an event of kind PacketRead.
func (e *Event) WireLen() int { return int(e.Length) }

// Key returns the Hash of the FlowKey of the packet of an event of kind PacketRead, after fragments
// were put together: of its flow if Content is PacketTCP, of its datagram if it is PacketFragment,
// else 0.
func (e *Event) Key() uint64 { return uint64(e.CapturedAt) }

// FragmentKey returns the Hash of the FlowKey of the packet of an event of kind PacketRead if it is
// a fragment, also where it makes its datagram whole; 0 for no fragment.
func (e *Event) FragmentKey() uint64 { return e.CapturedIn }

// Old returns the copy that was in the stream first, for an Anomaly of kind
// AnomalyOverlapConflict. Both copies are empty if the Allocator had no memory for them.
func (e *Event) Old() []byte { return e.Bytes[:len(e.Bytes)/2] }

// New returns the copy that came later, for an Anomaly of kind AnomalyOverlapConflict.
func (e *Event) New() []byte { return e.Bytes[len(e.Bytes)/2:] }

// AppendLog appends the event as one line of text, without the newline:
// docs/event-log.md. The C and the Python front end write the same.
func (e *Event) AppendLog(b []byte) []byte {
	c := e.Conn
	switch e.Kind {
	case Opened:
		b = fmt.Appendf(b, "opened %d %v %v roles=%v start=%v", c.ID(), c.Client(), c.Server(), c.RolesFrom(), c.Start())
		if s := c.Separation(); s != "" {
			b = append(append(b, " separation="...), s...)
		}
	case Data:
		b = fmt.Appendf(b, "data %d %v offset=%d length=%d crc32=%08x captured=",
			c.ID(), e.Direction, e.Offset, e.Length, crc32.ChecksumIEEE(e.Bytes))
		b = appendTime(b, e.CapturedAt)
	case Gap:
		b = fmt.Appendf(b, "gap %d %v offset=%d length=%d reason=%v", c.ID(), e.Direction, e.Offset, e.Length, e.GapReason)
	case HalfClosed:
		b = fmt.Appendf(b, "half-closed %d %v offset=%d", c.ID(), e.Direction, e.Offset)
	case Closed:
		b = fmt.Appendf(b, "closed %d reason=%v by=%v clean=%d", c.ID(), e.CloseReason, e.By, boolInt(c.Clean()))
		b = c.Counters(ClientToServer).appendLog(append(b, " client="...))
		b = c.Counters(ServerToClient).appendLog(append(b, " server="...))
		b = append(b, " reset_text="...)
		b = hex.AppendEncode(b, c.ResetText())
	case Anomaly:
		b = fmt.Appendf(b, "anomaly %d %v kind=%v offset=%d length=%d crc32=%08x",
			c.ID(), e.Direction, e.AnomalyKind, e.Offset, e.Length, crc32.ChecksumIEEE(e.Bytes))
	case SegmentSeen:
		s := e.Segment
		b = fmt.Appendf(b, "segment %d %v offset=%d length=%d flags=%02x ack=%d window=%d arrival=%v",
			c.ID(), e.Direction, e.Offset, e.Length, s.Flags, s.ACK, s.Window, s.Arrival)
	case PacketRead:
		b = fmt.Appendf(b, "packet %v key=%016x fragment=%016x link=%d length=%d wire=%d crc32=%08x", e.Content, e.Key(), e.FragmentKey(), e.LinkType(), len(e.Bytes), e.WireLen(), crc32.ChecksumIEEE(e.Bytes))
	}
	b = fmt.Appendf(appendTime(append(b, " time="...), e.Time), " packet=%d", e.Packet)
	if e.Reordered {
		b = append(b, " reordered"...)
	}
	return b
}

// String returns the line that AppendLog appends.
func (e *Event) String() string { return string(e.AppendLog(nil)) }

func appendTime(b []byte, t int64) []byte {
	if t == NoTime {
		return append(b, "none"...)
	}
	return strconv.AppendInt(b, t, 10)
}

func (c Counters) appendLog(b []byte) []byte {
	return fmt.Appendf(b, "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", c.Packets, c.DataPackets, c.Bytes, c.GapBytes, c.Gaps, c.DuplicateBytes,
		c.ConflictBytes, c.ReorderedBytes, c.LateBytes, c.BeforeStart, c.AfterFIN, c.AfterRST, c.FarSegments, c.FarBytes, c.MaxHeld)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
