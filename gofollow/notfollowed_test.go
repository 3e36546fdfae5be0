package gofollow_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// TestNotFollowed: every packet that is not followed is counted under one name.
func TestNotFollowed(t *testing.T) {
	ip := func(protocol byte, rest ...byte) []byte {
		return append([]byte{0x45, 0, 0, byte(20 + len(rest)), 0, 0, 0, 0, 9, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, rest...)
	}
	udp := func(to uint16, rest ...byte) []byte {
		b := binary.BigEndian.AppendUint16([]byte{0xc0, 0}, to)
		return ip(17, append(append(b, 0, byte(8+len(rest)), 0, 0), rest...)...)
	}
	ether := func(kind uint16, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(make([]byte, 12), kind), rest...)
	}
	wifi := func(control, flags byte) []byte { return append([]byte{control, flags}, make([]byte, 40)...) }
	f := newFollower(t, gofollow.Config{})
	want := map[string]uint64{}
	for _, c := range []struct {
		link uint32
		b    []byte
		name string
	}{
		{1, ether(0x0806, 1, 2, 3), "ARP"}, {1, ether(0x88b5), "EtherType 0x88b5"}, {1, ether(3, 0x42, 0x42, 3), "LLC, service access points 0x42 and 0x42"},
		{1, ether(8, 0xaa, 0xaa, 3, 0, 0, 12, 32, 0), "LLC, SNAP of a vendor"}, {1, ether(0x8863, 0x11, 9, 0, 0, 0, 0), "PPPoE discovery"},
		{101, ip(1, 3, 1, 0, 0), "ICMPv4"}, {101, ip(50), "ESP (encrypted)"}, {101, ip(253), "IP protocol 253"}, {101, ip(0), "IPv4 with an extension header of IPv6"},
		{101, ip(47, 0, 5, 8, 0), "GRE of an unknown version"}, {101, ip(47, 0, 0, 0, 0xfe), "EtherType 0x00fe"},
		{101, udp(53, 1, 2, 3), "UDP"}, {101, udp(4789, 1, 2, 3), "UDP port 4789, VXLAN"},
		{101, udp(2152, 0x30, 1, 0, 0, 0, 0, 0, 0), "UDP port 2152, GTP-U"}, {101, udp(4500, 1, 2, 3, 4), "UDP port 4500, IPsec NAT traversal (encrypted)"},
		{101, udp(51820, 4, 0, 0, 0), "UDP port 51820, WireGuard (encrypted)"}, {101, udp(5246, 0, 16, 0, 0), "UDP port 5246, CAPWAP control"},
		{101, udp(5247, 1, 0, 0, 0, 23, 254, 253, 0), "CAPWAP data (encrypted)"}, {101, udp(5247, 0, 16, 0, 0x80, 0, 1, 0, 0), "CAPWAP fragment"},
		{101, udp(5247, append([]byte{0, 16, 0, 8, 0, 1, 0, 0}, make([]byte, 22)...)...), "UDP port 5247, CAPWAP data"}, {101, udp(4341, 1, 0, 0, 0, 0, 0, 0, 0, 0xaa), "LISP data (encrypted)"},
		{101, udp(37008, 1, 4, 0, 0, 1), "UDP port 37008, TZSP"}, {101, udp(4754, 0, 0, 0, 0), "UDP port 4754, GRE in UDP"},
		{101, ip(47, 0x20, 1, 0x64, 0, 0, 0, 7, 0), "GRE without a packet"}, {101, ip(108), "IPComp (compressed)"}, {101, ip(59), "IPv6 without a next header"},
		{1, ether(0x88e5, 0x2c, 0, 0, 0, 0, 1), "MACsec (encrypted)"}, {1, ether(0x88e5, 0x84, 0, 0, 0, 0, 1), "MACsec of an unknown version"},
		{1, ether(0x88cc, 2), "LLDP"}, {1, ether(0x88fb, 2), "PRP or HSR supervision"}, {1, ether(0xd28b, 0, 2, 0, 0x10), "Arista header other than a time stamp"},
		{1, ether(0x894f, 0x2f, 0xc2, 1, 3, 0, 0, 0, 0), "NSH of an unknown version or content"}, {1, ether(0x22f3, 0x40, 0, 0, 1, 0, 2), "TRILL"},
		{107, []byte{0x18, 0x41, 3, 0x81, 0x80}, "frame relay other than IP, PPP or Ethernet"}, {252, []byte{0, 12, 0, 3, 's', 'i', 'p', 0, 0, 0, 0}, "exported PDU other than IP or Ethernet"},
		{258, []byte{12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, "PKTAP without a packet"}, {258, []byte{12, 0, 0, 0, 1, 0, 0, 0, 249, 0, 0, 0}, "link type 249, USBPCAP"},
		{9, []byte{0xc0, 0x21, 1}, "PPP protocol 0xc021, LCP"}, {0, []byte{9, 0, 0, 0}, "address family 9"},
		{105, wifi(0x80, 0), "802.11 management or control"}, {105, wifi(0x48, 0), "802.11 without data"}, {105, wifi(0x08, 0x40), "802.11 (encrypted)"},
		{105, wifi(0x08, 0x04), "802.11 fragment"}, {127, []byte{0, 0, 9, 0, 2, 0, 0, 0, 0x40}, "802.11 with a wrong check sequence"},
		{113, []byte{0, 0, 3, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "Linux netlink"}, {113, append(make([]byte, 15), 12), "Linux cooked, protocol 0x000c"},
		{1, ether(0x8847, 0, 1, 1, 9, 0x10, 0), "MPLS payload that is neither IP nor Ethernet"},
		{147, nil, "link type 147"}, {189, nil, "link type 189, USB_LINUX"}, {192, []byte{0, 0, 8, 0, 147, 0, 0, 0}, "link type 147"}, {1 << 30, nil, "link type 1073741824"},
	} {
		if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkType(c.link), Data: c.b}); err != nil {
			t.Fatal(err)
		}
		want[c.name]++
		got := map[string]uint64{}
		for _, o := range f.NotFollowed() {
			got[o.Name] = o.Packets
			if len(o.Name) > 79 || o.LinkType != strings.HasPrefix(o.Name, "link type") {
				t.Errorf("%+v", o)
			}
		}
		if got[c.name] != want[c.name] || len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", c.name, got, want)
		}
	}
	for i := range 1000 { // garbage of any kind is bounded
		if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: ether(uint16(0xa000 + i))}); err != nil {
			t.Fatal(err)
		}
	}
	list := f.NotFollowed()
	var sum uint64
	for i, o := range list {
		if sum += o.Packets; i > 0 && list[i-1].Packets < o.Packets {
			t.Errorf("%v before %v", list[i-1], o)
		}
	}
	if s := f.Stats(); len(list) != 257 || list[0].Name != "others" || sum != s.NotTCP+s.UnknownLink || sum != s.Packets {
		t.Errorf("%d names, %s first, %d packets: %+v", len(list), fmt.Sprint(list[0]), sum, s)
	}
}
