// Package seq converts between sequence numbers, which wrap, and offsets in a stream, which do not.
package seq

// Number is a sequence number as it is on the wire, modulo 2^32 (RFC 9293, section 3.4). Numbers
// are never compared with <, offsets are.
type Number uint32

// Offset is a position in a stream: 0 is the first byte after the SYN. It does not wrap.
type Offset = int64

// At returns the number of an offset in the stream whose offset 0 has the number base.
func (base Number) At(off Offset) Number { return base + Number(uint32(off)) }

// Unwrap returns the offset of a number in the stream whose offset 0 has the number base: of all
// offsets with this number, the one nearest to the offset near.
func (base Number) Unwrap(n Number, near Offset) Offset {
	return near + Offset(int32(n-base.At(near)))
}
