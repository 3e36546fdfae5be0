package gofollow

import (
	"bytes"
	"cmp"
	"slices"
	"sort"

	"gofollow/gofollow/internal/decode"
)

// reassembly is the state of a direction in which something is unusual: data
// held above a hole, acknowledgements that run ahead, bytes given up.
type reassembly struct {
	Counters // those that an undisturbed stream leaves at 0

	// held are the ranges above next, sorted, not overlapping. A sorted slice
	// does: it is short but under attack, and then Limits.HeldSegments bounds
	// an insertion to moving some 64 KiB, where it is not at an end.
	held     []*held
	room     []*held // the memory of held: few, or more
	few      [6]*held
	front    int          // where in room held begins
	right    streamOffset // highest end of accepted data
	bytes    int64        // captured bytes in held
	ranges   int          // len(held)
	eldest   *held        // the ends of the list of held by arrival
	youngest *held
	conn     *Connection
	from     side
	holder   int // place in the follower's heap of holders, -1 if none

	acks    []ackMark    // acknowledgements beyond next whose patience runs, ascending
	settled streamOffset // acknowledged so far that patience is over
	ticks   uint64       // segments of the connection, adjacent duplicates left out
	last    segmentID    // the segment before, to know adjacent duplicates

	doubt    streamOffset // an acknowledgement that nobody believed yet, 0 if none
	doubted  segmentID    // the segment that brought it
	suspects []*held      // segments far above everything seen, ascending; data is what was captured

	lost [8]span // the ranges given up last, to know late bytes
	lose int     // where the next goes
}

// span is the half-open range [start, end) of stream offsets.
type span struct{ start, end streamOffset }

// ackMark says that the peer had acknowledged everything below off at that time.
type ackMark struct {
	off   streamOffset
	time  int64
	ticks uint64
}

// held is a range of stream bytes above next: captured bytes, or a mark that the
// capture does not have them.
type held struct {
	span
	data    []byte // nil for a mark
	owner   *block // keeps data alive; one reference is this range's
	time    int64  // capture time of its packet
	arrived int64  // the connection's clock then
	packet  uint64
	why     GapReason // of a mark
	fin     bool      // of a suspect: the segment carries a FIN
	hasACK  bool      // of an unanchored direction: ack is the segment's acknowledgement
	ack     uint32

	older, newer *held // neighbours by arrival
}

// waits says that something is held until the bytes below it come.
func (r *reassembly) waits() bool { return r != nil && (len(r.held) > 0 || len(r.suspects) > 0) }

// add puts h at index i, by moving the shorter part of held, and behind `older` in the
// order of arrival.
func (r *reassembly) add(i int, h, older *held) {
	n := len(r.held)
	switch {
	case 2*i < n && r.front > 0:
		r.front--
		r.held = r.room[r.front : r.front+n+1]
		copy(r.held[:i], r.held[1:i+1])
	case r.front+n < len(r.room):
		r.held = r.held[:n+1]
		copy(r.held[i+1:], r.held[i:n])
	case n == 0 && r.room == nil:
		r.room, r.front, r.held = r.few[:], 1, r.few[1:2]
	default:
		room := make([]*held, 2*n+8)
		r.front = len(room) / 4
		copy(room[r.front:], r.held[:i])
		copy(room[r.front+i+1:], r.held[i:])
		r.room, r.held = room, room[r.front:r.front+n+1]
	}
	r.held[i] = h
	h.older, h.newer = older, r.eldest
	if older != nil {
		h.newer, older.newer = older.newer, h
	} else {
		r.eldest = h
	}
	if h.newer != nil {
		h.newer.older = h
	} else {
		r.youngest = h
	}
}

// remove takes out the range at index i.
func (r *reassembly) remove(i int) {
	r.unlink(r.held[i])
	if n := len(r.held); 2*i < n {
		copy(r.held[1:i+1], r.held[:i])
		r.removeFirst(1)
	} else {
		copy(r.held[i:], r.held[i+1:])
		r.held[n-1] = nil
		r.held = r.held[:n-1]
	}
}

// removeFirst drops the lowest n ranges, which are unlinked.
func (r *reassembly) removeFirst(n int) {
	clear(r.held[:n])
	r.held, r.front = r.held[n:], r.front+n
	if len(r.held) == 0 {
		r.held, r.room, r.front = nil, nil, 0
	}
}

// unlink takes h out of the order of arrival.
func (r *reassembly) unlink(h *held) {
	if h.older != nil {
		h.older.newer = h.newer
	} else {
		r.eldest = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else {
		r.youngest = h.older
	}
}

// gaveUp remembers a range that was given up.
func (r *reassembly) gaveUp(start, end streamOffset) {
	if i := (r.lose + len(r.lost) - 1) % len(r.lost); r.lost[i].end == start && start < r.lost[i].end {
		r.lost[i].end = end
		return
	}
	r.lost[r.lose] = span{start, end}
	r.lose = (r.lose + 1) % len(r.lost)
}

// lateIn returns how many bytes of [start, end) were given up, as far as is remembered.
func (r *reassembly) lateIn(start, end streamOffset) (n streamOffset) {
	for _, s := range r.lost {
		n += max(0, min(end, s.end)-max(start, s.start))
	}
	return n
}

// segmentID tells a segment from all but its copies. It is two words, because what is
// written in smaller parts and copied at once stalls the processor.
type segmentID struct {
	numbers uint64 // sequence and acknowledgement number
	rest    uint64 // length, window, flags, side
}

// agree says that two different segments brought acknowledgements beyond belief
// that fit each other.
func (r *reassembly) agree(ack streamOffset, by segmentID) bool {
	ok := r.doubt != 0 && r.doubted != by && ack >= r.doubt && ack-r.doubt <= maxACKLead
	r.doubt, r.doubted = ack, by
	return ok
}

// firstAbove returns the index of the first held range that ends above off.
func (r *reassembly) firstAbove(off streamOffset) int {
	return sort.Search(len(r.held), func(i int) bool { return r.held[i].end > off })
}

// place holds [lo, hi), of which payload was captured, by the overlap policy.
func (f *Follower) place(c *Connection, from side, lo, hi streamOffset, payload []byte, src *block) {
	cut := lo + streamOffset(len(payload))
	if len(payload) > 0 {
		data, owner := f.copyFor(c, payload, src)
		f.hold(c, from, held{span: span{lo, cut}, data: data, owner: owner})
		f.blocks.Release(owner)
	}
	if cut < hi {
		f.hold(c, from, held{span: span{cut, hi}, why: GapSnaplen})
	}
}

// copyApart returns a copy of payload and the block that holds it, with a reference for the caller:
// a block of its own, so that what is held keeps nothing else alive. Where there is no memory for
// that, it is the block src that payload lies in, or what was reserved for the packet.
func (f *Follower) copyApart(payload []byte, src *block) ([]byte, *block) {
	if src == nil {
		return f.arena.CopyApart(payload)
	}
	if own := f.blocks.Copy(payload); own != nil {
		return own.Mem, own
	}
	src.Keep()
	return payload, src
}

// hold holds a range of the packet under way and sees to it that it does not stay
// for ever.
func (f *Follower) hold(c *Connection, from side, n held) {
	n.time, n.arrived, n.packet = f.cause.time, c.last, f.cause.packet
	f.noteACK(c, from, &n)
	f.insert(c, from, n)
	f.remind(c, after(c.last, f.holeAge(c, from)))
}

// noteACK keeps what the segment under way acknowledges with what is held of it, as long
// as it is not known whether it is of this connection at all.
func (f *Follower) noteACK(c *Connection, from side, n *held) {
	if c.dirs[from].has(unanchored) {
		n.hasACK, n.ack = f.seg.Flags&decode.ACK != 0, f.seg.Ack
	}
}

// insert puts n, which has no reference of its own, between the held ranges.
// Where it meets one, the policy says whose bytes stay; the rest of both stays
// in any case.
func (f *Follower) insert(c *Connection, from side, n held) {
	r := f.conns.slowly(&c.dirs[from])
	r.conn, r.from = c, from
	whole := n.span
	i := r.firstAbove(n.start)
	for i < len(r.held) && r.held[i].start < n.end {
		h := r.held[i]
		if n.start < h.start {
			i += f.put(r, i, n, n.start, h.start)
			n = n.from(h.start)
			continue
		}
		common := span{n.start, min(n.end, h.end)}
		f.compare(c, from, h, &n, common)
		if n.wins(f.config.Overlap, whole, h) {
			i = f.cutOut(r, i, common)
			i += f.put(r, i, n, common.start, common.end)
		} else {
			i++
		}
		n = n.from(common.end)
	}
	if n.start < n.end {
		f.put(r, i, n, n.start, n.end)
	}
	for i := max(0, r.firstAbove(whole.start)-1); i < len(r.held) && r.held[i].start <= whole.end; i++ {
		f.slim(r.held[i])
	}
}

// slim gives a range memory of its own, as long as there is some, if it keeps less than half of its
// packet's alive: else ranges of one byte could hold whole packets, and no limit would see it.
func (f *Follower) slim(h *held) {
	if h.owner == nil || h.owner.IsVoid() || 2*len(h.data) >= len(h.owner.Mem) {
		return
	}
	if own := f.blocks.Copy(h.data); own != nil {
		f.blocks.Release(h.owner)
		h.data, h.owner = own.Mem, own
	}
}

// from returns the part of h that begins at off.
func (h held) from(off streamOffset) held {
	if h.data != nil {
		h.data = h.data[off-h.start:]
	}
	h.start = off
	return h
}

// put inserts the part [start, end) of n at index i and returns how many
// ranges that made: none if it continues the one before it.
func (f *Follower) put(r *reassembly, i int, n held, start, end streamOffset) int {
	n = n.from(start)
	n.end = end
	if n.data != nil {
		n.data = n.data[:end-start]
		if i > 0 && r.held[i-1].end == start && r.held[i-1].adjoins(&n) {
			p := r.held[i-1]
			p.data, p.end = p.data[:end-p.start], end
			f.holders.changed(r, end-start, 0)
			return 0
		}
		n.owner.Keep()
	}
	f.holders.changed(r, int64(len(n.data)), 1)
	h := f.helds.Get()
	*h = n
	r.add(i, h, r.youngest)
	return 1
}

// adjoins reports whether the bytes of n stand behind those of h in the memory of both. Different
// segments may share a block, where there was no memory for others.
func (h *held) adjoins(n *held) bool {
	k := len(h.data)
	return h.owner == n.owner && k < cap(h.data) && &h.data[:k+1][k] == &n.data[0]
}

// cutOut removes the range s from the held range i, which contains it, and
// returns the index at which s may be inserted.
func (f *Follower) cutOut(r *reassembly, i int, s span) int {
	h := r.held[i]
	if h.data != nil {
		f.holders.changed(r, s.start-s.end, 0)
	}
	if s.end < h.end { // what is above s becomes a range of its own
		rest := f.helds.Get()
		*rest = h.from(s.end)
		if rest.owner != nil {
			rest.owner.Keep()
		}
		f.holders.changed(r, 0, 1)
		r.add(i+1, rest, h)
	}
	if s.start > h.start { // what is below s stays
		h.end = s.start
		if h.data != nil {
			h.data = h.data[: h.end-h.start : h.end-h.start]
		}
		return i + 1
	}
	f.holders.changed(r, 0, -1)
	r.remove(i)
	f.blocks.Release(h.owner)
	f.helds.Put(h)
	return i
}

// compare counts what the held range h and the new one n have in common.
func (f *Follower) compare(c *Connection, from side, h, n *held, s span) {
	if h.data == nil || n.data == nil {
		return
	}
	r := c.dirs[from].slow
	old, fresh := h.data[s.start-h.start:s.end-h.start], n.data[s.start-n.start:s.end-n.start]
	r.DuplicateBytes += uint64(s.end - s.start)
	if c.has(silent) || bytes.Equal(old, fresh) { // a silent one's bytes are not kept
		return
	}
	for i := range old {
		if old[i] != fresh[i] {
			r.ConflictBytes++
		}
	}
	if e := f.anomaly(c, from, AnomalyOverlapConflict, s.start, s.end-s.start); e != nil {
		own := f.blocks.Get(2 * len(old))
		if own == nil {
			return
		}
		copy(own.Mem[copy(own.Mem, old):], fresh)
		e.Bytes = own.Mem
		f.queue.keep(own)
		f.blocks.Release(own)
		f.queue.bytes += int64(len(own.Mem))
	}
}

// wins says whether the new range n, which arrived as whole, fills what it shares
// with h. Captured bytes always win over a mark.
func (n *held) wins(p OverlapPolicy, whole span, h *held) bool {
	if h.data == nil || n.data == nil {
		return h.data == nil && n.data != nil
	}
	starts, ends := &overlapTable[p].before, compareOffsets(whole.end, h.end)
	switch {
	case whole.start == h.start:
		starts = &overlapTable[p].same
	case whole.start > h.start:
		starts = &overlapTable[p].after
	}
	return starts[ends+1]
}

func compareOffsets(a, b streamOffset) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// newWins says whether the new segment wins if it ends before, with and after
// the held one.
type newWins [3]bool

var (
	heldStays   = newWins{false, false, false}
	always      = newWins{true, true, true}
	endsAfter   = newWins{false, false, true}
	endsAtLeast = newWins{false, true, true}
)

// overlapTable says who wins if the new segment starts before, with and after
// the held one (Novak and Sturges; as Suricata implements it).
var overlapTable = [overlapPolicies]struct{ before, same, after newWins }{
	OverlapFirst:    {heldStays, heldStays, heldStays},
	OverlapLast:     {always, always, always},
	OverlapBSD:      {always, heldStays, heldStays},
	OverlapLinux:    {always, endsAfter, heldStays},
	OverlapOldLinux: {always, endsAtLeast, heldStays},
	OverlapSolaris:  {endsAtLeast, endsAtLeast, endsAfter},
	OverlapWindows:  {always, heldStays, heldStays},
	OverlapVista:    {heldStays, heldStays, heldStays},
	OverlapHPUX10:   {always, heldStays, heldStays},
	OverlapHPUX11:   {endsAtLeast, endsAtLeast, endsAfter},
	OverlapIRIX:     {always, heldStays, heldStays},
	OverlapMacOS:    {always, heldStays, heldStays},
	OverlapWin2003:  {always, heldStays, heldStays},
}

// deliverHeld delivers the held ranges that begin at next. A mark is given up as
// soon as anything beyond it was seen, or at once if forced.
func (f *Follower) deliverHeld(c *Connection, from side, force bool) {
	d := &c.dirs[from]
	r := d.slow
	if d.has(unanchored) {
		return
	}
	done := 0
	for ; done < len(r.held) && r.held[done].start == d.next; done++ {
		h := r.held[done]
		if h.data == nil {
			if !force && h.why == GapSnaplen && r.right <= h.end && d.ack < h.end && d.fin == noFIN {
				break
			}
			f.holders.changed(r, 0, -1)
			r.unlink(h)
			f.emitGap(c, from, h.end, h.why)
			f.helds.Put(h)
			continue
		}
		n := int64(len(h.data))
		f.holders.changed(r, -n, -1)
		r.unlink(h)
		reordered := h.packet != f.cause.packet
		if reordered {
			r.ReorderedBytes += uint64(n)
		}
		f.deliver(c, from, h.start, h.data, h.owner, h.time, h.packet, reordered)
		f.blocks.Release(h.owner)
		f.helds.Put(h)
	}
	if done > 0 {
		r.removeFirst(done)
	}
}

// moveHeld moves what a reassembly remembers down by so many bytes. Nothing was delivered.
// What was held or suspected is placed anew. If it may contain leftovers of an earlier
// connection, what stands above a hole is suspect.
func (f *Follower) moveHeld(c *Connection, from side, by streamOffset, leftovers bool) {
	r := c.dirs[from].slow
	r.right = 0
	for _, off := range []*streamOffset{&r.settled, &r.doubt} {
		if *off > 0 { // 0 stands for none
			*off -= by
		}
	}
	for i := range r.acks {
		r.acks[i].off -= by
	}
	moved := make([]*held, 0, len(r.held)+len(r.suspects))
	for h := r.eldest; h != nil; h = h.newer {
		moved = append(moved, h)
	}
	if len(moved) > 0 {
		f.holders.changed(r, -r.bytes, -len(moved))
		r.removeFirst(len(moved))
		r.eldest, r.youngest = nil, nil
	}
	for _, h := range r.suspects {
		f.aside -= int64(len(h.data))
		moved = append(moved, h)
	}
	r.suspects = nil
	if leftovers {
		slices.SortStableFunc(moved, func(a, b *held) int { return cmp.Compare(a.start, b.start) })
	}
	for _, h := range moved {
		h.start, h.end = h.start-by, h.end-by
		if f.far(c, from, h.start) || leftovers && h.start > r.right {
			f.addSuspect(c, from, h)
		} else {
			f.keep(c, from, h)
		}
	}
}

// keep holds a range that was held or suspected before.
func (f *Follower) keep(c *Connection, from side, h *held) {
	d := &c.dirs[from]
	if lo, hi := f.trim(c, from, h.start, h.end); lo < hi {
		part := *h
		if r := d.slow; r.youngest != nil {
			part.arrived = max(part.arrived, r.youngest.arrived)
		}
		d.slow.right = max(d.slow.right, hi)
		part.data = h.data[min(lo-h.start, int64(len(h.data))):min(hi-h.start, int64(len(h.data)))]
		cut := lo + int64(len(part.data))
		if cut > lo {
			part.span = span{lo, cut}
			f.insert(c, from, part)
		}
		if cut < hi {
			part.span, part.data, part.owner, part.why = span{cut, hi}, nil, nil, cmp.Or(h.why, GapSnaplen)
			f.insert(c, from, part)
		}
	}
	if h.fin {
		f.finish(c, from, h.end)
	}
	if h.hasACK && h.end >= 0 {
		f.acknowledged(c, from^1, h.ack)
	}
	f.blocks.Release(h.owner)
	f.helds.Put(h)
}
