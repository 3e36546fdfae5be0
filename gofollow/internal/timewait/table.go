package timewait

import (
	"time"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
)

// Table keeps closed connections in the order in which they were added. They have
// a table of their own, so that that of the open connections stays small.
type Table struct {
	hash  *flow.Hash
	index flow.Table
	ring  []*[chunk]Connection // a power of two of chunks, made when they are first needed
	first uint32               // number of the oldest; numbers are counted modulo 2^31
	n     uint32               // how many there are from first on, removed ones included

	separations *decode.Separations // nil without Config.Separate; a connection holds its number
}

const (
	numbers = 1<<31 - 1
	chunk   = 256 // connections allocated at once: to move them to a larger array costs more than they do
)

// NewTable returns an empty table. separations may be nil.
func NewTable(h *flow.Hash, separations *decode.Separations) Table {
	return Table{hash: h, index: flow.NewTable(), ring: make([]*[chunk]Connection, 4), separations: separations}
}

// Len returns how many closed connections there are.
func (t *Table) Len() int { return t.index.Len() }

// at returns the connection with a number.
func (t *Table) at(number uint32) *Connection {
	return &(*t.chunk(number))[number%chunk]
}

// chunk returns the place in the ring of the chunk that a number lies in.
func (t *Table) chunk(number uint32) **[chunk]Connection {
	return &t.ring[int(number/chunk)&(len(t.ring)-1)]
}

// Add adds a connection. Its key must not be in the table.
func (t *Table) Add(c *Connection) {
	if int(t.n) > (len(t.ring)-1)*chunk {
		old := *t
		t.ring = make([]*[chunk]Connection, 2*len(old.ring))
		for i := range uint32(len(old.ring)) {
			*t.chunk(t.first + i*chunk) = *old.chunk(t.first + i*chunk)
		}
	}
	number := (t.first + t.n) & numbers
	t.n++
	if p := t.chunk(number); *p == nil {
		*p = new([chunk]Connection)
	}
	*t.at(number) = *c
	t.index.Insert(t.hash.Of(&c.Key), number)
	t.separations.Hold(c.Key.Separation())
}

// remove takes out the connection with a number.
func (t *Table) remove(number uint32) {
	c := t.at(number)
	c.Flags |= removed
	t.index.Remove(t.hash.Of(&c.Key), number)
	t.separations.Release(c.Key.Separation())
	for t.n > 0 && t.at(t.first).has(removed) {
		t.first, t.n = (t.first+1)&numbers, t.n-1
	}
}

// Find returns the closed connection with a key, nil if there is none. It is valid until the next
// change of the table.
func (t *Table) Find(k *flow.Key) *Connection {
	if t.n == 0 {
		return nil
	}
	if number, ok := t.find(k); ok {
		return t.at(number)
	}
	return nil
}

func (t *Table) find(k *flow.Key) (number uint32, ok bool) {
	h := t.hash.Of(k)
	for number, next, ok := t.index.Seek(h, h); ok; number, next, ok = t.index.Seek(h, next) {
		if t.at(number).Key.Is(k) {
			return number, true
		}
	}
	return 0, false
}

// Remove takes out the connection with a key, which must be in the table.
func (t *Table) Remove(k *flow.Key) {
	if number, ok := t.find(k); ok {
		t.remove(number)
	}
}

// RemoveOldest takes out the connection that was added first, and reports whether there was one.
func (t *Table) RemoveOldest() bool {
	if t.n == 0 {
		return false
	}
	t.remove(t.first)
	return true
}

// MakeRoom takes out the oldest connections until one more stays within a limit, and returns how
// many. Removed ones that lie between others count.
func (t *Table) MakeRoom(limit int) (dropped uint64) {
	for int(t.n) >= limit && t.RemoveOldest() {
		dropped++
	}
	return dropped
}

// Expire takes out the oldest connections that have no effect any more. One that absorbed a
// segment moves behind the others, so that those behind it can be taken out.
func (t *Table) Expire(now int64, linger time.Duration) {
	const movesAtOnce = 64
	moved := 0
	for t.n > 0 {
		c := *t.at(t.first)
		switch {
		case c.Forgotten(now, linger):
			t.remove(t.first)
		case c.absorbed > 0 && moved < movesAtOnce && now >= clock.After(c.ClosedAt, linger):
			t.remove(t.first)
			t.Add(&c)
			moved++
		default:
			return
		}
	}
}

// Forgotten reports whether the connection has no effect any more.
func (c *Connection) Forgotten(now int64, linger time.Duration) bool {
	at := c.ForgottenAt(linger)
	return at <= now && at != clock.Never
}
