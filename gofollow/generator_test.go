package gofollow_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"gofollow/gofollow"
)

// segment is one TCP segment to be put on the wire.
type segment struct {
	src, dst netip.AddrPort
	seq, ack uint32
	flags    string // of the letters S F R A P U, E and C for ECN
	window   uint16 // 0: 60000
	urgent   uint16
	options  []layers.TCPOption
	payload  []byte
	vlan     uint16 // 0: none
	trailer  []byte // behind the IP datagram
	noLength bool   // IPv4's total length is 0, as segmentation offload leaves it
	badSum   bool   // the checksum is wrong
}

// frame returns the segment as an Ethernet frame, with right checksums.
func (s *segment) frame(t testing.TB) []byte {
	t.Helper()
	has := func(flag string) bool { return strings.Contains(s.flags, flag) }
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.src.Port()), DstPort: layers.TCPPort(s.dst.Port()), Seq: s.seq, Ack: s.ack, Window: s.window, Urgent: s.urgent, Options: s.options,
		SYN: has("S"), FIN: has("F"), RST: has("R"), ACK: has("A"), PSH: has("P"), URG: has("U"), ECE: has("E"), CWR: has("C"),
	}
	if s.window == 0 {
		tcp.Window = 60000
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
	b := append(slices.Clone(buffer.Bytes()), s.trailer...)
	if s.badSum {
		b[s.tcpAt()+16] ^= 0x55
	}
	if s.noLength {
		copy(b[s.tcpAt()-20+2:], []byte{0, 0})
	}
	return b
}

// tcpAt returns where in the frame the TCP header begins.
func (s *segment) tcpAt() int {
	at := 14 + 20
	if s.vlan > 0 {
		at += 4
	}
	if s.src.Addr().Is6() {
		at += 20
	}
	return at
}

// cut returns the frame without what the capture does not have of the payload and
// what follows.
func (s *segment) cut(frame []byte, missing int) []byte {
	if missing == 0 {
		return frame
	}
	at := s.tcpAt()
	return frame[:at+int(frame[at+12]>>4)*4+len(s.payload)-missing]
}

// sent is one segment of a generated conversation, numbered by stream offsets.
type sent struct {
	talk     *talk
	side     int   // 0: the client
	offset   int64 // of the first byte; a SYN stands at -1
	ack      int64 // offset in the other side's stream; meant if flags has A
	flags    string
	window   uint16
	options  []layers.TCPOption
	payload  []byte
	cut      int // bytes of the payload that are not captured
	trailer  []byte
	vlan     uint16
	noLength bool
	badSum   bool
	probe    bool          // of a closed window
	epoch    int           // segments of a later one are captured after a pause
	pause    time.Duration // before it
	back     time.Duration // how far its time is behind
	clock    time.Duration // how far its clock is wrong, alone among its neighbours
	leftover bool          // of an earlier connection, not of talk
}

func (p *sent) has(flag string) bool { return strings.Contains(p.flags, flag) }

// captured returns the part of the payload that the capture has.
func (p *sent) captured() []byte { return p.payload[:len(p.payload)-p.cut] }

// talk is one generated conversation.
type talk struct {
	ends  [2]netip.AddrPort // client, server
	isn   [2]uint32
	twice bool // the capture has every packet twice
}

// world is a generated capture: segments in the order in which they were captured.
type world struct {
	talks    []*talk
	captured []*sent
	features map[string]int // how often what occurred

	ends [][2]netip.AddrPort // of each lane: client, server
}

// pauseLength ends all patience, and no connection that has no finished side.
const pauseLength = 40 * time.Second

// generate makes a capture of a few conversations. Bytes arrive late by at most
// a dozen packets, all within a second, so that nothing is given up early, but for
// one conversation with a pause.
func generate(random *rand.Rand) *world { return generateBetween(random, nil) }

// generateBetween is generate with the endpoints of another capture's lanes, as far as it has some.
func generateBetween(random *rand.Rand, ends [][2]netip.AddrPort) *world {
	w := &world{features: map[string]int{}, ends: slices.Clone(ends)}
	var lanes [][]*sent
	switch random.IntN(12) {
	case 0:
		g := newGenerator(w, random, 0)
		g.pauses = true
		lanes = append(lanes, g.converse())
	case 1:
		g := newGenerator(w, random, 0)
		g.repeats = true
		lanes = append(lanes, g.converse())
	default:
		for i := range 1 + random.IntN(3) {
			lanes = append(lanes, w.lane(random, i))
		}
	}
	if len(lanes) > 1 {
		w.features["interleaved"]++
	}
	epoch := 0
	for len(lanes) > 0 {
		i := random.IntN(len(lanes))
		if len(lanes[i]) == 0 {
			lanes = slices.Delete(lanes, i, i+1)
			continue
		}
		p := *lanes[i][0]
		lanes[i] = lanes[i][1:]
		if p.epoch > epoch {
			p.pause, epoch = pauseLength, p.epoch
		}
		if random.IntN(30) == 0 {
			p.back = time.Duration(random.IntN(2e6))
		}
		w.captured = append(w.captured, &p)
	}
	if random.IntN(4) == 0 {
		w.breakClocks(random)
	}
	return w
}

// breakClocks gives single packets, but for neighbours, stamps that are hours or decades
// wrong.
func (w *world) breakClocks(random *rand.Rand) {
	for i := random.IntN(3); i < len(w.captured); i += 2 + random.IntN(40) {
		far := 2*time.Hour + time.Duration(random.Int64N(int64(50*365*24*time.Hour)))
		if random.IntN(2) == 0 {
			far = -far
		}
		w.captured[i].clock = far
		w.features["wrong clock"]++
	}
}

// lane generates the conversations that use one pair of endpoints.
func (w *world) lane(random *rand.Rand, number int) []*sent {
	g := newGenerator(w, random, number)
	if g.chance(5, "refused") {
		lane := g.refused()
		if g.chance(50, "refused, tried again") {
			g.again(g.talk.isn[0])
			lane = append(lane, g.refused()...)
		}
		return lane
	}
	g.reused = random.IntN(2) == 0 // if it turns out one-sided
	lane := g.converse()
	if again := "endpoints used again"; (!g.oneSided && g.chance(12, again)) || (g.oneSided && g.reused && g.chance(100, again+", one side")) {
		oneSided, muted := g.oneSided, g.muted
		g.again(g.talk.isn[0] + 1<<28 + random.Uint32N(1<<28))
		g.whole, g.oneSided, g.muted = true, oneSided, muted
		lane = append(lane, g.converse()...)
	}
	return lane
}

// generator makes one conversation after the other.
type generator struct {
	*rand.Rand
	world *world
	talk  *talk
	wire  []*sent
	text  [2][]byte
	at    [2]int64 // how far each side has got, its FIN included
	fin   [2]bool

	vlan     uint16
	snaplen  int  // bytes of payload that are captured, -1 all
	whole    bool // its handshake is captured
	pauses   bool
	repeats  bool // it ends by FIN, and one side retransmits its FIN several times
	oneSided bool
	muted    int  // which side is not captured, if it is one-sided
	reused   bool // its endpoints are used again, if it is one-sided
	epoch    int
}

func newGenerator(w *world, random *rand.Rand, number int) *generator {
	g := &generator{Rand: random, world: w, talk: &talk{}, snaplen: -1}
	host := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(number), last}) }
	if g.chance(40, "ipv6") {
		host = func(last byte) netip.Addr {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(number), 15: last})
		}
	}
	g.talk.ends = [2]netip.AddrPort{netip.AddrPortFrom(host(1), uint16(2000+g.IntN(60000))), netip.AddrPortFrom(host(2), 80)}
	if number < len(w.ends) {
		g.talk.ends = w.ends[number]
	} else {
		w.ends = append(w.ends, g.talk.ends)
	}
	for side := range g.talk.isn {
		near := []uint32{0, 1 << 31, 0, g.Uint32()}[g.IntN(4)] // 0 is 2^32, too
		g.talk.isn[side] = near + uint32(g.IntN(1200)) - 600
	}
	if g.chance(20, "vlan") {
		g.vlan = 7
	}
	w.talks = append(w.talks, g.talk)
	return g
}

// again begins another conversation between the same endpoints.
func (g *generator) again(isn uint32) {
	next := &talk{ends: g.talk.ends, isn: [2]uint32{isn, g.Uint32()}}
	*g = generator{Rand: g.Rand, world: g.world, talk: next, vlan: g.vlan, snaplen: -1}
	g.world.talks = append(g.world.talks, next)
}

func (g *generator) chance(percent int, feature string) bool {
	if g.IntN(100) >= percent {
		return false
	}
	g.world.features[feature]++
	return true
}

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// unknownOptions are two options that no follower has to know.
var unknownOptions = []layers.TCPOption{
	{OptionType: 253, OptionLength: 6, OptionData: []byte{1, 2, 3, 4}},
	{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)},
}

// send puts a segment on the wire.
func (g *generator) send(side int, offset int64, flags string, payload []byte) *sent {
	p := &sent{talk: g.talk, side: side, offset: offset, ack: g.at[1-side], flags: flags, payload: payload, vlan: g.vlan, epoch: g.epoch}
	v4 := g.talk.ends[0].Addr().Is4()
	switch {
	case g.snaplen >= 0 && len(payload) > g.snaplen:
		p.cut = len(payload) - g.snaplen
	case v4 && len(payload) > 20 && g.chance(5, "no length"):
		p.noLength = true
	case g.chance(15, "trailer"):
		p.trailer = g.bytes(1 + g.IntN(20))
	}
	if g.chance(5, "ecn") {
		p.flags += []string{"E", "C", "EC"}[g.IntN(3)]
	}
	if g.chance(5, "unknown options") {
		p.options = unknownOptions
	}
	p.badSum = g.chance(3, "wrong checksum")
	if end := offset + int64(len(payload)); !p.has("R") {
		g.at[side] = max(g.at[side], end)
	}
	g.wire = append(g.wire, p)
	return p
}

func (g *generator) left(side int) int64 { return max(0, int64(len(g.text[side]))-g.at[side]) }

// converse generates one conversation and returns what was captured of it.
func (g *generator) converse() []*sent {
	for side := range g.text {
		g.text[side] = g.bytes(g.IntN(1500))
		if g.oneSided || (g.reused && len(g.text[side]) == 0) {
			g.text[side] = g.bytes(1 + g.IntN(300)) // or nothing shows that the endpoints are used again
		}
	}
	if !g.pauses && !g.repeats && g.chance(8, "snaplen") {
		g.snaplen = g.IntN(150)
	}
	early := g.handshake()
	handshake := len(g.wire)
	g.exchange()
	g.ending()
	if g.repeats {
		g.repeat()
	}
	return g.capture(early, handshake)
}

// handshake opens; it returns whether the SYN carries data.
func (g *generator) handshake() (early bool) {
	multipath := g.chance(6, "multipath")
	syn := g.send(0, -1, "S", nil)
	if early = len(g.text[0]) > 20 && !(g.oneSided && g.muted == 0) && g.chance(10, "syn-data"); early {
		g.wire = nil
		syn = g.send(0, 0, "S", g.text[0][:20]) // the flag itself says -1
	}
	answer := g.send(1, -1, "SA", nil)
	third := g.send(0, g.at[0], "A", nil)
	if multipath {
		for _, p := range []*sent{syn, answer, third} { // MP_CAPABLE (RFC 8684, section 3.1)
			p.options = []layers.TCPOption{{OptionType: 30, OptionLength: 12, OptionData: []byte{0, 0x81, 1, 2, 3, 4, 5, 6, 7, 8}}}
		}
	}
	return early
}

// exchange lets both sides say their text.
func (g *generator) exchange() {
	exact := g.pauses || g.snaplen >= 0 // nothing is sent again but whole segments
	forged := !g.pauses && g.chance(6, "forged resets")
	finishesFirst := -1
	if g.chance(25, "half-close") {
		finishesFirst = g.IntN(2)
	}
	for pauses := 0; g.left(0) > 0 || g.left(1) > 0; {
		side := g.IntN(2)
		if g.left(side) == 0 {
			if side == finishesFirst && !g.fin[side] {
				g.finish(side)
			}
			side = 1 - side
		}
		if g.left(side) == 0 {
			continue
		}
		from := g.at[side]
		switch {
		case g.pauses && pauses < 2 && g.IntN(8) == 0:
			pauses++
			g.epoch++
			g.world.features["pause"]++
			continue
		case g.chance(8, "ack"):
			g.bareACK(side)
			continue
		case from > 0 && !exact && g.chance(5, "keep-alive"):
			g.send(side, from-1, "A", [][]byte{nil, {'?'}}[g.IntN(2)])
			continue
		case !exact && g.chance(3, "window probe"):
			g.send(side, from, "A", g.text[side][from:from+1]).probe = true
			if g.IntN(2) == 0 {
				g.at[side] = from // the peer did not take it
			}
			continue
		case forged && g.chance(10, "forged reset"):
			g.send(side, []int64{from, from, -200_000}[g.IntN(3)], "R", nil)
			// whom it names goes on
		case from > 0 && !exact && g.chance(10, "overlap"):
			from -= 1 + g.Int64N(min(from, 300))
		}
		to := min(from+1+g.Int64N(200), int64(len(g.text[side])))
		payload := slices.Clone(g.text[side][from:to])
		if from < g.at[side] && g.chance(30, "conflict") {
			payload[0] ^= 0xff
		}
		if to == int64(len(g.text[side])) && side == finishesFirst && g.chance(50, "fin with data") {
			g.send(side, from, "FA", payload)
			g.fin[side], g.at[side] = true, to+1
			continue
		}
		g.send(side, from, []string{"A", "PA"}[g.IntN(2)], payload)
	}
}

// bareACK acknowledges, selectively or with another window at times.
func (g *generator) bareACK(side int) {
	p := g.send(side, g.at[side], "A", nil)
	switch g.IntN(3) {
	case 0:
		p.window = uint16(1 + g.IntN(60000))
	case 1:
		p.options = []layers.TCPOption{{OptionType: layers.TCPOptionKindSACK, OptionLength: 10, OptionData: g.bytes(8)}}
	}
}

// finish sends a side's FIN.
func (g *generator) finish(side int) *sent {
	p := g.send(side, g.at[side], "FA", nil)
	g.fin[side] = true
	g.at[side]++
	if g.chance(10, "data past fin") {
		end := g.at[side]
		g.send(side, end-1, "A", g.bytes(1+g.IntN(10)))
		g.at[side] = end
	}
	return p
}

// ending ends the conversation in one of the ways there are.
func (g *generator) ending() {
	first := g.IntN(2)
	kind := g.IntN(6)
	if g.repeats {
		kind = 0
	}
	switch kind {
	case 0, 1:
		for _, side := range []int{first, 1 - first} {
			if !g.fin[side] {
				g.finish(side)
				g.send(1-side, g.at[1-side], "A", nil)
			}
		}
		g.world.features["fin"]++
	case 2:
		if g.fin[0] || g.fin[1] {
			return
		}
		a, b := g.finish(first), g.finish(1-first)
		a.ack, b.ack = b.offset, a.offset
		g.world.features["simultaneous close"]++
	case 3, 4:
		var text []byte
		if g.chance(30, "rst with data") {
			text = g.bytes(1 + g.IntN(30))
		}
		g.send(first, g.at[first], "RA", text)
		g.world.features["rst"]++
		if other := 1 - first; !g.fin[other] && g.chance(40, "data after rst") {
			from := g.at[other]
			more := g.bytes(1 + g.IntN(50))
			g.text[other] = append(g.text[other][:from:from], more...)
			g.send(other, from, "A", more)
		}
	default:
		g.world.features["no end"]++
	}
}

// repeat lets a side that never got the last acknowledgement send its last bytes and its
// FIN again, with pauses that double.
func (g *generator) repeat() {
	side := g.IntN(2)
	fin := g.at[side] - 1
	from := max(0, fin-int64(g.IntN(100)))
	for pause := 200 * time.Millisecond; pause < 120*time.Second; pause *= 2 {
		g.send(side, from, "FA", slices.Clone(g.text[side][from:fin])).pause = pause
		if g.IntN(3) == 0 {
			g.send(1-side, g.at[1-side], "A", nil)
		}
	}
	g.world.features["repeated close"]++
}

// leftovers are segments of an earlier connection's server that are captured before the
// SYN+ACK.
func (g *generator) leftovers() (left []*sent) {
	for range 1 + g.IntN(3) {
		at := []int64{-5000 - g.Int64N(1<<30), 1<<20 + g.Int64N(1<<25), 100<<20 + g.Int64N(1<<29)}[g.IntN(3)]
		p := &sent{talk: g.talk, side: 1, offset: at, flags: []string{"A", "PA", "FA"}[g.IntN(3)], vlan: g.vlan, leftover: true}
		if p.flags != "FA" || g.IntN(2) == 0 {
			p.payload = g.bytes(1 + g.IntN(100))
		}
		if g.IntN(2) == 0 {
			p.ack = -1 - g.Int64N(1<<30)
		}
		left = append(left, p)
	}
	return left
}

// capture returns what was captured of the wire: what comes before the first data
// stays where it is.
func (g *generator) capture(early bool, handshake int) []*sent {
	start := 0
	if !g.whole {
		switch g.IntN(8) {
		case 0: // not even the handshake: the first data of the client opens
			start = slices.IndexFunc(g.wire, func(p *sent) bool { return p.side == 0 && len(p.payload) > 0 && !p.has("S") && !p.has("R") })
			if start < 0 {
				start = 0
				break
			}
			if handshake = 1; g.snaplen < 0 && g.wire[start].offset > 0 && g.chance(40, "keep-alive first") {
				p := *g.wire[start]
				p.offset, p.payload, p.noLength, p.flags = p.offset-1, nil, false, "A"
				g.wire = slices.Insert(g.wire, start, &p)
				handshake = 2
			}
			g.world.features["mid-stream"]++
		case 1:
			if !early { // or the SYN+ACK would not tell where the stream starts
				start, handshake = 1, handshake-1
				g.world.features["no syn"]++
			}
		}
	}
	if g.repeats {
		return g.wire
	}
	lossy, muted := g.chance(40, "loss") || g.pauses, -1
	switch {
	case g.oneSided:
		lossy, muted = false, g.muted
	case !g.whole && (g.chance(6, "one side only") || (g.pauses && g.IntN(2) == 0)):
		muted = g.IntN(2)
		if start > 0 || early {
			muted = 1
		}
		g.oneSided, g.muted = true, muted
		lossy = lossy && !g.reused
	case !g.whole && start == 0 && handshake == 3 && g.chance(6, "leftovers"):
		left := g.leftovers()
		g.wire = slices.Insert(g.wire, 1, left...)
		handshake += len(left)
	}
	g.talk.twice = g.chance(5, "every packet twice")
	type slot struct {
		at int
		p  *sent
	}
	var slots []slot
	for i, p := range g.wire[start:] {
		if p.side == muted {
			continue
		}
		at := 10*i + 1000*p.epoch
		if i >= handshake && !(g.whole && g.oneSided) { // only data shows that the endpoints are used again
			if lossy && g.chance(15, "lost") {
				continue
			}
			if g.chance(25, "shuffled") {
				at += g.IntN(80)
			}
			if g.chance(5, "late copy") {
				slots = append(slots, slot{at + g.IntN(80), p})
			}
		}
		slots = append(slots, slot{at, p})
		if g.chance(5, "duplicate") {
			slots = append(slots, slot{at, p})
		}
	}
	slices.SortStableFunc(slots, func(a, b slot) int { return a.at - b.at })
	var captured []*sent
	seen := [2]bool{}
	for _, s := range slots {
		// What a reset that is all there is of a side means is another test.
		if s.p.has("R") && !(seen[0] && seen[1]) {
			continue
		}
		captured = append(captured, s.p)
		seen[s.p.side] = true
		if g.talk.twice {
			other := *s.p
			other.vlan ^= 9
			captured = append(captured, &other)
		}
	}
	return captured
}

// refused generates a SYN that is answered by a RST.
func (g *generator) refused() []*sent {
	g.send(0, -1, "S", nil)
	g.at[0] = 0
	g.send(1, -1, "RA", nil)
	if g.chance(20, "duplicate") {
		return []*sent{g.wire[0], g.wire[0], g.wire[1], g.wire[1]}
	}
	return g.wire
}

// packets renders the capture, after change (if any) had its way with each segment.
func (w *world) packets(t testing.TB, change func(*sent, *segment)) []gofollow.Packet {
	t.Helper()
	var packets []gofollow.Packet
	now := int64(1_700_000_000e9)
	for _, p := range w.captured {
		s := segment{
			src: p.talk.ends[p.side], dst: p.talk.ends[1-p.side], flags: p.flags, window: p.window, options: p.options, payload: p.payload,
			trailer: p.trailer, vlan: p.vlan, noLength: p.noLength, badSum: p.badSum,
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
		frame := s.frame(t)
		now += 10_000 + int64(p.pause)
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: now - int64(p.back) + int64(p.clock), WireLen: len(frame), Data: s.cut(frame, p.cut)})
	}
	return packets
}
