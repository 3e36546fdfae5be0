package workload

import (
	"fmt"
	"net/netip"
	"strconv"
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

// Wrong counts the streams of the truth that a report does not have as they are,
// and what the report has beside them. A report without numbers of missing bytes,
// "-" in their place, is compared without them.
func Wrong(truth, report string) (wrong, extra, streams int) {
	gapless := false
	left := map[string]int{}
	for line := range strings.Lines(report) {
		if line = strings.TrimSuffix(line, "\n"); silent(line) {
			continue
		}
		gapless = strings.HasSuffix(line, " -")
		left[line]++
	}
	for line := range strings.Lines(truth) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		if gapless {
			line = line[:strings.LastIndexByte(line, ' ')] + " -"
		}
		if silent(line) {
			continue
		}
		streams++
		if left[line] == 0 {
			wrong++
		} else {
			left[line]--
		}
	}
	for _, n := range left {
		extra += n
	}
	return wrong, extra, streams
}

// silent tells whether the side of a report's line said nothing and lacks nothing.
func silent(line string) bool {
	fields := strings.Fields(line)
	if len(fields) != 5 {
		return false
	}
	said, err := strconv.Atoi(fields[2])
	return err == nil && said == 0 && (fields[4] == "0" || fields[4] == "-")
}
