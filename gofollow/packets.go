package gofollow

import "gofollow/gofollow/internal/memory"

// pass makes the PacketRead event of a packet.
func (f *Follower) pass(link uint32, data []byte, wireLen int, src *memory.Block) {
	d := &f.decoder
	d.Fragmented = 0
	content, key := PacketOther, FlowKey{}
	for outcome := d.Decode(link, data, wireLen, &f.seg); ; outcome = d.Next(&f.seg) {
		if content == PacketOther { // of several packets in a frame the first that has a key counts
			key = flowKey(d, &f.seg, outcome)
			content = contents[key.Kind]
		}
		if !d.More() {
			break
		}
	}
	first := uint64(0)
	if d.Fragmented > 0 {
		first = fragmentKey(&d.FirstFragment).Hash
	}
	copied := src == nil
	if copied {
		data, src = f.arena.Copy(data)
	}
	e := f.queue.push(PacketRead, nil, f.cause)
	e.Content, e.Offset, e.Length, e.Bytes = content, int64(link), int64(wireLen), data
	e.CapturedAt, e.CapturedIn = int64(key.Hash), first
	f.queue.keep(src)
	f.queue.bytes += int64(len(data))
	if copied {
		f.blocks.Release(src)
	}
}

var contents = [...]PacketContent{NoFlow: PacketOther, FlowTCP: PacketTCP, FlowFragment: PacketFragment}
