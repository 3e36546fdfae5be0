package gofollow

import (
	"testing"

	"gofollow/gofollow/internal/decode"
)

// inVLAN puts a tag into a frame.
func inVLAN(id uint16, frame []byte) []byte {
	return append(append(append([]byte(nil), frame[:12]...), 0x81, 0, byte(id>>8), byte(id)), frame[12:]...)
}

// inVXLAN puts a frame into a VXLAN tunnel.
func inVXLAN(vni uint32, inner []byte) []byte {
	b := frame(10<<24|77, 1, false, 0, 0, 0, make([]byte, len(inner)-4)) // TCP's 20 bytes become 8 and 8
	b[14+9] = 17
	udp := b[34:]
	udp[2], udp[3], udp[4], udp[5] = 4789>>8, 4789&0xff, byte((16+len(inner))>>8), byte(16+len(inner))
	copy(udp[6:], []byte{0, 0, 8, 0, 0, 0, byte(vni >> 16), byte(vni >> 8), byte(vni), 0})
	copy(udp[16:], inner)
	return b
}

// TestSeparationOfClosed: a closed connection absorbs late segments of its own
// VLAN alone.
func TestSeparationOfClosed(t *testing.T) {
	for _, separate := range []Separate{SeparateNone, SeparateVLAN, SeparateTunnel, SeparateBoth} {
		f, err := New(Config{Separate: separate})
		if err != nil {
			t.Fatal(err)
		}
		d := feeder{TB: t, f: f}
		feed := func(vlan uint16, back bool, seq, ack uint32, flags decode.Flags, payload string) {
			p := Packet{LinkType: LinkEthernet, Time: 1, Data: inVLAN(vlan, frame(10<<24|9, 1, back, seq, ack, flags, []byte(payload)))}
			d.feedPacket(&p)
		}
		feed(1, false, 10, 0, decode.SYN, "")
		feed(1, true, 20, 11, decode.SYN|decode.ACK, "")
		feed(1, false, 11, 21, decode.FIN|decode.ACK, "")
		feed(1, true, 21, 12, decode.FIN|decode.ACK, "")
		feed(1, false, 11, 21, decode.FIN|decode.ACK, "")
		feed(2, false, 11, 21, decode.ACK, "text")
		want := int64(0)
		if separate == SeparateVLAN || separate == SeparateBoth {
			want = 4
		}
		if d.delivered != want {
			t.Errorf("%v: %d bytes in the other VLAN, want %d", separate, d.delivered, want)
		}
		d.finish()
	}
}

// TestSeparationsAreBounded opens connections in networks of their own, many more than are followed
// at once, polled rarely: networks are held by what is followed, remembered or waits.
func TestSeparationsAreBounded(t *testing.T) {
	const connections = 100
	f, err := New(Config{Separate: SeparateBoth, Limits: Limits{Connections: connections, ClosedConnections: 10}})
	if err != nil {
		t.Fatal(err)
	}
	d := feeder{TB: t, f: f}
	inUse := f.decoder.Separate
	for i := range uint32(20_000) {
		feed := func(back bool, seq, ack uint32, flags decode.Flags) {
			data := inVXLAN(i, inVLAN(uint16(1+i%4000), frame(10<<24|9, 1, back, seq, ack, flags, nil)))
			if err := f.Feed(&Packet{LinkType: LinkEthernet, Time: int64(i) * 1e6, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		switch i % 4 {
		case 0:
			feed(false, 10, 0, decode.ACK) // opens nothing
		case 1: // closed and remembered
			feed(false, 10, 0, decode.SYN)
			feed(true, 20, 11, decode.SYN|decode.ACK)
			feed(false, 11, 21, decode.FIN|decode.ACK)
			feed(true, 21, 12, decode.FIN|decode.ACK)
		default:
			feed(false, 10, 0, decode.SYN)
		}
		if i%500 == 0 {
			if d.poll(); inUse.Len() > connections+10+1 {
				t.Fatalf("%d networks are in use", inUse.Len())
			}
		}
	}
	if inUse.Len() < connections/2 {
		t.Fatalf("%d networks are in use", inUse.Len())
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	if d.poll(); inUse.Len() > 1 {
		t.Errorf("%d networks are in use in the end", inUse.Len())
	}
	f.Close()
}
