#!/usr/bin/env python3
"""Breaks the engine in one place at a time and runs its tests: every mutant must fail some test.

    tools/mutants.py [WORD ...]      all mutants, or those whose name contains one of the words

The tree is copied, so nothing here is changed. A mutant is killed by a test that fails or takes for ever; one that
does not compile is not. Exits 1 if a mutant is not killed, 2 if nothing can be said: when the tests fail as they
are, or a mutant does not fit the code.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST = ["go", "test", "-short", "-failfast", "-vet=off"]
ALL = [*TEST, "-timeout", "120s", "./gofollow/..."]
QUICK = (
    "TestCases|TestClock|TestClockSet|TestSaturatedSum|TestRoles|TestWrap|TestAdvanceTime|TestNoTime|TestFlushTime|TestMoved|TestGraveyard"
)
ENVIRONMENT = os.environ | {"GOFOLLOW_RUNS": "200"}  # fewer random captures: what only the thousandth shows is no test of a rule

# name, file in gofollow/, what stands there, what is put in its place
MUTANTS = [
    # Numbers.
    ("unwrap from next alone", "seq.go", "ref := max(d.next, d.right(), d.ack)", "ref := d.next"),
    ("unwrap without the right edge", "seq.go", "max(d.next, d.right(), d.ack)", "max(d.next, d.ack)"),
    ("unwrap without the ACK", "seq.go", "max(d.next, d.right(), d.ack)", "max(d.next, d.right())"),
    ("wrap off by one", "seq.go", "return d.base + seqNum(uint32(off))", "return d.base + seqNum(uint32(off%(1<<32-1)))"),
    # What counts as a segment.
    ("trailer not cut, IPv4", "internal/decode/ip.go", "p.bound(total)", "_ = total"),
    ("trailer not cut, IPv6", "internal/decode/ip.go", "p.bound(payload)", "_ = payload"),
    (
        "trailer not cut, plain frame",
        "internal/decode/plain.go",
        "end-seg.Wire : end : end]",
        "len(frame)-seg.Wire : len(frame) : len(frame)]",
    ),
    ("length beyond the frame", "internal/decode/decoder.go", "if n > p.wire {", "if false {"),
    ("length of 0, IPv4", "internal/decode/ip.go", "if total == 0 && p.frame > longestPadded {", "if false {"),
    ("length of 0, IPv6", "internal/decode/ip.go", "if payload == 0 && p.frame > longestPadded {", "if false {"),
    ("length of 0 in a padded frame", "internal/decode/ip.go", "if total == 0 && p.frame > longestPadded {", "if total == 0 {"),
    ("data offset below 5", "internal/decode/tcp.go", "if header < tcpLen || header > p.wire {", "if header > p.wire {"),
    ("data offset beyond the segment", "internal/decode/tcp.go", "if header < tcpLen || header > p.wire {", "if header < tcpLen {"),
    ("checksum verified unasked", "internal/decode/tcp.go", "if verify && len(b) == p.wire", "if len(b) == p.wire"),
    ("checksum never verified", "internal/decode/tcp.go", "if verify && len(b) == p.wire", "if false && len(b) == p.wire"),
    ("checksum of a cut packet", "internal/decode/tcp.go", "len(b) == p.wire && !p.unverifiable", "!p.unverifiable"),
    ("limit of layers", "internal/decode/decoder.go", "for range maxLayers {", "for range 2 * maxLayers {"),
    ("limit of a packet's length", "follower.go", "wireLen < len(data) || wireLen > MaxPacket", "wireLen < len(data)"),
    # What is around a segment.
    ("flag of VXLAN-GPE alone", "internal/decode/udp.go", "(port == portVXLANGPE || !bridges(p))", "true"),
    ("reserved byte, Geneve", "internal/decode/udp.go", "b[1]&control != 0 {", "b[1]&control != 0 || b[7] != 0 {"),
    ("spare bit, GTP-U", "internal/decode/udp.go", "b[0]&0xf0 != versionOne || b[1]", "b[0]&0xf8 != versionOne || b[1]"),
    ("reserved bits, L2TP", "internal/decode/udp.go", "if flags&(control|version) != 2 {", "if flags&0xb4ff != 2 {"),
    (
        "length behind a tag",
        "internal/decode/tunnel.go",
        "inner != next && carries(inner, &rest)",
        "inner != next && (true || carries(inner, &rest))",
    ),
    ("length of a frame in a datagram", "internal/decode/udp.go", "return believed(next, p)\n\tcase NotTCP", "return next\n\tcase NotTCP"),
    ("MACsec, encrypted", "internal/decode/tag.go", "case flags&(encrypted|changed) != 0:", "case false:"),
    ("MACsec, channel", "internal/decode/tag.go", "case flags&hasChannel != 0:", "case false:"),
    ("frames left by what is no tunnel", "internal/decode/udp.go", "d.rest = d.rest[:rest]", "_ = rest"),
    ("frames left, one level", "internal/decode/wireless.go", "d.rest = append(d.rest, rest)", "d.rest = []packet{rest}"),
    ("VLAN of a switch's tag", "internal/decode/tag.go", "p.enterVLAN(be16(p.b[at+2:]) & 0xfff)", ""),
    ("circuit of frame relay", "internal/decode/line.go", "p.enter(uint64(otherFrameRelay)<<32 | address)", "_ = address"),
    ("instance of LISP", "internal/decode/udp.go", "if b[0]&hasInstance != 0 {", "if false {"),
    ("EtherType in front of metadata", "internal/decode/tag.go", "if protocol(be16(p.b)) >= firstEtherType {", "if false {"),
    ("frame control swapped", "internal/decode/wireless.go", "if kind&(toDS|fromDS) != 0 && flags", "if false && flags"),
    ("802.11 of Aruba, every 16th", "internal/decode/tunnel.go", "next <= arubaLast && next&0xf == 0", "next < arubaLast && next&0xf == 0"),
    (
        "fragments of two networks",
        "internal/decode/fragment.go",
        "[2]uint64{seg.Dst.Hi, seg.Dst.Lo}, p.path",
        "[2]uint64{seg.Dst.Hi, seg.Dst.Lo}, 0",
    ),
    (
        "fragments that overlap, IPv6",
        "internal/fragment/fragment.go",
        "if e.key.IPv6 && i < len(e.pieces)",
        "if false && i < len(e.pieces)",
    ),
    ("fragments, the first copy", "internal/fragment/fragment.go", "p.start <= start {", "p.end <= start {"),
    ("timeout fragments", "internal/fragment/fragment.go", "> uint64(Timeout)", "> 2*uint64(Timeout)"),
    ("limit of fragments", "internal/fragment/fragment.go", "for t.bytes > maxBytes {", "for false {"),
    ("limit of a datagram's pieces", "internal/fragment/fragment.go", "len(e.pieces) == maxPieces", "false"),
    ("limit of whole datagrams", "internal/fragment/fragment.go", "t.done.Len() > maxDone", "false"),
    ("RST with SYN or FIN", "segment.go", "s.Flags &^= decode.SYN | decode.FIN", "_ = s"),
    ("no ACK flag", "segment.go", "if s.Flags&(decode.SYN|decode.ACK) == 0 {", "if false {"),
    ("urgent byte", "segment.go", "at := int(s.Urgent) - 1", "at := int(s.Urgent)"),
    ("urgent byte taken out unasked", "segment.go", "f.config.Urgent == UrgentOOB && s.Flags", "s.Flags"),
    ("anomalies unasked", "direction.go", "!f.config.Anomalies || !c.has(opened)", "!c.has(opened)"),
    # Opening.
    ("client by SYN+ACK", "connection.go", "c.client, c.rolesFrom, c.start = from^1,", "c.client, c.rolesFrom, c.start = from,"),
    ("client by port", "connection.go", "if servers(low) != servers(high) {", "if false && servers(low) != servers(high) {"),
    (
        "client by port, of the side with a server's",
        "connection.go",
        "if servers(low) { return 1, true }",
        "if servers(high) { return 1, true }",
    ),
    ("client by port, NFS", "connection.go", "return port == 2049 }", "return false }"),
    ("client by port, below 1024", "connection.go", "return port < 1024 }", "return port <= 1024 }"),
    ("client by port, from 32768", "connection.go", "return port < 32768 }", "return port <= 32768 }"),
    ("client by port, up to 32767", "connection.go", "return port < 32768 }", "return port < 32767 }"),
    ("client by port, dynamic ones", "connection.go", "return port < 32768 }", "return port < 49152 }"),
    ("bare ACK opens", "segment.go", "if s.Wire == 0 && s.Flags&decode.SYN == 0 {", "if false {"),
    ("mid-stream not wanted", "segment.go", "f.config.NoMidstream && s.Flags&(decode.SYN|decode.ACK) != decode.SYN ||", "false ||"),
    ("keep-alive as the start", "segment.go", "if d.flags &^= hinted; seq == d.base+1 &&", "if d.flags &^= hinted; false &&"),
    ("keep-alive as the start, any number above", "segment.go", "seq == d.base+1 && !d.begun() {", "!d.begun() {"),
    ("keep-alive as the start, although the stream has begun", "segment.go", "seq == d.base+1 && !d.begun() {", "seq == d.base+1 {"),
    ("a hint lasts", "segment.go", "if d.flags &^= hinted; seq", "if seq"),
    ("a hint by data", "segment.go", "if s.Wire == 0 { d.flags |= hinted", "if true { d.flags |= hinted"),
    ("SYN late, below the start", "reuse.go", "return int32(base-d.base) > 0", "return true"),
    ("SYN late, above the start", "reuse.go", "return int32(base-d.base) > 0", "return false"),
    ("SYN late, on a stream that has begun", "reuse.go", "case d.has(synSeen) || d.begun():", "case d.has(synSeen):"),
    ("SYN late, on a stream whose SYN was seen", "reuse.go", "case d.has(synSeen) || d.begun():", "case d.begun():"),
    ("SYN late, by what was acknowledged", "reuse.go", "case d.has(ackNoted): return uint32(", "case false: return uint32("),
    ("handshake without SYN+ACK", "segment.go", "if c.has(synACKSeen) && d.has(synSeen)", "if d.has(synSeen)"),
    ("handshake without a SYN", "segment.go", "d.has(synSeen) && p.has(synSeen) {", "p.has(synSeen) {"),
    ("SYN+ACKs, the first counts", "segment.go", "c.flags |= doubtfulISN", "return"),
    ("SYN+ACK after data", "reuse.go", "return d.anchored() && d.base != base && d.begun()", "return d.anchored() && d.base != base"),
    ("SYN+ACK after data, the latest counts", "reuse.go", "return d.anchored() && d.base != base && d.begun()", "return false"),
    (
        "SYN+ACK after data, the same again",
        "reuse.go",
        "return d.anchored() && d.base != base && d.begun()",
        "return d.anchored() && d.begun()",
    ),
    ("simultaneous open", "reuse.go", "return d.has(ackNoted) && uint32(d.seqAt(d.ack)-base) > maxACKLead", "return true"),
    ("SYN of an unseen side", "reuse.go", "return d.has(ackNoted) && uint32(d.seqAt(d.ack)-base) > maxACKLead", "return false"),
    (
        "SYN of an unseen side, any acknowledgement",
        "reuse.go",
        "return d.has(ackNoted) && uint32(d.seqAt(d.ack)-base) > maxACKLead",
        "return d.has(ackNoted) && d.seqAt(d.ack) != base",
    ),
    ("endpoint to itself", "segment.go", "s.Flags&decode.ACK != 0 && !c.key.loops()", "s.Flags&decode.ACK != 0"),
    # Where a stream begins.
    ("float, without a mark", "direction.go", "d.flags |= based | unanchored", "d.flags |= based"),
    ("float, what lies below", "direction.go", "floatAt streamOffset = 1 << 30", "floatAt streamOffset = 0"),
    ("float, a bare acknowledgement", "segment.go", "if s.Wire > 0 || s.Flags&decode.FIN != 0 { f.float", "if true { f.float"),
    ("float, no FIN", "segment.go", "if s.Wire > 0 || s.Flags&decode.FIN != 0 { f.float", "if s.Wire > 0 { f.float"),
    ("float, never", "segment.go", "case !d.has(based) && p.has(synSeen):", "case false:"),
    ("float, delivers", "direction.go", "len(payload)) == hi-lo && !d.has(unanchored)", "len(payload)) == hi-lo"),
    ("anchor, longest hole", "direction.go", "if h.end < end-maxAnchorHole {", "if h.end <= end-maxAnchorHole {"),
    ("anchor, longest hole to the byte", "direction.go", "if h.end < end-maxAnchorHole {", "if h.end < end-maxAnchorHole-1 {"),
    ("anchor, no hole", "direction.go", "if h.end < end-maxAnchorHole {", "if h.end < end {"),
    ("anchor, what lies above", "direction.go", "if h := held[i]; h.start < end {", "if h := held[i]; true {"),
    ("anchor, below what is acknowledged", "direction.go", "end = h.start", "_ = h.start"),
    ("anchor, by an ACK of an earlier connection, below", "direction.go", "off < 0 || f.far(c, of^1, off) {", "f.far(c, of^1, off) {"),
    ("anchor, by an ACK of an earlier connection, above", "direction.go", "off < 0 || f.far(c, of^1, off) {", "off < 0 {"),
    ("anchor, in SYN-SENT", "direction.go", "if d.has(synSeen) && !p.anchored() {", "if false && d.has(synSeen) && !p.anchored() {"),
    ("anchor, the highest ACK", "direction.go", "d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))", "d.ack = d.offsetOf(seqNum(s.Ack))"),
    ("anchor, the first ACK alone", "direction.go", "d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))", ""),
    ("anchor, by what was kept", "reassembly.go", "if h.hasACK && h.end >= 0 {", "if false {"),
    ("anchor, by what was kept below the start", "reassembly.go", "if h.hasACK && h.end >= 0 {", "if h.hasACK {"),
    ("anchor, by an ACK kept at the start", "reassembly.go", "if h.hasACK && h.end >= 0 {", "if h.hasACK && h.end > 0 {"),
    ("anchor, by what no ACK flag was on", "reassembly.go", "f.seg.Flags&decode.ACK != 0, f.seg.Ack", "true, f.seg.Ack"),
    ("anchor, an ACK kept of any direction", "reassembly.go", "if c.dirs[from].has(unanchored) { n.hasACK", "if true { n.hasACK"),
    ("anchor lowest, of suspects", "direction.go", "if len(kept) == 0 { kept = d.slow.suspects }", ""),
    ("anchor lowest, of suspects before what is held", "direction.go", "if len(kept) == 0 { kept", "if len(d.slow.suspects) > 0 { kept"),
    ("anchor lowest, a FIN below data", "direction.go", "return h.start < h.end })", "return h.start <= h.end })"),
    ("anchor lowest, the mark", "direction.go", "d.flags &^= unanchored // nothing", "// nothing"),
    ("anchor lowest, both sides at the end", "gaps.go", "f.anchorLowest(c, from^1) // what", "// what"),
    ("anchor lowest, by age", "gaps.go", "f.anchorLowest(c, from) var end", "var end"),
    ("anchor lowest, by the limits", "gaps.go", "f.anchorLowest(c, from) if len", "if len"),
    ("held, of an unanchored direction", "reassembly.go", "if d.has(unanchored) { return } done := 0", "done := 0"),
    (
        "begin at the ACK, never",
        "direction.go",
        "if d := &c.dirs[from]; !d.has(based) && d.has(ackNoted) && c.dirs",
        "if d := &c.dirs[from]; false && d.has(ackNoted) && c.dirs",
    ),
    ("begin at the ACK, no SYN", "direction.go", "d.has(ackNoted) && c.dirs[from^1].has(synSeen) {", "d.has(ackNoted) {"),
    ("move, the ACK", "direction.go", "d.ack = max(0, d.ack-by); d.has(ackNoted)", "d.ack += 0; d.has(ackNoted)"),
    ("move, the ACK below", "direction.go", "d.ack = max(0, d.ack-by); d.has(ackNoted)", "d.ack -= by; d.has(ackNoted)"),
    ("move, an ACK beyond belief", "direction.go", "d.has(ackNoted) && d.ack > maxACKLead {", "false {"),
    (
        "move, an ACK as far as is believed",
        "direction.go",
        "d.has(ackNoted) && d.ack > maxACKLead {",
        "d.has(ackNoted) && d.ack >= maxACKLead {",
    ),
    ("move, any ACK beyond belief", "direction.go", "d.has(ackNoted) && d.ack > maxACKLead {", "d.ack > maxACKLead {"),
    ("move, the FIN", "direction.go", "f.finish(c, from, fin-by)", "f.finish(c, from, fin)"),
    ("move, the FIN below", "direction.go", "if fin != noFIN && fin >= by {", "if fin != noFIN {"),
    ("move, the FIN at the start", "direction.go", "if fin != noFIN && fin >= by {", "if fin != noFIN && fin > by {"),
    ("move, the FIN stays", "direction.go", "d.fin = noFIN if d.slow", "if d.slow"),
    ("move, the noted ACK", "direction.go", "d.flags&^(ackNoted|unanchored) | based", "d.flags&^unanchored | based"),
    (
        "move, the held ranges",
        "direction.go",
        "if d.slow != nil { f.moveHeld(c, from, by, leftovers)",
        "if false { f.moveHeld(c, from, by, leftovers)",
    ),
    ("move, leftovers", "direction.go", "d.offsetOf(base), d.has(unanchored)", "d.offsetOf(base), false"),
    ("move, no leftovers", "direction.go", "d.offsetOf(base), d.has(unanchored)", "d.offsetOf(base), true"),
    ("move, the edge", "reassembly.go", "r.right = 0 for", "for"),
    ("move, what is settled", "reassembly.go", "{&r.settled, &r.doubt}", "{&r.doubt}"),
    ("move, the doubted ACK", "reassembly.go", "{&r.settled, &r.doubt}", "{&r.settled}"),
    ("move, no doubted ACK", "reassembly.go", "if *off > 0 { // 0", "if true { // 0"),
    ("move, the marks of ACKs", "reassembly.go", "r.acks[i].off -= by", "_ = i"),
    ("move, the account of what is held", "reassembly.go", "f.holders.changed(r, -r.bytes, -len(moved))", ""),
    ("move, suspects", "reassembly.go", "moved = append(moved, h) } r.suspects = nil", "}\nr.suspects = nil"),
    (
        "move, the account of suspects",
        "reassembly.go",
        "for _, h := range r.suspects { f.aside -= int64(len(h.data))",
        "for _, h := range r.suspects {",
    ),
    ("move, in order of arrival", "reassembly.go", "if leftovers { slices.SortStableFunc", "if false { slices.SortStableFunc"),
    ("move, far segments", "reassembly.go", "if f.far(c, from, h.start) || leftovers", "if leftovers"),
    ("move, leftovers above a hole", "reassembly.go", "|| leftovers && h.start > r.right {", "{"),
    ("move, leftovers at the edge", "reassembly.go", "leftovers && h.start > r.right {", "leftovers && h.start >= r.right {"),
    ("move, anything above a hole", "reassembly.go", "|| leftovers && h.start > r.right {", "|| h.start > r.right {"),
    ("keep, order of arrival", "reassembly.go", "part.arrived = max(part.arrived, r.youngest.arrived)", ""),
    ("keep, the edge", "reassembly.go", "d.slow.right = max(d.slow.right, hi) part", "part"),
    ("keep, the FIN", "reassembly.go", "if h.fin { f.finish", "if false { f.finish"),
    ("keep, what was not captured", "reassembly.go", "if cut < hi { part.span", "if false { part.span"),
    ("keep, why it is a mark", "reassembly.go", "cmp.Or(h.why, GapSnaplen)", "GapSnaplen"),
    ("forget ACKs", "direction.go", "d.ack, d.flags = 0, d.flags&^ackNoted", ""),
    ("forget ACKs, marks", "direction.go", "r.acks, r.settled, r.doubt = nil, 0, 0", "r.settled, r.doubt = 0, 0"),
    ("forget ACKs, settled", "direction.go", "r.acks, r.settled, r.doubt = nil, 0, 0", "r.acks, r.doubt = nil, 0"),
    ("forget ACKs, doubted", "direction.go", "r.acks, r.settled, r.doubt = nil, 0, 0", "r.acks, r.settled = nil, 0"),
    ("SYN+ACKs, their ACKs are remembered", "segment.go", "d.forgetACKs() // they", "// they"),
    ("SYN+ACKs, the client decides for ever", "segment.go", "c.flags &^= doubtfulISN if !p", "if !p"),
    ("SYN+ACKs, the server decides", "segment.go", "if c.has(doubtfulISN) && from == c.client {", "if c.has(doubtfulISN) {"),
    ("SYN+ACKs, the client decides after data", "segment.go", "if !p.begun() { if start", "if true { if start"),
    ("SYN+ACKs, the client acknowledges data", "segment.go", "start < 0 || start > maxAnchorHole {", "true {"),
    ("SYN+ACKs, the client acknowledges what lies below", "segment.go", "start < 0 || start > maxAnchorHole {", "start > maxAnchorHole {"),
    ("SYN+ACKs, the client acknowledges what lies above", "segment.go", "start < 0 || start > maxAnchorHole {", "start < 0 {"),
    ("SYN+ACKs, the client acknowledges what lies a hole above", "segment.go", "start > maxAnchorHole {", "start >= maxAnchorHole {"),
    (
        "before the SYN, any ACK",
        "segment.go",
        "return p.has(synSeen) && !d.anchored() && s.Flags",
        "return false && p.has(synSeen) && !d.anchored() && s.Flags",
    ),
    ("before the SYN, the ACK of the SYN", "segment.go", "p.offsetOf(seqNum(s.Ack)) < 0", "p.offsetOf(seqNum(s.Ack)) <= 0"),
    (
        "before the SYN, on an anchored direction",
        "segment.go",
        "p.has(synSeen) && !d.anchored() && s.Flags",
        "p.has(synSeen) && (true || !d.anchored()) && s.Flags",
    ),
    (
        "before the SYN, without the SYN",
        "segment.go",
        "return p.has(synSeen) && !d.anchored() && s.Flags",
        "return !d.anchored() && s.Flags",
    ),
    (
        "before the SYN, without ACK",
        "segment.go",
        "s.Flags&decode.ACK != 0 && p.offsetOf(seqNum(s.Ack)) < 0",
        "p.offsetOf(seqNum(s.Ack)) < 0",
    ),
    ("SYN of the same number moves nothing", "segment.go", "if !d.anchored() || d.base != base {", "if d.base != base {"),
    ("SYN of another number moves nothing", "segment.go", "if !d.anchored() || d.base != base {", "if !d.anchored() {"),
    ("SYN+ACK tells the client's number", "segment.go", "if !p.has(based) { f.move", "if false { f.move"),
    ("RST takes the ACK as a beginning", "reset.go", "c.beginAtACK(from)", ""),
    # Addresses used again.
    ("reuse when idle", "reuse.go", "c.dirs[from^1].packets == 0 && f.clock.now", "false && f.clock.now"),
    ("reuse when idle, the peer captured", "reuse.go", "c.dirs[from^1].packets == 0 && f.clock.now", "f.clock.now"),
    ("reuse of a finished side", "reuse.go", "return c.dirs[from].has(finished)", "return false"),
    ("reuse of any side by its SYN+ACK", "reuse.go", "return c.dirs[from].has(finished)", "return true"),
    ("reuse when idle, to the moment", "reuse.go", "f.clock.now >= after(c.last,", "f.clock.now > after(c.last,"),
    ("timeout reuse", "reuse.go", "f.config.Timeouts.ReuseIdle", "f.config.Timeouts.Handshake"),
    ("reuse candidate dropped", "reuse.go", "c.inWindow(from, seqNum(s.Seq)) && d.off", "false && d.off"),
    ("reuse candidate kept", "reuse.go", "f.dropCandidate(c)\n\t}\n\treturn candidateUntouched", "}\n\treturn candidateUntouched"),
    (
        "reuse third ACK",
        "reuse.go",
        "case !fitsOld && f.within(base, seqNum(s.Ack)): return candidateMeant",
        "case false: return candidateMeant",
    ),
    (
        "reuse third ACK, whatever the old stream holds",
        "reuse.go",
        "case !fitsOld && f.within(base, seqNum(s.Ack)):",
        "case f.within(base, seqNum(s.Ack)):",
    ),
    ("reuse third ACK, of its sender", "reuse.go", "case !fitsOld && f.within(base, seqNum(s.Seq)):", "case false:"),
    (
        "reuse by data that the old stream may hold",
        "reuse.go",
        "case !fitsOld && f.within(base, seqNum(s.Seq)):",
        "case f.within(base, seqNum(s.Seq)):",
    ),
    ("reuse by data", "reuse.go", "case disjoint && continues(s.Seq), !fitsOld", "case false && disjoint, !fitsOld"),
    (
        "reuse by data within the old stream",
        "reuse.go",
        "case disjoint && continues(s.Seq),",
        "case (disjoint || true) && continues(s.Seq),",
    ),
    ("reuse by data out of order", "reuse.go", ", !fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Seq)):", ":"),
    (
        "reuse by a bare acknowledgement out of order",
        "reuse.go",
        "!fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Seq)):",
        "!fitsOld && f.within(base, seqNum(s.Seq)):",
    ),
    (
        "reuse by data out of order that the old stream may hold",
        "reuse.go",
        "!fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Seq)):",
        "s.Wire > 0 && f.within(base, seqNum(s.Seq)):",
    ),
    ("reuse by the SYN's own copy", "reuse.go", "case syn: case disjoint", "case false: case disjoint"),
    ("reuse by SYN+ACK", "reuse.go", "answered := syn ||", "answered := false ||"),
    ("reuse by RST", "reuse.go", "s.Flags&decode.RST != 0 || n.segment", "n.segment"),
    ("reuse by the ACK of a SYN+ACK", "reuse.go", "|| n.segment.Flags&decode.ACK != 0", ""),
    ("reuse by any ACK", "reuse.go", "answered := syn ||", "answered := true ||"),
    ("reuse by data of the peer", "reuse.go", ", !fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Ack)):", ":"),
    (
        "reuse by data of the peer that the old stream may hold",
        "reuse.go",
        ", !fitsOld && s.Wire > 0 && f.within(base, seqNum(s.Ack)):",
        ", s.Wire > 0 && f.within(base, seqNum(s.Ack)):",
    ),
    ("reuse by any SYN+ACK", "reuse.go", "case answered && continues(s.Ack),", "case answered,"),
    ("reuse, SYN with data", "reuse.go", "<= uint32(n.segment.Wire) }", "== 0 }"),
    ("reuse candidate lasts, a copy below next", "reuse.go", "+int64(s.Wire) > d.next {", "+int64(s.Wire) >= d.next {"),
    ("reuse candidate is dropped by its own SYN", "reuse.go", "if !syn && s.Wire > 0 && d.has(based)", "if s.Wire > 0 && d.has(based)"),
    ("reuse within reach", "reuse.go", "int64(s-base) <= f.config.Limits.FarBytes", "true"),
    ("covers up to the edge", "reuse.go", "return off >= d.next && off <= d.right()", "return off >= d.next && off < d.right()"),
    ("covers from the next number", "reuse.go", "return off >= d.next && off <= d.right()", "return off > d.next && off <= d.right()"),
    ("covers what was delivered", "reuse.go", "return off >= d.next && off <= d.right()", "return off <= d.right()"),
    ("window below the next number", "reuse.go", "return off >= d.next-1<<16 &&", "return"),
    ("reuse in linger", "reuse.go", "case c.has(reset):", "case false:"),
    ("reuse of a refused one", "reuse.go", "return c.has(reset) && !c.carriedData()", "return false"),
    ("reuse of a refused one, reset", "reuse.go", "return c.has(reset) && !c.carriedData()", "return c.has(reset)"),
    ("reuse of a refused one, no data", "reuse.go", "return c.has(reset) && !c.carriedData()", "return !c.carriedData()"),
    ("reuse by SYN+ACK, mid-stream not wanted", "reuse.go", "case s.Flags&decode.ACK != 0 && f.config.NoMidstream:", "case false:"),
    ("reuse of a live one at once", "reuse.go", "case f.proven(c, from, s):", "case true:"),
    ("a SYN opens anew what was not opened", "reuse.go", "if s.Flags&(decode.SYN|decode.ACK) == decode.SYN { f.bury", "if false { f.bury"),
    (
        "limit of candidates",
        "reuse.go",
        "len(f.candidates) >= f.config.Limits.Candidates",
        "len(f.candidates) > f.config.Limits.Candidates",
    ),
    (
        "limit of candidates' bytes",
        "reuse.go",
        "+int64(len(s.Payload)) <= f.config.Limits.TotalHeldBytes",
        "+int64(len(s.Payload)) < f.config.Limits.TotalHeldBytes",
    ),
    ("candidates' bytes stay counted", "reuse.go", "f.aside -= int64(len(c.rare.candidate.segment.Payload))", ""),
    ("tombstone swallows a SYN", "tombstone.go", "t.has(tombCarried|tombReset)", "t.has(tombReset)"),
    ("tombstone swallows a SYN after a RST", "tombstone.go", "t.has(tombCarried|tombReset)", "t.has(tombCarried)"),
    ("tombstone lets any SYN through", "tombstone.go", "t.has(tombCarried|tombReset) || base != t.start(from)", "true"),
    (
        "tombstone swallows every SYN",
        "tombstone.go",
        "t.has(tombCarried|tombReset) || base != t.start(from)",
        "t.has(tombCarried|tombReset)",
    ),
    ("tombstone swallows a SYN+ACK", "tombstone.go", "return !noMidstream && base != t.start(from)", "return false"),
    ("tombstone lets a SYN+ACK through, mid-stream not wanted", "tombstone.go", "return !noMidstream && base", "return base"),
    ("tombstone lets a SYN+ACK through", "tombstone.go", "return !noMidstream && base != t.start(from)", "return !noMidstream"),
    ("tombstone, start of a finished side", "tombstone.go", "return t.end[of] - 1", "return t.end[of]"),
    ("tombstone, start of the server", "tombstone.go", "case (of == 1) == t.has(tombServer):", "case false:"),
    ("tombstone, the server's side", "tombstone.go", "if c.client == 0 {", "if c.client == 1 {"),
    ("tombstone, end behind a FIN", "tombstone.go", "t.flags |= tombFIN0 << i end++", "t.flags |= tombFIN0 << i"),
    ("tombstone covers one more", "tombstone.go", "length <= below &&", "length <= below+1 &&"),
    ("tombstone covers all but the last", "tombstone.go", "length <= below &&", "length < below &&"),
    ("tombstone covers no FIN", "tombstone.go", "if s.Flags&decode.FIN != 0 { length++ }", "if s.Flags&decode.FIN != 0 { length += 2 }"),
    ("tombstone covers too far below", "tombstone.go", "below <= closedBytes", "below <= closedBytes+1"),
    ("tombstone covers not far enough", "tombstone.go", "below <= closedBytes", "below < closedBytes"),
    ("tombstone covers an unknown side", "tombstone.go", "return t.has(tombKnown0<<from) && length", "return length"),
    ("tombstone, last copy", "tombstone.go", "t.swallowed = uint16(min((now-t.closedAt)/int64(swallowUnit), math.MaxUint16))", ""),
    ("tombstone, unit of time", "tombstone.go", "swallowUnit = time.Second / 64", "swallowUnit = time.Second / 128"),
    (
        "tombstone for ever",
        "tombstone.go",
        "return min(after(last, linger), after(t.closedAt, max(linger, maxLinger)))",
        "return after(last, linger)",
    ),
    ("tombstone for a shorter time than configured", "tombstone.go", "max(linger, maxLinger)", "maxLinger"),
    ("tombstone, stray data", "tombstone.go", "f.clock.now < after(t.closedAt, f.config.Timeouts.StrayLinger)", "false"),
    ("tombstone, stray data to the moment", "tombstone.go", "f.clock.now < after(t.closedAt", "f.clock.now <= after(t.closedAt"),
    ("tombstone, without data", "tombstone.go", "case s.Wire == 0 || f.clock", "case f.clock"),
    ("timeout stray linger", "tombstone.go", "f.config.Timeouts.StrayLinger", "f.config.Timeouts.CloseLinger"),
    ("tombstone is kept by one that swallowed", "tombstone.go", "moved < movesAtOnce && f.clock", "moved < 0 && f.clock"),
    ("tombstone moves early", "tombstone.go", "&& f.clock.now >= after(t.closedAt, f.config.Timeouts.CloseLinger):", ":"),
    # One direction: trim, place, deliver.
    ("trim keeps what was delivered", "direction.go", "cut := min(end, d.next)", "cut := min(end, d.next-1)"),
    ("trim keeps what is past FIN", "direction.go", "cut := max(off, d.fin)", "cut := max(off, d.fin+1)"),
    ("trim below the start", "direction.go", "cut := min(end, 0)", "cut := min(end, 1)"),
    ("far limit", "direction.go", "+f.config.Limits.FarBytes\n", "+f.config.Limits.FarBytes*2\n"),
    (
        "far limit, to the byte",
        "direction.go",
        "return off > max(d.right(), d.ack)+f.config",
        "return off >= max(d.right(), d.ack)+f.config",
    ),
    ("far limit ignores the ACK", "direction.go", "return off > max(d.right(), d.ack)+f.config", "return off > d.right()+f.config"),
    ("far segment, never continued", "suspects.go", "if last-first+1 >= need {", "if last-first+1 >= 1000*need {"),
    ("far segment, continued by one more", "suspects.go", "if last-first+1 >= need {", "if last-first >= need {"),
    ("far segment, continued upwards", "suspects.go", "for last < len(r.suspects)-1 &&", "for false &&"),
    ("far segment, continued downwards", "suspects.go", "for first > 0 &&", "for false &&"),
    ("far segment, believed run", "suspects.go", "believedRun = 16", "believedRun = 15"),
    ("far segment, believed run of a captured peer", "suspects.go", "need = believedOneSided", "need = believedRun"),
    ("far segment, the same again", "suspects.go", "if s.start <= lo && hi <= s.end &&", "if false &&"),
    ("far segment, the same again with a FIN", "suspects.go", "(s.fin || !fin) {", "true {"),
    ("far segment, acknowledged up to it", "suspects.go", "max(d.ack, d.slow.right) < d.slow", "max(d.ack, d.slow.right) <= d.slow"),
    ("far segment, reached by data", "suspects.go", "max(d.ack, d.slow.right) < d.slow", "d.ack < d.slow"),
    ("far segment, counts as old as it is", "suspects.go", "h.arrived = c.last f.keep", "f.keep"),
    ("far segment of an unanchored direction", "suspects.go", "if d.has(unanchored) { return } n :=", "n :="),
    (
        "far segment moves the edge",
        "suspects.go",
        "f.aside += int64(len(h.data)) if",
        "f.aside += int64(len(h.data)); r.right = max(r.right, h.end); if",
    ),
    ("order of held ranges", "reassembly.go", "r.held[i].end > off", "r.held[i].start > off"),
    ("held, in order of arrival", "reassembly.go", "h.older, h.newer = older, r.eldest", "h.older, h.newer = nil, r.eldest"),
    ("mark kept for ever", "reassembly.go", "r.right <= h.end && d.ack < h.end", "r.right < h.end && d.ack < h.end"),
    ("mark kept although acknowledged", "reassembly.go", "&& d.ack < h.end && d.fin == noFIN", "&& d.fin == noFIN"),
    ("mark kept although finished", "reassembly.go", "&& d.ack < h.end && d.fin == noFIN", "&& d.ack < h.end"),
    ("mark wins over bytes", "reassembly.go", "return h.data == nil && n.data != nil", "return false"),
    ("reordered", "reassembly.go", "reordered := h.packet != f.cause.packet", "reordered := true"),
    (
        "late bytes",
        "reassembly.go",
        "n += max(0, min(end, s.end)-max(start, s.start))",
        "n += 0 * max(0, min(end, s.end)-max(start, s.start))",
    ),
    ("overlap, the default", "reassembly.go", "OverlapFirst: {heldStays,", "OverlapFirst: {always,"),
    ("overlap, last", "reassembly.go", "OverlapLast: {always, always, always}", "OverlapLast: {always, always, heldStays}"),
    ("overlap, same start", "reassembly.go", "OverlapLinux: {always, endsAfter,", "OverlapLinux: {always, endsAtLeast,"),
    (
        "overlap, starts after",
        "reassembly.go",
        "OverlapSolaris: {endsAtLeast, endsAtLeast, endsAfter}",
        "OverlapSolaris: {endsAtLeast, endsAtLeast, endsAtLeast}",
    ),
    ("overlap, by what is left of a segment", "reassembly.go", "case whole.start == h.start:", "case n.start == h.start:"),
    ("overlap, by where it ends", "reassembly.go", "compareOffsets(whole.end, h.end)", "compareOffsets(h.end, whole.end)"),
    ("conflict not told", "reassembly.go", "if bytes.Equal(old, fresh) {", "if bytes.Equal(old, old) {"),
    ("ranges pin their packets", "reassembly.go", "if h.owner == nil || 2*len(h.data)", "if h.owner == nil || true || 2*len(h.data)"),
    ("ACK plausibility", "direction.go", "ack > d.right()+maxACKLead+gaps &&", "ack > d.right()+maxACKLead*8+gaps &&"),
    ("ACK agreed by its copy", "reassembly.go", "r.doubted != by", "r.doubted == r.doubted"),
    ("ACK agreed by any other", "reassembly.go", "&& ack >= r.doubt && ack-r.doubt <= maxACKLead", ""),
    ("ACK lead without the gaps", "direction.go", "+maxACKLead+gaps &&", "+maxACKLead+0*gaps &&"),
    ("ACK goes back", "direction.go", "if ack <= d.ack {", "if false {"),
    # When a hole is given up.
    ("G1 without patience in time", "gaps.go", "m.time > until", "false"),
    ("G1 without patience in segments", "gaps.go", "< patienceSegments && f.config", "< patienceSegments+1 && f.config"),
    ("G1 patience of 63 segments", "gaps.go", "const patienceSegments = 64", "const patienceSegments = 63"),
    ("timeout gap patience", "gaps.go", "return max(0, f.config.GapPatience)", "return max(0, f.config.Timeouts.HoleAge)"),
    ("G1 never", "gaps.go", "if end > r.settled {", "if true {"),
    ("G1 counts copies", "gaps.go", "r != nil && r.last != *current", "r != nil"),
    ("G1 of a part of a hole", "gaps.go", "if end > r.settled {", "if start >= r.settled {"),
    ("G1, the ACK ends at the data", "gaps.go", "if end > r.settled {", "if end >= r.settled {"),
    ("G1 without a FIN", "gaps.go", "for len(r.held) > 0 || d.fin != noFIN {", "for len(r.held) > 0 {"),
    ("G1 at once, not at all", "gaps.go", "&& f.config.GapPatience >= 0 {", "{"),
    ("G2 never", "gaps.go", "deadline = after(r.eldest.arrived, f.holeAge(c, from))", "_ = r.eldest"),
    ("G2 by what came last", "gaps.go", "deadline = after(r.eldest.arrived", "deadline = after(r.youngest.arrived"),
    ("G2 age", "gaps.go", "age, t := f.config.Timeouts.HoleAge,", "age, t := f.config.Timeouts.Idle,"),
    (
        "timeout one-sided age",
        "gaps.go",
        "f.config.Timeouts.HoleAge, f.config.Timeouts.OneSidedAge",
        "f.config.Timeouts.HoleAge, f.config.Timeouts.HoleAge",
    ),
    ("G2 one-sided", "gaps.go", "c.dirs[from^1].packets == 0", "c.dirs[from^1].packets == 1"),
    ("G3 bytes", "gaps.go", "r.bytes > l.HeldBytes", "r.bytes > l.HeldBytes+1"),
    ("G3 segments", "gaps.go", "len(r.held) > l.HeldSegments", "len(r.held) > l.HeldSegments+1"),
    ("G3 gives up one hole", "gaps.go", "for (r.bytes > l.HeldBytes", "if (r.bytes > l.HeldBytes"),
    ("G3 all", "gaps.go", "f.holders.total+f.aside > l.TotalHeldBytes ||", "f.holders.total+f.aside > l.TotalHeldBytes<<1 ||"),
    ("G3 all, suspects apart", "gaps.go", "f.holders.total+f.aside > l.TotalHeldBytes ||", "f.holders.total > l.TotalHeldBytes ||"),
    ("limit of suspects", "suspects.go", "f.holders.total+f.aside > f.config", "0 > f.config"),
    ("limit of suspects, to the byte", "suspects.go", "f.holders.total+f.aside > f.config", "f.holders.total+f.aside >= f.config"),
    ("limit of a direction's suspects", "suspects.go", "if len(r.suspects) == maxSuspects {", "if len(r.suspects) == maxSuspects-1 {"),
    (
        "limit of a direction's suspects, the newest goes",
        "suspects.go",
        "if s.packet < r.suspects[oldest].packet {",
        "if s.packet > r.suspects[oldest].packet {",
    ),
    ("G3 ranges of all", "gaps.go", "f.holders.ranges > max(", "f.holders.ranges > 1 + max("),
    ("G3 takes the smallest", "gaps.go", "return a.memory() > b.memory()", "return a.memory() < b.memory()"),
    (
        "G3 counts no marks",
        "reassembly.go",
        "f.holders.changed(r, int64(len(n.data)), 1)",
        "f.holders.changed(r, int64(len(n.data)), min(1, len(n.data)))",
    ),
    ("G4 tail", "gaps.go", "if d.has(based) && end > d.next {", "if false {"),
    ("G4 up to the ACK", "gaps.go", "end = d.fin }", "end = d.ack }"),
    ("G4 order of directions", "lifetime.go", "f.giveUpAll(c, c.client)", "f.giveUpAll(c, c.client^1)"),
    ("G4 keeps what is held", "gaps.go", "for f.lowestHole(c, from, GapClose) {", "for false {"),
    # Closing.
    ("FIN below data", "direction.go", "off < d.right() && !d.has(unanchored):", "off < d.next && !d.has(unanchored):"),
    ("FIN below data of an unanchored direction", "direction.go", "off < d.right() && !d.has(unanchored):", "off < d.right():"),
    ("FIN at the edge of data", "direction.go", "off < d.right() && !d", "off <= d.right() && !d"),
    ("FIN far away", "direction.go", "case f.far(c, from, off) || d.has(unanchored):", "case d.has(unanchored):"),
    ("FIN of an unanchored direction", "direction.go", "case f.far(c, from, off) || d.has(unanchored):", "case f.far(c, from, off):"),
    ("FIN, the second counts", "direction.go", "case d.fin != noFIN || off < d", "case off < d"),
    ("half-closed early", "direction.go", "if d.next != d.fin ||", "if d.next > d.fin ||"),
    (
        "closed by one FIN",
        "segment.go",
        "if !c.dirs[0].has(finished) || !c.dirs[1].has(finished) || c.has(reset) {",
        "if !c.dirs[0].has(finished) && !c.dirs[1].has(finished) || c.has(reset) {",
    ),
    ("FIN tombstone forgotten", "segment.go", "f.end(c, CloseFIN, c.closedBy, true)", "f.end(c, CloseFIN, c.closedBy, false)"),
    ("flush forgotten", "follower.go", "f.flush(c)", "f.bury(c, false)"),
    ("flush in the grace", "follower.go", "if f.clock.now >= f.graceUntil && !f.sweep() {", "if !f.sweep() {"),
    ("first FIN by any number", "segment.go", "why == CloseFIN && d.next == d.offsetOf(end) {", "why == CloseFIN {"),
    ("first FIN before SYN+ACK", "segment.go", "f.config.CloseOn == CloseOnBoth || c.has(synACKSeen)", "true"),
    ("first RST before SYN+ACK", "reset.go", "if c.has(synACKSeen) {", "if true {"),
    ("first RST loses its data", "reset.go", "if s.Wire > 0 {", "if false {"),
    # Reset.
    ("RST anywhere", "reset.go", "off >= min(d.next, d.ack) && off <= c.windowEnd(from)", "true"),
    ("RST at the right edge", "reset.go", "return off == d.right() || off", "return off"),
    ("RST window", "reset.go", "off <= c.windowEnd(from)", "off <= d.right()"),
    ("RST at the window's end", "reset.go", "off <= c.windowEnd(from)", "off < c.windowEnd(from)"),
    ("RST window scale", "reset.go", "scale = 14", "scale = 0"),
    ("RST below the ACK", "reset.go", "off >= min(d.next, d.ack)", "off > max(d.next, d.ack)"),
    ("RST at the next number", "reset.go", "case off == d.next, off == d.ack,", "case off == d.ack,"),
    ("RST at the ACK", "reset.go", "case off == d.next, off == d.ack,", "case off == d.next,"),
    ("RST strict", "reset.go", "case f.config.RST == RSTStrict:", "case false:"),
    ("RST ignored", "reset.go", "case f.config.RST == RSTIgnore:", "case false:"),
    ("RST in SYN-SENT, without ACK", "reset.go", "return hasACK && ack >= 0 && ack <= p.right()", "return ack >= 0 && ack <= p.right()"),
    (
        "RST in SYN-SENT, acknowledges too little",
        "reset.go",
        "return hasACK && ack >= 0 && ack <= p.right()",
        "return hasACK && ack <= p.right()",
    ),
    (
        "RST in SYN-SENT, acknowledges the SYN",
        "reset.go",
        "return hasACK && ack >= 0 && ack <= p.right()",
        "return hasACK && ack > 0 && ack <= p.right()",
    ),
    ("RST in SYN-SENT, acknowledges too much", "reset.go", "return hasACK && ack >= 0 && ack <= p.right()", "return hasACK && ack >= 0"),
    (
        "RST in SYN-SENT, acknowledges the SYN's data",
        "reset.go",
        "return hasACK && ack >= 0 && ack <= p.right()",
        "return hasACK && ack >= 0 && ack < p.right()",
    ),
    ("RST in SYN-SENT as later", "reset.go", "if p.has(synSeen) && !d.anchored() {", "if false {"),
    ("RST of the SYN's sender, at the SYN", "reset.go", ", off == -1 && d.has(synSeen) && !p.anchored():", ":"),
    (
        "RST of the SYN's sender, at the SYN of a mid-stream",
        "reset.go",
        "off == -1 && d.has(synSeen) && !p.anchored():",
        "off == -1 && !p.anchored():",
    ),
    ("RST at the SYN, later", "reset.go", "off == -1 && d.has(synSeen) && !p.anchored():", "off == -1 && d.has(synSeen):"),
    ("RST of a side without numbers", "reset.go", "return hasACK } off", "return true\n\t}\n\toff"),
    ("RST of a side without numbers, never", "reset.go", "return hasACK } off", "return false\n\t}\n\toff"),
    ("RST of what an unknown side never sent", "reset.go", "if hasACK && p.anchored() && p.offsetOf", "if hasACK && p.offsetOf"),
    ("RST of what was never sent", "reset.go", "> max(p.right(), p.ack)+1 {", "> max(p.right(), p.ack)+1<<20 {"),
    ("RST of a FIN that was sent", "reset.go", "max(p.right(), p.ack)+1 {", "max(p.right(), p.ack) {"),
    ("RST of an unseen side", "segment.go", "d.offsetOf(c.rare.resetSeq)", "streamOffset(uint32(c.rare.resetSeq))"),
    ("RST of an unknown connection", "segment.go", "decode.SYN || s.Flags&decode.RST != 0 {", "decode.SYN {"),
    (
        "RST's ACK is believed",
        "segment.go",
        "f.reset(c, from, s, src)\n\t\treturn",
        "f.acknowledge(c, from^1, s); f.reset(c, from, s, src)\n\t\treturn",
    ),
    (
        "RST payload is data",
        "reset.go",
        "case !c.has(reset):",
        "case !c.has(reset):\n\t\tf.payload(c, from, seqNum(s.Seq), s, src)",
    ),
    ("limit of reset text", "reset.go", "const maxResetText = 1024", "const maxResetText = 1023"),
    ("RST by whom", "reset.go", "= c.last, from, seqNum(s.Seq)", "= c.last, from^1, seqNum(s.Seq)"),
    ("RST, the last counts", "reset.go", "case !c.has(reset):", "default:"),
    ("RST cancelled by late bytes", "segment.go", "end > max(d.next, d.offsetOf(c.rare.resetSeq))", "end > d.next"),
    ("RST cancelled out of sequence", "segment.go", "&& off <= d.next && end", "&& end"),
    ("RST cancelled by the other side", "segment.go", "c.has(reset) && c.rare.resetBy == from &&", "c.has(reset) &&"),
    ("RST never cancelled", "segment.go", "f.cancelReset(c)", "_ = c"),
    ("timeout RST linger", "lifetime.go", "t.Handshake, t.RSTLinger", "t.Handshake, t.Idle"),
    ("RST linger counts anew", "lifetime.go", "if k == lingering && c.class == k {", "if false {"),
    ("RST, then both FINs", "segment.go", "|| !c.dirs[1].has(finished) || c.has(reset) {", "|| !c.dirs[1].has(finished) {"),
    (
        "RST tombstone forgotten",
        "lifetime.go",
        "f.end(c, CloseRST, c.by(c.rare.resetBy), true)",
        "f.end(c, CloseRST, c.by(c.rare.resetBy), false)",
    ),
    # Time.
    ("timeout handshake", "lifetime.go", "t.Handshake, t.RSTLinger", "t.Idle, t.RSTLinger"),
    ("timeout half-closed", "lifetime.go", "t.HalfClosed, t.Idle", "t.Idle, t.Idle"),
    (
        "timeout idle",
        "lifetime.go",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, t.Idle",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, -1",
    ),
    ("timeout tombstone", "tombstone.go", "linger := f.config.Timeouts.CloseLinger", "linger := f.config.Timeouts.Handshake"),
    ("tombstone moves after another time", "tombstone.go", "f.config.Timeouts.CloseLinger):", "f.config.Timeouts.Handshake):"),
    ("timeout never", "gaps.go", "if d < 0 || t > never-int64(d) {", "if d = max(0, d); t > never-int64(d) {"),
    (
        "tombstone is overdue a moment late",
        "tombstone.go",
        "return at <= f.clock.now && at != never",
        "return at < f.clock.now && at != never",
    ),
    (
        "expiry a moment late",
        "lifetime.go",
        "if due > f.clock.now || due == never { return c }",
        "if due >= f.clock.now || due == never { return c }",
    ),
    ("expiry at its packet's time", "lifetime.go", "cause{f.clock.stamp(due), 0, due}", "cause{now.time, 0, due}"),
    ("expiry at elapsed time", "lifetime.go", "cause{f.clock.stamp(due), 0, due}", "cause{due, 0, due}"),
    ("expiry, the tombstone's time", "lifetime.go", "cause{f.clock.stamp(due), 0, due}", "cause{f.clock.stamp(due), 0, now.at}"),
    ("expiry by its packet", "lifetime.go", "cause{f.clock.stamp(due), 0, due}", "cause{f.clock.stamp(due), now.packet, due}"),
    ("expiries of one moment", "lifetime.go", "t == due && c.id < first.id", "t == due && c.id > first.id"),
    ("clock leaps", "clock.go", "case apart(c.reference, t): c.jump, c.jumped = t, true", "case false:"),
    ("clock goes back", "clock.go", "case t > c.reference:", "default:"),
    (
        "clock, a jump is never believed",
        "clock.go",
        "if c.jumped = false; !apart(c.jump, t) ||",
        "if c.jumped = false; false && !apart(c.jump, t) &&",
    ),
    ("clock, a jump is believed near by alone", "clock.go", "|| (t > c.jump) == (c.jump > c.reference) {", "{"),
    ("clock, a jump is believed beyond alone", "clock.go", "!apart(c.jump, t) || (t", "(t"),
    ("clock, a jump is always believed", "clock.go", "|| (t > c.jump) == (c.jump > c.reference) {", "|| true {"),
    ("clock, a jump waits for ever", "clock.go", "if c.jumped = false; !apart", "if !apart"),
    ("clock, a step of an hour", "clock.go", "> uint64(maxStep)", ">= uint64(maxStep)"),
    ("clock, a step of more", "clock.go", "maxStep = int64(time.Hour)", "maxStep = int64(2*time.Hour)"),
    ("clock, a pause of a year", "clock.go", "<= uint64(maxPause) {", "< uint64(maxPause) {"),
    ("clock, a pause of any length", "clock.go", "&& uint64(t)-uint64(c.highest) <= uint64(maxPause) {", "{"),
    ("clock, pauses count from the reference", "clock.go", "pause = t - c.highest", "pause = t - c.reference"),
    ("clock, pauses count from the first reference", "clock.go", "c.highest = max(c.highest, c.reference)", ""),
    ("clock, pauses count from the last reference", "clock.go", "c.highest = max(c.highest, c.reference)", "c.highest = c.reference"),
    ("clock, a pause is no time", "clock.go", "c.now = saturatedSum(c.now, pause)", ""),
    ("clock, set keeps the jump", "clock.go", "c.jumped = false if c.started", "if c.started"),
    ("clock, set is not believed", "clock.go", "if c.started && apart(c.reference, t) { c.believe(t) }", ""),
    ("clock, set believes what is near", "clock.go", "if c.started && apart(c.reference, t) {", "if c.started {"),
    ("clock overflows", "clock.go", "case b > 0 && sum < a:", "case false:"),
    ("clock overflows below", "clock.go", "case b < 0 && sum > a:", "case false:"),
    ("clock overflows to no time", "clock.go", "return NoTime + 1", "return NoTime"),
    (
        "deadlines at a jump",
        "lifetime.go",
        "f.calmUntil = f.clock.stamp(f.sweepAt); f.clock.jumped {",
        "f.calmUntil = f.clock.stamp(f.sweepAt); false {",
    ),
    ("pause without a grace", "lifetime.go", "if pause > 0 {", "if pause < 0 {"),
    ("pause with a grace, a second", "lifetime.go", "jumpGrace = int64(10 * time.Second)", "jumpGrace = int64(time.Second)"),
    ("sweep in the grace", "lifetime.go", "if at = max(at, f.graceUntil); at < f.sweepAt {", "if at < f.sweepAt {"),
    ("sweep a moment late", "lifetime.go", "if f.clock.now >= f.sweepAt {", "if f.clock.now > f.sweepAt {"),
    ("leapers never land", "segment.go", "f.leapers = append(f.leapers, leaper{c: c})", ""),
    ("leapers land again", "lifetime.go", "f.leapers = f.leapers[:0]", ""),
    ("leapers, tombstones never land", "tombstone.go", "f.leapers = append(f.leapers, leaper{key: *k})", ""),
    ("postpone, the idle time", "lifetime.go", "then := c.last c.last = f.clock.now", "then := c.last"),
    ("postpone, the reset", "lifetime.go", "c.rare.resetAt = c.last", ""),
    ("postpone, an earlier reset", "lifetime.go", "c.rare != nil && c.rare.resetAt == then {", "c.rare != nil {"),
    ("postpone, what is held", "lifetime.go", "h.arrived = c.last", ""),
    ("postpone, what was held", "lifetime.go", "h != nil && h.arrived == then; h", "h != nil; h"),
    ("postpone, acknowledgements", "lifetime.go", "r.acks[j].time = c.last", ""),
    ("postpone, earlier acknowledgements", "lifetime.go", "j >= 0 && r.acks[j].time == then; j--", "j >= 0; j--"),
    ("short cut in the packet of a jump", "segment.go", "!f.overdue && !f.clock.jumped &&", "!f.overdue &&"),
    ("no time", "follower.go", "} else if t != NoTime {", "} else {"),
    ("no time, before a time", "follower.go", "if t >= f.clock.reference && t < f.calmUntil {", "if t < f.calmUntil {"),
    ("no time, to advance to", "follower.go", "if t != NoTime { f.clock.set(t)", "if true { f.clock.set(t)"),
    # Equal addresses in several networks.
    ("separation, IPv6", "flowtable.go", "above := keyIPv6 | uint64(s.Separation)<<keySeparation", "above := uint64(keyIPv6)"),
    ("separation by a priority tag", "internal/decode/separate.go", "&& id != 0 {", "{"),
    ("separation by outer addresses beside an id", "internal/decode/separate.go", "p.separation, p.outer = p.outer-1, 0", "p.outer = 0"),
    ("separation by outer addresses in their order", "internal/decode/separate.go", "low, high = high, low", "low, high = low, high"),
    (
        "separation by the flow of NVGRE",
        "internal/decode/separate.go",
        "p.enterNetwork(separateNVGRE, vsid)",
        "p.enterNetwork(separateNVGRE, key)",
    ),
    (
        "separation of a plain frame",
        "internal/decode/plain.go",
        "seg.Owned, seg.Separation = false, false, 0",
        "seg.Owned, _ = false, false, 0",
    ),
    ("separation of a tombstone is kept", "tombstone.go", "g.separations.Release(t.key.separation())", ""),
    ("separation of a connection is kept", "connection.go", "s.separations.Release(c.key.separation())", ""),
    # Files joined by cat.
    ("joined file: any accuracy", "internal/capture/magic.go", "field(8)|field(12) != 0", "false"),
    ("joined file: any link type", "internal/capture/magic.go", "field(20)&reserved != 0", "false"),
    ("joined file: any snap length", "internal/capture/magic.go", "snap > longestSnap && snap != unlimited && snap != noSnap", "false"),
    ("joined file: behind pcapng none", "internal/capture/pcapng.go", "err := r.joined(b); done {", "err := r.joined(b); done && false {"),
    # Limits.
    ("polling moves all that waits", "queue.go", "done > 4096 && done > n/2", "done > 0"),
    ("a call takes any number of packets", "input.go", "packets >= callPackets", "packets >= 2*callPackets"),
    ("a call takes as much of slow formats", "input.go", "if slow {", "if false {"),
    ("limit of connections", "lifetime.go", "< f.config.Limits.Connections {", "<= f.config.Limits.Connections {"),
    ("limit of closed connections", "tombstone.go", "int(g.n) >= f.config.Limits.Closed", "int(g.n) > f.config.Limits.Closed"),
    (
        "limit of waiting events",
        "queue.go",
        "f.queue.waiting() >= f.config.Limits.QueuedEvents",
        "f.queue.waiting() > f.config.Limits.QueuedEvents",
    ),
    ("limit of waiting bytes", "queue.go", "f.queue.bytes >= f.config.Limits.QueuedBytes", "f.queue.bytes > f.config.Limits.QueuedBytes"),
    ("limit of reminders", "lifetime.go", "len(f.reminders) > 2*f.table.used+1024", "false"),
    ("eviction order", "lifetime.go", "c := f.conns.oldest(k)\n\t\tif c == nil {", "c := f.conns.oldest(classes - k)\n\t\tif c == nil {"),
    ("eviction, tombstones last", "lifetime.go", "if f.graves.n > 0 {", "if false {"),
    ("eviction by age", "connection.go", "if c.class == to && s.tails[to] == c.index+1 {", "if c.class == to {"),
    ("eviction not told", "lifetime.go", "f.end(c, CloseEvicted, ByNone, false)", "f.bury(c, false)"),
    # Short cuts, which must give what the long way does.
    ("short cut past a hole", "segment.go", "s.Wire > 0 && d.slow.waits() {", "false {"),
    ("short cut past a suspect", "reassembly.go", "(len(r.held) > 0 || len(r.suspects) > 0)", "len(r.held) > 0"),
    ("short cut past an ACK ahead of the data", "segment.go", "d.ack > d.next || p.ack > p.next ||", "p.ack > p.next ||"),
    ("short cut past an ACK ahead of the peer's data", "segment.go", "d.ack > d.next || p.ack > p.next ||", "d.ack > d.next ||"),
    ("short cut past a waiting SYN", "segment.go", "p.ack > p.next || c.rare.waits() ||", "p.ack > p.next ||"),
    ("events give back too early", "queue.go", "if last > events {", "if last > events+1 {"),
    ("tombstones meet in the ring", "tombstone.go", "if int(g.n) > (len(g.ring)-1)*plots {", "if int(g.n) > len(g.ring)*plots {"),
    ("short cut past a FIN", "segment.go", "|| d.fin != noFIN ||", "||"),
    ("short cut past two SYN+ACKs", "segment.go", "c.class != established || c.has(doubtfulISN) ||", "c.class != established ||"),
    ("short cut whatever the class", "segment.go", "c.class != established ||", ""),
    (
        "a connection's stamp at the flush",
        "segment.go",
        "c.last, c.lastAt = f.clock.now, f.cause.time d.packets++ if s",
        "c.last = f.clock.now\nd.packets++\nif s",
    ),
    (
        "a connection's last packet",
        "segment.go",
        "c.last, c.lastAt = f.clock.now, f.cause.time d.packets++ if s",
        "c.lastAt = f.cause.time\nd.packets++\nif s",
    ),
    (
        "a connection's stamp at the flush, the long way",
        "segment.go",
        "c.last, c.lastAt = f.clock.now, f.cause.time if f",
        "c.last = f.clock.now\nif f",
    ),
    ("short cut past a cut packet", "segment.go", "|| len(s.Payload) != s.Wire ||", "||"),
    ("short cut past an ACK beyond everything", "segment.go", "if ack > p.next {", "if false {"),
    ("short cut past flags", "segment.go", "s.Flags&^(decode.PSH|decode.ECE|decode.CWR) != decode.ACK", "s.Flags&decode.ACK == 0"),
    ("short cut forgets the edge", "segment.go", "d.slow.right = max(d.slow.right, d.next)", "_ = d"),
    ("short cut forgets the ACK", "segment.go", "= s.Window, max(p.ack, ack)", "= s.Window, p.ack"),
    ("short cut forgets the window", "segment.go", "p.window, p.ack = s.Window,", "p.window, p.ack = p.window,"),
    ("plain frame, header longer than it", "internal/decode/plain.go", "total < ipv4Len+header ||", ""),
    ("plain frame, a SYN", "internal/decode/plain.go", "if seg.Flags&SYN != 0 {", "if false {"),
]


Mutant = tuple[str, str, str, str]


class Unclear(Exception):
    """The tests say nothing about a mutant; the text tells why."""


def copy_tree(folder: str) -> pathlib.Path:
    tree = pathlib.Path(folder) / "gofollow"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git", "node_modules"))
    return tree


def mutate(source: str, old: str, new: str) -> str | None:
    """Put new in old's place, None if that is not there or not the only one.

    Any white space in old stands for any: a line that was wrapped anew is still found.
    """
    places = list(re.finditer(r"\s+".join(re.escape(word) for word in old.split()), source))
    if len(places) != 1:
        return None
    changed = source[: places[0].start()] + new + source[places[0].end() :]
    return changed if changed != source else None


def first(file: str) -> list[str]:
    """The tests that are most likely to notice a change of that file, and take little time."""
    package = pathlib.PurePath("gofollow", file).parent
    cases = ["-run", f"^({QUICK})$"] if str(package) == "gofollow" else []
    return [*TEST, "-timeout", "10s", *cases, f"./{package}"]


def run(tree: pathlib.Path, test: list[str]) -> str | None:
    """Run tests; name the one that failed, None if all passed."""
    done = subprocess.run(test, cwd=tree, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == 0:
        return None
    if late := re.search(
        r"^panic: (test timed out after \S+)\s+running tests:\s+(?:\S+ \(\S+\)\s+)*?(\S+) \(\S+\)\n\n", done.stdout, re.MULTILINE
    ):
        return f"{late[2]}: {late[1]}"
    if failed := re.findall(r"^ *--- FAIL: (\S+)", done.stdout, re.MULTILINE):
        return str(max(failed, key=len))  # the case rather than the test that it belongs to
    if died := re.search(r"^(?:panic|fatal error): .*", done.stdout, re.MULTILINE):
        return died[0]
    raise Unclear(done.stdout.strip())


def fitting(tree: pathlib.Path, mutants: list[Mutant]) -> dict[str, str]:
    """The changed source of each mutant."""
    changed: dict[str, str] = {}
    unfit: list[str] = []
    for name, file, old, new in mutants:
        source = mutate((tree / "gofollow" / file).read_text(encoding="utf-8"), old, new)
        if source is None or name in changed:
            unfit.append(f"{name}: gofollow/{file} has not just one place that reads {old!r}, or there are two of this name")
        else:
            changed[name] = source
    if unfit:
        raise Unclear("these must change as the code did:\n" + "\n".join(unfit))
    return changed


def kill(tree: pathlib.Path, chosen: list[Mutant]) -> list[str]:
    """Try the mutants; return those that live."""
    changed = fitting(tree, MUTANTS)
    print("unchanged code: ", end="", flush=True)
    for test in {" ".join(t): t for t in [ALL, *(first(file) for _, file, _, _ in chosen)]}.values():
        if failed := run(tree, test):
            raise Unclear(f"{failed} fails")
    print("all tests pass", flush=True)
    alive: list[str] = []
    for name, file, _, _ in chosen:
        path = tree / "gofollow" / file
        source = path.read_text(encoding="utf-8")
        path.write_text(changed[name], encoding="utf-8")
        print(f"{name}: ", end="", flush=True)
        try:
            by = run(tree, first(file)) or run(tree, ALL)
            print(f"killed by {by}" if by else "LIVES", flush=True)
        except Unclear as error:
            by = None
            print(f"NOT TESTED\n{error}", flush=True)
        if not by:
            alive.append(name)
        path.write_text(source, encoding="utf-8")
    return alive


def main() -> int:
    chosen = [m for m in MUTANTS if len(sys.argv) == 1 or any(word in m[0] for word in sys.argv[1:])]
    if not chosen:
        print(f"mutants: stopped: no name contains {' or '.join(sys.argv[1:])}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            alive = kill(copy_tree(folder), chosen)
        except Unclear as error:
            print(f"mutants: stopped: {error}", flush=True)
            return 2
    for name in alive:
        print(f"alive: {name}")
    print(f"mutants: {len(chosen) - len(alive)} of {len(chosen)} killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
