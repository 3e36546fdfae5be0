package main

// #include <stdlib.h>
import "C"

import "unsafe"

// cMemory is a follower's allocator: events point into it, so it is C's. It knows
// what is allocated, to free it after a fault, and to stop a second Free before
// it reaches C.
type cMemory struct {
	live map[unsafe.Pointer]int // length by address
}

func newCMemory() *cMemory { return &cMemory{live: make(map[unsafe.Pointer]int)} }

func (m *cMemory) Alloc(n int) []byte {
	p := C.malloc(C.size_t(n)) // never nil: cgo ends the process instead
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
