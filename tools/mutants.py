#!/usr/bin/env python3
"""Breaks the engine in one place at a time and runs its tests: every mutant must fail some test.

    tools/mutants.py [WORD ...]      all mutants, or those whose name contains one of the words

The tree is copied, so nothing here is changed. Mutants inside functions are built all at once: each is a copy of the
function's body, and an environment variable selects it. The others, and those that do not compile in this way, are
built one at a time. A mutant is killed by a test that fails or takes for ever; one that does not compile is not.
Exits 1 if a mutant is not killed, 2 if nothing can be said: when the tests fail as they are, or a mutant does not fit
the code.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUICK = "^(TestCases|TestRoles|TestWrap|TestAdvanceTime|TestNoTime|TestFlushTime|TestMoved)$"
SWITCH = 'package mutant\n\nimport ("os"; "strconv")\n\nvar Number, _ = strconv.Atoi(os.Getenv("GOFOLLOW_MUTANT"))\n'
ENVIRONMENT = os.environ | {"GOFOLLOW_RUNS": "200"}  # fewer random captures: what only the thousandth shows is not a test of a rule

# name, file in gofollow/, what stands there, what is put in its place
MUTANTS = [
    # Numbers.
    ("unwrap from next alone", "direction.go", "max(d.next, d.right(), d.ack)", "d.next"),
    ("unwrap without the right edge", "direction.go", "max(d.next, d.right(), d.ack)", "max(d.next, d.ack)"),
    ("unwrap without the ACK", "direction.go", "max(d.next, d.right(), d.ack)", "max(d.next, d.right())"),
    ("wrap off by one", "internal/seq/seq.go", "return base + Number(uint32(off))", "return base + Number(uint32(off%(1<<32-1)))"),
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
    ("limit of layers", "internal/decode/decoder.go", "for range MaxLayers {", "for range 2 * MaxLayers {"),
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
    ("length of a frame in a datagram", "internal/decode/udp.go", "return checked(next, p)\n\tcase NotTCP", "return next\n\tcase NotTCP"),
    ("MACsec, encrypted", "internal/decode/tag.go", "case flags&(encrypted|changed) != 0:", "case false:"),
    ("MACsec, channel", "internal/decode/tag.go", "case flags&hasChannel != 0:", "case false:"),
    ("frames left by what is not a tunnel", "internal/decode/udp.go", "d.rest = d.rest[:rest]", "_ = rest"),
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
    ("urgent byte taken out unasked", "segment.go", "t.config.Urgent == UrgentOOB && urgent(s)", "urgent(s)"),
    ("anomalies unasked", "streams.go", "!st.config.Anomalies || !c.has(opened)", "!c.has(opened)"),
    # Opening.
    ("client by SYN+ACK", "table.go", "c.client, c.rolesFrom, c.start = from^1,", "c.client, c.rolesFrom, c.start = from,"),
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
    ("mid-stream not wanted", "segment.go", "t.config.NoMidstream && s.Flags&(decode.SYN|decode.ACK) != decode.SYN {", "false {"),
    ("keep-alive as the start", "handshake.go", "if d.flags &^= hinted; seq == d.base+1 &&", "if d.flags &^= hinted; false &&"),
    ("keep-alive as the start, any number above", "handshake.go", "seq == d.base+1 && !d.begun() {", "!d.begun() {"),
    ("keep-alive as the start, although the stream has begun", "handshake.go", "seq == d.base+1 && !d.begun() {", "seq == d.base+1 {"),
    ("a hint lasts", "handshake.go", "if d.flags &^= hinted; seq", "if seq"),
    ("a hint by data", "handshake.go", "if s.Wire == 0 { d.flags |= hinted", "if true { d.flags |= hinted"),
    ("SYN late, below the start", "reuse.go", "return int32(base-d.base) > 0", "return true"),
    ("SYN late, above the start", "reuse.go", "return int32(base-d.base) > 0", "return false"),
    ("SYN late, on a stream that has begun", "reuse.go", "case d.has(synSeen) || d.begun():", "case d.has(synSeen):"),
    ("SYN late, on a stream whose SYN was seen", "reuse.go", "case d.has(synSeen) || d.begun():", "case d.begun():"),
    ("SYN late, by what was acknowledged", "reuse.go", "case d.has(ackNoted): return uint32(", "case false: return uint32("),
    ("handshake without SYN+ACK", "handshake.go", "if c.has(synACKSeen) && d.has(synSeen)", "if d.has(synSeen)"),
    ("handshake without a SYN", "handshake.go", "d.has(synSeen) && p.has(synSeen) {", "p.has(synSeen) {"),
    ("SYN+ACKs, the first counts", "handshake.go", "c.flags |= doubtfulISN", "return"),
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
    ("endpoint to itself", "segment.go", "s.Flags&decode.ACK != 0 && !c.key.Loops()", "s.Flags&decode.ACK != 0"),
    # Where a stream begins.
    ("unanchored, without a mark", "handshake.go", "d.flags |= based | unanchored", "d.flags |= based"),
    ("unanchored, what lies below", "direction.go", "unanchoredAt streamOffset = 1 << 30", "unanchoredAt streamOffset = 0"),
    (
        "unanchored, a bare acknowledgement",
        "handshake.go",
        "if s.Wire > 0 || s.Flags&decode.FIN != 0 { st.unanchor",
        "if true { st.unanchor",
    ),
    ("unanchored, no FIN", "handshake.go", "if s.Wire > 0 || s.Flags&decode.FIN != 0 { st.unanchor", "if s.Wire > 0 { st.unanchor"),
    ("unanchored, never", "handshake.go", "case !d.has(based) && p.has(synSeen):", "case false:"),
    ("unanchored, delivers", "reassembly.go", "len(payload)) == hi-lo && !d.has(unanchored)", "len(payload)) == hi-lo"),
    ("anchor, longest hole", "direction.go", "if h.End < end-maxAnchorHole {", "if h.End <= end-maxAnchorHole {"),
    ("anchor, longest hole to the byte", "direction.go", "if h.End < end-maxAnchorHole {", "if h.End < end-maxAnchorHole-1 {"),
    ("anchor, no hole", "direction.go", "if h.End < end-maxAnchorHole {", "if h.End < end {"),
    ("anchor, what lies above", "direction.go", "if h.Start < end { if", "if true { if"),
    ("anchor, below what is acknowledged", "direction.go", "end = h.Start", "_ = h.Start"),
    ("anchor, by an ACK of an earlier connection, below", "handshake.go", "off < 0 || st.far(c, of^1, off) {", "st.far(c, of^1, off) {"),
    ("anchor, by an ACK of an earlier connection, above", "handshake.go", "off < 0 || st.far(c, of^1, off) {", "off < 0 {"),
    ("anchor, in SYN-SENT", "handshake.go", "if d.has(synSeen) && !p.anchored() {", "if false && d.has(synSeen) && !p.anchored() {"),
    ("anchor, the highest ACK", "handshake.go", "d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))", "d.ack = d.offsetOf(seqNum(s.Ack))"),
    ("anchor, the first ACK alone", "handshake.go", "d.ack = max(d.ack, d.offsetOf(seqNum(s.Ack)))", ""),
    ("anchor, by what was kept", "reassembly.go", "if h.HasACK && h.End >= 0 {", "if false {"),
    ("anchor, by what was kept below the start", "reassembly.go", "if h.HasACK && h.End >= 0 {", "if h.HasACK {"),
    ("anchor, by an ACK kept at the start", "reassembly.go", "if h.HasACK && h.End >= 0 {", "if h.HasACK && h.End > 0 {"),
    ("anchor, by what no ACK flag was on", "direction.go", "decode.Flags(id.rest>>8)&decode.ACK != 0", "true"),
    ("anchor, an ACK kept of any direction", "streams.go", "if c.dirs[from].has(unanchored) { o.ACK", "if true { o.ACK"),
    ("anchor lowest, of suspects", "handshake.go", "if len(kept) == 0 { kept = d.reassembly.suspects }", ""),
    (
        "anchor lowest, of suspects before what is held",
        "handshake.go",
        "if len(kept) == 0 { kept",
        "if len(d.reassembly.suspects) > 0 { kept",
    ),
    ("anchor lowest, a FIN below data", "handshake.go", "return h.Start < h.End })", "return h.Start <= h.End })"),
    ("anchor lowest, the mark", "handshake.go", "d.flags &^= unanchored", ""),
    ("anchor lowest, both sides at the end", "gaps.go", "st.anchorLowest(c, from^1) // its", "// its"),
    ("anchor lowest, by age", "gaps.go", "st.anchorLowest(c, from) var end", "var end"),
    ("anchor lowest, by the limits", "gaps.go", "st.anchorLowest(c, from) lowest :=", "lowest :="),
    ("held, of an unanchored direction", "reassembly.go", "if d.has(unanchored) { return } var taken", "var taken"),
    (
        "begin at the ACK, never",
        "connection.go",
        "if d := &c.dirs[from]; !d.has(based) && d.has(ackNoted) && c.dirs",
        "if d := &c.dirs[from]; false && d.has(ackNoted) && c.dirs",
    ),
    ("begin at the ACK, no SYN", "connection.go", "d.has(ackNoted) && c.dirs[from^1].has(synSeen) {", "d.has(ackNoted) {"),
    ("move, the ACK", "handshake.go", "d.ack = max(0, d.ack-by); d.has(ackNoted)", "d.ack += 0; d.has(ackNoted)"),
    ("move, the ACK below", "handshake.go", "d.ack = max(0, d.ack-by); d.has(ackNoted)", "d.ack -= by; d.has(ackNoted)"),
    ("move, an ACK beyond belief", "handshake.go", "d.has(ackNoted) && d.ack > maxACKLead {", "false {"),
    (
        "move, an ACK as far as is believed",
        "handshake.go",
        "d.has(ackNoted) && d.ack > maxACKLead {",
        "d.has(ackNoted) && d.ack >= maxACKLead {",
    ),
    ("move, any ACK beyond belief", "handshake.go", "d.has(ackNoted) && d.ack > maxACKLead {", "d.ack > maxACKLead {"),
    ("move, the FIN", "handshake.go", "st.finish(c, from, fin-by)", "st.finish(c, from, fin)"),
    ("move, the FIN below", "handshake.go", "if fin != noFIN && fin >= by {", "if fin != noFIN {"),
    ("move, the FIN at the start", "handshake.go", "if fin != noFIN && fin >= by {", "if fin != noFIN && fin > by {"),
    ("move, the FIN stays", "handshake.go", "d.fin = noFIN if d.reassembly", "if d.reassembly"),
    ("move, the noted ACK", "handshake.go", "d.flags&^(ackNoted|unanchored) | based", "d.flags&^unanchored | based"),
    (
        "move, the held ranges",
        "handshake.go",
        "if d.reassembly != nil { st.moveHeld(c, from, by, leftovers)",
        "if false { st.moveHeld(c, from, by, leftovers)",
    ),
    ("move, leftovers", "handshake.go", "d.offsetOf(base), d.has(unanchored)", "d.offsetOf(base), false"),
    ("move, no leftovers", "handshake.go", "d.offsetOf(base), d.has(unanchored)", "d.offsetOf(base), true"),
    ("move, the edge", "reassembly.go", "r.right = 0 for", "for"),
    ("move, what is settled", "reassembly.go", "{&r.giveUpBelow, &r.doubtfulACK}", "{&r.doubtfulACK}"),
    ("move, the doubted ACK", "reassembly.go", "{&r.giveUpBelow, &r.doubtfulACK}", "{&r.giveUpBelow}"),
    ("move, no doubted ACK", "reassembly.go", "if *off > 0 { // 0", "if true { // 0"),
    ("move, the marks of ACKs", "reassembly.go", "r.acks[i].off -= by", "_ = i"),
    (
        "move, the account of what is held",
        "reassembly.go",
        "st.holders.account(c, from, ranges.Size{Bytes: -size.Bytes, Ranges: -size.Ranges})",
        "",
    ),
    ("move, suspects", "reassembly.go", "moved = append(moved, h) } r.suspects = nil", "}\nr.suspects = nil"),
    (
        "move, the account of suspects",
        "reassembly.go",
        "for _, h := range r.suspects { st.aside -= int64(len(h.Data))",
        "for _, h := range r.suspects {",
    ),
    ("move, in order of arrival", "reassembly.go", "if leftovers { slices.SortStableFunc", "if false { slices.SortStableFunc"),
    ("move, far segments", "reassembly.go", "if st.far(c, from, h.Start) || (leftovers", "if (leftovers"),
    ("move, leftovers above a hole", "reassembly.go", "|| (leftovers && h.Start > r.right) {", "{"),
    ("move, leftovers at the edge", "reassembly.go", "leftovers && h.Start > r.right) {", "leftovers && h.Start >= r.right) {"),
    ("move, anything above a hole", "reassembly.go", "(leftovers && h.Start > r.right) {", "h.Start > r.right {"),
    ("keep, order of arrival", "reassembly.go", "part.Arrived = max(part.Arrived, youngest.Arrived)", ""),
    ("keep, the edge", "reassembly.go", "d.reassembly.right = max(d.reassembly.right, hi) part", "part"),
    ("keep, the FIN", "reassembly.go", "if h.FIN { st.finish", "if false { st.finish"),
    ("keep, what was not captured", "reassembly.go", "if cut < hi { part.Span", "if false { part.Span"),
    ("keep, why it is a mark", "reassembly.go", "cmp.Or(h.Reason, uint8(GapSnaplen))", "uint8(GapSnaplen)"),
    ("forget ACKs", "direction.go", "d.ack, d.flags = 0, d.flags&^ackNoted", ""),
    ("forget ACKs, marks", "direction.go", "r.acks, r.giveUpBelow, r.doubtfulACK = nil, 0, 0", "r.giveUpBelow, r.doubtfulACK = 0, 0"),
    ("forget ACKs, settled", "direction.go", "r.acks, r.giveUpBelow, r.doubtfulACK = nil, 0, 0", "r.acks, r.doubtfulACK = nil, 0"),
    ("forget ACKs, doubted", "direction.go", "r.acks, r.giveUpBelow, r.doubtfulACK = nil, 0, 0", "r.acks, r.giveUpBelow = nil, 0"),
    ("SYN+ACKs, their ACKs are remembered", "handshake.go", "d.forgetACKs() // they", "// they"),
    ("SYN+ACKs, the client decides for ever", "handshake.go", "c.flags &^= doubtfulISN if !p", "if !p"),
    ("SYN+ACKs, the server decides", "handshake.go", "if c.has(doubtfulISN) && from == c.client {", "if c.has(doubtfulISN) {"),
    ("SYN+ACKs, the client decides after data", "handshake.go", "if !p.begun() { if start", "if true { if start"),
    ("SYN+ACKs, the client acknowledges data", "handshake.go", "start < 0 || start > maxAnchorHole {", "true {"),
    (
        "SYN+ACKs, the client acknowledges what lies below",
        "handshake.go",
        "start < 0 || start > maxAnchorHole {",
        "start > maxAnchorHole {",
    ),
    ("SYN+ACKs, the client acknowledges what lies above", "handshake.go", "start < 0 || start > maxAnchorHole {", "start < 0 {"),
    ("SYN+ACKs, the client acknowledges what lies a hole above", "handshake.go", "start > maxAnchorHole {", "start >= maxAnchorHole {"),
    (
        "before the SYN, any ACK",
        "connection.go",
        "return p.has(synSeen) && !d.anchored() && s.Flags",
        "return false && p.has(synSeen) && !d.anchored() && s.Flags",
    ),
    ("before the SYN, the ACK of the SYN", "connection.go", "p.offsetOf(seqNum(s.Ack)) < 0", "p.offsetOf(seqNum(s.Ack)) <= 0"),
    (
        "before the SYN, on an anchored direction",
        "connection.go",
        "p.has(synSeen) && !d.anchored() && s.Flags",
        "p.has(synSeen) && (true || !d.anchored()) && s.Flags",
    ),
    (
        "before the SYN, without the SYN",
        "connection.go",
        "return p.has(synSeen) && !d.anchored() && s.Flags",
        "return !d.anchored() && s.Flags",
    ),
    (
        "before the SYN, without ACK",
        "connection.go",
        "s.Flags&decode.ACK != 0 && p.offsetOf(seqNum(s.Ack)) < 0",
        "p.offsetOf(seqNum(s.Ack)) < 0",
    ),
    ("SYN of the same number moves nothing", "handshake.go", "if !d.anchored() || d.base != base {", "if d.base != base {"),
    ("SYN of another number moves nothing", "handshake.go", "if !d.anchored() || d.base != base {", "if !d.anchored() {"),
    ("SYN+ACK tells the client's number", "handshake.go", "if !p.has(based) { st.move", "if false { st.move"),
    ("RST takes the ACK as a beginning", "reset.go", "c.beginAtACK(from)", ""),
    # Addresses used again.
    ("reuse when idle", "reuse.go", "c.dirs[from^1].packets == 0 && t.clock.Now", "false && t.clock.Now"),
    ("reuse when idle, the peer captured", "reuse.go", "c.dirs[from^1].packets == 0 && t.clock.Now", "t.clock.Now"),
    ("reuse of a finished side", "reuse.go", "return c.dirs[from].has(finished)", "return false"),
    ("reuse of any side by its SYN+ACK", "reuse.go", "return c.dirs[from].has(finished)", "return true"),
    ("reuse when idle, to the moment", "reuse.go", "t.clock.Now >= clock.After(c.last,", "t.clock.Now > clock.After(c.last,"),
    ("timeout reuse", "reuse.go", "t.config.Timeouts.ReuseIdle", "t.config.Timeouts.Handshake"),
    ("reuse candidate dropped", "reuse.go", "return d.offsetOf(seqNum(s.Seq))+int64(s.Wire) > d.next", "return false"),
    ("reuse candidate kept", "reuse.go", "t.dropCandidate(c)\n\t}\n\treturn candidateUntouched", "}\n\treturn candidateUntouched"),
    (
        "reuse third ACK",
        "reuse.go",
        "case !fitsOld && t.within(base, seqNum(s.Ack)): return candidateOnly",
        "case false: return candidateOnly",
    ),
    (
        "reuse third ACK, whatever the old stream holds",
        "reuse.go",
        "case !fitsOld && t.within(base, seqNum(s.Ack)):",
        "case t.within(base, seqNum(s.Ack)):",
    ),
    ("reuse third ACK, of its sender", "reuse.go", "case !fitsOld && t.within(base, seqNum(s.Seq)):", "case false:"),
    (
        "reuse by data that the old stream may hold",
        "reuse.go",
        "case !fitsOld && t.within(base, seqNum(s.Seq)):",
        "case t.within(base, seqNum(s.Seq)):",
    ),
    ("reuse by data", "reuse.go", "case disjoint && follows(s.Seq), !fitsOld", "case false && disjoint, !fitsOld"),
    ("reuse by data within the old stream", "reuse.go", "case disjoint && follows(s.Seq),", "case (disjoint || true) && follows(s.Seq),"),
    ("reuse by data out of order", "reuse.go", ", !fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Seq)):", ":"),
    (
        "reuse by a bare acknowledgement out of order",
        "reuse.go",
        "!fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Seq)):",
        "!fitsOld && t.within(base, seqNum(s.Seq)):",
    ),
    (
        "reuse by data out of order that the old stream may hold",
        "reuse.go",
        "!fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Seq)):",
        "s.Wire > 0 && t.within(base, seqNum(s.Seq)):",
    ),
    ("reuse by the SYN's own copy", "reuse.go", "case syn: case disjoint", "case false: case disjoint"),
    ("reuse by SYN+ACK", "reuse.go", "answered := syn ||", "answered := false ||"),
    ("reuse by RST", "reuse.go", "s.Flags&decode.RST != 0 || n.segment", "n.segment"),
    ("reuse by the ACK of a SYN+ACK", "reuse.go", "|| n.segment.Flags&decode.ACK != 0", ""),
    ("reuse by any ACK", "reuse.go", "answered := syn ||", "answered := true ||"),
    ("reuse by data of the peer", "reuse.go", ", !fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Ack)):", ":"),
    (
        "reuse by data of the peer that the old stream may hold",
        "reuse.go",
        ", !fitsOld && s.Wire > 0 && t.within(base, seqNum(s.Ack)):",
        ", s.Wire > 0 && t.within(base, seqNum(s.Ack)):",
    ),
    ("reuse by any SYN+ACK", "reuse.go", "case answered && follows(s.Ack),", "case answered,"),
    ("reuse, SYN with data", "reuse.go", "<= uint32(n.segment.Wire) }", "== 0 }"),
    ("reuse candidate lasts, a copy below next", "reuse.go", "+int64(s.Wire) > d.next", "+int64(s.Wire) >= d.next"),
    ("reuse candidate is dropped by its own SYN", "reuse.go", "if !syn && c.continues(from, s) {", "if c.continues(from, s) {"),
    ("reuse within reach", "reuse.go", "int64(s-base) <= st.config.Limits.FarBytes", "true"),
    ("covers up to the edge", "direction.go", "return off >= d.next && off <= d.right()", "return off >= d.next && off < d.right()"),
    ("covers from the next number", "direction.go", "return off >= d.next && off <= d.right()", "return off > d.next && off <= d.right()"),
    ("covers what was delivered", "direction.go", "return off >= d.next && off <= d.right()", "return off <= d.right()"),
    ("window below the next number", "connection.go", "return off >= d.next-1<<16 &&", "return"),
    ("reuse in linger", "reuse.go", "case c.has(reset):", "case false:"),
    ("reuse of a refused one", "reuse.go", "return c.has(reset) && !c.carriedData()", "return false"),
    ("reuse of a refused one, reset", "reuse.go", "return c.has(reset) && !c.carriedData()", "return c.has(reset)"),
    ("reuse of a refused one, no data", "reuse.go", "return c.has(reset) && !c.carriedData()", "return !c.carriedData()"),
    ("reuse by SYN+ACK, mid-stream not wanted", "reuse.go", "case s.Flags&decode.ACK != 0 && t.config.NoMidstream:", "case false:"),
    ("reuse of a live one at once", "reuse.go", "case t.proven(c, from, s):", "case true:"),
    (
        "a SYN opens anew what was not opened",
        "reuse.go",
        "if s.Flags&(decode.SYN|decode.ACK) == decode.SYN { t.forget",
        "if false { t.forget",
    ),
    (
        "limit of candidates",
        "reuse.go",
        "len(t.candidates) >= t.config.Limits.Candidates",
        "len(t.candidates) > t.config.Limits.Candidates",
    ),
    (
        "limit of candidates' bytes",
        "reuse.go",
        "+int64(len(s.Payload)) <= t.config.Limits.TotalHeldBytes",
        "+int64(len(s.Payload)) < t.config.Limits.TotalHeldBytes",
    ),
    ("candidates' bytes stay counted", "table.go", "t.aside -= int64(len(c.extra.candidate.segment.Payload))", ""),
    ("closed connection absorbs a SYN", "internal/timewait/connection.go", "c.has(HadData|ByRST)", "c.has(ByRST)"),
    ("closed connection absorbs a SYN after a RST", "internal/timewait/connection.go", "c.has(HadData|ByRST)", "c.has(HadData)"),
    ("closed connection lets any SYN through", "internal/timewait/connection.go", "c.has(HadData|ByRST) || base != c.start(from)", "true"),
    (
        "closed connection absorbs every SYN",
        "internal/timewait/connection.go",
        "c.has(HadData|ByRST) || base != c.start(from)",
        "c.has(HadData|ByRST)",
    ),
    (
        "closed connection absorbs a SYN+ACK",
        "internal/timewait/connection.go",
        "return !noMidstream && base != c.start(from)",
        "return false",
    ),
    (
        "closed connection lets a SYN+ACK through, mid-stream not wanted",
        "internal/timewait/connection.go",
        "return !noMidstream && base",
        "return base",
    ),
    (
        "closed connection lets a SYN+ACK through",
        "internal/timewait/connection.go",
        "return !noMidstream && base != c.start(from)",
        "return !noMidstream",
    ),
    ("closed connection, start of a finished side", "internal/timewait/connection.go", "return c.End[of] - 1", "return c.End[of]"),
    ("closed connection, start of the server", "internal/timewait/connection.go", "case (of == 1) == c.has(ServerIs1):", "case false:"),
    ("closed connection, the server's side", "connection.go", "if c.client == 0 {", "if c.client == 1 {"),
    ("closed connection, end behind a FIN", "connection.go", "w.Flags |= timewait.FIN0 << i end++", "w.Flags |= timewait.FIN0 << i"),
    ("closed connection covers one more", "internal/timewait/connection.go", "length <= below &&", "length <= below+1 &&"),
    ("closed connection covers all but the last", "internal/timewait/connection.go", "length <= below &&", "length < below &&"),
    (
        "closed connection covers no FIN",
        "internal/timewait/connection.go",
        "if s.Flags&decode.FIN != 0 { length++ }",
        "if s.Flags&decode.FIN != 0 { length += 2 }",
    ),
    ("closed connection covers too far below", "internal/timewait/connection.go", "below <= tail", "below <= tail+1"),
    ("closed connection covers not far enough", "internal/timewait/connection.go", "below <= tail", "below < tail"),
    (
        "closed connection covers an unknown side",
        "internal/timewait/connection.go",
        "return c.has(Known0<<from) && length",
        "return length",
    ),
    (
        "closed connection, last copy",
        "internal/timewait/connection.go",
        "c.absorbed = uint16(min((now-c.ClosedAt)/int64(absorbUnit), math.MaxUint16))",
        "",
    ),
    (
        "closed connection, unit of time",
        "internal/timewait/connection.go",
        "absorbUnit = time.Second / 64",
        "absorbUnit = time.Second / 128",
    ),
    (
        "closed connection for ever",
        "internal/timewait/connection.go",
        "return min(clock.After(last, linger), clock.After(c.ClosedAt, max(linger, maxLinger)))",
        "return clock.After(last, linger)",
    ),
    ("closed connection for a shorter time than configured", "internal/timewait/connection.go", "max(linger, maxLinger)", "maxLinger"),
    ("closed connection, stray data", "reuse.go", "now < clock.After(was.ClosedAt, timeouts.StrayLinger)", "false"),
    ("closed connection, stray data to the moment", "reuse.go", "now < clock.After(was.ClosedAt", "now <= clock.After(was.ClosedAt"),
    ("closed connection, without data", "reuse.go", "case s.Wire == 0 || now <", "case now <"),
    ("timeout stray linger", "reuse.go", "timeouts.StrayLinger", "timeouts.CloseLinger"),
    ("closed connection is kept by one that absorbed", "internal/timewait/table.go", "moved < movesAtOnce && now", "moved < 0 && now"),
    ("closed connection moves early", "internal/timewait/table.go", "&& now >= clock.After(c.ClosedAt, linger):", ":"),
    # One direction: trim, place, deliver.
    ("trim keeps what was delivered", "streams.go", "cut := min(end, d.next)", "cut := min(end, d.next-1)"),
    ("trim keeps what is past FIN", "streams.go", "cut := max(off, d.fin)", "cut := max(off, d.fin+1)"),
    ("trim below the start", "streams.go", "cut := min(end, 0)", "cut := min(end, 1)"),
    ("far limit", "streams.go", "+st.config.Limits.FarBytes\n", "+st.config.Limits.FarBytes*2\n"),
    (
        "far limit, to the byte",
        "streams.go",
        "return off > max(d.right(), d.ack)+st.config",
        "return off >= max(d.right(), d.ack)+st.config",
    ),
    ("far limit ignores the ACK", "streams.go", "return off > max(d.right(), d.ack)+st.config", "return off > d.right()+st.config"),
    ("far segment, never continued", "suspects.go", "if last-first+1 < need {", "if last-first+1 < 1000*need {"),
    ("far segment, continued by one more", "suspects.go", "if last-first+1 < need {", "if last-first < need {"),
    ("far segment, continued upwards", "suspects.go", "for last < len(r.suspects)-1 &&", "for false &&"),
    ("far segment, continued downwards", "suspects.go", "for first > 0 &&", "for false &&"),
    ("far segment, believed run", "suspects.go", "acceptedRun = 16", "acceptedRun = 15"),
    ("far segment, believed run of a captured peer", "suspects.go", "need = acceptedOneSided", "need = acceptedRun"),
    ("far segment, the same again", "suspects.go", "if s.Start <= span.Start && span.End <= s.End &&", "if false &&"),
    ("far segment, the same again with a FIN", "suspects.go", "(s.FIN || !fin) {", "true {"),
    (
        "far segment, acknowledged up to it",
        "reassembly.go",
        "max(d.ack, d.reassembly.right) < d.reassembly",
        "max(d.ack, d.reassembly.right) <= d.reassembly",
    ),
    ("far segment, reached by data", "reassembly.go", "max(d.ack, d.reassembly.right) < d.reassembly", "d.ack < d.reassembly"),
    ("far segment, counts as old as it is", "reassembly.go", "h.Arrived = c.last st.keep", "st.keep"),
    ("far segment of an unanchored direction", "reassembly.go", "if d.has(unanchored) { return false } n :=", "n :="),
    (
        "far segment moves the edge",
        "suspects.go",
        "st.aside += int64(len(h.Data)) if",
        "st.aside += int64(len(h.Data)); r.right = max(r.right, h.End); if",
    ),
    (
        "order of held ranges",
        "internal/ranges/set.go",
        "if mid := int(uint(low+high) >> 1); s.sorted[mid].End <= off {",
        "if mid := int(uint(low+high) >> 1); s.sorted[mid].Start <= off {",
    ),
    ("held, in order of arrival", "internal/ranges/set.go", "r.older, r.newer = older, s.eldest", "r.older, r.newer = nil, s.eldest"),
    ("mark kept for ever", "direction.go", "return d.right() > off || d.ack", "return d.right() >= off || d.ack"),
    ("mark kept although acknowledged", "direction.go", "|| d.ack >= off || d.fin != noFIN", "|| d.fin != noFIN"),
    ("mark kept although finished", "direction.go", "|| d.ack >= off || d.fin != noFIN", "|| d.ack >= off"),
    ("mark wins over bytes", "internal/ranges/policy.go", "return h.Data == nil && n.Data != nil", "return false"),
    ("reordered", "reassembly.go", "reordered := h.Packet != st.cause.packet", "reordered := true"),
    ("late bytes", "direction.go", "n += max(0, s.Shared", "n += 0 * max(0, s.Shared"),
    ("overlap, the default", "internal/ranges/policy.go", "First: {heldStays,", "First: {always,"),
    ("overlap, last", "internal/ranges/policy.go", "Last: {always, always, always}", "Last: {always, always, heldStays}"),
    ("overlap, same start", "internal/ranges/policy.go", "Linux: {always, endsAfter,", "Linux: {always, endsAtLeast,"),
    (
        "overlap, starts after",
        "internal/ranges/policy.go",
        "Solaris: {endsAtLeast, endsAtLeast, endsAfter}",
        "Solaris: {endsAtLeast, endsAtLeast, endsAtLeast}",
    ),
    ("overlap, by what is left of a segment", "internal/ranges/policy.go", "case whole.Start == h.Start:", "case n.Start == h.Start:"),
    ("overlap, by where it ends", "internal/ranges/policy.go", "cmp.Compare(whole.End, h.End)", "cmp.Compare(h.End, whole.End)"),
    ("conflict not reported", "reassembly.go", "bytes.Equal(old, fresh) {", "bytes.Equal(old, old) {"),
    ("ranges pin their packets", "internal/ranges/range.go", "|| 2*len(r.Data)", "|| true || 2*len(r.Data)"),
    ("ACK plausibility", "reassembly.go", "ack > d.right()+maxACKLead+gaps &&", "ack > d.right()+maxACKLead*8+gaps &&"),
    ("ACK agreed by its copy", "direction.go", "r.doubtfulBy != by", "r.doubtfulBy == r.doubtfulBy"),
    ("ACK agreed by any other", "direction.go", "&& ack >= r.doubtfulACK && ack-r.doubtfulACK <= maxACKLead", ""),
    ("ACK lead without the gaps", "reassembly.go", "+maxACKLead+gaps &&", "+maxACKLead+0*gaps &&"),
    ("ACK goes back", "reassembly.go", "if ack <= d.ack {", "if false {"),
    # When a hole is given up.
    ("G1 without patience in time", "gaps.go", "m.time > until", "false"),
    ("G1 without patience in segments", "gaps.go", "< patienceSegments && st.config", "< patienceSegments+1 && st.config"),
    ("G1 patience of 63 segments", "direction.go", "const patienceSegments = 64", "const patienceSegments = 63"),
    ("timeout gap patience", "streams.go", "return max(0, st.config.GapPatience)", "return max(0, st.config.Timeouts.HoleAge)"),
    ("G1 never", "gaps.go", "if end > r.giveUpBelow {", "if true {"),
    ("G1 counts copies", "direction.go", "r != nil && r.last != *current", "r != nil"),
    ("G1 of a part of a hole", "gaps.go", "if end > r.giveUpBelow {", "if start >= r.giveUpBelow {"),
    ("G1, the ACK ends at the data", "gaps.go", "if end > r.giveUpBelow {", "if end >= r.giveUpBelow {"),
    ("G1 without a FIN", "gaps.go", "for r.held.Len() > 0 || d.fin != noFIN {", "for r.held.Len() > 0 {"),
    ("G1 at once, not at all", "gaps.go", "< patienceSegments && st.config.GapPatience >= 0", "< patienceSegments"),
    ("G2 never", "gaps.go", "deadline = clock.After(eldest.Arrived, st.holeAge(c, from))", "_ = eldest"),
    ("G2 by what came last", "gaps.go", "if eldest := r.held.Eldest();", "if eldest := r.held.Youngest();"),
    ("G2 age", "streams.go", "age, t := st.config.Timeouts.HoleAge,", "age, t := st.config.Timeouts.Idle,"),
    (
        "timeout one-sided age",
        "streams.go",
        "st.config.Timeouts.HoleAge, st.config.Timeouts.OneSidedAge",
        "st.config.Timeouts.HoleAge, st.config.Timeouts.HoleAge",
    ),
    ("G2 one-sided", "streams.go", "c.dirs[from^1].packets == 0", "c.dirs[from^1].packets == 1"),
    ("G3 bytes", "table.go", "r.held.Size().Bytes > limits.HeldBytes", "r.held.Size().Bytes > limits.HeldBytes+1"),
    ("G3 segments", "table.go", "r.held.Len() > limits.HeldSegments", "r.held.Len() > limits.HeldSegments+1"),
    ("G3 gives up one hole", "table.go", "for (r.held.Size().Bytes > limits", "if (r.held.Size().Bytes > limits"),
    ("G3 all", "table.go", "total.Bytes+t.aside > limits.TotalHeldBytes", "total.Bytes+t.aside > limits.TotalHeldBytes<<1"),
    ("G3 all, suspects apart", "table.go", "total.Bytes+t.aside > limits.TotalHeldBytes", "total.Bytes > limits.TotalHeldBytes"),
    ("limit of suspects", "suspects.go", "st.holders.total.Bytes+st.aside > st.config", "0 > st.config"),
    (
        "limit of suspects, to the byte",
        "suspects.go",
        "st.holders.total.Bytes+st.aside > st.config",
        "st.holders.total.Bytes+st.aside >= st.config",
    ),
    ("limit of a direction's suspects", "suspects.go", "if len(r.suspects) == maxSuspects {", "if len(r.suspects) == maxSuspects-1 {"),
    (
        "limit of a direction's suspects, the newest goes",
        "suspects.go",
        "if s.Packet < r.suspects[oldest].Packet {",
        "if s.Packet > r.suspects[oldest].Packet {",
    ),
    ("G3 ranges of all", "table.go", "total.Ranges > max(", "total.Ranges > 1+max("),
    ("G3 takes the smallest", "holders.go", "return x > y", "return x < y"),
    (
        "G3 counts no marks",
        "internal/ranges/insert.go",
        "len(s.sorted) - before.Ranges}",
        "min(len(s.sorted)-before.Ranges, int(s.bytes-before.Bytes))}",
    ),
    ("G4 tail", "gaps.go", "if d.has(based) && end > d.next {", "if false {"),
    ("G4 up to the ACK", "gaps.go", "end = d.fin }", "end = d.ack }"),
    ("G4 order of directions", "table.go", "t.giveUpAll(c, c.client)", "t.giveUpAll(c, c.client^1)"),
    ("G4 keeps what is held", "gaps.go", "for st.lowestHole(c, from, GapClose) {", "for false {"),
    # Closing.
    ("FIN below data", "reassembly.go", "(off < d.right() && !d.has(unanchored)):", "(off < d.next && !d.has(unanchored)):"),
    ("FIN below data of an unanchored direction", "reassembly.go", "(off < d.right() && !d.has(unanchored)):", "off < d.right():"),
    ("FIN at the edge of data", "reassembly.go", "off < d.right() && !d", "off <= d.right() && !d"),
    ("FIN far away", "reassembly.go", "case st.far(c, from, off) || d.has(unanchored):", "case d.has(unanchored):"),
    ("FIN of an unanchored direction", "reassembly.go", "case st.far(c, from, off) || d.has(unanchored):", "case st.far(c, from, off):"),
    ("FIN, the second counts", "reassembly.go", "case d.fin != noFIN || (off < d", "case (off < d"),
    ("half-closed early", "streams.go", "if d.next != d.fin ||", "if d.next > d.fin ||"),
    (
        "closed by one FIN",
        "table.go",
        "if !c.dirs[0].has(finished) || !c.dirs[1].has(finished) || c.has(reset) {",
        "if !c.dirs[0].has(finished) && !c.dirs[1].has(finished) || c.has(reset) {",
    ),
    ("FIN closed connection forgotten", "table.go", "t.end(c, CloseFIN, c.closedBy, true)", "t.end(c, CloseFIN, c.closedBy, false)"),
    ("flush forgotten", "follower.go", "f.flush(c)", "f.forget(c, false)"),
    ("flush in the grace", "follower.go", "if f.clock.Now >= f.graceUntil && !f.sweep() {", "if !f.sweep() {"),
    ("first FIN by any number", "segment.go", "why == CloseFIN && d.next == d.offsetOf(end) {", "why == CloseFIN {"),
    ("first FIN before SYN+ACK", "segment.go", "t.config.CloseOn == CloseOnBoth || c.has(synACKSeen)", "true"),
    (
        "first RST before SYN+ACK",
        "segment.go",
        "case t.config.CloseOn == CloseOnFirstFIN && c.has(synACKSeen):",
        "case t.config.CloseOn == CloseOnFirstFIN:",
    ),
    ("first RST loses its data", "segment.go", "if s.Wire > 0 { t.payload(c, from, seqNum(s.Seq), s, src) }", ""),
    # Reset.
    ("RST anywhere", "reset.go", "off >= min(d.next, d.ack) && off <= c.windowEnd(from)", "true"),
    ("RST at the right edge", "reset.go", "return off == d.right() || (off", "return (off"),
    ("RST window", "reset.go", "off <= c.windowEnd(from)", "off <= d.right()"),
    ("RST at the window's end", "reset.go", "off <= c.windowEnd(from)", "off < c.windowEnd(from)"),
    ("RST window scale", "connection.go", "scale = 14", "scale = 0"),
    ("RST below the ACK", "reset.go", "off >= min(d.next, d.ack)", "off > max(d.next, d.ack)"),
    ("RST at the next number", "reset.go", "case off == d.next, off == d.ack,", "case off == d.ack,"),
    ("RST at the ACK", "reset.go", "case off == d.next, off == d.ack,", "case off == d.next,"),
    ("RST strict", "reset.go", "case st.config.RST == RSTStrict:", "case false:"),
    ("RST ignored", "reset.go", "case st.config.RST == RSTIgnore ||", "case"),
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
    ("RST of an unseen side", "segment.go", "d.offsetOf(c.extra.resetSeq)", "streamOffset(uint32(c.extra.resetSeq))"),
    ("RST of an unknown connection", "segment.go", "return s.Flags&decode.RST == 0", "return true"),
    (
        "RST's ACK is believed",
        "segment.go",
        "t.followRST(c, from, s, src)\n\t\treturn",
        "t.acknowledge(c, from^1, s)\n\t\tt.followRST(c, from, s, src)\n\t\treturn",
    ),
    (
        "RST payload is data",
        "segment.go",
        "t.takeRST(c, from, s)",
        "t.payload(c, from, seqNum(s.Seq), s, src)\n\t\tt.takeRST(c, from, s)",
    ),
    ("limit of reset text", "reset.go", "const maxResetText = 1024", "const maxResetText = 1023"),
    ("RST by whom", "reset.go", "= c.last, from, seqNum(s.Seq)", "= c.last, from^1, seqNum(s.Seq)"),
    ("RST, the last counts", "reset.go", "case !c.has(reset):", "default:"),
    ("RST cancelled by late bytes", "direction.go", "> max(d.next, edge)", "> d.next"),
    ("RST cancelled out of sequence", "direction.go", "return off <= d.next && off", "return off"),
    ("RST cancelled by the other side", "segment.go", "c.has(reset) && c.extra.resetBy == from &&", "c.has(reset) &&"),
    ("RST never cancelled", "segment.go", "t.cancelReset(c)", "_ = c"),
    ("timeout RST linger", "table.go", "t.Handshake, t.RSTLinger", "t.Handshake, t.Idle"),
    ("RST linger counts anew", "table.go", "if k == lingering && c.class == k {", "if false {"),
    ("RST, then both FINs", "table.go", "|| !c.dirs[1].has(finished) || c.has(reset) {", "|| !c.dirs[1].has(finished) {"),
    (
        "RST closed connection forgotten",
        "lifetime.go",
        "t.end(c, CloseRST, c.by(c.extra.resetBy), true)",
        "t.end(c, CloseRST, c.by(c.extra.resetBy), false)",
    ),
    # Time.
    ("timeout handshake", "table.go", "t.Handshake, t.RSTLinger", "t.Idle, t.RSTLinger"),
    ("timeout half-closed", "table.go", "t.HalfClosed, t.Idle", "t.Idle, t.Idle"),
    (
        "timeout idle",
        "table.go",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, t.Idle",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, -1",
    ),
    (
        "timeout closed connection",
        "lifetime.go",
        "t.timewait.Expire(t.clock.Now, t.config.Timeouts.CloseLinger)",
        "t.timewait.Expire(t.clock.Now, t.config.Timeouts.Handshake)",
    ),
    (
        "closed connection moves after another time",
        "internal/timewait/table.go",
        "now >= clock.After(c.ClosedAt, linger):",
        "now >= clock.After(c.ClosedAt, linger/2):",
    ),
    ("timeout never", "internal/clock/clock.go", "if d < 0 || t > Never-int64(d) {", "if d = max(0, d); t > Never-int64(d) {"),
    (
        "closed connection is overdue a moment late",
        "internal/timewait/table.go",
        "return at <= now && at != clock.Never",
        "return at < now && at != clock.Never",
    ),
    (
        "expiry a moment late",
        "lifetime.go",
        "if due > t.clock.Now || due == clock.Never { return c }",
        "if due >= t.clock.Now || due == clock.Never { return c }",
    ),
    ("expiry at its packet's time", "lifetime.go", "cause{t.clock.Stamp(due), 0, due}", "cause{now.time, 0, due}"),
    ("expiry at elapsed time", "lifetime.go", "cause{t.clock.Stamp(due), 0, due}", "cause{due, 0, due}"),
    ("expiry, the closed connection's time", "lifetime.go", "cause{t.clock.Stamp(due), 0, due}", "cause{t.clock.Stamp(due), 0, now.at}"),
    ("expiry by its packet", "lifetime.go", "cause{t.clock.Stamp(due), 0, due}", "cause{t.clock.Stamp(due), now.packet, due}"),
    ("expiries of one moment", "lifetime.go", "t == due && c.id < first.id", "t == due && c.id > first.id"),
    ("clock leaps", "internal/clock/clock.go", "case apart(c.Reference, t): c.jump, c.Jumped = t, true", "case false:"),
    ("clock goes back", "internal/clock/clock.go", "case t > c.Reference:", "default:"),
    (
        "clock, a jump is never believed",
        "internal/clock/clock.go",
        "if c.Jumped = false; !apart(c.jump, t) ||",
        "if c.Jumped = false; false && !apart(c.jump, t) &&",
    ),
    ("clock, a jump is believed near by alone", "internal/clock/clock.go", "|| (t > c.jump) == (c.jump > c.Reference) {", "{"),
    ("clock, a jump is believed beyond alone", "internal/clock/clock.go", "!apart(c.jump, t) || (t", "(t"),
    ("clock, a jump is always believed", "internal/clock/clock.go", "|| (t > c.jump) == (c.jump > c.Reference) {", "|| true {"),
    ("clock, a jump waits for ever", "internal/clock/clock.go", "if c.Jumped = false; !apart", "if !apart"),
    ("clock, a step of an hour", "internal/clock/clock.go", "> uint64(maxStep)", ">= uint64(maxStep)"),
    ("clock, a step of more", "internal/clock/clock.go", "maxStep = int64(time.Hour)", "maxStep = int64(2*time.Hour)"),
    ("clock, a pause of a year", "internal/clock/clock.go", "<= uint64(maxPause) {", "< uint64(maxPause) {"),
    ("clock, a pause of any length", "internal/clock/clock.go", "&& uint64(t)-uint64(c.highest) <= uint64(maxPause) {", "{"),
    ("clock, pauses count from the reference", "internal/clock/clock.go", "pause = t - c.highest", "pause = t - c.Reference"),
    ("clock, pauses count from the first reference", "internal/clock/clock.go", "c.highest = max(c.highest, c.Reference)", ""),
    (
        "clock, pauses count from the last reference",
        "internal/clock/clock.go",
        "c.highest = max(c.highest, c.Reference)",
        "c.highest = c.Reference",
    ),
    ("clock, a pause is not a time", "internal/clock/clock.go", "c.Now = Sum(c.Now, pause)", ""),
    ("clock, set keeps the jump", "internal/clock/clock.go", "c.Jumped = false if c.started", "if c.started"),
    ("clock, set is not believed", "internal/clock/clock.go", "if c.started && apart(c.Reference, t) { c.confirm(t) }", ""),
    ("clock, set believes what is near", "internal/clock/clock.go", "if c.started && apart(c.Reference, t) {", "if c.started {"),
    ("clock overflows", "internal/clock/clock.go", "case b > 0 && sum < a:", "case false:"),
    ("clock overflows below", "internal/clock/clock.go", "case b < 0 && sum > a:", "case false:"),
    ("clock overflows to no time", "internal/clock/clock.go", "return math.MinInt64 + 1", "return math.MinInt64"),
    (
        "deadlines at a jump",
        "streams.go",
        "dl.quietUntil = dl.clock.Stamp(dl.sweepAt); dl.clock.Jumped {",
        "dl.quietUntil = dl.clock.Stamp(dl.sweepAt); false {",
    ),
    ("pause without a grace", "lifetime.go", "if pause > 0 {", "if pause < 0 {"),
    ("pause with a grace, a second", "streams.go", "jumpGrace = int64(10 * time.Second)", "jumpGrace = int64(time.Second)"),
    ("sweep in the grace", "streams.go", "if at = max(at, dl.graceUntil); at < dl.sweepAt {", "if at < dl.sweepAt {"),
    ("sweep a moment late", "lifetime.go", "return t.clock.Now >= t.sweepAt", "return t.clock.Now > t.sweepAt"),
    ("sightings never land", "segment.go", "t.toPostpone = append(t.toPostpone, sighting{c: c})", ""),
    ("sightings land again", "lifetime.go", "t.toPostpone = t.toPostpone[:0]", ""),
    ("sightings, closed connections never land", "reuse.go", "t.toPostpone = append(t.toPostpone, sighting{key: *k})", ""),
    ("postpone, the idle time", "lifetime.go", "then := c.last c.last = t.clock.Now", "then := c.last"),
    ("postpone, the reset", "lifetime.go", "c.extra.resetAt = c.last", ""),
    ("postpone, an earlier reset", "lifetime.go", "c.extra != nil && c.extra.resetAt == then {", "c.extra != nil {"),
    ("postpone, what is held", "lifetime.go", "h.Arrived = c.last", ""),
    ("postpone, what was held", "lifetime.go", "h != nil && h.Arrived == then; h", "h != nil; h"),
    ("postpone, acknowledgements", "lifetime.go", "r.acks[j].time = c.last", ""),
    ("postpone, earlier acknowledgements", "lifetime.go", "j >= 0 && r.acks[j].time == then; j--", "j >= 0; j--"),
    ("short cut in the packet of a jump", "segment.go", "!t.overdue && !t.clock.Jumped &&", "!t.overdue &&"),
    ("no time", "follower.go", "t != NoTime && f.takeStamp(t)", "f.takeStamp(t)"),
    ("no time, before a time", "follower.go", "if t >= f.clock.Reference && t < f.quietUntil {", "if t < f.quietUntil {"),
    ("no time, to advance to", "follower.go", "if t != NoTime { f.clock.Set(t)", "if true { f.clock.Set(t)"),
    # Equal addresses in several networks.
    ("separation, IPv6", "internal/flow/key.go", "above := keyIPv6 | uint64(s.Separation)<<keySeparation", "above := uint64(keyIPv6)"),
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
        "seg.Owned, seg.VLANs, seg.Separation = false, false, 0, 0",
        "seg.Owned, seg.VLANs, _ = false, false, 0, 0",
    ),
    ("separation of a closed connection is kept", "internal/timewait/table.go", "t.separations.Release(c.Key.Separation())", ""),
    ("separation of a connection is kept", "table.go", "t.separations.Release(c.key.Separation())", ""),
    # Files joined by cat.
    ("joined file: any accuracy", "internal/capture/magic.go", "field(8)|field(12) != 0", "false"),
    ("joined file: any link type", "internal/capture/magic.go", "field(20)&reserved != 0", "false"),
    ("joined file: any snap length", "internal/capture/magic.go", "usual := snap <= longestSnap ||", "usual := true ||"),
    ("joined file: behind pcapng none", "internal/capture/pcapng.go", "err := r.joined(b); done {", "err := r.joined(b); done && false {"),
    # Limits.
    ("polling moves all that waits", "queue.go", "done > 4096 && done > n/2", "done > 0"),
    ("a call takes any number of packets", "input.go", "packets >= callPackets", "packets >= 2*callPackets"),
    ("a call takes as much of slow formats", "input.go", "if slow {", "if false {"),
    ("limit of connections", "table.go", "< t.config.Limits.Connections {", "<= t.config.Limits.Connections {"),
    ("limit of closed connections", "internal/timewait/table.go", "int(t.n) >= limit", "int(t.n) > limit"),
    (
        "limit of waiting events",
        "streams.go",
        "st.queue.waiting() >= st.config.Limits.QueuedEvents",
        "st.queue.waiting() > st.config.Limits.QueuedEvents",
    ),
    (
        "limit of waiting bytes",
        "streams.go",
        "st.queue.bytes >= st.config.Limits.QueuedBytes",
        "st.queue.bytes > st.config.Limits.QueuedBytes",
    ),
    ("limit of deadlines", "internal/deadline/deadline.go", "len(h.entries) > h.crowded+spare", "false"),
    ("eviction order", "table.go", "c := t.conns.oldest(k)\n\t\tif c == nil {", "c := t.conns.oldest(classes - k)\n\t\tif c == nil {"),
    ("eviction, closed connections last", "table.go", "if t.timewait.RemoveOldest() {", "if false {"),
    ("eviction by age", "store.go", "if c.class == to && s.tails[to] == c.index+1 {", "if c.class == to {"),
    ("eviction not reported", "table.go", "t.end(c, CloseEvicted, ByNone, false)", "t.forget(c, false)"),
    # Short cuts, which must give what the long way does.
    ("short cut past a hole", "segment.go", "(s.Wire == 0 || !d.reassembly.waits())", "true"),
    ("short cut past a suspect", "direction.go", "(r.held.Len() > 0 || len(r.suspects) > 0)", "r.held.Len() > 0"),
    (
        "short cut past an ACK ahead of the data",
        "segment.go",
        "d.fin == noFIN && d.ack <= d.next && p.ack <= p.next",
        "d.fin == noFIN && p.ack <= p.next",
    ),
    (
        "short cut past an ACK ahead of the peer's data",
        "segment.go",
        "d.fin == noFIN && d.ack <= d.next && p.ack <= p.next",
        "d.fin == noFIN && d.ack <= d.next+0*p.ack",
    ),
    ("short cut past a waiting SYN", "segment.go", "c.has(doubtfulISN) || c.extra.waits() {", "c.has(doubtfulISN) {"),
    ("events give back too early", "follower.go", "if last > events {", "if last > events+1 {"),
    (
        "closed connections meet in the ring",
        "internal/timewait/table.go",
        "if int(t.n) > (len(t.ring)-1)*chunk {",
        "if int(t.n) > len(t.ring)*chunk {",
    ),
    ("short cut past a FIN", "segment.go", "return d.fin == noFIN && d.ack", "return d.ack"),
    ("short cut past two SYN+ACKs", "segment.go", "c.class != established || c.has(doubtfulISN) ||", "c.class != established ||"),
    ("short cut whatever the class", "segment.go", "c.class != established ||", ""),
    (
        "a connection's stamp at the flush",
        "segment.go",
        "c.last, c.lastAt = t.clock.Now, t.cause.time t.countPacket(d) if s",
        "c.last = t.clock.Now\n\tt.countPacket(d)\n\tif s",
    ),
    (
        "a connection's last packet",
        "segment.go",
        "c.last, c.lastAt = t.clock.Now, t.cause.time t.countPacket(d) if s",
        "c.lastAt = t.cause.time\n\tt.countPacket(d)\n\tif s",
    ),
    (
        "a connection's stamp at the flush, the long way",
        "segment.go",
        "c.last, c.lastAt = t.clock.Now, t.cause.time if t",
        "c.last = t.clock.Now\n\tif t",
    ),
    ("short cut past a cut packet", "segment.go", "!= decode.ACK || len(s.Payload) != s.Wire {", "!= decode.ACK {"),
    ("short cut past an ACK beyond everything", "segment.go", "if ack > p.next {", "if false {"),
    ("short cut past flags", "segment.go", "s.Flags&^(decode.PSH|decode.ECE|decode.CWR) != decode.ACK", "s.Flags&decode.ACK == 0"),
    ("short cut forgets the edge", "segment.go", "d.reassembly.right = max(d.reassembly.right, d.next)", "_ = d"),
    ("short cut forgets the ACK", "segment.go", "= s.Window, max(p.ack, ack)", "= s.Window, p.ack"),
    ("short cut forgets the window", "segment.go", "p.window, p.ack = s.Window,", "p.window, p.ack = p.window,"),
    ("plain frame, header longer than it", "internal/decode/plain.go", "total < ipv4Len+header ||", ""),
    ("plain frame, a SYN", "internal/decode/plain.go", "if seg.Flags&SYN != 0 {", "if false {"),
]


Mutant = tuple[str, str, str, str]


class Unclear(Exception):
    """The tests say nothing about a mutant; the text tells why."""


def source_of(file: str) -> str:
    return (ROOT / "gofollow" / file).read_text(encoding="utf-8")


def place(source: str, old: str) -> tuple[int, int] | None:
    """Where old stands, None if nowhere or more than once.

    Any white space in old stands for any: a line that was wrapped anew is still found.
    """
    places = list(re.finditer(r"\s+".join(re.escape(word) for word in old.split()), source))
    return places[0].span() if len(places) == 1 else None


def body(source: str, start: int, end: int) -> tuple[int, int, bool] | None:
    """The body of the function that holds source[start:end], and whether it returns nothing."""
    for function in re.finditer(r"^func .*?(?:\{ .* \}$|\{$(?s:.*?)^\}$)", source, re.MULTILINE):
        head = re.match(r"func (?:\(.*?\) )?\w+\((?:[^()]|\([^()]*\))*\) ?(.*?)\{(?=\s)", function[0])
        if head and function.start() + head.end() <= start and end < function.end():
            return function.start() + head.end(), function.end() - 1, not head[1]
    return None


def switched(number: int, mutant: Mutant) -> tuple[int, str] | None:
    """A copy of the mutated function's body that runs instead of it if GOFOLLOW_MUTANT is the number, and where it goes.

    None if the mutant is not inside a function. The compiler names the copy's lines after the number.
    """
    _, file, old, new = mutant
    source = source_of(file)
    start, end = place(source, old) or (0, 0)
    found = body(source, start, end)
    if not found:
        return None
    opened, closed, void = found
    copy = source[opened:start] + new + source[end:closed]
    leave = "\nreturn" if void else ""
    return opened, f"\nif mutant.Number == {number} {{\n//line mutant{number}.go:1\n{copy}{leave}\n}}\n"


class Tree:
    """A copy of the sources, and the test binaries that are built from it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.root = folder / "gofollow"
        self.binaries = folder / "binaries"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns("build", ".git", "node_modules"))
        switch = self.root / "gofollow/internal/mutant/mutant.go"
        switch.parent.mkdir()
        switch.write_text(SWITCH, encoding="utf-8")
        self.packages = sorted({test.parent for test in (self.root / "gofollow").rglob("*_test.go")})
        self.seconds: dict[tuple[str, ...], float] = {}  # what tests take with the code as it is

    def write(self, file: str, source: str) -> None:
        (self.root / "gofollow" / file).write_text(source, encoding="utf-8")

    def put_in(self, mutants: dict[int, Mutant]) -> None:
        """Write the sources with a switched copy for each of the mutants, which have to be inside functions."""
        copies: dict[str, list[tuple[int, str]]] = {file: [] for _, file, _, _ in MUTANTS}
        for number, mutant in mutants.items():
            if found := switched(number, mutant):
                copies[mutant[1]].append(found)
        for file, its_copies in copies.items():
            source = source_of(file)
            for at, copy in sorted(its_copies, reverse=True):
                source = source[:at] + copy + source[at:]
            if its_copies:
                source = re.sub(r"^package \w+$", r'\g<0>; import "gofollow/gofollow/internal/mutant"', source, count=1, flags=re.MULTILINE)
            self.write(file, source)

    def build(self) -> str:
        """Build the test binaries; return what the compiler says if it fails."""
        build = ["go", "test", "-c", "-vet=off", "-gcflags=gofollow/...=-e", "-o", f"{self.binaries}/", "./gofollow/..."]
        done = subprocess.run(build, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout.strip() if done.returncode else ""

    def run(self, package: pathlib.Path, tests: str, number: int = 0) -> str | None:
        """Run tests of a package, with a mutant; name the one that failed, None if all passed."""
        key = (str(package), tests)
        limit = 10 + 5 * self.seconds[key] if key in self.seconds else 600
        binary = f"{self.binaries}/{package.name}.test"
        test = [binary, "-test.short", "-test.failfast", f"-test.run={tests}", f"-test.timeout={limit:.0f}s"]
        environment = ENVIRONMENT | {"GOFOLLOW_MUTANT": str(number)}
        start = time.monotonic()
        done = subprocess.run(test, cwd=package, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            self.seconds.setdefault(key, time.monotonic() - start)
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

    def killer(self, mutant: Mutant, number: int) -> str | None:
        """The test that a mutant fails: its own package's are tried first, and those that are quick."""
        engine = self.root / "gofollow"
        own = (engine / mutant[1]).parent
        stages = [(engine, QUICK), (engine, "")]
        if own != engine:
            stages.insert(0, (own, ""))
        stages += [(package, "") for package in self.packages if package not in (own, engine)]
        return next((by for package, tests in stages if (by := self.run(package, tests, number))), None)

    def check(self) -> None:
        """Raise Unclear if the tests fail with the code as it is."""
        for package, tests in [(self.root / "gofollow", QUICK), *((package, "") for package in self.packages)]:
            if failed := self.run(package, tests):
                raise Unclear(f"{failed} fails")


def check_fit() -> None:
    """Raise Unclear if a mutant does not fit the code."""
    names = [name for name, _, _, _ in MUTANTS]
    unfit = [
        f"{name}: gofollow/{file} has not just one place that reads {old!r}, or there are two of this name"
        for name, file, old, new in MUTANTS
        if names.count(name) > 1 or old == new or not place(source_of(file), old)
    ]
    if unfit:
        raise Unclear("these must change as the code did:\n" + "\n".join(unfit))


def kill(tree: Tree, chosen: dict[int, Mutant]) -> list[str]:
    """Try the mutants; return those that live."""
    together = {number: mutant for number, mutant in chosen.items() if switched(number, mutant)}
    tree.put_in(together)
    while errors := tree.build():
        faulty = {int(number) for number in re.findall(r"\bmutant(\d+)\.go:", errors)} & together.keys()
        if not faulty:
            raise Unclear(errors)
        together = {number: mutant for number, mutant in together.items() if number not in faulty}
        tree.put_in(together)
    print("unchanged code: ", end="", flush=True)
    tree.check()
    print(f"all tests pass; {len(together)} mutants are built at once", flush=True)
    alive: list[str] = []

    def attempt(number: int, mutant: Mutant) -> None:
        print(f"{mutant[0]}: ", end="", flush=True)
        try:
            by = tree.killer(mutant, number)
            print(f"killed by {by}" if by else "LIVES", flush=True)
        except Unclear as error:
            by = None
            print(f"NOT TESTED\n{error}", flush=True)
        if not by:
            alive.append(mutant[0])

    for number, mutant in together.items():
        attempt(number, mutant)
    tree.put_in({})
    for number, mutant in chosen.items():
        if number in together:
            continue
        name, file, old, new = mutant
        source = source_of(file)
        start, end = place(source, old) or (0, 0)
        tree.write(file, source[:start] + new + source[end:])
        if errors := tree.build():
            print(f"{name}: NOT TESTED\n{errors}", flush=True)
            alive.append(name)
        else:
            attempt(0, mutant)
        tree.write(file, source)
    return alive


def main() -> int:
    words = sys.argv[1:] or [""]
    chosen = {number: mutant for number, mutant in enumerate(MUTANTS, 1) if any(word in mutant[0] for word in words)}
    if not chosen:
        print(f"mutants: stopped: no name contains {' or '.join(words)}")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_fit()
            alive = kill(Tree(pathlib.Path(folder)), chosen)
        except Unclear as error:
            print(f"mutants: stopped: {error}", flush=True)
            return 2
    for name in alive:
        print(f"alive: {name}")
    print(f"mutants: {len(chosen) - len(alive)} of {len(chosen)} killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
