// Reassembly follows a file with gopacket's newer assembler. It is a program of its
// own because the two assemblers define the same command-line flags.
package main

import (
	"hash/crc32"
	"io"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"

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
	factory := &reassembledStreams{report: report}
	assembler := reassembly.NewAssembler(reassembly.NewStreamPool(factory))
	var context capturedAt
	for {
		if err := in.Next(); err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		context.info.Timestamp = in.Time
		assembler.AssembleWithContext(in.IP.NetworkFlow(), &in.TCP, &context)
	}
	assembler.FlushAll()
	return factory.delivered, nil
}

type capturedAt struct{ info gopacket.CaptureInfo }

func (c *capturedAt) GetCaptureInfo() gopacket.CaptureInfo { return c.info }

// reassembledStreams is the factory, and without a report also every stream.
type reassembledStreams struct {
	report    *harness.Report
	delivered int64
}

func (s *reassembledStreams) New(network, transport gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	if s.report == nil {
		return s
	}
	client, from := harness.Speaker(network, transport)
	other := "client"
	if from == "client" {
		other = "server"
	}
	// The sender of the first packet is what the assembler calls the client.
	return &reassembledStream{s, [2]*workload.Side{
		s.report.Add(workload.Side{Client: client, From: from}),
		s.report.Add(workload.Side{Client: client, From: other}),
	}}
}

func (s *reassembledStreams) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	return true
}

func (s *reassembledStreams) ReassembledSG(data reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	length, _ := data.Lengths()
	s.delivered += int64(length)
}

func (s *reassembledStreams) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }

type reassembledStream struct {
	*reassembledStreams
	sides [2]*workload.Side
}

func (s *reassembledStream) ReassembledSG(data reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	direction, _, _, skipped := data.Info()
	side := s.sides[0]
	if direction == reassembly.TCPDirServerToClient {
		side = s.sides[1]
	}
	length, _ := data.Lengths()
	side.Bytes += int64(length)
	side.CRC = crc32.Update(side.CRC, crc32.IEEETable, data.Fetch(length))
	side.Gaps += int64(max(0, skipped))
}
