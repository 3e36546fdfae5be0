package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Reader is a resumable parser of one capture, pcap or pcapng. The zero value
// is ready for the first byte of a capture.
type Reader struct {
	format  format
	big     bool   // the capture, or the current pcapng section, is big-endian
	want    int    // what Need returns; 0 means the smallest head of the format
	records uint64 // packets returned so far
	offset  int64  // position of the next byte that Next is given
	err     *Error // set once and for all with format failed

	pcap pcapState
	ng   ngState
}

// format is what a Reader found its capture to be.
type format uint8

const (
	undecided format = iota // no magic number was seen yet
	pcapFormat
	oldPcapFormat // lengths in another order
	pcapngFormat
	failed // an error was returned, which is final
)

// Next parses what stands at the head of b, which continues where the last
// call's n ended. n is how many bytes of b are done with. With ok, rec is the next
// packet, and rec.Data is part of b. Without ok and with n == 0, b is too short: at least
// Need bytes in all are wanted. Without ok and n > 0, something else than a
// packet was read. An error is a *Error and final. Of Need bytes all are taken or none, but for a
// packet without bytes that looked like the header of another file.
func (r *Reader) Next(b []byte, rec *Record) (n int, ok bool, err error) {
	switch r.format {
	case pcapFormat:
		return r.nextPcap(b, rec)
	case pcapngFormat:
		return r.nextBlock(b, rec)
	case oldPcapFormat:
		return r.nextAnyPcap(b, rec)
	case failed:
		return 0, false, r.err
	}
	if len(b) < MagicLen {
		return r.short(MagicLen)
	}
	if m, big := pcapMagicOf(b); m != nil {
		return r.pcapHeader(b, m, big)
	}
	if string(b[:MagicLen]) == sectionMagic {
		return r.sectionHeader(b)
	}
	if len(b) < headLen {
		return r.short(headLen)
	}
	return r.unknown(b)
}

// Need returns how many bytes the next call of Next wants at least.
func (r *Reader) Need() int {
	switch {
	case r.want > 0:
		return r.want
	case r.format == pcapFormat || r.format == oldPcapFormat:
		return pcapRecordLen
	case r.format == pcapngFormat:
		return blockHeadLen
	}
	return MagicLen
}

// Records returns how many packets were taken.
func (r *Reader) Records() uint64 { return r.records }

// End declares that the capture ends with rest, the bytes that Next did not take. It returns a
// *Error of kind Truncated if that is within a record, of Damaged if that record is longer than can
// be believed, of NotACapture if there was nothing.
func (r *Reader) End(rest []byte) error {
	switch r.format {
	case failed:
		return r.err
	case undecided:
		return r.endUndecided(rest)
	case pcapngFormat:
		return r.endBlock(rest)
	}
	if len(rest) == 0 {
		return nil
	}
	if len(rest) >= pcapRecordLen {
		if m, _ := beginsPcap(rest); m != nil {
			r.format = undecided
		} else if captured := int64(r.want - pcapRecordLen); captured > longestCut(r.pcap.snapLen) {
			_, _, err := r.fail(Damaged, 8, fmt.Sprintf(
				"a packet has the captured length %d, and the capture ends before that; the file is probably damaged before this record", captured))
			return err
		}
	}
	return r.truncated(r.offset, len(rest))
}

// maxCut is how long a record that the capture's end cuts may be, where the snap length is not
// more: the largest snap length of tcpdump and Wireshark.
const maxCut = 262_144

// longestCut returns how long a record that is not whole at the end of a capture may be: it is
// taken for one that was cut, a longer one for damage.
func longestCut(snapLen uint32) int64 { return max(int64(snapLen), maxCut) }

// endUndecided is End before a whole file header was read.
func (r *Reader) endUndecided(rest []byte) error {
	if len(rest) == 0 {
		_, _, err := r.fail(NotACapture, 0, "the capture is empty")
		return err
	}
	if !beginsMagic(rest) {
		_, _, err := r.unknown(rest)
		return err
	}
	return r.truncated(0, len(rest))
}

// Placed returns err, if it is a Decompressor's *Error with the number of packets that stand before
// it.
func (r *Reader) Placed(err error) error {
	if e, ok := err.(*Error); ok {
		e.Record = r.records
	}
	return err
}

// truncated makes the error for a capture that ends have bytes after start,
// where the last header, record or block begins.
func (r *Reader) truncated(start int64, have int) error {
	what := "a packet record"
	switch r.format {
	case undecided:
		what = "the file header"
	case pcapngFormat:
		what = "a block"
	}
	_, _, err := r.fail(Truncated, start-r.offset,
		fmt.Sprintf("cut short %d bytes into %s", have, what))
	return err
}

// short reports whether b has fewer than n bytes.
func (r *Reader) short(n int) (int, bool, error) {
	r.want = n
	return 0, false, nil
}

// fail makes an error final. at is the fault's distance from the bytes that Next was given.
func (r *Reader) fail(kind Kind, at int64, reason string) (int, bool, error) {
	r.format = failed
	r.want = 0
	r.err = &Error{Kind: kind, Record: r.records, Offset: r.offset + at, Reason: reason}
	return 0, false, r.err
}

// take16 reads a number in the capture's byte order.
func (r *Reader) take16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

// take32 reads a number in the capture's byte order.
func (r *Reader) take32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// take64 reads a number in the capture's byte order.
func (r *Reader) take64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}
