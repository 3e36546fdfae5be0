// Package fragment puts IP datagrams together from their fragments (RFC 791,
// section 3.2; RFC 8200, section 4.5).
//
// The first copy of a byte wins in IPv4. In IPv6 fragments that overlap void their
// datagram (RFC 5722), as do fragments of either that disagree about its end. Nothing is
// handed out before the datagram is whole, so no header can hide in the seams (RFC 1858, RFC 3128).
package fragment

import (
	"bytes"
	"container/list"
	"slices"
)

const (
	// Timeout is how long, in nanoseconds of capture time, a datagram may take: 30 s as
	// most hosts have it.
	Timeout = int64(30e9)

	// maxBytes bounds what the fragments of unfinished datagrams take, bookkeeping
	// included; beyond it the oldest datagram goes. It is room for 256 datagrams of the
	// largest size, four times what Linux grants by default.
	maxBytes = 16 << 20

	// maxPieces bounds what one datagram is made of, so that adding to it stays cheap. A datagram
	// of 64 KiB has 1366 pieces where links carry no more than the 68 bytes that IPv4 asks for.
	maxPieces = 2048

	// maxDone is how many whole datagrams are remembered, for the copies of fragments
	// that a mirror adds: they come at once.
	maxDone = 64

	datagramCost = 256 // bytes that an entry takes besides its pieces
	pieceCost    = 64  // bytes that a piece takes besides its data

	maxLen = 65535 // of a datagram
)

// Key tells which datagram a fragment belongs to.
type Key struct {
	Src, Dst [2]uint64
	Path     uint64 // the VLANs and tunnels around it
	ID       uint32
	Protocol uint8 // part of the identity in IPv4 only
	IPv6     bool
}

// Fragment is one fragment's part of a datagram.
type Fragment struct {
	Offset int    // a multiple of 8
	Wire   int    // length on the wire
	Data   []byte // the captured part, len(Data) <= Wire; not kept
	Last   bool   // no more fragments follow
	Next   uint8  // protocol number of what the datagram carries; counts in the first fragment

	// Header is the length of what precedes the datagram's data in its IP packet.
	Header int
}

// Datagram is a whole datagram without its IP header.
type Datagram struct {
	Data []byte // what was captured from its beginning on
	Wire int    // its length on the wire
	Next uint8
}

// Counters say what became of fragments.
type Counters struct {
	Datagrams uint64 // datagrams put together
	Expired   uint64 // fragments of datagrams that were not whole in time
	Dropped   uint64 // fragments that contradict others or themselves, or that a limit cost
}

// Table holds the fragments of unfinished datagrams. The zero value is ready.
type Table struct {
	Counters

	entries map[Key]*list.Element // of *entry
	waiting list.List             // unfinished ones, oldest first
	done    list.List             // whole ones, oldest first
	bytes   int                   // cost of the waiting ones
}

// entry is one datagram.
type entry struct {
	key     Key
	first   int64 // when its first captured fragment came
	count   uint64
	cost    int
	total   int // length on the wire, -1 until the last fragment came
	end     int // the highest end of a fragment
	covered int // bytes on the wire that came
	next    uint8
	pieces  []piece

	done bool
	data []byte // of a whole datagram
}

// piece is a part of a datagram: [start, end) on the wire, of which data was captured. Pieces are
// sorted and do not overlap.
type piece struct {
	start, end int
	data       []byte
}

// Add takes a fragment that was captured at time now, and returns its datagram if that is whole by
// it.
func (t *Table) Add(key *Key, f *Fragment, now int64) (Datagram, bool) {
	if !f.sound(key.IPv6) {
		t.Dropped++
		return Datagram{}, false
	}
	e, element := t.find(key, f, now)
	if e.done {
		return Datagram{}, false
	}
	e.count++
	before := e.cost
	fits := e.agrees(f) && e.add(f)
	t.bytes += e.cost - before
	if !fits {
		t.drop(element, &t.Dropped)
		return Datagram{}, false
	}
	if e.covered == e.total {
		t.finish(e, element)
		return Datagram{e.data, e.total, e.next}, true
	}
	for t.bytes > maxBytes {
		t.drop(t.waiting.Front(), &t.Dropped)
	}
	return Datagram{}, false
}

// Expire drops the datagrams that are too old at a time.
func (t *Table) Expire(now int64) {
	for element := t.waiting.Front(); element != nil; element = t.waiting.Front() {
		if first := element.Value.(*entry).first; now < first || !apart(first, now) {
			return
		}
		t.drop(element, &t.Expired)
	}
}

// Flush forgets every datagram, unfinished ones as if their time were over.
func (t *Table) Flush() {
	for t.waiting.Len() > 0 {
		t.drop(t.waiting.Front(), &t.Expired)
	}
	for t.done.Len() > 0 {
		t.drop(t.done.Front(), nil)
	}
}

// sound cuts a fragment that is not the last to the multiple of 8 that it must be, in IPv4 as Linux
// does; IPv6 has it dropped. It returns false if nothing is left or it lies beyond the largest
// datagram.
func (f *Fragment) sound(ipv6 bool) bool {
	if !f.Last && f.Wire%8 != 0 {
		if ipv6 {
			return false
		}
		f.Wire &^= 7
		f.Data = f.Data[:min(len(f.Data), f.Wire)]
	}
	return f.Wire > 0 && f.Header+f.Offset+f.Wire <= maxLen
}

// find returns the datagram of a key, a new one if there is none, or if the one that there was is
// too old, or whole and another one.
func (t *Table) find(key *Key, f *Fragment, now int64) (*entry, *list.Element) {
	if element := t.entries[*key]; element != nil {
		e := element.Value.(*entry)
		if !apart(e.first, now) && (!e.done || e.repeats(f)) {
			return e, element
		}
		t.drop(element, &t.Expired)
	}
	if t.entries == nil {
		t.entries = map[Key]*list.Element{}
	}
	e := &entry{key: *key, first: now, total: -1, cost: datagramCost}
	t.bytes += e.cost
	element := t.waiting.PushBack(e)
	t.entries[*key] = element
	return e, element
}

// apart reports whether two times are further apart than a datagram may take.
func apart(a, b int64) bool {
	return uint64(max(a, b))-uint64(min(a, b)) > uint64(Timeout)
}

// repeats reports whether a fragment is a copy of a fragment of a whole datagram.
func (e *entry) repeats(f *Fragment) bool {
	if f.Offset+f.Wire > e.total || f.Last != (f.Offset+f.Wire == e.total) {
		return false
	}
	known := e.data[min(f.Offset, len(e.data)):]
	n := min(len(known), len(f.Data))
	return bytes.Equal(known[:n], f.Data[:n])
}

// agrees reports whether a fragment fits the end of the datagram that others showed.
func (e *entry) agrees(f *Fragment) bool {
	end := f.Offset + f.Wire
	if f.Last {
		if end < e.end || (e.total >= 0 && e.total != end) {
			return false
		}
		e.total = end
	}
	e.end = max(e.end, end)
	return e.total < 0 || end <= e.total
}

// add puts the parts of a fragment where there is nothing yet. It returns false if the datagram is
// void.
func (e *entry) add(f *Fragment) bool {
	start, end := f.Offset, f.Offset+f.Wire
	i, _ := slices.BinarySearchFunc(e.pieces, start, func(p piece, start int) int { return p.end - 1 - start })
	if e.key.IPv6 && i < len(e.pieces) && e.pieces[i].start < end {
		// An exact copy is not an overlap (RFC 8200, section 4.5).
		p := &e.pieces[i]
		n := min(len(p.data), len(f.Data))
		return p.start == start && p.end == end && bytes.Equal(p.data[:n], f.Data[:n])
	}
	if start == 0 && (len(e.pieces) == 0 || e.pieces[0].start > 0) {
		e.next = f.Next
	}
	for start < end {
		stop := end
		if i < len(e.pieces) {
			if p := &e.pieces[i]; p.start <= start {
				start = p.end
				i++
				continue
			} else if p.start < stop {
				stop = p.start
			}
		}
		if len(e.pieces) == maxPieces {
			return false
		}
		from, to := min(start-f.Offset, len(f.Data)), min(stop-f.Offset, len(f.Data))
		e.pieces = slices.Insert(e.pieces, i, piece{start, stop, bytes.Clone(f.Data[from:to])})
		e.covered += stop - start
		e.cost += pieceCost + to - from
		start = stop
		i++
	}
	return true
}

// finish joins the pieces of a whole datagram, up to the first byte that was not captured.
func (t *Table) finish(e *entry, element *list.Element) {
	t.Datagrams++
	t.bytes -= e.cost
	e.data = make([]byte, 0, e.total)
	for _, p := range e.pieces {
		if e.data = append(e.data, p.data...); len(e.data) < p.end {
			break
		}
	}
	e.pieces, e.done = nil, true
	t.waiting.Remove(element)
	t.entries[e.key] = t.done.PushBack(e)
	if t.done.Len() > maxDone {
		oldest := t.done.Front()
		delete(t.entries, t.done.Remove(oldest).(*entry).key)
	}
}

// drop forgets a datagram. If it is not whole, its fragments are counted.
func (t *Table) drop(element *list.Element, counter *uint64) {
	e := element.Value.(*entry)
	delete(t.entries, e.key)
	if e.done {
		t.done.Remove(element)
		return
	}
	*counter += e.count
	t.bytes -= e.cost
	t.waiting.Remove(element)
}
