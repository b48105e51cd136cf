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
	"path/filepath"
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

const mediaType = "application/dicom"

// Config is the settings of an X-ray system.
type Config struct {
	Network  *Network          `yaml:"network"`
	Folder   *transport.Folder `yaml:"folder"`
	Quality  *Quality          `yaml:"quality"`
	TimeZone string            `yaml:"time_zone" default:"UTC" format:"timezone" example:"America/Toronto"`
}

// tapedOfImages is the number of bytes of an association that are taped, each way: who, what and how, without the
// pixels, which are kept as artifacts.
const tapedOfImages = 64 << 10

// Network is the DICOM receiver.
type Network struct {
	Listen   string `yaml:"listen" required:"true" format:"hostport" example:"0.0.0.0:11112"`
	AETitle  string `yaml:"ae_title" example:"LANE3"`
	Accept   string `yaml:"accept" default:"dicos" enum:"dicos,images"`
	CertFile string `yaml:"cert_file" format:"file"`
	KeyFile  string `yaml:"key_file" format:"file"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.Folder, c.Network = &transport.Folder{Path: at.Folder, Settle: time.Second}, nil
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.Network == nil && c.Folder == nil {
		return errors.New("give network, folder or both")
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("dicos", "X-ray system, DICOS (NEMA IIC 1)", build, Format).OnPort(104).WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) {
	zone, err := driver.Zone(c.TimeZone)
	return newSystem(c, env, zone), err
}

func newSystem(c Config, env driver.Env, zone *time.Location) *system {
	return &system{Config: c, env: env, zone: zone, reports: newReports()}
}

type system struct {
	Config
	env  driver.Env
	zone *time.Location

	analyst *analyst // nil when nothing is to be looked at
	reports reports

	mu     sync.Mutex // guards faults
	faults driver.Faults
}

// Run implements driver.Driver.
func (s *system) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	sources := 1
	if s.Folder != nil && s.Network != nil {
		sources = 2
	}
	ready := driver.WhenReady(sink, sources, message.New("device.waits-images"))
	s.analyst = newAnalyst(s)
	g.Go(func() error { return s.analyst.run(ctx, sink) })
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

// listen takes what scanners store over the network (DICOM C-STORE) until ctx ends. It calls ready once it listens.
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

func (s *system) file(ctx context.Context, sink driver.Sink, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	name := filepath.Base(path)
	err = s.handleObject(ctx, sink, f, name, name)
	var bad *dicom.FormatError
	if errors.As(err, &bad) {
		return &transport.BadFileError{Err: err}
	}
	return err
}

// pushed takes an object from the network: its data set, before which we put what makes a file of it.
func (s *system) pushed(ctx context.Context, sink driver.Sink, o dimse.Object) error {
	var head bytes.Buffer
	if err := dicom.WriteMeta(&head, o.Class, o.Instance, o.Syntax); err != nil {
		return err
	}
	return s.handleObject(ctx, sink, io.MultiReader(&head, o.Data), o.Instance+".dcs", o.CallingAE+" at "+o.Peer)
}

// maxHeader bounds what stands before the pixels and is held in memory while an object streams by.
const maxHeader = 20 << 20

// handleObject reads an object's header, keeps the whole, and commits what it says. The caller may acknowledge the
// object when handleObject returned nil; a *dicom.FormatError says that the object cannot be read.
func (s *system) handleObject(ctx context.Context, sink driver.Sink, r io.Reader, name, source string) error {
	head := &limited{max: maxHeader}
	f, err := dicom.ReadHeader(io.TeeReader(r, head))
	if err == nil && newObject(f, s.zone).text(dicom.SOPInstanceUID) == "" {
		err = message.Wrap(&dicom.FormatError{}, "dicos.no-instance-uid")
	}
	if err == nil {
		err = s.useful(f)
	}
	if err != nil {
		return s.refused(ctx, sink, fmt.Errorf("%s: %w", source, said(err)), head.Bytes())
	}
	s.env.Tape.RecordDocument(name, nil)
	artifact, err := sink.StoreArtifact(ctx, io.MultiReader(bytes.NewReader(head.Bytes()), r), mediaType, name)
	if err != nil {
		return err
	}
	if err := s.whole(f, sink, artifact); err != nil {
		return s.refused(ctx, sink, fmt.Errorf("%s: %w", source, said(err)), head.Bytes())
	}
	list := s.observations(f, artifact)
	added, err := sink.Commit(ctx, list...)
	if err == nil && added > 0 {
		s.pass(ctx, list, artifact)
	}
	return err
}

// useful refuses an object that is neither image nor report.
func (s *system) useful(f *dicom.File) error {
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

// whole checks that the pixel data of a stored object is all there.
func (s *system) whole(f *dicom.File, sink driver.Sink, artifact *observation.Artifact) error {
	r, err := sink.OpenArtifact(artifact)
	if err != nil {
		return err
	}
	defer r.Close()
	return errors.Join(pixel.CheckWhole(f, r, artifact.Size), pixel.CheckLength(f))
}

// pass hands on what is known of a scan: reports, and images to look at.
func (s *system) pass(ctx context.Context, list []*observation.Observation, artifact *observation.Artifact) {
	for _, o := range list {
		switch b := o.Body.Typed().(type) {
		case *observation.XrayThreatReport:
			s.reports.add(b)
		case *observation.XrayImage:
			if s.analyst != nil {
				s.analyst.put(ctx, taken{b, artifact, o.Time(), o.Body.DeviceTimeNs})
			}
		}
	}
}

// limited is a buffer that refuses to grow over its bound.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.max {
		return 0, &dicom.FormatError{Offset: int64(l.Len()),
			Reason: fmt.Sprintf("more than %d bytes stand before the pixel data", l.max)}
	}
	return l.Buffer.Write(p)
}

// observations returns what an object says: an image, a report, or an image with threat tags in it as both.
func (s *system) observations(f *dicom.File, artifact *observation.Artifact) (out []*observation.Observation) {
	o := newObject(f, s.zone)
	at := o.taken()
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

// excerpt is the number of bytes of a bad object in its fault.
const excerpt = 256

// said returns an error of an object with a sentence about its place.
func said(err error) error {
	var bad *dicom.FormatError
	if !errors.As(err, &bad) || err.Error() != bad.Error() {
		return err
	}
	reason := message.Nested("reason", message.Quote(bad.Reason))
	if bad.Path == "" {
		return message.Wrap(err, "dicos.format", message.Int("offset", bad.Offset), reason)
	}
	return message.Wrap(err, "dicos.format-element", message.Int("offset", bad.Offset),
		message.String("element", bad.Path), reason)
}

// refused reports an object that cannot be read. What ended the reading otherwise (the connection) is no fault of its
// own.
func (s *system) refused(ctx context.Context, sink driver.Sink, reason error, head []byte) error {
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
