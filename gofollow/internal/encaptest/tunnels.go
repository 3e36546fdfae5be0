package encaptest

import "github.com/google/gopacket/layers"

func label(n int, bottom bool) []byte {
	return serialized(nil, &layers.MPLS{Label: uint32(n), StackBottom: bottom, TTL: 9})
}

func labels() []Encapsulation {
	// frame is an Ethernet frame whose first byte is given.
	frame := func(first int, ip []byte) []byte {
		b := ethernet(etherType(ip), ip)
		b[0] = byte(first)
		return b
	}
	pseudowire := func(word, frame []byte) []byte { return ethernet(0x8847, bytesOf(label(16, true), word, frame)) }
	return []Encapsulation{
		{"mpls", 1, 0, func(ip []byte) []byte { return ethernet(0x8847, bytesOf(label(16, true), ip)) }},
		{"mpls, multicast", 1, 0, func(ip []byte) []byte { return ethernet(0x8848, bytesOf(label(16, true), ip)) }},
		{"mpls, five labels", 1, 0, func(ip []byte) []byte {
			return ethernet(0x8847, bytesOf(label(16, false), label(17, false), label(7, false), label(99, false), label(18, true), ip))
		}},
		{"mpls, the link", 219, 0, func(ip []byte) []byte { return bytesOf(label(3, false), label(16, true), ip) }},
		{"mpls, control word", 1, 0, func(ip []byte) []byte { return pseudowire(zeros(4), frame(2, ip)) }},
		{"mpls, control word with a sequence number", 1, 0, func(ip []byte) []byte { return pseudowire(bytesOf(0, 0, 1, 2), frame(2, ip)) }},
		{"mpls, ethernet", 1, 0, func(ip []byte) []byte { return pseudowire(nil, frame(0x00, ip)) }},
		{"mpls, ethernet that begins like IPv4", 1, 0, func(ip []byte) []byte { return pseudowire(nil, frame(0x46, ip)) }},
		{"mpls, ethernet that begins like IPv6", 1, 0, func(ip []byte) []byte {
			b := frame(0x60, ip)
			b[4] = 0xff // where IPv6 has its length
			return pseudowire(nil, b)
		}},
		{"mpls, vlan in ethernet", 1, 0, func(ip []byte) []byte {
			return pseudowire(zeros(4), ethernet(0x8100, bytesOf(0, 5, big16(etherType(ip)), ip)))
		}},
		{"mpls, pppoe in ethernet", 1, 0, func(ip []byte) []byte {
			return pseudowire(zeros(4), ethernet(0x8864, bytesOf(0x11, 0, 0, 1, big16(2+len(ip)), big16(pppType(ip)), ip)))
		}},
	}
}

func gre(flags, kind int, rest, payload []byte) []byte {
	return bytesOf(big16(flags), big16(kind), rest, payload)
}

func tunnels() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	over := func(protocol int, wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(0x0800, Four(protocol, wrap(ip))) }
	}
	authenticated := func(ip []byte) []byte { return bytesOf(ipProtocol(ip), 4, zeros(22), ip) }
	erspan3 := func(last []byte, rest, payload []byte) []byte {
		return gre(0x1000, 0x22eb, zeros(4), bytesOf(0x20, 5, 0, 9, zeros(6), last, rest, payload))
	}
	session := func(cookie int, ip []byte) []byte { return bytesOf(big32(77), zeros(cookie), bridged(ip)) }
	return []Encapsulation{
		{"in ipv4", 1, 0, func(ip []byte) []byte { return ethernet(0x0800, Four(ipProtocol(ip), ip)) }},
		{"in ipv6", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(ipProtocol(ip), ip)) }},
		{"in ipv6 with options", 1, 0, func(ip []byte) []byte {
			return ethernet(0x86dd, Six(0, bytesOf(60, 0, 1, 4, zeros(4), ipProtocol(ip), 0, 1, 4, zeros(4), ip)))
		}},
		{"authentication header", 1, 0, over(51, authenticated)},
		{"authentication header, ipv6", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(51, authenticated(ip))) }},
		{"gre", 1, 0, over(47, func(ip []byte) []byte {
			return serialized(ip, &layers.GRE{Protocol: layers.EthernetType(etherType(ip))})
		})},
		{"gre, ipv6", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(47, gre(0, etherType(ip), nil, ip))) }},
		{"gre, all fields", 1, 0, over(47, func(ip []byte) []byte {
			return serialized(ip, &layers.GRE{Protocol: layers.EthernetType(etherType(ip)), ChecksumPresent: true, KeyPresent: true, SeqPresent: true, Key: 5})
		})},
		{"gre, routing", 1, 0, over(47, func(ip []byte) []byte {
			return gre(0x4000, etherType(ip), bytesOf(zeros(4), big16(0x0800), 0, 8, zeros(8), zeros(4)), ip)
		})},
		{"gre, bridging", 1, 0, over(47, func(ip []byte) []byte { return gre(0x2000, 0x6558, big32(0x12345600), bridged(ip)) })},
		{"gre, ppp", 1, 0, over(47, func(ip []byte) []byte { return gre(0, 0x880b, nil, bytesOf(big16(pppType(ip)), ip)) })},
		{"gre, mpls", 1, 0, over(47, func(ip []byte) []byte { return gre(0, 0x8847, label(16, true), ip) })},
		{"gre, wccp", 1, 4, over(47, func(ip []byte) []byte { return gre(0, 0x883e, nil, ip) })},
		{"gre, wccp 2", 1, 4, over(47, func(ip []byte) []byte { return gre(0, 0x883e, bytesOf(1, 2, 3, 4), ip) })},
		{"pptp", 1, 0, over(47, func(ip []byte) []byte {
			return gre(0x3081, 0x880b, bytesOf(big16(len(ip)+4), 0, 7, zeros(8)), bytesOf(0xff, 3, big16(pppType(ip)), ip))
		})},
		{"pptp, compressed, no acknowledgement", 1, 0, over(47, func(ip []byte) []byte {
			return gre(0x3001, 0x880b, bytesOf(big16(len(ip)+1), 0, 7, zeros(4)), bytesOf(pppType(ip), ip))
		})},
		{"erspan", 1, 0, over(47, func(ip []byte) []byte { return gre(0, 0x88be, nil, bridged(ip)) })},
		{"erspan 2", 1, 0, over(47, func(ip []byte) []byte {
			return gre(0x1000, 0x88be, zeros(4), serialized(bridged(ip), &layers.ERSPANII{Version: 1, VLANIdentifier: 5, SessionID: 9}))
		})},
		{"erspan 3", 1, 0, over(47, func(ip []byte) []byte { return erspan3(bytesOf(0, 0), nil, bridged(ip)) })},
		{"erspan 3 with a subheader", 1, 0, over(47, func(ip []byte) []byte { return erspan3(bytesOf(0x80, 1), zeros(8), bridged(ip)) })},
		{"erspan 3, ip", 1, 0, over(47, func(ip []byte) []byte { return erspan3(bytesOf(2<<2, 0), nil, ip) })},
		{"ethernet in ip", 1, 0, over(97, func(ip []byte) []byte { return bytesOf(0x30, 0, bridged(ip)) })},
		{"mpls in ip", 1, 0, over(137, func(ip []byte) []byte { return bytesOf(label(16, true), ip) })},
		{"l2tp 3", 1, 0, over(115, func(ip []byte) []byte { return session(0, ip) })},
		{"l2tp 3, cookie of 4", 1, 0, over(115, func(ip []byte) []byte { return session(4, ip) })},
		{"l2tp 3, cookie of 8", 1, 0, over(115, func(ip []byte) []byte { return session(8, ip) })},
		{"l2tp 3, cookie of 8 and sublayer", 1, 0, over(115, func(ip []byte) []byte { return session(12, ip) })},
	}
}

func udpTunnels() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	over := func(from, to int, wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(0x0800, Four(17, udp(from, to, wrap(ip)))) }
	}
	vxlan := func(ip []byte) []byte { return serialized(bridged(ip), &layers.VXLAN{ValidIDFlag: true, VNI: 5}) }
	// geneve has options of 4+len(last) bytes.
	geneve := func(kind int, options, payload []byte) []byte {
		return bytesOf(len(options)/4, 0, big16(kind), 0, 0, 9, 0, options, payload)
	}
	gtp := func(flags int, rest, ip []byte) []byte {
		return bytesOf(0x30|flags, 0xff, big16(len(rest)+len(ip)), big32(0x1234), rest, ip)
	}
	l2tp := func(flags int, rest, ip []byte) []byte {
		return bytesOf(big16(flags|2), rest, bytesOf(0xff, 3, big16(pppType(ip)), ip))
	}
	return []Encapsulation{
		{"vxlan", 1, 0, over(50000, 4789, vxlan)},
		{"vxlan, Linux' port", 1, 0, over(50000, 8472, vxlan)},
		{"vxlan over ipv6", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(17, udp(50000, 4789, vxlan(ip)))) }},
		{"vxlan, group policy", 1, 0, over(50000, 4789, func(ip []byte) []byte { return bytesOf(0x88, 0, 0, 3, 0, 0, 5, 0, bridged(ip)) })},
		{"vxlan-gpe, ip", 1, 0, over(50000, 4790, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, pick(ip, 1, 2), 0, 0, 5, 0, ip) })},
		{"vxlan-gpe, ethernet", 1, 0, over(50000, 4790, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, 3, 0, 0, 5, 0, bridged(ip)) })},
		{"vxlan-gpe, mpls", 1, 0, over(50000, 4790, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, 5, 0, 0, 5, 0, label(16, true), ip) })},
		{"geneve", 1, 0, over(50000, 6081, func(ip []byte) []byte { return geneve(0x6558, nil, bridged(ip)) })},
		{"geneve, ip", 1, 0, over(50000, 6081, func(ip []byte) []byte { return geneve(etherType(ip), nil, ip) })},
		{"geneve, two options", 1, 0, over(50000, 6081, func(ip []byte) []byte {
			return geneve(0x6558, bytesOf(1, 2, 3, 1, zeros(4), 1, 2, 4, 0), bridged(ip))
		})},
		{"geneve, 252 bytes of options", 1, 0, over(50000, 6081, func(ip []byte) []byte {
			return geneve(0x6558, bytesOf(1, 2, 3, 30, zeros(120), 1, 2, 3, 31, zeros(124)), bridged(ip))
		})},
		{"gtp", 1, 0, over(2152, 2152, func(ip []byte) []byte { return gtp(0, nil, ip) })},
		{"gtp, sequence number", 1, 0, over(2152, 2152, func(ip []byte) []byte { return gtp(2, bytesOf(0, 9, 0, 0), ip) })},
		{"gtp, extension headers", 1, 0, over(40000, 2152, func(ip []byte) []byte {
			return gtp(4, bytesOf(0, 0, 0, 0x85, 1, 0x10, 9, 0xc0, 2, zeros(6), 0), ip)
		})},
		{"gtp, ethernet", 1, 0, over(2152, 2152, func(ip []byte) []byte { return gtp(0, nil, bridged(ip)) })},
		{"teredo", 1, 6, over(50000, 3544, func(ip []byte) []byte { return ip })},
		{"teredo, origin", 1, 6, over(3544, 50000, func(ip []byte) []byte { return bytesOf(zeros(8), ip) })},
		{"teredo, authentication", 1, 6, over(50000, 3544, func(ip []byte) []byte { return bytesOf(0, 1, 2, 3, "idval", zeros(9), ip) })},
		{"teredo, both", 1, 6, over(3544, 50000, func(ip []byte) []byte { return bytesOf(0, 1, 0, 0, zeros(9), zeros(8), ip) })},
		{"l2tp", 1, 0, over(1701, 1701, func(ip []byte) []byte { return l2tp(0, bytesOf(0, 1, 0, 2), ip) })},
		{"l2tp, all fields", 1, 0, over(40000, 1701, func(ip []byte) []byte {
			return l2tp(0x4a00, bytesOf(big16(2+2+4+4+2+3+4+len(ip)), 0, 1, 0, 2, 0, 5, 0, 6, 0, 3, 9, 9, 9), ip)
		})},
		{"l2tp, not framed", 1, 0, over(1701, 1701, func(ip []byte) []byte {
			return bytesOf(0, 2, 0, 1, 0, 2, big16(pppType(ip)), ip)
		})},
		{"l2tp 3 over udp", 1, 0, over(1701, 1701, func(ip []byte) []byte { return bytesOf(0, 3, 0, 0, big32(77), zeros(4), bridged(ip)) })},
		{"mpls in udp", 1, 0, over(50000, 6635, func(ip []byte) []byte { return bytesOf(label(16, true), ip) })},
		{"vxlan in gre in mpls in a vlan", 1, 0, func(ip []byte) []byte {
			inner := Six(17, udp(50000, 4789, vxlan(ip)))
			return ethernet(0x8100, bytesOf(0, 5, big16(0x8847), label(16, false), label(17, true), Four(47, gre(0, 0x86dd, nil, inner))))
		}},
		{"gtp in vxlan", 1, 0, over(50000, 4789, func(ip []byte) []byte {
			return bytesOf(8, 0, 0, 0, 0, 0, 5, 0, ethernet(0x0800, Four(17, udp(2152, 2152, gtp(0, nil, ip)))))
		})},
	}
}
