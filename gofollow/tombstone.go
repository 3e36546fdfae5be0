package gofollow

import "gofollow/gofollow/internal/decode"

// tombstone is what is left of a connection that was closed by FIN or RST, so
// that its late segments open nothing.
type tombstone struct {
	key      flowKey
	closedAt int64
	base     [2]seqNum
	owner    owner // 0 if it was taken away: its key is free, or another's
	based    [2]bool
	carried  bool // data was delivered
	reset    bool // it was closed by RST
}

// graveyard keeps the tombstones in the order in which they were made.
type graveyard struct {
	ring  []tombstone // a power of two
	first uint32      // number of the oldest, modulo isTombstone
	n     uint32      // how many there are from first on
	stand int         // how many of them were not taken away
}

// at returns the tombstone that owns a slot of the flow table.
func (g *graveyard) at(o owner) *tombstone { return &g.ring[int(o&^isTombstone)&(len(g.ring)-1)] }

// add returns room for a new tombstone, with anything in it.
func (g *graveyard) add() (*tombstone, owner) {
	if int(g.n) == len(g.ring) {
		bigger := make([]tombstone, max(64, 2*len(g.ring)))
		for i := range g.n {
			bigger[int(g.first+i)&(len(bigger)-1)] = g.ring[int(g.first+i)&(len(g.ring)-1)]
		}
		g.ring = bigger
	}
	o := owner(g.first+g.n) | isTombstone
	g.n++
	g.stand++
	return g.at(o), o
}

// oldest returns the oldest tombstone that stands, nil if there is none.
func (g *graveyard) oldest() *tombstone {
	for ; g.n > 0; g.first, g.n = (g.first+1)&^uint32(isTombstone), g.n-1 {
		if t := g.at(owner(g.first)); t.owner != 0 {
			return t
		}
	}
	return nil
}

// entomb puts a tombstone in the place of a connection.
func (f *Follower) entomb(c *Connection) {
	g := &f.graves
	for int(g.n) >= f.config.Limits.Tombstones && g.oldest() != nil {
		f.forget(g.oldest())
	}
	t, o := g.add()
	*t = tombstone{
		key: c.key, owner: o, closedAt: f.cause.time, carried: c.carriedData(), reset: c.closeReason == CloseRST,
		base: [2]seqNum{c.dirs[0].base, c.dirs[1].base}, based: [2]bool{c.dirs[0].has(based), c.dirs[1].has(based)},
	}
	f.table.replace(&c.key, c.owner(), o)
}

// forget takes a tombstone away.
func (f *Follower) forget(t *tombstone) {
	f.table.remove(&t.key, t.owner)
	t.owner = 0
	f.graves.stand--
}

// swallows says whether a segment is a late one of the closed connection: if not,
// the tombstone is taken away.
func (f *Follower) swallows(t *tombstone, from side, s *decode.Segment) bool {
	if f.cause.time < after(t.closedAt, f.config.Timeouts.CloseLinger) && !t.revives(from, s, f.config.NoMidstream) {
		f.stats.AfterClose++
		return true
	}
	f.forget(t)
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
