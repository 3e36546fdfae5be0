package gofollow_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"gofollow/gofollow"
	"gofollow/gofollow/internal/encaptest"
)

// talked is a conversation as IP packets: two segments of the server out of order, FIN of both sides.
func talked(t testing.TB, version int) (packets [][]byte) {
	const fin, syn, ack = 1, 2, 16
	send := func(back bool, flags int, seq, ackSeq uint32, text string) {
		src, dst, sport, dport := net.ParseIP("2001:0:c000:201::1"), net.ParseIP("2001:db8::2"), layers.TCPPort(40000), layers.TCPPort(80)
		if version == 4 {
			src, dst = net.IP{10, 0, 0, 1}, net.IP{10, 0, 0, 2}
		}
		if back {
			src, dst, sport, dport = dst, src, dport, sport
		}
		tcp := &layers.TCP{SrcPort: sport, DstPort: dport, Seq: seq, Ack: ackSeq, Window: 1000, SYN: flags&syn != 0, ACK: flags&ack != 0, FIN: flags&fin != 0}
		var ip gopacket.SerializableLayer
		if version == 4 {
			four := &layers.IPv4{Version: 4, TTL: 9, Protocol: 6, SrcIP: src, DstIP: dst}
			tcp.SetNetworkLayerForChecksum(four)
			ip = four
		} else {
			six := &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: 6, SrcIP: src, DstIP: dst}
			tcp.SetNetworkLayerForChecksum(six)
			ip = six
		}
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, tcp, gopacket.Payload(text)); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, bytes.Clone(b.Bytes()))
	}
	send(false, syn, 0xfffffff0, 0, "")
	send(true, syn|ack, 9, 0xfffffff1, "")
	send(false, ack, 0xfffffff1, 10, "GET / HTTP/1.1\r\nHost: example\r\n\r\n")
	send(true, ack, 20, 0x12, "the second part")
	send(true, ack, 10, 0x12, "ten bytes ")
	send(false, fin|ack, 0x12, 35, "")
	send(true, fin|ack, 35, 0x13, "")
	send(false, ack, 0x13, 36, "")
	return packets
}

// eventLog follows packets of one link type, a millisecond apart, and returns the log.
func eventLog(t testing.TB, config gofollow.Config, link uint32, packets [][]byte) (log []byte, stats gofollow.Stats) {
	t.Helper()
	f := newFollower(t, config)
	poll := func() {
		for events := f.Poll(100); len(events) > 0; events = f.Poll(100) {
			for i := range events {
				log = append(events[i].AppendLog(log), '\n')
			}
		}
	}
	for i, b := range packets {
		if err := f.Feed(&gofollow.Packet{LinkType: gofollow.LinkType(link), Time: int64(i) * 1e6, Data: b, WireLen: len(b)}); err != nil {
			t.Fatal(err)
		}
		poll()
	}
	stats = f.Stats()
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	poll()
	return log, stats
}

var encapsulated = flag.String("encapsulated", "", "write what TestEncapsulations follows into this folder, as captures")

// writeCapture writes frames, a millisecond apart, if that is asked for.
func writeCapture(t *testing.T, link uint32, name string, frames [][]byte) {
	t.Helper()
	if *encapsulated == "" {
		return
	}
	order := binary.LittleEndian
	b := order.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = order.AppendUint32(order.AppendUint32(b, 262144), link)
	for i, frame := range frames {
		for _, n := range []int{1_700_000_000, i * 1000, len(frame), len(frame)} {
			b = order.AppendUint32(b, uint32(n))
		}
		b = append(b, frame...)
	}
	name = regexp.MustCompile("[^a-z0-9]+").ReplaceAllString(strings.ToLower(name), "-") + ".pcap"
	if err := os.WriteFile(filepath.Join(*encapsulated, name), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestAggregates: an A-MSDU has several segments, of which each is followed, and what is none is counted.
func TestAggregates(t *testing.T) {
	plain := talked(t, 4)
	subframe := func(ip []byte) []byte {
		b := append(make([]byte, 12), 0, byte(8+len(ip)), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0)
		b = append(b, ip...)
		return append(b, make([]byte, -len(b)&3)...)
	}
	aggregate := func(parts ...[]byte) []byte {
		header := append([]byte{0x88, 1}, make([]byte, 22)...)
		return slices.Concat(append(header, 0x80, 0), slices.Concat(parts...), []byte("FCS!"))
	}
	udp := append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 9, 17}, make([]byte, 18)...)
	frames := [][]byte{
		aggregate(subframe(plain[0])), aggregate(subframe(plain[1])), aggregate(subframe(udp), subframe(plain[2])),
		aggregate(subframe(plain[3]), subframe(udp), subframe(plain[4])), aggregate(subframe(plain[5])), aggregate(subframe(plain[6]), subframe(plain[7])),
	}
	log, stats := eventLog(t, gofollow.Config{}, uint32(gofollow.LinkIEEE80211), frames)
	if n := bytes.Count(log, []byte("data ")); n != 3 || stats.Segments != 8 || stats.NotTCP != 2 || stats.Packets != 6 || !bytes.Contains(log, []byte("reason=fin")) {
		t.Errorf("%+v\n%s", stats, log)
	}
	last := len(frames[2]) - 10 - 34 // within the second frame's headers
	if _, stats := eventLog(t, gofollow.Config{}, uint32(gofollow.LinkIEEE80211), [][]byte{frames[2][:last]}); stats.Malformed+stats.Segments != 1 || stats.NotTCP != 1 {
		t.Errorf("cut: %+v", stats)
	}
}

// TestEncapsulations: a conversation gives the same events in whatever it is carried.
func TestEncapsulations(t *testing.T) {
	config := gofollow.Config{Anomalies: true, VerifyChecksum: true}
	for _, version := range []int{4, 6} {
		plain := talked(t, version)
		want, _ := eventLog(t, config, uint32(gofollow.LinkRaw), plain)
		if n := bytes.Count(want, []byte("data ")); n != 3 {
			t.Fatalf("the conversation itself has %d data events:\n%s", n, want)
		}
		for _, e := range encaptest.All() {
			if !e.Carries(version) {
				continue
			}
			packets := make([][]byte, len(plain))
			for i, ip := range plain {
				packets[i] = e.Wrap(bytes.Clone(ip))
			}
			writeCapture(t, e.Link, fmt.Sprintf("%s ipv%d", e.Name, version), packets)
			if got, stats := eventLog(t, config, e.Link, packets); !bytes.Equal(got, want) {
				t.Errorf("%s, IPv%d: %+v\n%s\nwant\n%s", e.Name, version, stats, got, want)
			}
		}
	}
}

// TestSharedEncapsulations follows captures of encapsulations that were passed over once.
func TestSharedEncapsulations(t *testing.T) {
	const folder = "../../shared/faults"
	text, err := os.ReadFile(folder + "/expected.json")
	if err != nil {
		t.Logf("there are no captures in %s, so nothing is compared", folder)
		return
	}
	var expected map[string]struct {
		Connections []struct {
			Client, Server string
			ToServer       string `json:"client_payload"`
			ToClient       string `json:"server_payload"`
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vxlan_reserved_byte", "geneve_reserved_byte", "vn_tag", "e_tag", "cisco_ttag", "tzsp", "gre_in_udp"} {
		name += ".pcap"
		want, got := expected[name].Connections, followFile(t, gofollow.Config{}, filepath.Join(folder, name), 0).conversations
		if len(got) != len(want) || len(want) == 0 {
			t.Errorf("%s: %d connections, want %d", name, len(got), len(want))
			continue
		}
		for i, w := range want {
			c := got[i]
			if c.client != sharedEndpoint(t, w.Client) || c.server != sharedEndpoint(t, w.Server) || len(c.streams[0].gaps)+len(c.streams[1].gaps) > 0 ||
				string(c.streams[0].data) != w.ToServer || string(c.streams[1].data) != w.ToClient {
				t.Errorf("%s: %v > %v, %q, %q, want %+v", name, c.client, c.server, c.streams[0].data, c.streams[1].data, w)
			}
		}
	}
}
