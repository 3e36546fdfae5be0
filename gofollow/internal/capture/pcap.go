package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// pcapMagic is the meaning of the first four bytes of a pcap file.
type pcapMagic struct {
	number    uint32
	unit      int64 // nanoseconds in a unit of a record's second time field
	headerLen int
}

var pcapMagics = []pcapMagic{
	{0xa1b2c3d4, 1000, pcapHeaderLen},
	{0xa1b23c4d, 1, pcapHeaderLen},
	// Ixia's: the header ends with the length of all records.
	{0x1c0001ab, 1000, pcapHeaderLen + 4},
	{0x1c0001ac, 1, pcapHeaderLen + 4},
}

const (
	pcapHeaderLen = 24
	pcapRecordLen = 16

	// linkTypeMask keeps the link type of the header's last field. Above it
	// stand the FCS length, its presence flag and reserved bits, which are to be
	// ignored (draft-ietf-opsawg-pcap, section 4).
	linkTypeMask = 0xFFFF
)

// pcapState is what a pcap header determines about its records.
type pcapState struct {
	link    uint32
	snapLen uint32
	unit    int64 // nanoseconds in a unit of a record's second time field
	lengths lengthOrder
}

// lengthOrder is the order of a record's two lengths. Before version 2.3 the original length came
// first. Some writers of 2.3 still wrote that order, so in 2.3 the larger one is the original (as
// in libpcap).
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	originalFirst
	smallerCaptured
)

// pcapMagicOf returns the meaning of a file's magic number, nil if it is none of pcap, and whether
// the file is big-endian.
func pcapMagicOf(b []byte) (m *pcapMagic, big bool) {
	for i := range pcapMagics {
		m := &pcapMagics[i]
		switch m.number {
		case binary.BigEndian.Uint32(b):
			return m, true
		case binary.LittleEndian.Uint32(b):
			return m, false
		}
	}
	return nil, false
}

// pcapHeader reads the file header.
func (r *Reader) pcapHeader(b []byte, m *pcapMagic, big bool) (int, bool, error) {
	if len(b) < m.headerLen {
		return r.short(m.headerLen)
	}
	r.big = big
	r.pcap.snapLen, r.pcap.link = r.take32(b[16:]), r.take32(b[20:])&linkTypeMask
	r.pcap.unit, r.pcap.lengths = m.unit, capturedFirst
	r.format = pcapFormat
	switch major, minor := r.take16(b[4:]), r.take16(b[6:]); {
	case major == 2 && minor == 4:
	case major == 2 && minor == 3:
		r.format, r.pcap.lengths = oldPcapFormat, smallerCaptured
	case major == 2 && minor < 3:
		r.format, r.pcap.lengths = oldPcapFormat, originalFirst
		if minor == 2 {
			r.pcap.fromAIX()
		}
	case major == 543 && minor == 0: // DG/UX
		r.format, r.pcap.lengths = oldPcapFormat, originalFirst
	default:
		return r.fail(Unsupported, 4, fmt.Sprintf("pcap version %d.%d is not supported, only versions up to 2.4: rewrite the file with editcap", major, minor))
	}
	r.want = 0
	r.offset += int64(m.headerLen)
	return m.headerLen, false, nil
}

// fromAIX recognizes AIX's tcpdump, which writes version 2.2 with interface types of RFC 1573 and
// nanoseconds, by types that are unlikely link types.
func (p *pcapState) fromAIX() {
	link, ok := map[uint32]uint32{6: 1, 9: 6, 15: 10, 24: 0}[p.link]
	if ok {
		p.link, p.unit = link, 1
	}
}

// nextPcap reads one record. It is called for every packet, so it has no loop.
func (r *Reader) nextPcap(b []byte, rec *Record) (int, bool, error) {
	if len(b) < pcapRecordLen {
		return r.short(pcapRecordLen)
	}
	sec, frac, incl, orig := binary.LittleEndian.Uint32(b[0:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if r.big {
		sec, frac, incl, orig = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac), bits.ReverseBytes32(incl), bits.ReverseBytes32(orig)
	}
	if incl-1 >= MaxPacket { // zero or too large: perhaps another header
		return r.nextAnyPcap(b, rec)
	}
	n := pcapRecordLen + int(incl)
	if len(b) < n {
		return r.short(n)
	}
	rec.LinkType = r.pcap.link
	rec.Time = int64(sec)*1e9 + int64(frac)*r.pcap.unit
	rec.Data = b[pcapRecordLen:n:n]
	// Some writers put the captured length of a snapped packet above the
	// original one; the captured bytes were on the wire in any case.
	rec.WireLen = max(int(orig), int(incl))
	r.want = 0
	r.records++
	r.offset += int64(n)
	return n, true, nil
}

// nextAnyPcap is nextPcap where the lengths may stand in the other order, and where another file
// may begin.
func (r *Reader) nextAnyPcap(b []byte, rec *Record) (int, bool, error) {
	if len(b) < pcapRecordLen {
		return r.short(pcapRecordLen)
	}
	captured, original := r.take32(b[8:]), r.take32(b[12:])
	if beginsSection(b) {
		return r.sectionHeader(b)
	}
	if n, done, err := r.joined(b); done {
		return n, false, err
	}
	if o := r.pcap.lengths; o == originalFirst || (o == smallerCaptured && captured > original) {
		captured, original = original, captured
	}
	if captured > MaxPacket {
		return r.tooLong(8, captured)
	}
	n := pcapRecordLen + int(captured)
	if len(b) < n {
		return r.short(n)
	}
	rec.LinkType = r.pcap.link
	rec.Time = int64(r.take32(b))*1e9 + int64(r.take32(b[4:]))*r.pcap.unit
	rec.Data = b[pcapRecordLen:n:n]
	rec.WireLen = max(int(original), int(captured))
	r.want = 0
	r.records++
	r.offset += int64(n)
	return n, true, nil
}

// joined reads the header of another pcap file, if one stands where a record or block should: files
// joined by cat are one capture. done reports whether b began with such a header, or may do so and
// is too short. As a record, a header would be a packet of no bytes, neither captured nor on the
// wire, of one certain time of the years 1984, 2055, 2060 or 2083: see beginsPcap.
func (r *Reader) joined(b []byte) (n int, done bool, err error) {
	m, big := beginsPcap(b)
	if m == nil {
		return 0, false, nil
	}
	if len(b) < pcapHeaderLen {
		n, _, err = r.short(pcapHeaderLen)
	} else {
		n, _, err = r.pcapHeader(b, m, big)
	}
	return n, true, err
}

// tooLong returns the error for a captured length above MaxPacket at an offset.
func (r *Reader) tooLong(at int64, length uint32) (int, bool, error) {
	return r.fail(Damaged, at, fmt.Sprintf(
		"a packet has the captured length %d, more than the limit of %d; the file is probably damaged before this record", length, MaxPacket))
}
