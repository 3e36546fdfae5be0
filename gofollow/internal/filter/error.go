package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong in a filter and where.
type Error struct {
	Filter string // the whole text
	Offset int    // where in it, in bytes
	Reason string // what is wrong, and perhaps what to do
	Known  string // what could stand there, or ""
}

// Error returns one line without a full stop, in which ^ stands before the place.
func (e *Error) Error() string {
	before, after := e.Filter[:e.Offset], e.Filter[e.Offset:]
	text := "filter " + quoted(e.Filter) + ": " + e.Reason + " (here: " + bare(shortenFront(before, 30)) + "^" + bare(shorten(after, 30)) + ")"
	if e.Known != "" {
		text += "; " + e.Known
	}
	return text
}

// quoted returns text in quotes, on one line and not too long. Quotation marks in it stay, for they
// are rare.
func quoted(text string) string {
	for n := 100; ; n /= 2 {
		if q := bare(shorten(text, n)); len(q) <= 200 {
			return `"` + q + `"`
		}
	}
}

// bare returns text with what would disturb a line escaped.
func bare(text string) string {
	q := strconv.Quote(text)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// shorten returns at most about n bytes of the beginning of text.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// shortenFront returns at most about n bytes of the end of text.
func shortenFront(text string, n int) string {
	if len(text) <= n {
		return text
	}
	from := len(text) - n
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	return "..." + text[from:]
}
