// Package plate is the driver of plate readers: a web hook for what cameras and readers post, JSON or XML, alone, in
// a form or beside pictures, and a broker to which they publish. A payload and its pictures are kept whole as
// artifacts. vendors.go says where each make has what. docs/protocols/plate.md.
package plate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// Bounds of one payload.
const (
	// MaxBodyBytes is of a post with its pictures.
	MaxBodyBytes    = 16 << 20
	maxPayloadBytes = 4 << 20 // of JSON or XML
	maxPictures     = 8       // beside a payload that are kept; a read has two or three
	maxTaped        = 1 << 20 // bytes of a payload on the tape
	maxID           = 128     // bytes of a vendor's name of a read
)

// Config is the settings of a plate reader (SETTINGS.md). One of HTTP and MQTT must be given, or both. Forward is
// the heading of a vehicle that comes towards the camera, in degrees as the maker gives them; nil for none. Zone is
// of times without one. Bare is how many vehicles in a row without plate are a condition; 0 for none.
type Config struct {
	HTTP    *transport.HTTP `yaml:"http"`
	MQTT    *MQTT           `yaml:"mqtt"`
	Forward *float64        `yaml:"forward_heading" min:"0" max:"360" unit:"degrees"`
	Zone    string          `yaml:"zone" default:"UTC" example:"America/Toronto"`
	Bare    int             `yaml:"no_plate_after" default:"10" min:"0" max:"1000"`
}

// Sandbox implements driver.Sandboxed: posts come to the sandbox's address, and no broker is asked.
func (c *Config) Sandbox(at driver.Sandbox) {
	c.HTTP, c.MQTT = &transport.HTTP{Listen: at.Listen, Path: "/", MaxBytes: MaxBodyBytes}, nil
}

// Check implements driver.Checker.
func (c Config) Check() error {
	if c.HTTP == nil && c.MQTT == nil {
		return message.Errorf("settings.give-http-mqtt")
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return message.Errorf("settings.plate-zone", message.Quoted("zone", c.Zone))
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
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, err
	}
	return &reader{Config: c, env: env, zone: zone}, nil
}

// reader is one plate reader, or several that post to one address.
type reader struct {
	Config
	env    driver.Env
	zone   *time.Location
	faults driver.FaultLog

	mu    sync.Mutex // of those below: posts come side by side
	bare  bareRuns
	known vehicles
}

// Run implements driver.Driver. It ends with ctx, or when the port, the broker or the journal fails.
func (r *reader) Run(ctx context.Context, sink driver.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	sources := r.sources()
	ready := driver.WhenReady(sink, len(sources), message.Join(", ", sources...))
	if r.HTTP != nil {
		g.Go(func() error {
			return r.HTTP.Serve(ctx, ready, func(ctx context.Context, d transport.Document) error {
				return r.posted(ctx, sink, d)
			})
		})
	}
	if r.MQTT != nil {
		g.Go(func() error {
			return r.MQTT.run(ctx, ready, r.env.Device, r.env.Tape, func(ctx context.Context, payload []byte) error {
				return r.commit(ctx, sink, payload, nil, r.MQTT.Broker)
			})
		})
	}
	return g.Wait()
}

// sources returns what the reader's events come by, in words for its state.
func (r *reader) sources() (out []message.Message) {
	if r.HTTP != nil {
		out = append(out, message.New("plate.waits-posts"))
	}
	if r.MQTT != nil {
		out = append(out, message.New("plate.subscribed", message.String("topic", r.MQTT.Topic)))
	}
	return out
}

// picturesBeside calls each with the pictures that came beside a payload; it may be called once for each payload.
type picturesBeside func(each func(name, mediaType string, r io.Reader) error) error

// posted decodes and commits a post. It is acknowledged (200) when posted returned nil or transport.ErrNothing; a
// transport.BadFileError is 400, an *http.MaxBytesError 413, anything else 503 (docs/protocols/plate.md).
func (r *reader) posted(ctx context.Context, sink driver.Sink, d transport.Document) error {
	kind, params, err := mime.ParseMediaType(d.MediaType)
	if err == nil && strings.HasPrefix(kind, "multipart/") {
		return r.multipart(ctx, sink, d, params["boundary"])
	}
	text, err := readPayload(d.Body)
	if err != nil {
		return err
	}
	if kind == "application/x-www-form-urlencoded" || !looksLikePayload(text) && bytes.HasPrefix(text,
		[]byte("json=")) {
		form, err := fromForm(text)
		if err != nil {
			return r.reject(ctx, sink, text, d.Peer, err)
		}
		text = form
	}
	return r.commit(ctx, sink, text, nil, d.Peer)
}

// multipart handles a multipart body. It is spooled, so that it is whole before anything of it is kept.
func (r *reader) multipart(ctx context.Context, sink driver.Sink, d transport.Document, boundary string) error {
	f, err := transport.Spool(d.Body)
	if err != nil {
		return err
	}
	defer f.Close()
	texts, err := payloadParts(f, boundary)
	if err != nil {
		return r.reject(ctx, sink, nil, d.Peer, err)
	}
	return r.commitAll(ctx, sink, texts, func(each func(string, string, io.Reader) error) error {
		return pictureParts(f,
			boundary, each)
	}, d.Peer)
}

// commitAll commits the payloads of one post. One that cannot be read is refused when it is alone, and a fault beside
// others that can.
func (r *reader) commitAll(ctx context.Context, sink driver.Sink, texts [][]byte, beside picturesBeside,
	source string) error {
	sound := slices.ContainsFunc(texts, func(text []byte) bool {
		_, err := Decode(text, r.zone)
		return err == nil
	})
	stored, nothing := false, error(nil)
	for _, text := range texts {
		err := r.commit(ctx, sink, text, beside, source)
		switch {
		case err == nil:
			stored = true
		case errors.Is(err, transport.ErrNothing):
			nothing = err
		case isBad(err) && sound: // its fault is committed
		default:
			return err
		}
	}
	if stored {
		return nil
	}
	return nothing
}

// commit decodes, keeps and commits one payload. beside may be nil; source is the sender, for faults. It returns
// transport.ErrNothing for a payload that is sound and holds no read, a transport.BadFileError, with its fault
// committed, for one that cannot be read, and the journal's error.
func (r *reader) commit(ctx context.Context, sink driver.Sink, text []byte, beside picturesBeside,
	source string) error {
	arrived := r.env.Arrived("payload.json", text[:min(len(text), maxTaped+1)])
	m, err := Decode(text, r.zone)
	if err != nil {
		return r.reject(ctx, sink, text, source, err)
	}
	m.arrived = arrived
	for i := range m.Reads {
		m.Reads[i].arrived = arrived
	}
	m.dropFutureTimes(arrived)
	r.dropRepeats(m)
	for _, w := range m.Warnings {
		if err := r.faults.Report(ctx, sink, w, source, text); err != nil {
			return err
		}
	}
	if len(m.Reads) == 0 && m.Idle.IsZero() {
		return r.reject(ctx, sink, text, source, message.Errorf("plate.no-plate", message.String("vendor", m.Vendor)))
	}
	var obs []*observation.Observation
	if len(m.Reads) > 0 {
		if obs, err = r.store(ctx, sink, m, text, beside); err != nil {
			return err
		}
	}
	if err := r.commitWithConditions(ctx, sink, m, obs); err != nil {
		return err
	}
	if len(m.Reads) == 0 {
		sink.State(observation.DeviceState_STATE_RUNNING, message.New("plate.there", message.Nested("why", m.Idle)))
		return fmt.Errorf("%w: %s", transport.ErrNothing, m.Idle.English())
	}
	sink.State(observation.DeviceState_STATE_RUNNING, message.New("plate.reading"))
	return nil
}

// commitWithConditions commits reads, and what they say of the reader. Vehicles are remembered only once they are
// committed: a post that failed comes again.
func (r *reader) commitWithConditions(ctx context.Context, sink driver.Sink, m *Message,
	obs []*observation.Observation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	obs = append(obs, r.bare.follow(m.arrived, m, r.Config.Bare)...)
	if err := driver.CommitAny(ctx, sink, obs); err != nil {
		r.bare.reset()
		return err
	}
	r.known.remember(m.Reads)
	return nil
}

// dropRepeats removes the reads of a message that an earlier one told of; see vehicles.
func (r *reader) dropRepeats(m *Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(m.Reads)
	if m.Reads = slices.DeleteFunc(m.Reads, r.known.isRepeat); len(m.Reads) == 0 && before > 0 {
		m.Idle = message.New("plate.idle-same")
	}
}

// store stores a payload and its pictures, and makes the observations: each read has the payload and the pictures
// beside it as artifacts, and its own pictures.
func (r *reader) store(ctx context.Context, sink driver.Sink, m *Message, text []byte,
	beside picturesBeside) ([]*observation.Observation, error) {
	mediaType, name := "application/json", "payload.json"
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) {
		mediaType, name = "application/xml", "payload.xml"
	}
	artifact, err := sink.StoreArtifact(ctx, bytes.NewReader(text), mediaType, name)
	if err != nil {
		return nil, err
	}
	common := []*observation.Artifact{artifact}
	if beside != nil {
		err := beside(func(name, mediaType string, body io.Reader) error {
			if len(common) > maxPictures {
				return nil
			}
			a, err := sink.StoreArtifact(ctx, body, mediaType, name)
			common = append(common, a)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var obs []*observation.Observation
	for i := range m.Reads {
		one := &m.Reads[i]
		all := common
		for _, p := range one.Pictures {
			a, err := sink.StoreArtifact(ctx, bytes.NewReader(p.JPEG), "image/jpeg", p.Name)
			if err != nil {
				return nil, err
			}
			all = append(all[:len(all):len(all)], a)
		}
		obs = append(obs, r.observation(one, i, all))
	}
	return obs, nil
}

// observation makes the observation of read i. Its time is the camera's, else that of arrival. With Forward, a
// heading within 90 degrees of it is forward, any other reverse.
func (r *reader) observation(one *Read, i int, artifacts []*observation.Artifact) *observation.Observation {
	at := one.At
	if at.IsZero() {
		at = one.arrived
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
	var content [][]byte // payload and pictures: the vendor's id alone may come with another plate
	for _, a := range artifacts {
		content = append(content, a.Sha256)
	}
	name := one.ID[:min(len(one.ID), maxID)]
	if name == "" {
		name = artifacts[0].Hex()[:16]
	}
	o.Key = driver.Key(fmt.Sprintf("%s:%s#%d", one.Vendor, name, i), content...)
	return o
}

// reject refuses a payload with a transport.BadFileError, and says why in the journal too. A body that is too large
// is refused without a fault: its sender may have been anybody.
func (r *reader) reject(ctx context.Context, sink driver.Sink, text []byte, source string, reason error) error {
	var large *http.MaxBytesError
	if errors.As(reason, &large) {
		return reason
	}
	return errors.Join(&transport.BadFileError{Err: reason},
		r.faults.Report(ctx, sink, message.Of(reason), source, text))
}

// isBad reports whether an error says that a payload can never be read.
func isBad(err error) bool {
	var bad *transport.BadFileError
	return errors.As(err, &bad)
}
