package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gofollow/bench/workload"
)

type options struct {
	runs      int
	dir       string
	only      []string
	workloads []string
	alone     bool
}

// result is what was measured of one row in one workload.
type result struct {
	row     *row
	seconds []float64 // by round
	peakKiB int       // the median run's
	verdict string    // against the truth
}

// results are all, by workload and row name.
type results map[string]map[string]*result

func compare(o options) error {
	chosen, err := choose(rows(o.dir), o)
	if err != nil {
		return err
	}
	printMachine(o)
	measured := results{}
	for _, w := range workload.Workloads() {
		var contenders []*row
		for _, r := range chosen {
			if slices.Contains(r.workloads, w.Name) && (len(o.workloads) == 0 || slices.Contains(o.workloads, w.Name)) {
				contenders = append(contenders, r)
			}
		}
		if len(contenders) == 0 {
			continue
		}
		if measured[w.Name], err = measure(w, contenders, o); err != nil {
			return err
		}
	}
	printBounds(measured)
	return nil
}

// choose returns the rows to run, after saying which of them cannot be.
func choose(all []*row, o options) ([]*row, error) {
	wanted := o.only
	for _, name := range wanted {
		if !slices.ContainsFunc(all, func(r *row) bool { return r.name == name }) {
			var known []string
			for _, r := range all {
				known = append(known, r.name)
			}
			return nil, fmt.Errorf("there is no row %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	for _, name := range o.workloads {
		if _, err := workload.Find(name); err != nil {
			return nil, err
		}
	}
	if !o.alone {
		wanted = companions(wanted)
	}
	var chosen []*row
	for _, r := range all {
		switch {
		case len(o.only) > 0 && !slices.Contains(wanted, r.name):
		case r.absent != "":
			fmt.Printf("left out: %s %s\n", r.name, r.absent)
		default:
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

// measure runs the contenders in turn, so that what disturbs the machine for a
// while disturbs all of them.
func measure(w workload.Workload, contenders []*row, o options) (map[string]*result, error) {
	generate := exec.Command(filepath.Join(o.dir, "generate"), "-dir", o.dir, w.Name)
	generate.Stderr = os.Stderr
	if err := generate.Run(); err != nil {
		return nil, fmt.Errorf("generate %s: %w", w.Name, err)
	}
	capture := filepath.Join(o.dir, w.Name+".pcap")
	truth, err := os.ReadFile(filepath.Join(o.dir, w.Name+".truth"))
	if err != nil {
		return nil, err
	}
	facts, err := workload.ParseFacts(string(truth))
	if err != nil {
		return nil, err
	}
	found := map[string]*result{}
	var list []*result
	for _, r := range contenders {
		r.connections = facts.Connections
		one := &result{row: r, verdict: check(r, capture, string(truth))}
		if one.verdict == "" {
			one.verdict = "right"
		}
		found[r.name] = one
		list = append(list, one)
	}
	peaks := map[*result][]float64{}
	for round := range o.runs {
		for _, one := range list {
			if one.row.maxRuns > 0 && round >= one.row.maxRuns {
				continue
			}
			seconds, delivered, peak, err := one.row.time(capture)
			if err != nil {
				return nil, err
			}
			if one.verdict == "right" && delivered != facts.Bytes && one.row.unchecked == "" {
				one.verdict = fmt.Sprintf("WRONG on the clock: %d bytes, not %d", delivered, facts.Bytes)
			}
			one.seconds = append(one.seconds, seconds)
			peaks[one] = append(peaks[one], float64(peak))
		}
	}
	for _, one := range list {
		one.peakKiB = int(quantile(peaks[one], 0.5))
	}
	printWorkload(w, facts, capture, list)
	return found, nil
}

// check compares what a follower says with the truth.
func check(r *row, capture, truth string) string {
	if r.unchecked != "" {
		return r.unchecked
	}
	report, err := r.run("-sums", capture)
	if err != nil {
		return "WRONG: " + err.Error()
	}
	wrong, extra, streams := workload.Wrong(truth, report)
	switch {
	case wrong > 0:
		return fmt.Sprintf("WRONG: %d of %d streams", wrong, streams)
	case extra > 0:
		return fmt.Sprintf("WRONG: %d streams that there are not", extra)
	}
	return ""
}

// time runs the follower on the clock.
func (r *row) time(capture string) (seconds float64, delivered int64, peakKiB int, err error) {
	out, err := r.run(capture)
	if err != nil {
		return 0, 0, 0, err
	}
	if _, err := fmt.Sscan(out, &seconds, &delivered, &peakKiB); err != nil {
		return 0, 0, 0, fmt.Errorf("%s printed %q", r.name, out)
	}
	return seconds, delivered, peakKiB, nil
}

func (r *row) run(arguments ...string) (string, error) {
	all := append(slices.Clone(r.command[1:]), arguments...)
	for i, a := range all {
		if a == "CONNECTIONS" {
			all[i] = strconv.Itoa(r.connections)
		}
	}
	command := exec.Command(r.command[0], all...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", r.name, err)
	}
	return string(out), nil
}
