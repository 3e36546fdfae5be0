package decode

// Decoder turns frames into segments. It is not safe for concurrent use.
type Decoder struct {
	// VerifyChecksum makes segments with a wrong TCP checksum BadChecksum.
	VerifyChecksum bool
}

// Decode decodes one frame of the given link type, of which wireLen bytes
// were on the wire, len(frame) <= wireLen. seg is valid only if the outcome is TCP (or BadChecksum).
func (d *Decoder) Decode(link uint32, frame []byte, wireLen int, seg *Segment) Outcome {
	panic("not yet")
}
