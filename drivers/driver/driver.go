// Package driver is the contract between device drivers and the rest of the house: a Spec describes a driver, a Driver
// runs one device, a Sink takes what it observes, a Format says what a file of the device holds.
package driver

import (
	"context"
	"fmt"
	"image"
	"io"
	"io/fs"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Spec describes a driver.
type Spec struct {
	Name   string // as configurations say it: "tsa"
	Title  string // for people
	Config any    // a pointer to the zero value of its settings; struct tags carry help, units and bounds
	// New makes the driver of one device. settings has the type of Config and was checked against its tags.
	New func(settings any, env Env) (Driver, error)
	// Formats are the files that the driver understands.
	Formats []Format
	// Port is the registered TCP port of the device's protocol, 0 for none: recordings are shown on it.
	Port uint16
	// Tests are the guided tests that the driver offers.
	Tests []Test
	// Texts are the driver's own messages: the names of what it reads, in files NAME.en.yaml and NAME.fr.yaml beside
	// its code. nil for nothing.
	Texts fs.FS
}

// Called returns what the driver is called, for people: the catalogue's driver.NAME, else its Title.
func (s Spec) Called() message.Message { return called("driver."+s.Name, s.Title) }

// Called returns what the format is called, for people: the catalogue's format.NAME, else its Title.
func (f Format) Called() message.Message { return called("format."+f.Name, f.Title) }

func called(code, title string) message.Message {
	if message.Known(code) {
		return message.New(code)
	}
	return message.Verbatim(title)
}

// WithTexts returns the Spec with texts of its own. The folder must be comparable, as an embed.FS is.
func (s Spec) WithTexts(folder fs.FS) Spec {
	s.Texts = folder
	return s
}

// WithTests returns the Spec with guided tests.
func (s Spec) WithTests(tests ...Test) Spec {
	s.Tests = tests
	return s
}

// OnPort returns the Spec with a port.
func (s Spec) OnPort(port uint16) Spec {
	s.Port = port
	return s
}

// Checker is implemented by settings whose fields depend on each other.
type Checker interface {
	// Check reports what is wrong, for the person who writes the configuration.
	Check() error
}

// Vocabulary is implemented by types of settings that are one of a few words: a decoder refuses any other, and suggests
// the one that was meant.
type Vocabulary interface {
	Words() []string
}

// Sandboxed is implemented by settings (by their pointer) of drivers that can be run on a recording. Drivers that ask
// their device, or set outputs, cannot: nothing on a recording answers.
type Sandboxed interface {
	// Sandbox changes the settings so that the driver reads nothing but the recording.
	Sandbox(Sandbox)
}

// Sandbox is the temporary folder and the addresses with which a recording is played.
type Sandbox struct {
	Folder string // a drop folder for documents
	Listen string // HOST:PORT to which documents are posted when there is no folder
}

// Env is a driver's access to its surroundings.
type Env struct {
	Device string            // its device's id
	Links  *transport.Opener // opens its streams
	Tape   *transport.Tape   // for documents; streams are taped by Links
	// Now tells when a document came; nil for the clock. In a replay it is the time of the recording.
	Now func() time.Time
}

// Arrived records a document on the tape and returns when it came, in UTC, as the tape says it: a replay of the tape
// gives the same time.
func (e Env) Arrived(name string, doc []byte) time.Time {
	at := e.Tape.RecordDocument(name, doc)
	if e.Now != nil {
		at = e.Now()
	}
	return at.UTC()
}

// Time returns when a document came, in UTC: the time of an observation whose device gives none.
func (e Env) Time() time.Time {
	if e.Now == nil {
		return time.Now().UTC()
	}
	return e.Now().UTC()
}

// Driver runs one device.
type Driver interface {
	// Run talks to the device until ctx ends or the connection is lost, and returns why. It does not reconnect; its
	// caller does, with back-off. Goroutines that it starts have ended when it returns.
	Run(ctx context.Context, sink Sink) error
}

// Sink takes what a driver observes.
type Sink interface {
	// Commit makes observations durable; see journal.Journal.Commit. The sink fills in device, agent time and clock.
	// Nothing may be acknowledged to the device before it returned without error.
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
	// StoreArtifact keeps bytes whole and durable, and names them for use in an observation.
	StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error)
	// OpenArtifact reads back what StoreArtifact kept.
	OpenArtifact(a *observation.Artifact) (observation.ArtifactReader, error)
	// Latest returns the device's newest observation of a kind that was committed, nil for none within what the journal
	// looks through.
	Latest(ctx context.Context, kind observation.Kind) (*observation.Observation, error)
	// State reports what the driver knows of its device, for a technician; the zero Message when there is nothing to
	// say. Repeating it costs nothing. It says running when something was understood, or when all that documents come
	// by can be used (WhenReady), not before.
	State(state observation.DeviceState_State, about message.Message)
	// Live takes a sample for strip charts. It is kept in a bounded ring and never journalled.
	Live(Sample)
}

// Sample is one moment of a live waveform.
type Sample struct {
	At      time.Time
	Channel string    // "gamma", "neutron", "weight"
	Values  []float32 // one per detector: counts in Interval, or kg; NaN for no value
	// Interval is the time over which counts were counted; 0 for what is no count. A portal counts its background
	// over longer intervals than a vehicle, so counts of two samples compare only as rates.
	Interval time.Duration
}

// PerSecond returns the values as counts per second, or as they are when they are no counts.
func (s Sample) PerSecond() []float32 {
	if s.Interval <= 0 {
		return s.Values
	}
	out := make([]float32, len(s.Values))
	for i, v := range s.Values {
		out[i] = v / float32(s.Interval.Seconds())
	}
	return out
}

// Format is a kind of file that a driver understands.
type Format struct {
	Name  string // "n42", "tsa-daily"
	Title string
	// Recognise reports whether a file that begins with head (up to 4 KiB) is of this format, by content.
	Recognise func(head []byte) bool
	// Describe reads the file and says what it holds. name is the file's name, for formats that keep a date there.
	Describe func(r io.Reader, name string) (Description, error)
	// Draw makes a picture of the file; nil when the format has none.
	Draw func(f Source, v View) (image.Image, error)
}

// Referring is a Description that says more with a document at hand: a library of substances.
type Referring interface {
	Description
	// Reference returns what the document is to be loaded into, and the folder of firmware-config that has built-in
	// ones.
	Reference() (ref Reference, folder string)
	// Refer says it again, with the document that was loaded.
	Refer()
}

// Source is a file whose size is known.
type Source struct {
	io.ReaderAt
	Size int64
}

// View describes what of a file is to be drawn, and how. The zero View is a preview of all.
type View struct {
	Region  image.Rectangle // in pixels of the original; empty for all
	MaxSide int             // longest side of the picture, pixels; 0 for the format's own
	Exact   bool            // the values as they are, in 16 bits, instead of a picture for people
	Invert  bool
	Log     bool // on a logarithmic scale
	// Dark and Light are what is shown black and white, as shares of the usual window: 0.2 and 0.5 spread that part of
	// it. 0 and 0 for all.
	Dark, Light float64
	Equalise    bool     // contrast by neighbourhood
	With        []Source // other files of the same event: the other energy, reports
}

// HeadBytes is the number of bytes of a file that Recognise gets at most.
const HeadBytes = 4 << 10

// Description describes what a file holds, for people (Text) and programs (its JSON form).
type Description interface {
	// Text returns lines for a person to read. A tab in a line stands between columns.
	Text() []message.Message
}

// Indented returns a line of a Description that belongs to the one above it.
func Indented(m message.Message) message.Message {
	return message.Join("", message.Verbatim(indent), m)
}

const indent = "  "

// New makes a Spec from a typed constructor.
func New[C any](name, title string, build func(C, Env) (Driver, error), formats ...Format) Spec {
	return Spec{
		Name: name, Title: title, Config: new(C), Formats: formats,
		New: func(settings any, env Env) (Driver, error) {
			c, ok := settings.(*C)
			if !ok {
				return nil, fmt.Errorf("driver %s: settings are a %T, not a %T", name, settings, c)
			}
			return build(*c, env)
		},
	}
}
