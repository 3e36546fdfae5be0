package capture

import "io"

// Pushed is a capture, plain or compressed, whose bytes are handed over in pieces cut
// anywhere. The zero value is ready for the first piece; Reset makes ready for the next capture.
type Pushed struct {
	reader       Reader
	carry        []byte // of a record that is not complete: fewer bytes than reader needs
	begun        bool   // it is known whether the capture is compressed
	ended        bool
	decompressor *Decompressor // nil for a plain capture
	buffer       []byte        // of the decompressor
	plain        []byte        // the part of buffer that was not parsed yet
	decompressed int64
	failed       error // a *Error, final
}

const (
	pushedBuffer = 64 << 10
	maxKeptCarry = 512 << 10 // what a larger packet took is not kept for the next capture
)

// Next looks for a record in b, which continues where the last call's n ended. n is how
// many bytes of b are done with. With ok, rec is the next packet, and rec.Data is valid
// until b changes or Next is called again. Without ok and err there is more to do: call again.
// io.EOF means that b is used up, and after End that the capture was complete; any
// other error is a *Error and final.
func (p *Pushed) Next(b []byte, rec *Record) (n int, ok bool, err error) {
	if p.begun && p.decompressor == nil && len(p.carry) == 0 { // the way of nearly all records
		if n, ok, _ = p.reader.Next(b, rec); n > 0 {
			return n, ok, nil
		}
	}
	switch {
	case p.failed != nil:
		return 0, false, p.failed
	case !p.begun:
		n, err = p.begin(b)
	case p.decompressor == nil && len(b) > 0:
		n, ok, err = p.parse(b, rec)
	case len(p.plain) > 0:
		n, ok, err = p.parse(p.plain, rec)
		p.plain, n = p.plain[n:], 0
	case p.decompressor != nil:
		n, err = p.decompress(b)
	default:
		err = io.EOF
	}
	if err != nil {
		err = p.judge(err)
	}
	return n, ok, err
}

// HasPlain reports whether Next would parse: whether there are bytes, kept ones or b, that
// are decompressed or need not be.
func (p *Pushed) HasPlain(b []byte) bool {
	return len(p.plain) > 0 || (p.decompressor == nil && len(b) > 0)
}

// Compressed reports whether the capture is known to be compressed.
func (p *Pushed) Compressed() bool { return p.decompressor != nil }

// Slow reports whether the capture is compressed in a format that takes long.
func (p *Pushed) Slow() bool { return p.decompressor != nil && p.decompressor.Slow() }

// Begun reports whether bytes of a capture were pushed.
func (p *Pushed) Begun() bool { return p.begun || len(p.carry) > 0 }

// Failed returns the error that was final, if there was one.
func (p *Pushed) Failed() error { return p.failed }

// Decompressed returns how many bytes the pushed ones decompressed to so far.
func (p *Pushed) Decompressed() int64 { return p.decompressed }

// End declares that the capture has no more bytes than were pushed. From then on Next,
// without b, returns what is left, and then an error: io.EOF if the capture was complete.
func (p *Pushed) End() { p.ended = true }

// Reset forgets the capture.
func (p *Pushed) Reset() {
	if p.decompressor != nil {
		p.decompressor.Close()
	}
	carry := p.carry[:0]
	if cap(carry) > maxKeptCarry {
		carry = nil
	}
	*p = Pushed{carry: carry, buffer: p.buffer}
}

// judge returns what an error of Next means at the end of the capture, and keeps it if it is final.
func (p *Pushed) judge(err error) error {
	if err == io.EOF && p.ended {
		if fault := p.reader.End(p.carry); fault != nil {
			err = fault
		}
	}
	if err != io.EOF {
		p.failed = err
	}
	return err
}

// begin collects the bytes that show whether the capture is compressed.
func (p *Pushed) begin(b []byte) (n int, err error) {
	n = min(len(b), MagicLen-len(p.carry))
	p.carry = append(p.carry, b[:n]...)
	if len(p.carry) < MagicLen && !p.ended {
		return n, io.EOF
	}
	p.begun = true
	if p.decompressor = NewDecompressor(p.carry); p.decompressor == nil {
		return n, nil
	}
	if p.buffer == nil {
		p.buffer = make([]byte, pushedBuffer)
	}
	head := p.carry
	p.carry = p.carry[:0]
	_, err = p.decompress(head) // all of it, as nothing comes of a head alone
	return n, err
}

// decompress makes plain bytes of b, when all earlier ones are parsed.
func (p *Pushed) decompress(b []byte) (used int, err error) {
	if p.ended && len(b) == 0 {
		p.decompressor.End()
	}
	made, used, err := p.decompressor.Decompress(p.buffer, b)
	p.plain = p.buffer[:made]
	p.decompressed += int64(made)
	if err == nil && made == 0 && used == 0 {
		err = io.EOF
	}
	return used, p.reader.Placed(err)
}

// parse takes a record of plain bytes, or carries those of one that is not complete over.
func (p *Pushed) parse(b []byte, rec *Record) (taken int, ok bool, err error) {
	if len(p.carry) == 0 {
		taken, ok, err = p.reader.Next(b, rec)
		if taken == 0 && err == nil {
			p.carry = append(p.carry, b...)
			taken = len(b)
		}
		return taken, ok, err
	}
	taken = max(0, min(p.reader.Need()-len(p.carry), len(b)))
	p.carry = append(p.carry, b[:taken]...)
	n, ok, err := p.reader.Next(p.carry, rec)
	p.carry = append(p.carry[:0], p.carry[n:]...) // all or none, but for an empty packet
	return taken, ok, err
}
