package dicos

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize/english"
	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/pixel"
)

// Format is the format of DICOS and DICOM files.
var Format = driver.Format{Name: formatName, Title: "DICOS or DICOM file", Recognise: recognise, Describe: describe,
	Draw: drawView}

// recognise looks for the prefix after the preamble, or for a first element of group 0002 or 0008, little endian, as
// files without preamble have. head is the file's first bytes, as many as there are.
func recognise(head []byte) bool {
	if len(head) >= 132 && string(head[128:132]) == "DICM" {
		return true
	}
	if len(head) < 8 {
		return false
	}
	group, element := binary.LittleEndian.Uint16(head), binary.LittleEndian.Uint16(head[2:])
	return (group == 2 || group == 8) && element <= 0x0100
}

// Summary describes what a file holds: what lanectl decode prints as JSON, a stable form for scripts.
type Summary struct {
	Format string `json:"format"`
	// SHA256 is that of the whole file, lower-case hexadecimal: the artifact's name.
	SHA256         string          `json:"sha256"`
	TransferSyntax string          `json:"transfer_syntax"`
	Guessed        bool            `json:"transfer_syntax_guessed"` // the file has no meta group
	Image          json.RawMessage `json:"image,omitempty"`         // lanewarden.v1.XrayImage
	Report         json.RawMessage `json:"report,omitempty"`        // lanewarden.v1.XrayThreatReport
	NotImage       string          `json:"not_image,omitempty"`     // what the object is that is neither
	NotRendered    string          `json:"not_rendered,omitempty"`  // why there is no picture of the image
	NotWhole       string          `json:"not_whole,omitempty"`     // how many of how many bytes of pixels are there
	PixelBytes     int64           `json:"pixel_bytes"`
	// PixelSHA256 is that of the pixel data as it stands, compressed fragments one after the other without the
	// offset table: equal for a file that was only rewritten.
	PixelSHA256 string    `json:"pixel_sha256,omitempty"`
	Elements    []Element `json:"elements"`

	image  *observation.XrayImage
	report *observation.XrayThreatReport
}

// Element is a data element. Value is a list of numbers, a text, or up to shownBytes bytes as hexadecimal digits.
type Element struct {
	Tag    string      `json:"tag"`
	Name   string      `json:"name,omitempty"`
	VR     string      `json:"vr"`
	Length int64       `json:"length"` // -1 for undefined
	Value  any         `json:"value,omitempty"`
	Items  [][]Element `json:"items,omitempty"`
}

// describe reads the whole of r. Times without a zone are taken as UTC, as no lane file is at hand. An error is a
// *dicom.FormatError, or that of r.
func describe(r io.Reader, _ string) (driver.Description, error) {
	whole, pixels := sha256.New(), sha256.New()
	counted := &counter{w: pixels}
	in := io.TeeReader(r, whole)
	f, err := dicom.Read(in, dicom.DefaultLimits, counted)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	o := newObject(f, time.UTC)
	s := &Summary{
		Format: formatName, SHA256: hex.EncodeToString(whole.Sum(nil)), TransferSyntax: f.Syntax.UID,
		Guessed:    f.Guessed,
		PixelBytes: counted.n,
		Elements:   elements(append(append(dicom.Dataset{}, f.Meta...), f.Dataset...), o.charset), report: o.report(),
	}
	what := o.notImage()
	switch {
	case s.report != nil && (!s.report.Embedded || what != ""):
	case what != "":
		s.NotImage = what
	default:
		s.image = o.image(f)
		s.Image, err = protojson.Marshal(s.image)
		if err := pixel.CheckLength(f); err != nil {
			s.NotWhole = err.Error()
		}
		if err := pixel.Renders(f); err != nil {
			s.NotRendered = err.Error()
		}
	}
	if s.report != nil {
		var reportErr error
		s.Report, reportErr = protojson.Marshal(s.report)
		err = errors.Join(err, reportErr)
	}
	if counted.n > 0 {
		s.PixelSHA256 = hex.EncodeToString(pixels.Sum(nil))
	}
	return s, err
}

// formatName is the format's name in summaries.
const formatName = "dicom"

// counter counts the bytes that go through to w.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.w.Write(p)
}

// shownBytes is the number of bytes of a binary value that are shown; of numbers, those of values up to 4096 bytes
// are.
const shownBytes = 64

// elements describes a data set; texts are decoded as c, also in items that name another character set.
func elements(d dicom.Dataset, c dicom.Charset) []Element {
	out := make([]Element, 0, len(d))
	for _, e := range d {
		one := Element{Tag: e.Tag.String(), Name: e.Tag.Name(), VR: string(e.VR), Length: e.Length}
		for _, it := range e.Items {
			one.Items = append(one.Items, elements(it, c))
		}
		switch {
		case e.Value == nil:
		case len(e.Value) <= 4096 && len(e.Floats()) > 0:
			one.Value = e.Floats()
		case e.String() != "" && e.VR != "UN":
			one.Value = e.Decode(c)
		case len(e.Value) > 0:
			one.Value = hex.EncodeToString(e.Value[:min(len(e.Value), shownBytes)])
		}
		out = append(out, one)
	}
	return out
}

// Text implements driver.Description: a few lines for a terminal, the first of which stands for the file in a list.
func (s *Summary) Text() []string {
	out := []string{fmt.Sprintf("DICOM file, transfer syntax %s, %d %s",
		s.TransferSyntax, len(s.Elements), english.PluralWord(len(s.Elements), "element", ""))}
	if i := s.image; i != nil {
		out = append(out, fmt.Sprintf("%s image of %s %s, %d x %d, %d %s, by %s %s, instance %s", i.Modality, i.OoiType,
			i.OoiId, i.Columns, i.Rows, i.BitsStored, english.PluralWord(int(i.BitsStored), "bit", ""), i.Manufacturer,
			i.Model, i.SopInstance))
		if s.NotWhole != "" {
			out = append(out, "FAULT "+s.NotWhole)
		}
		if s.NotRendered != "" {
			out = append(out, s.NotRendered)
		}
		if i.Aborted {
			out = append(out, "ABORTED scan: "+i.AbortReason)
		}
	}
	if s.NotImage != "" {
		out = append(out, "no image and no threat report: "+s.NotImage)
	}
	if r := s.report; r != nil {
		verdict := r.Decision
		if r.Clear {
			verdict += " (every condition agrees)"
		}
		out = append(out, fmt.Sprintf("%s threat report on %s: %s, %d of %d %s alarm", r.Type, r.OoiId, verdict,
			r.AlarmObjects, r.TotalObjects, english.PluralWord(int(r.TotalObjects), "object", "")))
		for _, t := range r.Objects {
			for _, a := range t.Assessments {
				out = append(out,
					fmt.Sprintf("  object %d: %s %s, %s, probability %.2f, mass %g g, density %g, Zeff %g", t.Id,
						a.Category, a.Description, a.Flag, a.Probability, a.MassG, a.Density, a.ZEffective))
			}
		}
	}
	return out
}
