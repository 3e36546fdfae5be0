package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"gofollow/bench/workload"
)

// printMachine says what the figures depend on.
func printMachine(o options) {
	fmt.Printf("%s, %d processors, %s/%s\n", processorName(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("%s\n", runtime.Version())
	if about, err := output(filepath.Join(o.dir, "..", "venv", "bin", "python"), "bench/python/run.py", "-about"); err == nil {
		fmt.Print(about)
	}
	fmt.Printf("%d runs of each row, in turn; seconds and memory are medians\n", o.runs)
}

func processorName() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// measured says what figure returns.
func (o options) measured() string {
	if o.cpu {
		return "CPU time"
	}
	return "time"
}

func printWorkload(w workload.Workload, c *capture, list []*result) {
	fmt.Printf("\n%s: %s; %d connections, %d packets, %.1f MB\n", w.Name, w.About, c.facts.Connections, c.facts.Packets, float64(c.size)/1e6)
	fmt.Printf("  %-20s %8s %22s %8s %9s %7s  %s\n", "", "seconds", "(quartiles)", "CPU s", "Mpacket/s", "MiB", "against the truth")
	for _, r := range list {
		if r.runs == nil {
			fmt.Printf("  %-20s %8s %22s %8s %9s %7s  %s\n", r.row.name, "", "", "", "", "", r.verdict)
			continue
		}
		s := r.values(seconds)
		median := quantile(s, 0.5)
		fmt.Printf("  %-20s %8.4f %22s %8.4f %9.3f %7.0f  %s\n", r.row.name, median,
			fmt.Sprintf("(%.4f to %.4f)", quantile(s, 0.25), quantile(s, 0.75)), quantile(r.values(processor), 0.5),
			float64(c.facts.Packets)/median/1e6, quantile(r.values(peak), 0.5)/1024, r.verdict)
	}
}

// printBounds prints the ratios that are meant to be reached, of pairs of runs.
func printBounds(measured results, o options) {
	figure := o.figure()
	fmt.Printf("\nratios of %s, ours to theirs, in pairs of runs\n", o.measured())
	fmt.Printf("  %-30s %-40s %-26s %s\n", "", "against", "median (quartiles)", "bound")
	for _, b := range bounds {
		ours, theirs := measured[b.workload][b.row], b.fastest(measured, figure)
		if ours == nil || theirs == nil {
			continue
		}
		ratios := make([]float64, min(len(ours.runs), len(theirs.runs)))
		for i := range ratios {
			ratios[i] = figure(ours.runs[i]) / figure(theirs.runs[i])
			if b.rate {
				ratios[i] = 1 / ratios[i]
			}
		}
		median := quantile(ratios, 0.5)
		kind, reached := fmt.Sprintf("at most %g", b.times), median <= b.times
		if b.rate {
			kind, reached = fmt.Sprintf("rate at least %g", b.times), median >= b.times
		}
		verdict := "reached"
		switch {
		case b.times == 0 && b.rate:
			kind, verdict = "rate", "no bound"
		case b.times == 0:
			kind, verdict = "time", "no bound"
		case !ours.right:
			verdict = ours.verdict
		case !reached:
			verdict = "NOT REACHED"
		}
		other := theirs.row.name
		if b.other != "" {
			other += " of " + b.other
		}
		if strings.HasPrefix(theirs.verdict, "WRONG") {
			other += ", which is wrong there"
		}
		fmt.Printf("  %-30s %-40s %-26s %s: %s\n", b.row+", "+b.workload, other,
			fmt.Sprintf("%.3f (%.3f to %.3f)", median, quantile(ratios, 0.25), quantile(ratios, 0.75)), kind, verdict)
	}
	printMemoryBounds(measured)
}

// printMemoryBounds prints what a process needs for each of a million connections:
// all that it ever had, the library's and its own code included.
func printMemoryBounds(measured results) {
	for _, bound := range memoryBounds {
		r := measured["many"][bound.row]
		if r == nil || r.runs == nil {
			continue
		}
		each := quantile(r.values(peak), 0.5) * 1024 / manyConnections
		verdict := "reached"
		switch {
		case !r.right:
			verdict = r.verdict
		case each > bound.bytes:
			verdict = "NOT REACHED"
		}
		fmt.Printf("  %-30s %-40s %-26s at most %.0f: %s\n", bound.row+", many", "bytes per connection, all told", fmt.Sprintf("%.0f", each), bound.bytes, verdict)
	}
}

// quantile returns the value below which the fraction q of the values lies.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	position := q * float64(len(s)-1)
	i := int(position)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (position-float64(i))*(s[i+1]-s[i])
}
