package gofollow

import (
	"bytes"

	"gofollow/gofollow/internal/decode"
)

// LinkDatagram is the link type of what Defragment makes: a whole IP datagram, and what the layers
// around its fragments left behind (VLANs, tunnels). It is no number of the registry.
const LinkDatagram LinkType = decode.LinkDatagram

// Defragment takes a packet that FlowKeys calls a fragment and returns the datagram that is whole by
// it, if one is: a packet of LinkDatagram with the time of the one that completed it, which is
// followed, and has a flow key, as the fragments in its place. That key may be a fragment's again, of a
// datagram within a tunnel: begin with the fragments whose FlowKey.Depth is lowest, and let the others
// pass. A packet that is no fragment comes back as it is. Of a frame with several
// frames inside, several datagrams may be whole.
//
// A follower that defragments follows nothing: use another one for what comes out. Time-outs, limits
// and counters (Stats.Datagrams, FragmentsExpired, FragmentsDropped) are those of a follower, and
// Flush drops what is not whole. The packets that are returned, but for one that is no fragment, do
// not share memory with p.
func (f *Follower) Defragment(p *Packet) ([]Packet, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	if len(p.Data) > MaxPacket {
		return nil, ErrPacketTooLarge
	}
	f.stats.Packets++
	f.stats.Bytes += uint64(len(p.Data))
	if p.Time != NoTime && f.takeStamp(p.Time) {
		f.sweep()
	}
	f.decoder.Now = f.clock.Now
	wireLen := p.WireLen
	if wireLen < len(p.Data) || wireLen > MaxPacket {
		wireLen = len(p.Data)
	}
	f.decoder.Defragment = true
	defer func() { f.decoder.Defragment = false }()
	var out []Packet
	plain := false
	for outcome := f.decoder.Decode(uint32(p.LinkType), p.Data, wireLen, &f.seg); ; outcome = f.decoder.Next(&f.seg) {
		switch outcome {
		case decode.Whole:
			out = append(out, Packet{LinkType: LinkDatagram, Time: p.Time, Data: bytes.Clone(f.decoder.Whole), WireLen: f.decoder.WholeWire})
		case decode.Fragment:
			f.stats.Fragments++
		default:
			plain = true
		}
		if !f.decoder.More() {
			break
		}
	}
	if plain {
		out = append(out, *p)
	}
	return out, nil
}
