//go:build gofollow_faults

package main

import (
	"os"
	"unsafe"
)

// With the build tag gofollow_faults, allocations panic while the file that GOFOLLOW_FAULT_FILE
// names exists, and so does the goroutine that decompresses (internal/capture/faults.go). Only
// tests build the library with this tag.
func init() {
	real := allocate
	allocate = func(n int) unsafe.Pointer {
		if _, err := os.Stat(os.Getenv("GOFOLLOW_FAULT_FILE")); err == nil {
			panic("injected fault of the allocator")
		}
		return real(n)
	}
}
