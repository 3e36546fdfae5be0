// Bench compares this follower, through Go, C and Python, with others: README.md.
//
//	bench [-runs N] [-only ROWS] [-workloads NAMES] [-cpu]
//	bench -scale [-runs N] [-only ROWS] [-cpu]
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
	flag.BoolVar(&o.cpu, "cpu", false, "make the ratios of CPU time, which a busy machine disturbs less")
	flag.BoolVar(&o.alone, "alone", false, "with -only: no others come along")
	list := flag.Bool("list", false, "say which rows there are")
	growth := flag.Bool("scale", false, "show how time and memory grow with connections and packets")
	flag.Parse()
	if *list {
		for _, r := range table {
			fmt.Printf("%-21s %s (%s)\n", r.name, r.about, r.workloads)
		}
		return
	}
	o.only, o.workloads = names(*only), names(*workloads)
	work := compare
	if *growth {
		work = scale
	}
	if err := work(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
