package gofollow

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"gofollow/gofollow/internal/decode"
)

// load is an input that is made to cost much, and what it may cost.
type load struct {
	name   string
	config Config
	run    func(l *loaded, n int) // n packets, or MiB of a bomb's capture
	bytes  int64                  // memory that is in use at the end, before the flush, at most, whatever n is
	steps  int64                  // statements of the engine for each of the n, at most
	every  int                    // n is so many times less than for others; 0 is 1

	million bool // of the packets, unless the test is to be short
}

// loaded is a follower under a load.
type loaded struct {
	*testing.T
	f         *Follower
	a         countingAllocator
	data      []byte // the payload of packets
	events    int
	mostQueue int
}

func (l *loaded) packet(time int64, b []byte) {
	l.wire(time, b, len(b))
}

func (l *loaded) wire(time int64, b []byte, wire int) {
	if err := l.f.Feed(&Packet{LinkType: LinkEthernet, Time: time, Data: b, WireLen: wire}); err != nil {
		l.Fatal(err)
	}
	l.poll()
}

func (l *loaded) poll() {
	l.mostQueue = max(l.mostQueue, l.f.Waiting())
	for n := 1; n > 0; l.events += n {
		n = len(l.f.Poll(1024))
	}
}

// segment feeds one of 10.0.0.9:port.
func (l *loaded) segment(time int64, port uint16, back bool, seq, ack uint32, flags decode.Flags, n int) {
	l.packet(time, frame(10<<24|9, port, back, seq, ack, flags, l.data[:n]))
}

// capture pushes the bytes of a capture and returns what is wrong with it.
func (l *loaded) capture(b []byte) error {
	feed := func(b []byte) error {
		for {
			n, err := l.f.FeedCapture(b)
			b = b[n:]
			if l.poll(); !errors.Is(err, ErrQueueFull) && !errors.Is(err, ErrMore) {
				return err
			}
		}
	}
	for len(b) > 0 {
		piece := b[:min(len(b), 1<<20)]
		b = b[len(piece):]
		if err := feed(piece); err != nil {
			return err
		}
	}
	return nil
}

var pcapngHead = []byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00")

// pcapngBlock is a block of that type with a body of zeros, but for its first bytes.
func pcapngBlock(kind uint32, n int, body ...byte) []byte {
	b := make([]byte, 12+n)
	binary.LittleEndian.PutUint32(b, kind)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[8+n:], uint32(len(b)))
	copy(b[8:], body)
	return b
}

// bomb pushes n MiB of zeros in a block to be skipped, compressed.
func bomb(compress func(b []byte) []byte) func(l *loaded, n int) {
	return func(l *loaded, n int) {
		head := binary.LittleEndian.AppendUint32(append(bytes.Clone(pcapngHead), 0xad, 0x0b, 0, 0), 1<<31)
		b := compress(head)
		zeros := compress(make([]byte, 1<<20))
		for range n {
			b = append(b, zeros...)
		}
		l.capture(b)
	}
}

// written compresses by a writer.
func written(open func(w io.Writer) io.WriteCloser) func(b []byte) []byte {
	return func(b []byte) []byte {
		var out bytes.Buffer
		w := open(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
}

// stored are the head and a MiB of zeros, compressed before.
func stored(head, zeros string) func(b []byte) []byte {
	return func(b []byte) []byte {
		text := head
		if len(b) == 1<<20 {
			text = zeros
		}
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err)
		}
		return b
	}
}

const (
	ackOnly = decode.ACK
	second  = int64(1e9)
)

var loads = []load{
	{name: "SYN flood", config: Config{Limits: Limits{Connections: 2000}}, bytes: 3 << 20, steps: 650,
		run: func(l *loaded, n int) {
			for i := range n {
				l.packet(second, frame(uint32(11<<24+i), 1, false, 5, 0, decode.SYN, nil))
			}
		}},
	{name: "one hole", bytes: 22 << 20, steps: 760,
		run: func(l *loaded, n int) {
			for i := range n {
				l.segment(second, 1, false, uint32(max(0, i-1)*1400+i), 0, ackOnly, 1400)
			}
		}},
	{name: "holes upwards", config: Config{Limits: Limits{HeldSegments: 4096}}, bytes: 5 << 20, steps: 780,
		run: func(l *loaded, n int) {
			for i := range n {
				l.segment(second, 1, false, uint32(2*i), 0, ackOnly, 1)
			}
		}},
	{name: "holes downwards", config: Config{Limits: Limits{HeldSegments: 4096}}, bytes: 5 << 20, steps: 600,
		run: func(l *loaded, n int) {
			l.segment(second, 1, false, 0, 0, ackOnly, 1)
			for i := range n {
				l.segment(second, 1, false, uint32(2*(n-i)), 0, ackOnly, 1)
			}
		}},
	{name: "gaps", config: Config{GapPatience: AtOnce}, bytes: 2 << 20, steps: 1400,
		run: func(l *loaded, n int) {
			l.segment(second, 1, true, 0, 0, ackOnly, 1)
			for i := range n {
				l.segment(second, 1, false, uint32(2*i), 1, ackOnly, 1)
				l.segment(second, 1, true, 1, uint32(2*i+1), ackOnly, 0)
			}
		}},
	{name: "acknowledgements ahead", bytes: 2 << 20, steps: 370,
		run: func(l *loaded, n int) {
			l.segment(second, 1, false, 0, 0, ackOnly, 1)
			for i := range n {
				l.segment(second, 1, true, 0, uint32(2+i), ackOnly, 0)
			}
		}},
	{name: "unfinished datagrams", bytes: 24 << 20, steps: 270,
		run: func(l *loaded, n int) {
			for i := range n {
				b := frame(10<<24|9, 1, false, 0, 0, ackOnly, l.data[:1380])
				binary.BigEndian.PutUint16(b[14+4:], uint16(i))
				binary.BigEndian.PutUint16(b[14+6:], 0x2000)
				b[14+15] = byte(i >> 16)
				l.packet(second, b)
			}
		}},
	{name: "small fragments", bytes: 24 << 20, steps: 260,
		run: func(l *loaded, n int) {
			for i := range n {
				b := frame(10<<24|9, 1, false, 0, 0, ackOnly, nil)[:14+20+8]
				binary.BigEndian.PutUint16(b[14+2:], 28)
				binary.BigEndian.PutUint16(b[14+4:], uint16(i/8000))
				binary.BigEndian.PutUint16(b[14+6:], 0x2000|uint16(8000-i%8000))
				l.packet(second, b)
			}
		}},
	{name: "suspects", config: Config{Limits: Limits{TotalHeldBytes: 4 << 20}}, bytes: 6 << 20, steps: 600,
		run: func(l *loaded, n int) {
			for i := range n {
				port := uint16(i % 100)
				if i < 100 {
					l.segment(second, port, false, 0, 0, ackOnly, 1)
					l.segment(second, port, true, 0, 0, ackOnly, 1)
				}
				l.segment(second, port, false, 100<<20+uint32(i*2000), 0, ackOnly, 1000)
			}
		}},
	{name: "candidates", config: Config{Limits: Limits{Candidates: 100, TotalHeldBytes: 4 << 20}}, bytes: 7 << 20, steps: 370,
		run: func(l *loaded, n int) {
			for i := range n {
				port := uint16(i % 500)
				if i < 500 {
					l.segment(second, port, true, 0, 0, ackOnly, 1)
					l.segment(second, port, false, 0, 1, ackOnly, 1)
				}
				l.segment(second, port, false, 1<<30+uint32(i*2000), 0, decode.SYN, 1000)
			}
			if s := l.f.Stats(); s.CandidatesDropped != uint64(n-100) {
				l.Errorf("%d candidates were dropped", s.CandidatesDropped)
			}
		}},
	{name: "closed connections", config: Config{Limits: Limits{ClosedConnections: 1000}}, bytes: 2 << 20, steps: 2100,
		run: func(l *loaded, n int) {
			for i := range n {
				port := uint16(i)
				l.segment(second, port, false, uint32(i), 0, decode.SYN, 0)
				l.segment(second, port, true, uint32(i), uint32(i+1), decode.SYN|ackOnly, 0)
				l.segment(second, port, false, uint32(i+1), uint32(i+1), decode.FIN|ackOnly, 1)
				l.segment(second, port, true, uint32(i+1), uint32(i+3), decode.FIN|ackOnly, 1)
			}
			if s := l.f.Stats(); s.ClosedConnectionsDropped != uint64(n-1000) || s.ClosedConnections != 1000 {
				l.Errorf("%d closed connections were dropped, %d are there", s.ClosedConnectionsDropped, s.ClosedConnections)
			}
		}},
	{name: "resets with text", config: Config{Limits: Limits{Connections: 1000}}, bytes: 4 << 20, steps: 1100,
		run: func(l *loaded, n int) {
			for i := range n {
				l.segment(second, uint16(i), false, 1, 0, ackOnly, 1)
				l.segment(second, uint16(i), false, 2, 0, decode.RST|ackOnly, 1400)
			}
		}},
	{name: "tunnels", bytes: 2 << 20, steps: 2400, every: 4,
		run: func(l *loaded, n int) {
			b := frame(10<<24|9, 1, false, 0, 0, ackOnly, l.data[:1])
			for range 40 {
				b = inVXLAN(1, b)
			}
			for range n {
				l.packet(second, b)
			}
		}},
	{name: "VLAN stacks", config: Config{Separate: SeparateVLAN}, bytes: 2 << 20, steps: 1150,
		run: func(l *loaded, n int) {
			b := frame(10<<24|9, 1, false, 0, 0, ackOnly, l.data[:1])
			for i := range 200 {
				b = inVLAN(uint16(i), b)
			}
			for range n {
				l.packet(second, b)
			}
		}},
	{name: "separate networks", config: Config{Separate: SeparateBoth, Limits: Limits{Connections: 1000, ClosedConnections: 100}}, bytes: 3 << 20, steps: 1050,
		run: func(l *loaded, n int) {
			for i := range n {
				l.packet(second, inVLAN(uint16(1+i%4000), inVLAN(uint16(1+i/4000), frame(10<<24|9, 1, false, 0, 0, ackOnly, l.data[:1]))))
			}
		}},
	{name: "protocols and link types", bytes: 1 << 20, steps: 100,
		run: func(l *loaded, n int) {
			b := make([]byte, 60)
			for i := range n {
				binary.BigEndian.PutUint16(b[12:], uint16(i))
				l.f.Feed(&Packet{LinkType: LinkType(i % 2 * i), Time: second, Data: b})
			}
			if named := len(l.f.NotFollowed()); named < 256 || named > 257 {
				l.Errorf("%d protocols and link types are counted by name", named)
			}
		}},
	{name: "pcapng interfaces", bytes: 8 << 20, steps: 900,
		run: func(l *loaded, n int) {
			var fault *CaptureError
			err := l.capture(append(bytes.Clone(pcapngHead), bytes.Repeat(pcapngBlock(1, 8, 1), 10*n)...))
			if !errors.As(err, &fault) || fault.Kind != CaptureUnsupported {
				l.Errorf("%d interfaces: %v", 10*n, err)
			}
		}},
	{name: "pcapng name blocks", bytes: 2 << 20, steps: 200,
		run: func(l *loaded, n int) {
			l.capture(append(bytes.Clone(pcapngHead), bytes.Repeat(pcapngBlock(4, 200), n)...))
		}},
	{name: "conflicting copies", config: Config{Anomalies: true, Overlap: OverlapLast}, bytes: 3 << 20, steps: 3800, every: 4,
		run: func(l *loaded, n int) {
			l.segment(second, 1, false, 0, 0, ackOnly, 1)
			for i := range n {
				b := frame(10<<24|9, 1, false, 2, 0, ackOnly, l.data[:1000])
				for k := range b[54:] {
					b[54+k] = byte(i)
				}
				l.packet(second, b)
			}
		}},
	{name: "all time-outs at once", config: Config{Limits: Limits{QueuedEvents: 1000}}, bytes: 320 << 20, steps: 900, million: true,
		run: func(l *loaded, n int) {
			for i := range n {
				l.packet(second, frame(uint32(11<<24+i), 1, false, 5, 0, ackOnly, l.data[:1]))
			}
			l.mostQueue = 0
			calls := 0
			for err := ErrQueueFull; err != nil; calls++ {
				if err = l.f.AdvanceTime(1e6 * second); err != nil && err != ErrQueueFull {
					l.Fatal(err)
				}
				l.poll()
			}
			if want := n / 1000; l.mostQueue > 1000+10 || calls < want || l.f.Stats().ClosedBy[CloseTimeout] != uint64(n) {
				l.Errorf("%d events waited at most, %d calls, %+v", l.mostQueue, calls, l.f.Stats())
			}
		}},
	{name: "ends that are held back", bytes: 20 << 20, steps: 930, // data of a side whose SYN was not seen
		run: func(l *loaded, n int) {
			l.segment(second, 1, false, 0, 0, decode.SYN, 0)
			for i := range n {
				l.segment(second, 1, true, uint32(i*3), 1, ackOnly, 1)
			}
		}},
	{name: "clock jumps", config: Config{Limits: Limits{TotalHeldBytes: 1 << 20, HeldSegments: 1000}}, bytes: 4 << 20, steps: 900,
		run: func(l *loaded, n int) {
			for i := range n {
				l.segment(int64(i%2)*1e9*second+int64(i), uint16(i%100), false, uint32(i), 0, ackOnly, 1)
			}
		}},
	{name: "gzip bomb", bytes: 4 << 20, steps: 5000, every: 1000,
		run: bomb(written(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }))},
	{name: "zstd bomb", bytes: 20 << 20, steps: 2500, every: 1000,
		run: bomb(written(func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }))},
	{name: "lz4 bomb", bytes: 30 << 20, steps: 2500, every: 1000,
		run: bomb(written(func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }))},
	{name: "bzip2 bomb", bytes: 12 << 20, steps: 3000, every: 4000,
		run: bomb(stored("QlpoOTFBWSZTWWjKuj0AAAh8UOQaABQACAAEAAJAAAACAACgACGp6gaZpqEAADZgayAILuWaRVuUawfi7kinChINGVdHoA==",
			"QlpoOTFBWSZTWThXHOUACAhAAMAEAAggADDMBSmmCAbEIB4u5IpwoSBwrjnK"))},
	{name: "xz bomb", bytes: 20 << 20, steps: 2000, every: 4000,
		run: bomb(stored("/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAjABtdAAUD34K9cUCdv8ocPaUax6wIJcklgpr4Jq5kAAAA0vRMy8Hv8acAATckzvGCjB+2830BAAAAAARZWg==",
			"/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj7///ANldAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1Iq9+SVJQAAAAAAwva6PqJwa2AAAfUBgIBAAHmXf0exxGf7AgAAAAAEWVo="))},
}

// size is how many packets a load has.
func (l *load) size() int {
	n := 40_000
	if testing.Short() {
		n = 8_000
	} else if l.million {
		n = 1_000_000
	}
	return n / max(1, l.every)
}

// TestLoads puts each load on a follower and looks at the memory that it takes, and, where
// statements are counted (make test-resources), at these.
func TestLoads(t *testing.T) {
	for i := range loads {
		l := &loads[i]
		t.Run(l.name, func(t *testing.T) {
			counted := ""
			if testing.CoverMode() == "count" && os.Getenv("GOFOLLOW_LOAD") == "" {
				steps := statements(t, l.name) / int64(l.size())
				counted = fmt.Sprintf("; %d statements each, at most %d", steps, l.steps)
				if steps > l.steps {
					t.Errorf("%d statements", steps)
				}
			}
			under := &loaded{T: t, data: make([]byte, 2000), a: countingAllocator{live: map[*byte]int{}}}
			config := l.config
			config.Allocator = &under.a
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var err error
			if under.f, err = New(config); err != nil {
				t.Fatal(err)
			}
			l.run(under, l.size())
			runtime.GC()
			runtime.ReadMemStats(&after)
			took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			most := max(took, int64(under.a.most))
			t.Logf("%s, %d: %d KiB, at most %d%s", l.name, l.size(), most>>10, l.bytes>>10, counted)
			if most > l.bytes {
				t.Errorf("%d KiB are in use, %d for payload", took>>10, under.a.most>>10)
			}
			for under.f.Flush() == ErrQueueFull {
				under.poll()
			}
			under.poll()
			if s := under.f.Stats(); s.Connections > 0 || s.HeldBytes > 0 {
				t.Errorf("in the end: %+v", s)
			}
			if under.f.Close(); len(under.a.live) > 0 {
				t.Errorf("%d blocks are not freed", len(under.a.live))
			}
		})
	}
}

// statements returns how many statements of the engine a load takes, in a process of its own.
func statements(t *testing.T, name string) (n int64) {
	profile := filepath.Join(t.TempDir(), "profile")
	command := exec.Command(os.Args[0], "-test.run=^TestLoads$/^"+strings.ReplaceAll(name, " ", "_")+"$", "-test.coverprofile="+profile,
		"-test.short="+strconv.FormatBool(testing.Short()))
	command.Env = append(os.Environ(), "GOFOLLOW_LOAD=1")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Open(profile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); { // file:from,to statements count
		words := strings.Fields(lines.Text())
		if len(words) == 3 {
			length, _ := strconv.ParseInt(words[1], 10, 64)
			count, _ := strconv.ParseInt(words[2], 10, 64)
			n += length * count
		}
	}
	if n == 0 {
		t.Fatal("nothing was counted")
	}
	return n
}
