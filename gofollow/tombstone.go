package gofollow

import (
	"math"
	"time"

	"gofollow/gofollow/internal/decode"
)

// tombstone is what is left of a connection that was closed by FIN or RST, so
// that its late segments open nothing. There may be as many as connections: it
// takes 64 bytes.
type tombstone struct {
	key       flowKey
	closedAt  int64     // elapsed time
	end       [2]seqNum // of each side, the number behind its last byte and its FIN
	server    seqNum    // the server's number of offset 0
	swallowed uint16    // when it last swallowed a segment, in swallowUnits after closedAt
	flags     tombFlags
}

type tombFlags uint8

const (
	tombKnown0  tombFlags = 1 << iota // end[0] is known
	tombKnown1                        // end[1] is known
	tombFIN0                          // end[0] lies behind a FIN
	tombFIN1                          // end[1] lies behind a FIN
	tombServer                        // the server is side 1
	tombCarried                       // data was delivered
	tombReset                         // it was closed by RST
	tombGone                          // it was taken away: the key is free, or another's
)

const (
	// closedBytes is how far below the end of a closed stream a late segment may lie.
	closedBytes = 16 << 20
	// maxLinger is how long a closed connection is remembered in all, unless
	// Timeouts.CloseLinger is longer: a peer gives up after that time (RFC 9293,
	// section 3.8.3: at least 100 s; 15 min and more on common systems).
	maxLinger = 15 * time.Minute
	// swallowUnit is chosen so that maxLinger fits in 16 bits.
	swallowUnit = time.Second / 64
)

func (t *tombstone) has(f tombFlags) bool { return t.flags&f != 0 }

// graveyard keeps the tombstones in the order in which they were made. They have
// a table of their own, so that that of the connections stays small.
type graveyard struct {
	*flowHash
	hashTable
	ring  []*[plots]tombstone // a power of two of them, made when they are first needed
	first uint32              // number of the oldest; numbers are counted modulo 2^31
	n     uint32              // how many there are from first on

	separations *decode.Separations // nil without Config.Separate; a tombstone holds its number
}

const (
	graveNumbers = 1<<31 - 1
	plots        = 256 // tombstones made at once: to move them to a larger array costs more than they do
)

func newGraveyard(h *flowHash, s *decode.Separations) graveyard {
	return graveyard{flowHash: h, hashTable: newHashTable(), ring: make([]*[plots]tombstone, 4), separations: s}
}

// at returns the tombstone with a number.
func (g *graveyard) at(number uint32) *tombstone {
	return &(*g.plots(number))[number%plots]
}

// plots returns the place of a number's tombstones in the ring.
func (g *graveyard) plots(number uint32) **[plots]tombstone {
	return &g.ring[int(number/plots)&(len(g.ring)-1)]
}

// add adds a tombstone.
func (g *graveyard) add(t *tombstone) {
	if int(g.n) > (len(g.ring)-1)*plots {
		old := *g
		g.ring = make([]*[plots]tombstone, 2*len(old.ring))
		for i := range uint32(len(old.ring)) {
			*g.plots(g.first + i*plots) = *old.plots(g.first + i*plots)
		}
	}
	number := (g.first + g.n) & graveNumbers
	g.n++
	if p := g.plots(number); *p == nil {
		*p = new([plots]tombstone)
	}
	*g.at(number) = *t
	g.insert(g.of(&t.key), number)
	g.separations.Hold(t.key.separation())
}

// remove takes the tombstone with a number away.
func (g *graveyard) remove(number uint32) {
	t := g.at(number)
	t.flags |= tombGone
	g.hashTable.remove(g.of(&t.key), number)
	g.separations.Release(t.key.separation())
	for g.n > 0 && g.at(g.first).has(tombGone) {
		g.first, g.n = (g.first+1)&graveNumbers, g.n-1
	}
}

// find returns the number of a key's tombstone.
func (g *graveyard) find(k *flowKey) (number uint32, ok bool) {
	h := g.of(k)
	mask := uint32(len(g.slots) - 1)
	for i := h & mask; g.slots[i].entry != 0; i = (i + 1) & mask {
		if g.slots[i].hash == h {
			number := g.slots[i].entry - 1
			if g.at(number).key.is(k) {
				return number, true
			}
		}
	}
	return 0, false
}

// entomb remembers a closed connection. Of too many tombstones the oldest goes.
func (f *Follower) entomb(c *Connection) {
	g := &f.graves
	for int(g.n) >= f.config.Limits.ClosedConnections {
		g.remove(g.first)
		f.stats.ClosedConnectionsDropped++
	}
	t := tombstone{key: c.key, closedAt: f.cause.at, server: c.dirs[c.client^1].base}
	if c.client == 0 {
		t.flags |= tombServer
	}
	if c.closeReason == CloseRST {
		t.flags |= tombReset
	}
	for i := range c.dirs {
		d := &c.dirs[i]
		if !d.has(based) {
			continue
		}
		end := d.next
		if end > 0 {
			t.flags |= tombCarried
		}
		t.flags |= tombKnown0 << i
		if d.fin != noFIN {
			t.flags |= tombFIN0 << i
			end++
		}
		t.end[i] = d.seqAt(end)
	}
	g.add(&t)
}

// late reports whether a segment of no connection is a late one of a closed
// connection. If it begins a new one, the tombstone is taken away.
func (f *Follower) late(k *flowKey, from side, s *decode.Segment) bool {
	g := &f.graves
	if g.n == 0 {
		return false
	}
	number, ok := g.find(k)
	if !ok {
		return false
	}
	t := g.at(number)
	switch {
	case f.forgotten(t) || t.revives(from, s, f.config.NoMidstream):
	case s.Flags&decode.SYN != 0:
		return true
	case t.covers(from, s):
		t.swallowedAt(f.clock.now)
		if f.clock.jumped {
			f.leapers = append(f.leapers, leaper{key: *k})
		}
		return true
	case s.Wire == 0 || f.clock.now < after(t.closedAt, f.config.Timeouts.StrayLinger):
		return true // without data it would open nothing
	}
	g.remove(number)
	return false
}

// revives reports whether a segment begins a new connection.
func (t *tombstone) revives(from side, s *decode.Segment, noMidstream bool) bool {
	base := seqNum(s.Seq) + 1
	switch s.Flags & (decode.SYN | decode.ACK) {
	case decode.SYN:
		return t.has(tombCarried|tombReset) || base != t.start(from)
	case decode.SYN | decode.ACK:
		return !noMidstream && base != t.start(from)
	}
	return false
}

// start returns the number of a side's offset 0. Of a client that sent data it is not
// kept: the number is one that no SYN of the closed connection had.
func (t *tombstone) start(of side) seqNum {
	switch {
	case (of == 1) == t.has(tombServer):
		return t.server
	case t.has(tombFIN0 << of):
		return t.end[of] - 1
	}
	return t.end[of]
}

// covers reports whether a segment lies within the last closedBytes of what was closed.
func (t *tombstone) covers(from side, s *decode.Segment) bool {
	length := uint32(s.Wire)
	if s.Flags&decode.FIN != 0 {
		length++
	}
	below := uint32(t.end[from]) - s.Seq // how far the segment begins below the end
	return t.has(tombKnown0<<from) && length <= below && below <= closedBytes
}

// swallowedAt notes that a segment was swallowed at an elapsed time.
func (t *tombstone) swallowedAt(now int64) {
	t.swallowed = uint16(min((now-t.closedAt)/int64(swallowUnit), math.MaxUint16))
}

// forgottenAt returns the elapsed time at which a tombstone has no effect any more.
func (f *Follower) forgottenAt(t *tombstone) int64 {
	linger := f.config.Timeouts.CloseLinger
	last := t.closedAt + int64(t.swallowed)*int64(swallowUnit)
	return min(after(last, linger), after(t.closedAt, max(linger, maxLinger)))
}

// forgotten reports whether a tombstone has no effect any more.
func (f *Follower) forgotten(t *tombstone) bool {
	at := f.forgottenAt(t)
	return at <= f.clock.now && at != never
}

// expireTombstones takes away the oldest ones that have no effect any more. One that
// swallowed a segment moves behind the others, so that it does not keep them.
func (f *Follower) expireTombstones() {
	const movesAtOnce = 64
	moved := 0
	for g := &f.graves; g.n > 0; {
		t := *g.at(g.first)
		switch {
		case f.forgotten(&t):
			g.remove(g.first)
		case t.swallowed > 0 && moved < movesAtOnce && f.clock.now >= after(t.closedAt, f.config.Timeouts.CloseLinger):
			g.remove(g.first)
			g.add(&t)
			moved++
		default:
			return
		}
	}
}
