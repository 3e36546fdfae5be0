package gofollow_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"gofollow/gofollow"
)

// told is one event as the tests of Ignore compare it.
type told struct {
	id      uint64
	kind    gofollow.EventKind
	line    string
	ignored bool
}

// conflictsAndClean matches what the Closed line of a connection whose bytes are not kept cannot
// know: the conflict_bytes counters, and whether it was clean.
var conflictsAndClean = regexp.MustCompile(`clean=\d|(=(?:\d+,){6})\d+`)

func tell(e *gofollow.Event) told {
	line := e.String()
	if e.Kind == gofollow.Closed {
		line = conflictsAndClean.ReplaceAllString(line, "$1-")
	}
	return told{e.Conn.ID(), e.Kind, line, e.Conn.Ignored()}
}

// sameStats reports where the counts of two followers differ beyond the events that were made.
func sameStats(t *testing.T, what string, a, b gofollow.Stats) {
	t.Helper()
	a.Events, b.Events, a.Waiting, b.Waiting, a.Filtered, b.Filtered = 0, 0, 0, 0, 0, 0
	if a != b {
		t.Errorf("%s: statistics are\n\t%+v\nwant\n\t%+v", what, a, b)
	}
}

// leakTest is an allocator that knows what did not come back.
type leakTest map[*byte]struct{}

func (a leakTest) Alloc(n int) []byte {
	b := make([]byte, n)
	a[&b[0]] = struct{}{}
	return b
}

func (a leakTest) Free(b []byte) { delete(a, &b[0]) }

// anyConfig returns options that make much be held, suspected and given up.
func anyConfig(random *rand.Rand) gofollow.Config {
	return gofollow.Config{
		Overlap: gofollow.OverlapPolicy(random.IntN(13)), Urgent: gofollow.UrgentMode(random.IntN(2)), CloseOn: gofollow.CloseOn(random.IntN(2)),
		Anomalies: random.IntN(2) == 0, Segments: random.IntN(4) == 0, NoHalfClosed: random.IntN(4) == 0, NoMidstream: random.IntN(8) == 0,
		Limits: gofollow.Limits{
			HeldBytes: int64(random.IntN(2) * (100 + random.IntN(4000))), HeldSegments: random.IntN(2) * (2 + random.IntN(8)),
			TotalHeldBytes: int64(random.IntN(2) * (200 + random.IntN(8000))), Connections: random.IntN(2) * (1 + random.IntN(4)),
		},
	}
}

// TestIgnore ignores random connections of random captures at random moments, while random
// numbers of events wait: the events of the others are the same, each ignored one has but its
// Closed event from then on, and what is counted is the same.
func TestIgnore(t *testing.T) {
	happened := map[string]int{}
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		config := anyConfig(random)
		packets := w.packets(t, nil)
		var want []told
		plain := newFollower(t, config)
		defer plain.Close()
		take := func() {
			for e := range plain.Events() {
				want = append(want, tell(e))
			}
		}
		for i := range packets {
			if err := plain.Feed(&packets[i]); err != nil {
				t.Fatal(err)
			}
			take()
		}
		if err := plain.Flush(); err != nil {
			t.Fatal(err)
		}
		take()

		memory := leakTest{}
		config.Allocator = memory
		f := newFollower(t, config)
		var got []told
		at := map[uint64]int{} // how many events of an ignored connection had come
		seen := map[uint64]int{}
		closed := map[uint64]bool{}
		ignore := func() {
			opened := f.Stats().Opened
			for range random.IntN(3) {
				if opened == 0 {
					return
				}
				id := random.Uint64N(opened)
				if f.Stats().HeldBytes > 0 {
					happened["something is held"]++
				}
				if err := f.Ignore(id); err != nil {
					t.Fatal(err)
				}
				if _, before := at[id]; !before && !closed[id] {
					at[id] = seen[id]
				}
			}
		}
		note := func(events []gofollow.Event) {
			for i := range events {
				e := &events[i]
				got = append(got, tell(e))
				seen[e.Conn.ID()]++
				if e.Kind == gofollow.Closed {
					closed[e.Conn.ID()] = true
				}
			}
		}
		poll := func(n int) {
			events := f.Poll(n)
			if random.IntN(4) == 0 {
				back := random.IntN(len(events) + 1)
				f.Unpoll(back)
				events = events[:len(events)-back]
				happened["some are put back"]++
			}
			next := f.Peek()
			for i := range events {
				e := &events[i]
				if _, ok := at[e.Conn.ID()]; ok && e.Kind != gofollow.Closed {
					t.Errorf("event of an ignored connection: %v", e)
				}
			}
			note(events)
			if random.IntN(10) == 0 {
				ignore()
				for i, e := range got[len(got)-len(events):] {
					if again := tell(&events[i]); again.line != e.line {
						t.Errorf("after Ignore, an event that was handed out is %v, not %v", again.line, e.line)
					}
				}
				next = f.Peek()
			}
			if next != nil {
				want := tell(next)
				for again := range f.Events() {
					note([]gofollow.Event{*again})
					if tell(again) != want {
						t.Errorf("Peek gave %v, then came %v", want.line, again)
					}
					break
				}
			}
		}
		for i := range packets {
			for errors.Is(f.Feed(&packets[i]), gofollow.ErrQueueFull) {
				poll(100)
			}
			if random.IntN(6) == 0 {
				ignore()
			}
			if random.IntN(5) == 0 {
				poll(1 + random.IntN(20))
			}
		}
		ignore()
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		for f.Waiting() > 0 {
			poll(1 + random.IntN(50))
		}
		sameStats(t, "after ignoring", f.Stats(), plain.Stats())
		f.Close()
		if len(memory) > 0 {
			t.Errorf("%d blocks are not freed", len(memory))
		}

		left, order := map[uint64]int{}, []string(nil)
		for _, e := range want {
			n, quiet := at[e.id]
			if left[e.id]++; quiet && left[e.id] > n && e.kind != gofollow.Closed {
				happened["an event is dropped or not made"]++
				continue
			}
			order = append(order, e.line+" "+fmt.Sprint(quiet && e.kind == gofollow.Closed))
		}
		var lines []string
		for _, e := range got {
			lines = append(lines, e.line+" "+fmt.Sprint(e.ignored && e.kind == gofollow.Closed))
		}
		if sameLines(t, "ignoring some", lines, order); t.Failed() {
			for i := range max(len(lines), len(order)) {
				if i < len(lines) {
					t.Log("got ", lines[i])
				}
				if i < len(order) {
					t.Log("want", order[i])
				}
			}
		}
	})
	for _, what := range []string{"something is held", "some are put back", "an event is dropped or not made"} {
		if happened[what] == 0 {
			t.Errorf("never: %s", what)
		}
	}
}

// TestIgnoreUnknown: an ID that no connection has had yet is an error, one that has closed is not.
func TestIgnoreUnknown(t *testing.T) {
	f := newFollower(t, gofollow.Config{})
	if err := f.Ignore(0); !errors.Is(err, gofollow.ErrNoConnection) {
		t.Errorf("of nothing: %v", err)
	}
	packets := script(t, `H; c 0 "abc"`)
	for i := range packets {
		if err := f.Feed(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Ignore(0), f.Ignore(0), f.Flush()); err != nil {
		t.Fatal(err)
	}
	events := slices.Clone(f.Poll(100))
	if len(events) != 1 || events[0].Kind != gofollow.Closed || !events[0].Conn.Ignored() || events[0].Conn.Counters(gofollow.ClientToServer).Bytes != 3 {
		t.Errorf("got %v", events)
	}
	f.Poll(1)
	if err := f.Ignore(0); err != nil {
		t.Errorf("of a closed one: %v", err)
	}
	f.Close()
	if err := f.Ignore(0); err != gofollow.ErrClosed {
		t.Errorf("of a closed follower: %v", err)
	}
}
