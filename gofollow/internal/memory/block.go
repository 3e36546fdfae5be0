package memory

import "math/bits"

// Allocator supplies memory. Alloc returns a slice of exactly n bytes, n > 0, of
// that capacity, with any content, or nil if there is no memory; Free gets back just such a slice.
type Allocator interface {
	Alloc(n int) []byte
	Free(b []byte)
}

// GoAllocator allocates Go slices.
type GoAllocator struct{}

func (GoAllocator) Alloc(n int) []byte { return make([]byte, n) }
func (GoAllocator) Free([]byte)        {}

// BlockSize is the size of the largest blocks that are kept for reuse, and of an arena's. It is
// small enough to stay in a core's cache between a read and the consumer.
const BlockSize = 512 << 10

// Block is a piece of the allocator's memory, shared by what refers to it.
type Block struct {
	Mem    []byte
	refs   int  // how many refer to Mem
	reader bool // GetReader gave it
	void   bool // Void gave it
}

// Keep adds a reference.
func (b *Block) Keep() { b.refs++ }

// Shared reports whether there is more than one reference.
func (b *Block) Shared() bool { return b.refs > 1 }

// Blocks hands out blocks and keeps returned ones for reuse: the first
// access to fresh memory is expensive.
type Blocks struct {
	Allocator  Allocator
	spare      [sizeClasses][]*Block
	spareBytes int // of all but the last class
	headers    Pool[Block]
	reading    int64 // bytes of GetReader's blocks that are in use
}

const (
	minBlock       = 16
	sizeClasses    = 69 // the last is BlockSize's
	maxSpareBlocks = 4  // of BlockSize, which small ones do not crowd out
	maxSpareBytes  = 4 * BlockSize
)

// sizeClass rounds a size up to one of four between two powers of 2, and numbers
// it. A number from sizeClasses on is that of a size that is not kept.
func sizeClass(n int) (size, class int) {
	n = max(n, minBlock)
	shift := bits.Len(uint(n-1)) - 3
	steps := (n + 1<<shift - 1) >> shift
	return steps << shift, 4*shift + steps - 4
}

// Get returns a block of n bytes with one reference, nil if there is no memory for it.
func (p *Blocks) Get(n int) *Block {
	size, class := sizeClass(n)
	var b *Block
	if class < sizeClasses {
		if k := len(p.spare[class]); k > 0 {
			b = p.spare[class][k-1]
			p.spare[class] = p.spare[class][:k-1]
			if class < sizeClasses-1 {
				p.spareBytes -= size
			}
			b.Mem, b.refs = b.Mem[:n], 1
			return b
		}
	} else {
		size = n
	}
	mem := p.Allocator.Alloc(size)
	if mem == nil {
		p.Drain() // what is spare may be what is missing
		if mem = p.Allocator.Alloc(size); mem == nil {
			return nil
		}
	}
	b = p.headers.Get()
	b.Mem, b.refs = mem[:n], 1
	return b
}

// Copy returns a block with a copy of b, not empty, and one reference, nil if there is no memory
// for it.
func (p *Blocks) Copy(b []byte) *Block {
	own := p.Get(len(b))
	if own != nil {
		copy(own.Mem, b)
	}
	return own
}

// GetReader is Get for a block to read into, which Reading counts.
func (p *Blocks) GetReader(n int) *Block {
	b := p.Get(n)
	if b == nil {
		return nil
	}
	b.reader = true
	p.reading += int64(n)
	return b
}

// Reading returns how many bytes GetReader's blocks have that are in use.
func (p *Blocks) Reading() int64 { return p.reading }

// void is what blocks of Void share, as long as a packet may be. Nothing reads or writes it, so
// that it takes no memory.
var void [16 << 20]byte

// Void returns a block that has a length of n bytes, but no memory, with one reference: for bytes
// that are counted and not kept.
func (p *Blocks) Void(n int) *Block {
	b := p.headers.Get()
	b.Mem, b.refs, b.void = void[:n:n], 1, true
	return b
}

// IsVoid reports whether Void gave the block.
func (b *Block) IsVoid() bool { return b.void }

// Release gives one reference back, if b is not nil.
func (p *Blocks) Release(b *Block) {
	if b == nil {
		return
	}
	if b.refs--; b.refs > 0 {
		return
	}
	if b.void {
		p.headers.Put(b)
		return
	}
	if b.reader {
		b.reader = false
		p.reading -= int64(len(b.Mem))
	}
	whole := b.Mem[:cap(b.Mem)]
	switch _, class := sizeClass(len(whole)); {
	case class < sizeClasses-1 && p.spareBytes+len(whole) <= maxSpareBytes:
		p.spareBytes += len(whole)
		p.spare[class] = append(p.spare[class], b)
		return
	case class == sizeClasses-1 && len(p.spare[class]) < maxSpareBlocks:
		p.spare[class] = append(p.spare[class], b)
		return
	}
	p.Allocator.Free(whole)
	p.headers.Put(b)
}

// Drain frees the spare blocks.
func (p *Blocks) Drain() {
	for class := range p.spare {
		for _, b := range p.spare[class] {
			p.Allocator.Free(b.Mem[:cap(b.Mem)])
		}
		p.spare[class] = nil
	}
	p.spareBytes, p.headers = 0, Pool[Block]{}
}
