// Package capture reads the bytes of capture files, pcap and pcapng, that are
// handed to it in pieces cut anywhere.
package capture

import "fmt"

// MaxPacket is the largest packet that a record may hold: 16 MiB. A larger
// length is taken for damage, so that a damaged file cannot claim all memory.
const MaxPacket = 16 << 20

// NoTime is the time of a packet that has none, as in a pcapng simple packet block.
const NoTime = -1 << 63

// Record is one captured packet.
type Record struct {
	// LinkType is the number from the LINKTYPE_ registry
	// (draft-ietf-opsawg-pcaplinktype), upper bits (FCS length) removed.
	LinkType uint32
	// Time is the capture time in nanoseconds since 1970 UTC, saturated, or NoTime.
	Time int64
	// Data is the captured part. It aliases the bytes given to Next.
	Data []byte
	// WireLen is the packet's length on the wire, at least len(Data).
	WireLen int
}

// Kind is the kind of a fault of a capture.
type Kind uint8

const (
	// NotACapture: the bytes begin with the magic number of no known format.
	NotACapture Kind = iota + 1
	// Truncated: the capture ends within a record.
	Truncated
	// Damaged: a length or a value contradicts the format.
	Damaged
	// Unsupported: a known format, version or block that is not read.
	Unsupported
)

// Error describes a fault of a capture and its place.
type Error struct {
	Kind   Kind
	Record uint64 // how many packets stand before the fault
	Offset int64  // position of the fault in the (uncompressed) bytes
	Reason string // what is wrong and what to do, one line without a full stop
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (after packet %d, at byte %d)", e.Reason, e.Record, e.Offset)
}
