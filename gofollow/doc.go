// Package gofollow follows TCP connections through captured packets: what each
// side of every connection said, in order, once, complete, with everything
// that the capture lost named.
//
// # Use
//
// Make a Follower with New, and feed it: packets with Feed, a capture file with
// OpenFile and ReadFile, or a capture's bytes as they come with FeedCapture. In
// between take the events with Poll until none waits. Flush ends every connection
// that is still open; Close frees the Follower.
//
// # Events
//
// Per connection: Opened; Data and Gap, which tile each direction's stream;
// HalfClosed where a side finished; Closed last, always after Flush. See Event.
//
// The events of a Poll, their bytes and their Connection are valid until the next
// call on the Follower: use them or copy them before.
//
// # Guarantees
//
// The same packets give the same events, however they are fed. Time is capture
// time. Memory is bounded by Config.Limits: what a limit costs is an event and a
// counter. When events are not taken, feeding is refused with ErrQueueFull and
// nothing is lost. No input makes the Follower panic.
//
// # Limitations
//
// Link types and tunnels other than those that docs/encapsulations.md lists are
// not followed, but counted by name: see Follower.NotFollowed. A Follower is not safe for concurrent use.
package gofollow
