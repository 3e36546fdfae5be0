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

// TestNoTime gives packets without a time that of the packet before.
func TestNoTime(t *testing.T) {
	for first, want := range map[int64]string{5: " time=5 ", 0: " time=0 ", -5: " time=-5 ", gofollow.NoTime: " time=0 "} {
		packets := script(t, `c S; s SA; c A; c 0 "a"`)
		for i := range packets {
			packets[i].Time = gofollow.NoTime
		}
		packets[0].Time = first
		for _, line := range follow(t, gofollow.Config{}, packets).log {
			if !strings.Contains(line+" ", want) {
				t.Errorf("first at %d: %s, want%s", first, line, want)
			}
		}
	}
	packets := script(t, `c 0 "a" t=5s; c 1 "b" t=-2s; c 2 "c"`)
	packets[2].Time = gofollow.NoTime
	if log := follow(t, gofollow.Config{}, packets).log; !strings.Contains(log[3]+" ", " time=3000000000 ") {
		t.Errorf("after one whose time goes back: %s", log[3])
	}
}
