package gofollow

import (
	"bytes"
	"io"
	"os"

	"gofollow/gofollow/internal/capture"
)

// captureInput is a capture whose bytes are handed over in pieces.
type captureInput struct {
	reader       capture.Reader
	carry        []byte                // bytes of a record that is not complete
	decompressor *capture.Decompressor // nil for a plain capture
	buffer       []byte                // of the decompressor
	plain        []byte                // the part of buffer that was not followed yet
	started      bool                  // it is known whether the capture is compressed
	failed       error                 // what ended the capture
}

func (in *captureInput) reset() {
	if in.decompressor != nil {
		in.decompressor.Close()
	}
	carry := in.carry[:0]
	if cap(carry) > blockSize {
		carry = nil // of a huge packet
	}
	*in = captureInput{carry: carry, buffer: in.buffer}
}

// FeedCapture follows the bytes of a capture (pcap or pcapng, plain or compressed
// by gzip, zstd, xz, bzip2 or lz4), cut anywhere, and returns how many were
// taken, fewer than all only with an error.
// After ErrQueueFull, which also comes where little decompresses to very much,
// poll and pass the rest. A *CaptureError ends the capture:
// what stands before the fault is followed, and EndCapture must be called
// before the next one.
func (f *Follower) FeedCapture(b []byte) (int, error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	in := &f.capture
	switch {
	case f.file != nil:
		return 0, ErrFileOpen
	case in.failed != nil:
		return 0, in.failed
	}
	taken := 0
	if !in.started {
		taken = min(len(b), capture.MagicLen-len(in.carry))
		in.carry = append(in.carry, b[:taken]...)
		if len(in.carry) < capture.MagicLen {
			return taken, nil
		}
		if err := f.startCapture(); err != nil {
			return taken, err
		}
	}
	feed := f.feedPlain
	if in.decompressor != nil {
		feed = f.feedCompressed
	}
	n, err := feed(b[taken:])
	return taken + n, err
}

// startCapture looks whether a capture that begins with what is carried is compressed.
func (f *Follower) startCapture() error {
	in := &f.capture
	in.started = true
	if in.decompressor = capture.NewDecompressor(in.carry); in.decompressor == nil {
		return nil
	}
	if in.buffer == nil {
		in.buffer = make([]byte, 64<<10)
	}
	head := bytes.Clone(in.carry)
	in.carry = in.carry[:0]
	_, err := f.feedCompressed(head)
	return err
}

// feedCompressed follows what b decompresses to. After the decompressor's End it
// returns io.EOF when all is followed.
func (f *Follower) feedCompressed(b []byte) (taken int, err error) {
	in := &f.capture
	for total := 0; ; {
		n, err := f.feedPlain(in.plain)
		if in.plain = in.plain[n:]; err != nil {
			return taken, err
		}
		if total > readAtOnce {
			return taken, ErrQueueFull
		}
		made, used, err := in.decompressor.Decompress(in.buffer, b[taken:])
		taken += used
		total += made
		in.plain = in.buffer[:made]
		if err == io.EOF {
			return taken, err
		}
		if err != nil {
			in.failed = placed(err, &in.reader)
			return taken, in.failed
		}
		if made == 0 && used == 0 {
			return taken, nil
		}
	}
}

// placed returns err, a *CaptureError of a decompressor, with the number of packets that stand before it.
func placed(err error, r *capture.Reader) error {
	if e, ok := err.(*CaptureError); ok {
		e.Record = r.Records()
	}
	return err
}

// feedPlain follows uncompressed bytes. A record that is not complete is carried
// over to the next call.
func (f *Follower) feedPlain(b []byte) (taken int, err error) {
	in := &f.capture
	var rec capture.Record
	for taken < len(b) || len(in.carry) > 0 {
		if f.full() {
			return taken, ErrQueueFull
		}
		at := b[taken:]
		if carried := len(in.carry); carried > 0 {
			more := max(0, min(in.reader.Need()-carried, len(at)))
			in.carry = append(in.carry, at[:more]...)
			taken += more
			at = in.carry
		}
		n, ok, err := in.reader.Next(at, &rec)
		switch {
		case err != nil:
			in.failed = err
			return taken, err
		case ok:
			f.record(&rec, nil)
		case n == 0 && len(in.carry) == 0:
			in.carry = append(in.carry, at...)
			return len(b), nil
		case n == 0 && taken == len(b):
			return taken, nil
		}
		if len(in.carry) > 0 {
			in.carry = in.carry[:copy(in.carry, in.carry[n:])]
		} else {
			taken += n
		}
	}
	return taken, nil
}

// record follows one record of a capture.
func (f *Follower) record(rec *capture.Record, src *block) {
	t := rec.Time
	if !rec.HasTime {
		t = NoTime
	}
	f.packet(rec.LinkType, t, rec.Data, rec.WireLen, src)
}

// EndCapture says that the capture's bytes are complete; the next ones begin a
// new one. It returns a *CaptureError if they end within a record; after
// ErrQueueFull poll and call it again. Nothing is flushed: captures may continue
// each other. It also closes an opened file.
func (f *Follower) EndCapture() error {
	if err := f.ready(); err != nil {
		return err
	}
	in := &f.capture
	if f.file != nil || in.failed != nil {
		f.closeFile()
		in.reset()
		return nil
	}
	var err error
	if !in.started && len(in.carry) > 0 {
		err = f.startCapture()
	}
	if in.decompressor != nil && err == nil {
		in.decompressor.End()
		if _, err = f.feedCompressed(nil); err == ErrQueueFull {
			return err
		} else if err == io.EOF {
			err = nil
		}
	}
	if err == nil {
		err = in.reader.End(in.carry)
	}
	in.reset()
	return err
}

// file is a capture file that is being read.
type file struct {
	file       *os.File
	source     io.Reader         // file, or what it decompresses to
	compressed *compressedSource // nil for a plain capture
	size       int64
	read       int64 // bytes read of file
	packets    uint64
	reader     capture.Reader
	block      *block // holds one reference of the file's own
	start, end int    // bytes [start, end) of block are not parsed yet
	err        error  // what source said last
}

// Read reads the file itself and counts.
func (r *file) Read(b []byte) (int, error) {
	n, err := r.file.Read(b)
	r.read += int64(n)
	return n, err
}

// OpenFile opens a capture file for ReadFile. It fails with what os.Open says.
func (f *Follower) OpenFile(path string) error {
	if err := f.ready(); err != nil {
		return err
	}
	if f.file != nil || len(f.capture.carry) > 0 || f.capture.started {
		return ErrFileOpen
	}
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	r := &file{file: opened}
	r.source = r
	if info, err := opened.Stat(); err == nil && info.Mode().IsRegular() {
		r.size = info.Size()
	}
	r.block = f.blocks.getReader(blockSize)
	for r.end < capture.MagicLen && r.err == nil {
		var n int
		n, r.err = r.Read(r.block.mem[r.end:])
		r.end += n
	}
	f.file = r
	if r.err != nil && r.err != io.EOF { // a directory, above all
		f.closeFile()
		return r.err
	}
	if z := capture.NewDecompressor(r.block.mem[:r.end]); z != nil {
		r.compressed = &compressedSource{raw: r, z: z, input: bytes.Clone(r.block.mem[:r.end]), space: make([]byte, 64<<10)}
		r.source, r.end, r.err = r.compressed, 0, nil
	}
	return nil
}

// compressedSource reads what a compressed file decompresses to.
type compressedSource struct {
	raw   io.Reader
	z     *capture.Decompressor
	input []byte // read and not decompressed yet
	space []byte // what input lies in
	err   error  // of raw
}

// Read fills b with what can be had without waiting for raw.
func (s *compressedSource) Read(b []byte) (n int, err error) {
	for n < len(b) {
		made, used, err := s.z.Decompress(b[n:], s.input)
		n += made
		s.input = s.input[used:]
		switch {
		case err != nil:
			return n, err
		case made > 0 || used > 0:
		case n > 0:
			return n, nil
		case s.err == io.EOF:
			s.z.End()
		case s.err != nil:
			return 0, s.err
		default:
			var got int
			got, s.err = s.raw.Read(s.space)
			s.input = s.space[:got]
		}
	}
	return n, nil
}

func (f *Follower) closeFile() {
	if f.file != nil {
		f.file.file.Close()
		if f.file.compressed != nil {
			f.file.compressed.z.Close()
		}
		f.blocks.release(f.file.block)
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
// It may return before that, so that events can point into what was read: call
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
	p := Progress{r.packets, r.read, r.size, !more}
	if !more {
		f.closeFile()
	}
	return p, err
}

// readAtOnce is how many bytes a call of ReadFile reads, or one of FeedCapture
// decompresses, about, so that the caller stays in charge of a capture of large packets, or
// of anything but packets.
const readAtOnce = 1 << 20

// readFile returns whether there may be more to read.
func (f *Follower) readFile(r *file, max int) (more bool, err error) {
	var rec capture.Record
	read := 0
	for taken := 0; max <= 0 || taken < max; {
		if f.full() || f.blocks.reading-int64(len(r.block.mem)) > f.config.Limits.QueuedBytes {
			if taken == 0 {
				return true, ErrQueueFull
			}
			return true, nil
		}
		n, ok, err := r.reader.Next(r.block.mem[r.start:r.end], &rec)
		r.start += n
		switch {
		case err != nil:
			return false, err
		case ok:
			r.packets++
			taken++
			f.record(&rec, r.block)
		case n > 0:
		case r.err == io.EOF:
			return false, r.reader.End(r.block.mem[r.start:r.end])
		case r.err != nil:
			return false, placed(r.err, &r.reader)
		case r.block.refs > 1 && taken > 0:
			return true, nil // let the events be taken, then this block can be used again
		case read > readAtOnce:
			return true, nil
		default:
			f.refill(r)
			read += r.end
		}
	}
	return true, nil
}

// refill reads on behind the bytes that are not parsed yet, which it moves to the
// front of a block that no event points into.
func (f *Follower) refill(r *file) {
	rest := r.block.mem[r.start:r.end]
	size := max(blockSize, r.reader.Need())
	if r.block.refs > 1 || size > len(r.block.mem) || len(r.block.mem) > blockSize && size == blockSize {
		b := f.blocks.getReader(size)
		copy(b.mem, rest)
		f.blocks.release(r.block)
		r.block = b
	} else {
		copy(r.block.mem, rest)
	}
	r.start, r.end = 0, len(rest)
	for r.end == len(rest) && r.err == nil {
		var n int
		n, r.err = r.source.Read(r.block.mem[r.end:])
		r.end += n
	}
}
