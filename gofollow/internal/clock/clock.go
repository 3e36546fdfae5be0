// Package clock derives elapsed time from the stamps of packets, and has the arithmetic of
// deadlines. All times are nanoseconds. Nothing here reads the clock of the host.
package clock

import (
	"math"
	"time"
)

const (
	// maxStep is how far the stamps of two packets in a row may lie apart
	// without being a jump.
	maxStep = int64(time.Hour)
	// maxPause is the longest confirmed jump that counts as elapsed time. A longer
	// one is a clock that was set, not a pause.
	maxPause = int64(365 * 24 * time.Hour)
)

// Clock derives elapsed time from the stamps of packets, some of which are wrong.
// All rules that are counted in time use elapsed time.
//
// A stamp at most maxStep ahead of the reference adds the difference. One at most
// maxStep behind it adds nothing. Any other is a jump: it adds nothing either, and
// becomes the reference when the next stamp lies near it or beyond it.
type Clock struct {
	Now       int64 // elapsed time: begins at 0, never goes back
	Reference int64 // the last stamp that was not an unconfirmed jump, valid once a stamp was taken
	Jumped    bool  // the last stamp was a jump, which the next one may confirm

	highest int64 // the highest reference before the last jump
	jump    int64 // the stamp of the jump, valid while Jumped
	started bool
}

// Tick takes the stamp of a packet. It returns how much time a jump added that this
// stamp confirmed, 0 if none.
func (c *Clock) Tick(t int64) (pause int64) {
	if !c.started {
		c.started, c.Reference, c.highest = true, t, t
		return 0
	}
	if c.Jumped {
		if c.Jumped = false; !apart(c.jump, t) || (t > c.jump) == (c.jump > c.Reference) {
			pause = c.confirm(c.jump)
		}
	}
	switch {
	case apart(c.Reference, t):
		c.jump, c.Jumped = t, true
	case t > c.Reference:
		c.Now = Sum(c.Now, t-c.Reference)
		c.Reference = t
	}
	return pause
}

// Advance takes a stamp at most maxStep ahead of the reference, while no jump waits to be
// confirmed.
func (c *Clock) Advance(t int64) {
	c.Now += t - c.Reference
	c.Reference = t
}

// Set takes a stamp that needs no second one to be confirmed.
func (c *Clock) Set(t int64) {
	c.Jumped = false
	if c.started && apart(c.Reference, t) {
		c.confirm(t)
	}
	c.Tick(t)
}

// confirm makes a jump the reference. It returns how far the jump lies beyond all earlier
// references, which is added to the elapsed time, or 0 if that is longer than maxPause.
func (c *Clock) confirm(t int64) (pause int64) {
	c.highest = max(c.highest, c.Reference)
	if t > c.highest && uint64(t)-uint64(c.highest) <= uint64(maxPause) {
		pause = t - c.highest
	}
	c.Now = Sum(c.Now, pause)
	c.Reference = t
	return pause
}

// Stamp returns the stamp of a packet at an elapsed time.
func (c *Clock) Stamp(at int64) int64 {
	return Sum(c.Reference, at-c.Now)
}

// apart reports whether two stamps lie more than maxStep apart.
func apart(a, b int64) bool {
	return uint64(max(a, b))-uint64(min(a, b)) > uint64(maxStep)
}

const (
	// Never is a deadline that does not come.
	Never int64 = math.MaxInt64
	// Before is an elapsed time before all others.
	Before int64 = math.MinInt64
)

// After returns t + d, saturated; Never if d is negative.
func After(t int64, d time.Duration) int64 {
	if d < 0 || t > Never-int64(d) {
		return Never
	}
	return t + int64(d)
}

// Sum returns a + b, or the nearest number that is a time. The lowest number stands for no time.
func Sum(a, b int64) int64 {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64 + 1
	default:
		return max(sum, math.MinInt64+1)
	}
}
