package gofollow_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"gofollow/gofollow"
)

// TestReference compares the follower with the reference on every capture at hand:
// our own, and those in ../../shared if it is there.
func TestReference(t *testing.T) {
	paths := captures(t)
	for _, pattern := range []string{"../../shared/captures/*.pcap", "../../shared/captures/*.trace", "../../shared/parity/*.pcap"} {
		found, _ := filepath.Glob(pattern)
		if len(found) == 0 {
			t.Logf("nothing is at %s, so nothing of it is compared", pattern)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			packets := records(t, path)
			equalsReference(t, "whole", follow(t, gofollow.Config{}, packets), packets)
		})
	}
}

// equalsReference compares bytes and gaps of each conversation with the reference's.
func equalsReference(t *testing.T, what string, got *result, packets []gofollow.Packet) {
	t.Helper()
	var want []string
	for _, c := range reassemble(packets) {
		for i := range c.streams {
			if c.opened {
				data, gaps := c.streams[i].read()
				want = append(want, streamLine(c.ends[i], c.ends[1-i], data, gaps))
			}
		}
	}
	slices.Sort(want)
	sameLines(t, what+", against the reference", got.streams(), want)
}

var (
	packetNumber = regexp.MustCompile(` packet=\d+`)
	counterList  = regexp.MustCompile(` (client|server)=[\d,]+`)
	eventTime    = regexp.MustCompile(`(time|captured)=(-?\d+)`)
)

// told is the event log without packet numbers and counters, times moved by shift.
func (r *result) told(shift time.Duration) (lines []string) {
	for _, line := range r.log {
		line = counterList.ReplaceAllString(packetNumber.ReplaceAllString(line, ""), "")
		lines = append(lines, eventTime.ReplaceAllStringFunc(line, func(s string) string {
			name, at, _ := bytes.Cut([]byte(s), []byte("="))
			var n int64
			fmt.Sscan(string(at), &n)
			return fmt.Sprintf("%s=%d", name, n+int64(shift))
		}))
	}
	return lines
}

// TestPerturbed damages the captures of ../tests/data in ways whose effect is known.
func TestPerturbed(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			packets := records(t, path)
			base := follow(t, gofollow.Config{}, packets)
			for seed := range uint64(4) {
				p := perturbed{t, rand.New(rand.NewPCG(seed, 2)), packets, base}
				p.duplicated()
				p.dropped()
				p.cut()
				p.shifted()
				p.reordered()
				p.merged()
			}
		})
	}
}

type perturbed struct {
	*testing.T
	*rand.Rand
	packets []gofollow.Packet
	base    *result
}

// duplicated: packets that the capture has twice change counters alone.
func (p *perturbed) duplicated() {
	var twice []gofollow.Packet
	for _, packet := range p.packets {
		twice = append(twice, packet)
		for p.IntN(3) == 0 {
			twice = append(twice, packet)
		}
	}
	sameLines(p.T, "packets twice", follow(p.T, gofollow.Config{}, twice).told(0), p.base.told(0))
}

// dropped: what a packet carried is missing, unless it came again, and no other byte.
func (p *perturbed) dropped() {
	i := p.IntN(len(p.packets))
	packets := slices.Delete(slices.Clone(p.packets), i, i+1)
	got := follow(p.T, gofollow.Config{}, packets)
	what := fmt.Sprintf("without packet %d", i+1)
	equalsReference(p.T, what, got, packets)
	_, _, tcp, wire := dissect(p.packets[i])
	if first := p.firsts()[i]; !first && (tcp == nil || !tcp.SYN) {
		p.isPart(what, got, int64(wire))
	}
}

// cut: what the capture cut off is missing, and no other byte.
func (p *perturbed) cut() {
	snaplen := 90 + p.IntN(600) // every header is there
	var short []gofollow.Packet
	missing := int64(0)
	for _, packet := range p.packets {
		if n := len(packet.Data); n > snaplen {
			packet.WireLen = max(packet.WireLen, n)
			packet.Data = packet.Data[:snaplen]
			missing += int64(n - snaplen)
		}
		short = append(short, packet)
	}
	p.isPart(fmt.Sprintf("cut to %d bytes", snaplen), follow(p.T, gofollow.Config{}, short), missing)
}

// isPart reports whether got has the conversations and the length of each stream that the
// whole capture has, and all bytes but at most so many.
func (p *perturbed) isPart(what string, got *result, missing int64) {
	p.Helper()
	if len(got.conversations) != len(p.base.conversations) {
		p.Errorf("%s: %d connections, want %d", what, len(got.conversations), len(p.base.conversations))
		return
	}
	for i, c := range got.conversations {
		for d := range c.streams {
			g, w := c.streams[d].places(), p.base.conversations[i].streams[d].places()
			for at, b := range g {
				if was, ok := w[at]; !ok || was != b {
					p.Errorf("%s: connection %d %v has another byte at %d", what, i, gofollow.Direction(d), at)
					break
				}
			}
			missing -= int64(len(w) - len(g))
		}
	}
	if missing < 0 {
		p.Errorf("%s: %d bytes more are missing", what, -missing)
	}
}

// places gives each byte by its offset.
func (s *stream) places() map[int64]byte {
	places := map[int64]byte{}
	rest := s.data
	for _, chunk := range s.chunks {
		for at := chunk.Start; at < chunk.End; at++ {
			places[at] = rest[0]
			rest = rest[1:]
		}
	}
	return places
}

// shifted: times are relative.
func (p *perturbed) shifted() {
	shift := time.Duration(p.Int64N(int64(200*24*time.Hour))) - 100*24*time.Hour
	later := slices.Clone(p.packets)
	for i := range later {
		later[i].Time += int64(shift)
	}
	sameLines(p.T, fmt.Sprintf("times shifted by %v", shift), follow(p.T, gofollow.Config{}, later).told(-shift), p.base.told(0))
}

// firsts marks the packets that settle what a connection is: its first four, the first
// two of each direction, and SYNs.
func (p *perturbed) firsts() []bool {
	marks := make([]bool, len(p.packets))
	seen := map[[2]netip.AddrPort]int{}
	for i, packet := range p.packets {
		src, dst, tcp, _ := dissect(packet)
		if tcp == nil {
			continue
		}
		seen[[2]netip.AddrPort{src, dst}]++
		n := seen[[2]netip.AddrPort{src, dst}]
		marks[i] = tcp.SYN || n <= 2 || n+seen[[2]netip.AddrPort{dst, src}] <= 4
	}
	return marks
}

// reordered: packets captured up to eight places and a tenth of a second late, behind
// the start of their connection, say the same.
func (p *perturbed) reordered() {
	firsts := p.firsts()
	packets := slices.Clone(p.packets)
	reach := 2 + p.IntN(7)
	for start := 0; start < len(packets); {
		end := start
		for end < len(packets) && end < start+reach && !firsts[end] && packets[end].Time-packets[start].Time < 1e8 {
			end++
		}
		p.Shuffle(end-start, func(i, j int) { packets[start+i], packets[start+j] = packets[start+j], packets[start+i] })
		start = max(end, start+1)
	}
	got := follow(p.T, gofollow.Config{}, packets)
	sameLines(p.T, fmt.Sprintf("reordered within %d", reach), got.streams(), p.base.streams())
	equalsReference(p.T, "reordered", got, packets)
}

// merged: two captures of the same traffic, one of which lags, give the same events as one.
func (p *perturbed) merged() {
	skew := 1 + p.IntN(3)
	var both []gofollow.Packet
	for i := range len(p.packets) + skew {
		if i < len(p.packets) {
			both = append(both, p.packets[i])
		}
		if i >= skew {
			late := p.packets[i-skew]
			late.Time = both[len(both)-1].Time
			both = append(both, late)
		}
	}
	// The late copy of a SYN that was refused is a connection of its own.
	empty := func(line string) bool { return bytes.Contains([]byte(line), []byte(" 0 bytes")) }
	got := slices.DeleteFunc(follow(p.T, gofollow.Config{}, both).streams(), empty)
	sameLines(p.T, fmt.Sprintf("merged with a copy %d packets late", skew), got, slices.DeleteFunc(p.base.streams(), empty))
}
