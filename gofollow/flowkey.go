package gofollow

import (
	"encoding/binary"
	"hash/fnv"

	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/flow"
	"gofollow/gofollow/internal/fragment"
)

// FlowKey names the connection that a frame belongs to without regard to direction, or the datagram
// that a fragment is a part of. It is the same wherever it is made, so that frames can be
// distributed by it. It is comparable.
//
// Of a connection, Low and High are the innermost addresses, the lower endpoint first. Of a fragment
// they are source and destination, and the ports hold the identification number.
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
	// distributed; 0 with NoFlow. Keys that agree in it by chance share a shard, which changes nothing.
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
