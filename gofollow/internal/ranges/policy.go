package ranges

import "cmp"

// Policy decides whose bytes fill what a held range and a new segment share.
type Policy uint8

// The policies: the first or the last copy, and those of operating systems (Novak and Sturges,
// "Target-based TCP stream reassembly").
const (
	First Policy = iota
	Last
	BSD
	Linux
	OldLinux
	Solaris
	Windows
	Vista
	HPUX10
	HPUX11
	IRIX
	MacOS
	Win2003
	Policies // how many there are
)

// wins reports whether the new range n, which arrived as whole, fills what it shares
// with h. Captured bytes always win over a mark.
func (n *Range) wins(p Policy, whole Span, h *Range) bool {
	if h.Data == nil || n.Data == nil {
		return h.Data == nil && n.Data != nil
	}
	starts, ends := &policies[p].before, cmp.Compare(whole.End, h.End)
	switch {
	case whole.Start == h.Start:
		starts = &policies[p].same
	case whole.Start > h.Start:
		starts = &policies[p].after
	}
	return starts[ends+1]
}

// newWins reports whether the new segment wins if it ends before, with and after
// the held one.
type newWins [3]bool

var (
	heldStays   = newWins{false, false, false}
	always      = newWins{true, true, true}
	endsAfter   = newWins{false, false, true}
	endsAtLeast = newWins{false, true, true}
)

// policies holds which segment wins if the new one starts before, with and after
// the held one, as Suricata implements it.
var policies = [Policies]struct{ before, same, after newWins }{
	First:    {heldStays, heldStays, heldStays},
	Last:     {always, always, always},
	BSD:      {always, heldStays, heldStays},
	Linux:    {always, endsAfter, heldStays},
	OldLinux: {always, endsAtLeast, heldStays},
	Solaris:  {endsAtLeast, endsAtLeast, endsAfter},
	Windows:  {always, heldStays, heldStays},
	Vista:    {heldStays, heldStays, heldStays},
	HPUX10:   {always, heldStays, heldStays},
	HPUX11:   {endsAtLeast, endsAtLeast, endsAfter},
	IRIX:     {always, heldStays, heldStays},
	MacOS:    {always, heldStays, heldStays},
	Win2003:  {always, heldStays, heldStays},
}
