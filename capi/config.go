package main

// #include "internal.h"
import "C"

import (
	"math"
	"time"

	"gofollow/gofollow"
)

// configReader converts C's numbers and remembers whether one of them has no
// counterpart.
type configReader struct{ bad bool }

func (r *configReader) flag(v C.uint32_t) bool {
	r.bad = r.bad || v > 1
	return v == 1
}

// choice converts a number of an enumeration; New knows which are in use.
func (r *configReader) choice(v C.uint32_t) uint8 {
	r.bad = r.bad || v > math.MaxUint8
	return uint8(v)
}

func (r *configReader) duration(v C.int64_t) time.Duration {
	r.bad = r.bad || v < -1
	return time.Duration(v)
}

func (r *configReader) size(v C.uint64_t) int64 {
	r.bad = r.bad || v > math.MaxInt64
	return int64(v)
}

func (r *configReader) count(v C.uint64_t) int {
	r.bad = r.bad || v > math.MaxInt
	return int(v)
}

func filterFrom(c *C.gofollow_config) string {
	if c.filter == nil {
		return ""
	}
	return C.GoString(c.filter)
}

// configFrom converts a whole gofollow_config. ok is false if a number is out of
// every range.
func configFrom(c *C.gofollow_config) (config gofollow.Config, ok bool) {
	var r configReader
	config = gofollow.Config{
		NoMidstream:    r.flag(c.no_midstream),
		CloseOn:        gofollow.CloseOn(r.choice(c.close_on)),
		RST:            gofollow.RSTPolicy(r.choice(c.rst)),
		Overlap:        gofollow.OverlapPolicy(r.choice(c.overlap)),
		VerifyChecksum: r.flag(c.verify_checksum),
		Urgent:         gofollow.UrgentMode(r.choice(c.urgent)),
		Separate:       gofollow.Separate(r.choice(c.separate)),
		Anomalies:      r.flag(c.anomalies),
		NoHalfClosed:   r.flag(c.no_half_closed),
		Segments:       r.flag(c.segments),
		PacketsOnly:    r.flag(c.packets),
		Filter:         filterFrom(c),
		GapPatience:    r.duration(c.gap_patience_ns),
		Limits: gofollow.Limits{
			HeldBytes:         r.size(c.max_held_bytes),
			HeldSegments:      r.count(c.max_held_segments),
			TotalHeldBytes:    r.size(c.max_total_held_bytes),
			Connections:       r.count(c.max_connections),
			ClosedConnections: r.count(c.max_closed_connections),
			Candidates:        r.count(c.max_candidates),
			FarBytes:          r.size(c.max_far_bytes),
			QueuedEvents:      r.count(c.max_queued_events),
			QueuedBytes:       r.size(c.max_queued_bytes),
		},
		Timeouts: gofollow.Timeouts{
			Handshake:   r.duration(c.handshake_timeout_ns),
			Idle:        r.duration(c.idle_timeout_ns),
			HalfClosed:  r.duration(c.half_closed_timeout_ns),
			RSTLinger:   r.duration(c.rst_linger_ns),
			CloseLinger: r.duration(c.close_linger_ns),
			StrayLinger: r.duration(c.stray_linger_ns),
			ReuseIdle:   r.duration(c.reuse_idle_ns),
			HoleAge:     r.duration(c.hole_age_ns),
			OneSidedAge: r.duration(c.one_sided_age_ns),
		},
	}
	return config, !r.bad
}
