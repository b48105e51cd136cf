package driver

import "bytes"

// Lines cuts a stream of bytes into lines. Its memory is bounded by Max. Not for concurrent use.
type Lines struct {
	Max int // bytes of the longest line, without its end; at least 1

	offset  int64 // of the next byte of input
	partial []byte
	skip    bool // inside a line that is too long
}

// Feed calls line with each whole line, without its end (LF or CR LF) and with the offset of its first byte, and
// tooLong with the first Max bytes of one that is longer; empty lines are passed over. The slices are valid during
// the call.
func (l *Lines) Feed(data []byte, line, tooLong func(text []byte, offset int64)) {
	for len(data) > 0 {
		part := data
		end := bytes.IndexByte(data, '\n')
		whole := end >= 0
		if whole {
			part, data = data[:end], data[end+1:]
		} else {
			data = nil
		}
		l.offset += int64(len(part))
		l.add(part, whole, line, tooLong)
		if whole {
			l.offset++
		}
	}
}

// add takes a part of a line, or all of it.
func (l *Lines) add(part []byte, whole bool, line, tooLong func([]byte, int64)) {
	switch {
	case l.skip:
		l.skip = !whole
		return
	case len(l.partial)+len(part) > l.Max:
		start := l.offset - int64(len(l.partial)+len(part))
		tooLong(append(l.partial, part[:l.Max-len(l.partial)]...), start)
		l.partial, l.skip = l.partial[:0], !whole
		return
	case !whole:
		l.partial = append(l.partial, part...)
		return
	case len(l.partial) > 0:
		l.partial = append(l.partial, part...)
		part = l.partial
		l.partial = l.partial[:0]
	}
	start := l.offset - int64(len(part))
	if part = bytes.TrimRight(part, "\r"); len(part) > 0 {
		line(part, start)
	}
}

// Reset forgets a line under way; the next byte is at offset 0 of a new input.
func (l *Lines) Reset() { *l = Lines{Max: l.Max, partial: l.partial[:0]} }

// Idle reports whether no line is under way.
func (l *Lines) Idle() bool { return len(l.partial) == 0 && !l.skip }
