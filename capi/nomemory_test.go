package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"gofollow/gofollow"
)

// tagged builds a frame of a VLAN with a segment from 10.0.0.1:port to 10.0.0.2:80.
func tagged(vlan, port uint16, seq uint32, flags byte, payload string) []byte {
	b := make([]byte, 58, 58+len(payload))
	b[12], b[13], b[16] = 0x81, 0, 8
	binary.BigEndian.PutUint16(b[14:], vlan)
	ip := b[18:]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(payload)))
	copy(ip[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(ip[20:], port)
	ip[23] = 80
	binary.BigEndian.PutUint32(ip[24:], seq)
	ip[32], ip[33], ip[34] = 0x50, flags, 255
	return append(b, payload...)
}

// TestNoMemory: whichever allocation of C memory fails, and those behind it, a call says so, and what
// it did not take comes with the next one: the events are the same. Where memory does not come back,
// the handle is destroyed. Nothing leaks.
func TestNoMemory(t *testing.T) {
	const ack, rst = 0x10, 0x14
	var packets []gofollow.Packet
	for i := range 2500 {
		at := uint16(i % 1300)
		b := tagged(at%700, at, uint32(i/1300*5+i%3), ack, "hello")
		if i%5 == 4 {
			b = tagged(at%700, at, uint32(i/1300*5), rst, "go away")
		}
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: int64(i) * 1e7, Data: b})
	}
	real := allocate
	defer func() { allocate = real }()
	calls, from, until := 0, 0, 0
	allocate = func(n int) unsafe.Pointer {
		if calls++; calls > from && calls <= until {
			return nil
		}
		return real(n)
	}
	run := func(first, last int) (log []string, refused int) {
		calls, from, until = 0, first, last
		id := mustCreate(t, gofollow.Config{Separate: gofollow.SeparateVLAN, Limits: gofollow.Limits{HeldSegments: 2}})
		out := make([]cEvent, 100)
		tries := 100
		if last-first > 1<<32 { // the memory does not come back
			tries = 2
		}
		poll := func() {
			for failed := 0; failed < tries; {
				n := use(id, func(h *handle) (int, error) { return h.pollInto(&out[0], len(out)) })
				switch {
				case n == errMemory:
					failed++
					refused++
					continue
				case n < 0:
					t.Fatalf("poll: %d", n)
				case n == 0:
					return
				}
				for _, e := range out[:n] {
					c := (*cConnection)(unsafe.Add(unsafe.Pointer(nil), e.connection))
					line := fmt.Sprint(e.kind, e.connectionID, e.offset, e.length, e.place, c.id, c.closed, c.resetTextLength, c.separation != 0)
					if e.bytes != 0 {
						line += string(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), e.bytes)), e.length))
					}
					log = append(log, line)
				}
			}
		}
		through := func(call func(h *handle) error) bool {
			for failed := 0; failed < tries; failed++ {
				switch code := feeding(id, call); {
				case code >= 0:
					return true
				case code == errMemory:
					refused++
					poll()
				default:
					t.Fatalf("code %d", code)
				}
			}
			return false
		}
		for i := range packets {
			if !through(func(h *handle) error { return h.follower.Feed(&packets[i]) }) {
				break
			}
			if i%400 == 399 {
				poll()
			}
		}
		through(func(h *handle) error { return h.follower.Flush() })
		poll()
		h := table.get(id)
		if code := destroy(id); code != 0 || len(h.memory.live) != 0 || len(h.facts.chunks) != 0 || len(h.facts.separations) != 0 {
			t.Fatalf("destroy: %d, %d blocks are left", code, len(h.memory.live))
		}
		return log, refused
	}
	want, _ := run(0, 0)
	every, refused := 1, 0
	total := calls
	if testing.Short() {
		every = 13
	}
	if total < 500 || len(want) < 3000 {
		t.Fatalf("%d allocations, %d events", total, len(want))
	}
	for first := 0; first < total; first += every * 11 {
		for _, n := range []int{1, 2, 40, 1 << 40} {
			got, failed := run(first, first+n)
			refused += failed
			if n < 1<<40 && !slices.Equal(got, want) {
				t.Fatalf("%d allocations fail from %d on: other events", n, first)
			}
		}
	}
	if t.Logf("%d allocations, %d refusals", total, refused); refused == 0 {
		t.Error("no call was refused")
	}
}
