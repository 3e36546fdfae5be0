package timewait

import (
	"math/rand/v2"
	"testing"
	"time"

	"gofollow/gofollow/internal/clock"
	"gofollow/gofollow/internal/flow"
)

// TestTable adds and removes across the growth of the ring and the end of the
// numbers, and finds each connection that is left, as it was added.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table := NewTable(flow.NewHash(), nil)
	table.first = numbers - 5000
	var left []int64 // their times, in order of age
	keyOf := func(at int64) *flow.Key { return &flow.Key{Ports: uint64(at)} }
	there := func(at int64) bool {
		c := table.Find(keyOf(at))
		return c != nil && c.ClosedAt == at
	}
	for at := range int64(20000) {
		table.Add(&Connection{Key: *keyOf(at), ClosedAt: at})
		left = append(left, at)
		for len(left) > int(at/4)%3000 {
			i := random.IntN(len(left)) * random.IntN(2) // often the oldest
			if !there(left[i]) {
				t.Fatalf("connection %d is lost after %d", left[i], at)
			}
			table.Remove(keyOf(left[i]))
			left = append(left[:i], left[i+1:]...)
		}
	}
	for _, at := range left {
		if !there(at) {
			t.Errorf("connection %d is lost", at)
		}
	}
	if table.Len() != len(left) {
		t.Errorf("%d connections are in the table, want %d", table.Len(), len(left))
	}
	if dropped := table.MakeRoom(10); table.Len() > 9 || int(dropped) != len(left)-table.Len() {
		t.Errorf("%d connections are left, %d of %d were dropped", table.Len(), dropped, len(left))
	}
	for table.RemoveOldest() {
	}
	if table.Len() != 0 {
		t.Errorf("%d connections are left", table.Len())
	}
}

// TestForgottenAt: a connection is remembered for the linger after its close or the last segment
// that it absorbed, but for no more than 15 minutes unless the linger is longer.
func TestForgottenAt(t *testing.T) {
	const second, linger = int64(time.Second), 130 * time.Second
	for _, test := range []struct {
		absorbed int64
		linger   time.Duration
		want     int64
	}{
		{0, linger, 130}, {10, linger, 140}, {800, linger, 900}, {10, time.Hour, 3600},
	} {
		c := Connection{ClosedAt: 0}
		c.Absorb(test.absorbed * second)
		if got := c.ForgottenAt(test.linger); got != test.want*second {
			t.Errorf("absorbed after %d s, linger %v: forgotten after %d s, want %d s", test.absorbed, test.linger, got/second, test.want)
		}
	}
	if c := (Connection{}); c.ForgottenAt(-1) != clock.After(0, maxLinger) {
		t.Error("without an end to the linger, the longest time counts")
	}
}
