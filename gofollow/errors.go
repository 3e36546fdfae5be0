package gofollow

import (
	"errors"
	"fmt"

	"gofollow/gofollow/internal/capture"
)

// MaxPacket is the largest packet, in captured bytes, that is taken.
const MaxPacket = capture.MaxPacket

var (
	// ErrQueueFull says that too many events wait: poll them, then call again.
	ErrQueueFull = errors.New("gofollow: the event queue is full: poll, then call again")
	// ErrPacketTooLarge says that a packet has more than MaxPacket bytes.
	ErrPacketTooLarge = fmt.Errorf("gofollow: the packet has more than %d bytes", MaxPacket)
	// ErrClosed says that the Follower was closed.
	ErrClosed = errors.New("gofollow: the follower is closed")
	// ErrNoFile says that no file is open to be read.
	ErrNoFile = errors.New("gofollow: no file is open: call OpenFile first")
	// ErrFileOpen says that a capture is only read in part.
	ErrFileOpen = errors.New("gofollow: another capture is being read: read it to its end or call EndCapture first")
)

// CaptureError says what is wrong with a capture file, and where.
type CaptureError = capture.Error

// What can be wrong with a capture: the values of CaptureError.Kind.
const (
	NotACapture        = capture.NotACapture
	CaptureTruncated   = capture.Truncated
	CaptureDamaged     = capture.Damaged
	CaptureUnsupported = capture.Unsupported
)
