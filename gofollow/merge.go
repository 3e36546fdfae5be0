package gofollow

import (
	"math"

	"gofollow/gofollow/internal/capture"
)

// captures is what is known of captures that are read by turns.
type captures struct {
	number  int            // of the one that is read
	until   int64          // packets of that time or later wait, unless it is noLimit
	others  map[int]*input // those that were begun, by number
	reading int64          // bytes of the blocks that the files among them were read into
}

// noLimit, as captures.until, lets no packet wait.
const noLimit = math.MaxInt64

// SelectCapture chooses, by any number, which of several captures OpenFile, OpenReader, ReadFile,
// FeedCapture and EndCapture are about from now on; it is 0 at first. The others stay where they
// are. With it captures are merged by their stamps: always read the one whose next packet has the
// earliest time, until the time of the next one of another.
//
// Packets whose time is until or later wait; with the highest int64 none does. A packet's time is
// the latest stamp that its capture had so far, so that each capture keeps its own order and
// packets without a stamp stay where they are. ReadFile and FeedCapture (with ErrMore) stop before
// a packet that waits, and NextTime tells its time.
func (f *Follower) SelectCapture(number int, until int64) error {
	if err := f.ready(); err != nil {
		return err
	}
	s := &f.inputs
	s.until = until
	if number == s.number {
		return nil
	}
	if f.input.begun() {
		if s.others == nil {
			s.others = make(map[int]*input)
		}
		s.others[s.number] = f.input
		s.reading += f.input.blockSize()
	}
	s.number = number
	if known := s.others[number]; known != nil {
		delete(s.others, number)
		s.reading -= known.blockSize()
		f.input = known
		return nil
	}
	f.input = newInput()
	return nil
}

// NextTime returns the time at which the selected capture goes on, if a packet of it waits (see
// SelectCapture). A packet before which the capture had no stamp has the time NoTime.
func (f *Follower) NextTime() (time int64, waits bool) {
	if f.pending == nil {
		return NoTime, false
	}
	return f.latest, true
}

// AbandonCapture gives the selected capture up: a file is closed, and of what was fed nothing more
// is followed. Without a capture it does nothing.
func (f *Follower) AbandonCapture() error {
	err := f.ready()
	if err == nil {
		f.closeCapture()
	}
	return err
}

// mayFollow reports whether the record can be followed now: its time has come, and there is memory
// for its bytes. Otherwise waitsFor says what it waits for.
func (f *Follower) mayFollow(rec *capture.Record) bool {
	if rec.Time > f.latest {
		f.latest = rec.Time
	}
	return !f.isEarly() && f.reserve(len(rec.Data))
}

// isEarly reports whether the record that was read last has to wait for its time.
func (f *Follower) isEarly() bool { return f.latest >= f.inputs.until && f.inputs.until != noLimit }

// waitsFor returns ErrMore if the record that was read last waits for its time, else ErrNoMemory.
func (f *Follower) waitsFor() error {
	if f.isEarly() {
		return ErrMore
	}
	return ErrNoMemory
}

// closeCaptures closes all captures.
func (f *Follower) closeCaptures() {
	f.closeCapture()
	for _, in := range f.inputs.others {
		f.input = in
		f.closeCapture()
	}
	f.inputs = captures{until: noLimit}
}
