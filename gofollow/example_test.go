package gofollow_test

import (
	"fmt"
	"log"

	"gofollow/gofollow"
)

// Follow a capture file: read, poll, flush at its end, poll the rest.
func Example() {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := f.OpenFile("../tests/data/half_close.pcap"); err != nil {
		log.Fatal(err)
	}
	poll := func() {
		for f.Waiting() > 0 {
			for _, e := range f.Poll(256) {
				switch e.Kind {
				case gofollow.Opened:
					fmt.Println("connection", e.Conn.ID(), "opened by its", e.Conn.Start())
				case gofollow.HalfClosed:
					fmt.Println("the", e.Direction, "has said all")
				case gofollow.Closed:
					fmt.Println("closed by", e.CloseReason)
				}
			}
		}
	}
	for end := false; !end; {
		progress, err := f.ReadFile(0)
		if err != nil {
			log.Fatal(err)
		}
		end = progress.End
		poll()
	}
	if err := f.Flush(); err != nil {
		log.Fatal(err)
	}
	poll()
	// Output:
	// connection 0 opened by its syn
	// the client has said all
	// the server has said all
	// closed by fin
}
