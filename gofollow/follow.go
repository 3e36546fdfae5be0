package gofollow

import (
	"io"
	"iter"
)

// FollowFile follows a capture file (pcap or pcapng, plain or compressed) from its beginning to its
// end and gives every event, those of the final Flush included:
//
//	for e, err := range gofollow.FollowFile(path, gofollow.Config{}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(e)
//	}
//
// An error comes last and with a nil event: one of Config, of opening or reading the file, or a
// *CaptureError, after the events of what stands before the fault. An event is valid until the next
// turn of the loop: Event.Clone copies it. Breaking out of the loop closes the file.
func FollowFile(path string, config Config) iter.Seq2[*Event, error] {
	return follow(config, func(f *Follower) error { return f.OpenFile(path) })
}

// Follow is FollowFile for a capture that r gives. It does not close r.
func Follow(r io.Reader, config Config) iter.Seq2[*Event, error] {
	return follow(config, func(f *Follower) error { return f.OpenReader(r) })
}

// follow makes a Follower, opens a capture with it and gives all events.
func follow(config Config, open func(*Follower) error) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		f, err := New(config)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		if err := open(f); err != nil {
			yield(nil, err)
			return
		}
		take := func() bool {
			for e := range f.Events() {
				if !yield(e, nil) {
					return false
				}
			}
			return true
		}
		for progress, short := (Progress{}), 0; !progress.End && short < 2; {
			progress, err = f.ReadFile(0)    // never ErrQueueFull: all events were taken
			if short++; err != ErrNoMemory { // taking the events may give memory back, once
				short = 0
			}
			if !take() {
				return
			}
		}
		for f.Flush() != nil {
			if !take() {
				return
			}
		}
		if take() && err != nil {
			yield(nil, err)
		}
	}
}

// Events takes the events that wait, one after the other, until none waits. An event is valid until
// the next turn of the loop and the next call that feeds, polls, flushes or closes; the loop's body
// may make such calls. What a loop that ends early did not take still waits.
func (f *Follower) Events() iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		for {
			events := f.Poll(1)
			if len(events) == 0 || !yield(&events[0]) {
				return
			}
		}
	}
}
