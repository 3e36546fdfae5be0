package gofollow

// Stats counts what a Follower was given and what became of it.
type Stats struct {
	Packets  uint64 // packets taken
	Bytes    uint64 // captured bytes of them
	Segments uint64 // TCP segments among them

	// Packets that are no segment, by what they were. Of a datagram's fragments the one that
	// makes it whole counts as what the datagram is. Of an 802.11 frame that packs several
	// together, each counts. Follower.NotFollowed names the others.
	NotTCP, Fragments, Malformed, BadChecksum, UnknownLink, TooDeep uint64

	Datagrams        uint64 // IP datagrams put together from fragments
	FragmentsExpired uint64 // fragments whose datagram was not whole within 30 s, or when Flush was called
	FragmentsDropped uint64 // fragments that contradict others or themselves, or of which there were too many

	// Segments that no connection was told of: of no connection that is
	// followed (and opening none), or late ones of a closed connection.
	NoConnection, AfterClose uint64

	// NoACKFlag counts segments without ACK outside SYN and RST; they are followed.
	NoACKFlag uint64

	Opened            uint64    // connections opened, those that the filter leaves out included
	Filtered          uint64    // of them, those that the filter leaves out
	ClosedBy          [7]uint64 // connections closed, indexed by CloseReason
	Connections       int       // connections open now
	ClosedConnections int       // closed connections that are remembered now

	// What limits cost that is no event: SYN candidates and closed connections that were dropped before their time.
	CandidatesDropped, ClosedConnectionsDropped uint64

	HeldBytes    int64 // bytes held out of order now, by all connections
	MaxHeldBytes int64 // the most there were after any packet

	Events  uint64 // events made
	Waiting int    // events that wait to be polled
}

// NotFollowed is something that packets had where TCP was looked for.
type NotFollowed struct {
	Name    string // such as "UDP", "EtherType 0x88b5" or "link type 147"
	Packets uint64

	// LinkType says that it is a link type: nothing of such a capture, or of such
	// an interface of it, is followed.
	LinkType bool
}
