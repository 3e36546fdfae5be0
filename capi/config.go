package main

// #include "internal.h"
import "C"

import (
	"fmt"
	"math"
	"time"

	"gofollow/gofollow"
)

// configReader converts the numbers of C. It keeps an error message for the first that has no
// counterpart in Go.
type configReader struct{ wrong string }

func (r *configReader) refuse(bad bool, name string, value any, allowed string) {
	if bad && r.wrong == "" {
		r.wrong = fmt.Sprintf("config->%s is %v, must be %s", name, value, allowed)
	}
}

func (r *configReader) flag(name string, v C.uint32_t) bool {
	r.refuse(v > 1, name, v, "0 or 1")
	return v == 1
}

// choice converts a number of an enumeration. New knows which are in use.
func (r *configReader) choice(name string, v C.uint32_t) uint8 {
	r.refuse(v > math.MaxUint8, name, v, "a constant of its enumeration")
	return uint8(v)
}

func (r *configReader) duration(name string, v C.int64_t) time.Duration {
	r.refuse(v < -1, name, v, "-1 or more")
	return time.Duration(v)
}

func (r *configReader) size(name string, v C.uint64_t) int64 {
	r.refuse(v > math.MaxInt64, name, v, "0 to 9223372036854775807")
	return int64(v)
}

func (r *configReader) count(name string, v C.uint64_t) int {
	r.refuse(v > math.MaxInt, name, v, fmt.Sprintf("0 to %d", math.MaxInt))
	return int(v)
}

func filterFrom(c *C.gofollow_config) string {
	if c.filter == nil {
		return ""
	}
	return C.GoString(c.filter)
}

// configFrom converts a whole gofollow_config. wrong is not empty if a number is out of every
// range.
func configFrom(c *C.gofollow_config) (config gofollow.Config, wrong string) {
	var r configReader
	config = gofollow.Config{
		NoMidstream:    r.flag("no_midstream", c.no_midstream),
		CloseOn:        gofollow.CloseOn(r.choice("close_on", c.close_on)),
		RST:            gofollow.RSTPolicy(r.choice("rst", c.rst)),
		Overlap:        gofollow.OverlapPolicy(r.choice("overlap", c.overlap)),
		VerifyChecksum: r.flag("verify_checksum", c.verify_checksum),
		Urgent:         gofollow.UrgentMode(r.choice("urgent", c.urgent)),
		Separate:       gofollow.Separate(r.choice("separate", c.separate)),
		Anomalies:      r.flag("anomalies", c.anomalies),
		NoHalfClosed:   r.flag("no_half_closed", c.no_half_closed),
		Segments:       r.flag("segments", c.segments),
		PacketsOnly:    r.flag("packets", c.packets),
		Filter:         filterFrom(c),
		GapPatience:    r.duration("gap_patience_ns", c.gap_patience_ns),
		Limits: gofollow.Limits{
			HeldBytes:         r.size("max_held_bytes", c.max_held_bytes),
			HeldSegments:      r.count("max_held_segments", c.max_held_segments),
			TotalHeldBytes:    r.size("max_total_held_bytes", c.max_total_held_bytes),
			Connections:       r.count("max_connections", c.max_connections),
			ClosedConnections: r.count("max_closed_connections", c.max_closed_connections),
			Candidates:        r.count("max_candidates", c.max_candidates),
			FarBytes:          r.size("max_far_bytes", c.max_far_bytes),
			QueuedEvents:      r.count("max_queued_events", c.max_queued_events),
			QueuedBytes:       r.size("max_queued_bytes", c.max_queued_bytes),
		},
		Timeouts: gofollow.Timeouts{
			Handshake:   r.duration("handshake_timeout_ns", c.handshake_timeout_ns),
			Idle:        r.duration("idle_timeout_ns", c.idle_timeout_ns),
			HalfClosed:  r.duration("half_closed_timeout_ns", c.half_closed_timeout_ns),
			RSTLinger:   r.duration("rst_linger_ns", c.rst_linger_ns),
			CloseLinger: r.duration("close_linger_ns", c.close_linger_ns),
			StrayLinger: r.duration("stray_linger_ns", c.stray_linger_ns),
			ReuseIdle:   r.duration("reuse_idle_ns", c.reuse_idle_ns),
			HoleAge:     r.duration("hole_age_ns", c.hole_age_ns),
			OneSidedAge: r.duration("one_sided_age_ns", c.one_sided_age_ns),
		},
	}
	return config, r.wrong
}
