package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand"
	"os"
	"sort"
	"strings"
)

// workload describes a capture: connections that download from a server, some at
// once, in segments of 1460 bytes, every second one acknowledged, nothing lost.
type workload struct {
	name        string
	connections int
	atOnce      int
	bytesEach   int
}

var workloads = []workload{
	{"bulk", 8, 4, 25 << 20},
	{"short", 5000, 64, 10 << 10},
}

const (
	mss        = 1460
	headerSize = 14 + 20 + 20
	firstPort  = 10000
	seed       = 20150914
)

// side is one direction of one connection, as the truth and the followers report it.
type side struct {
	port   int    // the client's
	sender string // client or server
	bytes  int64
	crc    uint32
}

// report is the text in which generator and followers are compared.
func report(sides []side) string {
	sort.Slice(sides, func(i, j int) bool {
		if sides[i].port != sides[j].port {
			return sides[i].port < sides[j].port
		}
		return sides[i].sender < sides[j].sender
	})
	var b strings.Builder
	for _, s := range sides {
		fmt.Fprintf(&b, "%d %s %d %08x\n", s.port, s.sender, s.bytes, s.crc)
	}
	return b.String()
}

// generate writes the capture and returns what its connections said.
func (w workload) generate(path string) ([]side, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	g := &generator{out: bufio.NewWriterSize(file, 1<<20), random: rand.New(rand.NewSource(seed)), clock: 1_400_000_000_000_000}
	g.text = make([]byte, 1<<20)
	g.random.Read(g.text)
	header := make([]byte, 24)
	for i, v := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 262144, 1} {
		binary.LittleEndian.PutUint32(header[4*i:], v)
	}
	g.out.Write(header)

	var active []*transfer
	var truth []side
	for next := 0; next < w.connections || len(active) > 0; {
		for len(active) < w.atOnce && next < w.connections {
			active = append(active, g.open(firstPort+next, w.bytesEach))
			next++
		}
		i := g.random.Intn(len(active))
		t := active[i]
		for burst := 1 + g.random.Intn(16); burst > 0 && t.left > 0; burst-- {
			g.data(t)
		}
		if t.left == 0 {
			g.finish(t)
			truth = append(truth, t.client, t.server)
			active = append(active[:i], active[i+1:]...)
		}
	}
	if err := g.out.Flush(); err != nil {
		return nil, err
	}
	return truth, file.Close()
}

type generator struct {
	out    *bufio.Writer
	random *rand.Rand
	text   []byte
	clock  int64 // microseconds
	frame  [16 + headerSize]byte
}

type transfer struct {
	client, server           side
	clientNext, serverNext   uint32
	left, segments, textFrom int
}

const (
	fin = 1
	syn = 2
	psh = 8
	ack = 16
)

func (g *generator) open(port, length int) *transfer {
	// The initial numbers keep away from 2^32, where tcpassembly corrupts the stream.
	t := &transfer{
		client: side{port: port, sender: "client"}, server: side{port: port, sender: "server"},
		clientNext: uint32(g.random.Intn(1 << 30)), serverNext: uint32(g.random.Intn(1 << 30)),
		left: length, textFrom: g.random.Intn(len(g.text)),
	}
	g.send(t, true, syn, nil)
	g.send(t, false, syn|ack, nil)
	g.send(t, true, ack, nil)
	g.send(t, true, psh|ack, []byte("GET /a/file HTTP/1.1\r\nHost: server.example\r\n\r\n"))
	return t
}

func (g *generator) data(t *transfer) {
	if t.textFrom+mss > len(g.text) {
		t.textFrom = 0
	}
	n := min(mss, t.left)
	g.send(t, false, ack, g.text[t.textFrom:t.textFrom+n])
	t.textFrom += n
	t.left -= n
	t.segments++
	if t.segments%2 == 0 || t.left == 0 {
		g.send(t, true, ack, nil)
	}
}

func (g *generator) finish(t *transfer) {
	g.send(t, false, fin|ack, nil)
	g.send(t, true, fin|ack, nil)
	g.send(t, false, ack, nil)
}

// send writes one frame; errors stay in the buffered writer until Flush.
func (g *generator) send(t *transfer, fromClient bool, flags byte, payload []byte) {
	g.clock += 1 + int64(g.random.Intn(3))
	f := g.frame[:]
	length := headerSize + len(payload)
	binary.LittleEndian.PutUint32(f[0:], uint32(g.clock/1_000_000))
	binary.LittleEndian.PutUint32(f[4:], uint32(g.clock%1_000_000))
	binary.LittleEndian.PutUint32(f[8:], uint32(length))
	binary.LittleEndian.PutUint32(f[12:], uint32(length))
	ethernet, ip, tcp := f[16:30], f[30:50], f[50:70]
	copy(ethernet, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0})
	copy(ip, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
	binary.BigEndian.PutUint16(ip[2:], uint16(length-14))
	from, to, sequence, acknowledged := &t.client, &t.server, &t.clientNext, t.serverNext
	ports := [2]int{t.client.port, 80}
	if !fromClient {
		from, to, sequence, acknowledged = to, from, &t.serverNext, t.clientNext
		ports = [2]int{80, t.client.port}
		copy(ip[12:], []byte{192, 0, 2, 2, 192, 0, 2, 1})
	}
	binary.BigEndian.PutUint16(tcp[0:], uint16(ports[0]))
	binary.BigEndian.PutUint16(tcp[2:], uint16(ports[1]))
	binary.BigEndian.PutUint32(tcp[4:], *sequence)
	if flags&ack == 0 {
		acknowledged = 0
	}
	binary.BigEndian.PutUint32(tcp[8:], acknowledged)
	tcp[12], tcp[13] = 5<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	g.out.Write(f)
	g.out.Write(payload)
	from.bytes += int64(len(payload))
	from.crc = crc32.Update(from.crc, crc32.IEEETable, payload)
	*sequence += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		*sequence++
	}
}
