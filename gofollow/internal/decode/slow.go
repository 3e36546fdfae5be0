package decode

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// greLayer reads a GRE header, version 0 (RFC 2784, RFC 2890). Its protocol is an EtherType.
func (d *Decoder) greLayer(p *packet) (protocol, Outcome) {
	n, next, outcome := d.greHeader(p.b)
	if outcome != more {
		return 0, outcome
	}
	p.take(n)
	return next, more
}

// greHeader has gopacket measure a GRE header. gopacket indexes without
// looking at the length, so its panic means that the header is cut.
func (d *Decoder) greHeader(b []byte) (n int, next protocol, outcome Outcome) {
	defer func() {
		if recover() != nil {
			outcome = Malformed
		}
		d.gre = layers.GRE{} // the caller's frame must not be kept
	}()
	// The capacity is cut, since slicing up to it would not panic.
	if err := d.gre.DecodeFromBytes(b[:len(b):len(b)], gopacket.NilDecodeFeedback); err != nil {
		return 0, 0, Malformed
	}
	if d.gre.Version != 0 {
		return 0, 0, NotTCP
	}
	return len(d.gre.Contents), protocol(d.gre.Protocol), more
}
