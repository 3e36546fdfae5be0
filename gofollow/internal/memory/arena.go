package memory

// Arena packs payload that has to be copied into blocks, one after the other. Memory is reserved
// before it is needed, so that Copy cannot fail.
type Arena struct {
	Blocks *Blocks
	cur    *Block // holds one reference of the arena's own; nil before the first Reserve
	used   int    // bytes of cur
	free   int    // bytes of cur behind those
}

// Reserve makes room for n bytes that Copy is given from now on. It returns false if there is no
// memory for them.
func (a *Arena) Reserve(n int) bool { return (n <= a.free && a.free <= BlockSize) || a.reserve(n) }

// reserve is Reserve where the current block has no room, or is larger than blocks mostly are.
func (a *Arena) reserve(n int) bool {
	a.rewind()
	if n <= a.free && a.free <= BlockSize {
		return true
	}
	size := BlockSize
	if n > BlockSize/2 {
		size = n // blocks that are filled by half would take twice what is copied
	}
	fresh := a.Blocks.Get(size)
	if fresh == nil {
		return n <= a.free
	}
	a.Free()
	a.cur, a.used, a.free = fresh, 0, size
	return true
}

// rewind begins the current block anew if nothing refers to it: that part of it is in the cache.
func (a *Arena) rewind() {
	if a.cur != nil && a.cur.refs == 1 {
		a.used, a.free = 0, len(a.cur.Mem)
	}
}

// Copy returns a copy of b, for which room was reserved, and the block that it lives in, with a
// reference for the caller.
func (a *Arena) Copy(b []byte) ([]byte, *Block) {
	a.rewind()
	at := a.used
	a.used += copy(a.cur.Mem[at:], b)
	a.free -= a.used - at
	a.cur.refs++
	return a.cur.Mem[at:a.used:a.used], a.cur
}

// CopyApart is Copy into a block of its own, as long as there is memory for one.
func (a *Arena) CopyApart(b []byte) ([]byte, *Block) {
	if own := a.Blocks.Copy(b); own != nil {
		return own.Mem, own
	}
	return a.Copy(b)
}

// Free gives the arena's block back.
func (a *Arena) Free() {
	a.Blocks.Release(a.cur)
	a.cur, a.used, a.free = nil, 0, 0
}
