package gofollow

import "gofollow/gofollow/internal/clock"

// holesByACK is rule G1: it gives up a hole below held data or a FIN if the peer acknowledged all
// of it, and Config.GapPatience or patienceSegments have passed since. Acknowledgements that were
// captured at or before until are old enough.
func (st *streams) holesByACK(c *Connection, from side, until int64) {
	d := &c.dirs[from]
	r := d.reassembly
	done := 0
	for ; done < len(r.acks); done++ {
		m := r.acks[done]
		patient := m.time > until && r.segments-m.segments < patienceSegments && st.config.GapPatience >= 0
		if m.off > d.next && patient {
			break
		}
		r.giveUpBelow = max(r.giveUpBelow, m.off)
	}
	r.acks = r.acks[done:]
	if len(r.acks) == 0 {
		r.acks = nil
	}
	for r.held.Len() > 0 || d.fin != noFIN {
		start, end := d.next, d.fin
		if lowest := r.held.Lowest(); lowest != nil {
			end = lowest.Start
		}
		if end > r.giveUpBelow {
			break
		}
		if end > start {
			st.emitGap(c, from, end, GapACK)
		}
		st.deliverHeld(c, from, false)
		if d.next == start {
			break // the end of the stream, or a mark that may still be filled
		}
	}
	st.halfClose(c, from)
}

// holesByAge is rule G2: it gives up the holes below data that arrived at or before until.
func (st *streams) holesByAge(c *Connection, from side, until int64) {
	d := &c.dirs[from]
	st.anchorLowest(c, from)
	var end streamOffset // of the last range that is too old
	for h := d.reassembly.held.Eldest(); h != nil && h.Arrived <= until; h = h.Newer() {
		end = max(end, h.End)
	}
	for d.next < end && st.lowestHole(c, from, GapTimeout) {
	}
	st.halfClose(c, from)
}

// lowestHole gives up the lowest hole below held data and delivers the data above it. It returns
// false if nothing is held.
func (st *streams) lowestHole(c *Connection, from side, why GapReason) bool {
	d := &c.dirs[from]
	st.anchorLowest(c, from)
	lowest := d.reassembly.held.Lowest()
	if lowest == nil {
		return false
	}
	if lowest.Start > d.next {
		st.emitGap(c, from, lowest.Start, why)
	}
	st.deliverHeld(c, from, true)
	return true
}

// giveUpAll is rule G4: when the connection ends, every hole is given up. Held data is delivered,
// and missing bytes below the FIN or the highest acknowledgement become a gap.
func (st *streams) giveUpAll(c *Connection, from side) {
	d := &c.dirs[from]
	st.anchorLowest(c, from^1) // its held segments may acknowledge bytes of this direction
	if r := d.reassembly; r != nil {
		for st.lowestHole(c, from, GapClose) {
		}
		for _, s := range r.suspects {
			st.dropSuspect(c, from, s)
		}
		r.suspects, r.acks = nil, nil
	}
	end := d.ack
	if d.fin != noFIN {
		end = d.fin
	}
	if d.has(based) && end > d.next {
		st.emitGap(c, from, end, GapClose)
	}
	st.halfClose(c, from)
}

// holeDeadline returns the elapsed time at which the next hole of a direction is given up if no
// packet arrives, and whether rule G1 gives it up.
func (st *streams) holeDeadline(c *Connection, from side) (deadline int64, byACK bool) {
	r := c.dirs[from].reassembly
	if r == nil {
		return clock.Never, false
	}
	deadline = clock.Never
	if eldest := r.held.Eldest(); eldest != nil {
		deadline = clock.After(eldest.Arrived, st.holeAge(c, from))
	}
	if len(r.acks) > 0 {
		if t := clock.After(r.acks[0].time, st.patience()); t <= deadline {
			return t, true
		}
	}
	return deadline, false
}
