package deadline

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHeap: entries come out in order of time, then of number, and those that no longer hold can
// be taken out.
func TestHeap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var h Heap[int]
	var want []Entry[int]
	for i := range 20000 {
		switch {
		case random.IntN(3) > 0 || h.Len() == 0:
			e := Entry[int]{random.Int64N(500), uint64(i), i}
			h.Push(e)
			want = append(want, e)
		case h.Crowded():
			odd := func(e *Entry[int]) bool { return e.Of%2 == 1 }
			h.Retain(odd)
			want = slices.DeleteFunc(want, func(e Entry[int]) bool { return !odd(&e) })
			if h.Crowded() {
				t.Fatal("the heap is crowded after Retain")
			}
		default:
			at := 0
			for i := range want {
				if cmp.Or(cmp.Compare(want[i].Due, want[at].Due), cmp.Compare(want[i].ID, want[at].ID)) < 0 {
					at = i
				}
			}
			if first := *h.First(); first != want[at] || h.Pop() != want[at] {
				t.Fatalf("got %v, want %v", first, want[at])
			}
			want = slices.Delete(want, at, at+1)
		}
		if h.Len() != len(want) {
			t.Fatalf("%d entries, want %d", h.Len(), len(want))
		}
	}
}
