package gofollow

import (
	"math"
	"time"
)

const (
	// maxStep is how far the stamps of two packets in a row may lie apart
	// without being a jump.
	maxStep = int64(time.Hour)
	// maxPause is the longest believed jump that counts as elapsed time. A longer
	// one is a clock that was set, not a pause.
	maxPause = int64(365 * 24 * time.Hour)
)

// clock derives elapsed time from the stamps of packets, some of which are wrong.
// All rules that are counted in time use elapsed time.
//
// A stamp at most maxStep ahead of the reference adds the difference; one at most
// maxStep behind it adds nothing. Any other is a jump: it adds nothing either, and
// becomes the reference when the next stamp lies near it or beyond it.
type clock struct {
	now       int64 // elapsed time in nanoseconds: begins at 0, never goes back
	reference int64 // the last believed stamp, valid once started
	highest   int64 // the highest reference before the last jump
	jump      int64 // the stamp of the jump that is not confirmed, valid while jumped
	started   bool
	jumped    bool
}

// tick takes the stamp of a packet. It returns how much time a jump added that this
// stamp confirmed, 0 if none.
func (c *clock) tick(t int64) (pause int64) {
	if !c.started {
		c.started, c.reference, c.highest = true, t, t
		return 0
	}
	if c.jumped {
		if c.jumped = false; !apart(c.jump, t) || (t > c.jump) == (c.jump > c.reference) {
			pause = c.believe(c.jump)
		}
	}
	switch {
	case apart(c.reference, t):
		c.jump, c.jumped = t, true
	case t > c.reference:
		c.now = saturatedSum(c.now, t-c.reference)
		c.reference = t
	}
	return pause
}

// set takes a stamp that is believed without a second one.
func (c *clock) set(t int64) {
	c.jumped = false
	if c.started && apart(c.reference, t) {
		c.believe(t)
	}
	c.tick(t)
}

// believe makes a jump the reference. What it exceeds all earlier references by is
// elapsed time, unless that is longer than a pause can be; it is returned.
func (c *clock) believe(t int64) (pause int64) {
	c.highest = max(c.highest, c.reference)
	if t > c.highest && uint64(t)-uint64(c.highest) <= uint64(maxPause) {
		pause = t - c.highest
	}
	c.now = saturatedSum(c.now, pause)
	c.reference = t
	return pause
}

// stamp returns the stamp of a packet that would come at an elapsed time.
func (c *clock) stamp(at int64) int64 {
	return saturatedSum(c.reference, at-c.now)
}

// apart reports whether two stamps lie more than maxStep apart.
func apart(a, b int64) bool {
	return uint64(max(a, b))-uint64(min(a, b)) > uint64(maxStep)
}

// saturatedSum returns a + b, or the nearest number that is a stamp.
func saturatedSum(a, b int64) int64 {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return NoTime + 1
	default:
		return max(sum, NoTime+1)
	}
}
