package gofollow_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"gofollow/gofollow"
)

// script turns a conversation in short notation into packets. Segments stand
// between semicolons; the words of one are
//
//	c, s, c2, s2 ...  who sends: the client or server of the first, second ... connection; always the first word
//	SA                flags, of S F R A P U; "A" without
//	5                 the stream offset of the first byte; 0 without, a SYN is at -1 always
//	"hello"           payload
//	ack=5             the offset that is acknowledged, 0 without
//	isn=9000          from here on this side's initial number
//	t=2s              comes so long after the segment before, 1ms without
//	cut=2             only so many bytes of the payload were captured
//	urg=2             the urgent pointer
//	win=10            the window, 60000 without
//	pad=6             so many bytes stand behind the IP datagram
//	bad               the checksum is wrong
//
// H stands for the handshake. Clients have 10.0.0.1:40001 and so on, the server
// is 10.0.0.2:80; initial numbers are 1000 and 5000.
func script(t testing.TB, text string) (packets []gofollow.Packet) {
	t.Helper()
	isn := map[string]uint32{}
	now := time.Duration(0)
	for _, line := range strings.Split(strings.Replace(text, "H;", "c S; s SA; c A;", 1), ";") {
		words := strings.Fields(line)
		who, number, step := words[0], 1, time.Millisecond
		if len(who) > 1 {
			number, _ = strconv.Atoi(who[1:])
		}
		client := netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(40000+number))
		server := netip.MustParseAddrPort("10.0.0.2:80")
		s, peer := segment{src: client, dst: server, flags: "A"}, "s"+who[1:]
		if who[0] == 's' {
			s.src, s.dst, peer = server, client, "c"+who[1:]
		}
		for side, n := range map[string]uint32{"c": 1000, "s": 5000} {
			if _, ok := isn[side+who[1:]]; !ok {
				isn[side+who[1:]] = n
			}
		}
		offset, ack, cut, bad := int64(0), int64(0), 0, false
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			n, err := strconv.ParseInt(value, 10, 64)
			at, notOffset := strconv.ParseInt(word, 10, 64)
			switch {
			case word[0] == '"':
				s.payload = []byte(strings.Trim(word, `"`))
				err = nil
			case key == "ack":
				ack = n
			case key == "isn":
				isn[who] = uint32(n)
			case key == "t":
				step, err = time.ParseDuration(value)
			case key == "cut":
				cut = len(s.payload) - int(n)
			case key == "urg":
				s.urgent = uint16(n)
			case key == "win":
				s.window = uint16(n)
			case key == "pad":
				s.trailer = bytes.Repeat([]byte("#"), int(n))
			case word == "bad":
				bad, err = true, nil
			case notOffset == nil:
				offset, err = at, nil
			case strings.Trim(word, "SFRAPU") == "":
				s.flags, err = word, nil
			default:
				t.Fatalf("script: %q in %q", word, line)
			}
			if err != nil {
				t.Fatalf("script: %q in %q: %v", word, line, err)
			}
		}
		s.seq = isn[who] + 1 + uint32(offset)
		if strings.Contains(s.flags, "S") {
			s.seq = isn[who]
		}
		if strings.Contains(s.flags, "A") {
			s.ack = isn[peer] + 1 + uint32(ack)
		}
		frame := s.frame(t)
		if bad {
			frame[14+20+16] ^= 0x55
		}
		now += step
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: int64(now), Data: s.cut(frame, cut), WireLen: len(frame)})
	}
	return packets
}

// brief shows an event in the notation of the cases below: "c3 abc" are the
// client's bytes from offset 3 on, with a star if they were reordered, "gap s0+2 ack"
// a gap, "fin c3" half-closed, "!kind c" an anomaly. Connections after the first have
// their number before a dot.
func brief(e *gofollow.Event) string {
	side := e.Direction.String()[:1]
	text := ""
	switch e.Kind {
	case gofollow.Opened:
		text = "open"
		if e.Conn.Start() != gofollow.StartSYN {
			text = fmt.Sprintf("open %v/%v", e.Conn.RolesFrom(), e.Conn.Start())
		}
	case gofollow.Data:
		text = fmt.Sprintf("%s%d %s", side, e.Offset, e.Bytes)
		if e.Reordered {
			text += "*"
		}
	case gofollow.Gap:
		text = fmt.Sprintf("gap %s%d+%d %v", side, e.Offset, e.Length, e.GapReason)
	case gofollow.HalfClosed:
		text = fmt.Sprintf("fin %s%d", side, e.Offset)
	case gofollow.Closed:
		text = fmt.Sprintf("closed %v", e.CloseReason)
		if e.CloseReason == gofollow.CloseRST {
			text += fmt.Sprintf(" by %v", e.By)
		}
		if e.Conn.Clean() {
			text += " clean"
		}
		if reset := e.Conn.ResetText(); len(reset) > 0 {
			text += fmt.Sprintf(" %q", reset)
		}
	case gofollow.Anomaly:
		text = fmt.Sprintf("!%v %s", e.AnomalyKind, side)
	}
	if id := e.Conn.ID(); id > 0 {
		text = fmt.Sprintf("%d.%s", id, text)
	}
	return text
}

// dropped lists the counters of what was not delivered, those that are not 0.
func (c *conversation) dropped() string {
	var b strings.Builder
	for d, side := range [2]string{"c", "s"} {
		n := &c.streams[d].counters
		for _, v := range []struct {
			name  string
			count uint64
		}{
			{"duplicate", n.DuplicateBytes}, {"conflict", n.ConflictBytes}, {"late", n.LateBytes}, {"before", n.BeforeStart},
			{"after-fin", n.AfterFIN}, {"after-rst", n.AfterRST}, {"far", n.FarBytes},
		} {
			if v.count > 0 {
				fmt.Fprintf(&b, " %s %s=%d", side, v.name, v.count)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// oneByteEach is n segments of one byte each, for counting segments.
func oneByteEach(side string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` %s %d "%c";`, side, i, 'a'+i%26)
	}
	return b.String()
}

// acksOfEach is n bare acknowledgements, each of a byte more.
func acksOfEach(side string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " %s A ack=%d;", side, i+1)
	}
	return b.String()
}

// backwards is oneByteEach, the last segment first.
func backwards(side string, n int) string {
	var b strings.Builder
	for i := n - 1; i >= 0; i-- {
		fmt.Fprintf(&b, ` %s %d "%c";`, side, i, 'a'+i%26)
	}
	return b.String()
}

// far is n segments of one byte each, far above the beginning, in steps.
func far(side string, n, step int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` %s %d "%c";`, side, 100_000_000+i*step, 'a'+i%26)
	}
	return b.String()
}

// farShown is what far of the client comes out as after their hole.
func farShown(n, step int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 && step > 1 {
			fmt.Fprintf(&b, "gap c%d+%d close; ", 100_000_001+(i-1)*step, step-1)
		}
		fmt.Fprintf(&b, "c%d %c*; ", 100_000_000+i*step, 'a'+i%26)
	}
	return b.String()
}

// shown is what oneByteEach comes out as.
func shown(side string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d %c; ", side, i, 'a'+i%26)
	}
	return b.String()
}

var (
	noisy    = gofollow.Config{Anomalies: true}
	atOnce   = gofollow.Config{GapPatience: gofollow.AtOnce}
	firstFIN = gofollow.Config{CloseOn: gofollow.CloseOnFirstFIN, NoMidstream: true}
)

// TestCases goes through the cases of docs/rules.md. A bar stands before what only
// the flush at the end of the input brings.
func TestCases(t *testing.T) {
	for _, test := range []struct {
		name, script, want string
		dropped            string // counters, where the case is about one
		config             gofollow.Config
	}{
		// Opening.
		{name: "handshake to the end", script: `H; c 0 "hi"; s 0 "yo" ack=2; c FA 2; s FA 2; c A 3`,
			want: `open; c0 hi; s0 yo; fin c2; fin s2; closed fin clean`},
		{name: "SYN alone", script: `c S`, want: `open | closed flush`},
		{name: "SYN and SYN+ACK again", script: `c S; c S; s SA; s SA; c A; c 0 "a"`, want: `open; c0 a | closed flush`},
		{name: "start at the SYN+ACK", script: `s SA; c A; c 0 "a"; s 0 "b"`, want: `open synack/synack; c0 a; s0 b | closed flush`},
		{name: "mid-stream, client first", script: `c 0 "hi"; s 0 "yo"`, want: `open port/midstream; c0 hi; s0 yo | closed flush`},
		{name: "mid-stream, server first", script: `s 0 "yo"; c 0 "hi"`, want: `open port/midstream; s0 yo; c0 hi | closed flush`},
		{name: "mid-stream, no data", script: `c A; s A; c FA; s RA`, want: ``},
		{name: "mid-stream, the bare ACK's number counts", script: `c A 0; c 3 "x"`, want: `open port/midstream | gap c0+3 close; c3 x*; closed flush`},
		{name: "mid-stream, a keep-alive first", script: `c A 0; c 1 "x"`, want: `open port/midstream; c0 x | closed flush`},
		{name: "mid-stream, a keep-alive first, then the FIN", script: `s 0 "y"; c A 0; c FA 3; c 1 "xy"; s A 1 ack=4`,
			want: `open port/midstream; s0 y; c0 xy; fin c2 | closed flush`},
		{name: "mid-stream, a hint, then data above", script: `c A 0; c 5 "x"; c 1 "y"`, want: `open port/midstream | gap c0+1 close; c1 y*; gap c2+3 close; c5 x*; closed flush`},
		{name: "mid-stream, the first data was not captured", script: `c 0 "x" cut=0; c 1 "y"`, want: `open port/midstream; gap c0+1 snaplen; c1 y | closed flush`},
		{name: "mid-stream, a keep-alive first, all given up", script: `s 0 "y"; c A 0; c FA 5; s A 1 ack=6; c 1 "x"; c 0 "q"`, want: `open port/midstream; s0 y; gap c0+5 ack; fin c5 | closed flush`, dropped: `c late=2`, config: atOnce},
		{name: "mid-stream, bytes below the start", script: `c 5 "x"; c 2 "abc"`, want: `open port/midstream; c0 x | closed flush`, dropped: `c before=3`},
		{name: "mid-stream, the SYN comes late", script: `c 0 "hi"; c S; c 2 "!"`, want: `open port/midstream; c0 hi; c2 ! | closed flush`},
		{name: "mid-stream, the SYN comes late, below a bare ACK", script: `c A 3; s 0 "y"; c S; c 0 "abc"`, want: `open port/midstream; s0 y; c0 abc | closed flush`},
		{name: "mid-stream, a late SYN below delivered data", script: `c 3 "hi"; c S; c 5 "!"`, want: `open port/midstream; c0 hi; c2 ! | closed flush`},
		{name: "mid-stream, a late SYN above a bare ACK", script: `c A 3; s 0 "y"; c S isn=1049; c 4 "x" isn=1000`, want: `open port/midstream; s0 y; c0 x | closed flush`},
		{name: "mid-stream, a late SYN above a bare ACK, below what was acknowledged", script: `s 0 "y" ack=9; c A 3; c S isn=1005; c 3 "abcdef" isn=1000`, want: `open port/midstream; s0 y; c0 abcdef | closed flush`},
		{name: "mid-stream, a late SYN below what was acknowledged, given up at once", script: `c A 3; s 0 "y" ack=13; c S; c 13 "x"`, want: `open port/midstream; s0 y; gap c0+13 ack; c13 x | closed flush`, config: atOnce},
		{name: "mid-stream, a late SYN below a wild ACK", script: `c A 3; s 0 "y"; s A 1 ack=1600000003; c S; s A 1 ack=1600000002`, want: `open port/midstream; s0 y | closed flush`},
		{name: "mid-stream, a late SYN, then a wild ACK", script: `c A 3; s 0 "y" ack=5; c S; s A 1 ack=1073741826`, want: `open port/midstream; s0 y | gap c0+5 close; closed flush`},
		{name: "mid-stream, a late SYN below a wild ACK that was confirmed", script: `c A 3; s 0 "y"; s A 1 ack=1600000000; s A 1 ack=1600000100; c S`, want: `open port/midstream; s0 y | gap c0+1600000100 close; closed flush`},
		{name: "what an unopened connection showed does not last past the SYN", script: `s A 500; c S; s 0 "a"; s SA; c A`, want: `open; s0 a* | closed flush`},
		{name: "a second SYN below the first", script: `c S; c S isn=900; s SA ack=100; c 0 "a" isn=1000`, want: `open; c0 a | closed flush`},
		{name: "mid-stream not wanted", script: `c 0 "x"; s SA; c S; c 0 "y"`, want: `open; c0 y | closed flush`, config: gofollow.Config{NoMidstream: true}},
		{name: "SYN with data", script: `c S "hi"; s SA ack=2; c 2 "!"`, want: `open; c0 hi; c2 ! | closed flush`},
		{name: "SYN with data, other bytes later", script: `c S "hi"; s SA; c 0 "XY!"`, want: `open; c0 hi; c2 ! | closed flush`},
		{name: "SYN+ACK with data", script: `c S; s SA "yo"; c A ack=2; s 2 "!"`, want: `open; s0 yo; s2 ! | closed flush`},
		{name: "several SYN+ACKs, the latest counts", script: `c S; s SA; s SA isn=7000; c A; s 0 "x"`, want: `open; s0 x | closed flush`},
		{name: "several SYN+ACKs, the client takes the first", script: `c S; s SA; s SA isn=7000; s A; c A ack=-2000; s 0 "abc" isn=5000`, want: `open; s0 abc | closed flush`},
		{name: "simultaneous open", script: `c S; s S; c SA; s SA; c 0 "a"; s 0 "b"`, want: `open; c0 a; s0 b | closed flush`},
		{name: "split handshake in five steps", script: `c S; s A 77 ack=40; s S isn=8000; c SA; s A; c 0 "q"; s 0 "a"`, want: `open; c0 q; s0 a | closed flush`},
		{name: "several SYN+ACKs, what was acknowledged of the first", script: `c S; s SA; c A ack=50; s SA isn=7000; c A; s 0 "x"; c A ack=1`,
			want: `open; s0 x | closed flush`},
		{name: "several SYN+ACKs, the client acknowledges data of the latest", script: `c S; s SA; s SA isn=7000; s 0 "xy"; c A ack=2`, want: `open; s0 xy | closed flush`},
		{name: "several SYN+ACKs, what was acknowledged of the first, above the latest", script: `c S; s SA; c A ack=50; s SA isn=5010; c A; s 0 "x"`, want: `open; s0 x | closed flush`},
		{name: "several SYN+ACKs, patience with the first", script: `c S; s SA; c A ack=50; s SA isn=4990; s 5 "x"; s A t=600ms; s 0 "abcde"`, want: `open; s0 abcde; s5 x* | closed flush`},
		{name: "several SYN+ACKs, no patience with the first", script: `c S; s SA; c A ack=50; s SA isn=4990; s 5 "x"; s 0 "abcde"`, want: `open; s0 abcde; s5 x* | closed flush`, config: atOnce},
		{name: "several SYN+ACKs, a wild ACK of the first", script: `c S; s SA; c A ack=1600000000; s SA isn=4990; c A; c A ack=1600000020`, want: `open | closed flush`},
		{name: "several SYN+ACKs, the client decides once", script: `c S; s SA; s SA isn=7000; c A; c A ack=2000000; s 0 "x"`, want: `open; s0 x | gap s1+1999999 close; closed flush`},
		{name: "several SYN+ACKs, the client decides before data", script: `c S; s SA; s SA isn=7000; s 0 "x"; c A ack=-2000; s 1 "y"`, want: `open; s0 x; s1 y | closed flush`},
		{name: "several SYN+ACKs, the client acknowledges lost data", script: `c S; s SA; s SA isn=7000; c A ack=5; s 5 "x"`, want: `open | gap s0+5 close; s5 x*; closed flush`},
		{name: "several SYN+ACKs, the client acknowledges 1 MiB of lost data", script: `c S; s SA; s SA isn=7000; c A ack=1048576; s 1048576 "x"`, want: `open | gap s0+1048576 close; s1048576 x*; closed flush`},
		{name: "several SYN+ACKs, the client takes one that was lost", script: `c S; s SA; s SA isn=7000; c A ack=1048577; s 1048577 "x"`, want: `open; s0 x | closed flush`},
		{name: "several SYN+ACKs, a FIN of the first", script: `c S; s SA; s FA 5; s SA isn=7000; c A; s 0 "x"`, want: `open; s0 x | closed flush`, config: noisy},
		{name: "several SYN+ACKs, a FIN of the first at the start of the latest", script: `c S; s SA; s FA 5; s SA isn=5005; c A`, want: `open; fin s0 | closed flush`},
		{name: "the SYN+ACK again after a FIN with data", script: `H; s FA 0 "a"; s SA; c 0 "b"`, want: `open; s0 a; fin s1; c0 b | closed flush`},

		// What comes before the SYN+ACK, of this connection or of an earlier one.
		{name: "data before the SYN+ACK", script: `c S; s 0 "abc"; s SA; c A ack=3; s 3 "d"`, want: `open; s0 abc*; s3 d | closed flush`},
		{name: "data before the SYN+ACK, not of this connection", script: `c S; s 0 "old" isn=2000; s SA isn=5000; c A; s 0 "new"`,
			want: `open; s0 new | closed flush`, dropped: `s before=3`},
		{name: "data before the SYN+ACK, in part of this connection", script: `c S; s -2 "xyab"; s SA; c A ack=2; s 2 "c"`,
			want: `open; s0 ab*; s2 c | closed flush`, dropped: `s before=2`},
		{name: "data before the SYN+ACK, with numbers above", script: `c S; s 0 "old" isn=9000; s SA isn=5000; c A; s 0 "new"; s FA 3; c FA 0 ack=4; s A 4 ack=1`,
			want: `open; s0 new; fin s3; fin c0; closed fin clean`, dropped: `s far=3`},
		{name: "data before the SYN+ACK, far above", script: `c S; s 0 "old" isn=900000000; s SA isn=5000; c A; s 0 "new"`,
			want: `open; s0 new | closed flush`, dropped: `s far=3`},
		{name: "data before the SYN+ACK, acknowledges what was before the SYN", script: `c S; s 0 "old" ack=-1; s SA; c A; s 0 "new"`,
			want: `open; s0 new | closed flush`, dropped: `s before=3`},
		{name: "data before the SYN+ACK, 1 GiB below other", script: `c S; s 0 "a"; s -1073741824 "b"; s SA; c A ack=1`, want: `open; s0 a* | closed flush`, dropped: `s before=1`},
		{name: "data before the SYN+ACK, in two segments", script: `c S; s 0 "abc"; s 3 "def"; s SA`, want: `open; s0 abc*; s3 def* | closed flush`},
		{name: "data before the SYN+ACK, backwards", script: `c S;` + backwards("s", 40) + ` s SA; c A; s 40 "z"`, want: `open; ` + strings.ReplaceAll(shown("s", 40), ";", "*;") + `s40 z | closed flush`},
		{name: "data before the SYN+ACK, no ACK flag", script: `c S; s P 0 "abc"; s SA; c A ack=3`, want: `open; s0 abc* | closed flush`},
		{name: "data before the SYN+ACK, no ACK flag, but a number", script: `c S isn=-6; s P 0 "abc"; s SA; c A ack=3`, want: `open; s0 abc* | closed flush`},
		{name: "data before the SYN+ACK, of an earlier connection that acknowledges", script: `c S; s 0 "old" isn=2000 ack=4; s SA isn=5000; c A`, want: `open | closed flush`, dropped: `s before=3`},
		{name: "data before the SYN+ACK, cut", script: `c S; s 0 "abc" cut=2; s SA; c A; s 3 "d"`, want: `open; s0 ab*; gap s2+1 snaplen; s3 d | closed flush`},
		{name: "data before the SYN+ACK, urgent", script: `c S; s UA 0 "abc" urg=2; s SA`, want: `open; s0 a*; gap s1+1 urgent; s2 c* | closed flush`, config: gofollow.Config{Urgent: gofollow.UrgentOOB}},
		{name: "data before the SYN+ACK, far, as much as may be held", script: `c S; s 0 "a"; s 100000000 "bcd"; s SA; c A ack=100000003`, want: `open; s0 a* | gap s1+99999999 close; s100000000 bcd*; closed flush`, config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "FIN before the SYN+ACK, acknowledges", script: `c S; s FA 0 ack=4; s SA; c A`, want: `open; fin s0 | gap c0+4 close; closed flush`},
		{name: "FIN before the SYN+ACK, of an earlier connection that acknowledges", script: `c S; s FA 0 isn=2000 ack=4; s SA isn=5000; c A`, want: `open | closed flush`},
		{name: "FIN before the SYN+ACK, 1 GiB above data", script: `c S; s FA 0; s -1073741824 "b"; s SA; c A ack=1`, want: `open; fin s0 | closed flush`, dropped: `s before=1`},
		{name: "FIN before the SYN+ACK, below data of an earlier connection", script: `c S; s 0 "old" isn=9000; s FA 0 "ab" isn=5000; s SA; c A ack=3`, want: `open; s0 ab*; fin s2 | closed flush`, dropped: `s far=3`},
		{name: "the SYN+ACK more than 1 GiB below an ACK", script: `c S; c A ack=5; s SA isn=-1199995000; c A; s 0 "x"`, want: `open; s0 x | closed flush`},
		{name: "the SYN+ACK 1 GiB below an ACK", script: `c S; c A; s SA isn=-1073736824`, want: `open | gap s0+1073741824 close; closed flush`},
		{name: "the SYN+ACK above an ACK, then a RST below", script: `c S; c A ack=-10; c A ack=-5; s SA; s R -3`, want: `open; !rst_out_of_window s | closed flush`, config: noisy},
		{name: "FIN before the SYN+ACK, not of this connection", script: `c S; s FA 0 isn=2000; s SA isn=5000; c A; s 0 "new"; s FA 3; c FA 0 ack=4; s A 4 ack=1`,
			want: `open; s0 new; fin s3; fin c0; closed fin clean`},
		{name: "FIN before the SYN+ACK, with a number above", script: `c S; s FA 0 isn=9000; s SA isn=5000; c A; s 0 "new"; s FA 3; c FA 0 ack=4; s A 4 ack=1`,
			want: `open; s0 new; fin s3; fin c0; closed fin clean`},
		{name: "FIN before the SYN+ACK, of this connection", script: `c S; s FA 2; s 0 "ab"; s SA; c A ack=3`, want: `open; s0 ab*; fin s2 | closed flush`},
		{name: "no SYN+ACK, an ACK", script: `c S; s 0 "abc"; c A ack=3; s 3 "d"`, want: `open; s0 abc*; s3 d | closed flush`},
		{name: "no SYN+ACK, an ACK within the data", script: `c S; s 0 "abc"; c A ack=2; s 3 "d"`, want: `open; s0 abc*; s3 d | closed flush`},
		{name: "no SYN+ACK, an ACK above a hole", script: `c S; s 0 "abc"; s 6 "ghi"; c A ack=9`, want: `open; s0 abc* | gap s3+3 close; s6 ghi*; closed flush`},
		{name: "no SYN+ACK, an ACK above a hole of 1 MiB", script: `c S; s 0 "abc"; s 1048579 "x"; c A ack=1048580`,
			want: `open; s0 abc* | gap s3+1048576 close; s1048579 x*; closed flush`},
		{name: "no SYN+ACK, an ACK above a larger hole", script: `c S; s 0 "old"; s 1048580 "x"; c A ack=1048581; s 1048581 "y"`,
			want: `open; s0 x*; s1 y | closed flush`, dropped: `s before=3`},
		{name: "no SYN+ACK, an ACK below all data", script: `c S; s 5 "x"; c A; s 0 "abcde"`, want: `open; s0 abcde; s5 x* | closed flush`},
		{name: "no SYN+ACK, an ACK before any data", script: `c S; c A; s 2 "abc"; s 0 "xy"`, want: `open; s0 xy; s2 abc* | closed flush`},
		{name: "no SYN+ACK, data below the first ACK", script: `c S; c A ack=5; s 2 "abc"; s 5 "x"`, want: `open; s0 x | closed flush`, dropped: `s before=3`},
		{name: "no SYN+ACK, an ACK of an earlier connection", script: `c S; s 0 "abc"; c A -1 ack=2; c A ack=3`, want: `open; s0 abc* | closed flush`},
		{name: "no SYN+ACK, an ACK of an earlier connection, below", script: `c S; s 0 "abc"; c A -1 ack=-500; c A ack=3`, want: `open; s0 abc* | closed flush`},
		{name: "no SYN+ACK, an ACK of an earlier connection, above", script: `c S; s 0 "abc"; c A 100000000 ack=-500; c A ack=3`, want: `open; s0 abc* | closed flush`},
		{name: "no SYN+ACK, the highest ACK counts", script: `c S; c A ack=5; c A ack=9; c A ack=7; s 5 "x"`, want: `open; s0 x | gap s1+3 close; closed flush`},
		{name: "no SYN+ACK, a SYN between ACK and data", script: `c S; c A ack=5; c A ack=9; s 20 "x"; s S isn=5007; s 0 "abcdefghijklm"`, want: `open; s0 abcdefghijklm; s13 x* | closed flush`},
		{name: "no SYN+ACK, a SYN more than 1 GiB below the ACK", script: `c S; c A ack=5; s 20 "x"; s S isn=-1073736900; s 5 "yyyyyyyyyyyyyyy" isn=5000`, want: `open; s0 yyyyyyyyyyyyyyy; s15 x* | closed flush`},
		{name: "no SYN+ACK, a bare ACK, a SYN more than 1 GiB below", script: `c S; s A 5; c A ack=5; s S isn=-1073736900; s 5 "y" isn=5000`, want: `open; s0 y | closed flush`},
		{name: "no SYN+ACK and no ACK", script: `c S; s 5 "x"; s 9 "y"`, want: `open | s0 x*; gap s1+3 close; s4 y*; closed flush`},
		{name: "no SYN+ACK and no ACK, a FIN alone", script: `c S; s FA 5`, want: `open | fin s0; closed flush`},
		{name: "no SYN+ACK and no ACK, a FIN below data", script: `c S; s FA 3; s 5 "x"`, want: `open | s0 x*; closed flush`},
		{name: "a late SYN, then a FIN of the other side alone", script: `s P 0 "y" cut=0; s S; c FA 0`, want: `open port/midstream | fin c0; gap s0+1 snaplen; closed flush`},
		{name: "no SYN+ACK and no ACK, what was kept acknowledges", script: `c S; c2 S; s 5 "x" ack=4`,
			want: `open; 1.open | gap c0+4 close; s0 x*; closed flush; 1.closed flush`},
		{name: "no SYN+ACK and no ACK, G2", script: `c S; s 5 "x"; s 9 "y" t=29s; c2 S t=1s`, want: `open; s0 x*; 1.open | gap s1+3 close; s4 y*; closed flush; 1.closed flush`},
		{name: "no SYN+ACK and no ACK, G3", script: `c S; s 5 "x"; s 9 "y"; s 10 "z"`, want: `open; s0 x* | gap s1+3 close; s4 y*; s5 z*; closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{HeldSegments: 2}}},
		{name: "no SYN+ACK and no ACK, a FIN far below the data", script: `c S; s FA 0 isn=100; s 0 "xy" isn=900000000; s FA 2`,
			want: `open | s0 xy*; fin s2; closed flush`, dropped: ``},
		{name: "no SYN+ACK and no ACK, G3 with a FIN far below", script: `c S; s FA 0 isn=100; s 0 "x" isn=900000000; s 5 "y"`,
			want: `open | s0 x*; gap s1+4 close; s5 y*; closed flush`, config: gofollow.Config{Limits: gofollow.Limits{HeldSegments: 1}}},
		{name: "no SYN+ACK and no ACK, too large to keep", script: `c S; s FA 0 isn=100; s 0 "xyz" isn=900000000; s R`, want: `open | fin s0; closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 2}}, dropped: `s far=3`},
		{name: "no SYN+ACK and no ACK, G3 within a segment", script: `c S; s U 0 "abcdef" urg=3; s FA 6`, want: `open; s0 ab; gap s2+1 urgent; s3 def; fin s6 | closed flush`,
			config: gofollow.Config{Urgent: gofollow.UrgentOOB, Limits: gofollow.Limits{HeldSegments: 1}}},
		{name: "only the client is captured, its ACKs are no gaps", script: `c S; c A; c 0 "q" ack=10; c FA 1 ack=10`, want: `open; c0 q; fin c1 | closed flush`},
		{name: "two SYNs and an ACK are no handshake", script: `c S; s S; c A; c 0 "a" t=61s`, want: `open; closed timeout; 1.open port/midstream; 1.c0 a | 1.closed flush`},
		{name: "a SYN+ACK and an ACK are no handshake", script: `s SA; c A; c 0 "a" t=61s`,
			want: `open synack/synack; closed timeout; 1.open port/midstream; 1.c0 a | 1.closed flush`},
		{name: "SYN and FIN in one", script: `c SF; s SA; c 0 "a"`, want: `open; fin c0 | closed flush`, dropped: `c after-fin=1`},

		// One direction.
		{name: "out of order", script: `H; c 2 "cd"; c 4 "ef"; c 0 "ab"`, want: `open; c0 ab; c2 cd*; c4 ef* | closed flush`},
		{name: "retransmission", script: `H; c 0 "ab"; c 0 "ab"`, want: `open; c0 ab | closed flush`, dropped: `c duplicate=2`},
		{name: "retransmission, other bytes, delivered", script: `H; c 0 "ab"; c 0 "XY"`, want: `open; c0 ab | closed flush`, dropped: `c duplicate=2`, config: noisy},
		{name: "overlap with a new tail", script: `H; c 0 "ab"; c 1 "Xcd"`, want: `open; c0 ab; c2 cd | closed flush`},
		{name: "held copies disagree, the first wins", script: `H; c 2 "cd"; c 2 "XY"; c 0 "ab"`, want: `open; c0 ab; c2 cd* | closed flush`},
		{name: "held copies disagree, it is told", script: `H; c 2 "cd"; c 2 "XY"; c 0 "ab"`, want: `open; !overlap_conflict c; c0 ab; c2 cd* | closed flush`, config: noisy},
		{name: "held copies disagree, the last wins", script: `H; c 2 "cd"; c 2 "XY"; c 0 "ab"`, want: `open; c0 ab; c2 XY* | closed flush`,
			config: gofollow.Config{Overlap: gofollow.OverlapLast}},
		{name: "one copy covers two held ones, the first win", script: `H; c 2 "c"; c 4 "e"; c 1 "BCDEF"; c 0 "a"`,
			want: `open; c0 a; c1 B*; c2 c*; c3 D*; c4 e*; c5 F* | closed flush`},
		{name: "keep-alive", script: `H; c 0 "ab"; c A 1; c 1 "?"; c 2 "c"`, want: `open; c0 ab; c2 c | closed flush`, config: noisy},
		{name: "a copy that begins below the start", script: `H; c -1 "?ab"`, want: `open; c0 ab | closed flush`, dropped: `c before=1`},
		{name: "zero-window probe", script: `H; c 0 "ab"; c 2 "c"; c 2 "cd"`, want: `open; c0 ab; c2 c; c3 d | closed flush`},
		{name: "no ACK flag", script: `H; c P 0 "a"`, want: `open; !no_ack_flag c; c0 a | closed flush`, config: noisy},
		{name: "padding", script: `H; c A pad=6; c 0 "ab" pad=3; c 2 "c"`, want: `open; c0 ab; c2 c | closed flush`},
		{name: "far segment", script: `H; c 0 "a"; c 100000000 "x"; c 1 "b"`, want: `open; c0 a; c1 b | !far_segment c; closed flush`, config: noisy},
		{name: "far segment, to the byte", script: `H; c 67108865 "x"; c2 S; s2 SA; c2 A; c2 67108864 "y"`,
			want: `open; 1.open | !far_segment c; closed flush; 1.gap c0+67108864 close; 1.c67108864 y*; 1.closed flush`, config: noisy},
		{name: "far segment, not far from what was acknowledged", script: `H; s A ack=100000000; c 100000005 "x"`,
			want: `open | gap c0+100000005 close; c100000005 x*; closed flush`},
		{name: "far segment, too large to hold", script: `H; c 100000000 "xxxxx"`, want: `open; !far_segment c | closed flush`,
			config: gofollow.Config{Anomalies: true, Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "far segment, continued, one side captured", script: `c S; c 0 "a"; c 100000000 "x"; c 100000001 "y"`,
			want: `open; c0 a | gap c1+99999999 close; c100000000 x*; c100000001 y*; closed flush`},
		{name: "far segment, continued, swapped", script: `c S; c 0 "a"; c 100000001 "y"; c 100000000 "x"`,
			want: `open; c0 a | gap c1+99999999 close; c100000000 x*; c100000001 y*; closed flush`},
		{name: "far segment, the same twice is no continuation", script: `c S; c 0 "a"; c 100000000 "xy"; c 100000000 "xy"`,
			want: `open; c0 a | !far_segment c; closed flush`, config: noisy, dropped: `c duplicate=2 c far=2`},
		{name: "far segment, continued by too few", script: `H; c 0 "a";` + far("c", 15, 1) + ` c 1 "b"`,
			want: `open; c0 a; c1 b | closed flush`, dropped: `c far=15`},
		{name: "far segment, continued by enough", script: `H; c 0 "a";` + far("c", 16, 1) + ` c 1 "b"`,
			want: `open; c0 a; c1 b | gap c2+99999998 close; ` + farShown(16, 1) + `closed flush`},
		{name: "far segments in a row, the last acknowledged", script: `H; c 0 "a"; c 100000000 "x"; c 200000000 "y"; c 300000000 "z"; s A ack=200000001`,
			want: `open; c0 a | gap c1+99999999 close; c100000000 x*; gap c100000001+99999999 close; c200000000 y*; closed flush`, dropped: `c far=1`},
		{name: "far segment with the FIN", script: `c S; c 0 "a"; c 100000000 "x"; c FA 100000001`,
			want: `open; c0 a | gap c1+99999999 close; c100000000 x*; fin c100000001; closed flush`},
		{name: "far segment, acknowledged", script: `H; c 0 "a"; c 100000000 "x"; s A ack=100000001; c 1 "b"`,
			want: `open; c0 a; c1 b | gap c2+99999998 close; c100000000 x*; closed flush`},
		{name: "far segment, acknowledged up to it", script: `H; c 0 "a"; c 100000000 "x"; s A ack=100000000; c 1 "b"`,
			want: `open; c0 a; c1 b | gap c2+99999998 close; c100000000 x*; closed flush`},
		{name: "far segment, acknowledges too much", script: `H; c 0 "a"; c 100000000 "x" ack=1600000000; s A ack=100000001`, want: `open; c0 a | gap c1+99999999 close; c100000000 x*; closed flush`},
		{name: "far segment, as much as may be held", script: `H; c 100000000 "xxxx"; s A ack=100000004`, want: `open | gap c0+100000000 close; c100000000 xxxx*; closed flush`, config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "far segment, acknowledged, its age", script: `H; c 0 "a"; c 100000000 "x"; c 2 "c" t=5s; s A ack=100000001 t=24s; c2 S t=7s`, want: `open; c0 a; gap c1+1 timeout; c2 c*; 1.open | gap c3+99999997 close; c100000000 x*; closed flush; 1.closed flush`, config: gofollow.Config{GapPatience: 100 * time.Second}},
		{name: "far segment, not far once the SYN comes, its age", script: `c A 1; s 0 "y"; c 3 "a"; c 9 "b"; c 6 "c" t=10s; c S; c 0 "xxx"; c 4 "yy"; s 1 "z" t=25s; c 7 "zz"`, want: `open port/midstream; s0 y; c0 xxx; c3 a*; c4 yy; c6 c*; s1 z; c7 zz; c9 b* | closed flush`, config: gofollow.Config{Limits: gofollow.Limits{FarBytes: 4}}},
		{name: "far segment, of too many the oldest goes", script: `H; c 900000000 "y";` + far("c", 32, 2) + ` s A ack=900000000`,
			want: `open | gap c0+100000000 close; ` + farShown(32, 2) + `gap c100000063+799999937 close; closed flush`, dropped: `c far=1`},
		{name: "far segment, reached", script: `H; c 10 "x"; c 0 "abcdefgh"; c 8 "ijkl"; c 12 "m"`, want: `open; c0 abcdefgh; c8 ijkl; c12 m | closed flush`,
			config: gofollow.Config{Anomalies: true, Limits: gofollow.Limits{FarBytes: 4}}},
		{name: "a wild ACK is told", script: `H; c 0 "a"; s A ack=1600000000`, want: `open; c0 a; !ack_unseen c | closed flush`, config: noisy},
		{name: "bytes below the start are told", script: `H; c 0 "a"; c -2 "xya"`, want: `open; c0 a; !before_start c | closed flush`, config: noisy},
		{name: "a wrong checksum is told", script: `H; c 0 "a" bad; c 0 "b"`, want: `open; !checksum c; c0 b | closed flush`,
			config: gofollow.Config{VerifyChecksum: true, Anomalies: true}},
		{name: "cut packet", script: `H; c 0 "abcdef" cut=2; c 6 "g"`, want: `open; c0 ab; gap c2+4 snaplen; c6 g | closed flush`},
		{name: "cut packet at the end", script: `H; c 0 "abcdef" cut=2`, want: `open; c0 ab | gap c2+4 snaplen; closed flush`},
		{name: "cut packet, acknowledged", script: `H; c 0 "abcdef" cut=2; s A ack=6`, want: `open; c0 ab; gap c2+4 snaplen | closed flush`},
		{name: "cut packet, then the FIN", script: `H; c 0 "abcdef" cut=2; c FA 6`, want: `open; c0 ab; gap c2+4 snaplen; fin c6 | closed flush`},
		{name: "cut packet, again as a whole", script: `H; c 2 "cdef" cut=1; c 3 "def"; c 0 "ab"`, want: `open; c0 ab; c2 c*; c3 def* | closed flush`},
		{name: "urgent, inline", script: `H; c UA 0 "abc" urg=2`, want: `open; c0 abc | closed flush`},
		{name: "urgent, taken out", script: `H; c UA 0 "abc" urg=2`, want: `open; c0 a; gap c1+1 urgent; c2 c | closed flush`,
			config: gofollow.Config{Urgent: gofollow.UrgentOOB}},
		{name: "wrong checksum", script: `H; c 0 "a" bad; c 0 "b"`, want: `open; c0 a | closed flush`},
		{name: "wrong checksum, verified", script: `H; c 0 "a" bad; c 0 "b"`, want: `open; c0 b | closed flush`, config: gofollow.Config{VerifyChecksum: true}},
		{name: "cut packet, verified", script: `H; c 0 "abcdef" cut=2; c 6 "g"`, want: `open; c0 ab; gap c2+4 snaplen; c6 g | closed flush`,
			config: gofollow.Config{VerifyChecksum: true}},

		// Holes given up.
		{name: "G1, patience by time", script: `H; c 2 "b"; s A ack=3; s A ack=3 t=400ms; c 3 "c" t=200ms`, want: `open; gap c0+2 ack; c2 b*; c3 c | closed flush`},
		{name: "G1, patience not over", script: `H; c 2 "b"; s A ack=3; c 0 "aa" t=400ms`, want: `open; c0 aa; c2 b* | closed flush`},
		{name: "G1, patience over to the moment", script: `H; c 2 "b"; s A ack=3; c 0 "aa" t=500ms`, want: `open; gap c0+2 ack; c2 b* | closed flush`, dropped: `c late=2`},
		{name: "G1, at once", script: `H; c 2 "b"; s A ack=3; c 0 "aa"`, want: `open; gap c0+2 ack; c2 b* | closed flush`, dropped: `c late=2`, config: atOnce},
		{name: "G1, the ACK ends at the hole", script: `H; c 0 "a"; c 2 "c"; s A ack=1; s A ack=1`, want: `open; c0 a | gap c1+1 close; c2 c*; closed flush`, config: atOnce},
		{name: "G1, the ACK ends at the data", script: `H; c 2 "b"; s A ack=2; c 0 "aa"`, want: `open; gap c0+2 ack; c2 b* | closed flush`, dropped: `c late=2`, config: atOnce},
		{name: "G1, 63 further segments", script: `H; c 2 "b"; s A ack=3;` + oneByteEach("s", 63) + ` c 0 "aa"`,
			want: `open; ` + shown("s", 63) + `c0 aa; c2 b* | closed flush`},
		{name: "G1, 64 further segments", script: `H; c 2 "b"; s A ack=3;` + oneByteEach("s", 64) + ` c 0 "aa"`,
			want: `open; ` + shown("s", 64) + `gap c0+2 ack; c2 b* | closed flush`, dropped: `c late=2`},
		{name: "G1, 64 further segments of the side that misses something", script: `H;` + oneByteEach("s", 64) + ` c 2 "b"; s A 64 ack=3;` + acksOfEach("c", 64) + ` c 0 "aa"`,
			want: `open; ` + shown("s", 64) + `gap c0+2 ack; c2 b* | closed flush`, dropped: `c late=2`},
		{name: "G1, copies are no segments", script: `H; c 2 "b"; s A ack=3` + strings.Repeat(`; s A ack=3`, 70) + `; c 0 "aa"`, want: `open; c0 aa; c2 b* | closed flush`},
		{name: "G1, a FIN beyond the hole", script: `H; c FA 2; s A ack=3`, want: `open; gap c0+2 ack; fin c2 | closed flush`, config: atOnce},
		{name: "G1, nothing beyond the hole", script: `H; s A ack=5; c A`, want: `open | gap c0+5 close; closed flush`, config: atOnce},
		{name: "data of the other side gives nothing up", script: `H; c 2 "b"; s 0 "x"; s 1 "y" t=2s`, want: `open; s0 x; s1 y | gap c0+2 close; c2 b*; closed flush`},
		{name: "G2, old", script: `H; c 2 "b"; s A; s A t=31s`, want: `open; gap c0+2 timeout; c2 b* | closed flush`},
		{name: "G2, by what arrived first", script: `H; c 2 "b"; c 6 "d" t=20s; s A t=11s`, want: `open; gap c0+2 timeout; c2 b* | gap c3+3 close; c6 d*; closed flush`},
		{name: "G2, one side only", script: `c S; c 2 "b"; c 3 "c" t=4s`, want: `open; gap c0+2 timeout; c2 b*; c3 c | closed flush`},
		{name: "G3, segments", script: `H; c 2 "a"; c 4 "b"; c 6 "d"`, want: `open; gap c0+2 limit; c2 a* | gap c3+1 close; c4 b*; gap c5+1 close; c6 d*; closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{HeldSegments: 2}}},
		{name: "G3, bytes", script: `H; c 2 "aaa"; c 6 "bb"`, want: `open; gap c0+2 limit; c2 aaa* | gap c5+1 close; c6 bb*; closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{HeldBytes: 4}}},
		{name: "G3, bytes, hole after hole", script: `H; c 2 "a"; c 4 "b"; c 6 "cccc"`,
			want:   `open; gap c0+2 limit; c2 a*; gap c3+1 limit; c4 b* | gap c5+1 close; c6 cccc*; closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{HeldBytes: 4}}},
		{name: "G3, bytes of all", script: `H; c2 S; c 2 "aaa"; c2 2 "bb"`, want: `open; 1.open; gap c0+2 limit; c2 aaa* | closed flush; 1.gap c0+2 close; 1.c2 bb*; 1.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "G3, bytes of all, far segments among them", script: `H; c 100000000 "xx"; c 2 "aaa"`, want: `open; gap c0+2 limit; c2 aaa | closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "G4", script: `H; c 2 "b"; c 5 "d"`, want: `open | gap c0+2 close; c2 b*; gap c3+2 close; c5 d*; closed flush`},

		{name: "G1, each hole has its own patience", script: `H; c 20 "held"; s A ack=1; s A ack=20 t=499ms; s A ack=20 t=2ms; c 0 "01234567890123456789"`,
			want: `open; c0 01234567890123456789; c20 held* | closed flush`},
		{name: "a wild ACK, copied by the capture", script: `H; c 0 "abc"; s A ack=1600000000; s A ack=1600000000`, want: `open; c0 abc | closed flush`},
		{name: "a wild ACK, confirmed", script: `H; c 0 "abc"; s A ack=1600000000; s A ack=1600000100`, want: `open; c0 abc | gap c3+1600000097 close; closed flush`},
		{name: "a wild ACK, contradicted by the next", script: `H; c 0 "abc"; s A ack=1600000000; s A ack=1500000000`, want: `open; c0 abc | closed flush`},
		{name: "an ACK as far ahead as with the gaps is believed", script: `H; c 50000000 "x"; s A ack=50000001; s A ack=1150000000`,
			want: `open; gap c0+50000000 ack; c50000000 x* | gap c50000001+1099999999 close; closed flush`, config: atOnce},
		{name: "an ACK before its stream's start", script: `c 0 "a" ack=9; s 0 "abc"`, want: `open port/midstream; c0 a; s0 abc | gap s3+6 close; closed flush`},
		{name: "an ACK goes back", script: `H; c 0 "a"; s A ack=9; s A ack=1`, want: `open; c0 a | gap c1+8 close; closed flush`},
		{name: "G3, another connection's last hole", script: `H; c 2 "aaa"; c FA 5; s FA 0; c2 S; c2 2 "bb"; c A 6`,
			want:   `open; fin s0; 1.open; gap c0+2 limit; c2 aaa*; fin c5; closed fin | 1.gap c0+2 close; 1.c2 bb*; 1.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 4}}},
		{name: "urgent, far", script: `H; c 0 "aa"; c 1000000000 UA "bb" urg=1; c 2 "cc"`, want: `open; c0 aa; c2 cc | !far_segment c; closed flush`,
			config: gofollow.Config{Urgent: gofollow.UrgentOOB, Anomalies: true}},

		// Closing.
		{name: "FIN with data", script: `H; c FA 0 "ab"`, want: `open; c0 ab; fin c2 | closed flush`},
		{name: "FIN before its data", script: `H; c FA 2; c 0 "ab"`, want: `open; c0 ab; fin c2 | closed flush`},
		{name: "FIN behind a hole", script: `H; c 1 "b"; c FA 2`, want: `open | gap c0+1 close; c1 b*; fin c2; closed flush`},
		{name: "data past FIN", script: `H; c FA 0 "ab"; c 2 "cd"`, want: `open; c0 ab; fin c2; !after_fin c | closed flush`, dropped: `c after-fin=2`, config: noisy},
		{name: "FIN below data", script: `H; c 0 "abcd"; c FA 2`, want: `open; c0 abcd; !fin_below_data c | closed flush`, config: noisy},
		{name: "FIN below held data", script: `H; c 2 "cd"; c FA 3`, want: `open; !fin_below_data c | gap c0+2 close; c2 cd*; closed flush`, config: noisy},
		{name: "FIN below data, after a copy", script: `H; c 0 "ab"; c 0 "ab"; c 2 "cd"; c FA 3`, want: `open; c0 ab; c2 cd; !fin_below_data c | closed flush`, config: noisy},
		{name: "FIN far away", script: `H; c 0 "a"; c FA 100000000; c 1 "b"`, want: `open; c0 a; c1 b | !far_segment c; closed flush`, config: noisy},
		{name: "FIN far away, acknowledged", script: `H; c 0 "a"; c FA 100000000; s A ack=100000001`, want: `open; c0 a | gap c1+99999999 close; fin c100000000; closed flush`},
		{name: "a second FIN elsewhere", script: `H; c FA 0 "ab"; c FA 5`, want: `open; c0 ab; fin c2; !fin_below_data c | closed flush`, config: noisy},
		{name: "half-close", script: `H; c FA 0; s 0 "ab" ack=1; c A 1 ack=2; s 2 "c" t=60s; s FA 3`, want: `open; fin c0; s0 ab; s2 c; fin s3; closed fin clean`},
		{name: "simultaneous close", script: `H; c FA 0; s FA 0; c A 1 ack=1; s A 1 ack=1`, want: `open; fin c0; fin s0; closed fin clean`},
		{name: "late segments meet a closed connection", script: `H; c 0 "a"; c FA 1; s FA 0; c 0 "a" t=2s; s RA 1; c A 2 t=2s`, want: `open; c0 a; fin c1; fin s0; closed fin clean`},
		{name: "a late SYN+ACK meets a closed connection", script: `H; c FA 0; s FA 0; s SA`, want: `open; fin c0; fin s0; closed fin clean`},
		{name: "a late SYN+ACK meets a closed connection, the server sent data", script: `H; s 0 "a"; c FA 0; s FA 1; s SA`, want: `open; s0 a; fin c0; fin s1; closed fin clean`},
		{name: "a late SYN meets a closed connection", script: `H; c FA 0; s FA 0; c S`, want: `open; fin c0; fin s0; closed fin clean`},
		{name: "a late SYN and SYN+ACK meet a closed connection, mid-stream not wanted", script: `H; c FA 0; s FA 0; s SA isn=8000; c S`, want: `open; fin c0; fin s0; closed fin clean`, config: gofollow.Config{NoMidstream: true}},
		{name: "the closed connection is forgotten", script: `H; c FA 0; s FA 0; c 1 "z" t=6s`, want: `open; fin c0; fin s0; closed fin clean; 1.open port/midstream; 1.c0 z | 1.closed flush`},
		{name: "the closed connection is forgotten to the moment", script: `H; c FA 0; s FA 0; c 1 "y" t=4999ms; c 1 "z"`,
			want: `open; fin c0; fin s0; closed fin clean; 1.open port/midstream; 1.c0 z | 1.closed flush`},
		{name: "of too many closed connections the oldest goes", script: `H; c FA 0; s FA 0; c2 S; s2 SA; c2 A; c2 FA 0; s2 FA 0; c2 1 "y"; c 1 "z"`,
			want:   `open; fin c0; fin s0; closed fin clean; 1.open; 1.fin c0; 1.fin s0; 1.closed fin clean; 2.open port/midstream; 2.c0 z | 2.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{ClosedConnections: 1}}},
		{name: "first FIN closes", script: `H; c 0 "a"; c FA 1; s 0 "b"`, want: `open; c0 a; fin c1; closed fin`, config: firstFIN},
		{name: "first FIN closes, what is held comes out", script: `H; c 2 "x"; s FA 0 "b"`, want: `open; s0 b; gap c0+2 close; c2 x*; fin s1; closed fin`, config: firstFIN},
		{name: "first FIN before the SYN+ACK is nothing", script: `c S; c FA 0; s SA; c 0 "a"`, want: `open; c0 a | closed flush`, config: firstFIN},
		{name: "first RST before the SYN+ACK is nothing", script: `c S; c R 0; s SA; c 0 "a"`, want: `open; c0 a | closed flush`, config: firstFIN},
		{name: "first FIN closes, elsewhere", script: `H; c 0 "a"; c FA 5`, want: `open; c0 a; closed fin`, config: firstFIN},
		{name: "first RST closes, with its data", script: `H; c 0 "a"; s RA 0 "bye"`, want: `open; c0 a; s0 bye; closed rst by server`, config: firstFIN},

		// Reset.
		{name: "RST", script: `H; c 0 "a"; s RA 0; c A t=2s`, want: `open; c0 a; closed rst by server`},
		{name: "RST, holes before it", script: `H; c 2 "b"; s RA 0`, want: `open | gap c0+2 close; c2 b*; closed rst by server`},
		{name: "RST, out of window", script: `H; c 0 "a"; s RA 2000000000`, want: `open; c0 a; !rst_out_of_window s | closed flush`, config: noisy},
		{name: "RST, within the window", script: `H; c 0 "a"; c R 100`, want: `open; c0 a | closed rst by client`},
		{name: "RST, of a FIN that was sent", script: `H; s FA 0; c RA 0 ack=1`, want: `open; fin s0 | closed rst by client`},
		{name: "RST, of more than a FIN", script: `H; c RA 0 ack=2`, want: `open; !rst_out_of_window c | closed flush`, config: noisy},
		{name: "RST, its own ACK is not believed", script: `H; s RA 0 ack=1`, want: `open | closed rst by server`},
		{name: "RST, the first counts", script: `H; s RA 0 "one"; c R 0 "two" t=600ms; c2 S t=600ms`, want: `open; closed rst by server "one"; 1.open | 1.closed flush`},
		{name: "RST, then both FINs", script: `H; s RA 0; c FA 0; s FA 0`, want: `open; fin c0; fin s0 | closed rst by server`},
		{name: "SYN and RST in one are a RST", script: `H; c 0 "a"; c SR isn=1002`, want: `open; c0 a | closed rst by client`},
		{name: "RST, at the end of the largest window where the handshake was not seen", script: `c 0 "a"; s A ack=1 win=10; c R 163842; c R 163841`,
			want: `open port/midstream; c0 a; !rst_out_of_window c | closed rst by client`, config: noisy},
		{name: "RST, between the ACK and the next number", script: `H; c 0 "abc"; s A ack=1; c R 2`, want: `open; c0 abc | closed rst by client`},
		{name: "RST, strict", script: `H; c 0 "a"; c R 100`, want: `open; c0 a | closed flush`, config: gofollow.Config{RST: gofollow.RSTStrict}},
		{name: "RST, strict and exact", script: `H; c 0 "a"; c R 1`, want: `open; c0 a | closed rst by client`, config: gofollow.Config{RST: gofollow.RSTStrict}},
		{name: "RST, ignored", script: `H; c 0 "a"; c R 1`, want: `open; c0 a | closed flush`, config: gofollow.Config{RST: gofollow.RSTIgnore}},
		{name: "RST with data", script: `H; s RA 0 "no"`, want: `open | closed rst by server "no"`},
		{name: "refused", script: `c S; s RA; c A t=2s`, want: `open; closed rst by server`},
		{name: "RST before the handshake is over, by its ACK alone", script: `c S; s SA; s RA 900000000`, want: `open | closed flush`},
		{name: "RST before the handshake is over, at the SYN", script: `c S; c R -1`, want: `open | closed rst by client`},
		{name: "RST before the handshake is over, within the SYN's data", script: `c S "hi"; s SA ack=2; c R 1; c R -1; c R 2`,
			want: `open; c0 hi; !rst_out_of_window c; !rst_out_of_window c | closed rst by client`, config: noisy},
		{name: "RST of the SYN's sender before an answer", script: `c S "hi"; c R -2; c R 3; c R 0`,
			want: `open; c0 hi; !rst_out_of_window c; !rst_out_of_window c | closed rst by client`, config: noisy},
		{name: "RST in SYN-SENT, acknowledges the SYN", script: `c S "hi"; s RA ack=0`, want: `open; c0 hi | closed rst by server`},
		{name: "RST in SYN-SENT, acknowledges the SYN's data", script: `c S "hi"; s RA ack=2`, want: `open; c0 hi | closed rst by server`},
		{name: "RST in SYN-SENT, acknowledges too little or too much", script: `c S "hi"; s RA ack=-1; s RA ack=3; s R; s SA; c A`,
			want: `open; c0 hi; !rst_out_of_window s; !rst_out_of_window s; !rst_out_of_window s | closed flush`, config: noisy},
		{name: "RST in SYN-SENT, old data before it", script: `c S; s 0 "old" isn=2000; s RA 3 ack=-1; s SA isn=5000; c A; s 0 "new"`,
			want: `open; s0 new | closed flush`, dropped: `s before=3`},
		{name: "RST in SYN-SENT, no ACK flag, but a number", script: `c S isn=-1; s R`, want: `open; !rst_out_of_window s | closed flush`, config: noisy},
		{name: "RST in SYN-SENT, after an ACK", script: `c S; c A ack=5; s R 5`, want: `open | closed rst by server`},
		{name: "RST before the start of a mid-stream", script: `c 0 "a"; c R -1`, want: `open port/midstream; c0 a; !rst_out_of_window c | closed flush`, config: noisy},
		{name: "RST of an unseen side, no ACK flag", script: `c 0 "a"; s R`, want: `open port/midstream; c0 a; !rst_out_of_window s | closed flush`, config: noisy},
		{name: "RST acknowledges what an unseen side sent", script: `c 0 "a"; c RA 1 ack=5`, want: `open port/midstream; c0 a | closed rst by client`},
		{name: "RST at the end of data, below a gap", script: `H; c FA 5; s A ack=6; c R 0`, want: `open; gap c0+5 ack; fin c5 | closed rst by client`, config: atOnce},
		{name: "RST, then a copy of the SYN", script: `H; c 0 "a"; s RA; c S`, want: `open; c0 a | closed rst by server`},
		{name: "refused, tried again with the same number", script: `c S; s RA; c S t=200ms; s SA; c 0 "a"`, want: `open; closed rst by server; 1.open; 1.c0 a | 1.closed flush`},
		{name: "refused, tried again with the same number after the linger", script: `c S; s RA; c S t=2s; s SA; c 0 "a"`,
			want: `open; closed rst by server; 1.open; 1.c0 a | 1.closed flush`},
		{name: "data after RST, the other side", script: `H; s RA 0; c 0 "a"`, want: `open; c0 a | closed rst by server`},
		{name: "data after RST, the other side, with higher numbers", script: `c S isn=9000; s SA; c A; s RA 0; c 0 "a"`, want: `open; c0 a | closed rst by server`},
		{name: "data after RST does not prolong the linger", script: `H; c2 S; s2 SA; c2 A; s RA 0; s2 RA 0; c 0 "a"; c3 S t=3s`,
			want: `open; 1.open; c0 a; closed rst by server; 1.closed rst by server; 2.open | 2.closed flush`},
		{name: "data after RST, its own side", script: `H; s RA 0; s 0 "b"; s 1 "c" t=2s`, want: `open; !rst_cancelled s; s0 b; s1 c | closed flush`, config: noisy},
		{name: "data after RST, its own side, out of sequence", script: `H; s RA 0; s 3 "b"`, want: `open | gap s0+3 close; s3 b*; closed rst by server`},
		{name: "RST, strict, at what a bare acknowledgement says", script: `H; c 0 "abcdefghij"; s A ack=5; c R 5`, want: `open; c0 abcdefghij | closed rst by client`,
			config: gofollow.Config{RST: gofollow.RSTStrict}},
		{name: "RST, beyond the window of a bare acknowledgement", script: `H; c 0 "a"; s A ack=1 win=10; c R 500`, want: `open; c0 a; !rst_out_of_window c | closed flush`, config: noisy},
		{name: "data after the end by RST, between two sweeps", script: `H; s RA 0 t=300ms; c2 S t=750ms; c 0 "abc" t=450ms`, want: `open; 1.open; closed rst by server | 1.closed flush`},
		{name: "RST before its side's first data, which goes on past it", script: `c 0 "abc"; s RA 20 ack=3; s 10 "12345"; s 15 "1234567890"; c 3 "d" t=2s`,
			want: `open port/midstream; c0 abc; s0 12345; !rst_cancelled s; s5 1234567890; c3 d | closed flush`, config: noisy},
		{name: "data after the end by RST", script: `H; s RA 0; c 0 "abc" t=2s; c 3 "d"`, want: `open; closed rst by server`},

		{name: "RST captured before its side's last data", script: `H; c 0 "aa"; c 4 RA; c 2 "bb"; s 0 t=3s`, want: `open; c0 aa; c2 bb; closed rst by client`, config: noisy},

		// Addresses used again.
		{name: "reuse after the end", script: `H; c FA 0; s FA 0; c S isn=9000; s SA isn=8000; c 0 "n"`,
			want: `open; fin c0; fin s0; closed fin clean; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse after the end, same number", script: `H; c 0 "a"; c FA 1; s FA 0; c S; s SA; c 0 "n"`,
			want: `open; c0 a; fin c1; fin s0; closed fin clean; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse after the end, same number, the server sent data", script: `H; s FA 0 "a"; c FA 0; c S; s SA; c 0 "n"`, want: `open; s0 a; fin s1; fin c0; closed fin clean; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, SYN+ACK", script: `H; c 0 "o"; c S isn=9000; s SA isn=8000; c 0 "n"`, want: `open; c0 o; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, SYN with data", script: `H; c 0 "o"; c S "new" isn=900000; s SA isn=8000 ack=3; s 3 "def"; s 0 "abc"`,
			want: `open; c0 o; closed reused; 1.open; 1.c0 new; 1.s0 abc; 1.s3 def* | 1.closed flush`},
		{name: "reuse of a live one, more data after that of the SYN", script: `c 0 "o"; s A ack=1; c S "ne" isn=900000; c 2 "w"; s SA isn=8000 ack=3; s 0 "x"`,
			want: `open port/midstream; c0 o; closed reused; 1.open; 1.c0 ne; 1.c2 w; 1.s0 x | 1.closed flush`},
		{name: "reuse of a live one, data", script: `H; c 0 "o"; c S isn=9000; c 0 "n"`, want: `open; c0 o; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, not confirmed", script: `H; c 0 "o"; c S isn=9000; c 1 "p" isn=1000`, want: `open; c0 o; c1 p | closed flush`},
		{name: "reuse of a live one, the third ACK first", script: `H; c 0 "o"; c S isn=500000000; c A ack=3000; s SA isn=8000; c 0 "n"`,
			want: `open; c0 o; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, data out of order", script: `H; c 0 "o"; c S isn=9000000; c 3 "def"; c 0 "abc"`,
			want: `open; c0 o; closed reused; 1.open; 1.c0 abc; 1.c3 def* | 1.closed flush`},
		{name: "reuse of a live one, taken back", script: `H; c 0 "o"; c S isn=9000; c 1 "p" isn=1000; s SA isn=8000 ack=8000; c 2 "q"`,
			want: `open; c0 o; c1 p; c2 q | gap c3+7997 close; closed flush`},
		{name: "reuse of a live one, the old SYN+ACK again", script: `H; s 0 "o"; c S isn=9000; s SA ack=-8000`, want: `open; s0 o | closed flush`},
		{name: "of too many candidates the oldest is dropped", script: `H; s 0 "o"; c2 S; s2 SA; c2 A; c S isn=500000000; c2 S isn=500000000; c 0 "n"; c2 0 "m"`,
			want: `open; s0 o; 1.open; 1.closed reused; 2.open; 2.c0 m | closed flush; 2.closed flush`, config: gofollow.Config{Limits: gofollow.Limits{Candidates: 1}}},
		{name: "reuse of one of which the client was not seen", script: `s 0 "old" ack=187; c S isn=500000000; s SA isn=90000; c A; s 3 "w"; s 0 "new"`,
			want: `open port/midstream; s0 old; closed reused; 1.open; 1.s0 new; 1.s3 w* | 1.closed flush`},
		{name: "a late SYN that fits what was acknowledged", script: `s 0 "abc" ack=187; c S; c 180 "z"`, want: `open port/midstream; s0 abc | gap c0+180 close; c180 z*; gap c181+6 close; closed flush`},
		{name: "reuse of a silent one, the peer captured", script: `H; c 0 "o"; c S isn=9000 t=6s; c 1 "p" isn=1000`, want: `open; c0 o; c1 p | closed flush`},
		{name: "reuse of a silent one, one side captured", script: `c S; c 0 "o"; c S isn=9000 t=6s`, want: `open; c0 o; closed reused; 1.open | 1.closed flush`},
		{name: "reuse of a silent one, to the moment", script: `c S; c S isn=9000 t=4999ms; c2 S; c2 S isn=9000 t=5s`,
			want: `open; 1.open; 1.closed reused; 2.open | closed flush; 2.closed flush`},
		{name: "reuse of a live one, refused", script: `H; c 0 "o"; c S isn=9000; s RA isn=0 -1`, want: `open; c0 o; closed reused; 1.open | 1.closed rst by server`},
		{name: "reuse of a live one, an ACK of the peer alone", script: `H; c 0 "o"; c S isn=500000000; s A`, want: `open; c0 o | closed flush`},
		{name: "reuse of a live one, an ACK of the peer that may be the old one's", script: `H; c 0 "o"; c S isn=9000; s A`, want: `open; c0 o | gap c1+7999 close; closed flush`},
		{name: "reuse of a live one, a bare ACK out of order", script: `H; c 0 "o"; c S isn=500000000; c A 5 ack=3000; c 1 "p" isn=1000`, want: `open; c0 o; c1 p | closed flush`},
		{name: "reuse of a live one, two SYNs", script: `H; c 0 "o"; c S isn=500000000; c S isn=500000009; s SA isn=8000; c 0 "n"`, want: `open; c0 o; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, data of the peer", script: `H; c 0 "o"; c S isn=500000000; s 0 "n"`, want: `open; c0 o; closed reused; 1.open | 1.s0 n*; 1.closed flush`},
		{name: "reuse of a live one, data of the peer that may be the old one's", script: `H; c 0 "o"; c S isn=9000; s 0 "n"`, want: `open; c0 o; s0 n | gap c1+7999 close; closed flush`},
		{name: "reuse of a live one, a copy of its data in between", script: `H; c 0 "o"; c S isn=9000; c 0 "o" isn=1000; s SA isn=8000 ack=8000`, want: `open; c0 o; closed reused; 1.open | 1.closed flush`},
		{name: "reuse of a live one, its SYN+ACK with data in between", script: `c S; s SA; c S isn=9000; s SA "yo" ack=-8000; s SA isn=8000`, want: `open; s0 yo; closed reused; 1.open | 1.closed flush`},
		{name: "reuse of a live one, data far above", script: `H; c 0 "o"; c S isn=500000000; c 100000000 "x"`, want: `open; c0 o | closed flush`, dropped: `c far=1`},
		{name: "reuse of a live one, numbers far below", script: `H; c 0 "o"; c S isn=-500000000; c 5 "x"`, want: `open; c0 o; closed reused; 1.open | 1.gap c0+5 close; 1.c5 x*; 1.closed flush`},
		{name: "reuse of a live one, numbers that were delivered", script: `H; c 0 "abcdef"; c S isn=1002; c 0 "n"`, want: `open; c0 abcdef; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "reuse of a live one, as much as may be held", script: `H; c 0 "o"; c S "abc" isn=900000; c 1 "p" isn=1000; c S "abc" isn=900000; s SA isn=8000 ack=3`, want: `open; c0 o; c1 p; closed reused; 1.open; 1.c0 abc | 1.closed flush`, config: gofollow.Config{Limits: gofollow.Limits{TotalHeldBytes: 3}}},
		{name: "reuse of a live one, the third ACK alone", script: `H; c 0 "o"; c S isn=9000000; c A; c 0 "n"`, want: `open; c0 o; closed reused; 1.open; 1.c0 n | 1.closed flush`},
		{name: "a forged SYN just below the next byte", script: `H; c 0 "o"; c S isn=1001; c 0 "p"; c A 1 isn=1000; c 1 "q"`,
			want: `open; c0 o; c1 p | closed flush`, dropped: `c duplicate=1`},
		{name: "reuse in linger", script: `H; s RA 0; c S isn=9000`, want: `open; closed rst by server; 1.open | 1.closed flush`},
		{name: "SYN+ACK on a live one, confirmed by data", script: `s SA; s 0 "one"; s SA isn=70000; s 0 "two"`,
			want: `open synack/synack; s0 one; closed reused; 1.open synack/synack; 1.s0 two | 1.closed flush`},
		{name: "SYN+ACK on a live one, confirmed by an ACK", script: `s SA; c A; s 0 "one"; s SA isn=70000; c A; s 0 "two"`,
			want: `open synack/synack; s0 one; closed reused; 1.open synack/synack; 1.s0 two | 1.closed flush`},
		{name: "SYN+ACK on a live one, another ACK confirms nothing", script: `s SA; c A; s 0 "one"; s SA isn=70000; c A 0 ack=-64997; s 3 "two" isn=5000`,
			want: `open synack/synack; s0 one; s3 two | closed flush`},
		{name: "SYN+ACK on a live one that goes on", script: `s SA; c A; s 0 "one"; s SA isn=70000; s 3 "two" isn=5000; s 0 "x" isn=70000`,
			want: `open synack/synack; s0 one; s3 two | gap s6+64994 close; s65000 x*; closed flush`},
		{name: "SYN+ACK on a live one whose side has finished", script: `s SA; s FA 0 "one"; s SA isn=70000; s 1 "wo"`,
			want: `open synack/synack; s0 one; fin s3; closed reused; 1.open synack/synack | 1.gap s0+1 close; 1.s1 wo*; 1.closed flush`},
		{name: "SYN+ACK on a live one whose side has finished, alone", script: `s SA; s FA 0 "one"; s SA isn=70000`, want: `open synack/synack; s0 one; fin s3; closed reused; 1.open synack/synack | 1.closed flush`},
		{name: "SYN+ACK on a live one in linger", script: `H; s 0 "one"; s RA 3; s SA isn=70000; s 0 "two"`,
			want: `open; s0 one; closed rst by server; 1.open synack/synack; 1.s0 two | 1.closed flush`},
		{name: "SYN+ACK on a live one, mid-stream not wanted", script: `H; s FA 0 "one"; s SA isn=70000; s 0 "two"`,
			want: `open; s0 one; fin s3 | closed flush`, config: gofollow.Config{NoMidstream: true}, dropped: `s after-fin=3`},
		{name: "SYN+ACK on an ended one", script: `H; c FA 0; s FA 0; s SA isn=8000; s 0 "n"`,
			want: `open; fin c0; fin s0; closed fin clean; 1.open synack/synack; 1.s0 n | 1.closed flush`},

		// Time and numbers of connections.
		// Peers that repeat after the close.
		{name: "repeated after the close, with pauses", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s FA 0 "a" t=100s; s 0 "a" t=129s; s FA 1 t=129s; c A 2 t=129s`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean`},
		{name: "repeated after the close, too late", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s 0 "a" t=131s`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 a | 1.closed flush`},
		{name: "repeated after the close, to the moment", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s 0 "a" t=130s`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 a | 1.closed flush`},
		{name: "repeated after the close, too late after the last copy", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s 0 "a" t=20s; s 0 "a" t=131s`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 a | 1.closed flush`},
		{name: "repeated after the close, for a quarter of an hour", script: `H; c FA 0 "q"; s FA 0 "a" ack=2;` + strings.Repeat(` s 0 "a" t=100s;`, 8) + ` s 0 "a" t=99s; s 0 "z" t=1s`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 z | 1.closed flush`},
		{name: "repeated after the close, for as long as is configured", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s 0 "a" t=960s`, want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean`, config: gofollow.Config{Timeouts: gofollow.Timeouts{CloseLinger: 20 * time.Minute}}},
		{name: "repeated after the close, one that repeats outlives later ones", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; c2 S t=50s; s2 SA; c2 A; c2 FA 0; s2 FA 0; s 0 "a" t=50s; c3 S t=35s; s3 SA; c3 A; c3 FA 0; s3 FA 0; s 0 "a"`, want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open; 1.fin c0; 1.fin s0; 1.closed fin clean; 2.open; 2.fin c0; 2.fin s0; 2.closed fin clean`, config: gofollow.Config{Limits: gofollow.Limits{ClosedConnections: 2}}},
		{name: "repeated after the close, one that repeats is the oldest", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; c2 S; s2 SA; c2 A; c2 FA 0; s2 FA 0; s 0 "a" t=5s; c3 S t=60s; s3 SA; c3 A; c3 FA 0; s3 FA 0; s 0 "a"`, want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open; 1.fin c0; 1.fin s0; 1.closed fin clean; 2.open; 2.fin c0; 2.fin s0; 2.closed fin clean; 3.open port/midstream; 3.s0 a | 3.closed flush`, config: gofollow.Config{Limits: gofollow.Limits{ClosedConnections: 2}}},
		{name: "other data after the close", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s 2 "z" t=4s; s 1 "yz" t=999ms; s 1 "yz"`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 yz | 1.closed flush`},
		{name: "data far below after the close", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s -16777214 "y" t=6s; s -16777215 "z"`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open port/midstream; 1.s0 z | 1.closed flush`},
		{name: "segments without data beyond what was closed", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; s A 99 t=6s; s RA 99; s FA 0 "a"`,
			want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean`},
		{name: "repeated after a reset", script: `H; s 0 "a"; s RA 1; c A 0 t=2s; s 0 "a" t=60s; s 1 "b"`,
			want: `open; s0 a; closed rst by server; 1.open port/midstream; 1.s0 b | 1.closed flush`},
		{name: "stray data after a reset, counted from the close", script: `H; s 0 "a"; s RA 1; s 1 "b" t=5900ms; s 1 "b" t=200ms`, want: `open; s0 a; closed rst by server; 1.open port/midstream; 1.s0 b | 1.closed flush`},
		{name: "data of an unseen side after a reset", script: `c 0 "a"; c R 1; s 0 "zz" isn=-100 t=7s`, want: `open port/midstream; c0 a; closed rst by client; 1.open port/midstream; 1.s0 zz | 1.closed flush`},
		{name: "SYN+ACK of an unseen side after a reset, with the number that was acknowledged", script: `c 0 "a"; c R 1; s SA t=2s`, want: `open port/midstream; c0 a; closed rst by client`},
		{name: "SYN+ACK of an unseen side after a reset, with another number", script: `c 0 "a"; c R 1; s SA isn=8000 t=2s`, want: `open port/midstream; c0 a; closed rst by client; 1.open synack/synack | 1.closed flush`},
		{name: "handshake timeout", script: `c S; c 0 "a" t=80s`, want: `open; closed timeout; 1.open port/midstream; 1.c0 a | 1.closed flush`},
		{name: "handshake not timed out", script: `c S; s SA t=50s; c A t=50s; c 0 "a" t=50s`, want: `open; c0 a | closed flush`},
		{name: "idle timeout", script: `H; c 2 "a"; c 3 "b" t=20s`, want: `open; gap c0+2 close; c2 a*; closed timeout; 1.open port/midstream; 1.c0 b | 1.closed flush`,
			config: gofollow.Config{Timeouts: gofollow.Timeouts{Idle: 10 * time.Second}}},
		{name: "half-closed timeout", script: `H; c FA 0; s 0 "b" t=700s`, want: `open; fin c0; closed timeout; 1.open port/midstream; 1.s0 b | 1.closed flush`},
		{name: "no timeout", script: `H; c FA 0; s 0 "b" t=700s`, want: `open; fin c0; s0 b | closed flush`,
			config: gofollow.Config{Timeouts: gofollow.Timeouts{HalfClosed: gofollow.Never}}},
		{name: "timeouts of one moment, in order of opening", script: `H; c2 S t=0s; c3 S t=20s`, want: `open; 1.open; closed timeout; 1.closed timeout; 2.open | 2.closed flush`,
			config: gofollow.Config{Timeouts: gofollow.Timeouts{Handshake: 10 * time.Second, Idle: 10 * time.Second}}},
		{name: "timeouts of one moment, of one class by their last packets", script: `c S; c2 S t=0s; c2 S; c S t=0s; c3 S t=70s`,
			want: `open; 1.open; 1.closed timeout; closed timeout; 2.open | 2.closed flush`},
		{name: "time goes back", script: `c 0 "a"; c 1 "b" t=8s; c 2 "c" t=-5s; c 3 "d" t=12s`, want: `open port/midstream; c0 a; c1 b; c2 c; c3 d | closed flush`,
			config: gofollow.Config{Timeouts: gofollow.Timeouts{Idle: 10 * time.Second}}},
		{name: "time goes back, after a handshake", script: `H; c 0 "a" t=8s; c 1 "b" t=-5s; c 2 "c" t=12s`, want: `open; c0 a; c1 b; c2 c | closed flush`,
			config: gofollow.Config{Timeouts: gofollow.Timeouts{Idle: 10 * time.Second}}},
		{name: "a pause, seen in the packet after it", script: `H; c2 S; s2 SA; c2 A; c 0 "a" t=3h; c2 0 "b"; c2 1 "x" t=11s`, want: `open; 1.open; c0 a; 1.c0 b; 1.c1 x | closed flush; 1.closed flush`},
		{name: "a pause, opened by the packet after it", script: `H; c2 S t=3h; c 0 "a"; c 1 "b" t=11s`, want: `open; 1.open; c0 a; c1 b | closed flush; 1.closed flush`},
		{name: "a pause, silent since", script: `H; c2 S; s2 SA; c2 A; c 0 "a" t=3h; c2 0 "b"; c2 1 "x" t=3000s; c2 2 "y" t=3000s; c2 3 "z" t=3000s`, want: `open; 1.open; c0 a; 1.c0 b; 1.c1 x; 1.c2 y; closed timeout; 1.c3 z | 1.closed flush`},
		{name: "a pause, seen within ten seconds", script: `H; c2 S; s2 SA; c2 A; c2 0 "b" t=3h; c2 1 "c"; c 0 "a" t=5s; c 1 "x" t=6s`, want: `open; 1.open; 1.c0 b; 1.c1 c; c0 a; c1 x | closed flush; 1.closed flush`},
		{name: "a pause, not seen within ten seconds", script: `H; c2 S; s2 SA; c2 A; c2 0 "b" t=3h; c2 1 "c"; c2 2 "d" t=9999ms; c2 3 "e" t=2ms`, want: `open; 1.open; 1.c0 b; 1.c1 c; 1.c2 d; closed timeout; 1.c3 e | 1.closed flush`},
		{name: "a pause, seen within ten seconds, something else due before", script: `H; c2 S; s2 SA; c2 A; c2 0 "b" t=3h; c2 1 "c"; c2 R 2; c3 S t=2s; c 0 "a" t=3s`, want: `open; 1.open; 1.c0 b; 1.c1 c; 2.open; c0 a | closed flush; 1.closed rst by client; 2.closed flush`},
		{name: "a pause, then the end of the capture", script: `H; c2 S; s2 SA; c2 A; c2 0 "b" t=3h; c2 1 "c"`, want: `open; 1.open; 1.c0 b; 1.c1 c | closed flush; 1.closed flush`},
		{name: "a pause, a reset after it", script: `H; s 0 "a"; s RA 1 t=3h; c2 S; c2 S t=11s; s 0 "a"`, want: `open; s0 a; 1.open; closed rst by server | 1.closed flush`},
		{name: "a pause, a reset before it", script: `H; s 0 "a"; s RA 1; c2 S; c 0 "b" t=3h; c2 S; c2 S t=11s; s 0 "a"`, want: `open; s0 a; 1.open; c0 b; closed rst by server; 2.open port/midstream; 2.s0 a | 1.closed flush; 2.closed flush`},
		{name: "a pause, a hole after it", script: `H; c 2 "b" t=3h; c2 S; c2 0 "x" t=29s; c2 1 "y" t=2s`, want: `open; 1.open; 1.c0 x; gap c0+2 timeout; c2 b*; 1.c1 y | closed flush; 1.closed flush`},
		{name: "a pause, a hole before it", script: `H; c 2 "b"; c2 S; c 4 "d" t=3h; c2 S; c2 S t=11s`, want: `open; 1.open; gap c0+2 timeout; c2 b* | gap c3+1 close; c4 d*; closed flush; 1.closed flush`},
		{name: "a pause, an ACK after it", script: `H; c 2 "b"; c2 S; s A ack=3 t=3h; c2 S; c2 S t=11s; c 0 "aa"`, want: `open; 1.open; c0 aa; c2 b* | closed flush; 1.closed flush`, config: gofollow.Config{GapPatience: time.Minute, Timeouts: gofollow.Timeouts{HoleAge: gofollow.Never}}},
		{name: "a pause, an ACK before it", script: `H; c 2 "b"; s A ack=2; c2 S; s A ack=3 t=3h; c2 S; c2 S t=11s`, want: `open; 1.open; gap c0+2 ack; c2 b* | closed flush; 1.closed flush`, config: gofollow.Config{GapPatience: time.Minute, Timeouts: gofollow.Timeouts{HoleAge: gofollow.Never}}},
		{name: "a pause, a late segment after it", script: `H; c FA 0 "q"; s FA 0 "a" ack=2; c2 S t=-3h; c2 S; s 0 "a" t=10900s; c2 S; s 0 "a" t=100s`, want: `open; c0 q; fin c1; s0 a; fin s1; closed fin clean; 1.open; 1.closed timeout`},
		{name: "a jump that is not confirmed by the packet after it", script: `H; c2 S; s2 SA; c2 A; c2 0 "b" t=3h; c2 1 "c" t=-3h; c2 2 "d" t=3h; c2 3 "e" t=-3h; c2 4 "f" t=11s; c 0 "a"`, want: `open; 1.open; 1.c0 b; 1.c1 c; 1.c2 d; 1.c3 e; 1.c4 f; c0 a | closed flush; 1.closed flush`},
		{name: "eviction", script: `c S; c2 S; c2 0 "b"`, want: `open; closed evicted; 1.open; 1.c0 b | 1.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{Connections: 1}}},
		{name: "eviction, SYN-only before established", script: `H; c2 S; c3 S; c 0 "a"`, want: `open; 1.open; 1.closed evicted; 2.open; c0 a | closed flush; 2.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{Connections: 2}}},
		{name: "eviction, the longest silent first", script: `H; c2 S; s2 SA; c2 A; c 0 "a"; c3 S`, want: `open; 1.open; c0 a; 1.closed evicted; 2.open | closed flush; 2.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{Connections: 2}}},
		{name: "eviction, closed connections first", script: `H; c FA 0; s FA 0; c2 S; c3 S`, want: `open; fin c0; fin s0; closed fin clean; 1.open; 2.open | 1.closed flush; 2.closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{Connections: 2}}},
		{name: "eviction, not for an unknown RST", script: `c S; c2 R; c 0 "a"`, want: `open; c0 a | closed flush`,
			config: gofollow.Config{Limits: gofollow.Limits{Connections: 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := follow(t, test.config, script(t, test.script))
			if got := r.String(); got != test.want {
				t.Errorf("%s\n got %s\nwant %s", test.script, got, test.want)
			}
			if test.dropped != "" && len(r.conversations) > 0 {
				if got := r.conversations[0].dropped(); got != test.dropped {
					t.Errorf("%s\ncounts %s, want %s", test.script, got, test.dropped)
				}
			}
		})
	}
}

// String shows all events, with a bar before those of the flush.
func (r *result) String() string {
	text := strings.Join(r.short[:r.unflushed], "; ")
	if r.unflushed < len(r.short) {
		text += " | " + strings.Join(r.short[r.unflushed:], "; ")
	}
	return text
}

// TestWrap lets the same conversation cross the edges of the 32-bit numbers.
func TestWrap(t *testing.T) {
	const conversation = `H; c 4 "ef"; c 0 "ab"; c 0 "abcd"; c 7 "h"; s 2 "zz"; s 0 "yy"; s A 4 ack=8; c 6 "g"; c FA 8; s FA 4`
	const want = `open; c0 ab; c2 cd; c4 ef*; s0 yy; s2 zz*; c6 g; c7 h*; fin c8; fin s4; closed fin clean`
	for _, edge := range []uint32{0, 1 << 31} {
		for below := range uint32(12) {
			isn := edge + 1 - below
			text := strings.Replace(conversation, "H;", fmt.Sprintf("c S isn=%d; s SA isn=%d; c A;", isn, isn+3), 1)
			if got := follow(t, gofollow.Config{}, script(t, text)).String(); got != want {
				t.Errorf("initial number %d:\n got %s\nwant %s", isn, got, want)
			}
		}
	}
}

// TestManyWraps jumps ahead by less than the follower doubts at, until the
// numbers have wrapped several times.
func TestManyWraps(t *testing.T) {
	const jump, jumps = 60 << 20, 400
	var text strings.Builder
	text.WriteString("c S; s SA; c A")
	for i := range int64(jumps) {
		fmt.Fprintf(&text, `; c %d "x"; s A ack=%d`, i*jump, i*jump+1)
	}
	r := follow(t, atOnce, script(t, text.String()))
	s := r.conversations[0].streams[gofollow.ClientToServer]
	if want := bytes.Repeat([]byte("x"), jumps); !bytes.Equal(s.data, want) || s.end != (jumps-1)*jump+1 || len(s.gaps) != jumps-1 {
		t.Errorf("%d bytes up to %d with %d gaps, want %d up to %d with %d", len(s.data), s.end, len(s.gaps), len(want), (jumps-1)*jump+1, jumps-1)
	}
}

// TestFarAboveHole: numbers are unambiguous although more than 2 GiB lie above a hole
// and nothing was acknowledged.
func TestFarAboveHole(t *testing.T) {
	const jump, jumps = 60 << 20, 80
	var text strings.Builder
	text.WriteString("c S; s SA; c A")
	for i := range int64(jumps) {
		fmt.Fprintf(&text, `; c %d "x"`, (i+1)*jump)
	}
	s := follow(t, gofollow.Config{}, script(t, text.String())).conversations[0].streams[gofollow.ClientToServer]
	if len(s.data) != jumps || s.end != jumps*jump+1 || len(s.gaps) != jumps {
		t.Errorf("%d bytes up to %d with %d gaps, want %d up to %d with as many", len(s.data), s.end, len(s.gaps), jumps, jumps*jump+1)
	}
}

// TestAdvanceTime closes by the clock alone, at the deadline and by no packet.
func TestAdvanceTime(t *testing.T) {
	f, r := newFollower(t, gofollow.Config{}), &result{}
	for _, p := range script(t, `H; c 2 "b"; s RA 0`) {
		if err := f.Feed(&p); err != nil {
			t.Fatal(err)
		}
	}
	for _, ms := range []int64{1004, 1500} { // the reset came at 5 ms
		r.poll(f)
		if len(r.log) != 1 {
			t.Errorf("before %d ms: %q", ms, r.log)
		}
		if err := f.AdvanceTime(ms * 1e6); err != nil {
			t.Fatal(err)
		}
	}
	r.poll(f)
	if got, want := r.short[len(r.short)-1], "closed rst by server"; got != want || !strings.HasSuffix(r.log[len(r.log)-1], " time=1005000000 packet=0") {
		t.Errorf("after a second: %q, want %s", r.log, want)
	}
	r.finish(t, f)
}
