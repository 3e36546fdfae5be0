// Package encaptest puts IP packets into every link type and tunnel that is
// followed, for tests. It shares no code with package decode.
package encaptest

import (
	"encoding/binary"
	"net"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Encapsulation is one way to carry an IP packet.
type Encapsulation struct {
	Name string
	Link uint32
	Only int // the IP version that it can carry, 0 for both

	// Wrap puts an IP packet into a frame. A Teredo tunnel carries only packets of an
	// address that begins with 2001:0:.
	Wrap func(ip []byte) []byte
}

// Carries reports whether the encapsulation is for IP of that version.
func (e *Encapsulation) Carries(version int) bool { return e.Only == 0 || e.Only == version }

// All returns every encapsulation.
func All() []Encapsulation {
	var all []Encapsulation
	for _, part := range [][]Encapsulation{plainLinks(), serialLinks(), wirelessLinks(), labels(), tunnels(), udpTunnels(), tags(), lines(), reserved(), wirelessTunnels()} {
		all = append(all, part...)
	}
	return all
}

// Nested returns the encapsulations of an IP packet in Ethernet within all that carry Ethernet
// frames.
func Nested() (all []Encapsulation) {
	for _, outer := range bridges() {
		for _, inner := range All() {
			if inner.Link != 1 {
				continue
			}
			all = append(all, Encapsulation{inner.Name + " in " + outer.name, outer.link, inner.Only, func(ip []byte) []byte {
				return outer.wrap(inner.Wrap(ip))
			}})
		}
	}
	return all
}

// bytesOf joins bytes and byte slices.
func bytesOf(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			out = append(out, byte(p))
		case byte:
			out = append(out, p)
		case string:
			out = append(out, p...)
		case []byte:
			out = append(out, p...)
		case net.HardwareAddr:
			out = append(out, p...)
		default:
			panic(p)
		}
	}
	return out
}

func big16(n int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func big32(n int) []byte    { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func little16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
func little32(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }
func zeros(n int) []byte    { return make([]byte, n) }

func isSix(ip []byte) bool { return ip[0]>>4 == 6 }

// pick returns what stands for the packet's IP version.
func pick(ip []byte, four, six int) int {
	if isSix(ip) {
		return six
	}
	return four
}

func etherType(ip []byte) int  { return pick(ip, 0x0800, 0x86dd) }
func ipProtocol(ip []byte) int { return pick(ip, 4, 41) }
func pppType(ip []byte) int    { return pick(ip, 0x0021, 0x0057) }

var mac = net.HardwareAddr{0x02, 0x00, 0x00, 0x00, 0x00, 0x01}

// ethernet returns an Ethernet frame without its check sequence.
func ethernet(kind int, payload []byte) []byte {
	return bytesOf(mac, mac, big16(kind), payload)
}

func snap(payload []byte) []byte {
	return bytesOf(0xaa, 0xaa, 3, 0, 0, 0, big16(etherType(payload)), payload)
}

// serialized has gopacket write the layers.
func serialized(payload []byte, all ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	all = append(all, gopacket.Payload(payload))
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Four puts a payload into an IPv4 packet between two routers.
func Four(protocol int, payload []byte) []byte {
	return serialized(payload, &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocol(protocol), SrcIP: net.IP{172, 16, 0, 1}, DstIP: net.IP{172, 16, 0, 2}})
}

// Six puts a payload into an IPv6 packet between two routers.
func Six(protocol int, payload []byte) []byte {
	return serialized(payload, &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: layers.IPProtocol(protocol),
		SrcIP: net.ParseIP("2001:db8:ffff::1"), DstIP: net.ParseIP("2001:db8:ffff::2")})
}

// udp puts a payload into a UDP datagram, without a checksum.
func udp(from, to int, payload []byte) []byte {
	return bytesOf(big16(from), big16(to), big16(8+len(payload)), 0, 0, payload)
}

// Fragments cuts an IP packet into fragments that carry size bytes, a multiple of 8, or less.
func Fragments(ip []byte, id, size int) (all [][]byte) {
	four := !isSix(ip)
	header := 40
	if four {
		header = int(ip[0]&0xf) * 4
	}
	payload := ip[header:]
	for at := 0; at < len(payload); at += size {
		part := payload[at:min(at+size, len(payload))]
		more := 0
		if at+size < len(payload) {
			more = 1
		}
		b := bytesOf(ip[:header])
		if four {
			copy(b[2:], bytesOf(big16(header+len(part)), big16(id), big16(more<<13|at/8)))
		} else {
			copy(b[4:], bytesOf(big16(8+len(part)), 44))
			b = bytesOf(b, ip[6], 0, big16(at|more), big32(id))
		}
		all = append(all, bytesOf(b, part))
	}
	return all
}

// OuterFragments cuts the outermost IP packet of an Ethernet frame, nil if there is none. What is
// behind the packet's own length is left out.
func OuterFragments(frame []byte, id, size int) (all [][]byte) {
	const header = 14
	if kind := int(frame[12])<<8 | int(frame[13]); kind != 0x0800 && kind != 0x86dd {
		return nil
	}
	ip := frame[header:]
	n := int(binary.BigEndian.Uint16(ip[2:]))
	if isSix(ip) {
		n = 40 + int(binary.BigEndian.Uint16(ip[4:]))
	}
	for _, b := range Fragments(ip[:n], id, size) {
		all = append(all, bytesOf(frame[:header], b))
	}
	return all
}
