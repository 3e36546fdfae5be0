package gofollow

import (
	"gofollow/gofollow/internal/decode"
	"gofollow/gofollow/internal/filter"
)

// FilterError says what is wrong in Config.Filter and where.
type FilterError = filter.Error

// choice is Config.Filter and what a segment does not tell it.
type choice struct {
	filter *filter.Filter            // nil: every connection is chosen
	vlans  *[decode.MaxLayers]uint16 // of the segment that is followed now
}

// chooses reports whether the filter chooses a connection that s opens. Its roles are known.
func (o *choice) chooses(c *Connection, s *decode.Segment) bool {
	if o.filter == nil {
		return true
	}
	addrs, server := [2]decode.Addr{c.key.Low, c.key.High}, c.client^1
	return o.filter.Match(&filter.Connection{
		Addrs: [2]decode.Addr{addrs[c.client], addrs[server]}, Ports: [2]uint16{c.key.Port(c.client), c.key.Port(server)},
		IPv6: s.IPv6, VLANs: o.vlans[:s.VLANs],
	})
}
