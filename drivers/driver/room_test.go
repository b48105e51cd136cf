package driver

import (
	"context"
	"testing"
	"time"

	"lanewarden/drivers/observation"
)

// fullSink has room for classes up to most.
type fullSink struct {
	Sink
	memory Memory
	most   observation.Class
}

func (s *fullSink) Commit(ctx context.Context, obs ...*observation.Observation) (int, error) {
	for _, o := range obs {
		if o.Class > s.most {
			return 0, ErrNoRoom
		}
	}
	return s.memory.Commit(ctx, obs...)
}

func TestUnacknowledgedLeavesOutWhatHasNoRoom(t *testing.T) {
	all := func() []*observation.Observation {
		var out []*observation.Observation
		for _, class := range observation.Classes {
			out = append(out, observation.New(class, time.Unix(1, 0), &observation.RadiationTamper{Tripped: true}))
		}
		return out
	}
	for most, want := range map[observation.Class]int{
		observation.Class_CLASS_TELEMETRY: 3, observation.Class_CLASS_EVENT: 2, observation.Class_CLASS_ALARM: 1,
	} {
		s := &fullSink{most: most}
		if added, err := Unacknowledged(s).Commit(t.Context(), all()...); err != nil || added != want {
			t.Errorf("room up to %s: kept %d, %v, want %d", most.Name(), added, err, want)
		}
	}
	s := &fullSink{most: observation.Class_CLASS_EVENT}
	telemetry := all()[2:]
	if added, err := Unacknowledged(s).Commit(t.Context(), telemetry...); err != nil || added != 0 {
		t.Errorf("telemetry alone: %d, %v", added, err)
	}
}
