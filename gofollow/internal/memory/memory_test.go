package memory

import (
	"bytes"
	"testing"
)

// TestSizeClass: a size holds what was asked for and wastes at most a quarter of
// it, classes are distinct, and the last one is BlockSize's.
func TestSizeClass(t *testing.T) {
	sizes := map[int]int{}
	for n := 1; n <= BlockSize+1; n++ {
		size, class := sizeClass(n)
		if size < n || (n >= minBlock && size-n >= (n+3)/4) {
			t.Fatalf("%d bytes get %d", n, size)
		}
		if again, c := sizeClass(size); again != size || c != class {
			t.Fatalf("%d bytes get %d, and those %d", n, size, again)
		}
		if other, ok := sizes[class]; ok && other != size {
			t.Fatalf("class %d has sizes %d and %d", class, size, other)
		}
		sizes[class] = size
		if n <= BlockSize != (class < sizeClasses) {
			t.Fatalf("%d bytes have class %d of %d", n, class, sizeClasses)
		}
	}
}

// counted is an Allocator that counts what it gave and did not get back.
type counted struct{ live, bytes int }

func (a *counted) Alloc(n int) []byte {
	a.live++
	a.bytes += n
	return make([]byte, n)
}

func (a *counted) Free(b []byte) {
	a.live--
	a.bytes -= cap(b)
}

// TestBlocks: a block is used again when its last reference was given back, what is spare
// is bounded, and all of it comes back.
func TestBlocks(t *testing.T) {
	a := &counted{}
	p := Blocks{Allocator: a}
	b := p.Get(1000)
	b.Keep()
	if p.Release(b); b.Shared() {
		t.Error("a released reference is still there")
	}
	if other := p.Get(1000); &other.Mem[0] == &b.Mem[0] {
		t.Error("a block was handed out while it was referred to")
	}
	at := &b.Mem[0]
	p.Release(b)
	p.Release(nil)
	if b = p.Get(999); &b.Mem[0] != at || len(b.Mem) != 999 {
		t.Error("a spare block was not used again")
	}
	r := p.GetReader(BlockSize)
	if p.Reading() != BlockSize {
		t.Errorf("%d bytes are being read into", p.Reading())
	}
	if p.Release(r); p.Reading() != 0 {
		t.Errorf("%d bytes are being read into afterwards", p.Reading())
	}
	var all []*Block
	for n := 1; n <= 2*BlockSize; n += 3000 {
		all = append(all, p.Get(n), p.Get(BlockSize))
	}
	for _, b := range all {
		p.Release(b)
	}
	if most := maxSpareBytes + maxSpareBlocks*BlockSize + 2000; a.bytes > most {
		t.Errorf("%d bytes are spare, at most %d may be", a.bytes, most)
	}
	if p.Drain(); a.live != 2 { // b and other
		t.Errorf("%d pieces did not come back", a.live-2)
	}
}

// TestArena: copies stay as they are until they are released, share blocks, and a
// block is filled anew when nothing refers to it.
func TestArena(t *testing.T) {
	a := &counted{}
	p := Blocks{Allocator: a}
	arena := Arena{Blocks: &p}
	type copied struct {
		got, want []byte
		in        *Block
	}
	var all []copied
	for i, n := range []int{1, 70_000, BlockSize / 4, 3, BlockSize / 4, 100_000, BlockSize, BlockSize / 4, 9} {
		want := bytes.Repeat([]byte{byte(i)}, n)
		if !arena.Reserve(n) {
			t.Fatalf("no room for %d bytes", n)
		}
		got, in := arena.Copy(want)
		all = append(all, copied{got, want, in})
	}
	for _, c := range all {
		if !bytes.Equal(c.got, c.want) || cap(c.got) != len(c.got) {
			t.Errorf("%d bytes did not stay as they were", len(c.want))
		}
	}
	if a.live != 3 {
		t.Errorf("%d blocks, want two shared ones and one for what is large", a.live)
	}
	for _, c := range all {
		p.Release(c.in)
	}
	first, in := arena.Copy([]byte("again"))
	p.Release(in)
	if again, in := arena.Copy([]byte("again")); &again[0] != &first[0] {
		t.Error("a block without references is not filled anew")
	} else {
		p.Release(in)
	}
	arena.Free()
	if p.Drain(); a.live != 0 {
		t.Errorf("%d pieces did not come back", a.live)
	}
}

func TestPool(t *testing.T) {
	type thing struct{ n int }
	var p Pool[thing]
	p.Put(nil)
	x := p.Get()
	x.n = 1
	p.Put(x)
	if y := p.Get(); y != x || y.n != 0 {
		t.Errorf("got %p %+v, want %p cleared", y, y, x)
	}
	for range maxSpare + 10 {
		p.Put(new(thing))
	}
	if len(p.spare) != maxSpare {
		t.Errorf("%d are spare", len(p.spare))
	}
}
