package capture

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// oracle reads a capture with pcapgo.
func oracle(t *testing.T, b []byte) (records []Record) {
	var read func() ([]byte, gopacket.CaptureInfo, error)
	var link func(ci gopacket.CaptureInfo) uint32
	if b[0] == 0x0a {
		r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		read = r.ReadPacketData
		link = func(ci gopacket.CaptureInfo) uint32 { return uint32(ci.AncillaryData[0].(layers.LinkType)) }
	} else {
		r, err := pcapgo.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		read = r.ReadPacketData
		link = func(gopacket.CaptureInfo) uint32 { return uint32(r.LinkType()) }
	}
	for {
		data, ci, err := read()
		if err == io.EOF {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, Record{link(ci), ci.Timestamp.UnixNano(), data, ci.Length})
	}
}

func TestAgainstPcapgo(t *testing.T) {
	files := sharedCaptures(t)
	var plain, nano, ng bytes.Buffer
	w := pcapgo.NewWriter(&plain)
	w.WriteFileHeader(65535, layers.LinkTypeEthernet)
	n := pcapgo.NewWriterNanos(&nano)
	n.WriteFileHeader(65535, layers.LinkTypeRaw)
	g, err := pcapgo.NewNgWriterInterface(&ng, pcapgo.NgInterface{
		Name: "eth0", Comment: "odd", LinkType: layers.LinkTypeEthernet, TimestampResolution: 9, SnapLength: 0}, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.AddInterface(pcapgo.NgInterface{Name: "lo", LinkType: layers.LinkTypeRaw, TimestampResolution: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		data := bytes.Repeat([]byte{byte(i)}, i*7)
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i)*1e6, int64(i)*1001).UTC(), CaptureLength: len(data), Length: len(data) + i%3}
		for _, err := range []error{w.WritePacket(ci, data), n.WritePacket(ci, data)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		ci.InterfaceIndex = i % 2 * second
		if err := g.WritePacket(ci, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(); err != nil {
		t.Fatal(err)
	}
	files["written µs"], files["written ns"], files["written pcapng"] = plain.Bytes(), nano.Bytes(), ng.Bytes()
	for name, b := range files {
		got, err := same(t, name, b, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := oracle(t, b); show(got) != show(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, show(got), show(want))
		}
	}
}
