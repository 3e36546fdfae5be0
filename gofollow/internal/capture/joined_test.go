package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"testing"
)

// joinable returns the samples that begin with a header that may stand within another capture.
func joinable(t *testing.T) (all []sample) {
	for _, s := range samples() {
		if m, _ := pcapMagicOf(s.b); m != nil {
			if joined, _ := beginsPcap(s.b); joined == nil {
				continue // an old version, or reserved bits
			}
		}
		all = append(all, s)
	}
	if len(all) < 10 {
		t.Fatalf("%d samples can be joined", len(all))
	}
	return all
}

// TestJoined puts every capture behind every other: pcap of both byte orders and resolutions,
// old pcap, pcapng.
func TestJoined(t *testing.T) {
	for _, first := range samples() {
		for _, second := range joinable(t) {
			name := first.name + " and " + second.name
			b := append(bytes.Clone(first.b), second.b...)
			want := append(append([]Record(nil), first.want...), second.want...)
			got, err := run(t, b, whole(b))
			if err != nil || show(got) != show(want) {
				t.Fatalf("%s: %v\n%swant\n%s", name, err, show(got), show(want))
			}
		}
	}
}

// TestJoinedAndCut joins captures at random, of no packets too, and hands them over in pieces.
func TestJoinedAndCut(t *testing.T) {
	all := joinable(t)
	empty := little()
	empty.pcapHeader(0xa1b23c4d, 276)
	all = append(all, sample{"empty", empty.b, nil})
	for seed := range int64(60) {
		r := rand.New(rand.NewSource(seed))
		var b []byte
		var want []Record
		var starts []int
		for range 2 + r.Intn(4) {
			s := all[r.Intn(len(all))]
			starts = append(starts, len(b))
			b, want = append(b, s.b...), append(want, s.want...)
		}
		got, err := same(t, fmt.Sprint("seed ", seed), b, seed < 3)
		if err != nil || show(got) != show(want) {
			t.Fatalf("seed %d: %v\n%swant\n%s", seed, err, show(got), show(want))
		}
		pushed, pushErr := push(t, new(Pushed), b, 1+r.Intn(40))
		if pushErr != nil || show(pushed) != show(want) {
			t.Fatalf("seed %d, pushed: %v\n%swant\n%s", seed, pushErr, show(pushed), show(want))
		}
		// Within any later header the capture is cut short, after all packets before it.
		at := starts[1+r.Intn(len(starts)-1)] + 1 + r.Intn(23)
		got, err = run(t, b[:at], whole(b))
		if err == nil || err.Kind != Truncated || show(got) != show(want[:len(got)]) || err.Record != uint64(len(got)) {
			t.Fatalf("seed %d, cut at %d: %v", seed, at, err)
		}
	}
}

// TestJoinedBehindACut joins a file whose last record is cut: the next file's bytes are that
// record's. What stands before is read, and what follows ends in records of captured bytes or in an
// error, the same however the capture is cut.
func TestJoinedBehindACut(t *testing.T) {
	all := joinable(t)
	for seed := range int64(150) {
		r := rand.New(rand.NewSource(seed))
		first, second := all[r.Intn(len(all))], all[r.Intn(len(all))]
		cut := 1 + r.Intn(len(first.b)-1)
		alone, _ := run(t, first.b[:cut], whole(first.b))
		name := fmt.Sprintf("seed %d: %s cut at %d, and %s", seed, first.name, cut, second.name)
		got, err := same(t, name, append(bytes.Clone(first.b[:cut]), second.b...), false)
		if len(got) < len(alone) || show(got[:len(alone)]) != show(alone) {
			t.Fatalf("%s: %v\n%swant first\n%s", name, err, show(got), show(alone))
		}
	}
}

// TestRecordsLikeHeaders reads records and blocks that begin as a pcap header does, but for one
// field at least.
func TestRecordsLikeHeaders(t *testing.T) {
	for _, m := range pcapMagics {
		for _, magicOrder := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, w := range []*builder{little(), bigEndian()} {
				header := &builder{order: magicOrder}
				header.pcapHeader(m.number, 1)
				seconds, fraction := w.order.(binary.ByteOrder).Uint32(header.b), w.order.(binary.ByteOrder).Uint32(header.b[4:])
				w.pcapHeader(0xa1b23c4d, 101)
				var want []Record
				record := func(sec, frac, orig uint32, data string) {
					w.pcapRecord(sec, frac, uint32(len(data)), orig, []byte(data))
					want = append(want, Record{101, int64(sec)*1e9 + int64(frac), []byte(data), max(int(orig), len(data))})
				}
				record(seconds, fraction, 0, "x")  // a time zone
				record(seconds, fraction, 60, "")  // an accuracy
				record(seconds, fraction+1, 0, "") // another version
				record(seconds, 0, 0, "")          // none
				// fields are the seconds and fraction that a header of this order has for its last two.
				fields := func(snap, link uint32) (uint32, uint32) {
					last := magicOrder.AppendUint32(magicOrder.AppendUint32(nil, snap), link)
					return w.order.(binary.ByteOrder).Uint32(last), w.order.(binary.ByteOrder).Uint32(last[4:])
				}
				for _, last := range [][2]uint32{{1_700_000_000, 1}, {256<<20 + 1, 1}, {65535, 0x01000001}, {65535, 0x1000}} {
					record(seconds, fraction, 0, "")
					sec, frac := fields(last[0], last[1])
					record(sec, frac, 3, "abc")
				}
				record(1, 1, 2, "ab")
				for _, n := range []int{1, 2, 5, 16, 23, 24, 25, 1000} {
					got, err := push(t, new(Pushed), w.b, n)
					if err != nil || show(got) != show(want) {
						t.Fatalf("%08x by %d: %v\n%swant\n%s", m.number, n, err, show(got), show(want))
					}
				}
				if got, err := same(t, "records", w.b, true); err != nil || show(got) != show(want) {
					t.Fatalf("%08x: %v\n%swant\n%s", m.number, err, show(got), show(want))
				}
			}
		}
	}
	// Blocks of local use, of a type and length as a header begins, with a body unlike one.
	for at, value := range map[int]byte{3: 1, 7: 1, 8: 0x7e, 12: 1} {
		w := bigEndian()
		w.section()
		w.iface(1, 0)
		body := make([]byte, 0x20004-blockMinLen)
		body[at] = value
		w.block(0xa1b2c3d4, func() { w.bytes(body) })
		w.enhanced(6, 0, 7, 4, 4, []byte("data"))
		for _, n := range []int{1, 8, 9, 24, 1 << 20} {
			if got, err := push(t, new(Pushed), w.b, n); err != nil || len(got) != 1 || string(got[0].Data) != "data" {
				t.Fatalf("a block like a header but for byte %d, by %d: %v, %d packets", at, n, err, len(got))
			}
		}
	}
}
