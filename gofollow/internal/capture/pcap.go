package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The magic numbers of pcap, as the first four bytes read big-endian.
const (
	magicMicro        = 0xa1b2c3d4
	magicNano         = 0xa1b23c4d
	magicMicroSwapped = 0xd4c3b2a1
	magicNanoSwapped  = 0x4d3cb2a1
)

const (
	pcapHeaderLen = 24
	pcapRecordLen = 16

	// linkTypeMask keeps the link type of the header's last field. Above it
	// stand the FCS length, its presence flag and reserved bits
	// (draft-ietf-opsawg-pcap, section 4), as in libpcap's LT_LINKTYPE.
	linkTypeMask = 0x03FFFFFF
)

// pcapState is what a pcap header says about its records.
type pcapState struct {
	link uint32
	unit int64 // nanoseconds in a unit of a record's second time field
}

// pcapHeader reads the file header.
func (r *Reader) pcapHeader(b []byte, magic uint32) (int, bool, error) {
	if len(b) < pcapHeaderLen {
		return r.short(pcapHeaderLen)
	}
	r.big = magic == magicMicro || magic == magicNano
	major, minor := r.take16(b[4:]), r.take16(b[6:])
	if major != 2 || minor != 4 {
		return r.fail(Unsupported, 4, fmt.Sprintf("pcap version %d.%d is not read, only 2.4; rewrite the file with editcap", major, minor))
	}
	r.pcap.link = r.take32(b[20:]) & linkTypeMask
	r.pcap.unit = 1000
	if magic == magicNano || magic == magicNanoSwapped {
		r.pcap.unit = 1
	}
	r.format = pcapFormat
	r.want = 0
	r.offset = pcapHeaderLen
	return pcapHeaderLen, false, nil
}

// nextPcap reads one record. Every packet passes here, so it is one straight line.
func (r *Reader) nextPcap(b []byte, rec *Record) (int, bool, error) {
	if len(b) < pcapRecordLen {
		return r.short(pcapRecordLen)
	}
	sec, frac, incl, orig := binary.LittleEndian.Uint32(b[0:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if r.big {
		sec, frac, incl, orig = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac), bits.ReverseBytes32(incl), bits.ReverseBytes32(orig)
	}
	if incl > MaxPacket {
		return r.tooLong(8, incl)
	}
	n := pcapRecordLen + int(incl)
	if len(b) < n {
		return r.short(n)
	}
	rec.LinkType = r.pcap.link
	rec.Time = int64(sec)*1e9 + int64(frac)*r.pcap.unit
	rec.HasTime = true
	rec.Data = b[pcapRecordLen:n:n]
	// Some writers put the captured length of a snapped packet above the
	// original one; the captured bytes were on the wire in any case.
	rec.WireLen = max(int(orig), int(incl))
	r.want = 0
	r.records++
	r.offset += int64(n)
	return n, true, nil
}

// tooLong fails for a captured length above MaxPacket that stands at.
func (r *Reader) tooLong(at int64, length uint32) (int, bool, error) {
	return r.fail(Damaged, at, fmt.Sprintf(
		"a packet claims %d captured bytes, more than the limit of %d; the file is probably damaged before this record", length, MaxPacket))
}
