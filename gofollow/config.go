package gofollow

import (
	"fmt"
	"math"
	"time"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/ranges"
)

// Config holds the options of a Follower. The zero value gives the defaults,
// and so does the zero value of each field.
type Config struct {
	// NoMidstream makes a SYN without ACK the only segment that opens a
	// connection. By default a connection whose start was not captured is
	// followed from its first data.
	NoMidstream bool

	// CloseOn selects what ends a connection.
	CloseOn CloseOn

	// RST selects which RSTs are accepted.
	RST RSTPolicy

	// Overlap selects which copy of a byte is delivered if two held segments overlap.
	// Bytes that were delivered never change.
	Overlap OverlapPolicy

	// GapPatience is the capture time after which missing bytes are given up that the peer
	// acknowledged. An acknowledgement may be captured before the data that it covers. 64
	// further segments of the connection have the same effect. Default 500 ms; with AtOnce
	// there is no delay.
	GapPatience time.Duration

	// VerifyChecksum drops segments whose TCP checksum is wrong. Off by
	// default: checksum offloading makes wrong sums common in captures.
	VerifyChecksum bool

	// Urgent selects what happens to the byte that an urgent pointer marks.
	Urgent UrgentMode

	// Separate selects which layers around a segment distinguish connections that have the same
	// addresses and ports, for networks that use the same addresses twice.
	Separate Separate

	// Filter chooses connections, in the words and with the precedence of pcap-filter: "net 10 and
	// port 80 or 443". docs/filter.md lists the words. It is tested once, when a connection opens,
	// on the innermost addresses and the roles that its Opened event has. A connection that it
	// leaves out makes no event, is counted (Stats.Filtered) and takes its ID all the same: what
	// opens and closes is the same with any filter. "" chooses all.
	Filter string

	// Anomalies asks for events of kind Anomaly.
	Anomalies bool
	// Segments asks for events of kind SegmentSeen: one for each segment of a connection,
	// before those that it causes.
	Segments bool
	// PacketsOnly asks for an event of kind PacketRead for each packet, and for nothing else:
	// captures of every format are then read and not followed.
	PacketsOnly bool
	// NoHalfClosed leaves out events of kind HalfClosed.
	NoHalfClosed bool

	Limits   Limits
	Timeouts Timeouts

	// Allocator supplies the memory that event bytes live in. Default:
	// pooled Go slices.
	Allocator Allocator
}

// Never, as a timeout, switches it off.
const Never time.Duration = -1

// AtOnce, as Config.GapPatience, gives a missing range up as soon as it is
// acknowledged.
const AtOnce time.Duration = -1

// Limits bound the memory of a Follower. Whatever a limit drops is reported by an event or a
// counter in Stats. Zero gives the default.
type Limits struct {
	// HeldBytes and HeldSegments bound what is held out of order in one
	// direction. Beyond them the lowest missing range is given up
	// (GapLimit). Default 16 MiB and 16384.
	HeldBytes    int64
	HeldSegments int

	// TotalHeldBytes bounds what all connections hold together. The number of held ranges is
	// bounded by one for each 256 bytes of it, or HeldSegments if that is more. Beyond it the
	// direction that holds most gives up its lowest missing range. Default 256 MiB.
	TotalHeldBytes int64

	// Connections bounds how many connections are followed at once. Beyond it one is evicted
	// (CloseEvicted): of those in the least advanced state the one silent longest (docs/rules.md).
	// Default 1,000,000.
	Connections int

	// ClosedConnections bounds how many closed connections are remembered, so that
	// their late segments open nothing, at 64 bytes each. Beyond it the oldest
	// is dropped. Default 1,000,000.
	ClosedConnections int

	// Candidates bounds how many SYNs are kept that may begin a new connection
	// between the endpoints of one that is still followed. Beyond it the oldest
	// is dropped. Default 65536.
	Candidates int

	// FarBytes is how far above everything seen a segment may start before
	// it has to be confirmed by a second one. Default 64 MiB.
	FarBytes int64

	// QueuedEvents and QueuedBytes bound the events that wait to be polled and their payload.
	// Beyond them Feed returns ErrQueueFull. The events of one packet may exceed both.
	// Default 65536 and 16 MiB.
	QueuedEvents int
	QueuedBytes  int64
}

// Timeouts are lengths of capture time. Zero gives the default, Never switches one off.
type Timeouts struct {
	Handshake   time.Duration // silence that ends a connection without data or a whole handshake: 60 s
	Idle        time.Duration // silence that ends an established connection: 7440 s (RFC 5382, REQ-5)
	HalfClosed  time.Duration // silence that ends a connection of which one side has finished: 10 min
	RSTLinger   time.Duration // how long the sender of an accepted RST may contradict it: 1 s
	CloseLinger time.Duration // how long copies of a closed connection's segments are ignored, from the last one on: 130 s
	StrayLinger time.Duration // how long other segments of a closed connection are ignored: 5 s
	ReuseIdle   time.Duration // silence after which a SYN begins a new connection if the peer is not captured: 5 s
	HoleAge     time.Duration // age of held data at which the hole below it is given up: 30 s
	OneSidedAge time.Duration // the same while no packet of the peer was captured: 3 s
}

// CloseOn selects what ends a connection.
type CloseOn uint8

const (
	// CloseOnBoth closes when both directions have delivered their FIN, or by reset.
	CloseOnBoth CloseOn = iota
	// CloseOnFirstFIN closes at the first FIN or RST of either side after the
	// SYN+ACK, as libtins' stream follower and cycapture do.
	CloseOnFirstFIN
)

// RSTPolicy selects which RSTs are accepted.
type RSTPolicy uint8

const (
	// RSTLenient accepts a RST whose number lies in the window.
	RSTLenient RSTPolicy = iota
	// RSTStrict accepts a RST with exactly the next expected number (RFC 5961, section 3.2).
	RSTStrict
	// RSTIgnore accepts none.
	RSTIgnore
)

// OverlapPolicy selects whose bytes fill a range that two held segments share: those of the segment
// that was held first, or of the newer one. All but First and Last do as an operating system does
// (Novak and Sturges, "Target-based TCP stream reassembly").
type OverlapPolicy uint8

const (
	OverlapFirst    = OverlapPolicy(ranges.First)
	OverlapLast     = OverlapPolicy(ranges.Last)
	OverlapBSD      = OverlapPolicy(ranges.BSD)
	OverlapLinux    = OverlapPolicy(ranges.Linux)
	OverlapOldLinux = OverlapPolicy(ranges.OldLinux)
	OverlapSolaris  = OverlapPolicy(ranges.Solaris)
	OverlapWindows  = OverlapPolicy(ranges.Windows)
	OverlapVista    = OverlapPolicy(ranges.Vista)
	OverlapHPUX10   = OverlapPolicy(ranges.HPUX10)
	OverlapHPUX11   = OverlapPolicy(ranges.HPUX11)
	OverlapIRIX     = OverlapPolicy(ranges.IRIX)
	OverlapMacOS    = OverlapPolicy(ranges.MacOS)
	OverlapWin2003  = OverlapPolicy(ranges.Win2003)

	overlapPolicies = OverlapPolicy(ranges.Policies) // how many there are
)

// UrgentMode selects what happens to the byte that an urgent pointer marks.
type UrgentMode uint8

const (
	// UrgentInline leaves the byte in the stream (RFC 6093).
	UrgentInline UrgentMode = iota
	// UrgentOOB takes the byte before the urgent pointer out and reports it as
	// a gap with GapUrgent.
	UrgentOOB
)

// Separate selects what distinguishes connections with the same addresses and ports.
type Separate uint8

const (
	// SeparateNone: nothing. A mirror that captures a packet twice, inside a tunnel and outside
	// of it, makes one connection.
	SeparateNone Separate = iota
	// SeparateVLAN: the stack of VLAN ids, of which 0 does not count.
	SeparateVLAN
	// SeparateTunnel: the ids of tunnels that both directions share (VNI, VSID, GRE key) and, of
	// tunnels without one, the unordered pair of outer addresses.
	SeparateTunnel
	// SeparateBoth: VLANs and tunnels, in their order.
	SeparateBoth
)

// table returns the table of networks, nil if there are none.
func (s Separate) table() *decode.Separations {
	if s == SeparateNone {
		return nil
	}
	return decode.NewSeparations(s != SeparateTunnel, s != SeparateVLAN)
}

// ConfigError is returned by New if a field of Config is out of range.
type ConfigError struct {
	Field   string // such as "RST" or "Limits.Connections"
	Value   int64
	Largest int64 // the smallest is 0
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("gofollow: Config.%s is %d, must be 0 to %d", e.Field, e.Value, e.Largest)
}

// withDefaults returns c with every zero replaced by its default, or a *ConfigError.
func (c Config) withDefaults() (Config, error) {
	l := &c.Limits
	for _, f := range []ConfigError{
		{"CloseOn", int64(c.CloseOn), int64(CloseOnFirstFIN)},
		{"RST", int64(c.RST), int64(RSTIgnore)},
		{"Overlap", int64(c.Overlap), int64(overlapPolicies - 1)},
		{"Urgent", int64(c.Urgent), int64(UrgentOOB)},
		{"Separate", int64(c.Separate), int64(SeparateBoth)},
		{"Limits.HeldBytes", l.HeldBytes, math.MaxInt64},
		{"Limits.HeldSegments", int64(l.HeldSegments), math.MaxInt64},
		{"Limits.TotalHeldBytes", l.TotalHeldBytes, math.MaxInt64},
		{"Limits.Connections", int64(l.Connections), maxConnections},
		{"Limits.ClosedConnections", int64(l.ClosedConnections), math.MaxInt64},
		{"Limits.Candidates", int64(l.Candidates), math.MaxInt64},
		{"Limits.FarBytes", l.FarBytes, maxFarBytes},
		{"Limits.QueuedEvents", int64(l.QueuedEvents), math.MaxInt64},
		{"Limits.QueuedBytes", l.QueuedBytes, math.MaxInt64},
	} {
		if f.Value < 0 || f.Value > f.Largest {
			return c, &f
		}
	}
	orElse(&l.HeldBytes, 16<<20)
	orElse(&l.HeldSegments, 16384)
	orElse(&l.TotalHeldBytes, 256<<20)
	orElse(&l.Connections, 1_000_000)
	orElse(&l.ClosedConnections, 1_000_000)
	orElse(&l.Candidates, 65536)
	orElse(&l.FarBytes, 64<<20)
	orElse(&l.QueuedEvents, 65536)
	orElse(&l.QueuedBytes, 16<<20)
	t := &c.Timeouts
	orElse(&t.Handshake, 60*time.Second)
	orElse(&t.Idle, 7440*time.Second)
	orElse(&t.HalfClosed, 10*time.Minute)
	orElse(&t.RSTLinger, time.Second)
	orElse(&t.CloseLinger, 130*time.Second)
	orElse(&t.StrayLinger, 5*time.Second)
	orElse(&t.ReuseIdle, 5*time.Second)
	orElse(&t.HoleAge, 30*time.Second)
	orElse(&t.OneSidedAge, 3*time.Second)
	orElse(&c.GapPatience, 500*time.Millisecond)
	return c, nil
}

const (
	// maxConnections keeps a connection's number in 31 bits.
	maxConnections = 1 << 30
	// maxFarBytes keeps a segment that is not far unambiguous in 32-bit
	// sequence space.
	maxFarBytes = 1 << 30
)

func orElse[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// Allocator supplies the memory that captured bytes live in while a Follower
// needs them: read buffers and held segments. Alloc returns a slice of exactly
// n bytes, n > 0, of that capacity, with any content, or nil if there is no memory: then
// the call under way returns ErrNoMemory. Free gets back just such a
// slice. They are called from the goroutine that uses the Follower, which keeps
// some of what it has for reuse.
type Allocator interface {
	Alloc(n int) []byte
	Free(b []byte)
}
