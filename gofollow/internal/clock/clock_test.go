package clock

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const (
	hour   = int64(3600e9)
	noTime = math.MinInt64
)

// TestClock: ordinary stamps add what they are ahead, a jump adds nothing until the next
// stamp agrees with it.
func TestClock(t *testing.T) {
	const day, year = 24 * hour, 365 * 24 * hour
	for _, test := range []struct {
		name      string
		stamps    []int64
		reference int64
		elapsed   int64
	}{
		{"ordinary", []int64{1, 5, 3}, 5, 4},
		{"an hour ahead", []int64{1, 1 + hour}, 1 + hour, hour},
		{"an hour back", []int64{hour, 0, 1}, hour, 0},
		{"one ahead", []int64{1, 10 * hour, 2}, 2, 1},
		{"one ahead, then one beyond the other side", []int64{0, 10 * hour, -2 * hour}, 0, 0},
		{"one back", []int64{10 * hour, 0, 10*hour + 3}, 10*hour + 3, 3},
		{"one back at the end", []int64{10 * hour, 10*hour + 1, 0}, 10*hour + 1, 1},
		{"the first ahead", []int64{10 * hour, 1, 2, 5}, 5, 4},
		{"the first back, by years", []int64{0, 40 * year, 40*year + 7}, 40*year + 7, 7},
		{"two ahead", []int64{1, 10 * hour, 10*hour - 5}, 10 * hour, 10*hour - 1},
		{"hours apart", []int64{0, 2 * hour, 4 * hour, 6 * hour}, 4 * hour, 4 * hour},
		{"hours apart, back", []int64{6 * hour, 4 * hour, 2 * hour, 0}, 2 * hour, 0},
		{"captures joined out of order", []int64{5 * hour, 5*hour + 9, 0, 9, 5 * hour, 5*hour + 20}, 5*hour + 20, 9 + 9 + 20},
		{"two sources", []int64{0, 5 * hour, 1, 5*hour + 1, 2, 5*hour + 2}, 2, 2},
		{"two sources, two at a time", []int64{0, 5 * hour, 5*hour + 1, 2, 3, 5*hour + 3, 5*hour + 4}, 5*hour + 4, 5*hour + 1 + 1 + 2 + 1},
		{"a year", []int64{0, year, year + 1}, year + 1, year + 1},
		{"more than a year", []int64{0, year + 1, year + 2}, year + 2, 1},
		{"a day, twice over", []int64{0, day, day, 0, 0, day, day}, day, day},
		{"extremes", []int64{math.MinInt64 + 1, math.MaxInt64, math.MaxInt64, math.MinInt64 + 1, math.MinInt64 + 1}, math.MinInt64 + 1, 0},
	} {
		var c Clock
		for _, at := range test.stamps {
			c.Tick(at)
		}
		if c.Reference != test.reference || c.Now != test.elapsed {
			t.Errorf("%s: reference %d, elapsed %d, want %d and %d", test.name, c.Reference, c.Now, test.reference, test.elapsed)
		}
	}
}

// TestClockSet: a stamp that is set needs no confirmation, except one that is a little behind. It takes
// the place of a jump that was not confirmed.
func TestClockSet(t *testing.T) {
	for _, test := range []struct {
		name               string
		stamps             []int64
		set                int64
		reference, elapsed int64
	}{
		{"the first", nil, 7, 7, 0},
		{"near", []int64{1, 5}, 9, 9, 8},
		{"a little behind", []int64{10}, 4, 10, 0},
		{"hours ahead", []int64{0}, 5 * hour, 5 * hour, 5 * hour},
		{"hours behind", []int64{5 * hour}, 0, 0, 0},
		{"near a jump", []int64{0, 5 * hour}, 5*hour + 7, 5*hour + 7, 5*hour + 7},
		{"near the reference, after a jump", []int64{0, 5 * hour}, 7, 7, 7},
	} {
		var c Clock
		for _, at := range test.stamps {
			c.Tick(at)
		}
		if c.Set(test.set); c.Reference != test.reference || c.Now != test.elapsed {
			t.Errorf("%s: reference %d, elapsed %d, want %d and %d", test.name, c.Reference, c.Now, test.reference, test.elapsed)
		}
	}
}

// TestSum: a sum that does not fit is the nearest stamp.
func TestSum(t *testing.T) {
	for _, test := range [][3]int64{
		{1, 2, 3}, {1, -2, -1}, {math.MaxInt64 - 1, 1, math.MaxInt64}, {math.MaxInt64 - 1, 2, math.MaxInt64},
		{noTime + 2, -1, noTime + 1}, {noTime + 2, -3, noTime + 1}, {math.MaxInt64, -1, math.MaxInt64 - 1}, {noTime + 1, 1, noTime + 2}, {noTime + 2, -2, noTime + 1},
	} {
		if got := Sum(test[0], test[1]); got != test[2] {
			t.Errorf("%d + %d: got %d, want %d", test[0], test[1], got, test[2])
		}
	}
}

// TestClockIsMonotonic: elapsed time never goes back, one wrong stamp changes nothing,
// and a stamp that is set needs no confirmation.
func TestClockIsMonotonic(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var c, wrong Clock
		at := random.Int64N(math.MaxInt64/2) - math.MaxInt64/4
		for range 50 {
			before := c.Now
			at += random.Int64N(2e9) - 5e8
			c.Tick(at)
			if c.Now < before || c.Now-before > 2e9 {
				t.Fatalf("%d elapsed, then %d", before, c.Now)
			}
			if random.IntN(4) == 0 && wrong.started {
				far := at + 2*hour + random.Int64N(math.MaxInt64/8)
				if random.IntN(2) == 0 {
					far = at - 2*hour - random.Int64N(math.MaxInt64/8)
				}
				wrong.Tick(far)
			}
			wrong.Tick(at)
		}
		if wrong.Now != c.Now {
			t.Fatalf("%d elapsed, with single wrong stamps %d", c.Now, wrong.Now)
		}
		goal := at - 3*hour
		if c.Set(goal); c.Reference != goal {
			t.Fatalf("set to %d, the reference is %d", goal, c.Reference)
		}
	}
}

// TestAfter: a deadline that does not fit, or of a time without end, does not come.
func TestAfter(t *testing.T) {
	for _, test := range []struct{ at, d, want int64 }{
		{1, 2, 3}, {1, -1, Never}, {Never - 2, 2, Never}, {Never - 2, 3, Never}, {0, 0, 0}, {Before, 1, Before + 1},
	} {
		if got := After(test.at, time.Duration(test.d)); got != test.want {
			t.Errorf("%d and %d: got %d, want %d", test.at, test.d, got, test.want)
		}
	}
}
