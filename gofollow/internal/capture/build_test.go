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

func (w *builder) pcapHeader(magic, link uint32) { w.pcapVersion(magic, 2, 4, link) }

func (w *builder) pcapVersion(magic uint32, major, minor uint16, link uint32) {
	w.u32(magic)
	w.u16(major)
	w.u16(minor)
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
func (w *builder) block(kind uint32, body func()) { w.lengthOfBlock(kind, true, body) }

// lengthOfBlock is block, where the padding need not count in the length.
func (w *builder) lengthOfBlock(kind uint32, padding bool, body func()) {
	start := len(w.b)
	w.u32(kind)
	w.u32(0)
	body()
	total := uint32(len(w.b) - start + 4)
	for (len(w.b)-start)%4 != 0 {
		w.raw(0)
	}
	if padding {
		total = uint32(len(w.b) - start + 4)
	}
	w.u32(total)
	copy(w.b[start+4:], w.order.AppendUint32(nil, total))
}

func (w *builder) section() { w.sectionOf(0xffffffffffffffff, 0) }

// sectionOf writes a section header that says how long its section is.
func (w *builder) sectionOf(length uint64, minor uint16, options ...byte) {
	w.block(0x0A0D0D0A, func() {
		w.u32(0x1A2B3C4D)
		w.u16(1)
		w.u16(minor)
		w.bytes(w.order.AppendUint64(nil, length))
		w.bytes(options)
	})
}

// option writes an option with its padding.
func (w *builder) option(code uint16, value ...byte) {
	w.u16(code)
	w.u16(uint16(len(value)))
	w.bytes(value)
	for len(w.b)%4 != 0 {
		w.raw(0)
	}
}

// options returns what write writes in w's byte order.
func (w *builder) options(write func(o *builder)) []byte {
	o := &builder{order: w.order}
	write(o)
	return o.b
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
				{113, 1e9 + 2*m.unit, one, 1500},
				{113, 0xffffffff*1e9 + 999999*m.unit, two, 3},
				{113, 0, nil, 0},
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
		options := g.options(func(o *builder) {
			o.option(2, 'e', 'n', '0')
			o.option(9, 9)
			o.option(14, o.order.AppendUint64(nil, 100)...)
			o.option(0)
		})
		g.iface(101, 5, options...)
		g.iface(276, 0, options...)
		g.block(3, func() { g.u32(12); g.bytes(one[:5]) })
		g.enhanced(6, 1, 7, uint32(len(two)), 0, two)
		all = append(all, sample{"pcapng " + orders[0].order.String() + " first", g.b, []Record{
			{1, 1_000_002_000, one, 1500},
			{1, 3000, two, 3},
			{1, NoTime, one, 12},
			{101, NoTime, one[:5], 12},
			{276, 100e9 + 7, two, 3},
		}})
	}
	return append(append(all, pcapVariants()...), pcapngBlocks()...)
}

// pcapVariants are old and foreign kinds of pcap.
func pcapVariants() []sample {
	var all []sample
	one, two := []byte("first packet"), []byte("2nd")
	for _, v := range []struct {
		name         string
		magic        uint32
		major, minor uint16
		link         uint32
		swapped      bool // the original length stands first
		extra        int  // bytes behind the usual header
		unit         int64
		wantLink     uint32
	}{
		{"2.0", 0xa1b2c3d4, 2, 0, 1, true, 0, 1000, 1},
		{"2.2", 0xa1b2c3d4, 2, 2, 1, true, 0, 1000, 1},
		{"2.2 of AIX", 0xa1b2c3d4, 2, 2, 6, true, 0, 1, 1},
		{"2.2 of AIX, loopback", 0xa1b2c3d4, 2, 2, 24, true, 0, 1, 0},
		{"2.3", 0xa1b2c3d4, 2, 3, 6, false, 0, 1000, 6},
		{"2.3, swapped", 0xa1b2c3d4, 2, 3, 1, true, 0, 1000, 1},
		{"of DG/UX", 0xa1b2c3d4, 543, 0, 1, true, 0, 1000, 1},
		{"of Ixia's software", 0x1c0001ab, 2, 4, 1, false, 4, 1000, 1},
		{"of Ixia's hardware", 0x1c0001ac, 2, 4, 1, false, 4, 1, 1},
		{"with reserved link bits", 0xa1b2c3d4, 2, 4, 0x03ff0001, false, 0, 1000, 1},
	} {
		for _, w := range []*builder{little(), bigEndian()} {
			w.pcapVersion(v.magic, v.major, v.minor, v.link)
			w.bytes(make([]byte, v.extra))
			lengths := func(captured, original uint32) (uint32, uint32) {
				if v.swapped {
					return original, captured
				}
				return captured, original
			}
			first, second := lengths(uint32(len(one)), 1500)
			w.pcapRecord(1, 2, first, second, one)
			original := uint32(len(two))
			if v.minor < 3 {
				original = 1 // the order counts, not which is smaller
			}
			first, second = lengths(uint32(len(two)), original)
			w.pcapRecord(3, 4, first, second, two)
			all = append(all, sample{"pcap " + v.name + " " + w.order.String(), w.b, []Record{
				{v.wantLink, 1e9 + 2*v.unit, one, 1500},
				{v.wantLink, 3e9 + 4*v.unit, two, 3},
			}})
		}
	}
	return all
}

// pcapngBlocks are sections with every kind of block around their packets.
func pcapngBlocks() []sample {
	var all []sample
	one := []byte("one packet.")
	for _, g := range []*builder{little(), bigEndian()} {
		around := func() {
			g.block(4, func() { // name resolution
				g.option(1, 10, 0, 0, 1, 'a', '.', 'b', 0)
				g.option(0)
			})
			g.block(5, func() { // interface statistics
				g.u32(0)
				g.bytes(make([]byte, 8))
				g.option(4, make([]byte, 8)...)
				g.option(0)
			})
			g.block(9, func() { g.text("__REALTIME_TIMESTAMP=1\n") }) // systemd journal export
			g.block(10, func() {                                      // decryption secrets
				g.u32(0x544c534b)
				g.u32(13)
				g.text("CLIENT_RANDOM")
			})
			for _, kind := range []uint32{0x0BAD, 0x40000BAD} { // custom, to be copied or not
				g.block(kind, func() { g.u32(32473); g.text("anything") })
			}
			g.block(0x80000001, func() { g.text("of local use") })
			g.block(0xffffffff, func() {})
		}
		var want []Record
		g.sectionOf(1000, 2, g.options(func(o *builder) { o.option(4, []byte("a writer")...); o.option(0) })...)
		around()
		for i, c := range []struct {
			resolution byte
			offset     int64
			stamp      uint64
			want       int64
		}{
			{6, 0, 1_000_002, 1_000_002_000},
			{0, 0, 7, 7e9},
			{3, -2, 5000, 3e9},
			{9, 1 << 31, 1, 1<<31*1e9 + 1},
			{12, 0, 5_000_999, 5000},
			{0x80, 0, 9, 9e9},
			{0x80 | 10, 1, 1536, 2.5e9},
			{0x80 | 32, 0, 1<<32 | 1<<31, 1.5e9},
		} {
			g.iface(uint16(100+i), 0, g.options(func(o *builder) {
				o.option(1, []byte("a comment")...)
				o.option(14, o.order.AppendUint64(nil, uint64(c.offset))...)
				o.option(9, c.resolution)
				if i%2 == 0 {
					o.option(0)
				}
			})...)
			for _, kind := range []uint32{6, 2} {
				g.enhanced(kind, uint32(i), c.stamp, uint32(len(one)), 60, one)
				want = append(want, Record{uint32(100 + i), c.want, one, 60})
			}
			around()
		}
		g.block(6, func() { // with options
			g.u32(1)
			g.u32(0)
			g.u32(8)
			g.u32(4)
			g.u32(4)
			g.text("four")
			g.option(2, 0, 0, 0, 1)
			g.option(1, []byte("comment")...)
			g.option(0)
		})
		want = append(want, Record{101, 8e9, []byte("four"), 4})
		all = append(all, sample{"every block " + g.order.String(), g.b, want})

		w := &builder{order: g.order}
		w.section()
		w.iface(1, 6)
		w.lengthOfBlock(3, false, func() { w.u32(5); w.text("hello") })
		w.lengthOfBlock(77, false, func() { w.text("hello") })
		w.lengthOfBlock(6, false, func() {
			w.u32(0)
			w.u32(0)
			w.u32(1)
			w.u32(7)
			w.u32(9)
			w.text("welcome")
		})
		w.block(3, func() { w.u32(900); w.text("snappe") })
		w.section()
		w.iface(1, 0)
		w.block(3, func() { w.u32(6); w.text("whole.") })
		all = append(all, sample{"padding not counted " + g.order.String(), w.b, []Record{
			{1, NoTime, []byte("hello"), 5},
			{1, 1000, []byte("welcome"), 9},
			{1, NoTime, []byte("snappe"), 900},
			{1, NoTime, []byte("whole."), 6},
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
