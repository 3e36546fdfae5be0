package main

import "slices"

// bound is what a row is meant to reach: at most so many times the time, or at
// least so many times the rate, of the fastest of others in the same workload.
type bound struct {
	row      string
	workload string
	against  []string
	other    string // the other's workload, where it is not the same
	times    float64
	rate     bool // at least this many times the rate
}

var bounds = []bound{
	{row: "go", workload: "bulk", against: []string{"tcpassembly"}, times: 0.5},
	{row: "go", workload: "web", against: []string{"tcpassembly"}, times: 0.3},
	{row: "go", workload: "messy", against: []string{"tcpassembly"}, times: 0.4},
	{row: "c", workload: "bulk", against: fastest, times: 0.5},
	{row: "c", workload: "web", against: fastest, times: 0.35},
	{row: "c", workload: "messy", against: fastest, times: 0.4},
	{row: "py-file", workload: "bulk", against: []string{"libtins"}, times: 0.6},
	{row: "py-file", workload: "web", against: []string{"libtins"}, times: 0.9},
	{row: "py-file", workload: "messy", against: []string{"libtins"}, times: 1.0},
	{row: "py-follow", workload: "web", against: []string{"libtins"}, times: 0.6},
	{row: "py-follow", workload: "messy", against: []string{"libtins"}, times: 0.6},
	{row: "py-read", workload: "one", against: []string{"py-unread"}, times: 15},
	{row: "py-read", workload: "one", against: []string{"py-read"}, other: "half", times: 2.5},
	{row: "pdu-generator", workload: "web200k", against: []string{"dpkt"}, times: 4, rate: true},
	{row: "pdu-list", workload: "web200k", against: []string{"dpkt"}, times: 8, rate: true},
	{row: "py-file", workload: "web20k", against: []string{"scapy"}, times: 300, rate: true},
}

// The peers among which C is measured against the fastest.
var fastest = []string{"tcpassembly", "libnids", "libtins"}

// memoryBound is the most bytes of a process for each of a million connections.
const memoryBound = 300

// otherWorkload returns where the other side of the bound is measured.
func (b bound) otherWorkload() string {
	if b.other != "" {
		return b.other
	}
	return b.workload
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
