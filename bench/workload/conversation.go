package workload

import (
	"hash/crc32"
	"math/rand"
	"net/netip"
	"slices"
)

const (
	mss      = 1460
	textSize = 1 << 20
	// Initial sequence numbers end below this, so that no stream of a workload
	// reaches 2^32 unless it is meant to.
	maxISN = 1 << 30
)

// conversation makes up what is captured of one client port, which may be used
// for one connection after another.
type conversation struct {
	random *rand.Rand
	text   []byte // what everybody says a part of, twice in a row

	connections int // so far

	client  netip.AddrPort
	packets []packet
	truth   []Side

	// For the connections to come.
	wrapped  bool // numbers wrap early
	complete bool // the capture misses nothing

	// The connection under way, by sender.
	isn   [2]uint32
	sent  [2]int    // stream bytes so far
	from  [2]int    // where in the text the stream begins
	lost  [2][]span // what the capture has not
	final [2]bool   // whether FIN was sent
}

// span is the stream bytes [start, end).
type span struct{ start, end int }

func newConversation(seed int64) *conversation {
	c := &conversation{random: rand.New(rand.NewSource(seed)), text: make([]byte, 2*textSize)}
	c.random.Read(c.text[:textSize])
	copy(c.text[textSize:], c.text)
	return c
}

// begin starts anew with the client of that number.
func (c *conversation) begin(number int) {
	const portsEach = 20_000
	host := number / portsEach
	c.client = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}), uint16(10_000+number%portsEach))
	c.packets, c.truth = c.packets[:0], c.truth[:0]
}

func (c *conversation) send(from side, flags byte, seq uint32, payload []byte) {
	p := packet{client: c.client, from: from, flags: flags, seq: seq, payload: payload}
	if flags&ack != 0 {
		p.ack = c.number(from.peer(), c.sent[from.peer()])
	}
	c.packets = append(c.packets, p)
}

// number returns the sequence number of a stream position; after FIN, of what comes behind it.
func (c *conversation) number(of side, position int) uint32 {
	n := c.isn[of] + 1 + uint32(position)
	if c.final[of] {
		n++
	}
	return n
}

// bytes returns what a side says at some place of its stream, at most 64 KiB.
func (c *conversation) bytes(of side, s span) []byte {
	at := (c.from[of] + s.start) % textSize
	return c.text[at : at+s.end-s.start]
}

// open begins a connection; where it is refused nothing more may be said.
func (c *conversation) open(refused bool) {
	c.connections++
	for _, s := range []side{client, server} {
		c.isn[s] = uint32(c.random.Intn(maxISN))
		if c.wrapped {
			c.isn[s] = uint32(1<<32 - 1 - c.random.Intn(3500))
		}
		c.from[s] = c.random.Intn(textSize)
		c.sent[s], c.lost[s], c.final[s] = 0, nil, false
	}
	c.send(client, syn, c.isn[client], nil)
	if refused {
		c.send(server, rst|ack, 0, nil)
		return
	}
	c.send(server, syn|ack, c.isn[server], nil)
	c.acknowledge(client)
}

func (c *conversation) acknowledge(from side) {
	c.send(from, ack, c.number(from, c.sent[from]), nil)
}

// say sends n bytes without trouble; the other side acknowledges every second segment.
func (c *conversation) say(from side, n int) {
	end := c.sent[from] + n
	for i, s := range c.cut(from, n) {
		flags := byte(ack)
		if s.end == end {
			flags |= psh
		}
		c.send(from, flags, c.number(from, s.start), c.bytes(from, s))
		c.sent[from] = s.end
		if i%2 == 1 || s.end == end {
			c.acknowledge(from.peer())
		}
	}
}

// cut returns the segments of the next n bytes of a stream.
func (c *conversation) cut(from side, n int) []span {
	var segments []span
	for at, end := c.sent[from], c.sent[from]+n; at < end; at += mss {
		segments = append(segments, span{at, min(at+mss, end)})
	}
	return segments
}

// finish sends one side's FIN and the other's, each acknowledged.
func (c *conversation) finish(first side) {
	c.bid(first)
	c.bid(first.peer())
	c.acknowledge(first)
	c.over()
}

func (c *conversation) bid(from side) {
	c.send(from, fin|ack, c.number(from, c.sent[from]), nil)
	c.final[from] = true
}

// over adds the connection's truth. What is behind it on the same port is another
// connection.
func (c *conversation) over() {
	for _, s := range []side{client, server} {
		said := Side{Client: c.client, From: s.String()}
		at := 0
		for _, hole := range append(c.lost[s], span{c.sent[s], c.sent[s]}) {
			for at < hole.start {
				part := span{at, min(hole.start, at+1<<15)}
				said.CRC = crc32.Update(said.CRC, crc32.IEEETable, c.bytes(s, part))
				said.Bytes += int64(part.end - part.start)
				at = part.end
			}
			said.Gaps += int64(hole.end - hole.start)
			at = hole.end
		}
		if said.Bytes > 0 || said.Gaps > 0 {
			c.truth = append(c.truth, said)
		}
	}
}

// The kinds of traffic.

func (c *conversation) download(size int) {
	c.open(false)
	c.say(client, 300)
	c.say(server, size)
	c.finish(server)
}

func (c *conversation) browse(int) {
	c.open(false)
	for range 1 + c.random.Intn(3) {
		c.say(client, 200+c.random.Intn(600))
		c.say(server, c.responseSize())
	}
	c.finish(side(c.random.Intn(2)))
}

// responseSize returns a length between 200 bytes and 25 KB, more often a small one.
func (c *conversation) responseSize() int { return (200 + c.random.Intn(200)) << c.random.Intn(7) }

func (c *conversation) wrap(int) {
	c.wrapped, c.complete = true, true
	c.open(false)
	c.sayInTrouble(client, 4_000)
	c.sayInTrouble(server, 10_000)
	c.finish(server)
}

func (c *conversation) greet(int) {
	c.open(false)
	c.say(client, 64)
	c.packets = slices.Delete(c.packets, len(c.packets)-1, len(c.packets))
	c.over()
}

func (c *conversation) chat(int) {
	c.open(false)
	for range 10 {
		c.say(client, 40+c.random.Intn(40))
		c.say(server, 60+c.random.Intn(100))
	}
	c.finish(client)
}
