package gofollow_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

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
		t.Run(strconv.FormatUint(s, 10), func(t *testing.T) { try(t, random, w) })
		if t.Failed() {
			t.Fatalf("the random capture with seed %d fails", s)
		}
	}
	if n < 200 {
		return
	}
	for _, name := range []string{
		"interleaved", "ipv6", "vlan", "trailer", "syn-data", "ack", "keep-alive", "overlap", "conflict", "fin", "simultaneous close", "rst",
		"no end", "mid-stream", "no syn", "loss", "lost", "one side only", "shuffled", "late copy", "duplicate",
	} {
		if features[name] == 0 {
			t.Errorf("%q occurred in none of %d captures", name, n)
		}
	}
}

// sides names the sides of a talk in messages.
var sides = [2]string{"client", "server"}

// TestRandom compares random captures with the known truth and with the reference.
func TestRandom(t *testing.T) {
	worlds(t, *runs, func(t *testing.T, _ *rand.Rand, w *world) {
		packets := w.packets(t, nil)
		got := follow(t, gofollow.Config{}, packets)
		reference := reassemble(packets)
		for _, c := range w.talks {
			conversations := got.find(c.ends[0], c.ends[1])
			for side, end := range c.ends {
				want := w.truth(c, side)
				if !want.opened {
					if len(conversations) > 0 {
						t.Errorf("%v: opened without data or SYN", c.ends)
					}
					continue
				}
				if len(conversations) != 1 {
					t.Errorf("%v: %d connections, want 1", c.ends, len(conversations))
					continue
				}
				s := conversations[0].sentBy(end)
				compare(t, "the follower", c, side, s.data, s.gaps, want)
				i := slices.IndexFunc(reference, func(r *refConversation) bool {
					return r.ends == c.ends || r.ends[1] == c.ends[0] && r.ends[0] == c.ends[1]
				})
				if i < 0 {
					t.Errorf("%v: unknown to the reference", c.ends)
					continue
				}
				stream := &reference[i].streams[0]
				if reference[i].ends[0] != end {
					stream = &reference[i].streams[1]
				}
				data, gaps := stream.read()
				compare(t, "the reference", c, side, data, gaps, want)
			}
		}
		if t.Failed() {
			for _, line := range got.log {
				t.Log(line)
			}
		}
	})
}

func compare(t *testing.T, who string, c *talk, side int, data []byte, gaps []span, want truth) {
	t.Helper()
	if !slices.Equal(gaps, want.gaps) {
		t.Errorf("%v %s: %s has gaps %v, want %v", c.ends, sides[side], who, gaps, want.gaps)
	}
	if !bytes.Equal(data, want.data) {
		same := 0
		for same < min(len(data), len(want.data)) && data[same] == want.data[same] {
			same++
		}
		t.Errorf("%v %s: %s has %d bytes, want %d, equal up to %d", c.ends, sides[side], who, len(data), len(want.data), same)
	}
}
