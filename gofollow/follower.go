package gofollow

// Follower follows TCP connections. It is not safe for concurrent use;
// different Followers are independent.
type Follower struct{}

// New returns a Follower. It fails if a field of config is out of range.
func New(config Config) (*Follower, error) { panic("not yet") }

// NoTime, as a Packet's Time, says that it has none: it takes the time of the
// packet before.
const NoTime = -1 << 63

// Packet is one captured packet.
type Packet struct {
	LinkType LinkType
	Time     int64  // nanoseconds since 1970 UTC, or NoTime
	Data     []byte // the captured part
	WireLen  int    // length on the wire; below len(Data): taken as len(Data)
}

// LinkType is a number from the LINKTYPE_ registry
// (draft-ietf-opsawg-pcaplinktype).
type LinkType uint32

const (
	LinkNull      LinkType = 0
	LinkEthernet  LinkType = 1
	LinkRaw       LinkType = 101
	LinkLoop      LinkType = 108
	LinkLinuxSLL  LinkType = 113
	LinkIPv4      LinkType = 228
	LinkIPv6      LinkType = 229
	LinkLinuxSLL2 LinkType = 276
)

// Feed follows one packet. The bytes are not kept. A frame that cannot be decoded
// is not an error, it is counted. ErrQueueFull, ErrPacketTooLarge and ErrClosed
// mean that the packet was not taken.
func (f *Follower) Feed(p *Packet) error { panic("not yet") }

// FeedBatch follows packets and returns how many were taken, fewer than all
// only with an error.
func (f *Follower) FeedBatch(packets []Packet) (int, error) { panic("not yet") }

// FeedCapture follows the bytes of a capture (pcap, pcapng, gzip of either), cut
// anywhere, and returns how many were taken, fewer than all only with an error.
// After ErrQueueFull poll and pass the rest. A *CaptureError ends the capture:
// what stands before the fault is followed, and EndCapture must be called
// before the next one.
func (f *Follower) FeedCapture(b []byte) (int, error) { panic("not yet") }

// EndCapture says that the capture's bytes are complete; the next ones begin a
// new one. It returns a *CaptureError if they end within a record. Nothing is
// flushed: captures may continue each other. It also closes an opened file.
func (f *Follower) EndCapture() error { panic("not yet") }

// OpenFile opens a capture file for ReadFile. It fails with what os.Open says.
func (f *Follower) OpenFile(path string) error { panic("not yet") }

// Progress tells how far a file was read.
type Progress struct {
	Packets   uint64 // packets taken from this file so far
	BytesRead int64  // bytes of the file read so far, compressed ones for gzip
	FileSize  int64  // 0 where it has none
	End       bool   // the file is at its end and closed
}

// ReadFile follows up to max packets of the opened file, any number if max is 0.
// It may return before that, so that events can point into what was read: call
// it until Progress.End, polling in between. At an error (a *CaptureError, or one
// of reading) the file is closed; what stands before it is followed.
func (f *Follower) ReadFile(max int) (Progress, error) { panic("not yet") }

// Waiting returns how many events wait to be polled.
func (f *Follower) Waiting() int { panic("not yet") }

// Poll takes up to max waiting events. The slice and what it points to are valid
// until the next call that feeds, polls, flushes or closes.
func (f *Follower) Poll(max int) []Event { panic("not yet") }

// AdvanceTime says that it is now t: what is overdue by then expires. It is for
// live use without packets. After ErrQueueFull poll and call it again.
func (f *Follower) AdvanceTime(t int64) error { panic("not yet") }

// Flush ends every connection. After ErrQueueFull poll and call it again. The
// Follower can be fed again afterwards.
func (f *Follower) Flush() error { panic("not yet") }

// Close frees everything. Events are no longer valid. Closing twice does nothing.
func (f *Follower) Close() { panic("not yet") }

// Stats returns what the Follower was given and what became of it.
func (f *Follower) Stats() Stats { panic("not yet") }
