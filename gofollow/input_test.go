package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gofollow/gofollow"
)

const hello = `H; c 0 "hello"; s 0 "you" ack=5; c FA 5; s FA 3`

// TestBadFiles reads files with faults: the error describes the fault, and what
// stands before the fault is followed.
func TestBadFiles(t *testing.T) {
	good := pcapOf(script(t, hello))
	huge := append(bytes.Clone(good), make([]byte, 16)...)
	binary.LittleEndian.PutUint32(huge[len(good)+8:], 1<<32-1)
	for _, test := range []struct {
		name    string
		content []byte
		kind    any // of the CaptureError, nil without
		packets uint64
	}{
		{"whole", good, nil, 7},
		{"empty", nil, gofollow.NotACapture, 0},
		{"three bytes", good[:3], gofollow.CaptureTruncated, 0},
		{"text", []byte("Dear reader, this is not a capture, it is only a text.\n"), gofollow.NotACapture, 0},
		{"cut in the file header", good[:20], gofollow.CaptureTruncated, 0},
		{"cut in a record's header", good[:24+8], gofollow.CaptureTruncated, 0},
		{"cut in a record", good[:len(good)-3], gofollow.CaptureTruncated, 6},
		{"a record of 4 GiB", huge, gofollow.CaptureDamaged, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			check := func(how string, err error, f *gofollow.Follower) {
				t.Helper()
				var fault *gofollow.CaptureError
				switch {
				case test.kind == nil:
					if err != nil {
						t.Errorf("%s: %v", how, err)
					}
				case !errors.As(err, &fault):
					t.Errorf("%s: error is %v, want a *CaptureError", how, err)
				case any(fault.Kind) != test.kind || fault.Record != test.packets:
					t.Errorf("%s: kind %v after packet %d, want %v after %d: %v", how, fault.Kind, fault.Record, test.kind, test.packets, err)
				}
				if got := f.Stats().Packets; got != test.packets {
					t.Errorf("%s: %d packets were taken, want %d", how, got, test.packets)
				}
			}

			f, r := newFollower(t, gofollow.Config{}), &result{}
			err := f.OpenFile(path)
			if err != nil && test.kind != any(gofollow.NotACapture) {
				t.Fatal(err)
			}
			for progress := (gofollow.Progress{}); err == nil && !progress.End; {
				progress, err = f.ReadFile(0)
				r.poll(f)
			}
			check("ReadFile", err, f)
			if _, err := f.ReadFile(0); !errors.Is(err, gofollow.ErrNoFile) {
				t.Errorf("ReadFile after the end: %v", err)
			}
			if err := f.OpenFile(path); (err != nil && test.name != "text") || (err == nil && test.name == "text") {
				t.Errorf("opening again: %v", err)
			}
			r.finish(t, f)

			f, r = newFollower(t, gofollow.Config{}), &result{}
			_, err = f.FeedCapture(test.content)
			if end := f.EndCapture(); err == nil {
				err = end
			}
			check("FeedCapture", err, f)
			if _, err := f.FeedCapture(good); err != nil {
				t.Errorf("the next capture: %v", err)
			}
			r.finish(t, f)
		})
	}
}

func TestFilesThatDoNotOpen(t *testing.T) {
	f := newFollower(t, gofollow.Config{})
	defer f.Close()
	if _, err := f.ReadFile(0); !errors.Is(err, gofollow.ErrNoFile) {
		t.Errorf("ReadFile without a file: %v", err)
	}
	if err := f.OpenFile(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	err := f.OpenFile(t.TempDir())
	if err == nil {
		_, err = f.ReadFile(0)
	}
	if err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, pcapOf(script(t, hello)), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Log("root may read everything: what no permission gives is not tested")
	} else if err := f.OpenFile(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("no permission: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenFile(path); !errors.Is(err, gofollow.ErrFileOpen) {
		t.Errorf("a second file: %v", err)
	}
	if err := f.EndCapture(); err != nil {
		t.Errorf("EndCapture: %v", err)
	}
	if err := f.OpenFile(path); err != nil {
		t.Errorf("the next file: %v", err)
	}
}

func TestOddPackets(t *testing.T) {
	f := newFollower(t, gofollow.Config{})
	defer f.Close()
	small := script(t, hello)[0]
	for _, link := range []gofollow.LinkType{gofollow.LinkNull, gofollow.LinkEthernet, gofollow.LinkRaw, gofollow.LinkLinuxSLL2, 9999} {
		if err := f.Feed(&gofollow.Packet{LinkType: link, Time: gofollow.NoTime}); err != nil {
			t.Errorf("an empty packet of link type %d: %v", link, err)
		}
	}
	large := gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: make([]byte, 17<<20)}
	if err := f.Feed(&large); !errors.Is(err, gofollow.ErrPacketTooLarge) {
		t.Errorf("17 MiB: %v", err)
	}
	if n, err := f.FeedBatch([]gofollow.Packet{small, large, small}); n != 1 || !errors.Is(err, gofollow.ErrPacketTooLarge) {
		t.Errorf("a batch with 17 MiB: took %d, %v", n, err)
	}
	large.Data = large.Data[:gofollow.MaxPacket]
	if err := f.Feed(&large); err != nil {
		t.Errorf("16 MiB: %v", err)
	}
	if s := f.Stats(); s.Packets != 7 || s.Segments != 1 || s.UnknownLink != 1 || s.Malformed+s.NotTCP != 5 {
		t.Errorf("%+v", s)
	}
}

// TestDamagedPackets cuts and damages packets in every place; nothing but the
// rules is asked for.
func TestDamagedPackets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	whole := script(t, hello)
	links := []gofollow.LinkType{0, 1, 101, 108, 113, 228, 229, 276}
	var packets []gofollow.Packet
	for range 300 {
		for _, p := range whole {
			p.Data = bytes.Clone(p.Data)
			switch random.IntN(3) {
			case 0:
				p.Data = p.Data[:random.IntN(len(p.Data)+1)]
			case 1:
				p.Data[random.IntN(len(p.Data))] ^= 1 << random.IntN(8)
			case 2:
				p.LinkType = links[random.IntN(len(links))]
			}
			p.WireLen = random.IntN(3000) - 500
			p.Time = []int64{p.Time, 0, gofollow.NoTime, 1<<63 - 1, -5}[random.IntN(5)]
			packets = append(packets, p)
		}
	}
	follow(t, gofollow.Config{Anomalies: true, VerifyChecksum: true}, packets)
	follow(t, gofollow.Config{Anomalies: true, CloseOn: gofollow.CloseOnFirstFIN, Urgent: gofollow.UrgentOOB}, packets)
}

// TestWrongWireLength: a length on the wire that no packet has is ignored if
// nothing else says how long the segment was.
func TestWrongWireLength(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:40001"), netip.MustParseAddrPort("10.0.0.2:80")
	s := segment{src: a, dst: b, flags: "A", payload: []byte("more than Ethernet pads"), noLength: true}
	for _, test := range []struct {
		wire int
		want string
	}{
		{gofollow.MaxPacket + 1, "open port/midstream; c0 more than Ethernet pads | closed flush"},
		{100, "open port/midstream; c0 more than Ethernet pads | gap c23+23 snaplen; closed flush"},
	} {
		packet := gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: s.frame(t), WireLen: test.wire}
		if got := follow(t, gofollow.Config{}, []gofollow.Packet{packet}).String(); got != test.want {
			t.Errorf("%d bytes:\n got %s\nwant %s", test.wire, got, test.want)
		}
	}
}

// TestQueueFull refuses a packet while events wait, and loses nothing.
func TestQueueFull(t *testing.T) {
	packets := script(t, hello)
	want := follow(t, gofollow.Config{}, packets).log
	for _, limits := range []gofollow.Limits{{QueuedEvents: 1}, {QueuedEvents: 2}, {QueuedBytes: 1}} {
		f, r := newFollower(t, gofollow.Config{Limits: limits}), &result{}
		refused := 0
		for i := range packets {
			for err := f.Feed(&packets[i]); err != nil; err = f.Feed(&packets[i]) {
				if !errors.Is(err, gofollow.ErrQueueFull) || f.Stats().Packets != uint64(i) {
					t.Fatalf("packet %d: %v, %d packets were taken", i+1, err, f.Stats().Packets)
				}
				refused++
				for _, e := range f.Poll(1) {
					r.take(&e)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%+v: nothing was refused", limits)
		}
		sameLines(t, "with a small queue", r.finish(t, f).log, want)
	}
}

// TestQueueLimits: so many events and bytes may wait, and the next packet is refused
// until some are polled.
func TestQueueLimits(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits gofollow.Limits
		taken  int
	}{
		{"events", gofollow.Limits{QueuedEvents: 3}, 3},
		{"bytes", gofollow.Limits{QueuedBytes: 4}, 4},
		{"bytes, more than the limit at once", gofollow.Limits{QueuedBytes: 3}, 4},
	} {
		f := newFollower(t, gofollow.Config{Limits: test.limits})
		taken := 0
		packets := script(t, `c S; c 0 "a"; c 1 "b"; c 2 "cd"; c 4 "e"; c 5 "f"`)
		for taken < len(packets) && f.Feed(&packets[taken]) == nil {
			taken++
		}
		if taken != test.taken {
			t.Errorf("%s: %d packets were taken, want %d", test.name, taken, test.taken)
		}
		f.Poll(4)
		if err := f.Feed(&packets[taken%len(packets)]); err != nil {
			t.Errorf("%s: after a poll: %v", test.name, err)
		}
		f.Close()
	}
}

func TestConfigOutOfRange(t *testing.T) {
	for _, test := range []struct {
		field  string
		config gofollow.Config
	}{
		{"CloseOn", gofollow.Config{CloseOn: 2}},
		{"RST", gofollow.Config{RST: 3}},
		{"Overlap", gofollow.Config{Overlap: 13}},
		{"Urgent", gofollow.Config{Urgent: 2}},
		{"HeldBytes", gofollow.Config{Limits: gofollow.Limits{HeldBytes: -1}}},
		{"HeldSegments", gofollow.Config{Limits: gofollow.Limits{HeldSegments: -1}}},
		{"TotalHeldBytes", gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: -1}}},
		{"Connections", gofollow.Config{Limits: gofollow.Limits{Connections: -1}}},
		{"Connections", gofollow.Config{Limits: gofollow.Limits{Connections: 1<<30 + 1}}},
		{"ClosedConnections", gofollow.Config{Limits: gofollow.Limits{ClosedConnections: -1}}},
		{"FarBytes", gofollow.Config{Limits: gofollow.Limits{FarBytes: 1<<30 + 1}}},
		{"QueuedEvents", gofollow.Config{Limits: gofollow.Limits{QueuedEvents: -1}}},
		{"QueuedBytes", gofollow.Config{Limits: gofollow.Limits{QueuedBytes: -1}}},
	} {
		if f, err := gofollow.New(test.config); err == nil || f != nil || !strings.Contains(err.Error(), test.field) {
			t.Errorf("%+v: %v, %v", test.config, f, err)
		}
	}
	config := gofollow.Config{GapPatience: gofollow.AtOnce, Overlap: gofollow.OverlapWin2003, Timeouts: gofollow.Timeouts{Idle: gofollow.Never, HoleAge: time.Second}}
	follow(t, config, script(t, hello))
}

func TestClosed(t *testing.T) {
	f := newFollower(t, gofollow.Config{})
	packets := script(t, hello)
	if n, err := f.FeedBatch(packets); n != len(packets) || err != nil {
		t.Fatal(n, err)
	}
	f.Close()
	f.Close()
	_, batch := f.FeedBatch(packets)
	_, capture := f.FeedCapture(pcapOf(packets))
	_, read := f.ReadFile(0)
	for name, err := range map[string]error{
		"Feed": f.Feed(&packets[0]), "FeedBatch": batch, "FeedCapture": capture, "EndCapture": f.EndCapture(), "OpenFile": f.OpenFile("input_test.go"),
		"ReadFile": read, "AdvanceTime": f.AdvanceTime(0), "Flush": f.Flush(),
	} {
		if !errors.Is(err, gofollow.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if f.Waiting() != 0 || len(f.Poll(10)) != 0 {
		t.Errorf("%d events wait after Close", f.Waiting())
	}
}

// TestFlushGoesOn feeds a follower after Flush: it follows on, with new ids.
func TestFlushGoesOn(t *testing.T) {
	f, r := newFollower(t, gofollow.Config{}), &result{}
	for range 2 {
		if _, err := f.FeedBatch(script(t, `H; c 0 "a"`)); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	r.finish(t, f)
	if got, want := strings.Join(r.short, "; "), "open; c0 a; closed flush; 1.open; 1.c0 a; 1.closed flush"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
