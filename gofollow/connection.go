package gofollow

import "net/netip"

// Connection tells the facts of one connection. Everything but the closing facts
// is known from its Opened event on.
type Connection struct{}

// ID returns the connection's number: from 0, in order of opening, never reused.
func (c *Connection) ID() uint64 { panic("not yet") }

// Client returns the endpoint that opened the connection, as far as is known.
func (c *Connection) Client() netip.AddrPort { panic("not yet") }

// Server returns the other endpoint.
func (c *Connection) Server() netip.AddrPort { panic("not yet") }

// RolesFrom says how it is known which side is the client.
func (c *Connection) RolesFrom() RolesFrom { panic("not yet") }

// Start says with what the connection was first seen.
func (c *Connection) Start() Start { panic("not yet") }

// OpenedAt returns the time of its Opened event.
func (c *Connection) OpenedAt() int64 { panic("not yet") }

// OpenedPacket returns the packet number of its Opened event.
func (c *Connection) OpenedPacket() uint64 { panic("not yet") }

// Clean says that the handshake was seen, nothing is missing or in conflict, and
// both sides ended by FIN. Known with the Closed event, as what follows.
func (c *Connection) Clean() bool { panic("not yet") }

// Counters tells what one direction went through.
func (c *Connection) Counters(d Direction) Counters { panic("not yet") }

// ResetText returns the payload of the reset that ended the connection, at most
// 1024 bytes of it.
func (c *Connection) ResetText() []byte { panic("not yet") }
