package ionscan

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"sort"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/plasmagram"
)

// Colours of a plasmagram, readable in print and by the colour-blind.
var (
	paper     = color.RGBA{255, 255, 255, 255}
	ink       = color.RGBA{30, 30, 30, 255}
	grid      = color.RGBA{222, 222, 222, 255}
	curve     = color.RGBA{0, 92, 175, 255}
	marked    = color.RGBA{200, 60, 0, 255}
	waterfall = color.RGBA{150, 190, 225, 255}
)

// Sizes in pixels, of a plot without View.MaxSide.
const (
	plotWidth, plotHeight = 1024, 480
	marginLeft, marginTop = 70, 40
	marginRight, bottom   = 20, 45
	letter                = 7 // width of a character, pixels
)

// draw draws the first spectrum of a file: the mean of its scans with its peaks, and the strongest of the scans
// behind it. v.MaxSide is the width, 320 at least; v.Log draws the ordinates on a logarithmic scale.
func draw(src driver.Source, v driver.View) (image.Image, error) {
	f, err := jcampdx.Read(io.NewSectionReader(src, 0, src.Size))
	if err != nil {
		return nil, err
	}
	p, err := plotOf(f)
	if err != nil {
		return nil, err
	}
	width := plotWidth
	if v.MaxSide > 0 {
		width = max(v.MaxSide, 320)
	}
	p.canvas = image.NewRGBA(image.Rect(0, 0, width, width*plotHeight/plotWidth))
	p.log = v.Log
	p.draw()
	return p.canvas, nil
}

// plot is a curve on its way to a picture. x, in the file's unit, rises or falls all along.
type plot struct {
	canvas *image.RGBA
	title  string
	xName  string
	x, y   []float64
	most   []float64 // the largest of all scans; nil for one scan
	peaks  []plasmagram.Peak
	log    bool

	low, high float64 // of the ordinates in view, scaled
}

// plotOf takes the first table of two points or more. A spectrum that cannot be analysed is drawn without peaks.
func plotOf(f *jcampdx.File) (p *plot, err error) {
	f.Walk(func(b *jcampdx.Block) {
		if p != nil || len(b.Tables) == 0 || b.Tables[0].Points() < 2 {
			return
		}
		t := b.Tables[0]
		p = &plot{title: b.Get("TITLE"), xName: t.Columns[0].Units, x: t.X(), y: t.Y()}
		a, e := peaksOf(b, []*jcampdx.Block{b}, &plasmagram.Library{})
		if err = e; a == nil {
			return
		}
		p.peaks = a.Peaks
		p.y = make([]float64, t.Points())
		for _, scan := range b.Tables {
			for i, v := range scan.Y() {
				if i < len(p.y) && !math.IsNaN(v) {
					p.y[i] += v / float64(len(b.Tables))
				}
			}
			p.most = largest(p.most, scan.Y())
		}
	})
	if p == nil {
		return nil, errors.New("holds no spectrum to draw")
	}
	return p, nil
}

// largest returns the larger of both at each point; the first y is copied.
func largest(most, y []float64) []float64 {
	if most == nil {
		return append(most, y...)
	}
	for i := range most {
		if i < len(y) && y[i] > most[i] {
			most[i] = y[i]
		}
	}
	return most
}

func (p *plot) draw() {
	r := p.canvas.Bounds()
	fill(p.canvas, r, paper)
	p.low, p.high = math.Inf(1), math.Inf(-1)
	skip := len(p.x) / 12 // the gate's own pulse would dwarf what follows
	for i := skip; i < len(p.x); i++ {
		for _, y := range [][]float64{p.y, p.most} {
			if i < len(y) && !math.IsNaN(y[i]) {
				p.low, p.high = min(p.low, p.scaled(y[i])), max(p.high, p.scaled(y[i]))
			}
		}
	}
	if !(p.high > p.low) {
		p.low, p.high = p.low-1, p.low+1
	}
	p.high += (p.high - p.low) * 0.12
	first, last := p.x[0], p.x[len(p.x)-1]
	for _, x := range ticks(min(first, last), max(first, last)) {
		px := p.px(x)
		stroke(p.canvas, px, marginTop, px, r.Max.Y-bottom, grid)
		text := fmt.Sprintf("%.6g", x)
		p.label(px-letter*len(text)/2, r.Max.Y-bottom+16, text, ink)
	}
	for _, y := range ticks(p.low, p.high) {
		py := p.at(y)
		stroke(p.canvas, marginLeft, py, r.Max.X-marginRight, py, grid)
		text := fmt.Sprintf("%.6g", y)
		if p.log {
			text = fmt.Sprintf("%.6g", math.Pow(10, y))
		}
		p.label(marginLeft-6-letter*len(text), py+4, text, ink)
	}
	p.label(r.Max.X/2-30, r.Max.Y-10, p.xName, ink)
	p.label(marginLeft, 20, p.title, ink)
	p.curve(p.most, waterfall)
	p.curve(p.y, curve)
	for i, k := range p.peaks {
		px, line := p.px(k.DriftMs), marginTop+14+i%6*14
		top := r.Max.Y - bottom
		for _, y := range [][]float64{p.y, p.most} {
			if at := sort.SearchFloat64s(p.x, k.DriftMs); at < len(y) {
				top = min(top, p.py(y[at]))
			}
		}
		stroke(p.canvas, px, line-10, px, max(line, top-3), marked) // from its name down to its top
		name := fmt.Sprintf("K0 %.3f %s", k.K0, k.Role)
		if k.K0 == 0 {
			name = fmt.Sprintf("%.2f ms %s", k.DriftMs, k.Role)
		}
		p.label(px+3, line, name, marked)
	}
}

// scaled returns an ordinate as it is drawn: its logarithm, or itself. Ordinates below 1 count as 1.
func (p *plot) scaled(v float64) float64 {
	if p.log {
		return math.Log10(max(v, 1))
	}
	return v
}

// px and py return the pixel of an abscissa and of an ordinate.
func (p *plot) px(x float64) int {
	w := float64(p.canvas.Bounds().Dx() - marginLeft - marginRight)
	return marginLeft + int(math.Round((x-p.x[0])/(p.x[len(p.x)-1]-p.x[0])*w))
}

func (p *plot) py(y float64) int { return p.at(p.scaled(y)) }

// at is py of a scaled ordinate; what is above or below the view is drawn at its rim.
func (p *plot) at(scaled float64) int {
	h := float64(p.canvas.Bounds().Dy() - marginTop - bottom)
	share := min(max((scaled-p.low)/(p.high-p.low), -0.02), 1)
	return p.canvas.Bounds().Max.Y - bottom - int(math.Round(share*h))
}

// ticks returns multiples of 1, 2 or 5 times a power of ten from low to high, some ten of them.
func ticks(low, high float64) (out []float64) {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, f := range []float64{2, 5, 10} {
		if (high-low)/step > 12 {
			step = math.Pow(10, math.Floor(math.Log10((high-low)/5))) * f
		}
	}
	first := math.Ceil(low / step)
	for i := range 20 {
		if v := (first + float64(i)) * step; v <= high {
			out = append(out, v)
		}
	}
	return out
}

func (p *plot) curve(y []float64, c color.RGBA) {
	for i := 1; i < min(len(y), len(p.x)); i++ {
		if !math.IsNaN(y[i]) && !math.IsNaN(y[i-1]) {
			stroke(p.canvas, p.px(p.x[i-1]), p.py(y[i-1]), p.px(p.x[i]), p.py(y[i]), c)
		}
	}
}

func (p *plot) label(x, y int, text string, c color.RGBA) {
	d := font.Drawer{Dst: p.canvas, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

func fill(m *image.RGBA, r image.Rectangle, c color.RGBA) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			m.SetRGBA(x, y, c)
		}
	}
}

// stroke draws a line of one pixel (Bresenham).
func stroke(m *image.RGBA, x0, y0, x1, y1 int, c color.RGBA) {
	dx, dy := abs(x1-x0), -abs(y1-y0)
	sx, sy := 1, 1
	if x0 > x1 {
		sx = -1
	}
	if y0 > y1 {
		sy = -1
	}
	for e := dx + dy; ; {
		m.SetRGBA(x0, y0, c) // outside of the picture it does nothing
		if x0 == x1 && y0 == y1 {
			return
		}
		e2 := 2 * e
		if e2 >= dy {
			e += dy
			x0 += sx
		}
		if e2 <= dx {
			e += dx
			y0 += sy
		}
	}
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
