package pixel

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
)

// rle decodes RLE (PS3.5, annex G): a segment for each byte of a pixel, the upper byte first, each packed on its
// own. A frame is
//
//	0   number of segments        4, little endian
//	4   offsets of 15 segments  60, from the frame's first byte; 0 for none
//	64  segments
//
// All segments are unpacked side by side, a row of each at a time.
type rle struct {
	planes []*packed
}

// rleHeader is the bytes before the first segment.
const rleHeader = 64

// newRLE reads the header of a frame. Its segments are read from the file; a frame in several fragments, which the
// standard does not allow but which is seen, is read into memory first.
func newRLE(i *Image, parts []dicom.Fragment) (Rows, error) {
	var data io.ReaderAt
	var size int64
	if len(parts) == 1 {
		data, size = io.NewSectionReader(i.r, parts[0].Offset, parts[0].Length), parts[0].Length
	} else {
		all, err := i.readAll(parts)
		if err != nil {
			return nil, err
		}
		data, size = bytes.NewReader(all), int64(len(all))
	}
	var head [rleHeader]byte
	if _, err := data.ReadAt(head[:], 0); err != nil {
		return nil, corrupt("pixel.rle-header-cut-off", "RLE header is cut off after %v", coded.CountOf(size, "byte"))
	}
	if n := binary.LittleEndian.Uint32(head[:]); int(n) != i.allocated/8 {
		return nil, corrupt("pixel.rle-with-pixel-have", "RLE with %v; %v a pixel have %d",
			coded.CountOf(n, "segment"), coded.CountOf(i.allocated, "bit"),
			i.allocated/8)
	}
	r := &rle{}
	for s := range i.allocated / 8 {
		begin, end := int64(binary.LittleEndian.Uint32(head[4+4*s:])), size
		if s+1 < i.allocated/8 {
			end = int64(binary.LittleEndian.Uint32(head[8+4*s:]))
		}
		if begin < rleHeader || end < begin || end > size {
			return nil, corrupt("pixel.rle-segment-from", "RLE segment from %d to %d of %v",
				begin, end, coded.CountOf(size, "byte"))
		}
		r.planes = append(r.planes,
			&packed{r: bufio.NewReaderSize(io.NewSectionReader(data, begin, end-begin), 64<<10),
				row: make([]byte, i.Columns)})
	}
	return r, nil
}

// Next implements Rows.
func (r *rle) Next(row []uint16) error {
	clear(row)
	for _, p := range r.planes {
		if err := p.next(); err != nil {
			return err
		}
		for x, v := range p.row {
			row[x] = row[x]<<8 | uint16(v)
		}
	}
	return nil
}

// packed is one segment in packed bits (PS3.5, G.3.1). A signed byte n begins each run:
//
//	0 to 127     n+1 bytes follow as they are
//	-127 to -1   one byte follows, which stands 1-n times
//	-128         nothing follows
type packed struct {
	r      *bufio.Reader
	row    []byte
	run    int // bytes left of the run at hand
	repeat bool
	value  byte
}

// next fills row. A run may go over the end of a row, though the standard forbids it (G.3.1): the rest is the next
// row's.
func (p *packed) next() error {
	for rest := p.row; len(rest) > 0; {
		if p.run == 0 {
			if err := p.begin(); err != nil {
				return err
			}
			continue
		}
		n := min(p.run, len(rest))
		if p.repeat {
			for x := range rest[:n] {
				rest[x] = p.value
			}
		} else if _, err := io.ReadFull(p.r, rest[:n]); err != nil {
			return corrupt("pixel.rle-data-ends-inside", "RLE data ends inside a run")
		}
		p.run -= n
		rest = rest[n:]
	}
	return nil
}

// begin reads the head of a run; of a byte of -128 it makes a run of no length.
func (p *packed) begin() error {
	b, err := p.r.ReadByte()
	if err != nil {
		return corrupt("pixel.rle-data-ends-before", "RLE data ends before the image")
	}
	switch n := int(int8(b)); {
	case n >= 0:
		p.run, p.repeat = n+1, false
	case n > -128:
		p.run, p.repeat = 1-n, true
		if p.value, err = p.r.ReadByte(); err != nil {
			return corrupt("pixel.rle-data-ends-inside", "RLE data ends inside a run")
		}
	}
	return nil
}
