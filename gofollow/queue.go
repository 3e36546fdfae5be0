package gofollow

import "slices"

// queue holds the events that wait to be polled, and those handed out by the
// last Poll, whose memory is given back by the next call.
type queue struct {
	events []Event
	out    int   // events [out, head) are handed out
	head   int   // events [head, len) wait
	bytes  int64 // payload of those from out on
	made   uint64
}

// add appends an event whose fields hold what another event left there.
func (q *queue) add() *Event {
	q.made++
	n := len(q.events)
	if n == cap(q.events) {
		q.events = slices.Grow(q.events, max(n, 64)) // append's small steps would leave four times as much behind
	}
	q.events = q.events[:n+1]
	return &q.events[n]
}

// push appends an event for the caller to fill in further.
func (q *queue) push(kind EventKind, c *Connection, at cause) *Event {
	e := q.add()
	*e = Event{Kind: kind, Conn: c, Time: at.time, Packet: at.packet}
	return e
}

func (q *queue) waiting() int { return len(q.events) - q.head }

// poll hands out up to max events.
func (q *queue) poll(max int) []Event {
	n := min(max, q.waiting())
	q.head += n
	return q.events[q.head-n : q.head : q.head]
}

// settle gives back what the last poll handed out.
func (f *Follower) settle() {
	q := &f.queue
	if q.out == q.head {
		return
	}
	for i := q.out; i < q.head; i++ {
		e := &q.events[i]
		q.bytes -= int64(len(e.Bytes))
		if b := e.owner; b != nil {
			if b.refs > 1 {
				b.refs--
			} else {
				f.blocks.release(b)
			}
		}
		if e.Kind == Closed {
			f.conns.reported(e.Conn)
		}
	}
	q.out = q.head
	switch {
	case q.head == len(q.events):
		q.events, q.out, q.head = q.events[:0], 0, 0
	case q.head > 4096 && q.head > len(q.events)/2:
		n := copy(q.events, q.events[q.head:])
		q.events, q.out, q.head = q.events[:n], 0, 0
	}
}

// full says that no more may be fed before events are polled.
func (f *Follower) full() bool {
	return f.queue.waiting() >= f.config.Limits.QueuedEvents || f.queue.bytes >= f.config.Limits.QueuedBytes
}
