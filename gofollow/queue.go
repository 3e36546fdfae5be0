package gofollow

import (
	"slices"

	"gofollow/gofollow/internal/memory"
)

// queue has the events that wait to be polled, and those that the last Poll handed out, whose
// memory the next call releases.
type queue struct {
	events []Event
	out    int   // events [out, head) are handed out
	head   int   // events [head, len) wait
	bytes  int64 // payload of those from out on
	made   uint64
	pins   []pin
	pinned int // pins [pinned, len) still hold something; those before are empty
	moved  int // how many events and pins were moved so far

	dropTo  uint64 // number of the last event that may be dropped (Ignore)
	movedTo uint64 // number of the last event that pollKept moved: until all up to it are taken, pins stay
}

// pin keeps something alive for an event and those behind it, up to the event of the next pin: the
// block that their bytes lie in, or a closed connection. Pins are few, because events in a row
// mostly share a block.
type pin struct {
	first uint64        // number of the event, counted as made
	owner *memory.Block // one reference is the pin's
	conn  *Connection
}

// keep pins a block for the event that was added last.
func (q *queue) keep(b *memory.Block) {
	if n := len(q.pins); n == 0 || q.pins[n-1].owner != b {
		b.Keep()
		q.pins = append(q.pins, pin{q.made, b, nil})
	}
}

// expect allocates room for the events of so many connections that end. Growing by doubling would
// leave as much memory behind again.
func (q *queue) expect(connections int) {
	q.events = slices.Grow(q.events, 3*connections)
	q.pins = slices.Grow(q.pins, 2*connections)
}

// add appends an event. Its fields have any values: the caller sets all of them.
func (q *queue) add() *Event {
	q.made++
	n := len(q.events)
	if n == cap(q.events) {
		q.events = slices.Grow(q.events, max(n, 64)) // append's small steps would leave four times as much behind
	}
	q.events = q.events[:n+1]
	return &q.events[n]
}

// push appends an event of a kind. The caller sets the fields of that kind.
func (q *queue) push(kind EventKind, c *Connection, at cause) *Event {
	e := q.add()
	*e = Event{Kind: kind, Conn: c, Time: at.time, Packet: at.packet}
	return e
}

func (q *queue) waiting() int { return len(q.events) - q.head }

// taken returns the number of the last event that was handed out.
func (q *queue) taken() uint64 { return q.made - uint64(q.waiting()) }

// poll hands out up to max events.
func (q *queue) poll(max int) []Event {
	if q.drops() {
		return q.pollKept(max)
	}
	n := min(max, q.waiting())
	q.head += n
	return q.events[q.head-n : q.head : q.head]
}

// unpoll puts the last n events of those handed out back.
func (q *queue) unpoll(n int) { q.head -= min(n, q.head-q.out) }

// worthMoving returns how many of n elements stand behind the first done ones, if the done ones are
// so many that moving the others to the front costs at most one move for each of them. Otherwise it
// returns 0. Polling is therefore linear, however few events are polled at once.
func worthMoving(n, done int) int {
	if done > 4096 && done > n/2 {
		return n - done
	}
	return 0
}

// dropped reports whether an event that waits is one of those that Ignore drops.
func (e *Event) dropped() bool { return e.Conn.has(ignored) && e.Kind != Closed }

// drops reports whether events that are dropped may wait.
func (q *queue) drops() bool { return q.taken() < q.dropTo }

// pollKept is poll where events may wait that are dropped. It moves them in front of those that it
// hands out, so that they are given back with them.
func (q *queue) pollKept(most int) []Event {
	end, kept := q.head, 0
	for ; end < len(q.events) && (kept < most || q.events[end].dropped()); end++ {
		if !q.events[end].dropped() {
			kept++
		}
	}
	to := end
	for i := end - 1; i >= q.head; i-- {
		if !q.events[i].dropped() {
			to--
			q.events[to], q.events[i] = q.events[i], q.events[to]
		}
	}
	q.head = end
	q.movedTo = max(q.movedTo, q.taken())
	return q.events[to:end:end]
}
