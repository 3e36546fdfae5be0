// Package harness is what the followers written in Go have in common when they
// are measured. Each is a program of its own, run as every program of the
// benchmark, whatever its language:
//
//	PROGRAM -sums FILE    prints a line for each side of each connection, or
//	PROGRAM FILE          follows the file twice, to warm up and on the clock, and
//	                      prints "SECONDS CPU BYTES PEAK": the clock's time, the
//	                      processor's, what was delivered in it, and the most KiB
//	                      of memory the process ever had
//
// With -once FILE is followed once, on the clock.
package harness

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"gofollow/bench/workload"
)

// A Follower follows a capture file and returns how many bytes it delivered. With
// a report it also says of whom, and takes its time.
type Follower func(path string, r *Report) (delivered int64, err error)

// Report is what a follower says about each side of each connection.
type Report struct {
	Gapless bool // the follower does not know how much is missing

	sides []*workload.Side
}

// Add adds a side, which may change until the report is printed.
func (r *Report) Add(s workload.Side) *workload.Side {
	r.sides = append(r.sides, &s)
	return &s
}

// Side returns the side that was added as number i.
func (r *Report) Side(i uint64) *workload.Side { return r.sides[i] }

func (r *Report) print() error {
	out := bufio.NewWriter(os.Stdout)
	for _, s := range r.sides {
		line := s.String()
		if r.Gapless {
			line = line[:strings.LastIndexByte(line, ' ')] + " -"
		}
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}

// Main is the main function of a program that measures the follower.
func Main(follow Follower) {
	sums := flag.Bool("sums", false, "print what every connection said")
	once := flag.Bool("once", false, "do not warm up")
	profile := flag.String("profile", "", "write a CPU profile to this file, of following FILE for five seconds")
	flag.Parse()
	if err := run(follow, flag.Arg(0), *sums, *once, *profile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(follow Follower, path string, sums, once bool, profile string) error {
	if sums {
		var r Report
		if _, err := follow(path, &r); err != nil {
			return err
		}
		return r.print()
	}
	if !once {
		if _, err := follow(path, nil); err != nil {
			return err
		}
		runtime.GC()
	}
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			if _, err := follow(path, nil); err != nil {
				return err
			}
			runtime.GC() // as before the one on the clock
		}
	}
	began, used := time.Now(), processorTime()
	delivered, err := follow(path, nil)
	if err != nil {
		return err
	}
	seconds, used := time.Since(began).Seconds(), processorTime()-used
	fmt.Printf("%.6f %.6f %d %d\n", seconds, used.Seconds(), delivered, peakMemory())
	return nil
}

// processorTime returns what this process has used of the processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory returns the most memory in KiB that this process had, 0 where the
// system does not say. (getrusage's figure includes the parent's before exec.)
func peakMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kib int
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		fmt.Sscan(after, &kib)
	}
	return kib
}
