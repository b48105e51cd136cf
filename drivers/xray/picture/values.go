package picture

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"image"
	"io"
	"math"

	"github.com/klauspost/compress/flate"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/pixel"
)

// Scale is what the values of an image mean: what a viewer needs beside them to show window, materials and lengths.
type Scale struct {
	Columns int    `json:"columns"` // of the image
	Rows    int    `json:"rows"`
	Region  [4]int `json:"region"` // that the values show: x, y, width, height, in pixels of the image
	Width   int    `json:"width"`  // of the values: below that of the region, each is the mean of several pixels
	Height  int    `json:"height"`
	Bits    int    `json:"bits"`
	Offset  int    `json:"offset"`  // to be added to a value to have the stored number: signed ones are raised
	Inverse bool   `json:"inverse"` // low values are bright (MONOCHROME1)
	Energy  string `json:"energy"`  // "high" or "low"
	// Instance is the image's name in reports (SOP instance).
	Instance string `json:"instance"`
	// Window is the lowest and highest value of the file's window; absent when the file has none.
	Window *[2]float64 `json:"window,omitempty"`
	// Spacing is the distance of neighbouring pixels in mm, across and down; absent when the file does not say. Where it
	// is measured is At: at the object, or at the detector, where a shadow is larger than what throws it.
	Spacing   *[2]float64 `json:"spacing,omitempty"`
	SpacingAt string      `json:"spacing_at,omitempty"` // object or detector
	// Materials are the anchors of pseudo-colour: ratios of the attenuations ln(low)/ln(high), rising.
	Materials []Material `json:"materials"`
	// Thin and Thick are the transmissions at the high energy between which a ratio says something.
	Thin  float64 `json:"thin"`
	Thick float64 `json:"thick"`
}

// Material is an anchor of pseudo-colour.
type Material struct {
	Ratio float64  `json:"ratio"`
	Name  string   `json:"name"` // organic, inorganic, metal or heavy
	RGB   [3]uint8 `json:"rgb"`
}

// Tags of the distance of pixels (PS3.3, C.8.7.10 and 10.7.1.3): at the detector, and at the object.
const (
	tagImagerSpacing dicom.Tag = 0x00181164
	tagPixelSpacing  dicom.Tag = 0x00280030
	tagInstance      dicom.Tag = 0x00080018
)

// materialNames are those of the anchors of each kind of beam, in the order of their ratios.
var materialNames = map[bool][]string{
	true:  {"heavy", "heavy", "metal", "inorganic", "organic"},
	false: {"organic", "inorganic", "metal", "heavy"},
}

// scaleOf says what an image's values mean, without what part of them is wanted.
func scaleOf(i *pixel.Image) Scale {
	s := Scale{
		Columns: i.Columns, Rows: i.Rows, Bits: i.Bits, Offset: i.Offset, Inverse: i.Inverse(), Energy: "high",
		Instance: i.File.Dataset.Find(tagInstance).String(), Thin: thin, Thick: thick,
	}
	if LowEnergy(i) {
		s.Energy = "low"
	}
	if low, high, ok := fileWindow(i); ok {
		s.Window = &[2]float64{low, high}
	}
	for tag, at := range map[dicom.Tag]string{tagImagerSpacing: "detector", tagPixelSpacing: "object"} {
		// the standard has the distance of rows first
		v := i.File.Dataset.Find(tag).Floats()
		usable := len(v) == 2 && usableSpacing(v[0]) && usableSpacing(v[1])
		if usable && (s.Spacing == nil || at == "object") {
			s.Spacing, s.SpacingAt = &[2]float64{v[1], v[0]}, at
		}
	}
	hues := huesOf(i)
	names := materialNames[len(hues) == len(huesMV)]
	for k, h := range hues {
		s.Materials = append(s.Materials, Material{h.ratio, names[k], [3]uint8{h.c.R, h.c.G, h.c.B}})
	}
	return s
}

// usableSpacing reports whether a distance is one: positive, and below a metre.
func usableSpacing(mm float64) bool { return mm > 0 && mm < 1000 && !math.IsNaN(mm) }

// valuesMagic begins what WriteValues writes.
const valuesMagic = "LWP1"

// WriteValues writes the values of an image's middle frame, or of a region of it, without any loss, as docs/console.md
// describes: "LWP1", the length of a Scale (32 bits, little endian), the Scale as JSON, and a raw deflate stream
// (RFC 1951) of rows. A row is the high bytes, then the low bytes, of each value's difference (mod 65536) to the one on
// its left; the first one's to that above it. maxSide bounds the longest side: a larger region is made smaller by
// averaging; 0 is no bound. It reads the image once, row by row: memory does not grow with it. Errors are those of
// pixel, and those of w once writing has begun; begin is called before that, when not nil.
func WriteValues(w io.Writer, i *pixel.Image, want image.Rectangle, maxSide int, begin func()) error {
	r, err := region(i, want)
	if err != nil {
		return err
	}
	rows, err := i.Frame(i.Frames / 2)
	if err != nil {
		return err
	}
	s := scaleOf(i)
	s.Region = [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()}
	if s.Width, s.Height = r.Dx(), r.Dy(); maxSide > 0 {
		if longest := max(s.Width, s.Height); longest > maxSide {
			s.Width, s.Height = max(s.Width*maxSide/longest, 1), max(s.Height*maxSide/longest, 1)
		}
	}
	head, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if begin != nil {
		begin()
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	start := binary.LittleEndian.AppendUint32([]byte(valuesMagic), uint32(len(head)))
	if _, err := buffered.Write(append(start, head...)); err != nil {
		return err
	}
	z, err := flate.NewWriter(buffered, flate.BestSpeed)
	if err != nil {
		return err
	}
	c := valueCoder{w: z, packed: make([]byte, 2*s.Width)}
	if err := eachValueRow(i, rows, r, s.Width, s.Height, c.row); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

// eachValueRow reads the rows of a region, made width x height by averaging, and calls each with them.
func eachValueRow(i *pixel.Image, rows pixel.Rows, r image.Rectangle, width, height int, each func([]uint16) error) error {
	row, out := make([]uint16, i.Columns), make([]uint16, width)
	sums, edges, lines := make([]uint64, width), bins(r.Dx(), width), bins(r.Dy(), height)
	count, dest := 0, 0
	for y := range r.Max.Y {
		if err := rows.Next(row); err != nil {
			return err
		}
		if y < r.Min.Y {
			continue
		}
		if width == r.Dx() && height == r.Dy() {
			if err := each(row[r.Min.X:r.Max.X]); err != nil {
				return err
			}
			continue
		}
		addRow(sums, row[r.Min.X:r.Max.X], edges)
		if count++; y-r.Min.Y+1 < lines[dest+1] {
			continue
		}
		for x := range out {
			n := uint64(count * (edges[x+1] - edges[x]))
			out[x] = uint16((sums[x] + n/2) / n)
		}
		if err := each(out); err != nil {
			return err
		}
		clear(sums)
		count = 0
		dest++
	}
	return nil
}

// valueCoder writes rows as differences.
type valueCoder struct {
	w      io.Writer
	packed []byte
	above  uint16 // first value of the row before
}

func (c *valueCoder) row(values []uint16) error {
	before, n := c.above, len(values)
	for x, v := range values {
		d := v - before
		c.packed[x], c.packed[n+x] = byte(d>>8), byte(d)
		before = v
	}
	c.above = values[0]
	_, err := c.w.Write(c.packed)
	return err
}

// ReadValues reads what WriteValues wrote. Anything else is an error, and so are more values than MaxRegion.
func ReadValues(r io.Reader) (Scale, []uint16, error) {
	var s Scale
	start := make([]byte, 8)
	if _, err := io.ReadFull(r, start); err != nil {
		return s, nil, err
	}
	n := binary.LittleEndian.Uint32(start[4:])
	if string(start[:4]) != valuesMagic || n > 1<<20 {
		return s, nil, coded.Errorf("picture.no-values", "these are no values of an image")
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return s, nil, err
	}
	if err := json.Unmarshal(head, &s); err != nil {
		return s, nil, err
	}
	if s.Width < 1 || s.Height < 1 || s.Width > MaxRegion || s.Height > MaxRegion/s.Width {
		return s, nil, coded.Errorf("picture.no-values", "these are no values of an image")
	}
	z := flate.NewReader(r)
	defer z.Close()
	out, packed, above := make([]uint16, s.Width*s.Height), make([]byte, 2*s.Width), uint16(0)
	for y := range s.Height {
		if _, err := io.ReadFull(z, packed); err != nil {
			return s, nil, err
		}
		row, before := out[y*s.Width:][:s.Width], above
		for x := range row {
			before += uint16(packed[x])<<8 | uint16(packed[s.Width+x])
			row[x] = before
		}
		above = row[0]
	}
	return s, out, nil
}
