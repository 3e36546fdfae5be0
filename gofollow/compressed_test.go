package gofollow_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"gofollow/gofollow"
)

// packed returns ../tests/data's capture in the compression of that ending.
func packed(t *testing.T, ending string) []byte {
	b, err := os.ReadFile(filepath.Join("../tests/data", "compressed.pcap."+ending))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zstdOf compresses b with references that go back as far as window.
func zstdOf(t *testing.T, b []byte, window int) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(false))
	if err == nil {
		_, err = w.Write(b[:len(b)/2])
	}
	if err == nil {
		err = w.Flush() // the frame does not know its length then, and says its window
	}
	if err == nil {
		_, err = w.Write(b[len(b)/2:])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// xzWithDictionary changes the dictionary size that the first block of an xz stream
// asks for (its code, see the xz file format, section 5.3.1).
func xzWithDictionary(b []byte, code byte) []byte {
	b = bytes.Clone(b)
	header := b[12 : 12+(int(b[12])+1)*4]
	at := bytes.Index(header, []byte{0x21, 1}) // LZMA2 and one byte of properties
	header[at+2] = code
	end := len(header) - 4
	binary.LittleEndian.PutUint32(header[end:], crc32.ChecksumIEEE(header[:end]))
	return b
}

// TestJoinedFiles reads files joined by cat, plain and each compressed on its own: one capture,
// whose packets are numbered on.
func TestJoinedFiles(t *testing.T) {
	var other []byte // of another link type, byte order and resolution
	put := func(numbers ...uint32) {
		for _, n := range numbers {
			other = binary.BigEndian.AppendUint32(other, n)
		}
	}
	put(0xa1b2c3d4, 2<<16|4, 0, 0, 1<<18, uint32(gofollow.LinkRaw))
	for _, p := range script(t, hello) {
		ip := p.Data[14:]
		put(uint32(p.Time/1e9)+10, uint32(p.Time%1e9/1e3), uint32(len(ip)), uint32(len(ip)))
		other = append(other, ip...)
	}
	one := pcapOf(script(t, hello))
	want := captureEvents(t, one, len(one))
	all := append(bytes.Clone(one), other...)
	both := captureEvents(t, all, len(all))
	if len(want) == 0 || len(both) < 2*len(want)-1 || !strings.Contains(both[len(both)-1], "packet=14") {
		t.Fatalf("one:\n%s\nboth:\n%s", strings.Join(want, "\n"), strings.Join(both, "\n"))
	}
	packedTwice := map[string][]byte{
		"plain": all, "gzip": append(gzipOf(t, one), gzipOf(t, other)...), "zstd": append(zstdOf(t, one, 1<<16), zstdOf(t, other, 1<<16)...),
		"gzip, cut elsewhere": append(gzipOf(t, all[:len(one)+11]), gzipOf(t, all[len(one)+11:])...),
	}
	for _, ending := range []string{"bz2", "gz", "lz4", "xz", "zst"} {
		packedTwice[ending] = append(packed(t, ending), packed(t, ending)...)
	}
	for name, content := range packedTwice {
		packets := uint64(14)
		if len(name) <= 3 {
			readBothWays(t, packed(t, name), func(_ string, _ error, n uint64) { packets = 2 * n })
		}
		readBothWays(t, content, func(how string, err error, n uint64) {
			if err != nil || n != packets {
				t.Errorf("%s, %s: %d packets, want %d: %v", name, how, n, packets, err)
			}
		})
		for _, n := range []int{1, 7, 100} {
			if got := captureEvents(t, content, n); len(name) > 3 && !slices.Equal(got, both) {
				t.Errorf("%s by %d:\n%s\nwant\n%s", name, n, strings.Join(got, "\n"), strings.Join(both, "\n"))
			}
		}
	}
}

// captureEvents returns the event log of a capture that is pushed in pieces of n bytes.
func captureEvents(t *testing.T, capture []byte, n int) []string {
	return followCapture(t, gofollow.Config{}, capture, n).log
}

func gzipOf(t *testing.T, b []byte) []byte {
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

// opened returns a follower that has content opened as a file.
func opened(t *testing.T, content []byte) *gofollow.Follower {
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFollower(t, gofollow.Config{})
	if err := f.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	return f
}

// readBothWays reads content as a file and as pushed bytes, and returns what
// either says in the end, and how many packets were taken.
func readBothWays(t *testing.T, content []byte, check func(how string, err error, packets uint64)) {
	f, r := opened(t, content), &result{}
	var err error
	for progress := (gofollow.Progress{}); err == nil && !progress.End; {
		progress, err = f.ReadFile(0)
		r.poll(f)
	}
	check("ReadFile", err, f.Stats().Packets)
	r.finish(t, f)

	for _, n := range []int{len(content), 100} {
		f, r = newFollower(t, gofollow.Config{}), &result{}
		err = nil
		for rest := content; len(rest) > 0 && err == nil; {
			var taken int
			taken, err = f.FeedCapture(rest[:min(n, len(rest))])
			rest = rest[taken:]
			if unfinished(err) {
				err = nil
			}
			r.poll(f)
		}
		end := f.EndCapture()
		for ; unfinished(end); end = f.EndCapture() {
			r.poll(f)
		}
		if err == nil {
			err = end
		}
		check("FeedCapture", err, f.Stats().Packets)
		r.finish(t, f)
	}
}

func TestCompressedCaptures(t *testing.T) {
	small := pcapOf(script(t, hello)) // 7 packets
	skippable := []byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc")
	damage := func(ending string) []byte {
		b := packed(t, ending)
		b[len(b)/2] ^= 0xff
		return b
	}
	wrongSum := packed(t, "bz2")
	wrongSum[10] ^= 0xff // behind the head of 4 bytes and the block's of 6
	cut := func(ending string) []byte {
		b := packed(t, ending)
		return b[:len(b)-len(b)/4]
	}
	all := uint64(len(records(t, "../tests/data/compressed.pcap.gz")))
	for _, test := range []struct {
		name     string
		content  []byte
		kind     any // of the CaptureError, nil without
		reason   string
		min, max uint64 // packets that are followed
	}{
		{"zstd", zstdOf(t, small, 1<<20), nil, "", 7, 7},
		{"zstd, as far back as allowed", zstdOf(t, small, 128<<20), nil, "", 7, 7},
		{"zstd, too far back", zstdOf(t, small, 256<<20), gofollow.CaptureUnsupported, "128 MiB", 0, 0},
		{"zstd with a dictionary", []byte("\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00"), gofollow.CaptureUnsupported, "dictionary", 0, 0},
		{"zstd, a frame to skip first", append(skippable, zstdOf(t, small, 1<<20)...), nil, "", 7, 7},
		{"zstd, a frame to skip last", append(zstdOf(t, small, 1<<20), skippable...), nil, "", 7, 7},
		{"zstd in zstd", zstdOf(t, zstdOf(t, small, 1<<20), 1<<20), gofollow.CaptureUnsupported, "zstd within", 0, 0},
		{"xz, as far back as allowed", xzWithDictionary(packed(t, "xz"), 30), nil, "", all, all},
		{"xz, too far back", xzWithDictionary(packed(t, "xz"), 31), gofollow.CaptureUnsupported, "128 MiB", 0, 0},
		{"text in zstd", zstdOf(t, []byte("Dear reader, this is not a capture."), 1<<20), gofollow.NotACapture, "text", 0, 0},
		{"nothing in zstd", zstdOf(t, nil, 1<<20), gofollow.NotACapture, "empty", 0, 0},
		{"two bytes of gzip", packed(t, "gz")[:2], gofollow.CaptureTruncated, "gzip", 0, 0},
		{"three bytes of bzip2", packed(t, "bz2")[:3], gofollow.CaptureTruncated, "bzip2", 0, 0},
		{"cut gzip", cut("gz"), gofollow.CaptureTruncated, "gzip", 1, all},
		{"cut zstd", cut("zst"), gofollow.CaptureTruncated, "zstd", 0, all},
		{"cut xz", cut("xz"), gofollow.CaptureTruncated, "xz", 1, all},
		{"cut bzip2", cut("bz2"), gofollow.CaptureTruncated, "bzip2", 0, all},
		{"cut lz4", cut("lz4"), gofollow.CaptureTruncated, "lz4", 0, all},
		{"damaged gzip", damage("gz"), gofollow.CaptureDamaged, "", 0, all},
		{"damaged zstd", damage("zst"), gofollow.CaptureDamaged, "", 0, all},
		{"damaged xz", damage("xz"), gofollow.CaptureDamaged, "", 0, all},
		{"bzip2 with a wrong checksum", wrongSum, gofollow.CaptureDamaged, "checksum", all, all},
		{"damaged lz4", damage("lz4"), gofollow.CaptureDamaged, "", 0, all},
	} {
		t.Run(test.name, func(t *testing.T) {
			readBothWays(t, test.content, func(how string, err error, packets uint64) {
				t.Helper()
				var fault *gofollow.CaptureError
				if errors.As(err, &fault) != (test.kind != nil) || (fault != nil && (any(fault.Kind) != test.kind || !strings.Contains(fault.Reason, test.reason))) {
					t.Errorf("%s: %v", how, err)
				}
				if (fault != nil && fault.Record != packets) || packets < test.min || packets > test.max {
					t.Errorf("%s: %d packets were followed, want %d to %d: %v", how, packets, test.min, test.max, err)
				}
			})
		})
	}
}

// TestDecompressionBomb reads some kilobytes that make 128 MiB of a block to be
// skipped.
func TestDecompressionBomb(t *testing.T) {
	const size = 128 << 20
	section := []byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00")
	section = binary.LittleEndian.AppendUint32(append(section, 0xad, 0x0b, 0, 0), size)
	var bomb bytes.Buffer
	w, err := zstd.NewWriter(&bomb, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	parts := [][]byte{section}
	for range size >> 20 {
		parts = append(parts, zeros)
	}
	parts[len(parts)-1] = append(zeros[:len(zeros)-12:len(zeros)-12], 0, 0, 0, 8) // the length again
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readBothWays(t, bomb.Bytes(), func(how string, err error, packets uint64) {
		if err != nil || packets != 0 {
			t.Errorf("%s: %d packets, %v", how, packets, err)
		}
	})
	f := newFollower(t, gofollow.Config{})
	rest := bomb.Bytes()
	for calls := 0; ; calls++ { // each call comes back soon
		n, err := f.FeedCapture(rest)
		rest = rest[n:]
		if err == nil {
			if calls < size/(17<<20) {
				t.Errorf("%d calls were enough", calls)
			}
			break
		}
		if !errors.Is(err, gofollow.ErrMore) {
			t.Fatal(err)
		}
	}
	f.Close()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%d bytes became %d MiB in memory", bomb.Len(), took>>20)
	}
}

// TestCallsEnd reads captures of packets that make no event, small and large, plain and compressed:
// a call takes so many packets and so many bytes, and goes on where it stopped.
func TestCallsEnd(t *testing.T) {
	const packets, fast, slow = 20_000, 16 << 20, 2 << 20
	var small, large []gofollow.Packet
	for range 50_000 {
		small = append(small, gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: make([]byte, 14)})
	}
	for range 700 {
		large = append(large, gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: make([]byte, 60_000)})
	}
	for _, c := range []struct {
		name    string
		content []byte
		total   int // bytes of capture
		limit   int
	}{
		{"small packets", pcapOf(small), 50_000 * 30, fast},
		{"small packets, gzip", gzipOf(t, pcapOf(small)), 50_000 * 30, fast},
		{"large packets", pcapOf(large), 700 * 60_016, fast},
		{"large packets, gzip", gzipOf(t, pcapOf(large)), 700 * 60_016, fast},
		{"xz", bytes.Repeat(packed(t, "xz"), 1000), 1000 * plainLength(t), slow},
		{"bzip2", bytes.Repeat(packed(t, "bz2"), 1000), 1000 * plainLength(t), slow},
	} {
		calls := map[string]int{}
		count := func(how string, taken uint64) {
			if calls[how]++; taken > packets {
				t.Errorf("%s, %s: a call took %d packets", c.name, how, taken)
			}
		}
		f, r := opened(t, c.content), &result{quiet: true}
		for p := (gofollow.Progress{}); !p.End; {
			before, bytesBefore := p.Packets, f.Stats().Bytes
			var err error
			if p, err = f.ReadFile(0); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			count("ReadFile", p.Packets-before)
			if n := int(f.Stats().Bytes - bytesBefore); n > c.limit+2<<20 {
				t.Errorf("%s, ReadFile: a call took %d bytes", c.name, n)
			}
			r.poll(f)
		}
		read := f.Stats().Packets
		r.finish(t, f)

		f, r = newFollower(t, gofollow.Config{}), &result{quiet: true}
		rest, end := c.content, false
		for !end {
			before, bytesBefore := f.Stats().Packets, f.Stats().Bytes
			n, err := f.FeedCapture(rest)
			if rest = rest[n:]; err != nil && !errors.Is(err, gofollow.ErrMore) {
				t.Fatalf("%s: %v", c.name, err) // ErrQueueFull, too: nothing waits
			}
			end = err == nil
			count("FeedCapture", f.Stats().Packets-before)
			if n := int(f.Stats().Bytes - bytesBefore); n > c.limit+1<<20 {
				t.Errorf("%s, FeedCapture: a call took %d bytes", c.name, n)
			}
			r.poll(f)
		}
		r.untilTaken(t, f, f.EndCapture)
		if got := f.Stats().Packets; got != read || len(rest) > 0 {
			t.Errorf("%s: %d packets were pushed, %d read; %d bytes are left", c.name, got, read, len(rest))
		}
		r.finish(t, f)
		if want := c.total / (c.limit + 2<<20); calls["ReadFile"] < want || calls["FeedCapture"] < want || calls["FeedCapture"] < int(read)/packets {
			t.Errorf("%s: %v calls, want %d", c.name, calls, want)
		}
	}
}

// plainLength returns the length of the capture that packed compresses.
func plainLength(t *testing.T) int {
	z, err := gzip.NewReader(bytes.NewReader(packed(t, "gz")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// TestNothingCompressed reads captures with megabytes that decompress to nothing: each call of
// ReadFile comes back soon.
func TestNothingCompressed(t *testing.T) {
	const size = 8 << 20
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	skippable := append([]byte("\x50\x2a\x4d\x18\x00\x40\x00\x00"), make([]byte, 16<<10)...)
	for ending, piece := range map[string][]byte{"gz": empty.Bytes(), "zst": skippable, "lz4": skippable} {
		content := append(packed(t, ending), bytes.Repeat(piece, size/len(piece))...)
		f, r := opened(t, content), &result{}
		var p gofollow.Progress
		for before := int64(0); !p.End; before = p.BytesRead {
			var err error
			if p, err = f.ReadFile(0); err != nil {
				t.Fatalf("%s: %v", ending, err)
			}
			if p.BytesRead-before > 2<<20 {
				t.Errorf("%s: a call read %d bytes", ending, p.BytesRead-before)
			}
			r.poll(f)
		}
		if p.Packets == 0 || p.BytesRead != int64(len(content)) {
			t.Errorf("%s: %+v", ending, p)
		}
		r.finish(t, f)
	}
}
