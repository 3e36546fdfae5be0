package gofollow_test

import (
	"fmt"
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
		Limits: gofollow.Limits{HeldBytes: 64, HeldSegments: 5, TotalHeldBytes: 100, Connections: 3, ClosedConnections: 1, FarBytes: 1 << 12}},
	{CloseOn: gofollow.CloseOnFirstFIN, NoMidstream: true, Separate: gofollow.SeparateBoth, Overlap: gofollow.OverlapLast, GapPatience: gofollow.AtOnce},
}

// FuzzFrames takes the input for frames: a link type, a length and bytes each.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{1, 20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 8, 0, 0x45, 0, 0, 40, 0, 0})
	links := []gofollow.LinkType{0, 1, 101, 108, 113, 228, 229, 276, 147, 9, 104, 105, 119, 127, 192, 219, 239,
		107, 109, 122, 128, 138, 167, 168, 178, 179, 180, 181, 206, 226, 252, 258, 281, 282, 284, 285}
	for _, e := range encaptest.All() {
		if at := slices.Index(links, gofollow.LinkType(e.Link)); at >= 0 && e.Carries(4) {
			var seed []byte
			for i, ip := range talked(f, 4) {
				for _, part := range append(encaptest.Fragments(ip, i, 24), ip) {
					if b := e.Wrap(part); len(b) < 256 {
						seed = append(append(seed, byte(at), byte(len(b))), b...)
					}
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
// length and time step in four bytes; one far acknowledgement stands for a wrong clock. Its beginning is followed a second time as one
// connection without SYN, RST and time, which the reference must agree with.
func FuzzSegments(f *testing.F) {
	const syn, ack, fin, rst, psh, back = 2, 16, 1, 4, 8, 64
	for _, seed := range [][]byte{
		[]byte("\x02\x00\x00\x00\x13\x00\x01\x00\x10\x01\x01\x00\x10\x01\x01\x51\x10\x0a\x01\x51\x11\x06\x01\x00"),
		{syn, 15, 0, 0, back | syn | ack, 15, 16, 0, ack, 16, 16, 0, ack, 20, 16, 5, ack, 16, 16, 4, fin | ack, 25, 16, 0, back | fin | ack, 16, 26, 0},                    // out of order, to the end
		{syn, 15, 0, 0, back | syn | ack, 15, 16, 0, ack, 20, 16, 5, back | ack, 16, 25, 128, back | ack, 16, 25, 128, ack, 16, 16, 4},                                     // given up
		{syn, 15, 0, 0, back | syn | ack, 15, 16, 0, ack, 16, 16, 5, back | rst | ack, 16, 21, 0, ack, 21, 16, 5, back | ack, 16, 26, 4, syn, 0xf0, 0, 192},                // reset and cancelled
		{ack, 16, 16, 37, ack, 26, 16, 10, ack, 24, 16, 12, psh | ack, 20, 16, 9, ack, 30, 16, 31, ack, 21, 16, 4},                                                         // mid-stream, cut, conflicts
		{syn, 15, 0, 0, back | syn | ack, 15, 16, 0, ack, 16, 16, 5, syn, 0xf2, 0, 0, back | syn | ack, 80, 0xfa, 0, ack, 0xfa, 81, 7, ack, 0xf3, 16, 3, ack, 0xfb, 16, 3}, // used again, far
		{syn, 15, 0, 0, back | ack, 80, 16, 5, back | fin | ack, 85, 16, 0, back | syn | ack, 15, 16, 0, ack, 16, 16, 5, back | ack, 16, 21, 4},                            // leftovers
		{back | syn | ack, 15, 16, 0, back | ack, 16, 16, 5, back | fin | ack, 21, 16, 0, back | syn | ack, 0xf6, 16, 0, back | ack, 0xfe, 16, 5},                          // one side, used again
		{syn, 15, 0, 0, ack, 16, 16, 3, ack, 0xf3, 16, 1, ack, 0xfb, 16, 2, syn, 0xf5, 0, 192, ack, 0xfd, 16, 4, ack, 18, 16, 2},                                           // far, one side
		{ack, 30, 16, 0, back | ack, 16, 16, 3, ack, 0xf3, 19, 5, ack, 40, 19, 6, syn, 20, 0, 0, back | ack, 19, 60, 3, ack, 21, 19, 9},                                    // moved by a SYN
		{syn, 15, 0xfd, 0, back | syn | ack, 15, 16, 0, ack, 16, 0xfd, 5, back | ack, 16, 21, 70, ack, 30, 0xfd, 68, ack, 21, 19, 9, fin | ack, 35, 0xfd, 0},               // wrong clocks
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		plain := plainConversation(data)
		equalsReference(t, "without SYN, RST and time", follow(t, gofollow.Config{}, plain), plain)
		var packets []gofollow.Packet
		now := int64(0)
		for ; len(data) >= 4 && len(packets) < 400; data = data[4:] {
			flags, seq, ack, rest := data[0], data[1], data[2], data[3]
			now += []int64{0, 1e6, 3e8, 6e9}[rest>>6]
			p := rawSegment{back: flags&0x40 != 0, port: uint16(flags >> 7), flags: flags & 0x3f, seq: stretch(seq), ack: stretch(ack), length: int(rest & 0x1f), cut: rest&0x20 != 0}
			stamp := now
			if ack == 0xfd {
				stamp += []int64{-4e12, 4e12, 1 << 60, -1 << 60}[seq&3]
			}
			packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkRaw, Time: stamp, Data: p.bytes(), WireLen: 40 + p.length})
		}
		for _, config := range configs {
			for _, c := range follow(t, config, packets).conversations {
				for d := range c.streams {
					c.streams[d].numbered(t)
				}
			}
		}
	})
}

// numbered checks that each byte is one of those that rawSegment puts at its number.
func (s *stream) numbered(t *testing.T) {
	t.Helper()
	start := -1
	for at, b := range s.places() {
		if here := int(b-byte(at)) & 0x7f; start < 0 {
			start = here
		} else if here != start {
			t.Errorf("the byte %#02x stands at offset %d, which is that of another", b, at)
			return
		}
	}
}

// plainConversation decodes the input to a conversation that nothing but data, FINs
// and acknowledgements are in, too few for patience to end; with an even number of
// segments it begins by a handshake.
func plainConversation(data []byte) (packets []gofollow.Packet) {
	add := func(s rawSegment) {
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkRaw, Data: s.bytes()})
	}
	if len(data)/4%2 == 0 {
		add(rawSegment{flags: 0x02, seq: 99})
		add(rawSegment{back: true, flags: 0x12, seq: 99, ack: 100})
	}
	for ; len(data) >= 4 && len(packets) < 50; data = data[4:] {
		add(rawSegment{back: data[0]&0x40 != 0, flags: data[0] & 0x19, seq: 80 + uint32(data[1]), ack: 80 + uint32(data[2]), length: int(data[3] & 0x1f)})
	}
	return packets
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

// bytes returns the segment as a raw IPv4 packet, half captured if cut. Its bytes
// follow from their numbers, but for the highest bit, which is PSH's.
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
	first := byte(s.seq)
	if s.flags&0x06 == 0x02 { // a SYN, unless RST makes it none
		first++
	}
	for i := range s.length {
		b[40+i] = (first+byte(i))&0x7f | s.flags<<4&0x80
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
		sameLines(t, "cut in pieces", captureLog(t, data, 7), captureLog(t, data, len(data)+1))
	})
}

// captureLog returns the event log of a capture fed n bytes at a time, and the
// error that ended it.
func captureLog(t *testing.T, data []byte, n int) []string {
	t.Helper()
	f, r := newFollower(t, gofollow.Config{}), &result{}
	var err error
	for len(data) > 0 && err == nil {
		var taken int
		taken, err = f.FeedCapture(data[:min(n, len(data))])
		data = data[taken:]
		r.poll(f)
		if unfinished(err) {
			err = nil
		}
	}
	end := f.EndCapture()
	for ; unfinished(end); end = f.EndCapture() {
		r.poll(f)
	}
	if err == nil {
		err = end
	}
	return append(r.finish(t, f).log, fmt.Sprint(err))
}
