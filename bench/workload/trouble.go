package workload

import (
	"cmp"
	"slices"
)

// struggle is a connection of the workload messy.
func (c *conversation) struggle(int) {
	ending := c.random.Intn(100)
	if ending < 4 {
		c.open(true) // a refused one says nothing
		return
	}
	c.open(false)
	for range 1 + c.random.Intn(3) {
		c.sayInTrouble(client, 200+c.random.Intn(3000))
		c.sayInTrouble(server, c.responseSize())
	}
	switch {
	case ending < 60:
		c.finishEarly(server)
	case ending < 75:
		c.send(client, rst|ack, c.number(client, c.sent[client]), nil)
		c.over()
	case ending < 85:
		c.over() // never closed
	default:
		if ending < 93 {
			c.finish(server)
		} else {
			c.over()
		}
		c.open(false)
		c.sayInTrouble(client, 500)
		c.sayInTrouble(server, c.responseSize())
		c.finish(client)
	}
}

// finishEarly is finish; the first FIN may overtake the side's last data.
func (c *conversation) finishEarly(first side) {
	at := len(c.packets)
	c.finish(first)
	last := at - 1
	for last > 0 && (c.packets[last].from != first || len(c.packets[last].payload) == 0) {
		last--
	}
	if last > 0 && c.random.Intn(5) == 0 {
		bid := c.packets[at]
		c.packets = slices.Insert(slices.Delete(c.packets, at, at+1), last, bid)
	}
}

// arrival is a segment on its way past the capturing machine to the receiver.
type arrival struct {
	span
	place    float64 // in the order in which they pass
	captured bool
	received bool
}

// sayInTrouble sends n bytes of which some are lost, delayed or sent again.
func (c *conversation) sayInTrouble(from side, n int) {
	start := c.sent[from]
	arrivals := c.disturb(c.cut(from, n))
	var got []span // out of order at the receiver
	var captured []span
	unacknowledged := 0
	edge := start // what the receiver acknowledges
	for _, a := range arrivals {
		if a.captured {
			c.send(from, ack, c.number(from, a.start), c.bytes(from, a.span))
			captured = append(captured, a.span)
		}
		if !a.received {
			continue
		}
		got = append(got, a.span)
		before := edge
		edge = reach(edge, got)
		unacknowledged++
		if inOrder := before == a.start && edge == a.end; !inOrder || unacknowledged == 2 || edge == start+n {
			c.sent[from] = edge
			c.acknowledge(from.peer())
			unacknowledged = 0
		}
	}
	c.sent[from] = start + n
	c.lost[from] = append(c.lost[from], holes(span{start, start + n}, captured)...)
}

// disturb returns how segments pass. Of a hundred, about six meet with something.
func (c *conversation) disturb(segments []span) []arrival {
	var all []arrival
	pass := func(s span, place float64, captured, received bool) {
		all = append(all, arrival{s, place, captured, received})
	}
	for i, s := range segments {
		place := float64(i)
		retransmitted := place + float64(2+c.random.Intn(6)) + 0.5
		switch p := c.random.Intn(1000); {
		case p < 10: // lost before it passes here
			pass(s, retransmitted, true, true)
		case p < 20: // lost behind
			pass(s, place, true, false)
			pass(s, retransmitted, true, true)
		case p < 25: // missed by the capture
			pass(s, place, c.complete, true)
		case p < 45: // overtaken
			pass(s, place+float64(1+c.random.Intn(3))+0.5, true, true)
		case p < 55: // twice
			pass(s, place, true, true)
			pass(s, place+0.25, true, true)
		case p < 65 && i > 0: // the end of the one before sent again, with a part of this one
			half := (s.end - s.start) / 2
			pass(span{s.start - half, s.start + half}, place-0.25, true, true)
			pass(s, place, true, true)
		default:
			pass(s, place, true, true)
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.place, b.place) })
	return all
}

// reach returns how far the spans go on from edge without a hole.
func reach(edge int, spans []span) int {
	for moved := true; moved; {
		moved = false
		for _, s := range spans {
			if s.start <= edge && s.end > edge {
				edge, moved = s.end, true
			}
		}
	}
	return edge
}

// holes returns what of the whole no span covers, in order.
func holes(whole span, spans []span) []span {
	var missing []span
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	at := whole.start
	for _, s := range spans {
		if s.start > at {
			missing = append(missing, span{at, s.start})
		}
		at = max(at, s.end)
	}
	if at < whole.end {
		missing = append(missing, span{at, whole.end})
	}
	return missing
}
