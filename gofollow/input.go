package gofollow

import (
	"bytes"
	"io"

	"gofollow/gofollow/internal/capture"
	"gofollow/gofollow/internal/memory"
)

// What a call of ReadFile or FeedCapture takes at most, about, so that the caller stays in charge
// of a capture whatever it holds: so many packets, and so many bytes of capture. Those that had to
// be decompressed count as they are then, and fewer are taken of formats that decompress slowly.
const (
	callPackets   = 20_000
	callBytes     = 16 << 20
	callSlowBytes = 2 << 20

	// callNothing is how many compressed bytes a call takes beyond what they became: empty streams
	// take long and become nothing.
	callNothing = 1 << 20
)

// callLimit returns how many bytes of capture a call takes.
func callLimit(slow bool) int64 {
	if slow {
		return callSlowBytes
	}
	return callBytes
}

// input is a capture that is read: the file of ReadFile, or the bytes that FeedCapture is given.
type input struct {
	file    *openFile
	pushed  capture.Pushed
	pending *capture.Record // read, but not followed: it waits for memory or its time; nil for none
	latest  int64           // the latest stamp that was read, NoTime before the first
}

func newInput() *input { return &input{latest: NoTime} }

// begun reports whether the capture was begun and has not ended.
func (in *input) begun() bool {
	return in.file != nil || in.pending != nil || in.pushed.Begun() || in.pushed.Failed() != nil
}

// openFile is the capture that ReadFile reads.
type openFile struct {
	file       *capture.File
	reader     capture.Reader
	block      *memory.Block // holds one reference of the file's own
	start, end int           // bytes [start, end) of block are not parsed yet
	err        error         // the last error of file
}

// FeedCapture follows the bytes of a capture (pcap or pcapng, plain or compressed by gzip, zstd,
// xz, bzip2 or lz4), cut anywhere, and returns how many were taken. On ErrQueueFull, ErrMore and
// ErrNoMemory, take the events and call it again with b[n:], also where that is empty. A call ends
// with ErrMore after 20,000 packets or 16 MiB of capture (2 MiB compressed by bzip2 or xz), counted
// decompressed.
//
// A *CaptureError ends the capture: what stands before the fault is followed, and EndCapture must
// be called before the next capture.
func (f *Follower) FeedCapture(b []byte) (n int, err error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	switch {
	case f.file != nil:
		return 0, ErrFileOpen
	case f.pushed.Failed() != nil:
		return 0, captureError(f.pushed.Failed())
	}
	n, err = f.feedPushed(b)
	return n, captureError(err)
}

// feedPushed follows the records that end in b.
func (f *Follower) feedPushed(b []byte) (taken int, err error) {
	var rec capture.Record
	packets, before := 0, f.pushed.Decompressed()
	if err := f.takePending(nil); err != nil {
		return 0, err
	}
	for {
		enough := int64(callBytes)
		if f.pushed.Compressed() {
			enough = callNothing + f.pushed.Decompressed() - before
		}
		switch hasPlain := f.pushed.HasPlain(b); {
		case hasPlain && f.full():
			return taken, ErrQueueFull
		case hasPlain && packets >= callPackets, len(b) > 0 && int64(taken) >= enough:
			return taken, ErrMore
		}
		n, ok, err := f.pushed.Next(b, &rec)
		b = b[n:]
		taken += n
		switch {
		case ok:
			if !f.mayFollow(&rec) {
				pending := rec
				pending.Data = bytes.Clone(rec.Data)
				f.pending = &pending
				return taken, f.waitsFor()
			}
			packets++
			f.packet(rec.LinkType, rec.Time, rec.Data, rec.WireLen, nil)
		case err == io.EOF:
			return taken, nil
		case err != nil:
			return taken, err
		case f.pushed.Decompressed()-before >= callLimit(f.pushed.Slow()):
			return taken, ErrMore
		}
	}
}

// takePending follows the record that waits, if there is one.
func (f *Follower) takePending(src *memory.Block) error {
	switch rec := f.pending; {
	case rec == nil:
	case f.full():
		return ErrQueueFull
	default:
		if !f.mayFollow(rec) {
			return f.waitsFor()
		}
		f.pending = nil
		f.packet(rec.LinkType, rec.Time, rec.Data, rec.WireLen, src)
	}
	return nil
}

// EndCapture ends the capture that was fed: the next bytes begin a new one. It returns a
// *CaptureError if the capture ends within a record. On ErrQueueFull, ErrMore and ErrNoMemory, take
// the events and call it again. It flushes nothing: captures may continue each other. If a capture
// is open for ReadFile, EndCapture closes that one.
func (f *Follower) EndCapture() error {
	err := f.ready()
	if err != nil {
		return err
	}
	if f.file == nil && f.pushed.Failed() == nil {
		f.pushed.End()
		if _, err = f.feedPushed(nil); err == ErrQueueFull || err == ErrMore || err == ErrNoMemory {
			return err
		}
	}
	f.closeCapture()
	return captureError(err)
}

// OpenFile opens a capture file (pcap or pcapng, plain or compressed) for ReadFile. It fails as
// os.Open does, with a *CaptureError if its first bytes are those of no capture, and with
// ErrFileOpen if another capture is not finished.
func (f *Follower) OpenFile(path string) error {
	return f.openCapture(func(b []byte) (*capture.File, int, error) { return capture.Open(path, b) })
}

// OpenReader opens a capture that r gives, a pipe for example, for ReadFile, and reads its first
// bytes. The Follower reads from r until r's end or an error, and does not close it.
func (f *Follower) OpenReader(r io.Reader) error {
	return f.openCapture(func(b []byte) (*capture.File, int, error) { return capture.OpenReader(r, b) })
}

// openCapture opens a capture whose first bytes are read into a block.
func (f *Follower) openCapture(from func([]byte) (*capture.File, int, error)) error {
	if err := f.ready(); err != nil {
		return err
	}
	if f.file != nil || f.pushed.Begun() {
		return ErrFileOpen
	}
	block := f.blocks.GetReader(memory.BlockSize)
	if block == nil {
		return ErrNoMemory
	}
	file, n, err := from(block.Mem)
	if err != nil {
		f.blocks.Release(block)
		return err
	}
	opened := &openFile{file: file, block: block, end: n}
	if n > 0 { // not compressed: the first bytes tell whether this is a capture
		var rec capture.Record
		if opened.start, _, err = opened.reader.Next(block.Mem[:n], &rec); err != nil {
			file.Close()
			f.blocks.Release(block)
			return captureError(err)
		}
	}
	f.file = opened
	return nil
}

// Progress tells how much of a capture ReadFile has read.
type Progress struct {
	Packets   uint64 // packets of this capture taken so far
	BytesRead int64  // bytes read so far, before decompression
	FileSize  int64  // 0 if the capture is not a regular file
	End       bool   // the capture is at its end and closed
}

// ReadFile follows up to max packets of the open capture, any number if max is 0 or less. A call
// may end before that with a nil error, so that events can point into what was read and the caller
// stays in charge: after 20,000 packets or 16 MiB of capture (2 MiB compressed by bzip2 or xz),
// counted decompressed, at the latest. Call it until Progress.End, and take the events in between.
// ErrQueueFull means that nothing was read because too many events wait, ErrNoMemory that there was
// none for the next packet: take the events, and call it again.
//
// At any other error (a *CaptureError, or one of reading) the capture is closed and Progress.End is
// set; what stands before the fault is followed.
func (f *Follower) ReadFile(max int) (Progress, error) {
	if err := f.ready(); err != nil {
		return Progress{}, err
	}
	r := f.file
	if r == nil {
		return Progress{}, ErrNoFile
	}
	more, err := f.readFile(r, max)
	p := Progress{r.reader.Records(), r.file.BytesRead(), r.file.Size(), !more}
	if f.pending != nil {
		p.Packets--
	}
	if !more {
		f.closeCapture()
	}
	return p, captureError(err)
}

// readFile returns whether there may be more to read.
func (f *Follower) readFile(r *openFile, max int) (more bool, err error) {
	var rec capture.Record
	if max <= 0 || max > callPackets {
		max = callPackets
	}
	made, before, limit := int64(0), r.file.BytesRead(), callLimit(r.file.Slow())
	switch err := f.takePending(r.block); err {
	case nil:
	case ErrMore:
		return true, nil
	default:
		return true, err
	}
	for taken := 0; taken < max; {
		if f.full() || f.blocks.Reading()-f.inputs.reading-int64(len(r.block.Mem)) > f.config.Limits.QueuedBytes {
			if taken == 0 {
				err = ErrQueueFull
			}
			return true, err
		}
		n, ok, err := r.reader.Next(r.block.Mem[r.start:r.end], &rec)
		r.start += n
		switch {
		case err != nil:
			return false, err
		case ok:
			if !f.mayFollow(&rec) {
				f.wait(rec)
				if f.isEarly() {
					return true, nil
				}
				return true, ErrNoMemory
			}
			taken++
			f.packet(rec.LinkType, rec.Time, rec.Data, rec.WireLen, r.block)
		case n > 0:
		case r.err == io.EOF:
			return false, r.reader.End(r.block.Mem[r.start:r.end])
		case r.err != nil:
			return false, r.reader.Placed(r.err)
		case r.block.Shared() && taken > 0, // let the events be taken, then this block can be used again
			made >= limit, r.file.BytesRead()-before >= made+callNothing:
			return true, nil
		default:
			n, ok := f.refill(r)
			if !ok {
				return true, ErrNoMemory
			}
			made += int64(n)
		}
	}
	return true, nil
}

// refill reads on behind the bytes that are not parsed yet, which it moves to the
// front of a block that no event points into. It returns how many bytes came, false if there is no
// memory for such a block.
func (f *Follower) refill(r *openFile) (n int, ok bool) {
	rest := r.block.Mem[r.start:r.end]
	size := max(memory.BlockSize, r.reader.Need())
	oversized := len(r.block.Mem) > memory.BlockSize && size == memory.BlockSize
	if r.block.Shared() || size > len(r.block.Mem) || oversized {
		fresh := f.blocks.GetReader(size)
		if fresh == nil {
			return 0, false
		}
		defer f.blocks.Release(r.block)
		r.block = fresh
	}
	copy(r.block.Mem, rest)
	n, err := r.file.Read(r.block.Mem[len(rest):])
	r.start, r.end, r.err = 0, len(rest)+n, err
	return n, true
}

// wait keeps a record, whose bytes stay where they are, for the next call. Being a copy, it lets
// the caller's record need no memory of its own.
func (in *input) wait(rec capture.Record) { in.pending = &rec }

// blockSize returns the size of the block that a file is read into.
func (in *input) blockSize() int64 {
	if in.file == nil {
		return 0
	}
	return int64(len(in.file.block.Mem))
}

// closeCapture forgets the selected capture.
func (f *Follower) closeCapture() {
	f.pending, f.latest = nil, NoTime
	f.closeFile()
	f.pushed.Reset()
}

func (f *Follower) closeFile() {
	if f.file != nil {
		f.file.file.Close()
		f.blocks.Release(f.file.block)
		f.file = nil
	}
}
