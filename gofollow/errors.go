package gofollow

import (
	"errors"
	"fmt"

	"gofollow/gofollow/internal/capture"
)

// MaxPacket is the largest number of captured bytes that a packet may have.
const MaxPacket = capture.MaxPacket

var (
	// ErrQueueFull is returned by a call that did nothing, or not all, because too many events
	// wait: take them (Poll or Events), then repeat the call.
	ErrQueueFull = errors.New("gofollow: the event queue is full: poll, then call again")
	// ErrMore is returned by FeedCapture and EndCapture when a call has done as much as one call
	// does and is not finished: take the events, then call again with the rest.
	ErrMore = errors.New("gofollow: the call took as much as one call takes: poll, then call again with the rest")
	// ErrPacketTooLarge is returned for a packet of more than MaxPacket bytes.
	ErrPacketTooLarge = fmt.Errorf("gofollow: the packet has more than %d bytes", MaxPacket)
	// ErrNoMemory is returned by a call that did nothing, or not all, because the Allocator had no
	// memory for the bytes of the next packet. What was followed stays: take the events and repeat
	// the call, or flush.
	ErrNoMemory = errors.New("gofollow: there is no memory for the bytes of the next packet: poll, then call again, or flush")
	// ErrClosed is returned by calls on a closed Follower.
	ErrClosed = errors.New("gofollow: the follower is closed")
	// ErrNoFile is returned by ReadFile when no capture is open.
	ErrNoFile = errors.New("gofollow: no capture is open: call OpenFile or OpenReader first")
	// ErrNoConnection is returned by Ignore for an ID that no connection has had.
	ErrNoConnection = errors.New("gofollow: no connection has that ID")
	// ErrFileOpen is returned when a capture is begun before the one before is finished.
	ErrFileOpen = errors.New("gofollow: another capture is being read: read it to its end or call EndCapture first")
)

// CaptureError describes what is wrong with a capture, and where.
type CaptureError struct {
	Kind   CaptureErrorKind
	Record uint64 // number of packets before the fault
	Offset int64  // position of the fault in the bytes of the capture, decompressed
	Reason string // what is wrong and what to do: one line without a full stop
}

func (e *CaptureError) Error() string {
	return fmt.Sprintf("%s (after packet %d, at byte %d)", e.Reason, e.Record, e.Offset)
}

// CaptureErrorKind classifies a CaptureError.
type CaptureErrorKind uint8

const (
	// NotACapture: the bytes begin with the magic number of no known format.
	NotACapture = CaptureErrorKind(capture.NotACapture)
	// CaptureTruncated: the capture ends within a record.
	CaptureTruncated = CaptureErrorKind(capture.Truncated)
	// CaptureDamaged: a length or a value contradicts the format.
	CaptureDamaged = CaptureErrorKind(capture.Damaged)
	// CaptureUnsupported: a known format, version or block that is not supported.
	CaptureUnsupported = CaptureErrorKind(capture.Unsupported)
)

var captureErrorKinds = [...]string{"", "not a capture", "truncated", "damaged", "unsupported"}

func (k CaptureErrorKind) String() string { return name(captureErrorKinds[:], int(k)) }

// captureError returns err with a *capture.Error replaced by the *CaptureError of the same fault.
func captureError(err error) error {
	if e, ok := err.(*capture.Error); ok {
		return &CaptureError{CaptureErrorKind(e.Kind), e.Record, e.Offset, e.Reason}
	}
	return err
}
