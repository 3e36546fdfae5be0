package gofollow_test

import (
	"math"

	"gofollow/gofollow"
)

// The rows of the case table: what a follower meets, each by the name under which
// the random captures count it.
const (
	rowSYN            = "SYN"
	rowSYNData        = "SYN + data"
	rowMidstream      = "mid-stream start"
	rowRetransmission = "exact retransmission"
	rowOtherDelivered = "retransmission, other content, delivered range"
	rowOtherHeld      = "retransmission, other content, held range"
	rowNewTail        = "partial overlap, new tail"
	rowOutOfOrder     = "out of order"
	rowGapACK         = "gap, ACK beyond"
	rowGapNoACK       = "gap, no ACKs at all"
	rowGapClose       = "gap at close"
	rowTailMissing    = "whole tail missing, FIN seen"
	rowFINEarly       = "FIN out of order"
	rowFINHole        = "FIN with hole before"
	rowFINData        = "FIN + data"
	rowHalfClose      = "half-close"
	rowSimultaneous   = "simultaneous close"
	rowRST            = "RST in window"
	rowRSTOutside     = "RST out of window"
	rowRSTData        = "RST with data"
	rowRefused        = "refused SYN (RST+ACK)"
	rowAfterRSTOther  = "data after RST, other side"
	rowAfterRSTSame   = "data after RST, same side, in sequence"
	rowPastFIN        = "data past FIN"
	rowKeepAlive      = "keep-alive: number next-1, 0 or 1 byte"
	rowKeepAliveFirst = "keep-alive as the very first segment"
	rowProbe          = "zero-window probe"
	rowBareACK        = "window update, dup ACK, SACK"
	rowWrap           = "wrap of 32-bit numbers"
	rowReuse          = "reuse of the 4-tuple"
	rowTwice          = "each packet twice"
	rowOneSided       = "one direction only"
	rowSnaplen        = "packets cut by snaplen"
	rowChecksum       = "bad checksum"
	rowPadding        = "Ethernet padding after a 40-byte ACK"
	rowNoLength       = "IP length 0 (TSO)"
	rowIgnored        = "ECN bits, PSH, unknown options"
	rowTimeBack       = "timestamps going back"
	rowMultipath      = "MPTCP"
)

var caseTable = []string{
	rowSYN, rowSYNData, rowMidstream, rowRetransmission, rowOtherDelivered, rowOtherHeld, rowNewTail, rowOutOfOrder, rowGapACK, rowGapNoACK,
	rowGapClose, rowTailMissing, rowFINEarly, rowFINHole, rowFINData, rowHalfClose, rowSimultaneous, rowRST, rowRSTOutside, rowRSTData, rowRefused,
	rowAfterRSTOther, rowAfterRSTSame, rowPastFIN, rowKeepAlive, rowKeepAliveFirst, rowProbe, rowBareACK, rowWrap, rowReuse, rowTwice, rowOneSided,
	rowSnaplen, rowChecksum, rowPadding, rowNoLength, rowIgnored, rowTimeBack, rowMultipath,
}

// truth is what a correct follower reports of one conversation.
type truth struct {
	opened bool // whether there is a connection at all
	sides  [2]struct {
		data []byte
		gaps []span
	}
	reason    gofollow.CloseReason
	resetText []byte
	rows      map[string]int // how often each row of the case table occurred
}

// walk goes through what was captured of a conversation and keeps what is known of
// it, byte by byte and without regard to limits and time.
type walk struct {
	truth
	sides     [2]walkSide
	reset     int // who sent the RST that is accepted, -1 none
	resetAt   int64
	handshake int  // how much of it was seen: SYN, SYN+ACK, ACK
	closed    bool // by both FINs
	starts    bool // with a SYN or SYN+ACK
}

type walkSide struct {
	seen   bool
	base   int64 // offset of the stream's first byte
	based  bool
	hint   int64 // offset of a first segment without data, -1 none
	data   bool
	next   int64 // what is there without a hole ends here
	right  int64 // what there is ends here
	ack    int64
	fin    int64
	finACK int64 // what the FIN acknowledges
	early  bool  // the FIN came before data below it
	bytes  map[int64]byte
	lost   map[int64]int64 // where what the capture cut off begins and ends
}

// truth returns what a correct follower reports of talk c: each byte as in its first
// captured copy, up to where data, FIN or the peer's ACK show that the stream goes.
func (w *world) truth(c *talk) *truth {
	k := &walk{reset: -1}
	k.rows = map[string]int{}
	for side := range k.sides {
		k.sides[side] = walkSide{hint: -1, fin: -1, bytes: map[int64]byte{}, lost: map[int64]int64{}}
	}
	for _, p := range w.captured {
		if p.talk == c && !k.closed && !p.leftover {
			k.take(p)
		}
	}
	k.finish()
	return &k.truth
}

func (k *walk) take(p *sent) {
	s, peer := &k.sides[p.side], &k.sides[1-p.side]
	s.seen = true
	if p.has("R") {
		k.takeReset(p)
		return
	}
	if !k.opened && (p.has("S") || len(p.payload) > 0) {
		k.opened, k.starts = true, p.has("S")
		switch {
		case !p.has("S"):
			k.rows[rowMidstream]++
		case !p.has("A"):
			k.rows[rowSYN]++
		}
	}
	k.takeStart(p)
	if !k.opened {
		return // where the numbers stand is all that is taken of it
	}
	if len(p.payload) > 0 {
		k.takeData(p)
	} else if p.flags == "A" {
		k.takeEmpty(p)
	}
	if p.has("F") {
		k.takeFIN(p)
	}
	if p.has("A") {
		peer.ack = max(peer.ack, p.ack)
	}
	k.advance(p)
}

// takeStart settles where the stream of a segment's side begins.
func (k *walk) takeStart(p *sent) {
	s, peer := &k.sides[p.side], &k.sides[1-p.side]
	switch {
	case p.has("S") && p.has("A"):
		peer.based = true // what it acknowledges is the other side's start
		k.handshake |= 2
	case p.has("S"):
		k.handshake |= 1
		if len(p.payload) > 0 {
			k.rows[rowSYNData]++
		}
	case k.handshake == 3 && p.has("A"):
		k.handshake = 7
	}
	if !s.based {
		s.based = true
		if !p.has("S") {
			s.base = p.offset
			if len(p.payload) == 0 {
				s.hint = p.offset
			}
		}
		s.next, s.right = s.base, s.base
	}
	if len(p.payload) > 0 && !s.data {
		s.data = true
		if s.hint >= 0 && p.offset == s.hint+1 {
			s.base++
			s.next, s.right = s.base, s.base
			k.rows[rowKeepAliveFirst]++
		}
	}
}

// takeData stores a segment's bytes.
func (k *walk) takeData(p *sent) {
	s := &k.sides[p.side]
	known, fresh, other, past := 0, 0, 0, false
	order := p.offset > s.next
	for i, b := range p.payload {
		at := p.offset + int64(i)
		if s.fin >= 0 && at >= s.fin {
			past = true
			continue
		}
		if at < s.base {
			continue
		}
		s.right = max(s.right, at+1)
		if i == len(p.captured()) {
			s.lost[at] = p.offset + int64(len(p.payload))
		}
		if i >= len(p.captured()) {
			continue
		}
		switch was, ok := s.bytes[at]; {
		case !ok:
			s.bytes[at] = b
			fresh++
		case was != b && at < s.next:
			other++
			k.rows[rowOtherDelivered]++
		case was != b:
			other++
			k.rows[rowOtherHeld]++
		default:
			known++
		}
	}
	keepAlive := len(p.payload) == 1 && p.offset == s.next-1
	for row, there := range map[string]bool{
		rowPastFIN: past, rowSnaplen: p.cut > 0, rowKeepAlive: keepAlive, rowProbe: p.probe && p.offset == s.next && fresh == 1,
		rowRetransmission: known == len(p.payload) && !keepAlive, rowNewTail: known > 0 && fresh > 0, rowOutOfOrder: order && fresh > 0,
		rowFINData: p.has("F"), rowNoLength: p.noLength,
		rowHalfClose:     fresh > 0 && k.sides[1-p.side].fin >= 0 && k.sides[1-p.side].next == k.sides[1-p.side].fin,
		rowAfterRSTOther: k.reset == 1-p.side && fresh > 0,
	} {
		if there {
			k.rows[row]++
		}
	}
	if k.reset == p.side && p.offset <= s.next && p.offset+int64(len(p.payload)) > max(s.next, k.resetAt) {
		k.reset = -1
		k.resetText = nil
		k.rows[rowAfterRSTSame]++
	}
}

// takeEmpty counts what an acknowledgement without data may be.
func (k *walk) takeEmpty(p *sent) {
	s, peer := &k.sides[p.side], &k.sides[1-p.side]
	switch {
	case s.data && p.offset == s.next-1:
		k.rows[rowKeepAlive]++
	case p.ack <= peer.ack:
		k.rows[rowBareACK]++
	}
	if p.trailer != nil && p.options == nil && p.talk.ends[0].Addr().Is4() {
		k.rows[rowPadding]++
	}
}

func (k *walk) takeFIN(p *sent) {
	s := &k.sides[p.side]
	fin := p.offset + int64(len(p.payload))
	if s.fin >= 0 || fin < s.right {
		return
	}
	s.fin, s.finACK = fin, p.ack
	s.early = s.next < fin && int64(len(s.bytes)) < fin-s.base
}

// takeReset reports whether a RST is accepted.
func (k *walk) takeReset(p *sent) {
	s, peer := &k.sides[p.side], &k.sides[1-p.side]
	if !k.opened || k.reset >= 0 {
		return
	}
	young := k.starts && k.handshake != 7 && ((p.has("A") && peer.based && p.ack == 0) || (s.based && (p.offset == 0 || p.offset == -1)))
	unsent := p.has("A") && peer.based && p.ack > max(peer.right, peer.ack)+1
	if !young && (unsent || p.offset < min(s.next, s.ack)) {
		k.rows[rowRSTOutside]++
		return
	}
	k.reset, k.resetAt, k.resetText = p.side, p.offset, p.captured()
	k.rows[rowRST]++
	if len(p.payload) > 0 {
		k.rows[rowRSTData]++
	}
	if k.handshake == 1 && !s.based {
		k.rows[rowRefused]++
	}
}

// advance moves next and closes when both sides have reached their FIN.
func (k *walk) advance(p *sent) {
	done := 0
	for side := range k.sides {
		s := &k.sides[side]
		for s.pass() {
		}
		if s.fin >= 0 && s.next == s.fin {
			done++
		}
	}
	k.closed = done == 2 && k.reset < 0
	for row, there := range map[string]bool{
		rowChecksum: p.badSum, rowTwice: p.talk.twice, rowTimeBack: p.back > 10_000,
		rowIgnored:   p.has("E") || p.has("C") || p.has("P") || len(p.options) > 1,
		rowMultipath: len(p.options) == 1 && p.options[0].OptionType == 30,
		rowWrap:      len(p.payload) > 0 && k.wraps(p),
	} {
		if there {
			k.rows[row]++
		}
	}
}

// pass moves next over what begins there: a byte, or what was cut off once anything
// beyond it is known.
func (s *walkSide) pass() bool {
	if _, ok := s.bytes[s.next]; ok {
		s.next++
		return true
	}
	end, ok := s.lost[s.next]
	if ok && (s.right > end || s.ack >= end || s.fin >= 0) {
		s.next = end
		return true
	}
	return false
}

// wraps reports whether the numbers of a segment pass 2^32.
func (k *walk) wraps(p *sent) bool {
	first := p.talk.isn[p.side] + 1 + uint32(p.offset)
	return uint64(first)+uint64(len(p.payload)) > math.MaxUint32
}

// finish reads the streams and settles how the conversation ended.
func (k *walk) finish() {
	if !k.opened {
		return
	}
	for side := range k.sides {
		s, out := &k.sides[side], &k.truth.sides[side]
		if !s.based {
			continue
		}
		end := max(s.right, s.ack)
		if s.fin >= 0 {
			end = s.fin
		}
		for at := s.base; at < end; at++ {
			if b, ok := s.bytes[at]; ok {
				out.data = append(out.data, b)
			} else {
				out.gaps = appendSpan(out.gaps, at-s.base, at-s.base+1)
			}
		}
		switch {
		case s.fin < 0:
		case s.right < s.fin && s.seen:
			k.rows[rowTailMissing]++
		case len(out.gaps) > 0:
			k.rows[rowFINHole]++
		case s.early:
			k.rows[rowFINEarly]++
		}
	}
	a, b := &k.sides[0], &k.sides[1]
	switch {
	case k.reset >= 0:
		k.reason = gofollow.CloseRST
	case a.fin >= 0 && b.fin >= 0:
		k.reason = gofollow.CloseFIN
		if a.finACK <= b.fin && b.finACK <= a.fin {
			k.rows[rowSimultaneous]++
		}
	}
	if !a.seen || !b.seen {
		k.rows[rowOneSided]++
	}
}

// told counts the rows that only the follower's reasons for its gaps show.
func (t *truth) told(c *conversation) {
	for d := range c.streams {
		for _, why := range c.streams[d].reasons {
			switch {
			case why == gofollow.GapACK:
				t.rows[rowGapACK]++
			case why == gofollow.GapClose:
				t.rows[rowGapClose]++
			case why == gofollow.GapTimeout && c.streams[1-d].counters.Packets == 0:
				t.rows[rowGapNoACK]++
			}
		}
	}
}
