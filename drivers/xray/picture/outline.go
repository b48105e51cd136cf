package picture

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
)

// Outline is a region that a report found in an image, with the number that the report gives it.
type Outline struct {
	ID     uint32
	Points []Point // corners, in pixels of the image
	Alarm  bool    // red; else yellow
}

// Point is a place in an image.
type Point struct{ X, Y float64 }

// Corners makes points of the numbers of a bounding polygon (DICOS (4010,101D)): x, y, z of each corner, z being of
// no use in a projection; two corners are those of a box. A rest of one or two numbers is dropped.
func Corners(polygon []float32) (out []Point) {
	for ; len(polygon) >= 3; polygon = polygon[3:] {
		out = append(out, Point{float64(polygon[0]), float64(polygon[1])})
	}
	if len(out) == 2 {
		a, b := out[0], out[1]
		return []Point{a, {b.X, a.Y}, b, {a.X, b.Y}}
	}
	return out
}

// Red on grey and on the hues of metal, and yellow, stand out from what pseudo-colour shows.
var (
	alarmColour = color.RGBA{255, 30, 30, 255}
	otherColour = color.RGBA{255, 200, 0, 255}
)

// outlined returns a copy of a picture of a plane with outlines and their numbers drawn over it. Outlines are in
// pixels of the image, and are moved and scaled as the plane is.
func outlined(under image.Image, p *Plane, list []Outline) image.Image {
	out := image.NewRGBA(under.Bounds())
	draw.Draw(out, out.Rect, under, under.Bounds().Min, draw.Src)
	sx, sy := float64(p.Width)/float64(p.Region.Dx()), float64(p.Height)/float64(p.Region.Dy())
	for _, o := range list {
		c := otherColour
		if o.Alarm {
			c = alarmColour
		}
		var corners []Point
		for _, q := range o.Points {
			corners = append(corners, Point{(q.X - float64(p.Region.Min.X)) * sx, (q.Y - float64(p.Region.Min.Y)) * sy})
		}
		for k := range corners {
			line(out, corners[k], corners[(k+1)%len(corners)], c)
		}
		if len(corners) > 0 {
			number(out, o.ID, corners[0], c)
		}
	}
	return out
}

// line draws a line two pixels wide, as far as it is in the picture. Ends far outside are brought to its rim first:
// a report may name any coordinate, and each step costs time.
func line(out *image.RGBA, a, b Point, c color.RGBA) {
	bounds := out.Rect
	clip := func(v float64, n int) float64 { return math.Max(-2, math.Min(v, float64(n)+2)) }
	a, b = Point{clip(a.X, bounds.Dx()), clip(a.Y, bounds.Dy())}, Point{clip(b.X, bounds.Dx()), clip(b.Y, bounds.Dy())}
	steps := math.Ceil(math.Max(math.Abs(b.X-a.X), math.Abs(b.Y-a.Y))) + 1
	for s := 0.0; s <= steps; s++ {
		x, y := int(math.Round(a.X+(b.X-a.X)*s/steps)), int(math.Round(a.Y+(b.Y-a.Y)*s/steps))
		draw.Draw(out, image.Rect(x, y, x+2, y+2), image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// digits are drawn in 3 x 5 dots: three bits a row, the top row first.
var digits = [10]uint16{0x7b6f, 0x2c97, 0x73e7, 0x72cf, 0x5bc9, 0x79cf, 0x79ef, 0x7249, 0x7bef, 0x7bcf}

const dot = 3 // pixels

// number writes an object's number above a corner.
func number(out *image.RGBA, id uint32, at Point, c color.RGBA) {
	x, y := int(at.X), max(int(at.Y)-6*dot-1, 0)
	for _, d := range strconv.FormatUint(uint64(id), 10) {
		pattern := digits[d-'0']
		for bit := range 15 {
			if pattern>>(14-bit)&1 == 1 {
				px, py := x+bit%3*dot, y+bit/3*dot
				draw.Draw(out, image.Rect(px, py, px+dot, py+dot), image.NewUniform(c), image.Point{}, draw.Src)
			}
		}
		x += 4 * dot
	}
}
