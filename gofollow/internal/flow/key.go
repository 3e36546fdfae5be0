// Package flow finds connections by the addresses and ports of their segments.
package flow

import (
	"encoding/binary"
	"net/netip"

	"gofollow/gofollow/internal/decode"
)

// Key identifies the two ends of a connection without regard to direction: the lower endpoint
// comes first.
type Key struct {
	Low, High decode.Addr

	// Ports holds the lower endpoint's port in bits 16 to 31, the higher one's in 0 to 15, and
	// above them whether the addresses are IPv6 (keyIPv6) and the number of the separation.
	Ports uint64
}

const (
	keyIPv6       = 1 << 32
	keySeparation = 33 // the lowest bit of the separation
)

// Side is one end of a Key: 0 the lower, 1 the higher.
type Side uint8

// Set makes k the key of a segment and returns which end of it is the sender.
func (k *Key) Set(s *decode.Segment) (from Side) {
	if s.IPv6 {
		return k.setIPv6(s)
	}
	// Which end is lower is as good as random: no branch may depend on it.
	src, dst := s.Src.Lo<<16|uint64(s.SrcPort), s.Dst.Lo<<16|uint64(s.DstPort)
	low, high := min(src, dst), max(src, dst)
	k.Low.Hi, k.Low.Lo = 0, low>>16
	k.High.Hi, k.High.Lo = 0, high>>16
	k.Ports = low&0xffff<<16 | high&0xffff | uint64(s.Separation)<<keySeparation
	if src > dst {
		from = 1
	}
	return from
}

func (k *Key) setIPv6(s *decode.Segment) Side {
	above := keyIPv6 | uint64(s.Separation)<<keySeparation
	if s.Src.Less(s.Dst) || (s.Src == s.Dst && s.SrcPort <= s.DstPort) {
		*k = Key{s.Src, s.Dst, above | uint64(s.SrcPort)<<16 | uint64(s.DstPort)}
		return 0
	}
	*k = Key{s.Dst, s.Src, above | uint64(s.DstPort)<<16 | uint64(s.SrcPort)}
	return 1
}

// Separation returns the number of the network of both ends, 0 for none (Config.Separate).
func (k *Key) Separation() uint32 { return uint32(k.Ports >> keySeparation) }

// Port returns the port of one end.
func (k *Key) Port(end Side) uint16 {
	if end == 0 {
		return uint16(k.Ports >> 16)
	}
	return uint16(k.Ports)
}

// Endpoint returns address and port of one end.
func (k *Key) Endpoint(end Side) netip.AddrPort {
	addr := k.Low
	if end == 1 {
		addr = k.High
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], addr.Hi)
	binary.BigEndian.PutUint64(b[8:], addr.Lo)
	if k.Ports&keyIPv6 == 0 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), k.Port(end))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(b), k.Port(end))
}

// Loops reports whether both ends are the same. Such segments make one direction.
func (k *Key) Loops() bool { return k.Low == k.High && k.Port(0) == k.Port(1) }

// Is reports whether two keys are the same.
func (k *Key) Is(o *Key) bool {
	return (k.Low.Lo^o.Low.Lo)|(k.High.Lo^o.High.Lo)|(k.Ports^o.Ports)|(k.Low.Hi^o.Low.Hi)|(k.High.Hi^o.High.Hi) == 0
}
