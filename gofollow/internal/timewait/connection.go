// Package timewait is the closed-connection table: what is remembered of connections that were
// closed by FIN or RST, as TIME-WAIT does in a host, so that their late segments open nothing.
package timewait

import (
	"math"
	"time"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/seq"
)

// Connection is what is left of a closed connection. There may be as many as open ones: it takes
// 64 bytes.
type Connection struct {
	Key      flow.Key
	ClosedAt int64         // elapsed time
	End      [2]seq.Number // of each side, the number behind its last byte and its FIN
	Server   seq.Number    // the server's number of offset 0
	absorbed uint16        // when it last absorbed a segment, in absorbUnits after ClosedAt
	Flags    Flags
}

// Flags tell which facts are known.
type Flags uint8

const (
	Known0    Flags = 1 << iota // End[0] is known
	Known1                      // End[1] is known
	FIN0                        // End[0] lies behind a FIN
	FIN1                        // End[1] lies behind a FIN
	ServerIs1                   // the server is side 1
	HadData                     // data was delivered
	ByRST                       // it was closed by RST
	removed                     // it was taken out: the key is free, or another's
)

const (
	// tail is how far below the end of a closed stream a late segment may lie.
	tail = 16 << 20
	// maxLinger is how long a closed connection is remembered in all, unless
	// the linger is longer. A peer gives up after that time (RFC 9293,
	// section 3.8.3: at least 100 s; 15 min and more on common systems).
	maxLinger = 15 * time.Minute
	// absorbUnit is chosen so that maxLinger fits in 16 bits.
	absorbUnit = time.Second / 64
)

func (c *Connection) has(f Flags) bool { return c.Flags&f != 0 }

// Begins reports whether a segment begins a new connection. With noMidstream only a SYN without
// ACK does.
func (c *Connection) Begins(from flow.Side, s *decode.Segment, noMidstream bool) bool {
	base := seq.Number(s.Seq) + 1
	switch s.Flags & (decode.SYN | decode.ACK) {
	case decode.SYN:
		return c.has(HadData|ByRST) || base != c.start(from)
	case decode.SYN | decode.ACK:
		return !noMidstream && base != c.start(from)
	}
	return false
}

// start returns the number of a side's offset 0. Of a client that sent data it is not
// kept: the number is one that no SYN of the closed connection had.
func (c *Connection) start(of flow.Side) seq.Number {
	switch {
	case (of == 1) == c.has(ServerIs1):
		return c.Server
	case c.has(FIN0 << of):
		return c.End[of] - 1
	}
	return c.End[of]
}

// Covers reports whether a segment lies within the last 16 MiB of what was closed.
func (c *Connection) Covers(from flow.Side, s *decode.Segment) bool {
	length := uint32(s.Wire)
	if s.Flags&decode.FIN != 0 {
		length++
	}
	below := uint32(c.End[from]) - s.Seq // how far the segment begins below the end
	return c.has(Known0<<from) && length <= below && below <= tail
}

// Absorb notes that the connection absorbed a segment at an elapsed time.
func (c *Connection) Absorb(now int64) {
	c.absorbed = uint16(min((now-c.ClosedAt)/int64(absorbUnit), math.MaxUint16))
}

// ForgottenAt returns the elapsed time from which the connection has no effect any more: linger
// after its close or the last segment that it absorbed, and maxLinger after its close at most.
func (c *Connection) ForgottenAt(linger time.Duration) int64 {
	last := c.ClosedAt + int64(c.absorbed)*int64(absorbUnit)
	return min(clock.After(last, linger), clock.After(c.ClosedAt, max(linger, maxLinger)))
}
