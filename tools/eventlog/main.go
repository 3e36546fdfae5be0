// Eventlog prints the event log of capture files (docs/event-log.md), as the Go package gives it.
package main

import (
	"bufio"
	"fmt"
	"os"

	"gofollow/gofollow"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, path := range os.Args[1:] {
		for e, err := range gofollow.FollowFile(path, gofollow.Config{}) {
			if err != nil {
				out.Flush()
				fmt.Fprintf(os.Stderr, "eventlog: %s: %v\n", path, err)
				os.Exit(1)
			}
			out.Write(append(e.AppendLog(nil), '\n'))
		}
	}
}
