package gofollow

import (
	"fmt"
	"testing"

	"gofollow/gofollow/internal/decode"
)

// TestPollingIsLinear polls the events of many connections, few or many at once, also while more come:
// no more events and pins are moved than there are.
func TestPollingIsLinear(t *testing.T) {
	const connections = 20_000
	for _, max := range []int{1, 16, 1024} {
		for _, between := range []int{0, 1} { // packets between two polls
			t.Run(fmt.Sprintf("%d at once, %d packets between", max, between), func(t *testing.T) {
				f, err := New(Config{Limits: Limits{QueuedEvents: 1 << 22, QueuedBytes: 1 << 40}})
				if err != nil {
					t.Fatal(err)
				}
				feed := func(i int) {
					data := frame(10<<24|uint32(i), 1, false, 1, 0, decode.ACK, []byte("x"))
					if err := f.Feed(&Packet{LinkType: LinkEthernet, Data: data}); err != nil {
						t.Fatal(err)
					}
				}
				fed, polled, pins := 0, 0, 0
				for ; fed < connections; fed++ {
					feed(fed)
				}
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
				for {
					events := f.Poll(max)
					if len(events) == 0 {
						break
					}
					polled += len(events)
					pins = len(f.queue.pins)
					for range between {
						if fed < 2*connections {
							feed(fed)
							fed++
						}
					}
				}
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
				for n := 1; n > 0; polled += n {
					n = len(f.Poll(max))
				}
				if want := 3 * fed; polled != want || f.queue.moved > 2*want {
					t.Errorf("%d events of %d, %d moved", polled, want, f.queue.moved)
				}
				if pins == 0 || len(f.queue.pins) != 0 || f.queue.pinned != 0 {
					t.Errorf("%d pins, %d in the end", pins, len(f.queue.pins))
				}
				f.Close()
			})
		}
	}
}
