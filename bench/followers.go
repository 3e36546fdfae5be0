package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/tcpassembly"

	"gofollow/gofollow"
)

// follower follows a capture file and returns what it delivered. It looks at
// every piece of data and adds up lengths, and with sums also CRCs.
type follower func(path string, sums bool) ([]side, error)

var followers = map[string]follower{"go": followOurs, "tcpassembly": followTCPAssembly}

func followOurs(path string, sums bool) ([]side, error) {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.OpenFile(path); err != nil {
		return nil, err
	}
	var sides []side // two for each connection, by its number
	take := func() {
		for f.Waiting() > 0 {
			events := f.Poll(1024)
			for i := range events {
				e := &events[i]
				switch e.Kind {
				case gofollow.Opened:
					port := int(e.Conn.Client().Port())
					sides = append(sides, side{port: port, sender: "client"}, side{port: port, sender: "server"})
				case gofollow.Data:
					s := &sides[2*e.Conn.ID()+uint64(e.Direction)]
					s.bytes += e.Length
					if sums {
						s.crc = crc32.Update(s.crc, crc32.IEEETable, e.Bytes)
					}
				}
			}
		}
	}
	for {
		progress, err := f.ReadFile(0)
		if err != nil && !errors.Is(err, gofollow.ErrQueueFull) {
			return nil, err
		}
		take()
		if err == nil && progress.End {
			break
		}
	}
	for f.Flush() != nil {
		take()
	}
	take()
	return sides, nil
}

// followTCPAssembly is tcpassembly at its best: packets are decoded in place
// into layers that are used again, out of a large buffer, without a copy.
func followTCPAssembly(path string, sums bool) ([]side, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	factory := &countingFactory{sums: sums}
	assembler := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(factory))
	var (
		ethernet layers.Ethernet
		ip       layers.IPv4
		tcp      layers.TCP
		payload  gopacket.Payload
		decoded  = make([]gopacket.LayerType, 0, 4)
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ethernet, &ip, &tcp, &payload)
	parser.IgnoreUnsupported = true

	buffer := make([]byte, 1<<20)
	first, last := 0, 0 // what is read and not used
	need := func(n int) error {
		if last-first >= n {
			return nil
		}
		copy(buffer, buffer[first:last])
		first, last = 0, last-first
		got, err := io.ReadAtLeast(file, buffer[last:], n-last)
		last += got
		return err
	}
	if err := need(24); err != nil {
		return nil, err
	}
	first += 24
	for {
		if err := need(16); err == io.EOF && last == first {
			break
		} else if err != nil {
			return nil, err
		}
		head := buffer[first : first+16]
		seconds, micros := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
		length := int(binary.LittleEndian.Uint32(head[8:]))
		if err := need(16 + length); err != nil {
			return nil, err
		}
		packet := buffer[first+16 : first+16+length]
		first += 16 + length
		if err := parser.DecodeLayers(packet, &decoded); err != nil {
			return nil, err
		}
		assembler.AssembleWithTimestamp(ip.NetworkFlow(), &tcp, time.Unix(int64(seconds), int64(micros)*1000))
	}
	assembler.FlushAll()
	sides := make([]side, len(factory.streams))
	for i, s := range factory.streams {
		if s.skipped {
			return nil, fmt.Errorf("tcpassembly skipped bytes of port %d", s.port)
		}
		sides[i] = s.side
	}
	return sides, nil
}

type countingFactory struct {
	sums    bool
	streams []*countingStream
}

func (f *countingFactory) New(_, ports gopacket.Flow) tcpassembly.Stream {
	s := &countingStream{sums: f.sums}
	from, to := binary.BigEndian.Uint16(ports.Src().Raw()), binary.BigEndian.Uint16(ports.Dst().Raw())
	if to == 80 {
		s.side = side{port: int(from), sender: "client"}
	} else {
		s.side = side{port: int(to), sender: "server"}
	}
	f.streams = append(f.streams, s)
	return s
}

type countingStream struct {
	side
	sums, skipped bool
}

func (s *countingStream) Reassembled(pieces []tcpassembly.Reassembly) {
	for i := range pieces {
		s.skipped = s.skipped || pieces[i].Skip != 0
		s.bytes += int64(len(pieces[i].Bytes))
		if s.sums {
			s.crc = crc32.Update(s.crc, crc32.IEEETable, pieces[i].Bytes)
		}
	}
}

func (s *countingStream) ReassemblyComplete() {}
