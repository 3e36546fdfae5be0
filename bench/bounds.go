package main

import "slices"

// bound is what a row is meant to reach: at most so many times the time, or at
// least so many times the rate, of the fastest of others in the same workload.
type bound struct {
	row      string
	workload string
	against  []string
	other    string  // the other's workload, where it is not the same
	times    float64 // 0: no bound, only for the table
	rate     bool    // at least this many times the rate
}

var bounds = []bound{
	{row: "go", workload: "bulk", against: []string{"tcpassembly"}, times: 0.5},
	{row: "go", workload: "web", against: []string{"tcpassembly"}, times: 0.3},
	{row: "go", workload: "messy", against: []string{"tcpassembly"}, times: 0.4},
	{row: "c", workload: "bulk", against: quickest, times: 0.5},
	{row: "c", workload: "web", against: quickest, times: 0.35},
	{row: "c", workload: "messy", against: quickest, times: 0.4},
	{row: "py-file", workload: "bulk", against: []string{"libtins"}, times: 0.4},
	{row: "py-file", workload: "web", against: []string{"libtins"}, times: 0.65},
	{row: "py-file", workload: "messy", against: []string{"libtins"}, times: 0.85},
	{row: "py-follow", workload: "web", against: []string{"libtins"}, times: 0.5},
	{row: "py-follow", workload: "messy", against: []string{"libtins"}, times: 0.75},
	{row: "go-filtered", workload: "bulk", against: []string{"go"}},
	{row: "go-filtered", workload: "web", against: []string{"go"}},
	{row: "py-file-filtered", workload: "bulk", against: []string{"py-file"}},
	{row: "py-file-filtered", workload: "web", against: []string{"py-file"}},
	{row: "py-file-stopped", workload: "bulk", against: []string{"py-file"}},
	{row: "py-file-stopped", workload: "web", against: []string{"py-file"}},
	{row: "py-read", workload: "one", against: []string{"py-unread"}, times: 15},
	{row: "py-read", workload: "one", against: []string{"py-read"}, other: "half", times: 2.6},
	{row: "py-read", workload: "double", against: []string{"py-read"}, other: "one", times: 2.6},
	{row: "pdu-generator", workload: "web200k", against: []string{"dpkt"}, times: 5, rate: true},
	{row: "pdu-list", workload: "web200k", against: []string{"dpkt"}, times: 10, rate: true},
	{row: "pdu-list-made", workload: "web200k", against: []string{"dpkt"}, rate: true},
	{row: "pdu-generator-native", workload: "web200k", against: []string{"dpkt"}, rate: true},
	{row: "pdu-list-cycapture", workload: "web200k", against: []string{"dpkt"}, rate: true},
	{row: "packet-loop", workload: "web200k", against: []string{"dpkt"}, times: 6, rate: true},
	{row: "dpkt-generator", workload: "web200k", against: []string{"dpkt"}, rate: true},
	{row: "py-file", workload: "web20k", against: []string{"scapy"}, times: 300, rate: true},
	{row: "extract", workload: "messy", against: []string{"tcpflow"}, rate: true},
	{row: "extract", workload: "messy20k", against: []string{"tshark"}, rate: true},
	{row: "py-follow", workload: "messy20k", against: []string{"scapy"}, rate: true},
	{row: "py-follow", workload: "messy20k", against: []string{"pyshark"}, rate: true},
	{row: "py-follow", workload: "messy", against: []string{"dpkt-script"}, rate: true},
	{row: "c", workload: "messy", against: []string{"libtins-new"}, rate: true},
	{row: "go", workload: "messy", against: []string{"reassembly"}, rate: true},
}

// The peers among which C is measured against the fastest.
var quickest = []string{"tcpassembly", "libnids", "libtins"}

// memoryBounds are the most bytes of a process for each of the million connections of the workload
// many, 64 bytes of payload included: all that it ever had.
var memoryBounds = []struct {
	row   string
	bytes float64
}{
	{"c-memory", 300},
	{"py-memory", 800},
	{"py-memory-both", 900},
}

const manyConnections = 1_000_000

// fastest returns the quickest of those that the bound is against, nil if none was run.
func (b bound) fastest(measured results, figure func(run) float64) *result {
	where := b.workload
	if b.other != "" {
		where = b.other
	}
	var best *result
	for _, name := range b.against {
		r := measured[where][name]
		if r != nil && r.runs != nil && (best == nil || quantile(r.values(figure), 0.5) < quantile(best.values(figure), 0.5)) {
			best = r
		}
	}
	return best
}

// companions returns the rows named and those that they are measured against.
func companions(named []string) []string {
	all := slices.Clone(named)
	for _, b := range bounds {
		if slices.Contains(named, b.row) {
			all = append(all, b.against...)
		}
	}
	return all
}
