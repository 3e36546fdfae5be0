package main

// #include <stdlib.h>
// /* C.malloc ends the process where there is no memory. */
// static void *allocate (size_t n) { return malloc (n); }
import "C"

import "unsafe"

// allocate returns n bytes of uninitialized C memory, nil if there is no memory. It is a variable
// so that tests can make it fail.
var allocate = func(n int) unsafe.Pointer { return C.allocate(C.size_t(n)) }

// copied returns a copy of b in C memory, with a 0 byte behind it, nil if there is no memory.
func copied(b string) unsafe.Pointer {
	p := allocate(len(b) + 1)
	if p != nil {
		out := unsafe.Slice((*byte)(p), len(b)+1)
		out[copy(out, b)] = 0
	}
	return p
}

// freeDatagrams frees what gofollow_defragment handed out.
func (h *handle) freeDatagrams() {
	C.free(h.datagrams)
	h.datagrams = nil
}

// cMemory is the allocator of a follower. It allocates C memory, because events point into it. It
// has a list of what is allocated, to free it after a fault, and to stop a second Free before it
// reaches C.
type cMemory struct {
	live map[unsafe.Pointer]int // length by address
}

func newCMemory() *cMemory { return &cMemory{live: make(map[unsafe.Pointer]int)} }

func (m *cMemory) Alloc(n int) []byte {
	p := allocate(n)
	if p == nil {
		return nil
	}
	m.live[p] = n
	return unsafe.Slice((*byte)(p), n)
}

func (m *cMemory) Free(b []byte) {
	p := unsafe.Pointer(unsafe.SliceData(b))
	if n, ok := m.live[p]; !ok || n != len(b) {
		panic("freed memory that is not allocated")
	}
	delete(m.live, p)
	C.free(p)
}

func (m *cMemory) freeAll() {
	for p := range m.live {
		C.free(p)
	}
	clear(m.live)
}
