// Package memory keeps bytes and structs that are out of use for reuse, which saves work of the
// garbage collector and the allocator.
package memory

// Pool keeps up to maxSpare structs that are out of use.
type Pool[T any] struct{ spare []*T }

const maxSpare = 1024

// Get returns a cleared struct.
func (p *Pool[T]) Get() *T {
	n := len(p.spare)
	if n == 0 {
		return new(T)
	}
	x := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return x
}

// Put takes a struct back. It may be nil.
func (p *Pool[T]) Put(x *T) {
	if x != nil && len(p.spare) < maxSpare {
		*x = *new(T)
		p.spare = append(p.spare, x)
	}
}
