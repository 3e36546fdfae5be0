package gofollow

import (
	"bytes"
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

	// Flags are those of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128.
	Flags uint8

	// Arrival says how the payload relates to what came before.
	Arrival Arrival
}

// Arrival says how a segment's payload relates to what was captured before it.
type Arrival uint8

const (
	ArrivedEmpty      Arrival = iota // it has no payload
	ArrivedNew                       // it goes beyond everything captured before, perhaps leaving a hole
	ArrivedRepeated                  // all of it was captured before
	ArrivedOutOfOrder                // it brings bytes that are missing below what was captured before
)

var arrivals = [...]string{"empty", "new", "repeated", "out_of_order"}

func (a Arrival) String() string { return name(arrivals[:], int(a)) }

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

// CapturedTimestamp returns CapturedAt in UTC. If that is NoTime, it returns the zero time and false.
func (e *Event) CapturedTimestamp() (t time.Time, ok bool) { return timestamp(e.CapturedAt) }

func timestamp(t int64) (time.Time, bool) {
	if t == NoTime {
		return time.Time{}, false
	}
	return time.Unix(0, t).UTC(), true
}

// Old returns the copy that was in the stream first, for an Anomaly of kind
// AnomalyOverlapConflict. Both copies are empty if the Allocator had no memory for them.
func (e *Event) Old() []byte { return e.Bytes[:len(e.Bytes)/2] }

// New returns the copy that came later, for an Anomaly of kind AnomalyOverlapConflict.
func (e *Event) New() []byte { return e.Bytes[len(e.Bytes)/2:] }

// EventKind is the kind of an Event.
type EventKind uint8

const (
	Opened EventKind = iota + 1
	Data
	Gap
	HalfClosed
	Closed
	Anomaly
	SegmentSeen
	PacketRead
)

var eventKinds = [...]string{"", "opened", "data", "gap", "half-closed", "closed", "anomaly", "segment", "packet"}

func (k EventKind) String() string { return name(eventKinds[:], int(k)) }

// Direction is one of a connection's two byte streams, named after its sender.
type Direction uint8

const (
	ClientToServer Direction = iota
	ServerToClient
)

var directions = [...]string{"client", "server"}

func (d Direction) String() string { return name(directions[:], int(d)) }

// GapReason is the reason for which missing bytes were given up.
type GapReason uint8

const (
	GapACK     GapReason = iota + 1 // the peer acknowledged them and they were not captured
	GapLimit                        // a limit on held data was reached
	GapTimeout                      // the data held above them became too old
	GapSnaplen                      // the snap length cut the packet that carried them
	GapUrgent                       // an urgent byte, removed under UrgentOOB
	GapClose                        // the connection ended
)

var gapReasons = [...]string{"", "ack", "limit", "timeout", "snaplen", "urgent", "close"}

func (r GapReason) String() string { return name(gapReasons[:], int(r)) }

// CloseReason is the reason for which a connection ended.
type CloseReason uint8

const (
	CloseFIN     CloseReason = iota + 1 // by FIN
	CloseRST                            // by reset
	CloseTimeout                        // no packets for too long
	CloseReused                         // a new connection uses its addresses and ports
	CloseEvicted                        // there were too many connections
	CloseFlush                          // the input ended
)

var closeReasons = [...]string{"", "fin", "rst", "timeout", "reused", "evicted", "flush"}

func (r CloseReason) String() string { return name(closeReasons[:], int(r)) }

// By is the side that ended a connection.
type By uint8

const (
	ByNone By = iota
	ByClient
	ByServer
)

var bys = [...]string{"none", "client", "server"}

func (b By) String() string { return name(bys[:], int(b)) }

// AnomalyKind is what an Anomaly event found unusual.
type AnomalyKind uint8

const (
	AnomalyOverlapConflict AnomalyKind = iota + 1 // two copies of held bytes disagree
	AnomalyRSTOutOfWindow                         // a reset that has no effect
	AnomalyRSTCancelled                           // a reset whose sender continued the stream
	AnomalyFINBelowData                           // a FIN below data already seen, or a second one elsewhere
	AnomalyACKUnseen                              // an acknowledgement too far beyond what was seen
	AnomalyAfterFIN                               // data past the FIN
	AnomalyBeforeStart                            // data before the stream's start
	AnomalyFarSegment                             // a segment far above everything seen
	AnomalyChecksum                               // a segment with a wrong checksum
	AnomalyNoACKFlag                              // a segment without ACK after the handshake
	AnomalySYNFIN                                 // SYN and FIN in one segment
)

var anomalyKinds = [...]string{"", "overlap_conflict", "rst_out_of_window", "rst_cancelled", "fin_below_data",
	"ack_unseen", "after_fin", "before_start", "far_segment", "checksum", "no_ack_flag", "syn_fin"}

func (k AnomalyKind) String() string { return name(anomalyKinds[:], int(k)) }

// RolesFrom is the evidence by which one side is taken for the client.
type RolesFrom uint8

const (
	RolesFromSYN    RolesFrom = iota + 1 // it sent the SYN
	RolesFromSYNACK                      // it received the SYN+ACK
	RolesFromPort                        // of both ports, its own looks like a client's (docs/rules.md)
	RolesFromFirst                       // it sent the first packet captured
)

var rolesFroms = [...]string{"", "syn", "synack", "port", "first"}

func (r RolesFrom) String() string { return name(rolesFroms[:], int(r)) }

// Start is the first part of a connection that was captured.
type Start uint8

const (
	StartSYN Start = iota + 1
	StartSYNACK
	StartMidstream
)

var starts = [...]string{"", "syn", "synack", "midstream"}

func (s Start) String() string { return name(starts[:], int(s)) }

// Counters count what was captured of one direction of a connection.
type Counters struct {
	Packets        uint64 // segments captured
	DataPackets    uint64 // segments with payload
	Bytes          uint64 // bytes delivered
	GapBytes       uint64 // bytes given up
	Gaps           uint64 // ranges given up
	DuplicateBytes uint64 // bytes that had been delivered before, or were held already
	ConflictBytes  uint64 // bytes that differed from a held copy
	ReorderedBytes uint64 // bytes that were held before they were delivered
	LateBytes      uint64 // bytes that came after their range was given up
	BeforeStart    uint64 // bytes numbered below the stream's start
	AfterFIN       uint64 // bytes at or past the FIN
	AfterRST       uint64 // bytes that came after an accepted reset and were not followed
	FarSegments    uint64 // segments far above everything seen that nothing confirmed
	FarBytes       uint64 // their bytes
	MaxHeld        uint64 // the most bytes held at once
}

func name(names []string, i int) string {
	if i >= len(names) {
		return "unknown"
	}
	return names[i]
}
