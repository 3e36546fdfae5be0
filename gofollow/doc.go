// Package gofollow follows TCP connections through captured packets: TCP stream reassembly. It
// restores each direction's byte stream from segments that may be out of order, retransmitted,
// overlapping or missing, and reports where the capture lost bytes.
//
// # Use
//
// FollowFile and Follow read a capture (pcap or pcapng, plain or compressed) and give its events in
// a loop.
//
// For more control, make a Follower with New and feed it: packets with Feed, a capture file with
// OpenFile and ReadFile, or the bytes of a capture as they arrive with FeedCapture. Take the events
// after each call, with Events or Poll. Flush ends every connection that is still open; Close frees
// the Follower.
//
// # Events
//
// The events of a connection are Opened; Data and Gap, which tile the stream of each direction;
// HalfClosed when a direction has reached its FIN; and Closed, the last one. After Flush, every
// connection has its Closed event. See Event.
//
// An event, its bytes and its Connection are valid until the next call that feeds, polls, flushes
// or closes. Use them before, or copy them with Event.Clone.
//
// # Guarantees
//
// The same packets give the same events, however they are fed. Time is capture time. Memory is
// bounded by Config.Limits; what a limit costs is an event and a counter. If too many events wait,
// a call returns ErrQueueFull, and nothing is lost. No input makes a Follower panic.
//
// # Limitations
//
// Packets of other link types and tunnels than those in docs/encapsulations.md are not followed;
// Follower.NotFollowed names and counts them. A Follower is not safe for concurrent use.
package gofollow
