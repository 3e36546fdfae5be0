package gofollow

// What lets several followers, on one machine or many, share a capture: keys by which its packets
// are distributed, and datagrams of fragments that are whole before.

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/fragment"
	"gofollow/gofollow/internal/memory"
)

// FlowKey names the connection that a frame belongs to without regard to direction, or the datagram
// that a fragment is a part of. It is the same wherever it is made, so that frames can be
// distributed by it. It is comparable.
//
// Of a connection, Low and High are the innermost addresses, the lower endpoint first. Of a
// fragment they are source and destination, and the ports hold the identification number.
type FlowKey struct {
	Low, High         [16]byte // in network order, IPv4 in the first 4 bytes
	LowPort, HighPort uint16
	Family            uint8 // 4 or 6, 0 with NoFlow
	Kind              FlowKind
	// Several says that the frame has other frames inside (802.11 A-MSDU), and the key is that of
	// the first one that has one.
	Several bool
	// Depth is how many IP headers are around that of a fragment: the fragments of a tunnel's
	// packets have to be put together before those of the packets in it.
	Depth      uint8
	Separation uint64 // a hash of what Separate counts; of a fragment, of all VLANs and tunnels around it
	// Hash is a number made of the other fields but Several and Depth, by which frames can be
	// distributed; 0 with NoFlow. Keys that agree in it by chance share a shard, which changes
	// nothing.
	Hash uint64
}

// FlowKind says what a FlowKey names.
type FlowKind uint8

const (
	NoFlow       FlowKind = iota // the frame has no TCP that is followed; the other fields are 0
	FlowTCP                      // a TCP connection
	FlowFragment                 // an IP datagram, of which the frame is a fragment
)

var flowKinds = [...]string{"none", "tcp", "fragment"}

func (k FlowKind) String() string { return name(flowKinds[:], int(k)) }

// FlowKeys makes the keys of frames. It keeps nothing of them. It is not safe for concurrent use.
type FlowKeys struct {
	decoder decode.Decoder
	seg     decode.Segment
}

// NewFlowKeys returns a FlowKeys for connections that are told apart as Config.Separate says.
func NewFlowKeys(separate Separate) *FlowKeys {
	return &FlowKeys{decoder: decode.Decoder{Separate: separate.table(), KeysOnly: true}}
}

// Of returns the key of a frame. Its time does not count.
func (k *FlowKeys) Of(p *Packet) FlowKey {
	wireLen := p.WireLen
	if wireLen < len(p.Data) || wireLen > MaxPacket {
		wireLen = len(p.Data)
	}
	key := flowKey(&k.decoder, &k.seg, k.decoder.Decode(uint32(p.LinkType), p.Data, wireLen, &k.seg))
	for k.decoder.More() {
		if next := flowKey(&k.decoder, &k.seg, k.decoder.Next(&k.seg)); key.Kind == NoFlow {
			key = next
		}
		key.Several = true
	}
	if key.Kind == NoFlow {
		return FlowKey{}
	}
	return key
}

// flowKey returns the key of what was decoded last.
func flowKey(d *decode.Decoder, seg *decode.Segment, outcome decode.Outcome) FlowKey {
	switch outcome {
	case decode.TCP, decode.BadChecksum:
		var f flow.Key
		f.Set(seg)
		key := FlowKey{LowPort: f.Port(0), HighPort: f.Port(1), Kind: FlowTCP}
		key.setAddrs(f.Low, f.High, seg.IPv6)
		if layers := d.Separate.Layers(seg.Separation); layers != "" {
			h := fnv.New64a()
			h.Write([]byte(layers))
			key.Separation = h.Sum64()
		}
		key.hash()
		return key
	case decode.Fragment:
		key := fragmentKey(&d.LastFragment)
		key.Depth = d.Depth
		return key
	}
	return FlowKey{}
}

// fragmentKey returns the key of a fragment, but for its depth.
func fragmentKey(f *fragment.Key) FlowKey {
	key := FlowKey{LowPort: uint16(f.ID >> 16), HighPort: uint16(f.ID), Kind: FlowFragment}
	key.setAddrs(decode.Addr{Hi: f.Src[0], Lo: f.Src[1]}, decode.Addr{Hi: f.Dst[0], Lo: f.Dst[1]}, f.IPv6)
	h := fnv.New64a()
	h.Write(append(binary.BigEndian.AppendUint64(nil, f.Path), f.Protocol))
	key.Separation = h.Sum64()
	key.hash()
	return key
}

// hash sets Hash by an FNV-1a hash of words with a final mix, which is the same everywhere.
func (key *FlowKey) hash() {
	const start, prime = 14695981039346656037, 1099511628211
	x := uint64(start)
	for _, w := range [...]uint64{
		binary.BigEndian.Uint64(key.Low[:]), binary.BigEndian.Uint64(key.Low[8:]),
		binary.BigEndian.Uint64(key.High[:]), binary.BigEndian.Uint64(key.High[8:]),
		uint64(key.LowPort)<<32 | uint64(key.HighPort)<<16 | uint64(key.Family)<<8 | uint64(key.Kind), key.Separation,
	} {
		x = (x ^ w) * prime
		x ^= x >> 32
	}
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	key.Hash = max(1, x^x>>33)
}

func (key *FlowKey) setAddrs(low, high decode.Addr, ipv6 bool) {
	if !ipv6 {
		key.Family = 4
		binary.BigEndian.PutUint32(key.Low[:], uint32(low.Lo))
		binary.BigEndian.PutUint32(key.High[:], uint32(high.Lo))
		return
	}
	key.Family = 6
	binary.BigEndian.PutUint64(key.Low[:], low.Hi)
	binary.BigEndian.PutUint64(key.Low[8:], low.Lo)
	binary.BigEndian.PutUint64(key.High[:], high.Hi)
	binary.BigEndian.PutUint64(key.High[8:], high.Lo)
}

// LinkDatagram is the link type of what Defragment makes: a whole IP datagram, and what the layers
// around its fragments left behind (VLANs, tunnels). It is not a number of the registry.
const LinkDatagram LinkType = decode.LinkDatagram

// Defragment takes a packet that FlowKeys calls a fragment and returns the datagram that is whole
// by it, if one is: a packet of LinkDatagram with the time of the one that completed it, which is
// followed, and has a flow key, as the fragments in its place. That key may be a fragment's again,
// of a datagram within a tunnel: begin with the fragments whose FlowKey.Depth is lowest, and let
// the others pass. A packet that is not a fragment comes back as it is. Of a frame with several
// frames inside, several datagrams may be whole.
//
// A follower that defragments follows nothing: use another one for what comes out. Time-outs,
// limits and counters (Stats.Datagrams, FragmentsExpired, FragmentsDropped) are those of a
// follower, and Flush drops what is not whole. The packets that are returned, but for one that is
// not a fragment, do not share memory with p.
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

// pass makes the PacketRead event of a packet.
func (f *Follower) pass(link uint32, data []byte, wireLen int, src *memory.Block) {
	d := &f.decoder
	d.Fragmented = 0
	content, key := PacketOther, FlowKey{}
	for outcome := d.Decode(link, data, wireLen, &f.seg); ; outcome = d.Next(&f.seg) {
		if content == PacketOther { // of several packets in a frame the first that has a key counts
			key = flowKey(d, &f.seg, outcome)
			content = contents[key.Kind]
		}
		if !d.More() {
			break
		}
	}
	first := uint64(0)
	if d.Fragmented > 0 {
		first = fragmentKey(&d.FirstFragment).Hash
	}
	copied := src == nil
	if copied {
		data, src = f.arena.Copy(data)
	}
	e := f.queue.push(PacketRead, nil, f.cause)
	e.Content, e.Offset, e.Length, e.Bytes = content, int64(link), int64(wireLen), data
	e.CapturedAt, e.CapturedIn = int64(key.Hash), first
	f.queue.keep(src)
	f.queue.bytes += int64(len(data))
	if copied {
		f.blocks.Release(src)
	}
}

var contents = [...]PacketContent{NoFlow: PacketOther, FlowTCP: PacketTCP, FlowFragment: PacketFragment}
