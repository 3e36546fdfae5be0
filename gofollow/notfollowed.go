package gofollow

import (
	"cmp"
	"slices"

	"gofollow/gofollow/internal/decode"
)

// NotFollowed is something that packets had where TCP was looked for.
type NotFollowed struct {
	Name    string // such as "UDP", "EtherType 0x88b5" or "link type 147"
	Packets uint64

	// LinkType says that it is a link type: nothing of such a capture, or of such
	// an interface of it, is followed.
	LinkType bool
}

// maxNotFollowed bounds how many different things are counted by name. Ordinary
// captures have a dozen; garbage has any number.
const maxNotFollowed = 256

// notFollowed counts packets by decode's numbers.
type notFollowed map[uint32]uint64

func (n *notFollowed) add(stopped uint32) {
	if *n == nil {
		*n = notFollowed{}
	}
	if _, known := (*n)[stopped]; !known && len(*n) >= maxNotFollowed {
		stopped = decode.Rest
	}
	(*n)[stopped]++
}

// NotFollowed tells what the packets of Stats.NotTCP and Stats.UnknownLink were, the
// most frequent first.
func (f *Follower) NotFollowed() []NotFollowed {
	list := make([]NotFollowed, 0, len(f.notFollowed))
	for stopped, packets := range f.notFollowed {
		list = append(list, NotFollowed{decode.Name(stopped), packets, decode.IsLinkType(stopped)})
	}
	slices.SortFunc(list, func(a, b NotFollowed) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Name, b.Name))
	})
	return list
}
