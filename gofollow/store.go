package gofollow

import (
	"cmp"
	"slices"

	"gofollow/gofollow/internal/flow"
)

// store allocates connections in chunks, so that they never move, and has the list of each class.
type store struct {
	chunks []*[chunkConnections]Connection
	made   uint32          // how many were ever in use
	unused uint32          // head of the list of free ones, linked by after; index plus 1
	heads  [classes]uint32 // oldest of each class, index plus 1
	tails  [classes]uint32
	counts [classes]int
	byID   map[uint64]uint32 // index by ID of those that were opened; nil until it is needed
}

const chunkConnections = 512

func (s *store) at(i uint32) *Connection {
	return &s.chunks[i/chunkConnections][i%chunkConnections]
}

// take returns a connection that is not in use, cleared.
func (s *store) take() *Connection {
	i := s.made
	if s.unused != 0 {
		i = s.unused - 1
		s.unused = s.at(i).after
	} else {
		if i%chunkConnections == 0 {
			s.chunks = append(s.chunks, new([chunkConnections]Connection))
		}
		s.made++
	}
	c := s.at(i)
	*c = Connection{index: i, synACKAt: NoTime, ackAt: NoTime}
	c.dirs[0].fin, c.dirs[1].fin = noFIN, noFIN
	return c
}

// put frees a connection that is in no list and no table.
func (s *store) put(c *Connection) {
	if s.byID != nil && c.has(opened) {
		delete(s.byID, c.id)
	}
	c.after, s.unused = s.unused, c.index+1
}

// enlist moves a connection to the end of the list of a class.
func (s *store) enlist(c *Connection, to class) {
	if c.class == to && s.tails[to] == c.index+1 {
		return
	}
	s.delist(c)
	c.class = to
	c.before, c.after = s.tails[to], 0
	if c.before != 0 {
		s.at(c.before - 1).after = c.index + 1
	} else {
		s.heads[to] = c.index + 1
	}
	s.tails[to] = c.index + 1
	s.counts[to]++
}

// delist removes a connection from the list of its class.
func (s *store) delist(c *Connection) {
	if c.class == free {
		return
	}
	if c.before != 0 {
		s.at(c.before - 1).after = c.after
	} else {
		s.heads[c.class] = c.after
	}
	if c.after != 0 {
		s.at(c.after - 1).before = c.before
	} else {
		s.tails[c.class] = c.before
	}
	s.counts[c.class]--
	c.class = free
}

// oldest returns the connection of a class that was silent longest, nil if the class has none.
func (s *store) oldest(k class) *Connection {
	if s.heads[k] == 0 {
		return nil
	}
	return s.at(s.heads[k] - 1)
}

// live returns the indexes of the connections that are not closed, in order of
// opening.
func (s *store) live() []uint32 {
	n := 0
	for _, count := range s.counts {
		n += count
	}
	all := make([]uint32, 0, n) // there may be a million
	for k := handshake; k < classes; k++ {
		for i := s.heads[k]; i != 0; {
			all = append(all, i-1)
			i = s.at(i - 1).after
		}
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Compare(s.at(a).id, s.at(b).id) })
	return all
}

// find returns the connection with an ID if it is followed or its Closed event was not taken yet,
// else nil. The first call makes the index that it needs.
func (s *store) find(id uint64) *Connection {
	if s.byID == nil {
		s.byID = make(map[uint64]uint32)
		for i := range s.made {
			if c := s.at(i); c.has(opened) && c.has(inTable|queued) {
				s.byID[c.id] = i
			}
		}
	}
	if i, ok := s.byID[id]; ok {
		return s.at(i)
	}
	return nil
}

// flowTable finds the connection of a segment.
type flowTable struct {
	*flow.Hash
	index flow.Table
	last  *Connection // the one found last: segments of one connection often follow each other
}

func newFlowTable(h *flow.Hash) flowTable {
	return flowTable{Hash: h, index: flow.NewTable()}
}

// recent returns the connection found last if it has a flow key, else nil.
func (t *flowTable) recent(k *flow.Key) *Connection {
	if c := t.last; c != nil && c.key.Is(k) {
		return c
	}
	return nil
}

// find returns the connection with a flow key, nil if there is none.
func (t *flowTable) find(k *flow.Key, conns *store) *Connection {
	h := t.Of(k)
	for number, next, ok := t.index.Seek(h, h); ok; number, next, ok = t.index.Seek(h, next) {
		if c := conns.at(number); c.key.Is(k) {
			t.last = c
			return c
		}
	}
	return nil
}

// add adds a connection whose key is not in the table.
func (t *flowTable) add(c *Connection) {
	t.index.Insert(t.Of(&c.key), c.index)
	t.last = c
}

// drop removes a connection.
func (t *flowTable) drop(c *Connection) {
	t.index.Remove(t.Of(&c.key), c.index)
	if t.last == c {
		t.last = nil
	}
}
