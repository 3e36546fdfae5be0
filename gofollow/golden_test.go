package gofollow_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
	"gofollow/gofollow"
)

var update = flag.Bool("update", false, "rewrite the event logs in ../tests/data")

// TestGolden compares the event log of each capture in ../tests/data with the
// one in the file beside it, whichever way the capture is fed.
func TestGolden(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			golden := eventsFile(path)
			if *update {
				log := strings.Join(followFile(t, gofollow.Config{}, path, 0).log, "\n") + "\n"
				if err := os.WriteFile(golden, []byte(log), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v: make it with go test ./gofollow -run TestGolden -update, and read it", err)
			}
			want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			config := gofollow.Config{}
			for _, max := range []int{1, 7, 256, 0} {
				sameLines(t, fmt.Sprintf("ReadFile(%d)", max), followFile(t, config, path, max).log, want)
			}
			packets := records(t, path)
			sameLines(t, "Feed", follow(t, config, packets).log, want)
			for _, n := range []int{7, 256} {
				sameLines(t, fmt.Sprintf("FeedBatch of %d", n), followBatches(t, config, packets, n).log, want)
			}
			capture, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 7, 61, 4096} {
				sameLines(t, fmt.Sprintf("FeedCapture in pieces of %d", n), followCapture(t, config, capture, n).log, want)
			}
			config.Limits.QueuedEvents = 3
			sameLines(t, "ReadFile with a queue for three events", followFile(t, config, path, 0).log, want)
			halfClosed := func(line string) bool { return strings.HasPrefix(line, "half-closed ") }
			log := followFile(t, gofollow.Config{NoHalfClosed: true}, path, 0).log
			sameLines(t, "NoHalfClosed", log, slices.DeleteFunc(slices.Clone(want), halfClosed))
		})
	}
}

func captures(t testing.TB) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.pcap.*"} {
		found, err := filepath.Glob(filepath.Join("../tests/data", pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		t.Fatal("there are no captures in ../tests/data")
	}
	return paths
}

// eventsFile names the event log of a capture.
func eventsFile(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return filepath.Join(filepath.Dir(path), name+".events")
}

// records reads a capture file with gopacket's reader instead of our own. Where
// that one cannot say the link type (it has only 8 bits for it) the header is asked.
func records(t testing.TB, path string) (packets []gofollow.Packet) {
	t.Helper()
	if name, ending, packed := strings.Cut(path, ".pcap."); packed && ending != "gz" {
		path = name + ".pcap.gz" // the same capture
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(bytes.NewReader(content))
		if err == nil {
			content, err = io.ReadAll(unzipped)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var source gopacket.PacketDataSource
	var link func(gopacket.CaptureInfo) gofollow.LinkType
	if binary.BigEndian.Uint32(content) == 0x0a0d0d0a {
		reader, err := pcapgo.NewNgReader(bytes.NewReader(content), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		source, link = reader, func(info gopacket.CaptureInfo) gofollow.LinkType {
			face, err := reader.Interface(info.InterfaceIndex)
			if err != nil {
				t.Fatal(err)
			}
			return gofollow.LinkType(face.LinkType)
		}
	} else {
		reader, err := pcapgo.NewReader(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		var order binary.ByteOrder = binary.LittleEndian
		if content[0] == 0xa1 {
			order = binary.BigEndian
		}
		number := gofollow.LinkType(order.Uint32(content[20:]) & 0xffff)
		source, link = reader, func(gopacket.CaptureInfo) gofollow.LinkType { return number }
	}
	for {
		data, info, err := source.ReadPacketData()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, gofollow.Packet{LinkType: link(info), Time: info.Timestamp.UnixNano(), Data: data, WireLen: info.Length})
	}
}
