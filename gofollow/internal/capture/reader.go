package capture

// Reader is a resumable parser of one capture, pcap or pcapng. The zero value
// is ready for the first byte of a capture.
type Reader struct{}

// Next parses what stands at the head of b, which continues where the last
// call's n ended. n is how many bytes of b are done with. With ok, rec is the next
// packet, and rec.Data is part of b. Without ok and with n == 0, b is too short: at least
// Need bytes in all are wanted. Without ok and n > 0, something else than a
// packet was read. An error is a *Error and final.
func (r *Reader) Next(b []byte, rec *Record) (n int, ok bool, err error) { panic("not yet") }

// Need returns how many bytes the next call of Next wants at least.
func (r *Reader) Need() int { panic("not yet") }

// End says that the capture ends with rest, the bytes that Next did not take. It returns a
// *Error of kind Truncated if that is within a record, of NotACapture if there was nothing.
func (r *Reader) End(rest []byte) error { panic("not yet") }
