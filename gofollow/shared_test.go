package gofollow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// sharedCapture is the content of a NAME.json beside a shared capture, as far as it is checked.
type sharedCapture struct {
	Connections []struct {
		Client, Server string // address|port
		RoleFrom       string `json:"role_from"`
		Handshake      bool
		Closed         string
		ToServer       sharedStream `json:"client_to_server"`
		ToClient       sharedStream `json:"server_to_client"`
	}
}

type sharedStream struct {
	Bytes        int
	SHA256       string
	Gaps, Chunks [][2]int64 // offset, length
	Comparable   string
}

// TestShared follows real captures that public projects publish, and compares
// with what is known of them; the reference has to know it, too.
func TestShared(t *testing.T) {
	names, _ := filepath.Glob("../../shared/captures/*.json")
	if len(names) == 0 {
		t.Log("there are no captures in ../../shared/captures, so nothing is compared")
		return
	}
	for _, name := range names {
		path := strings.TrimSuffix(name, ".json")
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want sharedCapture
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			got := followFile(t, gofollow.Config{}, path, 0)
			reference := slices.DeleteFunc(reassemble(records(t, path)), func(c *refConversation) bool { return !c.opened })
			if len(got.conversations) != len(want.Connections) || len(reference) != len(want.Connections) {
				t.Fatalf("%d connections, the reference has %d, want %d", len(got.conversations), len(reference), len(want.Connections))
			}
			for i, w := range want.Connections {
				c := got.conversations[i]
				client, server := sharedEndpoint(t, w.Client), sharedEndpoint(t, w.Server)
				if c.client != client || c.server != server {
					t.Errorf("connection %d is %v > %v, want %v > %v", i, c.client, c.server, client, server)
				}
				if w.Handshake && c.start != gofollow.StartSYN {
					t.Errorf("connection %d starts with %v, want syn", i, c.start)
				}
				ended := map[string]gofollow.CloseReason{"fin": gofollow.CloseFIN, "rst": gofollow.CloseRST, "open": gofollow.CloseFlush, "half-closed": gofollow.CloseFlush}
				// What ends a connection that both sides have finished is FIN; a reset after that is late.
				finished := w.Closed == "rst" && c.streams[0].halfClosed && c.streams[1].halfClosed
				if (finished && c.reason != gofollow.CloseFIN) || (!finished && c.reason != ended[w.Closed]) {
					t.Errorf("connection %d ends by %v, want %v", i, c.reason, ended[w.Closed])
				}
				for d, w := range [2]sharedStream{w.ToServer, w.ToClient} {
					side, s := gofollow.Direction(d), &c.streams[d]
					w.check(t, "the follower", side, s.data, s.gaps)
					r := reference[i].streams
					if reference[i].ends[d] != client {
						r[0], r[1] = r[1], r[0]
					}
					data, gaps := r[0].read()
					w.check(t, "the reference", side, data, gaps)
					if chunks := spans(w.Chunks); !slices.Equal(s.chunks, chunks) {
						t.Errorf("%v (%s): chunks %v, want %v", side, w.Comparable, s.chunks, chunks)
					}
				}
			}
		})
	}
}

func (w *sharedStream) check(t *testing.T, who string, side gofollow.Direction, data []byte, gaps []span) {
	t.Helper()
	if sum := sha256.Sum256(data); len(data) != w.Bytes || hex.EncodeToString(sum[:]) != w.SHA256 {
		t.Errorf("%v (%s): %s has %d bytes with another sum, want %d", side, w.Comparable, who, len(data), w.Bytes)
	}
	if want := spans(w.Gaps); !slices.Equal(gaps, want) {
		t.Errorf("%v (%s): %s has gaps %v, want %v", side, w.Comparable, who, gaps, want)
	}
}

func spans(list [][2]int64) (s []span) {
	for _, v := range list {
		s = appendSpan(s, v[0], v[0]+v[1])
	}
	return s
}

func sharedEndpoint(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	address, port, _ := strings.Cut(text, "|")
	endpoint, err := netip.ParseAddrPort("[" + address + "]:" + port)
	if !strings.Contains(address, ":") {
		endpoint, err = netip.ParseAddrPort(address + ":" + port)
	}
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

// followFile reads a capture file, at most max packets at a time.
func followFile(t testing.TB, config gofollow.Config, path string, max int) *result {
	t.Helper()
	f, r := newFollower(t, config), &result{noHalfClosed: config.NoHalfClosed}
	if err := f.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var progress gofollow.Progress
	for !progress.End {
		before := progress
		r.untilTaken(t, f, func() (err error) {
			progress, err = f.ReadFile(max)
			return err
		})
		r.poll(f)
		if progress.Packets < before.Packets || progress.BytesRead < before.BytesRead || progress.FileSize != info.Size() {
			t.Fatalf("progress %+v after %+v", progress, before)
		}
		if max > 0 && progress.Packets > before.Packets+uint64(max) && config.Limits.QueuedEvents == 0 {
			t.Fatalf("ReadFile(%d) took %d packets", max, progress.Packets-before.Packets)
		}
	}
	if progress.BytesRead != info.Size() || progress.Packets != f.Stats().Packets {
		t.Errorf("at the end: %+v, the file has %d bytes; %d packets were taken", progress, info.Size(), f.Stats().Packets)
	}
	return r.finish(t, f)
}

// TestSharedFaults follows small captures that were followed wrongly once, of
// connections begun and ended in unusual ways, and of what carries them.
func TestSharedFaults(t *testing.T) {
	text, err := os.ReadFile("../../shared/faults/expected.json")
	if err != nil {
		t.Log("there are no captures in ../../shared/faults, so nothing is compared")
		return
	}
	var want map[string]struct {
		What        string
		Connections []struct {
			Client, Server string     // address|port
			ToServer       string     `json:"client_payload"`
			ToClient       string     `json:"server_payload"`
			ClientGaps     [][2]int64 `json:"client_gaps"` // offset, length
			ServerGaps     [][2]int64 `json:"server_gaps"`
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			got := followFile(t, gofollow.Config{}, "../../shared/faults/"+name, 0)
			if len(got.conversations) != len(w.Connections) {
				t.Fatalf("%s: %d connections, want %d:\n%s", w.What, len(got.conversations), len(w.Connections), strings.Join(got.log, "\n"))
			}
			for i, w := range w.Connections {
				c := got.conversations[i]
				if c.client != sharedEndpoint(t, w.Client) || c.server != sharedEndpoint(t, w.Server) {
					t.Errorf("connection %d is %v > %v, want %v > %v", i, c.client, c.server, w.Client, w.Server)
				}
				for d, side := range []struct {
					payload string
					gaps    [][2]int64
				}{{w.ToServer, w.ClientGaps}, {w.ToClient, w.ServerGaps}} {
					s := &c.streams[d]
					var gaps []span
					for _, g := range side.gaps {
						gaps = append(gaps, span{g[0], g[0] + g[1]})
					}
					if string(s.data) != side.payload || !slices.Equal(s.gaps, gaps) {
						t.Errorf("connection %d %v: %q with gaps %v, want %q with %v", i, gofollow.Direction(d), s.data, s.gaps, side.payload, gaps)
					}
				}
			}
		})
	}
}
