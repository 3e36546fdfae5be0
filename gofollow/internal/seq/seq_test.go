package seq

import "testing"

// TestUnwrap: a number has the offset nearest to the one that is known, across every wrap.
func TestUnwrap(t *testing.T) {
	for _, base := range []Number{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 0x12345678} {
		for _, near := range []Offset{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 5 << 32} {
			for _, delta := range []Offset{-1 << 31, -1460, -1, 0, 1, 1460, 1<<31 - 1} {
				if got := base.Unwrap(base.At(near+delta), near); got != near+delta {
					t.Errorf("base %d, near %d: offset %d is unwrapped to %d", base, near, near+delta, got)
				}
			}
		}
	}
}
