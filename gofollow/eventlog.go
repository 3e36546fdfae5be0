package gofollow

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
)

// AppendLog appends the event as one line of text, without the newline:
// docs/event-log.md. The C and the Python front end write the same.
func (e *Event) AppendLog(b []byte) []byte {
	c := e.Conn
	switch e.Kind {
	case Opened:
		b = fmt.Appendf(b, "opened %d %v %v roles=%v start=%v", c.ID(), c.Client(), c.Server(), c.RolesFrom(), c.Start())
		if s := c.Separation(); s != "" {
			b = append(append(b, " separation="...), s...)
		}
	case Data:
		b = fmt.Appendf(b, "data %d %v offset=%d length=%d crc32=%08x captured=",
			c.ID(), e.Direction, e.Offset, e.Length, crc32.ChecksumIEEE(e.Bytes))
		b = appendTime(b, e.CapturedAt)
	case Gap:
		b = fmt.Appendf(b, "gap %d %v offset=%d length=%d reason=%v", c.ID(), e.Direction, e.Offset, e.Length, e.GapReason)
	case HalfClosed:
		b = fmt.Appendf(b, "half-closed %d %v offset=%d", c.ID(), e.Direction, e.Offset)
	case Closed:
		b = fmt.Appendf(b, "closed %d reason=%v by=%v clean=%d", c.ID(), e.CloseReason, e.By, boolInt(c.Clean()))
		b = c.Counters(ClientToServer).appendLog(append(b, " client="...))
		b = c.Counters(ServerToClient).appendLog(append(b, " server="...))
		b = append(b, " reset_text="...)
		b = hex.AppendEncode(b, c.ResetText())
	case Anomaly:
		b = fmt.Appendf(b, "anomaly %d %v kind=%v offset=%d length=%d crc32=%08x",
			c.ID(), e.Direction, e.AnomalyKind, e.Offset, e.Length, crc32.ChecksumIEEE(e.Bytes))
	case SegmentSeen:
		s := e.Segment
		b = fmt.Appendf(b, "segment %d %v offset=%d length=%d flags=%02x ack=%d window=%d arrival=%v",
			c.ID(), e.Direction, e.Offset, e.Length, s.Flags, s.ACK, s.Window, s.Arrival)
	case PacketRead:
		b = fmt.Appendf(b, "packet %v key=%016x fragment=%016x link=%d length=%d wire=%d crc32=%08x", e.Content, e.Key(), e.FragmentKey(), e.LinkType(), len(e.Bytes), e.WireLen(), crc32.ChecksumIEEE(e.Bytes))
	}
	b = fmt.Appendf(appendTime(append(b, " time="...), e.Time), " packet=%d", e.Packet)
	if e.Reordered {
		b = append(b, " reordered"...)
	}
	return b
}

// String returns the line that AppendLog appends.
func (e *Event) String() string { return string(e.AppendLog(nil)) }

func appendTime(b []byte, t int64) []byte {
	if t == NoTime {
		return append(b, "none"...)
	}
	return strconv.AppendInt(b, t, 10)
}

func (c Counters) appendLog(b []byte) []byte {
	return fmt.Appendf(b, "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", c.Packets, c.DataPackets, c.Bytes, c.GapBytes, c.Gaps, c.DuplicateBytes,
		c.ConflictBytes, c.ReorderedBytes, c.LateBytes, c.BeforeStart, c.AfterFIN, c.AfterRST, c.FarSegments, c.FarBytes, c.MaxHeld)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
