package gofollow

import "gofollow/gofollow/internal/memory"

// Allocator supplies the memory that captured bytes live in while a Follower
// needs them: read buffers and held segments. Alloc returns a slice of exactly
// n bytes, n > 0, of that capacity, with any content, or nil if there is no memory: then
// the call under way returns ErrNoMemory. Free gets back just such a
// slice. They are called from the goroutine that uses the Follower, which keeps
// some of what it has for reuse.
type Allocator interface {
	Alloc(n int) []byte
	Free(b []byte)
}

// block is what files are read into, what copied payload and held segments live in, and
// what events point into.
type block = memory.Block

// blockSize is the size of a read buffer.
const blockSize = memory.BlockSize
