package workload

import (
	"bytes"
	"cmp"
	"hash/crc32"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"gofollow/gofollow"
)

func forEach(t *testing.T, check func(t *testing.T, capture []byte, truth []Side)) {
	for _, w := range append(Workloads(), Connected(300), Sized(5000)) {
		t.Run(w.Name, func(t *testing.T) {
			var capture bytes.Buffer
			truth, connections, err := w.Small().Write(NewWriter(&capture), 1)
			if err != nil {
				t.Fatal(err)
			}
			if connections == 0 || len(truth) == 0 {
				t.Fatalf("%d connections, of which %d sides said something", connections, len(truth))
			}
			check(t, capture.Bytes(), truth)
		})
	}
}

func compare(t *testing.T, truth, got []Side) {
	t.Helper()
	var report strings.Builder
	for _, s := range got {
		report.WriteString(s.String() + "\n")
	}
	if v := Compare(FormatTruth(Facts{}, truth), report.String()); v != (Verdict{Streams: len(truth)}) {
		t.Errorf("against a truth of %d sides: %+v", len(truth), v)
	}
}

func TestEngineFindsTheTruth(t *testing.T) {
	forEach(t, func(t *testing.T, capture []byte, truth []Side) {
		f, err := gofollow.New(gofollow.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var got []Side
		take := func() {
			for f.Waiting() > 0 {
				for _, e := range f.Poll(256) {
					switch e.Kind {
					case gofollow.Opened:
						got = append(got, Side{Client: e.Conn.Client(), From: "client"}, Side{Client: e.Conn.Client(), From: "server"})
					case gofollow.Data:
						s := &got[2*e.Conn.ID()+uint64(e.Direction)]
						s.Bytes += e.Length
						s.CRC = crc32.Update(s.CRC, crc32.IEEETable, e.Bytes)
					case gofollow.Gap:
						got[2*e.Conn.ID()+uint64(e.Direction)].Gaps += e.Length
					}
				}
			}
		}
		for len(capture) > 0 {
			n, err := f.FeedCapture(capture)
			if n == 0 && err != nil && f.Waiting() == 0 {
				t.Fatal(err)
			}
			capture = capture[n:]
			take()
		}
		if err := f.EndCapture(); err != nil {
			t.Fatal(err)
		}
		for f.Flush() != nil {
			take()
		}
		take()
		compare(t, truth, got)
	})
}

// TestTruthByCounting puts streams together from what the packets alone say, with
// all of them at hand: every byte captured at its place.
func TestTruthByCounting(t *testing.T) {
	forEach(t, func(t *testing.T, capture []byte, truth []Side) {
		var got []Side
		for _, life := range lives(t, capture) {
			for from, name := range []string{"client", "server"} {
				got = append(got, life.side(from, name))
			}
		}
		compare(t, truth, got)
	})
}

// life is one connection of a client port: from a SYN to before the next with
// another number.
type life struct {
	client   netip.AddrPort
	isn      [2]uint32
	segments [2][]layers.TCP
}

func lives(t *testing.T, capture []byte) []*life {
	t.Helper()
	r, err := pcapgo.NewReader(bytes.NewReader(capture))
	if err != nil {
		t.Fatal(err)
	}
	var all []*life
	current := map[netip.AddrPort]*life{}
	for {
		data, _, err := r.ReadPacketData()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(data, layers.LinkTypeEthernet, gopacket.Default)
		ip, tcp := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4), p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		address, port, from := ip.SrcIP, tcp.SrcPort, 0
		if tcp.SrcPort == 80 {
			address, port, from = ip.DstIP, tcp.DstPort, 1
		}
		host, _ := netip.AddrFromSlice(address)
		key := netip.AddrPortFrom(host, uint16(port))
		if c := current[key]; tcp.SYN && !tcp.ACK && (c == nil || c.isn[0] != tcp.Seq) {
			current[key] = &life{client: key}
			all = append(all, current[key])
		}
		c := current[key]
		if tcp.SYN {
			c.isn[from] = tcp.Seq
		}
		c.segments[from] = append(c.segments[from], *tcp)
	}
}

func (l *life) side(from int, name string) Side {
	s := Side{Client: l.client, From: name}
	slices.SortFunc(l.segments[from], func(a, b layers.TCP) int {
		return cmp.Compare(a.Seq-l.isn[from], b.Seq-l.isn[from])
	})
	at := uint32(1) // after SYN
	for _, tcp := range l.segments[from] {
		start := tcp.Seq - l.isn[from]
		if end := start + uint32(len(tcp.Payload)); end > at && len(tcp.Payload) > 0 {
			s.Gaps += int64(max(start, at) - at)
			at = max(start, at)
			s.Bytes += int64(end - at)
			s.CRC = crc32.Update(s.CRC, crc32.IEEETable, tcp.Payload[at-start:])
			at = end
		}
	}
	known := at // whatever shows what there was
	for _, tcp := range l.segments[from] {
		if tcp.FIN {
			known = max(known, tcp.Seq-l.isn[from])
		}
	}
	closed := slices.ContainsFunc(l.segments[from], func(tcp layers.TCP) bool { return tcp.FIN })
	for _, tcp := range l.segments[1-from] {
		if tcp.ACK && !tcp.RST && !closed {
			known = max(known, tcp.Ack-l.isn[from])
		}
	}
	s.Gaps += int64(known - at)
	return s
}

// TestNothingBeforeSYN has a FIN that may overtake data where the capture has none.
func TestNothingBeforeSYN(t *testing.T) {
	c := newConversation(1)
	for i := range 50 {
		c.begin(i)
		c.open(false)
		c.finishEarly(server)
		if c.packets[0].flags != syn || c.packets[0].from != client {
			t.Fatalf("the first packet is %+v", c.packets[0])
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	w, err := Find("messy")
	if err != nil {
		t.Fatal(err)
	}
	var captures [3]bytes.Buffer
	for i, seed := range []int64{1, 1, 2} {
		if _, _, err := w.Small().Write(NewWriter(&captures[i]), seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(captures[0].Bytes(), captures[1].Bytes()) {
		t.Error("one seed made two captures")
	}
	if bytes.Equal(captures[0].Bytes(), captures[2].Bytes()) {
		t.Error("two seeds made the same capture")
	}
}

func TestCompareCounts(t *testing.T) {
	truth := "# head\n10.0.0.1:1 client 5 00000001 0\n10.0.0.1:1 server 6 00000002 3\n10.0.0.2:2 client 0 00000000 9\n"
	for _, c := range []struct {
		name, report string
		want         Verdict
	}{
		{"same", "10.0.0.1:1 server 6 00000002 3\n10.0.0.2:2 client 0 00000000 9\n10.0.0.1:1 client 5 00000001 0\n10.0.0.3:3 client 0 00000000 0\n",
			Verdict{Streams: 3}},
		{"without gaps", "10.0.0.1:1 server 6 00000002 -\n10.0.0.1:1 client 5 00000001 -\n", Verdict{Streams: 3, Missing: 1}},
		{"other gap", "10.0.0.1:1 server 6 00000002 4\n10.0.0.1:1 client 5 00000001 0\n10.0.0.2:2 client 0 00000000 9\n", Verdict{Streams: 3, Missing: 1}},
		{"other bytes", "10.0.0.1:1 server 6 00000007 -\n10.0.0.1:1 client 5 00000001 -\n", Verdict{Streams: 3, Wrong: 1, Missing: 1, Extra: 1}},
		{"twice", "10.0.0.1:1 server 6 00000002 3\n10.0.0.1:1 client 5 00000001 0\n10.0.0.1:1 client 5 00000001 0\n10.0.0.2:2 client 0 00000000 9\n",
			Verdict{Streams: 3, Extra: 1}},
		{"nothing", "", Verdict{Streams: 3, Wrong: 2, Missing: 1}},
	} {
		if got := Compare(truth, c.report); got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, got, c.want)
		}
	}
}
