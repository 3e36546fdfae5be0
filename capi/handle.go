package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unsafe"

	"gofollow/gofollow"
)

var errNotOpen = errors.New("no event of that connection came with the last poll")

// handle is a follower of the C library. One call at a time uses it, and sets busy. Only message
// may be used by any thread at any time.
type handle struct {
	follower *gofollow.Follower
	memory   *cMemory // what the follower allocated
	facts    facts    // what the events of the last poll point to
	packets  []gofollow.Packet

	datagrams unsafe.Pointer // what the last gofollow_defragment handed out, nil for nothing

	busy     atomic.Bool
	poisoned bool // a call panicked: only destroy works

	mu      sync.Mutex
	message string // error message of the last failed call
}

// handles is the table of all handles. A number is never used again, so a stale one never refers to
// another follower.
type handles struct {
	mu   sync.RWMutex
	live map[uint64]*handle
	last uint64
}

var table handles

func (t *handles) add(h *handle) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil {
		t.live = make(map[uint64]*handle)
	}
	t.last++
	t.live[t.last] = h
	return t.last
}

// get returns a handle, nil if it does not exist.
func (t *handles) get(id uint64) *handle {
	t.mu.RLock()
	h := t.live[id]
	t.mu.RUnlock()
	return h
}

func (t *handles) remove(id uint64) {
	t.mu.Lock()
	delete(t.live, id)
	t.mu.Unlock()
}

// create makes a follower and returns its number, or the error in config.
func create(config gofollow.Config) (id uint64, code int32, fault error) {
	defer func() {
		if recover() != nil {
			id, code, fault = 0, errInternal, nil
		}
	}()
	memory := newCMemory()
	if config.Allocator == nil {
		config.Allocator = memory
	}
	follower, err := gofollow.New(config)
	if err != nil {
		memory.freeAll()
		return 0, errArgument, err
	}
	return table.add(&handle{follower: follower, memory: memory}), 0, nil
}

// claim finds a handle and marks it busy, or returns the code of the reason why it cannot.
func claim(id uint64) (h *handle, code int32) {
	h = table.get(id)
	switch {
	case h == nil:
		return nil, errHandle
	case !h.busy.CompareAndSwap(false, true):
		return nil, errBusy
	}
	return h, 0
}

// use runs call with a handle that no other call uses and that is not poisoned. It returns the
// number that call returns, or the code of its error.
func use(id uint64, call func(h *handle) (int, error)) (code int32) {
	h, code := claim(id)
	if h == nil {
		return code
	}
	defer h.release(&code)
	if h.poisoned {
		return errInternal
	}
	n, err := call(h)
	if err != nil {
		return h.fail(err)
	}
	return int32(min(n, math.MaxInt32))
}

// feeding is use for a call that feeds the follower. It returns how many events wait afterwards.
func feeding(id uint64, call func(h *handle) error) (code int32) {
	return use(id, func(h *handle) (int, error) {
		err := call(h)
		return h.follower.Waiting(), err
	})
}

// release ends a call. It is deferred and recovers from a panic.
func (h *handle) release(code *int32) {
	if fault := recover(); fault != nil {
		h.poisoned = true
		h.setError(fmt.Sprintf("an internal error of gofollow, destroy the follower: %v", fault))
		*code = errInternal
	}
	h.busy.Store(false)
}

// destroy frees a handle and everything that belongs to it.
func destroy(id uint64) (code int32) {
	h, code := claim(id)
	if h == nil {
		return code
	}
	// busy stays set: a call that found the handle before is refused.
	table.remove(id)
	defer func() {
		if recover() != nil {
			code = errInternal
		}
		h.memory.freeAll()
	}()
	h.facts.free()
	h.freeDatagrams()
	// A poisoned follower is not closed. Its memory is freed from the list of allocations.
	if !h.poisoned {
		h.follower.Close()
	}
	return 0
}

// setError keeps the message of a failed call.
func (h *handle) setError(message string) {
	h.mu.Lock()
	h.message = message
	h.mu.Unlock()
}

// lastError returns the message of the last failed call, empty if none failed.
func (h *handle) lastError() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.message
}

// inC returns the message of an error with C's names of functions and fields.
func inC(err error) string {
	var field *gofollow.ConfigError
	switch {
	case errors.Is(err, gofollow.ErrNoFile):
		return "no capture is open: call gofollow_open_file first"
	case errors.Is(err, gofollow.ErrFileOpen):
		return "another capture is being read: read it to its end or call gofollow_end_capture first"
	case errors.As(err, &field):
		return fmt.Sprintf("config->%s is %d, must be 0 to %d", fieldInC(field.Field), field.Value, field.Largest)
	}
	return strings.TrimPrefix(err.Error(), "gofollow: ")
}

// fieldInC returns the name in gofollow_config of a field of Config: close_on for CloseOn, rst for
// RST, max_held_bytes for Limits.HeldBytes.
func fieldInC(field string) string {
	name, limit := strings.CutPrefix(field, "Limits.")
	var c strings.Builder
	if limit {
		c.WriteString("max_")
	}
	for i, letter := range name {
		if i > 0 && unicode.IsUpper(letter) && unicode.IsLower(rune(name[i-1])) {
			c.WriteByte('_')
		}
		c.WriteRune(unicode.ToLower(letter))
	}
	return c.String()
}

// fail keeps the message of an error and returns its code.
func (h *handle) fail(err error) int32 {
	h.setError(inC(err))
	var inCapture *gofollow.CaptureError
	switch {
	case errors.Is(err, gofollow.ErrQueueFull), errors.Is(err, gofollow.ErrMore):
		return errFull
	case errors.Is(err, gofollow.ErrNoMemory):
		return errMemory
	case errors.Is(err, gofollow.ErrNoConnection):
		return errArgument
	case errors.Is(err, gofollow.ErrPacketTooLarge):
		return errTooBig
	case errors.Is(err, gofollow.ErrClosed):
		return errHandle
	case errors.Is(err, gofollow.ErrNoFile), errors.Is(err, gofollow.ErrFileOpen), errors.Is(err, errNotOpen):
		return errState
	case errors.As(err, &inCapture):
		switch inCapture.Kind {
		case gofollow.NotACapture:
			return errFormat
		case gofollow.CaptureTruncated:
			return errTruncated
		case gofollow.CaptureDamaged:
			return errDamaged
		case gofollow.CaptureUnsupported:
			return errUnsupported
		}
	}
	return errIO
}
