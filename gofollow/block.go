package gofollow

// Allocator supplies the memory that captured bytes live in while a Follower
// needs them: read buffers and held segments. Alloc returns a slice of exactly
// n bytes, n > 0, with any content; Free gets back just such a slice. They are
// called from the goroutine that uses the Follower.
type Allocator interface {
	Alloc(n int) []byte
	Free(b []byte)
}

type block struct{}
