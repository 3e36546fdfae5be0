package decode

import (
	"encoding/binary"
	"math/bits"
)

// Link types of the LINKTYPE_ registry. Raw IP has several numbers, because
// files were written with the DLT_ values of various systems.
const (
	linkNull      = 0
	linkEthernet  = 1
	linkRawBSD    = 12
	linkRawOpen   = 14
	linkRaw       = 101
	linkLoop      = 108
	linkCooked    = 113
	linkIPv4      = 228
	linkIPv6      = 229
	linkCookedTwo = 276
)

const (
	nullLen      = 4
	ethernetLen  = 14
	vlanLen      = 4
	cookedLen    = 16
	cookedTwoLen = 20
)

// linkLayer reads the link type's own header. Ethernet's is left to the loop, since it occurs in tunnels, too.
func linkLayer(link uint32, p *packet) (protocol, Outcome) {
	switch link {
	case linkEthernet:
		return etherBridged, more
	case linkRaw, linkRawBSD, linkRawOpen:
		return rawIP(p)
	case linkIPv4:
		return etherIPv4, more
	case linkIPv6:
		return etherIPv6, more
	case linkNull, linkLoop:
		return null(p)
	case linkCooked:
		return cooked(p, cookedLen, 14)
	case linkCookedTwo:
		return cooked(p, cookedTwoLen, 0)
	}
	return 0, UnknownLink
}

// rawIP tells IPv4 from IPv6 by the version number.
func rawIP(p *packet) (protocol, Outcome) {
	if len(p.b) == 0 {
		return 0, Malformed
	}
	switch p.b[0] >> 4 {
	case 4:
		return etherIPv4, more
	case 6:
		return etherIPv6, more
	}
	return 0, Malformed
}

// null reads the address family before a loopback packet. It is in the byte order of
// the capturing host, which is not recorded; families are small, so the order shows.
func null(p *packet) (protocol, Outcome) {
	if len(p.b) < nullLen {
		return 0, Malformed
	}
	family := binary.BigEndian.Uint32(p.b)
	if family > 0xffff {
		family = bits.ReverseBytes32(family)
	}
	p.take(nullLen)
	switch family {
	case 2:
		return etherIPv4, more
	case 24, 28, 30, 10: // AF_INET6 of NetBSD and OpenBSD, FreeBSD, Darwin, Linux
		return etherIPv6, more
	}
	return 0, NotTCP
}

// cooked reads a header of n bytes with an EtherType at byte at.
func cooked(p *packet, n, at int) (protocol, Outcome) {
	if len(p.b) < n {
		return 0, Malformed
	}
	next := protocol(be16(p.b[at:]))
	p.take(n)
	return next, more
}

// ethernet reads an Ethernet header. A length in the type's place (802.3) is no
// known protocol, and so leads to NotTCP.
func ethernet(p *packet) (protocol, Outcome) {
	if len(p.b) < ethernetLen {
		return 0, Malformed
	}
	next := protocol(be16(p.b[12:]))
	p.take(ethernetLen)
	return next, more
}

// vlan reads one VLAN tag, whose own type was the last header's last field.
func vlan(p *packet) (protocol, Outcome) {
	if len(p.b) < vlanLen {
		return 0, Malformed
	}
	next := protocol(be16(p.b[2:]))
	p.take(vlanLen)
	return next, more
}
