package capture

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// packed is what a tool wrote of a compressed format.
type packed struct {
	name     string
	b, plain []byte
}

// packedSamples are one capture as gzip(1) and the others compress it.
func packedSamples(t testing.TB) []packed {
	samples := []packed{{name: "gz"}, {name: "zst"}, {name: "xz"}, {name: "bz2"}, {name: "lz4"}}
	for i := range samples {
		s := &samples[i]
		var err error
		if s.b, err = os.ReadFile(filepath.Join("../../../tests/data", "compressed.pcap."+s.name)); err != nil {
			t.Fatal(err)
		}
		var fault *Error
		if s.plain, fault = unpack(t, samples[0].b, 1<<20, 1<<20); fault != nil {
			t.Fatal(fault)
		}
	}
	return samples
}

func zip(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack feeds b in pieces of n bytes and takes the result in pieces of m.
func unpack(t testing.TB, b []byte, n, m int) ([]byte, *Error) {
	t.Helper()
	g := NewDecompressor(b[:min(len(b), MagicLen)])
	if g == nil {
		t.Fatalf("% x is not a compressed stream", b[:min(len(b), MagicLen)])
	}
	defer g.Close()
	var out []byte
	dst := make([]byte, m)
	drain := func(src []byte) error {
		for {
			nDst, nSrc, err := g.Decompress(dst, src)
			out = append(out, dst[:nDst]...)
			for i := range nSrc { // what was used may be overwritten
				src[i] = 0xAA
			}
			src = src[nSrc:]
			if err != nil {
				return err
			}
			if nDst == 0 && nSrc == 0 {
				if len(src) > 0 {
					t.Fatal("no progress")
				}
				return nil
			}
		}
	}
	for len(b) > 0 {
		k := min(n, len(b))
		if err := drain(bytes.Clone(b[:k])); err != nil {
			return out, err.(*Error)
		}
		b = b[k:]
	}
	g.End()
	for {
		n, _, err := g.Decompress(dst, nil)
		out = append(out, dst[:n]...)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err.(*Error)
		}
		if n == 0 {
			t.Fatal("neither bytes nor an error after End")
		}
	}
}

func TestGzip(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	noise := make([]byte, 100_000)
	rng.Read(noise)
	text := bytes.Repeat([]byte("some text that compresses well "), 10_000)
	stream := append(zip(t, []byte("short")), zip(t, nil)...)
	stream = append(stream, zip(t, noise)...)
	stream = append(stream, zip(t, text)...)
	want := append(append([]byte("short"), noise...), text...)
	for _, padding := range []int{0, 1, 511} {
		b := append(bytes.Clone(stream), make([]byte, padding)...)
		for _, n := range []int{1, 2, 1000, 4096, 1 << 20} {
			for _, m := range []int{1, 999, 1 << 20} {
				if n*m == 1 {
					continue // 400,000 rounds prove no more than 2 by 1
				}
				got, err := unpack(t, b, n, m)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d by %d, padding %d: %d bytes, %v", n, m, padding, len(got), err)
				}
			}
		}
	}
}

// TestGzipTruncated cuts a stream everywhere: what comes out is a
// beginning, and all of what the bytes say.
func TestGzipTruncated(t *testing.T) {
	first := zip(t, []byte("the first member"))
	b := append(bytes.Clone(first), zip(t, bytes.Repeat([]byte("0123456789"), 20))...)
	want := append([]byte("the first member"), bytes.Repeat([]byte("0123456789"), 20)...)
	for n := 2; n < len(b); n++ {
		got, err := unpack(t, b[:n], 3, 5)
		if n == len(first) {
			if err != nil {
				t.Errorf("a whole member: %v", err)
			}
			continue
		}
		if err == nil || err.Kind != Truncated || err.Offset != int64(len(got)) {
			t.Errorf("%d bytes: %v after %d", n, err, len(got))
		}
		if !bytes.HasPrefix(want, got) || (n > len(first) && len(got) < 16) || (n > len(b)-8 && len(got) != len(want)) {
			t.Errorf("%d bytes gave %q", n, got)
		}
	}
}

func TestGzipDamaged(t *testing.T) {
	b := zip(t, bytes.Repeat([]byte("0123456789"), 20))
	sum := bytes.Clone(b)
	sum[len(sum)-8]++
	header := bytes.Clone(b)
	header[2] = 9
	block := bytes.Clone(b)
	block[10] |= 6
	for name, b := range map[string][]byte{
		"checksum": sum, "header": header, "block": block,
		"trailing text": append(bytes.Clone(b), "trailing text"...),
		"after padding": append(append(bytes.Clone(b), 0, 0), b...),
	} {
		for _, n := range []int{1, 1000} {
			got, err := unpack(t, b, n, 64)
			if err == nil || err.Kind != Damaged || err.Offset != int64(len(got)) {
				t.Errorf("%s: %+v after %d bytes", name, err, len(got))
			}
			if wantAll := name != "header" && name != "block"; wantAll && len(got) != 200 {
				t.Errorf("%s: %d bytes came before the error", name, len(got))
			}
		}
	}
}

// TestDecompressorClose closes in every state and counts goroutines.
func TestDecompressorClose(t *testing.T) {
	before := runtime.NumGoroutine()
	b := zip(t, make([]byte, 1<<20))
	dst := make([]byte, 10)
	for _, n := range []int{0, 1, 5, 100, len(b)} {
		for _, end := range []bool{false, true} {
			g := NewDecompressor(b[:MagicLen])
			if n > 0 {
				g.Decompress(dst, b[:n])
			}
			if end {
				g.End()
			}
			g.Close()
			g.Close()
			if _, _, err := g.Decompress(dst, b); err == nil {
				t.Error("a closed Decompressor goes on")
			}
		}
	}
	// A goroutine closes its channel before it is gone, so give it its turn.
	for range 10_000_000 { // on a busy machine that takes a while
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func BenchmarkDecompressor(b *testing.B) {
	plain := bytes.Repeat([]byte("some text that compresses well "), 100_000)
	packed := zip(b, plain)
	dst := make([]byte, 64<<10)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		g := NewDecompressor(packed[:MagicLen])
		for src := packed; ; {
			nDst, nSrc, err := g.Decompress(dst, src)
			if err != nil {
				b.Fatal(err)
			}
			if src = src[nSrc:]; nDst+nSrc == 0 {
				break
			}
		}
		g.End()
		if _, _, err := g.Decompress(dst, nil); err != io.EOF {
			b.Fatal(err)
		}
		g.Close()
	}
}

func TestCompressedFormats(t *testing.T) {
	for _, s := range packedSamples(t) {
		for _, n := range []int{1, 2, 1000, 1 << 20} {
			for _, m := range []int{7, 999, 1 << 20} {
				got, err := unpack(t, s.b, n, m)
				if err != nil || !bytes.Equal(got, s.plain) {
					t.Fatalf("%s, %d by %d: %d bytes, %v", s.name, n, m, len(got), err)
				}
			}
		}
		twice := append(bytes.Clone(s.b), s.b...)
		for _, n := range []int{1, 1000, 1 << 20} {
			got, err := unpack(t, twice, n, 1000)
			if err != nil || !bytes.Equal(got, append(bytes.Clone(s.plain), s.plain...)) {
				t.Errorf("%s twice, pieces of %d: %d bytes, %v", s.name, n, len(got), err)
			}
		}
	}
}

// TestCompressedTruncated cuts streams everywhere.
func TestCompressedTruncated(t *testing.T) {
	for _, s := range packedSamples(t) {
		for n := MagicLen; n < len(s.b); n++ {
			if n > 100 && n < len(s.b)-50 && n%17 != 0 {
				continue
			}
			got, err := unpack(t, s.b[:n], 999, 5000)
			if err == nil || err.Kind != Truncated || err.Offset != int64(len(got)) {
				t.Errorf("%s, %d bytes: %v after %d", s.name, n, err, len(got))
			}
			if !bytes.HasPrefix(s.plain, got) {
				t.Errorf("%s, %d bytes gave something else", s.name, n)
			}
		}
		for n := 1; n < len(s.b); n = n*2 + 1 { // behind a whole stream
			got, err := unpack(t, append(bytes.Clone(s.b), s.b[:n]...), 999, 5000)
			if err == nil || (err.Kind != Truncated && n > 12) || len(got) < len(s.plain) {
				t.Errorf("%s and %d bytes: %v after %d", s.name, n, err, len(got))
			}
		}
	}
}

// TestCompressedDamaged flips bits: nothing comes out wrong without an error, as
// each of these streams has checksums.
func TestCompressedDamaged(t *testing.T) {
	for _, s := range packedSamples(t) {
		for i := MagicLen; i < len(s.b); i += 1 + i/40 {
			b := bytes.Clone(s.b)
			b[i] ^= 1 << (i % 8)
			got, err := unpack(t, b, 999, 5000)
			if err == nil && !bytes.Equal(got, s.plain) {
				t.Errorf("%s, byte %d: wrong, and no error", s.name, i)
			}
			for _, n := range []int{13, len(b)} {
				again, err2 := unpack(t, b, n, 5000)
				if !bytes.Equal(got, again) || fmt.Sprint(err) != fmt.Sprint(err2) {
					t.Errorf("%s, byte %d, cut in pieces of %d: %d bytes and %v, otherwise %d and %v", s.name, i, n, len(again), err2, len(got), err)
				}
			}
		}
		got, err := unpack(t, append(bytes.Clone(s.b), "trailing text"...), 999, 5000)
		if err == nil || err.Kind != Damaged || !bytes.Equal(got, s.plain) {
			t.Errorf("%s with trailing text: %v after %d bytes", s.name, err, len(got))
		}
	}
}
