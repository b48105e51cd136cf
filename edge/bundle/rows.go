package bundle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Journal is where steps are kept.
type Journal interface {
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// row is a step that is not journalled yet. It is kept with the state that it tells of, so that a crash between the two
// loses none; its key keeps it from being journalled twice.
type row struct {
	TimeNs int64  `json:"time_ns"`
	Body   []byte `json:"body"` // observation.BundleState
}

// maxRows bounds the rows that wait for a journal that cannot be written.
const maxRows = 64

// add adds a step to those to be journalled; the oldest goes where there are too many. in force is what s says.
func (s *state) add(step observation.BundleState_Step, b *Bundle, why message.Message) {
	body := &observation.BundleState{Step: step, Bundle: b.Path, Sha256: b.SHA256}
	if !why.IsZero() {
		body.Text, body.Message = why.English(), driver.EncodeMessage(why)
	}
	if s.Current != nil {
		body.InForce, body.InForceSha256 = s.Current.Path, s.Current.SHA256
	}
	text, err := proto.Marshal(body)
	if err != nil {
		return // strings that are no UTF-8 cannot be in a path that was signed, nor in our own words
	}
	s.Rows = append(slices.Clone(s.Rows), row{time.Now().UnixNano(), text})
	s.Rows = s.Rows[max(0, len(s.Rows)-maxRows):]
}

// Unjournalled reports whether there are steps that are not journalled yet.
func (s *Store) Unjournalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.state.Rows) > 0
}

// Flush journals the steps that are not journalled yet.
func (s *Store) Flush(ctx context.Context, j Journal) error {
	s.mu.Lock()
	rows := s.state.Rows
	s.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	all := make([]*observation.Observation, 0, len(rows))
	for _, r := range rows {
		o, err := r.observation()
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	if _, err := j.Commit(ctx, all...); err != nil {
		return err
	}
	s.o.stop("journalled")
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	next.Rows = slices.DeleteFunc(slices.Clone(next.Rows), func(r row) bool {
		return slices.ContainsFunc(rows, func(done row) bool { return done.TimeNs == r.TimeNs })
	})
	return s.write(next)
}

// observation returns what is journalled. A bundle that does not work is something to look at.
func (r row) observation() (*observation.Observation, error) {
	body := &observation.BundleState{}
	if err := proto.Unmarshal(r.Body, body); err != nil {
		return nil, err
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(0, r.TimeNs), body)
	if body.Step == observation.BundleState_STEP_REFUSED || body.Step == observation.BundleState_STEP_REVERTED {
		o.Class = observation.Class_CLASS_ALARM
	}
	o.Device = observation.AgentDevice
	o.Key = fmt.Sprintf("bundle/%d/%d", r.TimeNs, body.Step)
	return o, nil
}
