#!/usr/bin/env python3
"""Breaks the engine in one place at a time and runs its tests: every mutant must fail some test.

    tools/mutants.py [NAME ...]      all mutants, or those whose name contains one of the words

The tree is copied, so nothing here is changed. Exits 1 if a mutant lives.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TESTS = ["go", "test", "-short", "-failfast", "-timeout", "100s", "./gofollow/..."]
ROOT = pathlib.Path(__file__).resolve().parent.parent

# name, file in gofollow/, what stands there, what is put in its place
MUTANTS = [
    ("unwrap from next alone", "seq.go", "ref := max(d.next, d.right, d.ack)", "ref := d.next"),
    ("wrap off by one", "seq.go", "return d.base + seqNum(uint32(off))", "return d.base + seqNum(uint32(off%(1<<32-1)))"),
    ("trim keeps what was delivered", "direction.go", "cut := min(end, d.next)", "cut := min(end, d.next-1)"),
    ("trim keeps what is past FIN", "direction.go", "cut := max(off, d.fin)", "cut := max(off, d.fin+1)"),
    ("trim below the start", "direction.go", "cut := min(end, 0)", "cut := min(end, 1)"),
    ("FIN below data", "direction.go", "off < d.next || off < d.right", "off < d.next"),
    ("half-closed early", "direction.go", "if d.next != d.fin ||", "if d.next > d.fin ||"),
    ("far limit", "direction.go", "+f.config.Limits.FarBytes\n", "+f.config.Limits.FarBytes*2\n"),
    ("ACK plausibility", "direction.go", "ack > d.right+maxACKLead+gaps &&", "ack > d.right+maxACKLead*8+gaps &&"),
    ("ACK agreed by its copy", "reassembly.go", "r.doubted != by", "r.doubted == r.doubted"),
    ("order of held ranges", "reassembly.go", "r.held[i].end > off", "r.held[i].start > off"),
    ("mark kept for ever", "reassembly.go", "d.right <= h.end && d.ack < h.end", "d.right < h.end && d.ack < h.end"),
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
    ("G1 counts copies", "gaps.go", "r != nil && r.last != current", "r != nil"),
    ("G2 never", "gaps.go", "if h.arrived <= until {", "if h.arrived < 0 {"),
    ("G2 one-sided", "gaps.go", "c.dirs[from^1].packets == 0", "c.dirs[from^1].packets == 1"),
    ("G3 bytes", "gaps.go", "r.bytes > l.HeldBytes", "r.bytes > l.HeldBytes+1"),
    ("G3 segments", "gaps.go", "len(r.held) > l.HeldSegments", "len(r.held) > l.HeldSegments+1"),
    ("G3 all", "gaps.go", "f.holders.total > l.TotalHeldBytes", "f.holders.total > l.TotalHeldBytes+1"),
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
    ("timeout tombstone", "lifetime.go", "= t.CloseLinger,", "= t.Handshake,"),
    ("expiry a moment late", "lifetime.go", "if due > t || due == never", "if due >= t || due == never"),
    ("eviction order", "lifetime.go", "c := f.conns.oldest(k)\n\t\tif c == nil {", "c := f.conns.oldest(classes - k)\n\t\tif c == nil {"),
    ("clock leaps", "lifetime.go", "case !leaps(f.clock, t):", "case true:"),
    ("RST anywhere", "reset.go", "return off >= min(d.next, d.ack) && off <= c.windowEnd(from)", "return true"),
    ("RST window", "reset.go", "off <= c.windowEnd(from)", "off <= d.right"),
    ("RST below the ACK", "reset.go", "off >= min(d.next, d.ack)", "off > max(d.next, d.ack)"),
    ("RST strict", "reset.go", "if f.config.RST == RSTStrict {", "if false {"),
    ("RST cancelled by late bytes", "segment.go", "end > max(d.next, c.rare.resetOff)", "end > d.next"),
    ("RST never cancelled", "segment.go", "f.cancelReset(c)", "_ = c"),
    ("reuse when idle", "reuse.go", "case f.cause.time >= after(c.last, f.config.Timeouts.ReuseIdle):", "case false:"),
    ("reuse candidate dropped", "reuse.go", "c.inWindow(from, seqNum(s.Seq)) && d.off", "false && d.off"),
    ("reuse third ACK", "reuse.go", "case fitsNew && !fitsOld:", "case false:"),
    ("keep-alive as the start", "segment.go", "seq == d.base+1 && d.untouched()", "false"),
    ("first FIN before SYN+ACK", "segment.go", "f.config.CloseOn == CloseOnBoth || c.has(synACKSeen)", "true"),
    ("flush forgotten", "follower.go", "f.end(c, CloseFlush, ByNobody)", "_ = c"),
    ("trailer not cut, IPv4", "internal/decode/ip.go", "p.bound(total)", "_ = total"),
    ("trailer not cut, IPv6", "internal/decode/ip.go", "p.bound(payload)", "_ = payload"),
]


def mutate(tree: pathlib.Path, name: str, file: str, old: str, new: str) -> str | None:
    """Apply one mutant to the copy; return the file's first content, None if the mutant does not fit the code."""
    path = tree / "gofollow" / file
    source = path.read_text(encoding="utf-8")
    if source.count(old) < 1:
        return None
    path.write_text(source.replace(old, new, 1), encoding="utf-8")
    return source


def main() -> int:
    chosen = [m for m in MUTANTS if len(sys.argv) == 1 or any(word in m[0] for word in sys.argv[1:])]
    alive: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "gofollow"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git", "node_modules"))
        for name, file, old, new in chosen:
            source = mutate(tree, name, file, old, new)
            if source is None:
                alive.append(name)
                print(f"does not fit  {name}: {file} has changed", flush=True)
                continue
            try:
                run = subprocess.run(
                    TESTS, cwd=tree, env=os.environ | {"GOFOLLOW_RUNS": "300"}, capture_output=True, text=True, timeout=150
                )
                failed = run.returncode != 0 and "build failed" not in run.stdout
                lines = (run.stdout + run.stderr).splitlines()
                how = next((line.strip() for line in lines if "--- FAIL" in line), " ".join(lines[:3]))
            except subprocess.TimeoutExpired:
                failed, how = True, "takes for ever"
            if not failed:
                alive.append(name)
            print(f"{'killed' if failed else 'LIVES'}  {name}  {how if failed else ''}", flush=True)
            (tree / "gofollow" / file).write_text(source, encoding="utf-8")
    print(f"mutants: {len(chosen) - len(alive)} of {len(chosen)} killed")
    for name in alive:
        print(f"alive: {name}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
