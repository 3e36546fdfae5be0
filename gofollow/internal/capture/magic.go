package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// readFormats is the hint in every error about a file of another format.
const readFormats = "supported formats: pcap and pcapng, plain or compressed by gzip, zstd, xz, bzip2 or lz4"

// foreign are formats that are often given to a capture reader by mistake, by their first bytes.
var foreign = []struct{ magic, name string }{
	{"\xa1\xb2\xcd\x34", "pcap modified by Kuznetzov's patch; rewrite the file with editcap -F pcap"},
	{"\x34\xcd\xb2\xa1", "pcap modified by Kuznetzov's patch; rewrite the file with editcap -F pcap"},
	{"\xa1\xb2\x34\xcd", "pcap modified by Mesquita's patch"},
	{"\xcd\x34\xb2\xa1", "pcap modified by Mesquita's patch"},
	{"\xa1\x2b\x3c\x4d", "Navtel's pcap variant"},
	{"\x4d\x3c\x2b\xa1", "Navtel's pcap variant"},
	{"\xa1\xe2\xcb\x12", "a pcap variant with the magic number a1e2cb12"},
	{"\x12\xcb\xe2\xa1", "a pcap variant with the magic number a1e2cb12"},
	{"snoop\x00", "snoop; rewrite the file with editcap -F pcap"},
	{"btsnoop\x00", "btsnoop, Bluetooth"},
	{"RTSS", "Microsoft Network Monitor 1; rewrite the file with editcap -F pcap"},
	{"GMBU", "Microsoft Network Monitor 2; rewrite the file with editcap -F pcap"},
	{"TRSNIFF data", "Sniffer; rewrite the file with editcap -F pcap"},
	{"XCP\x00", "NetXRay; rewrite the file with editcap -F pcap"},
	{"iptrace 1.0", "AIX iptrace; rewrite the file with editcap -F pcap"},
	{"iptrace 2.0", "AIX iptrace; rewrite the file with editcap -F pcap"},
	{"\x7fver", "Peek (OmniPeek); rewrite the file with editcap -F pcap"},
	{"TR\x00d\x00", "HP-UX nettl; rewrite the file with editcap -F pcap"},
	{"\x05VNF", "Visual Networks; rewrite the file with editcap -F pcap"},
	{"ObserverPktBuffe", "Network Instruments Observer; rewrite the file with editcap -F pcap"},
	{"\xaa\xaa\xaa\xaa", "5Views; rewrite the file with editcap -F pcap"},
	{"#!rtpplay1.0", "rtpdump"},
	{"\x02\x21\x4c\x18", "lz4 in its legacy form; decompress it with lz4 first"},
	{"PK\x03\x04", "zip; unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "7z; unpack it first"},
	{"Rar!\x1a\x07", "rar; unpack it first"},
	{"\x1f\x9d", "compress (.Z); decompress it with gzip -d first"},
	{"\x7fELF", "an ELF program"},
	{"MZ", "a Windows program"},
	{"%PDF-", "PDF"},
}

// headLen is how many bytes of an unknown format are examined.
const headLen = 16

// beginsMagic reports whether b, or its beginning, is the beginning of a magic number that is read.
func beginsMagic(b []byte) bool {
	b = b[:min(len(b), MagicLen)]
	if bytes.HasPrefix([]byte(sectionMagic), b) {
		return true
	}
	for _, m := range pcapMagics {
		if bytes.HasPrefix(binary.BigEndian.AppendUint32(nil, m.number), b) || bytes.HasPrefix(binary.LittleEndian.AppendUint32(nil, m.number), b) {
			return true
		}
	}
	return false
}

// beginsPcap returns the magic number of the pcap header that b begins with, or may begin with if
// it is shorter than one, and whether the header is big-endian; nil if b begins with something
// else. Within another capture, only a header counts whose fields all have values that current
// writers write, so that no record or block is taken for a header: version 2.4, no time zone and no
// accuracy (of a record, the lengths), a snap length of up to 256 MiB or one of the two that mean
// none, and a link type with no more than an FCS length beside it. b has 8 bytes at least.
func beginsPcap(b []byte) (m *pcapMagic, big bool) {
	m, big = pcapMagicOf(b)
	if m == nil {
		return nil, false
	}
	const major, minor, longestSnap, unlimited, noSnap = 2, 4, 256 << 20, 1<<31 - 1, 1<<32 - 1
	const reserved = 0x03fff000 // of the link type's field; the registry ends below
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	field := func(at int) uint32 { // 0, which every field may be, if it is not there yet
		if len(b) < at+4 {
			return 0
		}
		return order.Uint32(b[at:])
	}
	snap := field(16)
	usual := snap <= longestSnap || snap == unlimited || snap == noSnap
	version := order.Uint16(b[4:]) == major && order.Uint16(b[6:]) == minor
	if !version || field(8)|field(12) != 0 || !usual || field(20)&reserved != 0 {
		return nil, false
	}
	return m, big
}

// beginsSection reports whether b, of 12 bytes at least, begins with a pcapng section header.
// As a record it would have captured more than MaxPacket bytes, in either byte order.
func beginsSection(b []byte) bool {
	const at = 8
	magic := binary.BigEndian.Uint32(b[at:])
	return string(b[:MagicLen]) == sectionMagic && (magic == byteOrderMagic || magic == swappedByteOrderMagic)
}

// unknown returns the error for a capture of an unsupported format that begins with b. Only the
// first headLen bytes of b count, so that the message is the same however the capture is cut.
func (r *Reader) unknown(b []byte) (int, bool, error) {
	b = b[:min(len(b), headLen)]
	if c := compressionOf(b); c != nil {
		return r.fail(Unsupported, 0, fmt.Sprintf("the capture is compressed twice (%s within compressed data): decompress it once", c.name))
	}
	for _, f := range foreign {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return r.fail(Unsupported, 0, fmt.Sprintf("the format is %s; %s", f.name, readFormats))
		}
	}
	switch {
	case isHTML(b):
		return r.fail(NotACapture, 0, "this is a web page (HTML), not a capture; "+readFormats)
	case isText(b):
		return r.fail(NotACapture, 0, fmt.Sprintf("this is text that begins with %q, not a capture; %s", b, readFormats))
	case looksLikeERF(b):
		return r.fail(Unsupported, 0, "the format may be ERF (Endace), which has no magic number; rewrite the file with editcap -F pcap; "+readFormats)
	}
	return r.fail(NotACapture, 0, fmt.Sprintf("the bytes begin with % x, which is not a capture format; %s",
		b[:min(len(b), MagicLen)], readFormats))
}

func isHTML(b []byte) bool {
	b = bytes.ToLower(bytes.TrimSpace(b))
	return bytes.HasPrefix(b, []byte("<!doctype html")) || bytes.HasPrefix(b, []byte("<html"))
}

// isText reports whether b is printable ASCII and white space.
func isText(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	for _, c := range b {
		if bytes.IndexByte([]byte("\t\r\n"), c) < 0 && (c < ' ' || c > '~') {
			return false
		}
	}
	return len(b) > 0
}

// looksLikeERF reports whether b can be the header of an ERF record: a known
// type, a time since 1990, and a record length that is padded as usual and fits to
// the packet's.
func looksLikeERF(b []byte) bool {
	if len(b) < headLen {
		return false
	}
	const since1990, longestExtension = 20 * 365 * 86400, 64
	seconds, kind := binary.LittleEndian.Uint32(b[4:]), b[8]&0x7f
	record, wire := binary.BigEndian.Uint16(b[10:]), binary.BigEndian.Uint16(b[14:])
	if seconds <= since1990 || kind < 1 || kind > 48 {
		return false
	}
	padded := record >= headLen && record%8 == 0
	return padded && wire > 0 && int(record) <= int(wire)+headLen+longestExtension
}
