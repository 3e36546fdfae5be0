package main

import (
	"testing"

	"gofollow/gofollow"
)

// TestUnfinishedIsFull: a C program polls and calls again, whether events wait or a call took all
// that one takes.
func TestUnfinishedIsFull(t *testing.T) {
	for _, err := range []error{gofollow.ErrQueueFull, gofollow.ErrMore} {
		if code := new(handle).fail(err); code != errFull {
			t.Errorf("the code of %q is %d, want %d", err, code, errFull)
		}
	}
}
