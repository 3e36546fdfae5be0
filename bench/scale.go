package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"gofollow/bench/workload"
)

// scale shows how time and memory grow with connections at once and with packets.
// Each capture is made, followed and deleted. Followers are "go" and "c" unless
// others are named.
func scale(o options) error {
	if len(o.only) == 0 {
		o.only = []string{"go", "c"}
	}
	o.alone = true
	chosen, err := choose(rows(o.dir), o)
	if err != nil {
		return err
	}
	printMachine(o)
	fmt.Println("\nconnections at once, never closed, 4 packets each")
	for n := 1_000; n <= 1_000_000; n *= 10 {
		if err := grow(workload.Connected(n), chosen, o); err != nil {
			return err
		}
	}
	fmt.Println("\npackets, in short connections, 300 at once")
	for n := 100_000; n <= 10_000_000; n *= 10 {
		if err := grow(workload.Sized(n), chosen, o); err != nil {
			return err
		}
	}
	return nil
}

// grow prints the lines of one size. Time is that of a warm run; memory that of a
// process that follows once, without what it needs for a handful of packets.
func grow(w workload.Workload, followers []*row, o options) error {
	c, truth, err := prepare(w.Name, o.dir)
	if err != nil {
		return err
	}
	defer func() {
		os.Remove(c.path)
		os.Remove(strings.TrimSuffix(c.path, ".pcap") + ".truth")
	}()
	least, _, err := prepare("connections-1", o.dir)
	if err != nil {
		return err
	}
	fmt.Printf("  %d connections, %d packets, %.1f MB\n", c.facts.Connections, c.facts.Packets, float64(c.size)/1e6)
	for _, r := range followers {
		verdict := r.check(c, truth).verdict
		var warm, cold, base []float64
		for range o.runs {
			for _, one := range []struct {
				c      *capture
				values *[]float64
				args   []string
				figure func(run) float64
			}{
				{c, &warm, nil, o.figure()},
				{c, &cold, []string{"-once"}, peak},
				{least, &base, []string{"-once"}, peak},
			} {
				got, err := r.time(one.c, one.args...)
				if err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
				*one.values = append(*one.values, one.figure(got))
			}
		}
		each := 1e9 / float64(c.facts.Packets)
		more := (quantile(cold, 0.5) - quantile(base, 0.5)) * 1024
		memory := fmt.Sprintf("%.1f MiB", quantile(cold, 0.5)/1024)
		if w.AtOnce == w.Connections {
			memory += fmt.Sprintf(", %.0f bytes a connection more than for one", more/float64(c.facts.Connections))
		}
		fmt.Printf("    %-12s %7.1f ns a packet (%.1f to %.1f)   %s   %s\n", r.name,
			quantile(warm, 0.5)*each, slices.Min(warm)*each, slices.Max(warm)*each, memory, verdict)
	}
	return nil
}
