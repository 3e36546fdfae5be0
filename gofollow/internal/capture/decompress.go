package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// decompressorBuffer is how many compressed bytes are kept, and how many
// decompressed ones come at once at most.
const decompressorBuffer = 64 << 10

// Decompressor decompresses a stream that is handed to it in pieces cut anywhere.
//
// The libraries pull their input, and a Decompressor is pushed, so the library has
// a goroutine of its own. The two meet on unbuffered channels and never run at
// the same time: the goroutine runs only while a method waits for its answer.
// That also works where the methods are called by changing threads of C.
//
// A Decompressor is not safe for concurrent use. It must be closed.
type Decompressor struct {
	format *compression
	ask    chan question
	answer chan answer // closed when the goroutine has ended

	out    []byte // decompressed but not yet handed out
	total  int64  // bytes handed out
	err    error  // final, to be returned when out is empty
	ended  bool
	closed bool
}

// question is the input of the goroutine: the next compressed bytes, or the end of the stream.
type question struct {
	src []byte
	end bool
}

// answer is the result of a question. Without out and err, all of src was used and more is needed.
type answer struct {
	out  []byte // owned by the goroutine, valid until the next question
	used int    // bytes of src
	err  error
}

// errClosed ends the goroutine when its Decompressor is closed.
var errClosed = errors.New("closed")

// NewDecompressor returns a Decompressor at the beginning of a stream whose first MagicLen bytes
// are head (fewer if it has no more); they are to be passed to it like the others. It
// returns nil if the stream is in no supported compressed format.
func NewDecompressor(head []byte) *Decompressor {
	c := compressionOf(head)
	if c == nil {
		return nil
	}
	d := &Decompressor{format: c, ask: make(chan question), answer: make(chan answer)}
	go decompress(c, d.ask, d.answer)
	return d
}

// Decompress decompresses from src to dst, which must not be empty, and returns how many bytes of
// each were used. It makes progress in one of them; 0, 0, nil means that src is empty and more
// input is needed. Neither slice is used after the return. A *Error is final; what could be
// decompressed before it comes first. After End, io.EOF means that all was returned.
func (d *Decompressor) Decompress(dst, src []byte) (nDst, nSrc int, err error) {
	if d.closed {
		return 0, 0, d.failure(errClosed)
	}
	if len(dst) == 0 {
		return 0, 0, nil
	}
	if len(d.out) == 0 && d.err == nil {
		nSrc = d.step(question{src: src, end: d.ended})
	}
	switch {
	case len(d.out) > 0:
		nDst = copy(dst, d.out)
		d.out = d.out[nDst:]
		d.total += int64(nDst)
	case d.err == io.EOF:
		err = io.EOF
	case d.err != nil:
		err = d.failure(d.err)
	}
	return nDst, nSrc, err
}

// End declares that the stream has no more bytes than those that Decompress has used. From
// then on Decompress, without src, returns what is left, and then an error: io.EOF, or a *Error of
// kind Truncated or Damaged.
func (d *Decompressor) End() { d.ended = true }

// Slow reports whether the format takes about ten times as long as the others.
func (d *Decompressor) Slow() bool { return d.format.slow }

// Close ends the goroutine and returns when it has ended. A second Close does nothing.
func (d *Decompressor) Close() {
	if d.closed {
		return
	}
	d.closed = true
	d.out = nil
	close(d.ask)
	for range d.answer {
	}
}

// step lets the goroutine work on q and returns how many bytes of q.src it used.
func (d *Decompressor) step(q question) int {
	d.ask <- q
	a := <-d.answer
	d.out, d.err = a.out, a.err
	return a.used
}

// failure converts the error that ended the stream to an *Error.
func (d *Decompressor) failure(err error) *Error {
	e := &Error{Offset: d.total + int64(len(d.out))}
	if err == errClosed {
		e.Kind, e.Reason = Damaged, "the decompressor is closed"
	} else {
		e.Kind, e.Reason = d.format.explain(err)
	}
	return e
}

// decompress is the goroutine. It answers every question once, and ends when ask is closed.
func decompress(c *compression, ask <-chan question, answers chan<- answer) {
	defer close(answers)
	in := &compressedSource{ask: ask, answers: answers}
	if !in.wait() {
		return
	}
	err := in.guarded(c)
	for !in.closed {
		in.reply(answer{err: err})
		in.wait()
	}
}

// compressedSource is the goroutine's end of the channels.
type compressedSource struct {
	ask     <-chan question
	answers chan<- answer

	src    []byte // of the question at hand
	used   int    // bytes taken from it
	end    bool
	closed bool
}

// wait takes the next question. It returns false when there will be none.
func (s *compressedSource) wait() bool {
	q, ok := <-s.ask
	if !ok {
		s.closed = true
		return false
	}
	s.src, s.used, s.end = q.src, 0, q.end
	return true
}

// reply answers the current question and releases its bytes.
func (s *compressedSource) reply(a answer) {
	a.used = s.used
	s.src, s.used = nil, 0
	s.answers <- a
}

// Read takes bytes of the question at hand, or of the next one that has some.
func (s *compressedSource) Read(p []byte) (int, error) {
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

// guarded is run, but returns a panic of the library as an error.
func (s *compressedSource) guarded(c *compression) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decompressor failed: %v", p)
		}
	}()
	return s.run(c)
}

// run hands out the decompressed bytes of the source until an error, which is io.EOF at a proper
// end.
func (s *compressedSource) run(c *compression) error {
	z, err := c.open(bufio.NewReaderSize(s, decompressorBuffer))
	buf := make([]byte, decompressorBuffer)
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
	return err
}
