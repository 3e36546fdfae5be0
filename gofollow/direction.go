package gofollow

import (
	"slices"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/ranges"
	"gofollow/gofollow/internal/seq"
)

// side is one end of a connection: 0 the lower endpoint of its flow key, 1 the higher.
type side = flow.Side

// seqNum is a sequence number, streamOffset a position in a direction's stream.
type (
	seqNum       = seq.Number
	streamOffset = seq.Offset
)

// noFIN stands for the offset of a FIN that was not seen.
const noFIN streamOffset = 1<<63 - 1

// direction is the state of one byte stream of a connection. The fields here are enough for a
// stream that arrives in order. Everything else is in reassembly, which is made when it is first
// needed.
type direction struct {
	next        streamOffset // bytes below it were delivered or given up
	ack         streamOffset // highest plausible acknowledgement by the peer
	fin         streamOffset // where the stream ends, noFIN if unknown
	reassembly  *reassembly  // nil as long as all segments arrive in order
	packets     uint32       // segments captured, beside those in reassembly.Packets
	dataPackets uint32       // those with payload, likewise
	base        seqNum       // number of offset 0; valid only if has(based)
	window      uint16       // last window that the peer advertised for this direction
	scale       uint8        // shift count of window
	flags       dirFlags
}

type dirFlags uint8

const (
	based      dirFlags = 1 << iota // base is known
	hinted                          // base is only a hint: the number of a segment without payload
	synSeen                         // base comes from a SYN
	finished                        // HalfClosed was made
	ackNoted                        // the peer acknowledged offsets 0 and ack; unless based, base is its first acknowledgement
	unanchored                      // where the stream begins is not known yet: base is provisional (see unanchor)
)

func (d *direction) has(f dirFlags) bool { return d.flags&f != 0 }

// anchored reports whether it is known where the stream begins.
func (d *direction) anchored() bool { return d.flags&(based|unanchored) == based }

// begun reports whether an event has shown where the stream begins, so that base is final.
func (d *direction) begun() bool { return d.next > 0 || d.has(finished) }

// seqAt returns the sequence number of an offset.
func (d *direction) seqAt(off streamOffset) seqNum { return d.base.At(off) }

// offsetOf returns the offset of a sequence number: the one nearest to the highest position that is
// known to be in use. The end of what was delivered is not enough where a capture misses more than
// 2 GiB.
func (d *direction) offsetOf(s seqNum) streamOffset {
	return d.base.Unwrap(s, max(d.next, d.right(), d.ack))
}

// right returns the highest end of accepted data. Where it is not next, the
// direction has a reassembly.
func (d *direction) right() streamOffset {
	if d.reassembly != nil {
		return d.reassembly.right
	}
	return d.next
}

// seenBeyond reports whether data, an acknowledgement or a FIN shows that the stream reaches beyond
// an offset.
func (d *direction) seenBeyond(off streamOffset) bool {
	return d.right() > off || d.ack >= off || d.fin != noFIN
}

// brings reports whether a segment at off has the next bytes of the direction, and goes beyond
// edge.
func (d *direction) brings(off streamOffset, s *decode.Segment, edge streamOffset) bool {
	return off <= d.next && off+int64(s.Wire) > max(d.next, edge)
}

// carriedData reports whether data was accepted.
func (d *direction) carriedData() bool { return d.next > 0 || (d.anchored() && d.right() > 0) }

// covers reports whether a number lies between what was delivered and the end of what is
// held.
func (d *direction) covers(s seqNum) bool {
	if !d.anchored() {
		return false
	}
	off := d.offsetOf(s)
	return off >= d.next && off <= d.right()
}

// forgetACKs forgets what the peer acknowledged.
func (d *direction) forgetACKs() {
	d.ack, d.flags = 0, d.flags&^ackNoted
	if r := d.reassembly; r != nil {
		r.acks, r.giveUpBelow, r.doubtfulACK = nil, 0, 0
	}
}

// unanchoredAt is the offset of the first segment that is held of an unanchored direction. It is
// low enough for the far check, and high enough that bytes below the segment have offsets above 0.
const unanchoredAt streamOffset = 1 << 30

// maxAnchorHole is the longest hole in the held data of an unanchored direction that counts as
// loss. What lies below a longer one is left over from an earlier connection.
const maxAnchorHole = 1 << 20

// anchorBelow returns the lowest offset from which held data runs up to end, with holes of at most
// maxAnchorHole. If there is no such data, it returns end.
func (d *direction) anchorBelow(end streamOffset) streamOffset {
	if d.reassembly == nil {
		return end
	}
	for _, h := range slices.Backward(d.reassembly.held.Sorted()) {
		if h.Start < end {
			if h.End < end-maxAnchorHole {
				break
			}
			end = h.Start
		}
	}
	return end
}

// arrival returns how the payload at [off, end) relates to what was captured before.
func (d *direction) arrival(off, end streamOffset) Arrival {
	switch {
	case off == end:
		return ArrivedEmpty
	case end > d.right():
		return ArrivedNew
	case d.reassembly == nil:
		return ArrivedRepeated
	case d.reassembly.lateIn(off, end) > 0:
		return ArrivedOutOfOrder
	}
	known := max(off, d.next)
	for _, h := range d.reassembly.held.Sorted() {
		if h.Start <= known && h.End > known && h.Data != nil {
			known = h.End
		}
	}
	if known < end {
		return ArrivedOutOfOrder
	}
	return ArrivedRepeated
}

// maxACKLead is how far beyond everything seen a single acknowledgement is accepted. A forged one
// cannot declare more than this lost.
const maxACKLead = 1 << 30

// reassembly is the state of a direction whose segments did not all arrive in order: data held
// above a hole, acknowledgements of bytes that were not captured, ranges given up.
type reassembly struct {
	Counters // those that an undisturbed stream leaves at 0

	held   ranges.Set   // data that is held above next
	right  streamOffset // highest end of accepted data
	holder int          // place in the heap of holders, -1 if nothing is held

	acks        []ackMark    // acknowledgements beyond next whose patience runs, ascending
	giveUpBelow streamOffset // holes that end at or below it are given up: their acknowledgement is old enough
	segments    uint64       // segments of the connection, adjacent duplicates left out
	last        segmentID    // the segment before, to know adjacent duplicates

	doubtfulACK streamOffset    // an acknowledgement beyond maxACKLead that waits for a second one, 0 if none
	doubtfulBy  segmentID       // the segment that carried it
	suspects    []*ranges.Range // segments far above everything seen, ascending; Data is what was captured

	givenUp     [8]ranges.Span // the ranges given up last, to know late bytes
	givenUpNext int            // where the next goes
}

// ackMark is an acknowledgement by the peer of everything below off.
type ackMark struct {
	off      streamOffset
	time     int64  // elapsed time at which it was captured
	segments uint64 // the count of segments then
}

// waits reports whether something is held until the bytes below it come.
func (r *reassembly) waits() bool { return r != nil && (r.held.Len() > 0 || len(r.suspects) > 0) }

// patienceSegments ends the wait for acknowledged bytes that are missing, as
// Config.GapPatience does in time.
const patienceSegments = 64

// markACK starts the patience for everything below off. Each mark belongs to another
// segment, so there is never more than one beyond patienceSegments.
func (r *reassembly) markACK(off streamOffset, now int64) {
	r.acks = append(r.acks, ackMark{off, now, r.segments})
}

// countSegment counts a segment of the connection. A segment that equals the one before it is a
// copy that the capture made, and does not count.
func (r *reassembly) countSegment(current *segmentID) {
	if r != nil && r.last != *current {
		r.segments++
	}
}

// segmentID identifies a segment and its copies. It is two words, because what is
// written in smaller parts and copied at once stalls the processor.
type segmentID struct {
	numbers uint64 // sequence and acknowledgement number
	rest    uint64 // length, window, flags, side
}

func identify(s *decode.Segment, from side) segmentID {
	return segmentID{uint64(s.Seq)<<32 | uint64(s.Ack), uint64(s.Wire)<<32 | uint64(s.Window)<<16 | uint64(s.Flags)<<8 | uint64(from)}
}

// ack returns the number that the segment acknowledges, and whether it acknowledges any.
func (id *segmentID) ack() (number uint32, ok bool) {
	return uint32(id.numbers), decode.Flags(id.rest>>8)&decode.ACK != 0
}

// confirms takes an acknowledgement beyond maxACKLead. It reports whether the one before it came
// from a different segment and lies at most maxACKLead below it.
func (r *reassembly) confirms(ack streamOffset, by segmentID) bool {
	ok := r.doubtfulACK != 0 && r.doubtfulBy != by && ack >= r.doubtfulACK && ack-r.doubtfulACK <= maxACKLead
	r.doubtfulACK, r.doubtfulBy = ack, by
	return ok
}

// noteGivenUp remembers a range that was given up.
func (r *reassembly) noteGivenUp(start, end streamOffset) {
	if last := &r.givenUp[(r.givenUpNext+len(r.givenUp)-1)%len(r.givenUp)]; last.End == start && start < last.End {
		last.End = end
		return
	}
	r.givenUp[r.givenUpNext] = ranges.Span{Start: start, End: end}
	r.givenUpNext = (r.givenUpNext + 1) % len(r.givenUp)
}

// lateIn returns how many bytes of [start, end) lie in the ranges that were given up last.
func (r *reassembly) lateIn(start, end streamOffset) (n streamOffset) {
	for _, s := range r.givenUp {
		n += max(0, s.Shared(ranges.Span{Start: start, End: end}).Len())
	}
	return n
}
