package gofollow

import (
	"time"

	"gofollow/gofollow/internal/capture"
)

// NoTime, as the Time of a Packet or an Event, says that it has none. Rules that are
// counted in time stand still while packets without a time are fed.
const NoTime = capture.NoTime

func timestamp(t int64) (time.Time, bool) {
	if t == NoTime {
		return time.Time{}, false
	}
	return time.Unix(0, t).UTC(), true
}

// LinkType is a number from the LINKTYPE_ registry (draft-ietf-opsawg-pcaplinktype).
// docs/encapsulations.md lists those that are followed; these are often wanted.
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

// cause is what events come from: a packet, or a deadline.
type cause struct {
	time   int64  // the packet's stamp; the stamp that a packet at the deadline would have
	packet uint64 // the packet's number, 0 for a deadline
	at     int64  // elapsed time
}

// PacketContent says what a packet that was read has for a follower.
type PacketContent uint8

const (
	PacketOther    PacketContent = iota // no TCP
	PacketTCP                           // a segment, or the fragment that makes one whole
	PacketFragment                      // a part of an IP datagram that is not whole yet
)

var packetContents = [...]string{"other", "tcp", "fragment"}

func (c PacketContent) String() string { return name(packetContents[:], int(c)) }

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

func name(names []string, i int) string {
	if i >= len(names) {
		return "unknown"
	}
	return names[i]
}
