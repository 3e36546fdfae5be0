package workload

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/netip"
)

// Server is the server of every connection.
var Server = netip.MustParseAddrPort("192.0.2.1:80")

const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// side is a sender: client or server.
type side uint8

const (
	client side = iota
	server
)

func (s side) peer() side { return 1 - s }

func (s side) String() string { return [...]string{"client", "server"}[s] }

// packet is one segment of a conversation.
type packet struct {
	client   netip.AddrPort
	payload  []byte
	seq, ack uint32
	from     side
	flags    byte
}

// Writer writes packets as a pcap file: Ethernet, IPv4, TCP with right checksums,
// stamps in microseconds.
type Writer struct {
	Packets int
	Bytes   int64 // of the file

	out   *bufio.Writer
	clock int64 // microseconds since 1970
	frame [recordSize + headerSize]byte
}

const (
	recordSize = 16
	headerSize = 14 + 20 + 20
	startTime  = 1_400_000_000_000_000
)

// NewWriter returns a Writer that has written the file's header.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{out: bufio.NewWriterSize(w, 1<<20), clock: startTime}
	var header [24]byte
	for i, v := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 262144, 1} {
		binary.LittleEndian.PutUint32(header[4*i:], v)
	}
	out.out.Write(header[:])
	out.Bytes = int64(len(header))
	return out
}

// Flush writes what is buffered and returns the first error of all writing.
func (w *Writer) Flush() error { return w.out.Flush() }

// write writes a packet that comes so many microseconds after the one before.
func (w *Writer) write(p *packet, later int64) {
	w.clock += later
	w.Packets++
	f := w.frame[:]
	length := headerSize + len(p.payload)
	binary.LittleEndian.PutUint32(f[0:], uint32(w.clock/1_000_000))
	binary.LittleEndian.PutUint32(f[4:], uint32(w.clock%1_000_000))
	binary.LittleEndian.PutUint32(f[8:], uint32(length))
	binary.LittleEndian.PutUint32(f[12:], uint32(length))

	source, destination := p.client, Server
	ethernet, ip, tcp := f[recordSize:][:14], f[recordSize+14:][:20], f[recordSize+34:][:20]
	copy(ethernet, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00")
	if p.from == server {
		source, destination = destination, source
		copy(ethernet, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00")
	}
	from, to := source.Addr().As4(), destination.Addr().As4()
	copy(ip, "\x45\x00\x00\x00\x00\x00\x40\x00\x40\x06\x00\x00")
	binary.BigEndian.PutUint16(ip[2:], uint16(length-14))
	binary.BigEndian.PutUint16(ip[4:], uint16(w.Packets))
	copy(ip[12:], from[:])
	copy(ip[16:], to[:])
	binary.BigEndian.PutUint16(ip[10:], ^fold(add(0, ip)))

	binary.BigEndian.PutUint16(tcp[0:], source.Port())
	binary.BigEndian.PutUint16(tcp[2:], destination.Port())
	binary.BigEndian.PutUint32(tcp[4:], p.seq)
	binary.BigEndian.PutUint32(tcp[8:], p.ack)
	tcp[12], tcp[13] = 5<<4, p.flags
	copy(tcp[14:], "\xff\xff\x00\x00\x00\x00")
	pseudo := add(6+uint64(length-34), ip[12:20])
	binary.BigEndian.PutUint16(tcp[16:], ^fold(add(add(pseudo, tcp), p.payload)))

	w.out.Write(f)
	w.out.Write(p.payload)
	w.Bytes += int64(recordSize + length)
}

// add adds bytes to an Internet checksum (RFC 1071), 32 bits at a time.
func add(sum uint64, b []byte) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) > 0 {
		var last [4]byte
		copy(last[:], b)
		sum += uint64(binary.BigEndian.Uint32(last[:]))
	}
	return sum
}

func fold(sum uint64) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
