package gofollow

import "math/bits"

// Allocator supplies the memory that captured bytes live in while a Follower
// needs them: read buffers and held segments. Alloc returns a slice of exactly
// n bytes, n > 0, with any content; Free gets back just such a slice. They are
// called from the goroutine that uses the Follower.
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

// blockPool hands out blocks and keeps a few for reuse: first touch of fresh
// memory is the dearest part of following.
type blockPool struct {
	allocator Allocator
	spare     []*block // of blockSize
	headers   []*block // without memory
	reading   int64    // bytes of reader blocks that are in use
}

const (
	maxSpareBlocks  = 4
	maxSpareHeaders = 1024
)

// get returns a block of n bytes with one reference.
func (p *blockPool) get(n int) *block {
	if k := len(p.spare); n == blockSize && k > 0 {
		b := p.spare[k-1]
		p.spare = p.spare[:k-1]
		b.refs = 1
		return b
	}
	var b *block
	if k := len(p.headers); k > 0 {
		b = p.headers[k-1]
		p.headers = p.headers[:k-1]
	} else {
		b = new(block)
	}
	b.mem, b.refs = p.allocator.Alloc(n), 1
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
	if len(b.mem) == blockSize && len(p.spare) < maxSpareBlocks {
		p.spare = append(p.spare, b)
		return
	}
	p.allocator.Free(b.mem)
	b.mem = nil
	if len(p.headers) < maxSpareHeaders {
		p.headers = append(p.headers, b)
	}
}

// drain frees the spare blocks.
func (p *blockPool) drain() {
	for _, b := range p.spare {
		p.allocator.Free(b.mem)
	}
	p.spare, p.headers = nil, nil
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

// goAllocator is the default Allocator: Go slices, pooled by powers of two.
type goAllocator struct {
	free   [maxPooled + 1][][]byte // by the logarithm of the capacity
	pooled int                     // bytes in free
}

const (
	maxPooled      = 18      // the largest slice that is pooled: 256 KiB
	maxPooledBytes = 4 << 20 // beyond it slices are left to the garbage collector
)

func (g *goAllocator) Alloc(n int) []byte {
	class := bits.Len(uint(n - 1))
	if class > maxPooled {
		return make([]byte, n)
	}
	if list := g.free[class]; len(list) > 0 {
		b := list[len(list)-1]
		g.free[class] = list[:len(list)-1]
		g.pooled -= cap(b)
		return b[:n]
	}
	return make([]byte, n, 1<<class)
}

func (g *goAllocator) Free(b []byte) {
	class := bits.Len(uint(cap(b) - 1))
	if class <= maxPooled && cap(b) == 1<<class && g.pooled+cap(b) <= maxPooledBytes {
		g.free[class] = append(g.free[class], b[:0])
		g.pooled += cap(b)
	}
}
