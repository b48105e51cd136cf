// Package plate is the driver of plate readers: a web hook for Rekor (OpenALPR) and Plate Recognizer, and ONVIF Profile M events from an
// MQTT broker. A payload and its pictures are kept whole as artifacts. docs/protocols/plate.md.
package plate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Bounds of one payload.
const (
	MaxBodyBytes = 16 << 20
	maxJSONBytes = 4 << 20
	maxPictures  = 8
	maxTaped     = 1 << 20
)

// Config is the settings of a plate reader.
type Config struct {
	HTTP    *transport.HTTP `yaml:"http" help:"web hook to which the reader posts; bodies of more than 16 MiB are refused whatever max_bytes says"`
	MQTT    *MQTT           `yaml:"mqtt" help:"broker from which ONVIF Profile M events are read"`
	Forward *float64        `yaml:"forward_heading" min:"0" max:"360" unit:"degrees" help:"heading of vehicles in the picture that go the lane's way, as the reader gives it: 0 up, 180 down; without it the direction is not known"`
}

// Sandbox implements driver.Sandboxed.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.HTTP, c.MQTT = &transport.HTTP{Listen: at.Listen, Path: "/", MaxBytes: MaxBodyBytes}, nil
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.HTTP == nil && c.MQTT == nil {
		return errors.New("give http, mqtt or both")
	}
	return nil
}

// Spec describes the driver.
var Spec = driver.New("plate", "Plate reader", build).OnPort(1883) // of the ONVIF broker

func build(c Config, env driver.Env) (driver.Driver, error) {
	if c.HTTP != nil {
		h := *c.HTTP
		h.MaxBytes = min(h.MaxBytes, MaxBodyBytes)
		c.HTTP = &h
	}
	return &reader{Config: c, env: env}, nil
}

type reader struct {
	Config
	env    driver.Env
	faults driver.FaultLog
}

// Run implements driver.Driver.
func (r *reader) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	if r.HTTP != nil {
		sink.State(observation.DeviceState_STATE_RUNNING, "waiting for the reader's posts")
		g.Go(func() error {
			return r.HTTP.Serve(ctx, func(ctx context.Context, d transport.Document) error { return r.posted(ctx, sink, d) })
		})
	}
	if r.MQTT != nil {
		g.Go(func() error {
			return r.MQTT.run(ctx, sink, r.env.Device, r.env.Tape, func(ctx context.Context, payload []byte) error {
				return r.take(ctx, sink, payload, nil, r.MQTT.Broker)
			})
		})
	}
	return g.Wait()
}

// posted takes a post. It is acknowledged when posted returned nil.
func (r *reader) posted(ctx context.Context, sink driver.Sink, d transport.Document) error {
	kind, params, err := mime.ParseMediaType(d.MediaType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		text, err := readJSON(d.Body)
		if err != nil {
			return err
		}
		return r.take(ctx, sink, text, nil, d.Peer)
	}
	f, err := transport.Spool(d.Body)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := jsonPart(f, params["boundary"])
	if err != nil {
		return r.bad(ctx, sink, nil, d.Peer, err)
	}
	return r.take(ctx, sink, text, func(each func(name string, r io.Reader) error) error {
		return parts(f, params["boundary"], func(p *multipart.Part) error {
			if p.FileName() == "" {
				return nil
			}
			return each(p.FileName(), p)
		})
	}, d.Peer)
}

// readJSON reads a body that is JSON. One that is too large is refused as the endpoint refuses larger ones.
func readJSON(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxJSONBytes+1))
	if err == nil && len(text) > maxJSONBytes {
		err = &http.MaxBytesError{Limit: maxJSONBytes}
	}
	return text, err
}

// parts calls f with each part of a multipart body.
func parts(f *os.File, boundary string, each func(*multipart.Part) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for m, n := multipart.NewReader(f, boundary), 0; ; n++ {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("multipart body: %w", err)
		}
		if n >= maxReads {
			return fmt.Errorf("multipart body of more than %d parts", maxReads)
		}
		if err := each(p); err != nil {
			return err
		}
	}
}

// jsonPart finds the field json in a body that is whole.
func jsonPart(f *os.File, boundary string) (text []byte, err error) {
	err = parts(f, boundary, func(p *multipart.Part) error {
		if p.FormName() != "json" || text != nil {
			_, err := io.Copy(io.Discard, p) // a body that broke off is found before anything is kept of it
			return err
		}
		var err error
		text, err = readJSON(p)
		return err
	})
	if err == nil && text == nil {
		err = errors.New("multipart body without a field named json")
	}
	return text, err
}

// take decodes, keeps and commits one payload. pictures gives those that came beside it; it may be nil.
func (r *reader) take(ctx context.Context, sink driver.Sink, text []byte, pictures func(func(string, io.Reader) error) error, source string) error {
	r.env.Tape.RecordDocument("payload.json", text[:min(len(text), maxTaped+1)])
	reads, err := Decode(text)
	if err != nil {
		return r.bad(ctx, sink, text, source, err)
	}
	if len(reads) == 0 {
		sink.State(observation.DeviceState_STATE_RUNNING, "the reader is there")
		return nil
	}
	artifact, err := sink.StoreArtifact(ctx, bytes.NewReader(text), "application/json", "payload.json")
	if err != nil {
		return err
	}
	beside := []*observation.Artifact{artifact}
	keep := func(name string, body io.Reader) error {
		if len(beside) > maxPictures {
			return nil
		}
		a, err := sink.StoreArtifact(ctx, body, "image/jpeg", name)
		beside = append(beside, a)
		return err
	}
	if pictures != nil {
		if err := pictures(keep); err != nil {
			return err
		}
	}
	var obs []*observation.Observation
	for i := range reads {
		one := &reads[i]
		all := beside
		for _, p := range one.Pictures {
			a, err := sink.StoreArtifact(ctx, bytes.NewReader(p.JPEG), "image/jpeg", p.Name)
			if err != nil {
				return err
			}
			all = append(all[:len(all):len(all)], a)
		}
		obs = append(obs, r.observation(one, i, text, all))
	}
	if _, err := sink.Commit(ctx, obs...); err != nil {
		return err
	}
	sink.State(observation.DeviceState_STATE_RUNNING, "the reader reads")
	return nil
}

func (r *reader) observation(one *Read, i int, text []byte, artifacts []*observation.Artifact) *observation.Observation {
	at := one.At
	if at.IsZero() {
		at = time.Now().UTC()
	}
	if r.Forward != nil && !math.IsNaN(one.heading) {
		one.Direction = "reverse"
		if off := math.Abs(math.Remainder(one.heading-*r.Forward, 360)); off <= 90 {
			one.Direction = "forward"
		}
	}
	o := observation.New(observation.Class_CLASS_EVENT, at, one.VehiclePlate)
	if !one.At.IsZero() {
		o.Body.DeviceTimeNs = one.At.UnixNano()
	}
	o.Body.Artifacts = artifacts
	o.Key = one.Vendor + ":" + one.ID
	if one.ID == "" {
		o.Key = fmt.Sprintf("%s:%x#%d", one.Vendor, sha256.Sum256(text), i)
	}
	return o
}

// bad refuses a payload, and says why in the journal too.
func (r *reader) bad(ctx context.Context, sink driver.Sink, text []byte, source string, reason error) error {
	var large *http.MaxBytesError
	if errors.As(reason, &large) {
		return reason
	}
	return errors.Join(&transport.BadFileError{Err: reason}, r.faults.Report(ctx, sink, reason.Error(), source, text))
}

// isBad reports whether an error says that a payload can never be read.
func isBad(err error) bool {
	var bad *transport.BadFileError
	return errors.As(err, &bad)
}
