package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"gofollow/gofollow/internal/decode"
)

// conn is a connection as a reader of the tests writes it.
type conn struct {
	client, server netip.AddrPort
	vlans          []uint16
}

func (c *conn) connection() *Connection {
	return &Connection{
		Addrs: [2]decode.Addr{words64(c.client.Addr()), words64(c.server.Addr())}, Ports: [2]uint16{c.client.Port(), c.server.Port()},
		IPv6: c.client.Addr().Is6(), VLANs: c.vlans,
	}
}

func between(client, server string, vlans ...uint16) conn {
	return conn{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server), vlans}
}

func TestMatch(t *testing.T) {
	web := between("10.0.0.1:40000", "192.0.2.80:80")
	secure := between("[2001:db8::1]:40001", "[2001:db8:1::2]:443", 5, 7)
	for _, row := range []struct {
		text        string
		web, secure bool
	}{
		{"", true, true}, {" \t\n", true, true}, {"tcp", true, true}, {"not tcp", false, false}, {"ip", true, false}, {"ip6", false, true},
		{"host 10.0.0.1", true, false}, {"host 192.0.2.80", true, false}, {"host 10.0.0.2", false, false}, {"host 2001:DB8::1", false, true},
		{"net 10", true, false}, {"net 192.0", true, false}, {"net 192.0.2", true, false}, {"net 10.0.0.0", false, false}, {"net 0/0", true, false},
		{"net 10.0.0.0/8", true, false}, {"net 10.0.0.0 / 8", true, false}, {"net 10.0.0.0/31", true, false}, {"net 10.0.0.2/31", false, false},
		{"net 192.0.0.80 mask 255.0.255.255", false, false}, {"net 192.0.0.80 mask 255.255.0.255", true, false}, {"net ::/0", false, true},
		{"net 2001:db8::/32", false, true}, {"net 2001:db8:2::/48", false, false}, {"net 2001:db8:1:: mask ffff:ffff:ffff::", false, true},
		{"port 80", true, false}, {"port http", true, false}, {"port https or 80", true, true}, {"port 40000", true, false},
		{"portrange 1-100", true, false}, {"portrange 443-80", true, true}, {"portrange http-https", true, true}, {"portrange 81-442", false, false},
		{"client port 80", false, false}, {"server port 80", true, false}, {"client 10.0.0.1", true, false}, {"server host 10.0.0.1", false, false},
		{"server net 192.0.2.0/24", true, false}, {"client portrange 40001-50000", false, true}, {"tcp client port 40000", true, false},
		{"tcp port 80", true, false}, {"ip host 10.0.0.1", true, false}, {"ip6 net 2001:db8::/32", false, true}, {"ip6 client host 2001:db8::1", false, true},
		{"vlan", false, true}, {"vlan 5", false, true}, {"vlan 7", false, true}, {"vlan 5 and vlan 7", false, true}, {"vlan 6", false, false},
		{"not vlan and port 80", true, false}, {"! vlan", true, false}, {"!!vlan", false, true}, {"not not not vlan", true, false},

		// Equal precedence, from left to right.
		{"port 80 or port 443 and ip6", false, true}, {"ip6 and port 443 or port 80", true, true}, {"port 80 or (port 443 and ip6)", true, true},
		{"port 80 || port 443 && ip6", false, true}, {"port 443&&ip6||port 80", true, true}, {"PORT 80 OR Port 443 AND IP6", false, true},
		// not binds to the next term.
		{"not port 80 and ip", false, false}, {"not port 443 and ip", true, false}, {"not (port 443 or ip)", false, false}, {"not(port 22)or ip", true, true},
		// A qualifier that is not repeated is the one before.
		{"port 22 or 80", true, false}, {"port 22 or 80 or 443", true, true}, {"host 10.0.0.1 and 192.0.2.80", true, false},
		{"host 10.0.0.1 and 10.0.0.2", false, false}, {"client 10.0.0.1 or 192.0.2.80", true, false}, {"client 10.0.0.2 or 192.0.2.80", false, false},
		{"server port 22 or 40000", false, false}, {"not port 80 and 443", false, true}, {"not port 80 and not 443", false, false},
		{"port (80 or 443)", true, true}, {"port not 80", false, true}, {"port (not 80)", false, true}, {"host (10.0.0.1 or 2001:db8::1)", true, true},
		{"host not (10.0.0.1 or 10.0.0.2)", false, true}, {"port 22 or (80 or 23)", true, false},
		// It is the one before the parentheses, not the one in them, as in libpcap.
		{"port 22 or (host 10.0.0.9) or 80", true, false}, {"net 10 or (port 22) or 2001:db8::/32", true, true},
	} {
		f, err := Parse(row.text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.Match(web.connection()); got != row.web {
			t.Errorf("%q of %v: %v", row.text, web, got)
		}
		if got := f.Match(secure.connection()); got != row.secure {
			t.Errorf("%q of %v: %v", row.text, secure, got)
		}
	}
}

// TestErrors: an error says where in the text it is.
func TestErrors(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"prot 80", `filter "prot 80": no such word "prot" (here: ^prot 80); words are host, net, port, portrange, client, server, ip, ip6, tcp, vlan, and, or, not`},
		{"port", `filter "port": port needs a number or a name after it (here: port^)`},
		{"port and 80", `port needs a number or a name after it (here: port ^and 80)`},
		{"port 65536", `a port is at most 65535 (here: port ^65536)`},
		{"port -1", `"-1" is not a port (here: port ^-1); names are amqp, bgp`},
		{"port httpx", `"httpx" is not a port`},
		{"portrange 80", `"80" is not a range, such as 8000-8999 (here: portrange ^80)`},
		{"portrange 80-", `"" is not a port (here: portrange 80-^)`},
		{"portrange 80-99999", `a port is at most 65535 (here: portrange 80-^99999)`},
		{"src port 80", `"src" is for packets, and a connection has both directions: write client or server (here: ^src port 80)`},
		{"port 80 and dst net 10", `write client or server (here: port 80 and ^dst net 10)`},
		{"host example.com", `"example.com" is not an address, and names of hosts are not looked up (here: host ^example.com)`},
		{"host fe80::1%eth0", `is not an address`},
		{"host 10", `"10" is not an address`},
		{"host 10.0.0.0/8", `a mask belongs to net (here: host 10.0.0.0^/8)`},
		{"net", `net needs a network after it, such as 192.0.2.0/24 (here: net^)`},
		{"net 10.0.0.1/8", `bits of the address beyond the mask are set: the network is 10.0.0.0/8 (here: net ^10.0.0.1/8)`},
		{"net 10.0.0.1 mask 255.0.255.0", `bits of the address beyond the mask are set (here`},
		{"net 10/33", `a number of bits up to 32 is needed after / (here: net 10/^33)`},
		{"net ::/129", `up to 128`}, {"net 10/", `is needed after / (here: net 10/^)`}, {"net 10/x", `is needed after /`},
		{"net 10 mask", `a mask such as 255.255.255.0 is needed after mask (here: net 10 mask^)`},
		{"net :: mask 255.0.0.0", `a mask such as ffff:ffff:: is needed`},
		{"net internal", `"internal" is not a network, and names of networks are not looked up`},
		{"client", `host needs an address after it (here: client^)`},
		{"client tcp", `host needs an address after it (here: client ^tcp)`},
		{"tcp host 10.0.0.1", `"tcp" does not go before host: write tcp and host (here: ^tcp host 10.0.0.1)`},
		{"ip6 port 80", `"ip6" does not go before port: write ip6 and port`},
		{"ip6 host 10.0.0.1", `"ip6" does not go with an IPv4 address (here: ip6 host ^10.0.0.1)`},
		{"ip net ::/0", `"ip" does not go with an IPv6 address`},
		{"10.0.0.1", `"10.0.0.1" needs host or net before it (here: ^10.0.0.1)`},
		{"80", `"80" needs port before it`}, {"http", `"http" needs port before it`}, {"tcp and 80", `"80" needs port before it (here: tcp and ^80)`},
		{"(port 80) or 443", `"443" needs port before it`}, {"vlan 5 or 6", `"6" needs port before it`}, {"vlan 4096", `a VLAN id is at most 4095 (here: vlan ^4096)`},
		{"port 80 443", `"443" needs "and" or "or" before it (here: port 80 ^443)`}, {"port 80 not 443", `"not" needs "and" or "or" before it`},
		{"port 80 (port 443)", `"(" needs "and" or "or" before it`}, {"ip 10.0.0.1", `needs "and" or "or" before it`},
		{"port 80 and", `the expression ends where a term is needed (here: port 80 and^)`}, {"not", `the expression ends where a term is needed (here: not^)`},
		{"and port 80", `a term is needed before "and" (here: ^and port 80)`}, {"port 80 or or port 81", `a term is needed before "or" (here: port 80 or ^or port 81)`},
		{"(port 80", `there is no ")" for this "(" (here: ^(port 80)`}, {"port 80)", `there is no "(" for this ")" (here: port 80^))`}, {"()", `a term is needed before ")" (here: (^))`},
		{"port 80 & port 81", `"&" is not an operator: write && (here: port 80 ^& port 81)`}, {"| port 81", `a term is needed before "|"`},
		{"tcp[13] & 2 != 0", `bytes and lengths of packets cannot be tested (here: ^tcp[13]`}, {"len > 100", `no such word "len"`}, {"x[1]", `bytes and lengths of packets cannot be tested`},
		{"port 80\nand \"x\"", `filter "port 80\nand "x"": no such word ""x"", and it is not a port (here: port 80\nand ^"x"); words are`},
		{strings.Repeat("(", 101) + "tcp", `parentheses nest deeper than 100 (here: ...((((((((((((((((((((((((((((((^tcp)`},
		{strings.Repeat("port 80 or ", 6000), `a filter has at most 65535 bytes, this one has 66000`},
		{"port 80 or \xff\xfe", `no such word "\xff\xfe", and it is not a port`},
	} {
		f, err := Parse(row.text)
		var e *Error
		if f != nil || !errors.As(err, &e) {
			t.Errorf("%.50q: %v", row.text, err)
			continue
		}
		if !strings.Contains(err.Error(), row.want) {
			t.Errorf("%.50q: the message is\n\t%v\nwithout\n\t%s", row.text, err, row.want)
		}
		if strings.ContainsAny(err.Error(), "\n\r\x00") || len(err.Error()) > 700 || strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%.50q: the message is not a short line: %v", row.text, err)
		}
	}
}

// naive is an expression as a tree, which says what it means in the plainest way.
type naive struct {
	op          string // and, or, not; "" for a primitive
	left, right *naive
	text        string // of a primitive, without an elided qualifier
	value       string // of a primitive: what stands behind the qualifier
	qualifier   string
	holds       func(c *conn) bool
}

func (n *naive) eval(c *conn) bool {
	switch n.op {
	case "and":
		l, r := n.left.eval(c), n.right.eval(c)
		return l && r
	case "or":
		l, r := n.left.eval(c), n.right.eval(c)
		return l || r
	case "not":
		return !n.left.eval(c)
	}
	return n.holds(c)
}

// some returns a random element.
func some[T any](random *rand.Rand, list ...T) T { return list[random.IntN(len(list))] }

var (
	testAddrs = []netip.Addr{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("0.0.0.0"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("::a00:1"),
	}
	testPorts = []uint16{0, 21, 22, 80, 443, 8080, 40000, 65535}
)

func randomConn(random *rand.Rand) conn {
	client := some(random, testAddrs...)
	server := some(random, testAddrs...)
	for server.Is4() != client.Is4() {
		server = some(random, testAddrs...)
	}
	c := conn{netip.AddrPortFrom(client, some(random, testPorts...)), netip.AddrPortFrom(server, some(random, testPorts...)), nil}
	for random.IntN(3) == 0 {
		c.vlans = append(c.vlans, some[uint16](random, 0, 1, 5, 4095))
	}
	return c
}

// primitive makes a random test and what it means.
func primitive(random *rand.Rand) *naive {
	end := some(random, "", "", "client ", "server ")
	ends := func(c *conn) []netip.AddrPort {
		switch end {
		case "client ":
			return []netip.AddrPort{c.client}
		case "server ":
			return []netip.AddrPort{c.server}
		}
		return []netip.AddrPort{c.client, c.server}
	}
	any := func(test func(netip.AddrPort) bool) func(*conn) bool {
		return func(c *conn) bool {
			for _, e := range ends(c) {
				if test(e) {
					return true
				}
			}
			return false
		}
	}
	a := some(random, testAddrs...)
	family := ""
	if random.IntN(4) == 0 {
		family = map[bool]string{true: "ip ", false: "ip6 "}[a.Is4()]
	}
	n := &naive{}
	switch random.IntN(8) {
	case 0:
		n.text = some(random, "ip", "ip6", "tcp", "vlan")
		word := n.text
		n.holds = func(c *conn) bool {
			return word == "tcp" || (word == "vlan" && len(c.vlans) > 0) || (word == "ip" && c.client.Addr().Is4()) || (word == "ip6" && c.client.Addr().Is6())
		}
	case 1:
		id := some[uint16](random, 0, 1, 5, 4095)
		n.text = fmt.Sprint("vlan ", id)
		n.holds = func(c *conn) bool {
			return strings.Contains(fmt.Sprint(c.vlans, " "), fmt.Sprint(id)) && contains(c.vlans, id)
		}
	case 2, 3:
		n.qualifier, n.value = family+end+"host", a.String()
		n.holds = any(func(e netip.AddrPort) bool { return e.Addr() == a })
	case 4:
		prefix := netip.PrefixFrom(a, random.IntN(a.BitLen()+1)).Masked()
		n.qualifier, n.value = family+end+"net", prefix.String()
		if mask, ok := maskOf(prefix); ok && random.IntN(2) == 0 {
			n.value = prefix.Addr().String() + " mask " + mask
		}
		n.holds = any(func(e netip.AddrPort) bool { return prefix.Contains(e.Addr()) })
	case 5, 6:
		port := some(random, testPorts...)
		n.qualifier, n.value = some(random, "", "tcp ")+end+"port", fmt.Sprint(port)
		if name, ok := map[uint16]string{21: "ftp", 22: "ssh", 80: "http", 443: "https"}[port]; ok && random.IntN(2) == 0 {
			n.value = name
		}
		n.holds = any(func(e netip.AddrPort) bool { return e.Port() == port })
	case 7:
		low, high := some(random, testPorts...), some(random, testPorts...)
		n.qualifier, n.value = some(random, "", "tcp ")+end+"portrange", fmt.Sprintf("%d-%d", low, high)
		n.holds = any(func(e netip.AddrPort) bool { return min(low, high) <= e.Port() && e.Port() <= max(low, high) })
	}
	if n.text == "" {
		n.text = n.qualifier + " " + n.value
		if end != "" && strings.HasSuffix(n.qualifier, "host") && random.IntN(2) == 0 {
			n.text = family + end + n.value
		}
	}
	return n
}

func contains(list []uint16, id uint16) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// maskOf returns the mask of a prefix as an address.
func maskOf(p netip.Prefix) (string, bool) {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, ok := netip.AddrFromSlice(b)
	return a.String(), ok
}

// expression makes a random tree.
func expression(random *rand.Rand, depth int) *naive {
	switch {
	case depth == 0 || random.IntN(4) == 0:
		return primitive(random)
	case random.IntN(4) == 0:
		return &naive{op: "not", left: expression(random, depth-1)}
	}
	return &naive{op: some(random, "and", "or"), left: expression(random, depth-1), right: expression(random, depth-1)}
}

// write writes a tree with as few parentheses as its meaning leaves, and some more, and leaves out
// qualifiers where it may. last is the qualifier that an elided one would be.
func (n *naive) write(random *rand.Rand, last *string) string {
	space := func() string { return some(random, " ", "  ", "\t", "\n") }
	inParentheses := func(n *naive) string {
		inner := *last
		return "(" + some(random, "", " ") + n.write(random, &inner) + some(random, "", " ") + ")"
	}
	switch n.op {
	case "":
		if random.IntN(8) == 0 {
			return inParentheses(n)
		}
		if n.qualifier != "" && n.qualifier == *last && random.IntN(3) > 0 {
			return n.value
		}
		*last = n.qualifier
		if n.qualifier != "" && n.text == n.qualifier+" "+n.value && random.IntN(8) == 0 {
			return n.qualifier + " (" + n.value + ")"
		}
		return n.text
	case "not":
		not := some(random, "not"+space(), "!", "!"+space())
		if n.left.op == "" || n.left.op == "not" {
			return not + n.left.write(random, last)
		}
		return not + inParentheses(n.left)
	}
	text := ""
	if n.left.op != "" && random.IntN(4) == 0 {
		text = inParentheses(n.left)
	} else {
		text = n.left.write(random, last)
	}
	text += space() + map[string][]string{"and": {"and", "&&", "AND"}, "or": {"or", "||", "Or"}}[n.op][random.IntN(3)] + space()
	if n.right.op == "and" || n.right.op == "or" {
		return text + inParentheses(n.right)
	}
	return text + n.right.write(random, last)
}

// TestRandom compares random expressions, written in random ways, with their naive evaluation.
func TestRandom(t *testing.T) {
	elided, yes, no := 0, 0, 0
	without := regexp.MustCompile(`(?i)(or|and|&&|\|\|)\s+[0-9]`)
	for seed := range uint64(20000) {
		random := rand.New(rand.NewPCG(seed, 1))
		n := expression(random, random.IntN(5))
		last := ""
		text := n.write(random, &last)
		elided += len(without.FindAllString(text, -1))
		f, err := Parse(text)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 20 {
			c := randomConn(random)
			got, want := f.Match(c.connection()), n.eval(&c)
			if got != want {
				t.Fatalf("seed %d: %q of %v is %v", seed, text, c, got)
			}
			if got {
				yes++
			} else {
				no++
			}
		}
	}
	if elided < 100 || yes < 10000 || no < 10000 {
		t.Errorf("%d qualifiers left out, %d times yes, %d times no", elided, yes, no)
	}
}

// TestNoAllocation: a test of a connection allocates nothing.
func TestNoAllocation(t *testing.T) {
	f, err := Parse("net 10 and (port 80 or 443) or not vlan 5 and client host ::1")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	one := randomConn(random)
	c := one.connection()
	if n := testing.AllocsPerRun(100, func() { f.Match(c) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse: any text gives a filter that can be asked, or an error that points into the text.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "port 80 or 443 and not (host 10.0.0.1 || client net 2001:db8::/32)", "vlan 5 && tcp portrange 1-http", "net 10 mask 255.0.0.0", "((((", "!", "src 1.2.3.4", "ip6 host ::1)",
		strings.Repeat("\x13", 200),
	} {
		f.Add(text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]*Connection, 50)
	for i := range all {
		c := randomConn(random)
		all[i] = c.connection()
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Reason == "" || strings.Contains(e.Error(), "\n") || len(e.Error()) > 1000 {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		negated, err := Parse("not (" + text + ")")
		if strings.TrimSpace(text) == "" {
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "at most") || strings.Contains(err.Error(), "deeper") {
				return
			}
			t.Fatalf("%q can be parsed, but not negated: %v", text, err)
		}
		for _, c := range all {
			if filter.Match(c) == negated.Match(c) {
				t.Fatalf("%q and its negation agree on %+v", text, c)
			}
		}
	})
}
