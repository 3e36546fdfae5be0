package gofollow

// queue holds the events that wait to be polled, and those handed out by the
// last Poll, whose memory is given back by the next call.
type queue struct {
	events []Event
	out    int   // events [out, head) are handed out
	head   int   // events [head, len) wait
	bytes  int64 // payload of the waiting ones
	made   uint64
}

// push appends an event for the caller to fill in.
func (q *queue) push(kind EventKind, c *Connection, at cause) *Event {
	q.events = append(q.events, Event{Kind: kind, Conn: c, Time: at.time, Packet: at.packet})
	q.made++
	return &q.events[len(q.events)-1]
}

func (q *queue) waiting() int { return len(q.events) - q.head }

// poll hands out up to max events.
func (q *queue) poll(max int) []Event {
	n := min(max, q.waiting())
	polled := q.events[q.head : q.head+n : q.head+n]
	q.head += n
	for i := range polled {
		q.bytes -= int64(len(polled[i].Bytes))
	}
	return polled
}

// settle gives back what the last poll handed out.
func (f *Follower) settle() {
	q := &f.queue
	if q.out == q.head {
		return
	}
	for i := q.out; i < q.head; i++ {
		e := &q.events[i]
		if e.owner != nil {
			f.blocks.release(e.owner)
		}
		if e.Kind == Closed {
			f.conns.reported(e.Conn)
		}
	}
	clear(q.events[q.out:q.head])
	q.out = q.head
	switch {
	case q.head == len(q.events):
		q.events, q.out, q.head = q.events[:0], 0, 0
	case q.head > 4096 && q.head > len(q.events)/2:
		n := copy(q.events, q.events[q.head:])
		clear(q.events[n:])
		q.events, q.out, q.head = q.events[:n], 0, 0
	}
}

// full says that no more may be fed before events are polled.
func (f *Follower) full() bool {
	return f.queue.waiting() >= f.config.Limits.QueuedEvents || f.queue.bytes >= f.config.Limits.QueuedBytes
}
