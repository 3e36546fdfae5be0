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
    ("VLAN of a switch's tag", "internal/decode/tag.go", "p.enter(uint64(be16(p.b[at+2:]) & 0xfff))", ""),
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
    ("client by port", "connection.go", "case low != high:", "case low != high && false:"),
    ("bare ACK opens", "segment.go", "if s.Wire == 0 && s.Flags&decode.SYN == 0 {", "if false {"),
    ("mid-stream not wanted", "segment.go", "f.config.NoMidstream && s.Flags&(decode.SYN|decode.ACK) != decode.SYN ||", "false ||"),
    ("keep-alive as the start", "segment.go", "seq == d.base+1 && d.next == 0", "false"),
    ("SYN late, below the start", "reuse.go", ", !d.has(synSeen) && d.untouched() && int32(base-d.base) < 0:", ":"),
    ("handshake without SYN+ACK", "segment.go", "if c.has(synACKSeen) && d.has(synSeen)", "if d.has(synSeen)"),
    ("handshake without a SYN", "segment.go", "d.has(synSeen) && p.has(synSeen) {", "p.has(synSeen) {"),
    ("SYN+ACKs, the first counts", "segment.go", "c.flags |= doubtfulISN", "return false"),
    ("SYN+ACK after data", "segment.go", "if !d.untouched() {", "if false {"),
    ("simultaneous open", "reuse.go", "case !d.has(based): // what", "case !d.has(based) && c.start != StartSYN: // what"),
    ("endpoint to itself", "segment.go", "s.Flags&decode.ACK != 0 && !c.key.loops()", "s.Flags&decode.ACK != 0"),
    # Addresses used again.
    ("reuse when idle", "reuse.go", "case f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle):", "case false:"),
    (
        "reuse when idle, to the moment",
        "reuse.go",
        "f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle)",
        "f.cause.time > after(c.last, f.config.Timeouts.ReuseIdle)",
    ),
    ("timeout reuse", "reuse.go", "f.config.Timeouts.ReuseIdle", "f.config.Timeouts.Handshake"),
    ("reuse candidate dropped", "reuse.go", "c.inWindow(from, seqNum(s.Seq)) && d.off", "false && d.off"),
    ("reuse candidate kept", "reuse.go", "f.dropCandidate(c)\n\t}\n\treturn candidateUntouched", "}\n\treturn candidateUntouched"),
    ("reuse third ACK", "reuse.go", "case fitsNew && !fitsOld:", "case false:"),
    ("reuse by data", "reuse.go", "from == n.from && !syn && s.Wire > 0 && continues(s.Seq),", ""),
    ("reuse by SYN+ACK", "reuse.go", "case from != n.from && syn && ack && continues(s.Ack),", "case false,"),
    ("reuse by any SYN+ACK", "reuse.go", "syn && ack && continues(s.Ack),", "syn && ack,"),
    ("reuse, SYN with data", "reuse.go", "<= uint32(n.segment.Wire) }", "== 0 }"),
    ("reuse of an unseen side", "reuse.go", "uint32(d.base-base) <= maxACKLead", "true"),
    ("reuse in linger", "reuse.go", "case c.has(reset):", "case false:"),
    ("reuse of a refused one", "reuse.go", "case d.base == base && !refused,", "case d.base == base && (!refused || true),"),
    (
        "limit of candidates",
        "reuse.go",
        "len(f.candidates) >= f.config.Limits.Tombstones",
        "len(f.candidates) > f.config.Limits.Tombstones",
    ),
    ("tombstone swallows a SYN", "tombstone.go", "return other || t.carried || t.reset", "return other || t.reset"),
    ("tombstone swallows a SYN after a RST", "tombstone.go", "return other || t.carried || t.reset", "return other || t.carried"),
    ("tombstone swallows a SYN+ACK", "tombstone.go", "return !noMidstream && t.based[from] && other", "return false"),
    (
        "tombstone lets a SYN+ACK through",
        "tombstone.go",
        "return !noMidstream && t.based[from] && other",
        "return !noMidstream && t.based[from]",
    ),
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
    ("far segment, never continued", "reassembly.go", "p != nil && p.end == lo", "false && p != nil"),
    ("far segment, acknowledged up to it", "reassembly.go", "d.ack < s.start {", "d.ack <= s.start {"),
    (
        "far segment moves the edge",
        "reassembly.go",
        "f.aside += int64(len(payload))\n\ts :=",
        "f.aside += int64(len(payload)); r.right = max(r.right, hi)\n\ts :=",
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
    ("limit of suspects", "reassembly.go", "f.holders.total+f.aside+int64(len(payload)) > f.config", "0 > f.config"),
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
    ("FIN below data", "direction.go", "off < d.right() ||", "off < d.next ||"),
    ("FIN at the edge of data", "direction.go", "off < d.right() ||", "off <= d.right() ||"),
    ("FIN far away", "direction.go", "|| f.far(c, from, off):", ":"),
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
    ("first FIN by any number", "segment.go", "why == CloseFIN && d.next == fin {", "why == CloseFIN {"),
    ("first FIN before SYN+ACK", "segment.go", "f.config.CloseOn == CloseOnBoth || c.has(synACKSeen)", "true"),
    ("first RST before SYN+ACK", "reset.go", "if c.has(synACKSeen) {", "if true {"),
    ("first RST loses its data", "reset.go", "if s.Wire > 0 {", "if false {"),
    # Reset.
    ("RST anywhere", "reset.go", "return off >= min(d.next, d.ack) && off <= c.windowEnd(from)", "return true"),
    ("RST window", "reset.go", "off <= c.windowEnd(from)", "off <= d.right()"),
    ("RST at the window's end", "reset.go", "off <= c.windowEnd(from)", "off < c.windowEnd(from)"),
    ("RST window scale", "reset.go", "scale = 14", "scale = 0"),
    ("RST below the ACK", "reset.go", "off >= min(d.next, d.ack)", "off > max(d.next, d.ack)"),
    ("RST at the next number", "reset.go", "if off == d.next || off == d.ack {", "if off == d.ack {"),
    ("RST at the ACK", "reset.go", "if off == d.next || off == d.ack {", "if off == d.next {"),
    ("RST strict", "reset.go", "if f.config.RST == RSTStrict {", "if false {"),
    ("RST ignored", "reset.go", "case f.config.RST == RSTIgnore:", "case false:"),
    ("RST before the handshake, by ACK", "reset.go", "seqNum(s.Ack) == p.base ||", "false ||"),
    ("RST before the handshake, by number", "reset.go", "(seq == d.base || seq == d.base-1)", "(seq == d.base)"),
    ("RST before the handshake, by the number after", "reset.go", "(seq == d.base || seq == d.base-1)", "(seq == d.base-1)"),
    (
        "RST after the handshake as before it",
        "reset.go",
        "if !c.has(handshaken) && c.start != StartMidstream {",
        "if c.start != StartMidstream {",
    ),
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
        "case !c.has(reset):\n\t\tf.payload(c, from, c.dirs[from].offsetOf(seqNum(s.Seq)), s, src)",
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
    ("timeout tombstone", "tombstone.go", "f.config.Timeouts.CloseLinger)", "f.config.Timeouts.Handshake)"),
    ("timeout never", "gaps.go", "if d < 0 || t > never-int64(d) {", "if d = max(0, d); t > never-int64(d) {"),
    ("tombstone is overdue a moment late", "tombstone.go", "return due <= now && due != never", "return due < now && due != never"),
    ("expiry a moment late", "lifetime.go", "if due > t || due == never", "if due >= t || due == never"),
    ("expiry at its packet's time", "lifetime.go", "f.cause = cause{due, 0}", "f.cause = cause{t, 0}"),
    ("expiry by its packet", "lifetime.go", "f.cause = cause{due, 0}", "f.cause = cause{due, now.packet}"),
    ("expiries of one moment", "lifetime.go", "t == due && c.id < first.id", "t == due && c.id > first.id"),
    ("clock leaps", "lifetime.go", "case !leaps(f.clock, t):", "case true:"),
    ("clock goes back", "lifetime.go", "max(f.clock, t), false", "t, false"),
    (
        "a connection's time goes back",
        "segment.go",
        "c.last = max(c.last, f.cause.time)\n\td.packets++\n\tf.current",
        "c.last = f.cause.time\n\td.packets++\n\tf.current",
    ),
    ("no time", "follower.go", "t = f.cause.time", "t = f.clock"),
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
    ("limit of tombstones", "tombstone.go", "int(g.n) >= f.config.Limits.Tombstones", "int(g.n) > f.config.Limits.Tombstones"),
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
    ("eviction not told", "lifetime.go", "f.end(c, CloseEvicted, ByNobody, false)", "f.bury(c, false)"),
    # Short cuts, which must give what the long way does.
    ("short cut past a hole", "segment.go", "s.Wire > 0 && d.slow.waits() {", "false {"),
    ("short cut past a suspect", "reassembly.go", "(len(r.held) > 0 || r.suspect != nil)", "len(r.held) > 0"),
    ("short cut past an ACK ahead of the data", "segment.go", "d.ack > d.next || p.ack > p.next ||", "p.ack > p.next ||"),
    ("short cut past an ACK ahead of the peer's data", "segment.go", "d.ack > d.next || p.ack > p.next ||", "d.ack > d.next ||"),
    ("short cut past a waiting SYN", "segment.go", "p.ack > p.next || c.rare.waits() ||", "p.ack > p.next ||"),
    ("events give back too early", "queue.go", "if last > events {", "if last > events+1 {"),
    ("tombstones meet in the ring", "tombstone.go", "if int(g.n) > (len(g.ring)-1)*plots {", "if int(g.n) > len(g.ring)*plots {"),
    ("short cut past a FIN", "segment.go", "|| d.fin != noFIN ||", "||"),
    ("short cut past two SYN+ACKs", "segment.go", "c.class != established || c.has(doubtfulISN) ||", "c.class != established ||"),
    ("short cut whatever the class", "segment.go", "c.class != established ||", ""),
    (
        "short cut into the past",
        "segment.go",
        "c.last = max(c.last, f.cause.time)\n\td.packets++\n\tif s",
        "c.last = f.cause.time\n\td.packets++\n\tif s",
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
    cases = ["-run", "^TestCases$"] if str(package) == "gofollow" else []
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
