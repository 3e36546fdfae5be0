package gofollow

// Event is one thing that happened to one connection. The kinds, and which
// fields each of them sets:
//
//	Opened      Conn; Time, Packet
//	Data        Direction, Offset, Length, Bytes, CapturedAt, CapturedIn, Reordered
//	Gap         Direction, Offset, Length, GapReason
//	HalfClosed  Direction, Offset
//	Closed      CloseReason, By; Conn then tells Clean, Counters, ResetText
//	Anomaly     AnomalyKind, Direction, Offset, Length, Bytes (see Old and New)
//	SegmentSeen Direction, Offset, Length, Segment
//
// Kind, Conn, Time and Packet are set in every one. Bytes and Conn belong to the
// Follower: they are valid until the next call on it.
type Event struct {
	Kind        EventKind
	Direction   Direction
	GapReason   GapReason
	CloseReason CloseReason
	By          By
	AnomalyKind AnomalyKind

	// Reordered says that the bytes did not arrive in order: they were held
	// until the bytes before them came or were given up.
	Reordered bool

	// Conn is the connection that the event belongs to.
	Conn *Connection

	// Time is the capture time of the packet that caused the event, in
	// nanoseconds since 1970 UTC, or NoTime; that of an expiry is its deadline.
	Time int64

	// Packet is the number of the packet that caused the event, counted from
	// 1 over everything fed; 0 where none did (expiry, flush).
	Packet uint64

	// Offset is the position in the direction's stream: 0 is the first byte
	// after the SYN, or the first byte captured where the SYN was not.
	Offset int64

	// Length is how many bytes of the stream the event covers.
	Length int64

	// Bytes are stream bytes [Offset, Offset+Length), all of one captured packet.
	Bytes []byte

	// CapturedAt is the capture time of the packet that carried Bytes, or NoTime.
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

// Old returns the copy that stood in the stream first, in an Anomaly of kind
// AnomalyOverlapConflict.
func (e *Event) Old() []byte { return e.Bytes[:len(e.Bytes)/2] }

// New returns the copy that came later, in an Anomaly of kind
// AnomalyOverlapConflict.
func (e *Event) New() []byte { return e.Bytes[len(e.Bytes)/2:] }

// EventKind tells events apart.
type EventKind uint8

const (
	Opened EventKind = iota + 1
	Data
	Gap
	HalfClosed
	Closed
	Anomaly
	SegmentSeen
)

var eventKinds = [...]string{"", "opened", "data", "gap", "half-closed", "closed", "anomaly", "segment"}

func (k EventKind) String() string { return name(eventKinds[:], int(k)) }

// Direction is one of a connection's two byte streams, named after its sender.
type Direction uint8

const (
	ClientToServer Direction = iota
	ServerToClient
)

var directions = [...]string{"client", "server"}

func (d Direction) String() string { return name(directions[:], int(d)) }

// GapReason says how it is known that bytes will never come.
type GapReason uint8

const (
	GapACK     GapReason = iota + 1 // the peer acknowledged them and they did not come
	GapLimit                        // a limit on held data was reached
	GapTimeout                      // the data held above them grew too old
	GapSnaplen                      // the capture cut the packet that carried them
	GapUrgent                       // an urgent byte, taken out on request
	GapClose                        // the connection ended
)

var gapReasons = [...]string{"", "ack", "limit", "timeout", "snaplen", "urgent", "close"}

func (r GapReason) String() string { return name(gapReasons[:], int(r)) }

// CloseReason says why a connection ended.
type CloseReason uint8

const (
	CloseFIN     CloseReason = iota + 1 // by FIN
	CloseRST                            // by reset
	CloseTimeout                        // no packets for too long
	CloseReused                         // a new connection took its addresses and ports
	CloseEvicted                        // too many connections
	CloseFlush                          // the input ended
)

var closeReasons = [...]string{"", "fin", "rst", "timeout", "reused", "evicted", "flush"}

func (r CloseReason) String() string { return name(closeReasons[:], int(r)) }

// By says which side ended a connection.
type By uint8

const (
	ByNobody By = iota
	ByClient
	ByServer
)

var bys = [...]string{"none", "client", "server"}

func (b By) String() string { return name(bys[:], int(b)) }

// AnomalyKind says what a careful reader wants to know.
type AnomalyKind uint8

const (
	AnomalyOverlapConflict AnomalyKind = iota + 1 // two copies of held bytes disagree
	AnomalyRSTOutOfWindow                         // a reset that was not believed
	AnomalyRSTCancelled                           // a reset whose sender went on
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

// RolesFrom says how it is known which side is the client.
type RolesFrom uint8

const (
	RolesFromSYN    RolesFrom = iota + 1 // it sent the SYN
	RolesFromSYNACK                      // it was sent the SYN+ACK
	RolesFromPort                        // its port is a client's, the other side's is not
	RolesFromFirst                       // it sent the first packet captured
)

var rolesFroms = [...]string{"", "syn", "synack", "port", "first"}

func (r RolesFrom) String() string { return name(rolesFroms[:], int(r)) }

// Start says with what a connection was first seen.
type Start uint8

const (
	StartSYN Start = iota + 1
	StartSYNACK
	StartMidstream
)

var starts = [...]string{"", "syn", "synack", "midstream"}

func (s Start) String() string { return name(starts[:], int(s)) }

// Counters tell what one direction of a connection went through.
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
