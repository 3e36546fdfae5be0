package ranges

// Insert puts n, which has no reference of its own, between the ranges and returns by how much the
// set grew. Where n meets a range, the policy decides whose bytes stay. The rest of both stays in
// any case.
func (s *Set) Insert(n Range, policy Policy, m *Memory) (grown Size) {
	before, whole := s.Size(), n.Span
	i := s.firstAbove(n.Start)
	for i < len(s.sorted) && s.sorted[i].Start < n.End {
		h := s.sorted[i]
		if n.Start < h.Start {
			i += s.put(i, n, n.Start, h.Start, m)
			n = n.from(h.Start)
			continue
		}
		common := Span{n.Start, min(n.End, h.End)}
		if n.wins(policy, whole, h) {
			i = s.cutOut(i, common, m)
			i += s.put(i, n, common.Start, common.End, m)
		} else {
			i++
		}
		n = n.from(common.End)
	}
	if n.Start < n.End {
		s.put(i, n, n.Start, n.End, m)
	}
	for i := max(0, s.firstAbove(whole.Start)-1); i < len(s.sorted) && s.sorted[i].Start <= whole.End; i++ {
		m.slim(s.sorted[i])
	}
	return Size{s.bytes - before.Bytes, len(s.sorted) - before.Ranges}
}

// put inserts the part [start, end) of n at index i and returns how many
// ranges that made: none if it continues the one before it.
func (s *Set) put(i int, n Range, start, end int64, m *Memory) int {
	n = n.from(start)
	n.End = end
	if n.Data != nil {
		n.Data = n.Data[:end-start]
		s.bytes += end - start
		if i > 0 && s.sorted[i-1].End == start && s.sorted[i-1].adjoins(&n) {
			p := s.sorted[i-1]
			p.Data, p.End = p.Data[:end-p.Start], end
			return 0
		}
		n.Owner.Keep()
	}
	s.add(i, m.New(&n), s.youngest)
	return 1
}

// cutOut removes a span from the range at index i, which contains it, and
// returns the index at which the span may be inserted.
func (s *Set) cutOut(i int, span Span, m *Memory) int {
	h := s.sorted[i]
	if h.Data != nil {
		s.bytes -= span.Len()
	}
	if span.End < h.End { // what is above the span becomes a range of its own
		rest := h.from(span.End)
		if rest.Owner != nil {
			rest.Owner.Keep()
		}
		s.add(i+1, m.New(&rest), h)
	}
	if span.Start > h.Start { // what is below the span stays
		h.End = span.Start
		if h.Data != nil {
			h.Data = h.Data[: h.End-h.Start : h.End-h.Start]
		}
		return i + 1
	}
	s.remove(i)
	m.Free(h)
	return i
}
