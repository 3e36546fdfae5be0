package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// streams lists what each endpoint sent: data and gaps, sorted.
func (r *result) streams() (list []string) {
	for _, c := range r.conversations {
		for d, ends := range [2][2]netip.AddrPort{{c.client, c.server}, {c.server, c.client}} {
			s := &c.streams[d]
			list = append(list, fmt.Sprintf("%v>%v %d bytes %08x gaps %v", ends[0], ends[1], len(s.data), crc32.ChecksumIEEE(s.data), s.gaps))
		}
	}
	slices.Sort(list)
	return list
}

// sameLines reports the first line in which got differs from want.
func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%s: line %d is\n\t%s\nwant\n\t%s", what, i+1, g, w)
			return
		}
	}
}

// TestChanged changes random captures in ways that must not matter.
func TestChanged(t *testing.T) {
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		config := gofollow.Config{Anomalies: true}
		packets := w.packets(t, nil)
		base := follow(t, config, packets)

		copies := slices.Clone(packets)
		for range 1 + random.IntN(4) {
			i := random.IntN(len(copies))
			copies = slices.Insert(copies, i, copies[i])
		}
		sameLines(t, "some packets twice", follow(t, config, copies).streams(), base.streams())

		add := [2]uint32{random.Uint32(), random.Uint32()}
		shifted := w.packets(t, func(p *sent, s *segment) {
			s.seq += add[p.side]
			if p.has("A") {
				s.ack += add[1-p.side]
			}
		})
		sameLines(t, fmt.Sprintf("all numbers shifted by %d", add), follow(t, config, shifted).log, base.log)

		dressed := w.packets(t, func(_ *sent, s *segment) {
			s.vlan = uint16(random.IntN(4))
			s.trailer = make([]byte, random.IntN(30))
			for i := range s.trailer {
				s.trailer[i] = byte(random.Uint32())
			}
		})
		sameLines(t, "VLAN tags and trailers", follow(t, config, dressed).log, base.log)

		mirrored := w.packets(t, func(_ *sent, s *segment) { s.src, s.dst = s.dst, s.src })
		var pairs []string // endpoints, both ways
		for _, c := range w.talks {
			a, b := fmt.Sprint(c.ends[0]), fmt.Sprint(c.ends[1])
			pairs = append(pairs, a+">"+b, b+">"+a, b+">"+a, a+">"+b)
		}
		swap := strings.NewReplacer(pairs...)
		want := base.streams()
		for i := range want {
			want[i] = swap.Replace(want[i])
		}
		slices.Sort(want)
		sameLines(t, "mirrored", follow(t, config, mirrored).streams(), want)

		cut := random.IntN(len(packets))
		part := follow(t, config, packets[:cut])
		if part.unflushed > base.unflushed {
			t.Errorf("cut after packet %d: more events than the whole has", cut)
		} else {
			sameLines(t, fmt.Sprintf("cut after packet %d", cut), part.log[:part.unflushed], base.log[:part.unflushed])
		}
	})
}

// TestCut feeds the same packets in other portions: the event log is the same.
func TestCut(t *testing.T) {
	worlds(t, *runs/10, func(t *testing.T, _ *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		config := gofollow.Config{Anomalies: true}
		want := follow(t, config, packets).log
		for _, n := range []int{7, 256} {
			sameLines(t, fmt.Sprintf("in batches of %d", n), followBatches(t, config, packets, n).log, want)
		}
		capture := pcapOf(packets)
		for _, n := range []int{13, 4096} {
			sameLines(t, fmt.Sprintf("as a capture in pieces of %d", n), followCapture(t, config, capture, n).log, want)
		}
		config.Limits.QueuedEvents = 1
		sameLines(t, "with a queue for one event", followBatches(t, config, packets, 256).log, want)
		sameLines(t, "as a capture with a queue for one event", followCapture(t, config, capture, 4096).log, want)
	})
}

// followBatches feeds packets n at a time and polls only where it has to.
func followBatches(t testing.TB, config gofollow.Config, packets []gofollow.Packet, n int) *result {
	t.Helper()
	f, r := newFollower(t, config), &result{}
	for batch := range slices.Chunk(packets, n) {
		r.untilTaken(t, f, func() error {
			taken, err := f.FeedBatch(batch)
			if err == nil && taken != len(batch) {
				t.Fatalf("FeedBatch took %d of %d packets without an error", taken, len(batch))
			}
			batch = batch[taken:]
			return err
		})
	}
	return r.finish(t, f)
}

// followCapture feeds the bytes of a capture n at a time, all of them within a
// buffer that is used again, and polls only where it has to.
func followCapture(t testing.TB, config gofollow.Config, capture []byte, n int) *result {
	t.Helper()
	f, r := newFollower(t, config), &result{}
	buffer := make([]byte, n)
	for piece := range slices.Chunk(capture, n) {
		rest := buffer[:copy(buffer, piece)]
		r.untilTaken(t, f, func() error {
			taken, err := f.FeedCapture(rest)
			if err == nil && taken != len(rest) {
				t.Fatalf("FeedCapture took %d of %d bytes without an error", taken, len(rest))
			}
			rest = rest[taken:]
			return err
		})
		clear(buffer)
	}
	r.untilTaken(t, f, f.EndCapture)
	return r.finish(t, f)
}

// pcapOf writes packets as a pcap file with nanoseconds.
func pcapOf(packets []gofollow.Packet) []byte {
	var b bytes.Buffer
	put := func(numbers ...uint32) {
		for _, n := range numbers {
			b.Write(binary.LittleEndian.AppendUint32(nil, n))
		}
	}
	put(0xa1b23c4d, 2|4<<16, 0, 0, 1<<18, uint32(packets[0].LinkType))
	for _, p := range packets {
		put(uint32(p.Time/1e9), uint32(p.Time%1e9), uint32(len(p.Data)), uint32(max(p.WireLen, len(p.Data))))
		b.Write(p.Data)
	}
	return b.Bytes()
}
