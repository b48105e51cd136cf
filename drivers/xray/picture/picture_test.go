package picture

import (
	"bytes"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dicos/sim"
	"lanewarden/drivers/xray/pixel"
)

var scan = sim.Scan{Seed: 11, Rows: 300, Columns: 1500, At: time.Unix(1_800_000_000, 0), OOI: "MSCU1234565",
	Threat: true, Dual: true}

// images returns the scan's images, high energy first.
func images(t testing.TB) (out []*pixel.Image) {
	for _, o := range scan.Objects()[1:] {
		var b bytes.Buffer
		if err := o.Write(&b); err != nil {
			t.Fatal(err)
		}
		i, err := pixel.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, i)
	}
	return out
}

func drawn(t *testing.T, i *pixel.Image, o Options) image.Image {
	t.Helper()
	p, err := Draw(i, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func brightness(p image.Image, x, y int) float64 {
	r, g, b, _ := p.At(x, y).RGBA()
	return float64(r+g+b) / 3 / 0xffff
}

func TestPreview(t *testing.T) {
	i := images(t)[0]
	p := drawn(t, i, Options{})
	if b := p.Bounds(); b.Dx() != DefaultSide || b.Dy() != DefaultSide*300/1500 {
		t.Fatalf("preview of %v", b)
	}
	if air := brightness(p, 10, 5); air < 0.9 {
		t.Errorf("air is %.2f", air)
	}
	inverse := drawn(t, i, Options{Invert: true})
	for _, at := range [][2]int{{10, 5}, {500, 120}, {100, 170}} {
		if sum := brightness(p, at[0], at[1]) + brightness(inverse, at[0], at[1]); math.Abs(sum-1) > 0.01 {
			t.Errorf("at %v picture and inverse give %.2f", at, sum)
		}
	}
	// The logarithm spreads what is dark.
	dark := func(p image.Image) (n int) {
		for y := range p.Bounds().Dy() {
			for x := range p.Bounds().Dx() {
				if brightness(p, x, y) < 0.35 {
					n++
				}
			}
		}
		return n
	}
	if plain, logarithmic := dark(p), dark(drawn(t, i, Options{Log: true})); logarithmic > plain/2 {
		t.Errorf("%d dark pixels, with log %d", plain, logarithmic)
	}
}

func TestEqualiseGivesContrastToFlatParts(t *testing.T) {
	const w, h = 160, 80
	rng := rand.New(rand.NewPCG(1, 1))
	v := make([]float32, w*h)
	for k := range v {
		v[k] = float32(0.5 + 0.01*rng.NormFloat64())
		if k%w < w/2 {
			v[k] -= 0.4
		}
	}
	spread := func() float64 { // within one half
		sum, squares, n := 0.0, 0.0, 0.0
		for y := range h {
			for x := range w / 4 {
				d := float64(v[y*w+x])
				sum, squares, n = sum+d, squares+d*d, n+1
			}
		}
		return math.Sqrt(squares/n - sum*sum/n/n)
	}
	before := spread()
	equalise(v, w, h)
	if after := spread(); after < 2*before {
		t.Errorf("a spread of %.4f became one of %.4f", before, after)
	}
	for k, x := range v {
		if x < 0 || x > 1 {
			t.Fatalf("value %d is %g", k, x)
		}
	}
	small := []float32{0.1, 0.9}
	equalise(small, 2, 1) // smaller than its tiles
}

func TestRegionIsExact(t *testing.T) {
	i := images(t)[0]
	r := image.Rect(200, 100, 260, 140)
	got, err := Exact(i, r)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := i.Frame(0)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]uint16, i.Columns)
	for y := range r.Max.Y {
		if err := rows.Next(row); err != nil {
			t.Fatal(err)
		}
		for x := r.Min.X; y >= r.Min.Y && x < r.Max.X; x++ {
			if v := got.Gray16At(x-r.Min.X, y-r.Min.Y).Y; v != row[x] {
				t.Fatalf("pixel %d,%d is %d, not %d", x, y, v, row[x])
			}
		}
	}
	if b := drawn(t, i, Options{Region: r}).Bounds(); b.Dx() != 60 || b.Dy() != 40 {
		t.Errorf("a region is drawn as %v", b)
	}
	for _, bad := range []image.Rectangle{image.Rect(0, 0, 1501, 10), image.Rect(-1, 0, 5, 5), image.Rect(5, 5, 5, 9)} {
		if _, err := Exact(i, bad); err == nil {
			t.Errorf("region %v was drawn", bad)
		}
	}
}

// Organic cargo is warm, metal is cold, whichever image comes first.
func TestPseudoColour(t *testing.T) {
	list := images(t)
	for k := range 2 {
		p := drawn(t, list[k], Options{Other: list[1-k]})
		r, g, b, _ := p.At(10, 5).RGBA()
		if min(r, g, b) < 0xe000 {
			t.Errorf("air is %x %x %x", r, g, b)
		}
		warm := func(x, y float64) float64 {
			r, _, b, _ := p.At(int(x*1024), int(y*204)).RGBA()
			return float64(r) - float64(b)
		}
		if fuel, chassis := warm(0.2, 0.83), warm(0.6, 0.79); fuel < 0x2000 || chassis > -0x2000 {
			t.Errorf("fuel tank has red less blue %.0f, chassis %.0f", fuel, chassis)
		}
	}
	small := sim.Scan{Seed: 1, Rows: 20, Columns: 20, At: scan.At}
	var b bytes.Buffer
	if err := small.WriteImage(&b); err != nil {
		t.Fatal(err)
	}
	other, err := pixel.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Draw(list[0], Options{Other: other}); !errors.Is(err, ErrOtherSize) {
		t.Errorf("images of two scans: %v", err)
	}
}

func TestOutlines(t *testing.T) {
	i := images(t)[0]
	box := Corners([]float32{300, 60, 0, 450, 150, 0})
	if len(box) != 4 || box[1] != (Point{450, 60}) {
		t.Fatalf("two corners give %v", box)
	}
	p := drawn(t, i, Options{Outlines: []Outline{{ID: 12, Points: box, Alarm: true}}})
	red := func(x, y float64) bool {
		r, g, b, _ := p.At(int(math.Round(x*1024/1500)), int(math.Round(y*204/300))).RGBA()
		return r > 0xf000 && g < 0x4000 && b < 0x4000
	}
	if !red(375, 60) || !red(450, 100) || !red(300, 150) || red(375, 100) {
		t.Error("the outline is not where the report says")
	}
	// Hostile corners cost nothing.
	drawn(t, i, Options{Outlines: []Outline{{Points: Corners([]float32{-3e38, 3e38, 0, 3e38,
		float32(math.Inf(1)), 0})}}})
}

func TestWindowOfTheFile(t *testing.T) {
	i := images(t)[0]
	i.File.Dataset = append(i.File.Dataset, dicom.Decimals(0x00281050, 1000), dicom.Decimals(0x00281051, 200))
	p, err := Reduce(i, image.Rectangle{}, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	if low, high := window(i, p); low != 900 || high != 1100 {
		t.Errorf("window from %g to %g", low, high)
	}
}

// A part of the window is spread over all shades: the rest is black or white.
func TestPartOfTheWindow(t *testing.T) {
	i := images(t)[0]
	whole, part := drawn(t, i, Options{}), drawn(t, i, Options{Dark: 0.25, Light: 0.5})
	for y := 0; y < whole.Bounds().Dy(); y += 7 {
		for x := 0; x < whole.Bounds().Dx(); x += 7 {
			want := min(max((brightness(whole, x, y)-0.25)*4, 0), 1)
			if got := brightness(part, x, y); math.Abs(got-want) > 0.02 {
				t.Fatalf("at %d,%d: %.3f, want %.3f", x, y, got, want)
			}
		}
	}
}
