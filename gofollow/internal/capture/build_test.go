package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// builder writes capture files by hand, in either byte order. Its only
// knowledge is of the layouts, so that it is independent of the Reader.
type builder struct {
	order binary.AppendByteOrder
	b     []byte
}

func (w *builder) u16(v uint16)   { w.b = w.order.AppendUint16(w.b, v) }
func (w *builder) u32(v uint32)   { w.b = w.order.AppendUint32(w.b, v) }
func (w *builder) raw(p ...byte)  { w.b = append(w.b, p...) }
func (w *builder) text(s string)  { w.b = append(w.b, s...) }
func (w *builder) bytes(p []byte) { w.b = append(w.b, p...) }

func (w *builder) pcapHeader(magic, link uint32) {
	w.u32(magic)
	w.u16(2)
	w.u16(4)
	w.u32(0)
	w.u32(0)
	w.u32(65535)
	w.u32(link)
}

func (w *builder) pcapRecord(sec, frac, incl, orig uint32, data []byte) {
	w.u32(sec)
	w.u32(frac)
	w.u32(incl)
	w.u32(orig)
	w.bytes(data)
}

// block writes a pcapng block with the body that body writes.
func (w *builder) block(kind uint32, body func()) {
	start := len(w.b)
	w.u32(kind)
	w.u32(0)
	body()
	for (len(w.b)-start)%4 != 0 {
		w.raw(0)
	}
	total := uint32(len(w.b) - start + 4)
	w.u32(total)
	copy(w.b[start+4:], w.order.AppendUint32(nil, total))
}

func (w *builder) section() {
	w.block(0x0A0D0D0A, func() {
		w.u32(0x1A2B3C4D)
		w.u16(1)
		w.u16(0)
		w.u32(0xffffffff)
		w.u32(0xffffffff)
	})
}

func (w *builder) iface(link uint16, snap uint32, options ...byte) {
	w.block(1, func() {
		w.u16(link)
		w.u16(0)
		w.u32(snap)
		w.bytes(options)
	})
}

func (w *builder) enhanced(kind, iface uint32, stamp uint64, captured, original uint32, data []byte) {
	w.block(kind, func() {
		if kind == 2 {
			w.u16(uint16(iface))
			w.u16(7) // drops
		} else {
			w.u32(iface)
		}
		w.u32(uint32(stamp >> 32))
		w.u32(uint32(stamp))
		w.u32(captured)
		w.u32(original)
		w.bytes(data)
	})
}

func little() *builder    { return &builder{order: binary.LittleEndian} }
func bigEndian() *builder { return &builder{order: binary.BigEndian} }

// sample is a capture with what must come out of it.
type sample struct {
	name string
	b    []byte
	want []Record
}

// samples are captures of both formats and byte orders.
func samples() []sample {
	var all []sample
	one, two := []byte("first packet"), []byte("2nd")
	for _, w := range []*builder{little(), bigEndian()} {
		name := w.order.String()
		for _, m := range []struct {
			magic uint32
			unit  int64
		}{{0xa1b2c3d4, 1000}, {0xa1b23c4d, 1}} {
			p := &builder{order: w.order}
			// FCS length 4 with its flag, and reserved bits.
			p.pcapHeader(m.magic, 0x4C000000|113)
			p.pcapRecord(1, 2, uint32(len(one)), 1500, one)
			p.pcapRecord(0xffffffff, 999999, uint32(len(two)), 1, two)
			p.pcapRecord(0, 0, 0, 0, nil)
			all = append(all, sample{"pcap " + name, p.b, []Record{
				{113, 1e9 + 2*m.unit, true, one, 1500},
				{113, 0xffffffff*1e9 + 999999*m.unit, true, two, 3},
				{113, 0, true, nil, 0},
			}})
		}
	}
	for _, orders := range [][2]*builder{{little(), bigEndian()}, {bigEndian(), little()}} {
		g := &builder{order: orders[0].order}
		g.section()
		g.iface(1, 0)
		g.block(0x0BAD, func() { g.text("a custom block") })
		g.block(5, func() {})
		g.enhanced(6, 0, 1_000_002, uint32(len(one)), 1500, one)
		g.enhanced(2, 0, 3, uint32(len(two)), 3, two)
		g.block(3, func() { g.u32(uint32(len(one))); g.bytes(one) })
		g.order = orders[1].order
		g.section()
		options := &builder{order: g.order}
		options.u16(2)
		options.u16(3)
		options.text("en0\x00")
		options.u16(9)
		options.u16(1)
		options.raw(9, 0, 0, 0)
		options.u16(14)
		options.u16(8)
		options.bytes(g.order.AppendUint64(nil, 100))
		options.u16(0)
		options.u16(0)
		g.iface(101, 5, options.b...)
		g.iface(276, 0, options.b...)
		g.block(3, func() { g.u32(12); g.bytes(one[:5]) })
		g.enhanced(6, 1, 7, uint32(len(two)), 0, two)
		all = append(all, sample{"pcapng " + orders[0].order.String() + " first", g.b, []Record{
			{1, 1_000_002_000, true, one, 1500},
			{1, 3000, true, two, 3},
			{1, 0, false, one, 12},
			{101, 0, false, one[:5], 12},
			{276, 100e9 + 7, true, two, 3},
		}})
	}
	return all
}

// sharedCaptures reads the project's captures, which live outside the repository.
func sharedCaptures(t testing.TB) map[string][]byte {
	files := make(map[string][]byte)
	for _, pattern := range []string{"*.pcap", "*.trace", "*.pcapng"} {
		names, _ := filepath.Glob(filepath.Join("../../../../shared/captures", pattern))
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = b
		}
	}
	if len(files) == 0 {
		t.Log("the shared captures are not beside the repository, so nothing was compared with them")
	}
	return files
}
