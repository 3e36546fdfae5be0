package gofollow_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"gofollow/gofollow"
)

// TestFilter follows random captures with and without a filter: the events of the connections that
// it chooses are the same, ids included, there is none of the others, and what is counted is the same.
func TestFilter(t *testing.T) {
	left, kept := 0, 0
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		config := anyConfig(random)
		packets := w.packets(t, nil)
		talk := w.talks[random.IntN(len(w.talks))]
		a, b := talk.ends[0], talk.ends[1]
		type ends struct{ client, server netip.AddrPort }
		choices := []struct {
			text string
			want func(ends) bool
		}{
			{fmt.Sprintf("port %d", a.Port()), func(c ends) bool { return c.client.Port() == a.Port() || c.server.Port() == a.Port() }},
			{fmt.Sprintf("not host %v", a.Addr()), func(c ends) bool { return c.client.Addr() != a.Addr() && c.server.Addr() != a.Addr() }},
			{fmt.Sprintf("client %v and client port %d", a.Addr(), a.Port()), func(c ends) bool { return c.client == a }},
			{fmt.Sprintf("server host %v && ! client port %d", b.Addr(), a.Port()), func(c ends) bool { return c.server.Addr() == b.Addr() && c.client.Port() != a.Port() }},
			{"ip6 or portrange 10000-30000", func(c ends) bool {
				in := func(p uint16) bool { return 10000 <= p && p <= 30000 }
				return c.client.Addr().Is6() || in(c.client.Port()) || in(c.server.Port())
			}},
			{"not tcp", func(ends) bool { return false }},
			{"tcp", func(ends) bool { return true }},
		}
		choice := choices[random.IntN(len(choices))]

		run := func() (events []told, stats gofollow.Stats) {
			memory := leakTest{}
			config.Allocator = memory
			f := newFollower(t, config)
			take := func() {
				for e := range f.Events() {
					if config.Filter != "" || choice.want(ends{e.Conn.Client(), e.Conn.Server()}) {
						events = append(events, told{line: e.String()})
					}
				}
			}
			for i := range packets {
				if err := f.Feed(&packets[i]); err != nil {
					t.Fatal(err)
				}
				take()
			}
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
			take()
			stats = f.Stats()
			if f.Close(); len(memory) > 0 {
				t.Errorf("%d blocks are not freed", len(memory))
			}
			return events, stats
		}
		want, all := run()
		config.Filter = choice.text
		got, some := run()
		lines := func(events []told) (list []string) {
			for _, e := range events {
				list = append(list, e.line)
			}
			return list
		}
		sameLines(t, "filter "+choice.text, lines(got), lines(want))
		sameStats(t, choice.text, some, all)
		opened := 0
		for _, e := range got {
			if e.line[:6] == "opened" {
				opened++
			}
		}
		if some.Filtered != some.Opened-uint64(opened) {
			t.Errorf("%d of %d connections filtered, %d are told", some.Filtered, some.Opened, opened)
		}
		left, kept = left+int(some.Filtered), kept+opened
	})
	if left == 0 || kept == 0 {
		t.Errorf("%d connections left out, %d chosen", left, kept)
	}
}

// TestFilterVLAN: the tags around the packet that opened a connection count, also if that packet was
// set aside and another one confirmed it.
func TestFilterVLAN(t *testing.T) {
	client, server := netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:80")
	var packets []gofollow.Packet
	add := func(vlan uint16, src, dst netip.AddrPort, flags string, seq, ack uint32, payload string) {
		s := segment{src: src, dst: dst, flags: flags, seq: seq, ack: ack, payload: []byte(payload), vlan: vlan}
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: int64(len(packets)) * 1e6, Data: s.frame(t)})
	}
	add(5, client, server, "S", 100, 0, "")
	add(0, server, client, "SA", 500, 101, "")
	add(0, client, server, "A", 101, 501, "one")
	add(7, client, server, "S", 9_000_000, 0, "") // set aside
	add(0, server, client, "SA", 77_000_000, 9_000_001, "")
	add(0, client, server, "A", 9_000_001, 77_000_001, "two")
	for _, row := range []struct {
		filter string
		ids    string
	}{{"vlan", "[0 1]"}, {"vlan 5", "[0]"}, {"vlan 7", "[1]"}, {"not vlan", "[]"}, {"vlan 5 or port 80", "[0 1]"}} {
		f := newFollower(t, gofollow.Config{Filter: row.filter})
		for i := range packets {
			if err := f.Feed(&packets[i]); err != nil {
				t.Fatal(err)
			}
		}
		ids := []uint64{}
		for e := range f.Events() {
			if e.Kind == gofollow.Opened {
				ids = append(ids, e.Conn.ID())
			}
		}
		if fmt.Sprint(ids) != row.ids {
			t.Errorf("%s: connections %v, want %s", row.filter, ids, row.ids)
		}
		f.Close()
	}
}

// TestFilterError: New says where the filter is wrong.
func TestFilterError(t *testing.T) {
	_, err := gofollow.New(gofollow.Config{Filter: "prot 80"})
	var e *gofollow.FilterError
	if !errors.As(err, &e) || e.Offset != 0 || e.Filter != "prot 80" {
		t.Errorf("%v", err)
	}
}

// TestFilteredHoldsNothing: what waits for missing bytes, of a connection that is left out or
// ignored, takes no memory of the allocator.
func TestFilteredHoldsNothing(t *testing.T) {
	for _, config := range []gofollow.Config{{Filter: "not tcp"}, {}} {
		memory := leakTest{}
		config.Allocator = memory
		f := newFollower(t, config)
		frames := make([]gofollow.Packet, 0, 2000)
		for i := range 1000 { // each second one first
			for _, at := range []int{1, 0} {
				s := segment{src: netip.MustParseAddrPort("10.0.0.1:40000"), dst: netip.MustParseAddrPort("10.0.0.2:80"), flags: "A",
					seq: uint32(1000 * (2*i + at)), payload: make([]byte, 1000)}
				frames = append(frames, gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: s.frame(t)})
			}
		}
		frames = frames[1:] // the second segment never comes
		for i := range frames {
			if i == 10 && config.Filter == "" {
				if err := f.Ignore(0); err != nil {
					t.Fatal(err)
				}
				f.Poll(100)
				f.Poll(1)
			}
			if err := f.Feed(&frames[i]); err != nil {
				t.Fatal(err)
			}
		}
		if f.Stats().HeldBytes < 1_900_000 || f.Waiting() > 0 || len(memory) > 16 {
			t.Errorf("filter %q: %d bytes held, %d events, %d blocks", config.Filter, f.Stats().HeldBytes, f.Waiting(), len(memory))
		}
		f.Close()
	}
}
