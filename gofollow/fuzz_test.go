package gofollow_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gofollow/gofollow"
	"gofollow/gofollow/internal/encaptest"
)

// configs are the option sets that every fuzz input runs through.
var configs = []gofollow.Config{
	{Anomalies: true},
	{Anomalies: true, Overlap: gofollow.OverlapSolaris, Urgent: gofollow.UrgentOOB, RST: gofollow.RSTStrict,
		Limits: gofollow.Limits{HeldBytes: 64, HeldSegments: 5, TotalHeldBytes: 100, Connections: 3, Tombstones: 1, FarBytes: 1 << 12}},
	{CloseOn: gofollow.CloseOnFirstFIN, NoMidstream: true, Overlap: gofollow.OverlapLast, GapPatience: gofollow.AtOnce},
}

// FuzzFrames takes the input for frames: a link type, a length and bytes each.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{1, 20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 8, 0, 0x45, 0, 0, 40, 0, 0})
	links := []gofollow.LinkType{0, 1, 101, 108, 113, 228, 229, 276, 147, 9, 104, 105, 119, 127, 192, 219, 239}
	for _, e := range encaptest.All() {
		if at := slices.Index(links, gofollow.LinkType(e.Link)); at >= 0 && e.Carries(4) {
			var seed []byte
			for _, ip := range talked(f, 4) {
				if b := e.Wrap(ip); len(b) < 256 {
					seed = append(append(seed, byte(at), byte(len(b))), b...)
				}
			}
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var packets []gofollow.Packet
		for len(data) > 2 {
			n := min(int(data[1]), len(data)-2)
			packets = append(packets, gofollow.Packet{LinkType: links[int(data[0])%len(links)], Data: data[2 : 2+n], Time: int64(len(packets)) << 24, WireLen: n + int(data[0])})
			data = data[2+n:]
		}
		for _, config := range configs {
			follow(t, config, packets)
		}
	})
}

// FuzzSegments decodes the input to a list of segments of two connections, so
// that deep states are reached: direction and flags, number, acknowledgement,
// length and time step in four bytes.
func FuzzSegments(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x13\x00\x01\x00\x10\x01\x01\x00\x10\x01\x01\x51\x10\x0a\x01\x51\x11\x06\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var packets []gofollow.Packet
		now := int64(0)
		for ; len(data) >= 4 && len(packets) < 400; data = data[4:] {
			flags, seq, ack, rest := data[0], data[1], data[2], data[3]
			now += []int64{0, 1e6, 3e8, 6e9}[rest>>6]
			p := rawSegment{back: flags&0x40 != 0, port: uint16(flags >> 7), flags: flags & 0x3f, seq: stretch(seq), ack: stretch(ack), length: int(rest & 0x1f), cut: rest&0x20 != 0}
			packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkRaw, Time: now, Data: p.bytes(), WireLen: 40 + p.length})
		}
		for _, config := range configs {
			follow(t, config, packets)
		}
	})
}

// stretch makes small numbers of most bytes and far ones of some.
func stretch(b byte) uint32 {
	if b < 0xf0 {
		return uint32(b) - 16 // wraps for the lowest
	}
	return []uint32{1 << 31, 1<<31 - 1, 1 << 30, 65 << 20, 1 << 16, 3 << 30, 2000, 5000}[b&7] + uint32(b>>3&1)
}

type rawSegment struct {
	back     bool
	port     uint16
	flags    byte
	seq, ack uint32
	length   int
	cut      bool
}

// bytes returns the segment as a raw IPv4 packet, half captured if cut.
func (s *rawSegment) bytes() []byte {
	b := make([]byte, 40+s.length)
	src, dst := byte(1), byte(2)
	sport, dport := 1000+s.port, uint16(80)
	if s.back {
		src, dst, sport, dport = dst, src, dport, sport
	}
	copy(b, []byte{0x45, 0, 0, byte(len(b)), 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, src, 10, 0, 0, dst,
		byte(sport >> 8), byte(sport), byte(dport >> 8), byte(dport),
		byte(s.seq >> 24), byte(s.seq >> 16), byte(s.seq >> 8), byte(s.seq), byte(s.ack >> 24), byte(s.ack >> 16), byte(s.ack >> 8), byte(s.ack),
		0x50, s.flags, 1, 0, 0, 0, 0, 3})
	for i := range s.length {
		b[40+i] = byte(s.seq) + byte(i)
	}
	if s.cut {
		b = b[:40+s.length/2]
	}
	return b
}

// FuzzCapture takes the input for a capture file: cut in pieces it gives what it
// gives whole.
func FuzzCapture(f *testing.F) {
	paths, _ := filepath.Glob("../tests/data/*.pcap*")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && len(b) < 8<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, pieces := captureLog(t, data, len(data)+1), captureLog(t, data, 7)
		if !bytes.Equal(whole, pieces) {
			t.Errorf("cut in pieces:\n%s\nwhole:\n%s", pieces, whole)
		}
	})
}

// captureLog returns the event log of a capture fed n bytes at a time, and the
// error that ended it.
func captureLog(t *testing.T, data []byte, n int) (log []byte) {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	drain := func() {
		for events := f.Poll(100); len(events) > 0; events = f.Poll(100) {
			for i := range events {
				log = append(events[i].AppendLog(log), '\n')
			}
		}
	}
	for len(data) > 0 && err == nil {
		var taken int
		taken, err = f.FeedCapture(data[:min(n, len(data))])
		data = data[taken:]
		drain()
		if err == gofollow.ErrQueueFull {
			err = nil
		}
	}
	if end := f.EndCapture(); err == nil {
		err = end
	}
	if f.Flush() == nil {
		drain()
	}
	if err != nil {
		log = append(log, err.Error()...)
	}
	return log
}
