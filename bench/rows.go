package main

import (
	"os"
	"path/filepath"
	"slices"
)

// row is a follower, used in some way, as a command to which the file's name is
// added. CONNECTIONS among its arguments becomes how many the file has.
type row struct {
	name      string
	about     string
	command   []string
	workloads []string
	maxRuns   int    // fewer runs where one takes long; 0: as many as all
	absent    string // why it cannot be run
	unchecked string // why its result is not compared with the truth

	connections int // of the workload that it is run on
}

// Whole captures, which every follower that is fast enough gets.
var files = []string{"bulk", "web", "messy"}

// rows returns everything that can be measured. Programs are looked for in dir,
// where run.sh has put those that could be compiled.
func rows(dir string) []*row {
	all := append(slices.Clone(files), "wrap", "many")
	compiled := func(name, about, program, needs string, arguments ...string) *row {
		r := &row{name: name, about: about, command: append([]string{filepath.Join(dir, program)}, arguments...), workloads: all}
		if _, err := os.Stat(r.command[0]); err != nil {
			r.absent = needs
		}
		return r
	}
	python := filepath.Join(dir, "..", "venv", "bin", "python")
	inPython := func(name, about string, workloads ...string) *row {
		r := &row{name: name, about: about, command: []string{python, "bench/python/run.py", name}, workloads: workloads}
		if _, err := os.Stat(python); err != nil {
			r.absent = "needs the Python package: make bench builds it"
		}
		return r
	}
	decoding := inPython("dpkt", "dpkt decoding alone: Ethernet(buf) over a generator", "web200k")
	decoding.unchecked = "it follows nothing"
	bare := inPython("py-file-bare", "feed_file: no callback, no payload kept", files...)
	bare.unchecked = "it shows nothing"
	scapy := inPython("scapy", "scapy TCPSession, sniff(offline=)", "web20k")
	scapy.maxRuns = 3
	return []*row{
		compiled("go", "gofollow, Go: events consumed and dropped", "gofollow", ""),
		compiled("c", "gofollow, C: events polled and dropped", "follow", "needs the C library: make build"),
		compiled("tcpassembly", "gopacket tcpassembly", "tcpassembly", ""),
		compiled("reassembly", "gopacket reassembly", "reassembly", ""),
		compiled("libnids", "libnids", "libnids", "needs libnids: apt-get install libnids-dev libpcap-dev", "CONNECTIONS"),
		compiled("libtins", "libtins TCPStreamFollower, which keeps the payload", "libtins", "needs libtins: apt-get install libtins-dev libpcap-dev g++"),
		compiled("libtins-new", "libtins TCPIP::StreamFollower, payload dropped", "libtins", "needs libtins: apt-get install libtins-dev libpcap-dev g++", "-new"),
		inPython("py-file", "gofollow, Python feed_file: data and end callbacks, payloads read at the end", append(slices.Clone(files), "wrap", "web20k")...),
		inPython("py-file-new", "feed_file: new_data read in the data callback, no payload kept", files...),
		inPython("py-file-end", "feed_file: end callback only, payloads read", files...),
		bare,
		inPython("py-follow", "follow(path): finished streams, payloads read", append(slices.Clone(files), "wrap")...),
		inPython("py-unread", "feed_file: data callback, payload not read", "one", "half"),
		inPython("py-read", "feed_file: payload read in every data callback", "one", "half"),
		decoding,
		inPython("pdu-generator", "generator of PDUs made with cycapture's from_buffer, cycapture's follower, callbacks", "web200k"),
		inPython("pdu-generator-native", "the same PDUs, gofollow's follower", "web200k"),
		inPython("pdu-list", "list of PDUs made before the clock, gofollow's follower, callbacks", "web200k"),
		inPython("pdu-list-made", "list of PDUs made on the clock, gofollow's follower, callbacks", "web200k"),
		inPython("pdu-list-cycapture", "list of PDUs made before the clock, cycapture's follower, callbacks", "web200k"),
		inPython("packet-loop", "feed_packet for each packet, callbacks", "web200k"),
		inPython("dpkt-generator", "generator of dpkt's Ethernet(buf), gofollow's follower, callbacks", "web200k"),
		scapy,
	}
}
