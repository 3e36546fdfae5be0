// Generate writes captures for the benchmark, each with its truth beside it:
//
//	generate [-seed N] [-dir FOLDER] WORKLOAD...
//	generate -list
//
// WORKLOAD.pcap and WORKLOAD.truth are left alone where this very program wrote
// them from the same seed.
package main

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gofollow/bench/workload"
)

func main() {
	seed := flag.Int64("seed", 20150914, "where the random numbers begin")
	dir := flag.String("dir", ".", "where the files go")
	list := flag.Bool("list", false, "say what there is")
	flag.Parse()
	if *list {
		for _, w := range workload.Workloads() {
			fmt.Printf("%-8s %s\n", w.Name, w.About)
		}
		return
	}
	for _, name := range flag.Args() {
		if err := generate(name, *dir, *seed); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

func generate(name, dir string, seed int64) error {
	w, err := find(name)
	if err != nil {
		return err
	}
	me, err := identity()
	if err != nil {
		return err
	}
	capture, truth := filepath.Join(dir, name+".pcap"), filepath.Join(dir, name+".truth")
	if written(capture, truth, me, seed) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// The truth is written last: where it is, the capture is whole.
	if err := os.Remove(truth); err != nil && !os.IsNotExist(err) {
		return err
	}
	file, err := os.Create(capture)
	if err != nil {
		return err
	}
	defer file.Close()
	out := workload.NewWriter(file)
	sides, connections, err := w.Write(out, seed)
	if err != nil {
		return fmt.Errorf("%s: %w", capture, err)
	}
	// On the disk before the clock runs.
	if err := file.Sync(); err != nil {
		return err
	}
	facts := workload.Facts{Generator: me, Seed: seed, Packets: out.Packets, Connections: connections}
	for _, s := range sides {
		facts.Bytes += s.Bytes
	}
	return os.WriteFile(truth, []byte(workload.FormatTruth(facts, sides)), 0o644)
}

func find(name string) (workload.Workload, error) {
	kind, number, _ := strings.Cut(name, "-")
	if n, err := strconv.Atoi(number); err == nil && n > 0 {
		switch kind {
		case "connections":
			return workload.Connected(n), nil
		case "packets":
			return workload.Sized(n), nil
		}
	}
	return workload.Find(name)
}

// identity tells this build of the generator from others.
func identity() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(program)
	return fmt.Sprintf("%x", sum[:8]), nil
}

func written(capture, truth, me string, seed int64) bool {
	if _, err := os.Stat(capture); err != nil {
		return false
	}
	file, err := os.Open(truth)
	if err != nil {
		return false
	}
	defer file.Close()
	head, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return false
	}
	facts, err := workload.ParseFacts(head)
	return err == nil && facts.Generator == me && facts.Seed == seed
}
