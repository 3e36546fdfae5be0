package decode

// protocol identifies what comes next: the kind of number in the upper half, the number
// in the lower one. EtherTypes are kind 0, link types have the top bit set.
type protocol uint32

const (
	ipProtocol  protocol = 1 << 16 // protocol numbers of IP
	pppProtocol protocol = 2 << 16 // PPP's
	llcProtocol protocol = 3 << 16 // destination and source SAP of IEEE 802.2
	family      protocol = 4 << 16 // address families
	cookedSort  protocol = 5 << 16 // what Linux cooked captures have below the EtherTypes
	other       protocol = 6 << 16 // indexes of otherNames
	udpPort     protocol = 7 << 16 // ports of tunnels whose packets cannot be read
	linkType    protocol = 1 << 31
)

const (
	etherIPv4          protocol = 0x0800
	etherIPv6          protocol = 0x86dd
	etherVLAN          protocol = 0x8100
	etherProviderVLAN  protocol = 0x88a8
	etherOldVLAN       protocol = 0x9100
	etherOldVLAN2      protocol = 0x9200
	etherOldVLAN3      protocol = 0x9300
	etherOldVLAN4      protocol = 0x8200
	etherBridged       protocol = 0x6558 // an Ethernet frame, FCS left out
	etherPPP           protocol = 0x880b
	etherMPLS          protocol = 0x8847
	etherMPLSMulticast protocol = 0x8848
	etherPPPoE         protocol = 0x8864
	etherBackbone      protocol = 0x88e7 // IEEE 802.1ah
	etherERSPAN        protocol = 0x88be // types I and II
	etherERSPAN3       protocol = 0x22eb
	etherWCCP          protocol = 0x883e
	etherEoIP          protocol = 0x6400 // MikroTik's, in GRE only
	etherFrameRelay    protocol = 0x6559 // in GRE only
	arubaFirst         protocol = 0x8200 // Aruba's 802.11 frames, every 16th number, in GRE only
	arubaLast          protocol = 0x8370
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
	protoEthernet       = ipProtocol + 143 // RFC 8986, section 10.1
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
	otherMACsec
	otherFrameRelay
	otherExported
	otherPacketTap
	otherCAPWAP
	otherCAPWAPFragment
	otherLISP
)

// Counts counts packets by the layer at which a Decoder Stopped: up to maxCounts layers by their
// own names, and the others together.
type Counts map[uint32]uint64

// maxCounts bounds Counts. Ordinary captures have about a dozen; random bytes have any number.
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

// IsLinkType reports whether a Decoder Stopped at the link type of a frame.
func IsLinkType(stopped uint32) bool { return protocol(stopped)&linkType != 0 }
