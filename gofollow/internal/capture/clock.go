package capture

import (
	"math"
	"math/bits"
)

// clock turns a pcapng interface's time stamps into nanoseconds: a stamp t
// stands for t * mul / div >> shift nanoseconds, and offset seconds.
type clock struct {
	mul, div uint64
	shift    uint
	offset   int64
}

// clockOf is the clock of an if_tsresol value: a negative power of 2 if the top bit is set, else of
// 10.
func clockOf(resolution byte) clock {
	power := uint(resolution & 0x7f)
	if resolution&0x80 != 0 {
		return clock{mul: 1e9, div: 1, shift: power}
	}
	return decimalClock(power)
}

// decimalClock is the clock whose unit is 10^-power seconds.
func decimalClock(power uint) clock {
	if power <= 9 {
		return clock{mul: power10(9 - power), div: 1}
	}
	if power-9 > 19 {
		// Even the largest stamp is less than a nanosecond.
		return clock{mul: 0, div: 1}
	}
	return clock{mul: 1, div: power10(power - 9)}
}

// power10 is 10^n, n <= 19.
func power10(n uint) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// nanoseconds returns the time of stamp, saturated. It counts in 128 bits, so
// that a large stamp with a negative offset comes out exactly.
func (c *clock) nanoseconds(stamp uint64) int64 {
	hi, lo := bits.Mul64(stamp, c.mul)
	if c.div > 1 {
		// mul is 1 then, and hi 0.
		lo /= c.div
	}
	if c.shift > 0 {
		// A shift of 64 or more gives 0, as it should.
		lo = lo>>c.shift | hi<<(64-c.shift)
		if c.shift >= 64 {
			lo = hi >> (c.shift - 64)
		}
		hi >>= c.shift
	}
	if c.offset != 0 {
		// Two's complement: the product of the absolute value, negated if need be.
		abs := uint64(c.offset)
		if c.offset < 0 {
			abs = -abs
		}
		offHi, offLo := bits.Mul64(abs, 1e9)
		var carry uint64
		if c.offset < 0 {
			lo, carry = bits.Sub64(lo, offLo, 0)
			hi, _ = bits.Sub64(hi, offHi, carry)
		} else {
			lo, carry = bits.Add64(lo, offLo, 0)
			hi, _ = bits.Add64(hi, offHi, carry)
		}
	}
	switch {
	case int64(hi) < 0 && (hi != math.MaxUint64 || int64(lo) >= 0):
		return math.MinInt64
	case int64(hi) >= 0 && (hi != 0 || int64(lo) < 0):
		return math.MaxInt64
	}
	return int64(lo)
}
