package gofollow_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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
	packets = script(t, `c S; c2 S t=61s`)
	f, r := newFollower(t, gofollow.Config{}), &result{}
	for i := range packets {
		if err := f.Feed(&packets[i]); err != nil {
			t.Fatal(err)
		}
		if err := f.AdvanceTime(gofollow.NoTime); err != nil {
			t.Fatal(err)
		}
	}
	r.poll(f)
	if got, want := strings.Join(r.short, "; "), `open; closed timeout; 1.open`; got != want {
		t.Errorf("advanced to no time: got %s, want %s", got, want)
	}
	r.finish(t, f)
}

// TestFlushTime: what Flush ends has the time of its connection's last packet.
func TestFlushTime(t *testing.T) {
	packets := script(t, `H; c2 S; c 0 "a"; c2 S; c 1 "b"; c3 S`)
	r := follow(t, gofollow.Config{}, packets)
	for id, last := range []int{6, 5, 7} {
		want := fmt.Sprintf(" time=%d packet=0", packets[last].Time)
		if line := r.log[len(r.log)-3+id]; !strings.HasSuffix(line, want) {
			t.Errorf("connection %d: %s, want %s", id, line, want)
		}
	}
}

// TestWrongClocks follows random captures whose clocks are wrong in ways that must not
// matter: two sources hours apart that were merged, a clock that is set back or by decades in
// the middle, a first packet from another time.
func TestWrongClocks(t *testing.T) {
	const hour = int64(3600e9)
	worlds(t, *runs/8, func(t *testing.T, random *rand.Rand, w *world) {
		for _, p := range w.captured {
			p.clock = 0
		}
		packets := w.packets(t, nil)
		middle := random.IntN(len(packets))
		apart := 2*hour + random.Int64N(40*hour)
		for name, shift := range map[string]func(i int) int64{
			"merged": func(i int) int64 { return apart * int64(w.captured[i].talk.ends[0].Addr().As16()[14]&1) },
			"set back": func(i int) int64 {
				if i >= middle {
					return -apart
				}
				return 0
			},
			"set after boot": func(i int) int64 {
				if i < middle {
					return -50 * 365 * 24 * hour
				}
				return 0
			},
			"set back and forth": func(i int) int64 { return -apart * int64(i/(middle+2)%2) },
			"first": func(i int) int64 {
				if i == 0 {
					return apart * int64(1-2*(middle%2))
				}
				return 0
			},
		} {
			shifted := slices.Clone(packets)
			for i := range shifted {
				shifted[i].Time += shift(i)
			}
			if w.compare(t, follow(t, gofollow.Config{}, shifted), reassemble(packets), map[string]int{}); t.Failed() {
				t.Fatalf("%s, %v apart from packet %d on", name, time.Duration(apart), middle+1)
			}
		}
	})
}

// TestAdvanceTimeAfterJump: what is seen in a packet with a wrong stamp counts as seen when
// AdvanceTime sets the time.
func TestAdvanceTimeAfterJump(t *testing.T) {
	packets := script(t, `H; c 0 "a"`)
	packets[3].Time += int64(5 * time.Hour)
	f, r := newFollower(t, gofollow.Config{}), &result{}
	for i := range packets {
		if err := f.Feed(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.AdvanceTime(packets[3].Time + 1e9); err != nil {
		t.Fatal(err)
	}
	r.poll(f)
	if got := r.finish(t, f).String(); got != `open; c0 a | closed flush` {
		t.Errorf("got %s", got)
	}
}
