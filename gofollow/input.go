package gofollow

import (
	"io"

	"gofollow/gofollow/internal/capture"
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

// FeedCapture follows the bytes of a capture (pcap or pcapng, plain or compressed
// by gzip, zstd, xz, bzip2 or lz4), cut anywhere, and returns how many were
// taken, fewer than all only with an error.
// After ErrQueueFull, which also ends a call after 20,000 packets or 16 MiB of capture (2 MiB where
// it is compressed by bzip2 or xz), decompressed, poll and pass the rest. A *CaptureError ends
// the capture: what stands before the fault is followed, and EndCapture must be called before the
// next one.
func (f *Follower) FeedCapture(b []byte) (int, error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	switch {
	case f.file != nil:
		return 0, ErrFileOpen
	case f.pushed.Failed() != nil:
		return 0, f.pushed.Failed()
	}
	return f.feedPushed(b)
}

// feedPushed follows the records that end in b.
func (f *Follower) feedPushed(b []byte) (taken int, err error) {
	var rec capture.Record
	packets, before := 0, f.pushed.Decompressed()
	for {
		enough := int64(callBytes)
		if f.pushed.Compressed() {
			enough = callNothing + f.pushed.Decompressed() - before
		}
		if len(b) > 0 && int64(taken) >= enough || f.pushed.HasPlain(b) && (f.full() || packets >= callPackets) {
			return taken, ErrQueueFull
		}
		n, ok, err := f.pushed.Next(b, &rec)
		b = b[n:]
		taken += n
		switch {
		case ok:
			packets++
			f.packet(rec.LinkType, rec.Time, rec.Data, rec.WireLen, nil)
		case err == io.EOF:
			return taken, nil
		case err != nil:
			return taken, err
		case f.pushed.Decompressed()-before >= callLimit(f.pushed.Slow()):
			return taken, ErrQueueFull
		}
	}
}

// EndCapture says that the capture's bytes are complete; the next ones begin a
// new one. It returns a *CaptureError if they end within a record; after
// ErrQueueFull poll and call it again. Nothing is flushed: captures may continue
// each other. It also closes an opened file.
func (f *Follower) EndCapture() error {
	err := f.ready()
	if err != nil {
		return err
	}
	if f.file == nil && f.pushed.Failed() == nil {
		f.pushed.End()
		if _, err = f.feedPushed(nil); err == ErrQueueFull {
			return err
		}
	}
	f.closeFile()
	f.pushed.Reset()
	return err
}

// openFile is the capture file that ReadFile reads.
type openFile struct {
	file       *capture.File
	reader     capture.Reader
	block      *block // holds one reference of the file's own
	start, end int    // bytes [start, end) of block are not parsed yet
	err        error  // what file said last
}

// OpenFile opens a capture file for ReadFile. It fails with what os.Open says.
func (f *Follower) OpenFile(path string) error {
	if err := f.ready(); err != nil {
		return err
	}
	if f.file != nil || f.pushed.Begun() {
		return ErrFileOpen
	}
	block := f.blocks.GetReader(blockSize)
	file, n, err := capture.Open(path, block.Mem)
	if err != nil {
		f.blocks.Release(block)
		return err
	}
	f.file = &openFile{file: file, block: block, end: n}
	return nil
}

func (f *Follower) closeFile() {
	if f.file != nil {
		f.file.file.Close()
		f.blocks.Release(f.file.block)
		f.file = nil
	}
}

// Progress tells how far a file was read.
type Progress struct {
	Packets   uint64 // packets taken from this file so far
	BytesRead int64  // bytes of the file read so far, before decompression
	FileSize  int64  // 0 where it has none
	End       bool   // the file is at its end and closed
}

// ReadFile follows up to max packets of the opened file, any number if max is 0 or less.
// It may return before that, so that events can point into what was read, and does after 20,000
// packets or 16 MiB of capture (2 MiB where it is compressed by bzip2 or xz), decompressed: call
// it until Progress.End, polling in between. At an error (a *CaptureError, or one
// of reading) the file is closed; what stands before it is followed.
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
	if !more {
		f.closeFile()
	}
	return p, err
}

// readFile returns whether there may be more to read.
func (f *Follower) readFile(r *openFile, max int) (more bool, err error) {
	var rec capture.Record
	if max <= 0 || max > callPackets {
		max = callPackets
	}
	made, before, limit := int64(0), r.file.BytesRead(), callLimit(r.file.Slow())
	for taken := 0; taken < max; {
		if f.full() || f.blocks.Reading()-int64(len(r.block.Mem)) > f.config.Limits.QueuedBytes {
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
			made += int64(f.refill(r))
		}
	}
	return true, nil
}

// refill reads on behind the bytes that are not parsed yet, which it moves to the
// front of a block that no event points into. It returns how many bytes came.
func (f *Follower) refill(r *openFile) int {
	rest := r.block.Mem[r.start:r.end]
	size := max(blockSize, r.reader.Need())
	if r.block.Shared() || size > len(r.block.Mem) || len(r.block.Mem) > blockSize && size == blockSize {
		defer f.blocks.Release(r.block)
		r.block = f.blocks.GetReader(size)
	}
	copy(r.block.Mem, rest)
	n, err := r.file.Read(r.block.Mem[len(rest):])
	r.start, r.end, r.err = 0, len(rest)+n, err
	return n
}
