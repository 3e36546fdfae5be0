// Package workload makes captures whose truth is known: what each side of each
// connection said, and what of it the capture lost. The same seed makes the same
// bytes.
package workload

import (
	"cmp"
	"fmt"
	"slices"
)

// Workload is a kind of traffic and how much of it.
type Workload struct {
	Name        string
	About       string
	Connections int // how many conversations, at most
	AtOnce      int // how many are under way at the same time
	Burst       int // packets of one that follow each other, at most
	Packets     int // no conversation begins when so many packets are under way; 0: no matter
	Size        int // bytes of a transfer, where the kind has one size
	talk        func(c *conversation, size int)
}

// Workloads returns all of them. Where sequence numbers do not matter they keep
// away from 2^32: some followers corrupt a stream there, and what is wrong early
// is fast. The workload wrap shows which.
func Workloads() []Workload {
	web := Workload{Connections: 1 << 30, AtOnce: 300, Burst: 8, talk: (*conversation).browse}
	messy := Workload{Connections: 1 << 30, AtOnce: 300, Burst: 8, talk: (*conversation).struggle}
	return []Workload{
		{Name: "bulk", About: "8 downloads of 25 MiB, 4 at once", Connections: 8, AtOnce: 4, Burst: 16, Size: 25 << 20, talk: (*conversation).download},
		web.named("web", "short connections, 300 at once", 500_000),
		messy.named("messy", "loss, reordering, overlap, reuse, resets, connections never closed; 300 at once", 500_000),
		{Name: "many", About: "a million connections at once, never closed", Connections: 1_000_000, AtOnce: 1_000_000, Burst: 1, talk: (*conversation).greet},
		{Name: "one", About: "one stream of 40 MB", Connections: 1, AtOnce: 1, Burst: 1, Size: 40_000_000, talk: (*conversation).download},
		{Name: "half", About: "one stream of 20 MB", Connections: 1, AtOnce: 1, Burst: 1, Size: 20_000_000, talk: (*conversation).download},
		{Name: "double", About: "one stream of 80 MB", Connections: 1, AtOnce: 1, Burst: 1, Size: 80_000_000, talk: (*conversation).download},
		web.named("web200k", "web, 200,000 packets", 200_000),
		web.named("web20k", "web, 20,000 packets", 20_000),
		messy.named("messy20k", "messy, 20,000 packets", 20_000),
		{Name: "wrap", About: "loss and reordering where the sequence numbers wrap, nothing missing; 100 at once", Connections: 2_000, AtOnce: 100, Burst: 8, talk: (*conversation).wrap},
	}
}

func (w Workload) named(name, about string, packets int) Workload {
	w.Name, w.About, w.Packets = name, about, packets
	return w
}

// Connected returns the workload of n connections at once, never closed, and
// Sized one of about n packets in short connections, for looking at growth.
func Connected(n int) Workload {
	return Workload{Name: fmt.Sprintf("connections-%d", n), Connections: n, AtOnce: n, Burst: 1, talk: (*conversation).greet}
}

func Sized(packets int) Workload {
	return Workload{Name: fmt.Sprintf("packets-%d", packets), Connections: 1 << 30, AtOnce: 300, Burst: 8, Packets: packets, talk: (*conversation).chat}
}

// Find returns the workload of that name.
func Find(name string) (Workload, error) {
	for _, w := range Workloads() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("there is no workload %q", name)
}

// Small returns the workload with few connections, for tests.
func (w Workload) Small() Workload {
	w.Connections = min(w.Connections, 400)
	w.AtOnce = min(w.AtOnce, w.Connections)
	w.Packets = min(w.Packets, 20_000)
	w.Size = min(w.Size, 200_000)
	return w
}

// Write writes the capture to out and returns what its connections said, sides
// that said nothing left out, and how many connections there were.
func (w Workload) Write(out *Writer, seed int64) (truth []Side, connections int, err error) {
	var (
		active [][]packet
		due    int // packets of the conversations that began
		c      = newConversation(seed)
	)
	for begun := 0; ; {
		for len(active) < w.AtOnce && begun < w.Connections && (w.Packets == 0 || due < w.Packets) {
			c.begin(begun)
			w.talk(c, w.Size)
			begun++
			due += len(c.packets)
			active = append(active, slices.Clone(c.packets))
			truth = append(truth, c.truth...)
		}
		if len(active) == 0 {
			break
		}
		i := c.random.Intn(len(active))
		packets := active[i]
		burst := min(len(packets), 1+c.random.Intn(w.Burst))
		for j := range packets[:burst] {
			out.write(&packets[j], int64(1+c.random.Intn(3)))
		}
		if active[i] = packets[burst:]; burst == len(packets) {
			active[i] = active[len(active)-1]
			active = active[:len(active)-1]
		}
	}
	slices.SortFunc(truth, func(a, b Side) int {
		return cmp.Or(a.Client.Compare(b.Client), cmp.Compare(a.From, b.From))
	})
	return truth, c.connections, out.Flush()
}
