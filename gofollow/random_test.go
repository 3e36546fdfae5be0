package gofollow_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"gofollow/gofollow"
)

var (
	runs = flag.Int("gofollow.runs", envInt("GOFOLLOW_RUNS", 2000), "how many random captures")
	seed = flag.Uint64("gofollow.seed", 0, "the first random capture's seed")
)

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// worlds calls try with n random captures. What fails names its seed:
// go test -run TestRandom -gofollow.seed=SEED -gofollow.runs=1
func worlds(t *testing.T, n int, try func(t *testing.T, random *rand.Rand, w *world)) {
	t.Helper()
	features := map[string]int{}
	for s := *seed; s < *seed+uint64(n); s++ {
		random := rand.New(rand.NewPCG(s, 1))
		w := generate(random)
		for name, n := range w.features {
			features[name] += n
		}
		if try(t, random, w); t.Failed() {
			t.Fatalf("the random capture with seed %d fails", s)
		}
	}
	if n < 200 {
		return
	}
	for _, name := range []string{
		"interleaved", "ipv6", "vlan", "trailer", "syn-data", "ack", "keep-alive", "overlap", "conflict", "fin", "simultaneous close", "rst",
		"no end", "mid-stream", "no syn", "loss", "lost", "one side only", "shuffled", "late copy", "duplicate", "endpoints used again",
		"endpoints used again, one side", "leftovers", "repeated close", "wrong clock",
	} {
		if features[name] == 0 {
			t.Errorf("%q occurred in none of %d captures", name, n)
		}
	}
}

// sides names the sides of a talk in messages.
var sides = [2]string{"client", "server"}

// TestRandom compares random captures with the known truth and with the reference,
// and logs how often they held each row of the case table.
func TestRandom(t *testing.T) {
	rows := map[string]int{}
	worlds(t, *runs, func(t *testing.T, _ *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		got := follow(t, gofollow.Config{}, packets)
		w.compare(t, got, reassemble(packets), rows)
		if t.Failed() {
			for _, line := range got.log {
				t.Log(line)
			}
		}
	})
	for _, row := range caseTable {
		t.Logf("%8d  %s", rows[row], row)
		if rows[row] == 0 && *runs >= 200 {
			t.Errorf("case table: %q occurred in none of %d captures", row, *runs)
		}
	}
	if len(rows) > len(caseTable) {
		t.Errorf("%d rows of the case table were counted, there are %d", len(rows), len(caseTable))
	}
}

// compare holds what a follower and the reference made of a capture against the
// truth. Conversations between the same endpoints come in order.
func (w *world) compare(t *testing.T, got *result, reference []*refConversation, rows map[string]int) {
	t.Helper()
	used := map[[2]netip.AddrPort]int{}
	for _, c := range w.talks {
		want := w.truth(c)
		if !want.opened {
			continue
		}
		nth := used[c.ends]
		used[c.ends]++
		conversations := got.find(c.ends[0], c.ends[1])
		if nth >= len(conversations) {
			t.Errorf("%v: %d connections, want more", c.ends, len(conversations))
			continue
		}
		var of []*refConversation
		for _, r := range reference {
			if r.opened && (r.ends == c.ends || (r.ends[1] == c.ends[0] && r.ends[0] == c.ends[1])) {
				of = append(of, r)
			}
		}
		if nth >= len(of) {
			t.Errorf("%v: the reference has %d, want more", c.ends, len(of))
			continue
		}
		want.check(t, c, conversations[nth], of[nth])
		want.told(conversations[nth])
		if nth > 0 {
			want.rows[rowReuse]++
		}
		for row, n := range want.rows {
			rows[row] += n
		}
	}
	for _, c := range w.talks {
		if n := len(got.find(c.ends[0], c.ends[1])); n != used[c.ends] {
			t.Errorf("%v: %d connections, want %d", c.ends, n, used[c.ends])
		}
	}
}

// check compares one conversation.
func (want *truth) check(t *testing.T, c *talk, got *conversation, reference *refConversation) {
	t.Helper()
	for side, end := range c.ends {
		w := &want.sides[side]
		s := got.sentBy(end)
		compare(t, "the follower", c, side, s.data, s.gaps, w.data, w.gaps)
		r := &reference.streams[0]
		if reference.ends[0] != end {
			r = &reference.streams[1]
		}
		data, gaps := r.read()
		compare(t, "the reference", c, side, data, gaps, w.data, w.gaps)
	}
	open := got.reason == gofollow.CloseFlush || got.reason == gofollow.CloseReused
	if (want.reason == 0 && !open) || (want.reason != 0 && got.reason != want.reason) {
		t.Errorf("%v: closed by %v, want %v", c.ends, got.reason, want.reason)
	}
	if got.reason == gofollow.CloseRST && !bytes.Equal(got.resetText, want.resetText) {
		t.Errorf("%v: reset text %q, want %q", c.ends, got.resetText, want.resetText)
	}
}

// TestRandomLimits follows random captures within limits that are hit all the time:
// the rules hold, and each byte is one that was sent at its place.
func TestRandomLimits(t *testing.T) {
	worlds(t, *runs/4, func(t *testing.T, random *rand.Rand, w *world) {
		config := gofollow.Config{
			Anomalies: random.IntN(2) == 0, CloseOn: gofollow.CloseOn(random.IntN(2)), RST: gofollow.RSTPolicy(random.IntN(3)),
			Overlap: gofollow.OverlapPolicy(random.IntN(13)), Urgent: gofollow.UrgentMode(random.IntN(2)),
			GapPatience: []time.Duration{gofollow.AtOnce, time.Microsecond, time.Second}[random.IntN(3)],
			Limits: gofollow.Limits{
				HeldBytes: 1 + random.Int64N(500), HeldSegments: 1 + random.IntN(5), TotalHeldBytes: 1 + random.Int64N(600), Connections: 1 + random.IntN(3),
				ClosedConnections: 3 + random.IntN(2), FarBytes: 1 + random.Int64N(3000),
			},
			Timeouts: gofollow.Timeouts{
				Handshake: time.Duration(1 + random.IntN(1e6)), Idle: time.Duration(1 + random.IntN(1e6)), HalfClosed: time.Duration(1 + random.IntN(1e6)),
				RSTLinger: time.Duration(1 + random.IntN(1e5)), CloseLinger: time.Duration(1 + random.IntN(1e5)), ReuseIdle: time.Duration(1 + random.IntN(1e6)),
				HoleAge: time.Duration(1 + random.IntN(1e6)), OneSidedAge: time.Duration(1 + random.IntN(1e6)),
			},
		}
		for _, c := range follow(t, config, w.packets(t, nil)).conversations {
			for d := range c.streams {
				w.holds(t, c, gofollow.Direction(d))
			}
		}
	})
}

// holds checks that each byte of a stream is one of those that its side sent at that
// place, wherever the stream was taken to begin.
func (w *world) holds(t *testing.T, c *conversation, d gofollow.Direction) {
	t.Helper()
	from := [2]netip.AddrPort{c.client, c.server}[d]
	got := c.streams[d].places()
	for _, k := range w.talks {
		for side, end := range k.ends {
			if end != from {
				continue
			}
			copies := map[int64][]byte{}
			for _, p := range w.captured {
				for i, b := range p.payload {
					if p.talk == k && p.side == side {
						at := p.offset + int64(i)
						copies[at] = append(copies[at], b)
					}
				}
			}
			if len(got) == 0 || fits(got, copies) {
				return
			}
		}
	}
	t.Errorf("connection %d %v: the bytes are not those that were sent", c.id, d)
}

// fits reports whether bytes by offset are copies of bytes by another offset, for some
// distance between the two.
func fits(got map[int64]byte, copies map[int64][]byte) bool {
	var first int64
	for first = range got {
		break
	}
	for at := range copies {
		fit := true
		for o, b := range got {
			if fit = bytes.Contains(copies[o-first+at], []byte{b}); !fit {
				break
			}
		}
		if fit {
			return true
		}
	}
	return false
}

func compare(t *testing.T, who string, c *talk, side int, data []byte, gaps []span, wantData []byte, wantGaps []span) {
	t.Helper()
	if !slices.Equal(gaps, wantGaps) {
		t.Errorf("%v %s: %s has gaps %v, want %v", c.ends, sides[side], who, gaps, wantGaps)
	}
	if !bytes.Equal(data, wantData) {
		same := 0
		for same < min(len(data), len(wantData)) && data[same] == wantData[same] {
			same++
		}
		t.Errorf("%v %s: %s has %d bytes, want %d, equal up to %d", c.ends, sides[side], who, len(data), len(wantData), same)
	}
}
