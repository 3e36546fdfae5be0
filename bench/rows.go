package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// row is a follower, used in some way: a program to which the file's name is given.
type row struct {
	name      string
	about     string
	program   string // compiled by run.sh; "": bench/python/run.py, with the row's name as its mode
	arguments []string
	needs     string // what to do where the program is not there
	workloads string // in which it runs
	maxRuns   int    // fewer runs where one takes long; 0: as many as all
	unchecked string // why its result is not compared with the truth
	tool      string // a program that has to be installed
	named     bool   // runs only where -only names it

	command []string // set by rows
	absent  bool
}

// CONNECTIONS as an argument stands for how many there are in the file.
const connectionsArgument = "CONNECTIONS"

const (
	needsLibtins = "apt-get install libtins-dev libpcap-dev g++"
	needsLibnids = "apt-get install libnids-dev libpcap-dev"
	needsPython  = "make build/installed"
	showsNothing = "it shows nothing"
)

var table = []row{
	{name: "go", program: "gofollow", workloads: "bulk web messy wrap many", about: "gofollow, Go: events consumed and dropped"},
	{name: "go-filtered", program: "gofollow", arguments: []string{"-filter", "not tcp"}, workloads: "bulk web messy", about: "the same, every connection left out by the filter", unchecked: showsNothing},
	{name: "c", program: "follow", workloads: "bulk web messy wrap many", about: "gofollow, C: events polled and dropped"},
	{name: "c-memory", program: "follow", arguments: []string{"-once"}, workloads: "many", about: "the same without warming up: what the process needs"},

	{name: "tcpassembly", program: "tcpassembly", workloads: "bulk web messy wrap many", about: "gopacket's tcpassembly"},
	{name: "reassembly", program: "reassembly", workloads: "bulk web messy wrap", about: "gopacket's reassembly"},
	{name: "libnids", program: "libnids", arguments: []string{connectionsArgument}, needs: needsLibnids, workloads: "bulk web messy wrap many", about: "libnids, C"},
	{name: "libtins", program: "libtins", needs: needsLibtins, workloads: "bulk web messy wrap many", about: "libtins' TCPStreamFollower, C++, which keeps the payload"},
	{name: "libtins-new", program: "libtins", arguments: []string{"-new"}, needs: needsLibtins, workloads: "bulk web messy wrap", about: "libtins' TCPIP::StreamFollower, C++, payload dropped"},

	{name: "py-file", workloads: "bulk web messy wrap web20k", about: "gofollow, Python, feed_file: data and end callbacks, payloads read at the end"},
	{name: "py-file-plain", workloads: "bulk web messy", about: "py-file with the core as plain Python"},
	{name: "py-file-end", workloads: "bulk web messy", about: "end callback only, payloads read"},
	{name: "py-file-new", workloads: "bulk web messy", about: "data callback only, new_data read, no payload kept"},
	{name: "py-file-bare", workloads: "bulk web messy", about: "no callback, no payload kept", unchecked: showsNothing},
	{name: "py-file-filtered", workloads: "bulk web messy", about: "py-file, every connection left out by the filter", unchecked: showsNothing},
	{name: "py-file-stopped", workloads: "bulk web messy", about: "py-file, whose data callback returns STOP at the first data", unchecked: showsNothing},
	{name: "py-follow", workloads: "bulk web messy wrap messy20k", about: "follow(path): finished streams, payloads read"},
	{name: "py-memory", arguments: []string{"-once"}, workloads: "many", about: "follow(path) without warming up: what the process needs"},
	{name: "py-memory-both", arguments: []string{"-once"}, workloads: "many", about: "feed_file, both callbacks, without warming up"},
	{name: "py-unread", workloads: "one half", about: "feed_file: data callback, payload not read there"},
	{name: "py-read", workloads: "one half double", about: "feed_file: payload read in every data callback"},

	{name: "dpkt", workloads: "web200k", about: "dpkt, decoding alone: Ethernet(buf) over a generator", unchecked: "it follows nothing"},
	{name: "pdu-generator", workloads: "web200k", about: "a cycapture script: a generator of EthernetII.from_buffer, its follower, both callbacks"},
	{name: "pdu-generator-native", workloads: "web200k", about: "the same PDUs into gofollow's follower"},
	{name: "pdu-list", workloads: "web200k", about: "a list of such PDUs, made before the clock runs, into gofollow's follower, both callbacks"},
	{name: "pdu-list-made", workloads: "web200k", about: "the same, made on the clock"},
	{name: "pdu-list-cycapture", workloads: "web200k", about: "a list of such PDUs, made before the clock runs, into cycapture's follower, both callbacks"},
	{name: "packet-loop", workloads: "web200k", about: "feed_packet for each packet, both callbacks"},
	{name: "packet-rows", workloads: "web200k", about: "feed_packets of a list of times and bytes, both callbacks"},
	{name: "dpkt-generator", workloads: "web200k", maxRuns: 3, about: "a generator of dpkt's Ethernet(buf) into gofollow's follower, both callbacks"},
	{name: "scapy", workloads: "web20k messy20k", maxRuns: 3, about: "scapy's TCPSession, sniff(offline=)"},

	{name: "extract", named: true, workloads: "messy messy20k", about: "gofollow extract: a process that writes a file for each side"},
	{name: "tcpflow", named: true, tool: "tcpflow", needs: "apt-get install tcpflow", workloads: "messy", about: "tcpflow: the same"},
	{name: "tshark", named: true, tool: "tshark", needs: "apt-get install tshark", workloads: "messy20k", maxRuns: 3, about: "tshark -z follow,tcp,raw,N of every N, in one process"},
	{name: "pyshark", named: true, tool: "tshark", needs: "apt-get install tshark", workloads: "messy20k", maxRuns: 3, arguments: []string{"-once"}, about: "pyshark: the payload of each packet, by stream and sender"},
	{name: "dpkt-script", named: true, workloads: "messy", about: "dpkt: the payload of each packet, by sender and receiver"},
}

func (r *row) runsOn(workload string) bool {
	return slices.Contains(strings.Fields(r.workloads), workload)
}

// rows returns the table, with programs looked for in dir.
func rows(dir string) []*row {
	var all []*row
	for _, r := range table {
		needed := filepath.Join(dir, r.program)
		r.command = append([]string{needed}, r.arguments...)
		if r.program == "" {
			needed, r.needs = filepath.Join(dir, "..", "venv", "bin", "python"), cmp.Or(r.needs, needsPython)
			r.command = append([]string{needed, "bench/python/run.py", r.name}, r.arguments...)
		}
		_, err := os.Stat(needed)
		if err == nil && r.tool != "" {
			_, err = exec.LookPath(r.tool)
		}
		r.absent = err != nil
		all = append(all, &r)
	}
	return all
}
