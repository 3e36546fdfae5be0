package flow

import (
	"math/rand/v2"
	"testing"

	"gofollow/gofollow/internal/decode"
)

// TestTable adds and removes numbers and finds those that are left by their keys.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table, hash := NewTable(), NewHash()
	keys := []Key{{}} // by number
	there := map[uint32]bool{}
	find := func(k *Key) (uint32, bool) {
		h := hash.Of(k)
		for n, next, ok := table.Seek(h, h); ok; n, next, ok = table.Seek(h, next) {
			if keys[n].Is(k) {
				return n, true
			}
		}
		return 0, false
	}
	for range 20000 {
		k := Key{Low: decode.Addr{Lo: random.Uint64N(300)}, High: decode.Addr{Lo: 300}, Ports: random.Uint64N(20)}
		if _, ok := find(&k); !ok {
			keys = append(keys, k)
			table.Insert(hash.Of(&k), uint32(len(keys)-1))
			there[uint32(len(keys)-1)] = true
		}
		if n := uint32(random.IntN(len(keys))); there[n] && random.IntN(2) == 0 {
			table.Remove(hash.Of(&keys[n]), n)
			delete(there, n)
		}
	}
	if table.Len() != len(there) {
		t.Errorf("%d numbers in the table, want %d", table.Len(), len(there))
	}
	for n := range keys {
		if got, ok := find(&keys[n]); there[uint32(n)] && (!ok || got != uint32(n)) {
			t.Errorf("number %d is lost", n)
		}
	}
}

// TestKeyIsDirectionless: a segment and its answer have one key and two sides.
func TestKeyIsDirectionless(t *testing.T) {
	a, b := decode.Addr{Lo: 1}, decode.Addr{Lo: 2}
	for _, ports := range [][2]uint16{{1, 2}, {2, 1}, {7, 7}} {
		for _, addrs := range [][2]decode.Addr{{a, b}, {b, a}, {a, a}} {
			s := decode.Segment{Src: addrs[0], Dst: addrs[1], SrcPort: ports[0], DstPort: ports[1]}
			r := decode.Segment{Src: addrs[1], Dst: addrs[0], SrcPort: ports[1], DstPort: ports[0]}
			var k1, k2, k6 Key
			s1, s2 := k1.Set(&s), k2.Set(&r)
			same := addrs[0] == addrs[1] && ports[0] == ports[1]
			if k1 != k2 || (s1 == s2 && !same) || k1.Loops() != same {
				t.Errorf("%v and its answer have keys %v, %v and sides %v, %v", s, k1, k2, s1, s2)
			}
			if k1.Port(s1) != s.SrcPort || k1.Endpoint(s1^1).Port() != s.DstPort {
				t.Errorf("%v: the key has the ports %d and %d", s, k1.Port(0), k1.Port(1))
			}
			s.IPv6 = true
			if k6.Set(&s); k6 == k1 {
				t.Errorf("%v has the same key as IPv6", s)
			}
		}
	}
}

// TestFlood: addresses and ports in the patterns of a scan or an attack spread over the
// table as random ones would, and differently with each hash.
func TestFlood(t *testing.T) {
	const n = 1 << 16
	patterns := map[string]func(i uint64) Key{
		"sources":   func(i uint64) Key { return Key{Low: decode.Addr{Lo: 10<<24 + i}, Ports: 80} },
		"high bits": func(i uint64) Key { return Key{Low: decode.Addr{Lo: i << 16}, Ports: 80} },
		"ports": func(i uint64) Key {
			return Key{Low: decode.Addr{Lo: 1}, High: decode.Addr{Lo: 2}, Ports: i<<16 | 80}
		},
		"both ends": func(i uint64) Key {
			return Key{Low: decode.Addr{Lo: i}, High: decode.Addr{Lo: i}, Ports: i << 16}
		},
		"one swapped": func(i uint64) Key {
			return Key{Low: decode.Addr{Lo: i}, High: decode.Addr{Lo: n - i}, Ports: 80}
		},
		"prefixes": func(i uint64) Key {
			return Key{Low: decode.Addr{Hi: i << 32, Lo: 1}, High: decode.Addr{Hi: i, Lo: 2}, Ports: 1<<32 | 80}
		},
	}
	var first uint32
	for name, key := range patterns {
		table, hash := NewTable(), NewHash() // with secrets of its own
		for i := range uint64(n) {
			k := key(i)
			table.Insert(hash.Of(&k), uint32(i))
		}
		mask := uint32(len(table.slots) - 1)
		var probes, most uint64
		for i, s := range table.slots {
			if s.entry != 0 {
				far := uint64((uint32(i) - s.hash) & mask)
				probes, most = probes+far, max(most, far)
			}
		}
		if t.Logf("%s: %.2f probes on average, at most %d", name, float64(probes)/n, most); probes > 3*n || most > 300 {
			t.Errorf("%s: %d probes for %d keys, at most %d", name, probes, n, most)
		}
		k := Key{Low: decode.Addr{Lo: 7}, Ports: 7}
		if h := hash.Of(&k); h == first {
			t.Error("two hashes are the same")
		} else {
			first = h
		}
	}
}
