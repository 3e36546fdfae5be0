package filter

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gofollow/gofollow/internal/decode"
)

const (
	// maxLength bounds a filter's text, in bytes, and with it the time of a test.
	maxLength = 1<<16 - 1
	// maxDepth bounds how deep parentheses nest, and with it the stack.
	maxDepth = 100
)

// services are the names of ports. The list is fixed, so that a filter chooses the same everywhere.
var services = map[string]uint16{
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "dns": 53, "http": 80, "pop3": 110, "imap": 143, "bgp": 179,
	"ldap": 389, "https": 443, "smb": 445, "ldaps": 636, "imaps": 993, "pop3s": 995, "mqtt": 1883, "nfs": 2049, "mysql": 3306,
	"rdp": 3389, "sip": 5060, "postgresql": 5432, "amqp": 5672, "redis": 6379, "irc": 6667,
}

var (
	kinds = map[string]kind{"host": isHost, "net": isNet, "port": isPort, "portrange": isPortRange}
	names = [...]string{isHost: "host", isNet: "net", isPort: "port", isPortRange: "portrange"}
	ends  = map[string]end{"client": clientEnd, "server": serverEnd}
	// protocols may stand alone or before a qualifier, as in "tcp port 80" and "ip6 net
	// 2001:db8::/32".
	protocols = map[string]kind{"ip": isIP, "ip6": isIP6, "tcp": isTCP}
	operators = map[string]string{"and": "and", "&&": "and", "or": "or", "||": "or"}
)

const words = "words are host, net, port, portrange, client, server, ip, ip6, tcp, vlan, and, or, not"

// Parse parses an expression. An empty one chooses every connection. Words are recognised in upper
// and lower case. The error is an *Error.
func Parse(text string) (f *Filter, err error) {
	p := &parser{text: text}
	defer func() {
		if fault := recover(); fault != nil {
			e, ok := fault.(*Error)
			if !ok {
				panic(fault)
			}
			f, err = nil, e
		}
	}()
	if len(text) > maxLength {
		p.fail(0, "a filter has at most "+strconv.Itoa(maxLength)+" bytes, this one has "+strconv.Itoa(len(text)), "")
	}
	p.advance()
	if p.word == "" {
		return &Filter{}, nil
	}
	steps := p.expression(qualifier{}, 0)
	if p.word == ")" {
		p.fail(p.at, `there is no "(" for this ")"`, "")
	}
	return &Filter{steps}, nil
}

// parser reads a text word by word. It panics with an *Error.
type parser struct {
	text string
	at   int    // where word begins
	next int    // where the rest begins
	word string // the word under way, in lower case; "" at the end

	elided bool // the value under way has the qualifier of the one before
}

// qualifier is what stands before a value: "tcp client port". An elided one is that of the value
// before.
type qualifier struct {
	protocol kind
	end      end
	kind     kind // noKind: a value without a qualifier of its own is an error
}

// advance takes the next word: a run of characters, or one of ( ) ! / && ||.
func (p *parser) advance() {
	for p.next < len(p.text) && isSpace(p.text[p.next]) {
		p.next++
	}
	p.at = p.next
	rest := p.text[p.at:]
	n := 0
	for n < len(rest) && !isSpace(rest[n]) && !strings.ContainsRune("()!/&|", rune(rest[n])) {
		n++
	}
	switch {
	case n > 0 || rest == "":
	case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"):
		n = 2
	default:
		n = 1
	}
	p.next += n
	p.word = strings.ToLower(rest[:n])
}

func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

// expression reads terms up to the end or a closing parenthesis. What it begins with may lack the
// qualifier q.
func (p *parser) expression(q qualifier, depth int) (steps []step) {
	if depth > maxDepth {
		p.fail(p.at, "parentheses nest deeper than "+strconv.Itoa(maxDepth), "")
	}
	for and := false; ; {
		s := p.term(&q, depth)
		s.and = and
		steps = append(steps, s)
		operator, ok := operators[p.word]
		switch {
		case p.word == "" || p.word == ")":
			return steps
		case !ok:
			p.unexpected()
		}
		and = operator == "and"
		p.advance()
	}
}

// unexpected fails at a word where an expression might end or "and" or "or" stand.
func (p *parser) unexpected() {
	switch p.word {
	case "/", "mask":
		p.fail(p.at, "a mask belongs to net", "")
	case "&", "|":
		p.fail(p.at, quoted(p.word)+" is not an operator: write "+p.word+p.word, "")
	}
	p.fail(p.at, quoted(p.word)+` needs "and" or "or" before it`, "")
}

// term reads a term with what negates it. Its qualifier is left in q.
func (p *parser) term(q *qualifier, depth int) step {
	not := p.negations()
	if p.word == "(" {
		return p.group(*q, depth, not)
	}
	if p.word == "" {
		p.fail(p.at, "the expression ends where a term is needed", "")
	}
	if _, operator := operators[p.word]; operator || p.word == ")" {
		p.fail(p.at, "a term is needed before "+quoted(p.word), "")
	}
	at := p.at
	var fresh qualifier
	if protocol, ok := protocols[p.word]; ok {
		p.advance()
		if kinds[p.word] == noKind && ends[p.word] == eitherEnd {
			*q = qualifier{}
			return step{not: not, test: test{kind: protocol}}
		}
		fresh.protocol = protocol
	}
	if e, ok := ends[p.word]; ok {
		fresh.end, fresh.kind = e, isHost
		p.advance()
	}
	if k, ok := kinds[p.word]; ok {
		fresh.kind = k
		p.advance()
	}
	switch {
	case fresh.kind != noKind:
		p.check(fresh, at)
		*q = fresh
		return p.operand(q, depth, not)
	case p.word == "vlan":
		*q = qualifier{}
		return step{not: not, test: p.vlan()}
	case q.kind == noKind || p.word == "src" || p.word == "dst":
		p.unknown()
	}
	p.elided = true
	s := step{not: not, test: p.value(*q)}
	p.elided = false
	return s
}

// check fails if the protocol at a position does not go with what it stands before.
func (p *parser) check(q qualifier, at int) {
	ports := q.kind == isPort || q.kind == isPortRange
	switch {
	case q.protocol == isTCP && !ports:
		p.fail(at, `"tcp" does not go before `+names[q.kind]+": write tcp and "+names[q.kind], "")
	case (q.protocol == isIP || q.protocol == isIP6) && ports:
		word := map[kind]string{isIP: "ip", isIP6: "ip6"}[q.protocol]
		p.fail(at, quoted(word)+" does not go before "+names[q.kind]+": write "+word+" and "+names[q.kind], "")
	}
}

// negations reads words that negate and reports whether there is an odd number of them.
func (p *parser) negations() (not bool) {
	for ; p.word == "not" || p.word == "!"; p.advance() {
		not = !not
	}
	return not
}

// operand reads what a qualifier is followed by: a value, or several in parentheses.
func (p *parser) operand(q *qualifier, depth int, not bool) step {
	not = p.negations() != not
	if p.word == "(" {
		return p.group(*q, depth, not)
	}
	return step{not: not, test: p.value(*q)}
}

// group reads an expression in parentheses.
func (p *parser) group(q qualifier, depth int, not bool) step {
	open := p.at
	p.advance()
	steps := p.expression(q, depth+1)
	if p.word != ")" {
		p.fail(open, `there is no ")" for this "("`, "")
	}
	p.advance()
	return step{not: not, group: steps}
}

// unknown fails at a word that is none of the language's, or a value without a qualifier.
func (p *parser) unknown() {
	word := quoted(p.original())
	switch p.word {
	case "src", "dst":
		p.fail(p.at, word+" is for packets, and a connection has both directions: write client or server", "")
	case "/", "&", "|":
		p.fail(p.at, "a term is needed before "+word, "")
	}
	if _, ok := address(p.word); ok {
		p.fail(p.at, word+" needs host or net before it", "")
	}
	if _, err := strconv.ParseUint(p.word, 10, 64); err == nil {
		p.fail(p.at, word+" needs port before it", "")
	}
	if _, ok := services[p.word]; ok {
		p.fail(p.at, word+" needs port before it", "")
	}
	if strings.ContainsAny(p.word, "[]=<>") {
		p.fail(p.at, "bytes and lengths of packets cannot be tested", words)
	}
	p.fail(p.at, "no such word "+word, words)
}

// original returns the word under way as it is written.
func (p *parser) original() string { return p.text[p.at:p.next] }

// isWord reports whether the word under way is one of the language's or the end, and so no value.
func (p *parser) isWord() bool {
	switch p.word {
	case "", "(", ")", "/", "&", "|", "mask", "vlan", "src", "dst":
		return true
	}
	_, operator := operators[p.word]
	return operator || kinds[p.word] != noKind || ends[p.word] != eitherEnd || protocols[p.word] != noKind
}

// value reads one value of a qualifier.
func (p *parser) value(q qualifier) test {
	if p.isWord() {
		p.fail(p.at, names[q.kind]+" needs "+map[kind]string{
			isHost: "an address after it", isNet: "a network after it, such as 192.0.2.0/24",
			isPort: "a number or a name after it", isPortRange: "a range after it, such as 8000-8999",
		}[q.kind], "")
	}
	at := p.at
	t := test{kind: q.kind, end: q.end}
	switch q.kind {
	case isHost:
		a, ok := address(p.word)
		if !ok {
			p.noValue(at, p.original(), "not an address, and names of hosts are not looked up", "")
		}
		p.advance()
		if p.word == "/" || p.word == "mask" {
			p.fail(p.at, "a mask belongs to net", "")
		}
		t.setNet(a, a.BitLen())
	case isNet:
		p.net(&t)
	case isPort:
		t.low = p.port(p.original(), at)
		t.high = t.low
		p.advance()
	case isPortRange:
		from, to, ok := strings.Cut(p.original(), "-")
		if !ok {
			p.noValue(at, p.original(), "not a range, such as 8000-8999", "")
		}
		a, b := p.port(from, at), p.port(to, at+len(from)+1)
		t.low, t.high = min(a, b), max(a, b)
		p.advance()
	}
	if (q.kind == isHost || q.kind == isNet) && q.protocol != noKind && t.ipv6 != (q.protocol == isIP6) {
		p.fail(at, map[bool]string{true: `"ip" does not go with an IPv6 address`, false: `"ip6" does not go with an IPv4 address`}[t.ipv6], "")
	}
	return t
}

// address reads an IP address, without a zone.
func address(word string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(word)
	return a, err == nil && a.Zone() == ""
}

// setNet makes t a test for the first so many bits of an address.
func (t *test) setNet(a netip.Addr, length int) {
	t.ipv6 = a.Is6()
	t.addr = words64(a)
	t.mask = decode.Addr{Hi: ones(length), Lo: ones(length - 64)}
	if !t.ipv6 {
		t.mask = decode.Addr{Lo: ones(length) >> 32}
	}
}

// ones returns a number whose first n bits of 64 are 1.
func ones(n int) uint64 {
	if n <= 0 {
		return 0
	}
	return math.MaxUint64 << (64 - min(n, 64))
}

func words64(a netip.Addr) decode.Addr {
	if a.Is4() {
		b := a.As4()
		return decode.Addr{Lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return decode.Addr{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}
}

// net reads a network: an address, or the first bytes of an IPv4 one, and perhaps a mask.
func (p *parser) net(t *test) {
	at := p.at
	word := p.word
	length := 8 * (1 + strings.Count(word, "."))
	if length < 32 && !strings.Contains(word, ":") { // as in "net 10" and "net 192.168"
		word += strings.Repeat(".0", (32-length)/8)
	}
	a, ok := address(word)
	if !ok {
		p.noValue(at, p.original(), "not a network, and names of networks are not looked up", "")
	}
	if a.Is6() {
		length = 128
	}
	p.advance()
	switch p.word {
	case "/":
		p.advance()
		n, err := strconv.ParseUint(p.word, 10, 8)
		if err != nil || int(n) > a.BitLen() {
			p.fail(p.at, "a number of bits up to "+strconv.Itoa(a.BitLen())+" is needed after /", "")
		}
		t.setNet(a, int(n))
		p.advance()
	case "mask":
		p.advance()
		mask, ok := address(p.word)
		if !ok || mask.Is4() != a.Is4() {
			p.fail(p.at, "a mask such as "+map[bool]string{true: "255.255.255.0", false: "ffff:ffff::"}[a.Is4()]+" is needed after mask", "")
		}
		t.setNet(a, a.BitLen())
		t.mask = words64(mask)
		p.advance()
	default:
		t.setNet(a, length)
	}
	if t.addr.Hi&^t.mask.Hi|t.addr.Lo&^t.mask.Lo != 0 {
		reason := "bits of the address beyond the mask are set"
		n := bits.OnesCount64(t.mask.Hi) + bits.OnesCount64(t.mask.Lo)
		mask := t.mask
		if t.setNet(a, n); t.mask == mask {
			reason += ": the network is " + netip.PrefixFrom(a, n).Masked().String()
		}
		p.fail(at, reason, "")
	}
}

// port reads a port that is written at a position.
func (p *parser) port(text string, at int) uint16 {
	if port, ok := services[strings.ToLower(text)]; ok {
		return port
	}
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err == nil:
		return uint16(n)
	case strings.Trim(text, "0123456789") == "" && text != "":
		p.fail(at, "a port is at most 65535", "")
	}
	known := make([]string, 0, len(services))
	for name := range services {
		known = append(known, name)
	}
	slices.Sort(known)
	p.noValue(at, text, "not a port", "names are "+strings.Join(known, ", "))
	return 0
}

// noValue fails at a text that is none of the values that a qualifier takes. Without the qualifier
// it may be meant as a word.
func (p *parser) noValue(at int, text, is, known string) {
	if p.elided {
		p.fail(at, "no such word "+quoted(text)+", and it is "+is, words)
	}
	p.fail(at, quoted(text)+" is "+is, known)
}

// vlan reads "vlan", and perhaps an id.
func (p *parser) vlan() test {
	t := test{kind: isVLAN, high: math.MaxUint16}
	if p.advance(); p.word == "" || strings.Trim(p.word, "0123456789") != "" {
		return t
	}
	id, err := strconv.ParseUint(p.word, 10, 12)
	if err != nil {
		p.fail(p.at, "a VLAN id is at most 4095", "")
	}
	p.advance()
	t.low, t.high = uint16(id), uint16(id)
	return t
}

// fail ends the parsing.
func (p *parser) fail(at int, reason, known string) { panic(&Error{p.text, at, reason, known}) }
