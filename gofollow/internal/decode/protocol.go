package decode

import (
	"fmt"

	"github.com/google/gopacket/layers"
)

// protocol says what comes next: the kind of number in the upper half, the number
// in the lower one. EtherTypes are kind 0, link types have the top bit set.
type protocol uint32

const (
	ipProtocol  protocol = 1 << 16 // protocol numbers of IP
	pppProtocol protocol = 2 << 16 // PPP's
	llcProtocol protocol = 3 << 16 // destination and source SAP of IEEE 802.2
	family      protocol = 4 << 16 // address families
	cookedSort  protocol = 5 << 16 // what Linux cooked captures have below the EtherTypes
	other       protocol = 6 << 16 // indexes of otherNames
	linkType    protocol = 1 << 31
)

const (
	etherIPv4          protocol = 0x0800
	etherIPv6          protocol = 0x86dd
	etherVLAN          protocol = 0x8100
	etherProviderVLAN  protocol = 0x88a8
	etherOldVLAN       protocol = 0x9100
	etherOldVLAN2      protocol = 0x9200
	etherBridged       protocol = 0x6558 // an Ethernet frame, FCS left out
	etherPPP           protocol = 0x880b
	etherMPLS          protocol = 0x8847
	etherMPLSMulticast protocol = 0x8848
	etherPPPoE         protocol = 0x8864
	etherBackbone      protocol = 0x88e7 // IEEE 802.1ah
	etherERSPAN        protocol = 0x88be // types I and II
	etherERSPAN3       protocol = 0x22eb
	etherWCCP          protocol = 0x883e
	firstEtherType     protocol = 0x0600 // what is below is a length (IEEE 802.3, 3.2.6)

	protoHopByHop       = ipProtocol + 0
	protoIPv4           = ipProtocol + 4
	protoTCP            = ipProtocol + 6
	protoUDP            = ipProtocol + 17
	protoIPv6           = ipProtocol + 41
	protoRouting        = ipProtocol + 43
	protoFragment       = ipProtocol + 44
	protoGRE            = ipProtocol + 47
	protoAuthentication = ipProtocol + 51
	protoDestination    = ipProtocol + 60
	protoEtherIP        = ipProtocol + 97
	protoL2TP           = ipProtocol + 115
	protoMPLS           = ipProtocol + 137
)

const (
	fragmentIPv4 = other + iota // an IPv4 packet again, as a fragment
	otherMPLS
	otherGRE
	otherPPPoE
	otherWiFi
	otherWiFiNoData
	otherWiFiEncrypted
	otherWiFiFragment
	otherWiFiDamaged
	otherNetlink
	otherERSPAN
	otherFDDI
	otherExtension
	otherRest
)

// Counts counts packets by what a Decoder Stopped at, up to maxCounts different things by
// their own names and the others together.
type Counts map[uint32]uint64

// maxCounts bounds Counts. Ordinary captures have a dozen; garbage has any number.
const maxCounts = 256

// Add counts a packet. The nil map is ready for the first.
func (n *Counts) Add(stopped uint32) {
	if *n == nil {
		*n = Counts{}
	}
	if _, known := (*n)[stopped]; !known && len(*n) >= maxCounts {
		stopped = uint32(otherRest)
	}
	(*n)[stopped]++
}

// IsLinkType tells whether a Decoder Stopped at the link type of a frame.
func IsLinkType(stopped uint32) bool { return protocol(stopped)&linkType != 0 }

var otherNames = [...]string{
	"IPv4 fragment",
	"MPLS payload that is neither IP nor Ethernet",
	"GRE of an unknown version",
	"PPPoE discovery",
	"802.11 management or control",
	"802.11 without data",
	"802.11 encrypted",
	"802.11 fragment",
	"802.11 with a wrong check sequence",
	"Linux netlink",
	"ERSPAN of an unknown version or content",
	"FDDI other than LLC",
	"IPv4 with an extension header of IPv6",
	"others",
}

// linkNames are link types that are not followed, by their names in the LINKTYPE_
// registry (draft-ietf-opsawg-pcaplinktype).
var linkNames = map[uint32]string{
	2: "EXP_ETHERNET", 3: "AX25", 4: "PRONET", 5: "CHAOS", 6: "IEEE802_5", 7: "ARCNET_BSD", 8: "SLIP", 99: "SYMANTEC_FIREWALL",
	106: "ATM_CLIP", 107: "FRELAY", 109: "ENC", 114: "LTALK", 118: "CISCO_IOS", 121: "HHDLC", 122: "IP_OVER_FC", 123: "SUNATM", 128: "TZSP",
	129: "ARCNET_LINUX", 130: "JUNIPER_MLPPP", 131: "JUNIPER_MLFR", 133: "JUNIPER_GGSN", 135: "JUNIPER_ATM2", 136: "JUNIPER_SERVICES",
	137: "JUNIPER_ATM1", 138: "APPLE_IP_OVER_IEEE1394", 139: "MTP2_WITH_PHDR", 140: "MTP2", 141: "MTP3", 142: "SCCP", 143: "DOCSIS",
	144: "LINUX_IRDA", 165: "BACNET_MS_TP", 167: "JUNIPER_PPPOE", 169: "GPRS_LLC", 170: "GPF_T", 177: "LINUX_LAPD", 178: "JUNIPER_ETHER",
	179: "JUNIPER_PPP", 180: "JUNIPER_FRELAY", 181: "JUNIPER_CHDLC", 182: "MFR", 186: "USB_FREEBSD", 187: "BLUETOOTH_HCI_H4",
	188: "IEEE802_16_MAC_CPS", 189: "USB_LINUX", 190: "CAN20B", 195: "IEEE802_15_4_WITHFCS", 196: "SITA", 197: "ERF",
	201: "BLUETOOTH_HCI_H4_WITH_PHDR", 202: "AX25_KISS", 203: "LAPD", 206: "FRELAY_WITH_DIR", 207: "LAPB_WITH_DIR", 209: "IPMB_LINUX",
	210: "FLEXRAY", 217: "GSMTAP_UM", 218: "GSMTAP_ABIS", 220: "USB_LINUX_MMAPPED", 221: "DECT", 224: "FC_2", 225: "FC_2_WITH_FRAME_DELIMS",
	226: "IPNET", 227: "CAN_SOCKETCAN", 230: "IEEE802_15_4_NOFCS", 231: "DBUS", 235: "DVB_CI", 240: "NETANALYZER",
	241: "NETANALYZER_TRANSPARENT", 243: "MPEG_2_TS", 245: "NFC_LLCP", 247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP", 251: "BLUETOOTH_LE_LL",
	252: "WIRESHARK_UPPER_PDU", 253: "NETLINK", 254: "BLUETOOTH_LINUX_MONITOR", 255: "BLUETOOTH_BREDR_BB", 256: "BLUETOOTH_LE_LL_WITH_PHDR",
	257: "PROFIBUS_DL", 258: "PKTAP", 259: "EPON", 264: "ISO_14443", 265: "RDS", 266: "USB_DARWIN", 267: "OPENFLOW", 268: "SDLC",
	270: "LORATAP", 271: "VSOCK", 272: "NORDIC_BLE", 273: "DOCSIS31_XRA31", 274: "ETHERNET_MPACKET", 280: "VPP_DISPATCH", 281: "DSA_TAG_BRCM",
	282: "DSA_TAG_BRCM_PREPEND", 283: "IEEE802_15_4_TAP", 284: "DSA_TAG_DSA", 285: "DSA_TAG_EDSA", 286: "ELEE", 288: "USB_2_0",
	289: "ATSC_ALP",
}

// Name says in words what a Decoder Stopped at.
func Name(stopped uint32) string {
	p := protocol(stopped)
	n := stopped & 0xffff
	if p&linkType != 0 {
		n = stopped &^ uint32(linkType)
		if name := linkNames[n]; name != "" {
			return fmt.Sprintf("link type %d, %s", n, name)
		}
		return fmt.Sprintf("link type %d", n)
	}
	switch p &^ 0xffff {
	case 0:
		return named(layers.EthernetType(n).String(), "EtherType 0x%04x", n)
	case ipProtocol:
		return named(layers.IPProtocol(n).String(), "IP protocol %d", n)
	case pppProtocol:
		return fmt.Sprintf("PPP protocol 0x%04x", n)
	case llcProtocol:
		if n == 0xaaaa {
			return "LLC, SNAP of a vendor"
		}
		return fmt.Sprintf("LLC, service access points 0x%02x and 0x%02x", n>>8, n&0xff)
	case family:
		return fmt.Sprintf("address family %d", n)
	case cookedSort:
		return fmt.Sprintf("Linux cooked, protocol 0x%04x", n)
	}
	if int(n) < len(otherNames) {
		return otherNames[n]
	}
	return "unknown"
}

// named returns gopacket's name, or the number where gopacket has none.
func named(name, format string, n uint32) string {
	if len(name) >= 7 && name[:7] == "Unknown" {
		return fmt.Sprintf(format, n)
	}
	return name
}
