package gofollow

// pool keeps what is out of use, so that connections in disorder leave the garbage
// collector nothing to do. What it has no room for, that gets.
type pool[T any] struct{ spare []*T }

const maxSpare = 1024

// get returns a cleared one.
func (p *pool[T]) get() *T {
	n := len(p.spare)
	if n == 0 {
		return new(T)
	}
	x := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return x
}

// put takes one back, unless it is nil.
func (p *pool[T]) put(x *T) {
	if x != nil && len(p.spare) < maxSpare {
		*x = *new(T)
		p.spare = append(p.spare, x)
	}
}
