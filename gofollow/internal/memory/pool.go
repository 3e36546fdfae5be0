// Package memory keeps what was used, bytes and structs, so that it is used again: the
// garbage collector and the allocator have little to do.
package memory

// Pool keeps structs that are out of use, as many as it has room for.
type Pool[T any] struct{ spare []*T }

const maxSpare = 1024

// Get returns a cleared one.
func (p *Pool[T]) Get() *T {
	n := len(p.spare)
	if n == 0 {
		return new(T)
	}
	x := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return x
}

// Put takes one back, unless it is nil.
func (p *Pool[T]) Put(x *T) {
	if x != nil && len(p.spare) < maxSpare {
		*x = *new(T)
		p.spare = append(p.spare, x)
	}
}
