package decode

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"gofollow/gofollow/internal/encaptest"
)

// TestOrdinaryUDPIsNoTunnel: whatever is sent to a tunnel's port is not taken for TCP if it is none.
func TestOrdinaryUDPIsNoTunnel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	plausible := []byte{0x08, 0x00, 0x45, 0x60, 0x86, 0xdd, 0x06, 0x30, 0xff, 0x02, 0x40, 0x00, 0x01, 0x11, 0x21, 0x10, 0xaa, 0x89}
	var d Decoder
	for _, port := range []uint16{portL2TP, portGTP, portTeredo, portVXLAN, portVXLANGPE, portGeneve, portVXLANOld, portLISP, portGRE, portCAPWAP, portTZSP} {
		for range 30000 {
			b := make([]byte, 28+random.IntN(100))
			for i := range b {
				if b[i] = byte(random.Uint32()); random.IntN(4) == 0 {
					b[i] = plausible[random.IntN(len(plausible))]
				}
			}
			copy(b, []byte{0x45, 0, 0, byte(len(b)), 0, 0, 0, 0, 9, 17})
			binary.BigEndian.PutUint16(b[20:], 5000)
			binary.BigEndian.PutUint16(b[22:], port)
			binary.BigEndian.PutUint16(b[24:], uint16(len(b)-20))
			if o := d.Decode(linkRaw, b, len(b), new(Segment)); o == TCP {
				t.Fatalf("port %d: %x", port, b)
			}
		}
	}
}

// TestInnerLengthIsBelieved: a tunnel whose inner packet promises more than the datagram carries is none.
func TestInnerLengthIsBelieved(t *testing.T) {
	ip := frame(t, four(6), segment(), data())
	ip[2], ip[3] = 0x05, 0xdc
	seen := 0
	for _, e := range encaptest.All() {
		switch e.Name {
		case "vxlan", "geneve", "geneve, ip", "gtp", "gtp, ethernet", "l2tp", "vxlan-gpe, ip", "mpls in udp", "l2tp 3", "mpls, control word",
			"vxlan, reserved bits", "geneve, reserved bits", "vxlan, bit and number of gpe", "gtp, spare bit", "lisp", "lisp-gpe, ip", "lisp-gpe, nsh", "vxlan-gpe, nsh",
			"geneve, nsh", "gre in udp", "gre in udp, ppp", "gre in udp, nsh", "tzsp, ethernet", "tzsp, 802.11", "tzsp, raw", "tzsp, ppp", "capwap, 802.3",
			"capwap, 802.11", "capwap of Cisco, 802.11":
			seen++

			b := e.Wrap(ip)
			if o := new(Decoder).Decode(e.Link, b, len(b), new(Segment)); o != NotTCP {
				t.Errorf("%s: %v", e.Name, o)
			}
		}
	}
	if seen != 29 {
		t.Errorf("%d encapsulations", seen)
	}
}

// TestEnclosingLengths: a length around the IP packet bounds it, whatever the packet's own length says.
func TestEnclosingLengths(t *testing.T) {
	ip := frame(t, four(6), segment(), data())
	for _, c := range []struct {
		name  string
		total uint16 // of the inner packet
		outer int    // where an outer IP packet has its length, 0 for none
	}{
		{"802.3 with SNAP", 0xffff, 0}, {"tag before 802.3", 0xffff, 0}, {"pppoe", 0xffff, 0}, {"pppoe, the link", 0xffff, 0}, {"nflog", 0xffff, 0},
		{"802.11, a-msdu of one", 0xffff, 0}, {"vxlan", 0, 16}, {"geneve", 0, 16}, {"gtp", 0, 16}, {"pptp", 0xffff, 16},
	} {
		for _, e := range encaptest.All() {
			if e.Name != c.name {
				continue
			}
			binary.BigEndian.PutUint16(ip[2:], c.total)
			b := append(e.Wrap(ip), "trail"...)
			if c.outer > 0 {
				binary.BigEndian.PutUint16(b[c.outer:], uint16(len(b)-14))
			}
			var seg Segment
			if o := new(Decoder).Decode(e.Link, b, len(b), &seg); o != TCP || seg.Wire != len(text) || string(seg.Payload) != string(text) {
				t.Errorf("%s: %v, %q", c.name, o, seg.Payload)
			}
		}
	}
}

// TestOwned: the payload of a datagram put together is the decoder's, not the frame's.
func TestOwned(t *testing.T) {
	var d Decoder
	ip := frame(t, four(6), segment(), data())
	parts := encaptest.Fragments(ip, 1, 24)
	for i, b := range parts {
		var seg Segment
		o := d.Decode(linkRaw, b, len(b), &seg)
		if last := i == len(parts)-1; last != (o == TCP) || last != seg.Owned {
			t.Errorf("%d: %v, owned %v", i, o, seg.Owned)
		}
	}
	seg := Segment{Owned: true}
	if d.Decode(linkRaw, ip, len(ip), &seg) != TCP || seg.Owned {
		t.Error("a whole packet is owned")
	}
}

// TestVXLANNeedsItsFlag: without it the identifier is not valid (RFC 7348, section 5).
func TestVXLANNeedsItsFlag(t *testing.T) {
	for _, e := range encaptest.All() {
		if e.Name == "vxlan" {
			b := e.Wrap(frame(t, four(6), segment(), data()))
			b[14+20+8] = 0
			if o := new(Decoder).Decode(e.Link, b, len(b), new(Segment)); o != NotTCP {
				t.Error(o)
			}
		}
	}
}

// TestBombs: nesting is limited, whatever it is made of.
func TestBombs(t *testing.T) {
	ip := frame(t, four(6), segment(), data())
	wrapped := 0
	for _, e := range encaptest.All() {
		if e.Link != linkEthernet || !e.Carries(4) {
			continue
		}
		b := e.Wrap(ip)
		for range 20 { // bridging in bridging
			b = frame(t, four(97), append(raw(0x30, 0), b...))
			b = e.Wrap(b)
		}
		if len(b) > 60000 {
			continue // lengths of 16 bits do not hold it
		}
		wrapped++
		if o := new(Decoder).Decode(e.Link, b, len(b), new(Segment)); o != TooDeep && o != NotTCP {
			t.Errorf("%s: %v", e.Name, o)
		}
	}
	if wrapped < 50 {
		t.Errorf("only %d encapsulations were nested", wrapped)
	}
	labels := make([]byte, 1<<20)
	if o := new(Decoder).Decode(linkMPLS, labels, len(labels), new(Segment)); o != TooDeep {
		t.Errorf("labels: %v", o)
	}
	headers := make([]byte, 1<<16) // PPI within PPI
	for i := 0; i+8 <= len(headers); i += 8 {
		copy(headers[i:], []byte{0, 0, 8, 0, 192})
	}
	if o := new(Decoder).Decode(linkPPI, headers, len(headers), new(Segment)); o != Malformed {
		t.Errorf("PPI: %v", o)
	}
}
