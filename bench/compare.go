package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gofollow/bench/workload"
)

type options struct {
	runs      int
	dir       string
	only      []string
	workloads []string
	alone     bool
	cpu       bool
}

// figure returns what the ratios are made of.
func (o options) figure() func(run) float64 {
	if o.cpu {
		return processor
	}
	return seconds
}

// result is what was measured of one row in one workload.
type result struct {
	row     *row
	runs    []run  // by round
	verdict string // against the truth; why it was not measured, where there are no runs
	right   bool
}

// values returns a figure of each run.
func (r *result) values(figure func(run) float64) []float64 {
	v := make([]float64, len(r.runs))
	for i, one := range r.runs {
		v[i] = figure(one)
	}
	return v
}

// results are all, by workload and row name.
type results map[string]map[string]*result

// A million connections take their time, and show memory more than speed.
const manyRuns = 3

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
			if r.runsOn(w.Name) && (len(o.workloads) == 0 || slices.Contains(o.workloads, w.Name)) {
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
	if len(measured) == 0 {
		return fmt.Errorf("none of these rows runs on %s: -list says which do", strings.Join(o.workloads, ", "))
	}
	printBounds(measured, o)
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
		case (len(o.only) > 0 || r.named) && !slices.Contains(wanted, r.name):
		case r.absent:
			fmt.Printf("left out: %s, which is not there: %s\n", r.name, r.needs)
		default:
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

// measure runs the contenders in turn, so that what disturbs the machine for a
// while disturbs all of them.
func measure(w workload.Workload, contenders []*row, o options) (map[string]*result, error) {
	c, truth, err := prepare(w.Name, o.dir)
	if err != nil {
		return nil, err
	}
	found := map[string]*result{}
	var list []*result
	for _, r := range contenders {
		one := r.check(c, truth)
		found[r.name] = one
		list = append(list, one)
	}
	rounds := o.runs
	if w.Name == "many" {
		rounds = min(rounds, manyRuns)
	}
	for round := range rounds {
		for _, one := range list {
			if (one.runs == nil && round > 0) || (one.row.maxRuns > 0 && round >= one.row.maxRuns) {
				continue
			}
			got, err := one.row.time(c)
			if err != nil {
				one.verdict, one.right, one.runs = "FAILED: "+err.Error(), false, nil
				continue
			}
			if one.right && got.delivered != c.facts.Bytes {
				one.verdict, one.right = fmt.Sprintf("WRONG on the clock: %d bytes, not %d", got.delivered, c.facts.Bytes), false
			}
			one.runs = append(one.runs, got)
		}
	}
	printWorkload(w, c, list)
	return found, nil
}

// check compares what a follower says with the truth.
func (r *row) check(c *capture, truth string) *result {
	if r.unchecked != "" {
		return &result{row: r, verdict: r.unchecked}
	}
	report, err := r.run(c, "-sums")
	if err != nil {
		return &result{row: r, verdict: "FAILED: " + err.Error()}
	}
	v := workload.Compare(truth, report)
	switch {
	case v.Wrong > 0:
		return &result{row: r, verdict: fmt.Sprintf("WRONG: %d of %d streams", v.Wrong, v.Streams)}
	case v.Missing > 0:
		return &result{row: r, verdict: fmt.Sprintf("WRONG: how much is missing of %d of %d streams", v.Missing, v.Streams)}
	case v.Extra > 0:
		return &result{row: r, verdict: fmt.Sprintf("WRONG: %d streams that there are not", v.Extra)}
	}
	return &result{row: r, verdict: "right", right: true}
}

// prepare has the capture made, where it is not there, and returns it and its truth.
func prepare(name, dir string) (*capture, string, error) {
	c := &capture{path: filepath.Join(dir, name+".pcap")}
	if _, err := output(filepath.Join(dir, "generate"), "-dir", dir, name); err != nil {
		return nil, "", fmt.Errorf("making %s: %w", c.path, err)
	}
	truth, err := os.ReadFile(filepath.Join(dir, name+".truth"))
	if err != nil {
		return nil, "", err
	}
	c.facts, err = workload.ParseFacts(string(truth))
	if err != nil {
		return nil, "", err
	}
	info, err := os.Stat(c.path)
	if err != nil {
		return nil, "", err
	}
	c.size = info.Size()
	return c, string(truth), nil
}
