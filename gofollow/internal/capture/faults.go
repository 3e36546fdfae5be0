//go:build gofollow_faults

package capture

import (
	"bufio"
	"io"
	"os"
)

// Decompressors panic while the file that GOFOLLOW_FAULT_FILE names exists: a fault in a goroutine,
// for the tests of the C library (capi/faults.go).
func init() {
	for i := range compressions {
		open := compressions[i].open
		compressions[i].open = func(in *bufio.Reader) (io.Reader, error) {
			r, err := open(in)
			return faultyReader{r}, err
		}
	}
}

type faultyReader struct{ io.Reader }

func (r faultyReader) Read(p []byte) (int, error) {
	if _, err := os.Stat(os.Getenv("GOFOLLOW_FAULT_FILE")); err == nil {
		panic("injected fault of the decompressor")
	}
	return r.Reader.Read(p)
}
