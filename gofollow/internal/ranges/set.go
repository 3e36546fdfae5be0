package ranges

// Set holds ranges that do not overlap. They have two orders: by offset, a sorted slice, and by
// arrival, a list. A sorted slice is enough, because usual streams hold few ranges. Under attack a
// limit bounds an insertion to moving some 64 KiB, where it is not at an end.
type Set struct {
	sorted   []*Range
	room     []*Range // the memory of sorted: few, or more
	few      [6]*Range
	front    int // where in room sorted begins
	eldest   *Range
	youngest *Range
	bytes    int64
}

// Len returns how many ranges there are.
func (s *Set) Len() int { return len(s.sorted) }

// Size returns what the ranges take.
func (s *Set) Size() Size { return Size{s.bytes, len(s.sorted)} }

// Sorted returns the ranges by offset. It is valid until the next change of the set.
func (s *Set) Sorted() []*Range { return s.sorted }

// Lowest returns the range with the lowest offset, nil if there is none. What is missing below it
// is the lowest hole.
func (s *Set) Lowest() *Range {
	if len(s.sorted) == 0 {
		return nil
	}
	return s.sorted[0]
}

// Eldest returns the range that arrived first, nil if there is none.
func (s *Set) Eldest() *Range { return s.eldest }

// Youngest returns the range that arrived last, nil if there is none.
func (s *Set) Youngest() *Range { return s.youngest }

// Pop takes out the lowest range. The set must not be empty.
func (s *Set) Pop() *Range {
	r := s.sorted[0]
	s.unlink(r)
	s.bytes -= int64(len(r.Data))
	s.dropLowest()
	return r
}

// PopAt takes out the lowest range if it begins at off; otherwise it returns nil.
func (s *Set) PopAt(off int64) *Range {
	if len(s.sorted) == 0 || s.sorted[0].Start != off {
		return nil
	}
	return s.Pop()
}

// PopAll takes out all ranges and returns them in the order of arrival.
func (s *Set) PopAll() []*Range {
	all := make([]*Range, 0, len(s.sorted))
	for r := s.eldest; r != nil; r = r.newer {
		all = append(all, r)
	}
	*s = Set{}
	for _, r := range all {
		r.older, r.newer = nil, nil
	}
	return all
}

// Overlapping returns the ranges that share offsets with a span, by offset. It is valid until the
// next change of the set.
func (s *Set) Overlapping(span Span) []*Range {
	first := s.firstAbove(span.Start)
	last := first
	for last < len(s.sorted) && s.sorted[last].Start < span.End {
		last++
	}
	return s.sorted[first:last]
}

// firstAbove returns the index of the first range that ends above off.
func (s *Set) firstAbove(off int64) int {
	low, high := 0, len(s.sorted)
	if high == 0 || s.sorted[high-1].End <= off {
		return high
	}
	for low < high {
		if mid := int(uint(low+high) >> 1); s.sorted[mid].End <= off {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// add puts r at index i, by moving the shorter part of sorted, and behind older in the
// order of arrival.
func (s *Set) add(i int, r, older *Range) {
	n := len(s.sorted)
	switch {
	case 2*i < n && s.front > 0:
		s.front--
		s.sorted = s.room[s.front : s.front+n+1]
		copy(s.sorted[:i], s.sorted[1:i+1])
	case s.front+n < len(s.room):
		s.sorted = s.sorted[:n+1]
		copy(s.sorted[i+1:], s.sorted[i:n])
	case n == 0 && s.room == nil:
		s.room, s.front, s.sorted = s.few[:], 1, s.few[1:2]
	default:
		room := make([]*Range, 2*n+8)
		s.front = len(room) / 4
		copy(room[s.front:], s.sorted[:i])
		copy(room[s.front+i+1:], s.sorted[i:])
		s.room, s.sorted = room, room[s.front:s.front+n+1]
	}
	s.sorted[i] = r
	r.older, r.newer = older, s.eldest
	if older != nil {
		r.newer, older.newer = older.newer, r
	} else {
		s.eldest = r
	}
	if r.newer != nil {
		r.newer.older = r
	} else {
		s.youngest = r
	}
}

// remove takes out the range at index i.
func (s *Set) remove(i int) {
	s.unlink(s.sorted[i])
	if n := len(s.sorted); 2*i < n {
		copy(s.sorted[1:i+1], s.sorted[:i])
		s.dropLowest()
	} else {
		copy(s.sorted[i:], s.sorted[i+1:])
		s.sorted[n-1] = nil
		s.sorted = s.sorted[:n-1]
	}
}

// dropLowest drops the lowest range, which is unlinked.
func (s *Set) dropLowest() {
	s.sorted[0] = nil
	s.sorted, s.front = s.sorted[1:], s.front+1
	if len(s.sorted) == 0 {
		s.sorted, s.room, s.front = nil, nil, 0
	}
}

// unlink takes r out of the order of arrival.
func (s *Set) unlink(r *Range) {
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		s.eldest = r.newer
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		s.youngest = r.older
	}
}
