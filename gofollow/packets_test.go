package gofollow_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gofollow/gofollow"
	"gofollow/gofollow/internal/encaptest"
)

// TestPacketKeys gives both directions of a connection one key, a fragment that of its datagram, and
// whichever fragment makes it whole that of the connection, also where it lies in a tunnel of fragments.
func TestPacketKeys(t *testing.T) {
	talk := script(t, `H; c "`+strings.Repeat("x", 600)+`"; s 0 "answer" ack=600`)
	read := func(packets ...gofollow.Packet) (events []gofollow.Event) {
		f := newFollower(t, gofollow.Config{PacketsOnly: true})
		if _, err := f.FeedBatch(packets); err != nil {
			t.Fatal(err)
		}
		for _, e := range f.Poll(100) {
			events = append(events, *e.Clone())
		}
		return events
	}
	whole := read(talk...)
	flow := whole[0].Key()
	for _, e := range whole {
		if e.Content != gofollow.PacketTCP || e.Key() != flow || flow == 0 || e.FragmentKey() != 0 {
			t.Errorf("%v, want the key %016x", &e, flow)
		}
	}
	for _, version := range []int{4, 6} {
		plain := talked(t, version)
		flow := read(gofollow.Packet{LinkType: gofollow.LinkRaw, Data: plain[0]})[0].Key()
		for _, e := range encaptest.All() {
			if !e.Carries(version) {
				continue
			}
			for i, ip := range plain {
				packet := func(b []byte) gofollow.Packet {
					return gofollow.Packet{LinkType: gofollow.LinkType(e.Link), Data: b, WireLen: len(b)}
				}
				if got := read(packet(e.Wrap(ip)))[0]; got.Content != gofollow.PacketTCP || got.Key() != flow {
					t.Errorf("%s: %v, want the key %016x", e.Name, &got, flow)
				}
				var parts []gofollow.Packet
				for _, b := range encaptest.Fragments(bytes.Clone(ip), i+1, 16) {
					parts = append(parts, packet(e.Wrap(b)))
				}
				got := read(parts...)
				if own := gofollow.NewFlowKeys(gofollow.SeparateNone).Of(&parts[0]); got[0].FragmentKey() != own.Hash {
					t.Errorf("%s: a fragment has %016x, and its key is %+v", e.Name, got[0].FragmentKey(), own)
				}
				for j := range got {
					want, key := gofollow.PacketFragment, got[0].FragmentKey()
					if j == len(got)-1 {
						want, key = gofollow.PacketTCP, flow
					}
					if got[j].Content != want || got[j].Key() != key || got[j].FragmentKey() != got[0].FragmentKey() || got[j].FragmentKey() == 0 {
						t.Errorf("%s, fragment %d: %v", e.Name, j, &got[j])
					}
				}
			}
		}
	}
	other := read(script(t, "c2 S")...)
	if other[0].Key() == flow {
		t.Error("another connection has the same key")
	}
}

// TestPacketsOnly reads captures of every format as packets, from files and in pieces. Packets that
// are fed to another follower make the events that the capture itself makes.
func TestPacketsOnly(t *testing.T) {
	paths, err := filepath.Glob("../tests/data/*.pcap*")
	if err != nil || len(paths) < 20 {
		t.Fatal(len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var logs [][]string
		for _, pieces := range []bool{false, true} {
			reader := newFollower(t, gofollow.Config{PacketsOnly: true})
			follower, r := newFollower(t, gofollow.Config{}), &result{}
			take := func() {
				for events := reader.Poll(7); len(events) > 0; events = reader.Poll(7) {
					for i := range events {
						e := &events[i]
						if e.Kind != gofollow.PacketRead || e.Conn != nil || e.WireLen() < len(e.Bytes) {
							t.Fatalf("%s: %v", path, e)
						}
						p := gofollow.Packet{Time: e.Time, Data: e.Bytes, WireLen: e.WireLen(), LinkType: e.LinkType()}
						r.untilTaken(t, follower, func() error { return follower.Feed(&p) })
					}
				}
			}
			if pieces {
				for rest := data; len(rest) > 0; {
					n := min(len(rest), 1000)
					taken, err := reader.FeedCapture(rest[:n])
					if err != nil && err != gofollow.ErrMore && err != gofollow.ErrQueueFull {
						t.Fatal(path, err)
					}
					rest = rest[taken:]
					take()
				}
				for {
					err := reader.EndCapture()
					take()
					if err == nil {
						break
					}
				}
			} else {
				if err := reader.OpenFile(path); err != nil {
					t.Fatal(err)
				}
				for p := (gofollow.Progress{}); !p.End; take() {
					if p, err = reader.ReadFile(0); err != nil {
						t.Fatal(path, err)
					}
				}
			}
			if stats := reader.Stats(); stats.Packets == 0 || stats.Segments+stats.Opened != 0 {
				t.Errorf("%s: %+v", path, stats)
			}
			logs = append(logs, r.finish(t, follower).lines())
		}
		whole := newFollower(t, gofollow.Config{})
		r := &result{}
		if err := whole.OpenReader(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		for p := (gofollow.Progress{}); !p.End; {
			r.untilTaken(t, whole, func() (err error) { p, err = whole.ReadFile(0); return err })
		}
		want := r.finish(t, whole).lines()
		for _, log := range logs {
			sameLines(t, path, log, want)
		}
	}
}
