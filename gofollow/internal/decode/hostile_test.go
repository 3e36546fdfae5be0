package decode

import (
	"bytes"
	"testing"
	"unsafe"

	"gofollow/gofollow/internal/encaptest"
)

// ipOf returns a packet with text inside that an encapsulation can carry.
func ipOf(t testing.TB, e *encaptest.Encapsulation) []byte {
	if e.Carries(4) {
		return frame(t, four(6), segment(), data())
	}
	return frame(t, six(6), segment(), data())
}

// TestNested: an encapsulation within any that carries Ethernet frames is read.
func TestNested(t *testing.T) {
	all := encaptest.Nested()
	if len(all) < 2000 {
		t.Errorf("only %d are nested", len(all))
	}
	for _, e := range all {
		b := e.Wrap(ipOf(t, &e))
		var got Segment
		if o := (&Decoder{VerifyChecksum: true}).Decode(e.Link, b, len(b), &got); o != TCP || !bytes.Equal(got.Payload, text) || got.Wire != len(text) {
			t.Errorf("%s: %v, %q", e.Name, o, got.Payload)
		}
	}
}

// TestCutOnTheWire: a frame that was short on the wire already gives the beginning of the payload
// or nothing.
func TestCutOnTheWire(t *testing.T) {
	for _, e := range append(encaptest.All(), encaptest.Nested()...) {
		b := e.Wrap(ipOf(t, &e))
		for n := range b {
			var got Segment
			if o := decodeAll(new(Decoder), e.Link, b[:n:n], &got); o == TCP && !bytes.HasPrefix(text, got.Payload) {
				t.Fatalf("%s cut to %d: %q", e.Name, n, got.Payload)
			}
		}
	}
}

// TestChangedBits: whatever bit of a frame is another, what comes out lies within the frame.
func TestChangedBits(t *testing.T) {
	for _, e := range encaptest.All() {
		b := e.Wrap(ipOf(t, &e))
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			var got Segment
			if o := decodeAll(new(Decoder), e.Link, b, &got); o == TCP && (!within(got.Payload, b) || len(got.Payload) > got.Wire || got.Wire > len(b)) {
				t.Fatalf("%s with bit %d changed: %d of %d bytes", e.Name, bit, len(got.Payload), got.Wire)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// decodeAll decodes a frame and every frame within, and returns the last outcome.
func decodeAll(d *Decoder, link uint32, b []byte, seg *Segment) Outcome {
	o := d.Decode(link, b, len(b), seg)
	for d.More() {
		o = d.Next(seg)
	}
	return o
}

// within reports whether a part lies in the whole.
func within(part, whole []byte) bool {
	if len(part) == 0 {
		return true
	}
	at := int(uintptr(unsafe.Pointer(&part[0])) - uintptr(unsafe.Pointer(&whole[0])))
	return at >= 0 && at+len(part) <= len(whole)
}

// TestAggregatesInAggregates: of A-MSDUs within a tunnel within an A-MSDU every frame is decoded.
func TestAggregatesInAggregates(t *testing.T) {
	ip := frame(t, four(6), segment(), data())
	aggregate := func(packets ...[]byte) []byte {
		b := append([]byte{0x88, 1}, make([]byte, 22)...)
		b = append(b, 0x80, 0)
		for _, ip := range packets {
			b = append(b, mac...)
			b = append(b, mac...)
			b = append(b, byte((8+len(ip))>>8), byte(8+len(ip)), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0)
			b = append(b, ip...)
			b = append(b, make([]byte, -(6+len(ip))&3)...)
		}
		return b
	}
	aruba := frame(t, four(47), append(raw(0, 0, 0x82, 0), aggregate(ip, ip, ip)...))
	b := aggregate(aruba, ip, aruba)
	d, seg, segments := new(Decoder), Segment{}, 0
	for o := d.Decode(linkWiFi, b, len(b), &seg); ; o = d.Next(&seg) {
		if o == TCP && bytes.Equal(seg.Payload, text) {
			segments++
		}
		if !d.More() {
			break
		}
	}
	if segments != 7 {
		t.Errorf("%d segments", segments)
	}
	// A tunnel that is rejected leaves no frame behind.
	broken := aggregate(ip, ip)
	broken[26+14+8+3]++ // the first packet's length is above what there is
	broken[26+14+8+2] = 0xff
	tzsp := append([]byte{0xc0, 0, 0x90, 0x90, 0, 0, 0, 0, 1, 0, 0, 18, 1}, broken...)
	b = frame(t, four(17), raw(tzsp...))
	if o := d.Decode(linkRaw, b, len(b), &seg); o != NotTCP || d.More() {
		t.Errorf("%v, more: %v", o, d.More())
	}
}

// TestLinksThatAreNone: a header that is not its link type's is malformed.
func TestLinksThatAreNone(t *testing.T) {
	ether := frame(t, ether(0x800), four(6), segment(), data())
	for _, c := range []struct {
		name   string
		link   uint32
		header []byte
	}{
		{"another magic number of Juniper", linkJuniperEthernet, []byte("MGD\x00")},
		{"extensions of Juniper beyond the frame", linkJuniperEthernet, []byte("MGC\x80\xff\xff")},
		{"another version of IPNET", linkIPNet, append([]byte{2, 2}, make([]byte, 22)...)},
		{"a PKTAP header shorter than itself", linkPKTAP, []byte{11, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}},
		{"a PKTAP header beyond the frame", linkPKTAP, []byte{0xff, 0xff, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}},
		{"the rest of no frame in PPI", linkPPI, []byte{0, 0, 8, 0, 0xff, 0xff, 0xff, 0xff}},
		{"the rest of no frame in PKTAP", linkPKTAP, []byte{12, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
		{"another version of TZSP", linkTZSP, []byte{2, 0, 0, 1, 1}},
		{"tags of TZSP without an end", linkTZSP, []byte{1, 0, 0, 1, 9, 255}},
		{"a tag of an exported PDU beyond the frame", linkExported, []byte{0, 12, 0xff, 0xff}},
		{"an address of frame relay without an end", linkFrameRelay, []byte{0x18, 0x40, 0x40, 0x40}},
	} {
		b := append(c.header, ether...)
		if o := new(Decoder).Decode(c.link, b, len(b), new(Segment)); o != Malformed {
			t.Errorf("%s: %v", c.name, o)
		}
	}
}
