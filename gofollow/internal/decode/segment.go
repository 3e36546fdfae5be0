// Package decode turns frames into TCP segments.
//
// Ethernet, VLAN tags, IP and TCP are parsed here, because every packet has them. Other layers are
// parsed by gopacket where it is correct and does not allocate. Lengths come from the IP header,
// never from the frame.
package decode

// Addr is an IP address as two big-endian words. An IPv4 address stands in the
// low 32 bits of Lo; only Segment.IPv6 distinguishes it from an IPv6 one.
type Addr struct{ Hi, Lo uint64 }

// Less reports whether an address is lower than another one.
func (a Addr) Less(b Addr) bool { return a.Hi < b.Hi || (a.Hi == b.Hi && a.Lo < b.Lo) }

// Flags are TCP's control bits, as in byte 13 of the header (RFC 9293, section 3.1).
type Flags uint8

const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Segment is one TCP segment: the innermost one of a frame, with the innermost
// addresses.
type Segment struct {
	Src, Dst         Addr
	SrcPort, DstPort uint16
	IPv6             bool
	Flags            Flags
	WindowScale      int8 // shift count of a SYN's window scale option, -1 without (RFC 7323)
	Window           uint16
	Urgent           uint16 // valid only if Flags has URG
	Seq, Ack         uint32 // Ack is valid only if Flags has ACK

	// Separation is the number of its network in Decoder.Separate, valid until the next Decode
	// unless it is held; 0 for none.
	Separation uint32

	// VLANs is how many VLAN tags are around it; Decoder.VLANs has their ids.
	VLANs uint8

	// Wire is the length of the payload as it was on the wire.
	Wire int

	// Payload is the captured part of it: len(Payload) <= Wire. It is part of
	// the decoded frame unless Owned is set; then it belongs to the Decoder
	// and is valid until the next Decode.
	Payload []byte
	Owned   bool
}

// Outcome is the result of decoding a frame.
type Outcome uint8

const (
	TCP         Outcome = iota // a segment
	NotTCP                     // well formed, but without TCP inside
	Fragment                   // a part of an IP datagram that is not complete
	Malformed                  // a header that contradicts itself or is cut
	BadChecksum                // a segment whose TCP checksum is wrong, with verification on
	UnknownLink                // a link type that is not known
	TooDeep                    // more layers than the decoder follows
	Whole                      // a fragment that makes its datagram whole, with Decoder.Defragment
	Outcomes                   // how many there are
)

var outcomes = [Outcomes]string{"tcp", "not_tcp", "fragment", "malformed", "bad_checksum", "unknown_link", "too_deep", "whole"}

func (o Outcome) String() string {
	if o >= Outcomes {
		return "unknown"
	}
	return outcomes[o]
}
