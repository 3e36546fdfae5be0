// Eventlog prints the event log of capture files (docs/event-log.md), as the Go package gives it.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"gofollow/gofollow"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, path := range os.Args[1:] {
		if err := print(out, path); err != nil {
			out.Flush()
			fmt.Fprintf(os.Stderr, "eventlog: %v\n", err)
			os.Exit(1)
		}
	}
}

func print(out *bufio.Writer, path string) error {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		return err
	}
	defer f.Close()
	take := func() {
		for f.Waiting() > 0 {
			for _, e := range f.Poll(1024) {
				out.Write(append(e.AppendLog(nil), '\n'))
			}
		}
	}
	if err := f.OpenFile(path); err != nil {
		return err
	}
	for end := false; !end; take() {
		p, err := f.ReadFile(0)
		if err != nil && !errors.Is(err, gofollow.ErrQueueFull) {
			return fmt.Errorf("%s: %w", path, err)
		}
		end = p.End
	}
	for err = f.Flush(); errors.Is(err, gofollow.ErrQueueFull); err = f.Flush() {
		take()
	}
	take()
	return err
}
