// Tcpassembly follows a file with gopacket's older assembler.
package main

import (
	"hash/crc32"
	"io"

	"github.com/google/gopacket"
	"github.com/google/gopacket/tcpassembly"

	"gofollow/bench/go/harness"
	"gofollow/bench/workload"
)

func main() { harness.Main(follow) }

func follow(path string, report *harness.Report) (int64, error) {
	in, err := harness.OpenSegments(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	factory := &assembledStreams{report: report}
	assembler := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(factory))
	for {
		if err := in.Next(); err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		assembler.AssembleWithTimestamp(in.IP.NetworkFlow(), &in.TCP, in.Time)
	}
	assembler.FlushAll()
	return factory.delivered, nil
}

// assembledStreams is the factory, and without a report also every stream.
type assembledStreams struct {
	report    *harness.Report
	delivered int64
}

func (s *assembledStreams) New(network, transport gopacket.Flow) tcpassembly.Stream {
	if s.report == nil {
		return s
	}
	client, from := harness.Speaker(network, transport)
	return &assembledStream{s.report.Add(workload.Side{Client: client, From: from})}
}

func (s *assembledStreams) Reassembled(pieces []tcpassembly.Reassembly) {
	for i := range pieces {
		s.delivered += int64(len(pieces[i].Bytes))
	}
}

func (s *assembledStreams) ReassemblyComplete() {}

type assembledStream struct{ side *workload.Side }

func (s *assembledStream) Reassembled(pieces []tcpassembly.Reassembly) {
	for i := range pieces {
		s.side.Bytes += int64(len(pieces[i].Bytes))
		s.side.CRC = crc32.Update(s.side.CRC, crc32.IEEETable, pieces[i].Bytes)
		s.side.Gaps += int64(max(0, pieces[i].Skip))
	}
}

func (s *assembledStream) ReassemblyComplete() {}
