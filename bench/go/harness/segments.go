package harness

import (
	"encoding/binary"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Segments reads a pcap file in the quickest way that gopacket has: packets are
// decoded in place into layers that are used again, out of a large buffer, with
// no copy.
type Segments struct {
	IP   layers.IPv4
	TCP  layers.TCP
	Time time.Time

	ethernet layers.Ethernet
	payload  gopacket.Payload

	parser      *gopacket.DecodingLayerParser
	decoded     []gopacket.LayerType
	file        *os.File
	buffer      []byte
	first, last int // what is read and not used
}

// OpenSegments opens the file.
func OpenSegments(path string) (*Segments, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Segments{file: file, buffer: make([]byte, 1<<20)}
	s.parser = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &s.ethernet, &s.IP, &s.TCP, &s.payload)
	s.parser.IgnoreUnsupported = true
	if err := s.need(24); err != nil {
		file.Close()
		return nil, err
	}
	s.first += 24
	return s, nil
}

// Close closes the file.
func (s *Segments) Close() { s.file.Close() }

// Next decodes the next packet, or returns io.EOF.
func (s *Segments) Next() error {
	if err := s.need(16); err != nil {
		if s.last == s.first {
			return io.EOF
		}
		return err
	}
	head := s.buffer[s.first : s.first+16]
	s.Time = time.Unix(int64(binary.LittleEndian.Uint32(head)), int64(binary.LittleEndian.Uint32(head[4:]))*1000)
	length := int(binary.LittleEndian.Uint32(head[8:]))
	if err := s.need(16 + length); err != nil {
		return err
	}
	packet := s.buffer[s.first+16 : s.first+16+length]
	s.first += 16 + length
	return s.parser.DecodeLayers(packet, &s.decoded)
}

func (s *Segments) need(n int) error {
	if s.last-s.first >= n {
		return nil
	}
	copy(s.buffer, s.buffer[s.first:s.last])
	s.first, s.last = 0, s.last-s.first
	got, err := io.ReadAtLeast(s.file, s.buffer[s.last:], n-s.last)
	s.last += got
	return err
}

// Speaker returns the client of a flow's connection and who sends.
func Speaker(network, transport gopacket.Flow) (client netip.AddrPort, from string) {
	address, port, from := network.Src(), transport.Src(), "client"
	if binary.BigEndian.Uint16(port.Raw()) == 80 {
		address, port, from = network.Dst(), transport.Dst(), "server"
	}
	ip, _ := netip.AddrFromSlice(address.Raw())
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port.Raw())), from
}
