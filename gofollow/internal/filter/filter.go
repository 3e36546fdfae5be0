// Package filter chooses connections by an expression in the words and with the precedence of
// pcap-filter (libpcap's filter language): "host 192.0.2.1 and port 443 or 8443".
//
// A filter is about connections, not packets, so it has no src and dst. Instead of them, client and
// server stand before host, net, port and portrange.
package filter

import "gofollow/gofollow/internal/decode"

// Connection is what a filter tests. Index 0 is the client's, 1 the server's.
type Connection struct {
	Addrs [2]decode.Addr
	Ports [2]uint16
	IPv6  bool
	VLANs []uint16 // ids of the tags around the packet that opened it, outermost first
}

// Filter is a parsed expression. The zero value chooses every connection.
type Filter struct{ steps []step }

// step is a term and how it joins those before it, whose result is false before the first one.
// "and" and "or" have equal precedence, so an expression is a list.
type step struct {
	and, not bool
	group    []step // a term in parentheses; nil for a test
	test     test
}

// test is one primitive, such as "client net 192.0.2.0/24".
type test struct {
	kind       kind
	end        end
	ipv6       bool
	addr, mask decode.Addr // of a host or net: addr is masked
	low, high  uint16      // of ports and VLAN ids: both inclusive
}

type kind uint8

const (
	noKind      kind = iota
	isHost           // an address of one end; mask has all bits
	isNet            // the same, of a network
	isPort           // a port of one end
	isPortRange      // the same
	isIP             // IPv4
	isIP6
	isTCP
	isVLAN
)

// end is whose address or port is meant.
type end uint8

const (
	eitherEnd end = iota
	clientEnd
	serverEnd
)

// Match reports whether the filter chooses a connection.
func (f *Filter) Match(c *Connection) bool { return len(f.steps) == 0 || match(f.steps, c) }

func match(steps []step, c *Connection) bool {
	result := false
	for i := range steps {
		s := &steps[i]
		if s.and != result {
			continue // the result is known: false and, true or
		}
		if s.group != nil {
			result = match(s.group, c) != s.not
		} else {
			result = s.test.match(c) != s.not
		}
	}
	return result
}

func (t *test) match(c *Connection) bool {
	switch t.kind {
	case isIP:
		return !c.IPv6
	case isIP6:
		return c.IPv6
	case isTCP:
		return true
	case isVLAN:
		for _, id := range c.VLANs {
			if t.low <= id && id <= t.high {
				return true
			}
		}
		return false
	}
	return (t.end != serverEnd && t.matchEnd(c, 0)) || (t.end != clientEnd && t.matchEnd(c, 1))
}

func (t *test) matchEnd(c *Connection, end int) bool {
	if t.kind == isPort || t.kind == isPortRange {
		return t.low <= c.Ports[end] && c.Ports[end] <= t.high
	}
	a := c.Addrs[end]
	return t.ipv6 == c.IPv6 && a.Hi&t.mask.Hi == t.addr.Hi && a.Lo&t.mask.Lo == t.addr.Lo
}
