package capture

import (
	"bytes"
	"io"
	"os"
)

// File is a capture file that is read: its bytes, or what they decompress to. It must be closed.
type File struct {
	source io.Reader
	closer io.Closer // nil if the source is not File's own
	size   int64
	read   int64
	err    error // the last error of source

	decompressor *Decompressor // nil for a plain file
	input        []byte        // read and not decompressed yet
	space        []byte        // what input lies in
}

const (
	// fileInput is how many bytes of a compressed file are read at once.
	fileInput = 64 << 10
	// maxEmptyReads is how many reads in a row may return neither bytes nor an error.
	maxEmptyReads = 100
)

// Open opens a file and reads its first bytes into b, which has room for MagicLen at
// least, to see whether they are compressed. If they are not, n of them are the
// beginning of the capture. It fails as os.Open and the first reading do.
func Open(path string, b []byte) (f *File, n int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	f, n, err = OpenReader(file, b)
	if err != nil { // a directory, above all
		file.Close()
		return nil, 0, err
	}
	f.closer = file
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		f.size = info.Size()
	}
	return f, n, nil
}

// OpenReader is Open for bytes that a reader gives. Close leaves the reader as it is.
func OpenReader(r io.Reader, b []byte) (f *File, n int, err error) {
	f = &File{source: r}
	for n < MagicLen && f.err == nil {
		n += f.readRaw(b[n:])
	}
	if f.err != nil && f.err != io.EOF {
		return nil, 0, f.err
	}
	if f.decompressor = NewDecompressor(b[:n]); f.decompressor != nil {
		f.input, f.space = bytes.Clone(b[:n]), make([]byte, fileInput)
		n = 0
	}
	return f, n, nil
}

// Size returns the file's length, 0 if it is not a regular file.
func (f *File) Size() int64 { return f.size }

// Slow reports whether the file is compressed in a format that takes long.
func (f *File) Slow() bool { return f.decompressor != nil && f.decompressor.Slow() }

// BytesRead returns how many bytes of the file were read, before decompression.
func (f *File) BytesRead() int64 { return f.read }

// Close closes the file that Open opened.
func (f *File) Close() {
	if f.closer != nil {
		f.closer.Close()
	}
	if f.decompressor != nil {
		f.decompressor.Close()
	}
}

// Read reads up to len(b) bytes of the capture. 0, nil means that the bytes that were read
// decompressed to nothing: call again. An error, io.EOF or one of the file's or the decompressor's,
// is final; n bytes stand before it.
func (f *File) Read(b []byte) (n int, err error) {
	if f.decompressor != nil {
		return f.readCompressed(b)
	}
	if f.err == nil {
		n = f.readRaw(b)
	}
	return n, f.err
}

// readRaw reads the source itself. b is not empty.
func (f *File) readRaw(b []byte) (n int) {
	for range maxEmptyReads {
		n, f.err = f.source.Read(b)
		if n > 0 || f.err != nil {
			f.read += int64(n)
			return n
		}
	}
	f.err = io.ErrNoProgress
	return 0
}

// readCompressed fills b as far as reading the file once allows.
func (f *File) readCompressed(b []byte) (n int, err error) {
	for once := false; n < len(b); {
		made, used, err := f.decompressor.Decompress(b[n:], f.input)
		n += made
		f.input = f.input[used:]
		switch {
		case err != nil:
			return n, err
		case made > 0 || used > 0:
		case n > 0:
			return n, nil
		case f.err == io.EOF:
			f.decompressor.End()
		case f.err != nil:
			return 0, f.err
		case once:
			return 0, nil
		default:
			f.input, once = f.space[:f.readRaw(f.space)], true
		}
	}
	return n, nil
}
