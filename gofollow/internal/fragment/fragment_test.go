package fragment

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// fragments cuts text into pieces of n bytes, a multiple of 8.
func fragments(text string, n int) (all []Fragment) {
	for at := 0; at < len(text); at += n {
		end := min(at+n, len(text))
		all = append(all, Fragment{Offset: at, Wire: end - at, Data: []byte(text[at:end]), Last: end == len(text), Next: byte(6 + at), Header: 20})
	}
	return all
}

// feed adds fragments a millisecond apart and returns what became whole.
func feed(t *Table, key Key, all ...Fragment) (whole []string) {
	for i, f := range all {
		if d, ok := t.Add(&key, &f, int64(i)*1e6); ok {
			whole = append(whole, fmt.Sprintf("%s/%d/%d", d.Data, d.Wire, d.Next))
		}
	}
	return whole
}

const text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"

func TestEveryOrderGivesTheDatagram(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(seed, 1))
			all := fragments(text, 8)
			all = append(all, all[random.IntN(len(all))], all[random.IntN(len(all))]) // copies
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			var table Table
			whole := feed(&table, Key{IPv6: ipv6}, all...)
			if len(whole) != 1 || whole[0] != text+"/44/6" {
				t.Fatalf("seed %d: %q", seed, whole)
			}
			if table.Datagrams != 1 || table.Dropped+table.Expired != 0 || table.bytes != 0 || table.waiting.Len() != 0 {
				t.Fatalf("seed %d: %+v, %d bytes", seed, table.Counters, table.bytes)
			}
		}
	}
}

func TestContradictions(t *testing.T) {
	f := func(offset int, data string, last bool) Fragment {
		return Fragment{Offset: offset, Wire: len(data), Data: []byte(data), Last: last, Next: 6}
	}
	for _, c := range []struct {
		name    string
		ipv6    bool
		all     []Fragment
		want    string
		dropped uint64
	}{
		{"the first copy wins", false, []Fragment{f(0, "AAAAAAAA", false), f(0, "BBBBBBBBBBBBBBBB", false), f(16, "CC", true)}, "AAAAAAAABBBBBBBBCC/18/6", 0},
		{"the first copy wins on both sides", false, []Fragment{f(8, "AAAAAAAA", false), f(0, "BBBBBBBBBBBBBBBBBBBBBBBB", false), f(24, "C", true)}, "BBBBBBBBAAAAAAAABBBBBBBBC/25/6", 0},
		{"overlap in IPv6", true, []Fragment{f(0, "AAAAAAAA", false), f(0, "BBBBBBBBBBBBBBBB", false), f(16, "CC", true)}, "", 2},
		{"overlap in IPv6, at the end", true, []Fragment{f(0, "AAAAAAAAAAAAAAAA", false), f(8, "BBBBBBBB", true)}, "", 2},
		{"another copy in IPv6", true, []Fragment{f(0, "AAAAAAAA", false), f(0, "BBBBBBBB", false), f(8, "CC", true)}, "", 2},
		{"exact copy in IPv6", true, []Fragment{f(0, "AAAAAAAA", false), f(0, "AAAAAAAA", false), f(8, "CC", true)}, "AAAAAAAACC/10/6", 0},
		{"two ends", false, []Fragment{f(8, "AA", true), f(8, "AAAA", true), f(0, "BBBBBBBB", false)}, "", 2},
		{"beyond the end", false, []Fragment{f(8, "AA", true), f(16, "AAAAAAAA", false), f(0, "BBBBBBBB", false)}, "", 2},
		{"end below", false, []Fragment{f(16, "AAAAAAAA", false), f(8, "AA", true), f(0, "BBBBBBBB", false)}, "", 2},
		{"odd length is cut in IPv4", false, []Fragment{f(0, "AAAAAAAAA", false), f(8, "CC", true)}, "AAAAAAAACC/10/6", 0},
		{"odd length in IPv6", true, []Fragment{f(0, "AAAAAAAAA", false), f(8, "CC", true)}, "", 1},
		{"less than 8", false, []Fragment{f(0, "AAAAAAA", false), f(0, "CC", true)}, "CC/2/6", 1},
		{"nothing", false, []Fragment{f(0, "", true)}, "", 1},
		{"more than 65535", false, []Fragment{f(65528, "AAAAAAAA", true)}, "", 1},
		{"the last one first, and twice", false, []Fragment{f(8, "CC", true), f(8, "CC", true), f(0, "AAAAAAAA", false)}, "AAAAAAAACC/10/6", 0},
		{"copies afterwards", false, []Fragment{f(0, "AAAAAAAA", false), f(8, "CC", true), f(8, "CC", true), f(0, "AAAAAAAA", false)}, "AAAAAAAACC/10/6", 0},
	} {
		var table Table
		if got := strings.Join(feed(&table, Key{IPv6: c.ipv6}, c.all...), " "); got != c.want || table.Dropped != c.dropped {
			t.Errorf("%s: %q and %d dropped, want %q and %d", c.name, got, table.Dropped, c.want, c.dropped)
		}
	}
}

// TestNumberUsedAgain: a datagram with the number of a whole one is another one.
func TestNumberUsedAgain(t *testing.T) {
	var table Table
	other := strings.ToUpper(text)
	whole := feed(&table, Key{}, append(fragments(text, 16), fragments(other, 16)...)...)
	if len(whole) != 2 || whole[0] != text+"/44/6" || whole[1] != other+"/44/6" {
		t.Errorf("%q", whole)
	}
}

func TestKeys(t *testing.T) {
	for i, other := range []Key{{Src: [2]uint64{0, 1}}, {Dst: [2]uint64{1, 0}}, {Path: 1}, {ID: 1}, {Protocol: 1}, {IPv6: true}} {
		var table Table
		all := fragments(text, 24)
		if whole := append(feed(&table, Key{}, all[0]), feed(&table, other, all[1])...); len(whole) != 0 {
			t.Errorf("%d: %q", i, whole)
		}
		table.Flush()
		if table.Expired != 2 || table.bytes != 0 {
			t.Errorf("%d: %+v, %d bytes", i, table.Counters, table.bytes)
		}
	}
}

func TestTimeout(t *testing.T) {
	all := fragments(text, 24)
	for _, c := range []struct {
		first, second int64
		whole         bool
	}{
		{0, Timeout, true}, {0, Timeout + 1, false}, {Timeout + 1, 0, false}, {math.MinInt64, math.MaxInt64, false}, {math.MaxInt64, math.MaxInt64 - Timeout, true},
	} {
		var table Table
		table.Add(&Key{}, &all[0], c.first)
		if _, whole := table.Add(&Key{}, &all[1], c.second); whole != c.whole {
			t.Errorf("at %d and %d: %v", c.first, c.second, whole)
		}
		if want := uint64(1); !c.whole && table.Expired != want {
			t.Errorf("at %d and %d: %d expired", c.first, c.second, table.Expired)
		}
	}
	var table Table
	table.Add(&Key{}, &all[0], 5)
	table.Expire(5 + Timeout)
	table.Expire(math.MinInt64)
	if table.Expired != 0 {
		t.Error("expired too early")
	}
	table.Expire(6 + Timeout)
	if table.Expired != 1 || table.bytes != 0 || len(table.entries) != 0 {
		t.Errorf("%+v, %d bytes", table.Counters, table.bytes)
	}
}

// TestSnapLength: bytes behind one that was not captured are not handed out.
func TestSnapLength(t *testing.T) {
	all := fragments(text, 16)
	all[1].Data = all[1].Data[:5]
	var table Table
	if whole := feed(&table, Key{}, all...); len(whole) != 1 || whole[0] != text[:21]+"/44/6" {
		t.Errorf("%q", whole)
	}
}

func TestLimits(t *testing.T) {
	var table Table
	b := make([]byte, 1480)
	for i := range uint32(30000) {
		table.Add(&Key{ID: i}, &Fragment{Offset: 8, Wire: len(b), Data: b}, 0)
		if table.bytes > maxBytes {
			t.Fatalf("%d bytes", table.bytes)
		}
	}
	if n := table.waiting.Len(); n == 0 || table.Dropped != uint64(30000-n) || len(table.entries) != n {
		t.Errorf("%d datagrams, %d dropped", table.waiting.Len(), table.Dropped)
	}
	for i := range uint32(3 * maxDone) {
		feed(&table, Key{ID: i, IPv6: true}, fragments(text, 24)...)
	}
	if table.done.Len() != maxDone || len(table.entries) != maxDone+table.waiting.Len() {
		t.Errorf("%d whole ones are remembered", table.done.Len())
	}

	table = Table{}
	for i := range maxPieces + 1 {
		table.Add(&Key{}, &Fragment{Offset: 16 * i, Wire: 8, Data: b[:8]}, 0)
	}
	if table.Dropped != maxPieces+1 || table.waiting.Len() != 0 {
		t.Errorf("%d dropped, %d wait", table.Dropped, table.waiting.Len())
	}
}

// TestLargest: a datagram of the largest size in the smallest pieces.
func TestLargest(t *testing.T) {
	var table Table
	big := strings.Repeat("ABCDEFGHIJK", 6000)[:65515]
	if whole := feed(&table, Key{}, fragments(big, 48)...); len(whole) != 1 || whole[0] != big+"/65515/6" {
		t.Errorf("%d datagrams", len(whole))
	}
}

// FuzzTable compares with a table of single bytes.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0x82, 2, 1, 1, 1, 0x80}, false)
	f.Fuzz(func(t *testing.T, ops []byte, ipv6 bool) {
		var table Table
		var first [512]byte
		var there [512]bool
		for len(ops) >= 3 {
			offset, n, last := int(ops[0]&0x1f)*8, int(ops[1]&0x3f), ops[2]&0x80 != 0
			data := bytes.Repeat(ops[2:3], n)
			captured := data[:n-min(n, int(ops[1]>>6))]
			ops = ops[3:]
			fragment := Fragment{Offset: offset, Wire: n, Data: captured, Last: last}
			whole, ok := table.Add(&Key{IPv6: ipv6}, &fragment, 0)
			for i := range fragment.Wire {
				if !there[offset+i] {
					there[offset+i], first[offset+i] = true, data[i]
				}
			}
			if ok {
				if len(whole.Data) > whole.Wire || (table.Dropped == 0 && !bytes.Equal(whole.Data, first[:len(whole.Data)])) {
					t.Fatalf("%q of %d, want %q", whole.Data, whole.Wire, first[:whole.Wire])
				}
				return
			}
			if table.waiting.Len() > 1 || (table.waiting.Len() == 0 && table.bytes != 0) {
				t.Fatalf("%d wait, %d bytes", table.waiting.Len(), table.bytes)
			}
		}
	})
}
