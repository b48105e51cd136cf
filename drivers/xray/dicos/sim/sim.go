// Package sim is a cargo X-ray portal, simulated at object level: a seed and a truck go in; DICOS images (DX), one an
// energy, and their threat detection report come out, as files or by C-STORE.
package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dimse"
)

// Scan is one truck's scan.
type Scan struct {
	Seed          uint64
	Rows, Columns int // of an image; detectors, and lines while the truck passes
	At            time.Time
	OOI           string // container number
	Threat        bool   // something dense is hidden in the cargo
	Dual          bool   // an image of the low energy as well

	Air  float64 // level without anything in the beam, of 65535; 0 for 60000
	Dead []int   // detectors that say nothing
}

// Sized returns the scan with images of about so many bytes each, three times as long as high.
func (s Scan) Sized(bytes int64) Scan {
	s.Rows = max(int(math.Sqrt(float64(bytes)/6)), 16)
	s.Columns = max(int(bytes/2/int64(s.Rows)), 16)
	return s
}

const (
	airLevel    = 60000
	attenuation = 0.030 // 1/mm of steel at the high energy, some 6 MV
	density     = 9.5   // of the hidden object, g/cm3
)

// Classes of the objects.
const (
	ClassImage  = "1.2.840.10008.5.1.4.1.1.501.2.1"
	ClassReport = "1.2.840.10008.5.1.4.1.1.501.3"
)

// Object is one file of a scan. It is made while it is written, so that it takes no memory.
type Object struct {
	Name, Class, Instance string
	write                 func(w io.Writer, whole bool) error
}

// Write writes the object as a file.
func (o Object) Write(w io.Writer) error { return o.write(w, true) }

// Objects returns the files of a scan, the report first: it is what others wait for.
func (s Scan) Objects() []Object {
	name := s.At.UTC().Format("20060102T150405.000")
	out := []Object{
		{name + "-tdr.dcs", ClassReport, s.instance(2), s.report},
		{name + "-dx.dcs", ClassImage, s.instance(1), func(w io.Writer, whole bool) error {
			return s.image(w, whole, high)
		}},
	}
	if s.Dual {
		out = append(out, Object{name + "-dx-low.dcs", ClassImage, s.instance(4), func(w io.Writer, whole bool) error {
			return s.image(w, whole, low)
		}})
	}
	return out
}

// WriteImage writes the image of the high energy as a DICOS file. The same scan gives the same bytes.
func (s Scan) WriteImage(w io.Writer) error { return s.image(w, true, high) }

// WriteReport writes the threat detection report of the scan's machine, which refers to the image.
func (s Scan) WriteReport(w io.Writer) error { return s.report(w, true) }

// Push sends the objects to a C-STORE receiver, in the order of Objects, over one association. calling and called
// are AE titles. An object that is not stored is an error, after all others were sent; a connection that breaks ends
// it.
func (s Scan) Push(ctx context.Context, address, calling, called string) (err error) {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	client, err := dimse.Dial(ctx, address, calling, called, dimse.Offer{Class: ClassImage, Syntax: syntax.UID},
		dimse.Offer{Class: ClassReport, Syntax: syntax.UID})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	for _, o := range s.Objects() {
		data, w := io.Pipe()
		written := make(chan struct{})
		go func() {
			defer close(written)
			w.CloseWithError(o.write(w, false))
		}()
		status, comment, sendErr := client.Store(dimse.Object{Class: o.Class, Instance: o.Instance,
			Syntax: syntax, Data: data})
		data.CloseWithError(sendErr) // ends the writer, whatever happened
		<-written
		if sendErr != nil {
			return sendErr
		}
		if status != dimse.Success {
			err = errors.Join(err, fmt.Errorf("%s was not stored: status %04x %s", o.Name, uint16(status), comment))
		}
	}
	return err
}

// energy is one of the two beams.
type energy int

const (
	high energy = iota
	low
)

// image writes the image of one energy, as a file (whole) or as a data set. Tube voltages are those of a 6 MV and a
// 3.5 MV accelerator.
func (s Scan) image(w io.Writer, whole bool, e energy) error {
	flavour, instance, lowDetectors, highDetectors, kvp := "HIGH_ENERGY", s.instance(1), "NONE", "LINEAR", 6000.0
	if e == low {
		flavour, instance, lowDetectors, highDetectors, kvp = "LOW_ENERGY", s.instance(4), "LINEAR", "NONE", 3500.0
	}
	f := s.file(ClassImage, instance, flavour, dicom.Dataset{
		dicom.Text(0x00080060, "CS", "DX"), dicom.Text(0x00080070, "LO", "Lanewarden"),
		dicom.Text(0x00081090, "LO", "Simulated X-ray portal"),
		dicom.Text(0x00100020, "LO", s.OOI), dicom.Decimals(0x00180060, kvp),
		dicom.Decimals(0x00181164, s.spacing()...),
		dicom.Text(0x0020000d, "UI", s.instance(0)),
		dicom.Text(0x0020000e, "UI", s.instance(3)), dicom.Uints(0x00280002, "US", 1),
		dicom.Text(0x00280004, "CS", "MONOCHROME2"),
		dicom.Uints(0x00280010, "US", uint32(s.Rows)), dicom.Uints(0x00280011, "US", uint32(s.Columns)),
		dicom.Uints(0x00280100, "US", 16),
		dicom.Uints(0x00280101, "US", 16), dicom.Uints(0x00280102, "US", 15), dicom.Uints(0x00280103, "US", 0),
		dicom.Text(0x40100001, "CS", lowDetectors), dicom.Text(0x40100002, "CS", highDetectors),
		dicom.Text(0x40101024, "CS", "SUCCESS"),
		dicom.Text(0x4010103a, "CS", "V02A"), dicom.Text(0x40101042, "CS", "CARGO"),
		dicom.Text(0x40101048, "CS", "OPERATIONAL"),
		{Tag: dicom.PixelData, VR: "OW", Length: int64(s.Rows) * int64(s.Columns) * 2},
	})
	return write(w, f, whole, s.pixels(e))
}

// Size of what a scan shows, in mm: a truck of 16.5 m with room around it.
const sceneWidth, sceneHeight = 18000, 5400

// spacing returns how far pixels are apart at the detector, in mm: rows, then columns.
func (s Scan) spacing() []float64 {
	return []float64{sceneHeight / float64(s.Rows), sceneWidth / float64(s.Columns)}
}

// write writes a file, or its data set alone.
func write(w io.Writer, f *dicom.File, whole bool, pixels io.Reader) error {
	if whole {
		return dicom.Write(w, f, pixels)
	}
	return dicom.WriteDataset(w, f, pixels)
}

// file makes a file of a class with its dates and elements.
func (s Scan) file(class, instance, flavour string, more dicom.Dataset) *dicom.File {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var head dicom.Dataset
	if flavour != "" {
		head = append(head, dicom.Text(0x00080008, "CS", "ORIGINAL", "PRIMARY", flavour, "VOLUME"))
	}
	head = append(head,
		dicom.Text(dicom.SOPClassUID, "UI", class), dicom.Text(dicom.SOPInstanceUID, "UI", instance),
		dicom.Text(0x00080023, "DA", s.At.UTC().Format("20060102")),
		dicom.Text(0x00080033, "TM", s.At.UTC().Format("150405.000")),
	)
	return &dicom.File{Syntax: syntax, Dataset: append(head, more...)}
}

// instance returns a UID of the scan: 0 the scan itself, 1 its image, 2 its report, 3 its series, 4 the image of the
// low energy.
func (s Scan) instance(what int) string {
	return fmt.Sprintf("2.25.%d.%d.%d", s.Seed, s.At.UnixMilli(), what)
}

// hidden returns the box of the threat, in pixels: left, top, right, bottom.
func (s Scan) hidden() (l, t, r, b int) {
	rng := rand.New(rand.NewPCG(s.Seed, 3))
	x, y := 0.35+0.4*rng.Float64(), 0.60+0.05*rng.Float64() // in the cargo
	return int(x * float64(s.Columns)), int(y * float64(s.Rows)), int((x + 0.03) * float64(s.Columns)),
		int((y + 0.07) * float64(s.Rows))
}

// report writes the threat detection report: ALARM with one object, or CLEAR with none.
func (s Scan) report(w io.Writer, whole bool) error {
	decision, count := "CLEAR", uint32(0)
	var threats []dicom.Dataset
	if s.Threat {
		decision, count = "ALARM", 1
		l, t, r, b := s.hidden()
		threats = append(threats, dicom.Dataset{
			dicom.Uints(0x40101010, "US", 1),
			dicom.Sequence(0x40101037, dicom.Dataset{
				dicom.Sequence(0x00081140, dicom.Dataset{dicom.Text(0x00081150, "UI", ClassImage),
					dicom.Text(0x00081155, "UI", s.instance(1))}),
				dicom.Floats32(0x4010101d, float32(l), float32(t), 0, float32(r), float32(b), 0),
			}),
			dicom.Sequence(0x40101038, dicom.Dataset{
				dicom.Text(0x40101012, "CS", "CONTRABAND"), dicom.Text(0x40101014, "CS", "NO_INTERFERENCE"),
				dicom.Text(0x40101015, "CS", "THREAT"),
				dicom.Floats32(0x40101016, 0.9), dicom.Floats32(0x40101018, density),
			}),
		})
	}
	return write(w, s.file(ClassReport, s.instance(2), "", dicom.Dataset{
		dicom.Text(0x00080060, "CS", "TDR"), dicom.Text(0x00100020, "LO", s.OOI),
		dicom.Text(0x0020000d, "UI", s.instance(0)),
		dicom.Sequence(0x40101011, threats...), dicom.Text(0x40101024, "CS", "SUCCESS"),
		dicom.Text(0x40101027, "CS", "MACHINE"),
		dicom.Text(0x40101029, "LO", "simulated 1.0"),
		dicom.Text(0x4010102b, "DT", s.At.UTC().Add(2*time.Second).Format("20060102150405")),
		dicom.Text(0x40101031, "CS", decision), dicom.Uints(0x40101033, "US", count),
		dicom.Uints(0x40101034, "US", count),
	}), whole, nil)
}
