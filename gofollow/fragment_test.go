package gofollow_test

import (
	"bytes"
	"regexp"
	"slices"
	"testing"

	"gofollow/gofollow"
	"gofollow/gofollow/internal/encaptest"
)

var packetField = regexp.MustCompile(` packet=\d+`)

// groupLog follows frames, those of one group at one time, and returns the log without packet numbers.
func groupLog(t testing.TB, config gofollow.Config, link uint32, groups [][][]byte) (string, gofollow.Stats) {
	t.Helper()
	f := newFollower(t, config)
	var log []byte
	poll := func() {
		for events := f.Poll(100); len(events) > 0; events = f.Poll(100) {
			for i := range events {
				log = append(events[i].AppendLog(log), '\n')
			}
		}
	}
	for i, frames := range groups {
		for _, b := range frames {
			if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkType(link), Time: int64(i) * 1e6, Data: b, WireLen: len(b)}); err != nil {
				t.Fatal(err)
			}
			poll()
		}
	}
	stats := f.Stats()
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	poll()
	return packetField.ReplaceAllString(string(log), ""), stats
}

// TestFragments: a conversation in fragments gives the events that it gives whole: in order, last first, every one
// twice, inside of each tunnel and around it.
func TestFragments(t *testing.T) {
	config := gofollow.Config{VerifyChecksum: true}
	orders := map[string]func([][]byte) [][]byte{
		"in order":   func(all [][]byte) [][]byte { return all },
		"last first": func(all [][]byte) [][]byte { slices.Reverse(all); return all },
		"twice":      func(all [][]byte) [][]byte { return append(all, all...) },
		"doubled": func(all [][]byte) (out [][]byte) {
			for _, b := range all {
				out = append(out, b, b)
			}
			return out
		},
	}
	for _, version := range []int{4, 6} {
		plain := talked(t, version)
		var whole [][][]byte
		for _, ip := range plain {
			whole = append(whole, [][]byte{ip})
		}
		want, _ := groupLog(t, config, uint32(gofollow.LinkRaw), whole)
		check := func(e encaptest.Encapsulation, what string, cut func(ip []byte, id int) [][]byte) {
			var groups [][][]byte
			pieces := 0
			for i, ip := range plain {
				groups = append(groups, cut(bytes.Clone(ip), i+1))
				pieces += len(groups[i])
			}
			if got, stats := groupLog(t, config, e.Link, groups); got != want {
				t.Errorf("%s, IPv%d, %s: %+v\n%s\nwant\n%s", e.Name, version, what, stats, got, want)
			} else if stats.Fragments+stats.Segments != uint64(pieces) || stats.Datagrams < uint64(len(plain)) || stats.FragmentsDropped+stats.FragmentsExpired != 0 {
				t.Errorf("%s, IPv%d, %s: %+v", e.Name, version, what, stats)
			}
		}
		for _, e := range encaptest.All() {
			if !e.Carries(version) {
				continue
			}
			for name, order := range orders {
				check(e, "fragments inside, "+name, func(ip []byte, id int) (all [][]byte) {
					for _, b := range encaptest.Fragments(ip, id, 8) {
						all = append(all, e.Wrap(b))
					}
					return order(all)
				})
			}
			if e.Link != uint32(gofollow.LinkEthernet) || encaptest.OuterFragments(e.Wrap(plain[0]), 1, 8) == nil {
				continue
			}
			check(e, "fragments around", func(ip []byte, id int) [][]byte { return encaptest.OuterFragments(e.Wrap(ip), id, 16) })
			if e.Name == "ethernet" || e.Name == "prp" {
				continue // there is only one IP header
			}
			check(e, "fragments of fragments", func(ip []byte, id int) (all [][]byte) {
				for i, b := range encaptest.Fragments(ip, id, 16) {
					all = append(all, encaptest.OuterFragments(e.Wrap(b), id*20+i, 24)...)
				}
				return all
			})
		}
	}
}

// TestNetworksHaveTheirOwnFragments: two networks may use the same addresses and the same number
// at once.
func TestNetworksHaveTheirOwnFragments(t *testing.T) {
	networks := map[string]struct {
		link   gofollow.LinkType
		tagged func(id byte, b []byte) []byte
	}{
		"VLAN": {gofollow.LinkEthernet, func(id byte, b []byte) []byte {
			return slices.Concat(make([]byte, 12), []byte{0x81, 0, 0, id, 8, 0}, b)
		}},
		"EDSA": {gofollow.LinkEthernet, func(id byte, b []byte) []byte {
			return slices.Concat(make([]byte, 12), []byte{0xda, 0xda, 0, 0, 0x60, 0, 0, id, 8, 0}, b)
		}},
		"DLCI": {107, func(id byte, b []byte) []byte { return append([]byte{id << 2, 1, 3, 0xcc}, b...) }},
		"LISP instance": {gofollow.LinkRaw, func(id byte, b []byte) []byte {
			n := byte(len(b))
			return append([]byte{0x45, 0, 0, 36 + n, 0, 0, 0, 0, 9, 17, 0, 0, 10, 1, 0, 1, 10, 1, 0, 2, 0xc0, 0, 0x10, 0xf5, 0, 16 + n, 0, 0, 8, 0, 0, 0, 0, 0, id, 0}, b...)
		}},
	}
	for name, network := range networks {
		t.Run(name, func(t *testing.T) { ownFragments(t, network.link, network.tagged) })
	}
}

// ownFragments feeds the fragments of two datagrams with one number in turn, each in a network.
func ownFragments(t *testing.T, link gofollow.LinkType, tagged func(id byte, b []byte) []byte) {
	packets := talked(t, 4)
	changed := bytes.Clone(packets[2])
	changed[len(changed)-10]++
	one, other := encaptest.Fragments(packets[2], 7, 32), encaptest.Fragments(changed, 7, 32)
	f := newFollower(t, gofollow.Config{})
	for i := range one {
		for _, b := range [][]byte{tagged(1, one[i]), tagged(2, other[i])} {
			if err := f.Feed(&gofollow.Packet{LinkType: link, Data: b}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s := f.Stats(); s.Datagrams != 2 || s.FragmentsDropped != 0 {
		t.Errorf("%+v", s)
	}
}

// TestUnfinishedDatagrams yield nothing but counters.
func TestUnfinishedDatagrams(t *testing.T) {
	for _, version := range []int{4, 6} {
		f := newFollower(t, gofollow.Config{})
		packets := talked(t, version)
		parts := encaptest.Fragments(packets[2], 7, 16)
		feed := func(b []byte, now int64) {
			if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkRaw, Time: now, Data: b}); err != nil {
				t.Fatal(err)
			}
		}
		for i, b := range parts {
			feed(b, int64(i)*16e9) // the third comes 32 s after the first
		}
		if s := f.Stats(); s.Segments != 0 || s.FragmentsExpired != 2 || s.Fragments != uint64(len(parts)) {
			t.Errorf("IPv%d: %+v", version, s)
		}
		if err := f.AdvanceTime(1e12); err != nil {
			t.Fatal(err)
		}
		if s := f.Stats(); s.FragmentsExpired != uint64(len(parts)) {
			t.Errorf("IPv%d, later: %+v", version, s)
		}
		feed(parts[0], 1e12)
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		if s := f.Stats(); s.FragmentsExpired != uint64(len(parts))+1 || f.Waiting() != 0 {
			t.Errorf("IPv%d, flushed: %+v", version, s)
		}
	}
}

// TestFragmentsCutBySnapLength: of a segment what stands before the first missing byte is data, the rest a gap.
func TestFragmentsCutBySnapLength(t *testing.T) {
	packets := talked(t, 4)
	parts := encaptest.Fragments(packets[2], 7, 32) // 20 bytes of TCP and 12 of data, then 21 of data
	f := newFollower(t, gofollow.Config{})
	for _, b := range append([][]byte{packets[0], packets[1], parts[0]}, parts[1][:30]) {
		if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkRaw, Data: b, WireLen: len(b) + len(parts[1]) - 30}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	var data, gap int64
	for _, e := range f.Poll(100) {
		switch e.Kind {
		case gofollow.Data:
			data += e.Length
		case gofollow.Gap:
			gap += e.Length
		}
	}
	if data != 12+10 || gap != 33-22 {
		t.Errorf("%d bytes of data and %d missing", data, gap)
	}
}
