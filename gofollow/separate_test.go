package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// wrapping is a layer around a packet: a VLAN tag or a tunnel.
type wrapping struct {
	text string // as Connection.Separation has it
	vlan bool
	// wrap puts a frame into it that the side sends.
	wrap func(random *rand.Rand, side int, frame []byte) []byte
}

// vlanOf is a VLAN tag of any type and priority, with other tags that name no VLAN beside it.
func vlanOf(id uint16) wrapping {
	return wrapping{fmt.Sprint("vlan:", id), true, func(random *rand.Rand, _ int, frame []byte) []byte {
		frame = tagged(random, id, frame)
		for random.IntN(4) == 0 {
			frame = tagged(random, 0, frame)
		}
		return frame
	}}
}

func tagged(random *rand.Rand, id uint16, frame []byte) []byte {
	tag := binary.BigEndian.AppendUint16(nil, []uint16{0x8100, 0x88a8, 0x9100}[random.IntN(3)])
	tag = binary.BigEndian.AppendUint16(tag, uint16(random.IntN(16))<<12|id)
	return slices.Concat(frame[:12], tag, frame[12:])
}

// outer puts a payload of an IP protocol into an Ethernet frame between two routers.
func outer(protocol byte, ends [2]netip.Addr, side int, payload []byte) []byte {
	src, dst := ends[side].AsSlice(), ends[1-side].AsSlice()
	head := make([]byte, 14, 14+40+len(payload))
	var ip []byte
	if ends[0].Is4() {
		head[12], head[13] = 8, 0
		ip = []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0}
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(payload)))
	} else {
		head[12], head[13] = 0x86, 0xdd
		ip = []byte{0x60, 0, 0, 0, 0, 0, protocol, 64}
		binary.BigEndian.PutUint16(ip[4:], uint16(len(payload)))
	}
	return slices.Concat(head, ip, src, dst, payload)
}

// inUDP puts a payload into UDP, from any port, and that into outer.
func inUDP(random *rand.Rand, port uint16, ends [2]netip.Addr, side int, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(49152+random.IntN(10000)))
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return outer(17, ends, side, append(append(b, 0, 0), payload...))
}

// routers are two addresses of which any two calls give others.
func routers(random *rand.Rand) [2]netip.Addr {
	var b [2][16]byte
	for i := range b {
		binary.BigEndian.PutUint64(b[i][8:], random.Uint64())
		b[i][0] = 0x20
	}
	if random.IntN(2) == 0 {
		return [2]netip.Addr{netip.AddrFrom4([4]byte(b[0][8:])), netip.AddrFrom4([4]byte(b[1][8:]))}
	}
	return [2]netip.Addr{netip.AddrFrom16(b[0]), netip.AddrFrom16(b[1])}
}

// tunnelWithID is a tunnel with an id, whose ends may be others for each packet.
func tunnelWithID(kind string, id uint32) wrapping {
	be32 := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	return wrapping{fmt.Sprintf("%s:%d", kind, id), false, func(random *rand.Rand, side int, frame []byte) []byte {
		ends := routers(random)
		switch kind {
		case "vxlan":
			return inUDP(random, 4789, ends, side, slices.Concat(be32(8<<24), be32(id<<8), frame))
		case "geneve":
			return inUDP(random, 6081, ends, side, slices.Concat([]byte{0, 0, 0x65, 0x58}, be32(id<<8), frame))
		case "gre":
			return outer(47, ends, side, slices.Concat([]byte{0x20, 0, 0x65, 0x58}, be32(id), frame))
		case "nvgre":
			return outer(47, ends, side, slices.Concat([]byte{0x20, 0, 0x65, 0x58}, be32(id<<8|random.Uint32N(256)), frame))
		case "erspan":
			return outer(47, ends, side, slices.Concat([]byte{0x10, 0, 0x88, 0xbe}, be32(random.Uint32()), be32(1<<28|id), be32(0), frame))
		}
		panic(kind)
	}}
}

// tunnelBetween is a tunnel without an id of both directions.
func tunnelBetween(kind string, ends [2]netip.Addr) wrapping {
	low, high := ends[0], ends[1]
	if high.Less(low) {
		low, high = high, low
	}
	return wrapping{fmt.Sprintf("outer:%v-%v", low, high), false, func(random *rand.Rand, side int, frame []byte) []byte {
		switch kind {
		case "gre":
			return outer(47, ends, side, append([]byte{0, 0, 0x65, 0x58}, frame...))
		case "etherip":
			return outer(97, ends, side, append([]byte{0x30, 0}, frame...))
		case "l2tp":
			return outer(115, ends, side, slices.Concat(binary.BigEndian.AppendUint32(nil, 1+random.Uint32N(1<<30)), frame))
		case "gtp":
			frame = frame[14:]
			b := binary.BigEndian.AppendUint16([]byte{0x30, 0xff}, uint16(len(frame)))
			return inUDP(random, 2152, ends, side, slices.Concat(b, binary.BigEndian.AppendUint32(nil, random.Uint32()), frame))
		case "ip":
			return outer(map[byte]byte{4: 4, 6: 41}[frame[14]>>4], ends, side, frame[14:])
		}
		panic(kind)
	}}
}

// network returns the layers of a random network, outermost first. Ids and addresses are few, so
// that networks share some of them.
func network(random *rand.Rand) (all []wrapping) {
	for range random.IntN(4) {
		var w wrapping
		switch id := 0x1000 + random.Uint32N(3); random.IntN(3) {
		case 0:
			w = vlanOf(uint16(1 + random.IntN(3)))
		case 1:
			if kind := []string{"vxlan", "geneve", "gre", "nvgre", "erspan"}[random.IntN(5)]; kind == "erspan" {
				w = tunnelWithID(kind, id&0x3ff)
			} else {
				w = tunnelWithID(kind, id)
			}
		default:
			ends := routers(rand.New(rand.NewPCG(random.Uint64N(3), 1)))
			w = tunnelBetween([]string{"gre", "etherip", "l2tp", "gtp", "ip"}[random.IntN(5)], ends)
		}
		all = append(all, w)
	}
	return all
}

// wrapped puts a frame into layers, outermost first. Where a layer needs a bare IP packet, tags
// inside it have no place: they are left out, and so is their text.
func wrapped(random *rand.Rand, layers []wrapping, side int, frame []byte) []byte {
	for _, l := range slices.Backward(layers) {
		frame = l.wrap(random, side, frame)
	}
	return frame
}

// separation returns the text of what distinguishes connections with that option.
func separation(layers []wrapping, option gofollow.Separate) string {
	var text []string
	for _, l := range layers {
		if (l.vlan && option != gofollow.SeparateTunnel) || (!l.vlan && option != gofollow.SeparateVLAN) {
			text = append(text, l.text)
		}
	}
	return strings.Join(text, "/")
}

// bare reports whether the layers can be nested: an IP packet alone has no tag.
func bare(layers []wrapping) bool {
	for i, l := range layers[:max(0, len(layers)-1)] {
		probe := l.wrap(rand.New(rand.NewPCG(1, 1)), 0, append(make([]byte, 12), 0x81, 0, 0, 1, 8, 0, 0x45))
		if layers[i+1].vlan && !l.vlan && !bytes.Contains(probe, []byte{0x81, 0, 0, 1, 8, 0, 0x45}) {
			return false
		}
	}
	return true
}

// TestSeparate follows captures of several networks that use the same addresses and ports, all at
// once: each network's conversations are what they are alone, by the truth and the reference.
func TestSeparate(t *testing.T) {
	rows, kinds := map[string]int{}, map[string]int{}
	for s := *seed; s < *seed+uint64(*runs/4); s++ {
		random := rand.New(rand.NewPCG(s, 7))
		option := []gofollow.Separate{gofollow.SeparateVLAN, gofollow.SeparateTunnel, gofollow.SeparateBoth}[random.IntN(3)]
		type mixed struct {
			w       *world
			packets []gofollow.Packet // as they are alone
			wrapped []gofollow.Packet
		}
		networks := map[string]*mixed{}
		var names []string
		var ends [][2]netip.AddrPort
		for range 5 {
			layers := network(random)
			name := separation(layers, option)
			if networks[name] != nil || !bare(layers) {
				continue
			}
			m := &mixed{w: generateBetween(random, ends)}
			ends = m.w.ends
			m.packets = m.w.packets(t, func(_ *sent, s *segment) { s.vlan = 0 })
			for i, p := range m.packets {
				from := m.w.captured[i]
				whole := segmentFrame(t, m.w, i)
				q := p
				q.Data = wrapped(random, layers, from.side, whole)
				q.WireLen = len(q.Data)
				q.Data = q.Data[:len(q.Data)-(p.WireLen-len(p.Data))]
				m.wrapped = append(m.wrapped, q)
			}
			networks[name], names = m, append(names, name)
			for _, l := range layers {
				kind, _, _ := strings.Cut(l.text, ":")
				kinds[kind]++
			}
		}
		var all []gofollow.Packet
		at := make([]int, len(names))
		for {
			next := -1
			var now int64
			for i, name := range names {
				if m := networks[name]; at[i] < len(m.wrapped) {
					p := &m.wrapped[at[i]]
					c := m.w.captured[at[i]]
					p.Time -= int64(c.clock) // or two wrong ones might be neighbours
					c.clock = 0
					if when := p.Time + int64(c.back); next < 0 || when < now {
						next, now = i, when
					}
				}
			}
			if next < 0 {
				break
			}
			all = append(all, networks[names[next]].wrapped[at[next]])
			at[next]++
		}
		got := follow(t, gofollow.Config{Separate: option}, all)
		for _, problem := range got.problems {
			t.Error(problem)
		}
		for _, name := range names {
			own := &result{}
			for _, c := range got.conversations {
				if c.separation == name {
					own.conversations = append(own.conversations, c)
				}
			}
			networks[name].w.compare(t, own, reassemble(networks[name].packets), rows)
		}
		for _, c := range got.conversations {
			if networks[c.separation] == nil {
				t.Errorf("a connection of %q, which is none of %q", c.separation, names)
			}
		}
		if t.Failed() {
			t.Fatalf("the networks %q of seed %d fail", names, s)
		}
	}
	for _, kind := range []string{"vlan", "vxlan", "geneve", "gre", "nvgre", "erspan", "outer"} {
		if kinds[kind] == 0 && *runs >= 200 {
			t.Errorf("%s occurred in no network", kind)
		}
	}
}

// segmentFrame returns the frame of a captured segment, whole and without a tag.
func segmentFrame(t *testing.T, w *world, i int) []byte {
	p := *w.captured[i]
	p.cut = 0
	one := &world{captured: []*sent{&p}}
	return one.packets(t, func(_ *sent, s *segment) { s.vlan = 0 })[0].Data
}
