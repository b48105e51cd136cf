// Package sim is a cargo X-ray portal, simulated at object level: a seed and a truck go in, a DICOS image (DX) and its
// threat detection report come out as files.
package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"lanewarden/drivers/xray/dicom"
)

// Scan is one truck's scan.
type Scan struct {
	Seed          uint64
	Rows, Columns int // of the image; detectors, and lines while the truck passes
	At            time.Time
	OOI           string // container number
	Threat        bool   // something dense is hidden in the cargo
}

const (
	airLevel    = 60000 // of 65535, without anything in the beam
	attenuation = 0.030 // 1/mm of steel at some MeV
	density     = 9.5   // of the hidden object, g/cm3
)

// Classes of the objects.
const (
	classImage  = "1.2.840.10008.5.1.4.1.1.501.2.1"
	classReport = "1.2.840.10008.5.1.4.1.1.501.3"
)

// box is a rectangle in shares of the image, and the steel that it amounts to, in mm.
type box struct{ left, top, right, bottom, steel float64 }

// truck lists what stands in the beam: cab, chassis, container walls and floor, cargo in stacks.
func (s Scan) truck(rng *rand.Rand) []box {
	boxes := []box{
		{0.04, 0.38, 0.16, 0.80, 6}, {0.06, 0.55, 0.12, 0.78, 45}, // cab, engine
		{0.16, 0.78, 0.96, 0.82, 30},                               // chassis
		{0.20, 0.14, 0.95, 0.78, 4}, {0.20, 0.745, 0.95, 0.78, 12}, // container, floor
	}
	for x := 0.22; x < 0.92; {
		width := 0.03 + 0.05*rng.Float64()
		top := 0.25 + 0.35*rng.Float64()
		boxes = append(boxes, box{x, top, math.Min(x+width, 0.93), 0.745, 8 + 25*rng.Float64()})
		x += width + 0.01
	}
	return boxes
}

// wheels are round: the middle as shares of the image, the radius as a share of its height.
var wheels = []struct{ x, y, radius, steel float64 }{
	{0.10, 0.86, 0.07, 40}, {0.30, 0.86, 0.07, 40}, {0.36, 0.86, 0.07, 40}, {0.84, 0.86, 0.07, 40}, {0.90, 0.86, 0.07, 40},
}

// hidden returns the box of the threat, in pixels: left, top, right, bottom.
func (s Scan) hidden() (l, t, r, b int) {
	rng := rand.New(rand.NewPCG(s.Seed, 3))
	x, y := 0.35+0.4*rng.Float64(), 0.45+0.2*rng.Float64()
	return int(x * float64(s.Columns)), int(y * float64(s.Rows)), int((x + 0.04) * float64(s.Columns)), int((y + 0.08) * float64(s.Rows))
}

// WriteImage writes the image as a DICOS file. The same scan gives the same bytes.
func (s Scan) WriteImage(w io.Writer) error {
	f := s.file(classImage, s.instance(1), dicom.Dataset{
		dicom.Text(0x00080060, "CS", "DX"), dicom.Text(0x00080070, "LO", "Lanewarden"), dicom.Text(0x00081090, "LO", "Simulated X-ray portal"),
		dicom.Text(0x00100020, "LO", s.OOI), dicom.Decimals(0x00180060, 6000), dicom.Text(0x0020000d, "UI", s.instance(0)),
		dicom.Text(0x0020000e, "UI", s.instance(3)), dicom.Uints(0x00280002, "US", 1), dicom.Text(0x00280004, "CS", "MONOCHROME2"),
		dicom.Uints(0x00280010, "US", uint32(s.Rows)), dicom.Uints(0x00280011, "US", uint32(s.Columns)), dicom.Uints(0x00280100, "US", 16),
		dicom.Uints(0x00280101, "US", 16), dicom.Uints(0x00280102, "US", 15), dicom.Uints(0x00280103, "US", 0),
		dicom.Text(0x40100001, "CS", "NONE"), dicom.Text(0x40100002, "CS", "LINEAR"), dicom.Text(0x40101024, "CS", "SUCCESS"),
		dicom.Text(0x4010103a, "CS", "V02A"), dicom.Text(0x40101042, "CS", "CARGO"), dicom.Text(0x40101048, "CS", "OPERATIONAL"),
		{Tag: dicom.PixelData, VR: "OW", Length: int64(s.Rows) * int64(s.Columns) * 2},
	})
	return dicom.Write(w, f, s.pixels())
}

// file makes a file of a class with its dates and elements.
func (s Scan) file(class, instance string, more dicom.Dataset) *dicom.File {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	head := dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", class), dicom.Text(dicom.SOPInstanceUID, "UI", instance),
		dicom.Text(0x00080023, "DA", s.At.UTC().Format("20060102")), dicom.Text(0x00080033, "TM", s.At.UTC().Format("150405.000")),
	}
	return &dicom.File{Syntax: syntax, Dataset: append(head, more...)}
}

// instance returns a UID of the scan: 0 the scan itself, 1 its image, 2 its report, 3 its series.
func (s Scan) instance(what int) string {
	return fmt.Sprintf("2.25.%d.%d.%d", s.Seed, s.At.UnixMilli(), what)
}

// pixelReader makes the image row by row: what the beam loses in steel, and the noise of its photons.
type pixelReader struct {
	Scan
	rng   *rand.Rand
	boxes []box
	steel []float64
	row   int
	buf   []byte // of the row at hand, what was not read yet
}

func (s Scan) pixels() *pixelReader {
	rng := rand.New(rand.NewPCG(s.Seed, 2))
	boxes := s.truck(rng)
	if s.Threat {
		l, t, r, b := s.hidden()
		c, h := float64(s.Columns), float64(s.Rows)
		boxes = append(boxes, box{float64(l) / c, float64(t) / h, float64(r) / c, float64(b) / h, 70})
	}
	return &pixelReader{Scan: s, rng: rng, boxes: boxes, steel: make([]float64, s.Columns)}
}

// Read implements io.Reader.
func (p *pixelReader) Read(out []byte) (int, error) {
	if len(p.buf) == 0 {
		if p.row == p.Rows {
			return 0, io.EOF
		}
		p.rowOfSteel(p.steel, (float64(p.row)+0.5)/float64(p.Rows), p.boxes)
		p.row++
		for _, mm := range p.steel {
			level := airLevel * math.Exp(-attenuation*mm)
			level += p.rng.NormFloat64() * math.Sqrt(level) * 1.5
			p.buf = binary.LittleEndian.AppendUint16(p.buf, uint16(math.Max(0, math.Min(65535, level))))
		}
	}
	n := copy(out, p.buf)
	p.buf = p.buf[n:]
	return n, nil
}

// rowOfSteel sums the steel along one row, at a height in shares of the image.
func (s Scan) rowOfSteel(steel []float64, y float64, boxes []box) {
	clear(steel)
	columns := float64(s.Columns)
	add := func(left, right, mm float64) {
		for x := max(int(left*columns), 0); x < min(int(right*columns), s.Columns); x++ {
			steel[x] += mm
		}
	}
	for _, b := range boxes {
		if y >= b.top && y < b.bottom {
			add(b.left, b.right, b.steel)
		}
	}
	aspect := float64(s.Rows) / columns
	for _, o := range wheels {
		if d := y - o.y; math.Abs(d) < o.radius {
			half := math.Sqrt(o.radius*o.radius-d*d) * aspect
			add(o.x-half, o.x+half, o.steel)
		}
	}
}

// WriteReport writes the threat detection report of the scan's machine, which refers to the image.
func (s Scan) WriteReport(w io.Writer) error {
	decision, count := "CLEAR", uint32(0)
	var threats []dicom.Dataset
	if s.Threat {
		decision, count = "ALARM", 1
		l, t, r, b := s.hidden()
		threats = append(threats, dicom.Dataset{
			dicom.Uints(0x40101010, "US", 1),
			dicom.Sequence(0x40101037, dicom.Dataset{
				dicom.Sequence(0x00081140, dicom.Dataset{dicom.Text(0x00081150, "UI", classImage), dicom.Text(0x00081155, "UI", s.instance(1))}),
				dicom.Floats32(0x4010101d, float32(l), float32(t), 0, float32(r), float32(b), 0),
			}),
			dicom.Sequence(0x40101038, dicom.Dataset{
				dicom.Text(0x40101012, "CS", "CONTRABAND"), dicom.Text(0x40101014, "CS", "NO_INTERFERENCE"), dicom.Text(0x40101015, "CS", "THREAT"),
				dicom.Floats32(0x40101016, 0.9), dicom.Floats32(0x40101018, density),
			}),
		})
	}
	return dicom.Write(w, s.file(classReport, s.instance(2), dicom.Dataset{
		dicom.Text(0x00080060, "CS", "TDR"), dicom.Text(0x00100020, "LO", s.OOI), dicom.Text(0x0020000d, "UI", s.instance(0)),
		dicom.Sequence(0x40101011, threats...), dicom.Text(0x40101024, "CS", "SUCCESS"), dicom.Text(0x40101027, "CS", "MACHINE"),
		dicom.Text(0x40101029, "LO", "simulated 1.0"), dicom.Text(0x4010102b, "DT", s.At.UTC().Add(2*time.Second).Format("20060102150405")),
		dicom.Text(0x40101031, "CS", decision), dicom.Uints(0x40101033, "US", count), dicom.Uints(0x40101034, "US", count),
	}), nil)
}
