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
