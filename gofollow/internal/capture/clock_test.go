package capture

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

// TestClock compares every resolution with unbounded arithmetic.
func TestClock(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	offsets := []int64{0, 1, -1, 1e9, -1e9, math.MaxInt64, math.MinInt64, -18446744073}
	stamps := []uint64{0, 1, 999, 1e9, 1 << 32, math.MaxInt64, 1 << 63, math.MaxUint64}
	for resolution := range 256 {
		for _, offset := range append(offsets, rng.Int63n(1<<34)-1<<33) {
			for _, stamp := range append(stamps, rng.Uint64(), rng.Uint64()>>uint(rng.Intn(64))) {
				c := clockOf(byte(resolution))
				c.offset = offset
				base := big.NewInt(10)
				if resolution&0x80 != 0 {
					base = big.NewInt(2)
				}
				units := new(big.Int).Exp(base, big.NewInt(int64(resolution&0x7f)), nil)
				want := new(big.Int).Mul(new(big.Int).SetUint64(stamp), big.NewInt(1e9))
				want.Div(want, units)
				want.Add(want, new(big.Int).Mul(big.NewInt(offset), big.NewInt(1e9)))
				if lowest := big.NewInt(math.MinInt64); want.Cmp(lowest) < 0 {
					want = lowest
				}
				if highest := big.NewInt(math.MaxInt64); want.Cmp(highest) > 0 {
					want = highest
				}
				if got := c.nanoseconds(stamp); got != want.Int64() {
					t.Fatalf("resolution %#x, offset %d, stamp %d: %d, want %d", resolution, offset, stamp, got, want)
				}
			}
		}
	}
}
