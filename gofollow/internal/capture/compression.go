package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// MagicLen is how many bytes identify the format of a capture or a compressed file.
const MagicLen = 4

// maxWindow bounds what a compressed stream may refer back to, and with it a
// decompressor's memory: as much as zstd and xz use at their highest levels, and
// as zstd allows without --long.
const maxWindow = 128 << 20

// compression is a format of compressed streams.
type compression struct {
	name  string
	magic string
	open  func(*bufio.Reader) (io.Reader, error)
	slow  bool // bytes of it take about ten times as long as those of the others
}

var compressions = []compression{
	{"gzip", "\x1f\x8b", openGzip, false},
	{"zstd", zstdMagic, openZstd, false},
	{"xz", "\xfd7zX", func(in *bufio.Reader) (io.Reader, error) { return xz.NewReader(evenPieces{in}, maxWindow) }, true},
	{"bzip2", "BZh", func(in *bufio.Reader) (io.Reader, error) { return bzip2.NewReader(in), nil }, true},
	{"lz4", "\x04\x22\x4d\x18", func(in *bufio.Reader) (io.Reader, error) { return lz4.NewReader(in), nil }, false},
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// compressionOf returns the format of a stream that begins with head, nil if it is none.
func compressionOf(head []byte) *compression {
	if len(head) >= MagicLen && head[0]&0xf0 == 0x50 && string(head[1:MagicLen]) == "\x2a\x4d\x18" {
		// A skippable frame (RFC 8878, section 3.1.2), as parallel compressors put first.
		head = []byte(zstdMagic)
	}
	for i, c := range compressions {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			return &compressions[i]
		}
	}
	return nil
}

func openZstd(in *bufio.Reader) (io.Reader, error) {
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// evenPieces reads in pieces of one length, however the stream was cut. xz returns nothing of a
// piece that contains a fault; without fixed pieces, the cuts would decide which bytes come before
// the error.
type evenPieces struct{ in *bufio.Reader }

func (e evenPieces) Read(p []byte) (int, error) {
	n, err := io.ReadFull(e.in, p[:min(len(p), 512)])
	if n > 0 {
		return n, nil // xz treats bytes returned with io.EOF as the last of its stream
	}
	return n, err
}

// explain returns the error for an error of the format's library.
func (c *compression) explain(err error) (Kind, string) {
	damaged := func(what string) (Kind, string) {
		return Damaged, fmt.Sprintf("the %s stream is damaged: %s", c.name, what)
	}
	unsupported := func(what string) (Kind, string) {
		return Unsupported, fmt.Sprintf("the %s stream %s; decompress it with %s first", c.name, what, c.name)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF || err == xz.ErrBuf:
		return Truncated, fmt.Sprintf("the %s data is cut short", c.name)
	case err == gzip.ErrHeader:
		return damaged("a gzip header is missing")
	case err == gzip.ErrChecksum || err == zstd.ErrCRCMismatch:
		return damaged("its checksum is wrong")
	case err == zstd.ErrWindowSizeExceeded || err == xz.ErrMemlimit:
		return unsupported(fmt.Sprintf("refers back further than %d MiB", maxWindow>>20))
	case err == zstd.ErrUnknownDictionary:
		return unsupported("needs a dictionary")
	case err == xz.ErrOptions || err == xz.ErrUnsupportedCheck:
		return unsupported("uses a feature that is not supported")
	}
	return damaged(strings.TrimPrefix(err.Error(), c.name+": "))
}

// gzipMembers reads one gzip member after the other (RFC 1952, section 2.2).
type gzipMembers struct {
	in *bufio.Reader
	z  *gzip.Reader
}

func openGzip(in *bufio.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipMembers{in, z}, nil
}

func (m *gzipMembers) Read(p []byte) (int, error) {
	n, err := m.z.Read(p)
	if err == io.EOF {
		err = m.next()
	}
	return n, err
}

// next advances to the next member. It returns io.EOF if there is none.
func (m *gzipMembers) next() error {
	padding, err := skipPadding(m.in)
	switch {
	case err != nil:
		return err
	case padding:
		// gzip(1) refuses this, too: a member after padding is not a member.
		return gzip.ErrHeader
	}
	if err := m.z.Reset(m.in); err != nil {
		return err
	}
	m.z.Multistream(false)
	return nil
}

// skipPadding reads the zeros that tapes and some writers leave after the last
// member. It returns whether there were some, and io.EOF if nothing else follows.
func skipPadding(in *bufio.Reader) (padding bool, err error) {
	for {
		c, err := in.ReadByte()
		if err != nil {
			return padding, err
		}
		if c != 0 {
			return padding, in.UnreadByte()
		}
		padding = true
	}
}
