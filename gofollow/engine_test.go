package gofollow

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/memory"
)

// TestOffsetOf is the wrap table: numbers around 0, 2^31 and 2^32 seen from
// every position that a direction may have reached.
func TestOffsetOf(t *testing.T) {
	for _, base := range []seqNum{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1, 0x12345678} {
		for _, at := range []streamOffset{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 5 << 32} {
			d := direction{base: base, next: at}
			for _, delta := range []streamOffset{-1 << 31, -1460, -1, 0, 1, 1460, 1<<31 - 1} {
				if got := d.offsetOf(d.seqAt(at + delta)); got != at+delta {
					t.Errorf("base %#x, next %d: number of %d unwraps to %d", base, at, at+delta, got)
				}
			}
		}
	}
}

// TestOffsetOfFollowsACK: a capture that misses more than 2 GiB twice is still
// unwrapped rightly, because the peer's acknowledgements were seen.
func TestOffsetOfFollowsACK(t *testing.T) {
	d := direction{base: 7, next: 1000}
	for _, at := range []streamOffset{1 << 30, 5 << 29, 4 << 30, 11 << 29} {
		if got := d.offsetOf(d.seqAt(at)); got != at {
			t.Fatalf("number of %d unwraps to %d", at, got)
		}
		d.ack = at
	}
}

// countingAllocator fails the test at a double or foreign Free.
type countingAllocator struct {
	t    *testing.T
	live map[*byte]int
	size int
	most int
}

func (a *countingAllocator) Alloc(n int) []byte {
	b := make([]byte, n)
	a.live[&b[0]] = n
	a.size += n
	a.most = max(a.most, a.size)
	return b
}

func (a *countingAllocator) Free(b []byte) {
	n, ok := a.live[&b[0]]
	if !ok || n != len(b) {
		a.t.Fatalf("Free of %d bytes that were not allocated so", len(b))
	}
	delete(a.live, &b[0])
	a.size -= n
}

// frame builds an Ethernet frame of a segment between 10.x.x.x:sport and 10.0.0.2:80.
func frame(from uint32, sport uint16, back bool, seq, ack uint32, flags decode.Flags, payload []byte) []byte {
	b := make([]byte, 54+len(payload))
	b[12] = 8
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(payload)))
	src, dst, sp, dp := from, uint32(10<<24|2), sport, uint16(80)
	if back {
		src, dst, sp, dp = dst, src, dp, sp
	}
	binary.BigEndian.PutUint32(ip[12:], src)
	binary.BigEndian.PutUint32(ip[16:], dst)
	binary.BigEndian.PutUint16(ip[20:], sp)
	binary.BigEndian.PutUint16(ip[22:], dp)
	binary.BigEndian.PutUint32(ip[24:], seq)
	binary.BigEndian.PutUint32(ip[28:], ack)
	ip[32], ip[33], ip[34] = 0x50, byte(flags), 255
	copy(ip[40:], payload)
	return b
}

// TestMemoryComesBack: whatever the way of the bytes, everything that was
// allocated is free in the end, polled or not.
func TestMemoryComesBack(t *testing.T) {
	for _, polls := range []int{0, 1, 1000} {
		a := &countingAllocator{t: t, live: map[*byte]int{}}
		f, err := New(Config{Allocator: a, Anomalies: true, Overlap: OverlapLast, Limits: Limits{HeldBytes: 5000}})
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(3, 4))
		for i := range 3000 {
			p := Packet{LinkType: LinkEthernet, Time: int64(i) * 1e6,
				Data: frame(10<<24|9, uint16(random.IntN(5)), false, uint32(random.IntN(3000)), 0, decode.ACK, make([]byte, random.IntN(900)))}
			if random.IntN(100) == 0 {
				p.Data = frame(10<<24|9, uint16(random.IntN(5)), false, 200<<20, 0, decode.ACK, []byte("far"))
			}
			if err := f.Feed(&p); err == ErrQueueFull {
				t.Fatal("queue full")
			}
			for n := 0; n < polls && len(f.Poll(1)) > 0; n++ {
			}
		}
		f.Close()
		if len(a.live) != 0 {
			t.Errorf("%d polls a packet: %d blocks, %d bytes are not freed", polls, len(a.live), a.size)
		}
	}
}

// TestNoAllocationInOrder: a packet in order allocates nothing.
func TestNoAllocationInOrder(t *testing.T) {
	f, _ := New(Config{})
	seq := uint32(0)
	feed := func() {
		b := frame(10<<24|9, 1, false, seq, 0, decode.ACK, make([]byte, 100))
		seq += 100
		if err := f.Feed(&Packet{LinkType: LinkEthernet, Data: b}); err != nil {
			t.Fatal(err)
		}
		f.Poll(16)
	}
	for range 100 {
		feed()
	}
	if n := testing.AllocsPerRun(1000, feed); n > 2 { // the frame's own
		t.Errorf("%v allocations a packet", n)
	}
}

// TestManyConnections: a million connections, half open, stay within the
// figures that docs/decisions.md names.
func TestManyConnections(t *testing.T) {
	if size := unsafe.Sizeof(Connection{}); size > 232 {
		t.Errorf("a connection takes %d bytes", size)
	}
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, _ := New(Config{Limits: Limits{Connections: n / 2}})
	for i := range n {
		if err := f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(uint32(11<<24+i), 1, false, 5, 0, decode.SYN, nil)}); err != nil {
			t.Fatal(err)
		}
		for len(f.Poll(64)) > 0 {
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perConn := float64(after.HeapAlloc-before.HeapAlloc) / float64(n/2)
	t.Logf("%d connections of at most %d followed, %.0f bytes each", n, n/2, perConn)
	if s := f.Stats(); s.Connections != n/2 || s.ClosedBy[CloseEvicted] != uint64(n/2) {
		t.Errorf("%d connections, %d evicted, want %d each", s.Connections, s.ClosedBy[CloseEvicted], n/2)
	}
	if perConn > 300 {
		t.Errorf("%.0f bytes a connection", perConn)
	}
	f.Close()
}

// TestHeldBytesAreBounded: a hole with much more behind it than may be held.
func TestHeldBytesAreBounded(t *testing.T) {
	a := &countingAllocator{t: t, live: map[*byte]int{}}
	f, _ := New(Config{Allocator: a, Limits: Limits{HeldBytes: 1 << 20, TotalHeldBytes: 3 << 20}})
	payload := make([]byte, 1400)
	for i := range uint32(40000) {
		port := uint16(i % 8)
		for seq := range uint32(2) { // each connection begins, then misses its second segment
			if i < 8 && seq == 0 {
				f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, port, false, 0, 0, decode.ACK, payload)})
			}
		}
		f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, port, false, 5000+i/8*1400+i/800*1400, 0, decode.ACK, payload)})
		for len(f.Poll(64)) > 0 {
		}
		if s := f.Stats(); s.HeldBytes > 3<<20 {
			t.Fatalf("%d bytes held after packet %d", s.HeldBytes, i)
		}
	}
	t.Logf("at most %d bytes allocated", a.most)
	if a.most > 3<<20+4*memory.BlockSize {
		t.Errorf("%d bytes allocated for 3 MiB of held data", a.most)
	}
	f.Close()
}

// TestSuspectsAreBounded: far segments are held outside of the order, within the
// limit of what is held all the same.
func TestSuspectsAreBounded(t *testing.T) {
	a := &countingAllocator{t: t, live: map[*byte]int{}}
	f, _ := New(Config{Allocator: a, Limits: Limits{TotalHeldBytes: 1 << 20}})
	for i := range uint16(2000) {
		f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, i, false, 0, 0, decode.ACK, []byte("a"))})
		f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, i, false, 200<<20, 0, decode.ACK, make([]byte, 60000))})
		for len(f.Poll(64)) > 0 {
		}
	}
	if a.most > 1<<20+4*memory.BlockSize {
		t.Errorf("%d bytes allocated", a.most)
	}
	f.Close()
	if len(a.live) != 0 {
		t.Errorf("%d blocks are not freed", len(a.live))
	}
}

// TestOverlapsPinNoMemory: segments of which one byte each is kept do not keep the
// rest of their packets alive.
func TestOverlapsPinNoMemory(t *testing.T) {
	for _, policy := range []OverlapPolicy{OverlapFirst, OverlapLast} {
		a := &countingAllocator{t: t, live: map[*byte]int{}}
		f, err := New(Config{Allocator: a, Overlap: policy})
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 34000)
		feed := func(seq uint32, payload []byte) {
			if err := f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(1, 1, false, seq, 0, decode.ACK, payload)}); err != nil {
				t.Fatal(err)
			}
		}
		feed(1, text[:1])
		for i := range 1000 {
			n := 32000 + i // each is one byte longer than the one before, and of that only this byte stays
			if policy == OverlapLast {
				n = 33000 - i // of the one before only the last byte stays
			}
			feed(3, text[:n])
			for len(f.Poll(64)) > 0 {
			}
		}
		if held := f.Stats().HeldBytes; held < 32000 || held > 33000 {
			t.Errorf("policy %d: %d bytes held", policy, held)
		}
		if a.most > 1<<20+4*memory.BlockSize {
			t.Errorf("policy %d: %d bytes allocated", policy, a.most)
		}
		f.Close()
	}
}

// TestManySegments: the counters of a direction go on where 32 bits end.
func TestManySegments(t *testing.T) {
	f, _ := New(Config{})
	defer f.Close()
	feed := func(i uint32) {
		if err := f.Feed(&Packet{LinkType: LinkEthernet, Time: 1, Data: frame(10<<24|9, 1, false, i, 0, decode.ACK, []byte("x"))}); err != nil {
			t.Fatal(err)
		}
	}
	feed(0)
	d := &f.conns.at(0).dirs[0]
	if d.packets == 0 {
		d = &f.conns.at(0).dirs[1]
	}
	d.packets, d.dataPackets = 1<<32-2, 1<<32-2
	for i := range uint32(3) {
		feed(1 + i)
	}
	n := f.conns.at(0).Counters(ClientToServer)
	if n.Packets == 0 {
		n = f.conns.at(0).Counters(ServerToClient)
	}
	if n.Packets != 1<<32+1 || n.DataPackets != 1<<32+1 {
		t.Errorf("%d segments, %d with payload, want %d", n.Packets, n.DataPackets, 1<<32+1)
	}
}
