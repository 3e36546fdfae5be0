package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"gofollow/bench/workload"
)

// printMachine says what the figures depend on.
func printMachine(o options) {
	fmt.Printf("%s, %d processors, %s/%s\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("%s\n", runtime.Version())
	about := exec.Command(filepath.Join(o.dir, "..", "venv", "bin", "python"), "bench/python/run.py", "-about")
	if out, err := about.Output(); err == nil {
		fmt.Print(string(out))
	}
	fmt.Printf("%d runs of each row, in turn; seconds and memory are medians\n", o.runs)
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func printWorkload(w workload.Workload, facts workload.Facts, capture string, list []*result) {
	var size int64
	if info, err := os.Stat(capture); err == nil {
		size = info.Size()
	}
	fmt.Printf("\n%s: %s; %d connections, %d packets, %.1f MB\n", w.Name, w.About, facts.Connections, facts.Packets, float64(size)/1e6)
	fmt.Printf("  %-20s %8s %22s %9s %7s  %s\n", "", "seconds", "(quartiles)", "Mpackets/s", "MiB", "against the truth")
	for _, r := range list {
		median := quantile(r.seconds, 0.5)
		fmt.Printf("  %-20s %8.4f %22s %9.3f %7.0f  %s\n", r.row.name, median,
			fmt.Sprintf("(%.4f to %.4f)", quantile(r.seconds, 0.25), quantile(r.seconds, 0.75)),
			float64(facts.Packets)/median/1e6, float64(r.peakKiB)/1024, r.verdict)
	}
}

// printBounds prints the ratios that are meant to be reached, of pairs of runs.
func printBounds(measured results) {
	fmt.Printf("\n%-24s %-40s %-36s %s\n", "", "against", "ratio: median (quartiles)", "bound")
	for _, b := range bounds {
		ours := measured[b.workload][b.row]
		var theirs *result
		for _, name := range b.against {
			r := measured[b.otherWorkload()][name]
			if r != nil && (theirs == nil || quantile(r.seconds, 0.5) < quantile(theirs.seconds, 0.5)) {
				theirs = r
			}
		}
		if ours == nil || theirs == nil || len(ours.seconds) == 0 {
			continue
		}
		ratios := make([]float64, min(len(ours.seconds), len(theirs.seconds)))
		for i := range ratios {
			ratios[i] = ours.seconds[i] / theirs.seconds[i]
			if b.rate {
				ratios[i] = 1 / ratios[i]
			}
		}
		median := quantile(ratios, 0.5)
		kind, reached := fmt.Sprintf("at most %g times the time", b.times), median <= b.times
		if b.rate {
			kind, reached = fmt.Sprintf("at least %g times the rate", b.times), median >= b.times
		}
		verdict := "reached"
		switch {
		case strings.HasPrefix(ours.verdict, "WRONG"):
			verdict = "not reached: " + ours.verdict
		case !reached:
			verdict = "NOT REACHED"
		}
		other := theirs.row.name
		if b.other != "" {
			other += " of " + b.other
		}
		if strings.HasPrefix(theirs.verdict, "WRONG") {
			other += " (which is wrong there)"
		}
		fmt.Printf("%-24s %-40s %-36s %s: %s\n", b.row+", "+b.workload, other,
			fmt.Sprintf("%.3f (%.3f to %.3f)", median, quantile(ratios, 0.25), quantile(ratios, 0.75)), kind, verdict)
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
