package gofollow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gofollow/gofollow/internal/decode"
)

// outage is an allocator of which the calls (from, until] fail.
type outage struct {
	countingAllocator
	calls, from, until int
}

func (a *outage) Alloc(n int) []byte {
	if a.calls++; a.calls > a.from && a.calls <= a.until {
		return nil
	}
	return a.countingAllocator.Alloc(n)
}

// everyCopy returns packets of which the payload is copied in every way there is: delivered, held,
// suspected, in conflict, set aside with a SYN, in fragments.
func everyCopy() (packets []Packet) {
	random := rand.New(rand.NewPCG(16, 4))
	text := make([]byte, 30_000)
	for i := range text {
		text[i] = byte(random.IntN(3))
	}
	feed := func(b []byte) {
		packets = append(packets, Packet{LinkType: LinkEthernet, Time: int64(len(packets)+1) * 1e6, Data: b, WireLen: len(b)})
	}
	for i := range 150 {
		port, back := uint16(random.IntN(4)), random.IntN(4) == 0
		n := random.IntN([]int{100, 3000, 30_000}[random.IntN(3)])
		seq, payload := uint32(random.IntN(40_000)), text[random.IntN(len(text)-n+1):][:n]
		b := frame(10<<24|9, port, back, seq, uint32(random.IntN(1000)), decode.ACK, payload)
		switch random.IntN(12) {
		case 0:
			feed(frame(10<<24|9, port, back, 200<<20+uint32(n), 0, decode.ACK, text[:100+n/10]))
		case 1:
			feed(frame(10<<24|9, port, false, uint32(i), 0, decode.SYN, text[:n/2]))
		case 2:
			if n > 100 {
				binary.BigEndian.PutUint16(b[14+4:], uint16(i))
				first, second := bytes.Clone(b[:14+20+64]), append(bytes.Clone(b[:34]), b[34+64:]...)
				binary.BigEndian.PutUint16(first[14+2:], 20+64)
				binary.BigEndian.PutUint16(first[14+6:], 0x2000)
				binary.BigEndian.PutUint16(second[14+2:], uint16(len(second)-14))
				binary.BigEndian.PutUint16(second[14+6:], 64/8)
				feed(second)
				feed(first)
			}
		default:
			b[14+20+13] |= byte(decode.URG) * byte(random.IntN(2))
			binary.BigEndian.PutUint16(b[14+20+18:], uint16(n/2))
			feed(b)
		}
	}
	return packets
}

// memoryRun is what became of packets whose follower ran out of memory on the way.
type memoryRun struct {
	*testing.T
	f       *Follower
	a       *outage
	log     []string
	refused int
	open    map[uint64]int64 // connections that are not closed: what of both directions was told
	forever bool             // the memory does not come back
}

func (r *memoryRun) poll() {
	for events := r.f.Poll(100); len(events) > 0; events = r.f.Poll(100) {
		for i := range events {
			e := &events[i]
			if e.Kind == Anomaly && e.AnomalyKind == AnomalyOverlapConflict {
				if e.Bytes != nil && int64(len(e.Bytes)) != 2*e.Length {
					r.Fatalf("a conflict of %d bytes has %d", e.Length, len(e.Bytes))
				}
				e.Bytes = nil
			}
			r.log = append(r.log, string(e.AppendLog(nil)))
			switch id := e.Conn.ID(); e.Kind {
			case Opened:
				r.open[id] = 0
			case Closed:
				delete(r.open, id)
			default:
				if _, ok := r.open[id]; !ok {
					r.Fatalf("not of an open connection: %s", r.log[len(r.log)-1])
				}
			}
		}
	}
}

// through calls feed until it takes everything, or once it is out of memory for good.
func (r *memoryRun) through(feed func() error) bool {
	for {
		packets := r.f.Stats().Packets
		err := feed()
		switch {
		case err == nil:
			return true
		case errors.Is(err, ErrQueueFull), errors.Is(err, ErrMore):
		case errors.Is(err, ErrNoMemory):
			r.refused++
			if r.forever {
				return false
			}
			if r.refused > 1000 {
				r.Fatalf("refused %d times, %d packets taken", r.refused, packets)
			}
		default:
			r.Fatal(err)
		}
		r.poll()
	}
}

// TestNoMemory: whichever call of the allocator fails, and those behind it, the packet under way is
// refused, and taken when there is memory again: the events are the same. Where it does not come
// back, what was followed is polled, and the connections end. All memory is given back.
func TestNoMemory(t *testing.T) {
	packets := everyCopy()
	var file bytes.Buffer
	file.Write([]byte("\x4d\x3c\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00\x00"))
	for _, p := range packets {
		var header []byte
		for _, n := range []uint32{0, uint32(p.Time), uint32(len(p.Data)), uint32(len(p.Data))} {
			header = binary.LittleEndian.AppendUint32(header, n)
		}
		file.Write(append(header, p.Data...))
	}
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		name string
		feed func(r *memoryRun) bool
	}{
		{"Feed", func(r *memoryRun) bool {
			for i := range packets {
				if !r.through(func() error { return r.f.Feed(&packets[i]) }) {
					return false
				}
				if i%40 == 0 {
					r.poll()
				}
			}
			return true
		}},
		{"FeedCapture", func(r *memoryRun) bool {
			for rest := file.Bytes(); len(rest) > 0; {
				piece := rest[:min(len(rest), 300_000)]
				if !r.through(func() error {
					n, err := r.f.FeedCapture(piece)
					piece, rest = piece[n:], rest[n:]
					return err
				}) {
					return false
				}
			}
			return r.through(r.f.EndCapture)
		}},
		{"ReadFile", func(r *memoryRun) bool {
			if !r.through(func() error { return r.f.OpenFile(path) }) {
				return false
			}
			for end := false; !end; {
				if !r.through(func() error {
					progress, err := r.f.ReadFile(0)
					end = progress.End
					return err
				}) {
					return false
				}
				r.poll()
			}
			return true
		}},
	}
	for _, way := range ways {
		run := func(from, until int, forever bool) *memoryRun {
			a := &outage{countingAllocator{t: t, live: map[*byte]int{}}, 0, from, until}
			f, err := New(Config{Allocator: a, Anomalies: true, Urgent: UrgentOOB, Overlap: OverlapLast, Limits: Limits{QueuedBytes: 1 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			r := &memoryRun{T: t, f: f, a: a, open: map[uint64]int64{}, forever: forever}
			way.feed(r)
			r.poll()
			for f.Flush() == ErrQueueFull {
				r.poll()
			}
			if r.poll(); len(r.open) > 0 || f.Stats().Connections > 0 || f.Stats().HeldBytes > 0 {
				t.Errorf("%d connections are open in the end, %+v", len(r.open), f.Stats())
			}
			if f.Close(); len(a.live) > 0 {
				t.Errorf("%d blocks are not freed", len(a.live))
			}
			return r
		}
		want := run(0, 0, false)
		refused, tried := 0, 0
		for from := 0; from < want.a.calls; from++ {
			if testing.Short() && from%9 != 0 {
				continue
			}
			tried++
			for _, length := range []int{1, 2, 100} {
				got := run(from, from+length, false)
				if !slices.Equal(got.log, want.log) {
					t.Errorf("%s, %d allocations fail from %d on: other events", way.name, length, from)
				}
			}
			got := run(from, 1<<60, true)
			refused += got.refused
			if t.Failed() {
				t.Fatalf("%s, allocations fail from %d on", way.name, from)
			}
		}
		t.Logf("%s: %d allocations; without those from one on a packet was refused in %d of %d runs", way.name, want.a.calls, refused, tried)
		if refused == 0 {
			t.Errorf("%s: no packet was ever refused", way.name)
		}
	}
}

// TestFollowEndsWithoutMemory: following a whole file ends where memory does.
func TestFollowEndsWithoutMemory(t *testing.T) {
	var file bytes.Buffer
	file.WriteString("\x4d\x3c\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00\x00")
	for i := range 3000 {
		b := frame(10<<24|9, uint16(i%7), false, uint32(i*1000), 0, decode.ACK, make([]byte, 900))
		header := make([]byte, 16)
		binary.LittleEndian.PutUint32(header[8:], uint32(len(b)))
		binary.LittleEndian.PutUint32(header[12:], uint32(len(b)))
		file.Write(append(header, b...))
	}
	for from := range 40 {
		a := &outage{countingAllocator{t: t, live: map[*byte]int{}}, 0, from, 1 << 60}
		opened, closed := 0, 0
		var fault error
		for e, err := range Follow(bytes.NewReader(file.Bytes()), Config{Allocator: a}) {
			switch {
			case err != nil:
				fault = err
			case e.Kind == Opened:
				opened++
			case e.Kind == Closed:
				closed++
			}
		}
		if opened != closed || len(a.live) > 0 || (fault != nil && !errors.Is(fault, ErrNoMemory)) || (from == 0 && fault == nil) {
			t.Errorf("from allocation %d on: %v, %d connections, %d closed, %d blocks are not freed", from, fault, opened, closed, len(a.live))
		}
	}
}
