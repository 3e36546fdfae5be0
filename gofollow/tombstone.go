package gofollow

import "gofollow/gofollow/internal/decode"

// tombstone is what is left of a connection that was closed by FIN or RST, so
// that its late segments open nothing.
type tombstone struct {
	key      flowKey
	closedAt int64
	base     [2]seqNum
	based    [2]bool
	carried  bool // data was delivered
	reset    bool // it was closed by RST
	gone     bool // it was taken away: the key is free, or another's
}

// graveyard keeps the tombstones in the order in which they were made. They have
// a table of their own, so that that of the connections stays small.
type graveyard struct {
	*flowHash
	hashTable
	ring  []*[plots]tombstone // a power of two of them, made when they are first needed
	first uint32              // number of the oldest; numbers are counted modulo 2^31
	n     uint32              // how many there are from first on
}

const (
	graveNumbers = 1<<31 - 1
	plots        = 256 // tombstones made at once: to move them to a larger array costs more than they do
)

func newGraveyard(h *flowHash) graveyard {
	return graveyard{flowHash: h, hashTable: newHashTable(), ring: make([]*[plots]tombstone, 4)}
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
}

// remove takes the tombstone with a number away.
func (g *graveyard) remove(number uint32) {
	t := g.at(number)
	t.gone = true
	g.hashTable.remove(g.of(&t.key), number)
	for g.n > 0 && g.at(g.first).gone {
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
	for int(g.n) >= f.config.Limits.Tombstones {
		g.remove(g.first)
	}
	g.add(&tombstone{
		key: c.key, closedAt: f.cause.time, carried: c.carriedData(), reset: c.closeReason == CloseRST,
		base: [2]seqNum{c.dirs[0].base, c.dirs[1].base}, based: [2]bool{c.dirs[0].has(based), c.dirs[1].has(based)},
	})
}

// late says whether a segment of no connection is a late one of a closed
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
	if !f.overdue(t, f.cause.time) && !t.revives(from, s, f.config.NoMidstream) {
		return true
	}
	g.remove(number)
	return false
}

// revives says whether a segment begins a new connection.
func (t *tombstone) revives(from side, s *decode.Segment, noMidstream bool) bool {
	other := !t.based[from] || t.base[from] != seqNum(s.Seq)+1
	switch s.Flags & (decode.SYN | decode.ACK) {
	case decode.SYN:
		return other || t.carried || t.reset
	case decode.SYN | decode.ACK:
		return !noMidstream && t.based[from] && other
	}
	return false
}

// overdue says that a tombstone is to go at that time.
func (f *Follower) overdue(t *tombstone, now int64) bool {
	due := after(t.closedAt, f.config.Timeouts.CloseLinger)
	return due <= now && due != never
}

// expireTombstones takes those away that are overdue.
func (f *Follower) expireTombstones() {
	for g := &f.graves; g.n > 0 && f.overdue(g.at(g.first), f.clock); {
		g.remove(g.first)
	}
}
