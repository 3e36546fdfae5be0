package gofollow_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// span is a half-open range [Start, End) of stream offsets.
type span struct{ Start, End int64 }

// stream is what the events of a follower reported of one direction.
type stream struct {
	data       []byte // without gaps
	gaps       []span // adjacent ones merged
	chunks     []span // data, adjacent ones merged
	reasons    []gofollow.GapReason
	end        int64
	halfClosed bool
	gapEvents  uint64
	counters   gofollow.Counters
}

// conversation is what the events of a follower reported of one connection.
type conversation struct {
	id             uint64
	client, server netip.AddrPort
	roles          gofollow.RolesFrom
	start          gofollow.Start
	separation     string
	streams        [2]stream // indexed by Direction
	closed         bool
	reason         gofollow.CloseReason
	resetText      []byte
	clean          bool
}

// result collects a follower's events and checks on the way the rules that hold
// for every input (ARCHITECTURE.md, "Invariants").
type result struct {
	noHalfClosed bool // such events were not asked for

	conversations []*conversation // indexed by id
	log           []string        // the event log
	short         []string        // the same as briefly as cases_test.go has it
	unflushed     int             // how many lines of log stood before Flush
	problems      []string        // broken rules
	quiet         bool            // makes no logs
	events        int             // how many were taken
}

func (r *result) problem(e *gofollow.Event, format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...)+": "+string(e.AppendLog(nil)))
}

func (r *result) take(e *gofollow.Event) { r.takeNumbered(e, 0) }

// takeNumbered takes an event of a follower that had opened so many connections
// before this result's first.
func (r *result) takeNumbered(e *gofollow.Event, before uint64) {
	r.events++
	if !r.quiet {
		r.log = append(r.log, string(e.AppendLog(nil)))
		r.short = append(r.short, brief(e))
	}
	id := e.Conn.ID() - before
	if e.Kind == gofollow.Opened {
		if id != uint64(len(r.conversations)) {
			r.problem(e, "opened as %d, want id %d", e.Conn.ID(), before+uint64(len(r.conversations)))
			return
		}
		if e.Conn.OpenedAt() != e.Time || e.Conn.OpenedPacket() != e.Packet {
			r.problem(e, "OpenedAt %d, OpenedPacket %d", e.Conn.OpenedAt(), e.Conn.OpenedPacket())
		}
		r.conversations = append(r.conversations, &conversation{
			id: id, client: e.Conn.Client(), server: e.Conn.Server(), roles: e.Conn.RolesFrom(), start: e.Conn.Start(),
			separation: e.Conn.Separation(),
		})
		return
	}
	if id >= uint64(len(r.conversations)) {
		r.problem(e, "event before opened")
		return
	}
	c := r.conversations[id]
	if c.closed {
		r.problem(e, "event after closed")
	}
	if c.client != e.Conn.Client() || c.server != e.Conn.Server() || c.roles != e.Conn.RolesFrom() || c.start != e.Conn.Start() || c.separation != e.Conn.Separation() {
		r.problem(e, "the connection's facts changed")
	}
	s := &c.streams[e.Direction]
	switch e.Kind {
	case gofollow.Data, gofollow.Gap:
		if s.halfClosed {
			r.problem(e, "bytes after half-closed")
		}
		if e.Offset != s.end {
			r.problem(e, "offset is %d, the event before ended at %d", e.Offset, s.end)
		}
		if e.Length <= 0 {
			r.problem(e, "length is %d", e.Length)
		}
		s.end = e.Offset + e.Length
		if e.Kind == gofollow.Gap {
			s.gaps = appendSpan(s.gaps, e.Offset, s.end)
			s.reasons = append(s.reasons, e.GapReason)
			s.gapEvents++
			break
		}
		if int64(len(e.Bytes)) != e.Length {
			r.problem(e, "%d bytes", len(e.Bytes))
		}
		if !e.Reordered && e.CapturedAt != e.Time {
			r.problem(e, "captured at %d but not reordered", e.CapturedAt)
		}
		s.data = append(s.data, e.Bytes...)
		s.chunks = appendSpan(s.chunks, e.Offset, s.end)
	case gofollow.HalfClosed:
		if s.halfClosed {
			r.problem(e, "half-closed twice")
		}
		if e.Offset != s.end {
			r.problem(e, "half-closed at %d, the stream ends at %d", e.Offset, s.end)
		}
		s.halfClosed = true
	case gofollow.Closed:
		c.closed, c.reason, c.clean = true, e.CloseReason, e.Conn.Clean()
		c.resetText = bytes.Clone(e.Conn.ResetText())
		gaps := 0
		for d := range c.streams {
			s := &c.streams[d]
			s.counters = e.Conn.Counters(gofollow.Direction(d))
			gaps += len(s.gaps)
			want := [3]uint64{uint64(len(s.data)), uint64(s.end) - uint64(len(s.data)), s.gapEvents}
			if got := [3]uint64{s.counters.Bytes, s.counters.GapBytes, s.counters.Gaps}; got != want {
				r.problem(e, "%v counts bytes, gap bytes, gaps %d, the events say %d", gofollow.Direction(d), got, want)
			}
		}
		if c.clean && (gaps > 0 || (!r.noHalfClosed && (!c.streams[0].halfClosed || !c.streams[1].halfClosed))) {
			r.problem(e, "clean with %d gaps", gaps)
		}
	case gofollow.Anomaly:
		if e.AnomalyKind == gofollow.AnomalyOverlapConflict && len(e.Old()) != len(e.New()) {
			r.problem(e, "old has %d bytes, new has %d", len(e.Old()), len(e.New()))
		}
	default:
		r.problem(e, "kind %d", e.Kind)
	}
}

// appendSpan appends [start, end) to sorted spans, merging it with the last one
// if it begins at its end.
func appendSpan(spans []span, start, end int64) []span {
	if n := len(spans); n > 0 && spans[n-1].End == start {
		spans[n-1].End = end
		return spans
	}
	return append(spans, span{start, end})
}

// poll takes all events that wait.
func (r *result) poll(f *gofollow.Follower) {
	for f.Waiting() > 0 {
		for _, e := range f.Poll(64) {
			r.take(&e)
		}
	}
}

// unfinished reports whether a call with this error is to be repeated after polling.
func unfinished(err error) bool {
	return errors.Is(err, gofollow.ErrQueueFull) || errors.Is(err, gofollow.ErrMore)
}

// untilTaken calls feed, and again after polling as long as it is not finished.
func (r *result) untilTaken(t testing.TB, f *gofollow.Follower, feed func() error) {
	t.Helper()
	for {
		err := feed()
		if err == nil {
			return
		}
		if !unfinished(err) || (errors.Is(err, gofollow.ErrQueueFull) && f.Waiting() == 0) {
			t.Fatalf("%v with %d events waiting", err, f.Waiting())
		}
		r.poll(f)
	}
}

// finish flushes and closes f and checks what must hold at the end.
func (r *result) finish(t testing.TB, f *gofollow.Follower) *result {
	t.Helper()
	r.poll(f)
	r.unflushed = len(r.log)
	r.untilTaken(t, f, f.Flush)
	r.poll(f)
	stats := f.Stats()
	f.Close()
	for _, c := range r.conversations {
		if !c.closed {
			r.problems = append(r.problems, fmt.Sprintf("connection %d is not closed after Flush", c.id))
		}
	}
	var ended uint64
	for _, n := range stats.ClosedBy {
		ended += n
	}
	n := uint64(len(r.conversations))
	if stats.Opened != n || ended != n || stats.Connections != 0 || stats.HeldBytes != 0 || stats.Waiting != 0 || stats.Events != uint64(r.events) {
		r.problems = append(r.problems, fmt.Sprintf("after %d connections and %d events: %+v", n, r.events, stats))
	}
	for i, p := range r.problems {
		if t.Errorf("broken rule: %s", p); i == 5 {
			break
		}
	}
	return r
}

func newFollower(t testing.TB, config gofollow.Config) *gofollow.Follower {
	t.Helper()
	f, err := gofollow.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// follow feeds packets one by one, polls after each, flushes at the end, and
// checks the rules.
func follow(t testing.TB, config gofollow.Config, packets []gofollow.Packet) *result {
	t.Helper()
	f, r := newFollower(t, config), &result{}
	limit, ofOne := config.Limits.TotalHeldBytes, uint64(config.Limits.HeldBytes)
	if limit == 0 {
		limit = 256 << 20
	}
	if ofOne == 0 {
		ofOne = 16 << 20
	}
	for i := range packets {
		r.untilTaken(t, f, func() error { return f.Feed(&packets[i]) })
		r.poll(f)
		stats := f.Stats()
		if stats.HeldBytes > limit {
			t.Errorf("%d bytes are held after packet %d, the limit is %d", stats.HeldBytes, i+1, limit)
		}
		if n := config.Limits.Connections; n > 0 && stats.Connections+stats.ClosedConnections > n {
			t.Errorf("%d connections and %d closed connections after packet %d, the limit is %d", stats.Connections, stats.ClosedConnections, i+1, n)
		}
		if n := config.Limits.ClosedConnections; n > 0 && stats.ClosedConnections > n {
			t.Errorf("%d closed connections after packet %d, the limit is %d", stats.ClosedConnections, i+1, n)
		}
	}
	if got := f.Stats().Packets; got != uint64(len(packets)) {
		t.Errorf("Stats.Packets is %d after %d packets", got, len(packets))
	}
	r.finish(t, f)
	for _, c := range r.conversations {
		for d := range c.streams {
			if held := c.streams[d].counters.MaxHeld; held > ofOne {
				t.Errorf("%d bytes were held in one direction of connection %d, the limit is %d", held, c.id, ofOne)
			}
		}
		if config.CloseOn == gofollow.CloseOnBoth && c.reason == gofollow.CloseFIN && !(c.streams[0].halfClosed && c.streams[1].halfClosed) {
			t.Errorf("connection %d is closed by FIN, half-closed: %v, %v", c.id, c.streams[0].halfClosed, c.streams[1].halfClosed)
		}
	}
	return r
}

// find returns the conversations between two endpoints, whichever is the client.
func (r *result) find(a, b netip.AddrPort) (found []*conversation) {
	for _, c := range r.conversations {
		if (c.client == a && c.server == b) || (c.client == b && c.server == a) {
			found = append(found, c)
		}
	}
	return found
}

// sentBy returns the direction that a sends.
func (c *conversation) sentBy(a netip.AddrPort) *stream {
	if c.client == a {
		return &c.streams[gofollow.ClientToServer]
	}
	return &c.streams[gofollow.ServerToClient]
}

// TestRulesCatch makes sure that the checker sees a broken rule at all.
func TestRulesCatch(t *testing.T) {
	f := newFollower(t, gofollow.Config{})
	packets := script(t, `c S; s SA; c A; c 0 "one"; c 3 "two"; c FA 6; s FA 0; c A`)
	var events []gofollow.Event
	for i := range packets {
		if err := f.Feed(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	events = append(events, f.Poll(100)...)
	check := func(events ...gofollow.Event) int {
		r := &result{}
		for i := range events {
			r.take(&events[i])
		}
		return len(r.problems)
	}
	if len(events) != 6 || check(events...) != 0 {
		t.Fatalf("%d events, %d problems in order, want 6 and 0", len(events), check(events...))
	}
	if n := check(append(events[:1:1], events[2:]...)...); n == 0 {
		t.Error("a missing data event is not seen")
	}
	if n := check(append(events[:6:6], events[5])...); n == 0 {
		t.Error("closed twice is not seen")
	}
	if n := check(events[1:]...); n == 0 {
		t.Error("a missing opened event is not seen")
	}
	if n := check(append(append(events[:4:4], events[3]), events[4:]...)...); n == 0 {
		t.Error("half-closed twice is not seen")
	}
	f.Close()
}

// TestSameEndpoint: segments from an endpoint to itself make one direction.
func TestSameEndpoint(t *testing.T) {
	end := netip.MustParseAddrPort("10.0.0.1:7000")
	var packets []gofollow.Packet
	for _, s := range []segment{
		{flags: "S", seq: 99}, {flags: "SA", seq: 99, ack: 100}, {flags: "A", seq: 100, ack: 100}, {flags: "A", seq: 103, ack: 100, payload: []byte("def")},
		{flags: "A", seq: 100, ack: 106, payload: []byte("abc")}, {flags: "A", seq: 106, ack: 106}, {flags: "FA", seq: 106, ack: 106}, {flags: "A", seq: 107, ack: 107},
	} {
		s.src, s.dst = end, end
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkEthernet, Data: s.frame(t)})
	}
	if got, want := follow(t, noisy, packets).String(), `open; c0 abc; c3 def*; fin c6 | closed flush`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestResetText keeps the first 1024 bytes of what a reset carries.
func TestResetText(t *testing.T) {
	for _, n := range []int{1, 1023, 1024, 1025, 1400} {
		text := strings.Repeat("r", n)
		c := follow(t, gofollow.Config{}, script(t, `H; c 0 "a"; s RA 0 "`+text+`"`)).conversations[0]
		if c.reason != gofollow.CloseRST || string(c.resetText) != text[:min(n, 1024)] {
			t.Errorf("a reset with %d bytes: closed by %v with %d bytes", n, c.reason, len(c.resetText))
		}
	}
}

// TestNames: what has no name is unknown.
func TestNames(t *testing.T) {
	for _, n := range []fmt.Stringer{
		gofollow.EventKind(99), gofollow.Direction(99), gofollow.GapReason(99), gofollow.CloseReason(99), gofollow.By(99), gofollow.AnomalyKind(99),
		gofollow.RolesFrom(99), gofollow.Start(99),
	} {
		if n.String() != "unknown" {
			t.Errorf("%T 99 is called %s", n, n)
		}
	}
	if got := fmt.Sprint(gofollow.Opened, gofollow.Anomaly, gofollow.ServerToClient, gofollow.GapClose, gofollow.AnomalySYNFIN); got != "opened anomaly server close syn_fin" {
		t.Error(got)
	}
}

// TestRoles: which side is the client where no handshake was captured.
func TestRoles(t *testing.T) {
	for _, test := range []struct {
		sender, receiver uint16
		client           uint16 // 0: the sender, for want of a rule
	}{
		{50000, 80, 50000}, {80, 50000, 50000}, {1023, 1024, 1024}, {1024, 1023, 1024}, {20, 21, 0},
		{2049, 700, 700}, {700, 2049, 700}, {2049, 50000, 50000}, {50000, 2049, 50000}, {2049, 3000, 3000}, {2049, 2049, 0},
		{3306, 51200, 51200}, {51200, 3306, 51200}, {8443, 32768, 32768}, {32768, 32767, 32768}, {32767, 32766, 0},
		{60000, 61000, 0}, {32768, 65535, 0}, {8080, 5432, 0}, {5432, 8080, 0}, {0, 40000, 40000},
	} {
		s := segment{src: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), test.sender), dst: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), test.receiver), flags: "A", payload: []byte("x")}
		frame := s.frame(t)
		c := follow(t, gofollow.Config{}, []gofollow.Packet{{LinkType: gofollow.LinkEthernet, Data: frame, WireLen: len(frame)}}).conversations[0]
		client, from := test.client, gofollow.RolesFromPort
		if client == 0 {
			client, from = test.sender, gofollow.RolesFromFirst
		}
		if c.client.Port() != client || c.roles != from {
			t.Errorf("%d sends to %d: the client is %v from %v, want %d from %v", test.sender, test.receiver, c.client, c.roles, client, from)
		}
	}
}
