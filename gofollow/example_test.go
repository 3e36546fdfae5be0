package gofollow_test

import (
	"fmt"
	"log"
	"os"

	"github.com/google/gopacket/pcapgo"

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

// Feed packets that come from anywhere, and see each side's bytes as they arrive.
func ExampleFollower_Feed() {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	handle, err := os.Open("../tests/data/half_close.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer handle.Close()
	source, err := pcapgo.NewReader(handle) // stands for any source of packets
	if err != nil {
		log.Fatal(err)
	}
	for {
		data, info, err := source.ReadPacketData()
		if err != nil {
			break
		}
		p := gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: info.Timestamp.UnixNano(), Data: data, WireLen: info.Length}
		if err := f.Feed(&p); err != nil {
			log.Fatal(err)
		}
		for f.Waiting() > 0 { // the bytes are valid until the next call: use or copy them
			for _, e := range f.Poll(16) {
				if e.Kind == gofollow.Data {
					fmt.Printf("%v at %d: %q\n", e.Direction, e.Offset, e.Bytes)
				}
			}
		}
	}
	// Output:
	// client at 0: "sort these: pear apple fig\n"
	// server at 0: "apple\n"
	// server at 6: "fig\n"
	// server at 10: "pear\n"
}

// What the capture lost is named: a Gap event stands where the bytes are missing.
func ExampleEvent_gap() {
	f, err := gofollow.New(gofollow.Config{GapPatience: gofollow.AtOnce})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := f.OpenFile("../tests/data/capture_loss.pcap"); err != nil {
		log.Fatal(err)
	}
	for end := false; !end; {
		progress, err := f.ReadFile(0)
		if err != nil {
			log.Fatal(err)
		}
		end = progress.End
		for f.Waiting() > 0 {
			for _, e := range f.Poll(256) {
				if e.Kind == gofollow.Gap {
					fmt.Printf("%d bytes from the %v are missing at %d: %v\n", e.Length, e.Direction, e.Offset, e.GapReason)
				}
			}
		}
	}
	// Output:
	// 1448 bytes from the server are missing at 2896: ack
	// 2896 bytes from the server are missing at 8688: ack
}
