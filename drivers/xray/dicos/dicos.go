// Package dicos is the driver of X-ray systems that deliver DICOS objects (NEMA IIC 1), by DICOM network push
// (C-STORE) or into a drop folder. An image becomes an xray.image, a threat detection report an xray.threat_report;
// the file is kept whole as its artifact, and pixels are never loaded. docs/protocols/dicos.md.
package dicos

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dimse"
	"lanewarden/drivers/xray/pixel"
)

// mediaType of the artifacts, as registered by RFC 3240.
const mediaType = "application/dicom"

// Config is the settings of an X-ray system (SETTINGS.md). One of Network and Folder must be given, or both.
type Config struct {
	Network *Network          `yaml:"network"`
	Folder  *transport.Folder `yaml:"folder"`
	// Quality holds the limits of image quality; nil measures, and calls nothing a fault.
	Quality *Quality `yaml:"quality"`
	// TimeZone is for times that come without one, and for (0008,0201) being absent.
	TimeZone string `yaml:"time_zone" default:"UTC" format:"timezone" example:"America/Toronto"`
}

// tapedOfImages is the number of bytes of an association that are taped, each way: who, what and how, without the
// pixels, which are kept as artifacts.
const tapedOfImages = 64 << 10

// Network is the DICOM receiver. Accept says which SOP classes it offers: "dicos" for those of NEMA IIC 1, "images"
// for plain X-ray images too. With CertFile and KeyFile it speaks TLS 1.2 or later, and nothing else on that port.
type Network struct {
	Listen   string `yaml:"listen" required:"true" format:"hostport" example:"0.0.0.0:11112"`
	AETitle  string `yaml:"ae_title" example:"LANE3"`
	Accept   string `yaml:"accept" default:"dicos" enum:"dicos,images"`
	CertFile string `yaml:"cert_file" format:"file"`
	KeyFile  string `yaml:"key_file" format:"file"`
}

// Sandbox implements driver.Sandboxed: it reads the sandbox's folder and opens no port.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.Folder, c.Network = &transport.Folder{Path: at.Folder, Settle: time.Second}, nil
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.Network == nil && c.Folder == nil {
		return message.Errorf("settings.give-network-folder")
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("dicos", "X-ray system, DICOS (NEMA IIC 1)", build, Format).OnPort(104).WithTests(tests...)

// build fails when the time zone is not known here.
func build(c Config, env driver.Env) (driver.Driver, error) {
	zone, err := driver.Zone(c.TimeZone)
	return newSystem(c, env, zone), err
}

func newSystem(c Config, env driver.Env, zone *time.Location) *system {
	return &system{Config: c, env: env, zone: zone, reports: newReports()}
}

// system is one X-ray system. Objects come from several goroutines at once, one for each association and one for the
// folder; what they share is in the analyst's queue, in reports, which locks itself, and behind mu.
type system struct {
	Config
	env  driver.Env
	zone *time.Location

	analyst *analyst // set by Run; nil in tests of a single object
	reports reports

	mu     sync.Mutex // guards faults
	faults driver.Faults
}

// Run implements driver.Driver. It ends when ctx does, or when the folder, the port or the journal fails, and has
// then ended all of its goroutines, so that the supervisor can start it anew.
func (s *system) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	sources := 1
	if s.Folder != nil && s.Network != nil {
		sources = 2
	}
	ready := driver.WhenReady(sink, sources, message.New("device.waits-images"))
	s.analyst = newAnalyst(s)
	g.Go(func() error { return s.analyst.run(ctx, driver.Unacknowledged(sink)) })
	if s.Folder != nil {
		g.Go(func() error {
			return s.Folder.Watch(ctx, ready, func(ctx context.Context, path string) error {
				return s.file(ctx, sink, path)
			})
		})
	}
	if s.Network != nil {
		g.Go(func() error { return s.listen(ctx, ready, sink) })
	}
	return g.Wait()
}

// listen receives what scanners store over the network (DICOM C-STORE) until ctx ends. It calls ready once it
// listens. Errors: a certificate that cannot be read, a port that is taken.
func (s *system) listen(ctx context.Context, ready func(), sink driver.Sink) error {
	server := &dimse.Server{AETitle: s.Network.AETitle, Log: slog.Default().With("device", s.env.Device)}
	server.Prefer = pixel.RendersSyntax
	if s.Network.Accept == "images" {
		server.Classes = append(slices.Clone(dimse.Classes), dicom.ImageClasses...)
	}
	server.Tap = func(c net.Conn) net.Conn {
		return s.env.Tape.Conn(c, transport.Tap{Limit: tapedOfImages, Called: true})
	}
	if s.Network.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(s.Network.CertFile, s.Network.KeyFile)
		if err != nil {
			return fmt.Errorf("cert_file %s, key_file %s: %w", s.Network.CertFile, s.Network.KeyFile, err)
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	server.Store = func(ctx context.Context, o dimse.Object) error { return s.pushed(ctx, sink, o) }
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Network.Listen)
	if err != nil {
		return err
	}
	ready()
	return server.Serve(ctx, l)
}

// file handles a file of the drop folder. transport.BadFileError has the folder move it to bad/; upon any other
// error it stays and is tried again.
func (s *system) file(ctx context.Context, sink driver.Sink, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	name := transport.FileName(path)
	err = s.handleObject(ctx, sink, f, name, name)
	var bad *dicom.FormatError
	if errors.As(err, &bad) {
		return &transport.BadFileError{Err: err}
	}
	return err
}

// pushed handles an object from the network. Preamble and meta group are put before its data set, so that the
// artifact is a file that any DICOM program reads.
func (s *system) pushed(ctx context.Context, sink driver.Sink, o dimse.Object) error {
	var head bytes.Buffer
	if err := dicom.WriteMeta(&head, o.Class, o.Instance, o.Syntax); err != nil {
		return err
	}
	return s.handleObject(ctx, sink, io.MultiReader(&head, o.Data), o.Instance+".dcs", o.CallingAE+" at "+o.Peer)
}

// maxHeader bounds what stands before the pixels and is held in memory while an object streams by, in bytes: the 16
// MiB of values that dicom.DefaultLimits allows, and what surrounds them.
const maxHeader = 20 << 20

// headerPiece is how much of a header is held in one piece, in bytes.
const headerPiece = 64 << 10

// handleObject reads an object's header, keeps the whole, and commits what it says. name is the artifact's; source,
// for people, says where the object came from. The caller may acknowledge the object when handleObject returned nil;
// a *dicom.FormatError says that the object cannot be read, and that a device.fault was committed. Any other error
// is that of r or of the journal, and the object may be sent again.
//
// An object that comes again is stored and committed under the same keys, which adds nothing to the journal;
// previews are made of new ones only.
func (s *system) handleObject(ctx context.Context, sink driver.Sink, r io.Reader, name, source string) error {
	head := &limited{max: maxHeader}
	f, err := dicom.ReadHeader(io.TeeReader(r, head))
	if err == nil && newObject(f, s.zone).text(dicom.SOPInstanceUID) == "" {
		err = message.Wrap(&dicom.FormatError{}, "dicos.no-instance-uid")
	}
	if err == nil {
		err = s.checkContent(f)
	}
	if err != nil {
		return s.reportRefused(ctx, sink, fmt.Errorf("%s: %w", source, err), head.start())
	}
	s.env.Tape.RecordDocument(name, nil)
	artifact, err := sink.StoreArtifact(ctx, io.MultiReader(head.reader(), r), mediaType, name)
	if err != nil {
		return err
	}
	if err := s.checkPixels(f, sink, artifact); err != nil {
		return s.reportRefused(ctx, sink, fmt.Errorf("%s: %w", source, err), head.start())
	}
	list := s.observations(f, artifact)
	added, err := sink.Commit(ctx, list...)
	if err == nil && added > 0 {
		s.forward(ctx, list, artifact)
	}
	return err
}

// checkContent refuses an object that is neither image nor report with a *dicom.FormatError that says what it is.
func (s *system) checkContent(f *dicom.File) error {
	o := newObject(f, s.zone)
	if what := o.notImage(); what != "" && o.report() == nil {
		class := o.text(dicom.SOPClassUID)
		if _, _, known := dicom.ClassName(class); !known {
			return message.Wrap(&dicom.FormatError{}, "dicos.no-pixels", message.String("class", class))
		}
		return message.Wrap(&dicom.FormatError{}, "dicos.not-image", message.String("class", what))
	}
	return nil
}

// checkPixels checks that the pixel data of a stored object is all there, by its lengths and those of its fragments,
// without decoding it. It must read the artifact, because the object itself has streamed by.
func (s *system) checkPixels(f *dicom.File, sink driver.Sink, artifact *observation.Artifact) error {
	r, err := sink.OpenArtifact(artifact)
	if err != nil {
		return err
	}
	defer r.Close()
	return errors.Join(pixel.CheckWhole(f, r, artifact.Size), pixel.CheckLength(f))
}

// forward hands on what is known of a scan: reports, and images to analyse. It may wait for the analyst's queue; the
// acknowledgement waits with it, which slows a system that sends faster than previews can be made.
func (s *system) forward(ctx context.Context, list []*observation.Observation, artifact *observation.Artifact) {
	for _, o := range list {
		switch b := o.Body.Typed().(type) {
		case *observation.XrayThreatReport:
			s.reports.add(b)
		case *observation.XrayImage:
			if s.analyst != nil {
				s.analyst.enqueue(ctx, storedImage{b, artifact, o.Time(), o.Body.DeviceTimeNs})
			}
		}
	}
}

// limited keeps what is written to it, up to max bytes: a write beyond them is a *dicom.FormatError. It grows by pieces
// and never copies, as one slice would that doubles: hostile headers are as long as the bound allows.
type limited struct {
	pieces [][]byte
	n, max int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.n+len(p) > l.max {
		return 0, &dicom.FormatError{Offset: int64(l.n),
			Reason: message.Errorf("dicos.header-too-long", message.Int("most", l.max))}
	}
	l.n += len(p)
	for rest := p; len(rest) > 0; {
		last := len(l.pieces) - 1
		if last < 0 || len(l.pieces[last]) == cap(l.pieces[last]) {
			l.pieces = append(l.pieces, make([]byte, 0, headerPiece))
			last++
		}
		piece := l.pieces[last]
		n := min(len(rest), cap(piece)-len(piece))
		l.pieces[last], rest = append(piece, rest[:n]...), rest[n:]
	}
	return len(p), nil
}

// reader returns a reader of all that was written.
func (l *limited) reader() io.Reader {
	readers := make([]io.Reader, len(l.pieces))
	for i, piece := range l.pieces {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}

// start returns what was written first: enough for an excerpt.
func (l *limited) start() []byte {
	if len(l.pieces) == 0 {
		return nil
	}
	return l.pieces[0]
}

// observations returns what an object says: an image, a report, or an image with threat tags in it as both. Their
// time is the object's, else the agent's clock; DeviceTimeNs is set only in the former case. The key is kind, SOP
// instance and the artifact's hash: a repeat is recognised, and an instance that comes with other content is not
// taken for one.
func (s *system) observations(f *dicom.File, artifact *observation.Artifact) (out []*observation.Observation) {
	o := newObject(f, s.zone)
	at := o.acquiredAt()
	add := func(class observation.Class, what string, body proto.Message) {
		t := at
		if t.IsZero() {
			t = s.env.Time()
		}
		obs := observation.New(class, t, body)
		obs.Key = what + ":" + o.text(dicom.SOPInstanceUID) + ":" + artifact.Hex()[:16]
		obs.Body.Artifacts = []*observation.Artifact{artifact}
		if !at.IsZero() {
			obs.Body.DeviceTimeNs = at.UnixNano()
		}
		out = append(out, obs)
	}
	if r := o.report(); r != nil {
		class := observation.Class_CLASS_EVENT
		if isAlarm(r) {
			class = observation.Class_CLASS_ALARM
		}
		add(class, "report", r)
		if !r.Embedded || o.notImage() != "" {
			return out
		}
	}
	add(observation.Class_CLASS_EVENT, "image", o.image(f))
	return out
}

// excerpt is the number of bytes of a bad object in its fault: enough for preamble, prefix and meta group.
const excerpt = 256

// reportRefused commits a device.fault about an object that cannot be read, with the first bytes of head, and
// returns reason for the caller to answer with. What ended the reading otherwise (the connection) is no fault of the
// object: it is returned and not reported. An error of the journal takes precedence.
func (s *system) reportRefused(ctx context.Context, sink driver.Sink, reason error, head []byte) error {
	var bad *dicom.FormatError
	if !errors.As(reason, &bad) {
		return reason
	}
	s.mu.Lock()
	s.faults.Add(time.Now().UTC(), message.Of(reason), bad.Offset, head[:min(len(head), excerpt)])
	due := s.faults.Take()
	s.mu.Unlock()
	if len(due) > 0 {
		if _, err := sink.Commit(ctx, due...); err != nil {
			return err
		}
	}
	return reason
}
