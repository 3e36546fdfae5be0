package gofollow_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gofollow/gofollow"
)

// TestMerge deals the packets of captures to four others, two files and two that are fed, plain and
// compressed: read by turns in the order of their stamps they have the events of the one.
func TestMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	for _, name := range []string{"several.pcap", "lossy.pcap", "capture_loss.pcap", "http_download.pcap"} {
		packets := records(t, filepath.Join("../tests/data", name))
		for i := range packets {
			packets[i].Time = 1e18 + int64(i)*int64(time.Millisecond)
		}
		want, f := &result{}, newFollower(t, gofollow.Config{})
		for i := range packets {
			want.untilTaken(t, f, func() error { return f.Feed(&packets[i]) })
		}
		want.finish(t, f)

		var dealt [4][]gofollow.Packet
		for i := range packets {
			k := random.IntN(4)
			dealt[k] = append(dealt[k], packets[i])
		}
		got, f := &result{}, newFollower(t, gofollow.Config{})
		merge(t, f, got, dealt)
		got.finish(t, f)
		if !slices.Equal(got.log, want.log) {
			t.Errorf("%s: the merged captures have other events", name)
		}
	}
}

// merge follows captures made of dealt packets, always the earliest packet next.
func merge(t *testing.T, f *gofollow.Follower, r *result, dealt [4][]gofollow.Packet) {
	const done = math.MaxInt64
	var next [4]int64
	var rest [4][]byte
	step := func(k int, until int64) {
		if err := f.SelectCapture(k, until); err != nil {
			t.Fatal(err)
		}
		for {
			var err error
			end := false
			if k < 2 {
				var p gofollow.Progress
				p, err = f.ReadFile(0)
				end = p.End
			} else {
				var n int
				if n, err = f.FeedCapture(rest[k][:min(len(rest[k]), 700)]); err == nil || unfinished(err) {
					rest[k] = rest[k][n:]
				}
				if _, waits := f.NextTime(); err == nil && len(rest[k]) == 0 && !waits {
					err = f.EndCapture()
					end = err == nil
				}
			}
			if err != nil && !unfinished(err) {
				t.Fatal(err)
			}
			r.poll(f)
			if time, waits := f.NextTime(); waits && time >= until {
				next[k] = time
				return
			}
			if end {
				next[k] = done
				return
			}
		}
	}
	for k := range dealt {
		capture := pcapOf(dealt[k])
		if k%2 == 1 {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			w.Write(capture)
			w.Close()
			capture = packed.Bytes()
		}
		rest[k] = capture
		if k < 2 {
			path := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(path, capture, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := f.SelectCapture(k, math.MinInt64); err != nil {
				t.Fatal(err)
			}
			if err := f.OpenFile(path); err != nil {
				t.Fatal(err)
			}
		}
		step(k, math.MinInt64)
		if f.Stats().Packets != 0 || next[k] != dealt[k][0].Time {
			t.Fatalf("%d packets, the next one at %d", f.Stats().Packets, next[k])
		}
	}
	for {
		first := 0
		for k := range next {
			if next[k] < next[first] {
				first = k
			}
		}
		if next[first] == done {
			return
		}
		until := int64(done)
		for k := range next {
			if k != first {
				until = min(until, next[k])
			}
		}
		step(first, until)
	}
}

// TestManyCaptures lets many files be open at once: their blocks are no events that wait.
func TestManyCaptures(t *testing.T) {
	path := "../tests/data/several.pcap"
	f, r := newFollower(t, gofollow.Config{}), &result{}
	for k := range 100 {
		if err := f.SelectCapture(k, math.MinInt64); err != nil {
			t.Fatal(err)
		}
		if err := f.OpenFile(path); err != nil {
			t.Fatal(err)
		}
		if p, err := f.ReadFile(0); err != nil || p.Packets != 0 || p.End {
			t.Fatal(p, err)
		}
	}
	if err := f.SelectCapture(50, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	for end := false; !end; {
		p, err := f.ReadFile(0)
		if err != nil {
			t.Fatal(err)
		}
		end = p.End
		r.poll(f)
	}
	if got, want := f.Stats().Packets, uint64(len(records(t, path))); got != want {
		t.Errorf("%d packets were taken, want %d", got, want)
	}
	if err := f.OpenFile(path); err != nil {
		t.Errorf("opening another one: %v", err)
	}
}

// TestGivenUp gives a capture up whose packets wait: none of them is followed.
func TestGivenUp(t *testing.T) {
	packets := records(t, "../tests/data/several.pcap")
	f := newFollower(t, gofollow.Config{})
	if err := f.SelectCapture(0, gofollow.NoTime); err != nil {
		t.Fatal(err)
	}
	if _, err := f.FeedCapture(pcapOf(packets)); err != gofollow.ErrMore {
		t.Fatal(err)
	}
	if err := f.AbandonCapture(); err != nil || f.Stats().Packets != 0 {
		t.Fatal(err, f.Stats().Packets)
	}
	if _, waits := f.NextTime(); waits {
		t.Error("a packet still waits")
	}
	if err := f.SelectCapture(0, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if _, err := f.FeedCapture(pcapOf(packets)); err != nil || f.Stats().Packets != uint64(len(packets)) {
		t.Error(err, f.Stats().Packets)
	}
}
