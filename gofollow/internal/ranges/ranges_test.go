package ranges

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gofollow/gofollow/internal/memory"
)

// counted is an Allocator that counts what it gave and did not get back.
type counted struct{ live int }

func (a *counted) Alloc(n int) []byte {
	a.live++
	return make([]byte, n)
}

func (a *counted) Free([]byte) { a.live-- }

// model is a stream as plain cells: each offset has the byte and the segment that it came from.
type model map[int64]cell

type cell struct {
	segment int
	value   int // a byte, or -1 for a mark
}

// whole returns what is left around an offset of the segment that its cell came from.
func (m model) whole(off int64) Span {
	s := Span{off, off + 1}
	for m.same(off, s.Start-1) {
		s.Start--
	}
	for m.same(off, s.End) {
		s.End++
	}
	return s
}

func (m model) same(a, b int64) bool {
	one, ok := m[a]
	other, there := m[b]
	return ok && there && one.segment == other.segment && (one.value < 0) == (other.value < 0)
}

// insert applies a policy offset by offset, each time to what was held before.
func (m model) insert(segment int, span Span, data []byte, policy Policy) {
	changed := model{}
	for off := span.Start; off < span.End; off++ {
		fresh := cell{segment, -1}
		if data != nil {
			fresh.value = int(data[off-span.Start])
		}
		held, ok := m[off]
		switch {
		case !ok, held.value < 0 && data != nil:
			changed[off] = fresh
		case held.value >= 0 && data != nil:
			old := m.whole(off)
			row := policies[policy].before
			if span.Start == old.Start {
				row = policies[policy].same
			} else if span.Start > old.Start {
				row = policies[policy].after
			}
			column := 1
			if span.End < old.End {
				column = 0
			} else if span.End > old.End {
				column = 2
			}
			if row[column] {
				changed[off] = fresh
			}
		}
	}
	for off, c := range changed {
		m[off] = c
	}
}

// world is a set and the model that it is compared with.
type world struct {
	testing.TB
	set      Set
	memory   Memory
	blocks   memory.Blocks
	counted  counted
	model    model
	segments int
	size     Size // the sum of what insertions and removals changed
	next     int64
}

func newWorld(tb testing.TB) *world {
	w := &world{TB: tb, model: model{}}
	w.blocks.Allocator = &w.counted
	w.memory.Blocks = &w.blocks
	return w
}

func (w *world) insert(span Span, mark bool, policy Policy) {
	w.segments++
	n := Range{Span: span, Origin: Origin{Packet: uint64(w.segments)}}
	if !mark {
		n.Owner = w.blocks.Get(int(span.Len()))
		n.Data = n.Owner.Mem
		for i := range n.Data {
			n.Data[i] = byte(w.segments + i)
		}
	}
	w.model.insert(w.segments, span, n.Data, policy)
	grown := w.set.Insert(n, policy, &w.memory)
	w.blocks.Release(n.Owner)
	w.size = Size{w.size.Bytes + grown.Bytes, w.size.Ranges + grown.Ranges}
	w.check()
}

// pop takes out what is contiguous from the lowest range on.
func (w *world) pop() {
	lowest := w.set.Lowest()
	if lowest == nil {
		return
	}
	w.next = lowest.Start
	for r := w.set.PopAt(w.next); r != nil; r = w.set.PopAt(w.next) {
		for off := r.Start; off < r.End; off++ {
			w.compare(off, r)
			delete(w.model, off)
		}
		w.size = Size{w.size.Bytes - int64(len(r.Data)), w.size.Ranges - 1}
		w.next = r.End
		w.memory.Free(r)
	}
	w.check()
}

func (w *world) compare(off int64, r *Range) {
	want, ok := w.model[off]
	got := -1
	if r.Data != nil {
		got = int(r.Data[off-r.Start])
	}
	if !ok || got != want.value {
		w.Fatalf("offset %d of segment %d is %d, want %v, %v", off, r.Packet, got, want, ok)
	}
}

// check compares the set with the model, and its two orders with each other.
func (w *world) check() {
	if w.size != w.set.Size() {
		w.Fatalf("the set takes %v, the changes come to %v", w.set.Size(), w.size)
	}
	offsets, bytes, end := 0, int64(0), int64(-1<<62)
	for _, r := range w.set.Sorted() {
		if r.Start < end || r.End <= r.Start || (r.Data != nil && int64(len(r.Data)) != r.Len()) || (r.Data == nil) != (r.Owner == nil) {
			w.Fatalf("range %v with %d bytes behind %d", r.Span, len(r.Data), end)
		}
		if r.Owner != nil && 2*len(r.Data) < len(r.Owner.Mem) {
			w.Fatalf("%d bytes keep %d alive", len(r.Data), len(r.Owner.Mem))
		}
		for off := r.Start; off < r.End; off++ {
			w.compare(off, r)
			offsets++
		}
		bytes, end = bytes+int64(len(r.Data)), r.End
	}
	if offsets != len(w.model) || bytes != w.size.Bytes {
		w.Fatalf("%d offsets with %d bytes are held, want %d and %d", offsets, bytes, len(w.model), w.size.Bytes)
	}
	var forth, back []*Range
	for r := w.set.Eldest(); r != nil; r = r.Newer() {
		if len(forth) > 0 && r.Packet < forth[len(forth)-1].Packet {
			w.Fatalf("packet %d is younger than packet %d", r.Packet, forth[len(forth)-1].Packet)
		}
		forth = append(forth, r)
	}
	for r := w.set.Youngest(); r != nil; r = r.Older() {
		back = append(back, r)
	}
	slices.Reverse(back)
	if len(forth) != w.set.Len() || !slices.Equal(forth, back) {
		w.Fatalf("%d ranges, %d forth and %d back by arrival", w.set.Len(), len(forth), len(back))
	}
}

// finish empties the set: all memory comes back.
func (w *world) finish() {
	for _, r := range w.set.PopAll() {
		w.memory.Free(r)
	}
	if w.set.Len() != 0 || w.set.Size() != (Size{}) {
		w.Errorf("%v is left", w.set.Size())
	}
	if w.blocks.Drain(); w.counted.live != 0 {
		w.Errorf("%d pieces of memory did not come back", w.counted.live)
	}
}

// TestSet inserts segments at random, in order, backwards and over each other, under every policy,
// and takes out what is contiguous.
func TestSet(t *testing.T) {
	for policy := range Policies {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(policy), 9))
			for range 40 {
				w := newWorld(t)
				for i := range 100 {
					start := w.next + random.Int64N(200)
					switch random.IntN(4) {
					case 0:
						start = w.next + 7*int64(i)
					case 1:
						start = w.next + 7*int64(100-i)
					}
					w.insert(Span{start, start + 1 + random.Int64N(20)}, random.IntN(6) == 0, policy)
					if random.IntN(20) == 0 {
						w.pop()
					}
				}
				w.finish()
			}
		})
	}
}

// TestPolicies: for a new segment around, within and beside a held one, the first copy and the last
// copy stay as their names say, and a mark never hides a byte.
func TestPolicies(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		held   Span
		mark   bool
		fresh  Span
		shared int // of the two segments, whose bytes are where both are
	}{
		{First, Span{10, 20}, false, Span{5, 25}, 1}, {First, Span{5, 25}, false, Span{10, 20}, 1},
		{Last, Span{10, 20}, false, Span{5, 25}, 2}, {Last, Span{5, 25}, false, Span{10, 20}, 2},
		{First, Span{10, 20}, true, Span{5, 15}, 2}, {Last, Span{10, 20}, true, Span{15, 25}, 2},
	} {
		w := newWorld(t)
		w.insert(test.held, test.mark, test.policy)
		w.insert(test.fresh, false, test.policy)
		for off := test.held.Shared(test.fresh).Start; off < test.held.Shared(test.fresh).End; off++ {
			if got := w.model[off].segment; got != test.shared {
				t.Errorf("%+v: offset %d is of segment %d", test, off, got)
			}
		}
		w.finish()
	}
}

// FuzzSet reads operations from bytes: three for a segment, one for taking out what is contiguous.
func FuzzSet(f *testing.F) {
	f.Add([]byte{0, 10, 5, 0, 0, 20, 0xff, 2, 12, 9}, uint8(Last))
	f.Add([]byte{0, 0, 200, 1, 50, 3, 0, 40, 40, 0xff, 3, 9, 200}, uint8(Solaris))
	f.Fuzz(func(t *testing.T, operations []byte, policy uint8) {
		w := newWorld(t)
		for n := 0; len(operations) > 0 && n < 200; n++ {
			op := operations[0]
			if op == 0xff || len(operations) < 3 {
				operations = operations[1:]
				w.pop()
				continue
			}
			start := w.next + int64(op>>1) + int64(operations[1])
			w.insert(Span{start, start + 1 + int64(operations[2])}, op&1 == 1, Policy(policy)%Policies)
			operations = operations[3:]
		}
		w.finish()
	})
}
