// Package instrument is the driver of radiation instruments that hand over ANSI N42.42 documents (2006, 2011, and 2006
// wrapped in ICD1 events), in a drop folder or by HTTP POST. A document becomes one observation that sums it up, and is
// kept whole as its artifact. docs/protocols/n42.md.
package instrument

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/n42"
	"lanewarden/drivers/transport"
)

// mediaType of N42 documents (RFC 7303); N42.42 registers none.
const mediaType = "application/xml"

// maxTapedDocument is the largest document that goes on the tape as well, in bytes; larger ones are only named
// there, as they are kept as artifacts.
const maxTapedDocument = 1 << 20

// Config is the settings of an instrument (SETTINGS.md). One of Folder and HTTP must be given, or both.
type Config struct {
	Folder *transport.Folder `yaml:"folder"`
	HTTP   *transport.HTTP   `yaml:"http"`
	// TimeZone is that of times without one; instruments of 2006 write the time on their display.
	TimeZone string `yaml:"time_zone" default:"UTC" format:"timezone" example:"America/Toronto"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.Folder, c.HTTP = &transport.Folder{Path: at.Folder, Settle: time.Second}, nil
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.Folder == nil && c.HTTP == nil {
		return message.Errorf("settings.give-folder-http")
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("n42", "Radiation instrument, ANSI N42.42 documents", build, Format)

func build(c Config, env driver.Env) (driver.Driver, error) {
	zone, err := driver.Zone(c.TimeZone)
	return &instrument{Config: c, env: env, zone: zone}, err
}

// instrument is one instrument. Documents may come at the same time by folder and HTTP; the fault log locks itself.
type instrument struct {
	Config
	env    driver.Env
	zone   *time.Location
	faults driver.FaultLog
}

// Run implements driver.Driver. It ends with ctx, or when folder, port or journal fail.
func (n *instrument) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	sources := 1
	if n.Folder != nil && n.HTTP != nil {
		sources = 2
	}
	ready := driver.WhenReady(sink, sources, message.New("device.waits-documents"))
	if n.Folder != nil {
		g.Go(func() error {
			return n.Folder.Watch(ctx, ready, func(ctx context.Context, path string) error {
				return n.file(ctx, sink, path)
			})
		})
	}
	if n.HTTP != nil {
		g.Go(func() error {
			return n.HTTP.Serve(ctx, ready, func(ctx context.Context, d transport.Document) error {
				return n.posted(ctx, sink, d)
			})
		})
	}
	return g.Wait()
}

// file handles a file of the drop folder; a transport.BadFileError moves it to bad/, with any other it is tried
// again.
func (n *instrument) file(ctx context.Context, sink driver.Sink, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return n.handleDocument(ctx, sink, f, transport.FileName(path), transport.FileName(path))
}

// posted handles a document that came by HTTP: 200 after it returned nil, 400 for a transport.BadFileError, else
// 503. It spools the body, so that it is whole before anything is made of it, and memory stays bounded.
func (n *instrument) posted(ctx context.Context, sink driver.Sink, d transport.Document) error {
	f, err := transport.Spool(d.Body)
	if err != nil {
		return err
	}
	defer f.Close()
	return n.handleDocument(ctx, sink, f, d.Name, d.Peer)
}

// errNoMeasurement means that a document holds nothing that was measured.
var errNoMeasurement = message.Errorf("n42.no-measurement")

// handleDocument decodes, keeps and commits one document. name is the artifact's; source, for people, says where it
// came from. The caller may acknowledge it when handleDocument returned nil. A document without measurements is a
// fault and a transport.BadFileError; what it says of alarms, and of the instrument's own severe faults, is
// committed all the same.
func (n *instrument) handleDocument(ctx context.Context, sink driver.Sink, f io.ReadSeeker, name, source string) error {
	arrived, err := n.tape(f, name)
	if err != nil {
		return err
	}
	doc, err := n42.DecodeWith(f, n42.Options{Zone: n.zone})
	if err != nil {
		err = message.Wrap(err, "n42.unreadable")
	}
	if err == nil && doc.Measurements == 0 {
		err = noMeasurement(doc)
		if broken, _ := doc.SevereFaults(); len(doc.Alarms) > 0 || broken != "" {
			if err := n.commit(ctx, sink, f, name, doc, arrived); err != nil {
				return err
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", source, withKnownFormat(f, err))
		return errors.Join(&transport.BadFileError{Err: err}, n.fault(ctx, sink, f, err))
	}
	return n.commit(ctx, sink, f, name, doc, arrived)
}

// withKnownFormat adds what a file is that is no N42 document, when it is of a kind that is known (SPE, PCF, ...),
// so that a technician learns what converts it.
func withKnownFormat(f io.ReadSeeker, err error) error {
	head := make([]byte, driver.HeadBytes)
	if _, seekErr := f.Seek(0, io.SeekStart); seekErr != nil {
		return err
	}
	n, _ := io.ReadFull(f, head) // fewer when the file is short
	if known := driver.Unread(head[:n]); !known.IsZero() && !n42.Recognise(head[:n]) {
		return message.Wrap(err, "unread.because", message.Nested("what", known))
	}
	return err
}

// noMeasurement explains why a document holds no measurement, as far as its warnings tell.
func noMeasurement(d *n42.Document) error {
	if len(d.Warnings) == 0 {
		return errNoMeasurement
	}
	return message.Wrap(errNoMeasurement, "n42.warning", message.Nested("warning", message.Of(d.Warnings[0])))
}

// commit keeps a document and commits its observation, an alarm when the instrument put one into it. Its time is the
// document's, else arrived. The key is the content's: a document that comes again adds nothing.
func (n *instrument) commit(ctx context.Context, sink driver.Sink, f io.ReadSeeker, name string, doc *n42.Document,
	arrived time.Time) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	artifact, err := sink.StoreArtifact(ctx, f, mediaType, name)
	if err != nil {
		return err
	}
	at := doc.Start
	if at.IsZero() {
		at = arrived
	}
	class := observation.Class_CLASS_EVENT
	if len(doc.Alarms) > 0 {
		class = observation.Class_CLASS_ALARM
	}
	o := observation.New(class, at, spectrum(doc))
	o.Key, o.Body.Artifacts = "n42:"+artifact.Hex(), []*observation.Artifact{artifact}
	if !doc.Start.IsZero() {
		o.Body.DeviceTimeNs = doc.Start.UnixNano()
	}
	all := []*observation.Observation{o}
	if f := deviceFault(doc, at, name); f != nil {
		f.Key = "n42-fault:" + artifact.Hex()
		all = append(all, f)
	}
	_, err = sink.Commit(ctx, all...)
	return err
}

// deviceFault returns the row beside a document in which the instrument says that it, or a detector, does not work;
// nil when it says no such thing.
func deviceFault(d *n42.Document, at time.Time, name string) *observation.Observation {
	reason, count := d.SevereFaults()
	if count == 0 {
		return nil
	}
	var faults []message.Message
	for _, f := range d.Faults {
		if f.Severe() {
			faults = append(faults, faultMessage(f))
		}
	}
	return observation.New(observation.Class_CLASS_EVENT, at, &observation.DeviceFault{
		Reason: reason, Count: uint32(count), Source: name, Message: driver.EncodeMessage(message.Join("; ", faults...)),
	})
}

// faultMessage returns what an instrument says of itself as a message, which in English is that of n42.Fault.String.
func faultMessage(f n42.Fault) message.Message {
	words := message.String("words", strings.TrimSpace(f.Code+" "+f.Severity))
	said := message.String("said", f.Description)
	switch {
	case f.Analysis:
		return message.New("n42.analysis-status", words, said)
	case f.Detector != "":
		return message.New("n42.detector-fault", message.Quoted("detector", f.Detector), words, said)
	}
	return message.New("n42.fault", words, said)
}

// tape records a document and returns when it came: now, or in a replay the recorded time. f stands at its beginning
// after it.
func (n *instrument) tape(f io.ReadSeeker, name string) (time.Time, error) {
	head, err := io.ReadAll(io.LimitReader(f, maxTapedDocument+1))
	if err != nil {
		return time.Time{}, err
	}
	arrived := n.env.Arrived(name, head)
	_, err = f.Seek(0, io.SeekStart)
	return arrived, err
}

// fault reports a document that could not be read, with its first 256 bytes. It returns the journal's error.
func (n *instrument) fault(ctx context.Context, sink driver.Sink, f io.ReadSeeker, reason error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	head := make([]byte, 256)
	size, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	return n.faults.Report(ctx, sink, message.Of(reason), "", head[:size])
}

// spectrum returns the document's summary as a typed body: times in s, dose rates in uSv/h, exposure rates in mR/h.
func spectrum(d *n42.Document) *observation.RadiationSpectrum {
	o := &observation.RadiationSpectrum{
		Format: d.Format, Manufacturer: d.Manufacturer, Model: d.Model, Serial: d.Serial, InstrumentClass: d.Class,
		Measurements: uint32(d.Measurements), Spectra: uint32(d.Spectra), Channels: uint32(d.Channels),
		GammaCounts: float64(d.GammaCounts), NeutronCounts: float64(d.NeutronCounts),
		LiveSeconds: float64(d.Live), RealSeconds: float64(d.Real),
		Detectors: uint32(len(d.Detectors)), Samples: uint32(d.Samples), Occupied: d.Occupied,
		SpeedKph:    float32(d.Speed),
		DoseRateMax: float32(d.DoseRateMax), ExposureRateMax: float32(d.ExposureRateMax),
		DerivedMeasurements: uint32(d.Derived),
		TotalDose:           float32(d.TotalDose),
	}
	warnings, count := d.Problems()
	o.Warnings, o.WarningCount = warnings, uint32(count)
	for _, f := range d.Faults {
		o.Messages = append(o.Messages, driver.EncodeMessage(faultMessage(f)))
	}
	for _, w := range d.Warnings {
		o.Messages = append(o.Messages, driver.EncodeMessage(message.Of(w)))
	}
	if !d.Start.IsZero() {
		o.StartNs = d.Start.UnixNano()
	}
	for _, det := range d.Detectors {
		o.Detector = append(o.Detector, detector(det))
	}
	for _, c := range d.Classes {
		o.Classes = append(o.Classes, &observation.MeasurementClass{
			Name: c.Class, Measurements: uint32(c.Measurements),
			GammaCounts: float64(c.Gamma), NeutronCounts: float64(c.Neutron),
			LiveSeconds: float64(c.Live), RealSeconds: float64(c.Real),
		})
	}
	for _, a := range d.Alarms {
		o.Alarms = append(o.Alarms, &observation.RadiationAlarm{Category: a.Category, Description: a.Description})
	}
	for _, c := range d.Nuclides {
		o.Nuclides = append(o.Nuclides, &observation.Nuclide{Name: c.Name, Category: c.Category,
			Confidence: float32(c.Confidence)})
	}
	return o
}

func detector(det *n42.Detector) *observation.DetectorSummary {
	return &observation.DetectorSummary{
		Name: det.Label(), Spectra: uint32(det.Spectra),
		GammaCounts: float64(det.Gamma), NeutronCounts: float64(det.Neutron),
		LiveSeconds: float64(det.Live), RealSeconds: float64(det.Real), Calibration: floats(det.Calibration),
		Neutrons: det.Neutrons, DoseRates: floats(det.DoseRates), DoseRateMax: float32(det.DoseRateMax),
	}
}

func floats[T ~float64](values []T) (out []float32) {
	for _, v := range values {
		out = append(out, float32(v))
	}
	return out
}
