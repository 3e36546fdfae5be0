package decode

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"gofollow/gofollow/internal/encaptest"
)

var text = []byte("payload of the segment")

var (
	mac  = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	src4 = net.IP{10, 1, 2, 3}
	dst4 = net.IP{192, 168, 200, 4}
	src6 = net.ParseIP("2001:0:db8::1:2")
	dst6 = net.ParseIP("fe80::99")
)

// frame serializes layers, lengths and checksums computed.
func frame(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	var network gopacket.NetworkLayer
	for _, l := range all {
		if n, ok := l.(gopacket.NetworkLayer); ok {
			network = n
		}
		if tcp, ok := l.(*layers.TCP); ok {
			tcp.SetNetworkLayerForChecksum(network)
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b.Bytes())
}

func ether(next layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: next}
}
func tag(next layers.EthernetType) *layers.Dot1Q {
	return &layers.Dot1Q{VLANIdentifier: 7, Type: next}
}
func four(next layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 9, Protocol: next, SrcIP: src4, DstIP: dst4}
}
func six(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: next, SrcIP: src6, DstIP: dst6}
}
func segment() *layers.TCP {
	return &layers.TCP{SrcPort: 4321, DstPort: 80, Seq: 0xfffffff0, Ack: 77, SYN: true, ACK: true, PSH: true, Window: 1234, Urgent: 5,
		Options: []layers.TCPOption{{OptionType: 1, OptionLength: 1}, {OptionType: 3, OptionLength: 3, OptionData: []byte{7}}}}
}

// tcpOptions is the length of segment's options.
const tcpOptions = 4

func raw(b ...byte) gopacket.Payload { return b }

func data() gopacket.Payload { return gopacket.Payload(text) }

func address(ip net.IP) Addr {
	if v4 := ip.To4(); v4 != nil {
		return Addr{Lo: uint64(binary.BigEndian.Uint32(v4))}
	}
	return Addr{binary.BigEndian.Uint64(ip), binary.BigEndian.Uint64(ip[8:])}
}

func TestEncapsulations(t *testing.T) {
	v4 := func() []byte { return frame(t, four(6), segment(), data()) }
	v6 := func() []byte { return frame(t, six(6), segment(), data()) }
	// chain puts extension headers between the IPv6 header and TCP.
	chain := func(first byte, headers ...byte) []byte {
		b := v6()
		b[6] = first
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40+len(headers)))
		return append(b[:40:40], append(headers, b[40:]...)...)
	}
	options := four(6)
	options.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	type encapsulated struct {
		name string
		link uint32
		b    []byte
		v6   bool
	}
	cases := []encapsulated{
		{"options", 1, frame(t, ether(0x800), options, segment(), data()), false},
		{"hop-by-hop", 101, chain(0, 6, 0, 1, 4, 0, 0, 0, 0), true},
		{"routing, done", 101, chain(43, append([]byte{6, 2, 0, 0}, make([]byte, 20)...)...), true},
		{"destination twice", 101, chain(60, 60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0), true},
		{"authentication", 101, chain(51, append([]byte{6, 4}, make([]byte, 22)...)...), true},
		{"atomic fragment", 101, chain(44, 6, 0, 0, 6, 1, 2, 3, 4), true},
	}
	for _, e := range encaptest.All() {
		if e.Carries(4) {
			cases = append(cases, encapsulated{e.Name, e.Link, e.Wrap(v4()), false})
		}
		if e.Carries(6) {
			cases = append(cases, encapsulated{e.Name + " (IPv6)", e.Link, e.Wrap(v6()), true})
		}
	}
	for _, c := range cases {
		want := Segment{Src: address(src4), Dst: address(dst4), SrcPort: 4321, DstPort: 80, Flags: SYN | ACK | PSH,
			WindowScale: 7, Window: 1234, Urgent: 5, Seq: 0xfffffff0, Ack: 77, Wire: len(text)}
		if c.v6 {
			want.IPv6, want.Src, want.Dst = true, address(src6), address(dst6)
		}
		for _, verify := range []bool{false, true} {
			for _, trailer := range []string{"", "trailing bytes"} {
				b := append(bytes.Clone(c.b), trailer...)
				got := Segment{Owned: true, Wire: -1}
				d := Decoder{VerifyChecksum: verify}
				if o := d.Decode(c.link, b, len(b), &got); o != TCP {
					t.Errorf("%s: %v", c.name, o)
					continue
				}
				if !bytes.Equal(got.Payload, text) {
					t.Errorf("%s: payload %q", c.name, got.Payload)
				}
				got.Payload = nil
				if !equal(got, want) {
					t.Errorf("%s: %+v\nwant %+v", c.name, got, want)
				}
			}
		}
		bad := bytes.Clone(c.b)
		bad[bytes.Index(bad, text)]++
		if o := (&Decoder{VerifyChecksum: true}).Decode(c.link, bad, len(bad), new(Segment)); o != BadChecksum {
			t.Errorf("%s with a changed byte: %v", c.name, o)
		}
		// Every cut gives a segment or says why not, and never more than was captured.
		for n := range c.b {
			var got Segment
			o := new(Decoder).Decode(c.link, c.b[:n:n], len(c.b), &got)
			if headers := bytes.Index(c.b, text) - tcpOptions; (n < headers && o == TCP) || (n >= headers && o != TCP) {
				t.Errorf("%s cut to %d: %v", c.name, n, o)
			} else if o == TCP && (got.Wire != len(text) || len(got.Payload) != min(len(text), max(0, n-headers-tcpOptions))) {
				t.Errorf("%s cut to %d: %d of %d", c.name, n, len(got.Payload), got.Wire)
			}
		}
	}
}

func equal(a, b Segment) bool {
	return a.Src == b.Src && a.Dst == b.Dst && a.SrcPort == b.SrcPort && a.DstPort == b.DstPort && a.IPv6 == b.IPv6 && a.Flags == b.Flags &&
		a.WindowScale == b.WindowScale && a.Window == b.Window && a.Urgent == b.Urgent && a.Seq == b.Seq && a.Ack == b.Ack && a.Wire == b.Wire &&
		a.Owned == b.Owned && bytes.Equal(a.Payload, b.Payload)
}

func TestRules(t *testing.T) {
	v4 := frame(t, ether(0x800), four(6), segment(), data())
	v6 := frame(t, ether(0x86dd), six(6), segment(), data())
	tiny := frame(t, ether(0x800), four(6), &layers.TCP{ACK: true}) // gopacket pads to 60 bytes
	udp := frame(t, ether(0x800), four(17), data())
	icmp := frame(t, ether(0x800), four(1), append(raw(3, 1, 0, 0, 0, 0, 0, 0), v4[14:]...))
	gre := frame(t, ether(0x800), four(47), &layers.GRE{Protocol: 0x800}, four(6), segment(), data())
	set := func(b []byte, at int, v ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], v)
		return b
	}
	tags := func(n int) []byte {
		b := bytes.Clone(v4[:12])
		for range n {
			b = append(b, 0x81, 0, 0, 1)
		}
		return append(b, v4[12:]...)
	}
	const n = 22
	for _, c := range []struct {
		name string
		b    []byte
		wire int // added to len(b)
		link uint32
		want Outcome
		size int
	}{
		{"padding of an ACK", tiny, 0, 1, TCP, 0},
		{"IPv4 length short", set(v4, 16, 0, byte(len(v4)-14-3)), 0, 1, TCP, n - 3},
		{"IPv4 length long", set(v4, 16, 0xff, 0xff), 0, 1, TCP, n},
		{"IPv4 length 0", set(v4, 16, 0, 0), 0, 1, TCP, n},
		{"IPv4 length 0, cut", set(v4, 16, 0, 0), 1000, 1, TCP, n + 1000},
		{"IPv4 length 0, 60 bytes", set(tiny, 16, 0, 0), 0, 1, Malformed, 0},
		{"IPv4 length below header", set(v4, 16, 0, 19), 0, 1, Malformed, 0},
		{"IPv6 length short", set(v6, 18, 0, byte(len(v6)-54-3)), 0, 1, TCP, n - 3},
		{"IPv6 length long", set(v6, 18, 0xff, 0xff), 0, 1, TCP, n},
		{"IPv6 length 0", set(v6, 18, 0, 0), 0, 1, TCP, n},
		{"IPv6 length 0, 60 bytes", set(v6[:60], 18, 0, 0), 0, 1, Malformed, 0},
		{"inner length long", set(gre, 14+20+4+2, 0xff, 0xff), 0, 1, TCP, n},
		{"outer length short", set(gre, 16, 0, byte(len(gre)-14-4)), 0, 1, TCP, n - 4},
		{"snaplen", v4[:len(v4)-5], 5, 1, TCP, n},
		{"data offset 4", set(v4, 46, 0x40), 0, 1, Malformed, 0},
		{"data offset beyond", set(tiny, 46, 0x60), 0, 1, Malformed, 0},
		{"fragment", set(v4, 20, 0x20, 0), 0, 1, Fragment, 0},
		{"last fragment", set(v4, 20, 0, 1), 0, 1, Fragment, 0},
		{"do not fragment", set(v4, 20, 0x40, 0), 0, 1, TCP, n},
		{"udp", udp, 0, 1, NotTCP, 0},
		{"icmp error", icmp, 0, 1, NotTCP, 0},
		{"802.3", set(v4, 12, 0, 60), 0, 1, NotTCP, 0},
		{"IPv4 header of 16 bytes", set(v4, 14, 0x44), 0, 1, Malformed, 0},
		{"wrong version", set(v4, 14, 0x65), 0, 1, Malformed, 0},
		{"raw version 5", []byte{0x50}, 0, 101, Malformed, 0},
		{"raw, empty", nil, 0, 101, Malformed, 0},
		{"family 9", []byte{9, 0, 0, 0}, 0, 0, NotTCP, 0},
		{"unknown link", v4, 0, 147, UnknownLink, 0},
		{"29 tags", tags(29), 0, 1, TCP, n},
		{"30 tags", tags(30), 0, 1, TooDeep, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got Segment
			o := new(Decoder).Decode(c.link, c.b, len(c.b)+c.wire, &got)
			if o != c.want || (o == TCP && got.Wire != c.size) {
				t.Errorf("%v, %d bytes; want %v, %d", o, got.Wire, c.want, c.size)
			}
		})
	}
	for shift, want := range map[byte]int8{0: 0, 14: 14, 15: 14, 255: 14} {
		if got := windowScale([]byte{1, 3, 3, shift}); got != want {
			t.Errorf("shift %d: %d", shift, got)
		}
	}
}

// TestSharedCaptures compares the shared Ethernet and raw captures with gopacket, packet by packet.
func TestSharedCaptures(t *testing.T) {
	names, _ := filepath.Glob("../../../../shared/captures/*.[pt][cr]a*")
	seen := 0
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil || len(b) < 24 || filepath.Ext(name) == ".json" {
			continue
		}
		var order binary.ByteOrder = binary.LittleEndian
		if b[0] == 0xa1 {
			order = binary.BigEndian
		}
		link := order.Uint32(b[20:])
		first := gopacket.Decoder(layers.LinkType(link))
		if link == 0 {
			first = layers.LayerTypeLoopback
		}
		for b = b[24:]; len(b) >= 16; {
			n, wire := int(order.Uint32(b[8:])), int(order.Uint32(b[12:]))
			f := b[16 : 16+n]
			b = b[16+n:]
			var want *layers.TCP
			var network gopacket.NetworkLayer
			for _, l := range gopacket.NewPacket(f, first, gopacket.Default).Layers() {
				switch l := l.(type) {
				case *layers.TCP:
					want = l
				case gopacket.NetworkLayer:
					network = l
				}
			}
			var got Segment
			o := new(Decoder).Decode(link, f, wire, &got)
			if (o == TCP) != (want != nil) {
				t.Errorf("%s: %v, gopacket %v", filepath.Base(name), o, want)
				continue
			}
			if want == nil {
				continue
			}
			seen++
			from, to := network.NetworkFlow().Endpoints()
			if got.Src != address(from.Raw()) || got.Dst != address(to.Raw()) || got.SrcPort != uint16(want.SrcPort) || got.DstPort != uint16(want.DstPort) ||
				got.Seq != want.Seq || got.Ack != want.Ack || got.Window != want.Window || got.Flags != Flags(want.Contents[13]) ||
				!bytes.Equal(got.Payload, want.Payload) {
				t.Errorf("%s: %+v, gopacket %+v", filepath.Base(name), got, want)
			}
		}
	}
	if seen == 0 {
		t.Log("the shared captures are not beside the repository, so nothing was compared with gopacket")
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	v4, v6 := frame(t, four(6), segment(), data()), frame(t, six(6), segment(), data())
	for _, e := range encaptest.All() {
		if e.Name == "gre, routing" {
			continue // gopacket makes a list of the routes
		}
		ip := v4
		if !e.Carries(4) {
			ip = v6
		}
		b := e.Wrap(ip)
		d := &Decoder{VerifyChecksum: true}
		var seg Segment
		if n := testing.AllocsPerRun(100, func() { d.Decode(e.Link, b, len(b), &seg) }); n != 0 {
			t.Errorf("%s: %v allocations", e.Name, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint16(1), frame(f, ether(0x8100), tag(0x800), four(47), &layers.GRE{Protocol: 0x6558, KeyPresent: true}, ether(0x86dd), six(6), segment(), data()), uint16(0))
	f.Add(uint16(101), frame(f, six(4), four(6), segment(), data()), uint16(9))
	for _, e := range encaptest.All() {
		if e.Carries(4) {
			f.Add(uint16(e.Link), e.Wrap(frame(f, four(6), segment(), data())), uint16(0))
		}
		if e.Carries(6) {
			f.Add(uint16(e.Link), e.Wrap(frame(f, six(6), segment(), data())), uint16(1))
		}
	}
	f.Fuzz(func(t *testing.T, link uint16, b []byte, extra uint16) {
		var seg Segment
		roomy := append(bytes.Clone(b), "bytes behind the frame"...)[:len(b)]
		d := &Decoder{VerifyChecksum: extra%2 == 0}
		o := d.Decode(uint32(link), roomy, len(b)+int(extra), &seg)
		for d.More() {
			o = d.Next(&seg)
		}
		if o >= Outcomes {
			t.Fatal(o)
		}
		if o != TCP && o != BadChecksum {
			return
		}
		if len(seg.Payload) > seg.Wire || seg.Wire > len(b)+int(extra) || seg.Owned {
			t.Fatalf("%+v", seg)
		}
		if n := len(seg.Payload); n > 0 {
			at := int(uintptr(unsafe.Pointer(&seg.Payload[0])) - uintptr(unsafe.Pointer(&roomy[0])))
			if at < 0 || at+n > len(b) || cap(seg.Payload) != n {
				t.Fatal("the payload is not within the frame")
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	f := frame(b, ether(0x800), four(6), &layers.TCP{ACK: true}, data())
	var d Decoder
	var seg Segment
	for b.Loop() {
		d.Decode(1, f, len(f), &seg)
	}
}
