package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// streams lists what each endpoint sent: data and gaps, sorted.
func (r *result) streams() (list []string) {
	for _, c := range r.conversations {
		for d, ends := range [2][2]netip.AddrPort{{c.client, c.server}, {c.server, c.client}} {
			s := &c.streams[d]
			list = append(list, streamLine(ends[0], ends[1], s.data, s.gaps))
		}
	}
	slices.Sort(list)
	return list
}

func streamLine(from, to netip.AddrPort, data []byte, gaps []span) string {
	return fmt.Sprintf("%v>%v %d bytes %08x gaps %v", from, to, len(data), crc32.ChecksumIEEE(data), gaps)
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
			if s.noLength {
				return
			}
			s.trailer = make([]byte, random.IntN(30))
			for i := range s.trailer {
				s.trailer[i] = byte(random.Uint32())
			}
		})
		sameLines(t, "VLAN tags and trailers", follow(t, config, dressed).log, base.log)

		marked := w.packets(t, func(_ *sent, s *segment) { s.flags += "U" })
		sameLines(t, "URG flags that point nowhere, which keep segments off the short cut", follow(t, config, marked).log, base.log)

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

// lines gives each connection's event log, without its id and with what stands for
// the number of a packet, sorted by endpoints and time of opening.
func (r *result) lines() (logs []string) {
	logs = make([]string, len(r.conversations))
	for _, line := range r.log {
		kind, rest, _ := strings.Cut(line, " ")
		number, rest, _ := strings.Cut(rest, " ")
		id, err := strconv.Atoi(number)
		if err != nil || id >= len(logs) {
			return []string{"not an event: " + line}
		}
		at := strings.LastIndex(rest, " packet=")
		if at >= 0 && !strings.HasPrefix(rest[at:], " packet=0") {
			rest = rest[:at] + strings.TrimLeft(rest[at+len(" packet="):], "0123456789")
		}
		c := r.conversations[id]
		logs[id] += fmt.Sprintf("%v>%v %s %s\n", c.client, c.server, kind, rest)
	}
	sortByEnds(logs)
	return logs
}

func sortByEnds(logs []string) {
	slices.SortStableFunc(logs, func(a, b string) int {
		endsA, _, _ := strings.Cut(a, " ")
		endsB, _, _ := strings.Cut(b, " ")
		return strings.Compare(endsA, endsB)
	})
}

// TestSharded follows each conversation of a capture alone, pauses in it long
// enough for every time-out but that of an hour: its events are those that it has
// among the others.
func TestSharded(t *testing.T) {
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		now := int64(1e18)
		for i := range packets {
			now += []int64{1e4, 1e5, 1e7, 1e9, 1e11}[min(4, random.IntN(6)*random.IntN(6)/5)] * int64(random.IntN(10))
			packets[i].Time = now
		}
		config := gofollow.Config{Anomalies: true}
		whole := follow(t, config, packets).lines()
		var parts []string
		done := map[[2]netip.AddrPort]bool{}
		for _, c := range w.talks {
			if done[c.ends] {
				continue
			}
			done[c.ends] = true
			var part []gofollow.Packet
			for i, p := range w.captured {
				if p.talk.ends == c.ends {
					part = append(part, packets[i])
				}
			}
			f, r := newFollower(t, config), &result{}
			if _, err := f.FeedBatch(part); err != nil {
				t.Fatal(err)
			}
			r.untilTaken(t, f, func() error { return f.AdvanceTime(now) })
			parts = append(parts, r.finish(t, f).lines()...)
		}
		sortByEnds(parts)
		sameLines(t, "each conversation alone", parts, whole)
	})
}

// TestSwapped swaps neighbours of different conversations.
func TestSwapped(t *testing.T) {
	worlds(t, *runs/8, func(t *testing.T, random *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		want := follow(t, gofollow.Config{Anomalies: true}, packets).lines()
		for i := 1; i < len(packets); i++ {
			if w.captured[i].talk.ends != w.captured[i-1].talk.ends && random.IntN(2) == 0 {
				packets[i], packets[i-1] = packets[i-1], packets[i]
				i++
			}
		}
		sameLines(t, "neighbours swapped", follow(t, gofollow.Config{Anomalies: true}, packets).lines(), want)
	})
}

// TestDropped leaves one segment with data out of each random capture: what was in no
// other is a gap, the rest is as it was.
func TestDropped(t *testing.T) {
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		drop := random.IntN(len(w.captured))
		if p := w.captured[drop]; len(p.payload) == 0 || p.has("S") || p.has("R") || p.pause > 0 {
			return
		}
		w.captured = slices.Delete(w.captured, drop, drop+1)
		packets := w.packets(t, nil)
		w.compare(t, follow(t, gofollow.Config{}, packets), reassemble(packets), map[string]int{})
	})
}

// continuedBy reports whether a segment with data is continued by the one captured next, as
// if they had been one.
func (p *sent) continuedBy(next *sent) bool {
	plain := func(p *sent) bool { return len(p.payload) > 0 && !p.has("S") && !p.has("R") }
	return p.talk == next.talk && p.side == next.side && plain(p) && plain(next) && p.offset+int64(len(p.payload)) == next.offset &&
		p.cut == 0 && !p.has("F") && next.pause == 0
}

// TestSplit splits segments in two, and merges neighbours that continue each other:
// the bytes and gaps are the same.
func TestSplit(t *testing.T) {
	worlds(t, *runs/8, func(t *testing.T, random *rand.Rand, w *world) {
		want := follow(t, gofollow.Config{}, w.packets(t, nil)).streams()
		split, merged := &world{talks: w.talks}, &world{talks: w.talks}
		for _, p := range w.captured {
			if n := len(p.payload); n > 1 && p.cut == 0 && !p.has("R") && random.IntN(2) == 0 {
				at := 1 + random.IntN(n-1)
				head, tail := *p, *p
				head.noLength, tail.noLength, tail.pause = false, false, 0
				head.payload, head.flags = p.payload[:at], strings.Trim(p.flags, "F")
				tail.payload, tail.flags, tail.offset = p.payload[at:], strings.Trim(p.flags, "S"), p.offset+int64(at)
				if tail.flags == "" {
					tail.flags = "A"
				}
				split.captured = append(split.captured, &head, &tail)
			} else {
				split.captured = append(split.captured, p)
			}
			last := len(merged.captured) - 1
			if last >= 0 && random.IntN(2) == 0 {
				q := merged.captured[last]
				if q.continuedBy(p) {
					both := *p
					both.offset, both.payload, both.pause = q.offset, slices.Concat(q.payload, p.payload), q.pause
					merged.captured[last] = &both
					continue
				}
			}
			merged.captured = append(merged.captured, p)
		}
		sameLines(t, "segments split", follow(t, gofollow.Config{}, split.packets(t, nil)).streams(), want)
		sameLines(t, "segments merged", follow(t, gofollow.Config{}, merged.packets(t, nil)).streams(), want)
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
