package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// run feeds b to a new Reader in pieces, whose lengths piece gives, and returns what came
// out. A piece is a copy that is overwritten afterwards, as the caller of the real thing may do.
func run(t testing.TB, b []byte, piece func(i int) int) ([]Record, *Error) {
	t.Helper()
	var r Reader
	var records []Record
	var held []byte
	for i, fed := 0, 0; fed < len(b); i++ {
		n := min(max(piece(i), 1), len(b)-fed)
		held = append(bytes.Clone(held), b[fed:fed+n]...)
		fed += n
		for {
			rec := Record{Time: -1, WireLen: -1}
			need := r.Need()
			n, ok, err := r.Next(held, &rec)
			if err != nil {
				e, is := err.(*Error)
				if !is || n != 0 || ok {
					t.Fatalf("Next gave %d, %v, %v", n, ok, err)
				}
				if n, ok, again := r.Next(held, &rec); n != 0 || ok || again != err || r.End(nil) != err {
					t.Fatal("an error is not final")
				}
				return records, e
			}
			if n < 0 || n > len(held) || (ok && n == 0) {
				t.Fatalf("Next took %d of %d bytes, ok %v", n, len(held), ok)
			}
			if len(held) == need && n > 0 && n < need && need != pcapHeaderLen { // for a header that is none
				t.Fatalf("Next needed %d bytes and took %d of them", need, n)
			}
			if n == 0 {
				if r.Need() <= len(held) {
					t.Fatalf("%d bytes were not enough, but only %d are needed", len(held), r.Need())
				}
				break
			}
			if ok {
				if rec.WireLen < len(rec.Data) {
					t.Fatalf("wire length %d below %d captured bytes", rec.WireLen, len(rec.Data))
				}
				rec.Data = bytes.Clone(rec.Data)
				records = append(records, rec)
			}
			for j := range n {
				held[j] = 0xAA
			}
			held = held[n:]
		}
	}
	if err := r.End(held); err != nil {
		return records, err.(*Error)
	}
	return records, nil
}

func whole(b []byte) func(int) int { return func(int) int { return len(b) } }

func show(records []Record) string {
	var s strings.Builder
	for _, r := range records {
		fmt.Fprintf(&s, "link %d time %d wire %d data %q\n", r.LinkType, r.Time, r.WireLen, r.Data)
	}
	return s.String()
}

// same runs b cut in many ways and demands one result.
func same(t testing.TB, name string, b []byte, everyCut bool) ([]Record, *Error) {
	t.Helper()
	records, err := run(t, b, whole(b))
	want := show(records) + fmt.Sprint(err)
	check := func(how string, piece func(int) int) {
		t.Helper()
		records, err := run(t, b, piece)
		if got := show(records) + fmt.Sprint(err); got != want {
			t.Fatalf("%s, %s:\n%s\nwhole:\n%s", name, how, got, want)
		}
	}
	for _, n := range []int{1, 3, 7, 13, 64, 1021} {
		if n > 7 || len(b) < 10000 {
			check(fmt.Sprint("pieces of ", n), func(int) int { return n })
		}
	}
	check("growing pieces", func(i int) int { return i })
	if everyCut {
		for cut := 1; cut < len(b); cut++ {
			check(fmt.Sprint("cut at ", cut), func(i int) int {
				if i == 0 {
					return cut
				}
				return len(b)
			})
		}
	}
	return records, err
}

func TestSamples(t *testing.T) {
	for _, s := range samples() {
		got, err := same(t, s.name, s.b, true)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		if show(got) != show(s.want) {
			t.Errorf("%s:\n%s\nwant\n%s", s.name, show(got), show(s.want))
		}
	}
}

// plainPcap is an offline parser of little- and big-endian pcap files without
// any checks, to compare with.
func plainPcap(b []byte) (records []Record) {
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 0xa1 {
		order = binary.BigEndian
	}
	unit := int64(1000)
	if order.Uint32(b) == 0xa1b23c4d {
		unit = 1
	}
	link := order.Uint32(b[20:])
	for b = b[24:]; len(b) > 0; {
		n := order.Uint32(b[8:])
		records = append(records, Record{link, int64(order.Uint32(b))*1e9 + int64(order.Uint32(b[4:]))*unit,
			b[16 : 16+n], int(order.Uint32(b[12:]))})
		b = b[16+n:]
	}
	return records
}

func TestSharedCaptures(t *testing.T) {
	for name, b := range sharedCaptures(t) {
		got, err := same(t, name, b, len(b) < 1500)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if show(got) != show(plainPcap(b)) {
			t.Errorf("%s differs from the plain parser", name)
		}
	}
}

func TestTruncatedEverywhere(t *testing.T) {
	for _, s := range samples() {
		boundaries := map[int]bool{}
		var r Reader
		for at := 0; at < len(s.b); {
			n, _, err := r.Next(s.b[at:], new(Record))
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			at += n
			boundaries[at] = r.ng.skip == 0
		}
		for n := range s.b {
			got, err := run(t, s.b[:n], whole(s.b))
			switch {
			case n == 0:
				if err == nil || err.Kind != NotACapture || err.Reason != "the capture is empty" {
					t.Errorf("%s, empty: %v", s.name, err)
				}
			case boundaries[n]:
				if err != nil {
					t.Errorf("%s, %d whole bytes: %v", s.name, n, err)
				}
			case err == nil || err.Kind != Truncated || err.Record != uint64(len(got)) || err.Offset > int64(n):
				t.Errorf("%s, %d bytes: %v", s.name, n, err)
			case err.Offset > 0 && !boundaries[int(err.Offset)]:
				t.Errorf("%s, %d bytes: offset %d is not a record's start", s.name, n, err.Offset)
			}
			if show(got) != show(s.want[:len(got)]) {
				t.Errorf("%s, %d bytes: %s", s.name, n, show(got))
			}
		}
	}
}

func TestErrors(t *testing.T) {
	pcap := func(f func(w *builder)) []byte {
		w := little()
		w.pcapHeader(0xa1b2c3d4, 1)
		w.pcapRecord(1, 1, 2, 2, []byte("ab"))
		f(w)
		return w.b
	}
	ng := func(f func(w *builder)) []byte {
		w := bigEndian()
		w.section()
		w.iface(1, 0)
		f(w)
		return w.b
	}
	const ngStart = 28 + 20
	data := []byte("abcd")
	for _, c := range []struct {
		name   string
		b      []byte
		kind   Kind
		record uint64
		offset int64
		reason string
	}{
		{"text", []byte("GET / HTTP/1.1"), NotACapture, 0, 0, "text that begins with \"GET / HTTP/1.1\""},
		{"short text", []byte("hi"), NotACapture, 0, 0, "text that begins with \"hi\""},
		{"web page", []byte(" <!DOCTYPE HTML PUBLIC"), NotACapture, 0, 0, "HTML"},
		{"bytes", []byte("\x00\x01\x02\x03\x04 and on and on and on"), NotACapture, 0, 0, "begin with 00 01 02 03,"},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00"), Unsupported, 0, 0, "gzip"},
		{"zstd", []byte("\x28\xb5\x2f\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), Unsupported, 0, 0, "zstd within"},
		{"ERF", []byte("\x00\x00\x00\x00\x00\x00\x00\x50\x02\x04\x00\x58\x00\x00\x00\x40"), Unsupported, 0, 0, "ERF"},
		{"AIX iptrace", []byte("iptrace 2.0\x00\x00\x00\x00\x00\x00"), Unsupported, 0, 0, "iptrace"},
		{"Network Monitor", []byte("GMBU\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), Unsupported, 0, 0, "Network Monitor 2"},
		{"7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), Unsupported, 0, 0, "7z"},
		{"short gzip", []byte("\x1f\x8b"), Unsupported, 0, 0, "gzip"},
		{"snoop", []byte("snoop\x00\x00\x00"), Unsupported, 0, 0, "snoop"},
		{"modified", []byte("\x34\xcd\xb2\xa1\x02\x00\x04\x00"), Unsupported, 0, 0, "Kuznetzov"},
		{"pcap 2.5", append([]byte("\xa1\xb2\xc3\xd4\x00\x02\x00\x05"), make([]byte, 16)...), Unsupported, 0, 4, "2.5"},
		{"pcap 1.2", append([]byte("\xa1\xb2\xc3\xd4\x00\x01\x00\x02"), make([]byte, 16)...), Unsupported, 0, 4, "1.2"},
		{"old pcap, 4 GiB record", func() []byte {
			w := bigEndian()
			w.pcapVersion(0xa1b2c3d4, 2, 1, 1)
			w.pcapRecord(1, 1, 0xffffffff, 0xfffffff0, nil)
			return w.b
		}(), Damaged, 0, 24 + 8, "4294967280"},
		{"4 GiB record", pcap(func(w *builder) { w.pcapRecord(1, 1, 0xffffffff, 0xffffffff, nil) }), Damaged, 1, 24 + 18 + 8, "4294967295"},
		{"just too long", pcap(func(w *builder) { w.pcapRecord(1, 1, MaxPacket+1, 1, nil) }), Damaged, 1, 24 + 18 + 8, "16777217"},
		{"longest", pcap(func(w *builder) { w.pcapRecord(1, 1, MaxPacket, 1, nil) }), Damaged, 1, 24 + 18 + 8, "16777216, and the capture ends before that"},
		{"cut, too long", pcap(func(w *builder) { w.pcapRecord(1, 1, 262145, 1, nil) }), Damaged, 1, 24 + 18 + 8, "262145"},
		{"cut, believable", pcap(func(w *builder) { w.pcapRecord(1, 1, 262144, 1, nil) }), Truncated, 1, 24 + 18, "16 bytes into a packet"},
		{"cut block, too long", ng(func(w *builder) { w.u32(6); w.u32(262144 + 65536 + 4) }), Damaged, 0, ngStart + 4, "327684"},
		{"cut block, believable", ng(func(w *builder) { w.u32(6); w.u32(262144 + 65536) }), Truncated, 0, ngStart, "8 bytes into a block"},
		{"cut block of another kind, too long", ng(func(w *builder) { w.u32(77); w.u32(1 << 30) }), Damaged, 0, ngStart + 4, "1073741824"},
		{"no byte order", append([]byte("\x0a\x0d\x0d\x0a"), make([]byte, 24)...), Damaged, 0, 8, "byte-order"},
		{"pcapng 2", ng(func(w *builder) {
			w.block(0x0A0D0D0A, func() { w.u32(0x1A2B3C4D); w.u16(2); w.u16(0); w.u32(0); w.u32(0) })
		}), Unsupported, 0, ngStart + 12, "version 2.0"},
		{"short section", ng(func(w *builder) {
			w.u32(0x0A0D0D0A)
			w.u32(24)
			w.u32(0x1A2B3C4D)
			w.u32(1 << 16)
			w.u32(0)
			w.u32(24)
		}), Damaged, 0, ngStart + 4, "24"},
		{"odd block", ng(func(w *builder) { w.u32(77); w.u32(13); w.u32(0); w.u32(16) }), Damaged, 0, ngStart + 12, "length 13 at its beginning and 16"},
		{"odd packet", ng(func(w *builder) { w.lengthOfBlock(6, false, func() { w.bytes(make([]byte, 21)) }); w.b[len(w.b)-1]++ }), Damaged, 0, ngStart + 32, "length 33 at its beginning and 34"},
		{"short block", ng(func(w *builder) { w.u32(77); w.u32(8) }), Damaged, 0, ngStart + 4, "8"},
		{"unknown with wrong tail", ng(func(w *builder) { w.u32(77); w.u32(16); w.u32(0); w.u32(20) }), Damaged, 0, ngStart + 12, "20 at its end"},
		{"packet with wrong tail", ng(func(w *builder) {
			w.enhanced(6, 0, 1, 4, 4, data)
			w.enhanced(6, 0, 1, 4, 4, data)
			w.b[len(w.b)-1]++
		}), Damaged, 1, ngStart + 36 + 32, "37 at its end"},
		{"packet too small", ng(func(w *builder) { w.block(6, func() { w.u32(0) }) }), Damaged, 0, ngStart + 4, "16"},
		{"packet too long", ng(func(w *builder) { w.enhanced(6, 0, 1, 5, 5, data) }), Damaged, 0, ngStart + 20, "captured length 5"},
		{"packet of 4 GiB", ng(func(w *builder) { w.enhanced(6, 0, 1, 0xffffffff, 5, data) }), Damaged, 0, ngStart + 20, "4294967295"},
		{"block of 4 GiB", ng(func(w *builder) { w.u32(6); w.u32(0xfffffffc) }), Damaged, 0, ngStart + 4, "4294967292"},
		{"undescribed", ng(func(w *builder) { w.enhanced(6, 1, 1, 4, 4, data) }), Damaged, 0, ngStart + 8, "interface 1"},
		{"undescribed, high", ng(func(w *builder) { w.enhanced(6, 0xffffffff, 1, 4, 4, data) }), Damaged, 0, ngStart + 8, "interface 4294967295"},
		{"undescribed after a section", ng(func(w *builder) { w.section(); w.enhanced(6, 0, 1, 4, 4, data) }), Damaged, 0, ngStart + 28 + 8, "interface 0"},
		{"undescribed simple", ng(func(w *builder) { w.section(); w.block(3, func() { w.u32(0) }) }), Damaged, 0, ngStart + 28, "interface 0"},
		{"simple too long", ng(func(w *builder) { w.block(3, func() { w.u32(5); w.bytes(data) }) }), Damaged, 0, ngStart + 8, "captured length 5"},
		{"simple too small", ng(func(w *builder) { w.block(3, func() {}) }), Damaged, 0, ngStart + 4, "12"},
		{"interface too small", ng(func(w *builder) { w.block(1, func() { w.u32(0) }) }), Damaged, 0, ngStart + 4, "16"},
		{"option too long", ng(func(w *builder) { w.iface(1, 0, 0, 2, 0, 5, 1, 2, 3, 4) }), Damaged, 0, ngStart + 16, "5 bytes"},
		{"offset of 4 bytes", ng(func(w *builder) { w.iface(1, 0, 0, 14, 0, 4, 0, 0, 0, 1) }), Damaged, 0, ngStart + 16, "option 14 has a length of 4"},
		{"option too long, after another", ng(func(w *builder) { w.iface(1, 0, 0, 2, 0, 1, 'a', 0, 0, 0, 0, 3, 255, 255) }), Damaged, 0, ngStart + 24, "65535 bytes"},
		{"resolution of 2 bytes", ng(func(w *builder) { w.iface(1, 0, 0, 9, 0, 2, 1, 2, 0, 0) }), Damaged, 0, ngStart + 16, "length of 2"},
	} {
		_, err := same(t, c.name, c.b, true)
		if err == nil || err.Kind != c.kind || err.Record != c.record || err.Offset != c.offset || !strings.Contains(err.Reason, c.reason) {
			t.Errorf("%s: %+v", c.name, err)
		}
	}
}

// TestSkipsWithoutMemory passes over a block of nearly 4 GiB whose bytes come in pieces.
func TestSkipsWithoutMemory(t *testing.T) {
	w := little()
	w.section()
	w.u32(0x0BAD)
	w.u32(0x40000000)
	var r Reader
	var rec Record
	for b := w.b; len(b) > 0; {
		n, ok, err := r.Next(b, &rec)
		if n == 0 || ok || err != nil {
			t.Fatal(n, ok, err)
		}
		b = b[n:]
	}
	piece := make([]byte, 1<<20)
	for left := 0x40000000 - 12; left > 0; {
		n, _, err := r.Next(piece[:min(left, len(piece))], &rec)
		if n == 0 || err != nil {
			t.Fatal(n, err)
		}
		left -= n
	}
	n, _, err := r.Next([]byte{0, 0, 0, 0x40}, &rec)
	if n != 4 || err != nil || r.End(nil) != nil {
		t.Fatal(n, err)
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, s := range samples() {
		var r Reader
		var rec Record
		b := s.b
		for { // up to the first packet
			before := r
			n, ok, err := r.Next(b, &rec)
			if ok {
				r = before
				break
			}
			if n == 0 {
				t.Fatalf("%s: no packet, %v", s.name, err)
			}
			b = b[n:]
		}
		if n := testing.AllocsPerRun(100, func() {
			again := r
			if _, ok, _ := again.Next(b, &rec); !ok {
				t.Fatal("no packet")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.b, uint8(1))
		f.Add(append(bytes.Clone(s.b), samples()[0].b...), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		records, err := run(t, b, whole(b))
		want := show(records) + fmt.Sprint(err)
		again, err2 := run(t, b, func(i int) int { return (i*7+3)%(int(n)+1) + 1 })
		if got := show(again) + fmt.Sprint(err2); got != want {
			t.Fatalf("cut:\n%s\nwhole:\n%s", got, want)
		}
		if err != nil && (err.Record != uint64(len(records)) || err.Offset < 0 || err.Offset > int64(len(b))) {
			t.Fatalf("%+v", err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	w := little()
	w.pcapHeader(0xa1b2c3d4, 1)
	for range 1000 {
		w.pcapRecord(1, 1, 60, 60, make([]byte, 60))
	}
	var r Reader
	var rec Record
	n, _, _ := r.Next(w.b, &rec)
	all := w.b[n:]
	rest := all
	for b.Loop() {
		n, ok, _ := r.Next(rest, &rec)
		if !ok {
			b.Fatal("no packet")
		}
		if rest = rest[n:]; len(rest) == 0 {
			rest = all
		}
	}
}
