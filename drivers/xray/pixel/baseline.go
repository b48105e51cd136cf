package pixel

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"

	"lanewarden/drivers/observation/coded"
)

// Markers of the frames that the standard library decodes within the bounds here.
const (
	markSOF0 = 0xc0 // baseline
	markSOF1 = 0xc1 // extended sequential
)

// maxBaseline bounds the pixels of a frame that is decoded whole: image/jpeg gives no rows. It takes a byte for
// each.
const maxBaseline = 1 << 25

// newBaseline decodes a frame of JPEG baseline, or extended with 8 bits, with the standard library. What that does
// not decode (12 bits, arithmetic coding) is ErrNotRendered; corrupt data, colour, and another size are
// codingErrors.
func newBaseline(r io.Reader, rows, columns int) (Rows, error) {
	if rows*columns > maxBaseline {
		return nil, coded.Errorf("pixel.jpeg-x-pixels-more",
			"%w: JPEG of %d x %d pixels, more than the %d that are decoded whole", ErrNotRendered,
			columns, rows, maxBaseline)
	}
	head, err := jpegHead(r, rows, columns)
	if err != nil {
		return nil, err
	}
	whole := io.MultiReader(head, r)
	decoded, err := jpeg.Decode(whole)
	var unsupported jpeg.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return nil, coded.Errorf("pixel.because", "%w: %v", ErrNotRendered, err)
	case err != nil:
		return nil, corrupt("pixel.jpeg-data-cannot-be", "JPEG data cannot be read: %v", err)
	}
	grey, ok := decoded.(*image.Gray)
	if !ok || grey.Bounds() != image.Rect(0, 0, columns, rows) {
		return nil, corrupt("pixel.jpeg-frame-not-one", "JPEG frame is not one grey image of %d x %d", columns, rows)
	}
	return &greyRows{image: grey}, nil
}

// jpegHead reads a stream up to its scan, and checks that its frame is what the header says before memory is taken
// for it: image/jpeg would believe any size. It returns what it read, which is to be read again before r.
func jpegHead(r io.Reader, rows, columns int) (io.Reader, error) {
	var read bytes.Buffer
	m, err := newMarkers(io.TeeReader(r, &read), rows, columns)
	for err == nil {
		var mark byte
		var body []byte
		if mark, body, err = m.segment(); err != nil {
			break
		}
		switch {
		case mark == markSOF0 || mark == markSOF1:
			if err = m.frame(body); err == nil && m.bits != 8 {
				err = coded.Errorf("pixel.jpeg-extended", "%w: JPEG extended of %v",
					ErrNotRendered, coded.CountOf(m.bits, "bit"))
			}
		case mark >= 0xc0 && mark <= 0xcf && mark != markDHT && mark != 0xc8 && mark != 0xcc:
			err = coded.Errorf("pixel.jpeg-process-baseline-extended",
				"%w: JPEG of process %02x; baseline and extended sequential are decoded",
				ErrNotRendered, mark)
		case mark == markSOS && m.bits == 0:
			err = corrupt("pixel.jpeg-scan-before-its", "JPEG scan before its frame")
		case mark == markSOS:
			return &read, nil // all that was read ahead too
		case read.Len() > maxJPEGHead:
			err = corrupt("pixel.more-than-bytes-before", "more than %d bytes before the JPEG scan", maxJPEGHead)
		}
	}
	return nil, err
}

// maxJPEGHead bounds what stands before the scan, in bytes: tables, comments, profiles.
const maxJPEGHead = 1 << 20

// greyRows gives the rows of a decoded image, one byte a pixel.
type greyRows struct {
	image *image.Gray
	row   int
}

// Next implements Rows.
func (g *greyRows) Next(row []uint16) error {
	if g.row >= g.image.Rect.Dy() {
		return corrupt("pixel.row-image", "row %d of an image of %d", g.row, g.image.Rect.Dy())
	}
	for x, v := range g.image.Pix[g.row*g.image.Stride:][:len(row)] {
		row[x] = uint16(v)
	}
	g.row++
	return nil
}
