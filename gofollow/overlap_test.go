package gofollow_test

import (
	"testing"

	"gofollow/gofollow"
)

// overlapWinners has, for each policy, which of two held segments fills what they share: N
// the new one, H the held one, by how N starts (before, with, after H) and, within
// each, how it ends (before, with, after H). Written from the literature, not from
// the engine's table.
var overlapWinners = map[gofollow.OverlapPolicy]string{
	gofollow.OverlapFirst:    "HHH HHH HHH",
	gofollow.OverlapVista:    "HHH HHH HHH",
	gofollow.OverlapLast:     "NNN NNN NNN",
	gofollow.OverlapBSD:      "NNN HHH HHH",
	gofollow.OverlapWindows:  "NNN HHH HHH",
	gofollow.OverlapWin2003:  "NNN HHH HHH",
	gofollow.OverlapHPUX10:   "NNN HHH HHH",
	gofollow.OverlapIRIX:     "NNN HHH HHH",
	gofollow.OverlapMacOS:    "NNN HHH HHH",
	gofollow.OverlapLinux:    "NNN HHN HHH",
	gofollow.OverlapOldLinux: "NNN HNN HHH",
	gofollow.OverlapSolaris:  "HNN HNN HHN",
	gofollow.OverlapHPUX11:   "HNN HNN HHN",
}

// ranges are all ranges within six bytes, above a hole of one byte.
func ranges() (list [][2]int) {
	for start := 1; start <= 6; start++ {
		for end := start + 1; end <= 7; end++ {
			list = append(list, [2]int{start, end})
		}
	}
	return list
}

// delivered follows a hole at 0, the ranges in this order, each filled with a
// letter of its own, and then the byte that was missing. It returns what came out.
func delivered(t *testing.T, policy gofollow.OverlapPolicy, ranges ...[2]int) string {
	s := rawSegment{flags: 0x02, seq: 99}
	packets := []gofollow.Packet{{LinkType: gofollow.LinkRaw, Data: s.bytes()}}
	add := func(start int, content string) {
		s := rawSegment{flags: 0x10, seq: 100 + uint32(start), length: len(content)}
		b := s.bytes()
		copy(b[40:], content)
		packets = append(packets, gofollow.Packet{LinkType: gofollow.LinkRaw, Data: b})
	}
	for i, r := range ranges {
		content := ""
		for range r[1] - r[0] {
			content += string(rune('A' + i))
		}
		add(r[0], content)
	}
	add(0, "-")
	r := follow(t, gofollow.Config{Overlap: policy}, packets)
	out := []byte("       ")
	for _, c := range r.conversations {
		for _, s := range c.streams {
			at := 0
			for _, b := range s.data {
				for _, gap := range s.gaps {
					if int64(at) == gap.Start {
						at = int(gap.End)
					}
				}
				out[at] = b
				at++
			}
		}
	}
	return string(out)
}

// TestOverlapMatrix is all placements of two segments (Allen's relations among
// them) under each policy.
func TestOverlapMatrix(t *testing.T) {
	for policy, winners := range overlapWinners {
		for _, h := range ranges() {
			for _, n := range ranges() {
				want := []byte("-      ")
				for at := 1; at < 7; at++ {
					inH, inN := h[0] <= at && at < h[1], n[0] <= at && at < n[1]
					winner := winners[4*(1+sign(n[0]-h[0]))+1+sign(n[1]-h[1])]
					switch {
					case inN && (!inH || winner == 'N'):
						want[at] = 'B'
					case inH:
						want[at] = 'A'
					}
				}
				if got := delivered(t, policy, h, n); got != string(want) {
					t.Errorf("policy %d, %v then %v: %q, want %q", policy, h, n, got, want)
				}
			}
		}
	}
	if len(overlapWinners) != 13 {
		t.Errorf("%d policies", len(overlapWinners))
	}
}

// stored is what byte by byte knows of the held segments: which one fills each
// place, 0 none. A held segment is a run of places with one number: what a newer one
// took is no longer part of it.
type stored [8]int

// piece returns the run that the place is part of.
func (s *stored) piece(at int) (start, end int) {
	for start = at; start > 0 && s[start-1] == s[at]; start-- {
	}
	for end = at + 1; end < len(s) && s[end] == s[at]; end++ {
	}
	return start, end
}

// add lets segment number n come, place by place, against what was stored before it.
func (s *stored) add(winners string, n int, r [2]int) {
	before := *s
	for at := r[0]; at < r[1]; at++ {
		if before[at] != 0 {
			start, end := before.piece(at)
			if winners[4*(1+sign(r[0]-start))+1+sign(r[1]-end)] == 'H' {
				continue
			}
		}
		s[at] = n
	}
}

func (s *stored) String() string {
	out := []byte("-      ")
	for at := 1; at < 7; at++ {
		if s[at] > 0 {
			out[at] = byte('A' + s[at] - 1)
		}
	}
	return string(out)
}

// TestThreeOverlaps is every triple of ranges within six bytes under each policy;
// of policies that TestOverlapMatrix shows to be the same, one will do.
func TestThreeOverlaps(t *testing.T) {
	all := ranges()
	done := map[string]bool{}
	for policy, winners := range overlapWinners {
		if done[winners] {
			continue
		}
		done[winners] = true
		for i, a := range all {
			for j, b := range all {
				for k, c := range all {
					if testing.Short() && (i+j+k)%7 != 0 {
						continue
					}
					var want stored
					for n, r := range [][2]int{a, b, c} {
						want.add(winners, n+1, r)
					}
					if got := delivered(t, policy, a, b, c); got != want.String() {
						t.Fatalf("policy %d, %v, %v, %v: %q, want %q", policy, a, b, c, got, want.String())
					}
				}
			}
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
