package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// push hands b to p in pieces of n bytes, each of which is overwritten when it is done with, and
// returns what came out.
func push(t *testing.T, p *Pushed, b []byte, n int) (records []Record, err error) {
	t.Helper()
	take := func(piece []byte) error {
		var rec Record
		for {
			n, ok, err := p.Next(piece, &rec)
			if ok {
				rec.Data = bytes.Clone(rec.Data)
				records = append(records, rec)
			}
			for i := range n {
				piece[i] = 0xAA
			}
			piece = piece[n:]
			if err == io.EOF && len(piece) > 0 {
				t.Fatalf("io.EOF with %d bytes left", len(piece))
			}
			if err != nil {
				return err
			}
		}
	}
	for len(b) > 0 {
		k := min(n, len(b))
		if err := take(bytes.Clone(b[:k])); err != io.EOF {
			return records, err
		}
		b = b[k:]
	}
	p.End()
	if err := take(nil); err != io.EOF {
		return records, err
	}
	return records, nil
}

// TestPushed pushes captures, whole and cut short, one after the other into one
// Pushed: the records and errors are a Reader's.
func TestPushed(t *testing.T) {
	all := samples()
	for _, s := range packedSamples(t) {
		want, _ := run(t, s.plain, whole(s.plain))
		all = append(all, sample{s.name, s.b, want})
	}
	var p Pushed
	for _, s := range all {
		for _, n := range []int{1, 3, 100, len(s.b)} {
			got, err := push(t, &p, s.b, n)
			if err != nil || show(got) != show(s.want) {
				t.Errorf("%s, pieces of %d: %v\n%s\nwant\n%s", s.name, n, err, show(got), show(s.want))
			}
			p.Reset()
			var fault *Error
			got, err = push(t, &p, s.b[:len(s.b)-1], n)
			if !errors.As(err, &fault) || fault.Kind != Truncated || fault.Record != uint64(len(got)) || p.Failed() != err {
				t.Errorf("%s, cut short, pieces of %d: %v after %d packets", s.name, n, err, len(got))
			}
			if _, _, again := p.Next(s.b, new(Record)); again != err {
				t.Errorf("%s: %v is not final, then came %v", s.name, err, again)
			}
			p.Reset()
		}
	}
}

// TestPushedErrors compares what is wrong, and where, with what a Reader reports of the same bytes.
func TestPushedErrors(t *testing.T) {
	var p Pushed
	for _, b := range [][]byte{nil, {0xd4}, []byte("\xd4\xc3\xb2\xa1"), []byte("no capture"), bytes.Repeat([]byte("no capture"), 100),
		append(bytes.Clone(samples()[0].b), bytes.Repeat([]byte{0xff}, 40)...)} {
		want, wantErr := run(t, b, whole(b))
		for _, n := range []int{1, 5, 1000} {
			if got, err := push(t, &p, b, n); show(got) != show(want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("%.20q in pieces of %d: %v, want %v", b, n, err, wantErr)
			}
			p.Reset()
		}
	}
}

// TestPushedKeepsLittle lets go of the memory of a large packet with its capture.
func TestPushedKeepsLittle(t *testing.T) {
	w := little()
	w.pcapHeader(0xa1b2c3d4, 1)
	w.pcapRecord(0, 0, MaxPacket, MaxPacket, make([]byte, MaxPacket))
	var p Pushed
	if records, err := push(t, &p, w.b, 1<<20); err != nil || len(records) != 1 {
		t.Fatal(len(records), err)
	}
	if p.Reset(); p.Begun() || cap(p.carry) > maxKeptCarry {
		t.Errorf("%d bytes are kept", cap(p.carry))
	}
}
