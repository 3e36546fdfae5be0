package gofollow_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gofollow/gofollow"
)

// numbered returns n payload bytes that contain their own sequence numbers: the four bytes
// at numbers 4k to 4k+3 spell 4k.
func numbered(seq uint32, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		at := seq + uint32(i)
		b[i] = byte(at &^ 3 >> (24 - 8*(at&3)))
	}
	return b
}

// beginning returns the sequence number of offset 0 of a stream that has these numbered
// bytes at an offset, if they are enough to tell.
func beginning(offset int64, b []byte) (base uint32, ok bool) {
	for i := range min(4, len(b)/8*4) { // fewer than 8 bytes may be of several numbers
		base := binary.BigEndian.Uint32(b[i:]) - uint32(i) - uint32(offset)
		if string(numbered(base+uint32(offset), len(b))) == string(b) {
			return base, true
		}
	}
	return 0, false
}

// TestNumbers follows short conversations of SYNs and SYN+ACKs with several numbers,
// early acknowledgements, data far away and below, resets and FINs, whose payload tells its
// own number: in each direction of each connection, offset minus number is constant, and a
// gap that was given up because it was acknowledged ends at or below a number that the
// peer had acknowledged.
func TestNumbers(t *testing.T) {
	for s := *seed; s < *seed+uint64(*runs)*5; s++ {
		random := rand.New(rand.NewPCG(s, 2))
		packets, acks := numberedConversation(t, random)
		f, r := newFollower(t, gofollow.Config{NoMidstream: random.IntN(8) == 0}), &result{}
		check := newNumberCheck(acks)
		take := func() {
			for f.Waiting() > 0 {
				for _, e := range f.Poll(64) {
					r.take(&e)
					check.take(&e)
				}
			}
		}
		for i := range packets {
			if err := f.Feed(&packets[i]); err != nil {
				t.Fatal(err)
			}
			take()
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		take()
		if r.finish(t, f); len(check.faults) > 0 || t.Failed() {
			for _, line := range r.log {
				t.Log(line)
			}
			t.Fatalf("seed %d: %v", s, check.faults)
		}
	}
}

// numberedConversation makes a capture between two endpoints. acks are the numbers that
// each of them acknowledged, by packet.
func numberedConversation(t *testing.T, random *rand.Rand) (packets []gofollow.Packet, acks map[netip.AddrPort]map[uint64]uint32) {
	ends := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:80")}
	acks = map[netip.AddrPort]map[uint64]uint32{ends[0]: {}, ends[1]: {}}
	var bases [2][]uint32 // numbers at which each side may begin
	for side := range bases {
		first := []uint32{0, 1 << 31, random.Uint32()}[random.IntN(3)] + uint32(random.IntN(200)) - 100
		bases[side] = []uint32{first, first + uint32(random.IntN(5000)) - 2500, random.Uint32(), first + 100<<20}
	}
	near := func(side int) uint32 { // a number near one of the side's beginnings, or far from it
		n := bases[side][min(random.IntN(4), random.IntN(4))]
		switch random.IntN(8) {
		case 0:
			return n + 70<<20 + uint32(random.IntN(100))
		case 1:
			return n - uint32(random.IntN(3000))
		}
		return n + uint32(random.IntN(6))*20
	}
	one := random.IntN(6) == 0 // only one side is captured
	now := int64(1e18)
	for range 3 + random.IntN(12) {
		side := random.IntN(2)
		if one {
			side = 0
		}
		s := segment{src: ends[side], dst: ends[1-side], flags: "A", seq: near(side), ack: near(1 - side)}
		switch random.IntN(12) {
		case 0:
			s.flags, s.ack, s.seq = "S", 0, bases[side][random.IntN(3)]-1
		case 1, 2:
			s.flags, s.seq, s.ack = "SA", bases[side][random.IntN(3)]-1, bases[1-side][random.IntN(2)]
		case 3:
			s.flags = "FA"
		case 4:
			s.flags = []string{"R", "RA"}[random.IntN(2)]
		case 5: // a bare acknowledgement
		default:
			s.payload = numbered(s.seq, []int{20, 20, 40, 100}[random.IntN(4)])
		}
		frame := s.frame(t)
		now += []int64{1e6, 1e8, 6e8, 4e9, 4e10}[min(random.IntN(5), random.IntN(5), random.IntN(5))]
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: now, Data: frame, WireLen: len(frame)})
		if s.flags != "S" && s.flags != "R" && s.flags != "RA" {
			acks[s.src][uint64(len(packets))] = s.ack
		}
	}
	return packets, acks
}

// numberCheck holds events of numbered conversations against the numbers.
type numberCheck struct {
	acks    map[netip.AddrPort]map[uint64]uint32
	streams map[string]*numberedStream
	faults  []string
}

type numberedStream struct {
	base  uint32
	known bool
}

func newNumberCheck(acks map[netip.AddrPort]map[uint64]uint32) *numberCheck {
	return &numberCheck{acks: acks, streams: map[string]*numberedStream{}}
}

func (k *numberCheck) take(e *gofollow.Event) {
	if e.Kind != gofollow.Data && e.Kind != gofollow.Gap {
		return
	}
	name := fmt.Sprint(e.Conn.ID(), e.Direction)
	s := k.streams[name]
	if s == nil {
		s = &numberedStream{}
		k.streams[name] = s
	}
	switch {
	case e.Kind == gofollow.Data && s.known:
		if want := numbered(s.base+uint32(e.Offset), len(e.Bytes)); !slices.Equal(want, e.Bytes) {
			k.faults = append(k.faults, fmt.Sprintf("%s: the bytes at offset %d are of other numbers", name, e.Offset))
		}
	case e.Kind == gofollow.Data:
		s.base, s.known = beginning(e.Offset, e.Bytes)
	case e.GapReason == gofollow.GapACK && s.known:
		peer := e.Conn.Server()
		if e.Direction == gofollow.ServerToClient {
			peer = e.Conn.Client()
		}
		end := s.base + uint32(e.Offset+e.Length)
		for _, ack := range k.acks[peer] {
			if ack-end < 1<<31 {
				return
			}
		}
		k.faults = append(k.faults, fmt.Sprintf("%s: nobody acknowledged the gap up to offset %d", name, e.Offset+e.Length))
	}
}

// TestMoved: a direction in any state of which nothing was delivered, moved to another
// beginning by a SYN, gives the events of one that began there.
func TestMoved(t *testing.T) {
	for s := *seed; s < *seed+uint64(*runs); s++ {
		random := rand.New(rand.NewPCG(s, 3))
		const base = 1000
		ends := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:80")}
		syn := segment{src: ends[0], dst: ends[1], flags: "S", seq: base - 1}
		data := segment{src: ends[1], dst: ends[0], flags: "A", seq: 9000, ack: base, payload: []byte("answer")}
		// A bare acknowledgement far up shows where the client stands, so that nothing is delivered.
		hint := segment{src: ends[0], dst: ends[1], flags: "A", seq: base + 100 + random.Uint32N(5000), ack: 9000}
		var body []segment
		for range 1 + random.IntN(8) {
			b := segment{src: ends[0], dst: ends[1], flags: "A", seq: hint.seq + 2 + random.Uint32N(2000), ack: 9006}
			switch random.IntN(6) {
			case 0:
				b.seq += 70 << 20
				b.payload = numbered(b.seq, 20)
			case 1:
				b.flags = "FA"
				b.seq += 3000
			case 2:
				b.src, b.dst, b.seq, b.ack = ends[1], ends[0], 9006, b.seq
			default:
				b.payload = numbered(b.seq, 20+random.IntN(300))
			}
			body = append(body, b)
		}
		tail := segment{src: ends[0], dst: ends[1], flags: "A", seq: base, ack: 9006, payload: numbered(base, 50)}
		end := segment{src: ends[1], dst: ends[0], flags: "A", seq: 9006, ack: hint.seq + 2000}
		play := func(segments ...segment) *result {
			var packets []gofollow.Packet
			for i := range segments {
				frame, step := segments[i].frame(t), time.Millisecond
				if i == len(segments)-1 {
					step = time.Second // patience is over
				}
				packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: int64(i) * int64(step), Data: frame, WireLen: len(frame)})
			}
			return follow(t, gofollow.Config{}, packets)
		}
		moved := play(slices.Concat([]segment{hint, data}, body, []segment{syn, tail, end})...)
		began := play(slices.Concat([]segment{data, syn}, body, []segment{syn, tail, end})...)
		a, b := moved.find(ends[0], ends[1]), began.find(ends[0], ends[1])
		if len(a) != 1 || len(b) != 1 {
			t.Fatalf("seed %d: %d and %d connections", s, len(a), len(b))
		}
		x, y := a[0].sentBy(ends[0]), b[0].sentBy(ends[0])
		if string(x.data) != string(y.data) || !slices.Equal(x.gaps, y.gaps) || !slices.Equal(x.reasons, y.reasons) || x.halfClosed != y.halfClosed {
			t.Fatalf("seed %d: moved: %v, began there: %v\n%v\n%v", s, x, y, moved.log, began.log)
		}
	}
}

// TestFarIslands: of a capture that lost much, again and again, every captured byte comes
// out at its offset, and the gaps are what lies between: where one side was captured because
// segments follow each other, where both were because the peer acknowledged them.
func TestFarIslands(t *testing.T) {
	for s := *seed; s < *seed+uint64(*runs)/4; s++ {
		random := rand.New(rand.NewPCG(s, 4))
		ends := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:80")}
		from, acked := random.IntN(2), random.IntN(2) == 0
		base := random.Uint32()
		sent := []segment{{flags: "S", seq: base - 1}}
		if from == 1 {
			sent[0].flags = "SA"
		}
		var want, gaps []span
		at := int64(0)
		for island := range 1 + random.IntN(6) {
			if island > 0 {
				lost := 65<<20 + random.Int64N(200<<20)
				gaps, at = append(gaps, span{at, at + lost}), at+lost
			}
			first := len(sent)
			for range 2 + random.IntN(4) {
				n := 20 + random.IntN(300)
				sent = append(sent, segment{flags: "A", seq: base + uint32(at), payload: numbered(base+uint32(at), n)})
				want = appendSpan(want, at, at+int64(n))
				at += int64(n)
			}
			if island > 0 || random.IntN(2) == 0 { // the first byte of all comes first
				random.Shuffle(len(sent)-first, func(i, j int) { sent[first+i], sent[first+j] = sent[first+j], sent[first+i] })
			}
			if acked {
				sent = append(sent, segment{src: ends[1-from], flags: "A", seq: 77, ack: base + uint32(at)})
			}
		}
		var packets []gofollow.Packet
		for i := range sent {
			p := &sent[i]
			if p.src = ends[from]; p.ack != 0 {
				p.src = ends[1-from]
			}
			if p.dst = ends[1]; p.src == ends[1] {
				p.dst = ends[0]
			}
			frame := p.frame(t)
			packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: int64(i) * 1e6, Data: frame, WireLen: len(frame)})
		}
		got := follow(t, gofollow.Config{}, packets)
		if len(got.conversations) != 1 {
			t.Fatalf("seed %d: %d connections", s, len(got.conversations))
		}
		stream := got.conversations[0].sentBy(ends[from])
		if !slices.Equal(stream.chunks, want) || !slices.Equal(stream.gaps, gaps) {
			t.Fatalf("seed %d, acknowledged %v: data %v, gaps %v, want %v and %v", s, acked, stream.chunks, stream.gaps, want, gaps)
		}
		for i, b := range stream.places() {
			if b != numbered(base+uint32(i), 1)[0] {
				t.Fatalf("seed %d: the byte at offset %d is of another number", s, i)
			}
		}
	}
}
