package decode

import (
	"fmt"
	"testing"

	"gofollow/gofollow/internal/encaptest"
)

// tagged puts VLAN tags behind the addresses of a frame, outermost first.
func tagged(frame []byte, ids ...uint16) []byte {
	tags := []byte{}
	for _, id := range ids {
		tags = append(tags, 0x81, 0, 0xe0|byte(id>>8), byte(id))
	}
	return append(frame[:12:12], append(tags, frame[12:]...)...)
}

// separated returns what tells a frame's network apart.
func separated(t *testing.T, s *Separations, link uint32, b []byte) string {
	t.Helper()
	d := Decoder{Separate: s}
	seg := Segment{Separation: 99}
	if o := d.Decode(link, b, len(b), &seg); o != TCP {
		t.Fatal(o)
	}
	return SeparationText(s.Layers(seg.Separation))
}

func TestSeparations(t *testing.T) {
	v4 := frame(t, four(6), segment(), data())
	for name, want := range map[string]string{
		"ethernet":          "",
		"vlan":              "vlan:7",
		"priority tag":      "",
		"tags of all types": "vlan:7/vlan:7/vlan:7/vlan:7",
		"802.1ah":           "vlan:5/isid:1193046",
		"mpls, five labels": "",
		"cooked, vlan":      "vlan:5",
		"pppoe in a vlan":   "vlan:5/pppoe:9",
		"in ipv4":           "outer:172.16.0.1-172.16.0.2",
		"in ipv6":           "outer:2001:db8:ffff::1-2001:db8:ffff::2",
		"gre":               "outer:172.16.0.1-172.16.0.2",
		"gre, all fields":   "gre:5",
		"gre, bridging":     "nvgre:1193046",
		"pptp":              "outer:172.16.0.1-172.16.0.2",
		"erspan":            "outer:172.16.0.1-172.16.0.2",
		"erspan 2":          "erspan:9",
		"erspan 3":          "erspan:9",
		"ethernet in ip":    "outer:172.16.0.1-172.16.0.2",
		"mpls in ip":        "outer:172.16.0.1-172.16.0.2",
		"l2tp 3":            "outer:172.16.0.1-172.16.0.2",
		"lisp, all flags":   "lisp:16777215",
		"edsa, vlan":        "vlan:5/vlan:6",
		"dsa":               "vlan:5",
	} {
		found := false
		for _, e := range encaptest.All() {
			if e.Name == name {
				found = true
				if got := separated(t, NewSeparations(true, true), e.Link, e.Wrap(v4)); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		}
		if !found {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestSeparationChoice takes the VLANs of a frame, its tunnels, or both in their order.
func TestSeparationChoice(t *testing.T) {
	v4 := frame(t, ether(0x800), four(6), segment(), data())
	key := func(id byte, inner []byte) []byte {
		return frame(t, ether(0x800), four(47), raw(append([]byte{0x20, 0, 0x65, 0x58, 0, 0, 0, id}, inner...)...))
	}
	b := tagged(key(4, tagged(key(9, tagged(v4, 2)), 0, 3)), 1, 0)
	for _, c := range []struct {
		vlans, tunnels bool
		want           string
	}{{true, false, "vlan:1/vlan:3/vlan:2"}, {false, true, "gre:4/gre:9"}, {true, true, "vlan:1/gre:4/vlan:3/gre:9/vlan:2"}} {
		if got := separated(t, NewSeparations(c.vlans, c.tunnels), 1, b); got != c.want {
			t.Errorf("%v, %v: %q, want %q", c.vlans, c.tunnels, got, c.want)
		}
	}
	if d, seg := (Decoder{}), new(Segment); d.Decode(1, b, len(b), seg) != TCP || seg.Separation != 0 {
		t.Error("separated without being asked")
	}
}

// TestSeparationDirections sends packets both ways: the same network, whatever belongs to one direction.
func TestSeparationDirections(t *testing.T) {
	s := NewSeparations(true, true)
	there, back := frame(t, ether(0x800), four(6), segment(), data()), frame(t, ether(0x800), four(6), segment(), data())
	turned := four(47)
	turned.SrcIP, turned.DstIP = turned.DstIP, turned.SrcIP
	for _, head := range [][2][]byte{
		{{0, 0, 0x65, 0x58}, {0, 0, 0x65, 0x58}},
		{{0x20, 0, 0x65, 0x58, 0, 0x10, 0, 7}, {0x20, 0, 0x65, 0x58, 0, 0x10, 0, 8}}, // NVGRE: another flow
	} {
		one := separated(t, s, 1, frame(t, ether(0x800), four(47), raw(append(head[0], there...)...)))
		other := separated(t, s, 1, frame(t, ether(0x800), turned, raw(append(head[1], back...)...)))
		if one == "" || one != other {
			t.Errorf("%q there and %q back", one, other)
		}
	}
	eoip := frame(t, ether(0x800), four(47), raw(append([]byte{0x20, 1, 0x64, 0, byte(len(there) >> 8), byte(len(there)), 7, 0}, there...)...))
	if got := separated(t, s, 1, eoip); got != "eoip:7" {
		t.Errorf("EoIP: %q", got)
	}
	low := separated(t, s, 1, frame(t, ether(0x800), four(47), raw(append([]byte{0x20, 0, 0x65, 0x58, 0, 0x0f, 0xff, 7}, there...)...)))
	if low != "gre:1048327" {
		t.Errorf("a key below those of NVGRE: %q", low)
	}
}

// TestSeparationsAreFreed: numbers live as long as they are held, and the last one longer.
func TestSeparationsAreFreed(t *testing.T) {
	s := NewSeparations(true, false)
	d := Decoder{Separate: s}
	v4 := frame(t, ether(0x800), four(6), segment(), data())
	number := func(id uint16) uint32 {
		var seg Segment
		if o := d.Decode(1, tagged(v4, id), len(v4)+4, &seg); o != TCP {
			t.Fatal(o)
		}
		return seg.Separation
	}
	one := number(1)
	s.Hold(one)
	s.Hold(one)
	two := number(2)
	if one == two || number(1) != one || s.Len() != 1 {
		t.Fatalf("%d and %d, %d in use: nothing holds the second", one, two, s.Len())
	}
	s.Release(one)
	if number(3); number(1) != one {
		t.Fatal("forgotten although it is held")
	}
	number(3)
	if s.Release(one); s.Len() != 1 || s.Layers(one) != "" {
		t.Fatalf("%d in use", s.Len())
	}
	for id := range uint16(4000) {
		number(1 + id)
	}
	if s.Len() != 1 || len(s.entries) > 3 {
		t.Fatalf("%d in use of %d", s.Len(), len(s.entries))
	}
	b := tagged(v4, 5)
	var seg Segment
	if n := testing.AllocsPerRun(100, func() { d.Decode(1, b, len(b), &seg) }); n != 0 {
		t.Errorf("%v allocations for a packet of the network before", n)
	}
	for _, id := range []uint16{7, 8} {
		s.Hold(number(id))
	}
	other := tagged(v4, 7)
	b = tagged(v4, 8)
	if n := testing.AllocsPerRun(100, func() { d.Decode(1, b, len(b), &seg); d.Decode(1, other, len(other), &seg) }); n != 0 {
		t.Errorf("%v allocations for packets of networks in use", n)
	}
}

// TestSeparationOfFragments puts datagrams of two VLANs together whose fragments alternate.
func TestSeparationOfFragments(t *testing.T) {
	d := Decoder{Separate: NewSeparations(true, true)}
	parts := encaptest.Fragments(frame(t, four(6), segment(), data()), 7, 24)
	for i, part := range parts {
		for _, id := range []uint16{1, 2} {
			b := tagged(append(make([]byte, 12), append([]byte{8, 0}, part...)...), id)
			var seg Segment
			o := d.Decode(1, b, len(b), &seg)
			if i < len(parts)-1 {
				if o != Fragment {
					t.Fatalf("fragment %d of VLAN %d: %v", i, id, o)
				}
			} else if got := SeparationText(d.Separate.Layers(seg.Separation)); o != TCP || got != fmt.Sprint("vlan:", id) {
				t.Errorf("VLAN %d: %v of %q", id, o, got)
			}
		}
	}
}

// TestSeparationIsBounded: a frame whose network would take more memory than any real one is TooDeep.
func TestSeparationIsBounded(t *testing.T) {
	for n := range 12 {
		b := frame(t, four(6), segment(), data())
		for range n {
			b = frame(t, six(41), raw(b...))
			b[6] = map[byte]byte{4: 4, 6: 41}[b[ipv6Len]>>4]
		}
		want := TCP
		if n*33 > maxSeparation {
			want = TooDeep
		}
		for _, s := range []*Separations{nil, NewSeparations(true, false)} {
			if o := (&Decoder{Separate: s}).Decode(101, b, len(b), new(Segment)); o != TCP {
				t.Errorf("%d tunnels that do not count: %v", n, o)
			}
		}
		if o := (&Decoder{Separate: NewSeparations(false, true)}).Decode(101, b, len(b), new(Segment)); o != want {
			t.Errorf("%d tunnels: %v, want %v", n, o, want)
		}
	}
}

func ExampleSeparationText() {
	fmt.Println(SeparationText("\x00\x00\x00\x00\x05\x01\x00\x00\x00\x07"))
	// Output: vlan:5/vxlan:7
}
