// Package main is the C library. Its public functions are written in C (guard.c): they check for a
// fork and check the arguments, then call the exports below. An export converts the arguments,
// calls the follower and converts the results. See gofollow.h.
package main

// #cgo CFLAGS: -Wall -Wextra
// #include "internal.h"
import "C"

import (
	"fmt"
	"math"
	"runtime/debug"
	"unsafe"

	"gofollow/gofollow"
)

const (
	errArgument    = C.GOFOLLOW_ERR_ARGUMENT
	errHandle      = C.GOFOLLOW_ERR_HANDLE
	errBusy        = C.GOFOLLOW_ERR_BUSY
	errFull        = C.GOFOLLOW_ERR_FULL
	errTooBig      = C.GOFOLLOW_ERR_TOO_BIG
	errState       = C.GOFOLLOW_ERR_STATE
	errIO          = C.GOFOLLOW_ERR_IO
	errFormat      = C.GOFOLLOW_ERR_FORMAT
	errTruncated   = C.GOFOLLOW_ERR_TRUNCATED
	errDamaged     = C.GOFOLLOW_ERR_DAMAGED
	errUnsupported = C.GOFOLLOW_ERR_UNSUPPORTED
	errInternal    = C.GOFOLLOW_ERR_INTERNAL
	errMemory      = C.GOFOLLOW_ERR_MEMORY
)

func main() {}

//export gofollow_go_create
func gofollow_go_create(out *C.gofollow_t, config *C.gofollow_config, message **C.char) C.int {
	converted, wrong := configFrom(config)
	if wrong != "" {
		*message = (*C.char)(copied(wrong))
		return errArgument
	}
	id, code, err := create(converted)
	if err != nil {
		*message = (*C.char)(copied(inC(err)))
	}
	*out = C.gofollow_t(id)
	return C.int(code)
}

//export gofollow_go_feed
func gofollow_go_feed(f C.gofollow_t, linkType C.uint32_t, time C.int64_t, data unsafe.Pointer, captured, original C.size_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error {
		packets := h.room(1)
		defer clear(packets)
		packets[0] = packet(linkType, time, data, captured, original)
		return h.follower.Feed(&packets[0])
	}))
}

//export gofollow_go_feed_batch
func gofollow_go_feed_batch(f C.gofollow_t, packets *C.gofollow_packet, n C.size_t, consumed *C.size_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error {
		for rest := unsafe.Slice(packets, int(n)); len(rest) > 0; {
			part := rest[:min(len(rest), batchPart)]
			taken, err := h.feed(part)
			*consumed += C.size_t(taken)
			if err != nil {
				return err
			}
			rest = rest[len(part):]
		}
		return nil
	}))
}

// batchPart is how many packets of a batch are converted at once.
const batchPart = 256

func (h *handle) feed(part []C.gofollow_packet) (int, error) {
	packets := h.room(len(part))
	// They hold addresses of the caller, none of which may stay in Go's memory.
	defer clear(packets)
	for i := range part {
		p := &part[i]
		packets[i] = packet(p.link_type, p.ts_ns, p.bytes, p.captured, p.original)
	}
	return h.follower.FeedBatch(packets)
}

// room returns n packets to fill in, at most batchPart.
func (h *handle) room(n int) []gofollow.Packet {
	if len(h.packets) < n {
		h.packets = make([]gofollow.Packet, n)
	}
	return h.packets[:n]
}

func packet(linkType C.uint32_t, time C.int64_t, data unsafe.Pointer, captured, original C.size_t) gofollow.Packet {
	p := gofollow.Packet{LinkType: gofollow.LinkType(linkType), Time: int64(time), WireLen: int(min(original, math.MaxInt))}
	if captured > 0 {
		p.Data = unsafe.Slice((*byte)(data), int(captured))
	}
	return p
}

//export gofollow_go_feed_capture
func gofollow_go_feed_capture(f C.gofollow_t, data unsafe.Pointer, n C.size_t, consumed *C.size_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error {
		taken, err := h.follower.FeedCapture(unsafe.Slice((*byte)(data), int(n)))
		*consumed = C.size_t(taken)
		return err
	}))
}

//export gofollow_go_end_capture
func gofollow_go_end_capture(f C.gofollow_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error { return h.follower.EndCapture() }))
}

//export gofollow_go_open_file
func gofollow_go_open_file(f C.gofollow_t, path *C.char) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		return 0, h.follower.OpenFile(C.GoString(path))
	}))
}

//export gofollow_go_read_file
func gofollow_go_read_file(f C.gofollow_t, maxPackets C.size_t, progress *C.gofollow_progress) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error {
		p, err := h.follower.ReadFile(int(min(maxPackets, math.MaxInt)))
		progress.packets = C.uint64_t(p.Packets)
		progress.bytes_read = C.uint64_t(p.BytesRead)
		progress.file_size = C.uint64_t(p.FileSize)
		if p.End {
			progress.end = 1
		}
		return err
	}))
}

//export gofollow_go_select_capture
func gofollow_go_select_capture(f C.gofollow_t, number C.uint32_t, until C.int64_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		return 0, h.follower.SelectCapture(int(number), int64(until))
	}))
}

//export gofollow_go_next_time
func gofollow_go_next_time(f C.gofollow_t, time *C.int64_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		next, waits := h.follower.NextTime()
		*time = C.int64_t(next)
		if !waits {
			return 0, nil
		}
		return 1, nil
	}))
}

//export gofollow_go_abandon_capture
func gofollow_go_abandon_capture(f C.gofollow_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) { return 0, h.follower.AbandonCapture() }))
}

//export gofollow_go_poll
func gofollow_go_poll(f C.gofollow_t, events *C.gofollow_event, limit C.size_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		return h.poll(events, limit)
	}))
}

func (h *handle) poll(events *C.gofollow_event, limit C.size_t) (int, error) {
	return h.pollInto((*cEvent)(unsafe.Pointer(events)), int(min(limit, math.MaxInt32)))
}

// pollInto converts up to limit events into an array. Events for which there is no memory keep
// waiting.
func (h *handle) pollInto(events *cEvent, limit int) (int, error) {
	polled := h.follower.Poll(limit)
	n := h.facts.events(unsafe.Slice(events, len(polled)), polled, h.follower.Peek())
	h.follower.Unpoll(len(polled) - n)
	if n == 0 && len(polled) > 0 {
		return 0, errNoFacts
	}
	return n, nil
}

// errNoFacts is gofollow.ErrNoMemory for a poll.
var errNoFacts = fmt.Errorf("%w (for the facts of a connection: no event was taken)", gofollow.ErrNoMemory)

//export gofollow_go_set_user
func gofollow_go_set_user(f C.gofollow_t, id C.uint64_t, user unsafe.Pointer) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		if !h.facts.setUser(uint64(id), uintptr(user)) {
			return 0, errNotOpen
		}
		return 0, nil
	}))
}

//export gofollow_go_ignore
func gofollow_go_ignore(f C.gofollow_t, id C.uint64_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		err := h.follower.Ignore(uint64(id))
		h.facts.dropped(h.follower.Peek())
		return 0, err
	}))
}

//export gofollow_go_advance_time
func gofollow_go_advance_time(f C.gofollow_t, time C.int64_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error { return h.follower.AdvanceTime(int64(time)) }))
}

//export gofollow_go_flush
func gofollow_go_flush(f C.gofollow_t) C.int {
	return C.int(feeding(uint64(f), func(h *handle) error { return h.follower.Flush() }))
}

//export gofollow_go_destroy
func gofollow_go_destroy(f C.gofollow_t) C.int {
	return C.int(destroy(uint64(f)))
}

//export gofollow_go_stats
func gofollow_go_stats(f C.gofollow_t, out *C.gofollow_statistics) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		s := h.follower.Stats()
		out.packets, out.bytes, out.segments = C.uint64_t(s.Packets), C.uint64_t(s.Bytes), C.uint64_t(s.Segments)
		out.not_tcp, out.fragments, out.malformed = C.uint64_t(s.NotTCP), C.uint64_t(s.Fragments), C.uint64_t(s.Malformed)
		out.bad_checksum, out.unknown_link, out.too_deep = C.uint64_t(s.BadChecksum), C.uint64_t(s.UnknownLink), C.uint64_t(s.TooDeep)
		out.no_connection, out.after_close, out.no_ack_flag = C.uint64_t(s.NoConnection), C.uint64_t(s.AfterClose), C.uint64_t(s.NoACKFlag)
		out.opened = C.uint64_t(s.Opened)
		for i, n := range s.ClosedBy {
			out.closed[i] = C.uint64_t(n)
		}
		out.connections, out.closed_connections = C.uint64_t(s.Connections), C.uint64_t(s.ClosedConnections)
		out.held_bytes, out.max_held_bytes = C.uint64_t(s.HeldBytes), C.uint64_t(s.MaxHeldBytes)
		out.events, out.waiting = C.uint64_t(s.Events), C.uint64_t(h.follower.Waiting())
		out.datagrams, out.fragments_expired = C.uint64_t(s.Datagrams), C.uint64_t(s.FragmentsExpired)
		out.fragments_dropped, out.filtered = C.uint64_t(s.FragmentsDropped), C.uint64_t(s.Filtered)
		out.candidates_dropped = C.uint64_t(s.CandidatesDropped)
		out.closed_connections_dropped = C.uint64_t(s.ClosedConnectionsDropped)
		return 0, nil
	}))
}

//export gofollow_go_not_followed
func gofollow_go_not_followed(f C.gofollow_t, out *C.gofollow_not_followed_kind, limit C.size_t) C.int {
	return C.int(use(uint64(f), func(h *handle) (int, error) {
		kinds := h.follower.NotFollowed()
		n := int(min(limit, C.size_t(len(kinds))))
		for i, to := 0, unsafe.Slice(out, n); i < n; i++ {
			from := &kinds[i]
			to[i] = C.gofollow_not_followed_kind{packets: C.uint64_t(from.Packets)}
			if from.LinkType {
				to[i].link_type = 1
			}
			name := unsafe.Slice((*byte)(unsafe.Pointer(&to[i].name)), len(to[i].name))
			copy(name[:len(name)-1], from.Name)
		}
		return len(kinds), nil
	}))
}

//export gofollow_go_error_message
func gofollow_go_error_message(f C.gofollow_t, buf *C.char, size C.size_t) (code C.int) {
	defer recovered(&code)
	h := table.get(uint64(f))
	if h == nil {
		return errHandle
	}
	message := h.lastError()
	if size > 0 {
		out := unsafe.Slice((*byte)(unsafe.Pointer(buf)), int(min(size, C.size_t(len(message))+1)))
		out[copy(out[:len(out)-1], message)] = 0
	}
	return C.int(len(message))
}

//export gofollow_go_refuse
func gofollow_go_refuse(f C.gofollow_t, reason C.int, message *C.char) (code C.int) {
	defer recovered(&code)
	h := table.get(uint64(f))
	if h == nil {
		return errHandle
	}
	h.setError(C.GoString(message))
	return reason
}

//export gofollow_go_set_memory_limit
func gofollow_go_set_memory_limit(bytes C.uint64_t) (code C.int) {
	defer recovered(&code)
	limit := int64(math.MaxInt64)
	if bytes > 0 {
		limit = int64(bytes)
	}
	debug.SetMemoryLimit(limit)
	return 0
}

// recovered, deferred, turns a panic into a code.
func recovered(code *C.int) {
	if recover() != nil {
		*code = errInternal
	}
}
