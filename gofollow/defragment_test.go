package gofollow_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"gofollow/gofollow"
	"gofollow/gofollow/internal/encaptest"
)

// TestFlowKeys: in random captures, segments have the same key exactly where they have the same
// endpoints, whatever the direction, and it names them.
func TestFlowKeys(t *testing.T) {
	worlds(t, *runs/20, func(t *testing.T, random *rand.Rand, w *world) {
		keys := gofollow.NewFlowKeys(gofollow.SeparateNone)
		byKey := map[gofollow.FlowKey][2]netip.AddrPort{}
		byEnds := map[[2]netip.AddrPort]gofollow.FlowKey{}
		byHash := map[uint64]gofollow.FlowKey{}
		packets := w.packets(t, nil)
		for i, p := range w.captured {
			ends := p.talk.ends
			if c := ends[0].Compare(ends[1]); c > 0 {
				ends[0], ends[1] = ends[1], ends[0]
			}
			key := keys.Of(&packets[i])
			if key.Kind != gofollow.FlowTCP || key.Separation != 0 || key.Several || key.Hash == 0 {
				t.Fatalf("packet %d: %+v", i, key)
			}
			if known, ok := byKey[key]; ok && known != ends {
				t.Fatalf("packet %d: %v has the key of %v", i, ends, known)
			}
			if known, ok := byEnds[ends]; ok && known != key {
				t.Fatalf("packet %d: %v has two keys", i, ends)
			}
			byKey[key], byEnds[ends] = ends, key
			if known, ok := byHash[key.Hash]; ok && known != key {
				t.Fatalf("packet %d: %+v has the hash of %+v", i, key, known)
			}
			byHash[key.Hash] = key
			n := 4
			if key.Family == 6 {
				n = 16
			}
			low, _ := netip.AddrFromSlice(key.Low[:n])
			high, _ := netip.AddrFromSlice(key.High[:n])
			if got := [2]netip.AddrPort{netip.AddrPortFrom(low, key.LowPort), netip.AddrPortFrom(high, key.HighPort)}; got != ends {
				t.Fatalf("packet %d: the key names %v, not %v", i, got, ends)
			}
		}
	})
}

// TestFlowKeySeparation: what Config.Separate tells apart has two keys, the same with each FlowKeys.
func TestFlowKeySeparation(t *testing.T) {
	s := segment{src: netip.MustParseAddrPort("10.0.0.1:40000"), dst: netip.MustParseAddrPort("10.0.0.2:80"), flags: "A", vlan: 5}
	o := s
	o.src, o.dst = o.dst, o.src
	other := s
	other.vlan = 6
	of := func(separate gofollow.Separate, s segment) gofollow.FlowKey {
		return gofollow.NewFlowKeys(separate).Of(&gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: s.frame(t)})
	}
	for _, separate := range []gofollow.Separate{gofollow.SeparateNone, gofollow.SeparateVLAN, gofollow.SeparateTunnel, gofollow.SeparateBoth} {
		apart := separate == gofollow.SeparateVLAN || separate == gofollow.SeparateBoth
		if of(separate, s) != of(separate, o) || (of(separate, s) != of(separate, other)) != apart {
			t.Errorf("separate %d: %+v, %+v, %+v", separate, of(separate, s), of(separate, o), of(separate, other))
		}
	}
	if key := gofollow.NewFlowKeys(0).Of(&gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: []byte("no frame")}); key != (gofollow.FlowKey{}) {
		t.Errorf("of no frame: %+v", key)
	}
}

// distribute replaces fragments by the datagrams that are made of them, as many machines would: each
// fragment key has a follower of its own. It does so again where those are fragments, and reports how
// often. What is not a fragment must have the same key, for it is of one conversation.
func distribute(t *testing.T, config gofollow.Config, packets []gofollow.Packet) (whole []gofollow.Packet, rounds int) {
	t.Helper()
	var talk *gofollow.FlowKey
	for again := true; again; {
		again = false
		shards := map[gofollow.FlowKey]*gofollow.Follower{}
		lowest := uint8(255)
		for i := range packets {
			if key := gofollow.NewFlowKeys(config.Separate).Of(&packets[i]); key.Kind == gofollow.FlowFragment {
				lowest = min(lowest, key.Depth)
			}
		}
		var next []gofollow.Packet
		for i := range packets {
			key := gofollow.NewFlowKeys(config.Separate).Of(&packets[i])
			switch {
			case key.Kind == gofollow.FlowFragment && key.Depth == lowest:
				if shards[key] == nil {
					shards[key] = newFollower(t, config)
				}
				again = true
				out, err := shards[key].Defragment(&packets[i])
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range out {
					if p.LinkType != gofollow.LinkDatagram || p.Time != packets[i].Time {
						t.Errorf("a datagram of link type %d and time %d", p.LinkType, p.Time)
					}
				}
				next = append(next, out...)
			case key.Kind == gofollow.FlowTCP:
				if talk == nil {
					talk = &key
				} else if key != *talk {
					t.Errorf("two keys of one conversation: %+v and %+v", key, *talk)
				}
				next = append(next, packets[i])
			default:
				next = append(next, packets[i])
			}
		}
		for _, f := range shards {
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
			if s := f.Stats(); s.FragmentsExpired+s.FragmentsDropped > 0 || s.Segments > 0 || s.Opened > 0 {
				t.Errorf("a follower that defragments: %+v", s)
			}
			f.Close()
		}
		if packets = next; again {
			rounds++
		}
	}
	return packets, rounds
}

// TestDefragment: fragments that are distributed by their keys, put together and followed give the
// events that a follower makes of them: inside each tunnel, around it, and fragments of fragments,
// with VLANs and tunnels that separate, and a filter of VLANs.
func TestDefragment(t *testing.T) {
	rounds, tried := [3]int{}, 0
	for _, version := range []int{4, 6} {
		configs := []gofollow.Config{{VerifyChecksum: true}, {Separate: gofollow.SeparateBoth}, {Separate: gofollow.SeparateTunnel, Filter: "vlan"}}
		for turn, config := range configs {
			plain := talked(t, version)
			check := func(e encaptest.Encapsulation, what string, cut func(ip []byte, id int) [][]byte) {
				var groups [][][]byte
				var packets []gofollow.Packet
				for i, ip := range plain {
					groups = append(groups, cut(bytes.Clone(ip), i+1))
					for _, b := range groups[i] {
						packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkType(e.Link), Time: int64(i) * 1e6, Data: b})
					}
				}
				want, _ := groupLog(t, config, e.Link, groups)
				whole, n := distribute(t, config, packets)
				rounds[n]++
				tried++
				f := newFollower(t, config)
				var log []byte
				for i := range whole {
					if err := f.Feed(&whole[i]); err != nil {
						t.Fatal(err)
					}
				}
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
				for e := range f.Events() {
					log = append(e.AppendLog(log), '\n')
				}
				if got := packetField.ReplaceAllString(string(log), ""); got != want {
					t.Errorf("%s, IPv%d, %s:\n%s\nwant\n%s", e.Name, version, what, got, want)
				}
				f.Close()
			}
			for i, e := range encaptest.All() {
				if !e.Carries(version) || (i%len(configs) != turn && testing.Short()) {
					continue
				}
				check(e, "whole", func(ip []byte, _ int) [][]byte { return [][]byte{e.Wrap(ip)} })
				check(e, "fragments inside", func(ip []byte, id int) (all [][]byte) {
					for _, b := range encaptest.Fragments(ip, id, 8) {
						all = append(all, e.Wrap(b))
					}
					return append(all, all...)
				})
				if e.Link != uint32(gofollow.LinkEthernet) || encaptest.OuterFragments(e.Wrap(plain[0]), 1, 8) == nil {
					continue
				}
				check(e, "fragments around", func(ip []byte, id int) [][]byte { return encaptest.OuterFragments(e.Wrap(ip), id, 16) })
				if e.Name == "ethernet" || e.Name == "prp" {
					continue
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
	if rounds[1] < 30 || rounds[2] < 8 {
		t.Errorf("%d captures, of which %v took so many rounds", tried, rounds)
	}
}

// TestDefragmentOthers: what is not a fragment comes back, a fragment whose datagram is cut keeps its
// length on the wire, and hostile frames of LinkDatagram do no harm.
func TestDefragmentOthers(t *testing.T) {
	packets := talked(t, 4)
	f := newFollower(t, gofollow.Config{Separate: gofollow.SeparateBoth})
	defer f.Close()
	for _, b := range [][]byte{packets[0], []byte("nothing"), {}} {
		out, err := f.Defragment(&gofollow.Packet{LinkType: gofollow.LinkRaw, Data: b})
		if err != nil || len(out) != 1 || out[0].LinkType != gofollow.LinkRaw || !bytes.Equal(out[0].Data, b) {
			t.Errorf("%q: %v, %v", b, out, err)
		}
	}
	parts := encaptest.Fragments(packets[2], 7, 32)
	if out, err := f.Defragment(&gofollow.Packet{LinkType: gofollow.LinkRaw, Data: parts[0]}); err != nil || len(out) != 0 {
		t.Errorf("of a first fragment: %v, %v", out, err)
	}
	out, err := f.Defragment(&gofollow.Packet{LinkType: gofollow.LinkRaw, Data: parts[1][:30], WireLen: len(parts[1])})
	if err != nil || len(out) != 1 || out[0].WireLen-len(out[0].Data) != len(parts[1])-30 {
		t.Errorf("cut: %v, %v", out, err)
	}
	if _, err := f.Defragment(&gofollow.Packet{Data: make([]byte, gofollow.MaxPacket+1)}); err != gofollow.ErrPacketTooLarge {
		t.Errorf("too large: %v", err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	follower := newFollower(t, gofollow.Config{Separate: gofollow.SeparateBoth, Filter: "vlan 5 or tcp"})
	defer follower.Close()
	good := out[0].Data
	for range 20000 {
		b := bytes.Clone(good[:random.IntN(len(good)+1)])
		for range random.IntN(4) {
			if n := min(len(b), 60); n > 0 {
				b[random.IntN(n)] = byte(random.Uint32())
			}
		}
		p := gofollow.Packet{LinkType: gofollow.LinkDatagram, Data: b}
		gofollow.NewFlowKeys(gofollow.SeparateBoth).Of(&p)
		if err := follower.Feed(&p); err != nil {
			t.Fatal(err)
		}
		for e := range follower.Events() {
			_ = e.Conn.Separation()
		}
	}
}
