// Package ionscan is the driver of ion scanners: trace detectors for narcotics and explosives by ion mobility
// spectrometry. JCAMP-DX files and tables in a drop folder, and lines by TCP or serial, go in; analyses with both
// verdicts, verifications, blanks, health and the state of quality control come out. docs/protocols/ionscan.md.
package ionscan

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/transport"
)

// Config is the settings of an instrument (SETTINGS.md). A folder, a link, or both must be given; a link needs a
// profile of the instrument's lines.
type Config struct {
	transport.Link `yaml:",inline"`
	Folder         *transport.Folder              `yaml:"folder"`
	Profile        driver.Ref[line.Profile]       `yaml:"profile" builtin:"profiles" example:"/etc/lanewarden/scanner.yaml"`
	Library        driver.Ref[plasmagram.Library] `yaml:"library" builtin:"substances" default:"open-literature"`
	Labels         []Label                        `yaml:"labels"`
	// LengthCm and FieldVPerCm are of the drift tube, for files that do not say them; 0 for not known.
	LengthCm    float64 `yaml:"drift_length" min:"0" max:"100" default:"0" unit:"cm"`
	FieldVPerCm float64 `yaml:"drift_field" min:"0" max:"2000" default:"0" unit:"V/cm"`
	// MinSNR is how far a peak must stand above the noise.
	MinSNR      float64       `yaml:"min_snr" default:"5" min:"3" max:"1000"`
	Quality     Quality       `yaml:"quality"`
	SilentAfter time.Duration `yaml:"silent_after" default:"2m" min:"1s"`
}

// Label is a label of the instrument's own files: "Quantity is in the record ##Label=". It is tried before
// usualLabels.
type Label struct {
	Quantity string `yaml:"quantity" required:"true" enum:"sample,operator,mode,kind,verdict,substances,polarity,length,field,temperature,pressure,flow,dryer,desorber,samples"`
	Label    string `yaml:"label" required:"true" example:"$DRIFT TEMPERATURE"`
}

// Sandbox implements driver.Sandboxed: the folder is the sandbox's, and so is the link.
func (c *Config) Sandbox(at driver.Sandbox) {
	if c.Folder != nil {
		c.Folder = &transport.Folder{Path: at.Folder, Settle: time.Second}
	}
}

// Check implements driver.Checker.
func (c Config) Check() error {
	switch {
	case c.Folder == nil && c.Link.IsZero():
		return message.Errorf("settings.give-folder-link")
	case !c.Link.IsZero() && c.Profile.Name == "":
		return message.Errorf("settings.need-profile")
	case !c.Link.IsZero():
		return c.Link.Check()
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("ionscan", "Ion scanner (trace detector), JCAMP-DX files and lines by profile", build, Format).
	WithTests(tests...)

func build(c Config, env driver.Env) (driver.Driver, error) {
	return &instrument{Config: c, env: env, quality: newQuality(c.Quality)}, nil
}

// instrument is one instrument, with the state of its quality control.
type instrument struct {
	Config
	env driver.Env

	mu      sync.Mutex // guards what follows: folder and line come side by side
	quality *quality
	faults  driver.Faults
	state   health // what a line instrument said last of itself: its reports of samples refer to it
	stateAt time.Time
}

// Run implements driver.Driver. It resumes quality control from the journal, which must be readable, and ends with
// ctx, or when the folder, the link or the journal fails.
func (n *instrument) Run(ctx context.Context, sink driver.Sink) error {
	if err := n.resume(ctx, sink); err != nil {
		return err
	}
	sink = &rollbackSink{Sink: sink, n: n, kept: n.quality.tally.clone()}
	g, ctx := errgroup.WithContext(ctx)
	if n.Folder != nil {
		ready := func() {} // the line says how the instrument is
		if n.Link.IsZero() {
			ready = driver.WhenReady(sink, 1,
				message.New("device.waits-files", message.String("folder", n.Folder.Path)))
			g.Go(func() error { return n.watchQuality(ctx, sink) })
		}
		g.Go(func() error {
			return n.Folder.Watch(ctx, ready, func(ctx context.Context, path string) error {
				return n.file(ctx, sink, path)
			})
		})
	}
	if !n.Link.IsZero() {
		l := line.Live{Link: n.Link, Profile: n.Profile.Value, SilentAfter: n.SilentAfter, Tick: n.tick}
		g.Go(func() error { return l.Run(ctx, n.env.Links, sink, n.handleReading) })
	}
	return g.Wait()
}

// resume resumes quality control where the journal left it; with an empty journal it begins anew.
func (n *instrument) resume(ctx context.Context, sink driver.Sink) error {
	last, err := sink.Latest(ctx, observation.Kind_KIND_TRACE_QUALITY)
	if err != nil {
		return fmt.Errorf("state of quality control: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if last != nil {
		n.quality.resume(last.Body.GetTraceQuality())
	}
	return nil
}

// qualityTick is the interval at which quality control checks its deadlines.
const qualityTick = time.Second

// watchQuality commits what becomes due by time alone: a verification that is overdue, the end of a shift. With a
// link, line.Live calls tick instead.
func (n *instrument) watchQuality(ctx context.Context, sink driver.Sink) error {
	t := time.NewTicker(qualityTick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		if obs := n.tick(time.Now().UTC()); len(obs) > 0 {
			if _, err := sink.Commit(ctx, obs...); err != nil {
				return err
			}
		}
	}
}

// tick returns what is due at a time, to be committed.
func (n *instrument) tick(at time.Time) []*observation.Observation {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.quality.tick(at)
}

// options of the analysis.
func (c *Config) options() plasmagram.Options { return plasmagram.Options{MinSNR: c.MinSNR} }

// file handles one file of the drop folder: JCAMP-DX by its first record, anything else by the profile. It may move
// to done/ when file returned nil, to bad/ upon a transport.BadFileError; with any other error it is tried again.
func (n *instrument) file(ctx context.Context, sink driver.Sink, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	d := dropped{instrument: n, sink: sink, f: f, name: f.Name()}
	head := make([]byte, driver.HeadBytes)
	size, err := f.ReadAt(head, 0)
	if size == 0 && err != nil {
		head = nil
	}
	if jcampdx.Recognise(head[:size]) {
		return d.importJCAMP(ctx)
	}
	return d.importTable(ctx)
}
