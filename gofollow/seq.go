package gofollow

// seqNum is a sequence number as it is on the wire, modulo 2^32 (RFC 9293,
// section 3.4). It is never compared with < ; streamOffset is.
type seqNum uint32

// streamOffset is a position in a direction's stream: 0 is the first byte after
// the SYN. It does not wrap.
type streamOffset = int64

// noFIN stands for the offset of a FIN that was not seen.
const noFIN streamOffset = 1<<63 - 1

// seqAt returns the sequence number of an offset.
func (d *direction) seqAt(off streamOffset) seqNum { return d.base + seqNum(uint32(off)) }

// offsetOf returns the offset of a sequence number: the one nearest to the
// highest position that is known to be in use. The delivered edge alone would
// not do where a capture misses more than 2 GiB.
func (d *direction) offsetOf(s seqNum) streamOffset {
	ref := max(d.next, d.right(), d.ack)
	return ref + streamOffset(int32(s-d.seqAt(ref)))
}
