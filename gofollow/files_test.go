//go:build unix

package gofollow_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gofollow/gofollow"
)

// longCapture returns a capture of several blocks of a file, and the packets in it.
func longCapture() ([]byte, uint64) {
	packets := make([]gofollow.Packet, 2000)
	for i := range packets {
		packets[i] = gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: bytes.Repeat([]byte{byte(i)}, 1000)}
	}
	return pcapOf(packets), uint64(len(packets))
}

// readOn reads the opened file to its end and returns how many packets came of it in all.
func readOn(f *gofollow.Follower) (uint64, error) {
	for {
		p, err := f.ReadFile(0)
		if err != nil || p.End {
			return p.Packets, err
		}
	}
}

// TestFilesThatChange changes a file of which some packets were read.
func TestFilesThatChange(t *testing.T) {
	capture, all := longCapture()
	record := len(capture[24:]) / int(all)
	for _, test := range []struct {
		name    string
		change  func(path string) error
		packets uint64 // in all
		kind    any    // of the error, nil for none
	}{
		{"nothing", func(string) error { return nil }, all, nil},
		{"appended to", func(path string) error {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = file.Write(capture[24:])
			return err
		}, 2 * all, nil},
		{"removed", os.Remove, all, nil},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+".new", []byte("no capture"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, all, nil},
		{"truncated within a record", func(path string) error { return os.Truncate(path, int64(24+1500*record+100)) }, 1500, gofollow.CaptureTruncated},
		{"truncated between records", func(path string) error { return os.Truncate(path, int64(24+1500*record)) }, 1500, nil},
		{"overwritten with text", func(path string) error {
			return os.WriteFile(path, bytes.Repeat([]byte("text "), len(capture)/5), 0o600)
		}, 0, gofollow.CaptureDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(path, capture, 0o600); err != nil {
				t.Fatal(err)
			}
			f := newFollower(t, gofollow.Config{})
			defer f.Close()
			if err := f.OpenFile(path); err != nil {
				t.Fatal(err)
			}
			if p, err := f.ReadFile(100); err != nil || p.Packets != 100 {
				t.Fatalf("%+v, %v", p, err)
			}
			if err := test.change(path); err != nil {
				t.Fatal(err)
			}
			packets, err := readOn(f)
			var fault *gofollow.CaptureError
			switch {
			case test.kind == nil && err != nil:
				t.Error(err)
			case test.kind != nil && (!errors.As(err, &fault) || any(fault.Kind) != test.kind || fault.Record != packets):
				t.Errorf("%v after %d packets", err, packets)
			case (packets != test.packets && test.packets > 0) || packets < 100 || f.Stats().Packets != packets:
				t.Errorf("%d packets, %d followed, want %d", packets, f.Stats().Packets, test.packets)
			}
		})
	}
}

// TestFilesThatAreNone opens what is not a regular file.
func TestFilesThatAreNone(t *testing.T) {
	capture, all := longCapture()
	f := newFollower(t, gofollow.Config{})
	defer f.Close()
	for _, cut := range []int{0, 100} {
		path := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		go os.WriteFile(path, capture[:len(capture)-cut], 0)
		if err := f.OpenFile(path); err != nil {
			t.Fatal(err)
		}
		packets, err := readOn(f)
		var fault *gofollow.CaptureError
		switch {
		case cut == 0 && (err != nil || packets != all):
			t.Errorf("a FIFO: %d packets, %v", packets, err)
		case cut > 0 && (!errors.As(err, &fault) || fault.Kind != gofollow.CaptureTruncated || packets != all-1):
			t.Errorf("a FIFO whose writer ends within a record: %d packets, %v", packets, err)
		}
	}
	for path, want := range map[string]string{ // what the error names; "": that it is not a capture
		"/dev/null":            "",
		"/dev/zero":            "",
		"/proc/self/status":    "", // its size is 0, it is read all the same
		"/proc/self/mem":       "/proc/self/mem",
		"/proc/self/task":      "/proc/self/task", // a directory
		"/proc/self/fd/999999": "/proc/self/fd/999999",
	} {
		if _, err := os.Lstat(path); (err != nil && !errors.Is(err, fs.ErrNotExist)) || (!strings.HasPrefix(path, "/dev") && !hasProc()) {
			t.Logf("%s is not there", path)
			continue
		}
		err := f.OpenFile(path)
		if err == nil {
			_, err = readOn(f)
		}
		var fault *gofollow.CaptureError
		if err == nil || !strings.Contains(err.Error(), want) || (want == "" && (!errors.As(err, &fault) || fault.Kind != gofollow.NotACapture)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func hasProc() bool {
	_, err := os.Stat("/proc/self/status")
	return err == nil
}
