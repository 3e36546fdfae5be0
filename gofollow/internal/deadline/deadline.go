// Package deadline keeps what is to happen at a time, the earliest first.
package deadline

import "slices"

// Entry is a deadline of something, such as a connection.
type Entry[T any] struct {
	Due int64
	ID  uint64 // breaks ties, and shows whether Of is used for something else by then
	Of  T
}

func (e *Entry[T]) before(o *Entry[T]) bool {
	return e.Due < o.Due || (e.Due == o.Due && e.ID < o.ID)
}

// Heap is a binary heap of deadlines. Deadlines that no longer hold stay in it until they are due
// or removed by Retain.
type Heap[T any] struct {
	entries []Entry[T]
	crowded int // how many entries Retain left, doubled
}

// spare is how many entries beyond twice the valid ones a heap has before it is crowded.
const spare = 1024

// Len returns how many entries there are.
func (h *Heap[T]) Len() int { return len(h.entries) }

// First returns the earliest entry. The heap must not be empty.
func (h *Heap[T]) First() *Entry[T] { return &h.entries[0] }

// Push adds an entry.
func (h *Heap[T]) Push(e Entry[T]) {
	h.entries = append(h.entries, e)
	for i := len(h.entries) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.entries[i].before(&h.entries[parent]) {
			return
		}
		h.entries[i], h.entries[parent] = h.entries[parent], h.entries[i]
		i = parent
	}
}

// Pop takes out the earliest entry. The heap must not be empty.
func (h *Heap[T]) Pop() Entry[T] {
	first, last := h.entries[0], len(h.entries)-1
	h.entries[0] = h.entries[last]
	h.entries[last] = Entry[T]{}
	h.entries = h.entries[:last]
	h.down(0)
	return first
}

func (h *Heap[T]) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.entries); child++ {
			if h.entries[child].before(&h.entries[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.entries[i], h.entries[least] = h.entries[least], h.entries[i]
		i = least
	}
}

// Crowded reports whether so many entries were added since the last Retain that most may no longer
// hold.
func (h *Heap[T]) Crowded() bool { return len(h.entries) > h.crowded+spare }

// Retain removes the entries that do not hold.
func (h *Heap[T]) Retain(holds func(*Entry[T]) bool) {
	h.entries = slices.DeleteFunc(h.entries, func(e Entry[T]) bool { return !holds(&e) })
	for i := len(h.entries)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	h.crowded = 2 * len(h.entries)
}
