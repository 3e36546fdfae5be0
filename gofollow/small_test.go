package gofollow_test

import (
	"slices"
	"testing"

	"gofollow/gofollow"
)

// The packets of a small conversation: the client sends 9 bytes, the server none.
const (
	synPacket = iota
	synACKPacket
	ackPacket
	data1Packet
	data2Packet
	data3Packet
	finClientPacket
	finServerPacket
	rstPacket
	smallPackets
)

var smallNames = [smallPackets]string{"SYN", "SYN+ACK", "ACK", "D1", "D2", "D3", "FIN", "FIN of the server", "RST"}

const smallText = "abcdefghi"

func smallConversation() (packets [smallPackets]gofollow.Packet) {
	for i, s := range [smallPackets]rawSegment{
		synPacket:       {flags: 0x02, seq: 99},
		synACKPacket:    {back: true, flags: 0x12, seq: 499, ack: 100},
		ackPacket:       {flags: 0x10, seq: 100, ack: 500},
		data1Packet:     {flags: 0x10, seq: 100, ack: 500, length: 3},
		data2Packet:     {flags: 0x10, seq: 103, ack: 500, length: 3},
		data3Packet:     {flags: 0x10, seq: 106, ack: 500, length: 3},
		finClientPacket: {flags: 0x11, seq: 109, ack: 500},
		finServerPacket: {back: true, flags: 0x11, seq: 500, ack: 109},
		rstPacket:       {back: true, flags: 0x14, seq: 500, ack: 109},
	} {
		s.port = 1000 // above 1023, unlike the server's
		b := s.bytes()
		if s.length > 0 {
			copy(b[40:], smallText[s.seq-100:])
		}
		packets[i] = gofollow.Packet{LinkType: gofollow.LinkRaw, Data: b}
	}
	return packets
}

// smallWorld is what is expected of a sequence of those packets.
type smallWorld struct {
	opened bool
	data   string
	gaps   []span
	fins   [2]bool
	reset  bool // whether a RST is among them
}

// expect returns what a sequence is expected to give, by what is in it from the packet
// that opens on, and not by its order; lost if the order matters: the client's start
// is then not known before its first data, or a RST before the SYN ends a connection.
func expect(order []int) (w smallWorld, lost bool) {
	opener := slices.IndexFunc(order, func(p int) bool { return p <= synACKPacket || (p >= data1Packet && p <= data3Packet) })
	if opener < 0 {
		return w, false
	}
	hints := order[:opener] // show where the numbers stand, unless a RST or SYN follows
	if at := slices.Index(hints, rstPacket); at >= 0 {
		hints = hints[at+1:]
	}
	order = order[opener:]
	if rst, syn := slices.Index(order, rstPacket), slices.Index(order, synPacket); rst >= 0 && rst < syn {
		return w, true
	}
	if order[0] != synPacket {
		ofClient := slices.DeleteFunc(slices.Concat(hints, order), func(p int) bool { return p == finServerPacket || p == rstPacket })
		if first := ofClient[0]; first != synACKPacket && first != ackPacket && first != data1Packet {
			return w, true
		}
	}
	end := int64(0)
	var have [len(smallText)]bool
	for _, p := range order {
		w.opened = true
		switch p {
		case data1Packet, data2Packet, data3Packet:
			at := 3 * (p - data1Packet)
			copy(have[at:], []bool{true, true, true})
			end = max(end, int64(at)+3)
		case finClientPacket, finServerPacket:
			w.fins[p-finClientPacket] = true
			end = int64(len(smallText)) // by its own number, or by its acknowledgement
		case rstPacket:
			w.reset = true
		}
	}
	for at := range end {
		if have[at] {
			w.data += smallText[at : at+1]
		} else {
			w.gaps = appendSpan(w.gaps, at, at+1)
		}
	}
	return w, false
}

// TestSmallWorlds follows every sequence of up to seven of the packets of a small
// conversation: the rules hold for each, and where the order hides nothing, the
// outcome depends on what there is alone.
func TestSmallWorlds(t *testing.T) {
	packets := smallConversation()
	f, r := newFollower(t, gofollow.Config{}), &result{quiet: true}
	now, tried, equal := int64(0), 0, 0
	try := func(order []int) {
		tried++
		r.conversations, r.events = r.conversations[:0], 0
		before := f.Stats()
		for _, p := range order {
			now += 1e6
			packets[p].Time = now
			if err := f.Feed(&packets[p]); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, e := range f.Poll(100) {
			r.takeNumbered(&e, before.Opened)
		}
		names := func() (list []string) {
			for _, p := range order {
				list = append(list, smallNames[p])
			}
			return list
		}
		if len(r.problems) > 0 || f.Waiting() > 0 || f.Stats().HeldBytes != 0 || f.Stats().Connections != 0 {
			t.Fatalf("%q: broken rules: %q, %+v", names(), r.problems, f.Stats())
		}
		want, lost := expect(order)
		if lost {
			return
		}
		equal++
		var got smallWorld
		for i, c := range r.conversations {
			s := &c.streams[gofollow.ClientToServer]
			got.opened = true
			got.data += string(s.data)
			got.gaps = append(got.gaps, s.gaps...)
			for d := range got.fins {
				got.fins[d] = got.fins[d] || c.streams[d].halfClosed
			}
			if !c.closed || c.streams[gofollow.ServerToClient].end != 0 {
				t.Fatalf("%q: %+v", names(), c)
			}
			finished := want.fins[0] && want.fins[1]
			if i == 0 && !want.reset && (finished != (c.reason == gofollow.CloseFIN) || !finished != (c.reason == gofollow.CloseFlush)) {
				t.Fatalf("%q: closed by %v", names(), c.reason)
			}
		}
		if got.opened != want.opened || (want.opened && (got.data != want.data || !slices.Equal(got.gaps, want.gaps) || got.fins != want.fins)) {
			t.Fatalf("%q: %+v, want %+v", names(), got, want)
		}
	}
	var order []int
	var used [smallPackets]bool
	var extend func()
	extend = func() {
		try(order)
		if len(order) == 7 {
			return
		}
		for p := range used {
			if !used[p] {
				used[p], order = true, append(order, p)
				extend()
				used[p], order = false, order[:len(order)-1]
			}
		}
	}
	extend()
	t.Logf("%d sequences, %d of them without loss of information", tried, equal)
	if tried != 1+9+72+504+3024+15120+60480+181440 || equal < tried/20 {
		t.Errorf("only %d sequences, %d without loss", tried, equal)
	}
	f.Close()
}
