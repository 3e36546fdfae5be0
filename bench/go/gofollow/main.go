// Gofollow follows a file with this repository's engine.
package main

import (
	"flag"
	"hash/crc32"

	"gofollow/bench/go/harness"
	"gofollow/bench/workload"
	"gofollow/gofollow"
)

var filter = flag.String("filter", "", "choose connections")

func main() { harness.Main(follow) }

func follow(path string, report *harness.Report) (delivered int64, err error) {
	f, err := gofollow.New(gofollow.Config{Filter: *filter})
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := f.OpenFile(path); err != nil {
		return 0, err
	}
	take := func() {
		for f.Waiting() > 0 {
			events := f.Poll(1024)
			for i := range events {
				e := &events[i]
				if e.Kind == gofollow.Data {
					delivered += int64(len(e.Bytes))
				}
				if report != nil {
					say(report, e)
				}
			}
		}
	}
	for {
		progress, err := f.ReadFile(0)
		if err != nil {
			return 0, err
		}
		take()
		if progress.End {
			break
		}
	}
	for f.Flush() != nil {
		take()
	}
	take()
	return delivered, nil
}

// say adds what an event says to the report; connections are numbered from 0.
func say(r *harness.Report, e *gofollow.Event) {
	if e.Kind == gofollow.Opened {
		for _, from := range []string{"client", "server"} {
			r.Add(workload.Side{Client: e.Conn.Client(), From: from})
		}
		return
	}
	s := r.Side(2*e.Conn.ID() + uint64(e.Direction))
	switch e.Kind {
	case gofollow.Data:
		s.Bytes += e.Length
		s.CRC = crc32.Update(s.CRC, crc32.IEEETable, e.Bytes)
	case gofollow.Gap:
		s.Gaps += e.Length
	}
}
