package gofollow_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"gofollow/gofollow"
)

// segment is one TCP segment to be put on the wire.
type segment struct {
	src, dst netip.AddrPort
	seq, ack uint32
	flags    string // of the letters S F R A P U
	urgent   uint16
	payload  []byte
	vlan     uint16 // 0: none
	trailer  []byte // behind the IP datagram
}

// frame returns the segment as an Ethernet frame, with right checksums.
func (s *segment) frame(t testing.TB) []byte {
	t.Helper()
	has := func(flag string) bool { return strings.Contains(s.flags, flag) }
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.src.Port()), DstPort: layers.TCPPort(s.dst.Port()), Seq: s.seq, Ack: s.ack, Window: 60000, Urgent: s.urgent,
		SYN: has("S"), FIN: has("F"), RST: has("R"), ACK: has("A"), PSH: has("P"), URG: has("U"),
	}
	ether := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6)}
	stack := []gopacket.SerializableLayer{ether}
	inner := &ether.EthernetType
	if s.vlan > 0 {
		tag := &layers.Dot1Q{VLANIdentifier: s.vlan}
		ether.EthernetType, inner = layers.EthernetTypeDot1Q, &tag.Type
		stack = append(stack, tag)
	}
	var network gopacket.NetworkLayer
	if s.src.Addr().Is4() {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()}
		*inner, network, stack = layers.EthernetTypeIPv4, ip, append(stack, ip)
	} else {
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: s.src.Addr().AsSlice(), DstIP: s.dst.Addr().AsSlice()}
		*inner, network, stack = layers.EthernetTypeIPv6, ip, append(stack, ip)
	}
	if err := tcp.SetNetworkLayerForChecksum(network); err != nil {
		t.Fatal(err)
	}
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, append(stack, tcp, gopacket.Payload(s.payload))...); err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(buffer.Bytes()), s.trailer...)
}

// sent is one segment of a generated conversation, numbered by stream offsets.
type sent struct {
	talk    *talk
	side    int   // 0: the client
	offset  int64 // of the first byte; a SYN stands at -1
	ack     int64 // offset in the other side's stream; meant if flags has A
	flags   string
	payload []byte
	trailer []byte
	vlan    uint16
}

func (p *sent) has(flag string) bool { return strings.Contains(p.flags, flag) }

// talk is one generated conversation.
type talk struct {
	ends [2]netip.AddrPort // client, server
	isn  [2]uint32
}

// truth is what a right follower says about what one side sent.
type truth struct {
	data   []byte
	gaps   []span
	opened bool // whether there is a connection at all
}

// world is a generated capture: segments in the order in which they were captured.
type world struct {
	talks    []*talk
	captured []*sent
	features map[string]int // how often what occurred
}

// generate makes a capture of a few conversations. Bytes arrive late by at most
// a dozen packets, all within a second, so that nothing is given up early.
func generate(random *rand.Rand) *world {
	w := &world{features: map[string]int{}}
	var lanes [][]*sent
	for i := range 1 + random.IntN(3) {
		lanes = append(lanes, w.converse(random, i))
	}
	if len(lanes) > 1 {
		w.features["interleaved"]++
	}
	for len(lanes) > 0 {
		i := random.IntN(len(lanes))
		if len(lanes[i]) == 0 {
			lanes = slices.Delete(lanes, i, i+1)
			continue
		}
		w.captured = append(w.captured, lanes[i][0])
		lanes[i] = lanes[i][1:]
	}
	return w
}

// converse generates one conversation and returns what was captured of it.
func (w *world) converse(random *rand.Rand, number int) []*sent {
	chance := func(percent int, feature string) bool {
		if random.IntN(100) >= percent {
			return false
		}
		w.features[feature]++
		return true
	}
	c := &talk{}
	w.talks = append(w.talks, c)
	host := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(number), last}) }
	if chance(40, "ipv6") {
		host = func(last byte) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(number), 15: last})
		}
	}
	c.ends = [2]netip.AddrPort{netip.AddrPortFrom(host(1), uint16(2000+random.IntN(60000))), netip.AddrPortFrom(host(2), 80)}
	for side := range c.isn {
		near := []uint32{0, 1 << 31, 0, random.Uint32()}[random.IntN(4)] // 0 is 2^32, too
		c.isn[side] = near + uint32(random.IntN(1200)) - 600
	}
	vlan := uint16(0)
	if chance(20, "vlan") {
		vlan = 7
	}

	var wire []*sent
	var edge [2]int64 // what each side has sent, the FIN included
	var text [2][]byte
	for side := range text {
		text[side] = make([]byte, random.IntN(1500))
		for i := range text[side] {
			text[side][i] = byte(random.Uint32())
		}
	}
	send := func(side int, offset int64, flags string, payload []byte) *sent {
		p := &sent{talk: c, side: side, offset: offset, ack: edge[1-side], flags: flags, payload: payload, vlan: vlan}
		if chance(15, "trailer") {
			p.trailer = make([]byte, 1+random.IntN(20))
			for i := range p.trailer {
				p.trailer[i] = byte(random.Uint32())
			}
		}
		edge[side] = max(edge[side], offset+int64(len(payload)))
		wire = append(wire, p)
		return p
	}
	var early []byte
	if len(text[0]) > 20 && chance(10, "syn-data") {
		early = text[0][:20]
	}
	send(0, -1, "S", early)
	if early != nil {
		wire[0].offset = 0 // the SYN flag itself says -1
		edge[0] = 20
	}
	send(1, -1, "SA", nil)
	edge[1] = 0
	send(0, edge[0], "A", nil)
	handshake := len(wire)

	for edge[0] < int64(len(text[0])) || edge[1] < int64(len(text[1])) {
		side := random.IntN(2)
		if edge[side] == int64(len(text[side])) {
			side = 1 - side
		}
		from := edge[side]
		switch {
		case chance(8, "ack"):
			send(side, from, "A", nil)
			continue
		case from > 0 && chance(5, "keep-alive"):
			send(side, from-1, "A", [][]byte{nil, {'?'}}[random.IntN(2)])
			continue
		case from > 0 && chance(10, "overlap"):
			from -= 1 + random.Int64N(min(from, 300))
		}
		to := min(from+1+random.Int64N(200), int64(len(text[side])))
		payload := slices.Clone(text[side][from:to])
		if from < edge[side] && chance(30, "conflict") {
			payload[0] ^= 0xff
		}
		send(side, from, []string{"A", "PA"}[random.IntN(2)], payload)
	}
	switch first := random.IntN(2); random.IntN(5) {
	case 0, 1:
		for _, side := range []int{first, 1 - first} {
			send(side, edge[side], "FA", nil)
			edge[side]++
			send(1-side, edge[1-side], "A", nil)
		}
		w.features["fin"]++
	case 2:
		a, b := send(first, edge[first], "FA", nil), send(1-first, edge[1-first], "FA", nil)
		a.ack, b.ack = b.offset, a.offset
		w.features["simultaneous close"]++
	case 3:
		send(first, edge[first], "RA", nil)
		w.features["rst"]++
	default:
		w.features["no end"]++
	}

	// The capture: what comes before the first data stays where it is.
	start := 0
	switch random.IntN(8) {
	case 0: // not even the handshake: the first data of the client opens
		start = slices.IndexFunc(wire, func(p *sent) bool { return p.side == 0 && len(p.payload) > 0 && !p.has("S") })
		if start < 0 {
			start = 0
			break
		}
		handshake = 1
		w.features["mid-stream"]++
	case 1:
		if early == nil { // or the SYN+ACK would not tell where the stream starts
			start, handshake = 1, handshake-1
			w.features["no syn"]++
		}
	}
	lossy, muted := chance(40, "loss"), -1
	if chance(6, "one side only") {
		muted = random.IntN(2)
		if start > 0 || early != nil {
			muted = 1
		}
	}
	type slot struct {
		at int
		p  *sent
	}
	var slots []slot
	for i, p := range wire[start:] {
		if p.side == muted {
			continue
		}
		at := 10 * i
		if i >= handshake {
			if lossy && random.IntN(100) < 15 {
				w.features["lost"]++
				continue
			}
			if random.IntN(100) < 25 {
				w.features["shuffled"]++
				at += random.IntN(80)
			}
			if random.IntN(100) < 5 {
				w.features["late copy"]++
				slots = append(slots, slot{at + random.IntN(80), p})
			}
		}
		slots = append(slots, slot{at, p})
		if random.IntN(100) < 5 {
			w.features["duplicate"]++
			slots = append(slots, slot{at, p})
		}
	}
	slices.SortStableFunc(slots, func(a, b slot) int { return a.at - b.at })
	var captured []*sent
	seen := [2]bool{}
	for _, s := range slots {
		// What a reset that is all there is of a side means is another test.
		if !s.p.has("R") || seen[0] && seen[1] {
			captured = append(captured, s.p)
			seen[s.p.side] = true
		}
	}
	return captured
}

// truth tells what a right follower says of what side sent in talk c: each byte
// as in its first captured copy, up to where data, FIN or the peer's ACK show
// that the stream goes.
func (w *world) truth(c *talk, side int) truth {
	var t truth
	base, based, hint, fin, end := int64(0), false, int64(-1), int64(-1), int64(0)
	stream := map[int64]byte{}
	firstData := true
	for _, p := range w.captured {
		if p.talk != c {
			continue
		}
		t.opened = t.opened || len(p.payload) > 0 || p.has("S")
		if p.side != side {
			if p.has("S") && !based { // SYN+ACK: the acknowledged SYN stood at -1
				based = p.has("A")
			}
			if p.has("A") && !p.has("R") {
				end = max(end, p.ack)
			}
			continue
		}
		if !based {
			based = true
			if !p.has("S") {
				base = p.offset
				if len(p.payload) == 0 {
					hint = p.offset
				}
			}
		}
		if len(p.payload) > 0 && firstData {
			firstData = false
			if hint >= 0 && p.offset == hint+1 {
				base++
			}
		}
		for i, b := range p.payload {
			offset := p.offset + int64(i)
			if _, ok := stream[offset]; !ok && offset >= base {
				stream[offset] = b
			}
			end = max(end, offset+1)
		}
		if p.has("F") {
			fin = p.offset
		}
	}
	if !based {
		return t
	}
	if fin >= 0 {
		end = fin
	}
	for offset := base; offset < end; offset++ {
		if b, ok := stream[offset]; ok {
			t.data = append(t.data, b)
		} else {
			t.gaps = appendSpan(t.gaps, offset-base, offset-base+1)
		}
	}
	return t
}

// packets renders the capture, after change (if any) had its way with each segment.
func (w *world) packets(t testing.TB, change func(*sent, *segment)) []gofollow.Packet {
	t.Helper()
	var packets []gofollow.Packet
	for i, p := range w.captured {
		s := segment{
			src: p.talk.ends[p.side], dst: p.talk.ends[1-p.side], flags: p.flags, payload: p.payload, trailer: p.trailer, vlan: p.vlan,
			seq: p.talk.isn[p.side] + 1 + uint32(p.offset),
		}
		if p.has("A") {
			s.ack = p.talk.isn[1-p.side] + 1 + uint32(p.ack)
		}
		if p.has("S") {
			s.seq = p.talk.isn[p.side]
		}
		if change != nil {
			change(p, &s)
		}
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: 1_700_000_000e9 + int64(i)*10_000, Data: s.frame(t)})
	}
	return packets
}
