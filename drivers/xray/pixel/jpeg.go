package pixel

import (
	"io"

	"lanewarden/drivers/observation/coded"
)

// lossless decodes JPEG lossless (ITU-T T.81, annex H): process 14, one component, Huffman coded. Each sample is
// predicted of its neighbours, and the difference is coded. Two rows are held.
type lossless struct {
	in        jpegBits
	table     *huffman
	predictor byte    // 1 to 7, table H.1
	point     uint    // point transform: values are shifted up by so much
	initial   int32   // prediction of the very first sample: half of the scale (H.1.2.1)
	restart   int     // samples between restart markers, 0 for none
	left      int     // samples until the next
	prev, cur []int32 // rows, before the point transform is undone
	row       int
	first     bool // the row is the first after a start or restart
}

// newLossless reads the headers up to the scan. Restart intervals must be whole rows, as T.81 wants them in lossless
// (H.1.1). Other processes and parameters are codingErrors.
func newLossless(r io.Reader, rows, columns int) (Rows, error) {
	m, err := newMarkers(r, rows, columns)
	if err != nil {
		return nil, err
	}
	var tables [4]*huffman
	restart := 0
	for {
		mark, body, err := m.segment()
		if err != nil {
			return nil, err
		}
		switch {
		case mark == markSOF3:
			err = m.frame(body)
		case mark >= 0xc0 && mark <= 0xcf && mark != markDHT && mark != 0xc8 && mark != 0xcc:
			err = corrupt("pixel.jpeg-process-lossless-c3", "JPEG of process %02x; lossless (c3) is read", mark)
		case mark == markDHT:
			err = readTables(&tables, body)
		case mark == markDRI:
			if len(body) != 2 {
				err = corrupt("pixel.jpeg-restart-interval",
					"JPEG restart interval of %v", coded.CountOf(len(body), "byte"))
				break
			}
			restart = int(body[0])<<8 | int(body[1])
		case mark == markSOS:
			p, err := m.scan(body)
			if err != nil {
				return nil, err
			}
			d := &lossless{
				in: jpegBits{r: m.r}, table: tables[body[2]>>4&3], predictor: p[0], point: uint(p[2] & 15),
				restart: restart, left: restart,
				prev: make([]int32, columns), cur: make([]int32, columns), first: true,
			}
			if d.table == nil || d.predictor < 1 || d.predictor > 7 || d.point >= uint(m.bits) || restart%columns != 0 {
				return nil, corrupt("pixel.jpeg-scan-with-predictor",
					"JPEG scan with predictor %d, point transform %d, restart interval %d, table %d",
					d.predictor, d.point, restart, body[2]>>4)
			}
			d.initial = 1 << (uint(m.bits) - d.point - 1)
			return d, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Next implements Rows. The first row, and each behind a restart, is predicted of the sample to the left, the first
// column of the others of that above (H.1.2.1). Sums are modulo 2^16.
func (d *lossless) Next(row []uint16) error {
	if d.restart > 0 && d.left == 0 {
		if err := d.in.restartMarker(); err != nil {
			return err
		}
		d.left, d.first = d.restart, true
	}
	prev, cur := d.prev, d.cur
	for x := range cur {
		var px int32
		switch {
		case d.first && x == 0:
			px = d.initial
		case d.first:
			px = cur[x-1]
		case x == 0:
			px = prev[0]
		default:
			px = predict(d.predictor, cur[x-1], prev[x], prev[x-1])
		}
		diff, err := d.in.difference(d.table)
		if err != nil {
			return err
		}
		cur[x] = (px + diff) & 0xffff
		row[x] = uint16(cur[x] << d.point)
	}
	d.prev, d.cur, d.first = cur, prev, false
	d.left -= len(cur)
	d.row++
	if d.in.spent() {
		return corrupt("pixel.jpeg-data-ends-before", "JPEG data ends before the image")
	}
	return nil
}

// predict is table H.1. a is the sample to the left, b that above, c that above to the left:
//
//	c b
//	a x
func predict(which byte, a, b, c int32) int32 {
	switch which {
	case 1:
		return a
	case 2:
		return b
	case 3:
		return c
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) >> 1
}

// huffman is a table for decoding: by the next nine bits where they tell, else by length (T.81, F.2.2.3). Its values
// are numbers of bits of differences, 0 to 16. Most codes are short, so that one look is enough for nearly all.
type huffman struct {
	fast    [512]uint16 // length << 8 | value; 0 where more bits are needed
	values  []byte
	maxCode [18]int32 // by length, -1 for none; the last is above all
	first   [17]int32 // value's index less its code, by length
}

// readTables reads a DHT segment (B.2.4.2, C.2), one or more tables:
//
//	class, id  1   0 for lossless, id 0 to 3
//	counts     16  of codes of each length, 1 to 16 bits
//	values     as many as the counts add up to
//
// Codes are given out in rising order, each length beginning at twice what follows the last of the length before.
func readTables(tables *[4]*huffman, body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 || body[0] > 3 {
			return corrupt("pixel.jpeg-huffman-table-cut", "JPEG Huffman table is cut off, or of class %d", body[0]>>4)
		}
		id, counts := body[0], body[1:17]
		body = body[17:]
		h := &huffman{}
		code, index := int32(0), int32(0)
		for length := 1; length <= 16; length++ {
			n := int32(counts[length-1])
			if code+n > 1<<length {
				return corrupt("pixel.jpeg-huffman-table-more",
					"JPEG Huffman table has more codes than its lengths allow")
			}
			if int(index+n) > len(body) {
				return corrupt("pixel.jpeg-huffman-table-cut-off", "JPEG Huffman table is cut off")
			}
			h.first[length], h.maxCode[length] = index-code, -1
			if n > 0 {
				h.maxCode[length] = code + n - 1
			}
			for i := range n {
				if body[index+i] > 16 {
					return corrupt("pixel.jpeg-huffman-table-with", "JPEG Huffman table with a difference of %v",
						coded.CountOf(body[index+i], "bit"))
				}
				if length <= 9 {
					shift := 9 - length
					for f := (code + i) << shift; f < (code+i+1)<<shift; f++ {
						h.fast[f] = uint16(length)<<8 | uint16(body[index+i])
					}
				}
			}
			code, index = (code+n)<<1, index+n
		}
		h.values = body[:index]
		body = body[index:]
		tables[id] = h
	}
	return nil
}

// jpegBits reads bits; after a byte of ff a zero byte is left out (F.2.2.5). Behind the end there are zeros, so that
// decoding needs no check for each bit; spent tells afterwards whether they were used.
type jpegBits struct {
	r     io.Reader
	buf   []byte
	pos   int
	acc   uint64 // the next n bits, from the top
	n     uint
	ended bool // the reader has no more than buf
	mark  byte // the marker at which the reading stands
	over  uint // zeros behind the end that were made available
	store [streamBuffer]byte
}

// fill makes at least 57 bits available.
func (b *jpegBits) fill() {
	for b.n <= 56 {
		v, ok := b.next()
		if !ok {
			b.over += 64 - b.n
			b.n = 64
			return
		}
		b.acc |= uint64(v) << (56 - b.n)
		b.n += 8
	}
}

// spent reports whether bits behind the end were taken: the data is cut off or corrupt.
func (b *jpegBits) spent() bool { return b.over > b.n }

// raw returns the next byte as it stands; false behind the last.
func (b *jpegBits) raw() (byte, bool) {
	if b.pos == len(b.buf) && !b.ended {
		n, err := io.ReadFull(b.r, b.store[:])
		b.buf, b.pos, b.ended = b.store[:n], 0, err != nil
	}
	if b.pos == len(b.buf) {
		return 0, false
	}
	v := b.buf[b.pos]
	b.pos++
	return v, true
}

// next returns the next byte of coded data; false at a marker, which is then in mark, and behind the last.
func (b *jpegBits) next() (byte, bool) {
	if b.mark != 0 {
		return 0, false
	}
	v, ok := b.raw()
	if !ok || v != 0xff {
		return v, ok
	}
	for v == 0xff {
		if v, ok = b.raw(); !ok {
			return 0, false
		}
	}
	if v != 0 {
		b.mark = v
		return 0, false
	}
	return 0xff, true
}

// restartMarker goes on behind a restart marker, passing over the bits that fill up the byte before it. Its number,
// 0 to 7, is not checked: rows are counted, and a lost interval shows at the end.
func (b *jpegBits) restartMarker() error {
	for b.mark == 0 {
		if _, ok := b.next(); !ok && b.mark == 0 {
			return corrupt("pixel.jpeg-data-ends-before-restart", "JPEG data ends before a restart marker")
		}
	}
	if b.mark < markRST0 || b.mark > markRST0+7 {
		return corrupt("pixel.jpeg-marker-stands-where",
			"JPEG marker %02x stands where a restart marker should", b.mark)
	}
	b.mark, b.acc, b.n, b.over = 0, 0, 0, 0
	return nil
}

// difference decodes one difference (H.1.2.2): the code of its number of bits, then the bits. A first bit of 0 makes
// it negative, as in F.12 (EXTEND). 16 bits stand for 32768 alone, without bits behind the code.
func (b *jpegBits) difference(h *huffman) (int32, error) {
	if b.n < 32 {
		b.fill()
	}
	var size uint
	if f := h.fast[b.acc>>55]; f != 0 {
		size = uint(f & 0xff)
		b.acc <<= f >> 8
		b.n -= uint(f >> 8)
	} else {
		code, length := int32(b.acc>>54), 10
		for ; length <= 16; length++ {
			code = int32(b.acc >> (64 - uint(length)))
			if code <= h.maxCode[length] {
				break
			}
		}
		if length > 16 {
			return 0, corrupt("pixel.jpeg-data-code-that", "JPEG data has a code that its table does not have")
		}
		size = uint(h.values[code+h.first[length]])
		b.acc <<= uint(length)
		b.n -= uint(length)
	}
	switch size {
	case 0:
		return 0, nil
	case 16:
		return 1 << 15, nil
	}
	v := int32(b.acc >> (64 - size))
	b.acc <<= size
	b.n -= size
	if v < 1<<(size-1) {
		v += -1<<size + 1
	}
	return v, nil
}
