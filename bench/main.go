// Bench compares this follower, through Go and through C, with gopacket's
// tcpassembly: bench/README.md.
//
//	bench [-runs N] [-dir FOLDER] [-c PROGRAM]
//
// It starts itself once for every run, so that no follower finds the heap that
// another one left:
//
//	bench -follower NAME [-sums] FILE
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("runs", 11, "how often each follower is run")
	dir := flag.String("dir", "build/bench", "folder of the captures")
	cProgram := flag.String("c", "", "the C follower, bench/c/follow.c compiled")
	name := flag.String("follower", "", "run this follower once, for the comparison's own use")
	sums := flag.Bool("sums", false, "with -follower: print what every connection said")
	flag.Parse()
	var err error
	if *name != "" {
		err = runOnce(followers[*name], flag.Arg(0), *sums)
	} else {
		err = compare(*dir, *cProgram, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func runOnce(follow follower, path string, sums bool) error {
	if follow == nil {
		return fmt.Errorf("no such follower")
	}
	sides, err := follow(path, sums)
	if err != nil {
		return err
	}
	if sums {
		fmt.Print(report(sides))
		return nil
	}
	// That was to warm up; this is on the clock.
	runtime.GC()
	began := time.Now()
	if sides, err = follow(path, false); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	fmt.Printf("%.6f %d\n", seconds, total(sides))
	return nil
}

func total(sides []side) int64 {
	var n int64
	for _, s := range sides {
		n += s.bytes
	}
	return n
}

// contender is a follower as a command, to which the file's name is added.
type contender struct {
	name    string
	command []string
	seconds []float64
}

func compare(dir, cProgram string, runs int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, %d processors, %d runs each, taken in turn\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runs)
	for _, w := range workloads {
		contenders := []*contender{
			{name: "gopacket tcpassembly", command: []string{self, "-follower", "tcpassembly"}},
			{name: "gofollow, Go", command: []string{self, "-follower", "go"}},
		}
		if cProgram != "" {
			contenders = append(contenders, &contender{name: "gofollow, C", command: []string{cProgram}})
		}
		if err := measure(w, filepath.Join(dir, w.name+".pcap"), contenders, runs); err != nil {
			return err
		}
	}
	return nil
}

func measure(w workload, path string, contenders []*contender, runs int) error {
	truth, err := w.generate(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	want := report(truth)
	for _, c := range contenders {
		got, err := c.run("-sums", path)
		if err != nil {
			return err
		}
		if sorted(got) != sorted(want) {
			return fmt.Errorf("%s: %s did not deliver what was sent", w.name, c.name)
		}
	}
	for range runs {
		for _, c := range contenders {
			out, err := c.run(path)
			if err != nil {
				return err
			}
			fields := strings.Fields(out)
			if len(fields) != 2 || fields[1] != strconv.FormatInt(total(truth), 10) {
				return fmt.Errorf("%s: %s delivered %q, not %d bytes", w.name, c.name, out, total(truth))
			}
			seconds, err := strconv.ParseFloat(fields[0], 64)
			if err != nil {
				return err
			}
			c.seconds = append(c.seconds, seconds)
		}
	}
	fmt.Printf("\n%s: %d connections, %.1f MB, every byte checked\n", w.name, w.connections, float64(info.Size())/1e6)
	fmt.Printf("  %-22s %10s %10s   %s\n", "", "seconds", "MB/s", "times as fast as tcpassembly: median (quartiles)")
	for _, c := range contenders {
		ratios := make([]float64, runs)
		for i := range ratios {
			ratios[i] = contenders[0].seconds[i] / c.seconds[i]
		}
		median := quantile(c.seconds, 0.5)
		fmt.Printf("  %-22s %10.3f %10.0f   %.2f (%.2f to %.2f)\n", c.name, median, float64(info.Size())/1e6/median,
			quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75))
	}
	return nil
}

func (c *contender) run(arguments ...string) (string, error) {
	command := exec.Command(c.command[0], append(c.command[1:len(c.command):len(c.command)], arguments...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.name, err)
	}
	return string(out), nil
}

func sorted(lines string) string {
	l := strings.Split(lines, "\n")
	sort.Strings(l)
	return strings.Join(l, "\n")
}

// quantile returns the value below which the fraction q of the values lies.
func quantile(values []float64, q float64) float64 {
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	position := q * float64(len(s)-1)
	i := int(position)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (position-float64(i))*(s[i+1]-s[i])
}
