package picture

import (
	"image"
	"image/color"
	"math"

	"lanewarden/drivers/observation/coded"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/pixel"
)

// ErrOtherSize means that two images are not of one scan.
var ErrOtherSize = coded.Errorf("picture.images-two-energies-have", "images of two energies have different sizes")

// hue is a colour for a ratio of the attenuations ln(low)/ln(high). Between two hues the colour is mixed.
type hue struct {
	ratio float64
	c     color.RGBA
}

// The colours that officers know: orange for organic, green for mineral and mixed, blue for metal, violet for heavy
// metal. Above 1 MV heavy nuclei take less of the low energy, relative to the high one, than light ones; below it is
// the other way round. The ratios are of a simulated portal; a real one is calibrated.
var (
	huesMV = []hue{
		{1.10, color.RGBA{150, 60, 190, 255}}, {1.17, color.RGBA{120, 70, 200, 255}},
		{1.25, color.RGBA{50, 110, 220, 255}},
		{1.34, color.RGBA{60, 170, 80, 255}}, {1.42, color.RGBA{235, 140, 40, 255}},
	}
	huesKV = []hue{
		{1.20, color.RGBA{235, 140, 40, 255}}, {1.40, color.RGBA{60, 170, 80, 255}},
		{1.65, color.RGBA{50, 110, 220, 255}},
		{2.00, color.RGBA{120, 70, 200, 255}},
	}
)

// Tags as in PS3.6 and NEMA IIC 1.
const (
	tagKVP  dicom.Tag = 0x00180060
	tagLow  dicom.Tag = 0x40100001
	tagHigh dicom.Tag = 0x40100002

	// thin and thick are the transmissions between which a ratio says something: a thin object's is noise, and behind
	// a thick one there are no photons.
	thin, thick = 0.93, 0.004
)

// LowEnergy reports whether an image is of the low energy: as its image type says, (0008,0008) LOW_ENERGY, or its
// detectors. One that says nothing counts as high.
func LowEnergy(i *pixel.Image) bool {
	for _, v := range i.File.Dataset.Find(0x00080008).Strings() {
		if v == "LOW_ENERGY" {
			return true
		}
	}
	none := func(tag dicom.Tag) bool {
		s := i.File.Dataset.Find(tag).String()
		return s == "" || s == "NONE" || s == "NO"
	}
	return none(tagHigh) && !none(tagLow)
}

// huesOf returns the colours of an image's beam. A tube of 1000 kV or more is taken for an accelerator.
func huesOf(i *pixel.Image) []hue {
	if v := i.File.Dataset.Find(tagKVP).Floats(); len(v) > 0 && v[0] >= 1000 {
		return huesMV
	}
	return huesKV
}

// pseudoColour colours levels by material: hue by the ratio of both energies, brightness by the levels. p and q are
// the planes of i and j. Where a ratio says little, being too thin or too thick, the colour fades to grey.
func pseudoColour(i *pixel.Image, p *Plane, j *pixel.Image, q *Plane, levels []byte) (image.Image, error) {
	if i.Rows != j.Rows || i.Columns != j.Columns {
		return nil, coded.Errorf("picture.sizes",
			"%w: %d x %d and %d x %d", ErrOtherSize, i.Columns, i.Rows, j.Columns, j.Rows)
	}
	high, low := p, q
	if LowEnergy(i) {
		high, low = q, p
	}
	hues := huesOf(i)
	lossHigh, lossLow := losses(high), losses(low)
	smooth(lossHigh, p.Width, p.Height)
	smooth(lossLow, p.Width, p.Height)
	out := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for k, l := range levels {
		c := color.RGBA{255, 255, 255, 255}
		strength := 0.0 // of the colour
		if loss := float64(lossHigh[k]); loss > 0 {
			c = colourOf(hues, float64(lossLow[k])/loss)
			strength = min(1, max(0, (loss+math.Log(thin))/0.1)) * min(1, max(0, (-math.Log(thick)-loss)/1.5))
		}
		y := float64(l) / 255
		mix := func(part uint8) uint8 {
			v := float64(part) / 255
			lit := v + (1-v)*y*y // bright where the beam passes, coloured where it does not
			if y < 0.5 {
				lit *= 0.35 + 1.3*y
			}
			return uint8(255 * (strength*lit + (1-strength)*y))
		}
		out.Pix[4*k], out.Pix[4*k+1], out.Pix[4*k+2], out.Pix[4*k+3] = mix(c.R), mix(c.G), mix(c.B), 255
	}
	return out, nil
}

// losses returns -ln of the transmission: 0 for air, 1 for 37 % of the beam. The 95th percentile of the plane stands
// for the air level, so that a view without any air is coloured too, if wrongly.
func losses(p *Plane) []float32 {
	_, air := percentiles(p, 0.002, 0.95)
	out := make([]float32, len(p.Values))
	for k, v := range p.Values {
		out[k] = float32(-math.Log(max(float64(v), 1) / air))
	}
	return out
}

// smooth averages over 5 x 5 places: hues need less sharpness than shades, and less noise.
func smooth(v []float32, width, height int) {
	const reach = 2
	line := make([]float32, max(width, height))
	pass := func(n, step, at int) {
		for k := range n {
			sum, count := float32(0), float32(0)
			for d := max(k-reach, 0); d <= min(k+reach, n-1); d++ {
				sum += v[at+d*step]
				count++
			}
			line[k] = sum / count
		}
		for k := range n {
			v[at+k*step] = line[k]
		}
	}
	for y := range height {
		pass(width, 1, y*width)
	}
	for x := range width {
		pass(height, width, x)
	}
}

// colourOf returns the colour of a ratio; hues must rise. Beyond the outermost it is theirs.
func colourOf(hues []hue, ratio float64) color.RGBA {
	if ratio <= hues[0].ratio {
		return hues[0].c
	}
	for k := 1; k < len(hues); k++ {
		if a, b := hues[k-1], hues[k]; ratio < b.ratio {
			f := (ratio - a.ratio) / (b.ratio - a.ratio)
			mix := func(x, y uint8) uint8 { return uint8(float64(x) + f*(float64(y)-float64(x))) }
			return color.RGBA{mix(a.c.R, b.c.R), mix(a.c.G, b.c.G), mix(a.c.B, b.c.B), 255}
		}
	}
	return hues[len(hues)-1].c
}
