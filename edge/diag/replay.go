package diag

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/transport/wait"
)

// Replay runs a recording through a driver in a sandbox, and returns what the driver observes, in
// the driver's order. settings has the type of the Spec's Config and is changed: nothing but the
// recording is read, and nothing is written outside a folder that is deleted afterwards.
// Observations may come together with an error. A driver that asks its device or sets outputs
// cannot be replayed, which is an error.
func Replay(ctx context.Context, spec driver.Spec, settings any, r *Recording) ([]*observation.Observation, error) {
	sandboxed, ok := settings.(driver.Sandboxed)
	if !ok {
		return nil, message.Errorf("recording.no-replay", message.String("driver", spec.Name))
	}
	dir, err := os.MkdirTemp("", "lanewarden-replay-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	p := &player{folder: filepath.Join(dir, "in"), sink: &sandboxSink{dir: dir}}
	if p.listen, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	sandboxed.Sandbox(driver.Sandbox{Folder: p.folder, Listen: p.listen})
	var documents, stream []transport.Record
	for _, one := range r.Records {
		switch one.Kind {
		case transport.RecordDocument:
			documents = append(documents, one)
		case transport.RecordOpen, transport.RecordIn, transport.RecordClose:
			stream = append(stream, one)
		}
	}
	links := transport.NewPlayback(stream, p.sink.close)
	run, err := spec.New(settings, driver.Env{Device: r.About.Device, Now: p.now, Links: links})
	if err != nil {
		return nil, err
	}
	if len(stream) == 0 && len(documents) > 0 {
		err = p.documents(ctx, run, documents)
	} else {
		err = p.stream(ctx, run)
	}
	return p.sink.Observations(), err
}

// freeAddress returns an address of this machine on which nobody listens. Another program may take
// it before the driver does, which the driver then reports.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// player plays a recording to a driver that watches a folder or accepts requests.
type player struct {
	folder, listen string
	sink           *sandboxSink
	at             atomic.Int64 // when the document at hand came, ns since 1970
}

// now is the clock of the driver: when the document at hand came.
func (p *player) now() time.Time { return time.Unix(0, p.at.Load()) }

// stream runs the driver for each connection of the recording, as its supervisor does, until all
// bytes were read.
func (p *player) stream(ctx context.Context, run driver.Driver) error {
	for {
		err := run.Run(ctx, p.sink)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, transport.ErrPlayed) {
			return nil
		}
	}
}

// documents gives the driver one document after the other, while the driver's clock shows when each
// came. Documents whose contents are not on the tape, and those that the driver did not take, are
// named in the error.
func (p *player) documents(ctx context.Context, run driver.Driver, documents []transport.Record) error {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- run.Run(running, p.sink) }()
	var problems []error
	named := 0
	for i, r := range documents {
		name, body, _ := bytes.Cut(r.Data, []byte{0})
		if len(body) == 0 {
			named++
			continue
		}
		p.at.Store(r.At.UnixNano())
		if err := p.document(running, i, string(name), body); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	if named > 0 {
		problems = append(problems,
			message.Errorf("recording.names-only", message.Int("named", named), message.Count("n", len(documents))))
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

const (
	patience  = 20 * time.Second // for a driver to take a document
	takenLook = 20 * time.Millisecond
)

// document drops a document into the folder, or posts it when the driver watches none, and waits
// until the driver has taken it. Which of the two is seen from the folder done that a driver
// creates when it begins to watch.
func (p *player) document(ctx context.Context, n int, name string, body []byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, message.Errorf("recording.not-taken"))
	defer cancel()
	name = filepath.Base(name)
	for posted := false; ; {
		if _, err := os.Stat(filepath.Join(p.folder, "done")); err == nil {
			return p.drop(ctx, fmt.Sprintf("%06d", n), name, body)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.listen+"/", bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
			posted = true
		}
		if posted {
			return nil // what it made of it, a fault for one, it committed
		}
		if err := wait.For(ctx, takenLook); err != nil {
			return err
		}
	}
}

// drop puts a file into the folder, whole, and waits until the driver has moved it away.
func (p *player) drop(ctx context.Context, hidden, name string, body []byte) error {
	part, at := filepath.Join(p.folder, "."+hidden), filepath.Join(p.folder, name)
	if err := os.WriteFile(part, body, 0o600); err != nil {
		return err
	}
	if err := os.Rename(part, at); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(at); errors.Is(err, os.ErrNotExist) {
			return nil // moved to done/ or bad/
		}
		if err := wait.For(ctx, takenLook); err != nil {
			return err
		}
	}
}

// sandboxSink is a driver.Sink that keeps what it is given. Like the journal it takes each key once.
type sandboxSink struct {
	driver.Memory
	dir string

	mu     sync.Mutex
	closed bool
}

// close makes the sink accept nothing more: what a driver closes because the recording ends did not
// happen.
func (s *sandboxSink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Commit implements driver.Sink.
func (s *sandboxSink) Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil || s.closed {
		return 0, err
	}
	return s.Memory.Commit(ctx, obs...)
}

// StoreArtifact implements driver.Sink.
func (s *sandboxSink) StoreArtifact(
	_ context.Context, r io.Reader, mediaType, name string,
) (*observation.Artifact, error) {
	f, err := os.CreateTemp(s.dir, "artifact-*")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), r)
	if err != nil {
		return nil, err
	}
	sum := hash.Sum(nil)
	return &observation.Artifact{Sha256: sum, Size: size, MediaType: mediaType, Name: name},
		os.Rename(f.Name(), s.artifact(sum))
}

// artifact is the file of an artifact in the sandbox.
func (s *sandboxSink) artifact(sum []byte) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x", sum))
}

// OpenArtifact implements driver.Sink.
func (s *sandboxSink) OpenArtifact(a *observation.Artifact) (observation.ArtifactReader, error) {
	return os.Open(s.artifact(a.Sha256))
}

// State implements driver.Sink.
func (s *sandboxSink) State(observation.DeviceState_State, message.Message) {}

// Live implements driver.Sink.
func (s *sandboxSink) Live(driver.Sample) {}

// Match is an observation of the journal beside that of a replay; one of them is nil when the other side has none.
type Match struct {
	Recorded, Replayed *observation.Observation
}

// Same reports whether both sides have the observation, and the same one. Artifacts that the replay
// does not have do not count: a tape holds no images.
func (m Match) Same() bool {
	if m.Recorded == nil || m.Replayed == nil {
		return false
	}
	a, b := plain(m.Recorded), plain(m.Replayed)
	a.Body.Artifacts = slices.DeleteFunc(a.Body.Artifacts, func(one *observation.Artifact) bool {
		return !slices.ContainsFunc(b.Body.Artifacts,
			func(other *observation.Artifact) bool { return proto.Equal(one, other) })
	})
	return proto.Equal(a, b)
}

// plain returns a copy of an observation without what the agent adds to it, such as its time of
// arrival, and without what depends on the time before a recording, such as the state of quality
// control.
func plain(o *observation.Observation) *observation.Observation {
	o = proto.CloneOf(o)
	o.Device, o.Body.AgentDelayNs, o.Body.ClockErrorMs, o.Body.ClockUnsynchronised = "", 0, 0, false
	for _, a := range []*observation.TraceAnalysis{
		o.Body.GetTraceAnalysis(), o.Body.GetTraceVerification().GetAnalysis(), o.Body.GetTraceBlank().GetAnalysis(),
	} {
		if a != nil {
			a.Qc, a.QcReasons, a.QcMessages = "", nil, nil
		}
	}
	if b := o.Body.GetTraceBlank(); b != nil {
		b.AfterAlarm, b.ClearDownSeconds = false, 0
	}
	return o
}

// Compare pairs what was journalled with what a replay has observed, in the order of time. Left out
// are states of the device, which depend on what was before the recording; what was only journalled
// at the recording's edges, of bytes beyond them; and telemetry that only one side has, as it is
// reported when a period ends.
func (r *Recording) Compare(replayed []*observation.Observation) (out []Match) {
	identity := func(o *observation.Observation) string {
		if o.Key != "" {
			return driver.KeyName(o.Key) // without the digest: what differs is shown as one that differs
		}
		return fmt.Sprintf("%d@%d", o.Body.Kind(), o.TimeNs)
	}
	state := func(o *observation.Observation) bool {
		return observation.Describe(o.Body.Kind()).DependsOnPast
	}
	at := map[string][]int{}
	for _, o := range r.Observed {
		if !state(o) {
			at[identity(o)] = append(at[identity(o)], len(out))
			out = append(out, Match{Recorded: o})
		}
	}
	for _, o := range replayed {
		if state(o) {
			continue
		}
		found := -1
		for _, i := range at[identity(o)] {
			if out[i].Replayed == nil && (found < 0 || out[i].Recorded.Key == o.Key) {
				found = i
			}
		}
		if found >= 0 {
			out[found].Replayed = o
			continue
		}
		out = append(out, Match{Replayed: o})
	}
	out = slices.DeleteFunc(out, func(m Match) bool {
		switch {
		case m.Recorded == nil:
			// of the lead-in, or periodic
			return m.Replayed.TimeNs < r.About.From.UnixNano() || m.Replayed.Class == observation.Class_CLASS_TELEMETRY
		case m.Replayed == nil:
			return r.edge(m.Recorded) || m.Recorded.Class == observation.Class_CLASS_TELEMETRY
		}
		return false
	})
	time := func(m Match) int64 {
		if m.Recorded != nil {
			return m.Recorded.TimeNs
		}
		return m.Replayed.TimeNs
	}
	slices.SortStableFunc(out, func(a, b Match) int { return int(min(max(time(a)-time(b), -1), 1)) })
	return out
}

// edge reports whether an observation came so close to the recording's beginning, or so long after
// its end, that its bytes may be outside.
func (r *Recording) edge(o *observation.Observation) bool {
	arrived := time.Unix(0, o.TimeNs+o.Body.AgentDelayNs)
	return arrived.Before(r.About.From.Add(CommitTime)) || arrived.After(r.About.To)
}
