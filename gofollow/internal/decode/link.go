package decode

import (
	"encoding/binary"
	"math/bits"
)

// Link types of the LINKTYPE_ registry. Raw IP has several numbers, because
// files were written with the DLT_ values of various systems.
const (
	linkNull         = 0
	linkEthernet     = 1
	linkPPP          = 9
	linkFDDI         = 10
	linkRawBSD       = 12
	linkRawOpen      = 14
	linkPPPHDLC      = 50
	linkPPPoE        = 51
	linkATM          = 100 // RFC 1483, with LLC
	linkRaw          = 101
	linkCiscoHDLC    = 104
	linkWiFi         = 105
	linkFrameRelay   = 107
	linkLoop         = 108
	linkENC          = 109 // OpenBSD's IPsec
	linkCooked       = 113
	linkPFLog        = 117
	linkPrism        = 119
	linkIPoverFC     = 122 // RFC 2625
	linkRadiotap     = 127
	linkTZSP         = 128
	linkFireWire     = 138 // Darwin's IP over IEEE 1394
	linkAVS          = 163
	linkPPPD         = 166
	linkPPI          = 192
	linkRelayDir     = 206
	linkPPPDirection = 204
	linkHDLCDir      = 205
	linkMPLS         = 219
	linkIPNet        = 226 // Solaris'
	linkIPv4         = 228
	linkIPv6         = 229
	linkNFLog        = 239
	linkIPoIB        = 242
	linkExported     = 252 // Wireshark's upper PDUs
	linkPKTAP        = 258
	linkCookedTwo    = 276
	linkBroadcom     = 281 // tags of switches, within or in front of the Ethernet header
	linkBroadcomPre  = 282
	linkDSA          = 284
	linkEDSA         = 285

	linkJuniperPPPoE    = 167
	linkJuniperPPPoEATM = 168
	linkJuniperEthernet = 178
	linkJuniperPPP      = 179
	linkJuniperRelay    = 180
	linkJuniperHDLC     = 181

	linkRest = 1<<32 - 1 // no number of the registry: what is left of the last frame
)

const (
	nullLen     = 4
	encLen      = 12 // address family, security parameter index, flags
	ethernetLen = 14
	vlanLen     = 4
	addressLen  = 12 // the two addresses of an Ethernet header
	fddiLen     = 13
	ipoibLen    = 44 // a global routing header, then EtherType and two bytes
)

// linkLayer reads the header of the link type. The loop reads that of Ethernet, which also occurs
// in tunnels.
func (d *Decoder) linkLayer(link uint32, p *packet) (protocol, Outcome) {
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
		return null(p, nullLen)
	case linkENC:
		return null(p, encLen)
	case linkCooked:
		return d.cooked(p)
	case linkCookedTwo:
		return d.cookedTwo(p)
	case linkMPLS:
		return etherMPLS, more
	case linkATM:
		return d.llc(p)
	case linkFDDI:
		return d.fddi(p)
	case linkPFLog:
		return pflog(p)
	case linkNFLog:
		return nflog(p)
	case linkIPoIB:
		return etherType(p, ipoibLen, 40)
	case linkPPP, linkPPPHDLC, linkPPPoE, linkCiscoHDLC, linkPPPD, linkPPPDirection, linkHDLCDir:
		return serial(link, p)
	case linkWiFi, linkPrism, linkRadiotap, linkAVS, linkPPI:
		return d.wireless(link, p)
	case linkFrameRelay:
		return frameRelay(p)
	case linkRelayDir:
		if next, outcome := skip(p, 1, 0); outcome != more {
			return next, outcome
		}
		return frameRelay(p)
	case linkJuniperPPPoE, linkJuniperPPPoEATM, linkJuniperEthernet, linkJuniperPPP, linkJuniperRelay, linkJuniperHDLC:
		return juniper(link, p)
	case linkIPoverFC: // two addresses of eight bytes
		if next, outcome := skip(p, 16, 0); outcome != more {
			return next, outcome
		}
		return d.llc(p)
	case linkFireWire: // the same
		return etherType(p, 18, 16)
	case linkTZSP:
		if next := d.tzsp(p); next != noTunnel {
			return next, more
		}
		return 0, Malformed
	case linkIPNet:
		return ipNet(p)
	case linkExported:
		return exportedPDU(p)
	case linkPKTAP:
		return packetTap(p)
	case linkBroadcom:
		return etherType(p, addressLen+6, addressLen+4)
	case linkBroadcomPre:
		return skip(p, 4, etherBridged)
	case linkDSA:
		return switchTag(p, addressLen)
	case linkEDSA:
		return etherBridged, more
	case LinkDatagram:
		return d.datagram(p)
	case linkRest:
		if len(d.rest) == 0 {
			return 0, Malformed
		}
		last := len(d.rest) - 1
		*p, d.rest = d.rest[last], d.rest[:last]
		return d.subframe(p)
	}
	return linkType | protocol(link), UnknownLink
}

// rawIP distinguishes IPv4 and IPv6 by the version number.
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

// null reads a header of n bytes that begins with the address family. It is in the byte order of
// the capturing host, which is not recorded; families are small, so the order shows.
func null(p *packet, n int) (protocol, Outcome) {
	if len(p.b) < n {
		return 0, Malformed
	}
	af := binary.BigEndian.Uint32(p.b)
	if af > 0xffff {
		af = bits.ReverseBytes32(af)
	}
	p.take(n)
	return inFamily(af)
}

// inFamily maps the address families of various systems.
func inFamily(n uint32) (protocol, Outcome) {
	switch n {
	case 2:
		return etherIPv4, more
	case 24, 28, 30, 10, 23: // AF_INET6 of NetBSD and OpenBSD, FreeBSD, Darwin, Linux, Windows
		return etherIPv6, more
	}
	return family | protocol(n&0xffff), NotTCP
}

// ARPHRD_ values, which say what interface a cooked packet was captured on.
const (
	hardwareWiFi     = 801
	hardwarePrism    = 802
	hardwareRadiotap = 803
	hardwareNetlink  = 824
)

// cookedLLC stands in the place of an EtherType before an IEEE 802.2 header.
const cookedLLC = 4

// cooked reads the header of LINKTYPE_LINUX_SLL.
func (d *Decoder) cooked(p *packet) (protocol, Outcome) {
	const n = 16
	if len(p.b) < n {
		return 0, Malformed
	}
	hardware, next := be16(p.b[2:]), protocol(be16(p.b[14:]))
	p.take(n)
	return d.cookedPayload(hardware, next, p)
}

// cookedTwo reads the header of LINKTYPE_LINUX_SLL2.
func (d *Decoder) cookedTwo(p *packet) (protocol, Outcome) {
	const n = 20
	if len(p.b) < n {
		return 0, Malformed
	}
	next, hardware := protocol(be16(p.b)), be16(p.b[8:])
	p.take(n)
	return d.cookedPayload(hardware, next, p)
}

// cookedPayload returns the protocol that follows. On some interfaces the protocol field is not an
// EtherType.
func (d *Decoder) cookedPayload(hardware uint16, next protocol, p *packet) (protocol, Outcome) {
	switch {
	case hardware == hardwareNetlink:
		return otherNetlink, NotTCP
	case hardware == hardwareRadiotap:
		return d.wireless(linkRadiotap, p)
	case hardware == hardwarePrism:
		return d.wireless(linkPrism, p)
	case hardware == hardwareWiFi:
		return d.wireless(linkWiFi, p)
	case next == cookedLLC:
		return d.llc(p)
	case next < firstEtherType:
		return cookedSort | next, NotTCP
	}
	return next, more
}

// etherType reads a header of n bytes with an EtherType at byte at.
func etherType(p *packet, n, at int) (protocol, Outcome) {
	if len(p.b) < n {
		return 0, Malformed
	}
	next := protocol(be16(p.b[at:]))
	p.take(n)
	return next, more
}

// ethernet reads an Ethernet header. Its type field may be a length (802.3); the loop distinguishes
// the two if it finds no layer for the value.
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
	p.enterVLAN(be16(p.b) & 0xfff)
	next := protocol(be16(p.b[2:]))
	p.take(vlanLen)
	return next, more
}

// fddi reads an FDDI header (ISO 9314-2): frame control, of which only LLC frames matter, and two
// addresses.
func (d *Decoder) fddi(p *packet) (protocol, Outcome) {
	if len(p.b) < fddiLen {
		return 0, Malformed
	}
	if p.b[0]&0xf8 != 0x50 {
		return otherFDDI, NotTCP
	}
	p.take(fddiLen)
	return d.llc(p)
}

// pflog reads what BSD's packet filter logs before a packet: its length without the padding to a
// multiple of 4, and the address family. gopacket rejects the lengths that current OpenBSD writes.
func pflog(p *packet) (protocol, Outcome) {
	if len(p.b) < 2 {
		return 0, Malformed
	}
	n, af := (int(p.b[0])+3)&^3, uint32(p.b[1])
	if n < 4 || n > len(p.b) {
		return 0, Malformed
	}
	p.take(n)
	return inFamily(af)
}

// nflog reads the attributes of a packet that Linux' netfilter logged: a length and a type each, in
// the byte order of the capturing host. One of them is the packet. Types are small, so the order
// shows.
func nflog(p *packet) (protocol, Outcome) {
	const (
		header    = 4 // address family, version, resource
		attribute = 4
		payload   = 9
	)
	if len(p.b) < header {
		return 0, Malformed
	}
	af := uint32(p.b[0])
	p.take(header)
	for len(p.b) >= attribute {
		n, kind := binary.LittleEndian.Uint16(p.b), binary.LittleEndian.Uint16(p.b[2:])
		if kind&0xff == 0 {
			n, kind = bits.ReverseBytes16(n), bits.ReverseBytes16(kind)
		}
		size := int(n)
		if kind&0x7fff == payload {
			if size < attribute {
				return 0, Malformed
			}
			p.bound(size)
			p.take(attribute)
			return inFamily(af)
		}
		size = (max(size, attribute) + 3) &^ 3
		if size > len(p.b) {
			break
		}
		p.take(size)
	}
	return 0, Malformed
}
