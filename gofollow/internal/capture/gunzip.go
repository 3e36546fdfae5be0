package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// IsGzip reports whether head, the first two bytes or more of a file, is gzip's magic number.
func IsGzip(head []byte) bool {
	return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b
}

const (
	gunzipInput  = 64 << 10 // compressed bytes that the decompressor keeps
	gunzipOutput = 32 << 10 // deflate's window, more never comes at once
)

// Gunzip decompresses a gzip stream that is handed to it in pieces cut anywhere.
//
// compress/gzip pulls its input, and Gunzip is pushed, so the decompressor has
// a goroutine of its own. The two meet on unbuffered channels and never run at
// the same time: the goroutine runs only while a method waits for its answer.
// That also works where the methods are called by changing threads of C.
//
// A Gunzip is not safe for concurrent use. It must be closed.
type Gunzip struct {
	ask    chan question
	answer chan answer // closed when the goroutine has ended

	out    []byte // decompressed but not yet handed out
	total  int64  // bytes handed out
	err    error  // final, to be returned when out is empty; io.EOF if the stream was complete at End
	ended  bool
	closed bool
}

// question is what the goroutine gets to work with: the next compressed bytes, or that there are no more.
type question struct {
	src []byte
	end bool
}

// answer is what came of a question. Without out and err all of src is used up and more is needed.
type answer struct {
	out  []byte // owned by the goroutine, valid until the next question
	used int    // bytes of src
	err  error
}

// errClosed ends the decompressor when its Gunzip is closed.
var errClosed = errors.New("closed")

// NewGunzip returns a Gunzip at the beginning of a stream.
func NewGunzip() *Gunzip {
	g := &Gunzip{ask: make(chan question), answer: make(chan answer)}
	go inflate(g.ask, g.answer)
	return g
}

// Decompress decompresses from src to dst, which must not be empty, and says how many bytes of each
// were used. It makes progress in one of them; 0, 0, nil means that src is empty and more input is
// needed. Neither slice is used after the return. An error is a *Error and final; what
// could be decompressed before it comes first. After End, Decompress without
// src returns what a truncated stream still held.
func (g *Gunzip) Decompress(dst, src []byte) (nDst, nSrc int, err error) {
	if g.closed {
		return 0, 0, g.failure(errClosed)
	}
	if len(dst) == 0 {
		return 0, 0, nil
	}
	if len(g.out) == 0 && g.err == nil && !g.ended {
		nSrc = g.step(question{src: src})
	}
	if len(g.out) > 0 {
		nDst = copy(dst, g.out)
		g.out = g.out[nDst:]
		g.total += int64(nDst)
		return nDst, nSrc, nil
	}
	if g.err != nil && g.err != io.EOF {
		return 0, nSrc, g.failure(g.err)
	}
	return 0, nSrc, nil
}

// End says that the stream has no more bytes. It is to be called when
// Decompress has used up all of them. It returns a *Error of kind Truncated if the stream is
// incomplete, of kind Damaged if it is damaged.
func (g *Gunzip) End() error {
	if g.closed {
		return g.failure(errClosed)
	}
	g.ended = true
	left := append([]byte(nil), g.out...)
	for g.err == nil {
		g.step(question{end: true})
		left = append(left, g.out...)
	}
	g.out = left
	if g.err == io.EOF {
		return nil
	}
	return g.failure(g.err)
}

// Close ends the goroutine and returns when it has ended. A second Close does nothing.
func (g *Gunzip) Close() {
	if g.closed {
		return
	}
	g.closed = true
	g.out = nil
	close(g.ask)
	for range g.answer {
	}
}

// step lets the goroutine work on q and returns how many bytes of q.src it used.
func (g *Gunzip) step(q question) int {
	g.ask <- q
	a := <-g.answer
	g.out, g.err = a.out, a.err
	return a.used
}

// failure puts an error of the decompressor in this package's words.
func (g *Gunzip) failure(err error) *Error {
	e := &Error{Kind: Damaged, Offset: g.total + int64(len(g.out))}
	switch {
	case err == errClosed:
		e.Reason = "the gzip decompressor is closed"
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF:
		e.Kind = Truncated
		e.Reason = "the gzip data is cut short"
	case err == gzip.ErrHeader:
		e.Reason = "the gzip stream is damaged: no gzip header where one has to stand"
	case err == gzip.ErrChecksum:
		e.Reason = "the gzip stream is damaged: its checksum is wrong"
	default:
		e.Reason = fmt.Sprintf("the gzip stream is damaged: %v", err)
	}
	return e
}

// inflate is the goroutine. It answers every question once, and ends when ask is closed.
func inflate(ask <-chan question, answers chan<- answer) {
	defer close(answers)
	in := &gunzipSource{ask: ask, answers: answers}
	if !in.wait() {
		return
	}
	err := in.guarded()
	if err == nil {
		err = io.EOF
	}
	for !in.closed {
		in.reply(answer{err: err})
		in.wait()
	}
}

// gunzipSource is the decompressor's end of the channels.
type gunzipSource struct {
	ask     <-chan question
	answers chan<- answer

	src    []byte // of the question at hand
	used   int    // bytes taken from it
	end    bool
	closed bool
}

// wait takes the next question. It returns false when there will be none.
func (s *gunzipSource) wait() bool {
	q, ok := <-s.ask
	if !ok {
		s.closed = true
		return false
	}
	s.src, s.used, s.end = q.src, 0, q.end
	return true
}

// reply answers the question at hand and lets go of its bytes.
func (s *gunzipSource) reply(a answer) {
	a.used = s.used
	s.src, s.used = nil, 0
	s.answers <- a
}

// Read takes bytes of the question at hand, or of the next one that has some.
func (s *gunzipSource) Read(p []byte) (int, error) {
	for s.used == len(s.src) {
		if s.closed {
			return 0, errClosed
		}
		if s.end {
			return 0, io.EOF
		}
		s.reply(answer{})
		s.wait()
	}
	n := copy(p, s.src[s.used:])
	s.used += n
	return n, nil
}

// guarded is members, with a panic of the decompressor turned into an error.
func (s *gunzipSource) guarded() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decompressor failed: %v", p)
		}
	}()
	return s.members()
}

// members decompresses one gzip member after the other (RFC 1952, section
// 2.2) and hands out what comes. It returns nil at a proper end.
func (s *gunzipSource) members() error {
	in := bufio.NewReaderSize(s, gunzipInput)
	z, err := gzip.NewReader(in)
	if err == io.EOF {
		return io.ErrUnexpectedEOF // not even a first member
	}
	if err != nil {
		return err
	}
	buf := make([]byte, gunzipOutput)
	for {
		z.Multistream(false)
		for err == nil {
			var n int
			n, err = z.Read(buf)
			if n > 0 {
				s.reply(answer{out: buf[:n]})
				if !s.wait() {
					return errClosed
				}
			}
		}
		if err != io.EOF {
			return err
		}
		padding, err2 := skipPadding(in)
		if err2 == io.EOF {
			return nil
		}
		if err2 != nil {
			return err2
		}
		if padding {
			// gzip(1) refuses this, too: a member after padding is no member.
			return gzip.ErrHeader
		}
		if err = z.Reset(in); err != nil {
			return err
		}
	}
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
