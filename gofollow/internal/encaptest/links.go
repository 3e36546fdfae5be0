package encaptest

import (
	"github.com/google/gopacket/layers"
)

func plainLinks() []Encapsulation {
	tag := func(next layers.EthernetType) *layers.Dot1Q {
		return &layers.Dot1Q{VLANIdentifier: 7, Type: next}
	}
	ether := func(next layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: next}
	}
	// bare undoes the padding that gopacket puts behind a short frame.
	bare := func(ip, frame []byte, head int) []byte { return frame[:head+len(ip)] }
	all := []Encapsulation{
		{"ethernet", 1, 0, func(ip []byte) []byte { return ethernet(etherType(ip), ip) }},
		{"802.3 with SNAP", 1, 0, func(ip []byte) []byte { return ethernet(8+len(ip), snap(ip)) }},
		{"802.3 with 802.1H", 1, 0, func(ip []byte) []byte {
			b := snap(ip)
			b[5] = 0xf8
			return ethernet(8+len(ip), b)
		}},
		{"802.3 with IP's own access point", 1, 4, func(ip []byte) []byte { return ethernet(3+len(ip), bytesOf(6, 6, 3, ip)) }},
		{"vlan", 1, 0, func(ip []byte) []byte {
			return bare(ip, serialized(ip, ether(0x8100), tag(layers.EthernetType(etherType(ip)))), 18)
		}},
		{"priority tag", 1, 0, func(ip []byte) []byte { return ethernet(0x8100, bytesOf(0xe0, 0, big16(etherType(ip)), ip)) }},
		{"802.1ad", 1, 0, func(ip []byte) []byte {
			return bare(ip, serialized(ip, ether(0x88a8), tag(0x8100), tag(layers.EthernetType(etherType(ip)))), 22)
		}},
		{"tags of all types", 1, 0, func(ip []byte) []byte {
			return bare(ip, serialized(ip, ether(0x88a8), tag(0x9100), tag(0x9200), tag(0x8100), tag(layers.EthernetType(etherType(ip)))), 30)
		}},
		{"802.1ah", 1, 0, func(ip []byte) []byte {
			return ethernet(0x88a8, bytesOf(0, 5, big16(0x88e7), big32(0x123456), ethernet(etherType(ip), ip)))
		}},
		{"tag before 802.3", 1, 0, func(ip []byte) []byte { return ethernet(0x8100, bytesOf(0, 5, big16(8+len(ip)), snap(ip))) }},
		{"raw", 101, 0, func(ip []byte) []byte { return ip }},
		{"raw, BSD's number", 12, 0, func(ip []byte) []byte { return ip }},
		{"raw, OpenBSD's number", 14, 0, func(ip []byte) []byte { return ip }},
		{"ipv4", 228, 4, func(ip []byte) []byte { return ip }},
		{"ipv6", 229, 6, func(ip []byte) []byte { return ip }},
		{"fddi", 10, 0, func(ip []byte) []byte { return bytesOf(0x54, mac, mac, snap(ip)) }},
		{"rfc 1483", 100, 0, snap},
		{"pflog", 117, 0, func(ip []byte) []byte {
			return bytesOf(61, pick(ip, 2, 24), zeros(58), 1, zeros(3), ip)
		}},
		{"pflog, a header of 100 bytes", 117, 0, func(ip []byte) []byte {
			return bytesOf(100, pick(ip, 2, 24), zeros(98), ip)
		}},
		{"infiniband", 242, 0, func(ip []byte) []byte { return bytesOf(zeros(40), big16(etherType(ip)), 0, 0, ip) }},
		{"nflog", 239, 0, func(ip []byte) []byte { return nflog(ip, little16) }},
		{"nflog, big-endian", 239, 0, func(ip []byte) []byte { return nflog(ip, big16) }},
		{"cooked", 113, 0, func(ip []byte) []byte { return cooked(1, etherType(ip), ip) }},
		{"cooked, ppp", 113, 0, func(ip []byte) []byte { return cooked(512, etherType(ip), ip) }},
		{"cooked, gre", 113, 0, func(ip []byte) []byte { return cooked(778, etherType(ip), ip) }},
		{"cooked, infiniband", 113, 0, func(ip []byte) []byte { return cooked(32, etherType(ip), ip) }},
		{"cooked, vlan", 113, 0, func(ip []byte) []byte { return cooked(1, 0x8100, bytesOf(0, 5, big16(etherType(ip)), ip)) }},
		{"cooked, 802.2", 113, 0, func(ip []byte) []byte { return cooked(1, 4, snap(ip)) }},
		{"cooked, radiotap", 113, 0, func(ip []byte) []byte { return cooked(803, 0x1234, radiotap(wiFi(0x08, 1, nil, snap(ip)))) }},
		{"cooked, prism", 113, 0, func(ip []byte) []byte { return cooked(802, 0x1234, prism(wiFi(0x08, 1, nil, snap(ip)))) }},
		{"cooked, 802.11", 113, 0, func(ip []byte) []byte { return cooked(801, 0x1234, wiFi(0x08, 1, nil, snap(ip))) }},
		{"cooked 2", 276, 0, func(ip []byte) []byte { return cookedTwo(1, etherType(ip), ip) }},
		{"cooked 2, radiotap", 276, 0, func(ip []byte) []byte { return cookedTwo(803, 0, radiotap(wiFi(0x08, 1, nil, snap(ip)))) }},
	}
	for _, system := range []struct {
		name string
		six  int
	}{{"NetBSD", 24}, {"FreeBSD", 28}, {"Darwin", 30}, {"Linux", 10}, {"Windows", 23}} {
		all = append(all,
			Encapsulation{"null, little-endian, " + system.name, 0, 0, func(ip []byte) []byte { return bytesOf(little32(pick(ip, 2, system.six)), ip) }},
			Encapsulation{"null, big-endian, " + system.name, 0, 0, func(ip []byte) []byte { return bytesOf(big32(pick(ip, 2, system.six)), ip) }},
			Encapsulation{"loop, " + system.name, 108, 0, func(ip []byte) []byte { return bytesOf(big32(pick(ip, 2, system.six)), ip) }})
	}
	return all
}

func cooked(hardware, protocol int, payload []byte) []byte {
	return bytesOf(0, 0, big16(hardware), 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, big16(protocol), payload)
}

func cookedTwo(hardware, protocol int, payload []byte) []byte {
	return bytesOf(big16(protocol), 0, 0, big32(3), big16(hardware), 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, payload)
}

// nflog puts a packet between other attributes, one of a length that is padded.
func nflog(ip []byte, order func(int) []byte) []byte {
	return bytesOf(pick(ip, 2, 10), 0, 0, 5,
		order(8), order(1), big16(etherType(ip)), 0, 0,
		order(7), order(10), "ab", 0, 0,
		order(4+len(ip)), order(9), ip)
}

func serialLinks() []Encapsulation {
	ppp := func(ip []byte) []byte { return bytesOf(big16(pppType(ip)), ip) }
	framed := func(ip []byte) []byte { return bytesOf(0xff, 3, ppp(ip)) }
	cisco := func(ip []byte) []byte { return bytesOf(0x0f, 0, big16(etherType(ip)), ip) }
	session := func(ip []byte) []byte {
		return serialized(ip, &layers.PPPoE{Version: 1, Type: 1, SessionId: 9}, &layers.PPP{PPPType: layers.PPPType(pppType(ip))})
	}
	return []Encapsulation{
		{"ppp", 9, 0, ppp},
		{"ppp, framed", 9, 0, framed},
		{"ppp, compressed", 9, 0, func(ip []byte) []byte { return bytesOf(pppType(ip), ip) }},
		{"ppp, hdlc", 50, 0, framed},
		{"ppp, hdlc of Cisco", 50, 0, cisco},
		{"hdlc of Cisco", 104, 0, cisco},
		{"hdlc of Cisco, multicast", 104, 0, func(ip []byte) []byte { return bytesOf(0x8f, 0, big16(etherType(ip)), ip) }},
		{"hdlc of Cisco with direction", 205, 0, func(ip []byte) []byte { return bytesOf(1, cisco(ip)) }},
		{"ppp with direction", 204, 0, func(ip []byte) []byte { return bytesOf(1, framed(ip)) }},
		{"ppp with direction, not framed", 204, 0, func(ip []byte) []byte { return bytesOf(0, ppp(ip)) }},
		{"pppd", 166, 0, func(ip []byte) []byte { return bytesOf(1, 3, ppp(ip)) }},
		{"pppoe, the link", 51, 0, session},
		{"pppoe", 1, 0, func(ip []byte) []byte { return ethernet(0x8864, session(ip)) }},
		{"pppoe in a vlan", 1, 0, func(ip []byte) []byte { return ethernet(0x8100, bytesOf(0, 5, big16(0x8864), session(ip))) }},
		{"mpls in ppp", 9, 0, func(ip []byte) []byte { return bytesOf(big16(0x0281), label(17, true), ip) }},
	}
}

// wiFi puts a payload into a data frame; more stands between the addresses and the payload.
func wiFi(control, flags int, more, payload []byte) []byte {
	return bytesOf(control, flags, 0, 0, zeros(18), 0x10, 0x20, more, payload)
}

func radiotap(frame []byte) []byte {
	return bytesOf(0, 0, little16(18), little32(1|2|4), zeros(8), 0x10, 0x02, frame, "FCS!")
}

func prism(frame []byte) []byte {
	return bytesOf(little32(0x44), little32(144), zeros(136), frame)
}

func wirelessLinks() []Encapsulation {
	msdu := func(ip []byte) []byte { return bytesOf(mac, mac, big16(8+len(ip)), snap(ip)) }
	qos := func(ip []byte) []byte { return wiFi(0x88, 2, bytesOf(5, 0), snap(ip)) }
	return []Encapsulation{
		{"802.11, to the access point", 105, 0, func(ip []byte) []byte { return wiFi(0x08, 1, nil, snap(ip)) }},
		{"802.11, sent again", 105, 0, func(ip []byte) []byte { return wiFi(0x08, 2|8, nil, snap(ip)) }},
		{"802.11, four addresses", 105, 0, func(ip []byte) []byte { return wiFi(0x08, 3, mac, snap(ip)) }},
		{"802.11, qos", 105, 0, qos},
		{"802.11, qos, four addresses, ht", 105, 0, func(ip []byte) []byte {
			return wiFi(0x88, 0x83, bytesOf(mac, 5, 0, 1, 2, 3, 4), snap(ip))
		}},
		{"802.11, a-msdu of one", 105, 0, func(ip []byte) []byte { return wiFi(0x88, 1, bytesOf(0x80, 0), msdu(ip)) }},
		{"802.11, decrypted", 105, 0, func(ip []byte) []byte { return wiFi(0x08, 0x41, nil, snap(ip)) }},
		{"802.11, decrypted, header of ccmp left", 105, 0, func(ip []byte) []byte {
			return wiFi(0x88, 0x42, bytesOf(0, 0, 1, 2, 0, 0x20, 3, 4, 5, 6), snap(ip))
		}},
		{"802.11, decrypted, header of wep left", 105, 0, func(ip []byte) []byte { return wiFi(0x08, 0x41, bytesOf(1, 2, 3, 0), snap(ip)) }},
		{"radiotap", 127, 0, func(ip []byte) []byte { return radiotap(qos(ip)) }},
		{"radiotap, bare", 127, 0, func(ip []byte) []byte { return bytesOf(0, 0, little16(8), little32(0), qos(ip)) }},
		{"radiotap, three words", 127, 0, func(ip []byte) []byte {
			return bytesOf(0, 0, little16(18), little32(1<<31|2), little32(1<<31), little32(0), 0, 0, qos(ip))
		}},
		{"radiotap, padded", 127, 0, func(ip []byte) []byte {
			return bytesOf(0, 0, little16(9), little32(2), 0x20, wiFi(0x88, 2, bytesOf(5, 0, 0, 0), snap(ip)))
		}},
		{"ppi", 192, 0, func(ip []byte) []byte {
			return bytesOf(0, 0, little16(12), little32(105), little16(30000), little16(0), qos(ip))
		}},
		{"ppi, ethernet", 192, 0, func(ip []byte) []byte { return bytesOf(0, 0, little16(8), little32(1), ethernet(etherType(ip), ip)) }},
		{"prism", 119, 0, func(ip []byte) []byte { return prism(qos(ip)) }},
		{"prism, big-endian", 119, 0, func(ip []byte) []byte { return bytesOf(big32(0x41), big32(24), zeros(16), qos(ip)) }},
		{"avs", 163, 0, func(ip []byte) []byte { return bytesOf(big32(0x80211001), big32(64), zeros(56), qos(ip)) }},
		{"avs as prism", 119, 0, func(ip []byte) []byte { return bytesOf(big32(0x80211002), big32(64), zeros(56), qos(ip)) }},
	}
}
