package capture

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// read returns what a File gives into a space of n bytes.
func read(t *testing.T, path string, n int) []byte {
	t.Helper()
	space := make([]byte, max(n, MagicLen))
	f, k, err := Open(path, space)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := bytes.Clone(space[:k])
	for err == nil {
		k, err = f.Read(space[:n])
		got = append(got, space[:k]...)
	}
	if _, again := f.Read(space); err != io.EOF || again != io.EOF {
		t.Fatal(err, again)
	}
	if f.BytesRead() != f.Size() {
		t.Errorf("%s: %d bytes of %d were read", path, f.BytesRead(), f.Size())
	}
	return got
}

func TestFile(t *testing.T) {
	folder := t.TempDir()
	half := make([]byte, 600_000) // becomes half of it, which is more than is decompressed at once
	rand.New(rand.NewSource(1)).Read(half)
	for i := range half {
		half[i] &= 15
	}
	for _, s := range append(packedSamples(t), packed{"half", zip(t, half), half}, packed{"tiny", []byte("abc"), []byte("abc")}, packed{"empty", nil, nil}) {
		for name, b := range map[string][]byte{s.name: s.b, s.name + ", unpacked": s.plain} {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 100, 1 << 20} {
				if got := read(t, path, n); !bytes.Equal(got, s.plain) {
					t.Errorf("%s by %d: %d bytes, want %d", name, n, len(got), len(s.plain))
				}
			}
		}
	}
}

func TestFileThatDoesNotOpen(t *testing.T) {
	folder := t.TempDir()
	if _, _, err := Open(filepath.Join(folder, "nothing"), make([]byte, MagicLen)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if _, _, err := Open(folder, make([]byte, MagicLen)); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a directory: %v", err)
	}
}

// TestFileReadsOnce reads what decompresses to nothing: each call comes back after one piece of it.
func TestFileReadsOnce(t *testing.T) {
	nothing := bytes.Repeat(zip(t, nil), 20_000)
	path := filepath.Join(t.TempDir(), "nothing")
	if err := os.WriteFile(path, nothing, 0o600); err != nil {
		t.Fatal(err)
	}
	space := make([]byte, 100)
	f, _, err := Open(path, space)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		before := f.BytesRead()
		var n int
		if n, err = f.Read(space); n > 0 || f.BytesRead()-before > fileInput {
			t.Fatalf("a call gave %d bytes of %d", n, f.BytesRead()-before)
		}
	}
	if err != io.EOF || f.BytesRead() != int64(len(nothing)) {
		t.Errorf("%v after %d bytes of %d", err, f.BytesRead(), len(nothing))
	}
}
