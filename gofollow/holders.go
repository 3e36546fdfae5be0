package gofollow

import (
	"container/heap"

	"gofollow/gofollow/internal/ranges"
)

// holders is a heap of the directions that hold ranges, the one that takes the most
// memory on top.
type holders struct {
	heap  []holder
	total ranges.Size
}

// holder is a direction that holds ranges.
type holder struct {
	conn *Connection
	from side
	r    *reassembly
}

// heldRangeBytes is about what a held range takes beside its bytes. The number of ranges is limited
// to as many as take Limits.TotalHeldBytes by it: otherwise ranges of one byte could take any
// amount.
const heldRangeBytes = 256

// memory returns about how much memory the held ranges take.
func (r *reassembly) memory() int64 {
	size := r.held.Size()
	return size.Bytes + int64(size.Ranges)*heldRangeBytes
}

// account adds to the totals by how much the held ranges of a direction have grown, and keeps the
// heap in order.
func (h *holders) account(c *Connection, from side, grown ranges.Size) {
	h.total.Bytes += grown.Bytes
	h.total.Ranges += grown.Ranges
	switch r := c.dirs[from].reassembly; {
	case r.holder < 0 && r.held.Len() > 0:
		r.holder = len(h.heap)
		h.heap = append(h.heap, holder{c, from, r})
		heap.Fix(h, r.holder) // heap.Push would allocate
	case r.holder >= 0 && r.held.Len() == 0:
		heap.Remove(h, r.holder)
	case r.holder >= 0:
		heap.Fix(h, r.holder)
	}
}

func (h *holders) Len() int { return len(h.heap) }

func (h *holders) Less(i, j int) bool {
	a, b := &h.heap[i], &h.heap[j]
	if x, y := a.r.memory(), b.r.memory(); x != y {
		return x > y
	}
	return a.conn.id < b.conn.id || (a.conn.id == b.conn.id && a.from < b.from)
}

func (h *holders) Swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].r.holder, h.heap[j].r.holder = i, j
}

// Push makes holders a heap.Interface. Nothing calls it.
func (h *holders) Push(any) {}

// Pop drops the last one.
func (h *holders) Pop() any {
	last := len(h.heap) - 1
	h.heap[last].r.holder = -1
	h.heap[last] = holder{}
	h.heap = h.heap[:last]
	return nil
}
