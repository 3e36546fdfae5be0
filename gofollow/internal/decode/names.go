package decode

import "fmt"

// Name returns the name of what a Decoder Stopped at.
func Name(stopped uint32) string {
	p := protocol(stopped)
	n := stopped & 0xffff
	if p&linkType != 0 {
		return numbered("link type %d", linkNames, stopped&^uint32(linkType))
	}
	switch p &^ 0xffff {
	case 0:
		return named(etherNames, "EtherType 0x%04x", n)
	case ipProtocol:
		return named(ipNames, "IP protocol %d", n)
	case pppProtocol:
		return numbered("PPP protocol 0x%04x", pppNames, n)
	case llcProtocol:
		if n == 0xaaaa {
			return "LLC, SNAP of a vendor"
		}
		return fmt.Sprintf("LLC, service access points 0x%02x and 0x%02x", n>>8, n&0xff)
	case family:
		return fmt.Sprintf("address family %d", n)
	case cookedSort:
		return fmt.Sprintf("Linux cooked, protocol 0x%04x", n)
	case udpPort:
		return numbered("UDP port %d", udpNames, n)
	}
	if int(n) < len(otherNames) {
		return otherNames[n]
	}
	return "unknown"
}

// named returns the name of a number, or the number where it has none.
func named(names map[uint32]string, format string, n uint32) string {
	if name := names[n]; name != "" {
		return name
	}
	return fmt.Sprintf(format, n)
}

// numbered returns a number and, where it has one, its name.
func numbered(format string, names map[uint32]string, n uint32) string {
	text := fmt.Sprintf(format, n)
	if name := names[n]; name != "" {
		text += ", " + name
	}
	return text
}

// otherNames are the names of what has no number elsewhere.
var otherNames = [...]string{
	fragmentIPv4 - other:        "IPv4 fragment",
	otherMPLS - other:           "MPLS payload that is neither IP nor Ethernet",
	otherGRE - other:            "GRE of an unknown version",
	otherPPPoE - other:          "PPPoE discovery",
	otherWiFi - other:           "802.11 management or control",
	otherWiFiNoData - other:     "802.11 without data",
	otherWiFiEncrypted - other:  "802.11 (encrypted)",
	otherWiFiFragment - other:   "802.11 fragment",
	otherWiFiDamaged - other:    "802.11 with a wrong check sequence",
	otherNetlink - other:        "Linux netlink",
	otherERSPAN - other:         "ERSPAN of an unknown version or content",
	otherFDDI - other:           "FDDI other than LLC",
	otherExtension - other:      "IPv4 with an extension header of IPv6",
	otherRest - other:           "others",
	otherMACsec - other:         "MACsec (encrypted)",
	otherFrameRelay - other:     "frame relay other than IP, PPP or Ethernet",
	otherExported - other:       "exported PDU other than IP or Ethernet",
	otherPacketTap - other:      "PKTAP without a packet",
	otherCAPWAP - other:         "CAPWAP data (encrypted)",
	otherCAPWAPFragment - other: "CAPWAP fragment",
	otherLISP - other:           "LISP data (encrypted)",
}

// etherNames are EtherTypes, and numbers that GRE and SNAP have in their place.
var etherNames = map[uint32]string{
	0x0842: "Wake-on-LAN", 0x0806: "ARP", 0x2000: "CDP", 0x2001: "NHRP", 0x22f0: "AVTP", 0x22f3: "TRILL", 0x22f4: "IS-IS",
	0x6002: "DEC MOP remote console", 0x6003: "DECnet", 0x6004: "DEC LAT", 0x8035: "RARP", 0x809b: "AppleTalk", 0x80f3: "AppleTalk ARP",
	0x8137: "IPX", 0x8809: "slow protocols (LACP, OAM)", 0x8863: "PPPoE discovery", 0x886d: "Intel ANS probe", 0x887b: "HomePlug",
	0x888e: "EAPOL", 0x8892: "PROFINET", 0x889a: "HyperSCSI", 0x88a2: "ATA over Ethernet", 0x88a4: "EtherCAT", 0x88ab: "POWERLINK",
	0x88b8: "GOOSE", 0x88b9: "GSE", 0x88ba: "sampled values of IEC 61850", 0x88c7: "EAPOL preauthentication", 0x88ca: "TIPC", 0x88cc: "LLDP",
	0x88cd: "SERCOS III", 0x88e1: "HomePlug AV", 0x88e3: "MRP", 0x88e5: "MACsec of an unknown version", 0x88f5: "MVRP", 0x88f6: "MMRP",
	0x88f7: "PTP", 0x88f8: "NC-SI", 0x88fb: "PRP or HSR supervision", 0x8902: "CFM", 0x8906: "FCoE", 0x890d: "TDLS", 0x8914: "FIP",
	0x8915: "RoCE", 0x891d: "TTEthernet", 0x894f: "NSH of an unknown version or content", 0x9000: "Ethernet loopback",
	0x99fe: "RTCP of Realtek switches", 0xd28b: "Arista header other than a time stamp", 0xfeae: "Aerohive",
}

// ipNames are IP protocols (IANA, "Assigned Internet Protocol Numbers").
var ipNames = map[uint32]string{
	1: "ICMPv4", 2: "IGMP", 8: "EGP", 9: "IGP", 17: "UDP", 27: "RDP", 33: "DCCP", 46: "RSVP", 47: "GRE without a packet", 48: "DSR", 50: "ESP (encrypted)",
	55: "minimal encapsulation", 58: "ICMPv6", 59: "IPv6 without a next header", 88: "EIGRP", 89: "OSPF", 94: "IPIP", 98: "ENCAP",
	103: "PIM", 108: "IPComp (compressed)", 112: "VRRP", 113: "PGM", 115: "L2TPv3 control, or without an Ethernet frame", 124: "IS-IS over IPv4",
	132: "SCTP", 133: "Fibre Channel", 135: "mobility header", 136: "UDP-Lite", 138: "MANET", 139: "HIP", 140: "Shim6", 142: "ROHC (compressed)",
}

// pppNames are PPP protocols (IANA, "PPP DLL Protocol Numbers").
var pppNames = map[uint32]string{
	0x0023: "OSI", 0x002b: "IPX", 0x002d: "compressed TCP/IP", 0x002f: "uncompressed TCP/IP of Van Jacobson", 0x003d: "multilink",
	0x0053: "encrypted", 0x00fd: "compressed", 0x8021: "IPCP", 0x8057: "IPv6CP", 0x80fd: "CCP", 0xc021: "LCP", 0xc023: "PAP",
	0xc025: "link quality report", 0xc223: "CHAP", 0xc227: "EAP",
}

// udpNames are the UDP ports of tunnels. A supported tunnel is named if a packet on its port does
// not belong to it or contains no frame, such as an echo or a control message.
var udpNames = map[uint32]string{
	portL2TP: "L2TP", portGTP: "GTP-U", portTeredo: "Teredo", portLISP: "LISP data", portGRE: "GRE in UDP", portVXLAN: "VXLAN",
	portVXLANGPE: "VXLAN-GPE", portCAPWAP: "CAPWAP data", portGeneve: "Geneve", portMPLS: "MPLS in UDP", portVXLANOld: "VXLAN",
	portTZSP: "TZSP", portOpenVPN: "OpenVPN (encrypted)", portLISPControl: "LISP control", portESP: "IPsec NAT traversal (encrypted)",
	portGREDTLS: "GRE in UDP with DTLS (encrypted)", portCAPWAPControl: "CAPWAP control", portGUE: "GUE",
	portMPLSDTLS: "MPLS in UDP with DTLS (encrypted)", portSCTP: "SCTP tunneling", portZeroTier: "ZeroTier (encrypted)",
	portLWAPPData: "LWAPP data", portLWAPPControl: "LWAPP control", portWireGuard: "WireGuard (encrypted)",
}

// linkNames are link types that are not followed, by their names in the LINKTYPE_
// registry (draft-ietf-opsawg-pcaplinktype).
var linkNames = map[uint32]string{
	2: "EXP_ETHERNET", 3: "AX25", 4: "PRONET", 5: "CHAOS", 6: "IEEE802_5", 7: "ARCNET_BSD",
	8: "SLIP", 99: "SYMANTEC_FIREWALL", 106: "ATM_CLIP", 114: "LTALK", 118: "CISCO_IOS",
	121: "HHDLC", 123: "SUNATM", 129: "ARCNET_LINUX", 130: "JUNIPER_MLPPP", 131: "JUNIPER_MLFR",
	132: "JUNIPER_ES", 133: "JUNIPER_GGSN", 134: "JUNIPER_MFR", 135: "JUNIPER_ATM2",
	136: "JUNIPER_SERVICES", 137: "JUNIPER_ATM1", 139: "MTP2_WITH_PHDR", 140: "MTP2", 141: "MTP3",
	142: "SCCP", 143: "DOCSIS", 144: "LINUX_IRDA", 164: "JUNIPER_MONITOR", 165: "BACNET_MS_TP",
	169: "GPRS_LLC", 170: "GPF_T", 171: "GPF_F", 174: "JUNIPER_PIC_PEER", 175: "ERF_ETH",
	176: "ERF_POS", 177: "LINUX_LAPD", 182: "MFR", 183: "JUNIPER_VP", 184: "A429", 185: "A653_ICM",
	186: "USB_FREEBSD", 187: "BLUETOOTH_HCI_H4", 188: "IEEE802_16_MAC_CPS", 189: "USB_LINUX",
	190: "CAN20B", 191: "IEEE802_15_4_LINUX", 193: "IEEE802_16_MAC_CPS_RADIO", 194: "JUNIPER_ISM",
	195: "IEEE802_15_4_WITHFCS", 196: "SITA", 197: "ERF", 198: "RAIF1", 199: "IPMB_KONTRON",
	200: "JUNIPER_ST", 201: "BLUETOOTH_HCI_H4_WITH_PHDR", 202: "AX25_KISS", 203: "LAPD",
	207: "LAPB_WITH_DIR", 209: "IPMB_LINUX", 210: "FLEXRAY", 215: "IEEE802_15_4_NONASK_PHY",
	216: "LINUX_EVDEV", 217: "GSMTAP_UM", 218: "GSMTAP_ABIS", 220: "USB_LINUX_MMAPPED",
	221: "DECT", 222: "AOS", 223: "WIHART", 224: "FC_2", 225: "FC_2_WITH_FRAME_DELIMS",
	227: "CAN_SOCKETCAN", 230: "IEEE802_15_4_NOFCS", 231: "DBUS", 232: "JUNIPER_VS",
	233: "JUNIPER_SRX_E2E", 234: "JUNIPER_FIBRECHANNEL", 235: "DVB_CI", 236: "MUX27010",
	237: "STANAG_5066_D_PDU", 238: "JUNIPER_ATM_CEMIC", 240: "NETANALYZER",
	241: "NETANALYZER_TRANSPARENT", 243: "MPEG_2_TS", 244: "NG40", 245: "NFC_LLCP", 246: "PFSYNC",
	247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP", 250: "RTAC_SERIAL", 251: "BLUETOOTH_LE_LL",
	253: "NETLINK", 254: "BLUETOOTH_LINUX_MONITOR", 255: "BLUETOOTH_BREDR_BB",
	256: "BLUETOOTH_LE_LL_WITH_PHDR", 257: "PROFIBUS_DL", 259: "EPON", 260: "IPMI_HPM_2",
	261: "ZWAVE_R1_R2", 262: "ZWAVE_R3", 263: "WATTSTOPPER_DLM", 264: "ISO_14443", 265: "RDS",
	266: "USB_DARWIN", 267: "OPENFLOW", 268: "SDLC", 269: "TI_LLN_SNIFFER", 270: "LORATAP",
	271: "VSOCK", 272: "NORDIC_BLE", 273: "DOCSIS31_XRA31", 274: "ETHERNET_MPACKET",
	275: "DISPLAYPORT_AUX", 278: "OPENVIZSLA", 279: "EBHSCR", 280: "VPP_DISPATCH",
	283: "IEEE802_15_4_TAP", 286: "ELEE", 287: "Z_WAVE_SERIAL", 288: "USB_2_0", 289: "ATSC_ALP",
}
