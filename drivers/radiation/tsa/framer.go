package tsa

import "bytes"

// maxLine bounds a line; the longest that the protocol knows has some 60 bytes.
const maxLine = 512

// framer cuts a byte stream into lines. Its memory is bounded by maxLine.
type framer struct {
	offset  int64 // of the next byte of input
	partial []byte
	skip    bool // inside a line that is too long
}

// feed calls line with each whole line in data, without its end, and tooLong with the beginning of one that is over the
// limit. The slices are valid during the call.
func (f *framer) feed(data []byte, line, tooLong func(text []byte, offset int64)) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		whole := end >= 0
		part := data
		if whole {
			part = data[:end]
			data = data[end+1:]
		} else {
			data = nil
		}
		f.offset += int64(len(part))
		f.take(part, whole, line, tooLong)
		if whole {
			f.offset++
		}
	}
}

func (f *framer) take(part []byte, whole bool, line, tooLong func([]byte, int64)) {
	switch {
	case f.skip:
		f.skip = !whole
		return
	case len(f.partial)+len(part) > maxLine:
		start := f.offset - int64(len(f.partial)+len(part))
		tooLong(append(f.partial, part[:maxLine-len(f.partial)]...), start)
		f.partial, f.skip = f.partial[:0], !whole
		return
	case !whole:
		f.partial = append(f.partial, part...)
		return
	case len(f.partial) > 0:
		f.partial = append(f.partial, part...)
		part = f.partial
		f.partial = f.partial[:0]
	}
	start := f.offset - int64(len(part))
	if part = bytes.TrimRight(part, "\r"); len(part) > 0 {
		line(part, start)
	}
}

// reset forgets a line under way; the next byte is at offset 0 of a new input.
func (f *framer) reset() { *f = framer{partial: f.partial[:0]} }

// idle reports whether no line is under way.
func (f *framer) idle() bool { return len(f.partial) == 0 && !f.skip }
