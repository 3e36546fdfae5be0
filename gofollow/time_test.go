package gofollow_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// TestExtremeTimes follows random captures at the ends of time: all at one extreme they
// are followed as always; jumping between them the rules hold.
func TestExtremeTimes(t *testing.T) {
	extremes := []int64{0, 1, -1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64 + 1, gofollow.NoTime}
	worlds(t, *runs/20, func(t *testing.T, random *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		for _, at := range extremes {
			paused := false
			for i := range packets {
				packets[i].Time = at
				paused = paused || w.captured[i].pause > 0
			}
			got := follow(t, gofollow.Config{}, packets)
			if !paused { // or there is no pause, but what ends by patience else ends by Flush
				w.compare(t, got, reassemble(packets), map[string]int{})
			}
		}
		for i := range packets {
			packets[i].Time = extremes[random.IntN(len(extremes))]
		}
		f, r := newFollower(t, gofollow.Config{Anomalies: true}), &result{}
		for i := range packets {
			r.untilTaken(t, f, func() error { return f.Feed(&packets[i]) })
			if random.IntN(20) == 0 {
				r.untilTaken(t, f, func() error { return f.AdvanceTime(extremes[random.IntN(len(extremes))]) })
			}
		}
		r.finish(t, f)
	})
}

// TestNoTime: the events of packets without a time have none, and time stands still.
func TestNoTime(t *testing.T) {
	packets := script(t, `H; c 0 "a"; c 2 "c" t=1s; s A ack=3; s A ack=3 t=2s; c 1 "b" t=70s`)
	for i := range packets {
		packets[i].Time = gofollow.NoTime
	}
	got := follow(t, gofollow.Config{}, packets)
	for _, line := range got.log {
		if !strings.Contains(line+" ", " time=none ") {
			t.Errorf("%s: want no time", line)
		}
	}
	if got, want := got.String(), `open; c0 a; c1 b; c2 c* | closed flush`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	packets = script(t, `H; c 0 "a"; c 2 "c"; s A ack=3; s A ack=3 t=600ms`)
	packets[4].Time, packets[5].Time = gofollow.NoTime, gofollow.NoTime
	if got, want := follow(t, gofollow.Config{}, packets).String(), `open; c0 a; gap c1+1 ack; c2 c* | closed flush`; got != want {
		t.Errorf("patience from a packet without a time: got %s, want %s", got, want)
	}
}
