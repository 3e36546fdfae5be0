#!/usr/bin/env python3
"""Breaks the engine in one place at a time and runs its tests: every mutant must fail some test.

    tools/mutants.py [WORD ...]      all mutants, or those whose name contains one of the words

The tree is copied, so nothing here is changed. A mutant is killed by a test that fails or takes for ever, not by
what does not compile. Exits 1 if a mutant lives, 2 if nothing can be said: when the tests fail as they are, or a
mutant does not fit the code or does not compile.
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
TEST = ["go", "test", "-failfast", "-vet=off"]
# What kills most comes first; what that leaves meets all tests. Each has some twenty times as long as it needs.
STAGES = [
    [*TEST, "-timeout", "15s", "-run", "^(TestCases|TestRandom|TestOverlapMatrix|TestHeldOrder)$", "./gofollow"],
    [*TEST, "-timeout", "180s", "./gofollow/..."],
]
ENVIRONMENT = os.environ | {"GOFOLLOW_RUNS": "200"}  # fewer random captures: what only the thousandth shows is no test of a rule

# name, file in gofollow/, what stands there, what is put in its place
MUTANTS = [
    ("unwrap from next alone", "seq.go", "ref := max(d.next, d.right(), d.ack)", "ref := d.next"),
    ("wrap off by one", "seq.go", "return d.base + seqNum(uint32(off))", "return d.base + seqNum(uint32(off%(1<<32-1)))"),
    ("trim keeps what was delivered", "direction.go", "cut := min(end, d.next)", "cut := min(end, d.next-1)"),
    ("trim keeps what is past FIN", "direction.go", "cut := max(off, d.fin)", "cut := max(off, d.fin+1)"),
    ("trim below the start", "direction.go", "cut := min(end, 0)", "cut := min(end, 1)"),
    ("FIN below data", "direction.go", "off < d.next || off < d.right()", "off < d.next"),
    ("half-closed early", "direction.go", "if d.next != d.fin ||", "if d.next > d.fin ||"),
    ("far limit", "direction.go", "+f.config.Limits.FarBytes\n", "+f.config.Limits.FarBytes*2\n"),
    ("ACK plausibility", "direction.go", "ack > d.right()+maxACKLead+gaps &&", "ack > d.right()+maxACKLead*8+gaps &&"),
    ("ACK agreed by its copy", "reassembly.go", "r.doubted != by", "r.doubted == r.doubted"),
    ("order of held ranges", "reassembly.go", "r.held[i].end > off", "r.held[i].start > off"),
    ("mark kept for ever", "reassembly.go", "r.right <= h.end && d.ack < h.end", "r.right < h.end && d.ack < h.end"),
    ("reordered", "reassembly.go", "reordered := h.packet != f.cause.packet", "reordered := true"),
    (
        "late bytes",
        "reassembly.go",
        "n += max(0, min(end, s.end)-max(start, s.start))",
        "n += 0 * max(0, min(end, s.end)-max(start, s.start))",
    ),
    ("G1 without patience in time", "gaps.go", "m.time > until", "false"),
    ("G1 without patience in segments", "gaps.go", "< patienceSegments && f.config", "< patienceSegments+1 && f.config"),
    ("G1 never", "gaps.go", "if end > r.settled {", "if true {"),
    ("G1 counts copies", "gaps.go", "r != nil && r.last != *current", "r != nil"),
    ("G2 never", "gaps.go", "h != nil && h.arrived <= until;", "h != nil && h.arrived < 0;"),
    ("G2 one-sided", "gaps.go", "c.dirs[from^1].packets == 0", "c.dirs[from^1].packets == 1"),
    ("G3 bytes", "gaps.go", "r.bytes > l.HeldBytes", "r.bytes > l.HeldBytes+1"),
    ("G3 segments", "gaps.go", "len(r.held) > l.HeldSegments", "len(r.held) > l.HeldSegments+1"),
    ("G3 all", "gaps.go", "f.holders.total+f.aside > l.TotalHeldBytes ||", "f.holders.total+f.aside > l.TotalHeldBytes<<1 ||"),
    ("G3 all, suspects apart", "gaps.go", "f.holders.total+f.aside > l.TotalHeldBytes ||", "f.holders.total > l.TotalHeldBytes ||"),
    ("G4 tail", "gaps.go", "if d.has(based) && end > d.next {", "if false {"),
    ("timeout handshake", "lifetime.go", "t.Handshake, t.RSTLinger", "t.Idle, t.RSTLinger"),
    ("timeout RST linger", "lifetime.go", "t.Handshake, t.RSTLinger", "t.Handshake, t.Idle"),
    ("timeout half-closed", "lifetime.go", "t.HalfClosed, t.Idle", "t.Idle, t.Idle"),
    (
        "timeout idle",
        "lifetime.go",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, t.Idle",
        "out[midstream], out[halfClosed], out[established] = t.Idle, t.HalfClosed, -1",
    ),
    ("timeout tombstone", "tombstone.go", "f.config.Timeouts.CloseLinger)", "f.config.Timeouts.Handshake)"),
    ("expiry a moment late", "lifetime.go", "if due > t || due == never", "if due >= t || due == never"),
    ("eviction order", "lifetime.go", "c := f.conns.oldest(k)\n\t\tif c == nil {", "c := f.conns.oldest(classes - k)\n\t\tif c == nil {"),
    ("clock leaps", "lifetime.go", "case !leaps(f.clock, t):", "case true:"),
    ("RST anywhere", "reset.go", "return off >= min(d.next, d.ack) && off <= c.windowEnd(from)", "return true"),
    ("RST window", "reset.go", "off <= c.windowEnd(from)", "off <= d.right()"),
    ("RST below the ACK", "reset.go", "off >= min(d.next, d.ack)", "off > max(d.next, d.ack)"),
    ("RST strict", "reset.go", "if f.config.RST == RSTStrict {", "if false {"),
    ("RST cancelled by late bytes", "segment.go", "end > max(d.next, d.offsetOf(c.rare.resetSeq))", "end > d.next"),
    ("RST never cancelled", "segment.go", "f.cancelReset(c)", "_ = c"),
    ("reuse when idle", "reuse.go", "case f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle):", "case false:"),
    ("reuse candidate dropped", "reuse.go", "c.inWindow(from, seqNum(s.Seq)) && d.off", "false && d.off"),
    ("reuse third ACK", "reuse.go", "case fitsNew && !fitsOld:", "case false:"),
    ("keep-alive as the start", "segment.go", "seq == d.base+1 && d.next == 0", "false"),
    ("first FIN before SYN+ACK", "segment.go", "f.config.CloseOn == CloseOnBoth || c.has(synACKSeen)", "true"),
    ("flush forgotten", "follower.go", "f.flush(c)", "f.bury(c, false)"),
    ("G1 of a part of a hole", "gaps.go", "if end > r.settled {", "if start >= r.settled {"),
    ("G1 without a FIN", "gaps.go", "for len(r.held) > 0 || d.fin != noFIN {", "for len(r.held) > 0 {"),
    ("G1 patience of 63 segments", "gaps.go", "const patienceSegments = 64", "const patienceSegments = 63"),
    ("G2 by what came last", "gaps.go", "h := d.slow.eldest; h != nil", "h := d.slow.youngest; h != nil"),
    ("G2 age", "gaps.go", "age, t := f.config.Timeouts.HoleAge,", "age, t := f.config.Timeouts.Idle,"),
    ("G3 ranges of all", "gaps.go", "f.holders.ranges > max(", "f.holders.ranges > 1 + max("),
    ("G3 takes the smallest", "gaps.go", "return a.memory() > b.memory()", "return a.memory() < b.memory()"),
    (
        "G3 counts no marks",
        "reassembly.go",
        "f.holders.changed(r, int64(len(n.data)), 1)",
        "f.holders.changed(r, int64(len(n.data)), min(1, len(n.data)))",
    ),
    ("G4 order of directions", "lifetime.go", "f.giveUpAll(c, c.client)", "f.giveUpAll(c, c.client^1)"),
    ("G4 keeps what is held", "gaps.go", "for f.lowestHole(c, from, GapClose) {", "for false {"),
    ("limit of connections", "lifetime.go", "< f.config.Limits.Connections {", "<= f.config.Limits.Connections {"),
    ("limit of tombstones", "tombstone.go", "int(g.n) >= f.config.Limits.Tombstones", "int(g.n) > f.config.Limits.Tombstones"),
    (
        "limit of candidates",
        "reuse.go",
        "len(f.candidates) >= f.config.Limits.Tombstones",
        "len(f.candidates) > f.config.Limits.Tombstones",
    ),
    ("limit of suspects", "reassembly.go", "f.holders.total+f.aside+int64(len(payload)) > f.config", "0 > f.config"),
    (
        "limit of waiting events",
        "queue.go",
        "f.queue.waiting() >= f.config.Limits.QueuedEvents",
        "f.queue.waiting() > f.config.Limits.QueuedEvents",
    ),
    ("limit of waiting bytes", "queue.go", "f.queue.bytes >= f.config.Limits.QueuedBytes", "f.queue.bytes > f.config.Limits.QueuedBytes"),
    ("limit of reminders", "lifetime.go", "len(f.reminders) > 2*f.table.used+1024", "false"),
    ("limit of reset text", "reset.go", "const maxResetText = 1024", "const maxResetText = 1023"),
    ("timeout gap patience", "gaps.go", "return max(0, f.config.GapPatience)", "return max(0, f.config.Timeouts.HoleAge)"),
    (
        "timeout one-sided age",
        "gaps.go",
        "f.config.Timeouts.HoleAge, f.config.Timeouts.OneSidedAge",
        "f.config.Timeouts.HoleAge, f.config.Timeouts.HoleAge",
    ),
    ("timeout reuse", "reuse.go", "f.config.Timeouts.ReuseIdle", "f.config.Timeouts.Handshake"),
    ("RST before the handshake, by ACK", "reset.go", "seqNum(s.Ack) == p.base ||", "false ||"),
    ("RST before the handshake, by number", "reset.go", "(seq == d.base || seq == d.base-1)", "(seq == d.base)"),
    ("RST of what was never sent", "reset.go", "> max(p.right(), p.ack)+1 {", "> max(p.right(), p.ack)+1<<20 {"),
    ("RST at the next number", "reset.go", "if off == d.next || off == d.ack {", "if off == d.ack {"),
    ("RST at the ACK", "reset.go", "if off == d.next || off == d.ack {", "if off == d.next {"),
    ("RST window scale", "reset.go", "scale = 14", "scale = 0"),
    ("RST ignored", "reset.go", "case f.config.RST == RSTIgnore:", "case false:"),
    ("RST by whom", "reset.go", "= c.last, from, seqNum(s.Seq)", "= c.last, from^1, seqNum(s.Seq)"),
    ("RST linger counts anew", "lifetime.go", "if k == lingering && c.class == k {", "if false {"),
    ("RST payload is data", "segment.go", "f.reset(c, from, s, src)\n\t\treturn", "f.reset(c, from, s, src)"),
    (
        "RST tombstone forgotten",
        "lifetime.go",
        "f.end(c, CloseRST, c.by(c.rare.resetBy), true)",
        "f.end(c, CloseRST, c.by(c.rare.resetBy), false)",
    ),
    ("RST of an unseen side", "segment.go", "d.offsetOf(c.rare.resetSeq)", "streamOffset(uint32(c.rare.resetSeq))"),
    ("tombstone is overdue a moment late", "tombstone.go", "return due <= now && due != never", "return due < now && due != never"),
    ("tombstone swallows a SYN", "tombstone.go", "return other || t.carried || t.reset", "return other || t.reset"),
    ("reuse, SYN with data", "reuse.go", "<= uint32(n.segment.Wire) }", "== 0 }"),
    ("reuse of an unseen side", "reuse.go", "uint32(d.base-base) <= maxACKLead", "true"),
    ("held, in order of arrival", "reassembly.go", "h.older, h.newer = older, r.eldest", "h.older, h.newer = nil, r.eldest"),
    ("short cut past a hole", "segment.go", "s.Wire > 0 && d.slow.waits() {", "false {"),
    ("short cut past an ACK ahead of the data", "segment.go", "d.ack > d.next || p.ack > p.next ||", ""),
    ("short cut past a waiting SYN", "segment.go", "p.ack > p.next || c.rare.waits() ||", "p.ack > p.next ||"),
    ("short cut forgets the ACK", "segment.go", "= s.Window, max(p.ack, ack)", "= s.Window, p.ack"),
    ("short cut forgets the window", "segment.go", "p.window, p.ack = s.Window,", "p.window, p.ack = p.window,"),
    ("ranges pin their packets", "reassembly.go", "if h.owner == nil || 2*len(h.data)", "if h.owner == nil || true || 2*len(h.data)"),
    ("short cut past a FIN", "segment.go", "d.fin != noFIN || p.fin != noFIN ||", "p.fin != noFIN ||"),
    ("urgent byte", "segment.go", "at := int(s.Urgent) - 1", "at := int(s.Urgent)"),
    ("SYN+ACKs, the first counts", "segment.go", "c.flags |= doubtfulISN", "return false"),
    ("simultaneous open", "reuse.go", "case !d.has(based): // what", "case !d.has(based) && c.start != StartSYN: // what"),
    ("trailer not cut, IPv4", "internal/decode/ip.go", "p.bound(total)", "_ = total"),
    ("trailer not cut, IPv6", "internal/decode/ip.go", "p.bound(payload)", "_ = payload"),
]


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


def run(tree: pathlib.Path) -> str | None:
    """Run the tests; name the one that failed, None if all passed."""
    for stage in STAGES:
        done = subprocess.run(stage, cwd=tree, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            continue
        failed = re.findall(r"^ *--- FAIL: (\S+)", done.stdout, re.MULTILINE)
        late = re.search(r"^panic: (test timed out after \S+)\s+running tests:\s+(\S+)", done.stdout, re.MULTILINE)
        died = re.search(r"^(?:panic|fatal error): .*", done.stdout, re.MULTILINE)
        if late:
            return f"{late[2]}: {late[1]}"
        if failed:
            return str(max(failed, key=len))  # the case rather than the test that it belongs to
        if died:
            return died[0]
        raise Unclear(done.stdout.strip())
    return None


def fitting(tree: pathlib.Path, mutants: list[tuple[str, str, str, str]]) -> dict[str, str]:
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


def kill(tree: pathlib.Path, chosen: list[tuple[str, str, str, str]]) -> list[str]:
    """Try the mutants; return those that live."""
    changed = fitting(tree, MUTANTS)
    print("unchanged code: ", end="", flush=True)
    if failed := run(tree):
        raise Unclear(f"{failed} fails")
    print("all tests pass", flush=True)
    alive: list[str] = []
    for name, file, _, _ in chosen:
        path = tree / "gofollow" / file
        source = path.read_text(encoding="utf-8")
        path.write_text(changed[name], encoding="utf-8")
        print(f"{name}: ", end="", flush=True)
        by = run(tree)
        print(f"killed by {by}" if by else "LIVES", flush=True)
        if not by:
            alive.append(name)
        path.write_text(source, encoding="utf-8")
    return alive


def main() -> int:
    chosen = [m for m in MUTANTS if len(sys.argv) == 1 or any(word in m[0] for word in sys.argv[1:])]
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
