package encaptest

// bridge is a way to carry an Ethernet frame.
type bridge struct {
	name string
	link uint32
	wrap func(frame []byte) []byte
}

// bridges returns the ways to carry any Ethernet frame. What guesses whether a frame follows is
// not among them: it believes only in IP and PPPoE.
func bridges() []bridge {
	ip := func(protocol int, parts ...any) []byte { return ethernet(0x0800, Four(protocol, bytesOf(parts...))) }
	datagram := func(port int, parts ...any) []byte { return ip(17, udp(50000, port, bytesOf(parts...))) }
	return []bridge{
		{"gre", 1, func(b []byte) []byte { return ip(47, 0, 0, big16(0x6558), b) }},
		{"erspan", 1, func(b []byte) []byte { return ip(47, 0, 0, big16(0x88be), b) }},
		{"erspan 2", 1, func(b []byte) []byte { return ip(47, 0x10, 0, big16(0x88be), zeros(4), 0x10, 5, 0, 9, zeros(4), b) }},
		{"erspan 3", 1, func(b []byte) []byte { return ip(47, 0x10, 0, big16(0x22eb), zeros(4), 0x20, 5, 0, 9, zeros(8), b) }},
		{"eoip", 1, func(b []byte) []byte { return ip(47, 0x20, 1, big16(0x6400), big16(len(b)), 7, 0, b) }},
		{"etherip", 1, func(b []byte) []byte { return ip(97, 0x30, 0, b) }},
		{"srv6", 1, func(b []byte) []byte { return ethernet(0x86dd, Six(143, b)) }},
		{"vxlan", 1, func(b []byte) []byte { return datagram(4789, 8, 0, 0, 0, 0, 0, 5, 0, b) }},
		{"vxlan-gpe", 1, func(b []byte) []byte { return datagram(4790, 0x0c, 0, 0, 3, 0, 0, 5, 0, b) }},
		{"geneve", 1, func(b []byte) []byte { return datagram(6081, 0, 0, big16(0x6558), 0, 0, 9, 0, b) }},
		{"lisp-gpe", 1, func(b []byte) []byte { return datagram(4341, 4, 0, 0, 3, zeros(4), b) }},
		{"tzsp", 1, func(b []byte) []byte { return datagram(37008, 1, 0, 0, 1, 1, b) }},
		{"capwap", 1, func(b []byte) []byte { return datagram(5247, 0, 0x10, 0, zeros(5), b) }},
		{"gre in udp", 1, func(b []byte) []byte { return datagram(4754, 0, 0, big16(0x6558), b) }},
		{"fabricpath", 1, func(b []byte) []byte { return ethernet(0x8903, bytesOf(0x12, 0x34, b)) }},
		{"trill", 1, func(b []byte) []byte { return ethernet(0x22f3, bytesOf(0, 0x3f, 0, 1, 0, 2, b)) }},
		{"802.1ah", 1, func(b []byte) []byte { return ethernet(0x88e7, bytesOf(big32(0x123456), b)) }},
		{"nsh", 1, func(b []byte) []byte { return ethernet(0x894f, bytesOf(nsh(3), b)) }},
		{"the link of Juniper", 178, func(b []byte) []byte { return bytesOf("MGC", 1, b) }},
		{"pktap", 258, func(b []byte) []byte { return bytesOf(little32(12), little32(1), little32(1), b) }},
		{"exported pdu", 252, func(b []byte) []byte { return bytesOf(big16(12), big16(16), "eth_withoutfcs", 0, 0, zeros(4), b) }},
		{"tagged by Broadcom in front", 282, func(b []byte) []byte { return bytesOf(0x20, 0, 0, 3, b) }},
		{"tzsp, the link", 128, func(b []byte) []byte { return bytesOf(1, 0, 0, 1, 1, b) }},
	}
}

// nsh returns a Network Service Header with what follows it.
func nsh(next int) []byte { return bytesOf(0x0f, 0xc6, 1, next, 0, 0, 0x2a, 0xff, zeros(16)) }

// prpTrailer is what a sender of IEC 62439-3 puts behind a frame: sequence number, network and
// size, suffix.
func prpTrailer(size int) []byte { return bytesOf(0, 9, big16(0xa000|size), 0x88, 0xfb) }

func tags() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	// tagged puts a header behind an EtherType, and the IP packet's behind it.
	tagged := func(kind int, header ...any) func([]byte) []byte {
		b := bytesOf(header...)
		return func(ip []byte) []byte { return ethernet(kind, bytesOf(b, big16(etherType(ip)), ip)) }
	}
	in := func(kind int, header []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(kind, bytesOf(header, bridged(ip))) }
	}
	return []Encapsulation{
		{"vlan, 0x9300", 1, 0, tagged(0x9300, 0, 5)},
		{"vlan, 0x8200", 1, 0, tagged(0x8200, 0, 5)},
		{"vn-tag", 1, 0, tagged(0x8926, 0, 1, 0x80, 0x14)},
		{"vn-tag and vlan", 1, 0, tagged(0x8926, 0, 0, 0, 0x14, 0x81, 0, 0, 0x65)},
		{"802.1br", 1, 0, tagged(0x893f, 0x10, 0x14, 0, 1, 0, 0)},
		{"802.1br and vlan", 1, 0, tagged(0x893f, 0x10, 0x14, 0, 0, 0, 0, 0x81, 0, 0, 0x65)},
		{"cisco metadata", 1, 0, tagged(0x8909, 1, 1, 0, 1, 0, 0x64)},
		{"cisco metadata, two options", 1, 0, tagged(0x8909, 1, 2, 0, 1, 0, 0x64, 0, 1, 0, 0x65)},
		{"cisco metadata in a vlan", 1, 0, tagged(0x8100, 0, 5, 0x89, 0x09, 1, 1, 0, 1, 0, 0x64)},
		{"cisco time stamp", 1, 0, tagged(0x8988, 1, 2, 3, 4, 5, 6)},
		{"fabricpath", 1, 0, in(0x8903, bytesOf(0x12, 0x34))},
		{"fabricpath, vlan", 1, 0, func(ip []byte) []byte {
			return ethernet(0x8903, bytesOf(0x12, 0x34, ethernet(0x8100, bytesOf(0, 5, big16(etherType(ip)), ip))))
		}},
		{"hsr", 1, 0, tagged(0x892f, 0x10, 0x40, 0, 9)},
		{"hsr in a vlan", 1, 0, tagged(0x8100, 0, 5, 0x89, 0x2f, 0x10, 0x40, 0, 9)},
		{"prp", 1, 0, func(ip []byte) []byte { return bytesOf(bridged(ip), prpTrailer(6+len(ip))) }},
		{"prp, 802.3 with SNAP", 1, 0, func(ip []byte) []byte {
			return bytesOf(ethernet(8+len(ip), snap(ip)), prpTrailer(14+len(ip)))
		}},
		{"802.1cb", 1, 0, tagged(0xf1c1, 0, 0, 0, 9)},
		{"nsh, ip", 1, 0, func(ip []byte) []byte { return ethernet(0x894f, bytesOf(nsh(pick(ip, 1, 2)), ip)) }},
		{"nsh, ethernet", 1, 0, in(0x894f, nsh(3))},
		{"nsh, ethernet, metadata of 8 bytes", 1, 0, in(0x894f, bytesOf(0x0f, 0xc4, 2, 3, 0, 0, 0x2a, 0xff, zeros(8)))},
		{"nsh, mpls", 1, 0, func(ip []byte) []byte { return ethernet(0x894f, bytesOf(nsh(5), label(16, true), ip)) }},
		{"nsh, nsh", 1, 0, in(0x894f, bytesOf(nsh(4), nsh(3)))},
		{"macsec, integrity", 1, 0, func(ip []byte) []byte {
			return ethernet(0x88e5, bytesOf(0x00, 0, big32(7), big16(etherType(ip)), ip, "check value, 16B"))
		}},
		{"macsec, integrity, channel", 1, 0, func(ip []byte) []byte {
			return ethernet(0x88e5, bytesOf(0x22, 0, big32(7), mac, 0, 1, big16(etherType(ip)), ip, "check value, 16B"))
		}},
		{"macsec, vlan", 1, 0, func(ip []byte) []byte {
			return ethernet(0x88e5, bytesOf(0x00, 0, big32(7), 0x81, 0, 0, 5, big16(etherType(ip)), ip, "check value, 16B"))
		}},
		{"arista, 64 bits", 1, 0, tagged(0xd28b, 0, 1, 0, 0x10, 1, 2, 3, 4, 5, 6, 7, 8)},
		{"arista, 48 bits, utc, R3", 1, 0, tagged(0xd28b, 0, 1, 1, 0x21, 1, 2, 3, 4, 5, 6)},
		{"edsa", 1, 0, tagged(0xdada, 0, 0, 0x40, 0x08, 0, 0)},
		{"edsa, vlan", 1, 0, tagged(0xdada, 0, 0, 0x60, 0x08, 0, 5, 0x81, 0, 0, 6)},
		{"trill", 1, 0, in(0x22f3, bytesOf(0, 0x3f, 0, 1, 0, 2))},
		{"trill, options", 1, 0, in(0x22f3, bytesOf(0, 0x80|0x3f, 0, 1, 0, 2, zeros(8)))},
	}
}

// lines are the links of routers, hosts and tools.
func lines() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	relay := func(ip []byte) []byte { return bytesOf(0x18, 0x41, 3, pick(ip, 0xcc, 0x8e), ip) }
	framed := func(ip []byte) []byte { return bytesOf(0xff, 3, big16(pppType(ip)), ip) }
	cisco := func(ip []byte) []byte { return bytesOf(0x0f, 0, big16(etherType(ip)), ip) }
	exported := func(name string, packet []byte) []byte {
		return bytesOf(big16(20), big16(4), 10, 0, 0, 1, big16(12), big16(len(name)), name, zeros(4), packet)
	}
	tap := func(order func(int) []byte, link int, packet []byte) []byte {
		return bytesOf(order(108), order(1), order(link), zeros(96), packet)
	}
	return []Encapsulation{
		{"frame relay", 107, 0, relay},
		{"frame relay, address of 4 bytes", 107, 0, func(ip []byte) []byte {
			return bytesOf(0x18, 0x40, 0x40, 0x41, 3, pick(ip, 0xcc, 0x8e), ip)
		}},
		{"frame relay, snap", 107, 0, func(ip []byte) []byte {
			return bytesOf(0x18, 0x41, 3, 0, 0x80, 0, 0, 0, big16(etherType(ip)), ip)
		}},
		{"frame relay, ethernet", 107, 0, func(ip []byte) []byte {
			return bytesOf(0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7, bridged(ip))
		}},
		{"frame relay, ethernet with its check sequence", 107, 0, func(ip []byte) []byte {
			return bytesOf(0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 1, bridged(ip), "FCS!")
		}},
		{"frame relay, ppp", 107, 0, func(ip []byte) []byte { return bytesOf(0x18, 0x41, 3, 0xcf, big16(pppType(ip)), ip) }},
		{"frame relay of Cisco", 107, 0, func(ip []byte) []byte { return bytesOf(0x18, 0x41, big16(etherType(ip)), ip) }},
		{"frame relay with direction", 206, 0, func(ip []byte) []byte { return bytesOf(1, relay(ip)) }},
		{"enc", 109, 0, func(ip []byte) []byte { return bytesOf(little32(pick(ip, 2, 24)), big32(7), little32(1), ip) }},
		{"enc, big-endian", 109, 0, func(ip []byte) []byte { return bytesOf(big32(pick(ip, 2, 24)), big32(7), big32(1), ip) }},
		{"ip over fibre channel", 122, 0, func(ip []byte) []byte { return bytesOf(0x10, 0, mac, 0x10, 0, mac, snap(ip)) }},
		{"ip over firewire", 138, 0, func(ip []byte) []byte { return bytesOf(zeros(16), big16(etherType(ip)), ip) }},
		{"juniper, ethernet", 178, 0, func(ip []byte) []byte { return bytesOf("MGC", 1, bridged(ip)) }},
		{"juniper, ethernet, extensions", 178, 0, func(ip []byte) []byte {
			return bytesOf("MGC", 0x80, big16(6), 2, 1, 4, 4, 1, 14, bridged(ip))
		}},
		{"juniper, no header of the link", 178, 0, func(ip []byte) []byte {
			return bytesOf("MGC", 0x82, big16(6), 2, 1, 4, 4, 1, 14, little32(2), ip)
		}},
		{"juniper, pppoe", 167, 0, func(ip []byte) []byte {
			return bytesOf("MGC", 0, ethernet(0x8864, bytesOf(0x11, 0, 0, 1, big16(2+len(ip)), big16(pppType(ip)), ip)))
		}},
		{"juniper, pppoe over atm", 168, 0, func(ip []byte) []byte {
			return bytesOf("MGC", 0, big16(0x8864), 0x11, 0, 0, 1, big16(2+len(ip)), big16(pppType(ip)), ip)
		}},
		{"juniper, ppp", 179, 0, func(ip []byte) []byte { return bytesOf("MGC", 0, framed(ip)) }},
		{"juniper, frame relay", 180, 0, func(ip []byte) []byte { return bytesOf("MGC", 0, relay(ip)) }},
		{"juniper, hdlc", 181, 0, func(ip []byte) []byte { return bytesOf("MGC", 0, cisco(ip)) }},
		{"ipnet", 226, 0, func(ip []byte) []byte { return bytesOf(1, pick(ip, 2, 26), 0, 0, big32(len(ip)), zeros(16), ip) }},
		{"exported pdu, ip", 252, 0, func(ip []byte) []byte { return exported(string([]byte{'i', 'p', 0, 0}), ip) }},
		{"exported pdu, ipv6", 252, 6, func(ip []byte) []byte { return exported("ipv6", ip) }},
		{"exported pdu, ethernet", 252, 0, func(ip []byte) []byte { return exported("eth_maybefcs", bridged(ip)) }},
		{"pktap, ethernet", 258, 0, func(ip []byte) []byte { return tap(little32, 1, bridged(ip)) }},
		{"pktap, raw", 258, 0, func(ip []byte) []byte { return tap(little32, 12, ip) }},
		{"pktap, loopback", 258, 0, func(ip []byte) []byte { return tap(little32, 0, bytesOf(little32(pick(ip, 2, 30)), ip)) }},
		{"pktap, big-endian", 258, 0, func(ip []byte) []byte { return tap(big32, 1, bridged(ip)) }},
		{"pktap in pktap", 258, 0, func(ip []byte) []byte { return tap(little32, 258, tap(little32, 1, bridged(ip))) }},
		{"tag of Broadcom", 281, 0, func(ip []byte) []byte { return bytesOf(mac, mac, 0x20, 0, 0, 3, big16(etherType(ip)), ip) }},
		{"tag of Broadcom in front", 282, 0, func(ip []byte) []byte { return bytesOf(0x20, 0, 0, 3, bridged(ip)) }},
		{"dsa", 284, 0, func(ip []byte) []byte { return bytesOf(mac, mac, 0x40, 0x08, 0, 5, big16(etherType(ip)), ip) }},
		{"edsa, the link", 285, 0, func(ip []byte) []byte {
			return ethernet(0xdada, bytesOf(0, 0, 0x40, 0x08, 0, 5, big16(etherType(ip)), ip))
		}},
	}
}

// reserved are frames in which every bit that a receiver ignores is set (RFC 7348, section 5; RFC
// 8926, section 3.4; 3GPP TS 29.281, section 5.1; RFC 2661, section 3.1; RFC 9300, section 5.1).
func reserved() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	over := func(port int, wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(0x0800, Four(17, udp(50000, port, wrap(ip)))) }
	}
	return []Encapsulation{
		{"vxlan, reserved bits", 1, 0, over(4789, func(ip []byte) []byte { return bytesOf(0xff, 255, 255, 255, 0, 0, 5, 255, bridged(ip)) })},
		{"vxlan, bit of gpe", 1, 0, over(4789, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, 0, 0, 0, 5, 0, bridged(ip)) })},
		{"vxlan, bit and number of gpe", 1, 0, over(4789, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, 1, 0, 0, 5, 0, bridged(ip)) })},
		{"vxlan, bit and number of mpls in gpe", 1, 0, over(4789, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, 5, 0, 0, 5, 0, bridged(ip)) })},
		{"vxlan-gpe on vxlan's port", 1, 0, over(8472, func(ip []byte) []byte { return bytesOf(0x0c, 0, 0, pick(ip, 1, 2), 0, 0, 5, 0, ip) })},
		{"vxlan-gpe, reserved bits", 1, 0, over(4790, func(ip []byte) []byte { return bytesOf(0xcf, 255, 255, 3, 0, 0, 5, 255, bridged(ip)) })},
		{"vxlan-gpe without its bit", 1, 0, over(4790, func(ip []byte) []byte { return bytesOf(0x08, 0, 0, 0, 0, 0, 5, 0, bridged(ip)) })},
		{"geneve, reserved bits", 1, 0, over(6081, func(ip []byte) []byte { return bytesOf(0, 0x3f, big16(0x6558), 0, 0, 9, 255, bridged(ip)) })},
		{"gtp, spare bit", 1, 0, over(2152, func(ip []byte) []byte { return bytesOf(0x38, 0xff, big16(len(ip)), big32(0x1234), ip) })},
		{"gtp, spare bit and optional fields", 1, 0, over(2152, func(ip []byte) []byte {
			return bytesOf(0x39, 0xff, big16(4+len(ip)), big32(0x1234), 9, 9, 9, 0x85, ip)
		})},
		{"l2tp, reserved bits", 1, 0, over(1701, func(ip []byte) []byte {
			return bytesOf(0x34, 0xf2, 0, 1, 0, 2, 0xff, 3, big16(pppType(ip)), ip)
		})},
		{"l2tp 3 over udp, reserved bits", 1, 0, over(1701, func(ip []byte) []byte {
			return bytesOf(0x7f, 0xf3, 255, 255, big32(77), zeros(4), bridged(ip))
		})},
		{"lisp, all flags", 1, 0, over(4341, func(ip []byte) []byte { return bytesOf(0xff, 255, 255, 255, 255, 255, 255, 255, ip) })},
		{"nsh, unassigned bits", 1, 0, func(ip []byte) []byte {
			return ethernet(0x894f, bytesOf(0x1f, 0xc2, 0xf1, 3, 255, 255, 255, 255, bridged(ip)))
		}},
		{"etherip, reserved bits", 1, 0, func(ip []byte) []byte { return ethernet(0x0800, Four(97, bytesOf(0x3f, 255, bridged(ip)))) }},
	}
}

// wirelessTunnels are tunnels, some of them of 802.11 frames.
func wirelessTunnels() []Encapsulation {
	bridged := func(ip []byte) []byte { return ethernet(etherType(ip), ip) }
	over := func(from, to int, wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(0x0800, Four(17, udp(from, to, wrap(ip)))) }
	}
	inGRE := func(kind int, wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { return ethernet(0x0800, Four(47, gre(0, kind, nil, wrap(ip)))) }
	}
	capwap := func(first, second, third, fourth int, rest, frame []byte) []byte {
		return bytesOf(first, second, third, fourth, 0, 1, 0, 0, rest, frame)
	}
	fromDS := func(ip []byte) []byte { return wiFi(0x88, 2, bytesOf(5, 0), snap(ip)) }
	swapped := func(frame []byte) []byte {
		frame[0], frame[1] = frame[1], frame[0]
		return frame
	}
	msdu := func(ip []byte) []byte {
		return wiFi(0x88, 1, bytesOf(0x80, 0), bytesOf(mac, mac, big16(8+len(ip)), snap(ip)))
	}
	tzsp := func(kind int, tags, frame []byte) []byte { return bytesOf(1, 0, big16(kind), tags, 1, frame) }
	return []Encapsulation{
		{"tzsp, ethernet", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(1, nil, bridged(ip)) })},
		{"tzsp, to be sent, tags", 1, 0, over(37008, 37008, func(ip []byte) []byte {
			b := tzsp(1, bytesOf(0, 10, 1, 0xc4, 0, 0, 13, 4, 1, 2, 3, 4), bridged(ip))
			b[1] = 1
			return b
		})},
		{"tzsp, 802.11", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(18, bytesOf(10, 1, 0xc4), fromDS(ip)) })},
		{"tzsp, prism", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(119, nil, prism(fromDS(ip))) })},
		{"tzsp, avs", 1, 0, over(50000, 37008, func(ip []byte) []byte {
			return tzsp(127, nil, bytesOf(big32(0x80211001), big32(64), zeros(56), fromDS(ip)))
		})},
		{"tzsp, ppp", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(4, nil, bytesOf(big16(pppType(ip)), ip)) })},
		{"tzsp, raw", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(7, nil, ip) })},
		{"tzsp, fddi", 1, 0, over(50000, 37008, func(ip []byte) []byte { return tzsp(5, nil, bytesOf(0x54, mac, mac, snap(ip))) })},
		{"tzsp, the link", 128, 0, func(ip []byte) []byte { return tzsp(18, nil, fromDS(ip)) }},
		{"gre in udp", 1, 0, over(50000, 4754, func(ip []byte) []byte { return gre(0, etherType(ip), nil, ip) })},
		{"gre in udp, all fields", 1, 0, over(50000, 4754, func(ip []byte) []byte {
			return gre(0xb000, 0x6558, zeros(12), bridged(ip))
		})},
		{"gre in udp, mpls", 1, 0, over(50000, 4754, func(ip []byte) []byte { return gre(0, 0x8847, label(16, true), ip) })},
		{"gre in udp, ppp", 1, 0, over(50000, 4754, func(ip []byte) []byte { return gre(0, 0x880b, nil, bytesOf(big16(pppType(ip)), ip)) })},
		{"gre in udp, nsh", 1, 0, over(50000, 4754, func(ip []byte) []byte { return gre(0, 0x894f, nil, bytesOf(nsh(3), bridged(ip))) })},
		{"gre, nsh", 1, 0, inGRE(0x894f, func(ip []byte) []byte { return bytesOf(nsh(pick(ip, 1, 2)), ip) })},
		{"gre, cisco metadata", 1, 0, inGRE(0x8909, func(ip []byte) []byte { return bytesOf(1, 1, 0, 1, 0, 9, big16(etherType(ip)), ip) })},
		{"gre, cisco metadata, the type first", 1, 0, inGRE(0x8909, func(ip []byte) []byte { return bytesOf(big16(etherType(ip)), 1, 1, 0, 1, 0, 9, ip) })},
		{"gre, vlan", 1, 0, inGRE(0x8100, func(ip []byte) []byte { return bytesOf(0, 5, big16(etherType(ip)), ip) })},
		{"gre, frame relay", 1, 0, inGRE(0x6559, func(ip []byte) []byte { return bytesOf(0x18, 0x41, 3, pick(ip, 0xcc, 0x8e), ip) })},
		{"gre of Aruba", 1, 0, inGRE(0x8200, fromDS)},
		{"gre of Aruba, the last number", 1, 0, inGRE(0x8370, fromDS)},
		{"gre of Aruba, a-msdu", 1, 0, inGRE(0x8210, msdu)},
		{"eoip", 1, 0, func(ip []byte) []byte {
			return ethernet(0x0800, Four(47, gre(0x2001, 0x6400, bytesOf(big16(14+len(ip)), 7, 0), bridged(ip))))
		}},
		{"srv6, ethernet", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(143, bridged(ip))) }},
		{"etherip over ipv6", 1, 0, func(ip []byte) []byte { return ethernet(0x86dd, Six(97, bytesOf(0x30, 0, bridged(ip)))) }},
		{"lisp", 1, 0, over(50000, 4341, func(ip []byte) []byte { return bytesOf(0x80, 1, 2, 3, zeros(4), ip) })},
		{"lisp, instance", 1, 0, over(50000, 4341, func(ip []byte) []byte { return bytesOf(0xc8, 1, 2, 3, 0, 0, 9, 1, ip) })},
		{"lisp-gpe, ip", 1, 0, over(50000, 4341, func(ip []byte) []byte { return bytesOf(4, 0, 0, pick(ip, 1, 2), zeros(4), ip) })},
		{"lisp-gpe, nsh", 1, 0, over(50000, 4341, func(ip []byte) []byte { return bytesOf(4, 0, 0, 4, zeros(4), nsh(3), bridged(ip)) })},
		{"vxlan-gpe, nsh", 1, 0, over(50000, 4790, func(ip []byte) []byte {
			return bytesOf(0x0c, 0, 0, 4, 0, 0, 5, 0, nsh(3), bridged(ip))
		})},
		{"geneve, nsh", 1, 0, over(50000, 6081, func(ip []byte) []byte {
			return bytesOf(0, 0, big16(0x894f), 0, 0, 9, 0, nsh(3), bridged(ip))
		})},
		{"capwap, 802.3", 1, 0, over(50000, 5247, func(ip []byte) []byte { return capwap(0, 0x10, 0x40, 0, nil, bridged(ip)) })},
		{"capwap, 802.11", 1, 0, over(5247, 50000, func(ip []byte) []byte { return capwap(0, 0x10, 0x43, 0, nil, fromDS(ip)) })},
		{"capwap, 802.11, radio and wireless information", 1, 0, over(50000, 5247, func(ip []byte) []byte {
			return capwap(0, 0x28, 0x43, 0x30, bytesOf(6, mac, 0, 4, 1, 2, 3, 4, 0, 0, 0)[:12], fromDS(ip))
		})},
		{"capwap of Cisco, 802.11", 1, 0, over(5247, 50000, func(ip []byte) []byte { return capwap(0, 0x10, 0x43, 0, nil, swapped(fromDS(ip))) })},
		{"capwap of Cisco, a-msdu", 1, 0, over(5247, 50000, func(ip []byte) []byte { return capwap(0, 0x10, 0x43, 0, nil, swapped(msdu(ip))) })},
	}
}
