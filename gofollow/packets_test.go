package gofollow_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gofollow/gofollow"
)

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
