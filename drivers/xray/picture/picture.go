// Package picture makes pictures of X-ray images for people: rows of pixels go in; an 8-bit picture comes out,
// windowed, inverted, on a logarithmic scale, equalised or in pseudo-colour, with what a report found drawn over it;
// or a region of the pixels as they are.
package picture

import (
	"image"
	"math"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/pixel"
)

// Options describe what is wanted. The zero Options are a preview of the whole.
type Options struct {
	Region  image.Rectangle // in pixels of the image, at its full size; empty for all
	MaxSide int             // longest side of the picture in pixels; 0 for 1024
	Invert  bool            // light for dark; of a MONOCHROME1 image, which is inverted already, the values as stored
	Log     bool            // on a logarithmic scale, which shows what is behind thick cargo
	// Dark and Light are what is shown black and white, as shares of the image's window, 0.2 and 0.5 for a part of
	// it. They may lie outside 0 to 1. Unless Light is above Dark, all of the window is shown.
	Dark, Light float64
	Equalise    bool         // contrast limited adaptive histogram equalisation
	Other       *pixel.Image // of the same scan at the other energy: the picture is in pseudo-colour
	Outlines    []Outline
}

// DefaultSide is the longest side of a preview.
const DefaultSide = 1024

// MaxRegion bounds the pixels of a region that is wanted as it is: 64 MB of memory.
const MaxRegion = 1 << 25

// Plane is an image, or a region of it, made smaller by averaging. It holds Width x Height values, row by row,
// whatever the image's size.
type Plane struct {
	Width, Height int
	Values        []float32       // as stored, raised when signed
	Region        image.Rectangle // that it shows, in pixels of the image
	Bits          int             // of the image's values
}

// At returns a value.
func (p *Plane) At(x, y int) float32 { return p.Values[y*p.Width+x] }

// region returns the part that is wanted, the whole when none is. One that is not inside the image is an error, not
// cut.
func region(i *pixel.Image, r image.Rectangle) (image.Rectangle, error) {
	all := image.Rect(0, 0, i.Columns, i.Rows)
	if r == (image.Rectangle{}) {
		return all, nil
	}
	if r.Empty() || !r.In(all) {
		return r, coded.Errorf("picture.region-not-inside-image",
			"region %v is not inside the image of %d x %d", r, i.Columns, i.Rows)
	}
	return r, nil
}

// Reduce reads an image's middle frame once and makes the region want smaller, so that its longest side has at most
// maxSide pixels (0 for DefaultSide); a smaller one keeps its size. each, when not nil, is called with every row of
// the image on the way, also those outside the region; without it the rows below the region are not decoded. A row
// is valid during the call only. Errors are those of pixel.
func Reduce(i *pixel.Image, want image.Rectangle, maxSide int, each func(y int, row []uint16)) (*Plane, error) {
	r, err := region(i, want)
	if err != nil {
		return nil, err
	}
	rows, err := i.Frame(i.Frames / 2)
	if err != nil {
		return nil, err
	}
	p := newPlane(r, maxSide, i.Bits)
	row := make([]uint16, i.Columns)
	sums, edges := make([]uint64, p.Width), bins(r.Dx(), p.Width)
	count, dest := 0, 0
	lines := bins(r.Dy(), p.Height)
	for y := range r.Max.Y {
		if err := rows.Next(row); err != nil {
			return nil, err
		}
		if each != nil {
			each(y, row)
		}
		if y < r.Min.Y {
			continue
		}
		addRow(sums, row[r.Min.X:r.Max.X], edges)
		if count++; y-r.Min.Y+1 == lines[dest+1] {
			out := p.Values[dest*p.Width:][:p.Width]
			for x := range out {
				out[x] = float32(sums[x]) / float32(count*(edges[x+1]-edges[x]))
			}
			clear(sums)
			count = 0
			dest++
		}
	}
	if each == nil {
		return p, nil
	}
	for y := r.Max.Y; y < i.Rows; y++ {
		if err := rows.Next(row); err != nil {
			return nil, err
		}
		each(y, row)
	}
	return p, nil
}

// newPlane returns an empty plane for the region r, of the same shape; each side has a pixel at least.
func newPlane(r image.Rectangle, maxSide, bits int) *Plane {
	if maxSide == 0 {
		maxSide = DefaultSide
	}
	w, h := r.Dx(), r.Dy()
	if longest := max(w, h); longest > maxSide {
		w, h = max(w*maxSide/longest, 1), max(h*maxSide/longest, 1)
	}
	return &Plane{Width: w, Height: h, Values: make([]float32, w*h), Region: r, Bits: bits}
}

// bins cuts n into parts of nearly the same size, parts being at most n; the part k is from bins[k] to bins[k+1].
func bins(n, parts int) []int {
	out := make([]int, parts+1)
	for k := range out {
		out[k] = k * n / parts
	}
	return out
}

// addRow adds a row's pixels to the sum of the bin in which they are.
func addRow(sums []uint64, row []uint16, edges []int) {
	for x := range sums {
		s := uint64(0)
		for _, v := range row[edges[x]:edges[x+1]] {
			s += uint64(v)
		}
		sums[x] += s
	}
}

// Tags of window and modality transformation (PS3.3, C.11.2 and C.11.1).
const (
	tagCenter    dicom.Tag = 0x00281050
	tagWidth     dicom.Tag = 0x00281051
	tagIntercept dicom.Tag = 0x00281052
	tagSlope     dicom.Tag = 0x00281053
)

// window returns the values that are black and white: those of the file's first window, or percentiles of the plane.
func window(i *pixel.Image, p *Plane) (low, high float64) {
	if low, high, ok := fileWindow(i); ok {
		return low, high
	}
	return percentiles(p, 0.002, 0.998)
}

// fileWindow returns the values that are black and white by the file's first window; ok is false when it has none. It
// is for values after slope and intercept (PS3.3, C.11.2.1.2), from which it is calculated back.
func fileWindow(i *pixel.Image) (low, high float64, ok bool) {
	first := func(tag dicom.Tag, none float64) float64 {
		if v := i.File.Dataset.Find(tag).Floats(); len(v) > 0 {
			return v[0]
		}
		return none
	}
	center, width, slope := first(tagCenter, 0), first(tagWidth, 0), first(tagSlope, 1)
	if width < 1 || slope <= 0 {
		return 0, 0, false
	}
	low = (center-width/2-first(tagIntercept, 0))/slope - float64(i.Offset)
	return low, low + width/slope, true
}

// histogramBins is fine enough for percentiles of what is shown in 256 steps.
const histogramBins = 4096

// percentiles returns the values below which the shares low and high of the plane are. The second is above the first
// always, so that a scale can be made of them.
func percentiles(p *Plane, low, high float64) (float64, float64) {
	least, most := span(p.Values)
	if most <= least {
		return float64(least), float64(least) + 1
	}
	var count [histogramBins]int
	scale := (histogramBins - 1) / (most - least)
	for _, v := range p.Values {
		count[int((v-least)*scale)]++
	}
	at := func(share float64) float64 {
		left := int(share * float64(len(p.Values)))
		for k, n := range count {
			if left -= n; left < 0 {
				return float64(least) + float64(k)/float64(scale)
			}
		}
		return float64(most)
	}
	l, h := at(low), at(high)
	if h <= l {
		h = l + 1
	}
	return l, h
}

// span returns the least and the greatest of values, of which there must be one.
func span(values []float32) (least, most float32) {
	least, most = values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	return least, most
}

// Draw makes a picture: an *image.Gray, or an *image.RGBA when there are colours in it. Pixels that are not rendered
// give an error that wraps pixel.ErrNotRendered, another energy of other size ErrOtherSize.
func Draw(i *pixel.Image, o Options) (image.Image, error) {
	p, err := Reduce(i, o.Region, o.MaxSide, nil)
	if err != nil {
		return nil, err
	}
	return Show(i, p, o)
}

// Show makes a picture of a plane that was read before, as Draw does; p must be of o.Region. The other energy is
// read here, and reduced to the plane's size.
func Show(i *pixel.Image, p *Plane, o Options) (image.Image, error) {
	levels := shades(i, p, o)
	var out image.Image = &image.Gray{Pix: levels, Stride: p.Width, Rect: image.Rect(0, 0, p.Width, p.Height)}
	if o.Other != nil {
		other, err := Reduce(o.Other, o.Region, max(p.Width, p.Height), nil)
		if err != nil {
			return nil, err
		}
		if out, err = pseudoColour(i, p, o.Other, other, levels); err != nil {
			return nil, err
		}
	}
	if len(o.Outlines) > 0 {
		out = outlined(out, p, o.Outlines)
	}
	return out, nil
}

// shades maps the plane to 256 levels, in this order: logarithm, window, contrast, inversion.
func shades(i *pixel.Image, p *Plane, o Options) []byte {
	low, high := window(i, p)
	shown := p
	if o.Log {
		shown = &Plane{Width: p.Width, Height: p.Height, Values: make([]float32, len(p.Values))}
		for k, v := range p.Values {
			shown.Values[k] = float32(math.Log1p(float64(v)))
		}
		low, high = percentiles(shown, 0.002, 0.998)
	}
	if o.Light > o.Dark {
		low, high = low+(high-low)*o.Dark, low+(high-low)*o.Light
	}
	levels := make([]float32, len(p.Values))
	scale := float32(1 / (high - low))
	for k, v := range shown.Values {
		levels[k] = min(max((v-float32(low))*scale, 0), 1)
	}
	if o.Equalise {
		equalise(levels, p.Width, p.Height)
	}
	out := make([]byte, len(levels))
	invert := o.Invert != i.Inverse()
	for k, v := range levels {
		if invert {
			v = 1 - v
		}
		out[k] = byte(v*255 + 0.5)
	}
	return out
}

// Exact returns a region of the middle frame as it is, without window, in 16 bits: signed values raised, MONOCHROME1
// not inverted. More than MaxRegion pixels are an error.
func Exact(i *pixel.Image, want image.Rectangle) (*image.Gray16, error) {
	r, err := region(i, want)
	if err != nil {
		return nil, err
	}
	if r.Dx()*r.Dy() > MaxRegion {
		return nil, coded.Errorf("picture.region-x-pixels-at",
			"region of %d x %d pixels; at most %d are given as they are", r.Dx(), r.Dy(), MaxRegion)
	}
	rows, err := i.Frame(i.Frames / 2)
	if err != nil {
		return nil, err
	}
	out := image.NewGray16(image.Rect(0, 0, r.Dx(), r.Dy()))
	row := make([]uint16, i.Columns)
	for y := range r.Max.Y {
		if err := rows.Next(row); err != nil {
			return nil, err
		}
		if y < r.Min.Y {
			continue
		}
		line := out.Pix[(y-r.Min.Y)*out.Stride:]
		for x, v := range row[r.Min.X:r.Max.X] {
			line[2*x], line[2*x+1] = byte(v>>8), byte(v)
		}
	}
	return out, nil
}
