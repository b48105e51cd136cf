package pixel

import (
	"encoding/binary"
	"io"
	"math/bits"

	"lanewarden/drivers/observation/coded"
)

// jpegLS decodes JPEG-LS (ITU-T T.87): one component, lossless or near-lossless. Names are those of the standard
// where it has them. A sample x is predicted of its neighbours, named as in figure 3:
//
//	c b d
//	a x
//
// Where the three gradients d-b, b-c and c-a are all flat, a run of a is coded; elsewhere the gradients choose one
// of 365 contexts, which has learned how wide and how biased errors are there.
type jpegLS struct {
	in   lsBits
	p    lsParameters
	prev []int32 // the row above, with an edge at both ends
	cur  []int32

	contexts [365]lsContext
	runs     [2]lsRun
	runIndex int    // index into lsJ
	quantum  []int8 // quantised gradients, from -maxval to maxval; a table, as three are needed for each sample
}

// lsParameters follow from bits and preset (C.2.4.1.1): maxval is the highest sample, near the largest error of a
// sample (0 for lossless), rng the number of distinct errors, qbpp the bits for one, limit the longest code in bits,
// reset the number of samples after which a context halves what it has learned, t1 to t3 the gradients' thresholds.
type lsParameters struct {
	maxval, near, rng, qbpp, limit, reset int32
	t1, t2, t3                            int32
}

// lsContext is the state of one context of regular mode: a sums absolute errors, b errors, n counts, and c corrects
// the prediction (A.2.1).
type lsContext struct{ a, b, c, n int32 }

// lsRun is the state of one kind of run interruption: nn counts negative errors (A.7.2).
type lsRun struct{ a, n, nn int32 }

// lsJ is table A.1: a one bit in run mode stands for 1 << lsJ[runIndex] samples.
var lsJ = [32]uint8{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
	8, 9, 10, 11, 12, 13, 14, 15}

// newJPEGLS reads the headers up to the scan. Of LSE segments only presets (type 1) are read; mapping tables,
// restart intervals, interleaving and point transforms are codingErrors, as no DICOM writer makes them of grey
// images.
func newJPEGLS(r io.Reader, rows, columns int) (Rows, error) {
	m, err := newMarkers(r, rows, columns)
	if err != nil {
		return nil, err
	}
	var preset [5]int32 // maxval, t1, t2, t3, reset; 0 for the default
	for {
		mark, body, err := m.segment()
		if err != nil {
			return nil, err
		}
		switch mark {
		case markSOF55:
			err = m.frame(body)
		case markLSE:
			if len(body) == 11 && body[0] == 1 {
				for i := range preset {
					preset[i] = int32(binary.BigEndian.Uint16(body[1+2*i:]))
				}
			} else {
				err = corrupt("pixel.jpeg-ls-parameters-type",
					"JPEG-LS parameters of type %d are not read", body[:min(1, len(body))])
			}
		case markDRI:
			err = corrupt("pixel.jpeg-ls-with-restart", "JPEG-LS with restart intervals is not read")
		case markSOS:
			p, err := m.scan(body)
			if err != nil {
				return nil, err
			}
			if p[1] != 0 || p[2] != 0 {
				return nil, corrupt("pixel.jpeg-ls-scan-with",
					"JPEG-LS scan with interleave %d, point transform %d", p[1], p[2])
			}
			return startJPEGLS(m, int32(p[0]), preset)
		}
		if err != nil {
			return nil, err
		}
	}
}

// startJPEGLS sets up the state for a scan (A.2.1). Presets outside the ranges of table C.1 are codingErrors: the
// tables and shifts below rely on them.
func startJPEGLS(m *markers, near int32, preset [5]int32) (Rows, error) {
	d := &jpegLS{in: lsBits{r: m.r}, prev: make([]int32, m.columns+2), cur: make([]int32, m.columns+2)}
	maxval := int32(1)<<m.bits - 1
	if preset[0] != 0 {
		if preset[0] > maxval {
			return nil, corrupt("pixel.jpeg-ls-with-values", "JPEG-LS with values up to %d in %v",
				preset[0], coded.CountOf(m.bits, "bit"))
		}
		maxval = preset[0]
	}
	if near > min(255, maxval/2) {
		return nil, corrupt("pixel.jpeg-ls-with-error", "JPEG-LS with an error of %d in values up to %d", near, maxval)
	}
	d.p = parameters(maxval, near)
	for i, t := range []*int32{&d.p.t1, &d.p.t2, &d.p.t3, &d.p.reset} {
		if preset[i+1] != 0 {
			*t = preset[i+1]
		}
	}
	if d.p.t1 <= near || d.p.t2 < d.p.t1 || d.p.t3 < d.p.t2 || d.p.t3 > maxval || d.p.reset < 3 {
		return nil, corrupt("pixel.jpeg-ls-thresholds-reset",
			"JPEG-LS thresholds %d, %d, %d, reset %d", d.p.t1, d.p.t2, d.p.t3, d.p.reset)
	}
	a := max(2, (d.p.rng+32)/64)
	for i := range d.contexts {
		d.contexts[i] = lsContext{a: a, n: 1}
	}
	d.runs = [2]lsRun{{a: a, n: 1}, {a: a, n: 1}}
	d.quantum = make([]int8, 2*maxval+1)
	for i := range d.quantum {
		d.quantum[i] = d.p.quantise(int32(i) - maxval)
	}
	return d, nil
}

// parameters computes the defaults (C.2.4.1.1.1) and what follows from maxval and near (A.2.1).
func parameters(maxval, near int32) lsParameters {
	clamp := func(v, low int32) int32 {
		if v > maxval || v < low {
			return low
		}
		return v
	}
	p := lsParameters{maxval: maxval, near: near, reset: 64}
	if maxval >= 128 {
		factor := (min(maxval, 4095) + 128) / 256
		p.t1 = clamp(factor+2+3*near, near+1)
		p.t2 = clamp(factor*4+3+5*near, p.t1)
		p.t3 = clamp(factor*17+4+7*near, p.t2)
	} else {
		factor := 256 / (maxval + 1)
		p.t1 = clamp(max(2, 3/factor+3*near), near+1)
		p.t2 = clamp(max(3, 7/factor+5*near), p.t1)
		p.t3 = clamp(max(4, 21/factor+7*near), p.t2)
	}
	p.rng = (maxval+2*near)/(2*near+1) + 1
	p.qbpp = int32(bits.Len32(uint32(p.rng - 1)))
	bpp := max(2, int32(bits.Len32(uint32(maxval))))
	p.limit = 2 * (bpp + max(8, bpp))
	return p
}

// quantise is code segment A.4: the region of a gradient, -4 to 4, 0 being flat.
func (p *lsParameters) quantise(d int32) int8 {
	switch {
	case d <= -p.t3:
		return -4
	case d <= -p.t2:
		return -3
	case d <= -p.t1:
		return -2
	case d < -p.near:
		return -1
	case d <= p.near:
		return 0
	case d < p.t1:
		return 1
	case d < p.t2:
		return 2
	case d < p.t3:
		return 3
	}
	return 4
}

// Next implements Rows. The row above the first is zeros; left of a row stands the sample above its first, right of
// the row above its last once more (A.2.1). Of a context and its mirror image only one is kept: sign says which it
// was.
func (d *jpegLS) Next(row []uint16) error {
	n := len(row)
	prev, cur := d.prev[:n+2], d.cur[:n+2]
	cur[0], prev[n+1] = prev[1], prev[n]
	maxval := d.p.maxval
	quantum := d.quantum
	for x := 1; x <= n; {
		a, b, c, e := cur[x-1], prev[x], prev[x-1], prev[x+1]
		q := int32(quantum[e-b+maxval])*81 + int32(quantum[b-c+maxval])*9 + int32(quantum[c-a+maxval])
		if q == 0 {
			var err error
			if x, err = d.run(cur, prev, x, n); err != nil {
				return err
			}
			continue
		}
		sign := int32(1)
		if q < 0 {
			q, sign = -q, -1
		}
		cur[x] = d.regular(&d.contexts[q], sign, a, b, c)
		x++
	}
	for x := range row {
		row[x] = uint16(cur[x+1])
	}
	d.prev, d.cur = d.cur, d.prev
	if d.in.spent() {
		return corrupt("pixel.jpeg-ls-data-ends", "JPEG-LS data ends before the image")
	}
	return nil
}

// regular decodes a sample in regular mode (A.4, A.5, A.6): the median edge detector predicts it, the context
// corrects the prediction, and the coded error is added. Errors are coded as 0, -1, 1, -2, ... with rare ones
// inverted (A.5.2).
func (d *jpegLS) regular(x *lsContext, sign, a, b, c int32) int32 {
	low, high := min(a, b), max(a, b)
	px := a + b - c
	if c >= high {
		px = low
	} else if c <= low {
		px = high
	}
	px = min(max(px+sign*x.c, 0), d.p.maxval)

	k := golombOrder(x.n, x.a)
	m := d.in.golomb(k, d.p.limit-d.p.qbpp-1, d.p.qbpp)
	err := int32(m>>1) ^ -int32(m&1) // 0, -1, 1, -2, ...
	if k == 0 && d.p.near == 0 && 2*x.b <= -x.n {
		err = ^err
	}
	x.update(err, d.p.near, d.p.reset)
	return d.p.restore(px, sign*err)
}

// golombOrder is code segment A.10: the Golomb parameter k, so that 2^k is about the mean absolute error.
func golombOrder(n, a int32) uint {
	k := uint(0)
	for n<<k < a {
		k++
	}
	return k
}

// update is code segments A.12 and A.13: it learns an error, and moves the correction c, -128 to 127, by one when
// the mean error leaves (-1, 0].
func (x *lsContext) update(err, near, reset int32) {
	b, a, n := x.b+err*(2*near+1), x.a+max(err, -err), x.n
	if n == reset {
		a, b, n = a>>1, b>>1, n>>1
	}
	n++
	if b <= -n {
		b += n
		if x.c > -128 {
			x.c--
		}
		if b <= -n {
			b = 1 - n
		}
	} else if b > 0 {
		b -= n
		if x.c < 127 {
			x.c++
		}
		if b > 0 {
			b = 0
		}
	}
	x.a, x.b, x.n = a, b, n
}

// restore adds an error to a prediction, in the range of the values (A.4.5): errors are modulo rng.
func (p *lsParameters) restore(px, err int32) int32 {
	step := 2*p.near + 1
	v := px + err*step
	if v < -p.near {
		v += p.rng * step
	} else if v > p.maxval+p.near {
		v -= p.rng * step
	}
	return min(max(v, 0), p.maxval)
}

// run decodes a run and the sample that interrupts it (A.7), and returns the position after them. x is the position
// in the row, from 1, and n the row's length. A run that ends with the row is not interrupted.
func (d *jpegLS) run(cur, prev []int32, x, n int) (int, error) {
	a := cur[x-1]
	for d.in.bit() {
		length := 1 << lsJ[d.runIndex]
		whole := length <= n-x+1
		for range min(length, n-x+1) {
			cur[x] = a
			x++
		}
		if whole && d.runIndex < 31 {
			d.runIndex++
		}
		if x > n {
			return x, nil
		}
		if d.in.spent() {
			return x, corrupt("pixel.jpeg-ls-data-ends", "JPEG-LS data ends before the image")
		}
	}
	j := uint(lsJ[d.runIndex])
	length := int(d.in.readBits(j))
	if length > n-x {
		return x, corrupt("pixel.jpeg-ls-run-reaches", "JPEG-LS run reaches beyond the row")
	}
	for range length {
		cur[x] = a
		x++
	}
	cur[x] = d.interruption(a, prev[x], int32(j))
	if d.runIndex > 0 {
		d.runIndex--
	}
	return x + 1, nil
}

// interruption decodes the sample that ends a run (A.7.2); j is lsJ of the run. It is of kind 1 when a and b are as
// good as equal, and predicted by a, else by b.
func (d *jpegLS) interruption(a, b, j int32) int32 {
	kind, px, sign := int32(0), b, int32(1)
	if max(a-b, b-a) <= d.p.near {
		kind, px = 1, a
	} else if a > b {
		sign = -1
	}
	r := &d.runs[kind]
	k := golombOrder(r.n, r.a+kind*(r.n>>1))
	m := int32(d.in.golomb(k, d.p.limit-j-1-d.p.qbpp-1, d.p.qbpp))
	odd := (m + kind) & 1
	err := (m + kind + odd) >> 1
	if (k != 0 || 2*r.nn >= r.n) == (odd == 1) {
		err = -err
	}
	if err < 0 {
		r.nn++
	}
	r.a += (m + 1 - kind) >> 1
	if r.n == d.p.reset {
		r.a, r.n, r.nn = r.a>>1, r.n>>1, r.nn>>1
	}
	r.n++
	return d.p.restore(px, sign*err)
}

// lsBits reads bits; after a byte of ff a byte has seven (A.1), so that no marker can come about. Behind the end,
// and behind a marker, there are zeros; spent tells whether they were used.
type lsBits struct {
	r     io.Reader
	buf   []byte
	pos   int
	acc   uint64 // the next n bits, from the top
	n     uint
	ff    bool // the last byte was ff
	ended bool
	over  uint // zeros behind the end that were made available
	store [streamBuffer]byte
}

// fill makes at least 48 bits available.
func (b *lsBits) fill() {
	for b.n <= 56 {
		if b.pos+8 <= len(b.buf) && !b.ff {
			w := binary.BigEndian.Uint64(b.buf[b.pos:])
			if inverted := ^w; (inverted-0x0101010101010101)&^inverted&0x8080808080808080 == 0 { // none of them is ff
				take := (64 - b.n) >> 3
				b.acc |= w >> (64 - take*8) << (64 - take*8) >> b.n
				b.pos += int(take)
				b.n += take * 8
				return
			}
		}
		v, ok := b.next()
		if !ok {
			b.over += 64 - b.n
			b.n = 64
			return
		}
		if b.ff {
			b.acc |= uint64(v) << (57 - b.n)
			b.n += 7
		} else {
			b.acc |= uint64(v) << (56 - b.n)
			b.n += 8
		}
		b.ff = v == 0xff
	}
}

// next returns the next byte of the scan; false at a marker, which is ff and a byte of 80 hex or more, and at the
// end.
func (b *lsBits) next() (byte, bool) {
	if b.pos == len(b.buf) && !b.ended {
		n, err := io.ReadFull(b.r, b.store[:])
		b.buf, b.pos, b.ended = b.store[:n], 0, err != nil
	}
	if b.pos == len(b.buf) || b.ff && b.buf[b.pos] >= 0x80 {
		return 0, false
	}
	v := b.buf[b.pos]
	b.pos++
	return v, true
}

// spent reports whether bits behind the end were read.
func (b *lsBits) spent() bool { return b.over > b.n }

// bit removes one bit from the stream.
func (b *lsBits) bit() bool {
	if b.n == 0 {
		b.fill()
	}
	v := b.acc>>63 == 1
	b.acc <<= 1
	b.n--
	return v
}

// readBits removes the next count bits, 0 to 32, from the stream and returns them, the first one highest. Behind the
// end of the data they are zeros, and spent says so.
func (b *lsBits) readBits(count uint) uint32 {
	if b.n < count {
		b.fill()
	}
	v := uint32(b.acc >> 32 >> (32 - count))
	b.acc <<= count
	b.n -= count
	return v
}

// golomb decodes a value of limited length (A.5.3): zeros, a one, and k bits; the zeros are the upper part. As many
// zeros as limit mean that qbpp bits follow, which are the value less 1.
func (b *lsBits) golomb(k uint, limit, qbpp int32) uint32 {
	if b.n < 32 {
		b.fill()
	}
	zeros := int32(bits.LeadingZeros64(b.acc))
	if uint(zeros) < b.n && zeros < limit { // all of it is here, most times
		b.acc <<= uint(zeros) + 1
		b.n -= uint(zeros) + 1
		return uint32(zeros)<<k | b.readBits(k)
	}
	zeros = 0
	for !b.bit() {
		if zeros++; zeros > limit {
			break // corrupt; the row's end tells
		}
	}
	if zeros < limit {
		return uint32(zeros)<<k | b.readBits(k)
	}
	return b.readBits(uint(qbpp)) + 1
}
