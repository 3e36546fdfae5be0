package workload

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Side is what one side of one connection said. It stands for the connection's
// direction in the truth and in what a follower reports.
type Side struct {
	Client netip.AddrPort // who the connection is with: every server is Server
	From   string         // who speaks, "client" or "server"
	Bytes  int64          // what was captured of it, without the gaps
	CRC    uint32         // CRC-32 (IEEE) of these bytes
	Gaps   int64          // bytes that were sent and are not in the capture
}

// String returns the side as a line, in which programs of all languages report it.
func (s Side) String() string {
	return fmt.Sprintf("%s %s %d %08x %d", s.Client, s.From, s.Bytes, s.CRC, s.Gaps)
}

// Facts are what the head of a truth file says about the capture beside it.
type Facts struct {
	Generator   string // of which build, so that another one makes the capture again
	Seed        int64
	Packets     int
	Connections int
	Bytes       int64 // delivered by a right follower
}

const headFormat = "# generator %s seed %d packets %d connections %d bytes %d\n"

// FormatTruth returns the text of a truth file.
func FormatTruth(f Facts, sides []Side) string {
	var b strings.Builder
	fmt.Fprintf(&b, headFormat, f.Generator, f.Seed, f.Packets, f.Connections, f.Bytes)
	for _, s := range sides {
		b.WriteString(s.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// ParseFacts reads the head of a truth file.
func ParseFacts(text string) (f Facts, err error) {
	_, err = fmt.Sscanf(text, headFormat, &f.Generator, &f.Seed, &f.Packets, &f.Connections, &f.Bytes)
	return f, err
}

// Verdict is what a comparison with the truth says.
type Verdict struct {
	Streams int // of the truth
	Wrong   int // whose bytes are not as they should be
	Missing int // whose bytes are right, and the number of missing ones is not
	Extra   int // of the report, beside those that the truth has
}

// Compare compares a report, a line for each side in any order, with a truth
// file. A report without numbers of missing bytes, "-" in their place, is not
// wrong for that.
func Compare(truth, report string) Verdict {
	var v Verdict
	// Gaps by what is before them in a line; more than one where a side said the
	// same twice.
	reported := map[string][]string{}
	for line := range strings.Lines(report) {
		if said, gaps, ok := cut(line); ok {
			reported[said] = append(reported[said], gaps)
		}
	}
	for line := range strings.Lines(truth) {
		said, gaps, ok := cut(line)
		if !ok {
			continue
		}
		v.Streams++
		found := reported[said]
		if len(found) == 0 {
			// A side that said nothing is nothing to those who do not know gaps.
			if !strings.HasSuffix(said, nothing) {
				v.Wrong++
			} else {
				v.Missing++
			}
			continue
		}
		i := max(0, slices.Index(found, gaps))
		if found[i] != gaps && found[i] != "-" {
			v.Missing++
		}
		reported[said] = slices.Delete(found, i, i+1)
	}
	for _, left := range reported {
		v.Extra += len(left)
	}
	return v
}

// What stands in the line of a side that said nothing.
const nothing = " 0 00000000"

// cut splits a side's line before its gaps. Sides that say nothing and lack
// nothing do not count.
func cut(line string) (said, gaps string, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || line[0] == '#' {
		return "", "", false
	}
	said, gaps = line[:at], line[at+1:]
	return said, gaps, !strings.HasSuffix(said, nothing) || (gaps != "0" && gaps != "-")
}
