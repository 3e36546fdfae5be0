package decode

import (
	"bytes"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"gofollow/gofollow/internal/encaptest"
)

// TestWhyNotGopacket shows the frames for which layers are read here that gopacket decodes, too.
// Where it fails, gopacket has become right, and its layer can take over.
func TestWhyNotGopacket(t *testing.T) {
	ip := frame(t, four(6), segment(), data())
	wrap := func(name string) []byte {
		for _, e := range encaptest.All() {
			if e.Name == name {
				return e.Wrap(bytes.Clone(ip))
			}
		}
		t.Fatal(name)
		return nil
	}
	const inner = 14 + 20 + 8 // within Ethernet, IPv4 and UDP
	type decoder interface {
		DecodeFromBytes([]byte, gopacket.DecodeFeedback) error
	}
	decode := func(l decoder, b []byte) (err any) {
		defer func() {
			if p := recover(); p != nil {
				err = p
			}
		}()
		if e := l.DecodeFromBytes(b, gopacket.NilDecodeFeedback); e != nil {
			return e
		}
		return nil
	}

	var geneve layers.Geneve
	b := wrap("geneve, 252 bytes of options")[inner:]
	if err := decode(&geneve, b); err == nil && len(geneve.Contents) == 8+252 {
		t.Error("Geneve: options of 252 bytes are measured")
	}

	var gtp layers.GTPv1U
	b = wrap("gtp, extension headers")[inner:]
	decode(&gtp, b)
	decode(&gtp, b)
	if len(gtp.GTPExtensionHeaders) == 2 {
		t.Error("GTPv1U: a layer used again forgets the packet before")
	}

	padded := wrap("radiotap, padded")
	b = bytes.Clone(padded)
	if decode(new(layers.RadioTap), b); bytes.Equal(b, padded) {
		t.Error("RadioTap: the caller's bytes are left alone")
	}

	var dot11 layers.Dot11
	b = wrap("802.11, qos")
	if err := decode(&dot11, b); err == nil && bytes.HasSuffix(dot11.Payload, text) {
		t.Error("Dot11: a frame without check sequence keeps its last bytes")
	}
	b = wrap("pflog, a header of 100 bytes")
	if err := decode(new(layers.PFLog), b); err == nil {
		t.Error("PFLog: a header of 100 bytes is read")
	}
	b = wrap("prism")
	if n := testing.AllocsPerRun(10, func() { decode(new(layers.PrismHeader), b) }); n < 2 {
		t.Error("PrismHeader: no allocation")
	}
	if _, ok := any(new(layers.PPPoE)).(decoder); ok {
		t.Error("PPPoE: can be decoded in place")
	}
	if _, ok := any(new(layers.PPP)).(decoder); ok {
		t.Error("PPP: can be decoded in place")
	}
	if _, ok := any(new(layers.MPLS)).(decoder); ok {
		t.Error("MPLS: can be decoded in place")
	}
}
