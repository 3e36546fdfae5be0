package gofollow

// Stats are the counters of a Follower.
type Stats struct {
	Packets  uint64 // packets taken
	Bytes    uint64 // captured bytes of them
	Segments uint64 // TCP segments among them

	// Packets without a segment, by the reason. The fragment that completes a datagram counts
	// as what the datagram has. If an 802.11 frame aggregates several packets, each counts.
	// Follower.NotFollowed has the names of those of NotTCP and UnknownLink.
	NotTCP, Fragments, Malformed, BadChecksum, UnknownLink, TooDeep uint64

	Datagrams        uint64 // IP datagrams reassembled from fragments
	FragmentsExpired uint64 // fragments whose datagram was not whole within 30 s, or when Flush was called
	FragmentsDropped uint64 // fragments that contradict others or themselves, or of which there were too many

	// Segments that changed no connection: they belong to none and open none, or are late
	// segments of a closed connection.
	NoConnection, AfterClose uint64

	// NoACKFlag counts segments without ACK outside SYN and RST; they are followed.
	NoACKFlag uint64

	Opened            uint64    // connections opened, those that the filter leaves out included
	Filtered          uint64    // of them, those that the filter leaves out
	ClosedBy          [7]uint64 // connections closed, indexed by CloseReason
	Connections       int       // connections open now
	ClosedConnections int       // closed connections that are remembered now

	// SYN candidates and closed connections that a limit dropped before their time.
	CandidatesDropped, ClosedConnectionsDropped uint64

	HeldBytes    int64 // bytes held out of order now, by all connections
	MaxHeldBytes int64 // the most there were after any packet

	Events  uint64 // events made
	Waiting int    // events that wait to be polled
}

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

// NotFollowed is one kind of packet that is not followed, by what it has in place of TCP.
type NotFollowed struct {
	Name    string // such as "UDP", "EtherType 0x88b5" or "link type 147"
	Packets uint64

	// LinkType reports that the kind is a link type: no packet of an interface with it is followed.
	LinkType bool
}
