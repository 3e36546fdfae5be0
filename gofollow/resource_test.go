package gofollow

import (
	"encoding/binary"
	"slices"
	"testing"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
)

// feeder feeds segments of one conversation, from 10.0.0.9:1 to 10.0.0.2:80, and
// counts what comes out of its client.
type feeder struct {
	testing.TB
	f         *Follower
	delivered int64
	gaps      []GapReason
	anomalies int
}

func (d *feeder) feed(time int64, seq uint32, payload []byte) {
	d.Helper()
	p := Packet{LinkType: LinkEthernet, Time: time, Data: frame(10<<24|9, 1, false, seq, 0, decode.ACK, payload)}
	d.feedPacket(&p)
}

func (d *feeder) feedPacket(p *Packet) {
	d.Helper()
	if err := d.f.Feed(p); err != nil {
		d.Fatal(err)
	}
	d.poll()
	if s, l := d.f.Stats(), &d.f.config.Limits; s.HeldBytes > l.TotalHeldBytes || d.f.holders.total.Ranges > max(l.HeldSegments, int(l.TotalHeldBytes/heldRangeBytes)) {
		d.Fatalf("%d bytes in %d ranges are held", s.HeldBytes, d.f.holders.total.Ranges)
	}
}

func (d *feeder) poll() {
	for events := d.f.Poll(256); len(events) > 0; events = d.f.Poll(256) {
		for _, e := range events {
			switch e.Kind {
			case Data:
				d.delivered += e.Length
			case Gap:
				d.gaps = append(d.gaps, e.GapReason)
			case Anomaly:
				d.anomalies++
			}
		}
	}
}

func (d *feeder) finish() {
	d.Helper()
	if err := d.f.Flush(); err != nil {
		d.Fatal(err)
	}
	d.poll()
	d.f.Close()
}

// TestOneHole: one segment is missing, and a gigabyte comes behind it. What is held
// stays at the limit, in memory that was allocated, too, and one hole is one gap.
func TestOneHole(t *testing.T) {
	segments := 1 << 14
	if testing.Short() {
		segments = 1 << 10
	}
	a := &countingAllocator{t: t, live: map[*byte]int{}}
	f, _ := New(Config{Allocator: a})
	d := &feeder{TB: t, f: f}
	payload := make([]byte, 65000)
	d.feed(1, 0, payload)
	p := Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, 1, false, 0, 0, decode.ACK, payload)}
	for i := range segments {
		binary.BigEndian.PutUint32(p.Data[14+20+4:], uint32((i+2)*len(payload)))
		d.feedPacket(&p)
		if held := f.Stats().HeldBytes; held > 16<<20 {
			t.Fatalf("%d bytes are held after segment %d", held, i)
		}
	}
	d.finish()
	if want := int64(segments+1) * int64(len(payload)); d.delivered != want || !slices.Equal(d.gaps, []GapReason{GapLimit}) {
		t.Errorf("%d bytes and gaps %v, want %d and one by limit", d.delivered, d.gaps, want)
	}
	if t.Logf("%d MiB behind the hole, at most %d KiB allocated", d.delivered>>20, a.most>>10); a.most > 16<<20+4*memory.BlockSize {
		t.Errorf("%d bytes were allocated", a.most)
	}
}

// TestBackwards: single bytes, every second one, each below the one before.
func TestBackwards(t *testing.T) {
	const n = 50_000
	f, _ := New(Config{})
	d := &feeder{TB: t, f: f}
	d.feed(1, 0, []byte("a"))
	for i := range uint32(n) {
		d.feed(1, 2*n-2*i, []byte("b"))
		if r := f.conns.at(0).dirs[1].reassembly; r.held.Len() > 16384 || f.holders.total.Ranges != r.held.Len() {
			t.Fatalf("%d ranges are held, %d counted", r.held.Len(), f.holders.total.Ranges)
		}
	}
	d.finish()
	// At the limit the lowest hole goes, and all bytes below it come too late.
	if d.delivered != 1+16384+1 || len(d.gaps) != 16384+1 || d.gaps[0] != GapLimit || d.gaps[1] != GapClose {
		t.Errorf("%d bytes, %d gaps", d.delivered, len(d.gaps))
	}
}

// TestConflictingCopies: a thousand copies of held bytes, no two the same, take no more
// memory than one, under every policy.
func TestConflictingCopies(t *testing.T) {
	for policy := range overlapPolicies {
		a := &countingAllocator{t: t, live: map[*byte]int{}}
		f, _ := New(Config{Allocator: a, Overlap: policy, Anomalies: true})
		d := &feeder{TB: t, f: f}
		d.feed(1, 0, []byte("a"))
		for i := range 1000 {
			d.feed(1, 2, slices.Repeat([]byte{byte(i), byte(i >> 8)}, 500))
		}
		if held := f.Stats().HeldBytes; held != 1000 || a.most > memory.BlockSize+10_000 || d.anomalies != 999 {
			t.Errorf("policy %d: %d bytes are held, at most %d allocated, %d anomalies", policy, held, a.most, d.anomalies)
		}
		if d.finish(); d.delivered != 1001 {
			t.Errorf("policy %d: %d bytes", policy, d.delivered)
		}
	}
}

// TestRangesAreBounded: the shortest ranges, of many connections, cannot take more
// memory than the limit of all held bytes allows for.
func TestRangesAreBounded(t *testing.T) {
	for _, cut := range []bool{false, true} {
		f, _ := New(Config{Limits: Limits{TotalHeldBytes: 1 << 20, HeldSegments: 100}})
		d := &feeder{TB: t, f: f}
		most := 0
		for i := range uint32(40_000) {
			port := uint16(i % 100)
			p := Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, port, false, i/100*2, 0, decode.ACK, []byte("b"))}
			if i < 100 {
				p.Data = frame(10<<24|9, port, false, 0, 0, decode.ACK, []byte("ab"))
			} else if p.WireLen = len(p.Data); cut {
				p.Data = p.Data[:54]
			}
			binary.BigEndian.PutUint32(p.Data[14+20+4:], i/100*3)
			d.feedPacket(&p)
			most = max(most, f.holders.total.Ranges)
		}
		if most != 1<<20/heldRangeBytes {
			t.Errorf("at most %d ranges were held", most)
		}
		d.finish()
		if f.holders.total.Ranges != 0 || len(f.holders.heap) != 0 {
			t.Errorf("%d ranges are held at the end", f.holders.total.Ranges)
		}
	}
}

// TestDeadlinesAreBounded: connections that end with a hole leave no more deadlines
// behind than there may be of open ones, although none of these is due yet.
func TestDeadlinesAreBounded(t *testing.T) {
	f, _ := New(Config{Limits: Limits{Connections: 10}})
	d := &feeder{TB: t, f: f}
	most := 0
	for i := range uint32(10_000) {
		for _, seq := range []uint32{0, 2} {
			d.feedPacket(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, uint16(i), false, seq, 0, decode.ACK, []byte("a"))})
		}
		most = max(most, f.holes.Len())
	}
	if most > 2*10+1024+1 {
		t.Errorf("at most %d deadlines for 10 connections", most)
	}
	d.finish()
}

// BenchmarkAdversary is what a packet costs that is made to cost much: 60,000 packets
// of one byte each.
func BenchmarkAdversary(b *testing.B) {
	const n, second = 60_000, int64(1e9)
	for _, attack := range []struct {
		name   string
		packet func(i int) (time int64, seq int)
	}{
		{"in order", func(i int) (int64, int) { return 0, i }},
		{"backwards", func(i int) (int64, int) { return 0, 1<<20 - 2*i }},
		{"at the limit, lowest", func(i int) (int64, int) { return 0, []int{1<<26 + 2*i, 10 + 2*i}[i/16384%2] }},
		{"at the limit, middle", func(i int) (int64, int) { return 0, 1<<20 + []int{2 * i, -2 * i}[i%2] }},
		{"ageing one by one", func(i int) (int64, int) { return int64(i) * second / 5000, 10 + 2*i }},
	} {
		b.Run(attack.name, func(b *testing.B) {
			for b.Loop() {
				f, _ := New(Config{})
				d := &feeder{TB: b, f: f}
				d.feed(0, 0, []byte("a"))
				for i := range n {
					at, seq := attack.packet(1 + i)
					d.feed(at, uint32(seq), []byte("b"))
				}
				f.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/packet")
			b.ReportMetric(0, "ns/op")
		})
	}
}
