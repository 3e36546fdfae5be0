package gofollow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"github.com/google/gopacket/pcapgo"

	"gofollow/gofollow"
)

// Follow a capture file and print its events.
func Example() {
	for e, err := range gofollow.FollowFile("../tests/data/half_close.pcap", gofollow.Config{}) {
		if err != nil {
			log.Fatal(err)
		}
		switch e.Kind {
		case gofollow.Opened:
			fmt.Println("connection", e.Conn.ID(), "opened by its", e.Conn.Start())
		case gofollow.Data:
			fmt.Printf("%v at %d: %q\n", e.Direction, e.Offset, e.Bytes)
		case gofollow.HalfClosed:
			fmt.Println("the", e.Direction, "sends no more")
		case gofollow.Closed:
			fmt.Println("closed by", e.CloseReason)
		}
	}
	// Output:
	// connection 0 opened by its syn
	// client at 0: "sort these: pear apple fig\n"
	// the client sends no more
	// server at 0: "apple\n"
	// server at 6: "fig\n"
	// server at 10: "pear\n"
	// the server sends no more
	// closed by fin
}

// Follow a capture that comes from a pipe, standard input or a network connection.
func ExampleFollow() {
	capture, err := os.ReadFile("../tests/data/compressed.pcap.gz")
	if err != nil {
		log.Fatal(err)
	}
	var received [2]int64
	for e, err := range gofollow.Follow(bytes.NewReader(capture), gofollow.Config{}) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == gofollow.Data {
			received[e.Direction] += e.Length
		}
	}
	fmt.Println(received[gofollow.ClientToServer], "bytes to the server,", received[gofollow.ServerToClient], "to the client")
	// Output:
	// 126 bytes to the server, 24123 to the client
}

// Read a file step by step: take the events between two calls of ReadFile, and flush at the end.
func ExampleFollower() {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := f.OpenFile("../tests/data/half_close.pcap"); err != nil {
		log.Fatal(err)
	}
	events := 0
	for progress := (gofollow.Progress{}); !progress.End; {
		if progress, err = f.ReadFile(1000); err != nil { // at most 1000 packets
			log.Fatal(err)
		}
		for range f.Events() {
			events++
		}
	}
	for f.Flush() == gofollow.ErrQueueFull { // one queue full of events after the other
		for range f.Events() {
			events++
		}
	}
	for range f.Events() {
		events++
	}
	fmt.Println(events, "events of", f.Stats().Packets, "packets")
	// Output:
	// 8 events of 14 packets
}

// Feed packets of any source, and take the bytes of each side as they arrive.
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
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		p := gofollow.Packet{LinkType: gofollow.LinkEthernet, Time: info.Timestamp.UnixNano(), Data: data, WireLen: info.Length}
		if err := f.Feed(&p); err != nil {
			log.Fatal(err)
		}
		for e := range f.Events() {
			if e.Kind == gofollow.Data {
				fmt.Printf("%v: %q\n", e.Direction, e.Bytes)
			}
		}
	}
	// Output:
	// client: "sort these: pear apple fig\n"
	// server: "apple\n"
	// server: "fig\n"
	// server: "pear\n"
}

// Feed the bytes of a capture as they come, cut anywhere.
func ExampleFollower_FeedCapture() {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	capture, err := os.ReadFile("../tests/data/half_close.pcap")
	if err != nil {
		log.Fatal(err)
	}
	events := 0
	for piece := range slices.Chunk(capture, 100) {
		for { // until all of the piece is taken
			n, err := f.FeedCapture(piece)
			piece = piece[n:]
			for range f.Events() {
				events++
			}
			if err == nil {
				break
			}
			if err != gofollow.ErrMore && err != gofollow.ErrQueueFull {
				log.Fatal(err)
			}
		}
	}
	if err := f.EndCapture(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(events, "events")
	// Output:
	// 8 events
}

// A Gap event stands where bytes of the stream are missing in the capture.
func ExampleEvent_gap() {
	config := gofollow.Config{GapPatience: gofollow.AtOnce}
	for e, err := range gofollow.FollowFile("../tests/data/capture_loss.pcap", config) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == gofollow.Gap {
			fmt.Printf("%d bytes of the %v are missing at %d: %v\n", e.Length, e.Direction, e.Offset, e.GapReason)
		}
	}
	// Output:
	// 1448 bytes of the server are missing at 2896: ack
	// 2896 bytes of the server are missing at 8688: ack
}

// Keep events beyond the next call.
func ExampleEvent_Clone() {
	var closed []*gofollow.Event
	for e, err := range gofollow.FollowFile("../tests/data/several.pcap", gofollow.Config{}) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == gofollow.Closed {
			closed = append(closed, e.Clone())
		}
	}
	for _, e := range closed {
		fmt.Println(e.Conn.ID(), e.CloseReason, e.Conn.Counters(gofollow.ServerToClient).Bytes)
	}
	// Output:
	// 0 fin 6122
	// 1 fin 5122
	// 2 fin 4122
	// 3 fin 3122
	// 4 fin 2122
	// 5 fin 120
}

// What a damaged capture holds before the fault is followed; the error says where the fault is.
func ExampleCaptureError() {
	capture, err := os.ReadFile("../tests/data/half_close.pcap")
	if err != nil {
		log.Fatal(err)
	}
	events := 0
	for _, err := range gofollow.Follow(bytes.NewReader(capture[:len(capture)-10]), gofollow.Config{}) {
		var fault *gofollow.CaptureError
		if errors.As(err, &fault) {
			fmt.Println("the capture is", fault.Kind, "after packet", fault.Record)
		} else {
			events++
		}
	}
	fmt.Println(events, "events")
	// Output:
	// the capture is truncated after packet 13
	// 8 events
}

// Times as time.Time.
func ExampleEvent_Timestamp() {
	for _, e := range []gofollow.Event{{Time: 1752000000123456789}, {Time: gofollow.NoTime}} {
		if t, ok := e.Timestamp(); ok {
			fmt.Println(t)
		} else {
			fmt.Println("the packet has no time")
		}
	}
	// Output:
	// 2025-07-08 18:40:00.123456789 +0000 UTC
	// the packet has no time
}

// A filter chooses connections; the others take their IDs all the same.
func ExampleConfig_filter() {
	for e, err := range gofollow.FollowFile("../tests/data/several.pcap", gofollow.Config{Filter: "ip6 and server port 80"}) {
		if err != nil {
			log.Fatal(err)
		}
		if e.Kind == gofollow.Closed {
			fmt.Println(e.Conn.ID(), e.Conn.Client(), e.Conn.Server())
		}
	}
	_, err := gofollow.New(gofollow.Config{Filter: "port 80 and src net 10"})
	fmt.Println(err)
	// Output:
	// 1 [2001:db8::1]:35790 [2001:db8::2]:80
	// 3 [2001:db8::1]:35804 [2001:db8::2]:80
	// filter "port 80 and src net 10": "src" is for packets, and a connection has both directions: write client or server (here: port 80 and ^src net 10)
}

// Ignore ends the interest in a connection: here after the first bytes of its server.
func ExampleFollower_Ignore() {
	f, err := gofollow.New(gofollow.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := f.OpenFile("../tests/data/http_download.pcap"); err != nil {
		log.Fatal(err)
	}
	for progress := (gofollow.Progress{}); !progress.End; {
		if progress, err = f.ReadFile(10); err != nil && err != gofollow.ErrQueueFull {
			log.Fatal(err)
		}
		for e := range f.Events() {
			switch {
			case e.Kind == gofollow.Data && e.Direction == gofollow.ServerToClient:
				fmt.Printf("%.15s\n", e.Bytes)
				if err := f.Ignore(e.Conn.ID()); err != nil {
					log.Fatal(err)
				}
			case e.Kind == gofollow.Closed:
				fmt.Println(e.CloseReason, e.Conn.Ignored(), e.Conn.Counters(gofollow.ServerToClient).Bytes)
			}
		}
	}
	// Output:
	// HTTP/1.1 200 OK
	// fin true 24123
}
