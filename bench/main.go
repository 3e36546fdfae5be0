// Bench compares this follower, through Go, C and Python, with others: README.md.
//
//	bench [-runs N] [-only ROWS] [-workloads NAMES] [-dir FOLDER]
//
// Every run is a process of its own, so that no follower finds the heap that
// another one left.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 11, "how often each row is run")
	flag.StringVar(&o.dir, "dir", "build/bench", "folder of the programs and the captures")
	only := flag.String("only", "", "rows to run, comma between; those that they are measured against come along")
	workloads := flag.String("workloads", "", "workloads to run, comma between")
	flag.BoolVar(&o.alone, "alone", false, "with -only: no others come along")
	flag.Parse()
	o.only, o.workloads = names(*only), names(*workloads)
	if err := compare(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
