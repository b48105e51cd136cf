package dicos

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
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

	class       string // of the object, a UID
	known       bool   // class has a name
	syntax      string // TransferSyntax's name
	notWhole    error  // NotWhole
	notRendered error  // NotRendered
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
	s.class, s.syntax = o.text(dicom.SOPClassUID), f.Syntax.Name
	_, _, s.known = dicom.ClassName(s.class)
	what := o.notImage()
	switch {
	case s.report != nil && (!s.report.Embedded || what != ""):
	case what != "":
		s.NotImage = what
	default:
		s.image = o.image(f)
		s.Image, err = protojson.Marshal(s.image)
		if err := pixel.CheckLength(f); err != nil {
			s.NotWhole, s.notWhole = err.Error(), err
		}
		if err := pixel.Renders(f); err != nil {
			s.NotRendered, s.notRendered = err.Error(), err
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
func (s *Summary) Text() []message.Message {
	out := []message.Message{message.New("decode.dicom", message.String("syntax", s.TransferSyntax),
		message.Count("n", len(s.Elements)))}
	if s.image != nil {
		out = append(out, s.imageLines()...)
	}
	switch {
	case s.NotImage != "" && s.known:
		out = append(out, message.New("decode.not-image", message.String("class", s.NotImage)))
	case s.NotImage != "":
		out = append(out, message.New("decode.no-pixels", message.String("class", s.class)))
	}
	if s.report != nil {
		out = append(out, reportLines(s.report)...)
	}
	return out
}

func (s *Summary) imageLines() []message.Message {
	i := s.image
	out := []message.Message{message.New("decode.image", message.String("modality", i.Modality),
		message.String("object", strings.TrimSpace(i.OoiType+" "+i.OoiId)), message.Int("columns", i.Columns),
		message.Int("rows", i.Rows), message.Nested("bits", message.New("decode.bits", message.Count("n", i.BitsStored))),
		message.String("maker", strings.TrimSpace(i.Manufacturer+" "+i.Model)),
		message.String("instance", i.SopInstance))}
	if s.notWhole != nil {
		out = append(out, message.New("decode.fault", message.Nested("what", message.Of(s.notWhole))))
	}
	if s.notRendered != nil {
		out = append(out, s.whyNotRendered())
	}
	if i.Aborted {
		out = append(out, message.New("decode.aborted", message.String("reason", i.AbortReason)))
	}
	return out
}

// whyNotRendered describes why there is no picture of the image: mostly the name of its transfer syntax.
func (s *Summary) whyNotRendered() message.Message {
	if errors.Is(s.notRendered, pixel.ErrNoImage) {
		return message.New("decode.no-pixel-data")
	}
	reason := strings.TrimPrefix(s.NotRendered, pixel.ErrNotRendered.Error()+": ")
	cause := message.Quote(reason)
	if reason == s.syntax {
		cause = message.Verbatim(reason)
	}
	return message.New("decode.not-rendered", message.Nested("cause", cause))
}

// reportLines describes a threat report: its decision, then each assessment.
func reportLines(r *observation.XrayThreatReport) []message.Message {
	decision := message.New("decode.report", message.String("object", r.OoiId),
		message.Nested("source", word("kinds.threat-sources.", r.Type)),
		message.Nested("decision", word("kinds.threat-decisions.", r.Decision)),
		message.Nested("agreed", message.When(r.Clear, message.New("decode.agreed"))),
		message.Int("alarms", r.AlarmObjects), message.Count("n", r.TotalObjects))
	out := []message.Message{decision}
	for _, t := range r.Objects {
		for _, a := range t.Assessments {
			what := message.Join(", ", word("kinds.threat-categories.", a.Category), message.Verbatim(a.Description),
				word("decode.threat-flags.", a.Flag))
			out = append(out, driver.Indented(message.New("decode.assessment", message.Int("id", t.Id),
				message.Nested("what", what), message.Percent("probability", float64(a.Probability), 0),
				message.Quantity("mass", float64(a.MassG), 3, "g"), message.Number("density", float64(a.Density), 3),
				message.Number("zeff", float64(a.ZEffective), 3))))
		}
	}
	return out
}

// word returns what the catalogue calls a defined term of DICOS, by the beginning of its codes; a term that has no
// words there is shown as it stands.
func word(codes, term string) message.Message {
	code := codes + strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(term))
	if message.Known(code) {
		return message.New(code)
	}
	return message.Verbatim(term)
}
