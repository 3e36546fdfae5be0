package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"gofollow/bench/workload"
)

// capture is a file to follow.
type capture struct {
	path  string
	size  int64
	facts workload.Facts
}

// run is one run on the clock.
type run struct {
	seconds   float64
	processor float64 // seconds of all processors together
	delivered int64   // bytes
	peakKiB   float64 // the most memory, warming up included
}

func seconds(r run) float64   { return r.seconds }
func processor(r run) float64 { return r.processor }
func peak(r run) float64      { return r.peakKiB }

// longest is how long a run may take; what takes longer hangs.
const longest = 10 * time.Minute

// time runs the follower on the clock.
func (r *row) time(c *capture, arguments ...string) (run, error) {
	var got run
	out, err := r.run(c, arguments...)
	if err != nil {
		return got, err
	}
	if _, err := fmt.Sscan(out, &got.seconds, &got.processor, &got.delivered, &got.peakKiB); err != nil {
		return got, fmt.Errorf("it printed %q", out)
	}
	return got, nil
}

// run runs the follower and returns what it prints.
func (r *row) run(c *capture, arguments ...string) (string, error) {
	command := slices.Concat(r.command, arguments, []string{c.path})
	for i, a := range command {
		if a == connectionsArgument {
			command[i] = strconv.Itoa(c.facts.Connections)
		}
	}
	return output(command[0], command[1:]...)
}

func output(program string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("not done after %v", longest)
	}
	return string(out), err
}
