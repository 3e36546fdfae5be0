package capture

import (
	"bytes"
	"fmt"
)

// readFormats is the hint in every error about a file of another format.
const readFormats = "read are pcap (microseconds or nanoseconds) and pcapng"

// foreign are the formats that people hand to a capture reader by mistake, by
// their first bytes. Formats without a magic number (ERF) cannot be told.
var foreign = []struct{ magic, name string }{
	{"\xa1\xb2\xcd\x34", "pcap modified by Kuznetzov's patch"},
	{"\x34\xcd\xb2\xa1", "pcap modified by Kuznetzov's patch"},
	{"\xa1\xb2\x34\xcd", "pcap modified by Mesquita's patch"},
	{"\xcd\x34\xb2\xa1", "pcap modified by Mesquita's patch"},
	{"\xa1\x2b\x3c\x4d", "Navtel's pcap variant"},
	{"\x4d\x3c\x2b\xa1", "Navtel's pcap variant"},
	{"\xa1\xe2\xcb\x12", "a pcap variant with the magic number a1e2cb12"},
	{"\x12\xcb\xe2\xa1", "a pcap variant with the magic number a1e2cb12"},
	{"\x1c\x00\x01\xac", "IXIA's hardware pcap variant"},
	{"\xac\x01\x00\x1c", "IXIA's hardware pcap variant"},
	{"\x1c\x00\x01\xab", "IXIA's software pcap variant"},
	{"\xab\x01\x00\x1c", "IXIA's software pcap variant"},
	{"snoo", "snoop"},
	{"btsn", "btsnoop"},
	{"RTSS", "Microsoft Network Monitor 1"},
	{"GMBU", "Microsoft Network Monitor 2"},
	{"TRSN", "Sniffer"},
	{"XCP\x00", "NetXRay"},
	{"PK\x03\x04", "zip"},
	{"7z\xbc\xaf", "7z"},
}

// native are the magic numbers that are read.
var native = []string{
	"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\x0a\x0d\x0d\x0a",
}

// beginsMagic reports whether b is the beginning of a magic number that is read.
func beginsMagic(b []byte) bool {
	for _, m := range native {
		if bytes.HasPrefix([]byte(m), b) {
			return true
		}
	}
	return false
}

// unknown fails for a capture that begins with b, which is no format that is read.
func (r *Reader) unknown(b []byte) (int, bool, error) {
	if c := compressionOf(b); c != nil {
		return r.fail(Unsupported, 0, fmt.Sprintf("the capture is %s within compressed data, and only one compression is undone", c.name))
	}
	for _, f := range foreign {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return r.fail(Unsupported, 0, fmt.Sprintf("the format is %s, which is not read; %s", f.name, readFormats))
		}
	}
	// A fixed number of bytes keeps the message the same however the capture is cut.
	return r.fail(NotACapture, 0, fmt.Sprintf("the bytes begin with % x, which is no capture format; %s",
		b[:min(len(b), magicLen)], readFormats))
}
