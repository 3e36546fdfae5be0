package memory

// Arena packs payload that has to be copied into blocks, one after the other.
type Arena struct {
	Blocks *Blocks
	cur    *Block // holds one reference of the arena's own
	used   int
}

// Copy returns a copy of b, not empty, and the block that it lives in, with a
// reference for the caller.
func (a *Arena) Copy(b []byte) ([]byte, *Block) {
	if len(b) > BlockSize/4 {
		own := a.Blocks.Copy(b)
		return own.Mem, own
	}
	switch {
	case a.cur == nil:
		a.cur, a.used = a.Blocks.Get(BlockSize), 0
	case a.cur.refs == 1:
		a.used = 0
	case a.used+len(b) > BlockSize:
		a.Blocks.Release(a.cur)
		a.cur, a.used = a.Blocks.Get(BlockSize), 0
	}
	at := a.used
	a.used += copy(a.cur.Mem[at:], b)
	a.cur.refs++
	return a.cur.Mem[at:a.used:a.used], a.cur
}

// Free gives the arena's block back.
func (a *Arena) Free() {
	if a.cur != nil {
		a.Blocks.Release(a.cur)
		a.cur = nil
	}
}
