package gofollow

import "math/bits"

// Allocator supplies the memory that captured bytes live in while a Follower
// needs them: read buffers and held segments. Alloc returns a slice of exactly
// n bytes, n > 0, of that capacity, with any content; Free gets back just such a
// slice. They are called from the goroutine that uses the Follower, which keeps
// some of what it has for reuse.
type Allocator interface {
	Alloc(n int) []byte
	Free(b []byte)
}

// blockSize is the size of a read buffer and of an arena's block. It is small
// enough to stay in a core's cache between the read and the consumer.
const blockSize = 512 << 10

// block is a piece of the allocator's memory, shared by what refers to it.
type block struct {
	mem    []byte
	refs   int  // how many events, held segments and readers refer to mem
	reader bool // a file is or was read into it
}

// blockPool hands out blocks and keeps those that come back for reuse: first
// touch of fresh memory is the dearest part of following.
type blockPool struct {
	allocator  Allocator
	spare      [sizeClasses][]*block
	spareBytes int // of all but the last class
	headers    pool[block]
	reading    int64 // bytes of reader blocks that are in use
}

const (
	minBlock       = 16
	sizeClasses    = 69 // the last is blockSize's
	maxSpareBlocks = 4  // of blockSize, which small ones do not crowd out
	maxSpareBytes  = 4 * blockSize
)

// sizeClass rounds a size up to one of four between two powers of 2, and numbers
// it. A number from sizeClasses on is that of a size that is not kept.
func sizeClass(n int) (size, class int) {
	n = max(n, minBlock)
	shift := bits.Len(uint(n-1)) - 3
	steps := (n + 1<<shift - 1) >> shift
	return steps << shift, 4*shift + steps - 4
}

// get returns a block of n bytes with one reference.
func (p *blockPool) get(n int) *block {
	size, class := sizeClass(n)
	var b *block
	if class < sizeClasses {
		if k := len(p.spare[class]); k > 0 {
			b = p.spare[class][k-1]
			p.spare[class] = p.spare[class][:k-1]
			if class < sizeClasses-1 {
				p.spareBytes -= size
			}
			b.mem, b.refs = b.mem[:n], 1
			return b
		}
	} else {
		size = n
	}
	b = p.headers.get()
	b.mem, b.refs = p.allocator.Alloc(size)[:n], 1
	return b
}

// getReader returns a block to read a file into.
func (p *blockPool) getReader(n int) *block {
	b := p.get(n)
	b.reader = true
	p.reading += int64(n)
	return b
}

// release gives one reference back.
func (p *blockPool) release(b *block) {
	if b.refs--; b.refs > 0 {
		return
	}
	if b.reader {
		b.reader = false
		p.reading -= int64(len(b.mem))
	}
	whole := b.mem[:cap(b.mem)]
	switch _, class := sizeClass(len(whole)); {
	case class < sizeClasses-1 && p.spareBytes+len(whole) <= maxSpareBytes:
		p.spareBytes += len(whole)
		p.spare[class] = append(p.spare[class], b)
		return
	case class == sizeClasses-1 && len(p.spare[class]) < maxSpareBlocks:
		p.spare[class] = append(p.spare[class], b)
		return
	}
	p.allocator.Free(whole)
	p.headers.put(b)
}

// drain frees the spare blocks.
func (p *blockPool) drain() {
	for class := range p.spare {
		for _, b := range p.spare[class] {
			p.allocator.Free(b.mem[:cap(b.mem)])
		}
		p.spare[class] = nil
	}
	p.spareBytes, p.headers = 0, pool[block]{}
}

// arena packs payload that has to be copied into blocks, one after the other.
type arena struct {
	pool *blockPool
	cur  *block // holds one reference of the arena's own
	used int
}

// copy returns a copy of b, not empty, and the block that it lives in, with a
// reference for the caller.
func (a *arena) copy(b []byte) ([]byte, *block) {
	if len(b) > blockSize/4 {
		own := a.pool.get(len(b))
		copy(own.mem, b)
		return own.mem, own
	}
	switch {
	case a.cur == nil:
		a.cur, a.used = a.pool.get(blockSize), 0
	case a.cur.refs == 1:
		a.used = 0
	case a.used+len(b) > blockSize:
		a.pool.release(a.cur)
		a.cur, a.used = a.pool.get(blockSize), 0
	}
	at := a.used
	a.used += copy(a.cur.mem[at:], b)
	a.cur.refs++
	return a.cur.mem[at:a.used:a.used], a.cur
}

func (a *arena) free() {
	if a.cur != nil {
		a.pool.release(a.cur)
		a.cur = nil
	}
}

// goAllocator is the default Allocator.
type goAllocator struct{}

func (goAllocator) Alloc(n int) []byte { return make([]byte, n) }
func (goAllocator) Free([]byte)        {}
