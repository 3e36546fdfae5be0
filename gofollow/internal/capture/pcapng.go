package capture

import (
	"encoding/binary"
	"fmt"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng, section 4).
const (
	blockSectionHeader    = 0x0A0D0D0A // the same in both byte orders
	blockInterface        = 1
	blockObsoletePacket   = 2
	blockSimplePacket     = 3
	blockEnhancedPacket   = 6
	sectionMagic          = "\x0a\x0d\x0d\x0a"
	byteOrderMagic        = 0x1A2B3C4D
	swappedByteOrderMagic = 0x4D3C2B1A
	optionEnd             = 0
	optionTimeResolution  = 9
	optionTimeOffset      = 14
)

const (
	blockHeadLen      = 8  // type and total length
	blockTailLen      = 4  // the total length again
	blockMinLen       = 12 // a block without a body
	sectionFixedLen   = 24 // a section header up to its options
	sectionMinLen     = sectionFixedLen + blockTailLen
	interfaceFixedLen = 16
	packetFixedLen    = 28 // enhanced and obsolete packet blocks up to the packet
	simpleFixedLen    = 12

	// maxBlock is the largest block that must be in memory in one piece: a
	// packet and its options. Blocks that are not read may be larger.
	maxBlock   = MaxPacket + maxOptions
	maxOptions = 64 << 10

	// maxInterfaces bounds the memory that a file of interface descriptions takes.
	maxInterfaces = 1 << 16
)

// ngInterface is the content of an interface description block.
type ngInterface struct {
	link    uint32
	snapLen uint32 // 0 means no limit
	clock   clock
}

// ngState is the state of the current pcapng section.
type ngState struct {
	interfaces []ngInterface
	start      int64  // position of the block that skip belongs to
	skip       int64  // bytes of that block still to pass over, its tail included; 0 between blocks
	total      uint32 // that block's length, which its tail must repeat
}

// nextBlock reads one block, or a part of one that is passed over.
func (r *Reader) nextBlock(b []byte, rec *Record) (int, bool, error) {
	if r.ng.skip > 0 {
		return r.skipBlock(b)
	}
	if len(b) < blockHeadLen {
		return r.short(blockHeadLen)
	}
	// The length of a section header can be read only when its byte order is known.
	if binary.BigEndian.Uint32(b) == blockSectionHeader {
		return r.sectionHeader(b)
	}
	kind, total := r.take32(b), r.take32(b[4:])
	if total < blockMinLen {
		return r.fail(Damaged, 4, fmt.Sprintf("a block has the length %d, at least %d is needed", total, blockMinLen))
	}
	switch kind {
	case blockInterface, blockObsoletePacket, blockSimplePacket, blockEnhancedPacket:
	default:
		if n, done, err := r.joined(b); done {
			return n, false, err
		}
		return r.passOver(blockHeadLen, total)
	}
	if total > maxBlock {
		return r.fail(Damaged, 4, fmt.Sprintf("a block of type %d has the length %d, more than the limit of %d; the file is probably damaged before this block", kind, total, maxBlock))
	}
	n := int(padded(total))
	if len(b) < n {
		return r.short(n)
	}
	b = b[:n:n]
	if tail := r.take32(b[n-blockTailLen:]); tail != total {
		return r.contradiction(int64(n-blockTailLen), total, tail)
	}
	switch kind {
	case blockInterface:
		return r.interfaceBlock(b)
	case blockSimplePacket:
		return r.simplePacket(b, rec)
	}
	return r.packet(b, rec, kind)
}

// sectionHeader reads a section header block, which sets the byte order and
// forgets the interfaces, up to its options.
func (r *Reader) sectionHeader(b []byte) (int, bool, error) {
	if len(b) < sectionFixedLen {
		return r.short(sectionFixedLen)
	}
	switch magic := binary.BigEndian.Uint32(b[8:]); magic {
	case byteOrderMagic:
		r.big = true
	case swappedByteOrderMagic:
		r.big = false
	default:
		return r.fail(Damaged, 8, fmt.Sprintf("a section header has the byte-order magic %08x", magic))
	}
	total := r.take32(b[4:])
	if total < sectionMinLen {
		return r.fail(Damaged, 4, fmt.Sprintf("a section header has the length %d, at least %d is needed", total, sectionMinLen))
	}
	if major := r.take16(b[12:]); major != 1 {
		return r.fail(Unsupported, 12, fmt.Sprintf("pcapng version %d.%d is not supported, only version 1", major, r.take16(b[14:])))
	}
	r.format = pcapngFormat
	r.ng.interfaces = r.ng.interfaces[:0]
	return r.passOver(sectionFixedLen, total)
}

// padded is the space that a block takes in the file. Its length should be a multiple of 4, but
// some writers do not count the padding of the packet.
func padded(total uint32) int64 {
	return (int64(total) + 3) &^ 3
}

// passOver takes the n bytes of a block that were read and leaves the others to skipBlock.
func (r *Reader) passOver(n int, total uint32) (int, bool, error) {
	r.ng.start = r.offset
	r.ng.total = total
	r.ng.skip = padded(total) - int64(n)
	return r.took(n)
}

// took counts n bytes without a packet as consumed.
func (r *Reader) took(n int) (int, bool, error) {
	r.want = 0
	if r.ng.skip > 0 {
		r.want = 1
		if r.ng.skip == blockTailLen {
			r.want = blockTailLen
		}
	}
	r.offset += int64(n)
	return n, false, nil
}

// skipBlock passes over bytes of a block that is not read, so that no block
// needs memory only because it is large. The tail is taken in one piece.
func (r *Reader) skipBlock(b []byte) (int, bool, error) {
	if body := r.ng.skip - blockTailLen; body > 0 {
		if len(b) == 0 {
			return r.short(1)
		}
		n := int(min(int64(len(b)), body))
		r.ng.skip -= int64(n)
		return r.took(n)
	}
	if len(b) < blockTailLen {
		return r.short(blockTailLen)
	}
	if tail := r.take32(b); tail != r.ng.total {
		return r.contradiction(0, r.ng.total, tail)
	}
	r.ng.skip = 0
	return r.took(blockTailLen)
}

// endBlock is End for pcapng.
func (r *Reader) endBlock(rest []byte) error {
	start, have, total := r.offset, len(rest), int64(r.want)
	switch {
	case r.ng.skip > 0:
		start, have, total = r.ng.start, int(r.offset-r.ng.start)+len(rest), padded(r.ng.total)
	case len(rest) == 0:
		return nil
	}
	most := longestCut(0)
	for i := range r.ng.interfaces {
		most = max(most, longestCut(r.ng.interfaces[i].snapLen))
	}
	if total > most+maxOptions {
		_, _, err := r.fail(Damaged, start+4-r.offset, fmt.Sprintf(
			"a block has the length %d, and the capture ends before that; the file is probably damaged before this block", total))
		return err
	}
	return r.truncated(start, have)
}

// contradiction returns the error for a block whose two lengths differ.
func (r *Reader) contradiction(at int64, head, tail uint32) (int, bool, error) {
	return r.fail(Damaged, at, fmt.Sprintf("a block has the length %d at its beginning and %d at its end", head, tail))
}

// interfaceBlock reads an interface description block.
func (r *Reader) interfaceBlock(b []byte) (int, bool, error) {
	if len(b) < interfaceFixedLen+blockTailLen {
		return r.fail(Damaged, 4, fmt.Sprintf("an interface description has the length %d, at least %d is needed", len(b), interfaceFixedLen+blockTailLen))
	}
	if len(r.ng.interfaces) == maxInterfaces {
		return r.fail(Unsupported, 0, fmt.Sprintf("a section describes more than %d interfaces", maxInterfaces))
	}
	i := ngInterface{link: uint32(r.take16(b[8:])), snapLen: r.take32(b[12:]), clock: decimalClock(6)}
	var seconds int64
	options := b[interfaceFixedLen : len(b)-blockTailLen]
	for len(options) > 0 {
		at := int64(len(b) - blockTailLen - len(options))
		code, n := r.take16(options), int(r.take16(options[2:]))
		if code == optionEnd {
			break
		}
		size := 4 + (n+3)&^3
		if size > len(options) {
			return r.fail(Damaged, at, fmt.Sprintf("an interface option of %d bytes does not fit in its block", n))
		}
		value := options[4 : 4+n]
		switch {
		case code == optionTimeResolution && n == 1:
			i.clock = clockOf(value[0])
		case code == optionTimeOffset && n == 8:
			seconds = int64(r.take64(value))
		case code == optionTimeResolution || code == optionTimeOffset:
			return r.fail(Damaged, at, fmt.Sprintf("the interface option %d has a length of %d", code, n))
		}
		options = options[size:]
	}
	i.clock.offset = seconds
	r.ng.interfaces = append(r.ng.interfaces, i)
	return r.took(len(b))
}

// packet reads an enhanced packet block or its obsolete forerunner, which has
// a drop count in the upper half of the interface number's place.
func (r *Reader) packet(b []byte, rec *Record, kind uint32) (int, bool, error) {
	if len(b) < packetFixedLen+blockTailLen {
		return r.fail(Damaged, 4, fmt.Sprintf("a packet block has the length %d, at least %d is needed", len(b), packetFixedLen+blockTailLen))
	}
	number := r.take32(b[8:])
	if kind == blockObsoletePacket {
		number = uint32(r.take16(b[8:]))
	}
	if int64(number) >= int64(len(r.ng.interfaces)) {
		return r.undescribed(8, number)
	}
	captured, original := r.take32(b[20:]), r.take32(b[24:])
	if captured > MaxPacket {
		return r.tooLong(20, captured)
	}
	if room := len(b) - packetFixedLen - blockTailLen; int(captured) > room {
		return r.fail(Damaged, 20, fmt.Sprintf("a packet has the captured length %d in a block with room for %d bytes", captured, room))
	}
	i := &r.ng.interfaces[number]
	rec.LinkType = i.link
	rec.Time = i.clock.nanoseconds(uint64(r.take32(b[12:]))<<32 | uint64(r.take32(b[16:])))
	return r.deliver(b, rec, packetFixedLen, int(captured), original)
}

// simplePacket reads a simple packet block. It has no time and no captured
// length: that is the original one, bounded by the snap length of interface 0.
func (r *Reader) simplePacket(b []byte, rec *Record) (int, bool, error) {
	if len(b) < simpleFixedLen+blockTailLen {
		return r.fail(Damaged, 4, fmt.Sprintf("a simple packet block has the length %d, at least %d is needed", len(b), simpleFixedLen+blockTailLen))
	}
	if len(r.ng.interfaces) == 0 {
		return r.undescribed(0, 0)
	}
	i := &r.ng.interfaces[0]
	original := r.take32(b[8:])
	captured := original
	if i.snapLen > 0 {
		captured = min(captured, i.snapLen)
	}
	if captured > MaxPacket {
		return r.tooLong(8, captured)
	}
	if room := len(b) - simpleFixedLen - blockTailLen; int(captured) > room {
		return r.fail(Damaged, 8, fmt.Sprintf("a simple packet has the captured length %d in a block with room for %d bytes", captured, room))
	}
	rec.LinkType = i.link
	rec.Time = NoTime
	return r.deliver(b, rec, simpleFixedLen, int(captured), original)
}

// deliver hands out the packet of captured bytes that begins at byte from of the block b.
func (r *Reader) deliver(b []byte, rec *Record, from, captured int, original uint32) (int, bool, error) {
	rec.Data = b[from : from+captured : from+captured]
	rec.WireLen = max(int(original), captured)
	r.want = 0
	r.records++
	r.offset += int64(len(b))
	return len(b), true, nil
}

// undescribed returns the error for a packet of an interface without a description.
func (r *Reader) undescribed(at int64, number uint32) (int, bool, error) {
	return r.fail(Damaged, at, fmt.Sprintf("a packet belongs to interface %d, but the section describes %d of them", number, len(r.ng.interfaces)))
}
