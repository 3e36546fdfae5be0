package gofollow

import (
	"math/rand/v2"
	"testing"
)

// TestGraveyard buries and removes across the growth of the ring and the end of the
// numbers, and finds each tombstone that is left, as it was made.
func TestGraveyard(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	g := newGraveyard(newFlowHash(), nil)
	g.first = graveNumbers - 5000
	var left []int64 // their times, in order of age
	keyOf := func(at int64) *flowKey { return &flowKey{ports: uint64(at)} }
	find := func(at int64) (uint32, bool) {
		number, ok := g.find(keyOf(at))
		return number, ok && g.at(number).closedAt == at
	}
	for at := range int64(20000) {
		g.add(&tombstone{key: *keyOf(at), closedAt: at})
		left = append(left, at)
		for len(left) > int(at/4)%3000 {
			i := random.IntN(len(left)) * random.IntN(2) // often the oldest
			number, ok := find(left[i])
			if !ok {
				t.Fatalf("tombstone %d is lost after %d", left[i], at)
			}
			g.remove(number)
			left = append(left[:i], left[i+1:]...)
		}
	}
	for _, at := range left {
		if _, ok := find(at); !ok {
			t.Errorf("tombstone %d is lost", at)
		}
	}
	if g.used != len(left) {
		t.Errorf("%d closed connections are in the table, want %d", g.used, len(left))
	}
}
