package main

import (
	"strings"
	"sync"
	"testing"

	"gofollow/gofollow"
)

// faulty panics when it is asked for memory for the second time.
type faulty struct {
	*cMemory
	left int
}

func (m *faulty) Alloc(n int) []byte {
	if m.left--; m.left < 0 {
		panic("out of luck")
	}
	return m.cMemory.Alloc(n)
}

func mustCreate(t *testing.T, config gofollow.Config) uint64 {
	t.Helper()
	id, code, _ := create(config)
	if code != 0 || id == 0 {
		t.Fatalf("create: number %d, code %d", id, code)
	}
	return id
}

func flush(id uint64) int32 {
	return use(id, func(h *handle) (int, error) { return 0, h.follower.Flush() })
}

func TestHandlesAreNeverReused(t *testing.T) {
	first := mustCreate(t, gofollow.Config{})
	if code := destroy(first); code != 0 {
		t.Fatalf("destroy: %d", code)
	}
	second := mustCreate(t, gofollow.Config{})
	if second <= first {
		t.Errorf("number %d came after %d", second, first)
	}
	if code := flush(first); code != errHandle {
		t.Errorf("a destroyed handle gives %d", code)
	}
	if code := destroy(first); code != errHandle {
		t.Errorf("destroying twice gives %d", code)
	}
	destroy(second)
	if len(table.live) != 0 {
		t.Errorf("%d handles are left in the table", len(table.live))
	}
}

func TestOverlappingCallsAreBusy(t *testing.T) {
	id := mustCreate(t, gofollow.Config{})
	inside, leave := make(chan bool), make(chan bool)
	var calls sync.WaitGroup
	calls.Add(1)
	go func() {
		defer calls.Done()
		use(id, func(*handle) (int, error) { inside <- true; <-leave; return 0, nil })
	}()
	<-inside
	if code := flush(id); code != errBusy {
		t.Errorf("an overlapping call gives %d", code)
	}
	if code := destroy(id); code != errBusy {
		t.Errorf("an overlapping destroy gives %d", code)
	}
	leave <- true
	calls.Wait()
	if code := destroy(id); code != 0 {
		t.Errorf("destroy afterwards gives %d", code)
	}
}

// TestPanicPoisonsOneHandle lets the engine panic in the middle of a packet.
func TestPanicPoisonsOneHandle(t *testing.T) {
	memory := &faulty{cMemory: newCMemory()}
	id, sound := mustCreate(t, gofollow.Config{Allocator: memory}), mustCreate(t, gofollow.Config{})
	table.get(id).memory = memory.cMemory
	capture := []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\xe4\x00\x00\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x2c\x00\x00\x00" +
		"\x45\x00\x00\x2c\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
		"\x03\xe8\x00\x50\x00\x00\x00\x64\x00\x00\x00\x64\x50\x10\x00\xff\x00\x00\x00\x00data")
	code := use(id, func(h *handle) (int, error) { return h.follower.FeedCapture(capture) })
	if code != errInternal {
		t.Fatalf("a panic gives %d", code)
	}
	if message := table.get(id).lastError(); !strings.Contains(message, "out of luck") || strings.Contains(message, "\n") {
		t.Errorf("the message is %q", message)
	}
	if code := flush(id); code != errInternal {
		t.Errorf("the next call gives %d", code)
	}
	if code := flush(sound); code != 0 {
		t.Errorf("another handle gives %d", code)
	}
	if code := destroy(id); code != 0 {
		t.Errorf("destroy gives %d", code)
	}
	if len(memory.live) != 0 {
		t.Errorf("%d blocks are left", len(memory.live))
	}
	destroy(sound)
}

func TestFreeingTwicePanics(t *testing.T) {
	m := newCMemory()
	b := m.Alloc(10)
	m.Free(b)
	defer func() {
		if recover() == nil {
			t.Error("a second Free went through")
		}
	}()
	m.Free(b)
}

// TestMemoryIsGivenBack checks that a follower that is destroyed in the middle
// leaves nothing allocated, without the list of what is.
func TestMemoryIsGivenBack(t *testing.T) {
	id := mustCreate(t, gofollow.Config{})
	h := table.get(id)
	use(id, func(h *handle) (int, error) { return 0, h.follower.OpenFile("../tests/data/lossy.pcap") })
	code := use(id, func(h *handle) (int, error) {
		_, err := h.follower.ReadFile(20)
		return h.follower.Waiting(), err
	})
	if code <= 0 || len(h.memory.live) == 0 {
		t.Fatalf("reading gives %d, %d blocks are in use", code, len(h.memory.live))
	}
	h.follower.Close()
	if len(h.memory.live) != 0 {
		t.Errorf("%d blocks are left", len(h.memory.live))
	}
	destroy(id)
}

func BenchmarkPollConversion(b *testing.B) {
	f, err := gofollow.New(gofollow.Config{Allocator: newCMemory()})
	if err != nil {
		b.Fatal(err)
	}
	if err := f.OpenFile("../tests/data/http_download.pcap"); err != nil {
		b.Fatal(err)
	}
	if _, err := f.ReadFile(0); err != nil {
		b.Fatal(err)
	}
	events := f.Poll(256)
	out := make([]cEvent, len(events))
	var s facts
	for b.Loop() {
		s.events(out, events, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	s.free()
	f.Close()
}
